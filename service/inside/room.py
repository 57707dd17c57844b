"""What every part of the embedded gatekeeper stands in: the open workspace and its executor."""

from __future__ import annotations

from collections.abc import Callable

from sandbox.workers.executor import Executor
from sandbox.workspace import Workspace
from service.desk import Desk
from service.jobs import states
from service.keeping import cleaning, retention

ExecutorFactory = Callable[[Workspace], Executor]


class Room:
    """An open workspace; as it opens, dead jobs are recovered, old results purged, and cleanings ended."""

    def __init__(self, workspace: Workspace, executors: ExecutorFactory) -> None:
        self._desk = Desk(workspace)
        self._executors = executors
        self._executor: Executor | None = None
        states.recover(self._desk)
        retention.sweep(self._desk)
        cleaning.resume(self._desk)

    def _running(self) -> Executor:
        """The executor, made at the first need."""
        if self._executor is None:
            self._executor = self._executors(self._desk.workspace)
        return self._executor
