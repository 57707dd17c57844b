"""Withdrawn units: from what a person is called to a tag, and rows left out by tag.

An id means the unit that it would mean in a registered file: it is read as a cell of the unit's column and
tagged as in `sandbox.vault.partition`.  Only tags are kept.  Whether a tag has rows is never looked up here:
nothing that is done with a tag depends on it.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from sandbox.schema import UNIT_TAG, Field
from sandbox.vault.cmac import BLOCK, Bytes, Cmac
from sandbox.vault.conform import conform_column
from sandbox.vault.partition import canonical_units

Tags = npt.NDArray[np.bytes_]
"""Tags as 16-byte strings.  numpy takes no notice of zero bytes at their end, which makes no two of equal
length equal, nor changes their order."""


def tags_of_ids(ids: Sequence[str], unit: Field, linkage: bytes) -> tuple[frozenset[str], list[int]]:
    """Return the tags (hexadecimal) of *ids*, and the places of those that cannot name a *unit*.

    *linkage* is the namespace's key.
    """
    units = canonical_units(conform_column(pa.array(ids, pa.string()), unit))
    odd = np.flatnonzero(~np.asarray(units.is_valid())).tolist()
    marks = Cmac(linkage).of_values(units.drop_null())
    return frozenset(mark.tobytes().hex() for mark in marks), odd


def tags_array(tags: Iterable[str]) -> Tags:
    """Return *tags* (hexadecimal) as bytes, sorted."""
    return np.array(sorted(bytes.fromhex(tag) for tag in tags), dtype=f"S{BLOCK}")


def as_strings(marks: Bytes) -> Tags:
    """Return marks, shape (n, 16), as 16-byte strings in their order."""
    return np.ascontiguousarray(marks).view(f"S{BLOCK}").reshape(-1)


def without_units(rows: pa.RecordBatch, withdrawn: Tags) -> pa.RecordBatch:
    """Return *rows*, a stretch of a shard with UNIT_TAG, less those of *withdrawn*.

    Rows lie sorted by tag, so each unit is one run that is found by bisection.
    """
    tags = _stored_tags(rows.column(UNIT_TAG))
    starts, ends = (np.searchsorted(tags, withdrawn, side=side) for side in ("left", "right"))
    if not (starts < ends).any():
        return rows
    keep = np.ones(rows.num_rows, dtype=np.bool_)
    present = starts < ends
    for start, end in zip(starts[present], ends[present], strict=True):
        keep[start:end] = False
    return rows.filter(pa.array(keep))


def _stored_tags(column: pa.Array) -> Tags:
    if isinstance(column, pa.DictionaryArray):
        column = column.dictionary_decode()
    data: Tags = np.frombuffer(column.buffers()[1], dtype=f"S{BLOCK}")
    return data[column.offset : column.offset + len(column)]
