"""What was deleted leaves no copy in the workspace: files unlinked, the books rewritten, their log cut.

A deletion is committed with a row that demands a cleaning, and the row is settled, with a leaf of its own,
when nothing is left.  Whoever dies in between, or finds the books read by others, leaves the row; the next
one who opens the workspace goes on.  Everything here may be done twice.
"""

from __future__ import annotations

from contextlib import suppress

import sqlalchemy as sa

from sandbox.books import cleanings
from sandbox.errors import StorageError
from sandbox.vault.access import known_directories
from sandbox.vault.store import DirectoryStore
from service.desk import Desk, Entry


def demand(entry: Entry, leaf: int) -> None:
    """Have what leaf number *leaf* tells of cleaned up; for the same transaction as the deletion."""
    entry.connection.execute(sa.insert(cleanings).values(leaf=leaf, done=""))


def finish(desk: Desk, *, wait: bool = True) -> bool:
    """Clean up after every deletion so far; return whether nothing is left to do.

    Not to be called under the lock of registration; without *wait* somebody else who holds it goes first.
    """
    if not _waiting(desk):
        return True
    with desk.workspace.lock("register", wait=wait) as free:
        leaves = _waiting(desk) if free else []
        if not leaves:
            return free
        _unlink(desk)
        if not desk.workspace.database.scrub():
            return False
        with desk.writing() as entry:
            done = sa.update(cleanings).where(cleanings.c.leaf.in_(leaves))
            entry.connection.execute(done.values(done=entry.at.isoformat()))
            entry.log("cleaning", "keyong", of=leaves)
        return True


def resume(desk: Desk) -> None:
    """Go on with a cleaning that was cut off, unless somebody is at it or the disk will not have it now."""
    with suppress(StorageError, OSError):
        finish(desk, wait=False)


def waiting(connection: sa.Connection) -> list[int]:
    """Return the leaves that tell of deletions after which there is still something to clean."""
    query = sa.select(cleanings.c.leaf).where(cleanings.c.done == "").order_by(cleanings.c.leaf)
    return list(connection.scalars(query))


def _waiting(desk: Desk) -> list[int]:
    with desk.reading() as connection:
        return waiting(connection)


def _unlink(desk: Desk) -> None:
    """Remove shards that no version needs, and books kept from older formats, which hold keys as well."""
    workspace = desk.workspace
    with workspace.database.transaction() as connection:
        known = known_directories(connection, workspace.manifest_key.public_key())
        DirectoryStore(workspace.vault).sweep(known)
    for path in workspace.directory.glob("books-format-*"):
        path.unlink()
