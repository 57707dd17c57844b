"""A limit that all lineages of a namespace share: the same persons, whoever holds data about them (ADR 33).

The laws:

* Every charge of every lineage counts, those of removed datasets too: what was released stays released.
* It counts in the limit's own currency, converted one by one.  Under ``zcdp`` a charge of ε is ρ = ε²/2,
  rounded up (Bun & Steinke 2016, Proposition 1.4), one of (ρ, δ) is itself.  Under ``pure`` only ε counts,
  and a lineage that spends ρ is not charged at all.
* A limit of ε is converted once, rounded down, at the limit's own δ, which that uses up (ADR 3).  What
  selections of keys may spend beside it is said apart, and nothing if it is not said.
* The newest limit counts.  Lowered below what is spent, it admits nothing more.
* The charges of a job over several datasets are added.  That covers a person who leaves any or all of them at
  once: from every part of a plan one dataset alone takes all that person's rows, and pays the part in full;
  those whose leaving puts other rows in their place pay for both steps (`jobs.sensitivity.steps_of`).

Each function takes a connection inside a transaction, as those of the ledger.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from math import isqrt
from typing import Any

import sqlalchemy as sa

from sandbox.books import charges, datasets, lineages, namespace_limits
from sandbox.errors import BudgetExceededError
from sandbox.privacy.loss import (
    ATTO,
    ZERO,
    Filter,
    Loss,
    affordable_epsilon,
    limit_of_epsilon,
    pure_of_rho,
    rho_of_pure,
)
from sandbox.schema import LineageId, exact


@dataclass(frozen=True, slots=True)
class NamespaceLimit:
    """What all lineages of *namespace* may lose together: *epsilon* at *delta*, and *selection* beside it.

    Under ``pure`` both δ are 0.
    """

    namespace: str
    filter: Filter
    epsilon: Fraction
    delta: Fraction
    selection: Fraction

    @property
    def loss(self) -> Loss:
        """The limit in its currency."""
        converted = limit_of_epsilon(self.filter, self.epsilon, self.delta)
        return converted + Loss(delta_atto=int(self.selection * ATTO))

    def left(self, spent: Loss) -> Loss:
        """Return what is left after *spent*, in the limit's currency: nothing once it cannot be counted."""
        if self.filter is Filter.PURE and spent.rho_pico:
            return ZERO
        return self.loss.minus(spent)

    def share(self, left: Loss, filter_: Filter) -> Loss:
        """Return the most that one charge of a lineage of *filter_* may be, in its own currency."""
        if filter_ is self.filter:
            return left
        return Loss(pure_of_rho(left.rho_pico)) if filter_ is Filter.PURE else ZERO


def counted(filter_: Filter, loss: Loss) -> Loss:
    """Return what a charge of *loss* is in the currency of a limit; under ``pure`` a ρ stays what it is."""
    if filter_ is Filter.PURE:
        return loss
    return Loss(0, loss.rho_pico + rho_of_pure(loss.epsilon_pico), loss.delta_atto)


def limit_from(row: Mapping[Any, Any]) -> NamespaceLimit:
    """Return the limit that a row of the table, or a leaf of the log, says."""
    parts = (exact(row[name]) for name in ("epsilon", "delta", "selection"))
    return NamespaceLimit(row["namespace"], Filter(row["filter"]), *parts)


def current(
    connection: sa.Connection, namespace: str, before: dt.datetime | None = None
) -> NamespaceLimit | None:
    """Return the limit that counts (or counted *before* an instant) for *namespace*, None if it has none."""
    table = namespace_limits
    chosen = sa.select(table).where(table.c.namespace == namespace)
    if before is not None:
        chosen = chosen.where(table.c.changed < before.isoformat())
    newest = chosen.order_by(table.c.leaf.desc()).limit(1)
    row = connection.execute(newest).mappings().one_or_none()
    return None if row is None else limit_from(row)


def spent(connection: sa.Connection, limit: NamespaceLimit) -> Loss:
    """Return the sum of all charges of all lineages of the limit's namespace, in its currency."""
    # Charges of one ε are converted once and counted; sums of one lineage fit 64 bits, those of several need
    # not, so they are added here.
    query = (
        sa.select(
            charges.c.epsilon_pico,
            sa.func.count(),
            sa.func.sum(charges.c.rho_pico),
            sa.func.sum(charges.c.delta_atto),
        )
        .join(lineages, lineages.c.lineage == charges.c.lineage)
        .where(lineages.c.namespace == limit.namespace)
        .group_by(charges.c.lineage, charges.c.epsilon_pico)
    )
    epsilons = rhos = deltas = 0  # bare integers: there may be a hundred thousand
    for epsilon, count, rho, delta in connection.execute(query):
        epsilons += count * epsilon
        rhos += rho + (0 if limit.filter is Filter.PURE else count * rho_of_pure(epsilon))
        deltas += delta
    return Loss(epsilons if limit.filter is Filter.PURE else 0, rhos, deltas)


def left_for(connection: sa.Connection, lineage: LineageId) -> Loss | None:
    """Return what the limit of its namespace leaves *lineage*, in its own currency; None without a limit."""
    place = home(connection, lineage)
    limit = current(connection, place.namespace)
    return None if limit is None else limit.share(limit.left(spent(connection, limit)), place.filter)


@dataclass(frozen=True, slots=True)
class Home:
    """A lineage and what is fixed with it; *dataset* is its name, for messages."""

    lineage: LineageId
    namespace: str
    filter: Filter
    delta: Fraction
    dataset: str


@dataclass(frozen=True, slots=True)
class Common:
    """What charges of one job cost one namespace together, *parts*, and what its limit leaves, *room*."""

    limit: NamespaceLimit
    room: Loss
    parts: tuple[tuple[Home, Loss], ...]

    @property
    def cost(self) -> Loss:
        """What they cost together, in the limit's currency."""
        return sum((counted(self.limit.filter, loss) for _, loss in self.parts), start=ZERO)

    def times(self) -> int:
        """Return how often they may be charged."""
        return self.cost.times_in(self.room)

    def refusal(self) -> BudgetExceededError | None:
        """Return why they are not admitted, None if they are; it tells what is left for the first of them."""
        cost, room = self.cost, self.room
        if cost.fits(room):
            return None
        first, loss = self.parts[0]
        place = {"dataset": first.dataset, "namespace": self.limit.namespace}
        if self.limit.filter is Filter.PURE and cost.rho_pico:
            return BudgetExceededError("budget.namespace-pure", **place)
        if cost.delta_atto > room.delta_atto:
            wanted, rest = (f"{delta / ATTO:.3g}" for delta in (cost.delta_atto, room.delta_atto))
            return BudgetExceededError("budget.namespace-selection", **place, asked=wanted, remaining=rest)
        asked = affordable_epsilon(loss, first.filter, first.delta)
        remaining = affordable_epsilon(self._left(first, loss), first.filter, first.delta)
        return BudgetExceededError("budget.namespace", **place, asked=asked, remaining=remaining)

    def _left(self, first: Home, loss: Loss) -> Loss:
        """What the first could be charged if all became cheaper alike, in its own currency."""
        if len(self.parts) == 1:
            return self.limit.share(self.room, first.filter)
        if self.limit.filter is Filter.PURE:
            return Loss(loss.epsilon_pico * self.room.epsilon_pico // self.cost.epsilon_pico)
        # Each of them may be rounded up.
        room, cost = max(self.room.rho_pico - len(self.parts), 0), self.cost.rho_pico
        return Loss(isqrt(loss.epsilon_pico**2 * room // cost), loss.rho_pico * room // cost)


def common(connection: sa.Connection, wanted: Sequence[tuple[LineageId, Loss]]) -> list[Common]:
    """Return what *wanted*, the charges of one job, mean to each namespace that has a limit."""
    by_namespace: dict[str, list[tuple[Home, Loss]]] = {}
    for lineage, loss in wanted:
        place = home(connection, lineage)
        by_namespace.setdefault(place.namespace, []).append((place, loss))
    found = []
    for namespace, parts in by_namespace.items():
        limit = current(connection, namespace)
        if limit is not None:
            found.append(Common(limit, limit.left(spent(connection, limit)), tuple(parts)))
    return found


def home(connection: sa.Connection, lineage: LineageId) -> Home:
    """Return what is fixed with *lineage*."""
    query = (
        sa.select(lineages.c.namespace, lineages.c.filter, lineages.c.delta, datasets.c.name)
        .outerjoin(datasets, datasets.c.lineage == lineages.c.lineage)
        .where(lineages.c.lineage == lineage)
        .limit(1)
    )
    row = connection.execute(query).one()
    return Home(lineage, row.namespace, Filter(row.filter), exact(row.delta), row.name or lineage)
