"""Evidence from values: the share of a column's distinct values that fit a pattern, never a single hit.

Patterns run as RE2 over distinct values from all over the column (pyarrow.compute), check digits with numpy.
A pattern speaks if enough values fit for a column with 5-30 % dirty values, and if chance would hardly make
so many fit (`by_chance`).  Evidence says which pattern fits how widely, never a value.  Where a text fits
whatever stands beside it, the columns of a table are looked at together.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property, partial
from typing import Any

import pyarrow as pa

from classifiers.evidence import checks, measures, shapes
from classifiers.evidence.chance import by_chance
from classifiers.evidence.checks import apart, compact, matches, together
from classifiers.evidence.dates import Dated, births, read
from classifiers.evidence.evidence import Evidence, tenths
from classifiers.evidence.freetext import text_evidence
from classifiers.evidence.glance import Glance
from classifiers.evidence.national import NATIONAL, National, confirmed
from classifiers.evidence.plates import plate_shapes, plates
from classifiers.evidence.sample import ColumnSample, some
from sandbox.schema import Kind

LOOKED_AT = 1000
"""Values that patterns are tried on: a share is known to 1.6 percentage points (one standard deviation)."""

GLANCED_AT = 100
"""Values that are looked at to rule patterns out."""

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

    @cached_property
    def glance(self) -> Glance:
        """What `GLANCED_AT` of the texts hold."""
        return Glance(*(some(texts, GLANCED_AT).to_pylist() for texts in (self.plain, self.compact)))


@dataclass(frozen=True, slots=True)
class Pattern:
    """Speaks for *tag* if at least *share* of the values fit, of which *chance* fit by accident.

    *weight*: how often that is right when all values fit; it is less by up to a third where fewer do.
    *each*: which values may fit, each whatever the others of its column are; *beside*: which of these do,
    given the others, all if it is missing.  Values that fit have *digits* or more, which spares most columns
    most patterns.
    """

    tag: str
    rule: str
    weight: float
    share: float
    chance: float
    kinds: frozenset[Kind]
    each: Callable[[View], Any]
    beside: Callable[[View], Any] | None = None
    digits: int = 0


def value_evidence(samples: Collection[ColumnSample]) -> list[tuple[Evidence, ...]]:
    """Return for every column of a table which patterns fit it."""
    views = views_of(samples)
    found: list[list[Evidence]] = [[] for _ in samples]
    possible = [_possible(sample, view) for sample, view in zip(samples, views, strict=True)]
    for pattern in PATTERNS:
        places = [place for place, rules in enumerate(possible) if pattern.rule in rules]
        for place, share in zip(places, _shares(pattern, [views[it] for it in places]), strict=True):
            hint = _evidence(pattern, share, len(views[place].plain))
            found[place] += [] if hint is None else [hint]
    texts = [place for place, sample in enumerate(samples) if sample.kind is Kind.STRING]
    for place, hints in zip(texts, text_evidence([views[it].plain for it in texts]), strict=True):
        found[place] += hints
    return list(map(tuple, found))


def views_of(samples: Collection[ColumnSample]) -> list[View]:
    """Return values from all over every column in the two forms that patterns look at."""
    plain = [_some(sample) for sample in samples]
    return [View(*both) for both in zip(plain, together(plain, compact), strict=True)]


def _some(sample: ColumnSample) -> Any:
    values = sample.plain[:0] if sample.kind is Kind.BOOLEAN else sample.plain
    return some(values, LOOKED_AT).drop_null()


def _possible(sample: ColumnSample, view: View) -> set[str]:
    """Return the rules of the patterns that the column may fit, by its kind, its size and a glance at it."""
    return {
        it.rule
        for it in PATTERNS
        if sample.kind in it.kinds
        and view.glance.allows(it.rule, it.digits)
        and not by_chance(1.0, len(view.plain), it.chance)
    }


def _shares(pattern: Pattern, views: Sequence[View]) -> Iterator[float]:
    """Yield which share of the texts of each of *views* fit *pattern*, or may where too few do."""
    if not views:
        return
    plain, compact = zip(*((it.plain, it.compact) for it in views), strict=True)
    may = pattern.each(View(pa.concat_arrays(plain), pa.concat_arrays(compact)))
    for view, share in zip(views, map(_mean, apart(may, plain)), strict=True):
        yield _mean(pattern.beside(view)) if pattern.beside and share >= pattern.share else share


def _mean(fits: Any) -> float:
    return float(fits.mean()) if len(fits) else 0.0


def _evidence(pattern: Pattern, share: float, values: int) -> Evidence | None:
    if share < pattern.share or by_chance(share, values, pattern.chance):
        return None
    weight = round(pattern.weight * (2 + share) / 3, 2)
    return Evidence(pattern.tag, "values", pattern.rule, weight, tenths(share))


def _texts(fits: Callable[[Any], Any]) -> Callable[[View], Any]:
    return lambda view: fits(view.plain)


def _like(regex: str) -> Callable[[Any], Any]:
    return partial(matches, regex=regex)


def _shape(it: shapes.Shape) -> Pattern:
    return Pattern(it.tag, it.rule, it.weight, it.share, it.chance, TEXTS, _texts(_like(it.regex)))


def _number(tag: str, rule: str, weight: float, chance: float, *fits: Callable[[Any], Any]) -> Pattern:
    each = partial(_of_compact, fits[0])
    beside = partial(_of_compact, fits[1]) if len(fits) > 1 else None
    return Pattern(tag, rule, weight, 0.55, chance, NUMBERED, each, beside, digits=4)


def _of_compact(fits: Callable[[Any], Any], view: View) -> Any:
    return fits(view.compact)


def _national(number: National) -> Pattern:
    fits = (_like(number.shape), partial(confirmed, number))
    return replace(_number(number.tag, number.rule, 0.95 - number.chance, number.chance, *fits), digits=6)


def _either(check: Callable[[Any], Any], regex: str) -> Callable[[Any], Any]:
    return lambda texts: check(texts) | matches(texts, regex)


def _resident_shapes(texts: Any) -> Any:
    return checks.resident_ids(texts) | measures.masked_resident_ids(texts)


def _resident_or_masked(texts: Any) -> Any:
    return _resident_shapes(texts) & bool(measures.masked_resident_ids(texts).mean() >= 0.1)


def _degrees(rule: str, weight: float, limit: int) -> Pattern:
    each, beside = _texts(_like(measures.DEGREES)), _texts(partial(measures.degrees, limit=limit))
    return Pattern("pi.location", rule, weight, 0.85, 0.1, MEASURED, each, beside)


def _gender(rule: str, kind: str, weight: float, share: float) -> Pattern:
    each, beside = _texts(measures.gender_words), _texts(partial(measures.genders, kind=kind))
    return Pattern("pi.gender", rule, weight, share, 0.01, TEXTS, each, beside)


_YEARS = _texts(_like(r"(19|20)\d\d"))


# Weights: how often the pattern alone is right.  Checked formats are near certain, shapes are not.
PATTERNS: tuple[Pattern, ...] = (
    _number("pi.id.resident", "resident-id", 0.98, 6e-5, checks.resident_ids),
    _number("pi.id.resident", "resident-id-masked", 0.95, 1e-3, _resident_shapes, _resident_or_masked),
    _number("pi.id.resident", "resident-id-longer", 0.9, 6e-5, measures.longer_resident_ids),
    _number("pi.id.document", "documents", 0.85, 0.01, measures.document_shapes, measures.documents),
    Pattern(
        "pi.contact.online",
        "wechat-id",
        0.9,
        0.6,
        0.1,
        TEXTS,
        _texts(measures.online_shapes),
        _texts(measures.online_names),
    ),
    _number("pi.id.resident", "resident-id-15", 0.7, 0.02, checks.old_resident_ids),
    _number("org.id", "credit-code", 0.97, 1 / 31, checks.credit_codes),
    _number("finance.account", "card", 0.96, 0.1, _either(checks.bank_cards, shapes.MASKED_CARD)),
    _number("finance.account", "iban", 0.98, 0.01, _either(checks.ibans, shapes.MASKED_IBAN)),
    _number("pi.device", "imei", 0.95, 0.1, checks.imeis),
    _number("pi.vehicle", "vin", 0.95, 1 / 11, checks.vins),
    _number("pi.id.foreign", "hkid", 0.93, 0.1, checks.hong_kong_ids),
    _number("pi.id.foreign", "id-tw", 0.95, 0.1, checks.taiwan_ids),
    _number("pi.contact.mobile", "mobile-cn", 0.95, 0.06, _like(measures.MOBILE), measures.mobiles),
    _number(
        "pi.contact.mobile",
        "phone-cn",
        0.93,
        0.06,
        _either(_like(measures.MOBILE), measures.LANDLINE),
        measures.chinese_phones,
    ),
    *map(_national, NATIONAL),
    *map(_shape, shapes.SHAPES),
    Pattern("pi.contact.mobile", "phone-grouped", 0.75, 0.6, 0.01, TEXTS, _texts(measures.grouped_phones)),
    Pattern(
        "pi.contact.mobile",
        "phone-mixed",
        0.85,
        0.6,
        0.01,
        TEXTS,
        _texts(measures.phone_shapes),
        _texts(measures.mixed_phones),
    ),
    Pattern("pi.vehicle", "plates", 0.75, 0.6, 0.01, TEXTS, _texts(plate_shapes), _texts(plates)),
    Pattern("finance.personal", "priced", 0.4, 0.6, 0.01, TEXTS, _texts(measures.priced)),
    Pattern(
        "pi.birth-date", "dates-over-a-lifetime", 0.88, 0.6, 0.02, DATED, _YEARS, lambda it: births(it.dated)
    ),
    Pattern("pi.event-date", "dates", 0.5, 0.6, 0.02, DATED, _YEARS, lambda it: it.dated[0]),
    Pattern(
        "pi.postcode",
        "postcode-cn",
        0.4,
        0.8,
        0.5,
        NUMBERED,
        partial(_of_compact, _like(measures.POSTCODE)),
        partial(_of_compact, measures.postcodes),
    ),
    Pattern("pi.age", "ages", 0.15, 0.9, 0.3, NUMBERED, _texts(_like(measures.AGE)), _texts(measures.ages)),
    _degrees("latitude", 0.6, 90),
    _degrees("longitude", 0.75, 180),
    Pattern(
        "finance.personal",
        "amount",
        0.15,
        0.85,
        0.1,
        MEASURED,
        _texts(measures.money_shapes),
        _texts(measures.amounts),
    ),
    Pattern(
        "pi.health", "icd-9", 0.8, 0.8, 0.3, TEXTS, _texts(_like(measures.ICD_9)), _texts(measures.icd_9)
    ),
    _gender("gender-words", "telling", 0.9, 0.5),
    _gender("gender-letters", "short", 0.5, 0.9),
    Pattern("pi.name", "surname-zh", 0.92, 0.6, 0.15, TEXTS, _texts(measures.chinese_names)),
)
