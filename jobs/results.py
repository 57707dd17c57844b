"""From noisy integers to a table: values, 95 % intervals, HAVING, ORDER BY, LIMIT.  Post-processing only.

Everything here is a function of released integers and the public plan, so it costs nothing and may be done
again at any time.  Fixed rules, the same for every dataset:

* SUM = grid·S + origin·N and AVG = origin + grid·S/N, with the noisy N; an AVG is clipped to its public
  domain, and is null (its interval the whole domain) where N ≤ 0.
* A COUNT is shown as measured, so it may be negative; its interval is cut at 0, which the truth cannot pass.
* The interval of an expression over k measures combines intervals of coverage 1 - 0.05/k by interval
  arithmetic (Bonferroni), so it covers with at least 95 %; where that gives no bound, there is no interval.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import cmp_to_key
from itertools import product
from math import lcm
from typing import Any

from jobs.expressions import Column, Expression, columns
from jobs.propagate import Interval, propagate
from jobs.spec import Aggregate, Order, Output, Plan, Query, Recipe
from sandbox.privacy.intervals import COVERAGE, Noise, half_width, linear_half_width, ratio_rule
from sandbox.schema import Scalar


@dataclass(frozen=True, slots=True)
class Table:
    """A result: *columns* as (name, ``key``|``value``), *rows* with ``name_low``, ``name_high`` per value."""

    columns: tuple[tuple[str, str], ...]
    rows: tuple[dict[str, Any], ...]


def tabulate(query: Query, plan: Plan, noisy: Sequence[Sequence[int]]) -> Table:
    """Return what *query* shows of a release of *plan*."""
    bindings = _bindings(plan, noisy)
    chosen = _chosen(query, bindings, plan.cells)
    shown = [(output.name, "value" if _measures(output.expression) else "key") for output in query.outputs]
    release = _Release(plan, noisy, bindings)
    parts = [_column(output, release, chosen) for output in query.outputs]
    rows = (dict(item for part in row for item in part.items()) for row in zip(*parts, strict=True))
    return Table(tuple(shown), tuple(rows))


@dataclass(frozen=True, slots=True)
class _Release:
    plan: Plan
    noisy: Sequence[Sequence[int]]
    bindings: Mapping[str, list[Scalar]]


def value_rule(recipe: Recipe, plan: Plan, noisy: Sequence[Sequence[int]]) -> Callable[[int], Scalar]:
    """Return cell → value of one measure.

    Released integers are put together as integers over one denominator, and divided once.
    """
    if recipe.aggregate is Aggregate.COUNT:
        assert recipe.count is not None
        return noisy[recipe.count].__getitem__
    assert recipe.sum is not None
    item, totals = plan.measurements[recipe.sum], noisy[recipe.sum]
    counts = [0] * plan.cells if recipe.count is None else noisy[recipe.count]
    below = lcm(item.grid.denominator, item.origin.denominator)
    per_step, per_row = int(item.grid * below), int(item.origin * below)
    low, high = float(item.low), float(item.high)

    def added(cell: int) -> Scalar:
        above = totals[cell] * per_step + counts[cell] * per_row
        return above / below if above % below else above // below

    def averaged(cell: int) -> Scalar:
        count = counts[cell]
        if count <= 0:
            return None
        return min(max((totals[cell] * per_step + count * per_row) / (count * below), low), high)

    return averaged if recipe.aggregate is Aggregate.AVG else added


Rule = Callable[[int], Interval]
"""The interval of one measure in a cell."""


def interval_rule(recipe: Recipe, plan: Plan, noisy: Sequence[Sequence[int]], coverage: Fraction) -> Rule:
    """Return the rule whose intervals cover the bounded, clamped truth of a cell with at least *coverage*."""
    if recipe.aggregate is Aggregate.COUNT:
        assert recipe.count is not None
        return _count_rule(plan, recipe.count, noisy[recipe.count], coverage)
    assert recipe.sum is not None
    item, totals = plan.measurements[recipe.sum], noisy[recipe.sum]
    if recipe.count is None:
        around = half_width(plan.mechanism, item.scale, coverage)
        return lambda cell: (
            float((totals[cell] - around) * item.grid),
            float((totals[cell] + around) * item.grid),
        )
    counts = noisy[recipe.count]
    total_noise = Noise(plan.mechanism, item.scale)
    count_noise = Noise(plan.mechanism, plan.measurements[recipe.count].scale)
    if recipe.aggregate is Aggregate.AVG:
        domain = {"low": item.low, "high": item.high, "origin": item.origin, "grid": item.grid}
        ratio = ratio_rule(total_noise, count_noise, coverage=coverage, **domain)
        return lambda cell: ratio(totals[cell], counts[cell])
    beside = linear_half_width(total_noise, item.grid, count_noise, item.origin, coverage=coverage)

    value = value_rule(recipe, plan, noisy)

    def added(cell: int) -> Interval:
        centre = float(value(cell))  # type: ignore[arg-type] # a SUM is never null
        return centre - beside, centre + beside

    return added


def _count_rule(plan: Plan, index: int, counts: Sequence[int], coverage: Fraction) -> Rule:
    around = half_width(plan.mechanism, plan.measurements[index].scale, coverage)
    return lambda cell: (float(max(counts[cell] - around, 0)), float(max(counts[cell] + around, 0)))


def _bindings(plan: Plan, noisy: Sequence[Sequence[int]]) -> dict[str, list[Scalar]]:
    cells = list(product(*(key.categories for key in plan.keys)))
    found: dict[str, list[Scalar]] = {
        f"key:{index}": [cell[index] for cell in cells] for index in range(len(plan.keys))
    }
    for index, recipe in enumerate(plan.recipes):
        found[f"measure:{index}"] = list(map(value_rule(recipe, plan, noisy), range(plan.cells)))
    return found


def _chosen(query: Query, bindings: Mapping[str, list[Scalar]], cells: int) -> list[int]:
    """The cells that HAVING keeps, in the order of ORDER BY, cut at LIMIT."""
    kept = list(range(cells))
    if query.having is not None:
        truth = _evaluate(query.having, bindings, cells)
        kept = [cell for cell in kept if truth[cell] is True]
    for order in reversed(query.order):
        kept = _sorted(kept, order, _evaluate(order.expression, bindings, cells))
    return kept if query.limit is None else kept[: query.limit]


def _sorted(cells: list[int], order: Order, values: list[Scalar]) -> list[int]:
    known = [cell for cell in cells if values[cell] is not None]
    null = [cell for cell in cells if values[cell] is None]
    sign = -1 if order.descending else 1

    def compare(a: int, b: int) -> int:
        first: Any = values[a]
        second: Any = values[b]
        return sign * (int(first > second) - int(first < second))

    known.sort(key=cmp_to_key(compare))
    return [*null, *known] if order.nulls_first else [*known, *null]


def _evaluate(expression: Expression, bindings: Mapping[str, list[Scalar]], cells: int) -> list[Scalar]:
    if isinstance(expression, Column):
        return bindings[expression.name]
    from jobs.evaluate import evaluate_columns  # noqa: PLC0415 - brings Arrow; most results need none

    used = {name: bindings[name] for name in sorted(columns(expression))}
    return evaluate_columns(expression, used or {"": [None] * cells})


def _measures(expression: Expression) -> list[int]:
    """The numbers of the measures that *expression* uses."""
    names = (name.split(":") for name in columns(expression))
    return sorted(int(index) for kind, index in names if kind == "measure")


def _column(output: Output, release: _Release, chosen: Sequence[int]) -> list[dict[str, Any]]:
    name, expression = output.name, output.expression
    plan, noisy, bindings = release.plan, release.noisy, release.bindings
    values = _evaluate(expression, bindings, plan.cells)
    used = _measures(expression)
    if not used:
        return [{name: plain(values[cell])} for cell in chosen]
    coverage = 1 - (1 - COVERAGE) / len(used)
    rules = {f"measure:{index}": interval_rule(plan.recipes[index], plan, noisy, coverage) for index in used}
    keys = {name: bindings[name] for name in columns(expression) if name.startswith("key:")}
    rows = []
    for cell in chosen:
        known: dict[str, Interval | None] = {measure: rule(cell) for measure, rule in rules.items()}
        known |= {key: _point(column[cell]) for key, column in keys.items()}
        low, high = propagate(expression, known) or (None, None)
        rows.append({name: plain(values[cell]), f"{name}_low": low, f"{name}_high": high})
    return rows


def _point(value: Scalar) -> Interval | None:
    numeric = isinstance(value, int | float) and not isinstance(value, bool)
    return (float(value), float(value)) if numeric else None  # type: ignore[arg-type]


def plain(value: Scalar) -> Any:
    """Return *value* as JSON holds it."""
    return value.isoformat() if isinstance(value, dt.date) else value
