"""The log as a reader's journal: entries as data, and which of them somebody wants to see.

Choosing is a pure function over the entries from the first on.  A leaf about a job belongs to the datasets
and the purpose of that job's decision, and a leaf about a lineage to the dataset registered under it, so what
an entry is *about* is known only to whoever has read what stands before it: `About` remembers that.
"""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any, Final

import sqlalchemy as sa

from sandbox.books import leaves
from sandbox.errors import InvalidInputError

VERDICTS: Final = (
    "allowed",
    "refused",
    "approved",
    "rejected",
    "replayed",
    "released",
    "failed",
    "interrupted",
    "cancelled",
)
"""What can become of a question, as a filter names it."""
_BY_KIND: Final = {
    "refusal": "refused",
    "refused": "refused",
    "approval": "approved",
    "rejection": "rejected",
    "replay": "replayed",
    "release": "released",
    "failed": "failed",
    "interrupted": "interrupted",
    "cancelled": "cancelled",
}
_STREAM: Final = {"yield_per": 1_000}


@dataclass(frozen=True, slots=True)
class Entry:
    """One leaf: its number, and what it says."""

    leaf: int
    kind: str
    time: str
    actor: str
    facts: dict[str, Any]

    @property
    def at(self) -> dt.datetime:
        """When it was written, in UTC."""
        return dt.datetime.fromisoformat(self.time).astimezone(dt.UTC)

    @property
    def verdict(self) -> str | None:
        """One of `VERDICTS`; None for what is no verdict about a question."""
        if self.kind == "decision":
            said = self.facts.get("verdict")
            return said if said in VERDICTS else None
        return _BY_KIND.get(self.kind)

    def to_json(self) -> dict[str, Any]:
        """Return the leaf as listings show it."""
        return {
            "leaf": self.leaf,
            "kind": self.kind,
            "time": self.time,
            "actor": self.actor,
            "facts": self.facts,
        }


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which entries somebody wants to see; what is None does not matter.  *until* is exclusive."""

    who: str | None = None
    dataset: str | None = None
    purpose: str | None = None
    verdict: str | None = None
    kind: str | None = None
    since: dt.datetime | None = None
    until: dt.datetime | None = None

    def fits(self, entry: Entry, about: About) -> bool:
        """Whether *entry* is wanted; *about* has read every entry before it, and it."""
        return (
            self.who in (None, entry.actor)
            and self.kind in (None, entry.kind)
            and self.verdict in (None, entry.verdict)
            and (self.dataset is None or self.dataset in about.datasets(entry))
            and (self.purpose is None or self.purpose == about.purpose(entry))
            and (self.since is None or entry.at >= self.since)
            and (self.until is None or entry.at < self.until)
        )


@dataclass(slots=True)
class About:
    """What the entries read so far tell of jobs and lineages."""

    _jobs: dict[str, tuple[tuple[str, ...], str]] = field(default_factory=dict)
    _homes: dict[str, str] = field(default_factory=dict)

    def read(self, entry: Entry) -> None:
        """Take note of *entry*."""
        facts = entry.facts
        if entry.kind == "decision":
            self._jobs[facts["job"]] = (tuple(named(entry)), facts["purpose"])
        elif entry.kind == "version":
            self._homes[facts["lineage"]] = facts["dataset"]

    def datasets(self, entry: Entry) -> frozenset[str]:
        """Return the datasets and public tables that *entry* is about."""
        facts = entry.facts
        found = {facts.get("dataset"), facts.get("table"), self._homes.get(str(facts.get("lineage")))}
        found.update(self._jobs.get(str(facts.get("job")), ((), ""))[0])
        found.update(named(entry))
        return frozenset(str(name) for name in found if name)

    def purpose(self, entry: Entry) -> str | None:
        """Return the purpose of the job that *entry* is about, or of the question that it refuses."""
        known = self._jobs.get(str(entry.facts.get("job")))
        said = entry.facts.get("purpose")
        return known[1] if known else said if isinstance(said, str) else None


def named(entry: Entry) -> list[str]:
    """Return the datasets that a decision or a refusal itself names."""
    return [item["dataset"] for item in entry.facts.get("datasets", ())]


def entries(connection: sa.Connection, first: int = 0, containing: str | None = None) -> Iterator[Entry]:
    """Yield the stored entries from leaf *first* on; if given, only those whose text has *containing*."""
    query = sa.select(leaves).where(leaves.c.leaf >= first).order_by(leaves.c.leaf)
    if containing is not None:
        query = query.where(leaves.c.entry.contains(containing, autoescape=True))
    for row in connection.execute(query, execution_options=_STREAM):
        said = json.loads(row.entry)
        yield Entry(row.leaf, said["kind"], said["time"], said["actor"], said["facts"])


def of_kind(connection: sa.Connection, *kinds: str) -> Iterator[Entry]:
    """Yield the entries of some kinds, in order, without reading the others."""
    either = [leaves.c.entry.contains(f'"kind":"{kind}"', autoescape=True) for kind in kinds]
    query = sa.select(leaves).where(sa.or_(*either)).order_by(leaves.c.leaf)
    for row in connection.execute(query, execution_options=_STREAM):
        said = json.loads(row.entry)
        if said["kind"] in kinds:  # a text may quote one
            yield Entry(row.leaf, said["kind"], said["time"], said["actor"], said["facts"])


def of_job(connection: sa.Connection, job: str) -> list[Entry]:
    """Return the entries about *job*, in order."""
    return [item for item in entries(connection, 0, f'"job":"{job}"') if item.facts.get("job") == job]


def chosen(found: Iterable[Entry], wanted: Wanted, first: int) -> Iterator[Entry]:
    """Yield those of *found* (all entries, from the first on) that are wanted and not before leaf *first*."""
    about = About()
    for entry in found:
        about.read(entry)
        if entry.leaf >= first and wanted.fits(entry, about):
            yield entry


def instant(text: str, *, end: bool) -> dt.datetime:
    """Return the moment that *text* says: a day (its start, or its *end*) or an ISO 8601 instant, in UTC."""
    try:
        if len(text) == 10:
            day = dt.datetime.combine(dt.date.fromisoformat(text), dt.time(), dt.UTC)
            return day + dt.timedelta(days=1) if end else day
        found = dt.datetime.fromisoformat(text)
    except (ValueError, OverflowError):
        raise InvalidInputError("audit.bad-time", time=text[:40]) from None
    return found if found.tzinfo else found.replace(tzinfo=dt.UTC)
