"""Keys, deletions and cleanings held against the log: what was destroyed is gone, what was not is there.

Every version that stands has its keys, one that was destroyed has none.  A dataset's key is the one that its
last rotation made.  Every deletion that the log tells of has its row among the cleanings, settled where the
log says so and nowhere else.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from typing import Final

import sqlalchemy as sa

from sandbox import canonical
from sandbox.books import cleanings, destructions, removals, versions, wrapped_keys
from sandbox.errors import TamperingError
from sandbox.keys import contexts
from sandbox.schema import LineageId
from service.audit.journal import Entry

Told = Mapping[str, Sequence[Entry]]
DELETING: Final = ("rotation", "master-rotation", "compaction", "removal", "purge")
"""Leaves after which something must leave the workspace."""


def check_keeping(connection: sa.Connection, told: Told) -> None:
    """Raise `TamperingError` at the first difference to what was *told*: entries by kind, in order."""
    _check_cleanings(connection, told)
    removed = set(connection.scalars(sa.select(removals.c.lineage)))
    _check_rotations(connection, removed, told)
    _check_keys(connection, removed)


def _check_cleanings(connection: sa.Connection, told: Told) -> None:
    said = {entry.leaf: "" for kind in DELETING for entry in told.get(kind, ())}
    for entry in told.get("cleaning", ()):
        said.update(dict.fromkeys(entry.facts["of"], entry.time))
    stored = {row.leaf: row.done for row in connection.execute(sa.select(cleanings))}
    for leaf in sorted(said.keys() | stored.keys()):
        if said.get(leaf) != stored.get(leaf):
            raise TamperingError("audit.books-differ", kind="cleaning", id=str(leaf))


def _check_rotations(connection: sa.Connection, removed: set[str], told: Told) -> None:
    newest = {entry.facts["lineage"]: entry.facts["key"] for entry in told.get("rotation", ())}
    for lineage, key in newest.items():
        context = canonical.encode(contexts.dataset(LineageId(lineage))).decode()
        query = sa.select(wrapped_keys.c.key_id).where(wrapped_keys.c.context == context)
        if connection.scalar(query) != (None if lineage in removed else key):
            raise TamperingError("audit.books-differ", kind="key", id=key)


def _check_keys(connection: sa.Connection, removed: set[str]) -> None:
    gone = {(row.lineage, row.version) for row in connection.execute(sa.select(destructions))}
    stored = set(connection.scalars(sa.select(wrapped_keys.c.key_id)))
    for row in connection.execute(sa.select(versions)):
        if hashlib.sha256(row.manifest.encode()).hexdigest() != row.digest:
            raise TamperingError("audit.books-differ", kind="version", id=row.lineage)
        held = json.loads(row.manifest)
        home = held.get("stored") or row.version
        destroyed = row.lineage in removed or (row.lineage, home) in gone
        keys = {key for shard in held["key_ids"] for key in shard}
        if not (keys.isdisjoint(stored) if destroyed else keys <= stored):
            raise TamperingError("audit.books-differ", kind="key", id=f"{row.lineage}.{home}")
    for lineage in sorted(removed):
        own = wrapped_keys.c.context.contains(f'"lineage":"{lineage}"', autoescape=True)
        if connection.scalar(sa.select(wrapped_keys.c.key_id).where(own).limit(1)) is not None:
            raise TamperingError("audit.books-differ", kind="key", id=lineage)
