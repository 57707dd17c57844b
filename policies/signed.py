"""Signatures of policies and the owners' pinned keys, as the books hold them.

Law: a policy decides only if its log leaf says who signed it, and that signature holds under a key whose own
leaf says that it was the dataset owner's.  Both leaves are proved to stand under the newest signed checkpoint
each time, so that nobody who edits tables can put another key, signature or policy in their place.

Policies that were applied before there were signatures have leaves without a signer.  When their workspace
was brought to format 4 each got a row with an empty key that names its leaf; such a row is believed only if
the leaf it names is of this policy and says nothing of a signer, so that a signature cannot be stripped.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from policies.model import AccessPolicy, policy_digest
from policies.sign import PolicySignature, holds
from sandbox.audit.checkpoint import VerifierKey
from sandbox.audit.proofs import prove_inclusion
from sandbox.books import owner_keys, policy_signatures
from sandbox.errors import InvalidInputError, TamperingError
from sandbox.schema import LineageId


@dataclass(frozen=True, slots=True)
class OwnerKey:
    """A pinned key: its *id*, the *public* half in hexadecimal, whose it is, and the leaf that says so."""

    id: str
    public: str
    principal: str
    leaf: int


def pinned(connection: sa.Connection, principal: str) -> OwnerKey | None:
    """Return the key that *principal* signs with now: the one pinned last."""
    query = sa.select(owner_keys).where(owner_keys.c.principal == principal)
    row = connection.execute(query.order_by(owner_keys.c.leaf.desc()).limit(1)).mappings().one_or_none()
    return None if row is None else _key(row)


def find_key(connection: sa.Connection, key: str) -> OwnerKey | None:
    """Return the key of id *key*, be it in use or a former one."""
    query = sa.select(owner_keys).where(owner_keys.c.key == key)
    row = connection.execute(query).mappings().one_or_none()
    return None if row is None else _key(row)


def key_of(connection: sa.Connection, lineage: LineageId, version: int) -> str | None:
    """Return the id of the key that a policy is signed with; None for one that is older than signing."""
    chosen = (policy_signatures.c.lineage == lineage) & (policy_signatures.c.version == version)
    return connection.scalar(sa.select(policy_signatures.c.key).where(chosen)) or None


def store_signature(
    connection: sa.Connection, lineage: LineageId, version: int, signed: PolicySignature, leaf: int
) -> None:
    """Keep the signature beside the policy; *leaf* is the one that tells of both."""
    values = {"lineage": lineage, "version": version, "key": signed.key, "signature": signed.signature}
    connection.execute(sa.insert(policy_signatures).values(**values, leaf=leaf))


def check_signed(
    connection: sa.Connection, log: VerifierKey, lineage: LineageId, owner: str, policy: AccessPolicy
) -> None:
    """Raise `TamperingError` unless *policy* is in the log as signed by *owner*, or as older than signing."""
    chosen = (policy_signatures.c.lineage == lineage) & (policy_signatures.c.version == policy.version)
    row = connection.execute(sa.select(policy_signatures).where(chosen)).mappings().one_or_none()
    if row is None or not _stands(connection, log, row, owner, policy):
        raise TamperingError("policy.signature-changed", lineage=lineage, version=policy.version)


def _stands(
    connection: sa.Connection, log: VerifierKey, row: sa.RowMapping, owner: str, policy: AccessPolicy
) -> bool:
    digest = policy_digest(policy)
    said = _leaf(connection, log, "policy", row["leaf"])
    facts = said["facts"]
    named = {"lineage": row["lineage"], "version": policy.version, "digest": digest}
    if any(facts.get(name) != value for name, value in named.items()):
        return False
    if not row["key"]:
        return "signer" not in facts and not row["signature"]
    signed = PolicySignature(digest, row["key"], row["signature"])
    key = find_key(connection, signed.key)
    if key is None or (facts.get("signer"), facts.get("signature")) != (signed.key, signed.signature):
        return False
    pinned_by = _leaf(connection, log, "identity-key", key.leaf)
    its = pinned_by["facts"]
    ours = (pinned_by["actor"], its.get("key"), its.get("public")) == (owner, key.id, key.public)
    return ours and key.principal == owner and holds(signed, key.public)


def _leaf(connection: sa.Connection, log: VerifierKey, kind: str, leaf: Any) -> dict[str, Any]:
    """Return leaf number *leaf*, proved; empty facts if it is of another kind or no leaf at all."""
    try:
        entry: dict[str, Any] = json.loads(prove_inclusion(connection, log, int(leaf))["entry"])
    except (InvalidInputError, ValueError):
        return {"actor": "", "facts": {}}
    return entry if entry["kind"] == kind else {"actor": "", "facts": {}}


def _key(row: sa.RowMapping) -> OwnerKey:
    return OwnerKey(row["key"], row["public"], row["principal"], row["leaf"])
