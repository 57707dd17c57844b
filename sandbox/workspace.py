"""A workspace: one directory that holds everything one trust domain owns.

::

    keyong.json     format number and workspace id, readable without keys
    keyring/        the master key (0600), or the salt and wrapped master of a passphrase
    books.sqlite    every table of `sandbox.books`
    vault/          encrypted shards, one directory per dataset version
    run/            locks, worker secrets, staging: nothing here outlives its process by right

Whoever holds the operating-system account holds the keys: one workspace is one trust domain, and roles in it
attribute, they do not authenticate.  The directory is 0700 and its files are 0600.  Losing the master key
loses every dataset: there is no second way in, and `create` says so.

A workspace is furnished in a staging directory and moved in place, ``keyong.json`` last, so that a killed
`create` leaves nothing that `open_workspace` would take for one.  `open_workspace` refuses another format, a
directory that others can read, and books older than the checkpoint that is kept outside the workspace
(`sandbox.audit.anchor.Anchor`).
"""

from __future__ import annotations

import datetime as dt
import fcntl
import os
import secrets
import shutil
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Final

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from sandbox.audit.anchor import Anchor, foretell
from sandbox.audit.log import Log
from sandbox.database import Database, copy_books
from sandbox.errors import InvalidInputError, KeyongError, StorageError, TamperingError, UsageError
from sandbox.formats import IDENTITY_FILE, migrate, opened, read_identity, write_identity
from sandbox.keys import contexts, rotation
from sandbox.keys.keyring import MASTER, Keyring
from sandbox.keys.provider import create_provider
from sandbox.unlocking import Passphrase, signing_key, unlock

_STAGING: Final = ".keyong-init-"


@dataclass(frozen=True, slots=True)
class Workspace:
    """An open workspace: its places, books, keys and log."""

    directory: Path
    id: str
    database: Database
    keyring: Keyring
    log: Log
    anchor: Anchor
    manifest_key: Ed25519PrivateKey

    @property
    def vault(self) -> Path:
        """Where encrypted shards stand."""
        return self.directory / "vault"

    @property
    def run(self) -> Path:
        """Where locks, worker secrets and staging stand."""
        return self.directory / "run"

    @contextmanager
    def lock(self, name: str, *, wait: bool) -> Iterator[bool]:
        """Hold the lock *name* among all processes; yields whether it was got.

        The kernel frees it when the process ends, however it ends.
        """
        self.run.mkdir(mode=0o700, exist_ok=True)  # nothing in it outlives a process: it may be swept
        path = self.run / f"{name}.lock"
        descriptor = os.open(path, os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600)
        try:
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
            except BlockingIOError:
                yield False
            else:
                yield True
        finally:
            os.close(descriptor)

    def close(self) -> None:
        """Close the books."""
        self.database.close()


def utc_now() -> dt.datetime:
    """Return the present instant in UTC, to the microsecond."""
    return dt.datetime.now(dt.UTC)


def find(start: Path) -> Path:
    """Return the nearest directory at or above *start* that is a workspace, or raise `UsageError`."""
    for directory in (start, *start.parents):
        if (directory / IDENTITY_FILE).is_file():
            return directory
    raise UsageError("workspace.not-found", start=str(start))


def create(directory: Path, passphrase: str | None = None) -> None:
    """Make a workspace in *directory* (absent or empty), with a key file or a passphrase."""
    directory = directory.absolute()
    directory.mkdir(parents=True, exist_ok=True)
    with opened(directory) as place:
        fcntl.flock(place, fcntl.LOCK_EX)  # of two that would make a workspace here, one finds it made
        _check_empty(directory)
        directory.chmod(0o700)
        _create(directory, passphrase)


def _create(directory: Path, passphrase: str | None) -> None:
    staging = directory / f"{_STAGING}{secrets.token_hex(8)}"
    try:
        staging.mkdir(mode=0o700)
        _furnish(staging, passphrase)
        # Moved in place, the file that makes it a workspace last: a shell may stand in this directory.
        for child in sorted(staging.iterdir(), key=lambda path: path.name == IDENTITY_FILE):
            child.rename(directory / child.name)
        _sync(directory)
    finally:
        shutil.rmtree(staging, ignore_errors=True)


def _check_empty(directory: Path) -> None:
    """Refuse a directory with anything in it but what a killed `create` left."""
    if not directory.exists():
        return
    if not directory.is_dir():
        raise InvalidInputError("workspace.not-empty", directory=str(directory))
    if (directory / IDENTITY_FILE).exists():
        raise InvalidInputError("workspace.exists", directory=str(directory))
    for path in directory.iterdir():
        if not path.name.startswith(_STAGING):
            raise InvalidInputError("workspace.not-empty", directory=str(directory))
        shutil.rmtree(path, ignore_errors=True)


def _furnish(directory: Path, passphrase: str | None) -> None:
    for name in ("keyring", "vault", "run"):
        (directory / name).mkdir(mode=0o700)
    provider = create_provider(directory / "keyring", passphrase)
    (directory / "books.sqlite").touch(mode=0o600)
    keyring = Keyring(provider)
    with closing(Database(directory / "books.sqlite")) as database:
        database.create()
        with database.transaction() as connection:
            for context in (contexts.LOG_SIGNING, contexts.MANIFEST_SIGNING):
                keyring.create(connection, context, MASTER, Ed25519PrivateKey.generate().private_bytes_raw())
    write_identity(directory, utc_now().isoformat())


def check(directory: Path) -> dict[str, str]:
    """Return the identity of the workspace in *directory*; refuse other formats and open permissions."""
    identity = read_identity(directory)
    _check_private(directory)
    return identity


def open_workspace(
    directory: Path, passphrase: Passphrase | None = None, *, to_accept_a_restore: bool = False
) -> Workspace:
    """Open the workspace in *directory*; checks format, permissions and the anchor first.

    *to_accept_a_restore*: the anchor is not checked.  Only for `service.audit.restoring`.
    """
    directory = directory.absolute()
    identity = check(directory)
    database = Database(directory / "books.sqlite")
    if not database.path.is_file():
        raise InvalidInputError("workspace.no-books", directory=str(directory))
    migrate(directory, database.path)
    keyring = unlock(directory, database, passphrase)
    with database.reading() as connection:
        log_key = signing_key(keyring, connection, contexts.LOG_SIGNING)
        manifest_key = signing_key(keyring, connection, contexts.MANIFEST_SIGNING)
    log = Log(f"keyong/{identity['id']}", log_key)
    anchor = Anchor(anchor_directory(), identity["id"], log.key)
    if not to_accept_a_restore:
        # A snapshot of its own, taken after the anchor is read: others may have moved both since.
        with database.reading() as connection:
            anchor.check(connection)
    return Workspace(directory, identity["id"], database, keyring, log, anchor, manifest_key)


def _check_private(directory: Path) -> None:
    open_to_others = [
        str(path)
        for path in (directory, directory / IDENTITY_FILE, directory / "books.sqlite", directory / "keyring")
        if path.exists() and path.stat().st_mode & 0o077
    ]
    if open_to_others:
        raise InvalidInputError("workspace.open-to-others", paths=open_to_others)


def anchor_directory() -> Path:
    """Return KEYONG_ANCHORS, or the user's state directory (XDG Base Directory Specification)."""
    chosen = os.environ.get("KEYONG_ANCHORS")
    if chosen:
        return Path(chosen)
    state = os.environ.get("XDG_STATE_HOME")
    return (Path(state) if state else Path.home() / ".local" / "state") / "keyong" / "anchors"


def backup(workspace: Workspace, target: Path, note: Callable[[int], None]) -> int:
    """Copy the workspace to *target* (absent) and return the number of files.

    The books are copied last, in one snapshot, after *note* has written into them how many files there will
    be: a copy that did not hold its own leaf would be older than what was seen last, and refused.  No shard
    comes or goes meanwhile, so the copy is whole even if others work on jobs.  Keys are copied as they stand,
    wrapped; a key file is copied too, which makes the backup as precious as the workspace.
    """
    target = target.absolute()
    if target.exists():
        raise InvalidInputError("workspace.not-empty", directory=str(target))
    staging = target.with_name(f".{target.name}.{secrets.token_hex(8)}")
    staging.mkdir(mode=0o700, parents=True)
    try:
        (staging / "run").mkdir(mode=0o700)
        shutil.copy2(workspace.directory / IDENTITY_FILE, staging / IDENTITY_FILE)
        with workspace.lock("register", wait=True):  # nobody adds or removes shards meanwhile
            shutil.copytree(workspace.vault, staging / "vault")
            keys = workspace.directory / rotation.KEYRING
            count = 1 + sum(path.is_file() for folder in (staging, keys) for path in folder.rglob("*"))
            _copy_books_and_keys(workspace, staging, partial(note, count))
        staging.rename(target)
        _sync(target.parent)
    finally:
        shutil.rmtree(staging, ignore_errors=True)
    return count


def _copy_books_and_keys(workspace: Workspace, staging: Path, note: Callable[[], None]) -> None:
    with rotation.held(workspace.directory, alone=False):
        if rotation.under_way(workspace.directory):  # cut off: books and key may not belong together
            raise StorageError("key.rotated-meanwhile")
        note()
        copy_books(workspace.database.path, staging / "books.sqlite")
        shutil.copytree(workspace.directory / rotation.KEYRING, staging / rotation.KEYRING)


def restore(source: Path, target: Path) -> TamperingError | None:
    """Copy the backup *source* to *target* (absent or empty); `open_workspace` then checks the anchor.

    Returns what that check is going to say, if the copy is older than what was seen last or another one.
    """
    source, target = source.absolute(), target.absolute()
    if not (source / IDENTITY_FILE).is_file():
        raise InvalidInputError("workspace.no-backup", directory=str(source))
    identity = read_identity(source)
    _check_empty(target)
    staging = target.with_name(f".{target.name}.{secrets.token_hex(8)}")
    try:
        shutil.copytree(source, staging)
        staging.chmod(0o700)
        if target.exists():
            target.rmdir()
        staging.rename(target)
        _sync(target.parent)
    finally:
        shutil.rmtree(staging, ignore_errors=True)
    return _foretold(target, identity["id"])


def _foretold(directory: Path, workspace_id: str) -> TamperingError | None:
    try:
        with closing(Database(directory / "books.sqlite")) as database, database.reading() as connection:
            return foretell(anchor_directory(), workspace_id, connection)
    except (KeyongError, OSError):
        return None  # whoever opens it learns what is wrong


def _sync(directory: Path) -> None:
    with opened(directory) as place:
        os.fsync(place)
