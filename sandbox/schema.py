"""The words of the house as types: ids, principals, fields, domains, tags.

Everything here is public metadata or an opaque id.  Domains are *declared* by an owner as public knowledge;
nothing in this module is ever computed from rows.
"""

from __future__ import annotations

import datetime as dt
import re
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from fractions import Fraction
from typing import NewType

from sandbox.errors import InvalidInputError

DatasetName = NewType("DatasetName", str)
LineageId = NewType("LineageId", str)
JobId = NewType("JobId", str)
Digest = NewType("Digest", str)
"""Lower-case hexadecimal SHA-256."""

Scalar = None | bool | int | float | str | dt.date | dt.datetime
"""A public value: a literal, a category.  Floats are finite."""

NAME = re.compile(r"[a-z][a-z0-9_-]{0,62}(\.[a-z][a-z0-9_-]{0,62})+")
ROW_UNIT = "row"
"""The unit name that says: each row is its own person."""

ORDINAL = "__ordinal"
"""Engine column: position (from 0) of a row among its unit's rows, in keyed order."""
UNIT_TAG = "__unit"
"""Engine column: the 16-byte keyed tag of the row's unit; rows of a shard are sorted by it."""

MAX_GRID_STEPS = 2**52
"""Widest numeric domain in grid units: float64 still tells neighbouring steps apart."""


class Role(StrEnum):
    """What a principal may do; nobody is both owner and reviewer of one dataset."""

    OWNER = "owner"
    ANALYST = "analyst"
    REVIEWER = "reviewer"
    OPERATOR = "operator"


@dataclass(frozen=True, slots=True)
class Principal:
    """Who asks: a stored identity with its roles and groups."""

    name: str
    roles: frozenset[Role]
    groups: frozenset[str] = frozenset()

    @property
    def called(self) -> frozenset[str]:
        """What a rule can call a person by: the own name, and ``group:NAME`` of each group."""
        groups = {f"group:{group}" for group in self.groups}
        # An identity cannot pass for a group by its name.
        return frozenset(groups if self.name.startswith("group:") else {self.name, *groups})


class Kind(StrEnum):
    """The type of a stored column."""

    INTEGER = "integer"
    FLOAT = "float"
    DECIMAL = "decimal"
    STRING = "string"
    BOOLEAN = "boolean"
    DATE = "date"
    TIMESTAMP = "timestamp"

    @property
    def numeric(self) -> bool:
        """Whether arithmetic and numeric bounds make sense."""
        return self in (Kind.INTEGER, Kind.FLOAT, Kind.DECIMAL)


@dataclass(frozen=True, slots=True)
class Field:
    """A column as its owner declared it.

    *required* declares that no cell is null; registration refuses rows that break it.  *missing* are the
    marks (beside the empty cell) that the owner declared to mean null.  *precision* and *scale* are set for
    decimals only.  *written* says how the cells of a file are written (`sandbox.vault.written`), if otherwise
    than is read without it.
    """

    name: str
    kind: Kind
    required: bool = False
    missing: tuple[str, ...] = ()
    precision: int | None = None
    scale: int | None = None
    description: str = ""
    written: str = ""


@dataclass(frozen=True, slots=True)
class NumericDomain:
    """Numbers in [low, high], rounded to multiples of *grid* (all exact, bounds on the grid)."""

    low: Fraction
    high: Fraction
    grid: Fraction

    def __post_init__(self) -> None:
        steps = (self.high - self.low) / self.grid if self.grid > 0 else Fraction(-1)
        if steps <= 0 or steps > MAX_GRID_STEPS or self.low % self.grid or self.high % self.grid:
            raise InvalidInputError(
                "domain.bad-bounds", low=str(self.low), high=str(self.high), grid=str(self.grid)
            )


@dataclass(frozen=True, slots=True)
class CategoricalDomain:
    """A closed list of values, in the order in which results show them; None is the null category."""

    values: tuple[Scalar, ...]

    def __post_init__(self) -> None:
        # True == 1 in Python, so the type is part of what makes two categories equal.
        keys = [(type(v).__name__, v) for v in self.values]
        if not keys or len(set(keys)) != len(keys):
            raise InvalidInputError("domain.bad-categories", count=len(keys))


@dataclass(frozen=True, slots=True)
class DateDomain:
    """Days from *low* to *high*, both included."""

    low: dt.date
    high: dt.date

    def __post_init__(self) -> None:
        if self.high < self.low:
            raise InvalidInputError("domain.bad-dates", low=str(self.low), high=str(self.high))


Domain = NumericDomain | CategoricalDomain | DateDomain


class Use(StrEnum):
    """What a policy lets a job do with a column."""

    GROUP = "group"
    FILTER = "filter"
    MEASURE = "measure"
    JOIN = "join"
    FEATURE = "feature"


@dataclass(frozen=True, slots=True)
class Tag:
    """What a column is: *name* from the taxonomy, public only once *confirmed*."""

    name: str
    confirmed: bool


def exact(value: int | float | str | Decimal | Fraction) -> Fraction:
    """Return *value* as the fraction its decimal text says: ``exact(0.01) == Fraction(1, 100)``.

    Raises `InvalidInputError` for booleans, NaN, infinities and text that is no plain decimal number.
    """
    text = str(value)
    plain = re.fullmatch(r"[+-]?(\d{1,400}\.?\d{0,400}|\.\d{1,400})([eE][+-]?\d{1,3})?", text)
    if isinstance(value, bool) or not (plain or isinstance(value, Fraction)):
        raise InvalidInputError("number.not-a-number", value=text[:40])
    return Fraction(text)
