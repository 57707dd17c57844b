"""Keys, deletions and cleanings held against the log: what was destroyed is gone, what was not is there.

A dataset's key is the one that its last rotation made.  Every deletion that the log tells of has its row
among the cleanings, settled where the log says so and nowhere else.
"""

from __future__ import annotations

from typing import Final

import sqlalchemy as sa

from sandbox import canonical
from sandbox.books import cleanings, wrapped_keys
from sandbox.errors import TamperingError
from sandbox.keys import contexts
from sandbox.schema import LineageId
from service.reviewing import journal

_DELETING: Final = ("rotation", "master-rotation")
"""Leaves after which something must leave the workspace."""


def check_keeping(connection: sa.Connection) -> None:
    """Raise `TamperingError` at the first difference."""
    _check_cleanings(connection)
    _check_rotations(connection)


def _check_cleanings(connection: sa.Connection) -> None:
    said = {entry.leaf: "" for entry in journal.of_kind(connection, *_DELETING)}
    for entry in journal.of_kind(connection, "cleaning"):
        said.update(dict.fromkeys(entry.facts["of"], entry.time))
    stored = {row.leaf: row.done for row in connection.execute(sa.select(cleanings))}
    for leaf in sorted(said.keys() | stored.keys()):
        if said.get(leaf) != stored.get(leaf):
            raise TamperingError("audit.books-differ", kind="cleaning", id=str(leaf))


def _check_rotations(connection: sa.Connection) -> None:
    rotations = journal.of_kind(connection, "rotation")
    newest = {entry.facts["lineage"]: entry.facts["key"] for entry in rotations}
    for lineage, key in newest.items():
        context = canonical.encode(contexts.dataset(LineageId(lineage))).decode()
        query = sa.select(wrapped_keys.c.key_id).where(wrapped_keys.c.context == context)
        if connection.scalar(query) != key:
            raise TamperingError("audit.books-differ", kind="key", id=key)
