"""What a shard on disk is, before anybody opens it: its name, size, digest, the columns and keys it has.

No Arrow here: most commands read manifests and never a row.

The file's digest is checked against the manifest before a process reads it first, and again when the file
changes: authentication per module does not notice a few bits of Parquet's own framing.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from sandbox.errors import TamperingError
from sandbox.schema import ORDINAL, UNIT_TAG, Field

FOOTER = "__footer"
"""The name under which a shard's footer key is kept beside its column keys."""

_seen: dict[tuple[str, int, int, int], str] = {}


@dataclass(frozen=True, slots=True)
class ShardFile:
    """A shard on disk as the manifest knows it: *size* in bytes, *label* of its keys."""

    name: str
    size: int
    sha256: str
    label: str


@dataclass(frozen=True, slots=True)
class WrittenShard:
    """A shard just written, and the raw keys (FOOTER and every stored column) that open it."""

    file: ShardFile
    keys: Mapping[str, bytes]


def stored_columns(fields: tuple[Field, ...]) -> tuple[str, ...]:
    """Return the names of a shard's columns in file order: the fields', ORDINAL, UNIT_TAG."""
    return (*(field.name for field in fields), ORDINAL, UNIT_TAG)


def tags_by_shard(tags: Sequence[str], shards: int) -> list[tuple[str, ...]]:
    """Return for each of *shards* (a power of two) those of *tags* (hexadecimal) whose units lie in it.

    A unit's shard is the leading bits of its tag.
    """
    found: list[list[str]] = [[] for _ in range(shards)]
    for tag in tags:
        found[int(tag[:4], 16) * shards >> 16].append(tag)
    return [tuple(part) for part in found]


def check_file(path: Path, file: ShardFile) -> None:
    """Raise `TamperingError` unless *path* has the size and SHA-256 of *file*.

    The digest is computed once per state of the file (inode, size, time of change) and process.
    """
    try:
        found = path.stat()
        state = (str(path), found.st_ino, found.st_size, found.st_mtime_ns)
        if found.st_size != file.size:
            raise TamperingError("vault.changed-shard", file=file.name)
        if state not in _seen:
            _seen[state] = sha256(path)
    except OSError:
        raise TamperingError("vault.missing-shard", file=file.name) from None
    if _seen[state] != file.sha256:
        raise TamperingError("vault.changed-shard", file=file.name)


def sha256(path: Path) -> str:
    """Return the SHA-256 of the file *path* in hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
