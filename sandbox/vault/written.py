"""Cells that are written otherwise than `sandbox.vault.conform` reads them, as it does.

An owner declares how the cells of a column are written, since a cell does not say it: ``01.02.2024`` is a day
in February or in January, ``1.234`` a thousand or one and a bit.  Of dates and timestamps the day comes first
(``dmy``) or the month (``mdy``); of numbers the decimals stand behind a ``comma``, or behind a ``point`` with
signs for thousands before it.  What a cell means depends on that cell and on what was declared alone.
"""

from __future__ import annotations

import re
from typing import Any, Final

import pyarrow as pa
import pyarrow.compute as pc

from sandbox.schema import Kind
from sandbox.vault.dates import hour_of

DAY_FIRST, MONTH_FIRST = "dmy", "mdy"
COMMA, POINT = "comma", "point"
_DATES, _NUMBERS = (DAY_FIRST, MONTH_FIRST), (COMMA, POINT)
FORMS: Final = {
    Kind.DATE: _DATES,
    Kind.TIMESTAMP: _DATES,
    Kind.INTEGER: _NUMBERS,
    Kind.FLOAT: _NUMBERS,
    Kind.DECIMAL: _NUMBERS,
}
"""Kind → how its cells may be declared to be written."""
_YEAR_LAST: Final = re.compile(
    r"(\d{1,2})(?:\.(\d{1,2})\.|/(\d{1,2})/|-(\d{1,2})-)(\d{4})"
    r"(?:[ T](\d{1,2})(:\d{2}(?::\d{2}(?:\.\d{1,9})?)?)(?: ?([AaPp])\.?[Mm]\.?)?((?:Z|[+-]\d{2}:\d{2})?))?",
    re.ASCII,
)
_BLANK: Final = r"[ \x{A0}\x{2009}\x{202F}]"
_GROUPS: Final = {COMMA: r"\.", POINT: ","}
_DECIMAL: Final = {COMMA: ",", POINT: r"\."}


def as_read(texts: Any, kind: Kind, form: str) -> Any:
    """Return trimmed *texts* (an array of strings) of *form* as texts that are read without one.

    Null is what is written otherwise.  A date with the year first says so itself and is left as it is.
    """
    if kind in (Kind.DATE, Kind.TIMESTAMP):
        turned = [None if it is None else _year_first(it, form) for it in texts.to_pylist()]
        return pa.array(turned, pa.string())
    return _plain(texts, form)


def number_pattern(form: str) -> str:
    """Return the pattern (RE2) of numbers of *form*: thousands all behind one sign, a minus at either end."""
    signs = (_GROUPS[form], _BLANK, "['’]")
    grouped = "|".join(rf"[1-9]\d{{0,2}}(?:{sign}\d{{3}})+" for sign in signs)
    behind = rf"{_DECIMAL[form]}\d"
    number = rf"(?:(?:{grouped}|\d+)(?:{behind}*)?|{behind}+)(?:[eE][+-]?\d{{1,40}})?"
    return rf"^(?:[+-]?{number}|{number}-)$"


def _plain(texts: Any, form: str) -> Any:
    kept = pc.if_else(pc.match_substring_regex(texts, number_pattern(form)), texts, None)
    bare = pc.replace_substring_regex(kept, rf"{_GROUPS[form]}|{_BLANK}|['’]", "")
    signed = pc.replace_substring_regex(bare, r"^(.*)-$", r"-\1")
    return pc.replace_substring_regex(signed, ",", ".")


def _year_first(text: str, form: str) -> str | None:
    """Return a date or timestamp with the year last as ISO 8601 writes it, others as they are."""
    found = _YEAR_LAST.fullmatch(text)
    if found is None:
        return text
    first, *seconds, year, hour, behind, half, zone = found.groups()
    second = next(it for it in seconds if it is not None)
    day, month = (first, second) if form == DAY_FIRST else (second, first)
    date = f"{year}-{month:0>2}-{day:0>2}"
    if hour is None:
        return date
    hours = int(hour)
    if half is not None:
        if not 1 <= hours <= 12:
            return None
        hours = hour_of(hours, half)
    return f"{date} {hours:02}{behind}{zone}"
