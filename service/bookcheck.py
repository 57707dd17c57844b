"""The books held against the log: what the tables say is what was logged, no more and no less.

A sound Merkle tree proves that nobody changed the log.  These checks prove that nobody changed the tables
that decisions are made from: every charge, release, policy, version and lineage has its leaf and every such
leaf its row, every confirmed tag is the one logged last, every release was paid for before.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any, Final

import sqlalchemy as sa

from policies.build import parse
from policies.model import policy_digest
from sandbox import canonical
from sandbox.database import charges, datasets, jobs, leaves, lineages, policies, releases, tags, versions
from sandbox.errors import InvalidInputError, TamperingError
from sandbox.schema import Digest

Row = tuple[str, ...]

_COLUMNS: Final = {
    "charge": ("job", "lineage", "epsilon_pico", "rho_pico", "delta_atto"),
    "lineage": ("lineage", "namespace", "unit", "filter", "delta", "owner"),
    "policy": ("lineage", "version", "digest"),
    "release": ("job", "result"),
    "version": ("lineage", "version", "digest"),
}
"""For each kind of leaf the facts that its table repeats."""
_TABLES: Final = {"charge": charges, "lineage": lineages, "policy": policies, "version": versions}


def check_books(connection: sa.Connection) -> dict[str, int]:
    """Raise `TamperingError` at the first difference; return how many charges and releases there are."""
    logged, paid, tagged = _logged(connection)
    for kind in _COLUMNS:
        for odd in sorted(_stored(connection, kind) ^ logged[kind].keys()):
            raise TamperingError("audit.books-differ", kind=kind, id=odd[0])
    for row, leaf in logged["release"].items():
        if paid.get(row[0], leaf) >= leaf:
            raise TamperingError("audit.unpaid-release", job=row[0])
    _check_policies(connection)
    _check_tags(connection, tagged)
    _check_current(connection)
    return {"charges": len(logged["charge"]), "releases": len(logged["release"])}


def _logged(
    connection: sa.Connection,
) -> tuple[dict[str, dict[Row, int]], dict[str, int], dict[tuple[str, str], str]]:
    """What the leaves say: rows by kind with their leaf, jobs with the leaf that charged them, tags."""
    rows: dict[str, dict[Row, int]] = {kind: {} for kind in _COLUMNS}
    paid: dict[str, int] = {}
    tagged: dict[tuple[str, str], str] = {}
    for leaf, text in connection.execute(sa.select(leaves.c.leaf, leaves.c.entry)):
        entry = json.loads(text)
        kind, facts = entry["kind"], entry["facts"]
        if kind in _COLUMNS:
            rows[kind][_row(facts, _COLUMNS[kind])] = leaf
        if kind == "charge":
            paid[facts["job"]] = leaf
        if kind == "tags":
            tagged |= {(facts["lineage"], column): tag for column, tag in facts["tags"].items()}
    return rows, paid, tagged


def _stored(connection: sa.Connection, kind: str) -> set[Row]:
    if kind == "release":
        return set(_releases(connection))
    rows = connection.execute(sa.select(_TABLES[kind])).mappings()
    return {_row(row, _COLUMNS[kind]) for row in rows}


def _row(facts: Any, columns: tuple[str, ...]) -> Row:
    return tuple(str(facts[column]) for column in columns)


def _releases(connection: sa.Connection) -> Iterator[Row]:
    for row in connection.execute(sa.select(releases)):
        if canonical.digest(json.loads(row.result)) != row.digest:
            raise TamperingError("audit.changed-release", job=row.job)
        yield row.job, row.digest


def _check_policies(connection: sa.Connection) -> None:
    """Every stored text must say what its logged digest says."""
    for row in connection.execute(sa.select(policies)):
        try:
            said = policy_digest(parse(row.source, "policy"))
        except InvalidInputError:
            said = Digest("")
        if said != row.digest:
            raise TamperingError("policy.changed", lineage=row.lineage, version=row.version)


def _check_tags(connection: sa.Connection, tagged: dict[tuple[str, str], str]) -> None:
    confirmed = sa.select(tags).where(tags.c.confirmed)
    stored = {(row.lineage, row.column): row.tag for row in connection.execute(confirmed)}
    for lineage, column in sorted(stored.keys() | tagged.keys()):
        if stored.get((lineage, column)) != tagged.get((lineage, column)):
            raise TamperingError("audit.books-differ", kind="tag", id=column)


def _check_current(connection: sa.Connection) -> None:
    """The version a dataset shows must be its newest, and every job must be about a known lineage."""
    newest = sa.select(versions.c.lineage, sa.func.max(versions.c.version)).group_by(versions.c.lineage)
    known = {row[0]: row[1] for row in connection.execute(newest)}
    for row in connection.execute(sa.select(datasets)):
        if known.get(row.lineage) != row.current_version:
            raise TamperingError("audit.not-the-newest-version", dataset=row.name)
    for row in connection.execute(sa.select(jobs.c.job, jobs.c.lineage)):
        if row.lineage not in known:
            raise TamperingError("audit.books-differ", kind="job", id=row.job)
