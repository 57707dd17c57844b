"""Names that do not read as they are written: Latin text with letters of another script among it.  Pure.

A policy that grants to ``wаng`` with a Cyrillic а looks like one that grants to ``wang``.  In names that are
compared as text (columns, people, groups, purposes) a run of letters may not mix Latin with letters that look
like Latin ones.  Chinese beside Latin is no mixture that misleads, nor are Greek letters like β or γ, which
laboratories write.  Whole words in another script are left alone: they do not hide among others of theirs.
"""

from __future__ import annotations

import re
import unicodedata

_RUN = re.compile(r"[^\W\d_]+")
_LATIN = "LATIN "
_OTHER = ("CYRILLIC ", "ARMENIAN ", "CHEROKEE ", "COPTIC ", "LISU ", "MATHEMATICAL ", "FULLWIDTH LATIN ")
_GREEK = frozenset("ΑΒΕΖΗΙΚΜΝΟΡΤΥΧϹϺοικνρυχϲ")
"""Greek letters that are drawn like Latin ones."""


def misleading(name: str) -> str | None:
    """Return the first character of *name* that passes for a Latin letter and is none, or None."""
    for run in _RUN.findall(name):
        latin = any(_script(letter).startswith(_LATIN) for letter in run)
        found = next((letter for letter in run if _passes(letter)), None)
        if latin and found is not None:
            return str(found)
    return None


def _passes(letter: str) -> bool:
    return letter in _GREEK or _script(letter).startswith(_OTHER)


def _script(letter: str) -> str:
    return unicodedata.name(letter, "")
