"""What people ask of the gatekeeper, as frozen data, and how they are answered.

Losses are written ``{"filter", "epsilon", "delta", "rho"}``, numbers of budgets as decimal text (``"0.5"``),
never floats, instants as ISO 8601 in UTC.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

Json = dict[str, Any]
Progress = Callable[[str, int, int], None]
"""Called with (what is going on: "read" | "write" | "shards" | "verify" | "books", done, in all)."""


@dataclass(frozen=True, slots=True)
class UnitList:
    """Ids of persons, as a file holds them: one a line, or in the *column* of a CSV; never shown again."""

    content: bytes = field(repr=False)
    column: str | None = None
    encoding: str = "utf-8"


@dataclass(frozen=True, slots=True)
class NewDataset:
    """What an owner says when a file is registered.

    *types* override proposed kinds by column (``"integer"``, ``"date(dmy)"`` …); *missing* are marks
    meaning null, by column, ``"*"`` for all; *required* columns hold no null.  *skip_lines* stand above the
    names of a CSV.  *lineage* adds a version to a known lineage; *new_lineage* gives the reason for a new one
    in a known namespace.  *recognizers* and *dictionary* are files of the owner's own: see
    `service.datasets.aids`.  *readmit*: units that were withdrawn from an earlier version and are wanted
    again.
    """

    path: Path
    name: str
    unit: str
    namespace: str
    filter: str = "zcdp"
    delta: str = "1e-6"
    shards: int = 16
    types: Mapping[str, str] = field(default_factory=dict)
    missing: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    required: tuple[str, ...] = ()
    delimiter: str = ","
    encoding: str = "utf-8"
    skip_lines: int = 0
    recognizers: Path | None = None
    dictionary: Path | None = None
    drop_null_units: bool = False
    lineage: str | None = None
    new_lineage: str | None = None
    readmit: UnitList | None = None
    remove_source: bool = False


@dataclass(frozen=True, slots=True)
class NewTable:
    """What an owner says when a public table is uploaded; see `NewDataset`.

    *reason*: why columns that look like personal data are none; without one the table is refused.
    """

    path: Path
    name: str
    types: Mapping[str, str] = field(default_factory=dict)
    missing: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    required: tuple[str, ...] = ()
    delimiter: str = ","
    encoding: str = "utf-8"
    skip_lines: int = 0
    recognizers: Path | None = None
    dictionary: Path | None = None
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class Decisions:
    """What an owner decides about columns of a dataset.

    *tags*: column → tag (by name or title), None confirms what was proposed.  *above* adds every proposal at
    least so confident (decimal text), but for columns that drifted.  *reasons*: of some columns, in place of
    *reason*.  *seen*: how columns were tagged, by proposal or decision, when the owner looked; where one is
    tagged otherwise by now, nothing is confirmed.
    """

    tags: Mapping[str, str | None]
    reason: str
    above: str | None = None
    reasons: Mapping[str, str] = field(default_factory=dict)
    seen: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Inspection:
    """What an owner wants to see of a file beside its tags; *preview*: masked rows, *unit*: a column.

    *policy* is a file with domains that cells must lie in.
    """

    quality: bool = False
    preview: int = 0
    unit: str | None = None
    policy: Path | None = None


@dataclass(frozen=True, slots=True)
class JobRequest:
    """What an analyst asks.

    *sql* is one statement or several, separated by ``;``.  *epsilon* is decimal text, divided among the
    statements by *weights* (none: equally).  Or *error*, for all statements, or *errors*, one each, is
    ``"50"`` (absolute half-width for counts and sums) or ``"1%"`` (a share of ``expected_units``; for other
    aggregates of the domain's width, with *group_size* rows assumed in a group).  Exactly one of epsilon,
    error and errors is given.
    """

    sql: str
    purpose: str
    epsilon: str | None = None
    error: str | None = None
    group_size: int | None = None
    max_rows: int | None = None
    errors: tuple[str, ...] = ()
    weights: tuple[str, ...] = ()
    template: str = ""
    parameters: Mapping[str, tuple[str, str]] = field(default_factory=dict)
    """Values of ``$name`` in *sql* or in the template called *template*: what each is (``text``, ``number``,
    ``date``, ``truth``, ``null``) and its text."""


@dataclass(frozen=True, slots=True)
class NewLimit:
    """What all lineages of a namespace may lose together: decimal text, and why.

    *delta* is where ε becomes ρ under ``zcdp``; under ``pure`` there is none.  *selection* is the δ that
    selections of keys may spend beside it.
    """

    epsilon: str
    delta: str
    reason: str
    filter: str = "zcdp"
    selection: str = "0"


@dataclass(frozen=True, slots=True)
class Leaves:
    """Which leaves of the log somebody wants to see; what is None does not matter.

    *verdict* is one of `service.audit.journal.VERDICTS`.  *since* and *until* are days (both included) or
    ISO 8601 instants in UTC.  *unreviewed*: only what no reviewer has signed off.
    """

    who: str | None = None
    dataset: str | None = None
    purpose: str | None = None
    verdict: str | None = None
    kind: str | None = None
    since: str | None = None
    until: str | None = None
    unreviewed: bool = False


@dataclass(frozen=True, slots=True)
class Mock:
    """How much is invented: *rows* of *units* people (None: as usual), always the same for a *seed*."""

    rows: int | None = None
    units: int | None = None
    seed: int = 1
