"""How a job is measured, as frozen data: bounded frames, integer measurements, noise; public values only.

A plan is everything a worker needs beside keys and file names, and everything a reader of a release needs to
make tables of it.  How far one unit moves what is measured follows from it: see `jobs.sensitivity`.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise
from math import prod
from typing import Final, Literal

from jobs.expressions import Expression
from jobs.relations import Frame
from jobs.spec import Aggregate
from sandbox.schema import DatasetName, Digest, Scalar

Mechanism = Literal["discrete-laplace", "discrete-gaussian"]
Side = Literal["", "around", "low", "high"]


@dataclass(frozen=True, slots=True)
class Source:
    """A private dataset in the version that is read."""

    dataset: DatasetName
    version: int


@dataclass(frozen=True, slots=True)
class PublicTable:
    """A public table; *digest* is the SHA-256 of its stored file."""

    name: DatasetName
    digest: Digest


@dataclass(frozen=True, slots=True)
class Key:
    """A group key and the public categories it is matched against, in order; None: keys are selected."""

    expression: Expression
    categories: tuple[Scalar, ...] | None


@dataclass(frozen=True, slots=True)
class Factor:
    """A number as an integer: q = round(clamp(argument, low, high) / grid) - origin / grid."""

    argument: Expression
    low: Fraction
    high: Fraction
    origin: Fraction
    grid: Fraction

    @property
    def range(self) -> tuple[int, int]:
        """The smallest and the largest q."""
        return int((self.low - self.origin) / self.grid), int((self.high - self.origin) / self.grid)


@dataclass(frozen=True, slots=True)
class Binning:
    """A number as one of *bins*, which are as equal as the grid allows.

    With q = round(clamp(v) / grid) - low / grid, and n = steps + 1 values of q: bin = q·bins // n.
    """

    argument: Expression
    low: Fraction
    high: Fraction
    grid: Fraction
    bins: int

    def first(self, number: int) -> Fraction:
        """Return the smallest value on the grid that falls in bin *number* (or past the last)."""
        values = int((self.high - self.low) / self.grid) + 1
        return self.low + -(-number * values // self.bins) * self.grid

    def last(self, number: int) -> Fraction:
        """Return the largest value on the grid that falls in bin *number*."""
        return self.first(number + 1) - self.grid


@dataclass(frozen=True, slots=True)
class Total:
    """Per cell (and bin of *axis*) the sum of the product of *factors* minus *shift*.

    Over rows where nothing in *present* and no factor is null.  No factor: a count.  At most two factors.
    *scale*: Laplace b, or Gaussian σ².
    """

    present: tuple[Expression, ...] = ()
    factors: tuple[Factor, ...] = ()
    shift: int = 0
    axis: Binning | None = None
    scale: Fraction = Fraction(0)

    @property
    def step(self) -> int:
        """c: the largest absolute contribution of one row.

        A square lies in [0, largest²]; it is recognised by its two equal factors.
        """
        if not self.factors:
            return 1
        if len(self.factors) == 2 and self.factors[0] == self.factors[1]:
            largest = max(map(abs, self.factors[0].range))
            return max(abs(self.shift), abs(largest**2 - self.shift))
        corners = [1]
        for factor in self.factors:
            corners = [corner * end for corner in corners for end in factor.range]
        return max(abs(corner - self.shift) for corner in corners)


@dataclass(frozen=True, slots=True)
class Units:
    """Per cell: units with at least one row there where nothing in *present* is null."""

    present: tuple[Expression, ...] = ()
    scale: Fraction = Fraction(0)


@dataclass(frozen=True, slots=True)
class Distinct:
    """Per cell: how many of *key*'s categories (never null) some row there has."""

    key: Key
    scale: Fraction = Fraction(0)


@dataclass(frozen=True, slots=True)
class Draw:
    """One exponential mechanism in a cell: a point, or how far around it the quantile may lie.

    The point (no *side*) is a bin.  With *quantile* = a/b, N rows, L of them in lower bins and E in this one,
    its score is max(0, b·L - a·N, a·N - b·(L + E)) in units of 1/b row, and its probability is
    proportional to exp(-*rate*·score), rate per such unit.

    A half-width is drawn after the point and ``around`` it, or to its ``low`` or ``high`` side alone, with
    *slack* T in units of 1/b row (`sandbox.privacy.widths`).

    One row moves a score by at most max(a, b - a); what that costs is told in `jobs.sensitivity`.
    """

    quantile: Fraction
    rate: Fraction
    side: Side = ""
    slack: int = 0


@dataclass(frozen=True, slots=True)
class Quantile:
    """Per cell and quantile three bins: its point, and the lowest and the highest of its interval.

    *draws*: for each quantile its point, then half-widths around it.  A side without one reaches the edge.
    """

    binning: Binning
    draws: tuple[Draw, ...]

    @property
    def asked(self) -> tuple[tuple[Draw, ...], ...]:
        """The draws of each quantile."""
        starts = [place for place, draw in enumerate(self.draws) if not draw.side]
        return tuple(self.draws[one:next_] for one, next_ in pairwise((*starts, len(self.draws))))


Measurement = Total | Units | Distinct | Quantile


@dataclass(frozen=True, slots=True)
class Selection:
    """Private selection of keys: a group's noisy number of units must be above *threshold*.

    The noise is Gaussian of σ² = *scale*.  One unit adds 1 to at most K groups (`jobs.sensitivity.reach`), so
    this costs ρ = K/(2σ²) and δ = K·P(1 + noise > threshold).
    """

    scale: Fraction
    threshold: int
    delta: Fraction


@dataclass(frozen=True, slots=True)
class GroupBound:
    """Of a unit's rows only those of its first *groups* groups count, and in each the first *rows*.

    A group is what has the same categories of all keys of the statement, a part's `within` included; groups
    stand in the order in which the unit's rows first reach them.  A row of no group takes no place.
    """

    groups: int
    rows: int


@dataclass(frozen=True, slots=True)
class Part:
    """A frame, grouped one way, and what is measured of it.

    R is *rows*: no unit has more rows in the frame.  *within*: the keys of the statement's other grouping
    sets.  A row counts only if it has a category of each of them too, and within the *bound* of groups that
    all keys make: so the totals of a rollup are about the same rows as their parts.
    """

    frame: Frame
    rows: int
    keys: tuple[Key, ...]
    measurements: tuple[Measurement, ...]
    selection: Selection | None = None
    within: tuple[Key, ...] = ()
    bound: GroupBound | None = None

    @property
    def cells(self) -> int:
        """Number of cells: the product of the category counts, 1 without keys, 0 where keys are selected."""
        if self.selection is not None:
            return 0
        return prod(len(key.categories or ()) for key in self.keys)


@dataclass(frozen=True, slots=True)
class Recipe:
    """How a measure's value is made; *places*: for each grouping set, its measurements in that set's part.

    COUNT, HISTOGRAM: (count).  UNITS: (units).  DISTINCT: (distinct).  SUM: (sum), or (sum, count) where the
    sum is measured around an origin.  AVG, CLIPPED: (sum, count).  VAR, STDDEV: (count, sum, square).
    COVAR, CORR, REGR of (y, x): (count, sum y, sum x, sum yx, square y, square x).  QUANTILE: (quantile), and
    *offset* is its point's place in a cell.  *offset* is the bin of a HISTOGRAM.
    """

    aggregate: Aggregate
    places: tuple[tuple[int, ...], ...]
    offset: int = 0
    extreme: bool = False


@dataclass(frozen=True, slots=True)
class Answer:
    """How one statement is answered: *keys* of all its grouping sets; *sets*: (part, numbers of keys).

    *minimum*: rows whose number of rows of data, as released by the last recipe, is below it are withheld; 0:
    none are.
    """

    keys: tuple[Key, ...]
    sets: tuple[tuple[int, tuple[int, ...]], ...]
    recipes: tuple[Recipe, ...]
    minimum: int = 0


@dataclass(frozen=True, slots=True)
class Plan:
    """Everything that decides the pre-noise integers and the noise; public."""

    sources: tuple[Source, ...]
    tables: tuple[PublicTable, ...]
    parts: tuple[Part, ...]
    answers: tuple[Answer, ...]
    mechanism: Mechanism


@dataclass(frozen=True, slots=True)
class Released:
    """A part's release: one vector of integers per measurement.

    *keys*: None, or for a part with a selection the group keys that passed, one tuple per cell.
    """

    keys: tuple[tuple[Scalar, ...], ...] | None
    vectors: tuple[tuple[int, ...], ...]


MAX_CELLS: Final = 100_000
MAX_BINS: Final = 4096
MAX_NUMBERS: Final = 2**22
"""Integers in one measurement's partial (cells × bins or categories)."""
MAX_HISTOGRAM: Final = 2**20
"""Those of a `Quantile`: with many cells its bins are fewer, so that every shard sends 4 MiB at most."""


PER_QUANTILE: Final = 3
"""Integers that a `Quantile` releases for each of its quantiles, per cell."""


def width(item: Measurement) -> int:
    """Return how many integers a measurement releases per cell."""
    match item:
        case Total(axis=Binning(bins=bins)):
            return bins
        case Quantile():
            return PER_QUANTILE * len(item.asked)
    return 1
