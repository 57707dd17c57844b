"""Alerts of a workspace, and the sign-off after which the next review begins."""

from __future__ import annotations

import json
from typing import Any, Final

import sqlalchemy as sa

from jobs.likeness import likeness
from policies.build import parse
from sandbox.audit.merkle import root_at
from sandbox.audit.store import lookup, read_head
from sandbox.books import charges, jobs, lineages, policies
from sandbox.errors import InvalidInputError
from sandbox.privacy.loss import Filter, Loss, limit_of_epsilon
from sandbox.schema import Principal, Role, exact
from service.audit import journal
from service.audit.alerts import Alert, Known, alerts
from service.desk import Desk, require
from service.lasting import check_reason

_STREAM: Final = {"yield_per": 1_000}
_LONGEST_NOTE: Final = 200


def show(desk: Desk, by: Principal, *, everything: bool) -> dict[str, Any]:
    """Return the alerts since the last sign-off, or *everything*; see `service.gates.audit`."""
    require(by, Role.REVIEWER)
    with desk.reading() as connection:
        reviewed = last_signed(connection)
        found = all_alerts(connection)
    shown = [one.to_json() for one in found if everything or one.leaf > reviewed]
    return {"reviewed": reviewed, "alerts": shown}


def all_alerts(connection: sa.Connection) -> list[Alert]:
    """Return every alert of the log."""
    return alerts(journal.entries(connection), known(connection))


def known(connection: sa.Connection) -> Known:
    """Return what the rules need to know beside the log."""
    paid = sa.select(charges.c.job).distinct()
    plans = connection.execute(
        sa.select(jobs.c.job, jobs.c.plan).where(jobs.c.job.in_(paid)), execution_options=_STREAM
    )
    return Known({job: likeness(json.loads(plan)) for job, plan in plans}, _limits(connection))


def _limits(connection: sa.Connection) -> dict[tuple[str, str], Loss]:
    fixed = {row.lineage: row for row in connection.execute(sa.select(lineages))}
    found = {}
    for row in connection.execute(sa.select(policies.c.lineage, policies.c.digest, policies.c.source)):
        home = fixed[row.lineage]
        epsilon = parse(row.source, "policy").budget.epsilon
        found[row.lineage, row.digest] = limit_of_epsilon(Filter(home.filter), epsilon, exact(home.delta))
    return found


def last_signed(connection: sa.Connection) -> int:
    """Return the last leaf that a reviewer has signed off, -1 if there is none."""
    return max((entry.facts["until"] for entry in journal.of_kind(connection, "sign-off")), default=-1)


def sign_off(desk: Desk, by: Principal, until: int | None, note: str) -> dict[str, Any]:
    """Log that *by* has reviewed every leaf up to *until* (None: the last one)."""
    require(by, Role.REVIEWER)
    if len(note) > _LONGEST_NOTE:
        raise InvalidInputError("audit.long-note", longest=_LONGEST_NOTE)
    check_reason(note)
    with desk.writing() as entry:
        size = read_head(entry.connection, entry.workspace.log.key).size
        chosen = size - 1 if until is None else until
        before = last_signed(entry.connection)
        if not before < chosen < size:
            raise InvalidInputError("audit.nothing-to-sign", until=chosen, before=before, last=size - 1)
        root = root_at(lookup(entry.connection), chosen + 1).hex()
        leaf = entry.log("sign-off", by.name, until=chosen, root=root, note=note.strip())
    return {"leaf": leaf, "until": chosen, "since": before + 1, "root": root}
