"""Policies held against the log: what they say, who signed them, and what they took the place of.

Every stored text must say what its logged digest says.  Every signature must be the one its leaf tells, made
by the key that the dataset's owner had pinned last before that leaf, and verify.  Only a leaf that tells of
no signer may belong to a policy without a signature: one applied before there were signatures.  Every key
must have been pinned with the word of the key before it, or its leaf says that there was none.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import sqlalchemy as sa

from policies.build import parse
from policies.model import AccessPolicy, policy_digest
from policies.sign import PolicySignature, endorsed, holds, key_id
from sandbox.books import lineages, policies, policy_signatures
from sandbox.errors import InvalidInputError, TamperingError

Told = tuple[str, dict[str, Any]]
"""Kind and facts of a leaf, with its actor, time and number among the facts."""


def check_policies(connection: sa.Connection, told: Iterable[Told]) -> None:
    """Raise `TamperingError` at the first policy, signature or key that is not as logged."""
    owners = {row.lineage: row.owner for row in connection.execute(sa.select(lineages))}
    texts = {(row.lineage, row.version): row for row in connection.execute(sa.select(policies))}
    rows = {(row.lineage, row.version): row for row in connection.execute(sa.select(policy_signatures))}
    for odd in sorted(texts.keys() ^ rows.keys()):
        raise TamperingError("policy.signature-changed", lineage=odd[0], version=odd[1])
    keys: dict[str, dict[str, Any]] = {}
    before: dict[str, str] = {}
    for kind, said in sorted(told, key=lambda item: int(item[1]["leaf"])):
        if kind == "identity-key":
            _check_key(said, keys.get(said["actor"]))
            keys[said["actor"]] = said
            continue
        lineage, version = said["lineage"], said["version"]
        policy = _policy(texts[lineage, version])
        row = rows[lineage, version]
        key = keys.get(owners.get(lineage, ""))
        if not _same(said, row, before.get(lineage, "")) or not _signed(said, row, policy, key):
            raise TamperingError("policy.signature-changed", lineage=lineage, version=version)
        before[lineage] = said["digest"]


def _policy(row: sa.Row[Any]) -> AccessPolicy:
    """Return what the stored text says, which must be what the row's digest says."""
    try:
        policy = parse(row.source, "policy")
        if policy_digest(policy) == row.digest:
            return policy
    except InvalidInputError:
        pass
    raise TamperingError("policy.changed", lineage=row.lineage, version=row.version)


def _same(said: dict[str, Any], row: sa.Row[Any], before: str) -> bool:
    """Whether the row is the one that the leaf tells of, and the leaf follows the policy before it."""
    told = (said.get("signer", ""), said.get("signature", ""), said["leaf"], said.get("supersedes", before))
    return told == (row.key, row.signature, row.leaf, before)


def _signed(said: dict[str, Any], row: sa.Row[Any], policy: AccessPolicy, key: dict[str, Any] | None) -> bool:
    if "signer" not in said:
        return True
    signature = PolicySignature(policy_digest(policy), row.key, row.signature)
    named = (policy.supersedes or "") == said["supersedes"]
    return named and key is not None and key["key"] == row.key and holds(signature, key["public"])


def _check_key(said: dict[str, Any], former: dict[str, Any] | None) -> None:
    """A key's id is that of its public half, and what it replaces is the key before it."""
    same = said["key"] == key_id(said["public"]) and said["former"] == (former["key"] if former else "")
    vouched = (
        not said["endorsement"]
        or former is None
        or endorsed(said["actor"], said["public"], former["public"], said["endorsement"])
    )
    if not same or not vouched:
        raise TamperingError("audit.books-differ", kind="identity-key", id=said["key"])
