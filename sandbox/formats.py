"""The file that makes a directory a workspace: its id and the format it is written in.

A newer format is refused.  An older one is brought up to ours when it is opened: the books are copied aside,
missing tables added, and the number is written last.  A migration that is killed is done again.

Format 2 has public tables, and jobs of several statements and datasets.  Format 3 remembers what was proposed
for each column, and draws quantiles otherwise.  Plans older than that cannot be read any more, so a workspace
of format 1 or 2 that holds jobs is refused as it is: its releases could not be verified.  Format 4 has
signatures of policies, approvals, withdrawals and sign-offs, all in tables of their own; jobs are kept.
Format 5 has, in tables too, what changed of people, yeses to templates that were taken back, and limits of
namespaces.
"""

from __future__ import annotations

import fcntl
import json
import os
import secrets
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any, Final

import sqlalchemy as sa

from sandbox.books import jobs, leaves, policy_signatures
from sandbox.database import Database, copy_books
from sandbox.errors import InvalidInputError, UsageError
from sandbox.keys.files import create_private, replace_private

FORMAT: Final = 5
_PLANS_SINCE: Final = 3
"""The oldest format whose plans can be read."""
IDENTITY_FILE: Final = "keyong.json"


def write_identity(directory: Path, created: str) -> None:
    """Give *directory* a new id, in our format."""
    identity = {"format": FORMAT, "id": secrets.token_hex(16), "created": created}
    create_private(directory / IDENTITY_FILE, json.dumps(identity, indent=1).encode())


def read_identity(directory: Path) -> dict[str, str]:
    """Return ``{"id"}`` of the workspace in *directory*; refuses formats newer than ours."""
    return {"id": str(_read(directory)["id"])}


def _read(directory: Path) -> dict[str, Any]:
    try:
        identity: dict[str, Any] = json.loads((directory / IDENTITY_FILE).read_text())
        found = int(identity["format"])
        str(identity["id"])
    except FileNotFoundError:
        raise UsageError("workspace.not-found", start=str(directory)) from None
    except (ValueError, KeyError, TypeError):
        raise InvalidInputError("workspace.unreadable", directory=str(directory)) from None
    if not 1 <= found <= FORMAT:
        raise InvalidInputError("workspace.other-format", found=found, supported=FORMAT)
    return identity


def migrate(directory: Path, books: Path) -> None:
    """Bring the workspace in *directory* to our format; its old *books* stay beside the new ones.

    Raises `InvalidInputError`, changing nothing, where old books hold jobs whose plans cannot be read.
    """
    if int(_read(directory)["format"]) == FORMAT:
        return
    with opened(directory) as place:
        fcntl.flock(place, fcntl.LOCK_EX)
        identity = _read(directory)
        if int(identity["format"]) == FORMAT:  # another process was faster
            return
        if int(identity["format"]) < _PLANS_SINCE and _holds_jobs(books):
            raise InvalidInputError("workspace.old-jobs", found=int(identity["format"]), supported=FORMAT)
        _keep(books, directory / f"books-format-{identity['format']}.sqlite")
        with closing(Database(books)) as database:
            database.create()
            _name_unsigned(database)
        replace_private(
            directory / IDENTITY_FILE, json.dumps(identity | {"format": FORMAT}, indent=1).encode()
        )


def _holds_jobs(books: Path) -> bool:
    with closing(Database(books)) as database, database.reading() as connection:
        return connection.scalar(sa.select(jobs.c.job).limit(1)) is not None


def _name_unsigned(database: Database) -> None:
    """Give every policy that is older than signatures a row which names its leaf: see `policies.signed`."""
    with database.transaction() as connection:
        known = set(connection.execute(sa.select(policy_signatures.c.lineage, policy_signatures.c.version)))
        told = sa.select(leaves.c.leaf, leaves.c.entry).where(leaves.c.entry.contains('"kind":"policy"'))
        for leaf, text in connection.execute(told).all():
            entry = json.loads(text)
            facts = entry["facts"]
            if (
                entry["kind"] != "policy"
                or "signer" in facts
                or (facts["lineage"], facts["version"]) in known
            ):
                continue
            values = {"lineage": facts["lineage"], "version": facts["version"], "key": "", "signature": ""}
            connection.execute(sa.insert(policy_signatures).values(**values, leaf=leaf))


def _keep(books: Path, kept: Path) -> None:
    if not kept.exists():
        partial = kept.with_suffix(".partial")
        partial.unlink(missing_ok=True)
        copy_books(books, partial)
        partial.rename(kept)


@contextmanager
def opened(directory: Path) -> Iterator[int]:
    """Yield a descriptor of *directory*, to lock or to sync it."""
    descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        yield descriptor
    finally:
        os.close(descriptor)
