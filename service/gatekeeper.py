"""The gatekeeper: every use case of Keyong behind one protocol.

The command line and the notebook façade call this protocol and nothing else, so that an HTTP client can take
the place of the embedded implementation (`service.embedded`).  A call takes the principal who asks and
frozen data, and answers with what JSON can hold: the shapes stand in the docstrings and are what ``--json``
prints.  Numbers of budgets are decimal text (``"0.5"``), never floats.  A refusal is a `KeyongError`.

Losses are written ``{"filter", "epsilon", "delta", "rho"}``; instants as ISO 8601 in UTC.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from sandbox.schema import Principal

Json = dict[str, Any]
Progress = Callable[[str, int, int], None]
"""Called with (what is going on: "read" | "write" | "shards" | "verify", done, in all)."""


@dataclass(frozen=True, slots=True)
class NewDataset:
    """What an owner says when a file is registered.

    *types* override proposed kinds by column (``"integer"``, ``"decimal(12,2)"`` …); *missing* are marks
    meaning null, by column, ``"*"`` for all; *required* columns hold no null.  *lineage* adds a version to
    a known lineage; *new_lineage* gives the reason for a new one in a known namespace.  *recognizers* and
    *dictionary* are files of the owner's own: see `service.aids`.
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
    recognizers: Path | None = None
    dictionary: Path | None = None
    drop_null_units: bool = False
    lineage: str | None = None
    new_lineage: str | None = None
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
    recognizers: Path | None = None
    dictionary: Path | None = None
    reason: str | None = None


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


class Gatekeeper(Protocol):
    """Every use case.  Each call checks the principal's role first and logs what it did or refused."""

    # --- people -----------------------------------------------------------------------------------

    def identity_new(self, name: str, roles: Sequence[str], groups: Sequence[str]) -> Json:
        """Store a name with roles; ``{"name", "roles", "groups"}``."""

    def identity_list(self) -> Json:
        """``{"identities": [{"name", "roles", "groups", "created"}]}``."""

    def principal(self, name: str) -> Principal:
        """Return the stored identity, or raise `UsageError` if nobody has that name."""

    # --- datasets ---------------------------------------------------------------------------------

    def dataset_preview(self, by: Principal, new: NewDataset) -> Json:
        """Types and tags proposed for the owner's own screen, nothing is stored.

        ``{"columns": [{"name", "kind", "tag", "confidence"}]}``; no cell value.
        """

    def dataset_inspect(self, by: Principal, new: NewTable, wanted: Inspection) -> Json:
        """Look at a file that is not registered, for its owner's own screen; nothing is stored or logged.

        As `dataset_classify`, a column also with ``"kind", "uses", "treatment", "hints": [{"tag", "source",
        "rule", "weight", "share"}], "runners_up": [{"tag", "title", "title_zh", "confidence"}]`` instead of
        evidence; then ``"quality": null | {"rows", "ratio", "duplicates", "null_units", "approximate",
        "columns": [as `classifiers.quality.ColumnQuality`, and "ratio"], "domains": [line of YAML]}`` and
        ``"preview": null | [[masked text|null]]``.
        """

    def dataset_add(self, by: Principal, new: NewDataset, progress: Progress | None = None) -> Json:
        """Register a file or a new version of one.

        ``{"dataset", "lineage", "version", "digest", "columns": [...as dataset_show],
        "owner_report": {"rows", "null_units_dropped", "nonconforming": {column: count}}}``.
        """

    def table_preview(self, by: Principal, new: NewTable) -> Json:
        """As `dataset_preview`, and ``"personal"``: the columns that look like personal data."""

    def table_add(self, by: Principal, new: NewTable, progress: Progress | None = None) -> Json:
        """Store a file in clear as a public table, or in the place of an older one of the same owner.

        As `dataset_show` of a public table, and ``"replaced": bool, "personal": [text],
        "nonconforming": {column: count}``.
        """

    def dataset_list(self, by: Principal) -> Json:
        """``{"datasets": [{"name", "owner", "unit", "namespace", "version", "columns", "policy_version"}]}``.

        Only what the principal may see: owners their own, analysts those granted to them.  For everybody
        there is ``"public_tables": [as dataset_show, but "columns" is their number]``.
        """

    def dataset_show(self, by: Principal, name: str) -> Json:
        """Return the catalogue entry.

        ``{"name", "lineage", "version", "unit", "namespace", "filter", "delta", "shards", "owner",
        "max_rows", "most_rows", "joins": [name], "selection": {"per_job", "lifetime"}|null,
        "columns": [{"name", "kind", "required", "tag", "confirmed", "uses", "domain",
        "keys": "selected"|null, "description"}]}``.

        *domain* is text for people (``"1 … 14 by 1"``, ``"Female, Male"``) or null.  Of a public table:
        ``{"public": true, "name", "owner", "digest", "rows", "created", "columns": [{"name", "kind",
        "required", "domain"}]}``.
        """

    def dataset_classify(self, by: Principal, name: str) -> Json:
        """Proposals with evidence, and what standards (profiles) say of them, owner only.

        ``{"columns": [{"name", "tag", "title", "title_zh", "dpv", "role", "sensitive", "levels": {profile:
        level}, "confidence", "confirmed", "evidence": [text]}], "levels": {profile: {"title", "source",
        "titles": {level: {language: text}}, "level", "columns", "combinations": [name]}}, "combinations":
        [{"name", "title", "title_zh", "columns", "levels": {profile: level}, "source"}]}``.
        """

    def dataset_tag(
        self, by: Principal, name: str, tags: Mapping[str, str | None], reason: str, above: str | None = None
    ) -> Json:
        """Confirm tags: column → tag, None confirms what was proposed.

        *above* adds every proposal at least so confident.
        ``{"dataset", "confirmed": {column: tag}, "unconfirmed": [column]}``.
        """

    # --- policies ---------------------------------------------------------------------------------

    def policy_validate(self, by: Principal, path: Path) -> Json:
        """``{"dataset", "version", "digest", "problems": []}``; raises at the first problem, with line."""

    def policy_apply(self, by: Principal, path: Path) -> Json:
        """Put a policy in force: ``{"dataset", "version", "digest", "supersedes"}``."""

    def policy_show(self, by: Principal, dataset: str) -> Json:
        """``{"dataset", "version", "digest", "applied", "applied_by", "source": the YAML}``."""

    # --- jobs -------------------------------------------------------------------------------------

    def job_explain(self, by: Principal, request: JobRequest) -> Json:
        """What a job would cost and how far off it would be; reads no data, costs nothing.

        ``{"datasets": [{"dataset", "version", "policy_version", "rule", "approval", "max_rows", "most_rows",
        "loss", "remaining", "queries_left"}], "public_tables": [{"name", "digest"}], "mechanism", "epsilon",
        "approval", "loss": of the first dataset, "free_replay": bool,
        "remaining": of the dataset with the fewest queries left, "queries_left": int,
        "halved": the epsilon for half the error|null,
        "statements": [{"statement": number, "sql", "cells", "group_size", "columns": [{"name",
        "kind": "key"|"value", "half_width": number|null, "error": "value"|"rank"|null,
        "assumed": "even" (values over their bounds)|null, "clamp": text|null,
        "bound": rows of a unit|null, "derived_from": [{"what", "kind", "low", "high", "source"}]}]}],
        "measurements": [{"statements": [number], "kind", "column", "clamp": text|null, "bound",
        "half_width": number|null, "losses": [loss with "dataset"]}],
        "workload": {"loss", "parts": [loss of each statement alone], "sum"}|null for a single statement,
        "selection": [{"statements", "threshold", "delta"}], "suppression": [message key]}``.

        *half_width* is that of the 95 % interval expected; its *error* is in the value's own unit or, for
        quantiles, in rows of rank.
        """

    def job_submit(self, by: Principal, request: JobRequest, idempotency_key: str | None = None) -> Json:
        """Decide, plan and charge: ``{"job", "status", "replayed"}``; no data is read here.

        The same idempotency key of the same principal finds the job it made.
        """

    def job_run(self, by: Principal, job: str, progress: Progress | None = None) -> Json:
        """Bring a charged or interrupted job to its end and return its result (as `job_result`).

        A job that another process works on is waited for.
        """

    def job_result(self, by: Principal, job: str) -> Json:
        """Return the release.

        ``{"job", "status", "replayed", "losses": [loss with "dataset"], "loss": the first of them,
        "datasets": [{"name", "version"}], "public_tables": [{"name", "digest"}], "mechanism",
        "tables": [{"statement": number, "sql", "columns": [{"name", "kind": "key"|"value"}],
        "rows": [{name: value, name_low, name_high}], "notes": [{"key": message key, "facts"}]}]}``: a table
        for each statement.  In a row of totals ``"_totals"`` names the keys that it is a total over.
        """

    def job_status(self, by: Principal, job: str) -> Json:
        """``{"job", "status", "principal", "purpose", "created", "changed", "failure"}``."""

    def job_list(self, by: Principal) -> Json:
        """Return an analyst's own jobs, an owner's datasets'.

        ``{"jobs": [as job_status, with "datasets": [name], "losses": [loss with "dataset"]]}``.
        """

    def job_cancel(self, by: Principal, job: str) -> Json:
        """Give up a job that is not running; its charge stays.  As `job_status`."""

    # --- budget and log ---------------------------------------------------------------------------

    def budget_show(self, by: Principal, dataset: str) -> Json:
        """Return limits and what is spent; an analyst sees only their own charges listed.

        ``{"dataset", "filter", "delta", "limit": loss, "spent": loss, "remaining": loss,
        "window": {"every", "limit": loss, "spent": loss}|null, "per_job": loss|null,
        "per_analyst": {"limit": loss, "spent": loss}|null,
        "charges": [{"job", "principal", "at", "loss"}]}``.
        """

    def audit_list(self, by: Principal, first: int = 0, limit: int = 1000) -> Json:
        """``{"size", "leaves": [{"leaf", "kind", "time", "actor", "facts": {...}}]}``; reviewer, owner."""

    def audit_show(self, by: Principal, leaf: int) -> Json:
        """One leaf and its proof: ``{"kind", "leaf", "entry", "checkpoint", "hashes"}``."""

    def audit_verify(self, by: Principal, kept: Sequence[str] = (), progress: Progress | None = None) -> Json:
        """Recompute everything.

        ``{"size", "root", "kept_checkpoints", "releases", "charges", "shards_checked",
        "public_tables"}``.  *kept* are
        checkpoint notes that the reviewer kept.  Raises `TamperingError` at the first finding.
        """

    def audit_checkpoint(self, by: Principal) -> Json:
        """The newest signed checkpoint to keep elsewhere: ``{"size", "root", "note", "verifier_key"}``."""

    # --- keeping ----------------------------------------------------------------------------------

    def backup(self, by: Principal, target: Path) -> Json:
        """Copy books, keys (still wrapped) and shards into one new directory: ``{"target", "files"}``."""

    def doctor(self) -> Json:
        """What this host offers: ``{"checks": [{"name", "ok": bool, "detail"}]}``."""

    def close(self) -> None:
        """End workers and close the books."""
