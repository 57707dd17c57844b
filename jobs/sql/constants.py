"""Literals, units and types as they are written in a statement, read exactly or refused with a position."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Sequence
from fractions import Fraction
from math import isfinite
from typing import Final

from sqlglot import exp

from jobs.expressions import Expression, Literal
from jobs.sql.guard import Source
from jobs.sql.shapes import Node
from jobs.typing import MaybeKind, scalar_kind
from sandbox.errors import InvalidInputError
from sandbox.schema import Kind, Scalar, exact

MAX_PATTERN: Final = 1_000
"""Characters of a LIKE pattern: longer ones could be too large for the matching engine."""
MAX_LENGTH: Final = 2**31 - 1
MAX_BUCKETS: Final = 10_000
UNITS: Final = ("year", "quarter", "month", "week", "day")

_DATE: Final = re.compile(r"\d{4}-\d\d-\d\d", re.ASCII)
_TIMESTAMP: Final = re.compile(r"\d{4}-\d\d-\d\d([ T]\d\d:\d\d(:\d\d(\.\d{1,6})?)?)?", re.ASCII)
_TYPES: Final = {
    **dict.fromkeys((exp.DType.BIGINT, exp.DType.INT), Kind.INTEGER),
    **dict.fromkeys((exp.DType.DOUBLE, exp.DType.FLOAT, exp.DType.DECIMAL), Kind.FLOAT),
    **dict.fromkeys((exp.DType.VARCHAR, exp.DType.TEXT), Kind.STRING),
    exp.DType.DATE: Kind.DATE,
    exp.DType.BOOLEAN: Kind.BOOLEAN,
    **dict.fromkeys((exp.DType.TIMESTAMP, exp.DType.TIMESTAMPNTZ), Kind.TIMESTAMP),
}
_TYPE_NAMES: Final = "BIGINT DOUBLE VARCHAR DATE BOOLEAN"


def literal(source: Source, node: Node, *, negative: bool = False) -> tuple[Literal, MaybeKind]:
    """Return the constant that *node* writes, and its kind; *negative*: a minus stands before the number."""
    value: Scalar = None
    if isinstance(node, exp.Boolean):
        value = bool(node.this)
    elif isinstance(node, exp.Literal):
        value = str(node.this) if node.is_string else _number(source, node, negative=negative)
    return Literal(value), scalar_kind(value)


def _number(source: Source, node: exp.Literal, *, negative: bool) -> int | float:
    text = ("-" if negative else "") + str(node.this)
    digits = str(node.this).isascii() and str(node.this).isdigit()
    # The length is looked at first: Python refuses to read integers of more than 4,300 digits.
    if digits and len(text) <= 400:
        whole = int(text)
        if -(2**63) <= whole < 2**63:
            return whole
        raise InvalidInputError("sql.bad-number", **source.place(node))
    try:
        number = float(text)
    except ValueError:
        number = float("inf")
    if digits or not isfinite(number):
        raise InvalidInputError("sql.bad-number", **source.place(node))
    return number + 0.0


def moment(source: Source, node: Node, text: str, kind: Kind) -> Literal:
    """Return the date or timestamp (*kind*) that *text* writes, in ISO form."""
    shape = _TIMESTAMP if kind is Kind.TIMESTAMP else _DATE
    try:
        if not shape.fullmatch(text):
            raise ValueError
        read = dt.datetime.fromisoformat(text)
    except ValueError:
        raise InvalidInputError("sql.bad-date", **source.place(node), found=kind.value) from None
    return Literal(read if kind is Kind.TIMESTAMP else read.date())


def whole(source: Source, node: Node, found: Literal, low: int, high: int) -> int:
    """Return *found* as an integer in [low, high]."""
    value = found.value
    if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
        raise InvalidInputError("sql.bad-argument", **source.place(node), low=low, high=high)
    return value


def signed(source: Source, node: Node, text: str, limit: int) -> int:
    """Return the whole number in [-limit, limit] that *text* writes."""
    if re.fullmatch(r"-?\d{1,9}", text, re.ASCII) and abs(int(text)) <= limit:
        return int(text)
    raise InvalidInputError("sql.bad-argument", **source.place(node), low=-limit, high=limit)


def quantile(source: Source, node: Node) -> Fraction:
    """Return the number in [0, 1] that the literal *node* writes, exactly."""
    written = str(node.this) if isinstance(node, exp.Literal) and not node.is_string else ""
    try:
        found = exact(written)
    except InvalidInputError:
        found = Fraction(-1)
    if not 0 <= found <= 1:
        raise InvalidInputError("sql.bad-quantile", **source.place(node))
    return found


def lowered(pattern: Expression) -> Literal:
    """Return a text literal in lower case, character by character as the operation ``lower`` does it."""
    text = pattern.value if isinstance(pattern, Literal) else None
    if not isinstance(text, str):
        return Literal(None)
    return Literal("".join(c.lower() if len(c.lower()) == 1 else c for c in text))


def check_range(source: Source, node: Node, low: Literal, high: Literal) -> None:
    """Refuse bounds of buckets that are not two numbers in rising order, a finite way apart."""
    bottom, top = low.value, high.value
    if isinstance(bottom, int | float) and isinstance(top, int | float):
        width = float(top) - float(bottom)
    else:
        width = 0.0
    if not (isfinite(width) and width > 0):
        raise InvalidInputError("sql.bad-buckets", **source.place(node))


def unit(source: Source, node: Node, written: Node | None, allowed: Sequence[str]) -> str:
    """Return the calendar unit that *written* names, one of *allowed*."""
    name = written.name.lower() if written is not None else ""
    name = name[:-1] if name not in allowed and name.endswith("s") else name
    if name not in allowed:
        raise InvalidInputError("sql.bad-unit", **source.place(node), found=name[:20], instead=list(allowed))
    return name


def cast_kind(source: Source, node: exp.DataType) -> Kind:
    """Return the kind that a type name stands for."""
    kind = _TYPES.get(node.this)
    # DECIMAL(10, 2) would have to round: only its plain meaning, a number, is kept.
    if kind is None or (node.expressions and node.this is not exp.DType.DECIMAL):
        name = str(getattr(node.this, "value", node.this))
        raise InvalidInputError(
            "sql.bad-type",
            **source.place(node),
            found=name[:20],
            instead="BIGINT DOUBLE VARCHAR DATE BOOLEAN",
        )
    return kind
