"""Approvals held against the log: no job that needed a yes was charged, or answered, without it.

Everything is recomputed from what is signed: whose yes a job needed from its decision's leaf (which names the
policies and grants by digest), who said it from the leaves before its charge.  A yes about another plan,
policy, version or job counts nothing, nor does one that had expired, a second one of the same person, or one
of somebody who is not what the rule asks for.  After a no there is no charge.
"""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import sqlalchemy as sa

from policies.approvals import Yes, satisfied
from sandbox.books import approvals, jobs
from sandbox.errors import TamperingError
from service import consent, people, waiting

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


def check_approvals(connection: sa.Connection, heard: Answers, decisions: Mapping[str, Entry]) -> None:
    """Raise `TamperingError` for an answer that was not logged as stored, or a job that lacked a yes."""
    rows = {row["leaf"]: row for row in connection.execute(sa.select(approvals)).mappings()}
    for odd in sorted(rows.keys() ^ heard.given.keys()):
        job = (rows.get(odd) or heard.given[odd]["facts"])["job"]
        raise TamperingError("audit.books-differ", kind="approval", id=job)
    for leaf, row in rows.items():
        _check_row(row, heard.given[leaf], decisions.get(row["job"], {}))
    judges = consent.Judges(connection)
    columns = (jobs.c.job, jobs.c.state, jobs.c.spec, jobs.c.principal)
    for row in connection.execute(sa.select(*columns), execution_options={"yield_per": 1_000}).mappings():
        job = row["job"]
        if (row["state"] == "refused") != (job in heard.refused):
            raise TamperingError("audit.books-differ", kind="job", id=job)
        if job in heard.settled and not _approved(connection, judges, row, heard):
            raise TamperingError("audit.not-approved", job=job)


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


def _approved(connection: sa.Connection, judges: consent.Judges, row: sa.RowMapping, heard: Answers) -> bool:
    """Whether every yes that the job needs came before what it led to."""
    job = row["job"]
    judged = json.loads(row["spec"])["datasets"]
    if all("grant" not in item for item in judged):
        return job not in heard.by_job  # of an older build, which charged no job that asked for a yes
    rules = judges.rules_of(judged, row["principal"])
    leaf, time = heard.settled[job]
    before = [heard.given[number] for number in heard.by_job.get(job, ()) if number < leaf]
    said = [
        Yes(who, dt.datetime.fromisoformat(entry["facts"]["given"]))
        for entry in before
        if (who := people.known(connection, entry["actor"])) is not None
    ]
    refused = any(entry["kind"] == "rejection" for entry in before)
    return not refused and satisfied(rules, said, dt.datetime.fromisoformat(time))
