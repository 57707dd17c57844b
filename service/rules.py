"""Policies: validated against the dataset they speak of, applied by its owner, shown as they were written."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

import sqlalchemy as sa

from policies.build import parse
from policies.conform import DatasetFacts, problems
from policies.model import AccessPolicy, policy_digest
from policies.store import apply as store_policy
from sandbox.books import policies
from sandbox.errors import DeniedError, InvalidInputError
from sandbox.schema import Principal, Role
from service import dossier
from service.desk import Desk, require
from service.dossier import Dossier

MAX_BYTES: Final = 2**20


def validate(desk: Desk, by: Principal, path: Path) -> dict[str, Any]:
    """Check the file against the dataset it names; raises at the first problem, with its line."""
    require(by, Role.OWNER)
    policy = parse(_read(path), str(path))
    with desk.reading() as connection:
        _check(dossier.read(connection, desk.workspace, policy.dataset), by, policy)
    return _facts(policy) | {"problems": []}


def apply(desk: Desk, by: Principal, path: Path) -> dict[str, Any]:
    """Put the policy in `path` in force; what was spent under earlier versions stays spent."""
    require(by, Role.OWNER)
    source = _read(path)
    policy = parse(source, str(path))
    with desk.writing() as entry:
        found = dossier.read(entry.connection, entry.workspace, policy.dataset)
        _check(found, by, policy)
        superseded = found.policy.version if found.policy else None
        store_policy(entry.connection, found.lineage, source.decode(), str(path), by=by.name, at=entry.at)
        entry.log(
            "policy", by.name, dataset=found.name, lineage=found.lineage, version=policy.version,
            digest=policy_digest(policy),
        )  # fmt: skip
    return _facts(policy) | {"supersedes": superseded}


def show(desk: Desk, by: Principal, name: str) -> dict[str, Any]:
    """Return the policy in force, to those who may see the dataset."""
    with desk.reading() as connection:
        found = dossier.read(connection, desk.workspace, name)
        if not found.visible(by):
            raise dossier.unknown(name)
        if found.policy is None:
            raise DeniedError("denied.no-policy", rule="policy", dataset=name)
        chosen = (policies.c.lineage == found.lineage) & (policies.c.version == found.policy.version)
        row = connection.execute(sa.select(policies).where(chosen)).mappings().one()
    shown = {key: row[key] for key in ("applied", "applied_by", "source")}
    return _facts(found.policy) | shown


def _check(found: Dossier, by: Principal, policy: AccessPolicy) -> None:
    if by.name != found.owner:
        raise dossier.unknown(found.name)
    if policy.owner != found.owner:
        where = policy.where(("metadata", "owner"))
        raise InvalidInputError(
            "policy.not-as-registered",
            where=where,
            path="metadata.owner",
            written=policy.owner,
            registered=found.owner,
        )
    manifest = found.manifest
    facts = DatasetFacts(found.name, manifest.unit, manifest.namespace, found.filter, found.delta)
    for problem in problems(policy, manifest.fields, found.tags, facts):
        raise problem


def _facts(policy: AccessPolicy) -> dict[str, Any]:
    return {"dataset": policy.dataset, "version": policy.version, "digest": policy_digest(policy)}


def _read(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            content = file.read(MAX_BYTES + 1)
    except OSError:
        raise InvalidInputError("file.unreadable", path=str(path)) from None
    if len(content) > MAX_BYTES:
        raise InvalidInputError("file.too-large", path=str(path), limit=MAX_BYTES)
    return content
