"""The words of columns' names (``taxonomies/names.yaml``), as written and by other spellings.

A name becomes units: one Latin word, one number, one character of Chinese or Japanese.  Pinyin is derived
from the Chinese words (``taxonomies/pinyin.yaml``).  A field of a published standard (``AAC003``, ``psn_no``)
is what it means (``taxonomies/fields.yaml``).  `classifiers.evidence.spelling` cuts names into these words.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import pairwise, product
from typing import Any, Final, NamedTuple

from classifiers.taxonomy import core, entries, read_data

LONGEST_NAME = 200
"""Characters of a name that are read; what stands behind them is no name."""
STRENGTHS = ("strong", "fair", "weak")
UNITS = re.compile(
    r"[\u3040-\u30ff\u3400-\u9fff]|[0-9]+|[A-Z]+(?![a-z])[0-9]*|[A-Z]?[a-z]+[0-9]*|[A-Z][0-9]*|[^\W_]"
)
_ONE_CHARACTER = re.compile(r"[\u3040-\u30ff\u3400-\u9fff]")
_BARRED = str.maketrans(
    {"ł": "l", "Ł": "L", "ø": "o", "Ø": "O", "đ": "d", "Đ": "D", "ß": "ss", "æ": "ae", "Æ": "Ae", "œ": "oe"}
)
"""Letters with a bar and joined ones, which Unicode does not take apart."""
_NUMBER_SIGN = re.compile(r"#(?!\d)|№")
_SEPARATORS = re.compile(r"[\W_]+")
_PLAIN = re.compile(r"[a-z]+(?: [a-z]+)*")
_CHINESE: Final = re.compile(r"[\u3400-\u9fff]+")
LATIN = re.compile(r"[A-Za-z]+[0-9]*")


class Word(NamedTuple):
    """A word of a name: *tags* with the step of each (0 is strongest), *roles*; neither if unknown."""

    text: str
    tags: tuple[tuple[str, int], ...] = ()
    roles: tuple[str, ...] = ()

    @property
    def known(self) -> bool:
        """Whether the lexicon holds it."""
        return bool(self.tags or self.roles)

    def weaker(self) -> Word:
        """Return the word with its tags one step weaker: it was recognised by less than its letters."""
        return Word(self.text, tuple((tag, min(step + 1, 2)) for tag, step in self.tags), self.roles)


@dataclass(frozen=True, slots=True)
class Lexicon:
    """All words as written, and by other *spellings*: run together, full pinyin, initials.

    *western* are initials that abbreviate words of other languages too: ``depth_mm`` is no password (密码);
    *latin* are the single words written in Latin letters but full pinyin.
    """

    words: Mapping[str, Word]
    spellings: tuple[Mapping[str, Word], ...]
    western: frozenset[str]
    latin: frozenset[str]


def normal(name: str) -> str:
    """Return *name* without accents, bars and width, in simplified Chinese."""
    wide = unicodedata.normalize("NFKD", name[:LONGEST_NAME])
    plain = "".join(character for character in wide if not unicodedata.combining(character))
    plain = _NUMBER_SIGN.sub(" no ", plain.replace("%", " pct "))
    return plain.translate(_BARRED).translate(_simplified())


def unit_of(unit: str) -> str:
    """Return *unit* as it is looked up."""
    return unit.casefold()


def joined(units: Sequence[str]) -> str:
    """Return the word that *units* make together: Latin ones stand apart."""
    if isinstance(units, str):
        return units
    text = units[0]
    for before, unit in pairwise(units):
        apart = not (_ONE_CHARACTER.match(before) or _ONE_CHARACTER.match(unit))
        text += f" {unit}" if apart else unit
    return text


@cache
def names() -> Mapping[str, Any]:
    """Return the content of ``names.yaml``."""
    data: dict[str, Any] = read_data("names.yaml")
    return data


def meaning_of(name: str) -> str:
    """Return what a field of a published standard called *name* holds, in known words; empty of any other."""
    return fields().get(_SEPARATORS.sub("", name[:LONGEST_NAME]).lower(), "")


@cache
def fields() -> Mapping[str, str]:
    """Return the fields of ``fields.yaml``: lower-case names without separators, and what they mean."""
    data: dict[str, Any] = read_data("fields.yaml")
    return {name: meaning for source in data["sources"] for name, meaning in data[source].items()}


@cache
def lexicon() -> Lexicon:
    """Return all words, read once."""
    written = _written()
    together = ((key.replace(" ", ""), word) for key, word in written.items() if key.isascii())
    latin = {key: word for key, word in together if len(key) > 2 or key in names()["short"]}
    chinese = {key: word for key, word in written.items() if _CHINESE.fullmatch(key)}
    in_use = {short: written[key_of(word)] for short, word in names()["initials"].items()}
    pinyin = _full_pinyin(chinese)
    run = {key.replace(" ", ""): word for key, word in reversed(pinyin.items())}
    spellings = (latin, run, {**_initials(chinese), **in_use})
    single = frozenset(key for key in written if LATIN.fullmatch(key) and key not in run)
    return Lexicon({**pinyin, **written}, spellings, frozenset(names()["abbreviations"]), single)


def _written() -> dict[str, Word]:
    found: dict[str, Word] = {}
    for tag, strengths in names()["tags"].items():
        for strength, words in strengths.items():
            tags = ((tag, STRENGTHS.index(strength)),)
            for key in map(key_of, entries(words)):
                known = found.get(key)
                if known is None:
                    found[key] = Word(key, tags)
                elif tag not in dict(known.tags):
                    found[key] = known._replace(tags=known.tags + tags)
    for role, words in names()["roles"].items():
        for key in map(key_of, entries(words)):
            known = found.get(key, Word(key))
            found[key] = known._replace(roles=(*known.roles, role))
    return found


def key_of(word: str) -> str:
    """Return *word* as the lexicon holds it."""
    if _PLAIN.fullmatch(word):  # nothing to normalize, or no more than traditional forms: nearly all are so
        return word
    if _CHINESE.fullmatch(word):
        return word.translate(_simplified())
    return joined([unit_of(unit) for unit in UNITS.findall(normal(word))])


def _full_pinyin(chinese: Mapping[str, Word]) -> dict[str, Word]:
    found: dict[str, Word] = {}
    for key, word in chinese.items():
        if len(key) > 1:
            for syllables in product(*(_readings().get(character, ()) for character in key)):
                found.setdefault(" ".join(syllables), word)
    return found


def _initials(chinese: Mapping[str, Word]) -> dict[str, Word]:
    """Return initials of the words of three characters and more: shorter ones stand for too much."""
    found: dict[str, Word] = {}
    strongest = sorted(chinese.items(), key=lambda item: min((step for _, step in item[1].tags), default=3))
    for key, word in strongest:
        if len(key) > 2:
            for syllables in product(*(_readings().get(character, ()) for character in key)):
                found.setdefault("".join(syllable[0] for syllable in syllables), word.weaker())
    return found


@cache
def _readings() -> Mapping[str, tuple[str, ...]]:
    found: dict[str, tuple[str, ...]] = {}
    for syllable, characters in read_data("pinyin.yaml")["readings"].items():
        for character in characters:
            found[character] = (*found.get(character, ()), syllable)
    return found


@cache
def _simplified() -> Mapping[int, str]:
    pairs = read_data("pinyin.yaml")["traditional"].items()
    return {ord(form): character for character, forms in pairs for form in forms}


def role_of(tag: str) -> str:
    """Return the identifier role of *tag*: direct, quasi, sensitive or none."""
    return core().tags[tag].role.value
