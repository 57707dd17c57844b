"""The books held against the log: what the tables say is what was logged, no more and no less.

A sound Merkle tree proves that nobody changed the log.  These checks prove that nobody changed the tables
that decisions are made from: every identity, charge, release, policy, version and lineage has its leaf and
every such leaf its row, who did it and when included; every confirmed tag is the one logged last, by whom,
when and why; every dataset's name leads to its lineage; every release was paid for before.  Jobs are
`service.checks.jobs`'s, what policies say and who signed them `service.checks.policies`'s, keys
and deletions `service.checks.keeping`'s.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Final

import sqlalchemy as sa

from sandbox.books import (
    charges,
    datasets,
    destructions,
    identity_changes,
    leaves,
    lineages,
    owner_keys,
    policies,
    principals,
    releases,
    removals,
    tags,
    versions,
)
from sandbox.errors import TamperingError
from service.audit.clock import Clock
from service.checks.approvals import Answers, Approvals
from service.checks.jobs import Decisions, check_jobs
from service.checks.keeping import check_keeping
from service.checks.policies import Told, check_policies
from service.datasets.proposed import proposal

Row = tuple[str, ...]
Progress = Callable[[int, int], None]
"""Called with (done, in all)."""

_SAY_EVERY: Final = 10_000
_STREAM: Final = {"yield_per": 1_000}
_WHOLE_SECONDS: Final = len("2026-11-23T08:00:00+00:00")

_COLUMNS: Final[dict[str, dict[str, str]]] = {
    "charge": {
        **{name: name for name in ("job", "lineage", "epsilon_pico", "rho_pico", "delta_atto")},
        "principal": "actor",
        "charged": "time",
    },
    "destruction": {name: name for name in ("lineage", "version")},
    "identity": {"name": "actor", "roles": "roles", "groups": "groups", "created": "time"},
    "identity-change": {
        **{name: name for name in ("leaf", "name", "roles", "groups")},
        "changed_by": "actor",
        "changed": "time",
    },
    "identity-key": {
        **{name: name for name in ("key", "public", "former", "endorsement", "leaf")},
        "principal": "actor",
        "pinned": "time",
    },
    "lineage": {
        **{name: name for name in ("lineage", "namespace", "unit", "filter", "delta", "owner", "reason")},
        "created": "time",
    },
    "policy": {
        **{name: name for name in ("lineage", "version", "digest")},
        "applied_by": "actor",
        "applied": "time",
    },
    "release": {"job": "job", "digest": "result", "released": "time"},
    "removal": {"lineage": "lineage", "name": "dataset", "removed_by": "actor", "removed": "time"},
    "version": {name: name for name in ("lineage", "version", "digest")},
}
"""For each kind of leaf, and column of its table: the fact, or the actor or time, that the leaf repeats."""
_TABLES: Final = {
    "charge": charges,
    "destruction": destructions,
    "identity": principals,
    "identity-change": identity_changes,
    "identity-key": owner_keys,
    "lineage": lineages,
    "policy": policies,
    "release": releases,
    "removal": removals,
    "version": versions,
}


@dataclass(frozen=True, slots=True)
class _Logged:
    """What the leaves say: rows by kind with their leaf, jobs with the leaf that charged them, and so on."""

    rows: dict[str, dict[Row, int]] = field(default_factory=lambda: {kind: {} for kind in _COLUMNS})
    paid: dict[str, int] = field(default_factory=dict)
    tags: dict[tuple[str, str], Row] = field(default_factory=dict)
    proposed: dict[tuple[str, str], str | None] = field(default_factory=dict)
    homes: dict[str, str] = field(default_factory=dict)
    decisions: Decisions = field(default_factory=Decisions)
    replays: dict[str, str] = field(default_factory=dict)
    told: list[Told] = field(default_factory=list)
    purged: dict[str, str] = field(default_factory=dict)
    answers: Answers = field(default_factory=Answers)
    restored: list[dict[str, Any]] = field(default_factory=list)
    clock: Clock = field(default_factory=Clock)


def check_books(connection: sa.Connection, progress: Progress | None = None) -> dict[str, Any]:
    """Raise `TamperingError` at the first difference.

    Return how many charges and releases there are, which older copies were accepted, and where leaves are
    dated before one that stands earlier.  *progress* hears of the leaves, then of the jobs.
    """
    logged = _logged(connection, progress)
    _check_results(connection, logged.purged)
    for kind in _COLUMNS:
        for odd in sorted(_stored(connection, kind) ^ logged.rows[kind].keys()):
            raise TamperingError("audit.books-differ", kind=kind, id=odd[0])
    for row, leaf in logged.rows["release"].items():
        if logged.paid.get(row[0], leaf) >= leaf:
            raise TamperingError("audit.unpaid-release", job=row[0])
    check_policies(connection, logged.told)
    _check_tags(connection, logged.tags, logged.proposed)
    _check_datasets(connection, logged.homes)
    lost = {f"lost-{it['leaf']}" for it in logged.restored}
    approvals = Approvals(connection, logged.answers, logged.decisions)
    check_jobs(connection, logged.decisions, logged.replays, approvals.check, lost=lost, progress=progress)
    check_keeping(connection)
    return {
        "charges": len(logged.rows["charge"]),
        "releases": len(logged.rows["release"]),
        "restored": logged.restored,
        "clock_back": logged.clock.told(),
    }


def _logged(connection: sa.Connection, progress: Progress | None) -> _Logged:
    found = _Logged()
    size = connection.scalar(sa.select(sa.func.count()).select_from(leaves)) or 0
    query = sa.select(leaves.c.leaf, leaves.c.entry).order_by(leaves.c.leaf)
    for leaf, text in connection.execute(query, execution_options=_STREAM):
        entry = json.loads(text)
        found.clock.read(leaf, entry["time"])
        found.answers.hear(leaf, entry)
        if entry["kind"] == "decision":
            found.decisions.texts[entry["facts"]["job"]] = (leaf, text)
        else:
            _hear(found, leaf, entry)
        if progress and (leaf % _SAY_EVERY == 0 or leaf == size - 1):
            progress(leaf + 1, size)
    return found


def _hear(found: _Logged, leaf: int, entry: dict[str, Any]) -> None:
    kind, facts = entry["kind"], entry["facts"]
    if kind in _COLUMNS:
        said = {**facts, "actor": entry["actor"], "time": entry["time"], "leaf": leaf}
        found.rows[kind][tuple(_text(fact, said[fact]) for fact in _COLUMNS[kind].values())] = leaf
        if kind in ("policy", "identity-key"):
            found.told.append((kind, said))
    if kind == "charge":
        found.paid[facts["job"]] = leaf
    elif kind == "tags":
        made = (entry["actor"], _text("time", entry["time"]), facts["reason"])
        found.tags.update({(facts["lineage"], col): (tag, *made) for col, tag in facts["tags"].items()})
        if "proposed" in facts:  # not in leaves of older builds
            against = {col: facts["proposed"].get(col) for col in facts["tags"]}
            found.proposed.update({(facts["lineage"], col): tag for col, tag in against.items()})
    elif kind == "drift":
        for column in facts["columns"]:
            found.tags.pop((facts["lineage"], column), None)
    elif kind == "version":
        found.homes[facts["dataset"]] = facts["lineage"]
    elif kind == "replay":
        found.replays[facts["job"]] = facts["of"]
    elif kind == "purge":
        found.purged[facts["job"]] = facts["result"]
    elif kind == "restored":
        found.restored.append({"leaf": leaf, "found": facts["found"], "lost": facts["lost"]})


def _stored(connection: sa.Connection, kind: str) -> set[Row]:
    table, facts = _TABLES[kind], tuple(_COLUMNS[kind].values())
    rows = connection.execute(
        sa.select(*(table.c[name] for name in _COLUMNS[kind])), execution_options=_STREAM
    )
    return {tuple(map(_text, facts, row)) for row in rows}


def _text(fact: str, value: Any) -> str:
    # One instant is written with and without a fraction of zero; all are in UTC.
    if fact == "time" and isinstance(value, str) and len(value) == _WHOLE_SECONDS:
        return f"{value[:19]}.000000{value[19:]}"
    return str(value)


def _check_results(connection: sa.Connection, purged: dict[str, str]) -> None:
    """Every result must be what was released, unless it was purged: then there is none."""
    query = sa.select(releases.c.job, releases.c.result, releases.c.digest)
    for job, result, digest in connection.execute(query, execution_options=_STREAM):
        gone = purged.get(job) == digest and result == ""
        # A result is stored as it was hashed.
        same = isinstance(result, str) and hashlib.sha256(result.encode()).hexdigest() == digest
        if not gone and (job in purged or not same):
            raise TamperingError("audit.changed-release", job=job)


def _check_tags(
    connection: sa.Connection,
    tagged: dict[tuple[str, str], Row],
    proposed: dict[tuple[str, str], str | None],
) -> None:
    confirmed = connection.execute(sa.select(tags).where(tags.c.confirmed)).all()
    against = {(row.lineage, row.column): _against(row) for row in confirmed}
    stored = {
        (row.lineage, row.column): (row.tag, row.decided_by, _text("time", row.changed), row.reason)
        for row in confirmed
    }
    for place in sorted(stored.keys() | tagged.keys()):
        same = stored.get(place) == tagged.get(place)
        if not same or proposed.get(place, against[place]) != against[place]:
            raise TamperingError("audit.books-differ", kind="tag", id=place[1])


def _against(row: sa.Row[Any]) -> str | None:
    """Return what was proposed for a column, if its owner decided otherwise."""
    said = proposal(row.evidence)
    return None if said == row.tag else said


def _check_datasets(connection: sa.Connection, homes: dict[str, str]) -> None:
    """Every name must lead to the lineage it was registered under, and show that lineage's newest version."""
    newest = sa.select(versions.c.lineage, sa.func.max(versions.c.version)).group_by(versions.c.lineage)
    known = {row[0]: row[1] for row in connection.execute(newest)}
    rows = {row.name: row for row in connection.execute(sa.select(datasets))}
    for name in sorted(rows.keys() | homes.keys()):
        if name not in rows or rows[name].lineage != homes.get(name):
            raise TamperingError("audit.books-differ", kind="dataset", id=name)
        if known.get(rows[name].lineage) != rows[name].current_version:
            raise TamperingError("audit.not-the-newest-version", dataset=name)
