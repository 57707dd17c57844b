"""What analysts are told about jobs: what one would cost, how it stands, what it released."""

from __future__ import annotations

import json
from collections.abc import Mapping
from fractions import Fraction
from typing import Any

import sqlalchemy as sa

from jobs import pipeline, simulate
from jobs.codec import plan_from_json, presentation_from_json, replay_key
from jobs.pipeline import Prepared
from jobs.results import tabulate
from jobs.spec import Measurement, Plan
from sandbox.database import charges, jobs, releases
from sandbox.errors import DeniedError, InvalidInputError
from sandbox.privacy import ledger
from sandbox.privacy.intervals import half_width
from sandbox.privacy.loss import ZERO, Loss
from sandbox.schema import Principal, Role
from sandbox.workspace import utc_now
from service import dossier, runner, states
from service.desk import Desk, require
from service.dossier import Dossier
from service.gatekeeper import JobRequest
from service.numbers import fraction, left_to_json, loss_to_json
from service.requests import spec_of


def explain(desk: Desk, by: Principal, request: JobRequest) -> dict[str, Any]:
    """Return what a job would cost and how far off it would be; reads no data, charges nothing.

    A denial is logged as `runner.submit` logs it: whoever tries rules out by explaining leaves a trace too.
    """
    require(by, Role.ANALYST)
    try:
        return _explained(desk, by, request)
    except DeniedError as refusal:
        runner.log_refusal(desk, by, request, refusal)
        raise


def _explained(desk: Desk, by: Principal, request: JobRequest) -> dict[str, Any]:
    spec = spec_of(request)
    query = runner.read_query(desk, by, spec.sql)
    now = utc_now()
    with desk.reading() as connection:
        found = dossier.read(connection, desk.workspace, query.dataset)
        prepared = pipeline.prepare(query, spec, by, found.circumstances(now.date()))
        left = ledger.remaining(connection, found.lineage, by.name, now, found.limits())
        key = replay_key(prepared.plan, found.digest, found.policy_digest)
        free = runner.released_as(connection, key) is not None
    plan, policy = prepared.plan, found.policy
    assert policy is not None
    assumed = simulate.group_size(plan, request.group_size, policy.unit.expected_units)
    return {
        "dataset": found.name,
        "version": plan.version,
        "policy_version": policy.version,
        "rule": f"grants[{prepared.allowed.grant}]",
        "approval": prepared.allowed.approval.value,
        "max_rows": plan.max_rows,
        "mechanism": plan.mechanism,
        "epsilon": fraction(prepared.epsilon),
        "loss": loss_to_json(prepared.loss, found.filter, found.delta),
        "free_replay": free,
        "cells": plan.cells,
        "group_size": assumed,
        "columns": _columns(prepared, assumed),
        "measurements": [_measurement(item, plan) for item in plan.measurements],
        "remaining": left_to_json(_tightest(left), found.filter, found.delta),
        "queries_left": _times(left, prepared.loss),
    }


def result(desk: Desk, by: Principal, job: str) -> dict[str, Any]:
    """Return the release of *job*, made into a table anew; `InvalidInputError` while there is none."""
    row = states.find(desk, by, job)
    spec = json.loads(row["spec"])
    source = spec["replay_of"] or job
    with desk.reading() as connection:
        stored = connection.scalar(sa.select(releases.c.result).where(releases.c.job == source))
        charge = connection.execute(sa.select(charges).where(charges.c.job == job)).mappings().one_or_none()
        found = dossier.read(connection, desk.workspace, spec["dataset"])
    if stored is None or row["state"] != "released":
        raise InvalidInputError("job.no-result", job=job, state=row["state"])
    plan = plan_from_json(json.loads(row["plan"]))
    noisy = [[int(value) for value in vector] for vector in json.loads(stored)]
    table = tabulate(presentation_from_json(spec["presentation"], plan), plan, noisy)
    loss = ledger.loss_of(charge) if charge else ZERO
    return {
        "job": job,
        "status": row["state"],
        "replayed": spec["replay_of"] is not None,
        "loss": loss_to_json(loss, found.filter, found.delta),
        "columns": [{"name": name, "kind": kind} for name, kind in table.columns],
        "rows": list(table.rows),
        "dataset": found.name,
        "version": plan.version,
        "max_rows": plan.max_rows,
        "mechanism": plan.mechanism,
        "notes": _notes(plan),
    }


def status(desk: Desk, by: Principal, job: str) -> dict[str, Any]:
    """Return how *job* stands."""
    return _status(states.find(desk, by, job))


def listing(desk: Desk, by: Principal) -> dict[str, Any]:
    """Return an analyst's own jobs, and to an owner those on the owner's datasets."""
    with desk.reading() as connection:
        rows = connection.execute(sa.select(jobs).order_by(jobs.c.created)).mappings().all()
        paid = {row["job"]: row for row in connection.execute(sa.select(charges)).mappings()}
        names = {json.loads(row["spec"])["dataset"] for row in rows}
        known = {name: dossier.read(connection, desk.workspace, name) for name in names}
    shown = []
    for row in rows:
        found = known[json.loads(row["spec"])["dataset"]]
        if row["principal"] == by.name or found.owner == by.name or found.reviewed_by(by):
            shown.append(_status(row) | {"dataset": found.name, "loss": _loss(paid.get(row["job"]), found)})
    return {"jobs": shown}


def _tightest(left: Mapping[str, Loss]) -> Loss:
    """What is left under every limit together; the limit of a single job is not one of them."""
    parts = [loss for name, loss in left.items() if name != "per-job"]
    return Loss(
        min(loss.epsilon_pico for loss in parts),
        min(loss.rho_pico for loss in parts),
        min(loss.delta_atto for loss in parts),
    )


def _times(left: Mapping[str, Loss], cost: Loss) -> int:
    """How many jobs of *cost* may still be charged."""
    if not cost.fits(left.get("per-job", cost)):
        return 0
    tight = _tightest(left)
    pairs = ((tight.epsilon_pico, cost.epsilon_pico), (tight.rho_pico, cost.rho_pico))
    return min(have // each for have, each in pairs if each)


def _loss(charge: sa.RowMapping | None, found: Dossier) -> dict[str, Any]:
    return loss_to_json(ledger.loss_of(charge) if charge else ZERO, found.filter, found.delta)


def _status(row: sa.RowMapping) -> dict[str, Any]:
    shown = {key: row[key] for key in ("job", "principal", "purpose", "created", "changed", "failure")}
    return shown | {"status": row["state"]}


def _columns(prepared: Prepared, assumed: int | None) -> list[dict[str, Any]]:
    plan = prepared.plan
    widths = simulate.half_widths(plan, assumed)
    shown = []
    for output in prepared.query.outputs:
        name = getattr(output.expression, "name", "")
        kind, _, index = name.partition(":")
        measured = kind == "measure"
        clamp = None
        if measured and plan.recipes[int(index)].sum is not None:
            clamp = _clamp(plan.measurements[plan.recipes[int(index)].sum or 0])
        is_key = kind == "key"
        shown.append(
            {
                "name": output.name,
                "kind": "key" if is_key else "value",
                "half_width": widths[int(index)] if measured else None,
                "clamp": clamp,
            }
        )
    return shown


def _clamp(item: Measurement) -> str:
    return f"{fraction(item.low)} … {fraction(item.high)} by {fraction(item.grid)}"


def _measurement(item: Measurement, plan: Plan) -> dict[str, Any]:
    width = half_width(plan.mechanism, item.scale)
    return {
        "kind": item.kind,
        "clamp": _clamp(item) if item.kind == "sum" else None,
        "sensitivity": float(item.sensitivity * item.grid),
        "half_width": float(Fraction(width) * item.grid),
    }


def _notes(plan: Plan) -> list[str]:
    """Keys of the messages that belong to every result of this shape, whatever the data."""
    notes = ["result.bounded"]
    if plan.keys:
        notes.append("result.declared-groups")
    if any(item.kind == "sum" for item in plan.measurements):
        notes.append("result.clamped")
    return notes
