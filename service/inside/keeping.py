"""Keeping a workspace: backup, health, and the end."""

from __future__ import annotations

from pathlib import Path

from sandbox import workspace as workspaces
from sandbox.keys.provider import MASTER_FILE
from sandbox.schema import Principal, Role
from service.asked import Json, Progress
from service.desk import require
from service.inside.room import Room
from service.keeping import health, removing, rotating


class KeepingRoom(Room):
    """`service.gates.keeping` over an open workspace."""

    def backup(self, by: Principal, target: Path) -> Json:
        """See the gate."""
        require(by, Role.OWNER, Role.OPERATOR)

        def note(files: int) -> None:
            with self._desk.writing() as entry:
                entry.log("backup", by.name, files=files)

        count = workspaces.backup(self._desk.workspace, target, note)
        key_file = (target / "keyring" / MASTER_FILE).exists()
        return {"target": str(target.absolute()), "files": count, "key_file": key_file}

    def dataset_rotate(self, by: Principal, name: str) -> Json:
        """See the gate."""
        return rotating.rotate_dataset(self._desk, by, name)

    def dataset_compact(self, by: Principal, name: str, progress: Progress | None = None) -> Json:
        """See the gate."""
        from service.keeping import compacting  # noqa: PLC0415 - brings Arrow, 0.3 s

        return compacting.compact(self._desk, by, name, self._running, progress)

    def dataset_remove(self, by: Principal, name: str) -> Json:
        """See the gate."""
        return removing.remove(self._desk, by, name)

    def key_rotate(self, by: Principal, passphrase: str | None = None, key_file: bool = False) -> Json:
        """See the gate."""
        return rotating.rotate_master(self._desk, by, passphrase, key_file)

    def doctor(self) -> Json:
        """See the gate."""
        return health.doctor(self._desk)

    def close(self) -> None:
        """See the gate."""
        if self._executor is not None:
            self._executor.close()
            self._executor = None
        self._desk.workspace.close()
