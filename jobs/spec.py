"""What was asked, as frozen data: what the analyst handed in, and what its text means before any policy."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from fractions import Fraction

from jobs.expressions import Expression
from jobs.relations import Frame
from sandbox.schema import DatasetName


@dataclass(frozen=True, slots=True)
class ErrorTarget:
    """The error an analyst can live with, as a 95 % half-width.

    *absolute*: in units of the answer (counts and sums).  *share*: of the owner's ``expected_units`` for
    counts and sums, of the argument's domain width for everything else that has its unit, with *group_size*
    rows assumed in a group.
    """

    absolute: Fraction | None = None
    share: Fraction | None = None
    group_size: int | None = None


@dataclass(frozen=True, slots=True)
class JobSpec:
    """A job as submitted: text, purpose, and either an epsilon or one error target per statement (or one).

    *weights* divide the epsilon among the statements (none: equally).  *template* is the digest of the
    template that the text was made from, if any.
    """

    sql: str
    purpose: str
    epsilon: Fraction | None = None
    errors: tuple[ErrorTarget, ...] = ()
    weights: tuple[Fraction, ...] = ()
    max_rows: int | None = None
    template: str = ""


class Aggregate(StrEnum):
    """The aggregates of the language; the value is what messages and recorded jobs call them."""

    COUNT = "count"
    UNITS = "count-units"
    DISTINCT = "count-distinct"
    SUM = "sum"
    AVG = "avg"
    VAR_SAMP = "var_samp"
    VAR_POP = "var_pop"
    STDDEV_SAMP = "stddev_samp"
    STDDEV_POP = "stddev_pop"
    QUANTILE = "quantile"
    HISTOGRAM = "histogram"
    COVAR_SAMP = "covar_samp"
    COVAR_POP = "covar_pop"
    CORR = "corr"
    REGR_SLOPE = "regr_slope"
    REGR_INTERCEPT = "regr_intercept"
    CLIPPED = "clipped"


@dataclass(frozen=True, slots=True)
class Measure:
    """One aggregate call.

    *arguments*: none for ``COUNT(*)`` and ``COUNT(DISTINCT unit)``; (y, x) for those of two columns, as SQL
    orders them; otherwise one.  ``UNITS`` may have one: units with a row where it is not null.
    *quantile*: q in [0, 1].  *extreme*: the call was MIN or MAX, measured as the 0.5 % or 99.5 % quantile.
    *bucket* of *buckets*, from 0: one bar of a HISTOGRAM.  ``CLIPPED(x)``: the share of x outside its domain.
    """

    aggregate: Aggregate
    arguments: tuple[Expression, ...] = ()
    quantile: Fraction | None = None
    extreme: bool = False
    bucket: int = 0
    buckets: int = 0


@dataclass(frozen=True, slots=True)
class Output:
    """A column of the result: an expression over ``key:i``, ``measure:i`` and ``grouping:i``.

    ``grouping:i`` is 1 in rows that are totals over key i, else 0.
    """

    name: str
    expression: Expression


@dataclass(frozen=True, slots=True)
class Order:
    """ORDER BY one expression over the same columns as `Output`."""

    expression: Expression
    descending: bool
    nulls_first: bool


@dataclass(frozen=True, slots=True)
class Query:
    """One parsed statement.

    *sources* and *tables* are the private datasets and the public tables it names, in order of appearance;
    `Scan.source` and `Lookup.table` count into them.  The same dataset named twice stands there once.
    *sets* are the grouping sets, as numbers of *keys*; a plain GROUP BY has one, with all keys.
    """

    sources: tuple[DatasetName, ...]
    tables: tuple[DatasetName, ...]
    frame: Frame
    keys: tuple[Expression, ...]
    sets: tuple[tuple[int, ...], ...]
    measures: tuple[Measure, ...]
    outputs: tuple[Output, ...]
    having: Expression | None = None
    order: tuple[Order, ...] = ()
    limit: int | None = None
