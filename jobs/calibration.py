"""From a share of the loss to noise: the inverse of `jobs.sensitivity`, never the cheaper side of it.

Scales are exact.  A rate under zCDP needs a root, which is rounded down: a little less is spent than is paid
for.
"""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from typing import Final

from jobs.plan import Distinct, Draw, Mechanism, Part, Quantile, Selection, Side, Total, Units
from jobs.sensitivity import moved, score_step
from sandbox.privacy.intervals import COVERAGE

SIDES: Final[tuple[tuple[Side, Fraction], ...]] = (
    ("", Fraction(1, 2)),
    ("low", Fraction(1, 4)),
    ("high", Fraction(1, 4)),
)
"""The draws of one quantile, in order, and what each gets of its share."""


def noisy(
    part: Part, item: Total | Units | Distinct, share: Fraction, mechanism: Mechanism
) -> Total | Units | Distinct:
    """Return *item* with the noise that costs *share* (ε under Laplace, ρ under Gaussian noise)."""
    one, two = moved(part, item)
    scale = one / share if mechanism == "discrete-laplace" else two / (2 * share)
    return replace(item, scale=scale)


def draws(
    part: Part, item: Quantile, quantile: Fraction, share: Fraction, mechanism: Mechanism
) -> tuple[Draw, ...]:
    """Return the draws of one quantile: its point and the two ends of its interval."""
    from sandbox.privacy.exponential import rate_of, shift_for  # noqa: PLC0415 - brings numpy

    moves = part.rows * score_step(quantile)
    found: list[Draw] = []
    for side, weight in SIDES:
        rate, shift = rate_of(share * weight, mechanism, moves), Fraction(0)
        if side:
            away = shift_for(item.binning.bins, rate, quantile, COVERAGE)
            shift = -away if side == "low" else away
        found.append(Draw(quantile, shift, rate, side))
    return tuple(found)


def selection(part: Part, share: Fraction, delta: Fraction) -> Selection:
    """Return the selection of a part's keys that costs ρ = *share* and at most *delta*."""
    from sandbox.privacy.selection import threshold_for  # noqa: PLC0415 - few plans select keys

    scale = part.rows / (2 * share)
    return Selection(scale, threshold_for(scale, part.rows, delta), delta)
