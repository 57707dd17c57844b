"""Identifiers that stand somewhere in values, however few of a column's values hold one.

A log line, a JSON document, a file's name or a column of mixed numbers is what it is by the identifiers in
it: that most of its cells are nothing of the kind, and that its name promises nothing, does not make it
harmless.  So what is found here is not weighed against what else a column seems to be (`combine`): it
holds unless the column is proposed as something sensitive, or at least as strict.

Numbers count if their check digit is right, or if most of the numbers of their length and beginning have the
form (`_Kind.like`), and if chance would hardly give so many (`_RISK`).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final

import pyarrow as pa
import pyarrow.compute as pc

from classifiers.evidence import checks
from classifiers.evidence.chance import by_chance
from classifiers.evidence.checks import normalise
from classifiers.evidence.evidence import Evidence, tenths
from classifiers.evidence.sample import LENGTH_LIMIT, ColumnSample, some
from classifiers.evidence.shapes import MOBILE_PREFIX, PLATE_PREFIXES
from sandbox.schema import Kind

SOURCE: Final = "inside"
LOOKED_AT: Final = 400
"""Values that are searched."""
COVERED: Final = 0.4
"""The part of a value from which on what stands in it gives it its tag; of longer ones it makes a text."""
_KINDS_SEARCHED: Final = frozenset({Kind.STRING, Kind.INTEGER})
_LEAST, _MOST, _ENOUGH = 0.7, 0.95, 0.5
"""The weight where few values hold one, and where the share of `_ENOUGH` does: always so that what is left is
less than half of it, and a column that holds some from now on has changed its nature (`classify.NEARLY`)."""
_RISK: Final = 1e-3
"""How often a kind may speak for a column of random values.  More often than a pattern may (`chance.RISK`):
a resident number in one of three remarks is somebody's identity, and one column too many costs a glance."""
_MOSTLY = 0.75
_ANY = re.compile(
    r"\d{7}|\d[-. ]\d{4}|(?<!\d)\d{3}-\d\d-\d{4}|\+\d|@|[A-Z]{2}\d\d|\*{4}\d|[\u4e00-\u9fff][A-Z]"
    r"|[0+]\d(?:[ /().-]{0,2}\d){6}|护照|通行证|台胞证|(?i:passport)",
    re.ASCII,
)
"""What every text holds that holds one of `KINDS`."""
_FIRST = re.compile(r"[0-9@\u4e00-\u9fff]")
"""What it holds of single characters."""


@dataclass(frozen=True, slots=True)
class _Kind:
    """*regex* finds what carries *tag*, *check* confirms it; by *chance* a text holds one.

    It is the regex's named group where there is one.  It speaks from a *share* of the texts on.  *like*
    finds what would have to be confirmed as well, most of the time, if it were not chance.  Where *among* is
    given, *chance* is about texts in which that is found: of remarks without a long number it says nothing.
    One of *words*, or signs, is in every text that holds one, in lower case.
    """

    name: str
    tag: str
    share: float
    chance: float
    regex: re.Pattern[str]
    check: Callable[[Sequence[str]], Any] | None = None
    like: re.Pattern[str] | None = None
    among: re.Pattern[str] | None = None
    words: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Found:
    """*share* of the texts hold identifiers of *kind*; of a text with one *covered* is the identifier's."""

    kind: str
    tag: str
    share: float
    covered: float


def inside_evidence(sample: ColumnSample) -> tuple[Evidence, ...]:
    """Return which identifiers stand in the values of a column, or are some of them."""
    if sample.kind not in _KINDS_SEARCHED or not len(sample.values):
        return ()
    return tuple(
        Evidence(
            found.tag if found.covered >= COVERED else "pi.text",
            SOURCE,
            found.kind,
            round(_LEAST + (_MOST - _LEAST) * min(found.share / _ENOUGH, 1), 2),
            tenths(found.share),
        )
        for found in search(sample)
    )


def search(sample: ColumnSample) -> list[Found]:
    """Return what `KINDS` of identifiers enough of the values hold."""
    values, plain = some(sample.values, LOOKED_AT), some(sample.plain, LOOKED_AT)
    whole = plain.filter(pc.less(pc.utf8_length(values), LENGTH_LIMIT))
    short, long = whole.drop_null().to_pylist(), normalise(sample.long).to_pylist()
    texts = [*short, *long]
    # Of those that were cut each stands for as many as there are.
    counts = [1.0] * len(short) + [(len(values) - len(whole)) / max(len(long), 1)] * len(long)
    # What is in none of them is not in all together either, and that takes one look instead of hundreds.
    together = "\n".join(texts)
    if not (_FIRST.search(together) and _ANY.search(together)):
        return []
    lower = together.lower()
    kinds = (kind for kind in KINDS if not kind.words or any(map(lower.__contains__, kind.words)))
    found = (_found(kind, texts, counts) for kind in kinds if kind.regex.search(together))
    return [it for it in found if it is not None]


def _found(kind: _Kind, texts: Sequence[str], counts: Sequence[float]) -> Found | None:
    hits = [(place, it) for place, text in enumerate(texts) for it in kind.regex.finditer(text)]
    if hits and kind.check is not None:
        verdicts = kind.check([it[0] for _, it in hits])
        hits = [hit for hit, right in zip(hits, verdicts, strict=True) if right]
    holding = dict[int, int]()
    for place, it in hits:
        holding[place] = holding.get(place, 0) + it.end() - it.start(it.lastgroup or 0)
    total = sum(counts)
    share = sum(counts[place] for place in holding) / total if total else 0.0
    if share < kind.share:
        return None
    tried = sum(map(bool, map(kind.among.search, texts))) if kind.among else len(texts)
    if by_chance(len(holding) / tried if kind.among else share, tried, kind.chance, _RISK):
        return None
    if kind.like is not None and len(hits) < _MOSTLY * sum(len(kind.like.findall(text)) for text in texts):
        return None
    covered = sorted(min(length / len(texts[place]), 1.0) for place, length in holding.items())
    return Found(kind.name, kind.tag, share, covered[len(covered) // 2])


def _bare(texts: Sequence[str]) -> Any:
    return checks.compact(pa.array(texts, pa.string()))


def _residents(texts: Sequence[str]) -> Any:
    return checks.resident_ids(_bare(texts))


def _old_residents(texts: Sequence[str]) -> Any:
    return checks.old_resident_ids(_bare(texts))


def _cards(texts: Sequence[str]) -> Any:
    return checks.bank_cards(_bare(texts))


def _ibans(texts: Sequence[str]) -> Any:
    return checks.ibans(_bare(texts))


_BEFORE, _BEHIND = r"(?<![\d.])", r"(?!\d|\.\d|@)"
_MOBILE = rf"{MOBILE_PREFIX}(?:\d{{8}}|[- ]\d{{4}}[- ]\d{{4}}|\*{{4}}\d{{4}})"
_ANNOUNCED = "联系|患者|病人|家属|家长|本人|儿子|女儿|丈夫|妻子|父亲|母亲|先生|女士"
_CALLED = (
    r"电话|手机|来电|致电|拨打|微信|电联|(?i:(?<![a-z])(?:t[eé]l[eé]?(?:phone|fon|f)?|phone|mobile?|cell|handy"
    r"|r[uü]ckruf|anruf|ruf|portable|r?appele[rz]?|call|ring|whatsapp|m[oó]vil|celular|cellulare)(?![a-z]))"
)
_ANNOUNCING = (
    *_ANNOUNCED.split("|"), "电话", "手机", "来电", "致电", "拨打", "微信", "电联", "tel", "tél", "phone",
    "mobil", "cell", "handy", "ruf", "portable", "appele", "call", "ring", "whatsapp", "movil", "móvil",
    "celular",
)  # fmt: skip
"""What is in each of these words."""
_DAY = r"\d{1,2}[./ -]\d{1,2}[./ -](?:19|20)\d\d(?!\d)"
_NATIONAL = rf"(?!{_DAY})(?:\(?0[1-9]|\+[1-9]\d)(?:[ /().-]{{0,2}}\d){{7,12}}"
"""A number as it is dialled within a country or from abroad."""
_FIFTEEN = re.compile(r"(?<![\dA-Za-z.])\d{15}(?![\dA-Za-z]|\.\d)", re.ASCII)
KINDS: Final = (
    _Kind(
        "resident-id",
        "pi.id.resident",
        0.03,
        7e-5,
        re.compile(r"(?<!\d)[1-9]\d{5}(?:19|20)\d{9}[\dXx](?!\d)", re.ASCII),
        _residents,
        among=re.compile(r"(?<!\d)\d{17}[\dXx](?!\d)", re.ASCII),
    ),
    _Kind(
        "resident-id-15",
        "pi.id.resident",
        0.3,
        0.1,
        _FIFTEEN,
        _old_residents,
        _FIFTEEN,
    ),
    _Kind(
        "iban",
        "finance.account",
        0.05,
        0.01,
        re.compile(r"\b[A-Z]{2}\d{2}(?: ?[0-9A-Z]{4}){2,7}(?: ?[0-9A-Z]{1,3})?\b", re.ASCII),
        _ibans,
    ),
    _Kind(
        "card",
        "finance.account",
        0.2,
        0.05,
        re.compile(r"(?<![\dA-Za-z.-])\d{4}(?:[ -]?\d{4}){2}[ -]?\d{1,7}(?![\dA-Za-z]|\.\d)", re.ASCII),
        _cards,
        re.compile(r"(?<![\dA-Za-z.-])[2-6]\d{3}(?:[ -]?\d{4}){2}[ -]?\d{4}(?![\dA-Za-z]|\.\d)", re.ASCII),
    ),
    _Kind(
        "ssn-us",
        "pi.id.foreign",
        0.2,
        0.01,
        re.compile(r"(?<![\d-])(?!000|666|9)\d{3}-(?!00)\d\d-(?!0000)\d{4}(?![\d-])", re.ASCII),
        words=("-",),
    ),
    _Kind(
        "document",
        "pi.id.document",
        0.1,
        1e-5,
        re.compile(
            r"(?i:护照|通行证|台胞证|passport)\D{0,8}(?:E[A-HJ-NP-Z]?\d{7,8}|[A-Z]{1,2}\d{6,8}|[HM]\d{8}(?:\d\d)?)"
            r"(?![\dA-Za-z])",
            re.ASCII,
        ),
        words=("护照", "通行证", "台胞证", "passport"),
    ),
    _Kind(
        "email",
        "pi.contact.email",
        0.1,
        1e-4,
        re.compile(r"(?<![\w.+-])[\w.+-]{1,64}@(?:[\w-]{1,63}\.){1,8}[A-Za-z]{2,24}(?![\w@])"),
        words=("@",),
    ),
    _Kind(
        "phone",
        "pi.contact.mobile",
        0.2,
        0.1,
        re.compile(rf"{_BEFORE}(?!\d{{7}}0000){_MOBILE}{_BEHIND}", re.ASCII),
        None,
        re.compile(
            rf"{_BEFORE}1(?:\d{{10}}|\d\d[- ]\d{{4}}[- ]\d{{4}}|\d\d\*{{4}}\d{{4}}){_BEHIND}", re.ASCII
        ),
    ),
    _Kind(
        "phone-announced",
        "pi.contact.mobile",
        0.03,
        1e-5,
        re.compile(
            rf"(?:{_ANNOUNCED}|{_CALLED})(?:[^\d编单订号]|手机号|号码){{0,12}}(?P<number>{_MOBILE}){_BEHIND}"
            rf"|(?:{_CALLED})[^\d+(编单订]{{0,12}}(?P<other>{_NATIONAL}){_BEHIND}",
            re.ASCII,
        ),
        words=_ANNOUNCING,
    ),
    _Kind(
        "phone-written-so",
        "pi.contact.mobile",
        0.2,
        0.01,
        re.compile(
            r"(?<![\d.-])0\d{2,3}-[2-9]\d{6,7}(?![\d-])|\+[1-9]\d{0,2}[ (-]{0,2}\d[\d ()-]{6,14}\d(?!\d)"
            r"|(?<![\d.-])\(?[2-9]\d\d\)?[-. ] ?[2-9]\d\d[-. ]\d{4}(?![\d-])",
            re.ASCII,
        ),
    ),
    _Kind(
        "plate-cn",
        "pi.vehicle",
        0.2,
        1e-3,
        re.compile(
            rf"[{PLATE_PREFIXES}][A-Z][ ·.-]?[A-HJ-NP-Z0-9]{{4,5}}[A-HJ-NP-Z0-9挂学警港澳使领](?![A-Z0-9])"
        ),
    ),
)
"""What is looked for."""
