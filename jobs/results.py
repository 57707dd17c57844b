"""From noisy integers to a table: values, 95 % intervals, totals, HAVING, ORDER BY, LIMIT.  Post-processing.

Everything here is a function of released integers and the public plan, so it costs nothing and may be done
again at any time.  Values are made by the rules of `jobs.values`, intervals by those of `jobs.confidence`,
totals agree with their parts by `jobs.rollup`.  Fixed rules, the same for every dataset:

* The rows are the cells of all grouping sets, in the order of the sets and of the declared categories; empty
  groups are shown, unless a policy's minimum count withholds rows, totals among them, before all else.
  HAVING keeps rows where it is true; ORDER BY and LIMIT act over all sets together.
* In a total over a key the key is null, and the row carries ``_totals``, the names of the outputs that show
  such a key (without asking GROUPING of it themselves): a total is not the category null.
* The interval of an expression over k measures combines intervals of coverage 1 - 0.05/k by interval
  arithmetic (Bonferroni), so it covers with at least 95 %; where that gives no bound, there is no interval.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import cmp_to_key
from typing import Any

from jobs.confidence import Rule, interval_rule
from jobs.expressions import Column, Expression, columns
from jobs.notes import Note, notes
from jobs.plan import Answer, Plan, Released
from jobs.propagate import Interval, point, propagate
from jobs.rollup import Sheet, sheets
from jobs.spec import Order, Output, Query
from jobs.values import value_rule
from sandbox.privacy.intervals import COVERAGE
from sandbox.schema import Scalar

Bindings = Mapping[str, list[Scalar]]
"""The values of ``key:i``, ``measure:i`` and ``grouping:i`` in every row."""


@dataclass(frozen=True, slots=True)
class Table:
    """A result: *columns* as (name, ``key``|``value``), *rows* with ``name_low``, ``name_high`` per value.

    *notes*: what a reader must know of how the numbers came about.
    """

    columns: tuple[tuple[str, str], ...]
    rows: tuple[dict[str, Any], ...]
    notes: tuple[Note, ...] = ()


def tabulate(query: Query, plan: Plan, number: int, released: Sequence[Released]) -> Table:
    """Return what statement *number* of *plan* shows of a release; of *query* only its presentation is read.

    *released* holds one release per part of the plan.
    """
    result = _Result(query, plan.answers[number], sheets(plan, plan.answers[number], released))
    found, withheld = _enough(result, plan.answers[number])
    chosen = _chosen(query, result, found)
    shown = [(output.name, "value" if measures(output.expression) else "key") for output in query.outputs]
    parts = [_totals(query.outputs, result, chosen), *(_column(it, result, chosen) for it in query.outputs)]
    rows = (dict(item for part in row for item in part.items()) for row in zip(*parts, strict=True))
    return Table(tuple(shown), tuple(rows), notes(plan, plan.answers[number], withheld))


class _Result:
    """The rows of all grouping sets: row → (sheet, cell), and what expressions over them may read."""

    def __init__(self, query: Query, answer: Answer, found: Sequence[Sheet]) -> None:
        self.recipes = answer.recipes
        self.sheets = found
        self.rows = [(place, cell) for place, sheet in enumerate(found) for cell in range(len(sheet.cells))]
        read = [
            *(output.expression for output in query.outputs),
            *(order.expression for order in query.order),
        ]
        read += [] if query.having is None else [query.having]
        used = {number for expression in read for number in measures(expression)}
        used |= {len(answer.recipes) - 1} if answer.minimum else set()
        self.bindings = self._keys(len(answer.keys)) | self._measures(used)

    def _keys(self, count: int) -> dict[str, list[Scalar]]:
        bindings: dict[str, list[Scalar]] = {}
        for number in range(count):
            bindings[f"key:{number}"] = [self.sheets[place].key(number, cell) for place, cell in self.rows]
            total = [int(number not in sheet.numbers) for sheet in self.sheets]
            bindings[f"grouping:{number}"] = [total[place] for place, _ in self.rows]
        return bindings

    def _measures(self, used: Iterable[int]) -> dict[str, list[Scalar]]:
        bindings: dict[str, list[Scalar]] = {}
        for number in used:
            recipe = self.recipes[number]
            rules = [value_rule(recipe, sheet.used(recipe)) for sheet in self.sheets]
            bindings[f"measure:{number}"] = [rules[place](cell) for place, cell in self.rows]
        return bindings

    def intervals(self, number: int, coverage: Fraction) -> list[Rule]:
        """Return the interval rule of one measure in every sheet."""
        recipe = self.recipes[number]
        return [interval_rule(recipe, sheet.used(recipe), coverage) for sheet in self.sheets]


def _enough(result: _Result, answer: Answer) -> tuple[list[int], int]:
    """The rows that stand for enough rows of data by their noisy count, and the number of the others."""
    rows = list(range(len(result.rows)))
    if not answer.minimum:
        return rows, 0
    counts: list[Any] = result.bindings[f"measure:{len(answer.recipes) - 1}"]
    kept = [row for row in rows if counts[row] >= answer.minimum]
    return kept, len(rows) - len(kept)


def _chosen(query: Query, result: _Result, kept: list[int]) -> list[int]:
    """Those of *kept* that HAVING keeps, in the order of ORDER BY, cut at LIMIT."""
    bindings, count = result.bindings, len(result.rows)
    if query.having is not None:
        truth = _evaluate(query.having, bindings, count)
        kept = [row for row in kept if truth[row] is True]
    for order in reversed(query.order):
        kept = _sorted(kept, order, _evaluate(order.expression, bindings, count))
    return kept if query.limit is None else kept[: query.limit]


def _sorted(rows: list[int], order: Order, values: list[Scalar]) -> list[int]:
    known = [row for row in rows if values[row] is not None]
    null = [row for row in rows if values[row] is None]
    sign = -1 if order.descending else 1

    def compare(a: int, b: int) -> int:
        first: Any = values[a]
        second: Any = values[b]
        return sign * (int(first > second) - int(first < second))

    known.sort(key=cmp_to_key(compare))
    return [*null, *known] if order.nulls_first else [*known, *null]


def _evaluate(expression: Expression, bindings: Bindings, count: int) -> list[Scalar]:
    if isinstance(expression, Column):
        return bindings[expression.name]
    from jobs.evaluate import evaluate_columns  # noqa: PLC0415 - brings Arrow; most results need none

    used = {name: bindings[name] for name in sorted(columns(expression))}
    return evaluate_columns(expression, used or {"": [None] * count})


def measures(expression: Expression) -> list[int]:
    """Return the numbers of the measures that *expression* uses."""
    return _numbers(expression, "measure")


def _numbers(expression: Expression, wanted: str) -> list[int]:
    names = (name.split(":") for name in columns(expression))
    return sorted(int(index) for kind, index in names if kind == wanted)


def _totals(outputs: Sequence[Output], result: _Result, chosen: Sequence[int]) -> list[dict[str, Any]]:
    """For every row the keys shown that it is a total over, unless the output itself asks GROUPING."""
    asked = [
        (it.name, set(_numbers(it.expression, "key")) - set(_numbers(it.expression, "grouping")))
        for it in outputs
        if not measures(it.expression)
    ]
    over = [[name for name, keys in asked if keys - set(sheet.numbers)] for sheet in result.sheets]
    named = (over[result.rows[row][0]] for row in chosen)
    return [{"_totals": list(names)} if names else {} for names in named]


def _column(output: Output, result: _Result, chosen: Sequence[int]) -> list[dict[str, Any]]:
    name, expression = output.name, output.expression
    values = _evaluate(expression, result.bindings, len(result.rows))
    if not measures(expression):
        return [{name: plain(values[row])} for row in chosen]
    ends = [interval or (None, None) for interval in _intervals(expression, result, chosen)]
    return [
        {name: plain(values[row]), f"{name}_low": low, f"{name}_high": high}
        for row, (low, high) in zip(chosen, ends, strict=True)
    ]


def _intervals(expression: Expression, result: _Result, chosen: Sequence[int]) -> list[Interval | None]:
    used = measures(expression)
    coverage = 1 - (1 - COVERAGE) / len(used)
    rules = {f"measure:{index}": result.intervals(index, coverage) for index in used}
    others = [name for name in columns(expression) if not name.startswith("measure:")]
    found = []
    for row in chosen:
        place, cell = result.rows[row]
        known = {name: by_sheet[place](cell) for name, by_sheet in rules.items()}
        known |= {name: point(result.bindings[name][row]) for name in others}
        found.append(propagate(expression, known))
    return found


def plain(value: Scalar) -> Any:
    """Return *value* as JSON holds it."""
    return value.isoformat() if isinstance(value, dt.date) else value
