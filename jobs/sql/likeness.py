"""How alike two texts of SQL are: the same but for constants, or nearly the same.  Pure, by their words only.

Two questions that differ in one condition are how one person is singled out, so whoever judges a job wants to
know of its neighbours.  Nothing here decides anything.
"""

from __future__ import annotations

from difflib import SequenceMatcher
from functools import lru_cache
from typing import Final

CLOSE: Final = 0.85
"""Share of words in common, in order, from which two texts are called close."""
_MOST_WORDS: Final = 2000


def likeness(one: str, other: str) -> str | None:
    """Return ``same``, ``constants`` (all but the constants agrees), ``close``, or None."""
    ours, theirs = words(one), words(other)
    if ours == theirs:
        return "same"
    ours, theirs = _without_constants(ours), _without_constants(theirs)
    if ours == theirs:
        return "constants"
    if max(len(ours), len(theirs)) > _MOST_WORDS:
        return None
    return "close" if SequenceMatcher(None, ours, theirs, autojunk=False).ratio() >= CLOSE else None


@lru_cache(maxsize=4096)
def words(sql: str) -> tuple[tuple[str, str], ...]:
    """Return the words of a text as (kind, word), names and keywords in lower case; empty if it has none."""
    from sqlglot import TokenError, TokenType, tokenize  # noqa: PLC0415 - 0.1 s that only SQL needs

    constants = {TokenType.NUMBER, TokenType.STRING}
    try:
        found = tokenize(sql, read="duckdb")
    except TokenError:
        return ()
    return tuple(
        ("constant", token.text) if token.token_type in constants else ("word", token.text.lower())
        for token in found
        if token.token_type is not TokenType.SEMICOLON
    )


def _without_constants(found: tuple[tuple[str, str], ...]) -> tuple[tuple[str, str], ...]:
    return tuple((kind, "" if kind == "constant" else word) for kind, word in found)
