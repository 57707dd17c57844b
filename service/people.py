"""Identities: names with stored roles and groups.

In a workspace roles attribute, they do not authenticate: whoever holds the account can take any name, and
what the log then says is what they said.  Nobody is given both the owner's and the reviewer's role.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any, Final

import sqlalchemy as sa

from sandbox.books import principals
from sandbox.errors import InvalidInputError, UsageError
from sandbox.schema import Principal, Role
from service.desk import Desk

_NAME: Final = re.compile(r"[\w][\w.-]{0,62}")


def add(desk: Desk, name: str, roles: Sequence[str], groups: Sequence[str]) -> dict[str, Any]:
    """Store an identity; names are unique, roles from `Role`."""
    for word in (name, *groups):
        if not _NAME.fullmatch(word):
            raise InvalidInputError("identity.bad-name", name=word[:80])
    wanted = {_role(text) for text in roles}
    if not wanted:
        raise InvalidInputError("identity.no-role", name=name, roles=[role.value for role in Role])
    if wanted >= {Role.OWNER, Role.REVIEWER}:
        raise InvalidInputError("identity.owner-and-reviewer", name=name)
    row = {"name": name, "roles": ",".join(sorted(wanted)), "groups": ",".join(sorted(set(groups)))}
    with desk.writing() as entry:
        known = entry.connection.scalar(sa.select(principals.c.name).where(principals.c.name == name))
        if known is not None:
            raise InvalidInputError("identity.exists", name=name)
        entry.connection.execute(sa.insert(principals).values(**row, created=entry.at.isoformat()))
        entry.log("identity", name, roles=row["roles"], groups=row["groups"])
    return _shown(row)


def listing(desk: Desk) -> dict[str, Any]:
    """Return every identity, by name."""
    with desk.reading() as connection:
        rows = connection.execute(sa.select(principals).order_by(principals.c.name)).mappings().all()
    return {"identities": [{**_shown(row), "created": row["created"]} for row in rows]}


def find(desk: Desk, name: str) -> Principal:
    """Return the identity called *name*, or raise `UsageError`."""
    with desk.reading() as connection:
        query = sa.select(principals).where(principals.c.name == name)
        row = connection.execute(query).mappings().one_or_none()
    if row is None:
        raise UsageError("identity.unknown", name=name[:80])
    return Principal(name, frozenset(map(Role, _split(row["roles"]))), frozenset(_split(row["groups"])))


def _role(text: str) -> Role:
    if text not in set(Role):
        raise InvalidInputError("identity.bad-role", role=text[:40], roles=[role.value for role in Role])
    return Role(text)


def _split(text: str) -> list[str]:
    return text.split(",") if text else []


def _shown(row: Any) -> dict[str, Any]:
    return {"name": row["name"], "roles": _split(row["roles"]), "groups": _split(row["groups"])}
