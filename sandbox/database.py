"""The books: one SQLite database, one transaction at a time among writers.

Its tables are defined in `sandbox.books`.  Writers open `Database.transaction`, which is BEGIN IMMEDIATE:
the read that decides and the write that follows stand under one lock, so that two processes cannot both see
the last free budget.  WAL and synchronous=FULL make a committed row survive a power cut.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import sqlalchemy as sa

from sandbox.books import metadata
from sandbox.errors import KeyongError, StorageError, TamperingError

BUSY_SECONDS = 60


class Database:
    """A workspace's books in one file."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._engine = sa.create_engine(
            f"sqlite:///{path}", connect_args={"timeout": BUSY_SECONDS, "isolation_level": None}
        )
        sa.event.listen(self._engine, "connect", _configure)

    def create(self) -> None:
        """Make every table that is not there yet."""
        with self.transaction() as connection:
            metadata.create_all(connection)

    @contextmanager
    def transaction(self) -> Iterator[sa.Connection]:
        """Read and write under the one writers' lock; commit at the end, or nothing at all.

        Raises `StorageError` where the disk or another writer is in the way: nothing was written then.
        """
        with explained(self.path), self._engine.connect() as connection:
            connection.exec_driver_sql("BEGIN IMMEDIATE")
            try:
                yield connection
                connection.exec_driver_sql("COMMIT")
            except BaseException:
                _roll_back(connection)
                raise

    @contextmanager
    def reading(self) -> Iterator[sa.Connection]:
        """Read one consistent snapshot; never blocks a writer."""
        with explained(self.path), self._engine.connect() as connection:
            connection.exec_driver_sql("BEGIN")
            try:
                yield connection
            finally:
                _roll_back(connection)

    def scrub(self, patience: float = 5) -> bool:
        """Leave nothing of deleted and replaced rows, neither in the file nor in its log of changes.

        Returns False, and may be called again, where somebody reads an older state for longer than
        *patience* seconds.  What the file system or the disk keeps of overwritten blocks is out of reach.
        """
        with explained(self.path), self._engine.connect() as connection:
            connection.exec_driver_sql(f"PRAGMA busy_timeout={int(patience * 1000)}")
            try:
                connection.exec_driver_sql("VACUUM")
                busy = connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)").scalar_one()
            except sa.exc.OperationalError as error:
                if getattr(error.orig, "sqlite_errorcode", 0) & 0xFF != sqlite3.SQLITE_BUSY:
                    raise
                busy = 1
            finally:
                connection.exec_driver_sql(f"PRAGMA busy_timeout={BUSY_SECONDS * 1000}")
        return not busy

    def close(self) -> None:
        """Close every connection of this process."""
        self._engine.dispose()


def copy_books(source: Path, target: Path) -> None:
    """Copy the books at *source*, in one snapshot, to the new file *target* (0600)."""
    target.touch(mode=0o600, exist_ok=False)
    with (
        explained(target),
        closing(sqlite3.connect(source)) as here,
        closing(sqlite3.connect(target)) as there,
    ):
        here.backup(there)


@contextmanager
def explained(path: Path) -> Iterator[None]:
    """Turn what SQLite says of disks, locks and damage into errors of ours: its own texts hold statements."""
    try:
        yield
    except (sa.exc.DBAPIError, sqlite3.Error) as error:
        cause = error.orig if isinstance(error, sa.exc.DBAPIError) else error
        known = _known(cause, str(path))
        if known is None:
            raise
        raise known from None


def _known(cause: BaseException | None, path: str) -> KeyongError | None:  # noqa: PLR0911 (a table of codes)
    # The low byte is the primary result code (https://www.sqlite.org/rescode.html).
    match getattr(cause, "sqlite_errorcode", 0) & 0xFF:
        case sqlite3.SQLITE_BUSY | sqlite3.SQLITE_LOCKED:
            return StorageError("books.busy", seconds=BUSY_SECONDS)
        case sqlite3.SQLITE_FULL:
            return StorageError("books.disk-full", path=path)
        case sqlite3.SQLITE_READONLY | sqlite3.SQLITE_CANTOPEN:
            return StorageError("books.not-writable", path=path)
        case sqlite3.SQLITE_IOERR:
            return StorageError("books.disk-refused", path=path)
        case sqlite3.SQLITE_CORRUPT | sqlite3.SQLITE_NOTADB:
            return TamperingError("books.damaged", path=path)
        case sqlite3.SQLITE_ERROR if str(cause).startswith("no such table"):
            return TamperingError("books.damaged", path=path)
    return None


def _roll_back(connection: sa.Connection) -> None:
    """End the transaction, unless SQLite has ended it: after a full disk there is none any more."""
    driver = connection.connection.driver_connection
    if driver is not None and driver.in_transaction:
        connection.exec_driver_sql("ROLLBACK")


def _configure(connection: object, _record: object) -> None:
    cursor = connection.cursor()  # type: ignore[attr-defined]
    for pragma in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON", "secure_delete=ON"):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()
