"""The log as reviewers use it, and the books held against it.

A sound Merkle tree proves that nobody changed the log; `verify` also proves that the books agree with it:
every charge and every release in the tables has its leaf and every leaf its row, every release has a charge,
every policy, manifest and shard file is the one that was logged.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from typing import Any, Final

import sqlalchemy as sa

from sandbox import canonical
from sandbox.audit.proofs import prove_inclusion
from sandbox.audit.store import newest_note, read_head
from sandbox.audit.verify import verify as verify_log
from sandbox.database import charges, datasets, jobs, leaves, policies, releases, versions
from sandbox.errors import InvalidInputError, TamperingError
from sandbox.schema import Principal, Role
from sandbox.vault.manifest import load_manifest
from sandbox.vault.parquet import check_file
from sandbox.vault.store import DirectoryStore
from service.desk import Desk, require

Progress = Callable[[str, int, int], None]
_READERS: Final = (Role.REVIEWER, Role.OWNER)
_LOGGED: Final = frozenset({"charge", "release", "policy", "version", "replay"})


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
        counts = _check_books(connection)
        shards = _check_shards(desk, connection, progress)
    return {
        "size": verified.head.size,
        "root": verified.head.root.hex(),
        "kept_checkpoints": verified.kept,
        **counts,
        "shards_checked": shards,
    }


def _check_books(connection: sa.Connection) -> dict[str, int]:
    logged: dict[str, set[tuple[str, ...]]] = {kind: set() for kind in _LOGGED}
    for (text,) in connection.execute(sa.select(leaves.c.entry)):
        entry = json.loads(text)
        if entry["kind"] in _LOGGED:
            logged[entry["kind"]].add(_identity(entry["kind"], entry["facts"]))
    stored: dict[str, set[tuple[str, ...]]] = {
        "charge": {
            (row.job, row.lineage, str(row.epsilon_pico), str(row.rho_pico), str(row.delta_atto))
            for row in connection.execute(sa.select(charges))
        },
        "release": set(_releases(connection)),
        "policy": {(r.lineage, str(r.version), r.digest) for r in connection.execute(sa.select(policies))},
        "version": {(r.lineage, str(r.version), r.digest) for r in connection.execute(sa.select(versions))},
    }
    for kind, rows in stored.items():
        for odd in sorted(rows ^ logged[kind]):
            raise TamperingError("audit.books-differ", kind=kind, id=odd[0])
    paid = {row[0] for row in stored["charge"]}
    for job, _ in sorted(stored["release"]):
        if job not in paid:
            raise TamperingError("audit.unpaid-release", job=job)
    _check_current(connection)
    return {"charges": len(stored["charge"]), "releases": len(stored["release"])}


def _identity(kind: str, facts: dict[str, Any]) -> tuple[str, ...]:
    keys = {
        "charge": ("job", "lineage", "epsilon_pico", "rho_pico", "delta_atto"),
        "release": ("job", "result"),
        "policy": ("lineage", "version", "digest"),
        "version": ("lineage", "version", "digest"),
        "replay": ("job", "of"),
    }[kind]
    return tuple(str(facts[key]) for key in keys)


def _releases(connection: sa.Connection) -> Iterator[tuple[str, str]]:
    for row in connection.execute(sa.select(releases)):
        if canonical.digest(json.loads(row.result)) != row.digest:
            raise TamperingError("audit.changed-release", job=row.job)
        yield row.job, row.digest


def _check_current(connection: sa.Connection) -> None:
    """The version a dataset shows must be its newest, and no job may run on an unknown one."""
    newest = sa.select(versions.c.lineage, sa.func.max(versions.c.version)).group_by(versions.c.lineage)
    versions_of = {row[0]: row[1] for row in connection.execute(newest)}
    for row in connection.execute(sa.select(datasets)):
        if versions_of.get(row.lineage) != row.current_version:
            raise TamperingError("audit.not-the-newest-version", dataset=row.name)
    known = set(versions_of)
    for row in connection.execute(sa.select(jobs.c.job, jobs.c.lineage)):
        if row.lineage not in known:
            raise TamperingError("audit.books-differ", kind="job", id=row.job)


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
