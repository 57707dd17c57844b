"""Templates: jobs with parameters, agreed to beforehand."""

from __future__ import annotations

from sandbox.schema import Principal
from service.approvals import templates
from service.asked import Json
from service.inside.room import Room


class TemplateRoom(Room):
    """`service.gates.templates` over an open workspace."""

    def template_add(self, by: Principal, source: str, file: str) -> Json:
        """See the gate."""
        return templates.add(self._desk, by, source, file)

    def template_list(self, by: Principal) -> Json:
        """See the gate."""
        return templates.listing(self._desk, by)

    def template_show(self, by: Principal, name: str) -> Json:
        """See the gate."""
        return templates.show(self._desk, by, name)

    def template_approve(self, by: Principal, name: str, digest: str) -> Json:
        """See the gate."""
        return templates.approve(self._desk, by, name, digest)

    def template_withdraw(self, by: Principal, name: str) -> Json:
        """See the gate."""
        return templates.withdraw(self._desk, by, name)
