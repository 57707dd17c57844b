"""Measurements as exact integers, added up chunk by chunk.

All sums are exact.  A row's contribution is an integer q with |q| ≤ step < 2**53, held in float64.  At most
2**20 rows are added at once, in limbs of at most 32 bits, so one `numpy.bincount` stays below 2**52, where
float64 adds integers exactly; limbs are collected in int64 (2**31 rows of a shard fit) and put together as
Python integers at the end.  Which path is taken depends on the plan's public step only.
"""

from __future__ import annotations

from typing import Final

import numpy as np
import pyarrow as pa

from jobs.engine.bins import Bins
from jobs.engine.chunks import Index, Mask
from jobs.engine.codes import category_positions, distinct_pairs
from jobs.engine.rows import Rows
from jobs.engine.steps import bin_codes, both, check_total, contributions
from jobs.plan import Binning, Distinct, Key, Measurement, Quantile, Total, Units

LIMB_BITS: Final = 32


class Counter:
    """One measurement's numbers so far, as *limbs*, cell-major, *width* numbers a cell; cell 0 is nowhere."""

    def __init__(self, cells: int, width: int = 1, limbs: int = 1) -> None:
        self._width = width
        self._limbs = [np.zeros((cells + 1) * width, dtype=np.int64) for _ in range(limbs)]

    def add(self, rows: Rows, bins: Bins) -> None:
        """Add a chunk."""
        raise NotImplementedError

    def grow(self, cells: int) -> None:
        """Make room for *cells* cells, where they are found on the way."""
        more = (cells + 1) * self._width - len(self._limbs[0])
        self._limbs = [np.append(limb, np.zeros(more, dtype=np.int64)) for limb in self._limbs]

    def limbs(self) -> list[Index]:
        """Return the numbers of cells 1…n in limbs of 32 bits, the last one signed and of any size."""
        found = [limb[self._width :] for limb in self._limbs]
        if len(found) == 1:
            return found
        low, high = found
        return [low & (2**LIMB_BITS - 1), high + (low >> LIMB_BITS)]


class _Sum(Counter):
    """Counts rows per cell, or sums what they contribute."""

    def __init__(self, item: Total, cells: int) -> None:
        check_total(item)
        super().__init__(cells, limbs=1 if item.step < 2**LIMB_BITS else 2)
        self._item = item
        self._name = repr((item.present, item.factors, item.shift))

    def add(self, rows: Rows, bins: Bins) -> None:
        # Parts that share their rows' bins share sums by bin too, and differ in the cells of bins only.
        if bins.name is None:
            found = self._found(rows, bins)
        else:
            found = rows.once(("sums", bins.name, self._name), lambda: self._found(rows, bins))
        for limb, numbers in zip(self._limbs, found, strict=True):
            np.add.at(limb, bins.cells, numbers)

    def _found(self, rows: Rows, bins: Bins) -> list[Index]:
        present = rows.present(self._item.present)
        if not self._item.factors:
            return [bins.counts(present)]
        steps, _ = contributions(self._item, [rows.value(factor.argument) for factor in self._item.factors])
        if present is not None:
            steps = np.where(present, steps, 0.0)
        if len(self._limbs) == 1:
            return [bins.sums(steps)]
        high = np.floor(steps / 2.0**LIMB_BITS)
        return [bins.sums(steps - high * 2.0**LIMB_BITS), bins.sums(high)]


class _Histogram(Counter):
    """Counts rows per cell and bin of an axis, or category of a key."""

    def __init__(self, axis: Binning | Key, present: Total | None, cells: int) -> None:
        super().__init__(cells, axis.bins if isinstance(axis, Binning) else len(axis.categories or ()))
        self._axis = axis
        self._present = present.present if present else ()

    def add(self, rows: Rows, bins: Bins) -> None:
        expression = self._axis.argument if isinstance(self._axis, Binning) else self._axis.expression
        codes, valid = _axis_codes(rows.value(expression), self._axis)
        valid = both(valid, rows.present(self._present))
        places = bins.places() * self._width + codes
        if valid is not None:
            places = places[valid]
        (counts,) = self._limbs
        if len(places) < len(counts):
            np.add.at(counts, places, 1)
        else:
            counts += np.bincount(places, minlength=len(counts))


class _Units(Counter):
    """Counts units with a row in the cell; *most* bounds the rows of a unit."""

    def __init__(self, item: Units, cells: int, most: int | None) -> None:
        super().__init__(cells)
        self._item = item
        self._most = most

    def add(self, rows: Rows, bins: Bins) -> None:
        places, units = bins.places(), rows.chunk.units
        keep = places > 0
        present = rows.present(self._item.present)
        if present is not None:
            keep &= present
        places, units = places[keep], units[keep]
        first = distinct_pairs(units, places, self._most)
        self._limbs[0] += np.bincount(places[first], minlength=len(self._limbs[0]))


def counter(item: Measurement, cells: int, most: int | None) -> Counter:
    """Return an empty counter of *item*; *most*: a public bound on the rows of a unit."""
    match item:
        case Total(axis=None):
            return _Sum(item, cells)
        case Total(axis=Binning() as axis, factors=()):
            return _Histogram(axis, item, cells)
        case Units():
            return _Units(item, cells, most)
        case Distinct(key=key):
            return _Histogram(key, None, cells)
        case Quantile(binning=binning):
            return _Histogram(binning, None, cells)
    raise ValueError("no sums along an axis")


def limb_count(item: Measurement) -> int:
    """Return how many numbers a partial has for each of a measurement's integers."""
    return 2 if isinstance(item, Total) and item.step >= 2**LIMB_BITS else 1


def _axis_codes(values: pa.Array, axis: Binning | Key) -> tuple[Index, Mask | None]:
    if isinstance(axis, Binning):
        return bin_codes(values, axis)
    codes = category_positions(values, axis.categories or ())
    return codes, codes >= 0
