"""The books: one SQLite database, one transaction at a time among writers.

Every table of a workspace is defined here.  Writers open `Database.transaction`, which is BEGIN IMMEDIATE:
the read that decides and the write that follows stand under one lock, so that two processes cannot both see
the last free budget.  WAL and synchronous=FULL make a committed row survive a power cut.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import sqlalchemy as sa

from sandbox.errors import KeyongError, StorageError, TamperingError

BUSY_SECONDS = 60

metadata = sa.MetaData()


def _text(name: str, **options: object) -> sa.Column[str]:
    return sa.Column(name, sa.Text, nullable=False, **options)  # type: ignore[arg-type]


def _big(name: str) -> sa.Column[int]:
    return sa.Column(name, sa.BigInteger, nullable=False)


principals = sa.Table(
    "principals", metadata, _text("name", primary_key=True), _text("roles"), _text("groups"), _text("created")
)

lineages = sa.Table(
    "lineages",
    metadata,
    _text("lineage", primary_key=True),
    _text("namespace"),
    _text("unit"),
    _text("filter"),
    _text("delta"),  # exact decimal text; 0 for pure
    _text("owner"),
    _text("reason"),
    _text("created"),
)

datasets = sa.Table(
    "datasets", metadata, _text("name", primary_key=True), _text("lineage"), _big("current_version")
)

versions = sa.Table(
    "versions",
    metadata,
    _text("lineage", primary_key=True),
    sa.Column("version", sa.BigInteger, primary_key=True, autoincrement=False),
    _text("manifest"),
    _text("signature"),
    _text("digest"),
    _text("created"),
)

wrapped_keys = sa.Table(
    "wrapped_keys",
    metadata,
    _text("key_id", primary_key=True),
    _text("context", unique=True),  # canonical JSON, part of the associated data of the wrap
    _text("wrapped_by"),  # key_id of the wrapping key, or "master"
    sa.Column("wrapped", sa.LargeBinary, nullable=False),
)

public_tables = sa.Table(
    "public_tables",
    metadata,
    _text("name", primary_key=True),
    _text("digest"),  # SHA-256 of the stored file
    _text("directory"),  # its place in the vault
    _text("owner"),
    _text("fields"),  # canonical JSON, as are the domains
    _text("domains"),
    _big("rows"),
    _text("created"),
)

tags = sa.Table(
    "tags",
    metadata,
    _text("lineage", primary_key=True),
    _text("column", primary_key=True),
    _text("tag"),
    sa.Column("confirmed", sa.Boolean, nullable=False),
    _text("confidence"),
    _text("evidence"),
    _text("decided_by"),
    _text("reason"),
    _text("changed"),
)

proposals = sa.Table(
    "proposals",  # what each column of the newest version seems to be by itself, whatever its owner decided
    metadata,
    _text("lineage", primary_key=True),
    _text("column", primary_key=True),
    _text("tag"),
    _big("version"),
)

policies = sa.Table(
    "policies",
    metadata,
    _text("lineage", primary_key=True),
    sa.Column("version", sa.BigInteger, primary_key=True, autoincrement=False),
    _text("digest"),
    _text("source"),
    _text("applied_by"),
    _text("applied"),
)

jobs = sa.Table(
    "jobs",
    metadata,
    _text("job", primary_key=True),
    _text("principal"),
    _text("purpose"),
    _text("state"),
    _text("spec"),  # canonical JSON of the JobSpec, text included
    _text("salt"),
    _text("plan"),  # canonical JSON of the plan, empty until planned
    _text("lineage"),
    _text("replay_key", index=True),
    _text("idempotency_key"),
    _text("failure"),
    _text("created"),
    _text("changed"),
)

charges = sa.Table(
    "charges",
    metadata,
    sa.Column("charge", sa.Integer, primary_key=True),  # SQLite numbers them in order
    _text("lineage", index=True),
    _text("job", index=True),
    _text("principal"),
    _big("epsilon_pico"),
    _big("rho_pico"),
    _big("delta_atto"),
    _text("charged"),
    sa.UniqueConstraint("lineage", "job"),
)

releases = sa.Table(
    "releases", metadata, _text("job", primary_key=True), _text("result"), _text("digest"), _text("released")
)

leaves = sa.Table(
    "leaves",
    metadata,
    sa.Column("leaf", sa.BigInteger, primary_key=True, autoincrement=False),
    _text("entry"),  # canonical JSON, exactly the bytes that are hashed
)

nodes = sa.Table(
    "nodes",
    metadata,
    sa.Column("level", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("position", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Column("hash", sa.LargeBinary, nullable=False),
)

checkpoints = sa.Table(
    "checkpoints",
    metadata,
    sa.Column("size", sa.BigInteger, primary_key=True, autoincrement=False),
    _text("note"),
)


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
