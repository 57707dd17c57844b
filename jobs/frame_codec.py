"""Frames as canonical JSON, and back; used by `jobs.codec`."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from fractions import Fraction
from typing import Any, Final, get_args

from jobs.expressions import Expression, from_json, to_json
from jobs.relations import Core, Frame, Join, JoinKind, Lookup, PerUnit, Scan, UnitValue, ValueKind

Json = Any


def ratio(value: Fraction) -> str:
    """Return an exact number as text."""
    return f"{value.numerator}/{value.denominator}"


def optional_to_json(expression: Expression | None) -> Json:
    """Return *expression*, or null, as canonical data."""
    return None if expression is None else to_json(expression)


def optional_from_json(data: Json) -> Expression | None:
    """Return what `optional_to_json` wrote."""
    return None if data is None else from_json(data)


def frame_to_json(frame: Frame) -> list[Json]:
    """Return *frame* as canonical data: its core, then its WHERE."""
    return [_core_to_json(frame.core), optional_to_json(frame.where)]


def frame_from_json(data: Sequence[Json]) -> Frame:
    """Return the frame that `frame_to_json` wrote; `ValueError` for an unknown operator."""
    (kind, *held), where = data
    if kind not in _CORES:
        raise ValueError("unknown operator")
    return Frame(_CORES[kind](*held), optional_from_json(where))


def _core_to_json(core: Core) -> list[Json]:
    match core:
        case Scan(source, place, rows):
            return ["scan", source, place, rows]
        case PerUnit(of, keys, values, rows):
            by = [[name, to_json(key)] for name, key in keys]
            return ["per-unit", frame_to_json(of), by, list(map(_value_to_json, values)), rows]
        case Join(kind, left, right, condition, rows):
            sides = (frame_to_json(left), frame_to_json(right))
            return ["join", kind, *sides, optional_to_json(condition), rows]
        case Lookup(kind, left, table, place, on, condition, rows):
            equal = [[to_json(expression), name] for expression, name in on]
            found = [kind, frame_to_json(left), table, place, equal]
            return ["lookup", *found, optional_to_json(condition), rows]


def _scan(source: int, place: int, rows: int | None) -> Scan:
    return Scan(int(source), int(place), _rows(rows))


def _per_unit(of: Json, keys: Json, values: Json, rows: int | None) -> PerUnit:
    return PerUnit(
        frame_from_json(of),
        tuple((str(name), from_json(key)) for name, key in keys),
        tuple(_value(*value) for value in values),
        _rows(rows),
    )


def _join(kind: Json, left: Json, right: Json, condition: Json, rows: int | None) -> Join:
    sides = (frame_from_json(left), frame_from_json(right))
    return Join(_one_of(kind, JoinKind), *sides, optional_from_json(condition), _rows(rows))


def _lookup(kind: Json, left: Json, *held: Json) -> Lookup:
    table, place, on, condition, rows = held
    equal = tuple((from_json(expression), str(name)) for expression, name in on)
    found = (_one_of(kind, JoinKind), frame_from_json(left), int(table), int(place), equal)
    return Lookup(*found, optional_from_json(condition), _rows(rows))


_CORES: Final[dict[str, Callable[..., Core]]] = {
    "scan": _scan,
    "per-unit": _per_unit,
    "join": _join,
    "lookup": _lookup,
}


def _rows(rows: int | None) -> int | None:
    return None if rows is None else int(rows)


def _one_of(value: Json, kinds: Any) -> Any:
    if value not in get_args(kinds):
        raise ValueError("unknown kind")
    return value


def _value_to_json(value: UnitValue) -> list[Json]:
    ends = [None if end is None else ratio(end) for end in (value.low, value.high)]
    return [value.slot, value.kind, optional_to_json(value.argument), *ends]


def _value(slot: str, kind: Json, argument: Json, low: str | None, high: str | None) -> UnitValue:
    ends = (None if end is None else Fraction(end) for end in (low, high))
    return UnitValue(str(slot), _one_of(kind, ValueKind), optional_from_json(argument), *ends)
