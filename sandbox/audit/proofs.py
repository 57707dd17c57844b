"""Proofs that stand by themselves: JSON to hand out, and the offline check of it.

Law: a proof is worth what the checkpoint under it is worth, so every check verifies that signature first,
with a key known beforehand, and returns the checkpoint that was proved.  The one who checks needs the proof,
the key, and for consistency the note that was kept; no database.
"""

from __future__ import annotations

import base64
from collections.abc import Mapping
from typing import Any

import sqlalchemy as sa

from sandbox.audit.checkpoint import Checkpoint, VerifierKey, parse_and_verify
from sandbox.audit.merkle import (
    HASH_BYTES,
    consistency_proof,
    inclusion_proof,
    leaf_hash,
    verify_consistency,
    verify_inclusion,
)
from sandbox.audit.store import ENTRY, lookup, newest_note, read_head
from sandbox.books import leaves
from sandbox.errors import InvalidInputError, TamperingError

Proof = dict[str, Any]
"""JSON: kind, checkpoint (note), hashes (base64), and leaf and entry, or size."""


def prove_inclusion(connection: sa.Connection, key: VerifierKey, leaf: int) -> Proof:
    """Return the proof that leaf number *leaf* is under the newest checkpoint.

    Raises `InvalidInputError` if there is no such leaf, `TamperingError` if the stored log is not sound.
    """
    head = read_head(connection, key)
    if not 0 <= leaf < head.size:
        raise InvalidInputError("log.no-such-leaf", leaf=leaf, size=head.size)
    entry = connection.scalar(sa.select(ENTRY).where(leaves.c.leaf == leaf))
    if entry is None:
        raise TamperingError("log.missing-leaf", leaf=leaf)
    hashes = inclusion_proof(lookup(connection), leaf, head.size)
    verify_inclusion(leaf_hash(entry), leaf, head.size, hashes, head.root)
    return {
        "kind": "inclusion",
        "checkpoint": newest_note(connection),
        "leaf": leaf,
        "entry": entry.decode(),
        "hashes": [base64.b64encode(each).decode() for each in hashes],
    }


def check_inclusion(proof: Mapping[str, Any], key: VerifierKey) -> Checkpoint:
    """Return the checkpoint under which the proof's entry stands; raise `TamperingError` if it does not.

    A proof that has not the form is an `InvalidInputError`.
    """
    note, hashes = _parse(proof, "inclusion")
    leaf, entry = proof.get("leaf"), proof.get("entry")
    if type(leaf) is not int or not isinstance(entry, str):
        raise InvalidInputError("log.malformed-proof", kind="inclusion")
    head = parse_and_verify(note, key)
    verify_inclusion(leaf_hash(entry.encode(errors="replace")), leaf, head.size, hashes, head.root)
    return head


def prove_consistency(connection: sa.Connection, key: VerifierKey, size: int) -> Proof:
    """Return the proof that the log as it was at *size* leaves begins the log of the newest checkpoint.

    Raises `InvalidInputError` if the log was never that long.
    """
    head = read_head(connection, key)
    note = newest_note(connection)
    if note is None or not 0 <= size <= head.size:
        raise InvalidInputError("log.no-such-size", size=size, newest=head.size)
    hashes = consistency_proof(lookup(connection), size, head.size)
    return {
        "kind": "consistency",
        "checkpoint": note,
        "size": size,
        "hashes": [base64.b64encode(each).decode() for each in hashes],
    }


def check_consistency(proof: Mapping[str, Any], kept: str, key: VerifierKey) -> Checkpoint:
    """Return the newer checkpoint of *proof*, which begins with all of the *kept* note's log.

    Raises `TamperingError` if it does not, `InvalidInputError` for a proof that has not the form.
    """
    note, hashes = _parse(proof, "consistency")
    first, second = parse_and_verify(kept, key), parse_and_verify(note, key)
    verify_consistency(first.size, first.root, second.size, second.root, hashes)
    return second


def _parse(proof: Mapping[str, Any], kind: str) -> tuple[str, list[bytes]]:
    try:
        note, encoded = proof["checkpoint"], proof["hashes"]
        hashes = [base64.b64decode(each, validate=True) for each in encoded]
    except (KeyError, TypeError, ValueError):
        raise InvalidInputError("log.malformed-proof", kind=kind) from None
    sound = isinstance(note, str) and all(len(each) == HASH_BYTES for each in hashes)
    if proof.get("kind") != kind or not sound:
        raise InvalidInputError("log.malformed-proof", kind=kind)
    return note, hashes
