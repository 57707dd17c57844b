"""Identities: names with stored roles and groups.

In a workspace roles attribute, they do not authenticate: whoever holds the account can take any name, and
what the log then says is what they said.  Nobody is given both the owner's and the reviewer's role.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any, Final

import sqlalchemy as sa

from policies.sign import endorsed, key_id
from policies.signed import find_key, pinned
from sandbox.books import owner_keys, principals
from sandbox.errors import DeniedError, InvalidInputError, UsageError
from sandbox.schema import Principal, Role
from service.desk import Desk

LOST: Final = "lost"
"""Says in place of an endorsement that the former key cannot give one."""
_PUBLIC: Final = re.compile(r"[0-9a-f]{64}")
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


def pin(desk: Desk, by: Principal, public: str, endorsement: str) -> dict[str, Any]:
    """Pin *public* as the key that *by* signs with from now on; a former key stays pinned as that.

    Raises `DeniedError` unless the key in use vouches for the new one, or is said to be lost.
    """
    if not _PUBLIC.fullmatch(public):
        raise InvalidInputError("identity.bad-key", name=by.name)
    key = key_id(public)
    with desk.writing() as entry:
        former = pinned(entry.connection, by.name)
        if find_key(entry.connection, key) is not None:
            raise InvalidInputError("identity.key-known", key=key)
        lost = former is None or endorsement == LOST
        if former and not lost and not endorsed(by.name, public, former.public, endorsement):
            raise DeniedError(
                "identity.key-not-endorsed", rule="identity-key", name=by.name, former=former.id
            )
        told = {
            "key": key,
            "public": public,
            "former": former.id if former else "",
            "endorsement": "" if lost else endorsement,
        }
        leaf = entry.log("identity-key", by.name, **told)
        values = {"principal": by.name, "leaf": leaf, "pinned": entry.at.isoformat()}
        entry.connection.execute(sa.insert(owner_keys).values(**told, **values))
    return {"name": by.name, "key": key, "former": told["former"] or None}


def listing(desk: Desk) -> dict[str, Any]:
    """Return every identity, by name."""
    with desk.reading() as connection:
        rows = connection.execute(sa.select(principals).order_by(principals.c.name)).mappings().all()
        keys = {row["name"]: pinned(connection, row["name"]) for row in rows}
    ids = {name: key.id if key else None for name, key in keys.items()}
    return {
        "identities": [{**_shown(row), "created": row["created"], "key": ids[row["name"]]} for row in rows]
    }


def find(desk: Desk, name: str) -> Principal:
    """Return the identity called *name*, or raise `UsageError`."""
    with desk.reading() as connection:
        found = known(connection, name)
    if found is None:
        raise UsageError("identity.unknown", name=name[:80])
    return found


def known(connection: sa.Connection, name: str) -> Principal | None:
    """Return the identity called *name* as the books have it at this moment, None if there is none."""
    query = sa.select(principals).where(principals.c.name == name)
    row = connection.execute(query).mappings().one_or_none()
    if row is None:
        return None
    return Principal(name, frozenset(map(Role, _split(row["roles"]))), frozenset(_split(row["groups"])))


def _role(text: str) -> Role:
    if text not in set(Role):
        raise InvalidInputError("identity.bad-role", role=text[:40], roles=[role.value for role in Role])
    return Role(text)


def _split(text: str) -> list[str]:
    return text.split(",") if text else []


def _shown(row: Any) -> dict[str, Any]:
    return {"name": row["name"], "roles": _split(row["roles"]), "groups": _split(row["groups"])}
