"""What a column's name is made of for the network that reads it (`classifiers.evidence.network`).

Three bags of tokens: how the lexicon reads the name; its words and n-grams of letters, of which names that no
lexicon knows are made too (n-grams as in Bojanowski et al. 2017, "Enriching word vectors with subword
information"; characters of Chinese, Japanese and Korean up to four); and those words whose meaning is known.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import Final

from classifiers.evidence.lexicon import normal
from classifiers.evidence.meanings import BAG as MEANINGS
from classifiers.evidence.meanings import words_in
from classifiers.evidence.names import name_evidence, said_of_itself
from classifiers.evidence.network import Bags
from classifiers.evidence.spelling import words_of
from classifiers.evidence.style import Style, made_up

BAGS: Final = ("readings", "letters", MEANINGS)
"""How the lexicon reads a name, its letters, and its words that have a meaning."""
_LONGEST_GRAM, _LONGEST_CHINESE, _ENDING = 5, 4, 3
_EAST = re.compile(r"[\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]")
_PARTS = re.compile(
    r"[\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]+|[A-Z]+(?![a-z])|[A-Z]?[a-z]+|[0-9]+|[^\W\d_a-zA-Z]+"
)


def tokens_of(name: str, description: str = "", style: Style | None = None) -> Bags:
    """Return the tokens of a column's *name*, one group in each of `BAGS`.

    *description* and *style* are as for `name_evidence`.  What a description says of the column is read
    as what stands in brackets behind a name, and in place of a name that a program made up, which has no
    letters.
    """
    known = style or Style()
    name = known.without_letter(name)
    if said := said_of_itself(description):
        name = said if made_up(name) else f"{name}({said})"
    hints = [f"hint {it.tag} {it.weight}" for it in name_evidence(name, "", Style(known.initials))]
    if made_up(name):
        return [hints], [], []
    words = [word for part in _parts(name) for word in words_in(part)]
    return [[*hints, *_readings(name, known.initials)]], [list(_letters(name))], [words]


def _readings(name: str, initials: bool) -> Iterator[str]:
    words = words_of(name, initials)
    for place, word in enumerate(words):
        where = "head" if place == len(words) - 1 else "word"
        yield f"text {word.text}"
        yield from (f"{where} role {role}" for role in word.roles)
        yield from (f"{where} tag {tag} {step}" for tag, step in word.tags)
        if not word.known:
            yield "unknown"


def _letters(name: str) -> Iterator[str]:
    parts = _parts(name)
    yield f"name {'_'.join(parts)}"
    yield from (f"pair {one}_{other}" for one, other in pairwise(parts))
    if parts and not _EAST.search(parts[0] + parts[-1]):
        yield f"first {parts[0]}"
        yield f"last {parts[-1]}"
        yield f"joined {''.join(parts)}"
    for part in parts:
        yield from _of_characters(part) if _EAST.match(part) else _of_word(part)


def _parts(name: str) -> list[str]:
    return [it.casefold() for it in _PARTS.findall(unicodedata.normalize("NFC", normal(name)))]


def _of_characters(part: str) -> Iterator[str]:
    yield from _grams(part, range(1, _LONGEST_CHINESE + 1))
    yield from (f"ends {part[-length:]}" for length in range(1, _ENDING + 1))
    yield f"begins {part[:2]}"


def _of_word(word: str) -> Iterator[str]:
    yield f"word {word}"
    yield from _grams(f"^{word}$", range(2, _LONGEST_GRAM + 1))


def _grams(text: str, lengths: Sequence[int]) -> Iterator[str]:
    for length in lengths:
        yield from (text[start : start + length] for start in range(len(text) - length + 1))
