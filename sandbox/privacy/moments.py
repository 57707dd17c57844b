"""Intervals for functions of several noisy totals: variances, covariances, correlations, regressions.

Every parameter θ here solves a linear equation of the *true* totals T = (N, Σy, Σx, Σyx, Σy², Σx²),

    e(θ, η) = Σ_j w_j(θ, η)·T_j = 0,

with coefficients that are polynomials in θ and in nuisances η, which are means, slopes and the like:

    variance v       Σ(x - r)² - v·n                               η = r, the mean
    covariance c     Σ(y - p)(x - r) - c·n                         η = p, r
    slope β          Σ(y - p)(x - r) - β·Σ(x - r)²                 η = p, r
    correlation ρ    Σ(y - p)(x - r) - ρ/2·(s·Σ(y - p)² + Σ(x - r)²/s)   η = p, r, s = √(v_x/v_y)
    intercept α      Σ(y - p - β(x - r))·(1 - λ(x - r)), p = α + β(r - x₀)   η = p, r, β, λ = (r - x₀)/v_x

(n is N, or N - 1 for the sample's; x₀ is where the line meets the axis).  At the true θ and η the *released*
totals make e the noise Σ w_j·X_j alone, whose half-width h(w) `combinations` knows.  So a θ is kept if
|e(θ, η)| ≤ h(w(θ, η)) for some η that is possible: Fieller's argument once more.

The possible η follow from tests of the same kind at a fiftieth of the risk (`boxes`); the test of θ has the
rest.  Each e is chosen so that its derivative by η vanishes at the released totals, so η moves it by products
of two small numbers only (`_Test.slack`, from the identities beside each test), and moves w by one: as N
grows, the interval becomes that of θ with all nuisances known.  Weights are maximised over the possible η one
by one (h grows with each |w_j|).  Where N, or the spread of x, is too near to zero for that, the interval is
what is possible whatever the rows:

    variance ≤ W²/4 (Popoviciu), |covariance| ≤ W_y·W_x/4, twice that for samples; |correlation| ≤ 1;
    |slope| ≤ W_y in grid units: it is a mean of slopes between two rows, and x differs by 1 at least.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import cache
from typing import Final, Literal

from sandbox.privacy.boxes import NONE, ONE, Cell, Range, Side, around
from sandbox.privacy.combinations import Terms, Width, width_of
from sandbox.privacy.intervals import COVERAGE
from sandbox.privacy.ratios import edge

Kind = Literal[
    "var_pop",
    "var_samp",
    "stddev_pop",
    "stddev_samp",
    "covar_pop",
    "covar_samp",
    "corr",
    "slope",
    "intercept",
]
Totals = Sequence[float]
"""(count, sum, square) or (count, sum y, sum x, sum yx, square y, square x): `jobs.plan.Recipe`'s order."""

Interval = tuple[float, float]

_ETA_RISK: Final = Fraction(1, 50)
_EVENTS: Final = 6
"""At most as many events bound η: two means, two spreads, a slope; and the number of rows."""


@dataclass(frozen=True, slots=True)
class Variable:
    """A number measured in steps of its grid: value = origin + grid·q with *low* ≤ q ≤ *high*."""

    low: int
    high: int
    origin: Fraction
    grid: Fraction

    @property
    def width(self) -> float:
        """The width of its range in grid units."""
        return float(self.high - self.low)


def moment_rule(
    kind: Kind,
    noises: Sequence[Terms],
    variables: Sequence[Variable],
    shifts: Sequence[int],
    coverage: Fraction = COVERAGE,
) -> Callable[[Totals], Interval]:
    """Return released totals of a cell → an interval (in units of the answer) that covers the truth.

    One entry of *noises* and of *shifts* (`jobs.plan.Total.shift`) per total, in the order of `Totals`; the
    totals as released, in grid units about the origin, shifts not undone.  *variables*: (x,) or (y, x).
    Where little is known the interval is the widest that the public bounds allow.  A truth that is null
    (no rows, no spread) is not covered by anything.
    """
    if len(noises) != (3 if len(variables) == 1 else 6) or len(shifts) != len(noises):
        raise ValueError("as many noises and shifts as totals")
    risk = 1 - coverage
    # The weight of Σx², of Σyx is 1 but for the intercept's.
    steady = None if kind == "intercept" else len(noises) // 2 if len(noises) == 6 else 2
    width = width_of(noises, 1 - risk * (1 - _ETA_RISK), steady)
    far = width_of(noises, 1 - risk * _ETA_RISK / _EVENTS)
    rows_off = far([1.0] + [0.0] * (len(noises) - 1))
    bounds = [(variable.low, variable.high) for variable in variables]
    axis = -float(variables[-1].origin / variables[-1].grid)
    test_of, public = _TESTS[kind], _public(kind, variables)
    shown = _shown(kind, variables)

    def rule(totals: Totals) -> Interval:
        cell = Cell([float(total) for total in totals], shifts, bounds, axis, far, rows_off)
        test = test_of(cell) if cell.rows > 2 * rows_off + 1 else None
        low, high = public if test is None else test.interval(width, cell.seen, public)
        return shown(low), shown(high)

    return rule


def _public(kind: Kind, variables: Sequence[Variable]) -> Interval:
    sampled = 2 if kind.endswith("samp") else 1
    if kind.startswith(("var", "stddev")):
        return 0.0, sampled * variables[0].width ** 2 / 4
    if kind == "corr":
        return -1.0, 1.0
    y, x = variables
    if kind.startswith("covar"):
        most = sampled * y.width * x.width / 4
        return -most, most
    if kind == "slope":
        return -y.width, y.width
    axis = -float(x.origin / x.grid)
    away = y.width * max(abs(x.low - axis), abs(x.high - axis))
    return y.low - away, y.high + away


def _shown(kind: Kind, variables: Sequence[Variable]) -> Callable[[float], float]:
    """From grid units to the unit of the answer."""
    first, last = variables[0], variables[-1]
    if kind.startswith("stddev"):
        return lambda value: float(first.grid) * math.sqrt(max(value, 0.0))
    if kind == "corr":
        return lambda value: value
    if kind == "intercept":
        return lambda value: float(first.origin) + float(first.grid) * value
    unit = first.grid / last.grid if kind == "slope" else first.grid * last.grid
    return lambda value: float(unit) * value


_Seen = Callable[[Sequence[Range]], list[float]]


@dataclass(frozen=True, slots=True)
class _Test:
    """The test of θ: |e| ≥ pull·|θ - centre| - slack - drag·|θ|, and w = base + θ·slope."""

    centre: float
    pull: float
    slack: float
    drag: float
    base: Sequence[Range]
    slope: Sequence[Range]

    def weights(self, theta: float) -> list[Range]:
        """Return w at θ."""
        return [one + other * theta for one, other in zip(self.base, self.slope, strict=True)]

    def interval(self, width: Width, seen: _Seen, public: Interval) -> Interval:
        """Return the ends of the kept θ within *public*; what is nearest, if none is kept."""
        centre = min(max(self.centre, public[0]), public[1])

        def noise(theta: float) -> float:
            return width(seen(self.weights(theta)))

        at_centre = noise(centre)
        reach = (at_centre + self.slack + self.drag * abs(centre)) / self.pull or 1.0

        @cache
        def node(number: int) -> float:
            return noise(centre + number * reach) if number else at_centre

        def kept(offset: float) -> bool:
            # The noise is convex in θ: chords lie above it.
            theta, steps = centre + offset, offset / reach
            left = math.floor(steps)
            chord = node(left) + (node(left + 1) - node(left)) * (steps - left)
            return self.pull * abs(theta - self.centre) - self.slack - self.drag * abs(theta) <= chord

        if not kept(0.0):
            return centre, centre
        below = edge(lambda offset: kept(-offset), centre - public[0], reach)
        above = edge(kept, public[1] - centre, reach)
        return centre - below, centre + above


def _variance(cell: Cell, less: int = 0) -> _Test:
    # e = N̂·(v̂ + (r - r̂)²) - v·n̂
    x, rows = cell.side(1, 2, 0), cell.rows
    base = (x.means * x.means, x.means * -2.0, ONE)
    slope = (around(-1.0, 0.0), NONE, NONE)
    return _Test(x.spread * rows / (rows - less), rows - less, rows * x.mean_off**2, 0.0, base, slope)


def _centred(y: Side, x: Side) -> tuple[Range, ...]:
    """Coefficients of Σ(y - p)(x - r)."""
    return y.means * x.means, x.means * -1.0, y.means * -1.0, ONE, NONE, NONE


def _covariance(cell: Cell, less: int = 0) -> _Test:
    # e = N̂·(ĉ + (p - p̂)(r - r̂)) - c·n̂
    (y, x, product), rows = cell.pair, cell.rows
    slope = (around(-1.0, 0.0), *(NONE,) * 5)
    slack = rows * y.mean_off * x.mean_off
    return _Test(product * rows / (rows - less), rows - less, slack, 0.0, _centred(y, x), slope)


def _slope(cell: Cell) -> _Test | None:
    # e = N̂·(ĉ - β·v̂ + (r - r̂)·((p - p̂) - β·(r - r̂)))
    (y, x, product), rows = cell.pair, cell.rows
    slope = (x.means * x.means * -1.0, NONE, x.means * 2.0, NONE, NONE, around(-1.0, 0.0))
    drag = rows * x.mean_off**2
    if rows * x.spread <= drag + cell.reach(slope):
        return None
    slack = rows * x.mean_off * y.mean_off
    return _Test(product / x.spread, rows * x.spread, slack, drag, _centred(y, x), slope)


def _correlation(cell: Cell) -> _Test | None:
    # e = N̂·(ĉ - ρ·g·cosh(u) + ab - ρ/2·(s·a² + b²/s)),  g = √(v̂_y·v̂_x), s = ŝ·exp(u), a = p - p̂, b = r - r̂
    (y, x, product), rows = cell.pair, cell.rows
    if x.spread <= x.spread_off or y.spread <= y.spread_off:
        return None
    u = -sum(math.log1p(-side.spread_off / side.spread) for side in (y, x)) / 2
    s, middle = math.sqrt(x.spread / y.spread), math.sqrt(y.spread * x.spread)
    # s/2 and 1/(2s)
    factor = Range(math.exp(-u) / 2, math.exp(u) / 2)
    over, under = factor * s, factor * (1 / s)
    slope = (
        (over * (y.means * y.means) + under * (x.means * x.means)) * -1.0,
        over * y.means * 2.0,
        under * x.means * 2.0,
        NONE,
        over * -1.0,
        under * -1.0,
    )
    drag = rows * (middle * (math.cosh(u) - 1) + over.high * y.mean_off**2 + under.high * x.mean_off**2)
    if rows * middle <= drag + cell.reach(slope):
        return None
    slack = rows * y.mean_off * x.mean_off
    return _Test(product / middle, rows * middle, slack, drag, _centred(y, x), slope)


def _intercept(cell: Cell) -> _Test | None:
    # e = N̂·(α̂ - α + v̂·(β - β̂)(λ - λ̂) - λ·(r - r̂)·((p - p̂) - β·(r - r̂)))
    (y, x, _), rows, slopes = cell.pair, cell.rows, _slope(cell)
    if slopes is None or x.spread <= x.spread_off:
        return None
    away = x.mean - cell.axis
    beta_off = slopes.slack + slopes.drag * abs(slopes.centre) + cell.reach(slopes.weights(slopes.centre))
    beta_off /= slopes.pull - slopes.drag - cell.reach(slopes.slope)
    inverse = Range(1 / (x.spread + x.spread_off), 1 / (x.spread - x.spread_off))
    beta, turn = around(slopes.centre, beta_off), around(away, x.mean_off) * inverse
    turn_off = max(turn.high - away / x.spread, away / x.spread - turn.low)
    both, along = turn * beta, turn * x.means
    base = (
        y.means * -1.0 + beta * x.means + along * (y.means * -1.0) + both * (x.means * x.means),
        along + 1.0,
        turn * y.means + beta * -1.0 + both * x.means * -2.0,
        turn * -1.0,
        NONE,
        both,
    )
    slack = x.spread * beta_off * turn_off
    slack += turn.most * x.mean_off * (y.mean_off + beta.most * x.mean_off)
    return _Test(y.mean - slopes.centre * away, rows, rows * slack, 0.0, base, (NONE,) * 6)


_TESTS: Final[dict[Kind, Callable[[Cell], _Test | None]]] = {
    "var_pop": _variance,
    "var_samp": lambda cell: _variance(cell, 1),
    "stddev_pop": _variance,
    "stddev_samp": lambda cell: _variance(cell, 1),
    "covar_pop": _covariance,
    "covar_samp": lambda cell: _covariance(cell, 1),
    "corr": _correlation,
    "slope": _slope,
    "intercept": _intercept,
}
