"""Keeping a workspace: backup, health, and the end."""

from __future__ import annotations

from pathlib import Path
from typing import Protocol

from sandbox.schema import Principal
from service.asked import Json


class KeepingGate(Protocol):
    """Keeping a workspace: backup, health, and the end."""

    def backup(self, by: Principal, target: Path) -> Json:
        """Copy books, keys (still wrapped) and shards into one new directory: ``{"target", "files"}``."""

    def doctor(self) -> Json:
        """What this host offers: ``{"checks": [{"name", "ok": bool, "detail"}]}``."""

    def close(self) -> None:
        """End workers and close the books."""
