"""Faults of single cells, found over the distinct texts of a batch, as masks."""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from classifiers.evidence import checks, dates, national
from classifiers.evidence.evidence import Evidence
from classifiers.evidence.shapes import MOBILE_PREFIX
from sandbox.schema import CategoricalDomain, DateDomain, Domain, Field, Kind, NumericDomain
from sandbox.vault.dates import NAMED, numbered

BIRTH = "pi.birth-date"
DATES = frozenset({BIRTH, "pi.event-date"})
"""Tags of dates."""
PHONE = "pi.contact.mobile"
_EARLIEST = 1900
"""The year before which nobody was born whom a table is about; a spreadsheet's day 0 lies in 1899."""
_FIRST, _LAST = 1500, 2200
"""Years of dates: 0001-01-01 means never; the last is for eight digits, which may be read several ways."""
_PHONE = (
    r"^(?:(?:\+?\d{1,3})?[(]?\d{2,4}[)]?\d{5,9}"
    r"|(?:[+(]{1,2}\d|0\d)(?:[./()]{0,2}\d){6,14}"  # +49(0)30/1234567, 06.12.34.56.78
    r"|(?:1[./])?\(?\d{3}\)?[./]?\d{3}[./]\d{4})"  # 415.555.2671
    r"(?:(?:EXT\.?|转|[,;#X])\d{1,6})?$"
)
_DAY_WRITTEN = r"^\d{4}[-/. ]\d{1,2}[-/. ]\d{1,2}(?:\D|$)|^\d{1,2}[-/. ]\d{1,2}[-/. ]\d{4}(?:\D|$)"
_ABROAD = r"^\+(?:[0-79]|8[0-57-9])"
_MOBILE = rf"(?:{MOBILE_PREFIX}\d{{8}})"
_LANDLINE = r"\(?(?:10|2\d|[3-9]\d{2})\)?[2-9]\d{6,7}(?:(?:转|X|EXT|#|,|;)\d{1,6})?"
_CHINA = rf"^(?:\+|00)?86(?:{_MOBILE}|\(?0?{_LANDLINE})$|^{_MOBILE}$|^\(?0{_LANDLINE}$|^[48]00\d{{7}}$"
"""China: mobiles of 11 digits with a prefix that was given out, landlines with an area code,
service numbers; behind 86 or not."""
_OCTET = r"(?:25[0-5]|2[0-4]\d|[01]?\d?\d)"
_LOCAL, _LABEL = r"[^@\s.,:;<>\x22]+", r"[\p{L}\p{M}\p{N}-]+"
_EMAIL = rf"^{_LOCAL}(?:\.{_LOCAL})*@(?:{_LABEL}\.)+[\p{{N}}-]*[\p{{L}}\p{{M}}][\p{{L}}\p{{M}}\p{{N}}-]*$"
_SPOILT = r"^['’‘]|^\d(?:\.\d+E\+?|E\+)\d{2,3}$"
"""What a spreadsheet makes of numbers that are names of something: an apostrophe before, or an exponent."""
_YEAR, _TWO = r"(?P<y>\d{4})", r"(?P<{}>\d{{1,2}})"
_MONTH, _DAY = _TWO.format("m"), _TWO.format("d")
_RUN_TOGETHER = (
    r"^(?P<y>\d{4})(?P<m>\d{2})(?P<d>\d{2})$",
    r"^(?P<d>\d{2})(?P<m>\d{2})(?P<y>\d{4})$",
    r"^(?P<m>\d{2})(?P<d>\d{2})(?P<y>\d{4})$",
)
_ORDERS = (
    rf"^{_YEAR}[-/.年]{_MONTH}[-/.月]{_DAY}",
    rf"^{_DAY}[-/.]{_MONTH}[-/.]{_YEAR}(?:\D|$)",
    rf"^{_MONTH}[-/.]{_DAY}[-/.]{_YEAR}(?:\D|$)",
    *_RUN_TOGETHER,
)
_PART = r"^(19|20)\d{2}年?$|^(19|20)\d{2}(0[1-9]|1[0-2])$|^\d{1,2}[-/.]\d{1,2}[-/.]\d{2}$"
"""Of dates that are not written out: a year, a year and a month, a year of two digits."""
_NUMBERS = (Kind.FLOAT, Kind.DECIMAL)
_HOLDING = {bool: (Kind.BOOLEAN,), int: (Kind.INTEGER, *_NUMBERS), float: _NUMBERS, str: (Kind.STRING,)}
_PAIR = r"[0-9A-Fa-f]{2}"
_HEX = (
    rf"^{_PAIR}(?:(?:[:-]{_PAIR}){{5}}|(?:[:-]{_PAIR}){{7}})$"  # hardware addresses
    rf"|^(?:{_PAIR}{_PAIR}\.){{2}}{_PAIR}{_PAIR}$"
    r"|^(?:[0-9A-Fa-f]{0,4}:){4,7}[0-9A-Fa-f]{0,4}$|^[0-9A-Fa-f]{1,4}(?::[0-9A-Fa-f]{1,4})*::"  # IPv6
    r"|^[0-9A-Fa-f]{8}(?:-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}$"  # UUID
)
_DIGEST = r"^(?:[0-9a-f]*[0-9][a-f]+[0-9][0-9a-f]*|[0-9A-F]*[0-9][A-F]+[0-9][0-9A-F]*)$"
_SHAPE = (
    (r"[^\x00-\x7F\p{P}\p{Z}\p{S}\p{N}]+", "文"),
    (r"[A-Z]+", "A"),
    (r"[a-z]+", "a"),
    (r"[0-9]+", "9"),
    (r"[\x{ff10}-\x{ff19}]+", "９"),
    (r"[^\x00-\x7F\x{ff19}\P{N}]+", "#"),
    (r"[\p{So}\x00-\x1f\x7f]", "?"),
    (r"^[^文Aa9９#]*$", "?"),  # a sign that stands alone is the value itself
)


def number_of(tag: str, evidence: Iterable[Evidence]) -> str:
    """Return the rule of the number that a column of *tag* mostly holds by its *evidence*, or nothing."""
    speaking = [it for it in evidence if it.source == "values" and tag in _NUMBERING]
    most = max((it.weight for it in speaking), default=0.0)
    surest = [it for it in speaking if it.weight == most and it.rule in _NUMBERED]
    return max(surest, key=lambda it: (it.tag == tag, it.share or 0.0)).rule if surest else ""


def valid(tag: str, texts: Any, number: str = "") -> Any:
    """Return which *texts* pass the check of *tag*, or of the *number* that most are; None without one."""
    if number:
        return _NUMBERED[number](_compact(texts))
    if tag in _NUMBERING:
        spoilt = checks.matches(_compact(texts), _SPOILT)
        found = _CHECKS[tag](_compact(texts)) if tag in _CHECKS else None
        return found if not spoilt.any() else ~spoilt if found is None else found & ~spoilt
    if tag in DATES:
        return _dated(_tidy(texts))
    if tag == PHONE:  # a date is still one here: compact, its dashes are gone
        return checks.matches(_compact(texts), _PHONE) & ~checks.matches(_tidy(texts), _DAY_WRITTEN)
    check = _CHECKS.get(tag)
    return None if check is None else check(_compact(texts))


def _compact(texts: Any) -> Any:
    return pc.utf8_upper(checks.compact(pc.utf8_normalize(pc.utf8_trim_whitespace(texts), form="NFKC")))


def _residents(compact: Any) -> Any:
    return checks.resident_ids(compact) | checks.old_resident_ids(compact)


def _companies(compact: Any) -> Any:
    """Registers are of several kinds: only what looks like a credit code can be a wrong one."""
    return checks.credit_codes(compact) | ~checks.matches(compact, r"^[0-9A-Z]{18}$")


def _accounts(compact: Any) -> Any:
    """Account numbers have no common check: only card and IBAN shapes do."""
    shaped = checks.matches(compact, rf"{checks.CARD_SHAPE}|^[A-Z]{{2}}\d{{2}}[0-9A-Z]{{11,30}}$")
    return checks.bank_cards(compact) | checks.ibans(compact) | ~shaped


def _addresses(compact: Any) -> Any:
    """Networks are named in several ways: only four numbers can be a wrong address (IPv4)."""
    shaped = checks.matches(compact, r"^\d+(\.\d+){3}(:\d+|/\d+)?$")
    return checks.matches(compact, rf"^{_OCTET}(\.{_OCTET}){{3}}(\D|$)") | ~shaped


_CHECKS: Mapping[str, Callable[[Any], Any]] = {
    "pi.id.resident": _residents,
    "pi.contact.email": lambda compact: checks.matches(compact, _EMAIL),
    "pi.network": _addresses,
    "org.id": _companies,
    "finance.account": _accounts,
}
"""Tag → which compact texts pass."""
_NUMBERING = {
    *("pi.id.foreign", "pi.id.social", "pi.id.document", "pi.id.generic"),
    *("pi.device", "org.id", "finance.account"),
}
"""Tags of numbers of persons, devices, firms and accounts, of which some have a check of their own."""
_BY_CHANCE = 0.1
"""How much of random text may pass a check that cells are held to: a date in a number is no check."""
_NUMBERED: Mapping[str, Callable[[Any], Any]] = {
    "hkid": checks.hong_kong_ids,
    "id-tw": checks.taiwan_ids,
    "imei": checks.imeis,
    **{it.rule: partial(national.valid, it.rule) for it in national.NATIONAL if it.chance <= _BY_CHANCE},
}
"""Rule of a number with a check → which compact texts pass."""


def chinese_phones(texts: Any) -> tuple[Any, Any]:
    """Return which *texts* are Chinese mobiles, and which pass where most of a column are: no other layouts.

    Numbers of other countries pass if they say so.
    """
    compact = _compact(texts)
    abroad = checks.matches(compact, _PHONE) & checks.matches(compact, _ABROAD)
    mobiles = checks.matches(compact, rf"^(?:(?:\+|00)?86)?{_MOBILE}$")
    return mobiles, checks.matches(compact, _CHINA) | abroad


def impossible(texts: Any, latest: dt.date | None) -> Any:
    """Return which *texts* are dates that do not exist, in any order, or before 1500.

    The year stands first or last, days before months or behind them: the order that spares a date counts.
    *latest* is that of births: they are not before 1900 either.
    """
    tidy = _tidy(texts)
    read = [_read(tidy, form, latest) for form in _ORDERS]
    dated, real = (np.logical_or.reduce(masks) for masks in zip(*read, strict=True))
    return dated & ~real


def _read(texts: Any, form: str, latest: dt.date | None) -> tuple[Any, Any]:
    """Return which *texts* have the *form* of a date, and which of those are real ones."""
    parts = pc.extract_regex(texts, form)
    dated = np.asarray(parts.is_valid(), bool)
    found = [pc.struct_field(parts, name) for name in "ymd"]
    year, month, day = (np.asarray(it.fill_null("0").cast(pa.int32())) for it in found)
    start = ((year - 1970) * 12 + np.clip(month, 1, 12) - 1).astype("datetime64[M]")
    last = ((start + 1).astype("datetime64[D]") - start.astype("datetime64[D]")).astype(int)
    real = (month >= 1) & (month <= 12) & (day >= 1) & (day <= last) & (year >= _FIRST)
    if form in _RUN_TOGETHER:
        real &= year <= _LAST
    if latest is not None:
        real &= (year >= _EARLIEST) & (start.astype("datetime64[D]") + (day - 1) <= np.datetime64(latest))
    return dated, dated & real


def _dated(tidy: Any) -> Any:
    """Return which texts are dates, possible or not, whole or in part."""
    forms = [checks.matches(tidy, form) for form in (*_ORDERS, _PART)]
    return np.logical_or.reduce([*forms, dates.read(tidy)[0]])


def _tidy(texts: Any) -> Any:
    """Return *texts* half-width and trimmed, named months as numbers, 8 digits without the .0 of a number."""
    trimmed = pc.utf8_trim_whitespace(pc.utf8_normalize(texts, form="NFKC"))
    named = pc.match_substring_regex(trimmed, rf"^{NAMED}(?:[ T:]|$)")
    if pc.any(named).as_py():
        turned = map(numbered, trimmed.filter(named).to_pylist())
        trimmed = pc.replace_with_mask(trimmed, named, pa.array(turned, trimmed.type))
    return pc.replace_substring_regex(trimmed, r"^(\d+)\.0+$", r"\1")


def meant(field: Field, domain: Domain) -> Field:
    """Return *field* in a kind that *domain* can be declared for: its own if it can, else what would be said.

    A text column with bounds is one of numbers in which some cells are none.
    """
    kinds = _kinds(domain)
    return field if field.kind in kinds or not kinds else replace(field, kind=kinds[0])


def _kinds(domain: Domain) -> tuple[Kind, ...]:
    if isinstance(domain, NumericDomain):
        return Kind.FLOAT, Kind.INTEGER, Kind.DECIMAL
    if isinstance(domain, DateDomain):
        return Kind.DATE, Kind.TIMESTAMP
    held = [_HOLDING.get(type(value), ()) for value in domain.values if value is not None]
    return tuple(kind for kind in (held[0] if held else ()) if all(kind in it for it in held[1:]))


def outside(values: Any, domain: Domain) -> Any:
    """Return which *values*, conformed to a kind that *domain* is for, lie outside it; null lies nowhere."""
    if isinstance(domain, CategoricalDomain):
        plain = values.dictionary_decode() if pa.types.is_dictionary(values.type) else values
        if pa.types.is_decimal(plain.type):  # categories are doubles
            plain = plain.cast(pa.float64())
        known = set(domain.values)
        return np.array([value is not None and value not in known for value in plain.to_pylist()], bool)
    if isinstance(domain, NumericDomain):
        numbers = values.cast(pa.float64(), safe=False)
        outside = pc.or_(pc.less(numbers, float(domain.low)), pc.greater(numbers, float(domain.high)))
    else:
        days = values.cast(pa.date32(), safe=False)
        outside = pc.or_(pc.less(days, pa.scalar(domain.low)), pc.greater(days, pa.scalar(domain.high)))
    return np.asarray(outside.fill_null(False), bool)


def shapes(texts: Any) -> list[str]:
    """Return the character classes of each text, runs as one: ``2020-01-02`` is ``9-9-9``, ``+`` is ``?``.

    Digits alone say how many they are (``9×11``), until `merged`; where text is hexadecimal digits in groups,
    as hardware addresses are, a group is ``h``.
    """
    cut = pc.utf8_slice_codeunits(texts, 0, 40)
    found = cut
    for pattern, letter in _SHAPE:
        found = pc.replace_substring_regex(found, pattern, letter)
    groups = pc.replace_substring_regex(cut, r"[0-9A-Fa-f]+", "h")
    length = pc.utf8_length(cut)
    digest = pc.and_(pc.match_substring_regex(cut, _DIGEST), pc.greater_equal(length, 12))
    found = pc.if_else(pc.or_(pc.match_substring_regex(cut, _HEX), digest), groups, found)
    digits = pc.and_(pc.equal(found, "9"), pc.less(length, 40))
    counted = pc.binary_join_element_wise("9", length.cast(pa.string()), "×")
    listed: list[str] = pc.if_else(digits, counted, found).to_pylist()
    return listed


def merged(counts: Mapping[str, int]) -> Counter[str]:
    """Return the *counts* of shapes, digits of every length as one unless more than half have one length."""
    lengths = {shape: times for shape, times in counts.items() if shape.startswith("9×")}
    found = Counter(counts)
    if lengths and max(lengths.values()) * 2 <= sum(lengths.values()):
        for shape, times in lengths.items():
            del found[shape]
            found["9"] += times
    return found
