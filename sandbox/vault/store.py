"""Where ciphertext lies: a directory now, an object store later, behind one protocol.

A version of a dataset appears whole or not at all.  Its files are written into a *staging* directory that
nobody reads, and one atomic rename publishes it.  A staging directory is held by a lock that the
operating system drops when its process dies, however it dies; `sweep` removes those nobody holds.
"""

from __future__ import annotations

import fcntl
import os
import re
import secrets
import shutil
from collections.abc import Collection
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from sandbox.errors import TamperingError

_STAGING = "staging-"
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,200}")


@dataclass(frozen=True, slots=True)
class Staging:
    """A place to write a version's files in, until it is published or discarded."""

    path: Path
    lock: ExitStack


class Store(Protocol):
    """Keeps versions by name; every implementation passes tests/contract/test_store.py."""

    def stage(self) -> Staging:
        """Return a new place that only its creator sees."""

    def publish(self, staging: Staging, name: str) -> None:
        """Make everything staged durable and visible as *name* (unused so far), in one step."""

    def discard(self, staging: Staging) -> None:
        """Remove a staging place and all in it."""

    def file(self, name: str, file: str) -> Path:
        """Return the path of one file of a version."""

    def remove(self, name: str) -> None:
        """Remove a version; it is gone at once, its space soon."""

    def sweep(self, known: Collection[str]) -> None:
        """Remove what interrupted work has left: dead staging places, and versions not in *known*."""


class DirectoryStore:
    """A `Store` in a directory of one machine, 0700, files 0600."""

    def __init__(self, root: Path) -> None:
        self._root = root
        root.mkdir(mode=0o700, parents=True, exist_ok=True)

    def stage(self) -> Staging:
        """Return a new staging directory, locked by this process."""
        path = self._root / f"{_STAGING}{secrets.token_hex(8)}"
        with _locked(self._root):  # no sweep sees the directory before it is held
            path.mkdir(mode=0o700)
            return Staging(path, _locked(path))

    def publish(self, staging: Staging, name: str) -> None:
        """Sync every file and directory, then rename; the name must be new."""
        target = self._path(name)
        for file in staging.path.iterdir():
            _sync(file)
        _sync(staging.path)
        if target.exists():
            raise TamperingError("vault.version-exists", version=name)
        staging.path.rename(target)
        _sync(self._root)
        staging.lock.close()

    def discard(self, staging: Staging) -> None:
        """Remove a staging directory, also one that is half gone already."""
        shutil.rmtree(staging.path, ignore_errors=True)
        staging.lock.close()

    def file(self, name: str, file: str) -> Path:
        """Return the path of one file of a version."""
        return self._path(name) / _plain(file)

    def remove(self, name: str) -> None:
        """Rename the version away, then delete it."""
        grave = self._root / f"{_STAGING}{secrets.token_hex(8)}"
        self._path(name).rename(grave)
        shutil.rmtree(grave)

    def sweep(self, known: Collection[str]) -> None:
        """Remove dead staging directories and unknown versions.

        To be called while holding the writers' lock of the books: a version is published inside the
        transaction that makes it known, so what is unknown under that lock belongs to nobody.
        """
        with _locked(self._root):
            for path in list(self._root.iterdir()):
                staged = path.name.startswith(_STAGING)
                if (staged and not _held(path)) or (not staged and path.name not in known):
                    shutil.rmtree(path, ignore_errors=True)

    def _path(self, name: str) -> Path:
        return self._root / _plain(name)


def _plain(name: str) -> str:
    """Refuse a name that could lead out of the store or into a staging place."""
    if not _NAME.fullmatch(name) or name.startswith(_STAGING):
        raise TamperingError("vault.bad-stored-name")
    return name


def _locked(directory: Path, flags: int = fcntl.LOCK_EX) -> ExitStack:
    """Lock *directory* until the returned stack is closed, or this process ends."""
    stack = ExitStack()
    handle = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
    stack.callback(os.close, handle)
    try:
        fcntl.flock(handle, flags)
    except BaseException:
        stack.close()
        raise
    return stack


def _held(path: Path) -> bool:
    """Whether a living process holds the staging directory."""
    try:
        _locked(path, fcntl.LOCK_EX | fcntl.LOCK_NB).close()
    except BlockingIOError:
        return True
    except FileNotFoundError:
        return False
    return False


def _sync(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
