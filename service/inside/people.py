"""People: names with stored roles."""

from __future__ import annotations

from collections.abc import Sequence

from sandbox.schema import Principal
from service import people
from service.asked import Json
from service.inside.room import Room


class PeopleRoom(Room):
    """`service.gates.people` over an open workspace."""

    def identity_new(self, name: str, roles: Sequence[str], groups: Sequence[str]) -> Json:
        """See the gate."""
        return people.add(self._desk, name, roles, groups)

    def identity_change(self, by: Principal, name: str, roles: Sequence[str], groups: Sequence[str]) -> Json:
        """See the gate."""
        return people.change(self._desk, by, name, roles, groups)

    def identity_key(self, by: Principal, public: str, endorsement: str = "") -> Json:
        """See the gate."""
        return people.pin(self._desk, by, public, endorsement)

    def identity_list(self) -> Json:
        """See the gate."""
        return people.listing(self._desk)

    def principal(self, name: str) -> Principal:
        """See the gate."""
        return people.find(self._desk, name)
