"""Approvals: jobs that wait for somebody's yes, shown, approved and rejected."""

from __future__ import annotations

from typing import Protocol

from sandbox.schema import Principal
from service.asked import Json


class ApprovalGate(Protocol):
    """Approvals: jobs that wait for somebody's yes, shown, approved and rejected.

    How an approval stands is ``{"rules": [{"dataset", "rule": text, "expires_hours", "parties": [{"party":
    "owner"|"reviewer"|"named", "need": number, "of": [name], "given": [name], "missing": number}]}],
    "said": [{"by", "answer": "yes"|"no", "at", "reason"}], "complete": bool, "ask": [name]}``.
    """

    def job_pending(self, by: Principal) -> Json:
        """Return the jobs that wait for the caller's yes.

        ``{"jobs": [as job_status, with "datasets": [name]]}``.
        """

    def job_show(self, by: Principal, job: str) -> Json:
        """Return what approvers need to know of a job, to them and to who asked it.

        As `job_status` with ``"sql", "plan": digest, "mechanism", "max_rows", "public_tables",
        "computes": [{"operations", "keys", "cells", "max_groups": of a unit|null, "max_group_rows": of a unit
        in one group|null}], "rows": looked at of a unit,
        "changed_since": whether it means something else by now (then it has no statements),
        "datasets": [as job_explain, with "columns": [{"column", "description", "tag", "title", "title_zh",
        "sensitive", "uses"}]], "statements", "measurements": as job_explain,
        "code": [{"name", "digest", "text"}] (Python jobs),
        "history": {"jobs", "refused", "denied": numbers, "losses": [loss with "dataset"], "similar": number,
        "most_similar": [{"job", "created", "purpose", "status", "losses",
        "likeness": "same"|"constants"|"close"}], "last": [alike]}}``.

        What is left of a dataset in which the caller has no say is null.
        """

    def job_approve(self, by: Principal, job: str, reason: str = "") -> Json:
        """Say yes; with the last yes the job is charged, and runs when its analyst says so.

        ``{"job", "status", "replayed", "ask": whose yes is missing, "not_charged": {"code", "facts"}|null}``:
        the last is why a job with every yes could not be charged now.
        """

    def job_reject(self, by: Principal, job: str, reason: str) -> Json:
        """Say no, for a *reason* that its analyst is told; the job is refused.  As `job_approve`."""
