"""A policy as frozen data: what an owner allows, with every number exact.

An `AccessPolicy` is made by `policies.build.parse` and has passed every check that needs no dataset.  Its
digest is taken over what it *says* (canonical JSON of the content), not over its text: a comment, an indent
or the order of a set changes nothing, any other edit does.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any, Final

from policies.approvals import Consent, canonical_consent
from policies.load import Path
from sandbox.canonical import digest
from sandbox.privacy.loss import Filter
from sandbox.schema import (
    CategoricalDomain,
    DatasetName,
    DateDomain,
    Digest,
    Domain,
    NumericDomain,
    Scalar,
    Use,
)

API_VERSION: Final = "keyong/v1"
OPERATIONS: Final = ("count", "sum", "avg", "variance", "quantile", "correlation", "distinct")
"""What a grant can allow to be computed."""
KINDS: Final = ("sql", "python", "model")
"""Kinds of job that a grant can name; only SQL is run so far."""
UNTAGGED: Final = "untagged"
"""The default pattern of columns without a confirmed tag."""
GROUP_PREFIX: Final = "group:"


@dataclass(frozen=True, slots=True)
class UnitRule:
    """The protected unit as the dataset fixed it; *max_rows* is R, the rows of a unit that a job sees.

    *most_rows* (at least R; None: R) is public knowledge about how many rows a unit can have at all: the
    upper end of a count per unit.  Where a statement groups, of a unit at most *max_groups* groups count, and
    in each at most *max_group_rows* rows (None: as many as there are).
    """

    key: str
    namespace: str
    max_rows: int
    expected_units: int | None = None
    most_rows: int | None = None
    max_groups: int | None = None
    max_group_rows: int | None = None

    @property
    def counted_rows(self) -> int:
        """The largest count per unit: *most_rows*, or R where the owner has not said."""
        return self.max_rows if self.most_rows is None else self.most_rows


@dataclass(frozen=True, slots=True)
class SelectionRule:
    """The δ that key selection may cost: *per_job* for a job that selects, *lifetime* for all of them."""

    per_job: Fraction
    lifetime: Fraction


@dataclass(frozen=True, slots=True)
class WindowRule:
    """Pacing: at most *epsilon* in any *every* (``hour``, ``day``, ``week``, ``month``)."""

    every: str
    epsilon: Fraction


@dataclass(frozen=True, slots=True)
class BudgetRule:
    """Limits in ε as a person wrote them; *delta* is 0 for the pure filter."""

    filter: Filter
    epsilon: Fraction
    delta: Fraction
    per_job: Fraction | None = None
    per_analyst: Fraction | None = None
    window: WindowRule | None = None
    selection: SelectionRule | None = None


@dataclass(frozen=True, slots=True)
class ColumnRule:
    """What jobs may do with a column, and the domain its owner declares public.

    *selected*: its values may be group keys without being declared, by private selection.  *by_tag*: the rule
    gives a domain only, its uses are those of the column's tag (`policies.tags`).
    """

    name: str
    uses: frozenset[Use]
    domain: Domain | None = None
    description: str = ""
    selected: bool = False
    by_tag: bool = False


@dataclass(frozen=True, slots=True)
class TagRule:
    """What holds for columns of tags that fit *pattern*: these *uses*, or (None) nothing at all."""

    pattern: str
    uses: frozenset[Use] | None


@dataclass(frozen=True, slots=True)
class Grant:
    """Who may ask for which operations, for which purposes, up to and including the day *until*.

    *approval_expires*: how long a yes counts; None where the policy does not say.  *kinds* of job: `KINDS`.
    """

    to: frozenset[str]
    purposes: frozenset[str]
    operations: frozenset[str]
    until: dt.date
    approval: Consent
    approval_expires: dt.timedelta | None = None
    kinds: frozenset[str] = frozenset({"sql"})


@dataclass(frozen=True, slots=True)
class AccessPolicy:
    """One version of a dataset's policy.

    *joins* are the private datasets whose units may be joined with this one's; theirs must name this one too.
    *denied* are the tag patterns of ``defaults`` (``pi.*``, ``pi.id.resident``, ``untagged``).  *supersedes*
    is the digest of the policy whose place this one takes, None for a dataset's first.  *lines* and *file*
    say where a rule is written; they are no part of what the policy says.

    Rows of a result whose noisy count is below *minimum_count* are withheld (0: none are).  A result older
    than *keep* is shown to nobody (None: results are kept).
    """

    dataset: DatasetName
    version: int
    owner: str
    unit: UnitRule
    budget: BudgetRule
    columns: tuple[ColumnRule, ...]
    grants: tuple[Grant, ...]
    denied: tuple[str, ...] = ()
    joins: frozenset[DatasetName] = frozenset()
    supersedes: str | None = None
    tags: tuple[TagRule, ...] = ()
    minimum_count: int = 0
    keep: dt.timedelta | None = None
    file: str = field(default="policy", compare=False)
    lines: Mapping[Path, int] = field(default_factory=dict, compare=False, repr=False, hash=False)

    def column(self, name: str) -> ColumnRule | None:
        """Return the rule of a column, or None where the policy does not speak of it."""
        return next((rule for rule in self.columns if rule.name == name), None)

    def where(self, path: Path) -> str:
        """Return ``file:line`` of *path*, or of the nearest rule above it."""
        while path and path not in self.lines:
            path = path[:-1]
        line = self.lines.get(path)
        return f"{self.file}:{line}" if line else self.file


def policy_digest(policy: AccessPolicy) -> Digest:
    """Return the SHA-256 of what *policy* says."""
    return digest(canonical(policy))


def canonical(policy: AccessPolicy) -> dict[str, Any]:
    """Return the content of *policy* for canonical JSON: sets sorted, fractions as text, values typed.

    The order of categories (results show it) and of grants (the first that fits is used) is content.  A rule
    that came into the language later is there only where it is written, so that no older digest changes.
    """
    return {
        "apiVersion": API_VERSION,
        "dataset": policy.dataset,
        "version": policy.version,
        "owner": policy.owner,
        "unit": _unit(policy.unit),
        "budget": _budget(policy.budget),
        "denied": sorted(policy.denied),
        "columns": {rule.name: _column(rule) for rule in policy.columns},
        "grants": [_grant(grant) for grant in policy.grants],
        **_later(policy),
    }


def _later(policy: AccessPolicy) -> dict[str, Any]:
    """What came into the language later, as far as it is written."""
    uses = {rule.pattern: "deny" if rule.uses is None else sorted(rule.uses) for rule in policy.tags}
    said = {
        "joins": sorted(policy.joins),
        "supersedes": policy.supersedes,
        "tags": uses,
        "minimum_count": policy.minimum_count,
        "keep_hours": None if policy.keep is None else policy.keep // dt.timedelta(hours=1),
    }
    return {name: value for name, value in said.items() if value}


def _unit(unit: UnitRule) -> dict[str, Any]:
    later = {name: getattr(unit, name) for name in ("most_rows", "max_groups", "max_group_rows")}
    return {
        "key": unit.key,
        "namespace": unit.namespace,
        "max_rows": unit.max_rows,
        "expected_units": unit.expected_units,
        **{name: number for name, number in later.items() if number is not None},
    }


def _budget(budget: BudgetRule) -> dict[str, Any]:
    window, chosen = budget.window, budget.selection
    selection = {"per_job": str(chosen.per_job), "lifetime": str(chosen.lifetime)} if chosen else None
    return {
        "filter": budget.filter.value,
        "epsilon": str(budget.epsilon),
        "delta": str(budget.delta),
        "per_job": _text(budget.per_job),
        "per_analyst": _text(budget.per_analyst),
        "window": window and {"every": window.every, "epsilon": str(window.epsilon)},
        **({"selection": selection} if selection else {}),
    }


def _column(rule: ColumnRule) -> dict[str, Any]:
    keys = {"keys": "selected"} if rule.selected else {}
    uses = None if rule.by_tag else sorted(rule.uses)
    shown = {"use": uses, "domain": _domain(rule.domain), "description": rule.description}
    return shown | keys


def _domain(domain: Domain | None) -> list[Any] | None:
    match domain:
        case NumericDomain(low, high, grid):
            return ["numeric", str(low), str(high), str(grid)]
        case CategoricalDomain(values):
            return ["categories", *map(_scalar, values)]
        case DateDomain(first, last):
            return ["dates", first.isoformat(), last.isoformat()]
        case None:
            return None


def _scalar(value: Scalar) -> list[str]:
    shown = value.hex() if isinstance(value, float) else str(value)
    return [type(value).__name__, shown]


def _grant(grant: Grant) -> dict[str, Any]:
    kinds = {} if grant.kinds == {"sql"} else {"kinds": sorted(grant.kinds)}
    return {
        "to": sorted(grant.to),
        "purposes": sorted(grant.purposes),
        "operations": sorted(grant.operations),
        "until": grant.until.isoformat(),
        **canonical_consent(grant.approval, grant.approval_expires),
        **kinds,
    }


def _text(number: Fraction | None) -> str | None:
    return None if number is None else str(number)
