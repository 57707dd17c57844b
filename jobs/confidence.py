"""Intervals of one measure: they cover the bounded, clamped truth with at least the stated probability.

That holds for every number of rows.  The probability is over the noise alone, and nothing is conditioned on
what was released.  Fixed rules:

* A COUNT, UNITS or bar of a HISTOGRAM is cut at 0, a DISTINCT also at the number of its categories: the truth
  cannot pass either.
* An AVG and a CLIPPED stay in their domains; where N is too near 0 to say anything, they have all of it.
* A variance, covariance, correlation or regression has the interval of `sandbox.privacy.moments`, widened to
  its own value where that was moved; none where nothing bounds it.
* A QUANTILE goes from the lowest value of the lowest bin of its interval to the highest of the highest, which
  follow from its point and the half-widths drawn around it (`sandbox.privacy.widths`).  Its coverage is in
  its draws, so where several measures share the risk it has none.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from fractions import Fraction
from math import inf, isfinite
from typing import Final

from jobs.plan import Distinct, Recipe, Total
from jobs.propagate import Interval
from jobs.spec import Aggregate
from jobs.values import PAIRED, SPREAD, Estimate, Exact, drawn_interval, factors_of, value_rule, whole
from sandbox.privacy.combinations import Terms, combination_half_width
from sandbox.privacy.intervals import COVERAGE
from sandbox.privacy.moments import Kind, Variable, moment_rule
from sandbox.privacy.ratios import ratio_rule

Rule = Callable[[int], Interval | None]
"""The interval of one measure in a cell."""


def interval_rule(recipe: Recipe, used: Sequence[Estimate], coverage: Fraction) -> Rule:
    """Return the rule whose intervals cover the truth of a cell with at least *coverage*."""
    kind = recipe.aggregate
    if kind in SPREAD or kind in PAIRED:
        return _moment_rule(recipe, used, coverage)
    if kind is Aggregate.QUANTILE:
        return _quantile_rule(recipe, used[0]) if coverage == COVERAGE else lambda _: None
    if kind in (Aggregate.AVG, Aggregate.CLIPPED):
        return _average_rule(used[0], used[1], coverage)
    if kind is Aggregate.SUM:
        return _sum_rule(used, coverage)
    return _count_rule(used[0], recipe.offset, coverage)


def linear(*parts: tuple[Fraction, Terms]) -> Terms:
    """Return the noise of Σ weight·estimate, each part (weight, its terms)."""
    return tuple(
        replace(term, weight=float(weight) * term.weight)
        for weight, terms in parts
        if weight
        for term in terms
    )


def sum_half_width(used: Sequence[Estimate], coverage: Fraction = COVERAGE) -> Exact:
    """Return the half-width of a SUM = grid·S + origin·N."""
    (factor,) = factors_of(used[0].item)
    if len(used) == 1 or not factor.origin:
        return factor.grid * _half_width(used[0].terms, coverage)
    return _half_width(linear((factor.grid, used[0].terms), (factor.origin, used[1].terms)), coverage)


def _count_rule(found: Estimate, place: int, coverage: Fraction) -> Rule:
    around = _half_width(found.terms, coverage)
    most = float(len(found.item.key.categories or ())) if isinstance(found.item, Distinct) else inf

    def rule(cell: int) -> Interval:
        value = found.at(cell, place)
        low, high = float(max(value - around, 0)), float(max(value + around, 0))
        return min(low, most), min(high, most)

    return rule


def _sum_rule(used: Sequence[Estimate], coverage: Fraction) -> Rule:
    (factor,) = factors_of(used[0].item)
    around = sum_half_width(used, coverage)

    def rule(cell: int) -> Interval:
        rows = used[1].at(cell) if len(used) > 1 else 0
        centre = factor.grid * used[0].at(cell) + factor.origin * rows
        return float(centre - around), float(centre + around)

    return rule


def _half_width(terms: Terms, coverage: Fraction) -> Exact:
    return whole(Fraction(combination_half_width(terms, coverage)))


def _average_rule(totals: Estimate, counts: Estimate, coverage: Fraction) -> Rule:
    (factor,) = factors_of(totals.item)
    ratio = ratio_rule(
        totals.terms,
        counts.terms,
        low=factor.low,
        high=factor.high,
        origin=factor.origin,
        grid=factor.grid,
        coverage=coverage,
    )
    return lambda cell: ratio(totals.at(cell), counts.at(cell))


def _moment_rule(recipe: Recipe, used: Sequence[Estimate], coverage: Fraction) -> Rule:
    shifts = [estimate.item.shift if isinstance(estimate.item, Total) else 0 for estimate in used]
    sides = [factors_of(estimate.item)[0] for estimate in used[1 : 2 if recipe.aggregate in SPREAD else 3]]
    variables = [Variable(*side.range, side.origin, side.grid) for side in sides]
    rule = moment_rule(_KINDS[recipe.aggregate], [it.terms for it in used], variables, shifts, coverage)
    value_of = value_rule(recipe, used)

    def widened(cell: int) -> Interval | None:
        low, high = rule([float(estimate.at(cell)) for estimate in used])
        value = value_of(cell)
        if isinstance(value, int | float):
            low, high = min(low, value), max(high, value)
        return (low, high) if isfinite(low) and isfinite(high) else None

    return widened


def _quantile_rule(recipe: Recipe, found: Estimate) -> Rule:
    return lambda cell: drawn_interval(found, cell, recipe.offset)


_KINDS: Final[dict[Aggregate, Kind]] = {
    Aggregate.VAR_POP: "var_pop",
    Aggregate.VAR_SAMP: "var_samp",
    Aggregate.STDDEV_POP: "stddev_pop",
    Aggregate.STDDEV_SAMP: "stddev_samp",
    Aggregate.COVAR_POP: "covar_pop",
    Aggregate.COVAR_SAMP: "covar_samp",
    Aggregate.CORR: "corr",
    Aggregate.REGR_SLOPE: "slope",
    Aggregate.REGR_INTERCEPT: "intercept",
}
