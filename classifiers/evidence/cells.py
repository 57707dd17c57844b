"""Evidence from the values of all columns together, as a small network reads them.

Patterns and check digits know numbers, dictionaries know the words that they list.  Most of what stands in
tables is neither: an employer, a complaint, a trade, a remark, a state of an order.  The network
(`classifiers.evidence.network`) learned from columns of made-up tables, and of published ones filled anew,
with labels and a few values each (``benchmarks/classification/cells``), what such values are made of and what
stands beside them; no value of any owner ever reached it.  Its evidence says nothing of the values read but
what they seem to be.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Sequence
from math import log10
from typing import Final

from classifiers.evidence.evidence import Evidence
from classifiers.evidence.meanings import BAG as MEANINGS
from classifiers.evidence.meanings import words_in
from classifiers.evidence.network import Bags, network
from classifiers.evidence.reading import evidence_of
from classifiers.evidence.sample import ColumnSample

ALONE: Final = "cell"
"""The source of what the values of a column say whatever stands beside them."""
BESIDE: Final = "cells"
"""The source of what they say beside those of the other columns."""
BAGS: Final = ("shapes", "words", MEANINGS)
"""How values look, what they are made of, and their words that have a meaning."""
CHARACTERS: Final = 80
"""Characters of a value that are read."""
_MOST, _FEWEST, _AT_MOST = 48, 8, 100_000
"""Values of a column that are read, in tables of very many columns fewer, and over all columns."""
_WORDS: Final = 10
_WHOLE: Final = 24
"""Characters of a value that is a token as a whole."""
_SHAPE: Final = 20
_DIGITS: Final = 2
_LETTERS, _EASTERN = range(3, 5), range(1, 4)
_LENGTHS: Final = (1, 2, 3, 4, 6, 8, 11, 15, 20, 30, 50)
_EAST = re.compile(r"[\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]+")
_PARTS = re.compile(r"[\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]+|[^\W\d_]+|\d+")
_NUMBER = re.compile(r"[-+]?([0-9]{1,12})(?:[.,]([0-9]{1,8}))?")
_RUN = re.compile(r"(.)\1+")


def cell_evidence(names: Sequence[str], samples: Sequence[ColumnSample]) -> tuple[tuple[Evidence, ...], ...]:
    """Return for every column of a table what its sampled values hint at, alone and beside the others'.

    *names* are the columns', to say with which of them a column is read so.  Of a column without values
    nothing is said: what the others hold is no sign of what it will, its name is.
    """
    chosen = values_read(samples)
    found = evidence_of(network("cells"), [tokens_of_values(it) for it in chosen], names, (ALONE, BESIDE))
    return tuple(hints if values else () for hints, values in zip(found, chosen, strict=True))


def values_read(samples: Sequence[ColumnSample]) -> list[list[str]]:
    """Return some of the distinct values of every column, spread evenly."""
    most = max(_FEWEST, min(_MOST, _AT_MOST // max(len(samples), 1)))
    return [_spread(sample, most) for sample in samples]


def _spread(sample: ColumnSample, most: int) -> list[str]:
    count = len(sample.values)
    places = range(count) if count <= most else [place * count // most for place in range(most)]
    return [sample.values[place].as_py() for place in places]


def tokens_of_values(values: Sequence[str]) -> Bags:
    """Return the tokens of *values*, a group each in each of `BAGS`."""
    texts = [unicodedata.normalize("NFKC", it[:CHARACTERS].strip())[:CHARACTERS] for it in values]
    words = [list(_words(it.casefold())) for it in texts]
    return [list(_shapes(it)) for it in texts], words, [list(_meant(it.casefold())) for it in texts]


def _shapes(text: str) -> Iterator[str]:
    """Yield the shape with and without lengths, the length, how many words, how big a number."""
    shape = text.translate(_KINDS)
    yield f"shape {_RUN.sub(_collapsed, shape)[:_SHAPE]}"
    if len(text) <= _SHAPE:
        yield f"exactly {shape}"
    yield f"long {sum(len(text) > length for length in _LENGTHS)}"
    if number := _NUMBER.fullmatch(text):
        whole, fraction = number[1], number[2] or ""
        yield f"number {len(whole)} {len(fraction)} {whole[:1]}"
        yield f"size {round(4 * log10(int(whole) + 1))}"
    parts = _PARTS.findall(text)
    yield f"words {min(len(parts), _WORDS)}"
    for part in parts[:_WORDS]:
        if part[0].isdigit():
            yield f"digits {len(part)} {part[:_DIGITS]}"
        elif _EAST.match(part):
            yield f"characters {min(len(part), _WORDS)}"


def _words(text: str) -> Iterator[str]:
    """Yield the text if it is short, its words and their n-grams of letters, or of characters of the East."""
    if len(text) <= _WHOLE:
        yield f"is {text}"
    parts = _PARTS.findall(text)[:_WORDS]
    for place, part in enumerate(parts):
        if part[0].isdigit():
            continue
        if _EAST.match(part):
            yield from _grams(part, _EASTERN)
            yield from (f"begins {part[:length]}" for length in (1, 2))
            yield from (f"ends {part[-length:]}" for length in (1, 2))
        else:
            yield f"word {part}"
            yield from _grams(f"^{part[:_SHAPE]}$", _LETTERS)
            if place in (0, len(parts) - 1):
                yield f"{'last' if place else 'first'} {part}"


def _meant(text: str) -> Iterator[str]:
    for part in _PARTS.findall(text)[:_WORDS]:
        yield from words_in(part)


def _grams(text: str, lengths: Sequence[int]) -> Iterator[str]:
    for length in lengths:
        yield from (text[start : start + length] for start in range(len(text) - length + 1))


def _collapsed(run: re.Match[str]) -> str:
    return f"{run[1]}+"


class _Kinds(dict[int, str]):
    """Characters by what they are: a digit, a letter of either case, a character of the East, or itself."""

    def __missing__(self, code: int) -> str:
        self[code] = found = _kind(chr(code))
        return found


def _kind(character: str) -> str:
    if character.isdigit():
        return "9"
    if _EAST.match(character):
        return "字"
    if character.isalpha():
        return "A" if character.isupper() else "a"
    return character


_KINDS = _Kinds()
