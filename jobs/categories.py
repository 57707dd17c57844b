"""Public categories of group keys: which values an expression can take at all.

Nothing here sees a row.  A key must have a closed public list of values, declared for a column or following
from one: every group appears in a result, empty ones too, and a row whose value is on no list is in no group.
A whole number is listed as an integer, whatever its kind.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Iterator
from math import ceil, floor
from typing import Final

from jobs.choices import case_values, certain, choices
from jobs.day_ranges import date_domain, shifted, truncated
from jobs.domains import BOOLEAN, MAX_CATEGORIES, Domains, Range, column_range, value_range, values_of
from jobs.expressions import Call, Column, Expression, Literal
from sandbox.errors import InvalidInputError
from sandbox.schema import CategoricalDomain, DateDomain, Domain, Scalar

_EXACT_INTEGERS: Final = 2**53
_LEAST_DAYS: Final = {"day": 1, "week": 7, "month": 28, "quarter": 90, "year": 365}


def categories(expression: Expression, domains: Domains, *, nullable: bool) -> tuple[Scalar, ...] | None:
    """Return the values a group key can take, in order, or None if they are not a closed public list.

    *nullable*: whether it can be null where no declared category names null.  Raises `InvalidInputError`
    ``plan.too-many-categories``.
    """
    match expression:
        case Column(name):
            return _column_categories(domains.get(name), nullable)
        case Literal():
            return None
        case Call(operation) if operation in BOOLEAN:
            return (True, False, None)
        case Call():
            return _call_categories(expression, domains, nullable)


def _call_categories(call: Call, domains: Domains, nullable: bool) -> tuple[Scalar, ...] | None:
    nullable = nullable and not certain(call)
    if call.operation == "case" and (found := _union(call, domains, nullable)) is not None:
        return found
    if (mapped := values_of(call, domains)) is not None:
        return _distinct(mapped)
    if call.operation == "coalesce" and (found := _union(call, domains, nullable)) is not None:
        return found
    return (
        _period_dates(call, domains, nullable)
        or _lattice_categories(value_range(call, domains), nullable)
        or _union(call, domains, nullable)
        or _image(call, domains, nullable)
    )


def _column_categories(domain: Domain | None, nullable: bool) -> tuple[Scalar, ...] | None:
    if isinstance(domain, CategoricalDomain):
        return domain.values
    if isinstance(domain, DateDomain):
        return _dates(domain, "day", nullable)
    return _lattice_categories(column_range(domain), nullable)


def _lattice_categories(found: Range | None, nullable: bool) -> tuple[Scalar, ...] | None:
    if found is None or not found.lattice:
        return None
    first, last = ceil(found.low / found.grid), floor(found.high / found.grid)
    _check_count(last - first + 1)
    values = [found.grid * step for step in range(first, last + 1)]
    numbers = [v.numerator if v.denominator == 1 else float(v) for v in values]
    return (*numbers, *([None] if nullable else [])) if numbers else None


def _union(call: Call, domains: Domains, nullable: bool) -> tuple[Scalar, ...] | None:
    """The values that a CASE, COALESCE, GREATEST or LEAST chooses from."""
    if not choices(call):
        return None
    never = certain(call)
    found: dict[tuple[str, Scalar], Scalar] = {}
    for item in case_values(call.arguments) if call.operation == "case" else call.arguments:
        values = (item.value,) if isinstance(item, Literal) else categories(item, domains, nullable=nullable)
        if values is None:
            return None
        found |= {_known(value): value for value in map(_tidy, values) if not (never and value is None)}
        _check_count(len(found))  # at every branch: thousands of branches of thousands would fill the memory
    return tuple(found.values())


def _image(call: Call, domains: Domains, nullable: bool) -> tuple[Scalar, ...] | None:
    """A function of one argument with a closed list of values.

    Not the text of one: how a number or a date is written depends on its kind, which no list tells.
    """
    inner = [item for item in call.arguments if not isinstance(item, Literal)]
    if len(inner) != 1 or call.operation == "to_string":
        return None
    try:
        listed = categories(inner[0], domains, nullable=nullable)
    except InvalidInputError:  # too many
        return None
    if listed is None:
        return None
    arguments = tuple(Column("") if item is inner[0] else item for item in call.arguments)
    found = values_of(Call(call.operation, arguments), {"": CategoricalDomain(listed)})
    return None if found is None else _distinct(found)


def _distinct(values: Iterable[Scalar]) -> tuple[Scalar, ...]:
    return tuple({_known(value): value for value in map(_tidy, values)}.values())


def _known(value: Scalar) -> tuple[str, Scalar]:
    """What tells values apart: True is 1 in Python."""
    return type(value).__name__, value


def _tidy(value: Scalar) -> Scalar:
    """A whole float as the integer that it is."""
    if isinstance(value, float) and value.is_integer() and abs(value) <= _EXACT_INTEGERS:
        return int(value)
    return value


def _period_dates(call: Call, domains: Domains, nullable: bool) -> tuple[Scalar, ...] | None:
    match call:
        case Call("date_trunc", (Literal(str(unit)), inner)):
            domain = date_domain(inner, domains)
            return _dates(domain, unit, nullable) if domain else None
        case Call("last_day", (inner,)):
            domain = date_domain(inner, domains)
            months = _dates(domain, "month", nullable) if domain else ()
            return tuple(shifted(day, 1, "month", -1) if isinstance(day, dt.date) else None for day in months)
    return None


def _dates(domain: DateDomain, unit: str, nullable: bool) -> tuple[dt.date | None, ...]:
    _check_count((domain.high - domain.low).days // _LEAST_DAYS[unit] + 1)
    return (*_date_steps(domain, unit), *([None] if nullable else []))


def _date_steps(domain: DateDomain, unit: str) -> Iterator[dt.date]:
    day = truncated(domain.low, unit)
    while day <= domain.high:
        yield day
        following = shifted(day, 1, unit)
        if following <= day or truncated(following, unit) != following:
            return  # the calendar ends
        day = following


def _check_count(count: int) -> None:
    if count > MAX_CATEGORIES:
        raise InvalidInputError("plan.too-many-categories", count=count, limit=MAX_CATEGORIES)
