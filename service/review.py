"""The log as reviewers use it, and the books held against it.

A sound Merkle tree proves that nobody changed the log; `verify` also proves that the books agree with it:
what the tables say is what was logged (`service.bookcheck`), and every shard file is the one of its manifest.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from typing import Any, Final

import sqlalchemy as sa

from sandbox.audit.proofs import prove_inclusion
from sandbox.audit.store import newest_note, read_head
from sandbox.audit.verify import verify as verify_log
from sandbox.books import leaves, versions
from sandbox.errors import InvalidInputError
from sandbox.schema import Principal, Role
from sandbox.vault.manifest import load_manifest
from sandbox.vault.shard import check_file
from sandbox.vault.store import DirectoryStore
from service import tables
from service.bookcheck import check_books
from service.describing import check_descriptions
from service.desk import Desk, require

Progress = Callable[[str, int, int], None]
_READERS: Final = (Role.REVIEWER, Role.OWNER)


def listing(desk: Desk, by: Principal, first: int, limit: int) -> dict[str, Any]:
    """Return leaves from number *first* on."""
    require(by, *_READERS)
    with desk.reading() as connection:
        size = read_head(connection, desk.workspace.log.key).size
        query = sa.select(leaves).where(leaves.c.leaf >= first).order_by(leaves.c.leaf).limit(limit)
        found = [{"leaf": row.leaf, **json.loads(row.entry)} for row in connection.execute(query)]
    return {"size": size, "leaves": found}


def show(desk: Desk, by: Principal, leaf: int) -> dict[str, Any]:
    """Return one leaf and the proof that it stands under the newest checkpoint."""
    require(by, *_READERS)
    with desk.reading() as connection:
        return prove_inclusion(connection, desk.workspace.log.key, leaf)


def checkpoint(desk: Desk, by: Principal) -> dict[str, Any]:
    """Return the newest checkpoint and the key that verifies it, to be kept elsewhere."""
    require(by, *_READERS)
    key = desk.workspace.log.key
    with desk.reading() as connection:
        head, note = read_head(connection, key), newest_note(connection)
    if note is None:
        raise InvalidInputError("log.empty")
    return {"size": head.size, "root": head.root.hex(), "note": note, "verifier_key": key.text()}


def verify(desk: Desk, by: Principal, kept: Sequence[str], progress: Progress | None) -> dict[str, Any]:
    """Recompute the log, hold the books against it, and every shard file against its signed manifest."""
    require(by, *_READERS)
    heard = None if progress is None else lambda done, total: progress("verify", done, total)
    with desk.reading() as connection:
        verified = verify_log(connection, desk.workspace.log.key, kept, heard)
        counts = check_books(connection)
        check_descriptions(connection)
        shards = _check_shards(desk, connection, progress)
        public = tables.verify(desk, connection)
    return {
        "size": verified.head.size,
        "root": verified.head.root.hex(),
        "kept_checkpoints": verified.kept,
        **counts,
        "shards_checked": shards,
        "public_tables": public,
    }


def _check_shards(desk: Desk, connection: sa.Connection, progress: Progress | None) -> int:
    store, key = DirectoryStore(desk.workspace.vault), desk.workspace.manifest_key.public_key()
    manifests = [
        load_manifest(row.manifest, row.signature, key) for row in connection.execute(sa.select(versions))
    ]
    total, done = sum(manifest.shards for manifest in manifests), 0
    for manifest in manifests:
        for file in manifest.files:
            check_file(store.file(manifest.directory, file.name), file)
            done += 1
            if progress:
                progress("shards", done, total)
    return done
