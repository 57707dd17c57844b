"""Public categories of group keys: which values an expression can take at all.

Nothing here sees a row.  A key must have a closed public list of values, declared for a column or following
from one: every group appears in a result, empty ones too, and a row whose value is on no list is in no group.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from math import floor
from typing import Final

from jobs.domains import BOOLEAN, Domains, Range, case_values, column_range, value_range
from jobs.expressions import Call, Column, Expression, Literal, columns
from sandbox.errors import InvalidInputError
from sandbox.schema import CategoricalDomain, DateDomain, Domain, NumericDomain, Scalar

MAX_CATEGORIES: Final = 10_000
_UNIT_DAYS: Final = {"day": 1, "week": 7}
_UNIT_MONTHS: Final = {"month": 1, "quarter": 3, "year": 12}


def categories(expression: Expression, domains: Domains, *, nullable: bool) -> tuple[Scalar, ...] | None:
    """Return the values a group key can take, in order, or None if they are not a closed public list.

    *nullable*: whether the columns behind it may hold nulls that no declared category names.
    """
    if isinstance(expression, Column):
        return _column_categories(domains.get(expression.name), nullable)
    if isinstance(expression, Call) and expression.operation in BOOLEAN:
        return (True, False, None)
    if isinstance(expression, Call) and expression.operation == "case":
        found = _case_categories(expression.arguments, domains, nullable)
        if found is not None:
            return found
    if isinstance(expression, Call) and expression.operation == "date_trunc":
        return _truncated_dates(expression, domains, nullable)
    mapped = _mapped_categories(expression, domains)
    if mapped is not None:
        return mapped
    found_range = value_range(expression, domains)
    return _lattice_categories(found_range, nullable) if found_range else None


def _column_categories(domain: Domain | None, nullable: bool) -> tuple[Scalar, ...] | None:
    if isinstance(domain, CategoricalDomain):
        return domain.values
    if isinstance(domain, NumericDomain):
        found = column_range(domain)
        return _lattice_categories(found, nullable) if found else None
    if isinstance(domain, DateDomain):
        return _dates(domain, "day", nullable)
    return None


def _lattice_categories(found: Range, nullable: bool) -> tuple[Scalar, ...] | None:
    if not found.lattice:
        return None
    steps = (found.high - found.low) / found.grid
    _check_count(floor(steps) + 1)
    values = [found.low + found.grid * i for i in range(floor(steps) + 1)]
    numbers = [v.numerator if v.denominator == 1 else float(v) for v in values]
    return (*numbers, *([None] if nullable else []))


def _case_categories(
    arguments: tuple[Expression, ...], domains: Domains, nullable: bool
) -> tuple[Scalar, ...] | None:
    found: dict[tuple[str, Scalar], Scalar] = {}
    for item in case_values(arguments):
        values = (item.value,) if isinstance(item, Literal) else categories(item, domains, nullable=nullable)
        if values is None:
            return None
        found |= {(type(value).__name__, value): value for value in values}
        _check_count(len(found))  # at every branch: thousands of branches of thousands would fill the memory
    return tuple(found.values())


def _mapped_categories(expression: Expression, domains: Domains) -> tuple[Scalar, ...] | None:
    """A function of one categorical column: its value for every category."""
    names = columns(expression)
    if len(names) != 1:
        return None
    (name,) = names
    domain = domains.get(name)
    if not isinstance(domain, CategoricalDomain):
        return None
    from jobs.evaluate import evaluate_scalar  # noqa: PLC0415 - brings Arrow; most plans map no category

    return _distinct([evaluate_scalar(expression, {name: value}) for value in domain.values])


def _distinct(values: list[Scalar]) -> tuple[Scalar, ...]:
    seen = {(type(value).__name__, value): value for value in values}
    return tuple(seen.values())


def _truncated_dates(call: Call, domains: Domains, nullable: bool) -> tuple[Scalar, ...] | None:
    unit, column = call.arguments
    domain = domains.get(column.name) if isinstance(column, Column) else None
    if not isinstance(domain, DateDomain) or not isinstance(unit, Literal):
        return None
    return _dates(domain, str(unit.value), nullable)


def _dates(domain: DateDomain, unit: str, nullable: bool) -> tuple[Scalar, ...]:
    _check_count((domain.high - domain.low).days // _UNIT_DAYS.get(unit, 28) + 1)
    return (*_date_steps(domain, unit), *([None] if nullable else []))


def _date_steps(domain: DateDomain, unit: str) -> Iterator[dt.date]:
    if unit in _UNIT_DAYS:
        start = domain.low - dt.timedelta(days=domain.low.weekday() if unit == "week" else 0)
        for day in range(0, (domain.high - start).days + 1, _UNIT_DAYS[unit]):
            yield start + dt.timedelta(days=day)
        return
    months = _UNIT_MONTHS[unit]
    index = (domain.low.year * 12 + domain.low.month - 1) // months * months
    while index <= domain.high.year * 12 + domain.high.month - 1:
        yield dt.date(index // 12, index % 12 + 1, 1)
        index += months


def _check_count(count: int) -> None:
    if count > MAX_CATEGORIES:
        raise InvalidInputError("plan.too-many-categories", count=count, limit=MAX_CATEGORIES)
