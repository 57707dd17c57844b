"""Jobs from submission to release: states, charge first, replay, resume.

A job moves through ``charged → running → released``; a process that dies or is interrupted leaves it
``charged`` or ``running``, and whoever opens it next finds its lock free and takes it up on the charge it
has already paid.  ``failed`` keeps its charge and may be resumed; ``cancelled`` keeps its charge and may not.

Two rules hold in every order of events, crash included: no shard is read before the transaction that holds
charge and leaf has been committed, and the first release that is stored is the only one ever shown.
"""

from __future__ import annotations

import json
import secrets
from collections.abc import Callable, Mapping
from typing import Any

import sqlalchemy as sa

from jobs import pipeline
from jobs.codec import plan_from_json, plan_to_json, presentation_to_json, replay_key
from jobs.pipeline import Paid, Prepared, Shard
from jobs.spec import JobSpec, Plan, Query, read_columns
from policies.model import Approval
from sandbox import canonical
from sandbox.audit.log import salted
from sandbox.database import jobs, releases
from sandbox.errors import AwaitingApprovalError, DeniedError, InvalidInputError, JobFailedError, KeyongError
from sandbox.privacy import ledger
from sandbox.schema import DatasetName, Field, JobId, Principal, Role
from sandbox.vault.access import open_column_keys
from sandbox.vault.store import DirectoryStore
from sandbox.workers.executor import Executor, Progress
from service import dossier, states
from service.desk import Desk, Entry, require
from service.dossier import Dossier
from service.gatekeeper import JobRequest
from service.requests import spec_of


def submit(desk: Desk, by: Principal, request: JobRequest, idempotency_key: str | None) -> dict[str, Any]:
    """Decide, plan, charge; return ``{"job", "status", "replayed"}``.  Refusals are logged, then raised."""
    require(by, Role.ANALYST)
    try:
        spec = spec_of(request)
        query = read_query(desk, by, spec.sql)
        with desk.writing() as entry:
            known = _known(entry.connection, by, spec, idempotency_key)
            return known or _admit(entry, by, spec, query, idempotency_key or "")
    except (DeniedError, InvalidInputError) as refusal:
        log_refusal(desk, by, request, refusal)
        raise


def read_query(desk: Desk, by: Principal, text: str) -> Query:
    """Return what *text* means; a dataset that *by* may not see is refused like one that does not exist."""

    def schema(name: DatasetName) -> Mapping[str, Field]:
        with desk.reading() as connection:
            found = dossier.read(connection, desk.workspace, name)
        if not found.granted(by):
            raise dossier.unknown(name)
        return found.fields

    from jobs.sql.parse import parse  # noqa: PLC0415 - sqlglot, 0.1 s that only SQL needs

    return parse(text, schema)


def _admit(entry: Entry, by: Principal, spec: JobSpec, query: Query, idempotency_key: str) -> dict[str, Any]:
    found = dossier.read(entry.connection, entry.workspace, query.dataset)
    prepared = pipeline.prepare(query, spec, by, found.circumstances(entry.at.date()))
    key = replay_key(prepared.plan, found.digest, found.policy_digest)
    # An answer that waits for somebody's yes is no answer yet, though another job released it.
    automatic = prepared.allowed.approval is Approval.AUTO
    earlier = released_as(entry.connection, key) if automatic else None
    state = _first_state(automatic, earlier)
    job = JobId(f"job-{secrets.token_hex(6)}")
    salt, text = salted(spec.sql)
    row = _row(spec, prepared, found, earlier) | {
        "job": job,
        "principal": by.name,
        "state": state,
        "salt": salt,
        "replay_key": key,
        "idempotency_key": idempotency_key,
        "created": entry.at.isoformat(),
        "changed": entry.at.isoformat(),
    }
    entry.connection.execute(sa.insert(jobs).values(**row))
    entry.log("decision", by.name, job=job, text=text, purpose=spec.purpose, **_decision(found, prepared))
    if earlier:
        entry.log("replay", by.name, job=job, of=earlier)
    elif state == "charged":
        _charge(entry, by, job, found, prepared)
    return {"job": job, "status": state, "replayed": earlier is not None}


def _first_state(automatic: bool, earlier: str | None) -> str:
    """A job starts charged, waiting for somebody's yes, or released already; approval comes first."""
    if not automatic:
        return "awaiting-approval"
    return "released" if earlier else "charged"


def _decision(found: Dossier, prepared: Prepared) -> dict[str, Any]:
    return {
        "verdict": "allowed",
        "dataset": found.name,
        "version": found.manifest.version,
        "policy": found.policy_digest,
        "grant": prepared.allowed.grant,
        "plan": canonical.digest(plan_to_json(prepared.plan)),
    }


def _charge(entry: Entry, by: Principal, job: JobId, found: Dossier, prepared: Prepared) -> None:
    charge = ledger.Charge(found.lineage, job, by.name, prepared.loss, entry.at)
    ledger.charge(entry.connection, charge, found.limits())
    entry.log("charge", by.name, job=job, lineage=found.lineage, **prepared.loss.to_json())


def _row(spec: JobSpec, prepared: Prepared, found: Dossier, earlier: str | None) -> dict[str, Any]:
    """What the books keep of a job beside its state: text, plan, and how its result is shown."""
    shown = {
        "sql": spec.sql,
        "asked": _asked(spec),
        "epsilon": str(prepared.epsilon),
        "dataset": found.name,
        "policy": found.policy_digest,
        "policy_version": found.policy.version if found.policy else 0,
        "presentation": presentation_to_json(prepared.query),
        "replay_of": earlier,
    }
    return {
        "purpose": spec.purpose,
        "spec": canonical.encode(shown).decode(),
        "plan": canonical.encode(plan_to_json(prepared.plan)).decode(),
        "lineage": found.lineage,
        "failure": "",
    }


def _asked(spec: JobSpec) -> str:
    """Digest of all that was asked, by which a repeated request is told from another one."""
    return canonical.digest([spec.sql, spec.purpose, str(spec.epsilon), str(spec.error), spec.max_rows])


def _known(
    connection: sa.Connection, by: Principal, spec: JobSpec, idempotency_key: str | None
) -> dict[str, Any] | None:
    if not idempotency_key:
        return None
    chosen = (jobs.c.principal == by.name) & (jobs.c.idempotency_key == idempotency_key)
    row = connection.execute(sa.select(jobs).where(chosen)).mappings().one_or_none()
    if row is None:
        return None
    earlier = json.loads(row["spec"])
    if earlier["asked"] != _asked(spec):
        raise InvalidInputError("job.key-of-another-request", job=row["job"])
    return {"job": row["job"], "status": row["state"], "replayed": earlier["replay_of"] is not None}


def released_as(connection: sa.Connection, key: str) -> str | None:
    """Return the job that first released under *key*."""
    query = (
        sa.select(releases.c.job)
        .join(jobs, jobs.c.job == releases.c.job)
        .where(jobs.c.replay_key == key)
        .order_by(releases.c.released)
    )
    return connection.scalar(query.limit(1))


def log_refusal(desk: Desk, by: Principal, request: JobRequest, refusal: KeyongError) -> None:
    """Log that and by which rule a job was refused; its text is there as a salted hash only."""
    _, digest = salted(request.sql)
    rule = str(refusal.facts.get("rule") or "")
    with desk.writing() as entry:
        entry.log("refusal", by.name, code=refusal.code, rule=rule, text=digest)


def run(
    desk: Desk, by: Principal, job: str, executor: Callable[[], Executor], progress: Progress | None = None
) -> None:
    """Bring *job* to its release; one process at a time works on a job, others wait for it."""
    states.find(desk, by, job, own=True)
    with desk.workspace.lock(job, wait=True):
        row = states.find(desk, by, job, own=True)
        if row["state"] == "released":
            return
        if row["state"] == "awaiting-approval":
            raise AwaitingApprovalError("job.awaiting-approval", job=job)
        if row["state"] not in states.RESUMABLE:
            raise InvalidInputError("job.not-resumable", job=job, state=row["state"])
        _run_locked(desk, by, row, executor, progress)


def _run_locked(
    desk: Desk,
    by: Principal,
    row: sa.RowMapping,
    executor: Callable[[], Executor],
    progress: Progress | None,
) -> None:
    job, plan = JobId(row["job"]), plan_from_json(json.loads(row["plan"]))
    with desk.reading() as connection:
        found = dossier.read(connection, desk.workspace, plan.dataset)
        _still_allowed(found, row)
        paid = _paid(connection, found, job)
        shards = _shards(desk, connection, found, plan)
    states.move(desk, job, "running")
    try:
        noisy = pipeline.execute(paid, plan, shards, executor(), progress)
    except KeyongError as error:
        states.move(desk, job, "failed", error.code)
        raise
    except KeyboardInterrupt:
        states.move(desk, job, "interrupted")
        raise
    _store(desk, by, job, noisy)


def _still_allowed(found: Dossier, row: sa.RowMapping) -> None:
    """A policy or version that changed since the charge is judged again, by asking again."""
    judged = json.loads(row["spec"])["policy"]
    version = json.loads(row["plan"])["version"]
    if judged != found.policy_digest or version != found.manifest.version:
        raise DeniedError("denied.changed-since", rule="policy", job=row["job"], dataset=found.name)


def _paid(connection: sa.Connection, found: Dossier, job: JobId) -> Paid:
    charge = ledger.find(connection, found.lineage, job)
    if charge is None:
        raise JobFailedError("job.not-charged", job=job)
    return Paid(job, found.filter, charge.loss)


def _shards(desk: Desk, connection: sa.Connection, found: Dossier, plan: Plan) -> list[Shard]:
    manifest, store = found.manifest, DirectoryStore(desk.workspace.vault)
    keys = open_column_keys(manifest, connection, desk.workspace.keyring, read_columns(plan))
    return [
        Shard(store.file(manifest.directory, file.name), file, granted)
        for file, granted in zip(manifest.files, keys, strict=True)
    ]


def _store(desk: Desk, by: Principal, job: JobId, noisy: list[list[int]]) -> None:
    result = canonical.encode([[str(value) for value in vector] for vector in noisy]).decode()
    with desk.writing() as entry:
        known = entry.connection.scalar(sa.select(releases.c.job).where(releases.c.job == job))
        if known is not None:
            return
        digest = canonical.digest(json.loads(result))
        values = {"job": job, "result": result, "digest": digest, "released": entry.at.isoformat()}
        entry.connection.execute(sa.insert(releases).values(**values))
        states.set_state(entry.connection, job, "released", "", entry.at)
        entry.log("release", by.name, job=job, result=digest)
