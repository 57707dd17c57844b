"""Between which days the value of a date or timestamp lies, and what follows for its parts.

A day is counted as by `datetime.date.toordinal`, so that dates share the interval arithmetic of numbers.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping
from fractions import Fraction
from math import trunc
from typing import Final

from jobs.choices import chosen
from jobs.expressions import Call, Column, Expression, Literal
from jobs.ranges import ANY, Span, divide, point, stepped, subtract, whole
from sandbox.schema import DateDomain, Domain, Scalar

Domains = Mapping[str, Domain]

PARTS: Final = {
    "quarter": whole(1, 4),
    "month": whole(1, 12),
    "week": whole(1, 53),
    "day": whole(1, 31),
    "dayofweek": whole(0, 6),
    "isodow": whole(1, 7),
    "dayofyear": whole(1, 366),
    "hour": whole(0, 23),
    "minute": whole(0, 59),
    "second": whole(0, 59),
}
"""What the parts of any date lie in."""

_UNIT_DAYS: Final = {"day": 1, "week": 7}
_UNIT_MONTHS: Final = {"month": 1, "quarter": 3, "year": 12}
_LAST: Final = dt.date.max.toordinal()


def day_span(expression: Expression, domains: Domains) -> Span | None:
    """Return the days of a date or timestamp expression; None for anything that is none."""
    match expression:
        case Column(name):
            return _column_span(domains.get(name))
        case Literal(dt.date() as day):
            return whole(day.toordinal(), day.toordinal())
        case Call("make_date"):
            return ANY
        case Call():
            return _moved_span(expression, domains) or chosen(expression, lambda i: day_span(i, domains))
    return None


def _moved_span(call: Call, domains: Domains) -> Span | None:
    """The days of functions that nowhere fall."""
    match call:
        case Call("date_trunc", (Literal(str(unit)), inner)):
            return _mapped(inner, domains, lambda day: truncated(day, unit))
        case Call("last_day", (inner,)):
            return _mapped(inner, domains, lambda day: shifted(truncated(day, "month"), 1, "month", -1))
        case Call("date_add", (inner, Literal(int(steps)), Literal(str(unit)))):
            return _mapped(inner, domains, lambda day: shifted(day, steps, unit))
        case Call("to_date", (inner,)):
            return day_span(inner, domains)
    return None


def date_domain(expression: Expression, domains: Domains) -> DateDomain | None:
    """Return the first and the last date of a date expression, None where they are not known."""
    found = day_span(expression, domains)
    if found is None or found.low is None or found.high is None or found.low > found.high:
        return None
    return DateDomain(dt.date.fromordinal(int(found.low)), dt.date.fromordinal(int(found.high)))


def part_span(part: str, expression: Expression, domains: Domains) -> Span:
    """Return the span of a part (YEAR, MONTH …) of a date."""
    known = date_domain(expression, domains)
    if part == "year":
        return whole(known.low.year, known.high.year) if known else whole(None, None)
    if known and part in ("quarter", "month") and known.low.year == known.high.year:
        months = 1 if part == "month" else 3
        return whole((known.low.month - 1) // months + 1, (known.high.month - 1) // months + 1)
    return PARTS[part]


def difference_span(unit: Scalar, start: Span | None, end: Span | None) -> Span:
    """Return the span of DATE_DIFF of days in *start* and in *end*."""
    first, last = start or ANY, end or ANY
    if unit in _UNIT_DAYS:
        return stepped(trunc)(divide(subtract(last, first), point(Fraction(_UNIT_DAYS[str(unit)]))))
    months = _UNIT_MONTHS[str(unit)]
    return subtract(*(_numbered(item, lambda day: _month(day) // months) for item in (last, first)))


def truncated(day: dt.date, unit: str) -> dt.date:
    """Return the first day of the *unit* that *day* is in."""
    if unit in _UNIT_DAYS:
        return day - dt.timedelta(days=day.weekday() if unit == "week" else 0)
    return _first_of(_month(day) // _UNIT_MONTHS[unit] * _UNIT_MONTHS[unit])


def shifted(day: dt.date, steps: int, unit: str, more: int = 0) -> dt.date:
    """Return *day* moved by *steps* units and *more* days, at most to the end of the calendar."""
    try:
        if unit in _UNIT_DAYS:
            return day + dt.timedelta(days=steps * _UNIT_DAYS[unit] + more)
        month = _month(day) + steps * _UNIT_MONTHS[unit]
        days = min(day.day - 1, (_first_of(month + 1) - _first_of(month)).days - 1)
        return _first_of(month) + dt.timedelta(days=days + more)
    except (OverflowError, ValueError):
        return dt.date.max if steps > 0 else dt.date.min


def _month(day: dt.date) -> int:
    return day.year * 12 + day.month - 1


def _first_of(month: int) -> dt.date:
    return dt.date(month // 12, month % 12 + 1, 1)


def _column_span(domain: Domain | None) -> Span:
    if isinstance(domain, DateDomain):
        return whole(domain.low.toordinal(), domain.high.toordinal())
    return ANY


def _mapped(expression: Expression, domains: Domains, function: Callable[[dt.date], dt.date]) -> Span | None:
    """The span of a function that nowhere falls."""
    inner = day_span(expression, domains)
    return inner if inner is None else _numbered(inner, lambda day: function(day).toordinal())


def _numbered(found: Span, function: Callable[[dt.date], int]) -> Span:
    low, high = (
        None if end is None else function(dt.date.fromordinal(max(1, min(int(end), _LAST))))
        for end in (found.low, found.high)
    )
    return whole(low, high)
