"""Budget and log: what is spent, what happened, and the proof of it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from sandbox.schema import Principal
from service.asked import Json, Progress


class AuditGate(Protocol):
    """Budget and log: what is spent, what happened, and the proof of it."""

    def budget_show(self, by: Principal, dataset: str) -> Json:
        """Return limits and what is spent; an analyst sees only their own charges listed.

        ``{"dataset", "filter", "delta", "limit": loss, "spent": loss, "remaining": loss,
        "window": {"every", "limit": loss, "spent": loss}|null, "per_job": loss|null,
        "per_analyst": {"limit": loss, "spent": loss}|null,
        "charges": [{"job", "principal", "at", "loss"}]}``.
        """

    def audit_list(self, by: Principal, first: int = 0, limit: int = 1000) -> Json:
        """``{"size", "leaves": [{"leaf", "kind", "time", "actor", "facts": {...}}]}``; reviewer, owner."""

    def audit_show(self, by: Principal, leaf: int) -> Json:
        """One leaf and its proof: ``{"kind", "leaf", "entry", "checkpoint", "hashes"}``."""

    def audit_verify(self, by: Principal, kept: Sequence[str] = (), progress: Progress | None = None) -> Json:
        """Recompute everything.

        ``{"size", "root", "kept_checkpoints", "releases", "charges", "shards_checked",
        "public_tables"}``.  *kept* are
        checkpoint notes that the reviewer kept.  Raises `TamperingError` at the first finding.
        """

    def audit_checkpoint(self, by: Principal) -> Json:
        """The newest signed checkpoint to keep elsewhere: ``{"size", "root", "note", "verifier_key"}``."""
