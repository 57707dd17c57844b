"""The operations of row expressions on Arrow values; `REGISTRY` is the whole language.

Every function is total (see `jobs.expressions`): whatever the cells, it returns a value or null and never
raises.  An argument is an array or, for a constant, a scalar; at least one argument of a call is an array.
Values have one representation per kind: int64, float64 (always finite, never minus zero), string, bool,
date32, timestamp[us].

Where SQL engines differ, the law here is: division by zero and overflow are null; `to_integer` rounds a
float half to even and decimal text half away from zero; text is read as a number, a date or a boolean only
in plain ASCII notation (no ``inf``, ``0x1F``, ``1_000``, ``epoch``); `upper` and `lower` map character by
character; `like` has no escape character.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable, Sequence
from decimal import ROUND_HALF_UP, Decimal
from functools import reduce
from math import isfinite
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
_NULL_FLOAT: Final = pa.nulls(1, FLOAT)[0]
_NULL_TRUTH: Final = pa.nulls(1, BOOLEAN)[0]
_INT64_END: Final = 2.0**63
_NUMBER: Final = re.compile(r"[ \t\r\n]*([+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d{1,4})?)[ \t\r\n]*", re.ASCII)
_MOMENT: Final = re.compile(r"\s*(\d{4}-\d\d-\d\d)([ T]\d\d:\d\d(:\d\d(\.\d{1,6})?)?)?\s*", re.ASCII)
_TRUTHS: Final = {
    **dict.fromkeys(("true", "t", "yes", "y", "1"), True),
    **dict.fromkeys(("false", "f", "no", "n", "0"), False),
}


def finite(numbers: Datum) -> Datum:
    """Return float64 *numbers* with NaN and infinities made null and minus zero made zero."""
    # Hashing kernels (is_in, index_in) tell -0.0 from 0.0, comparisons do not: there is only one zero here.
    if not _all_finite(numbers):
        numbers = pc.if_else(pc.is_finite(numbers), numbers, _NULL_FLOAT)
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


def _common(*values: Datum) -> list[Datum]:
    target = common_type([value.type for value in values])
    return [_as(value, target) for value in values]


def _as(value: Datum, target: pa.DataType) -> Datum:
    # Not safe: a safe cast raises where int64 is not exactly a float64.
    return value if value.type == target else pc.cast(value, target, safe=False)


def _number(value: Datum) -> Datum:
    return _as(value, FLOAT)


def _arithmetic(function: Callable[..., Datum]) -> Callable[..., Datum]:
    return lambda *values: finite(function(*map(_number, values)))


def _comparison(function: Callable[[Datum, Datum], Datum]) -> Callable[[Datum, Datum], Datum]:
    def compare(a: Datum, b: Datum) -> Datum:
        a, b = _common(a, b)
        return pc.cast(a, BOOLEAN) if pa.types.is_null(a.type) else function(a, b)

    return compare


def _rounding(function: Callable[[Datum], Datum]) -> Callable[[Datum], Datum]:
    return lambda value: value if value.type == INTEGER else finite(function(_number(value)))


def _kleene(function: Callable[[Datum, Datum], Datum]) -> Callable[..., Datum]:
    return lambda *values: reduce(function, [_as(value, BOOLEAN) for value in values])


def _in(value: Datum, *literals: Datum) -> Datum:
    target = common_type([item.type for item in (value, *literals)])
    value = _as(value, target)
    wanted = [_as(item, target) for item in literals if item.is_valid]
    if not wanted:
        return _nulls_for(value)
    listed = pa.array([item.as_py() for item in wanted], target)
    if target == FLOAT:
        listed = finite(listed)
    # Null IN (…) is null; a miss is null too if the list holds a null, for that null might be the value.
    found = pc.if_else(pc.is_valid(value), pc.is_in(value, value_set=listed), _NULL_TRUTH)
    missed = len(wanted) < len(literals)
    return pc.if_else(found, found, _NULL_TRUTH) if missed else found


def _nulls_for(value: Datum) -> Datum:
    return pc.if_else(pc.is_null(value), _NULL_TRUTH, _NULL_TRUTH)


def _like(value: Datum, pattern: Datum) -> Datum:
    value = _as(value, TEXT)
    if not pattern.is_valid:
        return _nulls_for(value)
    return pc.match_substring_regex(value, like_regex(pattern.as_py()))


def like_regex(pattern: str) -> str:
    """Return the RE2 expression for ``LIKE pattern``; backslash is an ordinary character.

    Arrow's own ``match_like`` has an escape character, and honours it in some patterns only.
    """
    signs = {"%": ".*", "_": "."}
    parts = [signs.get(c) or (c if c.isalnum() or ord(c) > 127 else f"\\x{{{ord(c):x}}}") for c in pattern]
    return "(?s)^" + "".join(parts) + r"\z"


def _coalesce(*values: Datum) -> Datum:
    return pc.coalesce(*_common(*values))


def _case(*arguments: Datum) -> Datum:
    conditions = [pc.coalesce(_as(item, BOOLEAN), False) for item in arguments[:-1:2]]
    *values, result = _common(*arguments[1:-1:2], arguments[-1])
    for condition, value in zip(reversed(conditions), reversed(values), strict=True):
        result = pc.if_else(condition, value, result)
    return result


def _to_integer(value: Datum) -> Datum:
    if value.type == TEXT:
        return _by_value(_read_integer, value, INTEGER)
    if value.type != FLOAT:
        return _as(value, INTEGER)
    whole = pc.round(value, round_mode="half_to_even")
    fits = pc.and_(pc.greater_equal(whole, -_INT64_END), pc.less(whole, _INT64_END))
    return pc.cast(pc.if_else(fits, whole, _NULL_FLOAT), INTEGER, safe=False)


def _to_float(value: Datum) -> Datum:
    return _by_value(_read_float, value, FLOAT) if value.type == TEXT else _number(value)


def _to_boolean(value: Datum) -> Datum:
    if value.type == TEXT:
        return _by_value(lambda text: _TRUTHS.get(text.lower()), value, BOOLEAN)
    return value if value.type == BOOLEAN else pc.not_equal(_number(value), 0.0)


def _to_string(value: Datum) -> Datum:
    if value.type == FLOAT:
        return _by_value(repr, value, TEXT)
    text = pc.cast(value, TEXT)
    # Arrow writes six digits after the second; only those that say something stay.
    return pc.replace_substring_regex(text, r"\.?0+$", "") if value.type == TIMESTAMP else text


def _to_date(value: Datum) -> Datum:
    if value.type == TEXT:
        return _by_value(_read_date, value, DATE)
    if value.type == TIMESTAMP:
        return pc.cast(pc.floor_temporal(value, unit="day"), DATE, safe=False)
    return _as(value, DATE)


def _by_value(function: Callable[[Any], Any], value: Datum, target: pa.DataType) -> Datum:
    """Apply a Python *function* once to each distinct value."""
    coded = pc.dictionary_encode(value)
    results = pa.array([function(item) for item in coded.dictionary.to_pylist()], target)
    return results.take(coded.indices)


def _read_integer(text: str) -> int | None:
    found = _NUMBER.fullmatch(text)
    if not found:
        return None
    number = Decimal(found[1])
    # Compared before int(): the text 1e9999 must not become a number of ten thousand digits.
    if not -(2**63) - 1 < number < 2**63:
        return None
    whole = int(number.to_integral_value(ROUND_HALF_UP))
    return whole if -(2**63) <= whole < 2**63 else None


def _read_float(text: str) -> float | None:
    found = _NUMBER.fullmatch(text)
    number = float(found[1]) if found else None
    return number + 0.0 if number is not None and isfinite(number) else None


def _read_date(text: str) -> dt.date | None:
    found = _MOMENT.fullmatch(text)
    try:
        return dt.datetime.fromisoformat(text.strip()).date() if found else None
    except ValueError:
        return None


def _calendar(value: Datum) -> Datum:
    return value if value.type == TIMESTAMP else _as(value, DATE)


def _part(function: Callable[[Datum], Datum]) -> Callable[[Datum], Datum]:
    return lambda value: pc.cast(function(_calendar(value)), INTEGER)


def _date_trunc(unit: Datum, value: Datum) -> Datum:
    return pc.cast(pc.floor_temporal(_calendar(value), unit=unit.as_py()), DATE, safe=False)


def _length(value: Datum) -> Datum:
    return pc.cast(pc.utf8_length(_as(value, TEXT)), INTEGER)


def _substring(value: Datum, start: Datum, length: Datum) -> Datum:
    first = start.as_py() - 1
    return pc.utf8_slice_codeunits(_as(value, TEXT), first, first + length.as_py())


def _width_bucket(value: Datum, low: Datum, high: Datum, count: Datum) -> Datum:
    value, buckets = _number(value), float(count.as_py())
    bottom, top = float(low.as_py()), float(high.as_py())
    inside = pc.floor(pc.multiply(pc.divide(pc.subtract(value, bottom), top - bottom), buckets))
    # Rounding may carry a value just below *high* to the end of the last bucket.
    inside = pc.add(pc.min_element_wise(inside, buckets - 1, skip_nulls=False), 1.0)
    inside = pc.if_else(pc.less(value, bottom), 0.0, inside)
    return pc.cast(pc.if_else(pc.greater_equal(value, top), buckets + 1, inside), INTEGER, safe=False)


REGISTRY: Final[dict[str, Callable[..., Datum]]] = {
    "add": _arithmetic(pc.add),
    "subtract": _arithmetic(pc.subtract),
    "multiply": _arithmetic(pc.multiply),
    "divide": _arithmetic(pc.divide),
    "negate": _arithmetic(pc.negate),
    "abs": _arithmetic(pc.abs),
    "floor": _rounding(pc.floor),
    "ceil": _rounding(pc.ceil),
    "round": _rounding(lambda value: pc.round(value, round_mode="half_towards_infinity")),
    "equal": _comparison(pc.equal),
    "not_equal": _comparison(pc.not_equal),
    "less": _comparison(pc.less),
    "less_equal": _comparison(pc.less_equal),
    "greater": _comparison(pc.greater),
    "greater_equal": _comparison(pc.greater_equal),
    "and": _kleene(pc.and_kleene),
    "or": _kleene(pc.or_kleene),
    "not": lambda value: pc.invert(_as(value, BOOLEAN)),
    "is_null": pc.is_null,
    "in": _in,
    "like": _like,
    "coalesce": _coalesce,
    "case": _case,
    "to_integer": _to_integer,
    "to_float": _to_float,
    "to_string": _to_string,
    "to_date": _to_date,
    "to_boolean": _to_boolean,
    "lower": lambda value: pc.utf8_lower(_as(value, TEXT)),
    "upper": lambda value: pc.utf8_upper(_as(value, TEXT)),
    "length": _length,
    "substring": _substring,
    "year": _part(pc.year),
    "month": _part(pc.month),
    "day": _part(pc.day),
    "date_trunc": _date_trunc,
    "width_bucket": _width_bucket,
}
