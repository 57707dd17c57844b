"""From noisy integers to the value of one measure: arithmetic in exact numbers, one division at the end.

Totals are about q = (v - origin)/grid, squares and products about q·q' - shift.  With N the noisy count and
A, B, P the noisy totals of q, q', q·q':

    SUM = grid·A + origin·N        AVG = origin + grid·A/N
    the central moment of two factors   m = grid·grid'·(P/N + shift - A·B/N²)
    VAR_POP, COVAR_POP = m         VAR_SAMP, COVAR_SAMP = m·N/(N - 1)
    CORR = m_yx/√(m_yy·m_xx)       REGR_SLOPE = m_yx/m_xx       REGR_INTERCEPT = AVG(y) - slope·AVG(x)

Fixed rules, the same for every dataset:

* A value that needs a division by N is null where N ≤ 0, one that needs two rows (``_SAMP``, CORR, REGR)
  where N ≤ 1.  A spread in a denominator that is not above 0 makes CORR and REGR null.
* Values are moved into what is possible whatever the rows: AVG into its domain, CLIPPED into [0, 1], a
  variance of n rows into [0, w²/4] (Popoviciu 1935, w the width of the domain; times n/(n - 1) for
  ``_SAMP``, at most 2), a covariance between minus and plus the geometric mean of two such, CORR
  into [-1, 1], a slope between minus and plus the width of y by the grid of x: it is a mean
  of slopes between two rows, whose x differ by a step at least.
* Counts are shown as measured, so they may be negative, a COUNT(DISTINCT x) moved into [0, categories].
* A quantile is the middle grid point of the bin that was drawn (of a bin of one value: that value).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from math import lcm
from typing import Final

from jobs.plan import Binning, Distinct, Factor, Measurement, Quantile, Recipe, Total, width
from jobs.spec import Aggregate
from sandbox.privacy.combinations import Term, Terms
from sandbox.privacy.intervals import Noise
from sandbox.schema import Scalar

Exact = int | Fraction
"""A released integer, or after least squares the number that its float is."""

PAIRED: Final = frozenset(
    (
        Aggregate.COVAR_POP,
        Aggregate.COVAR_SAMP,
        Aggregate.CORR,
        Aggregate.REGR_SLOPE,
        Aggregate.REGR_INTERCEPT,
    )
)
SPREAD: Final = frozenset(
    (Aggregate.VAR_POP, Aggregate.VAR_SAMP, Aggregate.STDDEV_POP, Aggregate.STDDEV_SAMP)
)
_TWO_ROWS: Final = frozenset(
    (
        Aggregate.VAR_SAMP,
        Aggregate.STDDEV_SAMP,
        Aggregate.COVAR_SAMP,
        Aggregate.CORR,
        Aggregate.REGR_SLOPE,
        Aggregate.REGR_INTERCEPT,
    )
)
ROOTED: Final = frozenset((Aggregate.STDDEV_POP, Aggregate.STDDEV_SAMP))
SAMPLED: Final = frozenset((Aggregate.VAR_SAMP, Aggregate.STDDEV_SAMP, Aggregate.COVAR_SAMP))


@dataclass(frozen=True, slots=True)
class Estimate:
    """What is known of one measurement in one grouping set: *numbers* (cell-major) and their noise.

    *terms*: every number is off by a sum of independent noises with these weights, the same in every cell.
    Empty for the bins of a `Quantile`.
    """

    item: Measurement
    numbers: Sequence[Exact]
    terms: Terms

    def at(self, cell: int, place: int = 0) -> Exact:
        """Return number *place* of *cell*."""
        return self.numbers[cell * width(self.item) + place]


def measured_as(item: Measurement, numbers: Sequence[int], mechanism: str) -> Estimate:
    """Return the estimate that a release alone gives."""
    if isinstance(item, Quantile):
        return Estimate(item, numbers, ())
    return Estimate(item, numbers, (Term(Noise(mechanism, item.scale)),))


def value_rule(recipe: Recipe, used: Sequence[Estimate]) -> Callable[[int], Scalar]:
    """Return cell → value of one measure; *used* are the estimates in the order of `Recipe`."""
    kind = recipe.aggregate
    if kind in SPREAD or kind in PAIRED:
        return _moment_rule(kind, used)
    if kind is Aggregate.QUANTILE:
        return lambda cell: _quantile(used[0], cell, recipe.offset)
    if kind in (Aggregate.AVG, Aggregate.CLIPPED):
        return _average_rule(*used)
    if kind in (Aggregate.SUM, Aggregate.DISTINCT):
        return _sum_rule(used) if kind is Aggregate.SUM else _distinct_rule(used[0])
    return lambda cell: number(used[0].at(cell, recipe.offset))


def number(value: Exact) -> int | float:
    """Return *value* as an integer if it is one, else as the nearest float."""
    return value.numerator if value.denominator == 1 else float(value)


def _distinct_rule(found: Estimate) -> Callable[[int], Scalar]:
    most = len(found.item.key.categories or ()) if isinstance(found.item, Distinct) else 0
    return lambda cell: number(min(max(found.at(cell), 0), most))


def _quantile(found: Estimate, cell: int, offset: int) -> int | float:
    return middle(binning_of(found), int(found.at(cell, offset)))


def middle(binning: Binning, drawn: int) -> int | float:
    """Return the middle grid point of bin *drawn*."""
    first, last = binning.first(drawn), binning.last(drawn)
    return number(first + int((last - first) / binning.grid) // 2 * binning.grid)


def drawn_interval(found: Estimate, cell: int, offset: int) -> tuple[float, float]:
    """Return the interval of a quantile from its lowest and its highest bin; its point is at *offset*."""
    binning = binning_of(found)
    low, high = (int(found.at(cell, offset + end)) for end in (1, 2))
    return float(binning.first(low)), float(binning.last(high))


def factors_of(item: Measurement) -> tuple[Factor, ...]:
    """Return the factors of a total, none for anything else."""
    return item.factors if isinstance(item, Total) else ()


def finite(value: Fraction) -> float | None:
    """Return the nearest float, None where there is none."""
    return _ratio(value, 1)


def whole(value: Fraction) -> Exact:
    """Return *value*, as an integer if it is one: integers are faster."""
    return value.numerator if value.denominator == 1 else value


def binning_of(estimate: Estimate) -> Binning:
    """Return the bins of a quantile."""
    assert isinstance(estimate.item, Quantile)
    return estimate.item.binning


def _sum_rule(used: Sequence[Estimate]) -> Callable[[int], Scalar]:
    totals, counts = used[0], used[1] if len(used) > 1 else None
    per_step, per_row, below = _weights(totals)

    def added(cell: int) -> Scalar:
        rows = 0 if counts is None else counts.at(cell)
        above = totals.at(cell) * per_step + rows * per_row
        return number(above / below if isinstance(above, Fraction) else _quotient(above, below))

    return added


def _quotient(above: int, below: int) -> Exact:
    return Fraction(above, below) if above % below else above // below


def _average_rule(totals: Estimate, counts: Estimate) -> Callable[[int], Scalar]:
    per_step, per_row, below = _weights(totals)
    (factor,) = factors_of(totals.item)
    low, high = float(factor.low), float(factor.high)

    def averaged(cell: int) -> Scalar:
        rows = counts.at(cell)
        if rows <= 0:
            return None
        mean = (totals.at(cell) * per_step + rows * per_row) / (rows * below)
        return min(max(float(mean), low), high)

    return averaged


def _weights(totals: Estimate) -> tuple[int, int, int]:
    """What a grid step and a row add to a sum, over one denominator."""
    (factor,) = factors_of(totals.item)
    below = lcm(factor.grid.denominator, factor.origin.denominator)
    return int(factor.grid * below), int(factor.origin * below), below


def _moment_rule(kind: Aggregate, used: Sequence[Estimate]) -> Callable[[int], Scalar]:
    least = 1 if kind in _TWO_ROWS else 0
    counts, joint = used[0], _joint(kind, used)

    def derived(cell: int) -> Scalar:
        rows = counts.at(cell)
        return None if rows <= least else joint(cell, rows)

    return derived


_Joint = Callable[[int, Exact], float | None]


def _joint(kind: Aggregate, used: Sequence[Estimate]) -> _Joint:
    if kind in SPREAD:
        return _spread(kind, *used[1:])
    _, y, x, yx, yy, xx = used
    if kind in (Aggregate.COVAR_POP, Aggregate.COVAR_SAMP):
        return _covariance(kind, y, x, yx)
    return _correlation(y, x, yx, yy, xx) if kind is Aggregate.CORR else _line(kind, y, x, yx, xx)


def _spread(kind: Aggregate, total: Estimate, square: Estimate) -> _Joint:
    (factor,) = factors_of(total.item)
    most = finite((factor.high - factor.low) ** 2 / 4)
    unit = whole(factor.grid**2)

    def spread(cell: int, rows: Exact) -> float | None:
        moment = _ratio(_central(cell, rows, total, total, square) * unit, rows * rows)
        if moment is None or most is None:
            return None
        moment = min(max(moment, 0.0), most) * _correction(kind, rows)
        return math.sqrt(moment) if kind in ROOTED else moment

    return spread


def _covariance(kind: Aggregate, y: Estimate, x: Estimate, yx: Estimate) -> _Joint:
    (of_y,), (of_x,) = factors_of(y.item), factors_of(x.item)
    most = finite((of_y.high - of_y.low) * (of_x.high - of_x.low) / 4)
    unit = whole(of_y.grid * of_x.grid)

    def covariance(cell: int, rows: Exact) -> float | None:
        moment = _ratio(_central(cell, rows, y, x, yx) * unit, rows * rows)
        if moment is None or most is None:
            return None
        return min(max(moment, -most), most) * _correction(kind, rows)

    return covariance


def _correlation(y: Estimate, x: Estimate, yx: Estimate, yy: Estimate, xx: Estimate) -> _Joint:
    def correlation(cell: int, rows: Exact) -> float | None:
        spreads = _central(cell, rows, y, y, yy), _central(cell, rows, x, x, xx)
        if min(spreads) <= 0:
            return None
        joint = _ratio(_central(cell, rows, y, x, yx), spreads[0])
        ratio = _ratio(spreads[0], spreads[1])
        return None if joint is None or ratio is None else min(max(joint * math.sqrt(ratio), -1.0), 1.0)

    return correlation


def _line(kind: Aggregate, y: Estimate, x: Estimate, yx: Estimate, xx: Estimate) -> _Joint:
    (of_y,), (of_x,) = factors_of(y.item), factors_of(x.item)
    steepest = (of_y.high - of_y.low) / of_x.grid
    unit = of_y.grid / of_x.grid

    def line(cell: int, rows: Exact) -> float | None:
        spread = _central(cell, rows, x, x, xx)
        if spread <= 0:
            return None
        tilt = min(max(Fraction(_central(cell, rows, y, x, yx)) * unit / spread, -steepest), steepest)
        if kind is Aggregate.REGR_SLOPE:
            return finite(tilt)
        mean_y, mean_x = (f.origin + f.grid * e.at(cell) / rows for f, e in ((of_y, y), (of_x, x)))
        return finite(mean_y - tilt * mean_x)

    return line


def _central(cell: int, rows: Exact, one: Estimate, other: Estimate, product: Estimate) -> Exact:
    """N² times the central moment P/N + shift - A·B/N², in grid units."""
    assert isinstance(product.item, Total)
    joint = product.at(cell) + product.item.shift * rows
    return joint * rows - one.at(cell) * other.at(cell)


def _correction(kind: Aggregate, rows: Exact) -> float:
    """n/(n - 1), at most 2: two rows are the fewest that have one."""
    return min(float(rows / (rows - 1)), 2.0) if kind in SAMPLED else 1.0


def _ratio(above: Exact, below: Exact) -> float | None:
    """One division of exact numbers, rounded once; None beyond floats."""
    try:
        return float(above / below)
    except OverflowError:
        return None
