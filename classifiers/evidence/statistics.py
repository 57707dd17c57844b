"""Evidence from how a column's values are spread, whatever they mean: constants, counters, measures, codes.

Most of it speaks for `GENERAL`: a column of three small numbers or of percentages is rarely about one person.
Rules look at normalised distinct values; one speaks if `SHARE` of them fit, for columns with dirty values.
The weight of a rule is how often it was right, of how often it fired, on the development parts of the
labelled sets (``python -m benchmarks.classification``), one of each added as if seen before.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from classifiers.evidence.evidence import Evidence, tenths
from classifiers.evidence.sample import ColumnSample, some
from sandbox.schema import Kind

SHARE = 0.75
LOOKED_AT = 300
"""Distinct values that rules look at."""
FEWEST_ROWS = 10
_AT_ONCE = 20
"""Texts between two looks at whether enough of them fit."""
DISTINCT = 0.9
"""From this share of distinct values on, values are counted as telling rows apart, dirty ones beside them."""


@dataclass(frozen=True, slots=True)
class _Spread:
    """The *texts* of a column, the *numbers* among them, and the share of rows with a value of their own."""

    texts: list[str]
    numbers: Any
    unique: float

    def share(self, shape: re.Pattern[str]) -> float:
        """Return the share of texts that *shape* matches from end to end, or 0 if it is below `SHARE`."""
        count, found = len(self.texts), 0
        for start in range(0, count, _AT_ONCE):
            some = self.texts[start : start + _AT_ONCE]
            found += sum(map(bool, map(shape.fullmatch, some)))
            if found + count - start - len(some) < SHARE * count:
                return 0.0
        return found / count


@dataclass(frozen=True, slots=True)
class _Rule:
    """Speaks for *tag* if *shape* fits enough texts and *also* holds."""

    tag: str
    rule: str
    weight: float
    shape: re.Pattern[str]
    also: Callable[[_Spread], bool] = lambda _: True


def statistic_evidence(sample: ColumnSample) -> tuple[Evidence, ...]:
    """Return what the spread of the column's values speaks for."""
    spread = _spread(sample)
    if spread is None or sample.rows < FEWEST_ROWS:
        return ()
    hints = []
    for it in RULES:
        share = spread.share(it.shape)
        if share >= SHARE and it.also(spread):
            hints.append(Evidence(it.tag, "statistics", it.rule, it.weight, tenths(share)))
    return tuple(hints)


def _spread(sample: ColumnSample) -> _Spread | None:
    texts = some(sample.plain, LOOKED_AT).drop_null().to_pylist()
    if not texts or sample.kind is Kind.BOOLEAN:
        return None
    numbers = np.array([float(it) for it in texts if _NUMBER.fullmatch(it)])
    return _Spread(texts, numbers, sample.distinct / sample.rows)


def _shape(regex: str) -> re.Pattern[str]:
    return re.compile(regex, re.ASCII)


_NUMBER = _shape(r"[-+]?\d{1,15}(\.\d{1,15})?")
_ANY, _WHOLE = _shape(r"(?s:.*)"), _shape(r"\d{1,15}")
_UNIT = r"[a-zA-Zµμ%°²³/]{1,6}|[个只件台套米元吨克斤里片粒盒瓶天日月年次人时分秒公千小钟]{1,2}"
_AGES = 120


def _few(most: int, unique: float) -> Callable[[_Spread], bool]:
    return lambda it: len(it.texts) <= most and it.unique < unique


def _some(it: _Spread) -> bool:
    return 6 < len(it.texts) <= 12 and it.unique < 0.1


def _constant(it: _Spread) -> bool:
    return len(it.texts) == 1


def _small(it: _Spread) -> bool:
    return it.unique < 0.2 and float(np.quantile(it.numbers, 0.9)) < 50


def _running(it: _Spread) -> bool:
    """Numbers rise from row to row."""
    return len(it.numbers) > 1 and it.unique >= DISTINCT and bool((np.diff(it.numbers) > 0).mean() > 0.9)


def _counts(it: _Spread) -> bool:
    return len(it.texts) > 12 and _AGES < float(np.quantile(it.numbers, 0.98)) < 10_000


def _beyond_addresses(it: _Spread) -> bool:
    """Three parts, or four of which some are greater than those of network addresses."""
    parts = [[int(part) for part in text.lstrip("vV").split(".") if part.isdecimal()] for text in it.texts]
    return float(np.mean([len(of) == 3 or max(of, default=0) > 255 for of in parts])) > 0.05


def _later(it: _Spread) -> bool:
    """One in ten dates lies in the years to come, as no date of what has happened does."""
    year = str(dt.datetime.now(dt.UTC).year)
    return float(np.mean([text[:4] > year for text in it.texts])) >= 0.1


def _different(it: _Spread) -> bool:
    return len(it.texts) >= 20 and it.unique >= DISTINCT


def _of_one_length(it: _Spread) -> bool:
    lengths = [len(text) for text in it.texts]
    return _different(it) and max(map(lengths.count, set(lengths))) >= SHARE * len(lengths)


def _time_stamps(it: _Spread) -> bool:
    return _of_one_length(it) and float(np.ptp(it.numbers)) > 10_000


def _short(it: _Spread) -> bool:
    return _different(it) and float(np.median([len(text) for text in it.texts])) <= 25


RULES: tuple[_Rule, ...] = (
    _Rule("general", "constant", 0.5, _ANY, _constant),
    _Rule("general", "few-words", 0.73, _ANY, _few(6, 0.1)),
    _Rule("general", "some-words", 0.55, _ANY, _some),
    _Rule("general", "abbreviations", 0.79, _shape(r"[A-Z]{1,4}"), _few(20, 0.3)),
    _Rule(
        "general",
        "grades",
        0.89,
        _shape(r"[A-Za-z]{1,3}\d{1,2}|[A-E]{1,3}[-+]?|[一二三四五六七八九十甲乙丙特]+[级等类星].*"),
        _few(15, 0.5),
    ),
    _Rule(
        "general", "yes-no", 0.83, _shape(r"(?i)[yn01tf]|yes|no|true|false|[是否有无]|ja|nein"), _few(20, 0.5)
    ),
    _Rule("general", "few-small-numbers", 0.79, _WHOLE, _small),
    _Rule("general", "running-numbers", 0.57, _WHOLE, _running),
    _Rule("pi.id.generic", "running-numbers", 0.3, _WHOLE, _running),
    _Rule("general", "counts", 0.81, _WHOLE, _counts),
    _Rule("general", "decimals", 0.56, _shape(r"[-+]?\d+\.\d{1,3}")),
    _Rule("general", "percentages", 0.5, _shape(r"[-+]?\d{1,3}(\.\d+)?\s?%")),
    _Rule("general", "measures", 0.75, _shape(rf"[-+]?\d+(\.\d+)?\s?({_UNIT})")),
    _Rule("general", "years", 0.8, _shape(r"(19|20)\d\d(年度?)?")),
    _Rule(
        "general",
        "periods",
        0.6,
        _shape(r"(19|20)\d\d([-/.]?(0?[1-9]|1[0-2])|\s?-?Q[1-4]|年(\d\d?月|第?[1-4一二三四]季度))"),
        _few(60, 0.5),
    ),
    _Rule("general", "later-dates", 0.67, _shape(r"20\d\d[-/.年].*"), _later),
    _Rule("general", "clock", 0.75, _shape(r"\d{1,2}:\d{2}(:\d{2})?")),
    _Rule("general", "time-stamps", 0.32, _shape(r"1\d{9}(\d{3})?"), _time_stamps),
    _Rule("pi.event-date", "time-stamps", 0.5, _shape(r"1\d{9}(\d{3})?"), _time_stamps),
    _Rule("general", "versions", 0.83, _shape(r"[vV]?\d{1,2}(\.\d{1,3}){2,3}"), _beyond_addresses),
    _Rule("general", "paths", 0.67, _shape(r"/.*")),
    _Rule("pi.id.generic", "letters-and-digits", 0.68, _shape(r"[A-Za-z]{1,4}\d{4,20}"), _different),
    _Rule(
        "pi.id.generic",
        "mixed-case-codes",
        0.33,
        _shape(r"(?=.*[a-z])(?=.*[A-Z])(?=.*\d)[A-Za-z\d_-]{6,64}"),
        _different,
    ),
    _Rule("pi.id.generic", "digits-of-one-length", 0.25, _shape(r"\d{5,20}"), _of_one_length),
    _Rule("pi.id.generic", "all-different", 0.11, _shape(r"(?![-+]?\d+\.\d+$)(?s:.*)"), _short),
)
