"""Approvals held against the log: no job that needed a yes was charged, or answered, without it.

Everything is recomputed from what is signed: whose yes a job needed from its decision's leaf (which names the
policies and grants by digest), who said it from the leaves before its charge.  A yes about another plan,
policy, version or job counts nothing, nor does one that had expired, a second one of the same person, or one
of somebody who is not what the rule asks for.  After a no there is no charge.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import sqlalchemy as sa

from policies.approvals import Yes, satisfied
from sandbox.books import approvals
from sandbox.errors import TamperingError
from service import people
from service.approvals import consent, waiting

Entry = Mapping[str, Any]


@dataclass(slots=True)
class Answers:
    """What the leaves say of approvals: answers by leaf number, the leaf a job was paid or replayed by."""

    given: dict[int, Entry] = field(default_factory=dict)
    by_job: dict[str, list[int]] = field(default_factory=dict)
    settled: dict[str, tuple[int, str]] = field(default_factory=dict)
    refused: set[str] = field(default_factory=set)

    def hear(self, leaf: int, entry: Entry) -> None:
        """Take in one leaf of the log, in order."""
        kind, job = entry["kind"], entry["facts"].get("job")
        if kind in ("approval", "rejection"):
            self.given[leaf] = entry
            self.by_job.setdefault(job, []).append(leaf)
        if kind in ("charge", "replay"):
            self.settled.setdefault(job, (leaf, entry["time"]))
        if kind in ("rejection", "refused"):
            self.refused.add(job)


class Approvals:
    """Checks answers when it is made, and then job after job."""

    def __init__(self, connection: sa.Connection, heard: Answers, decisions: Mapping[str, Entry]) -> None:
        """Raise `TamperingError` for an answer that was not logged as stored."""
        self._connection, self._heard = connection, heard
        self._judges = consent.Judges(connection)
        _check_answers(connection, heard, decisions)

    def check(self, row: Mapping[str, Any], spec: Mapping[str, Any]) -> None:
        """Raise `TamperingError` if the job in *row*, which asked *spec*, lacked a yes."""
        job, heard = row["job"], self._heard
        if (row["state"] == "refused") != (job in heard.refused):
            raise TamperingError("audit.books-differ", kind="job", id=job)
        if job in heard.settled and not self._approved(row, spec):
            raise TamperingError("audit.not-approved", job=job)

    def _approved(self, row: Mapping[str, Any], spec: Mapping[str, Any]) -> bool:
        """Whether every yes that the job needs came before what it led to."""
        job, heard = row["job"], self._heard
        if all("grant" not in item for item in spec["datasets"]):
            return job not in heard.by_job  # of an older build, which charged no job that asked for a yes
        rules = self._judges.rules_for(spec, row["principal"], row["created"])
        if not rules and job not in heard.by_job:
            return True
        leaf, time = heard.settled[job]
        settled = dt.datetime.fromisoformat(time)
        before = [heard.given[number] for number in heard.by_job.get(job, ()) if number < leaf]
        said = [
            Yes(who, dt.datetime.fromisoformat(entry["facts"]["given"]))
            for entry in before
            if (who := people.known(self._connection, entry["actor"], leaf)) is not None
        ]
        refused = any(entry["kind"] == "rejection" for entry in before)
        return not refused and satisfied(rules, said, settled)


def _check_answers(connection: sa.Connection, heard: Answers, decisions: Mapping[str, Entry]) -> None:
    rows = {row["leaf"]: row for row in connection.execute(sa.select(approvals)).mappings()}
    for odd in sorted(rows.keys() ^ heard.given.keys()):
        job = (rows.get(odd) or heard.given[odd]["facts"])["job"]
        raise TamperingError("audit.books-differ", kind="approval", id=job)
    for leaf, row in rows.items():
        _check_row(row, heard.given[leaf], decisions.get(row["job"], {}))


def _check_row(row: sa.RowMapping, entry: Entry, decision: Entry) -> None:
    try:
        facts = {name: decision[name] for name in consent.BOUND}
        same = (
            entry["kind"] == waiting.kind(row["answer"])
            and entry["actor"] == row["principal"]
            and entry["facts"] == waiting.leaf_facts(row, facts)
            and row["bound"] == consent.bound(facts)
        )
    except (KeyError, ValueError):
        same = False
    if not same:
        raise TamperingError("audit.books-differ", kind="approval", id=row["job"])
