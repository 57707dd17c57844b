"""New keys in the place of old ones: wrapped anew, no data rewritten.

A dataset's key changes in one transaction.  The master key changes in the steps of `sandbox.keys.rotation`.
Afterwards the old key opens nothing that the workspace holds; what was copied before opens as it did.
"""

from __future__ import annotations

from functools import partial
from typing import Any

from sandbox.errors import InvalidInputError
from sandbox.keys import contexts, rotation
from sandbox.schema import Principal, Role
from sandbox.unlocking import adopt, opens
from service.datasets import catalogue
from service.desk import Desk, require
from service.keeping import cleaning


def rotate_dataset(desk: Desk, by: Principal, name: str) -> dict[str, Any]:
    """Put a new key in the place of dataset *name*'s."""
    with desk.workspace.lock("register", wait=True):
        found = catalogue.owned(desk, by, name)
        with desk.writing() as entry:
            context = contexts.dataset(found.lineage)
            key, count = entry.workspace.keyring.rotate(entry.connection, context)
            leaf = entry.log("rotation", by.name, dataset=name, lineage=found.lineage, key=key, keys=count)
            cleaning.demand(entry, leaf)
    return {"dataset": name, "keys": count, "cleaned": cleaning.finish(desk)}


def rotate_master(desk: Desk, by: Principal, passphrase: str | None, key_file: bool) -> dict[str, Any]:
    """Put a new master key in the place of the workspace's: behind *passphrase*, or in a file."""
    require(by, Role.OWNER, Role.OPERATOR)
    workspace = desk.workspace
    if passphrase is None and not key_file and rotation.sealed(workspace.directory):
        raise InvalidInputError("key.rotate-how")
    with workspace.lock("register", wait=True), rotation.held(workspace.directory, alone=True):
        provider = rotation.begin(workspace.directory, passphrase)
        works = partial(opens, workspace.database, provider)
        try:
            with desk.writing() as entry:
                count = workspace.keyring.rewrap(entry.connection, provider)
                kept = "file" if passphrase is None else "passphrase"
                cleaning.demand(entry, entry.log("master-rotation", by.name, keys=count, keyring=kept))
        finally:  # whatever went wrong: the books know which key is theirs
            rotation.end(workspace.directory, changed=works())
        adopt(workspace.keyring, workspace.database, provider)
    return {"keyring": kept, "keys": count, "cleaned": cleaning.finish(desk)}
