"""A watcher that reads every file while something is going on, and looks for a canary."""

from __future__ import annotations

import base64
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path


def encodings(canary: str) -> list[bytes]:
    """The ways a text may stand in a file."""
    return [
        canary.encode(),
        canary.encode("utf-16-le"),
        canary.encode().hex().encode(),
        base64.b64encode(canary.encode()),
    ]


def places(place: Path, shared: tuple[Path, ...], began: float) -> Iterator[Path]:
    """Every file of the test's own place, and of what appeared in shared places since it *began*."""
    yield from place.rglob("*")
    for root in shared:
        for entry in root.iterdir():
            with suppress(OSError):
                if entry.lstat().st_ctime >= began and not entry.name.startswith("pytest-"):
                    yield entry
                    yield from entry.rglob("*")


def seen_in(path: Path, marks: list[bytes]) -> bool:
    """Whether a file holds one of *marks*."""
    try:
        content = path.read_bytes() if path.is_file() else b""
    except OSError:
        return False
    return any(mark in content for mark in marks)


class Watcher:
    """Looks everywhere until it is told to stop; remembers where it saw a canary."""

    def __init__(self, canary: str, place: Path, *sources: Path, shared: tuple[Path, ...] = ()) -> None:
        self.found: set[str] = set()
        self.rounds = 0
        self._where = (place, shared, time.time())
        self._marks = encodings(canary)
        self._sources = sources
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)

    def _watch(self) -> None:
        while not self._stop.wait(0.02):
            with suppress(OSError):  # a directory that went away while it was listed
                for path in places(*self._where):
                    if path not in self._sources and seen_in(path, self._marks):
                        self.found.add(str(path))
            self.rounds += 1

    def __enter__(self) -> Watcher:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()
