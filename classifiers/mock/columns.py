"""A column's cells: of its declared domain where there is one, otherwise of its type and confirmed tag.

A column that is *required* has no null; one with declared categories has a null where null is one of them;
of the others, three cells in a hundred are null.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from math import lcm
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from classifiers.mock.draws import Draws, Numbers
from classifiers.mock.formats import NUMBERED, Format, format_of
from sandbox.schema import CategoricalDomain, DateDomain, Domain, Field, Kind, NumericDomain

_NULLS: Final = 3
"""In a hundred."""
_UNIT_BASE: Final = 10**9
_DAYS: Final = DateDomain(dt.date(2020, 1, 1), dt.date(2024, 12, 31))
_BIRTHS: Final = DateDomain(dt.date(1940, 1, 1), dt.date(2009, 12, 31))
_AGES: Final = NumericDomain(Fraction(0), Fraction(99), Fraction(1))
_AMOUNTS: Final = NumericDomain(Fraction(0), Fraction(20_000), Fraction(1, 100))
_COUNTS: Final = NumericDomain(Fraction(0), Fraction(999), Fraction(1))
_INT64: Final = 2**62

OF_A_PERSON: Final = (
    *("pi.name", "pi.id.", "pi.contact.", "pi.birth-date", "pi.gender", "pi.ethnicity", "pi.origin"),
    *("pi.device", "pi.vehicle", "pi.biometric", "pi.credential", "pi.address", "pi.postcode"),
    *("finance.account", "pi.religion", "pi.education"),
)
"""Tags (and beginnings of tags) of what a person has one of: all rows of a unit hold the same."""


@dataclass(frozen=True, slots=True)
class MockColumn:
    """What is public about a column: its field, its declared domain, its confirmed tag."""

    field: Field
    domain: Domain | None = None
    tag: str | None = None

    @property
    def of_a_person(self) -> bool:
        """Whether all rows of a unit hold the same cell."""
        return (self.tag or "").startswith(OF_A_PERSON)


def unit_format(column: MockColumn, *, chinese: bool) -> Format:
    """Return the format of the unit column: that of its tag if it tells units apart, else a number."""
    made = format_of(column.tag, chinese=chinese)
    return made if made.distinct and column.field.kind is Kind.STRING else NUMBERED


def unit_names(column: MockColumn, draws: Draws, units: Numbers, *, chinese: bool) -> Any:
    """Return the names of *units* (numbers from 0, below the format's capacity), all different."""
    made = unit_format(column, chinese=chinese)
    numbers = draws.distinct(units, made.capacity)
    if made is NUMBERED:
        numbers = numbers + np.uint64(_UNIT_BASE)  # text and integer are the same unit
    return pa.array(numbers.astype(np.int64)) if column.field.kind is Kind.INTEGER else made.make(numbers)


def cells(column: MockColumn, draws: Draws, places: Numbers, *, chinese: bool) -> Any:
    """Return the cell of each of *places* as an Arrow array of the column's type; text is no dictionary."""
    if isinstance(column.domain, CategoricalDomain):
        return _categories(column, column.domain, draws, places)
    values = _values(column, draws, places, chinese=chinese)
    if column.field.required:
        return values
    missing = draws.also("null").below(places, 100) < np.uint64(_NULLS)
    return pc.if_else(pa.array(missing), pa.scalar(None, values.type), values)


def _values(column: MockColumn, draws: Draws, places: Numbers, *, chinese: bool) -> Any:
    field, domain = column.field, column.domain
    match field.kind:
        case Kind.DATE | Kind.TIMESTAMP:
            days = domain if isinstance(domain, DateDomain) else _days_of(column.tag)
            return _moments(field.kind, days, draws, places)
        case Kind.BOOLEAN:
            return pa.array(draws.below(places, 2).astype(bool))
        case Kind.STRING:
            made = format_of(column.tag, chinese=chinese)
            return made.make(draws.below(places, made.capacity))
    numbers = domain if isinstance(domain, NumericDomain) else _numbers_of(column)
    return _on_grid(field, numbers, draws, places)


def _days_of(tag: str | None) -> DateDomain:
    return _BIRTHS if tag == "pi.birth-date" else _DAYS


def _numbers_of(column: MockColumn) -> NumericDomain:
    if column.tag == "pi.age":
        return _AGES
    return _COUNTS if column.field.kind is Kind.INTEGER and column.tag != "finance.personal" else _AMOUNTS


def _moments(kind: Kind, days: DateDomain, draws: Draws, places: Numbers) -> Any:
    count = (days.high - days.low).days + 1
    found = np.datetime64(days.low, "D") + draws.below(places, count).astype(np.int64)
    if kind is Kind.DATE:
        return pa.array(found)
    seconds = draws.also("time").below(places, 86_400).astype("timedelta64[s]")
    return pa.array((found + seconds).astype("datetime64[us]"))


def _on_grid(field: Field, domain: NumericDomain, draws: Draws, places: Numbers) -> Any:
    """Numbers of the domain, those in the middle more often than those at its ends."""
    steps = int((domain.high - domain.low) / domain.grid) + 1
    at = (draws.below(places, steps) + draws.also("again").below(places, steps)) // np.uint64(2)
    below = lcm(domain.low.denominator, domain.grid.denominator)
    low, grid = int(domain.low * below), int(domain.grid * below)
    largest = max(abs(low), abs(low + grid * steps)) * 10 ** (field.scale or 0)
    exact = at.astype(np.int64) if largest < _INT64 else at.astype(object)
    return _numbers(field, low + exact * grid, below)


def _numbers(field: Field, above: NDArray[Any], below: int) -> Any:
    match field.kind:
        case Kind.INTEGER:
            return pa.array((above // below).astype(np.int64))
        case Kind.DECIMAL:
            most = 10 ** (field.precision or 0) - 1
            return _decimals(np.clip(above * 10 ** (field.scale or 0) // below, -most, most), field)
    return pa.array((above / below).astype(np.float64))


def _decimals(unscaled: NDArray[Any], field: Field) -> Any:
    """Return integers as decimals of the field's scale, from their two 64-bit halves."""
    if unscaled.dtype == object:
        halves = np.array([(it & (2**64 - 1), (it >> 64) & (2**64 - 1)) for it in unscaled], dtype=np.uint64)
    else:
        halves = np.stack([unscaled, unscaled >> 63], axis=1).view(np.uint64)
    data = pa.py_buffer(np.ascontiguousarray(halves.reshape(-1, 2)))
    return pa.Array.from_buffers(pa.decimal128(field.precision, field.scale), len(unscaled), [None, data])


def _categories(column: MockColumn, domain: CategoricalDomain, draws: Draws, places: Numbers) -> Any:
    """Categories, the first ones more often than the last."""
    values = [value for value in domain.values if value is not None or not column.field.required]
    values = values or [None]
    count = len(values)
    chosen = np.minimum(draws.below(places, count), draws.also("again").below(places, count))
    return typed(column.field, values).take(pa.array(chosen))


def typed(field: Field, values: Sequence[Any]) -> Any:
    """Return *values* as a column of the field's type; numbers may be fractions."""
    convert = _CONVERT.get(field.kind, lambda value: value)
    return pa.array([None if value is None else convert(value) for value in values], _arrow(field))


def _decimal(value: Any) -> Decimal:
    found = Fraction(str(value))
    return Decimal(found.numerator) / Decimal(found.denominator)


_CONVERT: Final[Mapping[Kind, Callable[[Any], Any]]] = {
    Kind.INTEGER: int,
    Kind.FLOAT: float,
    Kind.DECIMAL: _decimal,
}


def _arrow(field: Field) -> Any:
    if field.kind is Kind.DECIMAL:
        return pa.decimal128(field.precision, field.scale)
    return {
        Kind.INTEGER: pa.int64(),
        Kind.FLOAT: pa.float64(),
        Kind.STRING: pa.string(),
        Kind.BOOLEAN: pa.bool_(),
        Kind.DATE: pa.date32(),
        Kind.TIMESTAMP: pa.timestamp("us"),
    }[field.kind]
