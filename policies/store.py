"""Policies in the books: one row per lineage and version, in order, never changed.

The text is kept as the owner wrote it, beside the digest of what it says.  Loading reads the text again and
compares: a row that does not say what was applied is tampering.  (Whoever changes text and digest alike is
found by the log, whose leaf holds the digest as well.)
"""

from __future__ import annotations

import datetime as dt
from functools import lru_cache

import sqlalchemy as sa

from policies.build import parse
from policies.model import AccessPolicy, policy_digest
from sandbox.books import policies
from sandbox.errors import InvalidInputError, TamperingError
from sandbox.schema import Digest, LineageId


def apply(
    connection: sa.Connection, lineage: LineageId, source: str, file: str, *, by: str, at: dt.datetime
) -> AccessPolicy:
    """Store the YAML text *source* as the lineage's next policy and return it.

    *connection* is inside a writers' transaction.  Raises `InvalidInputError` for a text that does not parse
    and ``policy.wrong-version`` unless its version is the current one plus 1.
    """
    policy = parse(source, file)
    expected = _current(connection, lineage) + 1
    if policy.version != expected:
        where = policy.where(("metadata", "version"))
        raise InvalidInputError(
            "policy.wrong-version", where=where, version=policy.version, expected=expected
        )
    row = {
        "lineage": lineage,
        "version": policy.version,
        "digest": policy_digest(policy),
        "source": source,
        "applied_by": by,
        "applied": at.isoformat(),
    }
    connection.execute(policies.insert().values(row))
    return policy


def current(connection: sa.Connection, lineage: LineageId) -> AccessPolicy | None:
    """Return the lineage's newest policy, or None if it has none.

    Raises `TamperingError` ``policy.changed`` if the stored text does not say what its digest says.
    """
    version = _current(connection, lineage)
    if version == 0:
        return None
    query = sa.select(policies.c.source, policies.c.digest).where(
        policies.c.lineage == lineage, policies.c.version == version
    )
    source, stored = connection.execute(query).one()
    try:
        policy, said = _said(source, f"policy version {version}")
    except InvalidInputError:
        raise TamperingError("policy.changed", lineage=lineage, version=version) from None
    if policy.version != version or said != stored:
        raise TamperingError("policy.changed", lineage=lineage, version=version)
    return policy


@lru_cache(maxsize=64)
def _said(source: str, file: str) -> tuple[AccessPolicy, Digest]:
    """Return the policy that *source* writes, and its digest; a job reads the same text four times."""
    policy = parse(source, file)
    return policy, policy_digest(policy)


def _current(connection: sa.Connection, lineage: LineageId) -> int:
    """Return the newest version number, 0 if there is none; a gap below it is tampering."""
    query = sa.select(sa.func.max(policies.c.version), sa.func.count()).where(policies.c.lineage == lineage)
    newest, rows = connection.execute(query).one()
    if rows != (newest or 0):
        raise TamperingError("policy.version-missing", lineage=lineage)
    return int(rows)
