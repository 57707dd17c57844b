"""Public tables as the books know them: facts for planning, entries for the catalogue, checks for reviewers.

A public table belongs to the owner who uploaded it and is there for everybody.  It stands in clear in the
vault; its row in the books and its log leaf hold its SHA-256 and its *shape*, the digest of fields, domains
and length, so that neither file nor row changes unseen.  A new upload takes the old one's place.
"""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Mapping
from fractions import Fraction
from pathlib import Path
from typing import Any, Final

import sqlalchemy as sa

from jobs.facts import TableFacts
from sandbox import canonical
from sandbox.books import leaves, public_tables
from sandbox.errors import TamperingError
from sandbox.schema import (
    CategoricalDomain,
    DatasetName,
    DateDomain,
    Digest,
    Domain,
    Field,
    NumericDomain,
)
from sandbox.vault.manifest import field_of, held_of
from sandbox.vault.shard import sha256
from sandbox.vault.store import DirectoryStore
from sandbox.workspace import Workspace
from service.datasets.catalogue import domain_text
from service.desk import Desk
from service.wording import kind_text

FILE: Final = "table.parquet"

Row = Mapping[Any, Any]


def find(connection: sa.Connection, name: str) -> Row | None:
    """Return the row of public table *name*, if there is one."""
    found = sa.select(public_tables).where(public_tables.c.name == name)
    return connection.execute(found).mappings().one_or_none()


def facts(connection: sa.Connection, name: str) -> TableFacts | None:
    """Return what planning needs of public table *name*; None if there is none."""
    row = find(connection, name)
    if row is None:
        return None
    fields = {field.name: field for field in fields_of(row["fields"])}
    return TableFacts(DatasetName(row["name"]), Digest(row["digest"]), fields, domains_of(row["domains"]))


def path(connection: sa.Connection, workspace: Workspace, name: str, digest: str) -> Path:
    """Return the file of public table *name*, as it was when it had *digest*.

    Raises `TamperingError` if the table has been replaced since, or is gone.
    """
    row = find(connection, name)
    if row is None or row["digest"] != digest:
        raise TamperingError("table.replaced", name=name)
    return DirectoryStore(workspace.vault).file(row["directory"], FILE)


def listing(desk: Desk) -> list[dict[str, Any]]:
    """Return one line per public table."""
    with desk.reading() as connection:
        rows = connection.execute(sa.select(public_tables).order_by(public_tables.c.name)).mappings().all()
    return [_line(row) | {"columns": len(fields_of(row["fields"]))} for row in rows]


def show(desk: Desk, name: str) -> dict[str, Any] | None:
    """Return the catalogue entry of public table *name*, None if there is none."""
    with desk.reading() as connection:
        row = find(connection, name)
    return None if row is None else entry_of(row)


def entry_of(row: Row) -> dict[str, Any]:
    """Return the catalogue entry that a row of the books makes."""
    domains = domains_of(row["domains"])
    columns = [
        {
            "name": field.name,
            "kind": kind_text(field),
            "required": field.required,
            "domain": domain_text(domains[field.name]) if field.name in domains else None,
        }
        for field in fields_of(row["fields"])
    ]
    return _line(row) | {"columns": columns}


def _line(row: Row) -> dict[str, Any]:
    return {"public": True, **{key: row[key] for key in ("name", "owner", "digest", "rows", "created")}}


def verify(desk: Desk, connection: sa.Connection) -> int:
    """Hold every public table against the log and its file against its digest; return how many there are.

    Raises `TamperingError` at the first difference.
    """
    stored = {row["name"]: row for row in connection.execute(sa.select(public_tables)).mappings()}
    logged = _logged(connection)
    for name in sorted(stored.keys() | logged.keys()):
        if name not in stored or name not in logged or _said(stored[name]) != logged[name]:
            raise TamperingError("audit.books-differ", kind="table", id=name)
        _check_file(desk, stored[name])
    return len(stored)


def _logged(connection: sa.Connection) -> dict[str, tuple[str, ...]]:
    """What the last leaf about each table says."""
    found: dict[str, tuple[str, ...]] = {}
    about = sa.select(leaves.c.entry).where(leaves.c.entry.contains('"kind":"table"', autoescape=True))
    for text in connection.scalars(about.order_by(leaves.c.leaf)):
        entry = json.loads(text)
        if entry["kind"] == "table":
            said = entry["facts"]
            found[said["table"]] = (entry["actor"], said["digest"], said["shape"])
    return found


def _said(row: Row) -> tuple[str, ...]:
    return row["owner"], row["digest"], shape(row)


def shape(row: Row) -> Digest:
    """Return the digest of what a row says of its table beside the content."""
    return canonical.digest({key: row[key] for key in ("fields", "domains", "rows", "directory", "created")})


def _check_file(desk: Desk, row: Row) -> None:
    try:
        found = sha256(DirectoryStore(desk.workspace.vault).file(row["directory"], FILE))
    except OSError:
        raise TamperingError("table.missing", name=row["name"]) from None
    if found != row["digest"]:
        raise TamperingError("table.changed", name=row["name"])


# --- fields and domains as text ---------------------------------------------------------------------


def fields_text(fields: tuple[Field, ...]) -> str:
    """Return *fields* as canonical JSON."""
    return canonical.encode([held_of(field) for field in fields]).decode()


def fields_of(text: str) -> tuple[Field, ...]:
    """Return the fields that `fields_text` wrote."""
    return tuple(map(field_of, json.loads(text)))


def domains_text(domains: Mapping[str, Domain]) -> str:
    """Return *domains* as canonical JSON."""
    return canonical.encode({name: _domain_to_json(domain) for name, domain in domains.items()}).decode()


def _domain_to_json(domain: Domain) -> list[Any]:
    match domain:
        case NumericDomain(low, high, grid):
            return ["numbers", str(low), str(high), str(grid)]
        case DateDomain(low, high):
            return ["days", low.isoformat(), high.isoformat()]
        case CategoricalDomain(values):
            return ["values", *values]


def domains_of(text: str) -> dict[str, Domain]:
    """Return the domains that `domains_text` wrote."""
    return {name: _domain_from_json(*held) for name, held in json.loads(text).items()}


def _domain_from_json(kind: str, *held: Any) -> Domain:
    match kind:
        case "numbers":
            return NumericDomain(*map(Fraction, held))
        case "days":
            return DateDomain(*map(dt.date.fromisoformat, held))
    return CategoricalDomain(held)
