"""Policies: written, checked, put in force."""

from __future__ import annotations

from pathlib import Path

from sandbox.schema import Principal
from service import rules
from service.asked import Json
from service.inside.room import Room


class PolicyRoom(Room):
    """`service.gates.policies` over an open workspace."""

    def policy_validate(self, by: Principal, path: Path) -> Json:
        """See the gate."""
        return rules.validate(self._desk, by, path)

    def policy_apply(self, by: Principal, path: Path, signature: Path | None = None) -> Json:
        """See the gate."""
        return rules.apply(self._desk, by, path, signature)

    def policy_show(self, by: Principal, dataset: str) -> Json:
        """See the gate."""
        return rules.show(self._desk, by, dataset)
