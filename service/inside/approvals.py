"""Approvals: jobs that wait for somebody's yes, shown, approved and rejected."""

from __future__ import annotations

from sandbox.schema import Principal
from service.approvals import approving as approvals
from service.approvals import showing
from service.asked import Json
from service.inside.room import Room


class ApprovalRoom(Room):
    """`service.gates.approvals` over an open workspace."""

    def job_pending(self, by: Principal) -> Json:
        """See the gate."""
        return showing.pending(self._desk, by)

    def job_show(self, by: Principal, job: str) -> Json:
        """See the gate."""
        return showing.show(self._desk, by, job)

    def job_approve(self, by: Principal, job: str, reason: str = "") -> Json:
        """See the gate."""
        return approvals.approve(self._desk, by, job, reason)

    def job_reject(self, by: Principal, job: str, reason: str) -> Json:
        """See the gate."""
        return approvals.reject(self._desk, by, job, reason)
