"""What every use case stands on: the open workspace, who may do what, and what is written down.

A *desk* is handed to each module of the service.  `Desk.writing` is the one way to change the books: the
change and its log leaf are one transaction, and the checkpoint outside the workspace follows the commit.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from sandbox.errors import DeniedError, StorageError
from sandbox.schema import Principal, Role
from sandbox.workspace import Workspace
from service.clock import present


@dataclass(frozen=True, slots=True)
class Desk:
    """An open workspace as the use cases see it."""

    workspace: Workspace

    @contextmanager
    def reading(self) -> Iterator[sa.Connection]:
        """Read one consistent snapshot of the books."""
        with self.workspace.database.reading() as connection:
            yield connection

    @contextmanager
    def writing(self) -> Iterator[Entry]:
        """Change the books and log it in one transaction; the outside checkpoint follows.

        It first catches up with what is committed: where it cannot be written the change is refused, not
        half-told.  If the disk fails it only afterwards, the change stands and the next one catches up.
        """
        try:
            self._anchor()
        except OSError:
            raise StorageError("log.anchor-stuck", path=str(self.workspace.anchor.path)) from None
        with self.workspace.database.transaction() as connection:
            yield Entry(connection, self.workspace, present(connection))
        with suppress(OSError):
            self._anchor()

    def _anchor(self) -> None:
        with self.workspace.database.reading() as connection:
            self.workspace.anchor.advance(connection)


@dataclass(frozen=True, slots=True)
class Entry:
    """One transaction: the connection to write through, its instant, and the log."""

    connection: sa.Connection
    workspace: Workspace
    at: dt.datetime

    def log(self, kind: str, actor: str, **facts: Any) -> int:
        """Append a leaf; *facts* are ids, digests and salted hashes, never text of a job or a value."""
        entry = {"kind": kind, "time": self.at.isoformat(), "actor": actor, "facts": facts}
        return self.workspace.log.append(self.connection, entry)


def require(by: Principal, *roles: Role) -> None:
    """Raise `DeniedError` unless *by* has one of *roles*."""
    if not by.roles.intersection(roles):
        raise DeniedError(
            "role.missing", name=by.name, roles=sorted(by.roles), needed=sorted(role.value for role in roles)
        )
