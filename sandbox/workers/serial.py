"""The serial executor: the same workers and the same seals in one process, one call after the other.

For tests only: it isolates nothing, since the driver's memory is the workers' memory.
"""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path
from typing import Any

from sandbox.workers.dispatch import Pending, RoundExecutor, WorkerLostError, enrolment_path
from sandbox.workers.entries import ENTRIES, Entries
from sandbox.workers.worker import Worker


class _Outcome:
    """A reply that is there already, or none if the worker was lost."""

    def __init__(self, reply: bytes | None) -> None:
        self.reply = reply


class SerialExecutor(RoundExecutor):
    """Runs rounds in this process; tests override `_call` to lose workers and to listen."""

    def __init__(self, run_directory: Path, *, workers: int = 2, entries: Entries = ENTRIES) -> None:
        super().__init__(enrolment_path(run_directory))
        self._count = workers
        self._entries = entries

    def close(self) -> None:
        """Forget every worker."""
        self._seats.clear()

    def _workers(self) -> int:
        return self._count

    def _hire(self, position: str) -> Worker:
        return Worker(str(self._enrolment), self._entries)

    def _dismiss(self, handle: Any) -> None:
        """A worker of this process ends when nobody holds it."""

    def _call(self, handle: Any, method: str, *arguments: bytes) -> Pending:
        if method == "prepare":
            return _Outcome(b"")  # a call at work imports what it needs
        try:
            return _Outcome(getattr(handle, method)(*arguments))
        except WorkerLostError:
            return _Outcome(None)

    def _next(self, pending: Collection[Pending]) -> Pending:
        return next(iter(pending))

    def _reply(self, pending: Pending, patience: float | None = None) -> bytes:
        assert isinstance(pending, _Outcome)
        if pending.reply is None:
            raise WorkerLostError
        return pending.reply
