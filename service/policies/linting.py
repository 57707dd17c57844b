"""What a policy says that its owner may not have meant, from its text and public facts."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from classifiers import combinations
from policies.build import parse
from policies.conform import DatasetFacts
from policies.lint.columns import usable
from policies.lint.examine import examine
from policies.lint.finding import Combination, Partner, Severity, Surroundings
from policies.model import AccessPolicy
from sandbox.errors import DeniedError
from sandbox.schema import DatasetName, Principal, Role, Use
from service import dossier, people
from service.clock import present
from service.desk import Desk, require
from service.dossier import Dossier
from service.policies.files import read_text

_PROFILE = "gbt35273"
"""Combinations are those that this standard takes notice of."""


def lint(desk: Desk, by: Principal, path: Path) -> dict[str, Any]:
    """Return the findings about the policy in *path*; see `service.gates.policies`."""
    require(by, Role.OWNER)
    policy = parse(read_text(path), str(path))
    with desk.reading() as connection:
        found = _own(desk, connection, by, policy.dataset)
        around = _around(desk, connection, policy, found)
    told = examine(policy, around, facts_of(found) if found else None)
    count = Counter(finding.severity for finding in told)
    return {
        "file": str(path),
        "dataset": policy.dataset,
        "registered": found is not None,
        "findings": [finding.to_json(policy) for finding in told],
        **{f"{severity.value}s": count[severity] for severity in Severity},
    }


def facts_of(found: Dossier) -> DatasetFacts:
    """Return what registration fixed of a dataset."""
    manifest = found.manifest
    return DatasetFacts(found.name, manifest.unit, manifest.namespace, found.filter, found.delta)


def _own(desk: Desk, connection: sa.Connection, by: Principal, name: DatasetName) -> Dossier | None:
    """Return the dataset if it is there and belongs to *by*; of others nothing is told, not even that."""
    try:
        found = dossier.read(connection, desk.workspace, name)
    except DeniedError:
        return None
    return found if found.owner == by.name else None


def _around(
    desk: Desk, connection: sa.Connection, policy: AccessPolicy, found: Dossier | None
) -> Surroundings:
    around = Surroundings(
        today=present(connection).date(),
        fields=found.fields if found else None,
        tags=found.tags if found else {},
        people=people.everybody(connection),
        partners=_partners(desk, connection, policy) if found else {},
    )
    named = [(rule.name, around.tag(rule.name)) for rule in usable(policy, around, Use.GROUP)]
    together = combinations.found({name: tag for name, tag in named if tag}, _PROFILE)
    return replace(
        around,
        combinations=[Combination(one.titles["en"], one.titles["zh"], one.columns) for one in together],
    )


def _partners(desk: Desk, connection: sa.Connection, policy: AccessPolicy) -> dict[DatasetName, Partner]:
    """Return those that name this dataset, too; of others nothing is told, not even that they exist."""
    found: dict[DatasetName, Partner] = {}
    for name in sorted(policy.joins - {policy.dataset}):
        try:
            other = dossier.read(connection, desk.workspace, name)
        except DeniedError:
            continue
        joins = other.policy.joins if other.policy else frozenset()
        if policy.dataset in joins or other.owner == policy.owner:
            found[name] = Partner(other.manifest.namespace, joins)
    return found
