"""The table of jobs held against the log: what was decided is what ran, is shown, and was paid for.

For every job there is one decision in the log and the other way round.  The decision's leaf holds who asked,
for what purpose, about which versions of which datasets and tables, under which policies, and the digests of
the text and of the plan; the row must say the same.  A plan's noise must not cost any of its lineages more
than what the job was charged there, recomputed from the plan alone.  Only a job with a release, or with the
logged replay of one, counts as released.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator, Mapping, Set
from dataclasses import dataclass, field
from typing import Any, Final

import sqlalchemy as sa

from jobs.codec import plan_from_json, sources_of_json, tables_of_json
from jobs.outline import outline_digest
from jobs.planning import plan_losses
from jobs.replay import parse_plan, replay_key_of_text
from sandbox import canonical
from sandbox.audit.log import salted
from sandbox.books import charges, datasets, jobs, lineages, releases, versions
from sandbox.errors import TamperingError
from sandbox.privacy.loss import Filter, Loss
from service.approvals.consent import bound_facts, spec_text

_UNPAID: Final = frozenset({"awaiting-approval", "refused", "cancelled"})
"""States in which a job need not have been charged."""
_NEVER_PAID: Final = frozenset({"awaiting-approval", "refused"})
"""States in which a job cannot have been charged."""


Row = Mapping[str, Any]
_READ: Final = (
    "job",
    "principal",
    "purpose",
    "state",
    "spec",
    "salt",
    "plan",
    "lineage",
    "replay_key",
    "created",
)
"""The columns of the table that are held against the log."""
_SAY_EVERY: Final = 1_000
_STREAM: Final = {"yield_per": 1_000}
Progress = Callable[[int, int], None]
"""Called with (jobs done, jobs in all)."""
Chosen = Callable[[str], bool]
"""Says of a job's id whether the job is looked at."""


@dataclass(frozen=True, slots=True)
class Decisions(Mapping[str, Mapping[str, Any]]):
    """What the log says of decisions, by job; *texts*: leaf and entry, which is parsed when asked for."""

    texts: dict[str, tuple[int, str]] = field(default_factory=dict)

    def __getitem__(self, job: str) -> Mapping[str, Any]:
        leaf, text = self.texts[job]
        entry = json.loads(text)
        return {**entry["facts"], "actor": entry["actor"], "time": entry["time"], "leaf": leaf}

    def __contains__(self, job: object) -> bool:
        return job in self.texts

    def __iter__(self) -> Iterator[str]:
        return iter(self.texts)

    def __len__(self) -> int:
        return len(self.texts)


@dataclass(frozen=True, slots=True)
class _Books:
    """What the other tables say of lineages by dataset, filters, digests of versions, charges, releases.

    *keys* are the replay keys of jobs that others replay, *costs* what plans of an outline cost filters.
    """

    home: Mapping[str, str]
    filters: Mapping[str, Filter]
    digests: Mapping[tuple[str, int], str]
    paid: Mapping[str, Mapping[str, tuple[int, int, int]]]
    released: frozenset[str]
    replays: Mapping[str, str]
    keys: Mapping[str, str]
    costs: dict[tuple[str, tuple[Filter, ...]], tuple[Loss, ...]] = field(default_factory=dict)


def every_job(job: str) -> bool:
    """Choose every *job*."""
    return True


@dataclass(frozen=True, slots=True)
class Which:
    """Which jobs are looked at: those that are *mine*.  *progress* hears of all of them.

    *lost* are the names under which an accepted restore was charged for what it lost.
    """

    lost: Set[str] = frozenset()
    mine: Chosen = every_job
    progress: Progress | None = None


def check_jobs(
    connection: sa.Connection,
    decisions: Mapping[str, Mapping[str, Any]],
    replays: Mapping[str, str],
    also: Callable[[Row, Mapping[str, Any]], None],
    which: Which,
) -> None:
    """Raise `TamperingError` at the first job that is not what was decided, charged or released.

    *also* checks more of each row, with what was asked (`spec`).
    """
    known = set(connection.scalars(sa.select(jobs.c.job)))
    books = _books(connection, replays)
    for odd in sorted((known ^ decisions.keys()) | (books.paid.keys() - known - which.lost)):
        raise TamperingError("audit.books-differ", kind="job", id=odd)
    rows = connection.execute(sa.select(*(jobs.c[name] for name in _READ)), execution_options=_STREAM)
    for number, found in enumerate(rows, 1):
        if which.mine(found[0]):
            row = dict(zip(_READ, found, strict=True))
            also(row, _check_job(row, decisions[row["job"]], books))
        if which.progress and (number % _SAY_EVERY == 0 or number == len(known)):
            which.progress(number, len(known))


def _check_job(row: Row, decision: Mapping[str, Any], books: _Books) -> Mapping[str, Any]:
    job, state = row["job"], row["state"]
    try:
        spec, (plan, measured) = canonical.parse(row["spec"]), parse_plan(row["plan"])
        said, outlined = _said(row, spec, plan, decision), outline_digest(plan)
        same = (
            all(decision[name] == value for name, value in said.items())
            and decision.get("outline", outlined) == outlined
            and _placed(row, spec, plan, measured, books)
            and spec["replay_of"] == books.replays.get(job)
            and (job not in books.replays or books.keys[books.replays[job]] == row["replay_key"])
            and (state == "released") == (job in books.released or job in books.replays)
            and (job in books.paid or job in books.replays or state in _UNPAID)
            and not (job in books.paid and state in _NEVER_PAID)
        )
    except (ValueError, KeyError, TypeError, AttributeError):
        same = False
    if not same:
        raise TamperingError("audit.books-differ", kind="job", id=job)
    if job in books.paid:
        _check_paid(job, plan, outlined, books)
    return dict(spec)


def _books(connection: sa.Connection, replays: Mapping[str, str]) -> _Books:
    paid: dict[str, dict[str, tuple[int, int, int]]] = {}
    units = (charges.c.epsilon_pico, charges.c.rho_pico, charges.c.delta_atto)
    query = sa.select(charges.c.job, charges.c.lineage, *units)
    for job, lineage, *loss in connection.execute(query, execution_options=_STREAM):
        paid.setdefault(job, {})[lineage] = (loss[0], loss[1], loss[2])
    first = set(replays.values())
    keys = connection.execute(sa.select(jobs.c.job, jobs.c.replay_key), execution_options=_STREAM)
    return _Books(
        {row.name: row.lineage for row in connection.execute(sa.select(datasets))},
        {row.lineage: Filter(row.filter) for row in connection.execute(sa.select(lineages))},
        {(row.lineage, row.version): row.digest for row in connection.execute(sa.select(versions))},
        paid,
        frozenset(connection.scalars(sa.select(releases.c.job))),
        replays,
        {job: key for job, key in keys if job in first},
    )


def _placed(row: Row, spec: Mapping[str, Any], plan: dict[str, Any], measured: str, books: _Books) -> bool:
    """Whether the row's lineage and replay key are those of its plan."""
    lines = [books.home[name] for name, _ in plan["sources"]]
    digests = [books.digests[line, it[1]] for line, it in zip(lines, plan["sources"], strict=True)]
    policies = [item["policy"] for item in spec["datasets"]]
    key = replay_key_of_text(measured, tuple(digests), tuple(policies))
    return bool(row["lineage"] == lines[0] and row["replay_key"] == key)


def _check_paid(job: str, plan: dict[str, Any], outlined: str, books: _Books) -> None:
    """Every lineage that the plan reads, and no other, was charged, and at least what the plan costs it."""
    lines, paid = [books.home[name] for name, _ in plan["sources"]], books.paid[job]
    if set(lines) != paid.keys():
        raise TamperingError("audit.books-differ", kind="charge", id=job)
    filters = tuple(books.filters[line] for line in lines)
    for line, loss in zip(lines, _losses(job, plan, (outlined, filters), books), strict=True):
        if not loss.fits(Loss(*paid[line])):
            raise TamperingError("job.plan-costs-more", job=job)


def _losses(
    job: str, plan: dict[str, Any], like: tuple[str, tuple[Filter, ...]], books: _Books
) -> tuple[Loss, ...]:
    """Return what *plan* costs; plans of one outline cost the same (`jobs.outline`)."""
    if like not in books.costs:
        try:
            books.costs[like] = plan_losses(plan_from_json(plan), like[1])
        except ValueError:
            raise TamperingError("audit.books-differ", kind="job", id=job) from None
    return books.costs[like]


def _said(
    row: Row, spec: Mapping[str, Any], plan: Mapping[str, Any], decision: Mapping[str, Any]
) -> dict[str, Any]:
    """What the row says of the facts that the decision's leaf holds."""
    digest = hashlib.sha256(row["plan"].encode()).hexdigest()  # it is stored as it was hashed
    told = bound_facts(sources_of_json(plan), tables_of_json(plan), spec["datasets"], digest)
    if "spec" in decision:
        # What is stored is what was salted, but for what the job came to.
        text = row["spec"] if spec["replay_of"] is None else spec_text(spec)
        told["spec"] = salted(text, row["salt"])[1]
    else:  # a decision of an older build; its row does not repeat the grants
        del told["grants"]
    return {
        "job": row["job"],
        "actor": row["principal"],
        "time": row["created"],
        "purpose": row["purpose"],
        "text": salted(spec["sql"], row["salt"])[1],
        **told,
    }
