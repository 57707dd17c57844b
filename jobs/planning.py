"""From a query and what a policy allows to a plan: which integers are measured, with which noise.  Pure.

The laws of sensitivity, for adding or removing one unit (the only neighbouring relation here):

* A job sees at most R rows of a unit, chosen before WHERE and independently of every other unit's rows.
* Each such row adds at most c = max |clamp(v) - origin| / grid to one cell of a measurement and nothing to
  the others.  All R rows may fall in one cell, so a unit moves a measurement by at most R·c in the L1 norm
  and by at most R·c in the L2 norm (not √R·c).
* m measurements share the loss equally: ε = Σ ε_i for discrete Laplace (basic composition), ρ = Σ ρ_i for
  discrete Gaussian (Bun & Steinke 2016, Lemma 1.7).  Hence b = R·c·m/ε and σ² = (R·c)²·m/(2ρ); the discrete
  versions satisfy the same bounds (Canonne, Kamath & Steinke 2020, Theorem 4 and section 3).

AVG is measured around the middle of its domain, where c is smallest; SUM around zero, where no count is
needed, unless an AVG of the same argument shares its measurement.  Equal counts are measured once.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Final

from jobs.categories import categories
from jobs.domains import BOOLEAN, Domains, clamp_domain, value_range
from jobs.expressions import Call, Column, Expression, Literal, columns
from jobs.spec import Aggregate, Key, Measure, Measurement, Plan, Query, Recipe
from sandbox.errors import InvalidInputError
from sandbox.privacy.loss import PICO, Filter, Loss
from sandbox.schema import Field, NumericDomain, Use

MAX_CELLS: Final = 100_000
_ONE: Final = NumericDomain(Fraction(0), Fraction(1), Fraction(1))
"""What one row adds to a count."""


@dataclass(frozen=True, slots=True)
class Setting:
    """The public facts under which a query is planned."""

    version: int
    fields: Mapping[str, Field]
    domains: Domains
    max_rows: int
    filter: Filter


def uses(query: Query) -> frozenset[tuple[str, Use]]:
    """Return every column with the use the query makes of it.

    What decides whether a row or a value counts (WHERE, conditions, COUNT arguments) is a filter use; what
    is added up is a measure use; whatever a key is made of is a group use.
    """
    found = {(name, Use.FILTER) for name in (columns(query.where) if query.where is not None else ())}
    for key in query.keys:
        found |= {(name, Use.GROUP) for name in columns(key)}
    for measure in query.measures:
        if measure.argument is not None:
            measuring = measure.aggregate is not Aggregate.COUNT
            found |= set(_argument_uses(measure.argument, measuring))
    return frozenset(found)


def operations(query: Query) -> frozenset[str]:
    """Return the aggregates the query asks for, as policies name them."""
    return frozenset(measure.aggregate.value for measure in query.measures)


def build(query: Query, setting: Setting, loss: Loss) -> Plan:
    """Return how *query* is measured at *loss*, or raise `InvalidInputError` saying what is missing."""
    keys = tuple(_key(item, setting) for item in query.keys)
    draft = _Draft(setting)
    averaged = {m.argument for m in query.measures if m.aggregate is Aggregate.AVG}
    recipes = tuple(draft.add(measure, averaged) for measure in query.measures)
    measurements, recipes = _ordered(draft.with_noise(loss), recipes)
    plan = Plan(
        dataset=query.dataset,
        version=setting.version,
        max_rows=setting.max_rows,
        where=query.where,
        keys=keys,
        measurements=measurements,
        recipes=recipes,
        mechanism="discrete-laplace" if setting.filter is Filter.PURE else "discrete-gaussian",
    )
    if plan.cells > MAX_CELLS:
        raise InvalidInputError("plan.too-many-cells", cells=plan.cells, limit=MAX_CELLS)
    return plan


def plan_loss(plan: Plan, filter_: Filter) -> Loss:
    """Return the loss that the plan's noise amounts to, recomputed from row bound, clamps and scales alone.

    What the plan claims of its own sensitivity is not believed.  The pipeline and the audit compare the loss
    with the charge: what is drawn must never cost more than what was paid.
    """
    if filter_ is Filter.PURE:
        epsilon = sum((_moved(m, plan.max_rows) / m.scale for m in plan.measurements), Fraction(0))
        return Loss(epsilon_pico=_ceil(epsilon * PICO))
    rho = sum(
        (Fraction(_moved(m, plan.max_rows) ** 2) / (2 * m.scale) for m in plan.measurements), Fraction(0)
    )
    return Loss(rho_pico=_ceil(rho * PICO))


def _moved(item: Measurement, max_rows: int) -> int:
    """By how much one unit moves the measurement: R·c with c = max |clamp(v) - origin| in grid units."""
    return max_rows * (1 if item.kind == "count" else _step(item.low, item.high, item.origin, item.grid))


def _step(low: Fraction, high: Fraction, origin: Fraction, grid: Fraction) -> int:
    return _ceil(max(abs(low - origin), abs(high - origin)) / grid)


def _ceil(value: Fraction) -> int:
    return -(-value.numerator // value.denominator)


def _argument_uses(expression: Expression, measuring: bool) -> Iterator[tuple[str, Use]]:
    match expression:
        case Column(name):
            yield name, Use.MEASURE if measuring else Use.FILTER
        case Call("case", arguments):
            for position, item in enumerate(arguments):
                condition = position % 2 == 0 and position < len(arguments) - 1
                yield from _argument_uses(item, measuring and not condition)
        case Call(operation, arguments):
            for item in arguments:
                yield from _argument_uses(item, measuring and operation not in BOOLEAN)


def _key(expression: Expression, setting: Setting) -> Key:
    found = categories(expression, setting.domains, nullable=not never_null(expression, setting.fields))
    if found is None:
        raise InvalidInputError("plan.no-categories", columns=sorted(columns(expression)))
    return Key(expression, found)


def never_null(expression: Expression, fields: Mapping[str, Field]) -> bool:
    """Return whether no row can make *expression* null."""
    match expression:
        case Column(name):
            return fields[name].required
        case Literal(value):
            return value is not None
        case Call("is_null", _):
            return True
        case Call("coalesce", arguments):
            return any(never_null(item, fields) for item in arguments)
        case Call("case", arguments):
            return all(never_null(item, fields) for item in (*arguments[1:-1:2], arguments[-1]))
    return False


def _ordered(
    found: tuple[Measurement, ...], recipes: tuple[Recipe, ...]
) -> tuple[tuple[Measurement, ...], tuple[Recipe, ...]]:
    """Put measurements in one order, in whatever order they were asked for, so that replay finds them."""
    order = sorted(range(len(found)), key=lambda place: (found[place].kind, repr(found[place].argument)))
    moved: dict[int | None, int | None] = {None: None} | {old: new for new, old in enumerate(order)}
    renumbered = (replace(r, count=moved[r.count], sum=moved[r.sum]) for r in recipes)
    return tuple(found[place] for place in order), tuple(renumbered)


class _Draft:
    """Collects measurements, each once."""

    def __init__(self, setting: Setting) -> None:
        self._setting = setting
        self._found: list[Measurement] = []

    def add(self, measure: Measure, averaged: set[Expression | None]) -> Recipe:
        argument = measure.argument
        if measure.aggregate is Aggregate.COUNT or argument is None:
            return Recipe(measure.aggregate, count=self._count(argument), sum=None)
        domain = self._domain(argument)
        centred = argument in averaged
        origin = _middle(domain) if centred else Fraction(0)
        total = self._sum(argument, domain, origin)
        return Recipe(measure.aggregate, count=self._count(argument) if centred else None, sum=total)

    def with_noise(self, loss: Loss) -> tuple[Measurement, ...]:
        shares = len(self._found)
        return tuple(_noisy(item, shares, self._setting.filter, loss) for item in self._found)

    def _count(self, argument: Expression | None) -> int:
        if argument is not None and never_null(argument, self._setting.fields):
            argument = None
        return self._index("count", argument, _ONE, Fraction(0))

    def _sum(self, argument: Expression, domain: NumericDomain, origin: Fraction) -> int:
        return self._index("sum", argument, domain, origin)

    def _index(self, kind: str, argument: Expression | None, domain: NumericDomain, origin: Fraction) -> int:
        step = _step(domain.low, domain.high, origin, domain.grid)
        item = Measurement(
            kind="count" if kind == "count" else "sum",
            argument=argument,
            step=step,
            sensitivity=self._setting.max_rows * step,
            scale=Fraction(0),
            low=domain.low,
            high=domain.high,
            origin=origin,
            grid=domain.grid,
        )
        if item not in self._found:
            self._found.append(item)
        return self._found.index(item)

    def _domain(self, argument: Expression) -> NumericDomain:
        found = value_range(argument, self._setting.domains)
        if found is None:
            raise InvalidInputError("plan.no-bounds", columns=sorted(columns(argument)))
        return clamp_domain(found)


def _middle(domain: NumericDomain) -> Fraction:
    """The grid point nearest to the middle of *domain*, where the largest contribution is smallest."""
    steps = (domain.high - domain.low) / domain.grid
    return domain.low + int(steps) // 2 * domain.grid


def _noisy(item: Measurement, shares: int, filter_: Filter, loss: Loss) -> Measurement:
    if loss.delta_atto:
        raise ValueError("no mechanism here spends a delta")
    if filter_ is Filter.PURE:
        scale = Fraction(item.sensitivity * shares * PICO, loss.epsilon_pico)
    else:
        scale = Fraction(item.sensitivity**2 * shares * PICO, 2 * loss.rho_pico)
    return replace(item, scale=scale)
