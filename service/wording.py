"""Losses, mechanisms, shares and types as people read them."""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction
from typing import Any, Final

from sandbox.schema import Field, Kind
from service.messages.catalogue import language as users_language
from service.messages.catalogue import say

MECHANISMS: Final = {
    "discrete-laplace": "reports.mechanism-laplace",
    "discrete-gaussian": "reports.mechanism-gaussian",
}
"""Noise mechanism → message key of its name."""

WINDOWS: Final = {
    "hour": "reports.window-hour",
    "day": "reports.window-day",
    "week": "reports.window-week",
    "month": "reports.window-month",
}
"""Length of a pacing window → message key."""

STATES: Final = {
    "submitted": "cli.state-submitted",
    "awaiting-approval": "cli.state-awaiting-approval",
    "charged": "cli.state-charged",
    "running": "cli.state-running",
    "interrupted": "cli.state-interrupted",
    "released": "cli.state-released",
    "failed": "cli.state-failed",
    "refused": "cli.state-refused",
    "cancelled": "cli.state-cancelled",
}
"""State of a job → message key."""

MEASURED: Final = {
    "count": "cli.kind-count",
    "sum": "cli.kind-sum",
    "product": "cli.kind-product",
    "histogram": "cli.kind-histogram",
    "units": "cli.kind-units",
    "distinct": "cli.kind-distinct",
    "quantile": "cli.kind-quantile",
    "selection": "cli.kind-selection",
}
"""Kind of a measurement → message key."""

APPROVALS: Final = {
    "auto": "cli.approval-auto",
    "owner": "cli.approval-owner",
    "owner+reviewer": "cli.approval-both",
}
"""Whose yes a job needs → message key."""


def tidy(amount: object) -> str:
    """Return decimal text at four digits for the eye: ``"0.000001"`` → ``"1e-6"``; None → ``"–"``."""
    if amount is None:
        return "–"
    short = f"{float(Fraction(str(amount))):.4g}"
    mantissa, sign, exponent = short.partition("e")
    return f"{mantissa}e{int(exponent)}" if sign else short


def loss(amount: Mapping[str, Any] | None) -> str:
    """Return a loss in one line: ``ε 0.5`` under the pure filter, ``ε 0.5 (ρ 0.0044, δ 1e-6)`` under zCDP."""
    if amount is None:
        return "–"
    if amount["filter"] == "pure":
        return f"ε {tidy(amount['epsilon'])}"
    return f"ε {tidy(amount['epsilon'])} (ρ {tidy(amount['rho'])}, δ {tidy(amount['delta'])})"


def mechanism(name: str, language: str | None = None) -> str:
    """Return the name of a noise mechanism in *language*, the user's if None."""
    return say(MECHANISMS[name], language or users_language()) if name in MECHANISMS else name


def window(every: str, language: str | None = None) -> str:
    """Return what a pacing window is called in *language*, the user's if None."""
    return say(WINDOWS[every], language or users_language()) if every in WINDOWS else every


def measured(kind: str) -> str:
    """Return a kind of measurement in the user's language."""
    return say(MEASURED[kind], users_language()) if kind in MEASURED else kind


def approval(name: str) -> str:
    """Return whose yes a job needs, in the user's language."""
    return say(APPROVALS[name], users_language()) if name in APPROVALS else name


def share(part: Mapping[str, Any], whole: Mapping[str, Any]) -> float:
    """Return how much of the loss *whole* the loss *part* is, from 0 to 1.

    Under zCDP the currency is ρ: equal ε do not add up, equal ρ do.
    """
    currency = "epsilon" if whole["filter"] == "pure" else "rho"
    total = Fraction(str(whole[currency] or 0))
    return min(float(Fraction(str(part[currency] or 0)) / total), 1.0) if total > 0 else 1.0


def state(name: str) -> str:
    """Return a job's state in the user's language."""
    return say(STATES[name], users_language()) if name in STATES else name


def kind_text(field: Field) -> str:
    """Return a column's type as owners write it: ``integer``, ``decimal(12,2)``."""
    return f"decimal({field.precision},{field.scale})" if field.kind is Kind.DECIMAL else field.kind.value
