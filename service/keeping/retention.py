"""How long results are kept: shown and given again until then, purged afterwards.

Law: a result lives as long as the shortest ``results.keep`` among the policies in force for the datasets it
was made of, counted from its release.  Past that it is shown to nobody and given to nobody again, at once;
its text is overwritten when a workspace is next opened (`sweep`).  What stays is what the log holds: that it
was released, its digest, and that it was purged.  A later policy that keeps results longer brings nothing
back.
"""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress

import sqlalchemy as sa

from sandbox.books import jobs, policies, releases
from sandbox.errors import DeniedError, KeyongError
from service import dossier
from service.clock import present
from service.desk import Desk
from service.dossier import Dossier
from service.keeping import cleaning

PURGED = ""
"""What stands in the place of a purged result."""


def end_of(released: str, sources: Iterable[Dossier]) -> dt.datetime | None:
    """Return when a result of *sources* ends that was released at an instant; None: it is kept."""
    keep = _shortest(found.policy.keep for found in sources if found.policy)
    return None if keep is None else dt.datetime.fromisoformat(released) + keep


def refuse_ended(job: str, released: str, sources: Sequence[Dossier], now: dt.datetime) -> None:
    """Raise `DeniedError` if the result of *job* is past its end."""
    end = end_of(released, sources)
    if end is not None and end <= now:
        day = end.date().isoformat()
        raise DeniedError("denied.result-ended", rule="results.keep", job=job, ended=day)


def released_as(
    connection: sa.Connection, key: str, sources: Sequence[Dossier], now: dt.datetime
) -> str | None:
    """Return the job that first released under the replay *key*, if that result is still kept."""
    query = (
        sa.select(releases.c.job, releases.c.released)
        .join(jobs, jobs.c.job == releases.c.job)
        .where(jobs.c.replay_key == key, releases.c.result != PURGED)
        .order_by(releases.c.released)
    )
    for row in connection.execute(query):
        end = end_of(row.released, sources)
        if end is None or now < end:
            return str(row.job)
    return None


def sweep(desk: Desk) -> int:
    """Overwrite every result that is past its end; return how many.  Called when a workspace opens.

    Where the books cannot be read or written this does nothing: whoever asks next is told why.
    """
    with suppress(KeyongError, OSError):
        with desk.reading() as connection:
            ended = _ended(desk, connection)
        return _purge(desk, ended) if ended else 0
    return 0


def _ended(desk: Desk, connection: sa.Connection) -> list[str]:
    """The jobs whose results are past their end."""
    said = sa.select(policies.c.lineage).where(policies.c.source.contains("keep")).limit(1)
    if connection.scalar(said) is None:  # opening a workspace reads no policy unless there is something to it
        return []
    keeps = {
        name: found.policy.keep
        for name in dossier.names(connection, past=True)
        if (found := dossier.read_past(connection, desk.workspace, name)).policy
    }
    now = present(connection)
    query = sa.select(releases.c.job, releases.c.released, jobs.c.spec).join(
        jobs, jobs.c.job == releases.c.job
    )
    return [
        row.job
        for row in connection.execute(query.where(releases.c.result != PURGED))
        if _past(row.released, json.loads(row.spec), keeps, now)
    ]


def _past(
    released: str,
    spec: Mapping[str, list[dict[str, str]]],
    keeps: Mapping[str, dt.timedelta | None],
    now: dt.datetime,
) -> bool:
    keep = _shortest(keeps.get(item["name"]) for item in spec["datasets"])
    return keep is not None and dt.datetime.fromisoformat(released) + keep <= now


def _purge(desk: Desk, ended: Sequence[str]) -> int:
    done = 0
    with desk.writing() as entry:
        for job in ended:
            chosen = (releases.c.job == job) & (releases.c.result != PURGED)
            digest = entry.connection.scalar(sa.select(releases.c.digest).where(chosen))
            if digest is None:  # another process was faster
                continue
            entry.connection.execute(sa.update(releases).where(chosen).values(result=PURGED))
            # No copy may stay in pages that the books do not use any more.
            cleaning.demand(entry, entry.log("purge", "keyong", job=job, result=digest))
            done += 1
    return done


def _shortest(keeps: Iterable[dt.timedelta | None]) -> dt.timedelta | None:
    return min((keep for keep in keeps if keep is not None), default=None)
