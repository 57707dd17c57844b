"""Registering a file: types proposed and declared, tags proposed, shards written, all or nothing.

One registration at a time in a workspace (a lock that dies with its process).  Keys that do not exist yet are
drawn in memory and stored by the same transaction that makes the version visible, so that a killed
registration leaves neither rows nor keys.
"""

from __future__ import annotations

import os
import re
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import sqlalchemy as sa

from sandbox.books import datasets, lineages
from sandbox.errors import InvalidInputError, TamperingError
from sandbox.keys import contexts
from sandbox.keys.keyring import MASTER, KeyId
from sandbox.privacy.loss import ATTO, Filter
from sandbox.schema import NAME, DatasetName, Field, LineageId, Principal, Role, exact
from sandbox.vault.access import commit, known_directories
from sandbox.vault.conform import check_fields
from sandbox.vault.manifest import Manifest
from sandbox.vault.partition import LayoutKeys, check_shards, check_unit
from sandbox.vault.register import Declaration, Prepared, prepare
from sandbox.vault.source import Source, open_source
from sandbox.vault.store import DirectoryStore
from service import dossier, people
from service.asked import NewDataset, Progress
from service.datasets import catalogue, tables
from service.datasets.declared import (
    SampledRows,
    advice,
    check_restated,
    declared_fields,
    plainly,
    proposals_of,
)
from service.datasets.plausible import check_later
from service.datasets.proposed import confidence_text
from service.datasets.tagging import propose
from service.datasets.units import tags_of
from service.desk import Desk, Entry, require
from service.lasting import check_reason
from service.wording import declared_text

_NAMESPACE: Final = re.compile(r"\w[\w.-]{0,199}")


def preview(desk: Desk, by: Principal, new: NewDataset) -> dict[str, Any]:
    """Return types and tags for the owner's screen, and marks for nothing; stores nothing.

    Types of a later version are those declared with the first one.  What `add` refuses before it reads the
    rows is refused here.
    """
    require(by, Role.OWNER)
    new = plainly(new)
    _check_said(new)
    source = open_source(new.path, new.delimiter, new.encoding, new.skip_lines)
    rows = SampledRows(source)
    place = _place(desk, by, new)
    fields = _fields(place, source, new, rows)
    check_unit(new.unit, fields)
    check_shards(new.shards)
    shown = [
        {"name": f.name, "kind": declared_text(f), "tag": p.tag, "confidence": confidence_text(p.confidence)}
        for f, p in zip(fields, proposals_of(rows, fields, new.recognizers, new.unit), strict=True)
    ]
    return {"columns": shown, "declared": place.known, **_advised(place, fields, new, rows)}


def _advised(
    place: _Place, fields: tuple[Field, ...], new: NewDataset, rows: SampledRows
) -> dict[str, list[dict[str, Any]]]:
    """Return `advice` on types, which can be declared with a first version only."""
    return {"seem_missing": [], "seem_typed": []} if place.known else advice(fields, new, rows, new.unit)


def add(desk: Desk, by: Principal, new: NewDataset, progress: Progress | None) -> dict[str, Any]:
    """Register a file as a new dataset or as the next version of one."""
    require(by, Role.OWNER)
    new = plainly(new)
    _check_said(new)
    source = open_source(new.path, new.delimiter, new.encoding, new.skip_lines)
    rows = SampledRows(source)
    with desk.workspace.lock("register", wait=True):
        place = _place(desk, by, new)
        fields = _fields(place, source, new, rows)
        proposals = proposals_of(rows, fields, new.recognizers, new.unit)
        store = DirectoryStore(desk.workspace.vault)
        _sweep(desk, store)
        declared, advised = _declaration(new, place, fields), _advised(place, fields, new, rows)
        heard = None if progress is None else lambda done, total: progress("read", done, total)
        prepared = prepare(source, declared, place.keys, store, heard)
        try:
            with desk.writing() as entry:
                require(people.known(entry.connection, by.name) or by, Role.OWNER)
                under = _dataset_key_id(entry, place) if place.known else _new_lineage(entry, by, new, place)
                manifest = _commit(entry, prepared, under, store)
                facts = {"lineage": place.lineage, "version": manifest.version, "digest": manifest.digest()}
                entry.log("version", by.name, dataset=new.name, **facts)
                if place.readmitted:
                    entry.log("readmission", by.name, dataset=new.name, **facts, units=place.readmitted)
                drifted = propose(entry, by, new.name, manifest, proposals)
        except BaseException:
            store.discard(prepared.staging)  # what was published already is unknown: the next sweep takes it
            raise
    if new.remove_source:
        new.path.unlink()
    found = catalogue.owned(desk, by, new.name)
    return {
        "dataset": new.name,
        "lineage": place.lineage,
        "version": manifest.version,
        "digest": manifest.digest(),
        "columns": catalogue.columns(found, titles=True),
        "owner_report": {
            "rows": prepared.report.rows,
            "null_units_dropped": prepared.report.dropped_null_units,
            "withdrawn_dropped": prepared.report.dropped_withdrawn,
            "nonconforming": dict(prepared.report.nonconforming),
            "drifted": drifted,
            **advised,
        },
    }


def _fields(place: _Place, source: Source, new: NewDataset, rows: SampledRows) -> tuple[Field, ...]:
    if not place.known:
        return declared_fields(source, new, rows)
    check_fields(place.fields, source.columns)
    check_later(place.fields, rows)
    return place.fields


def _check_said(new: NewDataset) -> None:
    if not NAME.fullmatch(new.name):
        raise InvalidInputError("dataset.bad-name", name=new.name[:130])
    if not _NAMESPACE.fullmatch(new.namespace):
        raise InvalidInputError("dataset.bad-namespace", namespace=new.namespace[:80])
    check_reason(new.new_lineage or "")
    if new.remove_source and not os.access(new.path.parent, os.W_OK):
        raise InvalidInputError("dataset.source-stays", path=str(new.path))


@dataclass(frozen=True, slots=True)
class _Place:
    """Where a file goes: a lineage (new or known), its next version, and its keys (stored or only drawn).

    *hidden*: the tags of units withdrawn from earlier versions, less those *readmitted*.
    """

    lineage: LineageId
    version: int
    fields: tuple[Field, ...]
    keys: LayoutKeys
    filter: Filter
    delta: str = ""
    known: bool = True
    drawn_linkage: bool = False
    reason: str = ""
    hidden: frozenset[str] = frozenset()
    readmitted: int = 0


def _place(desk: Desk, by: Principal, new: NewDataset) -> _Place:
    with desk.reading() as connection:
        if tables.find(connection, new.name) is not None:
            raise InvalidInputError("dataset.name-is-public", name=new.name)
        exists = connection.scalar(sa.select(datasets.c.lineage).where(datasets.c.name == new.name))
        if exists is not None and dossier.was_removed(connection, exists):
            raise InvalidInputError("dataset.was-removed", name=new.name)
        if exists is not None or new.lineage is not None:
            return _next_version(desk, connection, by, new)
        if new.readmit is not None:
            raise InvalidInputError("dataset.nothing-withdrawn", name=new.name)
        siblings = connection.scalar(
            sa.select(sa.func.count()).select_from(lineages).where(lineages.c.namespace == new.namespace)
        )
        if siblings and not new.new_lineage:
            raise InvalidInputError("dataset.known-namespace", namespace=new.namespace)
        linkage = _stored_key(desk, connection, contexts.linkage(new.namespace))
    lineage = LineageId(secrets.token_hex(12))
    keys = LayoutKeys(linkage or secrets.token_bytes(32), secrets.token_bytes(32))
    filter_, delta = _filter(new)
    return _Place(lineage, 1, (), keys, filter_, delta, False, linkage is None, (new.new_lineage or "")[:200])


def _next_version(desk: Desk, connection: sa.Connection, by: Principal, new: NewDataset) -> _Place:
    found = dossier.read(connection, desk.workspace, new.name)
    if found.owner != by.name:
        raise dossier.unknown(new.name)
    if new.lineage != found.lineage:
        raise InvalidInputError("dataset.exists", name=new.name, lineage=found.lineage)
    manifest = found.manifest
    fixed = {"unit": manifest.unit, "namespace": manifest.namespace, "filter": found.filter.value}
    for key, registered in fixed.items():
        if getattr(new, key) != registered:
            raise InvalidInputError("dataset.fixed", key=key, registered=registered)
    check_restated(manifest.fields, new)
    linkage = _stored_key(desk, connection, contexts.linkage(manifest.namespace))
    order = _stored_key(desk, connection, contexts.row_order(found.lineage))
    if linkage is None or order is None:
        raise InvalidInputError("dataset.no-layout-keys", name=new.name)
    keys = LayoutKeys(linkage, order)
    hidden = manifest.hidden
    if new.readmit is not None:
        hidden -= tags_of(new.readmit, manifest, linkage)
    return _Place(
        lineage=found.lineage,
        version=manifest.version + 1,
        fields=manifest.fields,
        keys=keys,
        filter=found.filter,
        hidden=hidden,
        readmitted=len(manifest.hidden - hidden),
    )


def _filter(new: NewDataset) -> tuple[Filter, str]:
    if new.filter not in set(Filter):
        raise InvalidInputError("dataset.bad-filter", filter=new.filter[:40])
    chosen = Filter(new.filter)
    if chosen is Filter.PURE:
        return chosen, "0"
    delta = exact(new.delta)
    if not 0 < delta <= exact("0.001") or (delta * ATTO).denominator != 1:
        raise InvalidInputError("dataset.bad-delta", delta=new.delta[:40])
    return chosen, new.delta


def _declaration(new: NewDataset, place: _Place, fields: tuple[Field, ...]) -> Declaration:
    return Declaration(
        dataset=DatasetName(new.name),
        lineage=place.lineage,
        version=place.version,
        unit=new.unit,
        namespace=new.namespace,
        filter=place.filter.value,
        fields=fields,
        shards=new.shards,
        drop_null_units=new.drop_null_units,
        withdrawn=place.hidden,
    )


def _commit(entry: Entry, prepared: Prepared, under: KeyId, store: DirectoryStore) -> Manifest:
    return commit(
        prepared,
        connection=entry.connection,
        keyring=entry.workspace.keyring,
        under=under,
        signer=entry.workspace.manifest_key,
        store=store,
    )


def _dataset_key_id(entry: Entry, place: _Place) -> KeyId:
    found = entry.workspace.keyring.find(entry.connection, contexts.dataset(place.lineage))
    if found is None:
        raise TamperingError("key.missing", key=place.lineage)
    return found


def _new_lineage(entry: Entry, by: Principal, new: NewDataset, place: _Place) -> KeyId:
    keyring, connection = entry.workspace.keyring, entry.connection
    under, _ = keyring.create(connection, contexts.dataset(place.lineage), MASTER)
    keyring.create(connection, contexts.row_order(place.lineage), under, place.keys.order)
    if place.drawn_linkage:
        keyring.create(connection, contexts.linkage(new.namespace), MASTER, place.keys.linkage)
    facts = {
        "lineage": place.lineage,
        "namespace": new.namespace,
        "unit": new.unit,
        "filter": place.filter.value,
        "delta": place.delta,
        "owner": by.name,
        "reason": place.reason,
    }
    connection.execute(sa.insert(lineages).values(**facts, created=entry.at.isoformat()))
    entry.log("lineage", by.name, **facts)
    return under


def _stored_key(desk: Desk, connection: sa.Connection, context: Mapping[str, str]) -> bytes | None:
    keyring = desk.workspace.keyring
    key_id = keyring.find(connection, context)
    return None if key_id is None else keyring.open(connection, key_id, context)


def _sweep(desk: Desk, store: DirectoryStore) -> None:
    with desk.workspace.database.transaction() as connection:
        store.sweep(known_directories(connection, desk.workspace.manifest_key.public_key()))
