"""What columns of an owner's file may be, and how much memory they take."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc


def size_of(column: pa.Array) -> int:
    """Return the bytes of *column* with every text written out."""
    if not pa.types.is_dictionary(column.type) or not is_text(column.type.value_type):
        return int(column.nbytes)
    return int(pc.sum(pc.binary_length(column.dictionary).take(column.indices)).as_py() or 0)


def longest_text(column: pa.Array) -> int:
    """Return the bytes of the longest text in the dictionary of *column*."""
    return int(pc.max(pc.binary_length(column.dictionary)).as_py() or 0)


def holds_nul(column: pa.StringArray) -> bool:
    """Return whether a text of *column* holds the character U+0000."""
    _, offsets, texts = column.buffers()
    if texts is None or not len(column):
        return False
    ends = np.frombuffer(offsets, np.int32)[column.offset : column.offset + len(column) + 1]
    return b"\0" in texts[int(ends[0]) : int(ends[-1])].to_pybytes()


def is_text(kind: pa.DataType) -> bool:
    """Return whether *kind* is one of texts."""
    return bool(pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_string_view(kind))


def has_known_zone(kind: pa.DataType) -> bool:
    """Return whether *kind* is of no time zone or of one that this machine knows."""
    try:
        pa.array([0], pa.int64()).cast(kind if pa.types.is_timestamp(kind) else pa.int64()).cast(pa.string())
    except pa.ArrowInvalid:
        return False
    return True


def is_flat(kind: pa.DataType) -> bool:
    """Return whether columns of *kind* can be registered."""
    if pa.types.is_dictionary(kind):
        kind = kind.value_type
    return any(
        test(kind)
        for test in (
            pa.types.is_integer,
            pa.types.is_floating,
            pa.types.is_decimal,
            pa.types.is_string,
            pa.types.is_large_string,
            pa.types.is_string_view,
            pa.types.is_boolean,
            pa.types.is_date,
            pa.types.is_timestamp,
            pa.types.is_null,
        )
    )
