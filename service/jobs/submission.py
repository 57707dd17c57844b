"""Jobs from text to charge: read, decided, planned, and paid for or found again.

The text is read without the writers' lock; decision, plan, charges and their log leaves are then one
transaction over one state of the books.  Every dataset's own policy decides, every lineage is charged or
none, and a release of the same plan over the same versions and policies is given again, free, to anybody whom
all of them let through now.
"""

from __future__ import annotations

import json
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from jobs import pipeline
from jobs.codec import plan_to_json, presentation_to_json
from jobs.outline import outline_digest
from jobs.pipeline import Prepared
from jobs.plan import Plan
from jobs.replay import replay_key
from jobs.spec import JobSpec, Query
from policies.approvals import Rule
from sandbox import canonical, code
from sandbox.audit.log import salted
from sandbox.books import jobs
from sandbox.errors import DeniedError, InvalidInputError
from sandbox.privacy import ledger
from sandbox.schema import JobId, Principal, Role
from service import people
from service.approvals import consent
from service.approvals.agreed import agreed
from service.approvals.templates import spec_of
from service.asked import JobRequest
from service.desk import Desk, Entry, require
from service.dossier import Dossier
from service.jobs import case as cases
from service.jobs.case import Case
from service.jobs.refusing import log_refusal
from service.jobs.requests import amounts_to_json, check_counts
from service.keeping.retention import released_as


def submit(desk: Desk, by: Principal, request: JobRequest, idempotency_key: str | None) -> dict[str, Any]:
    """Decide, plan, charge; return ``{"job", "status", "replayed"}``.  Refusals are logged, then raised."""
    require(by, Role.ANALYST)
    try:
        spec = spec_of(desk, by, request)
        with desk.reading() as connection:  # reading a text needs no writers' lock
            queries, read = cases.read_queries(connection, desk.workspace, by, spec.sql)
        check_counts(spec, len(queries))
        with desk.writing() as entry:
            # What is known of them now counts, not what was when they opened the door.
            by = people.known(entry.connection, by.name) or by
            require(by, Role.ANALYST)
            known = _known(entry.connection, by, spec, idempotency_key)
            return known or _admit(entry, by, spec, (queries, read), idempotency_key or "")
    except (DeniedError, InvalidInputError) as refusal:
        log_refusal(desk, by, request, refusal)
        raise


@dataclass(frozen=True, slots=True)
class Settled:
    """A job decided and planned over the books of this moment; *facts* is what the decision is about."""

    prepared: Prepared
    sources: tuple[Dossier, ...]
    rules: tuple[Rule, ...]
    facts: dict[str, Any]
    judged: list[dict[str, Any]]
    key: str


def settle(entry: Entry, by: Principal, spec: JobSpec, asked: tuple[Sequence[Query], Case]) -> Settled:
    """Decide and plan what was read before; raises `DeniedError` or `InvalidInputError`, writes nothing."""
    queries, read = asked
    case = cases.read(entry.connection, entry.workspace, read)
    if not case.means_the_same(read):
        raise InvalidInputError("job.changed-meanwhile", name=next(iter(case.datasets)))
    prepared = pipeline.prepare(queries, spec, by, case.facts(entry.at.date()), case.tables)
    plan, sources = prepared.plan, case.sources(prepared.plan)
    places = [(found.name, found.lineage, found.policy_digest) for found in sources]
    beforehand = agreed(entry.connection, spec.template, places)
    judged = [
        {
            "name": found.name,
            "policy": found.policy_digest,
            "policy_version": found.policy.version if found.policy else 0,
            "grant": prepared.allowed[found.name].grant,
        }
        for found in sources
    ]
    return Settled(
        prepared,
        sources,
        consent.rules_of_plan(prepared, sources, by.name, beforehand),
        consent.bound_facts(plan.sources, plan.tables, judged, canonical.digest(plan_to_json(plan))),
        judged,
        replay_key_of(plan, sources),
    )


def _admit(
    entry: Entry,
    by: Principal,
    spec: JobSpec,
    asked: tuple[Sequence[Query], Case],
    idempotency_key: str,
) -> dict[str, Any]:
    settled = settle(entry, by, spec, asked)
    # An answer that waits for somebody's yes is no answer yet, though another job released it.
    earlier = None if settled.rules else released_as(entry.connection, settled.key, settled.sources, entry.at)
    state = _first_state(settled, earlier)
    job = JobId(f"job-{secrets.token_hex(6)}")
    salt, text = salted(spec.sql)
    stored = _spec(spec, settled, earlier)
    row = _row(spec, settled) | {
        "job": job,
        "principal": by.name,
        "state": state,
        "spec": canonical.encode(stored).decode(),
        "salt": salt,
        "replay_key": settled.key,
        "idempotency_key": idempotency_key,
        "created": entry.at.isoformat(),
        "changed": entry.at.isoformat(),
    }
    entry.connection.execute(sa.insert(jobs).values(**row))
    told = {"verdict": "allowed", "purpose": spec.purpose, "text": text, **settled.facts}
    told["spec"] = salted(consent.spec_text(stored), salt)[1]
    told |= {"outline": outline_digest(plan_to_json(settled.prepared.plan)), "code": code.running()}
    told |= {"template": spec.template} if spec.template else {}
    entry.log("decision", by.name, job=job, **told)
    if earlier:
        entry.log("replay", by.name, job=job, of=earlier)
    elif state == "charged":
        charge(entry, by.name, job, settled)
    return {"job": job, "status": state, "replayed": earlier is not None}


def replay_key_of(plan: Plan, sources: Sequence[Dossier]) -> str:
    """Return the key under which a release of *plan* over *sources*, as they are now, is found again."""
    return replay_key(plan, [found.digest for found in sources], [found.policy_digest for found in sources])


def _first_state(settled: Settled, earlier: str | None) -> str:
    """A job starts charged, waiting for somebody's yes, or released already; approval comes first."""
    if settled.rules:
        return "awaiting-approval"
    return "released" if earlier else "charged"


def charge(entry: Entry, by: str, job: JobId, settled: Settled) -> None:
    """Charge every lineage or none, each with a leaf of its own."""
    wanted = [
        (ledger.Charge(found.lineage, job, by, loss, entry.at), found.limits())
        for found, loss in zip(settled.sources, settled.prepared.losses, strict=True)
    ]
    ledger.charge_all(entry.connection, wanted)
    for charge, _ in wanted:
        entry.log("charge", by, job=job, lineage=charge.lineage, **charge.loss.to_json())


def _spec(spec: JobSpec, settled: Settled, earlier: str | None) -> dict[str, Any]:
    """What was asked and how its result is shown."""
    return {
        "sql": spec.sql,
        "asked": _asked(spec),
        "epsilon": str(settled.prepared.epsilon),
        "amounts": amounts_to_json(spec),
        "max_rows": spec.max_rows,
        "datasets": settled.judged,
        "presentation": presentation_to_json(settled.prepared.queries),
        "replay_of": earlier,
        **({"template": spec.template} if spec.template else {}),
    }


def _row(spec: JobSpec, settled: Settled) -> dict[str, Any]:
    """What the books keep of a job beside its state and what was asked."""
    return {
        "purpose": spec.purpose,
        "plan": canonical.encode(plan_to_json(settled.prepared.plan)).decode(),
        "lineage": settled.sources[0].lineage,
        "failure": "",
    }


def _asked(spec: JobSpec) -> str:
    """Digest of all that was asked, by which a repeated request is told from another one."""
    amounts = [str(spec.epsilon), *map(str, spec.errors), "by", *map(str, spec.weights)]
    template = [spec.template] if spec.template else []
    return canonical.digest([spec.sql, spec.purpose, amounts, spec.max_rows, *template])


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
