"""Cut a column's name into known words, whatever its script and spelling.

The known words that cover a name's units best, long ones first, are its words; what is left over stays
unknown.  A Latin word that is not known is spelt: as known words run together (``custname``), in full pinyin,
in pinyin initials (``khxm``), each only if it comes out even; or it ends in a known head
(``emissionsbetrag``, ``pfkmc``).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

from classifiers.evidence.lexicon import (
    LATIN,
    UNITS,
    Word,
    joined,
    key_of,
    lexicon,
    meaning_of,
    names,
    normal,
    unit_of,
)

LONGEST_WORD, LONGEST_PART = 12, 20
"""Units of a name, and letters of a run-together word, above which nothing is looked up as one word."""
WESTERN = 4
"""Letters of a known word of another language, beside which some initials are not Chinese."""
_GAP = -3
_NEVER = -(10**6)
_SPELT = re.compile(r"[a-z]{2,24}")
_SHORTEST_BASE = 3
_LETTERS = re.compile(r"[a-z]+")
_PARTS = 4
"""Parts of a name that are looked up together as one word in full pinyin."""
_INITIALS = re.compile(r"[a-hj-tw-z]{2,7}")
"""No syllable of pinyin begins with i, u or v."""


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
    units = [unit_of(unit) for unit in UNITS.findall(normal(meaning_of(name) or name))]
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
    units = [unit_of(unit) for unit in UNITS.findall(normal(name)) if LATIN.fullmatch(unit)]
    return any(unit.rstrip("0123456789") in lexicon().latin for unit in units) if units else None


def roles_of_parts(text: str) -> frozenset[str]:
    """Return the roles of the two words, where there are such, that the word *text* is made of."""
    units, words = [unit_of(unit) for unit in UNITS.findall(text)], lexicon().words
    halves = ((joined(units[:end]), joined(units[end:])) for end in range(1, len(units)))
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
            if (word := words.get(joined(units[start:end]))) is not None:
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
        return cover([unit_of(unit) for unit in UNITS.findall(meaning)], lexicon().words)
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
    return (*before, lexicon().words[key_of(names()["ends"][end])].weaker())


def _stem(text: str) -> tuple[tuple[str, int], ...]:
    stems = names()["stems"]
    health = text.startswith(tuple(stems["prefix"])) or text.endswith(tuple(stems["suffix"]))
    return (("pi.health", 0),) if health else ()
