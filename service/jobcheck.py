"""The table of jobs held against the log: what was decided is what ran, is shown, and was paid for.

For every job there is one decision in the log and the other way round.  The decision's leaf holds who asked,
for what purpose, about which dataset, under which policy, and the digests of the text and of the plan; the
row must say the same.  A plan's noise must not cost more than what its job was charged, recomputed from the
plan alone.  Only a job with a release, or with the logged replay of one, counts as released.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, Final

import sqlalchemy as sa

from jobs.codec import plan_from_json, replay_key
from jobs.planning import plan_loss
from sandbox import canonical
from sandbox.audit.log import salted
from sandbox.database import charges, datasets, jobs, lineages, releases, versions
from sandbox.errors import TamperingError
from sandbox.privacy.ledger import loss_of
from sandbox.privacy.loss import Filter

_UNPAID: Final = frozenset({"awaiting-approval", "cancelled"})
"""States in which a job need not have been charged."""


def check_jobs(
    connection: sa.Connection, decisions: Mapping[str, Mapping[str, Any]], replays: Mapping[str, str]
) -> None:
    """Raise `TamperingError` at the first job that is not what was decided, charged or released."""
    rows = {row["job"]: row for row in connection.execute(sa.select(jobs)).mappings()}
    for odd in sorted(rows.keys() ^ decisions.keys()):
        raise TamperingError("audit.books-differ", kind="job", id=odd)
    home = {row.name: row.lineage for row in connection.execute(sa.select(datasets))}
    filters = {row.lineage: Filter(row.filter) for row in connection.execute(sa.select(lineages))}
    digests = {(row.lineage, row.version): row.digest for row in connection.execute(sa.select(versions))}
    paid = {row["job"]: row for row in connection.execute(sa.select(charges)).mappings()}
    released = set(connection.scalars(sa.select(releases.c.job)))
    for job, row in rows.items():
        try:
            spec, plan = json.loads(row["spec"]), plan_from_json(json.loads(row["plan"]))
            version = digests[row["lineage"], plan.version]
            same = (
                _said(row, spec) == {name: decisions[job][name] for name in _said(row, spec)}
                and row["lineage"] == home.get(plan.dataset)
                and row["replay_key"] == replay_key(plan, version, spec["policy"])
                and spec["replay_of"] == replays.get(job)
                and (row["state"] == "released") == (job in released or job in replays)
                and (job in paid or job in replays or row["state"] in _UNPAID)
            )
        except (ValueError, KeyError, TypeError):
            same = False
        if not same:
            raise TamperingError("audit.books-differ", kind="job", id=job)
        if job in paid and not plan_loss(plan, filters[row["lineage"]]).fits(loss_of(paid[job])):
            raise TamperingError("job.plan-costs-more", job=job)


def _said(row: sa.RowMapping, spec: Mapping[str, Any]) -> dict[str, Any]:
    """What the row says of the facts that the decision's leaf holds."""
    plan = json.loads(row["plan"])
    return {
        "actor": row["principal"],
        "time": row["created"],
        "purpose": row["purpose"],
        "dataset": spec["dataset"],
        "policy": spec["policy"],
        "version": plan["version"],
        "plan": canonical.digest(plan),
        "text": salted(spec["sql"], row["salt"])[1],
    }
