"""Row expressions: a closed, total language between SQL and the kernels.

An expression maps one row to one value or null.  It is *total*: no row can make it fail, so that neither an
error nor its absence tells anything about data.  The laws, which `jobs.evaluate` obeys and DuckDB checks in
tests:

* three-valued logic; a comparison with null is null; a filter keeps a row only if it is true;
* arithmetic is done in float64; a result that is not finite (division by zero included) is null;
* a cast that does not succeed is null;
* comparisons never mix text with numbers: planning refuses them, so evaluation cannot meet them.

Expressions travel to workers as JSON (`to_json`, `from_json`), never as pickles.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

from jobs.vocabulary import SECTIONS, Operation
from sandbox.schema import Kind, Scalar


@dataclass(frozen=True, slots=True)
class Column:
    """The row's cell in a stored column."""

    name: str


@dataclass(frozen=True, slots=True)
class Literal:
    """A constant; a float is finite."""

    value: Scalar


@dataclass(frozen=True, slots=True)
class Call:
    """An operation of `OPERATIONS` on its arguments."""

    operation: str
    arguments: tuple[Expression, ...]


Expression = Column | Literal | Call

OPERATIONS: Final[dict[str, Operation]] = {
    name: item for section in SECTIONS.values() for name, item in section.items()
}
"""The whole language, by name; parsers, kind rules, evaluation and interval arithmetic use these names."""


def walk(expression: Expression) -> Iterator[Expression]:
    """Yield *expression* and everything inside it."""
    stack = [expression]
    while stack:
        item = stack.pop()
        yield item
        if isinstance(item, Call):
            stack.extend(item.arguments)


def columns(expression: Expression) -> frozenset[str]:
    """Return the names of the stored columns that *expression* reads."""
    return frozenset(item.name for item in walk(expression) if isinstance(item, Column))


def scalar_to_json(value: Scalar) -> list[Any]:
    """Return *value* with its type, as canonical JSON can hold it (floats as hexadecimal text)."""
    if value is None:
        return ["null"]
    if isinstance(value, bool):
        return ["boolean", value]
    if isinstance(value, int):
        return ["integer", str(value)]
    if isinstance(value, float):
        return ["float", value.hex()]
    if isinstance(value, str):
        return ["string", value]
    kind = Kind.TIMESTAMP if isinstance(value, dt.datetime) else Kind.DATE
    return [kind.value, value.isoformat()]


def scalar_from_json(data: list[Any]) -> Scalar:
    """Return the value that `scalar_to_json` wrote."""
    kind, *rest = data
    if kind == "null":
        return None
    readers: dict[str, Any] = {
        "boolean": bool,
        "integer": int,
        "float": float.fromhex,
        "string": str,
        "date": dt.date.fromisoformat,
        "timestamp": dt.datetime.fromisoformat,
    }
    value: Scalar = readers[kind](rest[0])
    return value


def to_json(expression: Expression) -> list[Any]:
    """Return *expression* as nested lists of text, fit for canonical JSON."""
    match expression:
        case Column(name):
            return ["column", name]
        case Literal(value):
            return ["literal", *scalar_to_json(value)]
        case Call(operation, arguments):
            return ["call", operation, *map(to_json, arguments)]


def from_json(data: list[Any]) -> Expression:
    """Return the expression that `to_json` wrote."""
    head, *rest = data
    if head == "column":
        return Column(rest[0])
    if head == "literal":
        return Literal(scalar_from_json(rest))
    if rest[0] not in OPERATIONS:
        raise ValueError(rest[0])
    return Call(rest[0], tuple(map(from_json, rest[1:])))
