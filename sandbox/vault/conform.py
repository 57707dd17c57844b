"""What a cell means: batches cast to the fields their owner declared.

A cell that does not conform to its field becomes null and is counted, for the owner only; it never stops
the registration and never shows up in an error, so that one person's odd cell cannot be told from a null
one.  Null are: the empty cell, and exactly the marks the field declares.  NaN and infinities do not
conform.  What a cell means depends on that cell alone: not on its batch, not on the other rows.

Texts read as: integers ``[+-]digits`` (also with ``.0`` behind) within int64; floats in plain or
scientific notation; decimals in plain notation, exactly, within precision and scale; booleans true/false,
t/f, yes/no, y/n, 1/0, 是/否 and their like (`TRUE`, `FALSE`); dates and timestamps as `sandbox.vault.dates`
says; what a field says of how its cells are *written* is meant as in `sandbox.vault.written`.  Surrounding
white space counts, and full-width signs differ from ASCII, in strings only.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from sandbox.errors import InvalidInputError
from sandbox.schema import Field, Kind
from sandbox.vault.dates import DATE, TIMESTAMP, read_date, read_timestamp
from sandbox.vault.written import as_read

MAX_PRECISION = 38
INT64_DIGITS = "9223372036854775807"
INTEGER = r"^[+-]?\d+(\.0*)?$"
FLOAT = r"^[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d{1,40})?$"
TRUE = ("true", "t", "yes", "y", "1", "是", "ja", "j", "wahr", "oui", "vrai", "sí", "si", "sim")
FALSE = ("false", "f", "no", "n", "0", "否", "nein", "falsch", "non", "faux", "não", "nao")
_FULL_WIDTH = r"[\x{FF01}-\x{FF5E}]"
_HALF_WIDTH = {sign: sign - 0xFEE0 for sign in range(0xFF01, 0xFF5F)}


@dataclass(slots=True)
class Conforming:
    """What happened to the cells so far, per column: those that did not conform, and all nulls."""

    nonconforming: Counter[str] = field(default_factory=Counter)
    nulls: Counter[str] = field(default_factory=Counter)


def arrow_type(declared: Field) -> pa.DataType:
    """Return the Arrow type in which a conforming column is held."""
    types: dict[Kind, pa.DataType] = {
        Kind.INTEGER: pa.int64(),
        Kind.FLOAT: pa.float64(),
        Kind.STRING: pa.dictionary(pa.int32(), pa.string()),
        Kind.BOOLEAN: pa.bool_(),
        Kind.DATE: pa.date32(),
        Kind.TIMESTAMP: pa.timestamp("us"),
    }
    if declared.kind is Kind.DECIMAL:
        return pa.decimal128(declared.precision, declared.scale)
    return types[declared.kind]


def check_fields(fields: tuple[Field, ...], columns: tuple[str, ...]) -> None:
    """Refuse fields that are not exactly *columns*, or decimals without a valid size: `InvalidInputError`."""
    names = [declared.name for declared in fields]
    if sorted(names) != sorted(columns):
        missing = [name for name in names if name not in columns]
        extra = [name for name in columns if name not in names]
        raise InvalidInputError("vault.other-columns", missing=missing, extra=extra)
    for declared in fields:
        size, scale = declared.precision, declared.scale
        if declared.kind is Kind.DECIMAL and not (
            size is not None and scale is not None and 0 <= scale <= size <= MAX_PRECISION and size > 0
        ):
            raise InvalidInputError("vault.bad-decimal", column=declared.name, most=MAX_PRECISION)


def conform(batch: pa.RecordBatch, fields: tuple[Field, ...], seen: Conforming) -> pa.RecordBatch:
    """Return *batch* with the columns of *fields*, in their order and types; count in *seen*."""
    columns = []
    for declared in fields:
        given = batch.column(declared.name)
        column = conform_column(given, declared)
        known_missing = _count_missing(given, declared)
        seen.nonconforming[declared.name] += column.null_count - known_missing
        columns.append(column)
    schema = pa.schema([(declared.name, arrow_type(declared)) for declared in fields])
    return pa.RecordBatch.from_arrays(columns, schema=schema)


def conform_column(column: pa.Array, declared: Field) -> pa.Array:
    """Return *column* in the declared type, with null for every cell that is missing or does not conform."""
    if not declared.missing:
        native = _NATIVE.get(declared.kind)
        if native and native.accepts(column.type):
            return native.convert(column)
        if declared.kind is Kind.DECIMAL and pa.types.is_decimal(column.type):
            return _native_decimals(column, arrow_type(declared))
    if declared.kind is Kind.TIMESTAMP and pa.types.is_timestamp(column.type) and column.type.tz:
        column = column.cast(pa.timestamp(column.type.unit, "UTC"))  # else its text ends in "+0800"
    if not _is_textual(column.type):
        declared = replace(declared, written="")  # its text is ours
    coded = _text(column).dictionary_encode()
    missing = _is_missing(coded.dictionary, declared)
    if declared.kind is Kind.STRING:
        indices = pc.if_else(missing.take(coded.indices), pa.scalar(None, pa.int32()), coded.indices)
        return pa.DictionaryArray.from_arrays(indices, coded.dictionary)
    narrow = _half_width(coded.dictionary)
    missing = pc.or_(missing, _is_missing(narrow, declared))
    kept = pc.if_else(missing, None, pc.utf8_trim_whitespace(narrow))
    return _parse(kept, declared).take(coded.indices)


def _half_width(values: pa.Array) -> pa.Array:
    """Return texts with ASCII in place of its full-width forms (U+FF01 to U+FF5E)."""
    wide = pc.match_substring_regex(values, _FULL_WIDTH)
    if not pc.any(wide).as_py():
        return values
    narrowed = [text.translate(_HALF_WIDTH) for text in values.filter(wide).to_pylist()]
    return pc.replace_with_mask(values, wide, pa.array(narrowed, values.type))


def _text(column: pa.Array) -> pa.Array:
    if pa.types.is_dictionary(column.type):
        column = column.cast(column.type.value_type)
    return column.cast(pa.string())


def _is_textual(kind: pa.DataType) -> bool:
    kind = kind.value_type if pa.types.is_dictionary(kind) else kind
    return bool(pa.types.is_string(kind) or pa.types.is_large_string(kind))


def _is_missing(values: pa.Array, declared: Field) -> pa.Array:
    return pc.is_in(values, pa.array(["", *declared.missing], pa.string()))


def _count_missing(column: pa.Array, declared: Field) -> int:
    if not (_is_textual(column.type) or declared.missing or pa.types.is_dictionary(column.type)):
        return int(column.null_count)
    coded = _text(column).dictionary_encode()
    marked = pc.sum(_is_missing(coded.dictionary, declared).take(coded.indices)).as_py() or 0
    return int(column.null_count + marked)


# --- from text, one distinct value at a time ----------------------------------------------------------


def _parse(values: pa.Array, declared: Field) -> pa.Array:
    """Return the meaning of each distinct text, null for what does not conform."""
    if declared.written:
        values = as_read(values, declared.kind, declared.written)
    if declared.kind is Kind.INTEGER:
        return _integers(values)
    if declared.kind is Kind.FLOAT:
        return _finite(_matching(values, FLOAT).cast(pa.float64()))
    if declared.kind is Kind.DECIMAL:
        return _decimals(values, declared)
    if declared.kind is Kind.BOOLEAN:
        lower = pc.utf8_lower(values)
        known = pc.is_in(lower, pa.array([*TRUE, *FALSE]))
        return pc.if_else(known, pc.is_in(lower, pa.array(TRUE)), None)
    if declared.kind is Kind.DATE:
        return _each(_matching(values, DATE), pa.date32(), read_date)
    return _each(_matching(values, TIMESTAMP), pa.timestamp("us"), read_timestamp)


def _matching(values: pa.Array, pattern: str) -> pa.Array:
    return pc.if_else(pc.match_substring_regex(values, pattern), values, None)


def _integers(values: pa.Array) -> pa.Array:
    whole = pc.replace_substring_regex(_matching(values, INTEGER), r"^\+|\.0*$", "")
    digits = pc.replace_substring_regex(whole, r"^-?0*", "")
    length = pc.utf8_length(digits)
    # At equal length, text compares like the number does.
    fits = pc.or_(
        pc.less(length, len(INT64_DIGITS)),
        pc.and_(pc.equal(length, len(INT64_DIGITS)), pc.less_equal(digits, INT64_DIGITS)),
    )
    return pc.if_else(fits, whole, None).cast(pa.int64())


def _decimals(values: pa.Array, declared: Field) -> pa.Array:
    assert declared.precision is not None
    assert declared.scale is not None
    front, behind = declared.precision - declared.scale, declared.scale
    plain = rf"^[+-]?0*\d{{0,{front}}}(\.\d{{0,{behind}}}0*)?$"
    kept = _matching(_matching(values, plain), r"\d")
    short = pc.replace_substring_regex(kept, r"^([+-]?)0+(\d)", r"\1\2")
    short = pc.replace_substring_regex(short, rf"(\.\d{{{behind}}})0*$", r"\1")
    return short.cast(arrow_type(declared))


def _finite(values: pa.Array) -> pa.Array:
    # Adding 0.0 makes -0.0 the same zero, so that equal rows have equal bytes.
    return pc.if_else(pc.is_finite(values), pc.add(values, 0.0), None)


def _each(values: pa.Array, kind: pa.DataType, parse: Callable[[str], Any]) -> pa.Array:
    return pa.array([None if text is None else parse(text) for text in values.to_pylist()], kind)


# --- from Arrow types that mean the same --------------------------------------------------------------


_TICKS = {"s": 1, "ms": 10**3, "us": 10**6, "ns": 10**9}
_FIRST, _END = -62_135_596_800, 253_402_300_800
"""The seconds of the years 1 and 10000."""
_DAY = 86_400


@dataclass(frozen=True, slots=True)
class _Native:
    accepts: Callable[[pa.DataType], bool]
    convert: Callable[[pa.Array], pa.Array]


def _native_integers(column: pa.Array) -> pa.Array:
    if pa.types.is_uint64(column.type):
        column = pc.if_else(pc.less_equal(column, pa.scalar(2**63 - 1, pa.uint64())), column, None)
    return column.cast(pa.int64())


def _native_dates(column: pa.Array) -> pa.Array:
    """Return days; what lies outside the years 1 to 9999 does not conform, nor would it as text."""
    by_day = pa.types.is_date32(column.type)
    ticks = column.view(pa.int32()).cast(pa.int64()) if by_day else column.view(pa.int64())
    per_day = 1 if by_day else _DAY * 1000
    first, end = _FIRST // _DAY * per_day, _END // _DAY * per_day
    within = pc.and_(pc.greater_equal(ticks, first), pc.less(ticks, end))
    return pc.if_else(within, column, None).cast(pa.date32(), safe=False)


def _native_timestamps(column: pa.Array) -> pa.Array:
    """Return microseconds; what lies outside the years 1 to 9999 does not conform, nor would it as text."""
    ticks, per_second = column.view(pa.int64()), _TICKS[column.type.unit]
    within = pc.and_(
        pc.greater_equal(ticks, max(_FIRST * per_second, -(2**63))),
        pc.less_equal(ticks, min(_END * per_second, 2**63) - 1),
    )
    utc = pc.if_else(within, column, None).cast(pa.timestamp("us", column.type.tz), safe=False)
    return utc.view(pa.int64()).view(pa.timestamp("us"))


def _native_decimals(column: pa.Array, target: pa.DataType) -> pa.Array:
    try:
        return column.cast(target)
    except pa.ArrowInvalid:  # some value does not fit: look at each
        coded = column.dictionary_encode()
        fitting = [_fitting(value, target) for value in coded.dictionary]
        return pa.array(fitting, target).take(coded.indices)


def _fitting(value: pa.Scalar, target: pa.DataType) -> pa.Scalar | None:
    try:
        return value.cast(target)
    except pa.ArrowInvalid:
        return None


_NATIVE: dict[Kind, _Native] = {
    Kind.INTEGER: _Native(pa.types.is_integer, _native_integers),
    Kind.FLOAT: _Native(pa.types.is_floating, lambda column: _finite(column.cast(pa.float64()))),
    Kind.BOOLEAN: _Native(pa.types.is_boolean, lambda column: column),
    Kind.DATE: _Native(pa.types.is_date, _native_dates),
    Kind.TIMESTAMP: _Native(pa.types.is_timestamp, _native_timestamps),
}
