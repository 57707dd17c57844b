"""Which bounds and clamps are in force for one answer, and what each was derived from; facts, no prose."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from math import prod

from jobs.expressions import Column, Expression, columns
from jobs.plan import Answer, Binning, Factor, Measurement, Part, Plan, Quantile, Total
from jobs.relations import Core, Join, Lookup, PerUnit, Scan, UnitValue, cores, shown


@dataclass(frozen=True, slots=True)
class Derivation:
    """One bound: *what* is bounded, how (*kind*), between which numbers, and what they follow *source*.

    *kind*: ``rows`` (of a unit that count), ``rows after joining``, ``groups`` (of a unit), ``rows in a
    group``, ``clamp`` (of a number that is measured), ``count per unit``, ``sum per unit`` … (of a value per
    unit).  *source*: the field of the policy, ``declared bounds`` (a column's own), or ``derived`` (through
    an expression).
    """

    what: str
    kind: str
    low: Fraction | None
    high: Fraction | None
    source: str


def derivations(plan: Plan, answer: Answer) -> tuple[Derivation, ...]:
    """Return the bounds behind *answer*, each once: of rows, of values per unit, of measured numbers."""
    found: dict[Derivation, None] = {}
    for place, (number, _) in enumerate(answer.sets):
        part = plan.parts[number]
        for core in cores(part.frame):
            found |= dict.fromkeys(_core(core, plan))
        found |= dict.fromkeys(_groups(part, answer))
        for recipe in answer.recipes:
            for item in recipe.places[place]:
                found |= dict.fromkeys(_measurement(part.measurements[item], part))
    return tuple(found)


def _core(core: Core, plan: Plan) -> Iterator[Derivation]:
    match core:
        case Scan(source=source, rows=rows):
            if rows is not None:
                yield _rows(plan.sources[source].dataset, "rows", rows, "unit.max_rows")
        case PerUnit(keys=keys, values=values, rows=rows):
            yield from map(_value, values)
            if rows is not None and keys:
                yield _rows(", ".join(shown(name) for name, _ in keys), "groups", rows, "unit.max_rows")
        case Join(rows=rows) | Lookup(rows=rows):
            if rows is not None:
                yield _rows("", "rows after joining", rows, "unit.max_rows")


def _groups(part: Part, answer: Answer) -> Iterator[Derivation]:
    groups, rows = binding(part)
    what = ", ".join(dict.fromkeys(_name(key.expression) for key in answer.keys))
    if groups is not None:
        yield _rows(what, "groups", groups, "unit.max_groups")
    if rows is not None:
        yield _rows(what, "rows in a group", rows, "unit.max_group_rows")


def binding(part: Part) -> tuple[int | None, int | None]:
    """Return how many groups of a unit count in *part*, and how many rows in each; None: all there can be."""
    if part.bound is None:
        return None, None
    keys = (*part.keys, *part.within)
    known = prod(part.rows if key.categories is None else len(key.categories) for key in keys)
    groups, rows = part.bound.groups, part.bound.rows
    return groups if groups < min(part.rows, known) else None, rows if rows < part.rows else None


def _rows(what: str, kind: str, rows: int, source: str) -> Derivation:
    return Derivation(what, kind, Fraction(0), Fraction(rows), source)


def _value(value: UnitValue) -> Derivation:
    source = "unit.most_rows" if value.kind in ("count", "sum", "distinct") else "declared bounds"
    if value.kind != "count" and not isinstance(value.argument, Column):
        source = "derived"
    return Derivation(shown(value.slot), f"{value.kind} per unit", value.low, value.high, source)


def _measurement(item: Measurement, part: Part) -> Iterator[Derivation]:
    ranges: tuple[Factor | Binning, ...] = ()
    match item:
        case Total(factors=factors, axis=axis):
            ranges = (*factors, *(() if axis is None else (axis,)))
        case Quantile(binning=binning):
            ranges = (binning,)
    for it in ranges:
        yield Derivation(_name(it.argument), "clamp", it.low, it.high, _source(it.argument, part))


def _name(argument: Expression) -> str:
    return ", ".join(sorted(shown(name) for name in columns(argument)))


def _source(argument: Expression, part: Part) -> str:
    """Where the bounds of a number come from: its own column, the value per unit it is, or a derivation."""
    if not isinstance(argument, Column):
        return "derived"
    made = {
        value.slot: value for core in cores(part.frame) if isinstance(core, PerUnit) for value in core.values
    }
    value = made.get(argument.name)
    return "declared bounds" if value is None else f"{value.kind} per unit"
