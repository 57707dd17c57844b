"""What a plan's noise costs every dataset, recomputed from frames, clamps, row bounds and scales alone.

For adding or removing one unit, with R = `Part.rows`, K = min(R, cells) and m categories (`jobs.plan`):

==========  ============  ==================================================
            L1            L2 squared
==========  ============  ==================================================
`Total`     R·c           (R·c)²: all R rows may share a cell
`Units`     K             K: at most 1 in each of at most K cells
`Distinct`  R             R·min(R, m): a row turns at most one bit
==========  ============  ==================================================

`Distinct` releases per cell the number of its bits that are set.  R rows turn at most R bits, so L1 ≤ R; a
cell changes by at most min(R, m), and Σ v² ≤ max v · Σ v.

Costs, added over measurements (basic composition; Bun & Steinke 2016, Lemma 1.7):

* discrete Laplace of scale b: ε = L1/b, and ρ = ε²/2 (ibid., Proposition 1.4);
* discrete Gaussian of σ²: ρ = L2²/(2σ²) (Canonne, Kamath & Steinke 2020, Theorem 4);
* a `Draw` of quantile a/b: one row moves a score by at most max(a, b - a), so ε = 2·rate·R·max(a, b - a), and
  ρ = ε²/8 (Cesar & Rogers 2021: the exponential mechanism has bounded range ε).  So does a half-width for
  every point that it may be drawn around; its prior weights do not depend on data and drop out
  (`sandbox.privacy.widths`);
* a `Selection`: ρ = R/(2σ²), since a unit adds 1 to at most R groups, and its δ.

A dataset pays for every part that reads it, in full.  Removing a unit from one dataset of several takes all
its rows out of most frames.  Where a LEFT or ANTI JOIN keeps rows for lack of a partner it may put others in
their place, which is a removal and an addition: two steps (`steps_of`).  They cost 2ε and 4ρ (Bun & Steinke
2016, Proposition 1.9: group privacy).  The δ of a selection stays: a group that only the old rows make shows
with at most δ in one case, one that only the new rows make in the other, and for the rest 2ρ are enough.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from math import ceil

from jobs.plan import (
    Distinct,
    Draw,
    Factor,
    Measurement,
    Mechanism,
    Part,
    Plan,
    Quantile,
    Selection,
    Total,
    Units,
)
from jobs.reading import sources_of
from jobs.relations import Frame, Join, Lookup, PerUnit, Scan, cores
from sandbox.privacy.loss import ATTO, PICO, Filter, Loss


@dataclass(frozen=True, slots=True)
class Cost:
    """A loss before it is rounded; *epsilon* is None where there is no finite one."""

    epsilon: Fraction | None = Fraction(0)
    rho: Fraction = Fraction(0)
    delta: Fraction = Fraction(0)

    def __add__(self, other: Cost) -> Cost:
        finite = self.epsilon is not None and other.epsilon is not None
        epsilon = (self.epsilon or Fraction(0)) + (other.epsilon or Fraction(0))
        return Cost(epsilon if finite else None, self.rho + other.rho, self.delta + other.delta)

    def over(self, steps: int) -> Cost:
        """Return the cost of moving by so many neighbouring steps."""
        return Cost(None if self.epsilon is None else steps * self.epsilon, steps**2 * self.rho, self.delta)


def plan_losses(plan: Plan, filters: Sequence[Filter]) -> tuple[Loss, ...]:
    """Return what *plan* costs each of its sources in its filter, rounded up once.

    What the plan claims of itself is not believed: `ValueError` for a part whose row bound is smaller than
    its frame's, for bounds off the grid, for noise that is none, and for noise that a filter cannot count.
    """
    costs = [Cost() for _ in plan.sources]
    for part in plan.parts:
        cost = _part_cost(part, plan.mechanism)
        for source in sources_of(part):
            costs[source] += cost.over(steps_of(part.frame, source))
    return tuple(_loss(cost, filter_) for cost, filter_ in zip(costs, filters, strict=True))


def bound_of(frame: Frame) -> int:
    """Return the largest number of rows of one unit that *frame* can have.

    Raises `ValueError` where the rows of a unit are not bounded.
    """
    match frame.core:
        case PerUnit(keys=()):
            return 1
        case Join(left=left, right=right):
            bound_of(left)
            bound_of(right)
        case Lookup(left=left):
            bound_of(left)
    rows = frame.core.rows
    if rows is None or rows < 1:
        raise ValueError("the rows of a unit are not bounded")
    return rows


def steps_of(frame: Frame, source: int) -> int:
    """Return in how many steps removing a unit from *source* alone changes its rows in *frame*: 1 or 2."""
    if _needs(frame, source):
        return 1
    match frame.core:
        case Join(kind="anti", left=left, rows=rows) if rows is not None and bound_of(left) <= rows:
            # All rows of the left side come back, none goes.
            return 2 if source in _sources(left) else 1
    return 2 if source in _sources(frame) else 1


def _needs(frame: Frame, source: int) -> bool:
    """Whether a unit without rows in *source* has none in *frame*."""
    match frame.core:
        case Scan(source=scanned):
            return scanned == source
        case Join(kind="inner" | "semi", left=left, right=right):
            return _needs(left, source) or _needs(right, source)
        case Join(left=left) | Lookup(left=left) | PerUnit(of=left):
            return _needs(left, source)


def _sources(frame: Frame) -> frozenset[int]:
    return frozenset(core.source for core in cores(frame) if isinstance(core, Scan))


def moved(part: Part, item: Total | Units | Distinct) -> tuple[int, int]:
    """Return by how much one unit moves a measurement of *part*: L1, and L2 squared."""
    rows = part.rows
    match item:
        case Total():
            return rows * item.step, (rows * item.step) ** 2
        case Units():
            cells = rows if part.selection else min(rows, part.cells)
            return cells, cells
        case Distinct(key=key):
            return rows, rows * min(rows, len(key.categories or ()))


def draw_epsilon(part: Part, draw: Draw) -> Fraction:
    """Return the ε of one exponential mechanism, exactly."""
    return 2 * draw.rate * part.rows * score_step(draw.quantile)


def score_step(quantile: Fraction) -> int:
    """Return by how much one row moves a score: max(a, b - a), in units of 1/b row."""
    return max(quantile.numerator, quantile.denominator - quantile.numerator)


def _part_cost(part: Part, mechanism: Mechanism) -> Cost:
    if part.rows < bound_of(part.frame):
        raise ValueError("a part's row bound is smaller than its frame's")
    costs = [_cost(part, item, mechanism) for item in part.measurements]
    if part.selection is not None:
        costs.append(_selection_cost(part, part.selection, mechanism))
    return sum(costs, Cost())


def _cost(part: Part, item: Measurement, mechanism: Mechanism) -> Cost:
    if isinstance(item, Quantile):
        if item.draws and item.draws[0].side:
            raise ValueError("a half-width is drawn around a point")
        return sum((_draw_cost(part, draw) for draw in item.draws), Cost())
    if isinstance(item, Total) and not all(map(_on_grid, item.factors)):
        raise ValueError("bounds and origin are not on the grid")
    if item.scale <= 0:
        raise ValueError("no noise")
    one, two = moved(part, item)
    if mechanism == "discrete-laplace":
        epsilon = one / item.scale
        return Cost(epsilon, epsilon**2 / 2)
    return Cost(None, two / (2 * item.scale))


def _on_grid(factor: Factor) -> bool:
    """Steps are whole only where bounds and origin lie on the grid, as the kernels round."""
    ends = (factor.low, factor.high, factor.origin)
    return factor.grid > 0 and factor.low <= factor.high and not any(end % factor.grid for end in ends)


def _draw_cost(part: Part, draw: Draw) -> Cost:
    if draw.rate <= 0 or not 0 <= draw.quantile <= 1:
        raise ValueError("no exponential mechanism")
    epsilon = draw_epsilon(part, draw)
    return Cost(epsilon, epsilon**2 / 8)


def _selection_cost(part: Part, selection: Selection, mechanism: Mechanism) -> Cost:
    from sandbox.privacy.selection import delta_of  # noqa: PLC0415 - few plans select keys

    if mechanism != "discrete-gaussian" or selection.scale <= 0:
        raise ValueError("keys are selected under Gaussian noise only")
    delta = delta_of(selection.scale, part.rows, selection.threshold)
    return Cost(None, part.rows / (2 * selection.scale), delta)


def _loss(cost: Cost, filter_: Filter) -> Loss:
    if filter_ is Filter.ZCDP:
        return Loss(rho_pico=ceil(cost.rho * PICO), delta_atto=ceil(cost.delta * ATTO))
    if cost.epsilon is None or cost.delta:
        raise ValueError("a pure filter counts no Gaussian noise and no δ")
    return Loss(epsilon_pico=ceil(cost.epsilon * PICO))
