"""Uploading a public table: no personal data in it, by all appearances and by its owner's word.

One upload at a time in a workspace, under the lock of registration.  The file is staged in the vault and
published by the transaction that makes its row visible and its leaf logged: an upload that is killed leaves
nothing that anybody sees, and the next one sweeps it.
"""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from typing import Any, Final

import sqlalchemy as sa

from classifiers.classify import Proposal
from sandbox.books import datasets, public_tables
from sandbox.errors import DeniedError, InvalidInputError
from sandbox.schema import NAME, Field, Principal, Role
from sandbox.vault.access import known_directories
from sandbox.vault.public import PublicFile, write_public
from sandbox.vault.register import full_disk_explained
from sandbox.vault.source import open_source
from sandbox.vault.store import DirectoryStore
from service.asked import NewTable, Progress
from service.datasets import tables
from service.datasets.declared import SampledRows, advice, declared_fields, plainly, proposals_of
from service.datasets.proposed import confidence_text
from service.desk import Desk, Entry, require
from service.lasting import check_reason
from service.wording import declared_text

_PERSONAL: Final = ("pi.", "finance.")


def preview(desk: Desk, by: Principal, new: NewTable) -> dict[str, Any]:
    """Return proposed types and tags for the owner's screen; stores nothing."""
    require(by, Role.OWNER)
    new = plainly(new)
    source = open_source(new.path, new.delimiter, new.encoding, new.skip_lines)
    rows = SampledRows(source)
    fields = declared_fields(source, new, rows)
    proposals = proposals_of(rows, fields, new.recognizers)
    personal = _personal(rows, fields, new, proposals)
    shown = [
        {"name": f.name, "kind": declared_text(f), "tag": p.tag, "confidence": confidence_text(p.confidence)}
        for f, p in zip(fields, proposals, strict=True)
    ]
    return {"columns": shown, **advice(fields, new, rows), "personal": personal}


def add(desk: Desk, by: Principal, new: NewTable, progress: Progress | None) -> dict[str, Any]:
    """Store a file as a public table, or in place of an older one of the same owner."""
    require(by, Role.OWNER)
    new = plainly(new)
    if not NAME.fullmatch(new.name):
        raise InvalidInputError("table.bad-name", name=new.name[:130])
    source = open_source(new.path, new.delimiter, new.encoding, new.skip_lines)
    rows = SampledRows(source)
    fields = declared_fields(source, new, rows)
    personal = _personal(rows, fields, new, proposals_of(rows, fields, new.recognizers))
    reason = (new.reason or "").strip()
    check_reason(reason)
    if personal and not reason:
        raise DeniedError("table.personal", rule="public", columns=personal)
    with desk.workspace.lock("register", wait=True):
        replaces = _check_free(desk, by, new.name)
        store = DirectoryStore(desk.workspace.vault)
        _sweep(desk, store)
        heard = None if progress is None else lambda done, total: progress("read", done, total)
        staging = store.stage()
        try:
            with full_disk_explained():
                written = write_public(source, fields, staging.path / tables.FILE, heard)
            with desk.writing() as entry:
                row = _make_visible(entry, by, new.name, written, reason)
                store.publish(staging, row["directory"])
        except BaseException:
            store.discard(staging)
            raise
        _sweep(desk, store)  # the table it replaces goes at once: it may have been public by mistake
    found = {"replaced": replaces, "personal": personal, "nonconforming": dict(written.nonconforming)}
    return tables.entry_of(row) | found


def _personal(
    rows: SampledRows, fields: tuple[Field, ...], new: NewTable, proposals: Sequence[Proposal]
) -> list[str]:
    """Return the columns that look personal, with or without what the owner's own recognisers say."""
    without = proposals if new.recognizers is None else proposals_of(rows, fields)
    pairs = [[it.tag for it in pair] for pair in zip(proposals, without, strict=True)]
    found = [next((tag for tag in tags if tag.startswith(_PERSONAL)), None) for tags in pairs]
    return [f"{field.name} ({tag})" for field, tag in zip(fields, found, strict=True) if tag]


def _check_free(desk: Desk, by: Principal, name: str) -> bool:
    """Whether *by* has a table of this name; refuses a name that is somebody else's, or a dataset's."""
    with desk.reading() as connection:
        if connection.scalar(sa.select(datasets.c.name).where(datasets.c.name == name)) is not None:
            raise InvalidInputError("table.name-is-dataset", name=name)
        row = tables.find(connection, name)
    if row is not None and row["owner"] != by.name:
        raise DeniedError("table.of-another", rule="owner", name=name, owner=row["owner"])
    return row is not None


def _make_visible(entry: Entry, by: Principal, name: str, written: PublicFile, reason: str) -> dict[str, Any]:
    row = {
        "name": name,
        "digest": written.digest,
        "directory": f"public.{secrets.token_hex(12)}",
        "owner": by.name,
        "fields": tables.fields_text(written.fields),
        "domains": tables.domains_text(written.domains),
        "rows": written.rows,
        "created": entry.at.isoformat(),
    }
    entry.connection.execute(sa.delete(public_tables).where(public_tables.c.name == name))
    entry.connection.execute(sa.insert(public_tables).values(row))
    said = {"table": name, "digest": written.digest, "shape": tables.shape(row)}
    entry.log("table", by.name, **said, rows=written.rows, columns=len(written.fields), reason=reason[:200])
    return row


def _sweep(desk: Desk, store: DirectoryStore) -> None:
    with desk.workspace.database.transaction() as connection:
        store.sweep(known_directories(connection, desk.workspace.manifest_key.public_key()))
