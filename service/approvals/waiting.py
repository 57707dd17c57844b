"""A job that waits for somebody's yes, as the books have it now; every answer checked as it is read.

Read inside the caller's transaction.  A row of the table of answers is worth what its leaf is worth: the leaf
must stand in the log under the newest signature and say the same, about this very job, plan, policies and
data versions.  A row copied to another job, or written without a leaf, is tampering.
"""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from jobs.codec import plan_from_json
from jobs.plan import Plan
from policies.approvals import Party, Rule, Yes, given, satisfied
from sandbox import canonical
from sandbox.audit.log import salted
from sandbox.audit.proofs import prove_inclusion
from sandbox.books import approvals, jobs
from sandbox.errors import InvalidInputError, TamperingError
from sandbox.schema import Principal, Role
from sandbox.workspace import Workspace
from service import people
from service.approvals import consent

Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Said:
    """One answer to a job: ``yes`` or ``no``, by whom, when and why, and its leaf."""

    by: str
    answer: str
    at: dt.datetime
    reason: str
    leaf: int


@dataclass(frozen=True, slots=True)
class Waiting:
    """A job, whose yes it needs, and what was said; *yeses* by people as they are known now."""

    row: sa.RowMapping
    spec: Json
    plan: Plan
    rules: tuple[Rule, ...]
    said: tuple[Said, ...]
    yeses: tuple[Yes, ...]
    known: Mapping[str, Principal]

    @property
    def facts(self) -> Json:
        """What a yes to it is bound to."""
        digest = canonical.digest(json.loads(self.row["plan"]))
        return consent.bound_facts(self.plan.sources, self.plan.tables, self.spec["datasets"], digest)

    def asks(self, by: Principal) -> bool:
        """Whether *by* has a say."""
        return any(rule.asks(by) for rule in self.rules)

    def said_yes(self, by: Principal, now: dt.datetime) -> bool:
        """Whether *by* has said a yes that still counts wherever it is asked for."""
        own = [yes for yes in self.yeses if yes.by.name == by.name]
        parties = [(rule, party) for rule in self.rules for party in rule.parties if rule.fits(party, by)]
        return bool(parties) and all(given(rule, party, own, now) for rule, party in parties)

    def complete(self, more: Sequence[Yes], now: dt.datetime) -> bool:
        """Whether every party has said yes, *more* included, and nobody no."""
        refused = any(one.answer == "no" for one in self.said)
        return not refused and satisfied(self.rules, (*self.yeses, *more), now)

    def missing(self, now: dt.datetime) -> list[str]:
        """Return who can be asked for what is missing: names, and ``group:NAME``."""
        wanted = [
            name
            for rule in self.rules
            for party in rule.parties
            if len(given(rule, party, self.yeses, now)) < party.need
            for name in self._askable(rule, party, now)
        ]
        return list(dict.fromkeys(wanted))

    def to_json(self, now: dt.datetime) -> Json:
        """Return how the approval stands: see `service.gates.approvals`."""
        return {
            "rules": [
                consent.rule_to_json(rule)
                | {"parties": [self._party(rule, party, now) for party in rule.parties]}
                for rule in self.rules
            ],
            "said": [
                {"by": it.by, "answer": it.answer, "at": it.at.isoformat(), "reason": it.reason}
                for it in self.said
            ],
            "complete": self.complete((), now),
            "ask": self.missing(now),
        }

    def _party(self, rule: Rule, party: Party, now: dt.datetime) -> Json:
        names = sorted(given(rule, party, self.yeses, now))
        return consent.party_to_json(party) | {"given": names, "missing": max(party.need - len(names), 0)}

    def _askable(self, rule: Rule, party: Party, now: dt.datetime) -> list[str]:
        done = given(rule, party, self.yeses, now)
        if party.kind == "reviewer":
            named = [name for name, by in self.known.items() if rule.fits(party, by)]
        else:
            named = sorted(party.of - {rule.asker})
        return [name for name in named if name not in done]


def read(connection: sa.Connection, workspace: Workspace, row: sa.RowMapping) -> Waiting:
    """Return the job of *row*; raises `TamperingError` if an answer is not the one that was logged."""
    spec, plan = json.loads(row["spec"]), plan_from_json(json.loads(row["plan"]))
    digest = canonical.digest(json.loads(row["plan"]))
    facts = consent.bound_facts(plan.sources, plan.tables, spec["datasets"], digest)
    stored = connection.execute(
        sa.select(approvals).where(approvals.c.job == row["job"]).order_by(approvals.c.leaf)
    )
    said = [_said(connection, workspace, answer, facts) for answer in stored.mappings()]
    # While a job waits, a yes counts of people who still are what the rule asks for.
    open_ = row["state"] == "awaiting-approval"
    by = {one: people.known(connection, one.by, None if open_ else one.leaf) for one in said}
    yeses = [Yes(who, one.at) for one in said if one.answer == "yes" and (who := by[one]) is not None]
    return Waiting(
        row,
        spec,
        plan,
        consent.Judges(connection).rules(row),
        tuple(said),
        tuple(yeses),
        _reviewers(connection),
    )


def find(connection: sa.Connection, job: str) -> sa.RowMapping | None:
    """Return the row of *job*, None if there is none."""
    return connection.execute(sa.select(jobs).where(jobs.c.job == job)).mappings().one_or_none()


def leaf_facts(row: sa.RowMapping | Json, facts: Json) -> Json:
    """Return what the leaf of the answer in *row* says, if it is about *facts*."""
    reason = salted(row["reason"], row["salt"])[1]
    bound = {name: facts[name] for name in consent.BOUND}
    return {"job": row["job"], **bound, "reason": reason, "given": row["given"]}


def kind(answer: str) -> str:
    """Return the kind of leaf that an answer has."""
    return "approval" if answer == "yes" else "rejection"


def _said(connection: sa.Connection, workspace: Workspace, row: sa.RowMapping, facts: Json) -> Said:
    try:
        entry = json.loads(prove_inclusion(connection, workspace.log.key, row["leaf"])["entry"])
    except InvalidInputError:  # there is no such leaf
        raise TamperingError("audit.books-differ", kind="approval", id=row["job"]) from None
    expected = {"kind": kind(row["answer"]), "actor": row["principal"], "facts": leaf_facts(row, facts)}
    del entry["time"]
    if entry != expected or row["bound"] != consent.bound(facts):
        raise TamperingError("audit.books-differ", kind="approval", id=row["job"])
    at = dt.datetime.fromisoformat(row["given"])
    return Said(row["principal"], row["answer"], at, row["reason"], row["leaf"])


def _reviewers(connection: sa.Connection) -> dict[str, Principal]:
    return {by.name: by for by in people.everybody(connection) if Role.REVIEWER in by.roles}
