"""How the names of one table are written, which no single name tells: in Chinese initials, behind a letter.

``sfz`` among initials is 身份证, and nothing among words of other languages.  ``Yname``, ``Yage``, ``Ytel``
stand in one table, called by a letter of its name: it says nothing of any of them.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache, lru_cache
from typing import Final

from classifiers.evidence.lexicon import names
from classifiers.evidence.spelling import holds_latin_word

MOSTLY: Final = 0.6
"""The share of names with a known word above which a table's names are not in Chinese initials."""
_ALL_BUT_SOME: Final = 0.8
"""The share of names that begin with a letter from which it may be their table's."""
_FEWEST: Final = 4
"""Names from which one letter at the start of most of them is no chance."""


@dataclass(frozen=True, slots=True)
class Style:
    """Whether Latin letters may be Chinese *initials*, and what *letter* before names says nothing."""

    initials: bool = True
    letter: str = ""

    def without_letter(self, name: str) -> str:
        """Return *name* without the letter of all its table's names, unless it is a word with it."""
        glued = self.letter and _glued(name, self.letter) and not holds_latin_word(name)
        return name[len(self.letter) :] if glued else name


def style_of(given: Sequence[str]) -> Style:
    """Return how the names *given* to a table's columns are written, but for those a program made up.

    Letters are no initials where most of the names hold words of other languages: ``PE_CLS`` beside
    ``CUST_NO``.
    """
    return _style_of(tuple(given))


@lru_cache(maxsize=4)  # asked for by the words, the network and the signs of the same table
def _style_of(given: tuple[str, ...]) -> Style:
    own = [name for name in given if not made_up(name)]
    letter = _letter(own)
    found = [holds_latin_word(name) for name in map(Style(letter=letter).without_letter, own)]
    latin = [known for known in found if known is not None]
    return Style(sum(latin) <= len(latin) * MOSTLY, letter)


def made_up(name: str) -> bool:
    """Return whether a program gave a column this *name* for want of one."""
    return bool(_made_up().fullmatch(name.strip().lower()))


def _letter(given: Sequence[str]) -> str:
    """Return the letter glued to nearly all names, if most of them hold words behind it and few with it."""
    if len(given) < _FEWEST:
        return ""
    letter, _ = Counter(name[:1] for name in given).most_common(1)[0]
    glued = [name for name in given if _glued(name, letter)]
    if len(glued) < max(len(given) * _ALL_BUT_SOME, _FEWEST):
        return ""
    behind = sum(bool(holds_latin_word(name[1:])) for name in glued)
    with_it = sum(bool(holds_latin_word(name)) for name in glued)
    return letter if behind > len(glued) * MOSTLY and behind >= 2 * with_it else ""


def _glued(name: str, letter: str) -> bool:
    """Whether *name* is a Latin *letter* and another at once: not ``c_name``, which falls apart anyway."""
    return name.isascii() and name.startswith(letter) and name[:2].isalpha() and len(name) > 1


@cache
def _made_up() -> re.Pattern[str]:
    return re.compile(names()["made_up"])
