"""People: names with stored roles."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from sandbox.schema import Principal
from service.asked import Json


class PeopleGate(Protocol):
    """People: names with stored roles."""

    def identity_new(self, name: str, roles: Sequence[str], groups: Sequence[str]) -> Json:
        """Store a name with roles; ``{"name", "roles", "groups"}``."""

    def identity_change(self, by: Principal, name: str, roles: Sequence[str], groups: Sequence[str]) -> Json:
        """Give *name* these roles and groups in place of the former, a reviewer only: as `identity_new`."""

    def identity_key(self, by: Principal, public: str, endorsement: str = "") -> Json:
        """Pin *public* (Ed25519, hexadecimal) as the key that *by* signs with: ``{"name", "key", "former"}``.

        A key in use is replaced only with its *endorsement* (`policies.sign.endorse`), or, as ``"lost"``,
        without it, which the log then says.
        """

    def identity_list(self) -> Json:
        """``{"identities": [{"name", "roles", "groups", "created", "key": id|null}]}``."""

    def principal(self, name: str) -> Principal:
        """Return the stored identity, or raise `UsageError` if nobody has that name."""
