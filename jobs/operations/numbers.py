"""Arithmetic: in float64, null where the result is not finite."""

from __future__ import annotations

from collections.abc import Callable
from math import pi
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from jobs.operations.values import FLOAT, INTEGER, Datum, finite, number


def _arithmetic(function: Callable[..., Datum]) -> Callable[..., Datum]:
    return lambda *values: finite(function(*map(number, values)))


def _rounding(function: Callable[[Datum], Datum]) -> Callable[[Datum], Datum]:
    return lambda value: value if value.type == INTEGER else finite(function(number(value)))


def _sign(value: Datum) -> Datum:
    return pc.cast(pc.sign(number(value)), INTEGER)


def _mod(a: Datum, b: Datum) -> Datum:
    # C's fmod: exact, hence the same on every path.  Arrow has none.
    with np.errstate(invalid="ignore"):
        return finite(pa.array(np.fmod(_floats(a), _floats(b)), FLOAT))


def _floats(value: Datum) -> Any:
    """Return float64 *value* for numpy, NaN for null."""
    value = number(value)
    if isinstance(value, pa.Array):
        return value.to_numpy(zero_copy_only=False)
    return value.as_py() if value.is_valid else float("nan")


def _width_bucket(value: Datum, low: Datum, high: Datum, count: Datum) -> Datum:
    value, buckets = number(value), float(count.as_py())
    bottom, top = float(low.as_py()), float(high.as_py())
    inside = pc.floor(pc.multiply(pc.divide(pc.subtract(value, bottom), top - bottom), buckets))
    # Rounding may carry a value just below *high* to the end of the last bucket.
    inside = pc.add(pc.min_element_wise(inside, buckets - 1, skip_nulls=False), 1.0)
    inside = pc.if_else(pc.less(value, bottom), 0.0, inside)
    return pc.cast(pc.if_else(pc.greater_equal(value, top), buckets + 1, inside), INTEGER, safe=False)


FUNCTIONS: Final[dict[str, Callable[..., Datum]]] = {
    "add": _arithmetic(pc.add),
    "subtract": _arithmetic(pc.subtract),
    "multiply": _arithmetic(pc.multiply),
    "divide": _arithmetic(pc.divide),
    "mod": _mod,
    "negate": _arithmetic(pc.negate),
    "abs": _arithmetic(pc.abs),
    "sign": _sign,
    "floor": _rounding(pc.floor),
    "ceil": _rounding(pc.ceil),
    "trunc": _rounding(pc.trunc),
    "round": _rounding(lambda value: pc.round(value, round_mode="half_towards_infinity")),
    "sqrt": _arithmetic(pc.sqrt),
    "exp": _arithmetic(pc.exp),
    "ln": _arithmetic(pc.ln),
    "log2": _arithmetic(pc.log2),
    "log10": _arithmetic(pc.log10),
    "power": _arithmetic(pc.power),
    "sin": _arithmetic(pc.sin),
    "cos": _arithmetic(pc.cos),
    "tan": _arithmetic(pc.tan),
    "atan": _arithmetic(pc.atan),
    "atan2": _arithmetic(pc.atan2),
    "radians": _arithmetic(lambda value: pc.multiply(value, pi / 180)),
    "degrees": _arithmetic(lambda value: pc.multiply(value, 180 / pi)),
    "width_bucket": _width_bucket,
}
