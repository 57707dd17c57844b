"""Children under 14, whose personal data is sensitive (PIPL, article 28), as ages and births show them.

A column of ages or dates of birth is about children if at least half of its distinct sampled values are.  It
is a hint for the owner: what the owner declares about the column comes first (`service.datasets.levels`).
"""

from __future__ import annotations

from math import floor
from typing import Any

import numpy as np
import pyarrow.compute as pc

from classifiers.combinations import CHILD, UNDER_14
from classifiers.evidence.checks import normalise
from classifiers.evidence.dates import read
from classifiers.evidence.evidence import Evidence
from classifiers.evidence.sample import ColumnSample

_LOOKED_AT = 1000
_MOST = 0.5
_WEIGHT = 0.8
_AGE = r"^\D{0,2}(?P<years>\d{1,3})(?:[^\de]|$)"


def minors_evidence(tag: str, sample: ColumnSample, year: int) -> tuple[Evidence, ...]:
    """Return a hint if a column proposed as *tag* holds ages or births of children; *year* is now."""
    if tag not in ("pi.age", "pi.birth-date") or len(sample.values) == 0:
        return ()
    texts = normalise(sample.values[:_LOOKED_AT])
    share = _ages(texts) if tag == "pi.age" else _births(texts, year)
    if share < _MOST:
        return ()
    return (Evidence(tag, "values", UNDER_14, _WEIGHT, floor(share * 10) / 10),)


def _ages(texts: Any) -> float:
    found = pc.struct_field(pc.extract_regex(texts, _AGE), "years")
    years = found.drop_null().cast("int32").to_numpy()
    return float(np.sum(years < CHILD)) / max(len(texts), 1)


def _births(texts: Any, year: int) -> float:
    _, years, _ = read(texts)
    return float(np.sum(years > year - CHILD)) / max(len(texts), 1)
