"""Casts: null where a value has no counterpart."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable
from decimal import ROUND_HALF_UP, Decimal
from math import isfinite
from typing import Final

import pyarrow.compute as pc

from jobs.operations.values import (
    BOOLEAN,
    DATE,
    FLOAT,
    INTEGER,
    NULL_FLOAT,
    TEXT,
    TIMESTAMP,
    Datum,
    as_type,
    by_value,
    number,
)

_INT64_END: Final = 2.0**63
_NUMBER: Final = re.compile(r"[ \t\r\n]*([+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d{1,4})?)[ \t\r\n]*", re.ASCII)
_MOMENT: Final = re.compile(r"\s*(\d{4}-\d\d-\d\d)([ T]\d\d:\d\d(:\d\d(\.\d{1,6})?)?)?\s*", re.ASCII)
_TRUTHS: Final = {
    **dict.fromkeys(("true", "t", "yes", "y", "1"), True),
    **dict.fromkeys(("false", "f", "no", "n", "0"), False),
}


def to_integer(value: Datum) -> Datum:
    """Return *value* as int64."""
    if value.type == TEXT:
        return by_value(_read_integer, value, INTEGER)
    if value.type != FLOAT:
        return as_type(value, INTEGER)
    whole = pc.round(value, round_mode="half_to_even")
    fits = pc.and_(pc.greater_equal(whole, -_INT64_END), pc.less(whole, _INT64_END))
    return pc.cast(pc.if_else(fits, whole, NULL_FLOAT), INTEGER, safe=False)


def _to_float(value: Datum) -> Datum:
    return by_value(_read_float, value, FLOAT) if value.type == TEXT else number(value)


def _to_boolean(value: Datum) -> Datum:
    if value.type == TEXT:
        return by_value(lambda text: _TRUTHS.get(text.lower()), value, BOOLEAN)
    return value if value.type == BOOLEAN else pc.not_equal(number(value), 0.0)


def _to_string(value: Datum) -> Datum:
    if value.type == FLOAT:
        return by_value(repr, value, TEXT)
    text = pc.cast(value, TEXT)
    # Arrow writes six digits after the second; only those that say something stay.
    return pc.replace_substring_regex(text, r"\.?0+$", "") if value.type == TIMESTAMP else text


def to_date(value: Datum) -> Datum:
    """Return *value* as a date."""
    if value.type == TEXT:
        return by_value(_read_date, value, DATE)
    if value.type == TIMESTAMP:
        return pc.cast(pc.floor_temporal(value, unit="day"), DATE, safe=False)
    return as_type(value, DATE)


def _read_integer(text: str) -> int | None:
    found = _NUMBER.fullmatch(text)
    if not found:
        return None
    exact = Decimal(found[1])
    # Compared before int(): the text 1e9999 must not become a number of ten thousand digits.
    if not -(2**63) - 1 < exact < 2**63:
        return None
    whole = int(exact.to_integral_value(ROUND_HALF_UP))
    return whole if -(2**63) <= whole < 2**63 else None


def _read_float(text: str) -> float | None:
    found = _NUMBER.fullmatch(text)
    read = float(found[1]) if found else None
    return read + 0.0 if read is not None and isfinite(read) else None


def _read_date(text: str) -> dt.date | None:
    found = _MOMENT.fullmatch(text)
    try:
        return dt.datetime.fromisoformat(text.strip()).date() if found else None
    except ValueError:
        return None


FUNCTIONS: Final[dict[str, Callable[..., Datum]]] = {
    "to_integer": to_integer,
    "to_float": _to_float,
    "to_string": _to_string,
    "to_date": to_date,
    "to_boolean": _to_boolean,
}
