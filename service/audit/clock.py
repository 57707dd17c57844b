"""The clock as the log tells it: leaves dated before one that stands earlier.

A clock that is set back refills no budget (`sandbox.privacy.ledger`), but it can make a record look older
than it is; the order of the leaves cannot be made to lie.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


@dataclass(slots=True)
class Clock:
    """Reads leaves in order; instants are ISO 8601 in UTC, whose order as text is that of time."""

    latest: str = ""
    count: int = 0
    first: int | None = None

    def read(self, leaf: int, time: str) -> bool:
        """Take note of *leaf*; return whether it is dated before an earlier one."""
        back = time < self.latest
        if back:
            self.count += 1
            self.first = leaf if self.first is None else self.first
        self.latest = max(self.latest, time)
        return back

    def told(self) -> dict[str, Any]:
        """Return ``{"leaves": how many, "first": leaf number or None}``."""
        return {"leaves": self.count, "first": self.first}
