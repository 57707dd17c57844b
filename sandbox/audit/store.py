"""Reading the stored log, trusting nothing that is not under a signature.

Cells are read as bytes (CAST … AS BLOB): a forged one may hold anything, and must be found to be tampering
and not a wrong type.
"""

from __future__ import annotations

from typing import Final

import sqlalchemy as sa

from sandbox.audit.checkpoint import Checkpoint, VerifierKey, parse_and_verify
from sandbox.audit.merkle import EMPTY_ROOT, Lookup
from sandbox.books import checkpoints, leaves, nodes
from sandbox.errors import TamperingError

ENTRY: Final = sa.cast(leaves.c.entry, sa.LargeBinary).label("entry")
HASH: Final = sa.cast(nodes.c.hash, sa.LargeBinary).label("hash")
_NOTE: Final = (
    sa.select(sa.cast(checkpoints.c.note, sa.LargeBinary)).order_by(checkpoints.c.size.desc()).limit(1)
)
_LAST: Final = sa.select(sa.func.max(leaves.c.leaf))
# One node a statement: SQLite scans the whole table for (level, position) IN (…).
_NODE: Final = sa.select(HASH).where(
    nodes.c.level == sa.bindparam("level"), nodes.c.position == sa.bindparam("position")
)


def newest_note(connection: sa.Connection) -> str | None:
    """Return the newest checkpoint as it is stored, not verified; None for a log without leaves."""
    stored = connection.scalar(_NOTE)
    return None if stored is None else stored.decode(errors="replace")


def read_head(connection: sa.Connection, key: VerifierKey) -> Checkpoint:
    """Return the newest checkpoint, or the unsigned one of size 0 if nothing was ever logged.

    Raises `TamperingError` if *key* did not sign it.
    """
    note = newest_note(connection)
    return Checkpoint(key.name, 0, EMPTY_ROOT) if note is None else parse_and_verify(note, key)


def check_end(connection: sa.Connection, size: int) -> None:
    """Raise `TamperingError` unless the last stored leaf is number *size* - 1."""
    last = connection.scalar(_LAST)
    stored = -1 if last is None else last
    if not isinstance(stored, int) or stored >= size:  # what is no integer sorts last: never signed
        raise TamperingError("log.unsigned-leaf", leaf=size)
    if stored < size - 1:
        raise TamperingError("log.missing-leaf", leaf=stored + 1)


def lookup(connection: sa.Connection) -> Lookup:
    """Return the stored tree as proofs want it; a gap in it raises `TamperingError`."""

    def node(level: int, position: int) -> bytes:
        found: bytes | None = connection.scalar(_NODE, {"level": level, "position": position})
        if found is None:
            raise TamperingError("log.bad-node", level=level, position=position, leaf=position << level)
        return found

    return node
