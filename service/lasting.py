"""Words that stay: reasons in the log, which nobody can take back, and meanings of columns in the catalogue.

Reviewers read the ones, everybody reads the others.  What they say of a column or a decision needs nobody's
number, so one in them is a slip, and the last moment to see it is before it is written.
"""

from __future__ import annotations

from sandbox.errors import InvalidInputError
from sandbox.vault.header import mentions_somebody


def check_reason(reason: str) -> None:
    """Raise `InvalidInputError` if *reason* holds an identifier of somebody; see `mentions_somebody`."""
    if mentions_somebody(reason):
        raise InvalidInputError("words.somebody-in-reason")


def check_meaning(column: str, meaning: str) -> None:
    """Raise `InvalidInputError` if the public *meaning* of a column holds an identifier of somebody."""
    if mentions_somebody(meaning):
        raise InvalidInputError("words.somebody-in-meaning", column=column)
