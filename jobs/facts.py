"""The public facts under which statements are planned: nothing here was ever computed from rows.

*domains* are those a policy (or, for a public table, its owner) declares, by stored column.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from fractions import Fraction

from jobs.domains import Domains
from jobs.plan import Mechanism
from sandbox.privacy.loss import Filter
from sandbox.schema import DatasetName, Digest, Field


@dataclass(frozen=True, slots=True)
class SourceFacts:
    """A private dataset as its policy lets a job see it.

    *max_rows* is the policy's R, *most_rows* the upper end of a count per unit.  Of a unit at most
    *max_groups* groups count, and in each *max_group_rows* rows; None: as many as there are.  Keys made of
    the columns in *select* may be selected privately where they have no declared categories.  Rows of a
    result that stand for fewer than *minimum* rows of data are withheld.
    """

    dataset: DatasetName
    version: int
    fields: Mapping[str, Field]
    domains: Domains
    max_rows: int
    most_rows: int
    filter: Filter
    delta: Fraction
    select: frozenset[str] = frozenset()
    minimum: int = 0
    max_groups: int | None = None
    max_group_rows: int | None = None


@dataclass(frozen=True, slots=True)
class TableFacts:
    """A public table; *digest* is the SHA-256 of its stored file."""

    name: DatasetName
    digest: Digest
    fields: Mapping[str, Field]
    domains: Domains


@dataclass(frozen=True, slots=True)
class Setting:
    """Everything that statements are planned under.

    *max_rows* is the row bound that the job asks for, None for the policies' own.  *selection_delta* is what
    all key selections of the job may cost together.
    """

    sources: tuple[SourceFacts, ...]
    tables: tuple[TableFacts, ...] = ()
    max_rows: int | None = None
    selection_delta: Fraction = Fraction(0)

    @property
    def mechanism(self) -> Mechanism:
        """Gaussian noise has no finite ε, so one source under the pure filter makes all noise Laplace."""
        pure = any(source.filter is Filter.PURE for source in self.sources)
        return "discrete-laplace" if pure else "discrete-gaussian"

    def source(self, name: DatasetName) -> SourceFacts:
        """Return the facts of private dataset *name*."""
        return next(source for source in self.sources if source.dataset == name)

    def table(self, name: DatasetName) -> TableFacts:
        """Return the facts of public table *name*."""
        return next(table for table in self.tables if table.name == name)

    def minimum(self, names: Iterable[DatasetName]) -> int:
        """Return the largest minimum count that any of the datasets *names* asks for."""
        return max((self.source(name).minimum for name in names), default=0)

    def rows(self, source: SourceFacts) -> int:
        """Return R: the policy's bound, or less if the job asks for less."""
        return source.max_rows if self.max_rows is None else min(source.max_rows, self.max_rows)
