"""The log as reviewers use it, and the books held against it.

A sound Merkle tree proves that nobody changed the log; `verify` also proves that the books agree with it:
what the tables say is what was logged (`service.checks.books`), and every shard file is the one of its
manifest.
"""

from __future__ import annotations

import gc
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from itertools import islice
from typing import Any, Final

import sqlalchemy as sa

from sandbox.audit.checkpoint import VerifierKey, parse_and_verify
from sandbox.audit.proofs import check_consistency, prove_consistency, prove_inclusion
from sandbox.audit.store import newest_note, read_head
from sandbox.audit.verify import Progress as LogProgress
from sandbox.audit.verify import Verified
from sandbox.audit.verify import verify as verify_log
from sandbox.errors import InvalidInputError, KeyongError, TamperingError
from sandbox.schema import Principal, Role
from sandbox.vault.access import standing
from sandbox.vault.shard import check_file
from sandbox.vault.store import DirectoryStore
from service.asked import Leaves
from service.audit import journal
from service.audit.journal import Wanted
from service.audit.watch import last_signed
from service.checks import apart
from service.checks.books import check_books
from service.datasets import tables
from service.desk import Desk, require

Progress = Callable[[str, int, int], None]
_READERS: Final = (Role.REVIEWER, Role.OWNER)


def listing(desk: Desk, by: Principal, first: int, limit: int, only: Leaves) -> dict[str, Any]:
    """Return up to *limit* leaves that are wanted, from number *first* on."""
    require(by, *_READERS)
    wanted = _wanted(only)
    with desk.reading() as connection:
        size = read_head(connection, desk.workspace.log.key).size
        if only.unreviewed:
            first = max(first, last_signed(connection) + 1)
        # What a leaf is about is told by leaves before it; without filters nothing needs to be known.
        begin = first if wanted == Wanted() else 0
        found = islice(journal.chosen(journal.entries(connection, begin), wanted, first), limit + 1)
        shown = [entry.to_json() for entry in found]
    more = shown[limit]["leaf"] if len(shown) > limit else None
    return {"size": size, "leaves": shown[:limit], "more": more}


def _wanted(only: Leaves) -> Wanted:
    if only.verdict is not None and only.verdict not in journal.VERDICTS:
        raise InvalidInputError("audit.no-verdict", verdict=only.verdict[:40], known=list(journal.VERDICTS))
    return Wanted(
        only.who,
        only.dataset,
        only.purpose,
        only.verdict,
        only.kind,
        None if only.since is None else journal.instant(only.since, end=False),
        None if only.until is None else journal.instant(only.until, end=True),
    )


def prove(desk: Desk, by: Principal, leaf: int) -> dict[str, Any]:
    """Return one leaf and the proof that it stands under the newest checkpoint."""
    require(by, *_READERS)
    with desk.reading() as connection:
        return prove_inclusion(connection, desk.workspace.log.key, leaf)


def prove_job(desk: Desk, by: Principal, job: str) -> dict[str, Any]:
    """Return the proofs of every leaf about *job*; `InvalidInputError` if there is none."""
    require(by, *_READERS)
    key = desk.workspace.log.key
    with desk.reading() as connection:
        found = journal.of_job(connection, job)
        if not found:
            raise InvalidInputError("audit.no-such-job", job=job[:40])
        proofs = [prove_inclusion(connection, key, entry.leaf) for entry in found]
    return {"kind": "job", "job": job, "proofs": proofs}


def prove_since(desk: Desk, by: Principal, note: str) -> dict[str, Any]:
    """Return the proof that the log goes on from the checkpoint *note*; `TamperingError` if it does not."""
    require(by, *_READERS)
    key = desk.workspace.log.key
    kept = parse_and_verify(note, key)
    with desk.reading() as connection:
        head = read_head(connection, key)
        if kept.size > head.size:
            raise TamperingError("log.shorter-than-kept", found=head.size, kept=kept.size)
        proof = prove_consistency(connection, key, kept.size)
    try:
        check_consistency(proof, note, key)
    except TamperingError:
        raise TamperingError("log.forked", kept=kept.size) from None
    return proof


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
    with desk.reading() as connection, _without_collector():
        verified, counts = _checked(desk, connection, kept, progress)
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


def _checked(
    desk: Desk, connection: sa.Connection, kept: Sequence[str], progress: Progress | None
) -> tuple[Verified, dict[str, Any]]:
    """Verify log and books, by two processes where that pays; only this one says that something is wrong."""
    key, steps = desk.workspace.log.key, (_phase(progress, "verify"), _phase(progress, "books"))
    with apart.helper(desk.workspace.database.path, connection, key, kept) as helper:
        if helper is not None:
            with suppress(KeyongError, LookupError, ValueError, TypeError):
                counts = check_books(connection, steps[1], apart.mine)
                if helper.agrees(steps[0]):
                    return Verified(read_head(connection, key), newest_note(connection), len(kept)), counts
    return _verified(connection, key, kept, steps[0]), check_books(connection, steps[1])


def _phase(progress: Progress | None, phase: str) -> LogProgress | None:
    return None if progress is None else lambda done, total: progress(phase, done, total)


@contextmanager
def _without_collector() -> Iterator[None]:
    """Let Python's cycle collector rest: it would walk millions of rows, none of which is in a cycle."""
    running = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if running:
            gc.enable()


def _verified(
    connection: sa.Connection, key: VerifierKey, kept: Sequence[str], heard: LogProgress | None
) -> Verified:
    """Verify the log; a kept checkpoint of a part that an accepted restore lost is told apart from a fork."""
    try:
        return verify_log(connection, key, kept, heard)
    except TamperingError as error:
        size = error.facts.get("kept")
        for entry in journal.of_kind(connection, "restored"):
            if isinstance(size, int) and entry.facts["found"] < size <= entry.facts["lost"]:
                raise TamperingError("log.lost-part", kept=size, leaf=entry.leaf) from None
        raise


def _check_shards(desk: Desk, connection: sa.Connection, progress: Progress | None) -> int:
    store, key = DirectoryStore(desk.workspace.vault), desk.workspace.manifest_key.public_key()
    manifests = standing(connection, key)
    total, done = sum(manifest.shards for manifest in manifests), 0
    for manifest in manifests:
        for file in manifest.files:
            check_file(store.file(manifest.directory, file.name), file)
            done += 1
            if progress:
                progress("shards", done, total)
    return done
