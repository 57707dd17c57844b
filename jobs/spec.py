"""What was asked and how it will be measured, as frozen data.

A `JobSpec` is what the analyst handed in.  A `Query` is what its text means, before any policy.  A `Plan` is
how the query is measured: the row bound, the cells, the integer measurements with their sensitivities and
noise.  A plan holds public values only and is everything a worker needs beside keys and file names.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from fractions import Fraction
from typing import Literal as Choice

from jobs.expressions import Expression, columns
from sandbox.schema import ORDINAL, DatasetName, Scalar

# --- what was asked -----------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class ErrorTarget:
    """The error an analyst can live with, as a 95 % half-width.

    *absolute*: in units of the answer (COUNT, SUM).  *share*: of the owner's ``expected_units`` for COUNT and
    SUM columns, of the column's domain width for AVG with *group_size* rows assumed in a group.
    """

    absolute: Fraction | None = None
    share: Fraction | None = None
    group_size: int | None = None


@dataclass(frozen=True, slots=True)
class JobSpec:
    """A job as submitted: text, purpose, and either an epsilon or an error target."""

    sql: str
    purpose: str
    epsilon: Fraction | None = None
    error: ErrorTarget | None = None
    max_rows: int | None = None


# --- what it means ------------------------------------------------------------------------------------


class Aggregate(StrEnum):
    """The aggregates of the language."""

    COUNT = "count"
    SUM = "sum"
    AVG = "avg"


@dataclass(frozen=True, slots=True)
class Measure:
    """One aggregate call: ``COUNT(*)`` has no argument."""

    aggregate: Aggregate
    argument: Expression | None = None


@dataclass(frozen=True, slots=True)
class Output:
    """A column of the result: an expression over `Column` names ``key:i`` and ``measure:i``."""

    name: str
    expression: Expression


@dataclass(frozen=True, slots=True)
class Order:
    """ORDER BY one expression over ``key:i``, ``measure:i``."""

    expression: Expression
    descending: bool
    nulls_first: bool


@dataclass(frozen=True, slots=True)
class Query:
    """A parsed statement over one dataset: what is filtered, grouped, measured, and shown."""

    dataset: DatasetName
    where: Expression | None
    keys: tuple[Expression, ...]
    measures: tuple[Measure, ...]
    outputs: tuple[Output, ...]
    having: Expression | None = None
    order: tuple[Order, ...] = ()
    limit: int | None = None


# --- how it is measured -------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Key:
    """A group key: its expression and the public categories it is matched against, in order."""

    expression: Expression
    categories: tuple[Scalar, ...]


@dataclass(frozen=True, slots=True)
class Measurement:
    """A vector of integers, one per cell, and its noise.

    ``count`` adds 1 for every kept row whose *argument* is not null (or every kept row if it is None).
    ``sum`` adds ``round(clamp(argument, low, high) / grid) - origin / grid`` for every kept row whose
    argument is not null.  *step* is c, the largest absolute contribution of one row, in grid units.  One unit
    contributes at most *sensitivity* = R·c to the L1 and to the L2 norm of the vector, since its rows may all
    fall in one cell.
    *scale* is the exact noise parameter: Laplace b = sensitivity/ε_i, or Gaussian σ² = sensitivity²/(2ρ_i).
    """

    kind: Choice["count", "sum"]
    argument: Expression | None
    step: int
    sensitivity: int
    scale: Fraction
    low: Fraction = Fraction(0)
    high: Fraction = Fraction(0)
    origin: Fraction = Fraction(0)
    grid: Fraction = Fraction(1)


@dataclass(frozen=True, slots=True)
class Recipe:
    """How a measure's value is made of measurements (indices): see `jobs.results`.

    COUNT: measurements[count].  SUM: sum·grid + origin·count.  AVG: origin + grid·sum/count.
    """

    aggregate: Aggregate
    count: int | None
    sum: int | None


@dataclass(frozen=True, slots=True)
class Plan:
    """Everything that decides the pre-noise integers and the noise; public."""

    dataset: DatasetName
    version: int
    max_rows: int
    where: Expression | None
    keys: tuple[Key, ...]
    measurements: tuple[Measurement, ...]
    recipes: tuple[Recipe, ...]
    mechanism: Choice["discrete-laplace", "discrete-gaussian"]

    @property
    def cells(self) -> int:
        """Number of cells: the product of the key's category counts (1 without keys)."""
        size = 1
        for key in self.keys:
            size *= len(key.categories)
        return size


def read_columns(plan: Plan) -> tuple[str, ...]:
    """Return the columns that *plan* reads, engine column included, sorted."""
    found = {ORDINAL} | (set(columns(plan.where)) if plan.where is not None else set())
    for expression in (*(k.expression for k in plan.keys), *(m.argument for m in plan.measurements)):
        found |= columns(expression) if expression is not None else frozenset()
    return tuple(sorted(found))
