"""Withdrawal: a person's request honoured, from the next job on.

A new version shows the same files without the units.  It is another version, so that no earlier release is
given again for it and no job that was charged before runs on it.  Nothing here, nor the time it takes,
depends on whether an id has rows: that is not looked up.  The rows themselves go when the dataset is
compacted.
"""

from __future__ import annotations

from typing import Any, Final

from sandbox.errors import InvalidInputError
from sandbox.keys import contexts
from sandbox.schema import Principal
from sandbox.vault.access import succeed
from service.asked import UnitList
from service.datasets import catalogue
from service.datasets.units import tags_of
from service.desk import Desk

MOST_WITHDRAWN: Final = 100_000
"""Tags in one manifest, which every command reads that has to do with its dataset."""


def withdraw(desk: Desk, by: Principal, name: str, units: UnitList) -> dict[str, Any]:
    """Hide *units* of dataset *name* from every later job."""
    with desk.workspace.lock("register", wait=True):  # versions are made one at a time
        manifest = catalogue.owned(desk, by, name).manifest
        tags = tags_of(units, manifest, _linkage(desk, manifest.namespace, name))
        new = tags - manifest.hidden
        if len(new) + len(manifest.hidden) > MOST_WITHDRAWN:
            raise InvalidInputError("dataset.too-many-withdrawn", name=name, most=MOST_WITHDRAWN)
        if new:
            with desk.writing() as entry:
                signer = desk.workspace.manifest_key
                manifest = succeed(
                    manifest, new.union(manifest.withdrawn), connection=entry.connection, signer=signer
                )
                facts = {
                    "dataset": name,
                    "lineage": manifest.lineage,
                    "version": manifest.version,
                    "digest": manifest.digest(),
                }
                entry.log("version", by.name, **facts)
                entry.log("withdrawal", by.name, **facts, units=len(new))
    return {
        "dataset": name,
        "version": manifest.version,
        "digest": manifest.digest(),
        "read": len(tags),
        "new": len(new),
        "withdrawn": len(manifest.hidden),
    }


def _linkage(desk: Desk, namespace: str, name: str) -> bytes:
    keyring, context = desk.workspace.keyring, contexts.linkage(namespace)
    with desk.reading() as connection:
        key_id = keyring.find(connection, context)
        if key_id is None:
            raise InvalidInputError("dataset.no-layout-keys", name=name)
        return keyring.open(connection, key_id, context)
