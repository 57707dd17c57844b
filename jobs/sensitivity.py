"""What a plan's noise costs every dataset, recomputed from frames, clamps, bounds and scales alone.

How far the rows of one unit can reach in a part (`reach`), with R = `Part.rows` and at most G groups of M
rows each (`Part.bound`; without one g, N and M' below are R): a cell of the part is as many groups as the
keys in `Part.within` make, D (1 where there are none).  All keys make F groups (not known where they are
selected).  Then the unit has

* at most g = min(R, G, F) groups, and N = min(R, g·M) rows in all,
* at most M' = min(N, D·M) of them in one cell, and rows in at most K = min(g, cells) cells.

With m_i of its rows in cell i, and c the most that a row adds to a total, adding or removing it moves

==========  ==============  ==========================================================
            L1              L2 squared
==========  ==============  ==========================================================
`Total`     N·c             c²·(⌊N/M'⌋·M'² + (N mod M')²)
`Units`     K               K: at most 1 in each of at most K cells
`Distinct`  min(N, g·v)     v times that, v = min(M', m) for m categories
==========  ==============  ==========================================================

`Total`: a cell moves by at most c·m_i, also where an axis divides it.  Σ m_i² over 0 ≤ m_i ≤ M', Σ m_i ≤ N is
largest at a corner: it is convex, and moving a row from a smaller m_i to a larger one that is not full makes
it larger.  So one bound holds for all: (R·c)² without a bound of groups, G·M²·c² where G·M ≤ R.  `Distinct`
releases per cell the number of its bits that are set, and a row sets at most one: a cell moves by at most v,
all of them by at most N and g·v, and Σ v_i² ≤ max v_i · Σ v_i.

Costs, added over measurements (basic composition; Bun & Steinke 2016, Lemma 1.7):

* discrete Laplace of scale b: ε = L1/b, and ρ = ε²/2 (ibid., Proposition 1.4);
* discrete Gaussian of σ²: ρ = L2²/(2σ²) (Canonne, Kamath & Steinke 2020, Theorem 4);
* a `Draw` of quantile a/b: one row moves a score by at most s = max(a, b - a), so what is drawn in cell i has
  ε_i = 2·rate·s·m_i and ρ_i = ε_i²/8 (Cesar & Rogers 2021: the exponential mechanism has bounded range ε_i).
  Over the cells ε = 2·rate·s·N, and ρ = (2·rate·s)²·Σ m_i²/8 with the largest Σ m_i² as above.  So does a
  half-width for every point that it may be drawn around; its prior weights do not depend on data and drop
  out (`sandbox.privacy.widths`);
* a `Selection`: ρ = K/(2σ²), since a unit adds 1 to at most K groups, and its δ.

A dataset pays for every part that reads it, in full.  Removing a unit from one dataset of several takes all
its rows out of most frames.  Where a LEFT or ANTI JOIN keeps rows for lack of a partner it may put others in
their place, which is a removal and an addition: two steps (`steps_of`).  They cost 2ε and 4ρ (Bun & Steinke
2016, Proposition 1.9: group privacy).  The δ of a selection stays: a group that only the old rows make shows
with at most δ in one case, one that only the new rows make in the other, and for the rest 2ρ are enough.

Removing a unit from several datasets at once costs no more than what these pay together.  One source of every
frame is needed, that of its leftmost scan: whoever leaves it, and others with it, leaves the frame in one
step.  Who leaves others only moves it by at most two, and then one of them pays for two, or by one.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from math import ceil, prod

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


@dataclass(frozen=True, slots=True)
class Reach:
    """How far one unit reaches in a part: N *rows* of g *groups*, M' = *each* in a cell, in K *cells*."""

    rows: int
    groups: int
    each: int
    cells: int

    @property
    def squares(self) -> int:
        """The largest sum of the squares of its rows in each cell."""
        full, rest = divmod(self.rows, self.each)
        return full * self.each**2 + rest**2


def reach(part: Part) -> Reach:
    """Return how far one unit reaches in *part*; `ValueError` for a bound that bounds to nothing."""
    rows, bound = part.rows, part.bound
    selected = part.selection is not None or any(key.categories is None for key in part.keys)
    if bound is None:
        groups, total, each = rows, rows, rows
    else:
        if bound.groups < 1 or bound.rows < 1:
            raise ValueError("a bound of groups lets no row through")
        merged = max(prod(len(key.categories) for key in part.within if key.categories is not None), 1)
        known = rows if selected else max(part.cells, 1) * merged
        groups = min(rows, bound.groups, known)
        total = min(rows, groups * bound.rows)
        each = min(total, merged * bound.rows)
    return Reach(total, groups, each, groups if selected else min(groups, part.cells))


def moved(part: Part, item: Total | Units | Distinct) -> tuple[int, int]:
    """Return by how much one unit moves a measurement of *part*: L1, and L2 squared."""
    at = reach(part)
    match item:
        case Total():
            return at.rows * item.step, at.squares * item.step**2
        case Units():
            return at.cells, at.cells
        case Distinct(key=key):
            most = min(at.each, len(key.categories or ()))
            bits = min(at.rows, at.groups * most)
            return bits, bits * most


def score_moves(part: Part, quantile: Fraction) -> tuple[int, int]:
    """Return by how much one unit moves the scores of a draw in all cells: L1, and L2 squared."""
    at, step = reach(part), score_step(quantile)
    return at.rows * step, at.squares * step**2


def draw_epsilon(part: Part, draw: Draw) -> Fraction:
    """Return the ε of one exponential mechanism in every cell, exactly."""
    return 2 * draw.rate * score_moves(part, draw.quantile)[0]


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
    squares = score_moves(part, draw.quantile)[1]
    return Cost(draw_epsilon(part, draw), (2 * draw.rate) ** 2 * squares / 8)


def _selection_cost(part: Part, selection: Selection, mechanism: Mechanism) -> Cost:
    from sandbox.privacy.selection import delta_of  # noqa: PLC0415 - few plans select keys

    if mechanism != "discrete-gaussian" or selection.scale <= 0:
        raise ValueError("keys are selected under Gaussian noise only")
    groups = reach(part).cells
    delta = delta_of(selection.scale, groups, selection.threshold)
    return Cost(None, groups / (2 * selection.scale), delta)


def _loss(cost: Cost, filter_: Filter) -> Loss:
    if filter_ is Filter.ZCDP:
        return Loss(rho_pico=ceil(cost.rho * PICO), delta_atto=ceil(cost.delta * ATTO))
    if cost.epsilon is None or cost.delta:
        raise ValueError("a pure filter counts no Gaussian noise and no δ")
    return Loss(epsilon_pico=ceil(cost.epsilon * PICO))
