"""A version in the books: stored in one transaction, loaded with its signature, opened column by column.

The context of a column's key names (lineage, version, shard, column): a wrapped key moved to another
place in the books does not open there.  A version that withdraws units shares files and keys with the one
before it (`succeed`), so *version* is there the one that they were made for.
"""

from __future__ import annotations

import datetime as dt
import secrets
from collections.abc import Collection, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import sqlalchemy as sa
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from sandbox.books import datasets, destructions, public_tables, removals, versions
from sandbox.errors import TamperingError
from sandbox.keys import contexts
from sandbox.keys.keyring import KeyId, Keyring
from sandbox.schema import Field, LineageId
from sandbox.vault.manifest import Manifest, load_manifest, sign_manifest
from sandbox.vault.shard import FOOTER, WrittenShard, stored_columns
from sandbox.vault.store import Staging, Store

if TYPE_CHECKING:  # Arrow is kept out of commands that register nothing
    from sandbox.vault.register import Prepared


def commit(
    prepared: Prepared,
    *,
    connection: sa.Connection,
    keyring: Keyring,
    under: KeyId,
    signer: Ed25519PrivateKey,
    store: Store,
) -> Manifest:
    """Make a prepared version the dataset's current one, in the caller's transaction; return its manifest.

    *under* is the dataset's key, which wraps the columns' keys.  The caller adds its log leaf with the
    manifest's digest and commits.  On any error it rolls back; what was staged or published without a
    commit is swept.
    """
    manifest = bind(prepared, connection, keyring, under)
    _make_current(connection, manifest, signer)
    store.publish(prepared.staging, manifest.directory)
    return manifest


def replace_rows(
    manifest: Manifest,
    shards: Sequence[WrittenShard],
    staging: Staging,
    *,
    connection: sa.Connection,
    keyring: Keyring,
    under: KeyId,
    signer: Ed25519PrivateKey,
    store: Store,
) -> Manifest:
    """Make *shards*, the rows of *manifest* without its withdrawn units, the next version; as `commit`."""
    version = manifest.version + 1
    successor = replace(
        manifest,
        version=version,
        stored=None,
        directory=_directory(manifest.lineage, version),
        files=tuple(shard.file for shard in shards),
        key_ids=_stored_keys(
            connection,
            keyring,
            under,
            made=(manifest.lineage, version),
            fields=manifest.fields,
            shards=shards,
        ),
        withdrawn=(),
        dropped=tuple(sorted(manifest.hidden)),
        created=_now(),
    )
    _make_current(connection, successor, signer)
    store.publish(staging, successor.directory)
    return successor


def destroy(connection: sa.Connection, keyring: Keyring, manifest: Manifest) -> None:
    """Forget the keys of *manifest*'s files; these are then in nobody's way and swept."""
    keyring.forget(connection, [KeyId(key) for keys in manifest.key_ids for key in keys])
    connection.execute(sa.insert(destructions).values(lineage=manifest.lineage, version=manifest.home))


def standing(
    connection: sa.Connection, signed_by: Ed25519PublicKey, lineage: LineageId | None = None
) -> list[Manifest]:
    """Return the manifests, of *lineage* if given, whose files and keys were not destroyed."""
    query = sa.select(versions.c.manifest, versions.c.signature).order_by(
        versions.c.lineage, versions.c.version
    )
    if lineage is not None:
        query = query.where(versions.c.lineage == lineage)
    removed = set(connection.scalars(sa.select(removals.c.lineage)))
    gone = {(row.lineage, row.version) for row in connection.execute(sa.select(destructions))}
    every = (load_manifest(row.manifest, row.signature, signed_by) for row in connection.execute(query))
    return [one for one in every if one.lineage not in removed and (one.lineage, one.home) not in gone]


def succeed(
    manifest: Manifest, withdrawn: Collection[str], *, connection: sa.Connection, signer: Ed25519PrivateKey
) -> Manifest:
    """Make the next version current: the rows of *manifest* without the units *withdrawn* (all their tags).

    Files and keys stay those they are.  The caller logs it, as for `commit`.
    """
    successor = replace(
        manifest,
        version=manifest.version + 1,
        stored=manifest.home,
        withdrawn=tuple(sorted(withdrawn)),
        created=_now(),
    )
    _make_current(connection, successor, signer)
    return successor


def _make_current(connection: sa.Connection, manifest: Manifest, signer: Ed25519PrivateKey) -> None:
    connection.execute(
        sa.insert(versions).values(
            lineage=manifest.lineage,
            version=manifest.version,
            manifest=manifest.text(),
            signature=sign_manifest(manifest, signer),
            digest=manifest.digest(),
            created=manifest.created,
        )
    )
    connection.execute(sa.delete(datasets).where(datasets.c.name == manifest.dataset))
    connection.execute(
        sa.insert(datasets).values(
            name=manifest.dataset, lineage=manifest.lineage, current_version=manifest.version
        )
    )


def _now() -> str:
    return dt.datetime.now(dt.UTC).isoformat(timespec="seconds")


def bind(prepared: Prepared, connection: sa.Connection, keyring: Keyring, under: KeyId) -> Manifest:
    """Put the raw keys of *prepared* into the keyring and return the manifest that names them."""
    declared = prepared.declaration
    made = declared.lineage, declared.version
    key_ids = _stored_keys(
        connection, keyring, under, made=made, fields=declared.fields, shards=prepared.shards
    )
    return Manifest(
        dataset=declared.dataset,
        lineage=declared.lineage,
        version=declared.version,
        unit=declared.unit,
        namespace=declared.namespace,
        filter=declared.filter,
        fields=declared.fields,
        directory=_directory(*made),
        files=tuple(shard.file for shard in prepared.shards),
        key_ids=key_ids,
        withdrawn=(),
        created=_now(),
        dropped=tuple(sorted(declared.withdrawn)),
    )


def _directory(lineage: LineageId, version: int) -> str:
    return f"{lineage}.{version}.{secrets.token_hex(8)}"


def _stored_keys(
    connection: sa.Connection,
    keyring: Keyring,
    under: KeyId,
    *,
    made: tuple[LineageId, int],
    fields: tuple[Field, ...],
    shards: Sequence[WrittenShard],
) -> tuple[tuple[str, ...], ...]:
    """Put the raw keys of *shards* into the keyring, made for that lineage and version; return the ids."""
    return tuple(
        tuple(
            keyring.create(
                connection, contexts.column(*made, number, column), under=under, key=shard.keys[column]
            )[0]
            for column in (FOOTER, *stored_columns(fields))
        )
        for number, shard in enumerate(shards)
    )


def load_version(
    connection: sa.Connection, lineage: LineageId, version: int, signed_by: Ed25519PublicKey
) -> Manifest:
    """Return the manifest of one version.

    Raises `TamperingError` unless it is there, signed by *signed_by*, and of that version.
    """
    row = connection.execute(
        sa.select(versions.c.manifest, versions.c.signature).where(
            versions.c.lineage == lineage, versions.c.version == version
        )
    ).one_or_none()
    if row is None:
        raise TamperingError("vault.missing-manifest", lineage=lineage, version=version)
    manifest = load_manifest(row.manifest, row.signature, signed_by)
    if (manifest.lineage, manifest.version) != (lineage, version):
        raise TamperingError("vault.wrong-manifest", lineage=lineage, version=version)
    return manifest


def known_directories(connection: sa.Connection, signed_by: Ed25519PublicKey) -> set[str]:
    """Return the names in the store of all versions and public tables that are: what `Store.sweep` keeps."""
    private = {manifest.directory for manifest in standing(connection, signed_by)}
    return private | set(connection.scalars(sa.select(public_tables.c.directory)))


def open_column_keys(
    manifest: Manifest, connection: sa.Connection, keyring: Keyring, columns: Sequence[str]
) -> list[dict[str, bytes]]:
    """Return for each shard the keys that read *columns* (with FOOTER's), ready for `read_batches`.

    Raises `TamperingError` for a wrapped key that is not the one the manifest names.
    """
    wanted = [
        (shard, column, KeyId(manifest.key_id(shard, column)))
        for shard in range(manifest.shards)
        for column in dict.fromkeys((FOOTER, *columns))
    ]
    opened = keyring.open_many(
        connection,
        {
            key: contexts.column(manifest.lineage, manifest.home, shard, column)
            for shard, column, key in wanted
        },
    )
    keys: list[dict[str, bytes]] = [{} for _ in range(manifest.shards)]
    for shard, column, key in wanted:
        keys[shard][column] = opened[key]
    return keys
