"""Numbers of rows as integers: clamped, rounded to the public grid, binned."""

from __future__ import annotations

from fractions import Fraction
from math import ceil
from typing import Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from jobs.engine.bins import Floats
from jobs.engine.chunks import Index, Mask
from jobs.plan import Binning, Factor, Total

EXACT: Final = 2**53
"""Integers up to here are float64 numbers."""


def steps(values: pa.Array, item: Factor | Binning) -> tuple[Floats, Mask | None]:
    """Return round(clamp(v) / grid) - origin / grid for each row, and which rows are not null (None: all).

    A `Binning` has its lower end as origin.  Rounded before the origin is taken off, so that a value counts
    the same whatever the origin: a SUM and an AVG of one column are about the same rounded values.
    """
    numbers = values if values.type == pa.float64() else pc.cast(values, pa.float64(), safe=False)
    valid = valid_of(numbers)
    if valid is not None:
        numbers = numbers.fill_null(0.0)
    grid = item.grid
    found: Floats = np.clip(np.asarray(numbers), float(item.low), float(item.high))
    # Never by float(grid): a grid too small for float64 would be 0 there, and 0 / 0 passes every clip.
    found *= float(grid.denominator)
    if grid.numerator != 1:
        found /= float(grid.numerator)
    np.rint(found, out=found)
    # Scaling in float64 may land beside the bound: the integer bounds have the last word.
    np.clip(found, float(item.low / grid), float(item.high / grid), out=found)
    origin = item.low if isinstance(item, Binning) else item.origin
    if origin:
        found -= float(origin / grid)
    return found, valid


def contributions(item: Total, values: list[pa.Array]) -> tuple[Floats, Mask | None]:
    """Return what each row adds to a total, 0 where a factor is null, and where none is.

    No result is larger than ``item.step`` in absolute value, and all arithmetic is exact (`check_total`).
    """
    product, valid = steps(values[0], item.factors[0])
    for value, factor in zip(values[1:], item.factors[1:], strict=True):
        found, other = steps(value, factor) if factor != item.factors[0] else (product.copy(), None)
        product *= found
        valid = both(valid, other)
    if item.shift:
        product -= float(item.shift)
    if valid is not None:
        product[~valid] = 0.0
    return product, valid


def check_total(item: Total) -> None:
    """Raise `ValueError` for a total that float64 could not hold exactly row by row; public facts alone."""
    largest = 1
    for factor in item.factors:
        low, high = factor.range
        ends = [int(end / factor.grid) for end in (factor.low, factor.high, factor.origin)]
        largest *= max(abs(low), abs(high))
        if max(map(abs, ends)) > EXACT:
            raise ValueError("a clamp beyond 2**53 grid units")
    if largest > EXACT or item.step >= EXACT or abs(item.shift) > EXACT or len(item.factors) > 2:
        raise ValueError("a total beyond 2**53 grid units")


def bin_codes(values: pa.Array, item: Binning) -> tuple[Index, Mask | None]:
    """Return the bin of each row (any for nulls), and which rows are not null."""
    found, valid = steps(values, item)
    count = int((item.high - item.low) / item.grid) + 1
    if count > EXACT:
        return np.searchsorted(_firsts(item, count).astype(np.float64), found, side="right"), valid
    # Ends beyond 2**53 grid units are no float64 numbers: a step may land beside the last.
    numbers = np.clip(found.astype(np.int64), 0, count - 1)
    if count == item.bins:
        return numbers, valid
    if count * item.bins < 2**63:
        return numbers * item.bins // count, valid
    return np.searchsorted(_firsts(item, count).astype(np.int64), numbers, side="right"), valid


def _firsts(item: Binning, count: int) -> npt.NDArray[np.object_]:
    """The smallest step of every bin but the first."""
    return np.array([ceil(Fraction(number * count, item.bins)) for number in range(1, item.bins)], object)


def valid_of(values: pa.Array) -> Mask | None:
    """Return which rows are not null, or None if all are."""
    if not values.null_count and not pa.types.is_null(values.type):
        return None
    found: Mask = np.asarray(values.is_valid())
    return found


def both(one: Mask | None, other: Mask | None) -> Mask | None:
    """Return where both are true; None stands for true everywhere."""
    if one is None or other is None:
        return other if one is None else one
    return one & other
