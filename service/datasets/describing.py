"""What a dataset is for, in its owner's words: stored as said, logged by its digest.

The words are public to those who see the catalogue and are never made from the data.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable
from typing import Any, Final

import sqlalchemy as sa

from sandbox import canonical
from sandbox.books import descriptions
from sandbox.errors import InvalidInputError, TamperingError
from sandbox.schema import LineageId, Principal
from service.audit.journal import Entry
from service.datasets import catalogue
from service.desk import Desk

MOST_CHARACTERS: Final = 2000


def describe(desk: Desk, by: Principal, name: str, text: str) -> dict[str, Any]:
    """Store *text* as the description of dataset *name*, in place of an older one; its owner only."""
    found = catalogue.owned(desk, by, name)
    words = text.strip()
    if not 0 < len(words) <= MOST_CHARACTERS:
        raise InvalidInputError("catalogue.bad-length", most=MOST_CHARACTERS)
    if any(unicodedata.category(c) in ("Cc", "Cf", "Cs", "Co") and c != "\n" for c in words):
        raise InvalidInputError("catalogue.bad-character")
    with desk.writing() as entry:
        row = {
            "lineage": found.lineage,
            "text": words,
            "described_by": by.name,
            "described": entry.at.isoformat(),
        }
        entry.connection.execute(sa.delete(descriptions).where(descriptions.c.lineage == found.lineage))
        entry.connection.execute(sa.insert(descriptions).values(row))
        entry.log(
            "description",
            by.name,
            dataset=name,
            lineage=found.lineage,
            text=canonical.digest({"text": words}),
        )
    return {"dataset": name, "description": words}


def every(connection: sa.Connection) -> dict[LineageId, str]:
    """Return all descriptions by lineage."""
    return {LineageId(row.lineage): row.text for row in connection.execute(sa.select(descriptions))}


def check_descriptions(connection: sa.Connection, told: Iterable[Entry]) -> None:
    """Raise `TamperingError` unless every description is the one *told* last, by whom and when included."""
    logged = {it.facts["lineage"]: (it.facts["text"], it.actor, it.time) for it in told}
    stored = {
        row.lineage: (canonical.digest({"text": row.text}), row.described_by, row.described)
        for row in connection.execute(sa.select(descriptions))
    }
    for lineage in sorted(stored.keys() | logged.keys()):
        if stored.get(lineage) != logged.get(lineage):
            raise TamperingError("audit.books-differ", kind="description", id=lineage)
