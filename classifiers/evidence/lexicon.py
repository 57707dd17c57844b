"""Cut a column's name into known words (``taxonomies/names.yaml``), whatever its script and spelling.

A name becomes units: one Latin word, one number, one character of Chinese or Japanese.  The known words that
cover the units best, long ones first, are its words; what is left over stays unknown.  A Latin word that is
not known is spelt: as known words run together (``custname``), in full pinyin, in pinyin initials (``khxm``),
each only if it comes out even.  Pinyin is derived from the Chinese words (``taxonomies/pinyin.yaml``).
A field of a published standard (``AAC003``, ``psn_no``) is what it means (``taxonomies/fields.yaml``).
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, lru_cache
from itertools import pairwise, product
from typing import Any

from classifiers.taxonomy import core, read_data

LONGEST_NAME = 200
"""Characters of a name that are read; what stands behind them is no name."""
LONGEST_WORD, LONGEST_PART = 12, 20
"""Units of a name, and letters of a run-together word, above which nothing is looked up as one word."""
WESTERN = 4
"""Letters of a known word of another language, beside which some initials are not Chinese."""
STRENGTHS = ("strong", "fair", "weak")
_GAP = -3
_NEVER = -(10**6)
_UNITS = re.compile(
    r"[\u3040-\u30ff\u3400-\u9fff]|[0-9]+|[A-Z]+(?![a-z])[0-9]*|[A-Z]?[a-z]+[0-9]*|[A-Z][0-9]*|[^\W_]"
)
_ONE_CHARACTER = re.compile(r"[\u3040-\u30ff\u3400-\u9fff]")
_BARRED = str.maketrans(
    {"ł": "l", "Ł": "L", "ø": "o", "Ø": "O", "đ": "d", "Đ": "D", "ß": "ss", "æ": "ae", "Æ": "Ae", "œ": "oe"}
)
"""Letters with a bar and joined ones, which Unicode does not take apart."""
_NUMBER_SIGN = re.compile(r"#(?!\d)|№")
_SEPARATORS = re.compile(r"[\W_]+")
_SPELT = re.compile(r"[a-z]{2,24}")
_SHORTEST_BASE = 3
_LETTERS = re.compile(r"[a-z]+")
_PLAIN = re.compile(r"[a-z]+(?: [a-z]+)*")
_PARTS = 4
"""Parts of a name that are looked up together as one word in full pinyin."""
_INITIALS = re.compile(r"[a-hj-tw-z]{2,7}")
"""No syllable of pinyin begins with i, u or v."""
_LATIN = re.compile(r"[A-Za-z]+[0-9]*")


@dataclass(frozen=True, slots=True)
class Word:
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


@dataclass(frozen=True, slots=True)
class _Script:
    """Whether a name holds a *western* word, and whether its letters may be Chinese *initials* at all."""

    western: bool
    initials: bool


@lru_cache(maxsize=4096)
def words_of(name: str, initials: bool = True) -> tuple[Word, ...]:
    """Return the words of *name* in order, the unknown ones too, without numbers.

    *initials*: whether Latin letters may be the initials of Chinese words.
    """
    units = [_unit(unit) for unit in _UNITS.findall(_normal(meaning_of(name) or name))]
    found = cover(units, lexicon().words)
    western = any(part.known and part.text.isascii() and len(part.text) >= WESTERN for part in found)
    script = _Script(western, initials)
    parts = _pinyin_joined(found)
    return tuple(word for part in parts for word in _resolved(part, script) if not word.text.isdigit())


def _pinyin_joined(words: Sequence[Word]) -> Iterator[Word]:
    """Yield *words*, of them those that together are one Chinese word in full pinyin as that word."""
    run, place = lexicon().spellings[1], 0
    while place < len(words):
        for end in range(min(place + _PARTS, len(words)), place, -1):
            piece = words[place:end]
            found = run.get("".join(it.text for it in piece)) if _apart(piece) else None
            if found is not None:
                break
        yield found or words[place]
        place = end


def _apart(words: Sequence[Word]) -> bool:
    """Whether *words* are several and of Latin letters."""
    return len(words) > 1 and all(_LETTERS.fullmatch(it.text) for it in words)


def holds_latin_word(name: str) -> bool | None:
    """Return whether a word in Latin letters of *name* is known as it is written, None if there is none."""
    units = [_unit(unit) for unit in _UNITS.findall(_normal(name)) if _LATIN.fullmatch(unit)]
    return any(unit.rstrip("0123456789") in lexicon().latin for unit in units) if units else None


def roles_of_parts(text: str) -> frozenset[str]:
    """Return the roles of the two words, where there are such, that the word *text* is made of."""
    units, words = [_unit(unit) for unit in _UNITS.findall(text)], lexicon().words
    halves = ((_joined(units[:end]), _joined(units[end:])) for end in range(1, len(units)))
    both = (pair for pair in halves if all(half in words for half in pair))
    return frozenset(role for pair in both for half in pair for role in words[half].roles)


def cover(units: Sequence[str], words: Mapping[str, Word], gap: int = _GAP) -> list[Word]:
    """Return *units* cut into *words* and unknown units, with the greatest sum of squared word lengths.

    *gap* is added for each unknown unit: with `_NEVER` a cut that comes out even is taken if there is one.
    """
    best: list[tuple[int, int, Word | None]] = [(0, 0, None)]
    longest = LONGEST_PART if isinstance(units, str) else LONGEST_WORD
    for end in range(1, len(units) + 1):
        choices: list[tuple[int, int, Word | None]] = [(best[end - 1][0] + gap, end - 1, None)]
        for start in range(max(0, end - longest), end):
            if (word := words.get(_joined(units[start:end]))) is not None:
                choices.append((best[start][0] + (end - start) ** 2, start, word))
        best.append(max(choices, key=lambda choice: choice[0]))
    return list(reversed(list(_path(units, best))))


def _path(units: Sequence[str], best: Sequence[tuple[int, int, Word | None]]) -> Iterator[Word]:
    end = len(units)
    while end:
        _, start, word = best[end]
        yield word or Word(units[start])
        end = start


def _resolved(word: Word, script: _Script) -> Sequence[Word]:
    if word.known or not word.text.isascii():
        return (word,)
    if meaning := meaning_of(word.text):
        return cover([_unit(unit) for unit in _UNITS.findall(meaning)], lexicon().words)
    bare = word.text.rstrip("0123456789") or word.text
    known = lexicon().words.get(bare) or _singular(bare)
    if known is not None:
        return (known,)
    return _spelt(bare, script) or (Word(bare),)


def _singular(text: str) -> Word | None:
    """Return the word that *text* is the plural of: of persons it is rather how many of them."""
    known = lexicon().words.get(text[:-1]) if text.endswith("s") and len(text) >= WESTERN else None
    return known.weaker() if known is not None and "person" in known.roles else known


def _spelt(text: str, script: _Script) -> Sequence[Word]:
    if not _SPELT.fullmatch(text) or (script.western and text in lexicon().western):
        return ()
    spellings = lexicon().spellings if script.initials else lexicon().spellings[:-1]
    for spelling in spellings:
        if text in spelling:
            return (spelling[text],)
    for spelling in spellings:
        parts = cover(text, spelling, _NEVER)
        if all(part.known for part in parts):
            return [part.weaker() for part in parts]
    return _compound(text) or _ending(text, script) or (Word(text, _stem(text)),)


def _compound(text: str) -> Sequence[Word]:
    """Return an unknown word and the head that it is compounded with (``emissionsbetrag``: …betrag)."""
    found = max((tail for tail in names()["tails"] if text.endswith(tail)), key=len, default="")
    base = text.removesuffix(found)
    if not found or len(base) < _SHORTEST_BASE:
        return ()
    return (Word(base), lexicon().words[found].weaker())


def _ending(text: str, script: _Script) -> Sequence[Word]:
    """Return unknown initials of a Chinese word and the head they end in (``pfkmc``: …名称)."""
    base, end = text[:-2], text[-2:]
    if script.western or not script.initials or end not in names()["ends"] or not _INITIALS.fullmatch(base):
        return ()
    parts = cover(base, lexicon().spellings[-1], _NEVER)
    before = [part.weaker() for part in parts] if all(part.known for part in parts) else [Word(base)]
    return (*before, lexicon().words[_key(names()["ends"][end])].weaker())


def _stem(text: str) -> tuple[tuple[str, int], ...]:
    stems = names()["stems"]
    health = text.startswith(tuple(stems["prefix"])) or text.endswith(tuple(stems["suffix"]))
    return (("pi.health", 0),) if health else ()


def _normal(name: str) -> str:
    wide = unicodedata.normalize("NFKD", name[:LONGEST_NAME])
    plain = "".join(character for character in wide if not unicodedata.combining(character))
    plain = _NUMBER_SIGN.sub(" no ", plain.replace("%", " pct "))
    return plain.translate(_BARRED).translate(_simplified())


def _unit(unit: str) -> str:
    return unit.casefold()


def _joined(units: Sequence[str]) -> str:
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
    chinese = {key: word for key, word in written.items() if not re.search(r"[^\u3400-\u9fff]", key)}
    in_use = {short: written[_key(word)] for short, word in names()["initials"].items()}
    pinyin = _full_pinyin(chinese)
    run = {key.replace(" ", ""): word for key, word in reversed(pinyin.items())}
    spellings = (latin, run, {**_initials(chinese), **in_use})
    single = frozenset(key for key in written if _LATIN.fullmatch(key) and key not in run)
    return Lexicon({**pinyin, **written}, spellings, frozenset(names()["abbreviations"]), single)


def _written() -> dict[str, Word]:
    tags: dict[str, dict[str, int]] = {}
    for tag, strengths in names()["tags"].items():
        for strength, words in strengths.items():
            for word in words:
                tags.setdefault(_key(word), {}).setdefault(tag, STRENGTHS.index(strength))
    roles: dict[str, list[str]] = {}
    for role, words in names()["roles"].items():
        for word in words:
            roles.setdefault(_key(word), []).append(role)
    return {
        key: Word(key, tuple(tags.get(key, {}).items()), tuple(roles.get(key, ())))
        for key in {**tags, **roles}
    }


def _key(word: str) -> str:
    if _PLAIN.fullmatch(word):  # most are: nothing to normalize
        return word
    return _joined([_unit(unit) for unit in _UNITS.findall(_normal(word))])


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
