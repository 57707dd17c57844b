"""Evidence from values: the share of a column's distinct values that fit a pattern, never a single hit.

Patterns run as RE2 over whole columns (pyarrow.compute); check digits are computed with numpy.  Evidence
says which pattern fits and how widely, never a value.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from math import floor
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from classifiers.evidence.evidence import Evidence
from classifiers.evidence.sample import ColumnSample
from classifiers.taxonomy import read_data
from sandbox.schema import Kind

TEXTS = frozenset({Kind.STRING})
NUMBERED = frozenset({Kind.STRING, Kind.INTEGER})
DATED = frozenset({Kind.STRING, Kind.INTEGER, Kind.DATE, Kind.TIMESTAMP})


@dataclass(frozen=True, slots=True)
class Pattern:
    """Speaks for *tag* with *weight* if at least *share* of at least *distinct* values of a column fit."""

    tag: str
    rule: str
    weight: float
    share: float
    distinct: int
    kinds: frozenset[Kind]
    measure: Callable[[ColumnSample], float]


def value_evidence(sample: ColumnSample) -> tuple[Evidence, ...]:
    """Return which patterns fit the column."""
    found = []
    for pattern in PATTERNS:
        if sample.kind in pattern.kinds and len(sample.values) >= pattern.distinct:
            share = pattern.measure(sample)
            if share >= pattern.share:
                tenths = floor(share * 10) / 10
                found.append(Evidence(pattern.tag, "values", pattern.rule, pattern.weight, tenths))
    return tuple(found)


def _mean(hits: Any) -> float:
    return float(pc.mean(hits.cast(pa.float64())).as_py() or 0.0)


def _fits(regex: str) -> Callable[[ColumnSample], float]:
    def measure(sample: ColumnSample) -> float:
        return _mean(pc.match_substring_regex(sample.values, regex))

    return measure


def resident_ids(values: Any) -> Any:
    """Return a numpy mask of the texts that are resident identity numbers (GB 11643-1999).

    17 digits with a real birth date from 1900 on, then the ISO 7064 MOD 11-2 check character.  The region
    code is not looked up: districts come and go, and old numbers keep theirs.
    """
    mask = np.asarray(pc.match_substring_regex(values, r"^[1-9]\d{5}(19|20)\d{9}[\dXx]$"), dtype=bool)
    texts = pc.utf8_upper(values.filter(pa.array(mask))).to_pylist()
    if texts:
        codes = np.array(texts, dtype="S18").view(np.uint8).reshape(-1, 18)
        digits = codes[:, :17].astype(np.int64) - ord("0")
        mask[mask] = _real_dates(digits) & (_check_characters(digits) == codes[:, 17])
    return mask


def _check_characters(digits: Any) -> Any:
    weights = np.array([pow(2, 17 - position, 11) for position in range(17)])
    return np.frombuffer(b"10X98765432", np.uint8)[digits @ weights % 11]


def _real_dates(digits: Any) -> Any:
    year = digits[:, 6:10] @ [1000, 100, 10, 1]
    month, day = digits[:, 10:12] @ [10, 1], digits[:, 12:14] @ [10, 1]
    start = ((year - 1970) * 12 + np.clip(month, 1, 12) - 1).astype("datetime64[M]")
    length = ((start + 1).astype("datetime64[D]") - start.astype("datetime64[D]")).astype(np.int64)
    return (month >= 1) & (month <= 12) & (day >= 1) & (day <= length)


def _resident_share(sample: ColumnSample) -> float:
    return float(resident_ids(sample.values).mean())


_DATE = (
    r"^(?P<y>19\d\d|20\d\d)(?:-\d{1,2}-\d{1,2}|/\d{1,2}/\d{1,2}|\.\d{1,2}\.\d{1,2}"
    r"|年\d{1,2}月\d{1,2}日|(?:0[1-9]|1[0-2])(?:[0-2]\d|3[01]))(?:[ T]00:00.*)?$"
)
_LIFETIME = 30
"""Years that dates of birth usually span, and dates of stays or payments rarely do."""


def _birth_share(sample: ColumnSample) -> float:
    years = pc.struct_field(pc.extract_regex(sample.values, _DATE), "y").drop_null()
    if len(years) == 0:
        return 0.0
    low, high = np.quantile(years.cast(pa.int32()).to_numpy(), [0.02, 0.98])
    return len(years) / len(sample.values) if high - low >= _LIFETIME else 0.0


_ICD_9 = r"^(\d{1,3}(\.\d{1,2})?|V\d{1,2}(\.\d{1,2})?|E\d{3,4}(\.\d)?)$"


def _icd_9_share(sample: ColumnSample) -> float:
    """Bare numbers look like ICD-9 codes, so some V or E codes must be among them."""
    lettered = _mean(pc.match_substring_regex(sample.values, r"^[VE]\d"))
    return _fits(_ICD_9)(sample) if lettered >= 0.01 else 0.0


@cache
def _words() -> Mapping[str, Any]:
    data: Mapping[str, Any] = read_data("values.yaml")
    return data


def _gender_share(sample: ColumnSample, kind: str) -> float:
    """All values are words for genders, and at least two of them are *kind* words."""
    gender = _words()["gender"]
    values = {text.lower() for text in sample.values[:50].to_pylist()}
    known = {*gender["telling"], *gender["short"], *gender["other"]}
    return len(values & known) / len(values) if len(values & set(gender[kind])) > 1 else 0.0


def _chinese_name_share(sample: ColumnSample) -> float:
    surnames = "|".join([f"[{_words()['surnames'].strip()}]", *map(re.escape, _words()["surnames_of_two"])])
    return _fits(rf"^({surnames})[\x{{4e00}}-\x{{9fff}}]{{1,2}}$")(sample)


def _unique_share(sample: ColumnSample) -> float:
    lengths = pc.utf8_length(sample.values)
    short = pc.max(lengths).as_py() <= 40
    return sample.distinct / sample.rows if short else 0.0


_ADDRESS_ZH = r"[省市区县旗州].*(路|街|道|巷|弄|胡同|村|镇|乡|小区|号|室)"
_ADDRESS_EN = (
    r"(?i)^\d+\s+[\w .'-]+\b(street|st|road|rd|avenue|ave|lane|ln|drive|dr|boulevard|blvd|court|ct)\b"
)
_ICD_10 = r"^[A-TV-Z]\d[0-9AB](\.?[0-9A-Z]{1,4}|\.[0-9]{1,3}x\d{2,3})?$"

# Weights: how often the pattern alone is right.  Checked formats are near certain, shapes are not.
PATTERNS: tuple[Pattern, ...] = (
    Pattern("pi.id.resident", "resident-id", 0.97, 0.8, 5, NUMBERED, _resident_share),
    Pattern("pi.contact.mobile", "mobile-cn", 0.9, 0.8, 5, NUMBERED, _fits(r"^(\+?86[- ]?)?1[3-9]\d{9}$")),
    Pattern(
        "pi.contact.email", "email", 0.95, 0.8, 5, TEXTS, _fits(r"^[^@\s]+@[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)+$")
    ),
    Pattern("pi.birth-date", "dates-over-a-lifetime", 0.5, 0.9, 20, DATED, _birth_share),
    Pattern("pi.health", "icd-9", 0.8, 0.9, 20, TEXTS, _icd_9_share),
    Pattern("pi.health", "icd-10", 0.8, 0.9, 10, TEXTS, _fits(_ICD_10)),
    Pattern("pi.gender", "gender-words", 0.9, 0.6, 2, TEXTS, lambda sample: _gender_share(sample, "telling")),
    Pattern("pi.gender", "gender-letters", 0.5, 0.9, 2, TEXTS, lambda sample: _gender_share(sample, "short")),
    Pattern("pi.name", "surname-zh", 0.7, 0.8, 10, TEXTS, _chinese_name_share),
    Pattern("pi.address", "address-zh", 0.8, 0.7, 5, TEXTS, _fits(_ADDRESS_ZH)),
    Pattern("pi.address", "address-en", 0.7, 0.7, 5, TEXTS, _fits(_ADDRESS_EN)),
    Pattern("pi.id.generic", "all-different", 0.4, 0.99, 100, NUMBERED, _unique_share),
)
