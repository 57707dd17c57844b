"""What a plan asks, in names: columns with what they are used for, and what is computed; no constants.

Whoever reviews a job may read which columns it touched and how, not what somebody looked for in them.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass
from typing import Any

from jobs.derivations import binding
from jobs.expressions import Expression, columns
from jobs.plan import Answer, Distinct, Part, Plan
from jobs.reading import measured
from jobs.relations import Frame, Join, Lookup, PerUnit, Scan, cores, place_of, shown
from sandbox.schema import Use

_Uses = dict[str, set[Use]]


@dataclass(frozen=True, slots=True)
class Statement:
    """What one statement computes: names of aggregates, columns grouped by, and its number of cells.

    Of a unit count at most *max_groups* groups, and *max_group_rows* rows in each, where these are not None.
    """

    operations: tuple[str, ...]
    keys: tuple[str, ...]
    cells: int
    max_groups: int | None
    max_group_rows: int | None

    def to_json(self) -> dict[str, Any]:
        """Return the same as JSON."""
        return asdict(self) | {"operations": [*self.operations], "keys": [*self.keys]}


def column_uses(plan: Plan, source: int) -> dict[str, tuple[Use, ...]]:
    """Return the stored columns of *source* that the plan reads, each with its uses in a fixed order."""
    found: _Uses = defaultdict(set)
    for part in plan.parts:
        places = {
            core.place for core in cores(part.frame) if isinstance(core, Scan) and core.source == source
        }
        for use, expression in _used(part):
            for name in columns(expression):
                if place_of(name) in places:
                    found[shown(name)].add(use)
    return {name: tuple(use for use in Use if use in found[name]) for name in sorted(found)}


def statements(plan: Plan) -> tuple[Statement, ...]:
    """Return what each statement of *plan* computes."""
    return tuple(_statement(plan, answer) for answer in plan.answers)


def _statement(plan: Plan, answer: Answer) -> Statement:
    operations = dict.fromkeys(recipe.aggregate.value for recipe in answer.recipes)
    keys = dict.fromkeys(shown(name) for key in answer.keys for name in sorted(columns(key.expression)))
    parts = [plan.parts[part] for part, _ in answer.sets]
    return Statement(tuple(operations), tuple(keys), sum(it.cells for it in parts), *binding(parts[0]))


def _used(part: Part) -> Iterator[tuple[Use, Expression]]:
    yield from _in_frame(part.frame)
    for key in (*part.keys, *part.within):
        yield Use.GROUP, key.expression
    for item in part.measurements:
        counted = isinstance(item, Distinct)
        yield from ((Use.FILTER if counted else Use.MEASURE, it) for it in measured(item))


def _in_frame(frame: Frame) -> Iterator[tuple[Use, Expression]]:
    for core in cores(frame):
        match core:
            case PerUnit(keys=keys, values=values):
                yield from ((Use.GROUP, expression) for _, expression in keys)
                yield from _known(Use.MEASURE, (value.argument for value in values))
            case Join(condition=condition):
                yield from _known(Use.FILTER, (condition,))
            case Lookup(on=on, condition=condition):
                yield from ((Use.JOIN, expression) for expression, _ in on)
                yield from _known(Use.FILTER, (condition,))
    yield from _known(Use.FILTER, conditions(frame))


def conditions(frame: Frame) -> Iterator[Expression | None]:
    """Yield the WHERE of *frame* and of every frame inside it."""
    yield frame.where
    match frame.core:
        case PerUnit(of=inner) | Lookup(left=inner):
            yield from conditions(inner)
        case Join(left=left, right=right):
            yield from conditions(left)
            yield from conditions(right)


def _known(use: Use, found: Iterable[Expression | None]) -> Iterator[tuple[Use, Expression]]:
    return ((use, expression) for expression in found if expression is not None)
