"""Identities: names with stored roles and groups.

In a workspace roles attribute, they do not authenticate: whoever holds the account can take any name, and
what the log then says is what they said.  Nobody has both the owner's and the reviewer's role, not even one
after the other.  Roles and groups change from an instant on: what somebody said before was said by whom they
were then.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any, Final

import sqlalchemy as sa

from policies.sign import endorsed, key_id
from policies.signed import find_key, pinned
from sandbox.books import datasets, identity_changes, lineages, owner_keys, principals, removals
from sandbox.errors import DeniedError, InvalidInputError, UsageError
from sandbox.schema import Principal, Role
from service.desk import Desk, require

LOST: Final = "lost"
"""Says in place of an endorsement that the former key cannot give one."""
_PUBLIC: Final = re.compile(r"[0-9a-f]{64}")
_NAME: Final = re.compile(r"[\w][\w.-]{0,62}")


def add(desk: Desk, name: str, roles: Sequence[str], groups: Sequence[str]) -> dict[str, Any]:
    """Store an identity; names are unique, roles from `Role`."""
    row = _row(name, roles, groups)
    with desk.writing() as entry:
        known = entry.connection.scalar(sa.select(principals.c.name).where(principals.c.name == name))
        if known is not None:
            raise InvalidInputError("identity.exists", name=name)
        entry.connection.execute(sa.insert(principals).values(**row, created=entry.at.isoformat()))
        entry.log("identity", name, roles=row["roles"], groups=row["groups"])
    return _shown(row)


def change(
    desk: Desk, by: Principal, name: str, roles: Sequence[str], groups: Sequence[str]
) -> dict[str, Any]:
    """Give *name* other roles and groups from now on; a reviewer does it, and never for themselves.

    Without roles somebody can do nothing any more; the name stays taken.
    """
    require(by, Role.REVIEWER)
    if by.name == name:
        raise DeniedError("identity.own-roles", rule="identity-change", name=name)
    row = _row(name, roles, groups, none=True)
    with desk.writing() as entry:
        # Two reviewers who take each other's role away: the second one is none any more.
        require(known(entry.connection, by.name) or by, Role.REVIEWER)
        _check_change(entry.connection, row)
        told = entry.log("identity-change", by.name, **row)
        made = {"leaf": told, "changed": entry.at.isoformat(), "changed_by": by.name}
        entry.connection.execute(sa.insert(identity_changes).values(**row, **made))
    return _shown(row)


def _check_change(connection: sa.Connection, row: Mapping[str, str]) -> None:
    name, wanted = row["name"], set(_split(row["roles"]))
    was = {role for each in _history(connection, name) for role in _split(each.roles)}
    if not _history(connection, name):
        raise UsageError("identity.unknown", name=name[:80])
    if was | wanted >= {Role.OWNER, Role.REVIEWER}:
        raise InvalidInputError("identity.owner-and-reviewer", name=name)
    held = sa.select(datasets.c.name).join(lineages, lineages.c.lineage == datasets.c.lineage)
    gone = sa.select(removals.c.lineage)
    mine = held.where(lineages.c.owner == name, datasets.c.lineage.not_in(gone)).order_by(datasets.c.name)
    owned = list(connection.scalars(mine))
    if owned and Role.OWNER not in wanted:
        raise InvalidInputError("identity.still-owner", name=name, datasets=owned)


def _row(name: str, roles: Sequence[str], groups: Sequence[str], *, none: bool = False) -> dict[str, str]:
    """Return roles and groups as the books hold them, checked; *none*: there may be no role."""
    for word in (name, *groups):
        if not _NAME.fullmatch(word):
            raise InvalidInputError("identity.bad-name", name=word[:80])
    wanted = {_role(text) for text in roles}
    if not wanted and not none:
        raise InvalidInputError("identity.no-role", name=name, roles=[role.value for role in Role])
    if wanted >= {Role.OWNER, Role.REVIEWER}:
        raise InvalidInputError("identity.owner-and-reviewer", name=name)
    return {"name": name, "roles": ",".join(sorted(wanted)), "groups": ",".join(sorted(set(groups)))}


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
        born = sa.select(principals.c.name, principals.c.created)
        created = {row.name: row.created for row in connection.execute(born)}
        people = everybody(connection)
        keys = {each.name: pinned(connection, each.name) for each in people}
    return {
        "identities": [
            {
                "name": each.name,
                "roles": sorted(each.roles),
                "groups": sorted(each.groups),
                "created": created[each.name],
                "key": key.id if (key := keys[each.name]) else None,
            }
            for each in people
        ]
    }


def find(desk: Desk, name: str) -> Principal:
    """Return the identity called *name*, or raise `UsageError`."""
    with desk.reading() as connection:
        found = known(connection, name)
    if found is None:
        raise UsageError("identity.unknown", name=name[:80])
    return found


def known(connection: sa.Connection, name: str, before: int | None = None) -> Principal | None:
    """Return whom the books have as *name*, or had before leaf *before* of the log; None if nobody.

    By leaves, not by instants: where a clock was set back, several leaves have the same one.
    """
    found = [row for row in _history(connection, name) if before is None or row.leaf < before]
    return _principal(name, found[-1]) if found else None


def everybody(connection: sa.Connection) -> list[Principal]:
    """Return all identities as they are now, by name."""
    found = (known(connection, name) for name in connection.scalars(sa.select(principals.c.name)))
    return sorted((each for each in found if each is not None), key=lambda each: each.name)


def _history(connection: sa.Connection, name: str) -> list[sa.Row[Any]]:
    """Return roles and groups of *name* with the leaf that says so, in order; at first it is -1."""
    first, later = principals.c, identity_changes.c
    made = sa.select(first.roles, first.groups, sa.literal(-1).label("leaf")).where(first.name == name)
    changed = sa.select(later.roles, later.groups, later.leaf).where(later.name == name)
    return [*connection.execute(made), *connection.execute(changed.order_by(later.leaf))]


def _principal(name: str, row: sa.Row[Any]) -> Principal:
    return Principal(name, frozenset(map(Role, _split(row.roles))), frozenset(_split(row.groups)))


def _role(text: str) -> Role:
    if text not in set(Role):
        raise InvalidInputError("identity.bad-role", role=text[:40], roles=[role.value for role in Role])
    return Role(text)


def _split(text: str) -> list[str]:
    return text.split(",") if text else []


def _shown(row: Any) -> dict[str, Any]:
    return {"name": row["name"], "roles": _split(row["roles"]), "groups": _split(row["groups"])}
