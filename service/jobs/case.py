"""Everything the books say about what one job reads, at one moment: datasets and public tables.

A case is read inside the caller's transaction.  Whoever asks sees a private dataset only if a grant names
them; one that is not granted, one that does not exist and a public table that is not there are refused alike.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import sqlalchemy as sa

from jobs.facts import TableFacts
from jobs.pipeline import Circumstances
from jobs.plan import Plan
from jobs.spec import Query
from sandbox.schema import DatasetName, Principal
from sandbox.workspace import Workspace
from service import dossier
from service.datasets import tables
from service.dossier import Dossier

if TYPE_CHECKING:
    from jobs.sql.names import Described


@dataclass(frozen=True, slots=True)
class Case:
    """The private datasets and the public tables that a job names."""

    datasets: Mapping[DatasetName, Dossier]
    tables: Mapping[DatasetName, TableFacts]

    def facts(self, today: dt.date) -> dict[DatasetName, Circumstances]:
        """Return what the job is judged by, dataset by dataset."""
        return {name: found.circumstances(today) for name, found in self.datasets.items()}

    def sources(self, plan: Plan) -> tuple[Dossier, ...]:
        """Return the datasets of *plan*, in its order."""
        return tuple(self.datasets[source.dataset] for source in plan.sources)

    def means_the_same(self, other: Case) -> bool:
        """Whether a statement read over the one means the same over the other."""
        ours, theirs = self.datasets, other.datasets
        return (
            self.tables == other.tables
            and ours.keys() == theirs.keys()
            and all(ours[name].described() == theirs[name].described() for name in ours)
        )


def read_queries(
    connection: sa.Connection, workspace: Workspace, by: Principal, text: str, *, rehearsed: bool = False
) -> tuple[tuple[Query, ...], Case]:
    """Return what the statements of *text* mean, and the case they were read over.

    What is only *rehearsed* may name whatever *by* sees in the catalogue.
    Raises `DeniedError` for every name that is nothing to *by*, `InvalidInputError` for what is no statement.
    """
    from jobs.sql.parse import parse  # noqa: PLC0415 - sqlglot, 0.1 s that only SQL needs

    datasets: dict[DatasetName, Dossier] = {}
    looked_up: dict[DatasetName, TableFacts] = {}

    def schema(name: DatasetName) -> Described:
        if name in datasets:
            return datasets[name].described()
        if (table := tables.facts(connection, name)) is not None:
            looked_up[name] = table
            return described(table)
        found = dossier.read(connection, workspace, name)
        if not (found.visible(by) if rehearsed else found.granted(by)):
            raise dossier.unknown(name)
        datasets[name] = found
        return found.described()

    return parse(text, schema), Case(datasets, looked_up)


def read(connection: sa.Connection, workspace: Workspace, like: Case) -> Case:
    """Return the case of the same names as *like*, as the books are now."""
    found = {name: tables.facts(connection, name) for name in like.tables}
    gone = next((name for name, table in found.items() if table is None), None)
    if gone is not None:
        raise dossier.unknown(gone)
    return Case(
        {name: dossier.read(connection, workspace, name) for name in like.datasets},
        {name: table for name, table in found.items() if table is not None},
    )


def described(table: TableFacts) -> Described:
    """Return what a statement may know of a public table."""
    from jobs.sql.names import Described  # noqa: PLC0415 - sqlglot, 0.1 s that only SQL needs

    return Described(table.fields, None, "", public=True)
