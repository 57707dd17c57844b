"""Every charge held against the limits of its moment, worked out once more from the leaves alone.

`sandbox.privacy.ledger` asks the database what was spent and admits; whoever changed the code that asks, or
the tables for the length of one question, was admitted what no policy allows.  Here the same laws are
followed by sums of our own: one pass over the charges in the order of the log, each against the policy that
was the newest then (per job, lifetime, share of the principal, window) and, with the other charges of its
job, against the newest limit of its namespace.  What accepting an older copy wrote off counts, and no limit
can refuse it.
"""

from __future__ import annotations

import datetime as dt
from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import groupby
from typing import Final, NamedTuple

import sqlalchemy as sa

from policies.build import parse
from sandbox.books import lineages, policies
from sandbox.errors import TamperingError
from sandbox.privacy.ledger import Limits
from sandbox.privacy.loss import ZERO, Filter, Loss, rho_of_pure
from sandbox.privacy.namespaces import NamespaceLimit, counted, limit_from
from sandbox.schema import exact
from service.checks.rows import COLUMNS
from service.dossier import limits_of

Units = tuple[int, int, int]
"""ε, ρ and δ in the units of `Loss`."""
Rows = Mapping[str, Mapping[tuple[str, ...], int]]
"""By kind, what the log says as rows of `COLUMNS`, each with its leaf."""

_NOTHING: Final[Units] = (0, 0, 0)
_CHARGE: Final = tuple(COLUMNS["charge"])
_POLICY: Final = tuple(COLUMNS["policy"])
_LIMIT: Final = tuple(COLUMNS["namespace-limit"])


class _Charge(NamedTuple):
    leaf: int
    job: str
    lineage: str
    principal: str
    charged: str
    loss: Units


class _Window:
    """What was charged when, in the order of time: a clock set back does not reorder it."""

    def __init__(self) -> None:
        self._times: list[str] = []
        self._sums: list[Units] = [_NOTHING]

    def add(self, charged: str, loss: Units) -> None:
        place = bisect_right(self._times, charged)
        self._times.insert(place, charged)
        self._sums.insert(place, self._sums[place])
        self._sums[place + 1 :] = [_plus(sum_, loss) for sum_ in self._sums[place + 1 :]]  # nearly always one

    def since(self, moment: str) -> Units:
        """Return the sum of what was charged later than *moment*."""
        before, whole = self._sums[bisect_right(self._times, moment)], self._sums[-1]
        return whole[0] - before[0], whole[1] - before[1], whole[2] - before[2]


@dataclass(slots=True)
class _Line:
    """A lineage: what is fixed with it, the limits in force, and what was spent."""

    namespace: str
    filter: Filter
    limits: Limits | None = None
    spent: Units = _NOTHING
    of: dict[str, Units] = field(default_factory=lambda: defaultdict(lambda: _NOTHING))
    window: _Window = field(default_factory=_Window)

    def passed(self, charge: _Charge) -> str | None:
        """Return the first limit that *charge* passes, as a policy calls it."""
        limits, loss = self.limits, charge.loss
        if limits is None:
            return "policy"
        if limits.per_job is not None and not _fits(_NOTHING, loss, limits.per_job):
            return "budget.per_job"
        if not _fits(self.spent, loss, limits.lifetime):
            return "budget.epsilon"
        if limits.per_analyst is not None and not _fits(self.of[charge.principal], loss, limits.per_analyst):
            return "budget.per_analyst"
        if window := limits.window:
            begun = dt.datetime.fromisoformat(charge.charged) - window.every
            if not _fits(self.window.since(begun.isoformat(timespec="microseconds")), loss, window.limit):
                return "budget.window"
        return None

    def count(self, charge: _Charge) -> None:
        """Count *charge*, whatever it passed."""
        self.spent = _plus(self.spent, charge.loss)
        self.of[charge.principal] = _plus(self.of[charge.principal], charge.loss)
        self.window.add(charge.charged, charge.loss)


@dataclass(slots=True)
class _Namespace:
    """What all lineages of a namespace spent: as it stands, and with every ε as the ρ that it is."""

    limit: NamespaceLimit | None = None
    spent: Units = _NOTHING
    as_rho: int = 0

    def passed(self, charges: Iterable[_Charge]) -> bool:
        """Whether *charges* of one job together pass the limit."""
        if self.limit is None:
            return False
        epsilon, rho, delta = self.spent
        pure = self.limit.filter is Filter.PURE
        spent = Loss(epsilon, rho, delta) if pure else Loss(0, rho + self.as_rho, delta)
        losses = (counted(self.limit.filter, Loss(*charge.loss)) for charge in charges)
        cost = sum(losses, start=ZERO)
        return not cost.fits(self.limit.left(spent))

    def count(self, loss: Units) -> None:
        """Count a charge."""
        self.spent = _plus(self.spent, loss)
        self.as_rho += rho_of_pure(loss[0])


def check_limits(connection: sa.Connection, rows: Rows, lost: frozenset[str]) -> None:
    """Raise `TamperingError` at the first charge that passed a limit.

    *lost*: under what names accepting an older copy wrote off what may have been spent.
    """
    lines = {
        row.lineage: _Line(row.namespace, Filter(row.filter))
        for row in connection.execute(sa.select(lineages))
    }
    spaces: dict[str, _Namespace] = defaultdict(_Namespace)
    changes = sorted(_changes(connection, rows), key=lambda change: change[0])
    for job, charges in groupby(_charges(rows["charge"]), key=lambda charge: charge.job):
        together = list(charges)
        while changes and changes[0][0] < together[0].leaf:
            _, name, change = changes.pop(0)
            if isinstance(change, Limits):
                lines[name].limits = change
            else:
                spaces[name].limit = change
        if job not in lost:
            _check(together, lines, spaces)
        for charge in together:
            line = lines[charge.lineage]
            line.count(charge)
            spaces[line.namespace].count(charge.loss)


def _check(charges: Sequence[_Charge], lines: Mapping[str, _Line], spaces: Mapping[str, _Namespace]) -> None:
    for charge in charges:
        if limit := lines[charge.lineage].passed(charge):
            raise _error(charge, limit)
    for namespace in dict.fromkeys(lines[charge.lineage].namespace for charge in charges):
        own = [charge for charge in charges if lines[charge.lineage].namespace == namespace]
        if spaces[namespace].passed(own):
            raise _error(own[0], f"keyong budget limit {namespace}")


def _error(charge: _Charge, limit: str) -> TamperingError:
    return TamperingError(
        "audit.limit-passed", leaf=charge.leaf, job=charge.job, lineage=charge.lineage, limit=limit
    )


def _charges(logged: Mapping[tuple[str, ...], int]) -> Iterator[_Charge]:
    """Yield the charges of the log in its order."""
    in_order = ("job", "lineage", "epsilon_pico", "rho_pico", "delta_atto", "principal", "charged")
    job, lineage, epsilon, rho, delta, principal, charged = map(_CHARGE.index, in_order)
    for row, leaf in logged.items():
        loss = int(row[epsilon]), int(row[rho]), int(row[delta])
        yield _Charge(leaf, row[job], row[lineage], row[principal], row[charged], loss)


def _changes(connection: sa.Connection, rows: Rows) -> Iterator[tuple[int, str, Limits | NamespaceLimit]]:
    """Yield what changed a limit: its leaf, of which lineage or namespace, and the limits from then on."""
    texts = {(row.lineage, str(row.version)): row.source for row in connection.execute(sa.select(policies))}
    fixed = {
        row.lineage: (Filter(row.filter), exact(row.delta)) for row in connection.execute(sa.select(lineages))
    }
    for row, leaf in rows["policy"].items():
        said = dict(zip(_POLICY, row, strict=True))
        policy = parse(texts[said["lineage"], said["version"]], "policy")
        yield leaf, said["lineage"], limits_of(policy.budget, *fixed[said["lineage"]])
    for row, leaf in rows["namespace-limit"].items():
        limit = limit_from(dict(zip(_LIMIT, row, strict=True)))
        yield leaf, limit.namespace, limit


def _plus(one: Units, other: Units) -> Units:
    return one[0] + other[0], one[1] + other[1], one[2] + other[2]


def _fits(spent: Units, loss: Units, limit: Loss) -> bool:
    """Whether no sum that *loss* grows passes its *limit*, which bounds what is left as `Loss.fits` does."""
    return (
        (not loss[0] or spent[0] + loss[0] <= limit.epsilon_pico)
        and (not loss[1] or spent[1] + loss[1] <= limit.rho_pico)
        and (not loss[2] or spent[2] + loss[2] <= limit.delta_atto)
    )
