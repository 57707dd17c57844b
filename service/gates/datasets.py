"""Datasets and public tables: registered, described, tagged."""

from __future__ import annotations

from pathlib import Path
from typing import Protocol

from sandbox.schema import Principal
from service.asked import Decisions, Inspection, Json, Mock, NewDataset, NewTable, Progress, UnitList


class DatasetGate(Protocol):
    """Datasets and public tables: registered, described, tagged."""

    def dataset_preview(self, by: Principal, new: NewDataset) -> Json:
        """Types and tags for the owner's own screen, nothing is stored.

        ``{"columns": [{"name", "kind", "tag", "confidence"}], "declared": bool: an earlier version declared
        the types, "seem_missing": [{"column", "marks": [text|null], "kind"}], "seem_typed": [{"column",
        "kind"}]}``.  Of the cells it shows what seems to mean nothing.
        """

    def dataset_inspect(
        self, by: Principal, new: NewTable, wanted: Inspection, progress: Progress | None = None
    ) -> Json:
        """Look at a file that is not registered, for its owner's own screen; nothing is stored or logged.

        As `dataset_classify`, with ``"file"`` and nothing decided, and ``"quality": null | {"rows", "ratio",
        "duplicates", "null_units", "approximate", "columns": [as `classifiers.tally.ColumnQuality`, and
        "ratio"], "domains": [line of YAML], "disclosure": text|null},
        "preview": null | [[masked text|null]], "seem_missing", "seem_typed": as `dataset_preview`}``.
        """

    def dataset_add(self, by: Principal, new: NewDataset, progress: Progress | None = None) -> Json:
        """Register a file or a new version of one.

        ``{"dataset", "lineage", "version", "digest", "columns": [...as dataset_show],
        "owner_report": {"rows", "null_units_dropped", "withdrawn_dropped", "nonconforming": {column: count},
        "drifted": {column: tag}, "seem_missing", "seem_typed": as `dataset_preview`}}``.  Rows of withdrawn
        units are left out unless they are readmitted.
        """

    def dataset_withdraw(self, by: Principal, name: str, units: UnitList) -> Json:
        """Hide units from every later job, at once, by a new version; owner only.

        ``{"dataset", "version", "digest", "read": ids read, "new": ids that were not withdrawn before,
        "withdrawn": in all}``; no new version where nothing is new.  Whether an id has rows is not looked up.
        """

    def table_preview(self, by: Principal, new: NewTable) -> Json:
        """As `dataset_preview`, and ``"personal"``: the columns that look like personal data."""

    def table_add(self, by: Principal, new: NewTable, progress: Progress | None = None) -> Json:
        """Store a file in clear as a public table, or in the place of an older one of the same owner.

        As `dataset_show` of a public table, and ``"replaced": bool, "personal": [text],
        "nonconforming": {column: count}``.
        """

    def dataset_list(self, by: Principal, search: str | None = None) -> Json:
        """``{"datasets": [{"name", "description", "owner", "unit", "namespace", "version", "columns",
        "policy_version", "matches": [column]}]}``.

        Only what the principal may see: owners their own, analysts those granted to them.  For everybody
        there is ``"public_tables": [as dataset_show, but "columns" is their number]``.  *search*: those in
        which every word of it stands, and *matches* the columns in which one does.
        """  # noqa: D205 (a shape longer than a line)

    def dataset_show(self, by: Principal, name: str) -> Json:
        """Return the catalogue entry; nothing in it depends on a row.

        ``{"name", "description", "lineage", "version", "unit", "namespace", "filter", "delta", "shards",
        "owner", "policy_version", "max_rows", "most_rows", "max_groups": of a unit|null, "max_group_rows": of
        a unit in one group|null, "expected_units", "joins": [name],
        "minimum_count": rows of a smaller noisy count are withheld, "keep_days": of results|null,
        "selection": {"per_job", "lifetime"}|null,
        "grants": those of the caller [{"purposes", "operations", "until", "approval": text,
        "whose": as in job_explain|null}],
        "budget": of the caller {"limit", "remaining", "per_job": loss|null}|null,
        "columns": [{"name", "kind", "required", "tag", "title", "title_zh", "confirmed", "uses", "domain",
        "keys": "selected"|null, "description"}], "examples": [{"sql", "purpose", "epsilon"}]}``.

        *domain* is text for people (``"1 … 14 by 1"``, ``"Female, Male"``) or null.  Of a public table:
        ``{"public": true, "name", "owner", "digest", "rows", "created", "columns": [{"name", "kind",
        "required", "domain"}]}``.
        """

    def dataset_describe(self, by: Principal, name: str, text: str) -> Json:
        """Say what a dataset is for; its owner only.  ``{"dataset", "description"}``."""

    def dataset_mock(
        self, by: Principal, name: str, path: Path, wanted: Mock, progress: Progress | None = None
    ) -> Json:
        """Write invented rows of a dataset's shape to a new CSV or Parquet file; reads and costs nothing.

        For whoever sees the catalogue entry.  ``{"dataset", "mock": true, "path", "rows", "units", "seed"}``.
        """

    def dataset_classify(self, by: Principal, name: str) -> Json:
        """Proposals with evidence, and what standards (profiles) say of them, owner only.

        ``{"columns": [as `service.datasets.proposed.shown`], "levels": {profile: {"title", "source",
        "version", "titles": {level: {language: text}}, "level", "columns", "combinations": [name]}},
        "combinations": [{"name", "title", "title_zh", "columns", "levels": {profile: level}, "source"}]}``.
        """

    def dataset_tag(self, by: Principal, name: str, said: Decisions) -> Json:
        """Confirm what columns are, all or nothing.

        ``{"dataset", "confirmed": {column: tag}, "unconfirmed": [column], "drifted": [column that ``above``
        left out], "weaker": {column: tag that was proposed and protects more}}``.
        """
