"""What all operations share: the representation of values, and how values of two types meet."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

Datum = Any
"""A `pyarrow.Array` (one value a row) or a `pyarrow.Scalar` (a constant)."""

FLOAT: Final = pa.float64()
INTEGER: Final = pa.int64()
BOOLEAN: Final = pa.bool_()
TEXT: Final = pa.string()
DATE: Final = pa.date32()
TIMESTAMP: Final = pa.timestamp("us")

# Taken from arrays, since `pa.scalar` imports pandas: 0.3 s that nobody needs.
NULL_FLOAT: Final = pa.nulls(1, FLOAT)[0]
NULL_INTEGER: Final = pa.nulls(1, INTEGER)[0]
NULL_TRUTH: Final = pa.nulls(1, BOOLEAN)[0]
NULL_TEXT: Final = pa.nulls(1, TEXT)[0]


def finite(numbers: Datum) -> Datum:
    """Return float64 *numbers* with NaN and infinities made null and minus zero made zero."""
    # Hashing kernels (is_in, index_in) tell -0.0 from 0.0, comparisons do not: there is only one zero here.
    if not _all_finite(numbers):
        numbers = pc.if_else(pc.is_finite(numbers), numbers, NULL_FLOAT)
    return pc.add(numbers, 0.0)


def _all_finite(numbers: Datum) -> bool:
    """Whether nothing has to be made null: the usual case, and worth a look before four times the work."""
    whole = isinstance(numbers, pa.Array) and not numbers.null_count
    return whole and bool(np.isfinite(numbers.to_numpy()).all())


def common_type(types: Sequence[pa.DataType]) -> pa.DataType:
    """Return the type in which values of *types* meet: equal types stay, numbers meet in float64."""
    known = {item for item in types if not pa.types.is_null(item)}
    if len(known) <= 1:
        return known.pop() if known else pa.null()
    return TIMESTAMP if TIMESTAMP in known else FLOAT


def common(*values: Datum) -> list[Datum]:
    """Return *values* in the type in which they meet."""
    target = common_type([value.type for value in values])
    return [as_type(value, target) for value in values]


def as_type(value: Datum, target: pa.DataType) -> Datum:
    """Return *value* as *target*; an integer beyond 2**53 becomes the nearest float64."""
    # Not safe: a safe cast raises where int64 is not exactly a float64.
    return value if value.type == target else pc.cast(value, target, safe=False)


def number(value: Datum) -> Datum:
    """Return *value* as float64."""
    return as_type(value, FLOAT)


def nulls_for(value: Datum, null: pa.Scalar) -> Datum:
    """Return *null* for every row of *value*."""
    return pc.if_else(pc.is_null(value), null, null)


def by_value(function: Callable[[Any], Any], value: Datum, target: pa.DataType) -> Datum:
    """Apply a Python *function* once to each distinct value; null stays null."""
    coded = pc.dictionary_encode(value)
    results = pa.array([function(item) for item in coded.dictionary.to_pylist()], target)
    return results.take(coded.indices)
