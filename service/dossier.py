"""Everything the books say about one dataset at one moment, checked as it is read.

A dossier is read inside the caller's transaction, so that a decision and the charge that follows it see the
same policy, tags and version.  The manifest's signature, the policy's digest and its owner's signature are
verified every time.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING

import sqlalchemy as sa

from jobs.pipeline import Circumstances
from policies.model import AccessPolicy, BudgetRule, ColumnRule, policy_digest
from policies.signed import check_signed
from policies.store import current as current_policy
from policies.tags import effective
from sandbox.books import datasets, lineages, removals, tags
from sandbox.errors import DeniedError
from sandbox.privacy.ledger import Limits, Window
from sandbox.privacy.loss import ATTO, Filter, Loss, limit_of_epsilon
from sandbox.privacy.namespaces import Home
from sandbox.schema import DatasetName, Field, LineageId, Principal, Role, Tag, exact
from sandbox.vault.access import load_version
from sandbox.vault.manifest import Manifest
from sandbox.workspace import Workspace

if TYPE_CHECKING:
    from jobs.sql.names import Described


@dataclass(frozen=True, slots=True)
class Dossier:
    """A dataset: its lineage's fixed facts, its current version, confirmed and proposed tags, its policy."""

    name: DatasetName
    lineage: LineageId
    owner: str
    filter: Filter
    delta: Fraction
    manifest: Manifest
    digest: str
    tags: dict[str, Tag]
    policy: AccessPolicy | None
    removed: bool = False

    @property
    def fields(self) -> dict[str, Field]:
        """The declared columns by name."""
        return {field.name: field for field in self.manifest.fields}

    @property
    def home(self) -> Home:
        """What is fixed with its lineage, as the ledger sees it."""
        return Home(self.lineage, self.manifest.namespace, self.filter, self.delta, self.name)

    @property
    def policy_digest(self) -> str:
        """Digest of the policy in force, empty if there is none."""
        return policy_digest(self.policy) if self.policy else ""

    def circumstances(self, today: dt.date) -> Circumstances:
        """Return what a job is judged by."""
        return Circumstances(
            version=self.manifest.version,
            fields=self.fields,
            tags=self.tags,
            policy=self.policy,
            filter=self.filter,
            delta=self.delta,
            today=today,
        )

    def limits(self) -> Limits:
        """Return the limits of the policy in force; `DeniedError` without one."""
        if self.policy is None:
            raise DeniedError("denied.no-policy", rule="policy", dataset=self.name)
        return limits_of(self.policy.budget, self.filter, self.delta)

    def rule(self, column: str) -> ColumnRule | None:
        """Return the rule that holds for *column*: its own, or for want of one that of its confirmed tag."""
        tag = self.tags.get(column)
        confirmed = tag.name if tag is not None and tag.confirmed else None
        found = effective(self.policy, column, confirmed) if self.policy else None
        return found.rule if found else None

    def described(self) -> Described:
        """Return what a statement may know of it: columns, unit and namespace."""
        from jobs.sql.names import Described  # noqa: PLC0415 - sqlglot, 0.1 s that only SQL needs

        return Described(self.fields, self.manifest.unit, self.manifest.namespace)

    def granted(self, by: Principal) -> bool:
        """Whether some grant of the policy names *by* or one of its groups."""
        return self.policy is not None and any(grant.to & by.called for grant in self.policy.grants)

    def reviewed_by(self, by: Principal) -> bool:
        """Whether *by* is a reviewer of this dataset: anybody with the role but its owner."""
        return Role.REVIEWER in by.roles and by.name != self.owner

    def visible(self, by: Principal) -> bool:
        """Whether *by* may see the catalogue entry: its owner, a reviewer, or someone granted."""
        return by.name == self.owner or self.reviewed_by(by) or self.granted(by)


def limits_of(budget: BudgetRule, filter_: Filter, delta: Fraction) -> Limits:
    """Return what *budget* allows a lineage of *filter_* and *delta*, in the filter's own currency.

    A δ is allowed for key selection only: so much in all, and so much for one job.
    """
    selection, window, share = budget.selection, budget.window, budget.per_analyst
    lifetime, once = (selection.lifetime, selection.per_job) if selection else (Fraction(0), Fraction(0))

    def limit(epsilon: Fraction, selecting: Fraction) -> Loss:
        return limit_of_epsilon(filter_, epsilon, delta) + Loss(delta_atto=int(selecting * ATTO))

    one = budget.epsilon if budget.per_job is None and selection else budget.per_job
    return Limits(
        lifetime=limit(budget.epsilon, lifetime),
        per_job=None if one is None else limit(one, once),
        per_analyst=None if share is None else limit(share, lifetime),
        window=Window(window.every, limit(window.epsilon, lifetime)) if window else None,
    )


def read(connection: sa.Connection, workspace: Workspace, name: str) -> Dossier:
    """Return the dossier of dataset *name*; `DeniedError` if there is none, or none any more.

    An unknown name and a name that is not granted are refused alike by whoever asks on behalf of an analyst.
    """
    found = read_past(connection, workspace, name)
    if found.removed:
        raise unknown(name)
    return found


def read_past(connection: sa.Connection, workspace: Workspace, name: str) -> Dossier:
    """Return what there is to say of dataset *name*, also after it was removed: for what was done before."""
    row = connection.execute(sa.select(datasets).where(datasets.c.name == name)).mappings().one_or_none()
    if row is None:
        raise unknown(name)
    lineage = LineageId(row["lineage"])
    signed_by = workspace.manifest_key.public_key()
    manifest = load_version(connection, lineage, row["current_version"], signed_by)
    fixed = connection.execute(sa.select(lineages).where(lineages.c.lineage == lineage)).mappings().one()
    found = connection.execute(sa.select(tags).where(tags.c.lineage == lineage)).mappings()
    policy = current_policy(connection, lineage)
    if policy is not None:
        check_signed(connection, workspace.log.key, lineage, fixed["owner"], policy)
    return Dossier(
        name=DatasetName(name),
        lineage=lineage,
        owner=fixed["owner"],
        filter=Filter(fixed["filter"]),
        delta=exact(fixed["delta"]),
        manifest=manifest,
        digest=manifest.digest(),
        tags={tag["column"]: Tag(tag["tag"], bool(tag["confirmed"])) for tag in found},
        policy=policy,
        removed=was_removed(connection, lineage),
    )


def unknown(name: str) -> DeniedError:
    """Return the one refusal for datasets that do not exist and datasets that are not granted."""
    return DeniedError("denied.unknown-dataset", rule="grants", dataset=name[:130])


def names(connection: sa.Connection, *, past: bool = False) -> list[str]:
    """Return every dataset's name, sorted; *past*: of those, too, that are no more."""
    query = sa.select(datasets.c.name).order_by(datasets.c.name)
    if not past:
        query = query.where(datasets.c.lineage.not_in(sa.select(removals.c.lineage)))
    return list(connection.scalars(query))


def was_removed(connection: sa.Connection, lineage: str) -> bool:
    """Whether the dataset of *lineage* is no more."""
    return connection.scalar(sa.select(removals.c.name).where(removals.c.lineage == lineage)) is not None
