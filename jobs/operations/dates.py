"""Dates and timestamps, in the proleptic Gregorian calendar, without time zones."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from jobs.operations.casts import to_date, to_integer
from jobs.operations.values import DATE, INTEGER, NULL_INTEGER, TIMESTAMP, Datum, as_type, number

FIRST_DAY: Final = -719_162
"""0001-01-01, in days from 1970-01-01."""
LAST_DAY: Final = 2_932_896
"""9999-12-31."""

_DAY_US: Final = 86_400_000_000
_FAR: Final = 10**7
_UNIT_DAYS: Final = {"day": 1, "week": 7}
_UNIT_MONTHS: Final = {"month": 1, "quarter": 3, "year": 12}

Days = npt.NDArray[np.int64]
Months = npt.NDArray[np.datetime64]


def calendar(value: Datum) -> Datum:
    """Return *value* as it is if it is a timestamp, else as a date."""
    return value if value.type == TIMESTAMP else as_type(value, DATE)


def _part(function: Callable[[Datum], Datum]) -> Callable[[Datum], Datum]:
    return lambda value: pc.cast(function(calendar(value)), INTEGER)


def _clock(function: Callable[[Datum], Datum]) -> Callable[[Datum], Datum]:
    """A part of the time of day: 0 for a date."""

    def part(value: Datum) -> Datum:
        if value.type == TIMESTAMP:
            return pc.cast(function(value), INTEGER)
        return pc.if_else(pc.is_null(value), NULL_INTEGER, 0)

    return part


def _date_trunc(unit: Datum, value: Datum) -> Datum:
    return pc.cast(pc.floor_temporal(calendar(value), unit=unit.as_py()), DATE, safe=False)


def _day_number(value: Datum) -> Datum:
    """Days from 1970-01-01, int64."""
    return pc.cast(pc.cast(to_date(calendar(value)), pa.int32()), INTEGER)


def _month_number(value: Datum) -> Datum:
    date = to_date(calendar(value))
    return pc.add(pc.multiply(pc.year(date), 12), pc.cast(pc.subtract(pc.month(date), 1), INTEGER))


def _date_diff(unit: Datum, start: Datum, end: Datum) -> Datum:
    name = unit.as_py()
    if name in _UNIT_DAYS:
        # Toward zero: whole weeks, as DuckDB 2.0 counts them.
        return pc.divide(pc.subtract(_day_number(end), _day_number(start)), _UNIT_DAYS[name])
    months = _UNIT_MONTHS[name]
    first, last = (_floor_divided(_month_number(item), months) for item in (start, end))
    return pc.subtract(last, first)


def _floor_divided(value: Datum, by: int) -> Datum:
    return pc.cast(pc.floor(pc.divide(number(value), float(by))), INTEGER)


def _date_add(value: Datum, steps: Datum, unit: Datum) -> Datum:
    value, name = calendar(value), unit.as_py()
    days = np.asarray(pc.fill_null(_day_number(value), 0))
    valid = np.asarray(value.is_valid())
    # Nothing that far away is a date, and nothing nearer overflows.
    count = max(-_FAR, min(steps.as_py() if steps.is_valid else _FAR, _FAR))
    if name in _UNIT_DAYS:
        moved = days + count * _UNIT_DAYS[name]
    else:
        moved = _months_later(days, count * _UNIT_MONTHS[name])
    absent = ~valid | (moved < FIRST_DAY) | (moved > LAST_DAY)
    if value.type == DATE:
        return _dates(moved, absent)
    micros = np.asarray(pc.fill_null(pc.cast(value, INTEGER), 0))
    return pc.cast(pa.array(micros + (moved - days) * _DAY_US, mask=absent), TIMESTAMP)


def _dates(days: Days, absent: npt.NDArray[np.bool_]) -> pa.Array:
    return pc.cast(pa.array(np.where(absent, 0, days).astype(np.int32), mask=absent), DATE)


def _months_later(days: Days, months: int) -> Days:
    """The same day of the month, or its last day where that is earlier."""
    month = days.astype("datetime64[D]").astype("datetime64[M]")
    within = days - month.astype("datetime64[D]").astype(np.int64)
    target: Months = np.add(month, np.timedelta64(months, "M"))
    moved: Days = np.minimum(target.astype("datetime64[D]").astype(np.int64) + within, _month_ends(target))
    return moved


def _month_ends(months: Months) -> Days:
    ends: Days = (months + np.timedelta64(1, "M")).astype("datetime64[D]").astype(np.int64) - 1
    return ends


def _last_day(value: Datum) -> Datum:
    days = _day_number(value)
    ends = _month_ends(np.asarray(pc.fill_null(days, 0)).astype("datetime64[D]").astype("datetime64[M]"))
    return _dates(ends, np.asarray(days.is_null()) | (ends > LAST_DAY))


def _make_date(*parts: Datum) -> Datum:
    year, month, day = np.broadcast_arrays(*map(_whole, parts))
    fits = (year >= 1) & (year <= 9999) & (month >= 1) & (month <= 12) & (day >= 1) & (day <= 31)
    months = np.where(fits, (year - 1970) * 12 + month - 1, 0).astype(np.int64).astype("datetime64[M]")
    days = months.astype("datetime64[D]").astype(np.int64) + np.where(fits, day - 1, 0).astype(np.int64)
    return _dates(days, ~fits | (days > _month_ends(months)))


def _whole(value: Datum) -> Any:
    """A number rounded as a cast does it, as float64 for numpy; NaN for null."""
    if isinstance(value, pa.Scalar):
        value = pa.repeat(value, 1)
    return number(to_integer(value)).to_numpy(zero_copy_only=False)


FUNCTIONS: Final[dict[str, Callable[..., Datum]]] = {
    "year": _part(pc.year),
    "quarter": _part(pc.quarter),
    "month": _part(pc.month),
    "week": _part(pc.iso_week),
    "day": _part(pc.day),
    "dayofweek": _part(lambda value: pc.day_of_week(value, count_from_zero=True, week_start=7)),
    "isodow": _part(lambda value: pc.day_of_week(value, count_from_zero=False, week_start=1)),
    "dayofyear": _part(pc.day_of_year),
    "hour": _clock(pc.hour),
    "minute": _clock(pc.minute),
    "second": _clock(pc.second),
    "date_trunc": _date_trunc,
    "date_diff": _date_diff,
    "date_add": _date_add,
    "last_day": _last_day,
    "make_date": _make_date,
}
