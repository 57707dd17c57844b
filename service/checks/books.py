"""The books held against the log: what the tables say is what was logged, no more and no less.

A sound Merkle tree proves that nobody changed the log.  These checks prove that nobody changed the tables
that decisions are made from: every identity, charge, release, policy, version and lineage has its leaf and
every such leaf its row, who did it and when included; every confirmed tag is the one logged last, by whom,
when and why; every dataset's name leads to its lineage; every release was paid for before.  Jobs are
`service.checks.jobs`'s, what charges had to fit `service.checks.limits`'s, what policies say and who signed
them `service.checks.policies`'s, keys and deletions `service.checks.keeping`'s.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any, Final

import sqlalchemy as sa

from sandbox import canonical
from sandbox.books import datasets, leaves, releases, tags, versions
from sandbox.errors import TamperingError
from service.approvals.templates import LEAVES as TEMPLATES
from service.approvals.templates import check_templates
from service.audit.clock import Clock
from service.audit.journal import Entry
from service.checks.approvals import Answers, Approvals
from service.checks.jobs import Chosen, Decisions, Which, check_jobs, every_job
from service.checks.keeping import DELETING, check_keeping
from service.checks.limits import check_limits
from service.checks.policies import Told, check_policies
from service.checks.rows import COLUMNS, TABLES
from service.datasets.describing import check_descriptions
from service.datasets.proposed import proposal

Row = tuple[str, ...]
Progress = Callable[[int, int], None]
"""Called with (done, in all)."""

_SAY_EVERY: Final = 10_000
_STREAM: Final = {"yield_per": 1_000}
_WHOLE_SECONDS: Final = len("2026-11-23T08:00:00+00:00")

_TIMES: Final = {
    kind: list(facts.values()).index("time") if "time" in facts.values() else None
    for kind, facts in COLUMNS.items()
}
"""At which place of a row its instant stands."""
_RARE: Final = frozenset({*DELETING, "cleaning", "description", *TEMPLATES})
"""Kinds of leaves that are kept as they are, for the checks that want to see them whole."""
_DECISION: Final = re.compile(
    r'"job":"(?P<job>job-[0-9a-f]+)",.*,"kind":"decision","time":"(?P<time>[0-9:T.+-]+)"\}\Z', re.DOTALL
)
"""How the text of a decision's leaf ends: keys are in order, so nothing that it holds looks the same."""


@dataclass(frozen=True, slots=True)
class _Logged:
    """What the leaves say: rows by kind with their leaf, jobs with the leaf that charged them, and so on."""

    rows: dict[str, dict[Row, int]] = field(default_factory=lambda: {kind: {} for kind in COLUMNS})
    paid: dict[str, int] = field(default_factory=dict)
    tags: dict[tuple[str, str], Row] = field(default_factory=dict)
    proposed: dict[tuple[str, str], str | None] = field(default_factory=dict)
    homes: dict[str, str] = field(default_factory=dict)
    decisions: Decisions = field(default_factory=Decisions)
    replays: dict[str, str] = field(default_factory=dict)
    told: list[Told] = field(default_factory=list)
    purged: dict[str, str] = field(default_factory=dict)
    rare: dict[str, list[Entry]] = field(default_factory=dict)
    answers: Answers = field(default_factory=Answers)
    restored: list[dict[str, Any]] = field(default_factory=list)
    clock: Clock = field(default_factory=Clock)

    @property
    def lost(self) -> frozenset[str]:
        """Under what names accepting an older copy wrote off what may have been spent."""
        return frozenset(f"lost-{it['leaf']}" for it in self.restored)


def check_books(
    connection: sa.Connection, progress: Progress | None = None, mine: Chosen = every_job
) -> dict[str, Any]:
    """Raise `TamperingError` at the first difference; only jobs that are *mine* are looked at.

    Return how many charges and releases there are, which older copies were accepted, and where leaves are
    dated before one that stands earlier.  *progress* hears of the leaves, then of the jobs.
    """
    logged = _logged(connection, progress)
    _check_results(connection, logged.purged)
    for kind in COLUMNS:
        for odd in sorted(_stored(connection, kind) ^ logged.rows[kind].keys()):
            raise TamperingError("audit.books-differ", kind=kind, id=odd[0])
    for row, leaf in logged.rows["release"].items():
        if logged.paid.get(row[0], leaf) >= leaf:
            raise TamperingError("audit.unpaid-release", job=row[0])
    check_policies(connection, logged.told)
    check_limits(connection, logged.rows, logged.lost)
    _check_tags(connection, logged.tags, logged.proposed)
    _check_datasets(connection, logged.homes)
    _check_jobs(connection, logged, mine, progress)
    check_keeping(connection, logged.rare)
    check_descriptions(connection, logged.rare.get("description", ()))
    check_templates(connection, logged.rare)
    return {
        "charges": len(logged.rows["charge"]),
        "releases": len(logged.rows["release"]),
        "restored": logged.restored,
        "clock_back": logged.clock.told(),
    }


def check_half(connection: sa.Connection, mine: Chosen) -> None:
    """Check the jobs that are *mine*, and nothing else of the books; errors as for `check_books`."""
    _check_jobs(connection, _logged(connection, None, _Logged(rows={})), mine, None)


def _check_jobs(connection: sa.Connection, logged: _Logged, mine: Chosen, progress: Progress | None) -> None:
    approvals = Approvals(connection, logged.answers, logged.decisions)
    what = Which(logged.lost, mine, progress)
    check_jobs(connection, logged.decisions, logged.replays, approvals.check, what)


def _logged(connection: sa.Connection, progress: Progress | None, found: _Logged | None = None) -> _Logged:
    found = found or _Logged()
    size = connection.scalar(sa.select(sa.func.count()).select_from(leaves)) or 0
    query = sa.select(leaves.c.leaf, leaves.c.entry).order_by(leaves.c.leaf)
    for leaf, text in connection.execute(query, execution_options=_STREAM):
        decision = _DECISION.search(text) if '"kind":"decision"' in text else None
        if decision is not None:  # the rest is read when its job is checked
            found.clock.read(leaf, decision["time"])
            found.decisions.texts[decision["job"]] = (leaf, text)
        else:
            _hear(found, leaf, text)
        if progress and (leaf % _SAY_EVERY == 0 or leaf == size - 1):
            progress(leaf + 1, size)
    return found


def _hear(found: _Logged, leaf: int, text: str) -> None:
    entry = canonical.parse(text)
    kind, facts = entry["kind"], entry["facts"]
    found.clock.read(leaf, entry["time"])
    found.answers.hear(leaf, entry)
    if kind in _RARE:
        rare = Entry(leaf, kind, entry["time"], entry["actor"], facts)
        found.rare.setdefault(kind, []).append(rare)
    if kind in found.rows:
        said = {**facts, "actor": entry["actor"], "time": entry["time"], "leaf": leaf}
        found.rows[kind][_row(kind, [said[fact] for fact in COLUMNS[kind].values()])] = leaf
        if kind in ("policy", "identity-key"):
            found.told.append((kind, said))
    if kind == "charge":
        found.paid[facts["job"]] = leaf
    elif kind == "decision":
        found.decisions.texts[facts["job"]] = (leaf, text)
    elif kind in ("tags", "drift"):
        _hear_tags(found, entry)
    elif kind == "version":
        found.homes[facts["dataset"]] = facts["lineage"]
    elif kind == "replay":
        found.replays[facts["job"]] = facts["of"]
    elif kind == "purge":
        found.purged[facts["job"]] = facts["result"]
    elif kind == "restored":
        found.restored.append({"leaf": leaf, "found": facts["found"], "lost": facts["lost"]})


def _hear_tags(found: _Logged, entry: dict[str, Any]) -> None:
    facts = entry["facts"]
    if entry["kind"] == "drift":
        for column in facts["columns"]:
            found.tags.pop((facts["lineage"], column), None)
        return
    made = (entry["actor"], _instant(entry["time"]), facts["reason"])
    found.tags.update({(facts["lineage"], col): (tag, *made) for col, tag in facts["tags"].items()})
    if "proposed" in facts:  # not in leaves of older builds
        against = {col: facts["proposed"].get(col) for col in facts["tags"]}
        found.proposed.update({(facts["lineage"], col): tag for col, tag in against.items()})


def _stored(connection: sa.Connection, kind: str) -> set[Row]:
    table = TABLES[kind]
    rows = connection.execute(
        sa.select(*(table.c[name] for name in COLUMNS[kind])), execution_options=_STREAM
    )
    return {_row(kind, row) for row in rows}


def _row(kind: str, cells: Iterable[Any]) -> Row:
    found, place = list(map(str, cells)), _TIMES[kind]
    if place is not None:
        found[place] = _instant(found[place])
    return tuple(found)


def _instant(text: str) -> str:
    """Return an instant, which is written with and without a fraction of zero, in one way; all are in UTC."""
    return f"{text[:19]}.000000{text[19:]}" if len(text) == _WHOLE_SECONDS else text


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
        (row.lineage, row.column): (row.tag, row.decided_by, _instant(str(row.changed)), row.reason)
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
