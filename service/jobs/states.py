"""The states of jobs: found for those who may see them, moved, recovered, given up."""

from __future__ import annotations

import datetime as dt
from typing import Final

import sqlalchemy as sa

from sandbox.books import jobs
from sandbox.errors import DeniedError, InvalidInputError
from sandbox.schema import Principal, Role
from service.desk import Desk

RESUMABLE: Final = frozenset({"charged", "running", "interrupted", "failed"})
"""States from which a job may be brought to its end, on the charge it has paid."""


def move(desk: Desk, job: str, state: str, failure: str = "") -> None:
    """Record a change of state; failures are leaves of the log too."""
    with desk.writing() as entry:
        set_state(entry.connection, job, state, failure, entry.at)
        if state in ("failed", "cancelled", "interrupted"):
            entry.log(state, "keyong", job=job, code=failure)


def set_state(connection: sa.Connection, job: str, state: str, failure: str, at: dt.datetime) -> None:
    """Write the state; the caller logs it where it is news."""
    values = {"state": state, "failure": failure, "changed": at.isoformat()}
    connection.execute(sa.update(jobs).where(jobs.c.job == job).values(**values))


def find(desk: Desk, by: Principal, job: str, *, own: bool = False) -> sa.RowMapping:
    """Return the job of *by* (or, unless *own*, any to a reviewer); unknown ones are refused alike."""
    with desk.reading() as connection:
        row = connection.execute(sa.select(jobs).where(jobs.c.job == job)).mappings().one_or_none()
    if row is None or (row["principal"] != by.name and (own or Role.REVIEWER not in by.roles)):
        raise DeniedError("job.unknown", rule="jobs", job=job[:40])
    return row


def recover(desk: Desk) -> int:
    """Mark jobs whose process is gone as interrupted; return how many.  Called when a workspace opens."""
    with desk.reading() as connection:
        running = list(connection.scalars(sa.select(jobs.c.job).where(jobs.c.state == "running")))
    return sum(_recover(desk, job) for job in running)


def _recover(desk: Desk, job: str) -> bool:
    with desk.workspace.lock(job, wait=False) as free:
        if not free:
            return False
        # Between the look and the lock its process may have ended well: only what still runs is stale.
        with desk.reading() as connection:
            state = connection.scalar(sa.select(jobs.c.state).where(jobs.c.job == job))
        if state == "running":
            move(desk, job, "interrupted")
        return state == "running"


def cancel(desk: Desk, by: Principal, job: str) -> None:
    """Give up a job that nobody works on; its charge stays."""
    find(desk, by, job, own=True)  # before the lock: what was typed names a file only once it is known
    with desk.workspace.lock(job, wait=False) as free, desk.writing() as entry:
        # Looked at under the writers' lock: an approver may have charged it a moment ago.
        state = entry.connection.scalar(sa.select(jobs.c.state).where(jobs.c.job == job))
        if not free or state not in RESUMABLE | {"awaiting-approval"}:
            raise InvalidInputError("job.not-cancellable", job=job, state=state)
        set_state(entry.connection, job, "cancelled", "", entry.at)
        entry.log("cancelled", "keyong", job=job, code="")
