"""Budget and log: what is spent, what happened, and the proof of it."""

from __future__ import annotations

from collections.abc import Sequence

from sandbox.schema import Principal
from service import accounts, review
from service.asked import Json, Progress
from service.inside.room import Room


class AuditRoom(Room):
    """`service.gates.audit` over an open workspace."""

    def budget_show(self, by: Principal, dataset: str) -> Json:
        """See the gate."""
        return accounts.show(self._desk, by, dataset)

    def audit_list(self, by: Principal, first: int = 0, limit: int = 1000) -> Json:
        """See the gate."""
        return review.listing(self._desk, by, first, limit)

    def audit_show(self, by: Principal, leaf: int) -> Json:
        """See the gate."""
        return review.show(self._desk, by, leaf)

    def audit_verify(self, by: Principal, kept: Sequence[str] = (), progress: Progress | None = None) -> Json:
        """See the gate."""
        return review.verify(self._desk, by, kept, progress)

    def audit_checkpoint(self, by: Principal) -> Json:
        """See the gate."""
        return review.checkpoint(self._desk, by)
