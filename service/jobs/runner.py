"""Jobs from charge to release: run, interrupted, resumed.

A job moves through ``charged → running → released``; a process that dies or is interrupted leaves it
``charged`` or ``running``, and whoever opens it next finds its lock free and takes it up on the charge it
has already paid.  ``failed`` keeps its charge and may be resumed; ``cancelled`` keeps its charge and may not.

Two rules hold in every order of events, crash included: no shard is read before the transaction that holds
charge and leaf has been committed (`service.jobs.submission`), and the first release that is stored is the
only one ever shown.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence

import sqlalchemy as sa

from jobs import pipeline
from jobs.codec import plan_from_json, released_to_json
from jobs.pipeline import Inputs, Paid, Shard
from jobs.plan import Plan, Released
from jobs.reading import read_columns
from jobs.spec import JobSpec
from sandbox import canonical, code
from sandbox.books import releases
from sandbox.errors import (
    DeniedError,
    InvalidInputError,
    JobFailedError,
    KeyongError,
    TamperingError,
)
from sandbox.privacy import ledger
from sandbox.schema import UNIT_TAG, JobId, Principal
from sandbox.vault.access import open_column_keys, standing
from sandbox.vault.shard import tags_by_shard
from sandbox.vault.store import DirectoryStore
from sandbox.workers.executor import Executor, Progress
from service.approvals import approving as approvals
from service.clock import present
from service.datasets import tables
from service.desk import Desk
from service.dossier import Dossier
from service.jobs import case as cases
from service.jobs import states
from service.jobs.case import Case


def run(
    desk: Desk, by: Principal, job: str, executor: Callable[[], Executor], progress: Progress | None = None
) -> None:
    """Bring *job* to its release; one process at a time works on a job, others wait for it."""
    states.find(desk, by, job, own=True)
    with desk.workspace.lock(job, wait=True):
        row = states.find(desk, by, job, own=True)
        if row["state"] == "awaiting-approval":
            approvals.charge_if_approved(desk, job)
            row = states.find(desk, by, job, own=True)
        if row["state"] == "released":  # an answer that was there already
            return
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
        case = _still_allowed(desk, connection, by, row, plan)
        paid = _paid(connection, job, case.sources(plan))
        inputs = _inputs(desk, connection, case, plan)
    states.move(desk, job, "running")
    try:
        released = pipeline.execute(paid, plan, inputs, executor(), progress)
    except KeyboardInterrupt:
        states.move(desk, job, "interrupted")
        raise
    except KeyongError as error:
        cause = _cause(desk, case, plan, error)
        states.move(desk, job, "failed", cause.code)
        raise cause from None
    _store(desk, by, job, released)


def _cause(desk: Desk, case: Case, plan: Plan, error: KeyongError) -> KeyongError:
    """Return *error*, or what is behind it: files that were missed because they were destroyed meanwhile."""
    if isinstance(error, TamperingError):
        with desk.reading() as connection:
            for found in case.sources(plan):
                there = standing(connection, desk.workspace.manifest_key.public_key(), found.lineage)
                if found.manifest.home not in {manifest.home for manifest in there}:
                    return JobFailedError("job.data-destroyed", dataset=found.name)
    return error


def _still_allowed(
    desk: Desk, connection: sa.Connection, by: Principal, row: sa.RowMapping, plan: Plan
) -> Case:
    """Return the case of a job that may (still) run, or refuse it.

    A policy, a version or a public table that changed since the charge is judged again by asking again.  A
    grant is judged again here: it may have ended, or its group may no longer be the caller's.
    """
    spec = json.loads(row["spec"])
    queries, case = cases.read_queries(connection, desk.workspace, by, spec["sql"])
    judged = {item["name"]: item["policy"] for item in spec["datasets"]}
    for source in plan.sources:
        found = case.datasets.get(source.dataset)
        same = found is not None and found.manifest.version == source.version
        if found is None or not same or judged.get(found.name) != found.policy_digest:
            raise DeniedError("denied.changed-since", rule="policy", job=row["job"], dataset=source.dataset)
    for table in plan.tables:
        known = case.tables.get(table.name)
        if known is None or known.digest != table.digest:
            raise DeniedError("denied.changed-since", rule="tables", job=row["job"], dataset=table.name)
    asked = JobSpec(sql=spec["sql"], purpose=row["purpose"], max_rows=spec["max_rows"])
    pipeline.judge(queries, asked, by, case.facts(present(connection).date()))
    return case


def _paid(connection: sa.Connection, job: JobId, sources: Sequence[Dossier]) -> Paid:
    paid = ledger.charges_of(connection, job)
    if any(found.lineage not in paid for found in sources):
        raise JobFailedError("job.not-charged", job=job)
    return Paid(
        job, tuple((number, found.filter, paid[found.lineage].loss) for number, found in enumerate(sources))
    )


def _inputs(desk: Desk, connection: sa.Connection, case: Case, plan: Plan) -> Inputs:
    sources = enumerate(case.sources(plan))
    return Inputs(
        tuple(_shards(desk, connection, found, read_columns(plan, number)) for number, found in sources),
        tuple(tables.path(connection, desk.workspace, table.name, table.digest) for table in plan.tables),
    )


def _shards(
    desk: Desk, connection: sa.Connection, found: Dossier, columns: Sequence[str]
) -> tuple[Shard, ...]:
    manifest, store = found.manifest, DirectoryStore(desk.workspace.vault)
    if manifest.withdrawn:
        columns = (*columns, UNIT_TAG)  # by which a worker knows the rows to leave out
    keys = open_column_keys(manifest, connection, desk.workspace.keyring, columns)
    withdrawn = tags_by_shard(manifest.withdrawn, manifest.shards)
    return tuple(
        Shard(store.file(manifest.directory, file.name), file, granted, tags)
        for file, granted, tags in zip(manifest.files, keys, withdrawn, strict=True)
    )


def _store(desk: Desk, by: Principal, job: JobId, released: tuple[Released, ...]) -> None:
    result = canonical.encode(released_to_json(released)).decode()
    with desk.writing() as entry:
        known = entry.connection.scalar(sa.select(releases.c.job).where(releases.c.job == job))
        if known is not None:
            return
        digest = canonical.digest(json.loads(result))
        values = {"job": job, "result": result, "digest": digest, "released": entry.at.isoformat()}
        entry.connection.execute(sa.insert(releases).values(**values))
        states.set_state(entry.connection, job, "released", "", entry.at)
        entry.log("release", by.name, job=job, result=digest, code=code.running())
