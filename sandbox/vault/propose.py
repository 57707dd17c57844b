"""Fields proposed from a sample, for the owner to confirm on the owner's own screen.

A proposal is never used unconfirmed: what a column means is the owner's declaration.  When in doubt the
proposal is a string: codes keep their leading zeros, and numbers of more than 15 digits are names of
something, as are decimals of more digits than a decimal can have.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Final

import pyarrow as pa
import pyarrow.compute as pc

from sandbox.errors import InvalidInputError
from sandbox.schema import Field, Kind
from sandbox.vault.conform import DATE, FLOAT, MAX_PRECISION, TIMESTAMP, conform_column
from sandbox.vault.source import ParquetSource, Source

_SAMPLE_DISTINCT = 20_000
_PLAIN_INTEGER = r"^[+-]?(0|[1-9]\d{0,14})(\.0*)?$"
_LEADING_ZERO = r"^[+-]?0\d"
_LONG_NUMBER = r"^[+-]?\d{16,}$"
_TRUTH = r"^(?i:true|false)$"
MARKS: Final = (
    "NULL", "null", "Null", "(null)", "[NULL]", "<NULL>", "\\N", "N/A", "n/a", "NA",
    "#N/A", "N.A.", "n.a.", "NaN", "nan", "None", "none", "NIL", "nil", "N/D",
    "n/d", "nd", "s/d", "k.A.", "-", "--", "---", "—", "——", "/", "\\", ".", "?",
    "??", "#", "*", "x", "X", "unknown", "Unknown", "UNKNOWN", "missing", "无", "無",
    "空", "不详", "不詳", "未知", "不明", "暂无", "未填", "未填写", "缺失", "没有", "未登记", "なし",
)  # fmt: skip
"""What is written for nothing.  That some of these stand in a column is all its owner is told of values."""


def propose_fields(
    source: Source,
    missing: Callable[[str], tuple[str, ...]] = lambda _: (),
    drawn: Iterable[pa.RecordBatch] = (),
) -> tuple[Field, ...]:
    """Return a field for each column: from a Parquet file's own types, else from cells of *source*.

    These are all of its first rows, and those of rows *drawn* from all of it, whose cells may be trimmed.
    *missing* says which marks mean null in a column: they say nothing of its type.  Raises
    `InvalidInputError` if there are no rows.
    """
    if isinstance(source, ParquetSource) and source.rows:
        return tuple(_by_type(field) for field in source.schema)
    first = next((batch for batch in source.batches() if batch.num_rows), None)
    if first is None:
        raise InvalidInputError("vault.only-header", file=str(source.path))
    further = list(drawn)

    def proposed(name: str) -> Field:
        marks = missing(name)
        values = _values(first.column(name), marks)[:_SAMPLE_DISTINCT]
        if not len(values) or _kind_of(values) is not Kind.STRING:
            trimmed = tuple(mark.strip() for mark in marks)
            values = pa.concat_arrays([values, *(_values(it.column(name), trimmed) for it in further)])
        return Field(name, _kind_of(values))

    return tuple(map(proposed, source.columns))


def marks_for_nothing(cells: pa.Array) -> tuple[tuple[str, ...], Kind]:
    """Return which `MARKS` among *cells*, read as null, would make them of another kind than text, and which.

    Without such marks, or where they would change nothing, there are none.
    """
    values = _values(cells, ())
    marked = pc.is_in(values, pa.array(MARKS, pa.string()))
    kind = _kind_of(values.filter(pc.invert(marked)))
    marks = () if kind is Kind.STRING else tuple(sorted(values.filter(marked).to_pylist()))
    return marks, kind


def _by_type(field: pa.Field) -> Field:
    kind = field.type
    if pa.types.is_decimal(kind) and kind.precision <= MAX_PRECISION:
        return Field(field.name, Kind.DECIMAL, precision=kind.precision, scale=kind.scale)
    tests = (
        (Kind.INTEGER, pa.types.is_integer),
        (Kind.FLOAT, pa.types.is_floating),
        (Kind.BOOLEAN, pa.types.is_boolean),
        (Kind.DATE, pa.types.is_date),
        (Kind.TIMESTAMP, pa.types.is_timestamp),
    )
    # A Parquet string is one because somebody meant it to be.
    return Field(field.name, next((found for found, test in tests if test(kind)), Kind.STRING))


def _values(cells: pa.Array, missing: tuple[str, ...]) -> pa.Array:
    distinct = pc.unique(cells).drop_null()
    known = distinct.filter(pc.invert(pc.is_in(distinct, pa.array(missing, pa.string()))))
    values = pc.utf8_trim_whitespace(known)
    return values.filter(pc.not_equal(values, ""))


def _kind_of(values: pa.Array) -> Kind:
    if not len(values) or _any(values, _LEADING_ZERO) or _any(values, _LONG_NUMBER):
        return Kind.STRING
    for kind, pattern in (
        (Kind.BOOLEAN, _TRUTH),
        (Kind.INTEGER, _PLAIN_INTEGER),
        (Kind.FLOAT, FLOAT),
        (Kind.DATE, DATE),
        (Kind.TIMESTAMP, TIMESTAMP),
    ):
        if pc.all(pc.match_substring_regex(values, pattern)).as_py() and _conforms(values, kind):
            return kind
    return Kind.STRING


def _any(values: pa.Array, pattern: str) -> bool:
    return bool(pc.any(pc.match_substring_regex(values, pattern)).as_py())


def _conforms(values: pa.Array, kind: Kind) -> bool:
    return bool(conform_column(values, Field("sample", kind)).null_count == 0)
