"""What analysts are told about jobs: how one stands, what it released and what that cost."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

import sqlalchemy as sa

from jobs.codec import plan_from_json, presentation_from_json, released_from_json
from jobs.plan import Plan, Released
from jobs.results import Table, tabulate
from jobs.spec import Query
from sandbox.books import charges, jobs, releases
from sandbox.errors import DeniedError, InvalidInputError
from sandbox.privacy import ledger
from sandbox.privacy.loss import ZERO, Loss
from sandbox.schema import Principal
from service import dossier
from service.approvals import approving as approvals
from service.clock import present
from service.desk import Desk
from service.dossier import Dossier
from service.jobs import states
from service.jobs.requests import statements
from service.keeping.retention import PURGED, end_of, refuse_ended
from service.numbers import loss_to_json

_Paid = Mapping[str, Mapping[str, Loss]]
"""Losses by job and lineage."""


def result(desk: Desk, by: Principal, job: str) -> dict[str, Any]:
    """Return the release of *job*, made into tables anew; `InvalidInputError` while there is none."""
    row = states.find(desk, by, job)
    spec, plan = json.loads(row["spec"]), plan_from_json(json.loads(row["plan"]))
    with desk.reading() as connection:
        first = spec["replay_of"] or job
        query = sa.select(releases.c.result, releases.c.released).where(releases.c.job == first)
        stored = connection.execute(query).one_or_none()
        found = [dossier.read_past(connection, desk.workspace, source.dataset) for source in plan.sources]
        paid, now = _paid(connection, job), present(connection)
    for each in found:  # what was released of a dataset that is no more is for reviewers
        if each.removed and not each.reviewed_by(by):
            raise dossier.unknown(each.name)
    if stored is None or row["state"] != "released":
        raise InvalidInputError("job.no-result", job=job, state=row["state"])
    refuse_ended(job, stored.released, found, now)
    if stored.result == PURGED:  # by a policy that kept results for a shorter time
        raise DeniedError("denied.result-purged", rule="results.keep", job=job)
    end = end_of(stored.released, found)
    released = released_from_json(json.loads(stored.result))
    shown = presentation_from_json(spec["presentation"], plan)
    # The text is the analyst's own: what somebody looked for is not told by what came out.
    own = row["principal"] == by.name
    texts = statements(spec["sql"], len(shown)) if own else [None] * len(shown)
    losses = _losses(found, paid.get(job, {}))
    return {
        "mock": False,
        "job": job,
        "status": row["state"],
        "replayed": spec["replay_of"] is not None,
        "losses": losses,
        "loss": {name: value for name, value in losses[0].items() if name != "dataset"},
        "datasets": [{"name": source.dataset, "version": source.version} for source in plan.sources],
        "public_tables": [{"name": table.name, "digest": table.digest} for table in plan.tables],
        "mechanism": plan.mechanism,
        "kept_until": end.isoformat() if end else None,
        "tables": tables_of(shown, texts, plan, released),
    }


def tables_of(
    queries: Sequence[Query], texts: Sequence[str | None], plan: Plan, released: Sequence[Released]
) -> list[dict[str, Any]]:
    """Return what each statement shows of a release, as a table."""
    return [
        _table(number, texts[number], tabulate(query, plan, number, released))
        for number, query in enumerate(queries)
    ]


def _table(number: int, text: str | None, table: Table) -> dict[str, Any]:
    return {
        "statement": number + 1,
        "sql": text,
        "columns": [{"name": name, "kind": kind} for name, kind in table.columns],
        "rows": list(table.rows),
        "notes": [{"key": note.key, "facts": note.facts} for note in table.notes],
    }


def status(desk: Desk, by: Principal, job: str) -> dict[str, Any]:
    """Return how *job* stands."""
    row = states.find(desk, by, job)
    with desk.reading() as connection:
        return status_of(row) | {"approval": approvals.standing(connection, desk, row)}


def listing(desk: Desk, by: Principal) -> dict[str, Any]:
    """Return an analyst's own jobs, and to an owner or reviewer those on their datasets.

    Of somebody else's job everybody sees their own datasets only.
    """
    with desk.reading() as connection:
        rows = connection.execute(sa.select(jobs).order_by(jobs.c.created)).mappings().all()
        paid = _paid(connection)
        names = {row["job"]: [item["name"] for item in json.loads(row["spec"])["datasets"]] for row in rows}
        known = {
            name: dossier.read_past(connection, desk.workspace, name)
            for name in sorted({name for listed in names.values() for name in listed})
        }
    shown = []
    for row in rows:
        own = row["principal"] == by.name
        every = [known[name] for name in names[row["job"]]]
        found = [each for each in every if own or each.owner == by.name or each.reviewed_by(by)]
        if found:
            losses = _losses(found, paid.get(row["job"], {}))
            shown.append(status_of(row) | {"datasets": [each.name for each in found], "losses": losses})
    return {"jobs": shown}


def _paid(connection: sa.Connection, job: str | None = None) -> _Paid:
    chosen = sa.select(charges) if job is None else sa.select(charges).where(charges.c.job == job)
    found: dict[str, dict[str, Loss]] = {}
    for row in connection.execute(chosen).mappings():
        found.setdefault(row["job"], {})[row["lineage"]] = ledger.loss_of(row)
    return found


def losses_of(connection: sa.Connection, job: str, found: Sequence[Dossier]) -> list[dict[str, Any]]:
    """Return what *job* was charged by each of the datasets *found*; nothing while it waits."""
    return _losses(found, _paid(connection, job).get(job, {}))


def _losses(found: Sequence[Dossier], paid: Mapping[str, Loss]) -> list[dict[str, Any]]:
    """What each of the datasets was charged; nothing for a replay."""
    return [
        {"dataset": each.name} | loss_to_json(paid.get(each.lineage, ZERO), each.filter, each.delta)
        for each in found
    ]


def status_of(row: sa.RowMapping) -> dict[str, Any]:
    """Return what everybody who may see a job is told of it."""
    shown = {key: row[key] for key in ("job", "principal", "purpose", "created", "changed", "failure")}
    return shown | {"status": row["state"]}
