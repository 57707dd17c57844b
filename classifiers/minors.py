"""Children under 14, whose personal data is sensitive (PIPL, article 28), as ages and births show them.

A column of ages, of dates of birth or of resident numbers, which hold one, is about children if at least
half of its distinct sampled values are.  It is a hint for the owner: what the owner declares about the column
comes first (`service.datasets.levels`).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Any

import pyarrow as pa

from classifiers.combinations import CHILD, UNDER_14
from classifiers.evidence.checks import compact, old_resident_ids, resident_ids
from classifiers.evidence.dates import read
from classifiers.evidence.evidence import Evidence, tenths
from classifiers.evidence.sample import ColumnSample, some

_LOOKED_AT = 1000
_MOST = 0.5
_WEIGHT = 0.8
_AGE = re.compile(r"\D{0,2}(\d{1,3})(?![\de])(.*)", re.DOTALL)
_MONTHS = re.compile(r"(?i)月龄|个月|(^|[\W_\d])(mos?|mths?|months?|mois|monate?|mes(es)?|mesi)($|[\W_\d])")
_YEARS = re.compile(r"(?i)岁|\byears?\b|\byrs?\b|\by/?o\b|\bans?\b|\bjahre?\b")
_SPELT = {"一": 1, "二": 2, "两": 2, "三": 3, "四": 4, "五": 5, "六": 6, "七": 7, "八": 8, "九": 9, "十": 10}
_SPELT_AGE = re.compile(r"([一二两三四五六七八九])?(十)?([一二三四五六七八九])?周?岁半?")
_SHORT_DATE = re.compile(r"\d{1,2}([-/.])\d{1,2}\1(\d\d)")


def minors_evidence(tag: str, sample: ColumnSample, year: int, name: str = "") -> tuple[Evidence, ...]:
    """Return a hint if the column *name*, proposed as *tag*, holds ages or births of children in *year*."""
    if tag not in ("pi.age", "pi.birth-date", "pi.id.resident") or len(sample.values) == 0:
        return ()
    texts = some(sample.plain, _LOOKED_AT).drop_null()
    if tag == "pi.age":
        children = sum(age < CHILD for age in _ages(texts.to_pylist(), bool(_MONTHS.search(name))))
    else:
        born = _born(texts, year) if tag == "pi.birth-date" else _in_resident_ids(compact(texts))
        children = sum(year - CHILD < it <= year for it in born)
    share = children / max(len(texts), 1)
    return (Evidence(tag, "values", UNDER_14, _WEIGHT, tenths(share)),) if share >= _MOST else ()


def _ages(texts: Sequence[str], in_months: bool) -> Iterator[float]:
    """Yield the ages in years; numbers are months where they or the column's name say so."""
    for text in texts:
        if found := _AGE.fullmatch(text):
            said = _MONTHS.search(found[2]) or (in_months and not _YEARS.search(found[2]))
            whole = _YEARS.match(found[2].lstrip())
            yield int(found[1]) / 12 if said and not whole else float(found[1])
        elif (spelt := _SPELT_AGE.fullmatch(text)) and any(spelt.groups()):
            ones, ten, more = spelt.groups()
            tens = _SPELT.get(ones, 1) * 10 if ten else _SPELT.get(ones, 0)
            yield tens + _SPELT.get(more, 0)


def _born(texts: Any, year: int) -> list[int]:
    """Return the years of the dates; of two digits they are the last years that end so."""
    short = [int(it[2]) for it in map(_SHORT_DATE.fullmatch, texts.to_pylist()) if it]
    return [*read(texts)[1].tolist(), *(year - (year - two) % 100 for two in short)]


def _in_resident_ids(texts: Any) -> list[int]:
    new, old = texts.filter(pa.array(resident_ids(texts))), texts.filter(pa.array(old_resident_ids(texts)))
    return [int(it[6:10]) for it in new.to_pylist()] + [1900 + int(it[6:8]) for it in old.to_pylist()]
