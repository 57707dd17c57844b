"""Losses as text for people and JSON: decimal, exact or rounded to the unsafe side's opposite."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

from sandbox.privacy.loss import ATTO, PICO, Filter, Loss, affordable_epsilon, epsilon_of_rho


def loss_to_json(loss: Loss, filter_: Filter, delta: Fraction) -> dict[str, Any]:
    """Return ``{"filter", "epsilon", "delta", "rho"}`` as decimal text.

    Under zcdp, ε is what ρ amounts to at the lineage's δ (rounded up); under pure, ρ is null.
    """
    if filter_ is Filter.PURE:
        return {"filter": "pure", "epsilon": decimal(loss.epsilon_pico, PICO), "delta": "0", "rho": None}
    epsilon = epsilon_of_rho(loss.rho_pico, delta)
    spent = Fraction(loss.delta_atto, ATTO)
    return {
        "filter": "zcdp",
        "epsilon": decimal(_ceil(epsilon * 10**6), 10**6),
        "delta": fraction(delta + spent),
        "rho": decimal(loss.rho_pico, PICO),
    }


def left_to_json(left: Loss, filter_: Filter, delta: Fraction) -> dict[str, Any]:
    """Return *left* like `loss_to_json`, its ε rounded so that a job that asks for it is admitted."""
    return loss_to_json(left, filter_, delta) | {"epsilon": affordable_epsilon(left, filter_, delta)}


def decimal(units: int, per_one: int) -> str:
    """Return units/per_one (a power of ten) as decimal text without trailing zeros."""
    sign = "-" if units < 0 else ""
    whole, rest = divmod(abs(units), per_one)
    digits = str(rest).rjust(len(str(per_one)) - 1, "0").rstrip("0")
    return f"{sign}{whole}.{digits}" if digits else f"{sign}{whole}"


def fraction(value: Fraction) -> str:
    """Return *value* as exact decimal text; up to 60 digits behind the point."""
    return decimal(_ceil(value * 10**60), 10**60)


def _ceil(value: Fraction) -> int:
    return -(-value.numerator // value.denominator)
