"""Jobs: explained, submitted, run, fetched."""

from __future__ import annotations

from typing import Protocol

from sandbox.schema import Principal
from service.asked import JobRequest, Json, Mock, Progress


class JobGate(Protocol):
    """Jobs: explained, submitted, run, fetched."""

    def job_explain(self, by: Principal, request: JobRequest) -> Json:
        """What a job would cost and how far off it would be; reads no data, costs nothing.

        ``{"verdict": "allowed"|"over-budget"|"denied", "reasons": [{"dataset", "rule", "code", "facts",
        "ask": whom}], …}``: every rule that says no, or every limit that the job would pass.  Nothing else
        is there if it is denied; otherwise also

        ``{"datasets": [{"dataset", "version", "policy_version", "rule", "approval", "max_rows", "most_rows",
        "max_groups": of a unit|null, "max_group_rows": of a unit in one group|null, "loss", "remaining",
        "queries_left"}], "public_tables": [{"name", "digest"}], "mechanism", "epsilon",
        "approval": "auto", or the rules in few words, "whose": [{"dataset", "rule", "expires_hours",
        "parties": [{"party", "need", "of"}]}], "loss": of the first dataset, "free_replay": bool,
        "remaining": of the dataset with the fewest queries left, "queries_left": int,
        "halved": the epsilon for half the error|null,
        "statements": [{"statement": number, "sql", "cells", "group_size", "columns": [{"name",
        "kind": "key"|"value", "half_width": number|null, "error": "value"|"rank"|null,
        "assumed": "even" (values over their bounds)|null, "clamp": text|null,
        "bound": rows of a unit|null, "derived_from": [{"what", "kind", "low", "high", "source"}]}]}],
        "measurements": [{"statements": [number], "kind", "column", "clamp": text|null, "bound",
        "half_width": number|null, "losses": [loss with "dataset"]}],
        "workload": {"loss", "parts": [loss of each statement alone], "sum"}|null for a single statement,
        "selection": [{"statements", "threshold", "delta"}], "minimum_count": rows of a smaller noisy
        count are withheld, "suppression": [message key]}``.

        *half_width* is that of the 95 % interval expected; its *error* is in the value's own unit or, for
        quantiles, in rows of rank.
        """

    def job_rehearse(self, by: Principal, request: JobRequest, wanted: Mock) -> Json:
        """Judge, plan and measure a job on invented rows: no data, no charge, no job.

        As `job_result`, but ``"mock": true, "seed", "job": null, "status": "mock", "losses": [],
        "would_cost": [loss with "dataset"]``, and each of ``"datasets"`` with its mock ``"rows", "units"``.
        For whoever sees the datasets in the catalogue.
        """

    def job_submit(self, by: Principal, request: JobRequest, idempotency_key: str | None = None) -> Json:
        """Decide, plan and charge: ``{"job", "status", "replayed"}``; no data is read here.

        The same idempotency key of the same principal finds the job it made.
        """

    def job_run(self, by: Principal, job: str, progress: Progress | None = None) -> Json:
        """Bring a charged or interrupted job to its end and return its result (as `job_result`).

        A job that another process works on is waited for.
        """

    def job_result(self, by: Principal, job: str) -> Json:
        """Return the release.

        ``{"mock": false, "job", "status", "replayed", "losses": [loss with "dataset"],
        "loss": the first of them, "datasets": [{"name", "version"}],
        "public_tables": [{"name", "digest"}], "mechanism", "kept_until": instant|null,
        "tables": [{"statement": number, "sql", "columns": [{"name", "kind": "key"|"value"}],
        "rows": [{name: value, name_low, name_high}], "notes": [{"key": message key, "facts"}]}]}``: a table
        for each statement.  In a row of totals ``"_totals"`` names the keys that it is a total over.
        """

    def job_status(self, by: Principal, job: str) -> Json:
        """``{"job", "status", "principal", "purpose", "created", "changed", "failure", "approval"}``.

        *approval* says how it stands (see `service.gates.approvals`); null for a job that needs none.
        """

    def job_list(self, by: Principal) -> Json:
        """Return an analyst's own jobs, an owner's datasets'.

        ``{"jobs": [as job_status, with "datasets": [name], "losses": [loss with "dataset"]]}``.
        """

    def job_cancel(self, by: Principal, job: str) -> Json:
        """Give up a job that is not running; its charge stays.  As `job_status`."""
