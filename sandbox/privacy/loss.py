"""Privacy loss as exact integers, and the one conversion between ε and ρ.  Pure.

A loss counts ε in 10^-12, ρ in 10^-12 and δ in 10^-18; sums and comparisons are integer arithmetic, so n
equal losses cost exactly n times one.  The laws:

* Under ``pure`` the currency is ε.  Under ``zcdp`` it is (ρ, δ), and every ε a person writes (a limit, a
  window, a job's) is converted once, by the same formula and rounded *down*, at the lineage's public δ:

      ρ = (√(L + ε) - √L)²,  L = ln(1/δ),

  the largest ρ for which ρ-zCDP implies (ε, δ)-DP by Bun & Steinke 2016, Proposition 1.3,
  ε = ρ + 2·√(ρ·L).  So what a person wrote is never exceeded, and a job of ε = 1 fits a limit of ε = 1.
* A job's noise is calibrated to the integer that is charged, never the other way round: the charge *is* the
  loss, nothing is rounded between them.  A loss computed from given noise is rounded up.
* The conversion uses up the whole δ of a limit, so a limit in ε leaves nothing for mechanisms that spend a δ
  of their own: the δ component of `limit_of_epsilon` is 0.

No component passes 10^6 (10^18 units): a sum of what a limit admits and one more loss fits a signed 64-bit
integer.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import ROUND_DOWN, ROUND_HALF_EVEN, Context, Decimal
from enum import StrEnum
from fractions import Fraction
from math import isqrt
from typing import Final

from sandbox.errors import InvalidInputError
from sandbox.schema import exact

PICO: Final = 10**12
"""Units of ε and of ρ in 1."""
ATTO: Final = 10**18
"""Units of δ in 1."""
MAX_EPSILON: Final = 10**6
"""The largest ε (and ρ) anybody may write."""

# Decimal's sqrt and ln are correctly rounded, as are its basic operations: each adds a relative error of at
# most 10^-79.  δ is a multiple of 10^-18 below 1, hence L ≥ 10^-18, and the error of 1/δ grows in ln to at
# most 10^-79/10^-18 = 10^-61 of L.  Fewer than ten more operations, none of which subtracts, leave every
# result here within 10^-59 of the truth, relatively; a margin of 10^-50 makes the directed rounding safe.
_CONTEXT: Final = Context(prec=80, rounding=ROUND_HALF_EVEN)
_MARGIN: Final = Fraction(1, 10**50)


class Filter(StrEnum):
    """How losses of a lineage add up; fixed when the lineage is minted."""

    PURE = "pure"
    ZCDP = "zcdp"


@dataclass(frozen=True, slots=True)
class Loss:
    """What a charge costs, or what a limit allows: ε and ρ in 10^-12, δ in 10^-18, none negative."""

    epsilon_pico: int = 0
    rho_pico: int = 0
    delta_atto: int = 0

    def __post_init__(self) -> None:
        if any(type(part) is not int or part < 0 for part in self.parts()):
            raise ValueError("a loss is made of non-negative integers")

    def parts(self) -> tuple[int, int, int]:
        """Return ε, ρ and δ in their units."""
        return self.epsilon_pico, self.rho_pico, self.delta_atto

    def __add__(self, other: Loss) -> Loss:
        return Loss(
            self.epsilon_pico + other.epsilon_pico,
            self.rho_pico + other.rho_pico,
            self.delta_atto + other.delta_atto,
        )

    def minus(self, other: Loss) -> Loss:
        """Return what is left of this limit after *other* was spent; no component falls below 0."""
        return Loss(
            max(self.epsilon_pico - other.epsilon_pico, 0),
            max(self.rho_pico - other.rho_pico, 0),
            max(self.delta_atto - other.delta_atto, 0),
        )

    def within(self, limit: Loss) -> Loss:
        """Return what is left of both this limit and *limit*."""
        return Loss(*map(min, self.parts(), limit.parts()))

    def fits(self, limit: Loss) -> bool:
        """Return whether no component passes *limit*'s; what a limit does not name it does not allow."""
        return (
            self.epsilon_pico <= limit.epsilon_pico
            and self.rho_pico <= limit.rho_pico
            and self.delta_atto <= limit.delta_atto
        )

    def times_in(self, limit: Loss) -> int:
        """Return how often this loss, more than nothing, fits *limit*."""
        pairs = zip(limit.parts(), self.parts(), strict=True)
        return min(have // each for have, each in pairs if each)

    def to_json(self) -> dict[str, int]:
        """Return the three integers by name, as log leaves carry them."""
        return {
            "epsilon_pico": self.epsilon_pico,
            "rho_pico": self.rho_pico,
            "delta_atto": self.delta_atto,
        }


ZERO: Final = Loss()


def parse_epsilon(value: str | int | float | Decimal | Fraction) -> Fraction:
    """Return the ε that *value* says, exactly: 0.1 is 1/10.

    Raises `InvalidInputError` for booleans, NaN, infinities, other text, numbers not above 0, above
    `MAX_EPSILON` or with more than 12 decimals.
    """
    try:
        epsilon = exact(value)
    except InvalidInputError:
        raise InvalidInputError("privacy.epsilon-not-a-number", value=str(value)[:40]) from None
    if epsilon <= 0:
        raise InvalidInputError("privacy.epsilon-not-positive", value=str(value)[:40])
    if epsilon > MAX_EPSILON:
        raise InvalidInputError("privacy.epsilon-too-large", value=str(value)[:40], limit=MAX_EPSILON)
    if (epsilon * PICO).denominator != 1:
        raise InvalidInputError("privacy.epsilon-too-fine", value=str(value)[:40])
    return epsilon


def rho_of_epsilon(epsilon: Fraction, delta: Fraction, *, up: bool) -> int:
    """Return ρ = (√(L + ε) - √L)², L = ln(1/δ), in 10^-12, rounded up or down, never to the nearest.

    Computed as ε²/(√(L + ε) + √L)², which subtracts nothing.  0 < *delta* < 1 in multiples of 10^-18.
    """
    log = _log_of_inverse(delta)
    ctx = _CONTEXT
    roots = ctx.add(ctx.sqrt(ctx.add(log, _decimal(epsilon))), ctx.sqrt(log))
    root = ctx.divide(_decimal(epsilon), roots)
    return _directed(ctx.multiply(root, root), up=up)


def epsilon_of_rho(rho_pico: int, delta: Fraction, *, up: bool = True) -> Fraction:
    """Return ε = ρ + 2·√(ρ·L) of ρ-zCDP at *delta*, as a multiple of 10^-12 rounded up (or down)."""
    ctx = _CONTEXT
    rho = _decimal(Fraction(rho_pico, PICO))
    root = ctx.sqrt(ctx.multiply(rho, _log_of_inverse(delta)))
    return Fraction(_directed(ctx.add(rho, ctx.add(root, root)), up=up), PICO)


def rho_of_pure(epsilon_pico: int) -> int:
    """Return ε²/2 in 10^-12, rounded up: an ε-DP mechanism is (ε²/2)-zCDP (Bun & Steinke 2016, Prop. 1.4).

    Both are in units of 10^-12.  What comes out is for comparing with a limit: it may pass 10^18.
    """
    return -(-(epsilon_pico**2) // (2 * PICO))


def pure_of_rho(rho_pico: int) -> int:
    """Return the largest ε, in 10^-12, whose `rho_of_pure` is at most *rho_pico*."""
    return isqrt(2 * PICO * rho_pico)


def cost_of_epsilon(filter_: Filter, epsilon: Fraction, delta: Fraction) -> Loss:
    """Return the loss that a job of *epsilon* is charged and its noise is calibrated to.

    Under zcdp only ρ is stored: the ε shown beside it is derived (`epsilon_of_rho`), so the two cannot
    disagree. *delta* is the lineage's; it is not read under pure.  Raises `InvalidInputError` if nothing
    remains of ε in units of 10^-12, since noise for a loss of zero does not exist.
    """
    if epsilon <= 0:
        raise InvalidInputError("privacy.epsilon-not-positive", value=str(epsilon)[:40])
    if epsilon > MAX_EPSILON:
        raise InvalidInputError("privacy.epsilon-too-large", value=str(epsilon)[:40], limit=MAX_EPSILON)
    if filter_ is Filter.PURE:
        loss = Loss(epsilon_pico=int(epsilon * PICO))
    else:
        loss = Loss(rho_pico=rho_of_epsilon(epsilon, delta, up=False))
    if loss == ZERO:
        raise InvalidInputError("privacy.epsilon-too-small", value=f"{float(epsilon):.3g}")
    return loss


def limit_of_epsilon(filter_: Filter, epsilon: Fraction, delta: Fraction) -> Loss:
    """Return what a limit of *epsilon* allows: the same conversion as a job's, and no δ beside it."""
    return cost_of_epsilon(filter_, epsilon, delta)


def affordable_epsilon(left: Loss, filter_: Filter, delta: Fraction) -> str:
    """Return as decimal text the ε that *left* amounts to, such that a job asking for exactly it fits *left*.

    The shortest text of up to six digits that loses nothing, else six digits rounded down, "0" if none fits.
    """
    units = left.epsilon_pico if filter_ is Filter.PURE else left.rho_pico
    most = Fraction(units, PICO) if filter_ is Filter.PURE else epsilon_of_rho(units, delta, up=False)
    for digits in range(1, 7):
        text = _rounded(most, digits, ROUND_HALF_EVEN)
        if most <= Fraction(text) <= MAX_EPSILON and _units(filter_, Fraction(text), delta) <= units:
            return text
    return _rounded(min(most, Fraction(MAX_EPSILON)), 6, ROUND_DOWN)


def _units(filter_: Filter, epsilon: Fraction, delta: Fraction) -> Fraction:
    return epsilon * PICO if filter_ is Filter.PURE else Fraction(rho_of_epsilon(epsilon, delta, up=False))


def _rounded(value: Fraction, digits: int, rounding: str) -> str:
    shown = Context(prec=digits, rounding=rounding).divide(value.numerator, value.denominator)
    text = format(shown.quantize(Decimal(1).scaleb(-12), rounding=rounding), "f")
    return text.rstrip("0").rstrip(".")


def _log_of_inverse(delta: Fraction) -> Decimal:
    if not 0 < delta < 1 or (delta * ATTO).denominator != 1:
        raise InvalidInputError("privacy.bad-delta", value=str(delta)[:40])
    return _CONTEXT.ln(_decimal(1 / delta))


def _decimal(value: Fraction) -> Decimal:
    return _CONTEXT.divide(Decimal(value.numerator), Decimal(value.denominator))


def _directed(value: Decimal, *, up: bool) -> int:
    units = Fraction(value) * PICO
    return -(-(units * (1 + _MARGIN)) // 1) if up else units * (1 - _MARGIN) // 1
