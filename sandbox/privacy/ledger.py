"""The ledger: every charge of every lineage, recorded before a byte is read and never taken back.

Each function takes a connection inside `Database.transaction`, so that the sum that admits a charge, the
charge and its log leaf stand or fall together under the one writers' lock.  The laws:

* A charge is recorded only if, together with everything already spent, it fits *every* limit: per job,
  lifetime of the lineage, share of the principal, window; and the charges of a job together that of their
  namespace, if it has one (`sandbox.privacy.namespaces`).  Sums are taken by the database over 64-bit
  integers.
* A job has at most one charge per lineage.  Charging it again finds the first; a different loss or principal
  for the same job is refused.
* Several lineages are charged all or none: everything is checked before anything is written.
* A window slides: it counts what was charged later than now minus its length, *including* charges dated in
  the future, so a clock set back refills nothing.  A window only delays; it adds nothing to the lifetime
  limit.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import sqlalchemy as sa

from sandbox.books import charges
from sandbox.errors import BudgetExceededError, InvalidInputError
from sandbox.privacy import filters, namespaces
from sandbox.privacy.loss import ATTO, Loss, affordable_epsilon
from sandbox.privacy.namespaces import Home
from sandbox.schema import JobId, LineageId

PERIODS: Final[dict[str, dt.timedelta]] = {
    "hour": dt.timedelta(hours=1),
    "day": dt.timedelta(days=1),
    "week": dt.timedelta(weeks=1),
    "month": dt.timedelta(days=31),  # no calendar month is longer
}
"""Lengths of the windows a policy may name."""


@dataclass(frozen=True, slots=True)
class Charge:
    """What *job* of *principal* costs *lineage*, charged *at* (with time zone)."""

    lineage: LineageId
    job: JobId
    principal: str
    loss: Loss
    at: dt.datetime


@dataclass(frozen=True, slots=True)
class Window:
    """At most *limit* in any stretch of one *period* (a key of `PERIODS`)."""

    period: str
    limit: Loss

    @property
    def every(self) -> dt.timedelta:
        """The window's length."""
        return PERIODS[self.period]


@dataclass(frozen=True, slots=True)
class Limits:
    """What a policy allows of one lineage, in the currency of its filter."""

    lifetime: Loss
    per_job: Loss | None = None
    per_analyst: Loss | None = None
    window: Window | None = None


def charge(connection: sa.Connection, charge: Charge, limits: Limits) -> bool:
    """Record *charge* and return True, or return False if its job has been charged already.

    Raises `BudgetExceededError` naming the first limit that it would pass, with what is left as an ε a job
    could still ask for, and records nothing then; `InvalidInputError` for a loss that its filter cannot
    count.
    """
    return charge_all(connection, [(charge, limits)])


def charge_all(connection: sa.Connection, wanted: Sequence[tuple[Charge, Limits]]) -> bool:
    """Record all of *wanted* (one charge per lineage) or raise and record none; True if any was new."""
    if len({item.lineage for item, _ in wanted}) != len(wanted):
        raise ValueError("one charge per lineage")
    # A retry finds its charge before any limit is looked at: what is paid is paid.
    new = [(item, limits) for item, limits in wanted if not _found(connection, item)]
    for item, limits in new:
        _admit(connection, item, limits)
    for each in namespaces.common(connection, [(item.lineage, item.loss) for item, _ in new]):
        if refusal := each.refusal():
            raise refusal
    for item, _ in new:
        _record(connection, item)
    return bool(new)


def write_off(connection: sa.Connection, charge: Charge) -> None:
    """Record what may have been spent already: no limit can refuse that."""
    if not _found(connection, charge):
        _record(connection, charge)


def find(connection: sa.Connection, lineage: LineageId, job: JobId) -> Charge | None:
    """Return what *job* was charged on *lineage*, or None."""
    chosen = sa.select(charges).where(charges.c.lineage == lineage, charges.c.job == job)
    row = connection.execute(chosen).mappings().one_or_none()
    return None if row is None else _charge_of(row)


def charges_of(connection: sa.Connection, job: JobId) -> dict[LineageId, Charge]:
    """Return what *job* was charged, by lineage; empty if it was not."""
    rows = connection.execute(sa.select(charges).where(charges.c.job == job)).mappings()
    return {LineageId(row["lineage"]): _charge_of(row) for row in rows}


def history(
    connection: sa.Connection, lineage: LineageId, *, principal: str | None = None
) -> Iterator[Charge]:
    """Yield every charge of *lineage* in the order of recording; if given, of *principal* only."""
    chosen = charges.c.lineage == lineage
    if principal is not None:
        chosen &= charges.c.principal == principal
    rows = connection.execute(sa.select(charges).where(chosen).order_by(charges.c.charge)).mappings()
    yield from map(_charge_of, rows)


def loss_of(row: Mapping[Any, Any]) -> Loss:
    """Return the loss in a row of the charges table."""
    return Loss(row["epsilon_pico"], row["rho_pico"], row["delta_atto"])


def spent(
    connection: sa.Connection,
    lineage: LineageId,
    *,
    principal: str | None = None,
    since: dt.datetime | None = None,
) -> Loss:
    """Return the sum charged to *lineage*; if given, by *principal* only, or later than *since* only."""
    chosen = charges.c.lineage == lineage
    if principal is not None:
        chosen &= charges.c.principal == principal
    if since is not None:
        chosen &= charges.c.charged > _stamp(since)
    units = (charges.c.epsilon_pico, charges.c.rho_pico, charges.c.delta_atto)
    # Every charge was admitted under a limit of at most 10^18 units, so no sum overflows; if one did, SQLite
    # raises instead of wrapping.
    row = connection.execute(sa.select(*(sa.func.sum(unit) for unit in units)).where(chosen)).one()
    return Loss(*(int(value or 0) for value in row))


def remaining(
    connection: sa.Connection, lineage: LineageId, principal: str, at: dt.datetime, limits: Limits
) -> dict[str, Loss]:
    """Return what each limit that is set leaves *principal* at that moment.

    Keys: ``per-job`` (the limit itself), ``lifetime``, ``per-analyst``, ``window``.
    """
    left = {}
    if limits.per_job is not None:
        left["per-job"] = limits.per_job
    left["lifetime"] = limits.lifetime.minus(spent(connection, lineage))
    if limits.per_analyst is not None:
        left["per-analyst"] = limits.per_analyst.minus(spent(connection, lineage, principal=principal))
    if limits.window is not None:
        paced = spent(connection, lineage, since=at - limits.window.every)
        left["window"] = limits.window.limit.minus(paced)
    return left


def _found(connection: sa.Connection, wanted: Charge) -> bool:
    earlier = find(connection, wanted.lineage, wanted.job)
    if earlier is None:
        return False
    if (earlier.loss, earlier.principal) != (wanted.loss, wanted.principal):
        raise InvalidInputError("budget.charged-differently", job=wanted.job)
    return True


def _admit(connection: sa.Connection, wanted: Charge, limits: Limits) -> None:
    left = remaining(connection, wanted.lineage, wanted.principal, wanted.at, limits)
    for _, refusal in refusals(wanted.loss, left, namespaces.home(connection, wanted.lineage)):
        raise refusal


def refusals(loss: Loss, left: Mapping[str, Loss], place: Home) -> Iterator[tuple[str, BudgetExceededError]]:
    """Yield the limits, named as in `remaining`, that *loss* would pass where *left* is left of them."""
    for name, room in left.items():
        if not filters.admits(place.filter, loss, room):
            yield name, _refusal(name, loss, room, place)


def _refusal(name: str, loss: Loss, left: Loss, place: Home) -> BudgetExceededError:
    dataset = place.dataset
    if loss.delta_atto > left.delta_atto:
        spent, rest = (f"{delta / ATTO:.3g}" for delta in (loss.delta_atto, left.delta_atto))
        return BudgetExceededError("budget.selection", dataset=dataset, asked=spent, remaining=rest)
    asked = affordable_epsilon(loss, place.filter, place.delta)
    remaining = affordable_epsilon(left, place.filter, place.delta)
    if name == "per-job":
        return BudgetExceededError("budget.per-job", dataset=dataset, asked=asked, remaining=remaining)
    if name == "per-analyst":
        return BudgetExceededError("budget.per-analyst", dataset=dataset, asked=asked, remaining=remaining)
    if name == "window":
        return BudgetExceededError("budget.window", dataset=dataset, asked=asked, remaining=remaining)
    return BudgetExceededError("budget.lifetime", dataset=dataset, asked=asked, remaining=remaining)


def _record(connection: sa.Connection, wanted: Charge) -> None:
    connection.execute(
        sa.insert(charges).values(
            lineage=wanted.lineage,
            job=wanted.job,
            principal=wanted.principal,
            charged=_stamp(wanted.at),
            **wanted.loss.to_json(),
        )
    )


def _charge_of(row: Mapping[Any, Any]) -> Charge:
    at = dt.datetime.fromisoformat(row["charged"])
    return Charge(LineageId(row["lineage"]), JobId(row["job"]), row["principal"], loss_of(row), at)


def _stamp(at: dt.datetime) -> str:
    # Fixed width in UTC, so that the order of the text is the order of time.
    if at.tzinfo is None:
        raise ValueError("a moment needs a time zone")
    return at.astimezone(dt.UTC).isoformat(timespec="microseconds")
