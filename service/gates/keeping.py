"""Keeping a workspace: backup, health, and the end."""

from __future__ import annotations

from pathlib import Path
from typing import Protocol

from sandbox.schema import Principal
from service.asked import Json, Progress


class KeepingGate(Protocol):
    """Keeping a workspace: backup, health, and the end."""

    def backup(self, by: Principal, target: Path) -> Json:
        """Copy books, keys (still wrapped) and shards into one new directory.

        ``{"target", "files", "key_file": whether the master key is among them, unprotected}``.
        """

    def dataset_rotate(self, by: Principal, name: str) -> Json:
        """Put a new key in the place of a dataset's; no data is rewritten; owner only.

        ``{"dataset", "keys": how many it wraps, "cleaned": whether no trace of the old ones is left in the
        workspace; if not, the next one who opens it goes on}``.
        """

    def dataset_compact(self, by: Principal, name: str, progress: Progress | None = None) -> Json:
        """Take the rows of withdrawn units out of a dataset, and destroy all versions but the newest.

        ``{"dataset", "version", "rewritten": bool, "destroyed": versions, "cleaned"}``; *progress*: "write".
        """

    def dataset_remove(self, by: Principal, name: str) -> Json:
        """Destroy a dataset for good: its keys and its files; owner only.

        ``{"dataset", "keys": how many, "cleaned"}``.  Releases, charges and the log stay.
        """

    def key_rotate(self, by: Principal, passphrase: str | None = None, key_file: bool = False) -> Json:
        """Put a new master key in the place of the workspace's, behind *passphrase* or in a file.

        ``{"keyring": "file"|"passphrase", "keys", "cleaned"}``.  *key_file* is to be said where there was a
        passphrase.
        """

    def doctor(self) -> Json:
        """What this host offers: ``{"checks": [{"name", "ok": bool, "detail"}]}``."""

    def close(self) -> None:
        """End workers and close the books."""
