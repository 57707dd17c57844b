"""Policies: written, checked, put in force."""

from __future__ import annotations

from pathlib import Path

from sandbox.schema import Principal
from service.asked import Json
from service.inside.room import Room
from service.policies import comparing, linting, rules, simulating


class PolicyRoom(Room):
    """`service.gates.policies` over an open workspace."""

    def policy_validate(self, by: Principal, path: Path) -> Json:
        """See the gate."""
        return rules.validate(self._desk, by, path)

    def policy_apply(self, by: Principal, path: Path, signature: Path | None = None) -> Json:
        """See the gate."""
        return rules.apply(self._desk, by, path, signature)

    def policy_init(self, by: Principal, dataset: str, language: str = "en") -> Json:
        """See the gate."""
        from service.policies import drafting  # noqa: PLC0415 - pydantic, which only a schema needs

        return drafting.init(self._desk, by, dataset, language)

    def policy_lint(self, by: Principal, path: Path) -> Json:
        """See the gate."""
        return linting.lint(self._desk, by, path)

    def policy_simulate(self, by: Principal, path: Path, queries: Path | None = None) -> Json:
        """See the gate."""
        return simulating.rehearse(self._desk, by, path, queries)

    def policy_diff(self, by: Principal, path: Path) -> Json:
        """See the gate."""
        return comparing.with_current(self._desk, by, path)

    def policy_show(self, by: Principal, dataset: str) -> Json:
        """See the gate."""
        return rules.show(self._desk, by, dataset)
