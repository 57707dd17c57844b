"""How dates and timestamps are written in a cell.

With the year first, then month and day, so that every cell says by itself which is which: ``YYYY-MM-DD``,
``YYYY/M/D`` (or the two mixed), ``YYYY.M.D`` (one digit or two), ``YYYY年M月D日`` (日 may be missing),
``YYYYMMDD``.  Midnight may stand behind.  A timestamp is such a date with ``hh:mm[:ss[.ffffff]]`` behind
``T`` or a space, ``YYYY年M月D日h时m分[s秒]`` or ``YYYYMMDDhhmmss``; an offset is converted to UTC and
dropped.  Where the day comes first a cell alone often does not tell it from the month: such texts are no
dates here.
"""

from __future__ import annotations

import datetime as dt
import re

_DAY = r"\d{4}(?:[-/]\d{1,2}[-/]\d{1,2}|\.\d{1,2}\.\d{1,2}|年\d{1,2}月\d{1,2}日?)"
DATE = rf"^(?:{_DAY}(?:[ T]0{{1,2}}:00(?::00(?:\.0{{1,9}})?)?)?|\d{{8}})$"
_HOUR = r"(?:[01]?\d|2[0-3])"  # Python 3.14 reads 24:00 as well
TIMESTAMP = (
    rf"^(?:{_DAY}[ T]{_HOUR}:\d{{2}}(?::\d{{2}}(?:\.\d{{1,9}})?)?(?:Z|[+-]\d{{2}}:\d{{2}})?"
    rf"|\d{{4}}年\d{{1,2}}月\d{{1,2}}日 ?{_HOUR}时[0-5]?\d分(?:[0-5]?\d秒)?"
    rf"|\d{{8}}(?:[01]\d|2[0-3])\d{{4}})$"
)
_PARTS = re.compile(r"(\d{4})\D?(\d{1,2})\D?(\d{1,2})(?:日?[ T]|日)?(?:(\d{1,2}):?(\d{2}))?")
"""Of what fits `DATE` or `TIMESTAMP`: year, month, day, hour, minute; the seconds follow."""
_EPOCH = dt.datetime(1970, 1, 1)
_MICROSECOND = dt.timedelta(microseconds=1)


def read_date(text: str) -> dt.date | None:
    """Return the day that *text*, which fits `DATE`, says; None if there is no such day."""
    try:
        if _is_iso(text):  # most are, and it is three times as fast
            return dt.date.fromisoformat(text[:10])
        found = _PARTS.match(text)
        assert found is not None
        return dt.date(int(found[1]), int(found[2]), int(found[3]))
    except ValueError:
        return None


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
    found = _PARTS.match(text)
    assert found is not None
    year, month, day, hour, minute = found.groups()
    behind = text[found.end() :]
    return f"{year}-{month:0>2}-{day:0>2}T{hour:0>2}:{minute}{f':{behind}' if text.isdigit() else behind}"


def read_timestamp(text: str) -> int | None:
    """Return microseconds since 1970 of what *text*, which fits `TIMESTAMP`, says; None if there is none."""
    try:
        moment = dt.datetime.fromisoformat(text if _is_iso(text) else _as_iso(text))
        if moment.tzinfo is not None:
            moment = moment.astimezone(dt.UTC).replace(tzinfo=None)
    except (ValueError, OverflowError):
        return None
    return (moment - _EPOCH) // _MICROSECOND
