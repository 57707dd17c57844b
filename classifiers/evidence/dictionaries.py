"""Evidence from word lists: the share of a column's distinct values that are words of a list or hold one.

The lists are data with sources (``taxonomies/dictionaries``).  A list has `words` that a value is, `tokens`
that one of its words is, `ends` that one of its words ends with, `stems` that it contains anywhere, `firsts`
and `lasts` that are the first or the last word of several: what tells there only.  Two letters that changed
places, blanks, accents and case make no difference.  Values with a mask and words that fit any list
("other") do not count.  Names of people are looked up word by word: a whole name is in no list.
Weights follow the right proposals per proposal on the development parts of the labelled sets, cautiously
where a list spoke rarely, as most did.  Everyday words were completed with those parts in view: they do
worse elsewhere.
"""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from importlib import resources
from typing import Any

from classifiers.evidence.evidence import Evidence, tenths
from classifiers.evidence.sample import ColumnSample, some
from classifiers.taxonomy import entries, read_data
from sandbox.schema import Kind

LOOKED_AT = 200
"""Distinct values that are looked up: a share is known to 3.5 percentage points (one standard deviation)."""

LONGEST = 60
"""Characters beyond which a text is no entry of a list."""

_FOLDER = "dictionaries"
_RUN_TOGETHER = re.compile(r"(?<=[a-zß-ÿ])(?=[A-ZÀ-Þ][a-zß-ÿ])")
"""Where a blank was lost between two words (``AnnaKlein``)."""
_WORD = re.compile(r"[^\W_]+(?:['’][^\W\d_]+)?")
_LETTER = re.compile(r"[^\W\d_]")
_JOINTS = re.compile(r"[\s\-‐–_.,:;/()&'’·•]+")
_KIND_OF_DIVISION = re.compile(r"([壮回]族|维吾尔)?自治区$|[省市]$|地区$")
_PINYIN = re.compile(
    r"(?:(?:^|[ ,'-]+)(?:(?:[bpmfdtnlgkhjqxrzcsyw]|[zcs]h)?"
    r"(?:i?a|o|i?e|ei|i?ao|[oi]u|i?an|[ieu]n|[iu]?ang|eng|i|ing|i?ong|u|u[aoein]|uai|uan|ve?|er|[ao]i)){1,2}){2,3}$"
)
_NO_WORDS = re.compile(r"/|https?:|ftp:|www\.|\S+[/\\]\S*\.[a-z0-9]{2,5}$")
"""How paths and links begin, or end: what words they hold is chance."""
_NO_LIST: frozenset[str] = frozenset()
_ORGANISATIONS = frozenset({"organisation", "organisation-zh"})
_KINDS = frozenset({"organisation-kind", "education"})
"""What is a kind of organisation, or of school, names none."""
_NOT_PEOPLE = frozenset({"organisation", "city", "state", "country", "occupation"})
_LETTERS_MOVE = 5
"""Letters from which on a word is known by its letters in any order."""


@dataclass(frozen=True, slots=True)
class WordList:
    """Speaks for *tag* if *share* of the distinct values, and *least* of them, are in the list.

    *weight*: how often that is right where all values are in it; it is less by up to a third where fewer are.
    *also*: weights of what else such a column may be.  It is silent where the list *unless* fits better.
    """

    rule: str
    tag: str
    weight: float
    share: float
    least: int
    also: Mapping[str, float]
    unless: str


@dataclass(frozen=True, slots=True)
class _Index:
    """Which lists a piece of text belongs to, by the way it does.

    *sizes* are the lengths of ends by their last letter, and of stems by their first.
    """

    words: dict[str, set[str]] = field(default_factory=dict)
    tokens: dict[str, set[str]] = field(default_factory=dict)
    ends: dict[str, set[str]] = field(default_factory=dict)
    stems: dict[str, set[str]] = field(default_factory=dict)
    firsts: dict[str, set[str]] = field(default_factory=dict)
    lasts: dict[str, set[str]] = field(default_factory=dict)
    sizes: dict[str, dict[str, set[int]]] = field(default_factory=dict)


def dictionary_evidence(sample: ColumnSample) -> tuple[Evidence, ...]:
    """Return which word lists the column's values are in."""
    if sample.kind not in (Kind.STRING, Kind.INTEGER):
        return ()
    texts = _texts(sample.plain)
    if not texts:
        return ()
    hits: Counter[str] = Counter()
    for text, key in texts.items():
        hits.update(_rules(text, key))
    return tuple(_hints(hits, len(texts)))


def _texts(values: Any) -> dict[str, str]:
    """Return plain *values* from all over the column, folded, with their keys, but those that say nothing."""
    apart = (_RUN_TOGETHER.sub(" ", text) for text in some(values, LOOKED_AT).drop_null().to_pylist())
    texts = dict.fromkeys(text.rstrip("*") for text in map(fold, apart))
    keys = {text: key_of(text) for text in texts if text and "*" not in text}
    return {text: key for text, key in keys.items() if key not in _neutral()}


def fold(text: str) -> str:
    """Return *text* in lower case without accents, white space made single blanks."""
    if text.isascii():
        return " ".join(text.lower().split())
    plain = unicodedata.normalize("NFKD", text.casefold().replace("ß", "ss"))
    return " ".join("".join(it for it in plain if not unicodedata.combining(it)).split())


def key_of(text: str) -> str:
    """Return what folded *text* is looked up by: its letters in alphabetical order if it is long."""
    if len(text) < _LETTERS_MOVE:
        return text.replace(" ", "")
    letters = _JOINTS.sub("", text)
    return "".join(sorted(letters)) if len(letters) >= _LETTERS_MOVE and letters.isalpha() else letters


def _rules(text: str, key: str) -> set[str]:
    """Return the names of the lists that folded *text*, looked up by *key*, belongs to."""
    if len(text) > LONGEST or _NO_WORDS.match(text):
        return set()
    index = _index()
    found = set(index.words.get(key, ()))
    if not _LETTER.search(text):  # the rest is about words
        return found
    tokens = [it for it in _WORD.findall(text) if not (it.isascii() and any(map(str.isdigit, it)))]
    if len(tokens) > 1:
        found |= index.firsts.get(tokens[0], _NO_LIST) | index.lasts.get(tokens[-1], _NO_LIST)
    for token in tokens:
        found |= index.tokens.get(token, _NO_LIST)
        for size in index.sizes["ends"].get(token[-1], ()):
            found |= index.ends.get(token[-size:], _NO_LIST) if size < len(token) else _NO_LIST
    for start, letter in enumerate(text):
        for size in index.sizes["stems"].get(letter, ()):
            found |= index.stems.get(text[start : start + size], _NO_LIST)
    if found & _KINDS:
        found -= _ORGANISATIONS
    if not found & _NOT_PEOPLE:
        found.update(_person(tokens, text))
    return found


def _person(tokens: Sequence[str], text: str) -> Iterator[str]:
    """Yield which kinds of personal name *text* may be."""
    given, family = _people()
    if not tokens or len(tokens) > 5 or any(map(str.isdigit, text)):
        return
    known = [it in given or it in family for it in tokens if len(it) > 1]
    if " " not in text and "," not in text:
        if known and all(known):
            yield "first-or-last-name"
        return
    if known and all(known) and (len(known) == len(tokens) or any(it in family for it in tokens)):
        yield "full-name"
    if len(tokens) > 1 and any(it in given for it in tokens):
        yield "name-with-known-part"
    if _PINYIN.match(text) and (tokens[0] in _surnames() or tokens[-1] in _surnames()):
        yield "name-in-pinyin"


def _hints(hits: Mapping[str, int], total: int) -> Iterator[Evidence]:
    for rule, number in hits.items():
        words, share = _lists()[rule], number / total
        least = min(words.least, total) if words.least <= 2 else words.least
        if share < words.share or number < least or hits.get(words.unless, 0) > number:
            continue
        for tag, weight in {words.tag: words.weight, **words.also}.items():
            weakened = round(weight * (2 + share) / 3, 2)
            yield Evidence(tag, "dictionary", rule, weakened, tenths(share))


def _files() -> list[str]:
    folder = resources.files("classifiers").joinpath("taxonomies", _FOLDER)
    return sorted(it.name for it in folder.iterdir() if it.name.endswith(".yaml"))


@cache
def _data() -> tuple[dict[str, Any], ...]:
    return tuple(read_data(f"{_FOLDER}/{file}") for file in _files())


@cache
def _lists() -> dict[str, WordList]:
    return {rule: _list(rule, it) for data in _data() for rule, it in data.get("lists", {}).items()}


def _list(rule: str, it: Mapping[str, Any]) -> WordList:
    share, least = it.get("share", 0.6), it.get("least", 1)
    return WordList(rule, it["tag"], it["weight"], share, least, it.get("also", {}), it.get("unless", ""))


@cache
def _index() -> _Index:
    index = _Index()
    for data in _data():
        for rule, it in data.get("lists", {}).items():
            _add(index.words, rule, (key_of(fold(word)) for word in entries(it.get("words"))))
            for part in ("tokens", "ends", "stems", "firsts", "lasts"):
                _add(getattr(index, part), rule, map(fold, entries(it.get(part))))
    names, codes = divisions()
    _add(index.words, "division-name", map(key_of, names))
    _add(index.words, "division-code", map(key_of, codes))
    index.sizes.update(ends=_sizes(index.ends, -1), stems=_sizes(index.stems, 0))
    return index


def _sizes(keys: Iterable[str], place: int) -> dict[str, set[int]]:
    sizes: dict[str, set[int]] = {}
    for key in keys:
        sizes.setdefault(key[place], set()).add(len(key))
    return sizes


def _add(known: dict[str, set[str]], rule: str, keys: Iterable[str]) -> None:
    for key in keys:
        known.setdefault(key, set()).add(rule)


def divisions() -> tuple[set[str], set[str]]:
    """Return the names, with and without their kind, and the codes of Chinese divisions since 1980."""
    lines = resources.files("stdnum").joinpath("cn", "loc.dat").read_text("utf-8").splitlines()
    names: set[str] = set()
    codes: set[str] = set()
    province = ""
    for line in lines:
        code, _, rest = line.strip().partition(" ")
        province = code if len(code) == 2 else province
        codes.add((province + code if len(code) == 4 else code).ljust(6, "0"))
        names.update(re.findall(r"[\u4e00-\u9fff]{2,}", rest))
    short = (_KIND_OF_DIVISION.sub("", name) for name in names)
    return names | {name for name in short if len(name) > 1}, codes


@cache
def _neutral() -> frozenset[str]:
    return frozenset(key_of(fold(word)) for data in _data() for word in entries(data.get("fit_any_list")))


@cache
def _people() -> tuple[frozenset[str], frozenset[str]]:
    """Return the given names and the family names, folded; particles count as both."""
    particles = _folded("particles")
    return _folded("given_names") | particles, _folded("family_names") | particles


@cache
def _surnames() -> frozenset[str]:
    return _folded("surnames_in_pinyin")


def _folded(part: str) -> frozenset[str]:
    return frozenset(fold(word) for data in _data() for word in entries(data.get(part)))
