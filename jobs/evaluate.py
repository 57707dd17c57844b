"""Evaluate row expressions over Arrow batches and over released values.

The laws are those of `jobs.expressions`; `jobs.operations` has one function per operation.  Two rules make
it fast without changing any answer: a part of an expression that reads a single dictionary-coded column is
worked out once per dictionary entry and fetched by index, and a part that reads no column once in all.
A third keeps it small: where texts are put together, rows are worked out a slice at a time.

Released values go through the same functions, so a HAVING means what a WHERE means.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import reduce
from math import isfinite
from typing import Final, cast

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from jobs.expressions import Call, Column, Expression, Literal, columns, walk
from jobs.operations import REGISTRY
from jobs.operations.values import BOOLEAN, DATE, FLOAT, INTEGER, TEXT, TIMESTAMP, Datum, finite
from sandbox.schema import Scalar

Mask = npt.NDArray[np.bool_]

_UNIT_FIRST: Final = frozenset({"date_trunc", "date_diff"})
"""Operations whose first argument is a literal."""

_GROWING: Final = frozenset({"concat", "replace", "lpad", "rpad"})
_SLICE: Final = 2**16
"""Rows of texts in the making: at most 131 MB each (`jobs.vocabulary.MOST_BYTES`)."""


def evaluate(expression: Expression, batch: pa.RecordBatch) -> pa.Array:
    """Return the value of *expression* for every row of *batch*; no cell can make it raise.

    The result is int64, float64 (finite or null), bool, date32, timestamp[us], null, or text: string, or
    dictionary<string> with distinct entries, none of them null.  Raises `KeyError` for a column that is not
    in the batch.
    """
    if batch.num_rows > _SLICE and _grows(expression, batch):
        return _joined([evaluate(expression, part) for part in _slices(batch)])
    value = _value(expression, batch)
    return pa.repeat(value, batch.num_rows) if isinstance(value, pa.Scalar) else value


def _grows(expression: Expression, batch: pa.RecordBatch) -> bool:
    """Whether texts are put together row by row, or for many entries."""
    if not any(isinstance(item, Call) and item.operation in _GROWING for item in walk(expression)):
        return False
    coded = _single_dictionary(expression, batch)
    return coded is None or len(coded[1].dictionary) > _SLICE


def _slices(batch: pa.RecordBatch) -> Iterator[pa.RecordBatch]:
    for start in range(0, batch.num_rows, _SLICE):
        yield batch.slice(start, _SLICE)


def _joined(parts: list[pa.Array]) -> pa.Array:
    """One array of *parts*; text is coded, so that a value that returns takes no more room."""
    if not any(part.type == TEXT or isinstance(part, pa.DictionaryArray) for part in parts):
        return pa.concat_arrays(parts)
    coded = [part if isinstance(part, pa.DictionaryArray) else part.dictionary_encode() for part in parts]
    same = [pa.DictionaryArray.from_arrays(part.indices.cast(INTEGER), part.dictionary) for part in coded]
    return pa.chunked_array(same).unify_dictionaries().combine_chunks()


def keep_mask(where: Expression, batch: pa.RecordBatch) -> Mask:
    """Return for every row whether *where* is true (neither false nor null)."""
    match where:
        case Call(("and" | "or") as operation, arguments):
            # Only truth matters here: a conjunction is true if all are, a disjunction if any is.
            join = np.logical_and if operation == "and" else np.logical_or
            return np.asarray(reduce(join, [keep_mask(item, batch) for item in arguments]))
        case Call() if coded := _single_dictionary(where, batch):
            return np.take(_truth(_answers(where, *coded)), _entry_numbers(coded[1]))
    return _truth(evaluate(where, batch))


def evaluate_columns(expression: Expression, values: Mapping[str, Sequence[Scalar]]) -> list[Scalar]:
    """Return *expression* for each row of released *values*: one or more equally long columns."""
    batch = pa.RecordBatch.from_pydict({name: _array(column) for name, column in values.items()})
    result: list[Scalar] = _decoded(evaluate(expression, batch)).to_pylist()
    return result


def evaluate_scalar(expression: Expression, bindings: Mapping[str, Scalar]) -> Scalar:
    """Return *expression* for one row of released values."""
    # A batch without columns would have no rows; no column has an empty name.
    return evaluate_columns(expression, {"": [None], **{name: [item] for name, item in bindings.items()}})[0]


def _value(expression: Expression, batch: pa.RecordBatch) -> Datum:
    match expression:
        case Column(name):
            return _stored(batch.column(name))
        case Literal(value):
            return _array([value])[0]
        case Call(operation, arguments):
            coded = _single_dictionary(expression, batch)
            if coded is not None:
                return _by_entry(expression, *coded)
            return _apply(operation, [_decoded(_value(item, batch)) for item in arguments])


def _apply(operation: str, values: list[Datum]) -> Datum:
    function = REGISTRY[operation]
    if any(isinstance(value, pa.Array) for value in values):
        return function(*values)
    # All constant: worked out once, on arrays of one row.
    place = 1 if operation in _UNIT_FIRST else 0
    values[place] = pa.repeat(values[place], 1)
    return function(*values)[0]


def _single_dictionary(
    expression: Expression, batch: pa.RecordBatch
) -> tuple[str, pa.DictionaryArray] | None:
    """The only column read, if it is coded and has fewer entries than the batch has rows."""
    names = columns(expression)
    if len(names) != 1:
        return None
    (name,) = names
    column = batch.column(name)
    coded = isinstance(column, pa.DictionaryArray) and len(column.dictionary) < batch.num_rows
    return (name, column) if coded else None


def _by_entry(expression: Expression, name: str, column: pa.DictionaryArray) -> pa.Array:
    answers = _answers(expression, name, column)
    if answers.type == TEXT:
        answers = answers.dictionary_encode()
    return answers.take(pa.array(_entry_numbers(column)))


def _answers(expression: Expression, name: str, column: pa.DictionaryArray) -> pa.Array:
    """The value of *expression* for every entry, and last for null."""
    entries = _decoded(_stored(column.dictionary))
    entries = pa.concat_arrays([entries, pa.nulls(1, entries.type)])
    return evaluate(expression, pa.RecordBatch.from_arrays([entries], [name]))


def _entry_numbers(column: pa.DictionaryArray) -> npt.NDArray[np.integer]:
    """The entry of every row; a null row's is the one after the last."""
    end = len(column.dictionary)
    fits = end <= np.iinfo(column.indices.type.to_pandas_dtype()).max
    indices = column.indices if fits else column.indices.cast(INTEGER)
    return np.asarray(indices.fill_null(end) if column.null_count else indices)


def _truth(values: pa.Array) -> Mask:
    truth = pc.coalesce(pc.cast(_decoded(values), BOOLEAN), pa.scalar(value=False))
    return cast(Mask, truth.to_numpy(zero_copy_only=False))


def _stored(column: pa.Array) -> pa.Array:
    """A stored column in the representation of its kind; coded text stays coded."""
    kind = column.type
    if pa.types.is_dictionary(kind):
        return column if kind.value_type == TEXT else _stored(_decoded(column))
    if pa.types.is_floating(kind) or pa.types.is_decimal(kind):
        return finite(pc.cast(column, FLOAT, safe=False))
    target = _representation(kind)
    return column if kind == target else pc.cast(column, target, safe=False)


def _representation(kind: pa.DataType) -> pa.DataType:
    if pa.types.is_integer(kind):
        return INTEGER
    if pa.types.is_large_string(kind) or pa.types.is_string_view(kind):
        return TEXT
    if pa.types.is_timestamp(kind):
        return TIMESTAMP
    return DATE if pa.types.is_date(kind) else kind


def _decoded(value: Datum) -> Datum:
    return value.dictionary_decode() if isinstance(value, pa.DictionaryArray) else value


def _array(values: Sequence[Scalar]) -> pa.Array:
    """Public values as an array; numbers beside floats or beyond int64 become floats, infinities null."""
    numbers = [value for value in values if isinstance(value, int | float) and not isinstance(value, bool)]
    if any(isinstance(value, float) or not -(2**63) <= value < 2**63 for value in numbers):
        return finite(pa.array([None if value is None else _float(value) for value in values], FLOAT))
    return pa.array(values)


def _float(value: Scalar) -> float | None:
    assert isinstance(value, int | float)
    try:
        return float(value) if isfinite(value) else None
    except OverflowError:
        return None
