"""The gatekeeper inside one process: a workspace opened, every use case delegated to its module.

`open_gatekeeper` finds and opens a workspace, recovers jobs whose process is gone, and hands out the one
object that the command line and notebooks talk to.  The executor is made when a job first needs it.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from pathlib import Path

from sandbox import workspace as workspaces
from sandbox.workers.executor import Executor
from sandbox.workspace import Workspace
from service.asked import Inspection, Json, NewTable, Progress
from service.audit import restoring
from service.desk import Desk
from service.gatekeeper import Gatekeeper
from service.inside.approvals import ApprovalRoom
from service.inside.audit import AuditRoom
from service.inside.datasets import DatasetRoom
from service.inside.jobs import JobRoom
from service.inside.keeping import KeepingRoom
from service.inside.people import PeopleRoom
from service.inside.policies import PolicyRoom
from service.inside.room import ExecutorFactory
from service.inside.templates import TemplateRoom


def open_gatekeeper(
    workspace: Path | None, *, passphrase: Callable[[], str] | None = None, executor: str = "ray"
) -> Gatekeeper:
    """Open the workspace given, that of KEYONG_WORKSPACE, or the nearest one above the current directory."""
    directory = workspace_directory(workspace)
    return EmbeddedGatekeeper(workspaces.open_workspace(directory, passphrase), _EXECUTORS[executor])


def workspace_directory(workspace: Path | None) -> Path:
    """Return the workspace given, that of KEYONG_WORKSPACE, or the nearest one above here."""
    named = os.environ.get("KEYONG_WORKSPACE")
    return workspace or (Path(named) if named else workspaces.find(Path.cwd()))


def inspect_file(new: NewTable, wanted: Inspection, progress: Progress | None = None) -> Json:
    """Look at a file where there is no workspace yet: as `dataset_inspect`, but nobody's roles are known."""
    from service.datasets import inspection  # noqa: PLC0415 - brings Arrow, 0.3 s

    return inspection.inspect(new, wanted, progress)


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
    """Copy a backup to a new directory; say whether it will be refused until a reviewer accepts it.

    ``{"workspace", "refused": {"code": "log.rolled-back"|"log.forked", "facts"}|null}``.
    """
    refused = workspaces.restore(source, target)
    told = None if refused is None else {"code": refused.code, "facts": refused.facts}
    return {"workspace": str(target.absolute()), "refused": told}


def accept_restore(
    workspace: Path | None, name: str | None, reason: str, *, passphrase: Callable[[], str] | None = None
) -> Json:
    """Let a reviewer accept books that are older than, or fork from, what was seen last (ADR 30).

    ``{"leaf", "how", "found", "lost", "jobs", "charged": [{"lineage", "dataset", "loss"}]}``.
    """
    opened = workspaces.open_workspace(workspace_directory(workspace), passphrase, to_accept_a_restore=True)
    try:
        return restoring.accept(Desk(opened), name, reason)
    finally:
        opened.close()


def pool(action: str, workspace: Path | None) -> Json:
    """Start, stop or describe the workers that stay warm between commands."""
    from sandbox.workers import pool as pools  # noqa: PLC0415 - Ray is needed for this command only

    directory = workspace_directory(workspace).absolute()
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


class EmbeddedGatekeeper(
    PeopleRoom, DatasetRoom, PolicyRoom, JobRoom, TemplateRoom, ApprovalRoom, AuditRoom, KeepingRoom
):
    """`service.gatekeeper.Gatekeeper` over an open workspace."""
