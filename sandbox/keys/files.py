"""Files that only their owner may read.

Law: such a file has mode 0600 from its first byte, and file and directory are on the disk before anybody is
told that it exists.  It is read only while nobody else could have read it.
"""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

from sandbox.errors import InvalidInputError


def create_private(path: Path, data: bytes) -> None:
    """Write *data* to a new file; raise `InvalidInputError` if *path* is already there.

    The directory must exist.  A write that fails leaves no file.
    """
    try:
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        raise InvalidInputError("key.exists", path=str(path)) from None
    try:
        _write(handle, data)
    except BaseException:
        path.unlink()
        raise
    sync_directory(path.parent)


def replace_private(path: Path, data: bytes) -> None:
    """Write *data* to *path* so that every reader sees the old file or the new one, whole."""
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    temporary = Path(name)
    try:
        _write(handle, data)
        temporary.replace(path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
    sync_directory(path.parent)


def read_private(path: Path) -> bytes:
    """Return the content; raise `InvalidInputError` if group or others have any right to the file.

    A missing file is a `FileNotFoundError`: only the caller knows what it means.
    """
    with path.open("rb") as stream:
        # The open file, not the path, is asked: between two looks a path may change.
        mode = os.fstat(stream.fileno()).st_mode & 0o777
        if mode & 0o077:
            raise InvalidInputError("key.open-to-others", path=str(path), mode=f"{mode:04o}")
        return stream.read()


def sync_directory(directory: Path) -> None:
    """Have the names in *directory* on the disk before going on."""
    handle = os.open(directory, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _write(handle: int, data: bytes) -> None:
    with os.fdopen(handle, "wb") as stream:
        stream.write(data)
        stream.flush()
        os.fsync(stream.fileno())
