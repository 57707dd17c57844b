"""From a share of the loss to noise: the inverse of `jobs.sensitivity`, never the cheaper side of it.

Scales are exact.  A rate under zCDP needs a root, which is rounded down: a little less is spent than is paid
for.
"""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from typing import Final

from jobs.plan import Distinct, Draw, Mechanism, Part, Selection, Side, Total, Units
from jobs.sensitivity import moved, reach, score_moves
from sandbox.privacy.intervals import COVERAGE

Shares = tuple[tuple[Side, Fraction], ...]
_MIDDLE: Final[Shares] = (("", Fraction(7, 8)), ("around", Fraction(1, 8)))
_TAIL: Final[Shares] = (("", Fraction(3, 4)), ("low", Fraction(1, 8)), ("high", Fraction(1, 8)))
_TAILS: Final = Fraction(1, 10)
"""Of quantiles below this or above 1 minus this one side often reaches the edge: each has its own width."""


def shares_of(quantile: Fraction) -> Shares:
    """Return the draws of one quantile, in order, and what each gets of its share."""
    return _MIDDLE if _TAILS <= quantile <= 1 - _TAILS else _TAIL


def noisy(
    part: Part, item: Total | Units | Distinct, share: Fraction, mechanism: Mechanism
) -> Total | Units | Distinct:
    """Return *item* with the noise that costs *share* (ε under Laplace, ρ under Gaussian noise)."""
    one, two = moved(part, item)
    scale = one / share if mechanism == "discrete-laplace" else two / (2 * share)
    return replace(item, scale=scale)


def draws(part: Part, quantile: Fraction, share: Fraction, mechanism: Mechanism) -> tuple[Draw, ...]:
    """Return the draws of one quantile: its point and what its interval needs."""
    from sandbox.privacy.exponential import rate_of  # noqa: PLC0415 - brings numpy
    from sandbox.privacy.widths import slack_for  # noqa: PLC0415

    moves = score_moves(part, quantile)
    (_, own), *sides = shares_of(quantile)
    coverage = 1 - (1 - COVERAGE) / len(sides)
    found = [Draw(quantile, rate_of(share * own, mechanism, *moves))]
    for side, weight in sides:
        rate = rate_of(share * weight, mechanism, *moves)
        found.append(Draw(quantile, rate, side, slack_for(rate, coverage)))
    return tuple(found)


def selection(part: Part, share: Fraction, delta: Fraction) -> Selection:
    """Return the selection of a part's keys that costs ρ = *share* and at most *delta*."""
    from sandbox.privacy.selection import threshold_for  # noqa: PLC0415 - few plans select keys

    groups = reach(part).cells
    scale = groups / (2 * share)
    return Selection(scale, threshold_for(scale, groups, delta), delta)
