"""The table of jobs held against the log: what was decided is what ran, is shown, and was paid for.

For every job there is one decision in the log and the other way round.  The decision's leaf holds who asked,
for what purpose, about which versions of which datasets and tables, under which policies, and the digests of
the text and of the plan; the row must say the same.  A plan's noise must not cost any of its lineages more
than what the job was charged there, recomputed from the plan alone.  Only a job with a release, or with the
logged replay of one, counts as released.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Set
from dataclasses import dataclass
from typing import Any, Final

import sqlalchemy as sa

from jobs.codec import plan_from_json, replay_key
from jobs.outline import outline_digest
from jobs.plan import Plan
from jobs.planning import plan_losses
from sandbox import canonical
from sandbox.audit.log import salted
from sandbox.books import charges, datasets, jobs, lineages, releases, versions
from sandbox.errors import TamperingError
from sandbox.privacy.ledger import loss_of
from sandbox.privacy.loss import Filter, Loss
from service.consent import bound_facts, spec_text

_UNPAID: Final = frozenset({"awaiting-approval", "refused", "cancelled"})
"""States in which a job need not have been charged."""
_NEVER_PAID: Final = frozenset({"awaiting-approval", "refused"})
"""States in which a job cannot have been charged."""


@dataclass(frozen=True, slots=True)
class _Books:
    """What the other tables say of lineages by dataset, filters, digests of versions, charges, releases."""

    home: Mapping[str, str]
    filters: Mapping[str, Filter]
    digests: Mapping[tuple[str, int], str]
    paid: Mapping[str, Mapping[str, Loss]]
    released: frozenset[str]


def check_jobs(
    connection: sa.Connection,
    decisions: Mapping[str, Mapping[str, Any]],
    replays: Mapping[str, str],
    lost: Set[str] = frozenset(),
) -> None:
    """Raise `TamperingError` at the first job that is not what was decided, charged or released.

    *lost* are the names under which an accepted restore was charged for what it lost.
    """
    rows = {row["job"]: row for row in connection.execute(sa.select(jobs)).mappings()}
    books = _books(connection)
    for odd in sorted((rows.keys() ^ decisions.keys()) | (books.paid.keys() - rows.keys() - lost)):
        raise TamperingError("audit.books-differ", kind="job", id=odd)
    for job, row in rows.items():
        try:
            spec, plan = json.loads(row["spec"]), plan_from_json(json.loads(row["plan"]))
            said = _said(row, spec, plan, decisions[job])
            outlined = outline_digest(json.loads(row["plan"]))
            same = (
                said == {name: decisions[job][name] for name in said}
                and decisions[job].get("outline", outlined) == outlined
                and _placed(row, spec, plan, books)
                and spec["replay_of"] == replays.get(job)
                and (job not in replays or rows[replays[job]]["replay_key"] == row["replay_key"])
                and (row["state"] == "released") == (job in books.released or job in replays)
                and (job in books.paid or job in replays or row["state"] in _UNPAID)
                and not (job in books.paid and row["state"] in _NEVER_PAID)
            )
        except (ValueError, KeyError, TypeError):
            same = False
        if not same:
            raise TamperingError("audit.books-differ", kind="job", id=job)
        if job in books.paid:
            _check_paid(job, plan, books)


def _books(connection: sa.Connection) -> _Books:
    paid: dict[str, dict[str, Loss]] = {}
    for row in connection.execute(sa.select(charges)).mappings():
        paid.setdefault(row["job"], {})[row["lineage"]] = loss_of(row)
    return _Books(
        {row.name: row.lineage for row in connection.execute(sa.select(datasets))},
        {row.lineage: Filter(row.filter) for row in connection.execute(sa.select(lineages))},
        {(row.lineage, row.version): row.digest for row in connection.execute(sa.select(versions))},
        paid,
        frozenset(connection.scalars(sa.select(releases.c.job))),
    )


def _placed(row: sa.RowMapping, spec: Mapping[str, Any], plan: Plan, books: _Books) -> bool:
    """Whether the row's lineage and replay key are those of its plan."""
    lines = [books.home[source.dataset] for source in plan.sources]
    digests = [books.digests[line, it.version] for line, it in zip(lines, plan.sources, strict=True)]
    policies = [item["policy"] for item in spec["datasets"]]
    return bool(row["lineage"] == lines[0] and row["replay_key"] == replay_key(plan, digests, policies))


def _check_paid(job: str, plan: Plan, books: _Books) -> None:
    """Every lineage that the plan reads, and no other, was charged, and at least what the plan costs it."""
    lines, paid = [books.home[source.dataset] for source in plan.sources], books.paid[job]
    if set(lines) != paid.keys():
        raise TamperingError("audit.books-differ", kind="charge", id=job)
    losses = plan_losses(plan, [books.filters[line] for line in lines])
    for line, loss in zip(lines, losses, strict=True):
        if not loss.fits(paid[line]):
            raise TamperingError("job.plan-costs-more", job=job)


def _said(
    row: sa.RowMapping, spec: Mapping[str, Any], plan: Plan, decision: Mapping[str, Any]
) -> dict[str, Any]:
    """What the row says of the facts that the decision's leaf holds."""
    told = bound_facts(plan, spec["datasets"], canonical.digest(json.loads(row["plan"])))
    if "spec" in decision:
        told["spec"] = salted(spec_text(spec), row["salt"])[1]
    else:  # a decision of an older build; its row does not repeat the grants
        del told["grants"]
    return {
        "actor": row["principal"],
        "time": row["created"],
        "purpose": row["purpose"],
        "text": salted(spec["sql"], row["salt"])[1],
        **told,
    }
