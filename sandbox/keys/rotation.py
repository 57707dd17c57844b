"""A new master key: the only change of a workspace that needs a file and the books to change together.

The books change in one transaction, files by renames, and nothing joins the two; so the order is the law:

1. the new key stands whole in ``keyring.next`` before the books know of it;
2. one transaction wraps every key of the books by it;
3. ``keyring`` becomes ``keyring.old``, ``keyring.next`` becomes ``keyring``, the old one is overwritten.

Whoever dies in between leaves a draft, ``keyring.next`` or ``keyring.old`` behind, and whoever opens the
workspace next settles it: the key that opens the books stays, the other goes.  No key is destroyed before
the one that stays has opened the books.  Rotation holds the lock of `held` alone, opening shares it.
"""

from __future__ import annotations

import fcntl
import os
import secrets
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from sandbox.errors import InvalidInputError, StorageError, TamperingError
from sandbox.keys.files import sync_directory
from sandbox.keys.provider import SEALED_FILE, KeyProvider, create_provider, open_provider

KEYRING: Final = "keyring"
_NEXT, _OLD = "keyring.next", "keyring.old"
_DRAFT: Final = ".keyring-"

Opens = Callable[[KeyProvider], bool]
"""Whether a master key opens the books."""


@contextmanager
def held(directory: Path, *, alone: bool) -> Iterator[None]:
    """Hold the lock of the workspace's key files, among all processes.

    Raises `StorageError` where its file cannot be written: the disk is full or mounted read-only.
    """
    path = directory / "run" / "keyring.lock"
    try:
        path.parent.mkdir(mode=0o700, exist_ok=True)
        descriptor = os.open(path, os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600)
    except OSError:
        raise StorageError("books.not-writable", path=str(path)) from None
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX if alone else fcntl.LOCK_SH)
        yield
    finally:
        os.close(descriptor)


def sealed(directory: Path) -> bool:
    """Whether the master key, or one that is to take its place, is behind a passphrase."""
    return any((directory / name / SEALED_FILE).exists() for name in (KEYRING, _NEXT))


def under_way(directory: Path) -> bool:
    """Whether a rotation has begun, be it only a draft, and not ended; only told for sure while `held`."""
    return any((directory / name).exists() for name in (_NEXT, _OLD)) or any(_drafts(directory))


def begin(directory: Path, passphrase: str | None) -> KeyProvider:
    """Make the new master key beside the old one (step 1); return it."""
    _wipe(directory / _NEXT)
    draft = directory / f"{_DRAFT}{secrets.token_hex(8)}"
    draft.mkdir(mode=0o700)
    try:
        provider = create_provider(draft, passphrase)
        draft.rename(directory / _NEXT)
    except BaseException:
        _wipe(draft)
        raise
    sync_directory(directory)
    return provider


def end(directory: Path, *, changed: bool) -> None:
    """Let the new key take the old one's place (step 3) if the books have *changed* to it; else drop it."""
    keyring, following, old = (directory / name for name in (KEYRING, _NEXT, _OLD))
    if changed and following.exists():
        if keyring.exists():
            _wipe(old)
            keyring.rename(old)
        following.rename(keyring)
        sync_directory(directory)
    for place in (following, old, *_drafts(directory)):
        _wipe(place)


def settle(directory: Path, passphrase: Callable[[], str] | None, opens: Opens) -> KeyProvider:
    """End a rotation that was cut off, whichever way the books went, and return the key that opens them.

    Raises `InvalidInputError` for a passphrase that is neither key's, or the wrong one's;
    `TamperingError` if no key opens the books.  Nothing is destroyed then.
    """
    refusals: list[InvalidInputError] = []
    for name in (KEYRING, _NEXT):
        if not (directory / name).exists():
            continue
        try:
            provider = open_provider(directory / name, passphrase)
        except InvalidInputError as error:
            refusals.append(error)
            continue
        if opens(provider):
            end(directory, changed=name == _NEXT)
            return provider
    if len(refusals) == 1 and (directory / _NEXT).exists():
        raise InvalidInputError("key.rotation-cut-off", path=str(directory / KEYRING))
    for refusal in refusals:
        raise refusal
    raise TamperingError("key.unwrap-failed", context=KEYRING)


def _drafts(directory: Path) -> Iterator[Path]:
    return directory.glob(f"{_DRAFT}*")


def _wipe(place: Path) -> None:
    """Overwrite the files in *place* and remove it; what a file system or a disk keeps beside is theirs."""
    if not place.is_dir():
        return
    for path in place.iterdir():
        with path.open("r+b") as file:
            file.write(bytes(path.stat().st_size))
            file.flush()
            os.fsync(file.fileno())
    shutil.rmtree(place)
