"""Evidence from values: the share of a column's distinct values that fit a pattern, never a single hit.

Patterns run as RE2 over an even selection of the distinct values (pyarrow.compute), check digits with numpy.
A pattern speaks if enough values fit for a column with 5-30 % dirty values, and if chance would hardly make
so many fit (`by_chance`).  Evidence says which pattern fits how widely, never a value.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cached_property, partial
from typing import Any

import numpy as np
import pyarrow as pa

from classifiers.evidence import checks, measures, shapes
from classifiers.evidence.chance import by_chance
from classifiers.evidence.checks import compact, matches, normalise
from classifiers.evidence.dates import Dated, births, read
from classifiers.evidence.evidence import Evidence, tenths
from classifiers.evidence.freetext import text_evidence
from classifiers.evidence.glance import Glance
from classifiers.evidence.national import NATIONAL, National, confirmed
from classifiers.evidence.plates import plates
from classifiers.evidence.sample import ColumnSample
from sandbox.schema import Kind

LOOKED_AT = 1000
"""Values that patterns are tried on: a share is known to 1.6 percentage points (one standard deviation)."""

PROBED = 100
"""Values that are tried first: where not `PROBE_SHARE` of the share wanted fits, the pattern is given up."""
PROBE_SHARE = 1 / 3

TEXTS = frozenset({Kind.STRING})
NUMBERED = frozenset({Kind.STRING, Kind.INTEGER})
MEASURED = frozenset({Kind.STRING, Kind.FLOAT, Kind.DECIMAL})
DATED = frozenset({Kind.STRING, Kind.INTEGER, Kind.DATE, Kind.TIMESTAMP})


@dataclass(frozen=True)
class View:
    """Texts of a column, normalised (*plain*), and without blanks and dashes in upper case (*compact*)."""

    plain: Any
    compact: Any

    @cached_property
    def dated(self) -> Dated:
        """Which of the texts are dates, read once for all patterns of dates."""
        return read(self.plain)

    def every(self, step: int) -> View:
        """Return the view of every *step*-th text."""
        places = pa.array(np.arange(0, len(self.plain), max(step, 1)))
        return View(self.plain.take(places), self.compact.take(places))


@dataclass(frozen=True, slots=True)
class Pattern:
    """Speaks for *tag* if at least *share* of the values fit, of which *chance* fit by accident.

    *weight*: how often that is right when all values fit; it is less by up to a third where fewer do.
    Values that fit have *digits* or more: what spares most columns most patterns.
    """

    tag: str
    rule: str
    weight: float
    share: float
    chance: float
    kinds: frozenset[Kind]
    fits: Callable[[View], Any]
    digits: int = 0


def value_evidence(sample: ColumnSample) -> tuple[Evidence, ...]:
    """Return which patterns fit the column."""
    if len(sample.values) == 0 or sample.kind is Kind.BOOLEAN:
        return ()
    view = view_of(sample.values)
    probe = view.every(len(view.plain) // PROBED)
    glance = Glance(probe.plain.to_pylist(), probe.compact.to_pylist())
    possible = [
        it
        for it in PATTERNS
        if sample.kind in it.kinds
        and glance.allows(it.rule, it.digits)
        and not by_chance(1.0, len(view.plain), it.chance)
    ]
    found = [_evidence(it, view) for it in possible if _share(it, probe) >= it.share * PROBE_SHARE]
    if sample.kind is Kind.STRING:
        found += text_evidence(view.plain)
    return tuple(hint for hint in found if hint is not None)


def view_of(values: Any) -> View:
    """Return an even selection of *values* in the two forms that patterns look at."""
    step = -(-len(values) // LOOKED_AT)
    plain = normalise(values.take(pa.array(np.arange(0, len(values), max(step, 1)))))
    return View(plain, compact(plain))


def fitting(rule: str, values: Any) -> Any:
    """Return a numpy mask of the *values* (no nulls) that fit the pattern named *rule*."""
    pattern = next(it for it in PATTERNS if it.rule == rule)
    plain = normalise(values, keep=True)
    return pattern.fits(View(plain, compact(plain)))


def _share(pattern: Pattern, view: View) -> float:
    return float(pattern.fits(view).mean()) if len(view.plain) else 0.0


def _evidence(pattern: Pattern, view: View) -> Evidence | None:
    share = _share(pattern, view)
    if share < pattern.share or by_chance(share, len(view.plain), pattern.chance):
        return None
    weight = round(pattern.weight * (2 + share) / 3, 2)
    return Evidence(pattern.tag, "values", pattern.rule, weight, tenths(share))


def _shape(it: shapes.Shape) -> Pattern:
    return Pattern(
        it.tag, it.rule, it.weight, it.share, it.chance, TEXTS, lambda view: matches(view.plain, it.regex)
    )


def _number(tag: str, rule: str, weight: float, chance: float, fits: Callable[[Any], Any]) -> Pattern:
    return Pattern(tag, rule, weight, 0.55, chance, NUMBERED, lambda view: fits(view.compact), digits=4)


def _national(number: National) -> Pattern:
    fits = partial(confirmed, number)
    pattern = _number(number.tag, number.rule, 0.95 - number.chance, number.chance, fits)
    return replace(pattern, digits=6)


def _or_masked(check: Callable[[Any], Any], masked: str) -> Callable[[Any], Any]:
    return lambda texts: check(texts) | matches(texts, masked)


def _online_names(view: View) -> Any:
    return measures.online_names(view.plain)


def _resident_or_masked(texts: Any) -> Any:
    masked = measures.masked_resident_ids(texts)
    return (checks.resident_ids(texts) | masked) & bool(masked.mean() >= 0.1)


# Weights: how often the pattern alone is right.  Checked formats are near certain, shapes are not.
PATTERNS: tuple[Pattern, ...] = (
    _number("pi.id.resident", "resident-id", 0.98, 6e-5, checks.resident_ids),
    _number("pi.id.resident", "resident-id-masked", 0.95, 1e-3, _resident_or_masked),
    _number("pi.id.resident", "resident-id-longer", 0.9, 6e-5, measures.longer_resident_ids),
    _number("pi.id.document", "documents", 0.85, 0.01, measures.documents),
    Pattern("pi.contact.online", "wechat-id", 0.9, 0.6, 0.1, TEXTS, _online_names),
    _number("pi.id.resident", "resident-id-15", 0.7, 0.02, checks.old_resident_ids),
    _number("org.id", "credit-code", 0.97, 1 / 31, checks.credit_codes),
    _number("finance.account", "card", 0.96, 0.1, _or_masked(checks.bank_cards, shapes.MASKED_CARD)),
    _number("finance.account", "iban", 0.98, 0.01, _or_masked(checks.ibans, shapes.MASKED_IBAN)),
    _number("pi.device", "imei", 0.95, 0.1, checks.imeis),
    _number("pi.vehicle", "vin", 0.95, 1 / 11, checks.vins),
    _number("pi.id.foreign", "hkid", 0.93, 0.1, checks.hong_kong_ids),
    _number("pi.id.foreign", "id-tw", 0.95, 0.1, checks.taiwan_ids),
    _number("pi.contact.mobile", "mobile-cn", 0.95, 0.06, measures.mobiles),
    _number("pi.contact.mobile", "phone-cn", 0.93, 0.06, measures.chinese_phones),
    *map(_national, NATIONAL),
    *map(_shape, shapes.SHAPES),
    Pattern(
        "pi.contact.mobile",
        "phone-grouped",
        0.75,
        0.6,
        0.01,
        TEXTS,
        lambda it: measures.grouped_phones(it.plain),
    ),
    Pattern(
        "pi.contact.mobile", "phone-mixed", 0.85, 0.6, 0.01, TEXTS, lambda it: measures.mixed_phones(it.plain)
    ),
    Pattern("pi.vehicle", "plates", 0.75, 0.6, 0.01, TEXTS, lambda it: plates(it.plain)),
    Pattern("finance.personal", "priced", 0.4, 0.6, 0.01, TEXTS, lambda it: measures.priced(it.plain)),
    Pattern("pi.birth-date", "dates-over-a-lifetime", 0.88, 0.6, 0.02, DATED, lambda it: births(it.dated)),
    Pattern("pi.event-date", "dates", 0.5, 0.6, 0.02, DATED, lambda it: it.dated[0]),
    Pattern("pi.postcode", "postcode-cn", 0.4, 0.8, 0.5, NUMBERED, lambda it: measures.postcodes(it.compact)),
    Pattern("pi.age", "ages", 0.15, 0.9, 0.3, NUMBERED, lambda it: measures.ages(it.plain)),
    Pattern("pi.location", "latitude", 0.6, 0.85, 0.1, MEASURED, lambda it: measures.degrees(it.plain, 90)),
    Pattern(
        "pi.location", "longitude", 0.75, 0.85, 0.1, MEASURED, lambda it: measures.degrees(it.plain, 180)
    ),
    Pattern("finance.personal", "amount", 0.15, 0.85, 0.1, MEASURED, lambda it: measures.amounts(it.plain)),
    Pattern("pi.health", "icd-9", 0.8, 0.8, 0.3, TEXTS, lambda it: measures.icd_9(it.plain)),
    Pattern(
        "pi.gender", "gender-words", 0.9, 0.5, 0.01, TEXTS, lambda it: measures.genders(it.plain, "telling")
    ),
    Pattern(
        "pi.gender", "gender-letters", 0.5, 0.9, 0.01, TEXTS, lambda it: measures.genders(it.plain, "short")
    ),
    Pattern("pi.name", "surname-zh", 0.92, 0.6, 0.15, TEXTS, lambda it: measures.chinese_names(it.plain)),
)
