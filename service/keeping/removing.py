"""The end of a dataset: its keys destroyed, its files deleted, its past kept.

One transaction forgets every key of every version, takes the dataset out of everybody's sight and says so in
the log; a cleaning then takes files, and what the books' file still holds of the keys.  What was asked,
charged and released stays for reviewers, and so does the lineage with all that was spent from it.  Neither
name nor lineage is used again.
"""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa

from sandbox.books import lineages, removals
from sandbox.keys import contexts
from sandbox.keys.keyring import KeyId
from sandbox.schema import Principal
from service.datasets import catalogue
from service.desk import Desk, Entry
from service.dossier import Dossier
from service.keeping import cleaning


def remove(desk: Desk, by: Principal, name: str) -> dict[str, Any]:
    """Destroy dataset *name* for good."""
    with desk.workspace.lock("register", wait=True):
        found = catalogue.owned(desk, by, name)
        with desk.writing() as entry:
            keys = [*_keys(entry, found), *_linkage(entry, found)]
            entry.workspace.keyring.forget(entry.connection, keys)
            row = {"lineage": found.lineage, "name": name}
            at = entry.at.isoformat()
            entry.connection.execute(sa.insert(removals).values(**row, removed_by=by.name, removed=at))
            leaf = entry.log("removal", by.name, dataset=name, lineage=found.lineage, keys=len(keys))
            cleaning.demand(entry, leaf)
    return {"dataset": name, "keys": len(keys), "cleaned": cleaning.finish(desk)}


def _keys(entry: Entry, found: Dossier) -> list[KeyId]:
    """The dataset's key and all that it wraps: every version's."""
    keyring = entry.workspace.keyring
    own = keyring.find(entry.connection, contexts.dataset(found.lineage))
    return [] if own is None else [own, *keyring.wrapped_by(entry.connection, own)]


def _linkage(entry: Entry, found: Dossier) -> list[KeyId]:
    """The namespace's key, if this was the last dataset of it."""
    namespace = found.manifest.namespace
    gone = sa.select(removals.c.lineage)
    others = sa.select(lineages.c.lineage).where(
        lineages.c.namespace == namespace,
        lineages.c.lineage != found.lineage,
        lineages.c.lineage.not_in(gone),
    )
    if entry.connection.scalar(others.limit(1)) is not None:
        return []
    key = entry.workspace.keyring.find(entry.connection, contexts.linkage(namespace))
    return [] if key is None else [key]
