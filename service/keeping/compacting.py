"""Compaction: the rows of withdrawn persons leave, and so do versions that nobody reads any more.

Workers write the newest version's shards anew without those rows (`sandbox.vault.compact`).  One transaction
then makes them the next version and forgets the keys of every earlier one, which held the rows as well.
Before it there is ciphertext in a staging place, whose keys are in this process's memory; after it there are
files without keys, for the next cleaning to take.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Final

from sandbox.errors import InvalidInputError, JobFailedError, StorageError, TamperingError
from sandbox.keys import contexts
from sandbox.schema import Principal
from sandbox.vault.access import destroy, open_column_keys, replace_rows, standing
from sandbox.vault.compact import rewrite
from sandbox.vault.manifest import Manifest
from sandbox.vault.shard import WrittenShard, stored_columns
from sandbox.vault.store import DirectoryStore, Staging
from sandbox.workers.executor import Executor
from service.asked import Progress
from service.datasets import catalogue
from service.desk import Desk, Entry
from service.keeping import cleaning

_SPARE: Final = 64 * 2**20
"""Bytes that must be free beside a copy of the files."""


def compact(
    desk: Desk, by: Principal, name: str, executor: Callable[[], Executor], progress: Progress | None
) -> dict[str, Any]:
    """Take the rows of withdrawn units, and all versions but the newest, out of dataset *name*."""
    with desk.workspace.lock("register", wait=True):
        manifest = catalogue.owned(desk, by, name).manifest
        rewritten = bool(manifest.withdrawn)
        if rewritten:
            with _written(desk, manifest, executor, progress) as new, desk.writing() as entry:
                manifest = _replaced(entry, by, manifest, new)
                count = _end(entry, by, manifest)
        elif len(_older(desk, manifest)):
            with desk.writing() as entry:
                count = _end(entry, by, manifest)
        else:
            count = 0
    return {
        "dataset": name,
        "version": manifest.version,
        "rewritten": rewritten,
        "destroyed": count,
        "cleaned": cleaning.finish(desk),
    }


@dataclass(frozen=True, slots=True)
class _New:
    """What workers have written, and where."""

    shards: tuple[WrittenShard, ...]
    staging: Staging
    store: DirectoryStore


@contextmanager
def _written(
    desk: Desk, manifest: Manifest, executor: Callable[[], Executor], progress: Progress | None
) -> Iterator[_New]:
    """Yield the shards of *manifest* as workers have written them anew; nothing is left if that fails."""
    store = DirectoryStore(desk.workspace.vault)
    _check_room(desk, manifest)
    with desk.reading() as connection:
        keys = open_column_keys(manifest, connection, desk.workspace.keyring, stored_columns(manifest.fields))
    heard = None if progress is None else lambda done, total: progress("write", done, total)
    staging = store.stage()
    try:
        places = (desk.workspace.vault / manifest.directory, staging.path)
        yield _New(rewrite(manifest, keys, places, executor(), heard), staging, store)
    except JobFailedError:
        store.discard(staging)
        raise StorageError("dataset.not-compacted", name=manifest.dataset) from None
    except BaseException:
        store.discard(staging)
        raise


def _check_room(desk: Desk, manifest: Manifest) -> None:
    needed = sum(file.size for file in manifest.files) + _SPARE
    if shutil.disk_usage(desk.workspace.vault).free < needed:
        raise InvalidInputError("dataset.no-room", name=manifest.dataset, needed=needed >> 20)


def _replaced(entry: Entry, by: Principal, manifest: Manifest, new: _New) -> Manifest:
    keyring = entry.workspace.keyring
    under = keyring.find(entry.connection, contexts.dataset(manifest.lineage))
    if under is None:
        raise TamperingError("key.missing", key=manifest.lineage)
    successor = replace_rows(
        manifest,
        new.shards,
        new.staging,
        connection=entry.connection,
        keyring=keyring,
        under=under,
        signer=entry.workspace.manifest_key,
        store=new.store,
    )
    facts = {"lineage": successor.lineage, "version": successor.version, "digest": successor.digest()}
    entry.log("version", by.name, dataset=successor.dataset, **facts)
    return successor


def _end(entry: Entry, by: Principal, newest: Manifest) -> int:
    """Destroy every version that does not share the newest one's files; return how many."""
    older = _homes(
        standing(entry.connection, entry.workspace.manifest_key.public_key(), newest.lineage), newest
    )
    for home, manifest in older.items():
        destroy(entry.connection, entry.workspace.keyring, manifest)
        entry.log("destruction", by.name, dataset=newest.dataset, lineage=newest.lineage, version=home)
    facts = {"dataset": newest.dataset, "lineage": newest.lineage, "version": newest.version}
    cleaning.demand(entry, entry.log("compaction", by.name, **facts))
    return len(older)


def _older(desk: Desk, newest: Manifest) -> dict[int, Manifest]:
    with desk.reading() as connection:
        there = standing(connection, desk.workspace.manifest_key.public_key(), newest.lineage)
    return _homes(there, newest)


def _homes(there: list[Manifest], newest: Manifest) -> dict[int, Manifest]:
    return {manifest.home: manifest for manifest in there if manifest.home != newest.home}
