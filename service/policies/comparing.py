"""Two policies compared: two files, or a file and the policy in force."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from policies.build import parse
from policies.diff.compare import changes
from policies.model import AccessPolicy, policy_digest
from sandbox.errors import InvalidInputError
from sandbox.schema import Principal
from service import dossier
from service.desk import Desk
from service.policies.files import read_text


def of_files(old: Path, new: Path) -> dict[str, Any]:
    """Return what the policy in the file *new* changes of that in *old*; needs no workspace."""
    return compared(parse(read_text(old), str(old)), parse(read_text(new), str(new)))


def with_current(desk: Desk, by: Principal, path: Path) -> dict[str, Any]:
    """Return what the policy in *path* would change of the one in force, to those who may see that."""
    policy = parse(read_text(path), str(path))
    with desk.reading() as connection:
        found = dossier.read(connection, desk.workspace, policy.dataset)
    if not found.visible(by):
        raise dossier.unknown(policy.dataset)
    return compared(found.policy, policy)


def compared(old: AccessPolicy | None, new: AccessPolicy) -> dict[str, Any]:
    """Return ``{"old", "new", "changes"}``; *old* is null, and nothing is compared, for a first policy."""
    if old is not None and old.dataset != new.dataset:
        raise InvalidInputError("policy.of-another-dataset", old=old.dataset, new=new.dataset)
    told = [change.to_json() for change in changes(old, new)] if old else []
    return {"old": old and _named(old), "new": _named(new), "changes": told}


def _named(policy: AccessPolicy) -> dict[str, Any]:
    return {
        "file": policy.file,
        "dataset": policy.dataset,
        "version": policy.version,
        "digest": policy_digest(policy),
    }
