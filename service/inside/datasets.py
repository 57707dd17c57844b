"""Datasets and public tables: registered, described, tagged."""

from __future__ import annotations

from pathlib import Path

from sandbox.schema import Principal, Role
from service.asked import Decisions, Inspection, Json, Mock, NewDataset, NewTable, Progress, UnitList
from service.datasets import catalogue, describing, entries, tagging
from service.desk import require
from service.inside.room import Room


class DatasetRoom(Room):
    """`service.gates.datasets` over an open workspace."""

    def dataset_preview(self, by: Principal, new: NewDataset) -> Json:
        """See the gate."""
        from service.datasets import registration  # noqa: PLC0415 - brings Arrow, 0.3 s

        return registration.preview(self._desk, by, new)

    def dataset_inspect(
        self, by: Principal, new: NewTable, wanted: Inspection, progress: Progress | None = None
    ) -> Json:
        """See the gate."""
        from service.datasets import inspection  # noqa: PLC0415 - brings Arrow, 0.3 s

        require(by, Role.OWNER)
        return inspection.inspect(new, wanted, progress)

    def dataset_add(self, by: Principal, new: NewDataset, progress: Progress | None = None) -> Json:
        """See the gate."""
        from service.datasets import registration  # noqa: PLC0415 - brings Arrow, 0.3 s

        return registration.add(self._desk, by, new, progress)

    def dataset_withdraw(self, by: Principal, name: str, units: UnitList) -> Json:
        """See the gate."""
        from service.datasets import withdrawing  # noqa: PLC0415 - brings Arrow, 0.3 s

        return withdrawing.withdraw(self._desk, by, name, units)

    def table_preview(self, by: Principal, new: NewTable) -> Json:
        """See the gate."""
        from service.datasets import publishing  # noqa: PLC0415 - brings Arrow, 0.3 s

        return publishing.preview(self._desk, by, new)

    def table_add(self, by: Principal, new: NewTable, progress: Progress | None = None) -> Json:
        """See the gate."""
        from service.datasets import publishing  # noqa: PLC0415 - brings Arrow, 0.3 s

        return publishing.add(self._desk, by, new, progress)

    def dataset_list(self, by: Principal, search: str | None = None) -> Json:
        """See the gate."""
        return entries.listing(self._desk, by, search)

    def dataset_show(self, by: Principal, name: str) -> Json:
        """See the gate."""
        return entries.show(self._desk, by, name)

    def dataset_describe(self, by: Principal, name: str, text: str) -> Json:
        """See the gate."""
        return describing.describe(self._desk, by, name, text)

    def dataset_mock(
        self, by: Principal, name: str, path: Path, wanted: Mock, progress: Progress | None = None
    ) -> Json:
        """See the gate."""
        from service.datasets import mocking  # noqa: PLC0415 - brings Arrow, 0.3 s

        return mocking.mock(self._desk, by, name, path, wanted, progress)

    def dataset_classify(self, by: Principal, name: str) -> Json:
        """See the gate."""
        return catalogue.classify(self._desk, by, name)

    def dataset_tag(self, by: Principal, name: str, said: Decisions) -> Json:
        """See the gate."""
        return tagging.tag(self._desk, by, name, said)
