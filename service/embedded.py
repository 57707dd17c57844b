"""The gatekeeper inside one process: a workspace opened, every use case delegated to its module.

`open_gatekeeper` finds and opens a workspace, recovers jobs whose process is gone, and hands out the one
object that the command line and notebooks talk to.  The executor is made when a job first needs it.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from sandbox import workspace as workspaces
from sandbox.schema import Principal, Role
from sandbox.workers.executor import Executor
from sandbox.workspace import Workspace
from service import (
    accounts,
    answers,
    catalogue,
    explaining,
    health,
    people,
    review,
    rules,
    runner,
    states,
    submission,
    tables,
    tagging,
)
from service.desk import Desk, require
from service.gatekeeper import Gatekeeper, Inspection, JobRequest, Json, NewDataset, NewTable, Progress

ExecutorFactory = Callable[[Workspace], Executor]


def open_gatekeeper(
    workspace: Path | None, *, passphrase: Callable[[], str] | None = None, executor: str = "ray"
) -> Gatekeeper:
    """Open the workspace given, that of KEYONG_WORKSPACE, or the nearest one above the current directory."""
    directory = _directory(workspace)
    return EmbeddedGatekeeper(workspaces.open_workspace(directory, passphrase), _EXECUTORS[executor])


def _directory(workspace: Path | None) -> Path:
    named = os.environ.get("KEYONG_WORKSPACE")
    return workspace or (Path(named) if named else workspaces.find(Path.cwd()))


def create_workspace(directory: Path, passphrase: str | None) -> Json:
    """Make a workspace; says where, how its master key is kept, and what losing that means."""
    workspaces.create(directory, passphrase)
    keyring = "file" if passphrase is None else "passphrase"
    return {
        "workspace": str(directory.absolute()),
        "keyring": keyring,
        "warning": f"workspace.warning-{keyring}",
    }


def restore_workspace(source: Path, target: Path) -> Json:
    """Copy a backup to a new directory and check that it is not older than what was seen last."""
    workspaces.restore(source, target)
    return {"workspace": str(target.absolute())}


def pool(action: str, workspace: Path | None) -> Json:
    """Start, stop or describe the workers that stay warm between commands."""
    from sandbox.workers import pool as pools  # noqa: PLC0415 - Ray is needed for this command only

    directory = _directory(workspace).absolute()
    workspaces.check(directory)
    run = directory / "run"
    actions: Mapping[str, Callable[[Path], Json]] = {
        "start": pools.start,
        "stop": pools.stop,
        "status": pools.status,
    }
    return actions[action](run)


def _ray(workspace: Workspace) -> Executor:
    from sandbox.workers.ray_executor import RayExecutor  # noqa: PLC0415 - costs seconds; most commands need none

    return RayExecutor(workspace.run)


def _serial(workspace: Workspace) -> Executor:
    from sandbox.workers.serial import SerialExecutor  # noqa: PLC0415 - tests only

    return SerialExecutor(workspace.run)


_EXECUTORS: Mapping[str, ExecutorFactory] = {"ray": _ray, "serial": _serial}


class EmbeddedGatekeeper:
    """`service.gatekeeper.Gatekeeper` over an open workspace; docstrings stand in the protocol."""

    def __init__(self, workspace: Workspace, executors: ExecutorFactory) -> None:
        self._desk = Desk(workspace)
        self._executors = executors
        self._executor: Executor | None = None
        states.recover(self._desk)

    # --- people -----------------------------------------------------------------------------------

    def identity_new(self, name: str, roles: Sequence[str], groups: Sequence[str]) -> Json:
        """See the protocol."""
        return people.add(self._desk, name, roles, groups)

    def identity_list(self) -> Json:
        """See the protocol."""
        return people.listing(self._desk)

    def principal(self, name: str) -> Principal:
        """See the protocol."""
        return people.find(self._desk, name)

    # --- datasets ---------------------------------------------------------------------------------

    def dataset_preview(self, by: Principal, new: NewDataset) -> Json:
        """See the protocol."""
        from service import registration  # noqa: PLC0415 - brings Arrow, 0.3 s

        return registration.preview(self._desk, by, new)

    def dataset_inspect(self, by: Principal, new: NewTable, wanted: Inspection) -> Json:
        """See the protocol."""
        from service import inspection  # noqa: PLC0415 - brings Arrow, 0.3 s

        return inspection.inspect(by, new, wanted)

    def dataset_add(self, by: Principal, new: NewDataset, progress: Progress | None = None) -> Json:
        """See the protocol."""
        from service import registration  # noqa: PLC0415 - brings Arrow, 0.3 s

        return registration.add(self._desk, by, new, progress)

    def table_preview(self, by: Principal, new: NewTable) -> Json:
        """See the protocol."""
        from service import publishing  # noqa: PLC0415 - brings Arrow, 0.3 s

        return publishing.preview(self._desk, by, new)

    def table_add(self, by: Principal, new: NewTable, progress: Progress | None = None) -> Json:
        """See the protocol."""
        from service import publishing  # noqa: PLC0415 - brings Arrow, 0.3 s

        return publishing.add(self._desk, by, new, progress)

    def dataset_list(self, by: Principal) -> Json:
        """See the protocol."""
        return catalogue.listing(self._desk, by) | {"public_tables": tables.listing(self._desk)}

    def dataset_show(self, by: Principal, name: str) -> Json:
        """See the protocol."""
        return tables.show(self._desk, name) or catalogue.show(self._desk, by, name)

    def dataset_classify(self, by: Principal, name: str) -> Json:
        """See the protocol."""
        return catalogue.classify(self._desk, by, name)

    def dataset_tag(
        self, by: Principal, name: str, tags: Mapping[str, str | None], reason: str, above: str | None = None
    ) -> Json:
        """See the protocol."""
        return tagging.tag(self._desk, by, name, tags, reason=reason, above=above)

    # --- policies ---------------------------------------------------------------------------------

    def policy_validate(self, by: Principal, path: Path) -> Json:
        """See the protocol."""
        return rules.validate(self._desk, by, path)

    def policy_apply(self, by: Principal, path: Path) -> Json:
        """See the protocol."""
        return rules.apply(self._desk, by, path)

    def policy_show(self, by: Principal, dataset: str) -> Json:
        """See the protocol."""
        return rules.show(self._desk, by, dataset)

    # --- jobs -------------------------------------------------------------------------------------

    def job_explain(self, by: Principal, request: JobRequest) -> Json:
        """See the protocol."""
        return explaining.explain(self._desk, by, request)

    def job_submit(self, by: Principal, request: JobRequest, idempotency_key: str | None = None) -> Json:
        """See the protocol."""
        return submission.submit(self._desk, by, request, idempotency_key)

    def job_run(self, by: Principal, job: str, progress: Progress | None = None) -> Json:
        """See the protocol."""
        heard = None if progress is None else lambda done, total: progress("shards", done, total)
        runner.run(self._desk, by, job, self._running, heard)
        return answers.result(self._desk, by, job)

    def job_result(self, by: Principal, job: str) -> Json:
        """See the protocol."""
        return answers.result(self._desk, by, job)

    def job_status(self, by: Principal, job: str) -> Json:
        """See the protocol."""
        return answers.status(self._desk, by, job)

    def job_list(self, by: Principal) -> Json:
        """See the protocol."""
        return answers.listing(self._desk, by)

    def job_cancel(self, by: Principal, job: str) -> Json:
        """See the protocol."""
        states.cancel(self._desk, by, job)
        return answers.status(self._desk, by, job)

    # --- budget and log ---------------------------------------------------------------------------

    def budget_show(self, by: Principal, dataset: str) -> Json:
        """See the protocol."""
        return accounts.show(self._desk, by, dataset)

    def audit_list(self, by: Principal, first: int = 0, limit: int = 1000) -> Json:
        """See the protocol."""
        return review.listing(self._desk, by, first, limit)

    def audit_show(self, by: Principal, leaf: int) -> Json:
        """See the protocol."""
        return review.show(self._desk, by, leaf)

    def audit_verify(self, by: Principal, kept: Sequence[str] = (), progress: Progress | None = None) -> Json:
        """See the protocol."""
        return review.verify(self._desk, by, kept, progress)

    def audit_checkpoint(self, by: Principal) -> Json:
        """See the protocol."""
        return review.checkpoint(self._desk, by)

    # --- keeping ----------------------------------------------------------------------------------

    def backup(self, by: Principal, target: Path) -> Json:
        """See the protocol."""
        require(by, Role.OWNER, Role.OPERATOR)
        count = workspaces.backup(self._desk.workspace, target)
        with self._desk.writing() as entry:
            entry.log("backup", by.name, files=count)
        return {"target": str(target.absolute()), "files": count}

    def doctor(self) -> Json:
        """See the protocol."""
        return health.doctor(self._desk)

    def close(self) -> None:
        """See the protocol."""
        if self._executor is not None:
            self._executor.close()
            self._executor = None
        self._desk.workspace.close()

    def _running(self) -> Executor:
        """The executor, made at the first need."""
        if self._executor is None:
            self._executor = self._executors(self._desk.workspace)
        return self._executor
