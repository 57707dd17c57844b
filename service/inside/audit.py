"""Budget and log: what is spent, what happened, and the proof of it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from sandbox.errors import UsageError
from sandbox.schema import Principal
from service.asked import Json, Leaves, NewLimit, Progress
from service.audit import account, accounts, evidence, limiting, review, watch
from service.audit import month as month_of
from service.inside.room import Room


class AuditRoom(Room):
    """`service.gates.audit` over an open workspace."""

    def budget_show(self, by: Principal, dataset: str) -> Json:
        """See the gate."""
        return accounts.show(self._desk, by, dataset)

    def budget_limit(self, by: Principal, namespace: str, wanted: NewLimit) -> Json:
        """See the gate."""
        return limiting.set_limit(self._desk, by, namespace, wanted)

    def audit_list(
        self, by: Principal, first: int = 0, limit: int = 1000, only: Leaves | None = None
    ) -> Json:
        """See the gate."""
        return review.listing(self._desk, by, first, limit, only or Leaves())

    def audit_show(self, by: Principal, leaf: int) -> Json:
        """See the gate."""
        return review.prove(self._desk, by, leaf)

    def audit_account(self, by: Principal, job: str) -> Json:
        """See the gate."""
        return account.show(self._desk, by, job)

    def audit_prove(
        self, by: Principal, *, leaf: int | None = None, job: str | None = None, since: str | None = None
    ) -> Json:
        """See the gate."""
        if [leaf, job, since].count(None) != 2:
            raise UsageError("audit.prove-one")
        if leaf is not None:
            return review.prove(self._desk, by, leaf)
        if job is not None:
            return review.prove_job(self._desk, by, job)
        return review.prove_since(self._desk, by, str(since))

    def audit_verify(self, by: Principal, kept: Sequence[str] = (), progress: Progress | None = None) -> Json:
        """See the gate."""
        return review.verify(self._desk, by, kept, progress)

    def audit_checkpoint(self, by: Principal) -> Json:
        """See the gate."""
        return review.checkpoint(self._desk, by)

    def audit_alerts(self, by: Principal, *, everything: bool = False) -> Json:
        """See the gate."""
        return watch.show(self._desk, by, everything=everything)

    def audit_sign_off(self, by: Principal, until: int | None = None, note: str = "") -> Json:
        """See the gate."""
        return watch.sign_off(self._desk, by, until, note)

    def audit_month(self, by: Principal, month: str) -> Json:
        """See the gate."""
        return month_of.show(self._desk, by, month)

    def audit_export(
        self, by: Principal, target: Path, *, texts: bool = False, progress: Progress | None = None
    ) -> Json:
        """See the gate."""
        return evidence.export(self._desk, by, target, texts=texts, progress=progress)
