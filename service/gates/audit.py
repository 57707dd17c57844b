"""Budget and log: what is spent, what happened, and the proof of it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

from sandbox.schema import Principal
from service.asked import Json, Leaves, NewLimit, Progress


class AuditGate(Protocol):
    """Budget and log: what is spent, what happened, and the proof of it."""

    def budget_show(self, by: Principal, dataset: str) -> Json:
        """Return limits and what is spent; an analyst sees only their own charges listed.

        ``{"dataset", "filter", "delta", "limit": loss, "spent": loss, "remaining": loss,
        "window": {"every", "limit": loss, "spent": loss}|null, "per_job": loss|null,
        "per_analyst": {"limit": loss, "spent": loss}|null,
        "namespace": for reviewers and its owners, as `budget_limit` without leaf|null,
        "held_by_namespace": whether less remains because of it,
        "charges": [{"job", "principal", "at", "loss"}]}``.
        """

    def budget_limit(self, by: Principal, namespace: str, wanted: NewLimit) -> Json:
        """Set what all datasets of *namespace* may spend together from now on; a reviewer.

        ``{"namespace", "filter", "delta", "limit": loss, "spent": loss, "remaining": loss, "leaf"}``.
        """

    def audit_list(
        self, by: Principal, first: int = 0, limit: int = 1000, only: Leaves | None = None
    ) -> Json:
        """Leaves from *first* on, those wanted *only*; reviewer, owner.

        ``{"size", "leaves": [{"leaf", "kind", "time", "actor", "facts": {...}}], "more": leaf|null}``; *more*
        is where to go on.
        """

    def audit_show(self, by: Principal, leaf: int) -> Json:
        """One leaf and its proof: ``{"kind", "leaf", "entry", "checkpoint", "hashes"}``."""

    def audit_account(self, by: Principal, job: str) -> Json:
        """The account of a job; a reviewer, or an owner of a dataset that it read.

        ``{"job", "who", "purpose", "state", "decision": {"leaf", "time", "verdict", "code", "digest"},
        "datasets": [{"dataset", "lineage", "version", "policy": {"version", "digest"}, "grant": {"number",
        "to", "purposes", "operations", "until"}|null, "columns": [{"name", "uses", "tag"}], "loss",
        "charged": {"leaf", "time"}|null}], "tables", "statements": [{"operations", "keys", "cells",
        "max_groups", "max_group_rows"}],
        "rows", "mechanism", "release": {"leaf", "time", "digest", "code", "shape": [{"rows", "columns",
        "numbers"}]|null}|null, "replay_of", "events": [{"leaf", "time", "kind", "actor", "facts"}],
        "sql": text of one's own job|null}``.
        """

    def audit_prove(
        self, by: Principal, *, leaf: int | None = None, job: str | None = None, since: str | None = None
    ) -> Json:
        """A proof to hand out: of a leaf, of every leaf about a job, or of what followed a checkpoint note.

        ``{"kind": "inclusion", "leaf", "entry", "checkpoint", "hashes"}``, ``{"kind": "job", "job", "proofs":
        [inclusion]}`` or ``{"kind": "consistency", "size", "checkpoint", "hashes"}``.
        """

    def audit_verify(self, by: Principal, kept: Sequence[str] = (), progress: Progress | None = None) -> Json:
        """Recompute everything.

        ``{"size", "root", "kept_checkpoints", "releases", "charges", "shards_checked", "public_tables",
        "restored": [{"leaf", "found", "lost"}], "clock_back": {"leaves", "first"}}``.  *kept* are checkpoint
        notes that the reviewer kept.  Raises `TamperingError` at the first finding.
        """

    def audit_checkpoint(self, by: Principal) -> Json:
        """The newest signed checkpoint to keep elsewhere: ``{"size", "root", "note", "verifier_key"}``."""

    def audit_alerts(self, by: Principal, *, everything: bool = False) -> Json:
        """What to look at since the last sign-off, or *everything*; a reviewer.

        ``{"reviewed": leaf or -1, "alerts": [{"rule", "level", "first", "leaf", "time", "who", "what",
        "facts"}]}``; see `service.audit.alerts`.
        """

    def audit_sign_off(self, by: Principal, until: int | None = None, note: str = "") -> Json:
        """Log that every leaf up to *until* was reviewed: ``{"leaf", "since", "until", "root"}``."""

    def audit_month(self, by: Principal, month: str) -> Json:
        """What happened in a month (``2026-11``, UTC), for `service.audit.page`; a reviewer.

        ``{"month", "log": {"origin", "size", "root"}, "counts", "datasets": [{"dataset", "owner",
        "policy_version", "limit", "before", "during", "after": loss, "asked", "refused", "people": [{"who",
        "loss"}]}], "namespaces": [{"namespace", "limit", "before", "during", "after": loss}], "analysts",
        "refusals": [{"who", "datasets", "purpose", "code", "rule", "count"}],
        "policies", "alerts", "sign_offs"}``.
        """

    def audit_export(
        self, by: Principal, target: Path, *, texts: bool = False, progress: Progress | None = None
    ) -> Json:
        """Write an evidence bundle to *target*, absent; a reviewer.  With *texts*, plans and SQL too.

        ``{"target", "texts", "size", "root", "jobs", "charges", "releases", "policies", "accounting": library
        or null}``.
        """
