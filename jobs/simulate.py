"""Errors before they happen: expected half-widths of a plan, and the ε that reaches a wanted error.

Noise does not depend on data, so the width of every COUNT and SUM is known beforehand exactly.  That of an
AVG depends on how many rows a group has; it is stated for an assumed number, which the analyst gives or which
is taken from the owner's public ``expected_units``.  Nothing here reads data or costs anything.
"""

from __future__ import annotations

from fractions import Fraction
from typing import Final

from jobs.planning import Setting, build
from jobs.spec import Aggregate, ErrorTarget, JobSpec, Plan, Query, Recipe
from sandbox.errors import InvalidInputError
from sandbox.privacy.intervals import COVERAGE, Noise, half_width, linear_half_width
from sandbox.privacy.loss import cost_of_epsilon

MIN_EPSILON: Final = Fraction(1, 10**6)
MAX_EPSILON: Final = Fraction(10**6)


def half_widths(plan: Plan, group_size: int | None) -> tuple[float | None, ...]:
    """Return the expected 95 % half-width of each measure, None for an AVG of unknown group size.

    An AVG over n rows is (S + o·N)/n to first order: its half-width is that of the two noises together,
    taken at the domain's far end, divided by n.
    """
    return tuple(_half_width(plan, recipe, group_size) for recipe in plan.recipes)


def group_size(plan: Plan, stated: int | None, expected_units: int | None) -> int | None:
    """Return the rows assumed in a group: as stated, or the expected units spread evenly over the cells."""
    if stated is not None:
        return stated
    return max(expected_units // plan.cells, 1) if expected_units else None


def solve(
    query: Query, setting: Setting, spec: JobSpec, delta: Fraction, expected_units: int | None
) -> Fraction:
    """Return the smallest ε (to a millionth) at which every measure's half-width meets the target.

    Raises `InvalidInputError` where the target cannot be read for this query or no ε up to 10^6 meets it.
    """
    assert spec.error is not None

    def meets(epsilon: Fraction) -> bool:
        plan = build(query, setting, cost_of_epsilon(setting.filter, epsilon, delta))
        size = group_size(plan, spec.error.group_size if spec.error else None, expected_units)
        targets = _targets(plan, spec.error, expected_units) if spec.error else ()
        widths = half_widths(plan, size)
        if any(width is None for width in widths):
            raise InvalidInputError("job.needs-group-size")
        pairs = zip(widths, targets, strict=True)
        return all(width is not None and width <= target for width, target in pairs)

    low, high = 1, int(MAX_EPSILON / MIN_EPSILON)
    if not meets(high * MIN_EPSILON):
        raise InvalidInputError("job.error-out-of-reach")
    while low < high:
        middle = (low + high) // 2
        low, high = (low, middle) if meets(middle * MIN_EPSILON) else (middle + 1, high)
    return low * MIN_EPSILON


def _targets(plan: Plan, target: ErrorTarget | None, expected_units: int | None) -> tuple[float, ...]:
    assert target is not None
    return tuple(_target(plan, recipe, target, expected_units) for recipe in plan.recipes)


def _target(plan: Plan, recipe: Recipe, target: ErrorTarget, expected_units: int | None) -> float:
    """The wanted half-width of one measure, in the measure's own unit."""
    if target.absolute is not None and recipe.aggregate is not Aggregate.AVG:
        return float(target.absolute)
    if target.share is None:
        raise InvalidInputError("job.avg-needs-share")
    if recipe.aggregate is Aggregate.AVG:
        assert recipe.sum is not None
        item = plan.measurements[recipe.sum]
        return float(target.share * (item.high - item.low))
    if expected_units is None:
        raise InvalidInputError("job.no-expected-units")
    share = target.share * expected_units
    if recipe.aggregate is Aggregate.COUNT:
        return float(share)
    assert recipe.sum is not None
    item = plan.measurements[recipe.sum]
    return float(share * max(abs(item.low), abs(item.high)))


def _half_width(plan: Plan, recipe: Recipe, size: int | None) -> float | None:
    def width(index: int | None) -> int:
        return 0 if index is None else half_width(plan.mechanism, plan.measurements[index].scale, COVERAGE)

    if recipe.aggregate is Aggregate.COUNT:
        return float(width(recipe.count))
    assert recipe.sum is not None
    item = plan.measurements[recipe.sum]
    if recipe.count is None:
        return float(width(recipe.sum) * item.grid)
    far = max(abs(item.low - item.origin), abs(item.high - item.origin))
    weight = item.origin if recipe.aggregate is Aggregate.SUM else far
    noise, counted = (Noise(plan.mechanism, plan.measurements[i].scale) for i in (recipe.sum, recipe.count))
    both = linear_half_width(noise, item.grid, counted, weight)
    if recipe.aggregate is Aggregate.SUM:
        return both
    return None if size is None else min(both / size, float(item.high - item.low))
