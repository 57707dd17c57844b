"""The account of one job: who asked what for, which rule let it through, what it cost and what left.

Everything is taken from the log and from what the log vouches for: the plan and the policy whose digests the
decision's leaf holds, the tags as they were confirmed before it, the charges and the release after it.  The
text of a question stays its analyst's own, and so do the constants in its plan.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

import sqlalchemy as sa

from jobs.codec import plan_from_json, released_from_json
from jobs.described import column_uses, statements
from jobs.plan import Plan, Released
from policies.build import parse
from policies.model import AccessPolicy, Grant
from sandbox.books import datasets, jobs, lineages, policies, releases
from sandbox.errors import DeniedError
from sandbox.privacy.ledger import loss_of
from sandbox.privacy.loss import ZERO, Filter, Loss
from sandbox.schema import Principal, Role, exact
from service.audit import journal
from service.audit.journal import Entry
from service.desk import Desk, require
from service.numbers import loss_to_json

_MILESTONES: Final = ("decision", "charge", "release")
"""Leaves that have a place of their own in the account; the others are its events."""


def show(desk: Desk, by: Principal, job: str) -> dict[str, Any]:
    """Return the account of *job* to a reviewer, or to an owner of a dataset that it read.

    See `service.gates.audit`.  Unknown jobs and others' jobs are refused alike.
    """
    require(by, Role.REVIEWER, Role.OWNER)
    with desk.reading() as connection:
        row = connection.execute(sa.select(jobs).where(jobs.c.job == job)).mappings().one_or_none()
        if row is None or not _may_read(connection, by, row):
            raise DeniedError("job.unknown", rule="jobs", job=job[:40])
        return _account(connection, by, row, journal.of_job(connection, job))


def _may_read(connection: sa.Connection, by: Principal, row: sa.RowMapping) -> bool:
    if Role.REVIEWER in by.roles or row["principal"] == by.name:
        return True
    named = [item["name"] for item in json.loads(row["spec"])["datasets"]]
    owned = sa.select(datasets.c.name).join(lineages, lineages.c.lineage == datasets.c.lineage)
    return bool(set(connection.scalars(owned.where(lineages.c.owner == by.name))).intersection(named))


def _account(
    connection: sa.Connection, by: Principal, row: sa.RowMapping, told: Sequence[Entry]
) -> dict[str, Any]:
    spec, plan = json.loads(row["spec"]), plan_from_json(json.loads(row["plan"]))
    decision = next(entry for entry in told if entry.kind == "decision")
    charged = {entry.facts["lineage"]: entry for entry in told if entry.kind == "charge"}
    return {
        "job": row["job"],
        "who": row["principal"],
        "purpose": row["purpose"],
        "state": row["state"],
        "decision": _decided(decision),
        "datasets": [
            _dataset(connection, plan, number, decision, charged) for number in range(len(plan.sources))
        ],
        "tables": [{"name": table.name, "digest": table.digest} for table in plan.tables],
        "statements": [item.to_json() for item in statements(plan)],
        "rows": max(part.rows for part in plan.parts),
        "mechanism": plan.mechanism,
        "release": _release(connection, plan, spec["replay_of"] or row["job"], told),
        "replay_of": spec["replay_of"],
        "events": [
            _at(entry) | {"kind": entry.kind, "actor": entry.actor, "facts": entry.facts}
            for entry in told
            if entry.kind not in _MILESTONES
        ],
        "sql": spec["sql"] if row["principal"] == by.name else None,
    }


def _decided(decision: Entry) -> dict[str, Any]:
    facts = decision.facts
    return _at(decision) | {
        "verdict": facts["verdict"],
        "code": facts.get("code"),
        "digest": facts["plan"],
    }


def _at(entry: Entry) -> dict[str, Any]:
    return {"leaf": entry.leaf, "time": entry.time}


# --- rule, columns, cost --------------------------------------------------------------------------------


def _dataset(
    connection: sa.Connection, plan: Plan, number: int, decision: Entry, charged: Mapping[str, Entry]
) -> dict[str, Any]:
    judged, source = decision.facts["datasets"], plan.sources[number]
    item = next(one for one in judged if one["dataset"] == source.dataset)
    chosen = sa.select(datasets.c.lineage).where(datasets.c.name == source.dataset)
    lineage = str(connection.scalar(chosen))
    policy, version = _policy(connection, lineage, item["policy"])
    grant = decision.facts["grants"].get(source.dataset)
    charge = charged.get(lineage)
    tagged = _tags(connection, lineage, decision.leaf)
    return {
        "dataset": source.dataset,
        "lineage": lineage,
        "version": source.version,
        "policy": {"version": version, "digest": item["policy"]},
        "grant": None if policy is None or grant is None else _grant(grant, policy.grants[grant]),
        "columns": [
            {"name": name, "uses": [use.value for use in uses], "tag": tagged.get(name)}
            for name, uses in column_uses(plan, number).items()
        ],
        "loss": None if charge is None else _loss(connection, lineage, loss_of(charge.facts)),
        "charged": None if charge is None else _at(charge),
    }


def _policy(connection: sa.Connection, lineage: str, digest: str) -> tuple[AccessPolicy | None, int | None]:
    chosen = (policies.c.lineage == lineage) & (policies.c.digest == digest)
    row = connection.execute(sa.select(policies).where(chosen)).mappings().first()
    return (None, None) if row is None else (parse(row["source"], "policy"), row["version"])


def _grant(number: int, grant: Grant) -> dict[str, Any]:
    return {
        "number": number,
        "to": sorted(grant.to),
        "purposes": sorted(grant.purposes),
        "operations": sorted(grant.operations),
        "until": grant.until.isoformat(),
    }


def _tags(connection: sa.Connection, lineage: str, before: int) -> dict[str, str]:
    """Return the tags of *lineage* as they were confirmed before leaf *before*."""
    found: dict[str, str] = {}
    for entry in journal.of_kind(connection, "tags", "drift"):
        if entry.leaf >= before or entry.facts["lineage"] != lineage:
            continue
        if entry.kind == "tags":
            found.update(entry.facts["tags"])
        else:
            for column in entry.facts["columns"]:
                found.pop(column, None)
    return found


def _loss(connection: sa.Connection, lineage: str, loss: Loss) -> dict[str, Any] | None:
    row = connection.execute(sa.select(lineages).where(lineages.c.lineage == lineage)).mappings().first()
    if row is None or loss == ZERO:
        return None
    return loss_to_json(loss, Filter(row["filter"]), exact(row["delta"]))


# --- what left ------------------------------------------------------------------------------------------


def _release(
    connection: sa.Connection, plan: Plan, first: str, told: Sequence[Entry]
) -> dict[str, Any] | None:
    """Return digest and shape of what left: of a replay, what its first job released."""
    leaf = next((entry for entry in told if entry.kind == "release"), None)
    if leaf is None:
        leaf = next((entry for entry in journal.of_job(connection, first) if entry.kind == "release"), None)
    if leaf is None:
        return None
    stored = connection.scalar(sa.select(releases.c.result).where(releases.c.job == first))
    shape = None if not stored else _shape(plan, released_from_json(json.loads(stored)))
    return _at(leaf) | {"digest": leaf.facts["result"], "code": leaf.facts.get("code"), "shape": shape}


def _shape(plan: Plan, released: Sequence[Released]) -> list[dict[str, int]]:
    """Return, for every statement, how many rows by columns were released; an answer may show less."""
    return [
        {
            "rows": sum(_cells(plan, released, part) for part, _ in answer.sets),
            "columns": len(answer.keys) + len(answer.recipes),
            "numbers": _numbers(released, {part for part, _ in answer.sets}),
        }
        for answer in plan.answers
    ]


def _cells(plan: Plan, released: Sequence[Released], part: int) -> int:
    keys = released[part].keys
    return plan.parts[part].cells if keys is None else len(keys)


def _numbers(released: Sequence[Released], parts: Iterable[int]) -> int:
    return sum(len(vector) for part in parts for vector in released[part].vectors)
