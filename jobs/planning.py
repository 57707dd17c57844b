"""From statements and what policies allow to a plan: which integers are measured, with which noise.  Pure.

Statements over the same rows, grouped the same way, share a part; equal measurements of a part are one.  The
loss is divided from the top down: a statement's amount equally among its measurements of all grouping
sets (a key selection is one), a quantile's share again among its point and the ends of its interval.  A
measurement that several statements need gets the sum of their shares (`build`), or, where each statement
states what it needs, the largest (`build_for`).  So the whole never costs more than the amounts together,
whichever dataset pays: noise allows for the rows that a unit's absence from one of two may replace.

Parts and measurements stand in an order that does not depend on how, or in which order, they are asked for.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from fractions import Fraction
from typing import Final

from jobs import calibration
from jobs.bounding import never_null
from jobs.drafting import Drafted, Wanted
from jobs.facts import Setting, SourceFacts, TableFacts
from jobs.plan import (
    PER_QUANTILE,
    Answer,
    Measurement,
    Mechanism,
    Part,
    Plan,
    PublicTable,
    Quantile,
    Recipe,
    Source,
)
from jobs.reading import sources_of
from jobs.sensitivity import bound_of, plan_losses, steps_of
from jobs.spec import Aggregate, Query
from jobs.statements import Group, Statement, selected, statement
from jobs.uses import joined, operations, uses
from sandbox.errors import InvalidInputError

__all__ = [
    "Budget",
    "Setting",
    "SourceFacts",
    "TableFacts",
    "bound_of",
    "build",
    "build_for",
    "joined",
    "never_null",
    "operations",
    "plan_losses",
    "selected",
    "uses",
]

MAX_PARTS: Final = 64
MAX_MEASUREMENTS: Final = 64
_Combine = Callable[[Fraction, Fraction], Fraction]
"""What two statements' shares of one measurement make."""


@dataclass(frozen=True, slots=True)
class Budget:
    """What a job spends: *amount* in ε under Laplace noise, in ρ under Gaussian noise.

    *weights* divide it among the statements; none: equally.
    """

    mechanism: Mechanism
    amount: Fraction
    weights: tuple[Fraction, ...] = ()

    def amounts(self, statements: int) -> tuple[Fraction, ...]:
        """Return what each of the statements gets."""
        weights = self.weights or (Fraction(1),) * statements
        if len(weights) != statements or min(weights) <= 0:
            raise ValueError("one positive weight per statement")
        return tuple(self.amount * weight / sum(weights) for weight in weights)


def build(queries: Sequence[Query], setting: Setting, budget: Budget) -> Plan:
    """Return how *queries* are measured for *budget*, or raise `InvalidInputError` saying what is missing."""
    if budget.mechanism != setting.mechanism:
        raise ValueError("the budget is in another currency")
    return _built(queries, setting, budget.amounts(len(queries)), lambda old, new: old + new)


def build_for(queries: Sequence[Query], setting: Setting, amounts: Sequence[Fraction]) -> Plan:
    """Return how *queries* are measured where each alone would spend its part of *amounts*.

    A measurement that several need is as exact as the one that needs it most: the whole costs less than the
    sum.
    """
    return _built(queries, setting, amounts, max)


# --- shares -------------------------------------------------------------------------------------------


@dataclass(slots=True)
class _Pool:
    """What is needed of one part: wanted measurements with their shares, and that of its key selection."""

    part: Part
    needs: dict[_Name, tuple[Wanted, Fraction]] = field(default_factory=dict)
    selection: Fraction = Fraction(0)


_Name = tuple[bytes, Fraction | None]
"""A measurement's identity, and which quantile of it."""


def _name(wanted: Wanted) -> _Name:
    return wanted.identity, wanted.quantile


def _built(
    queries: Sequence[Query], setting: Setting, amounts: Sequence[Fraction], combine: _Combine
) -> Plan:
    if len(amounts) != len(queries) or min(amounts) <= 0:
        raise ValueError("one positive amount per statement")
    by_name = sorted(setting.sources, key=lambda source: source.dataset)
    setting = replace(setting, sources=tuple(by_name), tables=tuple(sorted(setting.tables, key=_table_name)))
    statements = [statement(query, setting) for query in queries]
    pools: dict[bytes, _Pool] = {}
    laplace = setting.mechanism == "discrete-laplace"
    for found, amount in zip(statements, amounts, strict=True):
        _divide(pools, found, amount, combine, laplace=laplace)
    ordered = [(identity, pools[identity]) for identity in sorted(pools)]
    _check_size(pool for _, pool in ordered)
    selecting = sum(pool.selection > 0 for _, pool in ordered)
    delta = setting.selection_delta / max(selecting, 1)
    made = {
        identity: _Made(number, *_finished(pool, setting.mechanism, delta))
        for number, (identity, pool) in enumerate(ordered)
    }
    return Plan(
        sources=tuple(Source(source.dataset, source.version) for source in setting.sources),
        tables=tuple(PublicTable(table.name, table.digest) for table in setting.tables),
        parts=tuple(item.part for item in made.values()),
        answers=tuple(_answer(found, made) for found in statements),
        mechanism=setting.mechanism,
    )


def _table_name(table: TableFacts) -> str:
    return table.name


def _divide(
    pools: dict[bytes, _Pool], found: Statement, amount: Fraction, combine: _Combine, *, laplace: bool
) -> None:
    """Give every measurement of *found*, each once, an equal share of *amount*."""
    needs = {(group.identity, *_name(wanted)): wanted for group in found.groups for wanted in group.wanted()}
    selections = len(found.groups) if found.selects else 0
    share = amount / _dearest(found, laplace=laplace) / (len(needs) + selections)
    for group in found.groups:
        pool = pools.setdefault(group.identity, _Pool(group.part))
        if found.selects:
            pool.selection = combine(pool.selection, share)
    for (part, *_), wanted in needs.items():
        known = pools[part].needs
        old = known[_name(wanted)][1] if _name(wanted) in known else Fraction(0)
        known[_name(wanted)] = (wanted, combine(old, share))


def _dearest(found: Statement, *, laplace: bool) -> int:
    """How many times the price of one step the source pays whose rows are replaced by others (`steps_of`)."""
    part = found.groups[0].part
    steps = max(steps_of(part.frame, source) for source in sources_of(part))
    return steps if laplace else steps**2


def _check_size(pools: Iterable[_Pool]) -> None:
    sizes = [len({identity for identity, _ in pool.needs}) for pool in pools]
    if len(sizes) > MAX_PARTS:
        raise InvalidInputError("plan.too-many-parts", parts=len(sizes), limit=MAX_PARTS)
    if max(sizes) > MAX_MEASUREMENTS:
        raise InvalidInputError("plan.too-many-measurements", measurements=max(sizes), limit=MAX_MEASUREMENTS)


# --- noise and places -----------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Made:
    """Part *number* of the plan; *places*: each measurement's number, and a quantile's first in a cell."""

    number: int
    part: Part
    places: dict[_Name, tuple[int, int]]


def _finished(
    pool: _Pool, mechanism: Mechanism, delta: Fraction
) -> tuple[Part, dict[_Name, tuple[int, int]]]:
    part = pool.part
    if pool.selection:
        part = replace(part, selection=calibration.selection(part, pool.selection, delta))
    places: dict[_Name, tuple[int, int]] = {}
    measurements: list[Measurement] = []
    for identity in sorted({identity for identity, _ in pool.needs}):
        names = sorted(name for name in pool.needs if name[0] == identity)
        measurements.append(_measurement(part, [pool.needs[name] for name in names], mechanism))
        for rank, name in enumerate(names):
            places[name] = (len(measurements) - 1, rank * PER_QUANTILE)
    return replace(part, measurements=tuple(measurements)), places


def _measurement(part: Part, needs: Sequence[tuple[Wanted, Fraction]], mechanism: Mechanism) -> Measurement:
    (first, share), *_ = needs
    item = first.item
    if not isinstance(item, Quantile):
        return calibration.noisy(part, item, share, mechanism)
    drawn = (
        draw
        for wanted, given in needs
        if wanted.quantile is not None
        for draw in calibration.draws(part, wanted.quantile, given, mechanism)
    )
    return replace(item, draws=tuple(drawn))


def _answer(found: Statement, made: dict[bytes, _Made]) -> Answer:
    return Answer(
        found.keys,
        tuple((made[group.identity].number, group.numbers) for group in found.groups),
        tuple(_recipe(calls, found.groups, made) for calls in zip(*_calls(found), strict=True)),
        found.minimum,
    )


def _calls(found: Statement) -> Iterator[tuple[Drafted, ...]]:
    return (group.drafted for group in found.groups)


def _recipe(calls: Sequence[Drafted], groups: Sequence[Group], made: dict[bytes, _Made]) -> Recipe:
    measure = calls[0].measure
    found = [
        [made[group.identity].places[_name(wanted)] for wanted in call.wanted]
        for call, group in zip(calls, groups, strict=True)
    ]
    offset = measure.bucket if measure.aggregate is Aggregate.HISTOGRAM else found[0][0][1]
    places = tuple(tuple(number for number, _ in places) for places in found)
    return Recipe(measure.aggregate, places, offset, measure.extreme)
