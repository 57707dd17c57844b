"""Progress on standard error: only when a terminal watches, and only after a second."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskID, TextColumn, TimeElapsedColumn

from cli.session import Session, say
from service.asked import Progress as Report

PATIENCE_SECONDS = 1.0
"""How long something may take before we talk about it."""

_PHASES = {
    "read": "cli.phase-read",
    "write": "cli.phase-write",
    "shards": "cli.phase-shards",
    "verify": "cli.phase-verify",
    "books": "cli.phase-books",
}


class _Bar:
    def __init__(self, progress: Progress) -> None:
        self._progress = progress
        self._began = time.monotonic()
        self._tasks: dict[str, TaskID] = {}

    def __call__(self, phase: str, done: int, total: int) -> None:
        if time.monotonic() - self._began < PATIENCE_SECONDS:
            return
        if phase not in self._tasks:
            self._progress.start()
            self._tasks[phase] = self._progress.add_task(say(_PHASES[phase]))
        self._progress.update(self._tasks[phase], completed=done, total=total or None)


@contextmanager
def watching(session: Session) -> Iterator[Report | None]:
    """Yield what a gatekeeper may report progress to, or None when nobody watches."""
    if session.quiet or not sys.stderr.isatty():
        yield None
        return
    columns = (TextColumn("{task.description}", markup=False), BarColumn(), TimeElapsedColumn())
    progress = Progress(*columns, console=Console(stderr=True), transient=True)
    try:
        yield _Bar(progress)
    finally:
        progress.stop()
