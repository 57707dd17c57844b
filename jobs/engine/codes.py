"""Values as small integers: what grouping, matching and counting distinct values have in common."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from jobs.engine.chunks import Index, Mask
from sandbox.schema import Scalar

Codes = npt.NDArray[np.signedinteger[Any]]


def coded(values: pa.Array) -> tuple[Codes, pa.Array]:
    """Return for each value its place among the distinct values, -1 for null, and the distinct values.

    *values* are as `jobs.evaluate.evaluate` makes them, so equal numbers are equal in every bit.
    """
    if pa.types.is_null(values.type):
        return np.full(len(values), -1), values.slice(0, 0)
    found = values if isinstance(values, pa.DictionaryArray) else pc.dictionary_encode(values)
    return np.asarray(found.indices.fill_null(-1)), found.dictionary


def positions(values: pa.Array, wanted: pa.Array) -> Index:
    """Return the place of each value among *wanted* (of its type, distinct, not null), -1 for none."""
    if isinstance(values, pa.DictionaryArray):
        places = np.append(positions(values.dictionary, wanted), -1)
        return look_up(places, np.asarray(values.indices.fill_null(len(places) - 1)))
    if pa.types.is_null(values.type) or not len(wanted):
        return np.full(len(values), -1)
    return np.asarray(pc.index_in(values, value_set=wanted).fill_null(-1)).astype(np.int64)


def category_positions(values: pa.Array, categories: tuple[Scalar, ...]) -> Index:
    """Return the place of each value among *categories*; one that cannot be such a value is never matched."""
    if isinstance(values, pa.DictionaryArray):
        null = categories.index(None) if None in categories else -1
        table = np.append(category_positions(values.dictionary, categories), null)
        return look_up(table, np.asarray(values.indices.fill_null(len(table) - 1)))
    if pa.types.is_null(values.type):
        place = categories.index(None) if None in categories else -1
        return np.full(len(values), place, dtype=np.int64)
    wanted, places = _value_set(values.type, categories, tuple(map(type, categories)))
    found = pc.index_in(values, value_set=wanted).fill_null(len(wanted))
    return look_up(places, np.asarray(found))


def look_up(table: Index, indices: Codes) -> Index:
    """Return ``table[indices]``."""
    # Indices of numpy's own width and a mode that buffers nothing: ten times the speed of plain take.
    return table.take(indices.astype(np.intp, copy=False), mode="clip")


def distinct_pairs(units: Index, cells: Index, most: int | None) -> Mask:
    """Return which rows are the first of their (unit, cell); equal *units* stand together.

    *most*: a public bound on the rows of a unit, None if there is none; few rows are compared one by one.
    """
    first: Mask = np.ones(len(units), dtype=np.bool_)
    if most is None or most > 16:
        first[:] = False
        width = int(cells.max(initial=0)) + 1
        first[np.unique(units * width + cells, return_index=True)[1]] = True
        return first
    for back in range(1, min(most, len(units))):
        first[back:] &= (units[back:] != units[:-back]) | (cells[back:] != cells[:-back])
    return first


@lru_cache(maxsize=1024)
def _value_set(
    kind: pa.DataType, categories: tuple[Scalar, ...], _types: tuple[type, ...]
) -> tuple[pa.Array, Index]:
    """The categories that can be values of *kind*, and the place of each, then -1 for all else.

    The types are part of what is remembered: True equals 1 in Python.
    """
    fitting = [(item, place) for place, item in enumerate(categories) if _fits(item, kind)]
    places = np.array([place for _, place in fitting] + [-1], dtype=np.int64)
    return pa.array([item for item, _ in fitting], type=kind), places


def _fits(value: Scalar, kind: pa.DataType) -> bool:
    """Whether *value* is exactly a value of *kind* (1.5 is no int64, a date is no timestamp)."""
    try:
        return bool(pa.scalar(value, type=kind).as_py() == value)
    except (pa.ArrowInvalid, pa.ArrowTypeError, pa.ArrowNotImplementedError, OverflowError):
        return False
