"""Policies: validated against the dataset they speak of, applied by its owner, shown as they were written."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import sqlalchemy as sa

from policies import signed
from policies.build import parse
from policies.conform import DatasetFacts, problems
from policies.diff.compare import loosened
from policies.model import AccessPolicy, policy_digest
from policies.sign import PolicySignature, holds
from policies.store import apply as store_policy
from sandbox.books import policies
from sandbox.errors import DeniedError, InvalidInputError
from sandbox.schema import Principal, Role
from service import dossier
from service.desk import Desk, Entry, require
from service.dossier import Dossier
from service.jobs.refusing import log_refused_policy
from service.policies.comparing import compared
from service.policies.files import read_signature, read_text


def validate(desk: Desk, by: Principal, path: Path) -> dict[str, Any]:
    """Check the file against the dataset it names; raises at the first problem, with its line."""
    require(by, Role.OWNER)
    policy = parse(read_text(path), str(path))
    with desk.reading() as connection:
        found = dossier.read(connection, desk.workspace, policy.dataset)
        _check(found, by, policy)
    if policy_digest(policy) != found.policy_digest:
        _check_succession(found, policy)
    return _facts(policy) | {"problems": [], "changes": compared(found.policy, policy)["changes"]}


def apply(desk: Desk, by: Principal, path: Path, signature: Path | None) -> dict[str, Any]:
    """Put the policy in `path` in force; what was spent under earlier versions stays spent.

    A refused signature is logged.
    """
    require(by, Role.OWNER)
    source = read_text(path)
    policy = parse(source, str(path))
    try:
        with desk.writing() as entry:
            found = dossier.read(entry.connection, entry.workspace, policy.dataset)
            _check(found, by, policy)
            _check_succession(found, policy)
            signature_of = read_signature(path, signature)
            _check_signature(entry, found, policy, signature_of)
            _store(entry, found, policy, source.decode(), signature_of)
    except DeniedError as refusal:
        log_refused_policy(desk, by, policy.dataset, policy_digest(policy), refusal)
        raise
    return _facts(policy) | {
        "supersedes": found.policy.version if found.policy else None,
        "loosens": list(loosened(found.policy, policy)),
        "changes": compared(found.policy, policy)["changes"],
    }


def _store(
    entry: Entry, found: Dossier, policy: AccessPolicy, source: str, signature: PolicySignature
) -> None:
    store_policy(entry.connection, found.lineage, source, policy.file, by=found.owner, at=entry.at)
    leaf = entry.log(
        "policy", found.owner, dataset=found.name, lineage=found.lineage, version=policy.version,
        digest=policy_digest(policy), supersedes=found.policy_digest, signer=signature.key,
        signature=signature.signature, loosens=list(loosened(found.policy, policy)),
    )  # fmt: skip
    signed.store_signature(entry.connection, found.lineage, policy.version, signature, leaf)


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
        key = signed.key_of(connection, found.lineage, found.policy.version)
    shown = {key: row[key] for key in ("applied", "applied_by", "source")}
    return _facts(found.policy) | shown | {"key": key}


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


def _check_succession(found: Dossier, policy: AccessPolicy) -> None:
    """A policy is the next version, and names the one it takes the place of by digest, if there is one."""
    expected = found.policy.version + 1 if found.policy else 1
    if policy.version != expected:
        where = policy.where(("metadata", "version"))
        raise InvalidInputError(
            "policy.wrong-version", where=where, version=policy.version, expected=expected
        )
    where = policy.where(("metadata", "supersedes"))
    if found.policy is None and policy.supersedes:
        raise InvalidInputError("policy.supersedes-nothing", where=where)
    if (policy.supersedes or "") != found.policy_digest:
        raise InvalidInputError("policy.wrong-supersedes", where=where, expected=found.policy_digest)


def _check_signature(entry: Entry, found: Dossier, policy: AccessPolicy, signature: PolicySignature) -> None:
    """Refuse all but a signature of this policy by the key that the dataset's owner signs with now."""
    refused = {"rule": "signature", "dataset": found.name}
    key = signed.pinned(entry.connection, found.owner)
    if key is None:
        raise DeniedError("denied.owner-without-key", **refused, owner=found.owner)
    if signature.digest != policy_digest(policy):
        raise DeniedError(
            "denied.signature-of-another", **refused, signed=signature.digest, digest=policy_digest(policy)
        )
    if signature.key != key.id:
        former = signed.find_key(entry.connection, signature.key)
        if former is not None and former.principal == found.owner:
            raise DeniedError("denied.signed-by-former-key", **refused, owner=found.owner, key=key.id)
        raise DeniedError("denied.signed-by-another", **refused, owner=found.owner, key=key.id)
    if not holds(signature, key.public):
        raise DeniedError("denied.bad-signature", **refused, owner=found.owner)


def _facts(policy: AccessPolicy) -> dict[str, Any]:
    return {"dataset": policy.dataset, "version": policy.version, "digest": policy_digest(policy)}
