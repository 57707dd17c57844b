"""Dates in the many ways they are written, and their spread: births cover a lifetime, events do not."""

from __future__ import annotations

import datetime as dt
import re
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from classifiers.evidence.checks import matches

_YEAR = r"(?P<y>19\d\d|20\d\d)"
_MONTH, _DAY = r"(0?[1-9]|1[0-2])", r"(0?[1-9]|[12]\d|3[01])"
_WORD = r"(jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)[a-z]{0,6}\.?"
_ZONE = r"( ?[ap]m)?(z|[+-]\d{2}:?\d{2})?"
_CLOCK = r"([01]\d|2[0-3])[0-5]\d[0-5]\d(\d{3})?"
_TIME = rf"([ t]*(?P<t>\d{{1,2}}:\d{{2}}(:\d{{2}})?|{_CLOCK}|\d{{1,2}}时\d{{1,2}}分)([.,:]\d+)?{_ZONE})?"
_FORMS = (
    rf"{_YEAR}(-{_MONTH}-{_DAY}|/{_MONTH}/{_DAY}|\.{_MONTH}\.{_DAY}|年{_MONTH}月({_DAY}[日号])?)",
    rf"{_YEAR}([-/.]{_MONTH}|年{_MONTH}月)",
    rf"{_YEAR}(0[1-9]|1[0-2])(0[1-9]|[12]\d|3[01])",
    rf"({_DAY}[-/.]{_MONTH}|{_MONTH}[-/.]{_DAY})[-/.]{_YEAR}",
    rf"{_DAY}[ .-]*{_WORD}[ ,-]*{_YEAR}",
    rf"{_WORD} {_DAY}(st|nd|rd|th)?,? {_YEAR}",
    rf"[a-z]{{3}} {_WORD} {_DAY} \d{{2}}:\d{{2}}:\d{{2}}( [+-]\d{{4}}| [a-z]{{3,4}})? {_YEAR}",  # ctime
)
# extract_regex wants every group that is not named not captured either
_READERS = tuple(re.sub(r"\((?!\?)", "(?:", f"(?i)^{form}{_TIME}$") for form in _FORMS)
FEWEST = 0.05
"""Of fewer texts with a year, none is read."""
LIFETIME = 30
"""Years that dates of birth usually span, and dates of stays or payments rarely do."""
ADULT, OLD, CENTURY = 14, 50, 105
"""Ages."""


Dated = tuple[Any, Any, Any]
"""A mask of texts that are dates, and of those the years and which have a time of day."""


def read(texts: Any) -> Dated:
    """Return which normalised *texts* are dates, and of those the years and which have a time of day."""
    mask, dated = np.zeros(len(texts), bool), matches(texts, r"(^|\D)(19|20)\d\d")
    years: list[Any] = []
    timed: list[Any] = []
    for reader in _READERS:
        if mask.all() or dated.sum() <= FEWEST * len(dated):
            break
        found = pc.extract_regex(texts.filter(pa.array(~mask)), reader)
        fits = np.asarray(found.is_valid())
        found = found.drop_null()
        mask[~mask] = fits
        years.append(pc.struct_field(found, "y").cast(pa.int32()).to_numpy())
        timed.append(~matches(pc.struct_field(found, "t"), r"^(|0?0:00(:00)?|0{6})$"))
    return mask, np.concatenate([*years, np.empty(0, np.int32)]), np.concatenate([*timed, np.empty(0, bool)])


def births(dated: Dated) -> Any:
    """Return the mask of dates without a time of day if their years may be those of births.

    Births of living people span `LIFETIME` years or, of the old, half of that, and begin within a century;
    and unlike events, which go on until now, they end with those of adults or begin long ago.
    """
    mask, years, timed = dated
    if len(years) == 0:
        return mask
    youngest, oldest = dt.datetime.now(dt.UTC).year - np.quantile(years, [0.98, 0.02])
    spread = oldest - youngest >= (LIFETIME if youngest < OLD else LIFETIME / 2)
    alive = youngest >= 0 and oldest <= CENTURY
    people = youngest >= ADULT or oldest >= OLD + ADULT
    return mask & bool(spread and alive and people and timed.mean() < 0.1)
