"""How dates and timestamps are written in a cell.

So that every cell says by itself which is which.  With the year first, then month and day: ``YYYY-MM-DD``,
``YYYY/M/D`` (or the two mixed), ``YYYY.M.D`` (one digit or two), ``YYYY年M月D日`` (日 may be missing),
``YYYYMMDD``.  With the month by its English name, as databases and clinical data have it: ``31-JAN-2024``,
``31JAN2024``, ``31 January 2024``, ``Jan 31, 2024``.  Midnight may stand behind.  A timestamp is such a date
with ``hh:mm[:ss[.ffffff]]`` behind ``T`` or a space (behind names also a colon, and AM or PM behind it),
``YYYY年M月D日h时m分[s秒]`` or ``YYYYMMDDhhmmss``; an offset is converted to UTC and dropped.  Where the day
comes first a cell alone often does not tell it from the month, and two digits do not tell the century: such
texts are no dates here.
"""

from __future__ import annotations

import datetime as dt
import re

_DAY = r"\d{4}(?:[-/]\d{1,2}[-/]\d{1,2}|\.\d{1,2}\.\d{1,2}|年\d{1,2}月\d{1,2}日?)"
_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_MONTH = (
    r"(?i:jan(?:uary)?|feb(?:ruary)?|mar(?:ch)?|apr(?:il)?|may|june?|july?|aug(?:ust)?|sept?(?:ember)?"
    r"|oct(?:ober)?|nov(?:ember)?|dec(?:ember)?)"
)
_OF_MONTH = r"\d{1,2}(?:st|nd|rd|th)?"
NAMED = (
    rf"(?:{_OF_MONTH}(?:-{_MONTH}-|/{_MONTH}/|\.? ?{_MONTH}[.,]? ?)\d{{4}}"
    rf"|{_MONTH}\.? {_OF_MONTH},? \d{{4}})"
)
"""A day whose month is named."""
_MIDNIGHT = r"0{1,2}:00(?::00(?:\.0{1,9})?)?"
DATE = rf"^(?:{_DAY}(?:[ T]{_MIDNIGHT})?|\d{{8}}|{NAMED}(?:[ T:]{_MIDNIGHT})?)$"
_HOUR = r"(?:[01]?\d|2[0-3])"  # Python 3.14 reads 24:00 as well
_MINUTE = r":\d{2}(?::\d{2}(?:\.\d{1,9})?)?"
_OFFSET = r"(?:Z|[+-]\d{2}:\d{2})?"
TIMESTAMP = (
    rf"^(?:{_DAY}[ T]{_HOUR}{_MINUTE}{_OFFSET}"
    rf"|\d{{4}}年\d{{1,2}}月\d{{1,2}}日 ?{_HOUR}时[0-5]?\d分(?:[0-5]?\d秒)?"
    rf"|\d{{8}}(?:[01]\d|2[0-3])\d{{4}}"
    rf"|{NAMED}[ T:] ?(?:{_HOUR}{_MINUTE}|(?:0?[1-9]|1[0-2]){_MINUTE} ?[AaPp][Mm]){_OFFSET})$"
)
_NAMED_PARTS = re.compile(rf"(\d{{1,2}})?\D*?({_MONTH})\D*?(?:(\d{{1,2}})\D+)?(\d{{4}})", re.ASCII)
_CLOCK = re.compile(r"[ T:] ?(\d{1,2})(:\d{2}[\d:.]*)(?: ?([AaPp])[Mm])?", re.ASCII)
_PARTS = re.compile(r"(\d{4})\D?(\d{1,2})\D?(\d{1,2})(?:日?[ T]|日)?(?:(\d{1,2}):?(\d{2}))?")
"""Of what fits `DATE` or `TIMESTAMP`: year, month, day, hour, minute; the seconds follow."""
_EPOCH = dt.datetime(1970, 1, 1)
_MICROSECOND = dt.timedelta(microseconds=1)


def read_date(text: str) -> dt.date | None:
    """Return the day that *text*, which fits `DATE`, says; None if there is no such day."""
    try:
        if _is_iso(text):  # most are, and it is three times as fast
            return dt.date.fromisoformat(text[:10])
        year, month, day, *_ = _parts(numbered(text)).groups()
        return dt.date(int(year), int(month), int(day))
    except ValueError:
        return None


def numbered(text: str) -> str:
    """Return *text*, which fits `DATE` or `TIMESTAMP`, with a month that is named as ISO 8601 writes it."""
    found = _NAMED_PARTS.match(text)
    if found is None:
        return text
    first, name, second, year = found.groups()
    day = f"{year}-{_MONTHS.index(name[:3].lower()) + 1:02}-{first or second:0>2}"
    clock = _CLOCK.match(text, found.end())
    if clock is None:
        return day
    hour = int(clock[1]) if clock[3] is None else hour_of(int(clock[1]), clock[3])
    return f"{day} {hour:02}{clock[2]}{text[clock.end() :]}"


def hour_of(hour: int, half: str) -> int:
    """Return the hour of the day for an *hour* from 1 to 12 of the *half* before noon (a) or after it (p)."""
    return hour % 12 + (12 if half in "Pp" else 0)


def _is_iso(text: str) -> bool:
    """Whether a date is written ``YYYY-MM-DD``, and an hour behind it ``hh``."""
    return (
        len(text) >= 10
        and text[4] == text[7] == "-"
        and text[10:11] in ("", "T", " ")
        and text[13:14] in ("", ":")
    )


def _as_iso(text: str) -> str:
    if "时" in text:
        year, month, day, hour, minute, *second = re.findall(r"\d+", text)
        return f"{year}-{month:0>2}-{day:0>2}T{hour:0>2}:{minute:0>2}:{second[0] if second else '':0>2}"
    found = _parts(text)
    year, month, day, hour, minute = found.groups()
    behind = text[found.end() :]
    return f"{year}-{month:0>2}-{day:0>2}T{hour:0>2}:{minute}{f':{behind}' if text.isdigit() else behind}"


def _parts(text: str) -> re.Match[str]:
    found = _PARTS.match(text)
    if found is None:  # RE2 takes a long s (ſ) for an S
        raise ValueError
    return found


def read_timestamp(text: str) -> int | None:
    """Return microseconds since 1970 of what *text*, which fits `TIMESTAMP`, says; None if there is none."""
    try:
        moment = dt.datetime.fromisoformat(text if _is_iso(text) else _as_iso(numbered(text)))
        if moment.tzinfo is not None:
            moment = moment.astimezone(dt.UTC).replace(tzinfo=None)
    except (ValueError, OverflowError):
        return None
    return (moment - _EPOCH) // _MICROSECOND
