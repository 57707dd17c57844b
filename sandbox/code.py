"""Which code is running: its version and the digest of its sources, for leaves that must say so.

The digest is over every Python and YAML file of the house, name and content, in the order of the names.  It
is computed once a process (about 30 ms), and only by commands that decide or release something.
"""

from __future__ import annotations

import hashlib
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Final

_HOUSE: Final = ("sandbox", "policies", "classifiers", "jobs", "service", "cli")
_SUFFIXES: Final = frozenset({".py", ".yaml"})


@cache
def running() -> dict[str, str]:
    """Return ``{"version", "sources"}``: the installed version and a SHA-256 in hexadecimal."""
    try:
        installed = version("keyong")
    except PackageNotFoundError:
        installed = "0"
    return {"version": installed, "sources": digest_of(Path(__file__).resolve().parent.parent)}


def digest_of(root: Path) -> str:
    """Return the digest of the house that stands in *root*."""
    found = hashlib.sha256()
    for name in _HOUSE:
        for path in sorted((root / name).rglob("*")):
            if path.suffix in _SUFFIXES and path.is_file():
                content = path.read_bytes()
                found.update(f"{path.relative_to(root).as_posix()}\n{len(content)}\n".encode() + content)
    return found.hexdigest()
