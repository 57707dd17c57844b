"""Errors before they happen: expected half-widths of a plan, and the loss that reaches wanted errors.

Noise does not depend on data, so the width of counts and sums is known beforehand exactly.  Everything that
divides by a number of rows depends on it; it is stated for an assumed number, which the analyst gives or
which is taken from the owner's public ``expected_units``.  Nothing here reads data or costs anything.

* An AVG over n rows is (S + o·N)/n to first order: its half-width is that of the two noises together, taken
  at the domain's far end, divided by n.
* A variance, covariance, correlation or regression is taken to first order where its values lie evenly and
  independently over their domains; there is no worst case that says anything.
* A QUANTILE is off by ranks, not by values: the half-width is in rows, the mean where values lie evenly over
  many bins.  For a quantile a/b, in units of 1/b row, a half-width is its slack and `_BEYOND`/rate more,
  about a point that is off by 1/rate, and max(a, b - a) more encloses what SQL interpolates.

Of several grouping sets the widest figure is told; a set with fewer groups has as many more rows in each.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from decimal import ROUND_UP, Context
from fractions import Fraction
from math import prod
from typing import Final

from jobs.confidence import linear, sum_half_width
from jobs.facts import Setting
from jobs.plan import PER_QUANTILE, Answer, Distinct, Draw, Measurement, Plan, Quantile, Recipe, Total
from jobs.planning import build_for
from jobs.rollup import blank
from jobs.sensitivity import score_step
from jobs.spec import Aggregate, ErrorTarget, Query
from jobs.values import PAIRED, ROOTED, SAMPLED, SPREAD, Estimate, Exact, factors_of, value_rule
from sandbox.errors import InvalidInputError
from sandbox.privacy.combinations import Terms, combination_half_width
from sandbox.privacy.loss import MAX_EPSILON, PICO, epsilon_of_rho, rho_of_epsilon

_PRECISION: Final = Fraction(1, 10**4)
"""How near to the least loss that reaches an error `solve` comes, relatively."""
_BEYOND: Final = Fraction(15, 8)
"""By how much a half-width passes its slack on average, times its rate: 1.81 to 1.89 by computation."""
_COUNTS: Final = (Aggregate.COUNT, Aggregate.UNITS, Aggregate.HISTOGRAM)
_ADDITIVE: Final = (*_COUNTS, Aggregate.DISTINCT, Aggregate.SUM, Aggregate.QUANTILE)
"""What may have an absolute target: numbers of rows, units or categories, and sums."""


def half_widths(plan: Plan, answer: Answer, group_size: int | None) -> tuple[float | None, ...]:
    """Return the expected 95 % half-width of each measure of *answer*, None where it needs a group size.

    That of a QUANTILE is in rows.
    """
    sheets = blank(plan, answer)
    most = max((plan.parts[part].cells for part, _ in answer.sets), default=1)
    found = []
    for recipe in answer.recipes:
        widths = []
        for sheet, (part, _) in zip(sheets, answer.sets, strict=True):
            cells = plan.parts[part].cells
            size = group_size if group_size is None or not cells else group_size * most // cells
            widths.append(_half_width(recipe, sheet.used(recipe), size))
        found.append(None if None in widths else max(width for width in widths if width is not None))
    return tuple(found)


def group_size(plan: Plan, answer: Answer, stated: int | None, expected_units: int | None) -> int | None:
    """Return the rows assumed in a group: as stated, or the expected units spread evenly over the cells.

    Of several grouping sets the one with most groups is meant.  None where neither is known, or where nobody
    knows how many groups there will be.
    """
    if stated is not None:
        return stated
    cells = max((plan.parts[part].cells for part, _ in answer.sets), default=0)
    return max(expected_units // cells, 1) if expected_units and cells else None


def halved(plan: Plan, epsilon: Fraction, delta: Fraction) -> str | None:
    """Return as decimal text the ε at which every error of *plan* is half of what it is at *epsilon*.

    Laplace noise needs twice ε, Gaussian noise four times ρ (both converted at the lineage's *delta*).  None
    if that is more than anybody may write.
    """
    if plan.mechanism == "discrete-laplace":
        wanted = 2 * epsilon
    else:
        wanted = epsilon_of_rho(4 * rho_of_epsilon(epsilon, delta, up=True), delta)
    if wanted > MAX_EPSILON:
        return None
    rounded = Context(prec=6, rounding=ROUND_UP).divide(wanted.numerator, wanted.denominator)
    return format(rounded.normalize(), "f")


def solve(
    queries: Sequence[Query],
    setting: Setting,
    errors: Sequence[ErrorTarget],
    expected_units: int | None,
) -> tuple[Fraction, ...]:
    """Return for each statement the loss (ε or ρ) that `build_for` needs to meet its error target.

    *errors*: one for all statements or one each.  Each statement is solved as if alone; what statements share
    gets the largest share asked, so no error grows.  The losses are multiples of 10^-12, at most 1/10,000
    larger than the least.  Raises `InvalidInputError` where a target cannot be read for a statement or no
    loss meets it.
    """
    targets = [*errors] * len(queries) if len(errors) == 1 else errors
    goals = (_Goal(target, expected_units) for target in targets)
    return tuple(_solved(query, setting, goal) for query, goal in zip(queries, goals, strict=True))


def _solved(query: Query, setting: Setting, goal: _Goal) -> Fraction:
    return _least(lambda amount: goal.met(build_for((query,), setting, (amount,))))


@dataclass(frozen=True, slots=True)
class _Goal:
    """An error target beside the owner's public number of units."""

    target: ErrorTarget
    expected: int | None

    def met(self, plan: Plan) -> bool:
        """Return whether the only answer of *plan* is within the target."""
        (answer,) = plan.answers
        size = group_size(plan, answer, self.target.group_size, self.expected)
        part = plan.parts[answer.sets[0][0]]
        wanted = [
            self._wanted(recipe, [part.measurements[place] for place in recipe.places[0]], size)
            for recipe in (answer.recipes[:-1] if answer.minimum else answer.recipes)
        ]
        widths = half_widths(plan, answer, size)[: len(wanted)]
        if None in widths:
            raise InvalidInputError("job.needs-group-size")
        pairs = zip(widths, wanted, strict=True)
        return all(width is not None and width <= most for width, most in pairs)

    def _wanted(self, recipe: Recipe, items: Sequence[Measurement], size: int | None) -> float:
        """The half-width of one measure, in the measure's own unit; of a QUANTILE in rows."""
        if self.target.absolute is not None and recipe.aggregate in _ADDITIVE:
            return float(self.target.absolute)
        if self.target.share is None:
            raise InvalidInputError("job.avg-needs-share")
        return float(self.target.share * self._all(recipe, items, size))

    def _all(self, recipe: Recipe, items: Sequence[Measurement], size: int | None) -> Fraction:
        """What the target is a share of."""
        if recipe.aggregate is Aggregate.QUANTILE:
            if size is None:
                raise InvalidInputError("job.needs-group-size")
            return Fraction(size)
        if recipe.aggregate not in (*_COUNTS, Aggregate.SUM):
            return _whole(recipe, items)
        if self.expected is None:
            raise InvalidInputError("job.no-expected-units")
        ends = _bounds(items[0]) if recipe.aggregate is Aggregate.SUM else (Fraction(1),)
        return self.expected * max(map(abs, ends))


def _least(meets: Callable[[Fraction], bool]) -> Fraction:
    """The least amount that meets, to a multiple of 10^-12: doubled until it does, then bisected."""
    high = 1
    while not meets(Fraction(high, PICO)):
        high *= 4
        if high > MAX_EPSILON * PICO:
            raise InvalidInputError("job.error-out-of-reach")
    low = high // 4
    while high - low > 1 and high - low > low * _PRECISION:
        middle = (low + high) // 2
        low, high = (low, middle) if meets(Fraction(middle, PICO)) else (middle, high)
    return Fraction(high, PICO)


def _whole(recipe: Recipe, items: Sequence[Measurement]) -> Fraction:
    """What a share of is asked: the width of the argument's domain, in the measure's unit."""
    kind = recipe.aggregate
    if isinstance(items[0], Distinct):
        return Fraction(len(items[0].key.categories or ()))
    if kind in SPREAD or kind in PAIRED:
        widths = [high - low for low, high in map(_bounds, items[1:3])]
        if kind in SPREAD:
            return widths[0] ** (1 if kind in ROOTED else 2)
        by_kind = {Aggregate.CORR: Fraction(1), Aggregate.REGR_INTERCEPT: widths[0]}
        by_kind[Aggregate.REGR_SLOPE] = widths[0] / widths[1]
        return by_kind.get(kind, widths[0] * widths[1])
    low, high = _bounds(items[0])
    return high - low


def _bounds(item: Measurement) -> tuple[Fraction, Fraction]:
    factor = factors_of(item)[0]
    return factor.low, factor.high


def _half_width(recipe: Recipe, used: Sequence[Estimate], size: int | None) -> float | None:
    first, kind = used[0], recipe.aggregate
    if isinstance(first.item, Quantile):
        return _ranks(first.item.asked[recipe.offset // PER_QUANTILE])
    if isinstance(first.item, Distinct):
        return min(_noise(first.terms), float(len(first.item.key.categories or ())))
    if kind in _COUNTS or kind is Aggregate.SUM:
        return _noise(first.terms) if kind in _COUNTS else float(sum_half_width(used))
    if size is None:
        return None
    if kind in SPREAD or kind in PAIRED:
        return _moment(recipe, used, size)
    (factor,) = factors_of(first.item)
    far = max(abs(factor.low - factor.origin), abs(factor.high - factor.origin))
    both = linear((factor.grid, first.terms), (far, used[1].terms))
    return min(_noise(both) / size, float(factor.high - factor.low))


def _ranks(draws: Sequence[Draw]) -> float:
    point, *widths = draws
    around = max(draw.slack + _BEYOND / draw.rate for draw in widths) + 1 / point.rate
    return float((around + score_step(point.quantile)) / point.quantile.denominator)


def _noise(terms: Terms) -> float:
    return float(combination_half_width(terms))


def _moment(recipe: Recipe, used: Sequence[Estimate], size: int) -> float | None:
    """First order, where values lie evenly: the noise of each total times how the value follows it."""
    at = [size * _even(estimate.item) for estimate in used]
    parts = []
    for place, estimate in enumerate(used):
        assert isinstance(estimate.item, Total)
        step = Fraction(size * estimate.item.step, 10**6)
        ends = [
            _value(recipe, used, [*at[:place], at[place] + side, *at[place + 1 :]]) for side in (-step, step)
        ]
        if ends[0] is None or ends[1] is None:
            return _most(recipe, used)
        parts.append((Fraction(ends[1]) - Fraction(ends[0])) / (2 * step))
    width = _noise(linear(*((weight, estimate.terms) for weight, estimate in zip(parts, used, strict=True))))
    most = _most(recipe, used)
    return width if most is None else min(width, most)


def _value(recipe: Recipe, used: Sequence[Estimate], totals: Sequence[Exact]) -> float | None:
    found = [replace(estimate, numbers=(total,)) for estimate, total in zip(used, totals, strict=True)]
    value = value_rule(recipe, found)(0)
    return None if value is None else float(value)  # type: ignore[arg-type] # a moment is a number


def _even(item: Measurement) -> Fraction:
    """What a row adds to *item* on average where values lie evenly over their domains."""
    factors = factors_of(item)
    middles = [Fraction(sum(factor.range), 2) for factor in factors]
    found = prod(middles, start=Fraction(1))
    if len(factors) == 2 and factors[0] == factors[1]:
        low, high = factors[0].range
        found += Fraction((high - low) ** 2, 12)
    return found - (item.shift if isinstance(item, Total) else 0)


def _most(recipe: Recipe, used: Sequence[Estimate]) -> float | None:
    """The whole range of a measure, where there is one whatever the rows."""
    kind = recipe.aggregate
    if kind in (Aggregate.REGR_SLOPE, Aggregate.REGR_INTERCEPT):
        return None
    if kind is Aggregate.CORR:
        return 2.0
    whole = float(_whole(recipe, [estimate.item for estimate in used]))
    share = 0.5 if kind not in (Aggregate.VAR_POP, Aggregate.VAR_SAMP) else 0.25
    return whole * share * (2 if kind in SAMPLED else 1)
