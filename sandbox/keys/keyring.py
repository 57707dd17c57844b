"""Every key of a workspace but the master key, wrapped, in the table ``wrapped_keys``.

Law: a key opens only as what it was made for.  Its row is bound to its opaque id and to its *context* (what
the key is: purpose, lineage, version, shard, column …) as the associated data of the wrap, and whoever opens
a key states the context that is expected.  A row that was swapped, renamed or edited is a `TamperingError`.

The chain: the provider's master key wraps a dataset's key, that wraps the keys of its columns.  A parent on
the chain is checked against the context in its own row: its id is bound to that context too, and a child
opens under no other parent.

A key may take another's place (`rotate`, `rewrap`): what it wraps is wrapped anew, and nothing else changes.
A process that still holds a master key which was replaced since must neither open nor wrap by it: it is told
by the one row that it *watches*.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import islice
from typing import Any, Final, NewType

import sqlalchemy as sa

from sandbox import canonical
from sandbox.books import wrapped_keys
from sandbox.errors import StorageError, TamperingError
from sandbox.keys.provider import KEY_BYTES, KeyProvider, WrappingKey

KeyId = NewType("KeyId", str)
"""128 random bits in hexadecimal: says nothing about what the key opens."""

MASTER: Final = KeyId("master")
"""The provider's key, as the name of a wrapping key."""

Context = Mapping[str, str]
"""What a key is for; public, unique within a workspace."""

_LONGEST_CHAIN: Final = 4  # master, dataset, column and one to spare; a forged cycle must end
_BATCH: Final = 5_000  # ids in one statement; SQLite takes 32,766


class Keyring:
    """Makes, opens and forgets keys in the caller's transaction."""

    def __init__(self, provider: KeyProvider) -> None:
        self._provider = provider
        self._watched: tuple[KeyId, bytes] | None = None

    def adopt(self, connection: sa.Connection, provider: KeyProvider, key_id: KeyId) -> None:
        """Go on with the master key that *provider* keeps; *key_id*: any key it wraps, to be watched."""
        self._provider = provider
        self._watched = (key_id, self._wrapped(connection, key_id))

    def create(
        self, connection: sa.Connection, context: Context, under: KeyId = MASTER, key: bytes | None = None
    ) -> tuple[KeyId, bytes]:
        """Store a key (32 bytes, random unless given) wrapped by *under*; return its id and the key.

        Raises SQLAlchemy's `IntegrityError` if a key of that context exists: forget it first.
        """
        if key is None:
            key = secrets.token_bytes(KEY_BYTES)
        return self._store(connection, [(context, key)], under)[0]

    def create_many(
        self, connection: sa.Connection, contexts: Iterable[Context], under: KeyId = MASTER
    ) -> list[tuple[KeyId, bytes]]:
        """Store a random key for each context, in order, as `create` does; made for 10^5 of them."""
        keys = [(context, secrets.token_bytes(KEY_BYTES)) for context in contexts]
        return self._store(connection, keys, under)

    def open(self, connection: sa.Connection, key_id: KeyId, context: Context) -> bytes:
        """Return the key; raise `TamperingError` unless it is there and was made for *context*."""
        return self.open_many(connection, {key_id: context})[key_id]

    def open_many(self, connection: sa.Connection, expected: Mapping[KeyId, Context]) -> dict[KeyId, bytes]:
        """Return the keys by id; each wrapping key is opened once.  Errors as for `open`."""
        wrappers: dict[KeyId, KeyProvider] = {}
        opened: dict[KeyId, bytes] = {}
        for row in _rows(connection, expected):
            under = _text(row.wrapped_by)
            if under not in wrappers:
                wrappers[under] = self._wrapper(connection, under)
            bound = _bound(row.key_id, canonical.encode(expected[row.key_id]))
            opened[row.key_id] = wrappers[under].unwrap(row.wrapped, bound)
        for key_id in expected.keys() - opened.keys():
            raise TamperingError("key.missing", key=key_id)
        return opened

    def find(self, connection: sa.Connection, context: Context) -> KeyId | None:
        """Return the id of the key of *context*; nothing is proved before it is opened."""
        query = sa.select(wrapped_keys.c.key_id).where(wrapped_keys.c.context == _stored(context))
        found = connection.scalar(query)
        return None if found is None else KeyId(found)

    def rotate(self, connection: sa.Connection, context: Context) -> tuple[KeyId, int]:
        """Put a new key in the place of that of *context*; return its id and how many keys it wraps.

        It is wrapped by the master key, and wraps all that the old one wrapped; the old one is forgotten.
        """
        old = self.find(connection, context)
        if old is None:
            raise TamperingError("key.missing", key=canonical.encode(dict(context)).decode())
        before = WrappingKey(self.open(connection, old, context))
        self.forget(connection, [old])
        new, key = self.create(connection, context)
        return new, self._rewrap(connection, before, WrappingKey(key), old, new)

    def rewrap(self, connection: sa.Connection, by: KeyProvider) -> int:
        """Wrap all that the master key wraps by that of *by* instead; return how many keys that were.

        This keyring goes on with the old one until it is told to `adopt`.
        """
        return self._rewrap(connection, self._wrapper(connection, MASTER), by, MASTER, MASTER)

    def wrapped_by(self, connection: sa.Connection, key_id: KeyId) -> list[KeyId]:
        """Return the ids of the keys that *key_id* wraps."""
        query = sa.select(wrapped_keys.c.key_id).where(wrapped_keys.c.wrapped_by == key_id)
        return [KeyId(found) for found in connection.scalars(query)]

    def forget(self, connection: sa.Connection, key_ids: Iterable[KeyId]) -> None:
        """Delete the rows; once committed, whatever those keys (or keys under them) opened is lost.

        The database overwrites deleted rows (secure_delete); a backup taken before still has them.
        """
        for batch in _batches(key_ids):
            connection.execute(sa.delete(wrapped_keys).where(wrapped_keys.c.key_id.in_(batch)))

    def _store(
        self, connection: sa.Connection, keys: Sequence[tuple[Context, bytes]], under: KeyId
    ) -> list[tuple[KeyId, bytes]]:
        wrapper = self._wrapper(connection, under)
        made: list[tuple[KeyId, bytes]] = []
        rows: list[dict[str, Any]] = []
        for context, key in keys:
            key_id, stored = KeyId(secrets.token_hex(16)), _stored(context)
            wrapped = wrapper.wrap(key, _bound(key_id, stored.encode()))
            rows.append({"key_id": key_id, "context": stored, "wrapped_by": under, "wrapped": wrapped})
            made.append((key_id, key))
        if rows:
            connection.execute(sa.insert(wrapped_keys), rows)
        return made

    def _wrapper(self, connection: sa.Connection, key_id: KeyId, depth: int = 1) -> KeyProvider:
        if key_id == MASTER:
            if self._watched and self._watched[1] != self._wrapped(connection, self._watched[0]):
                raise StorageError("key.rotated-meanwhile")
            return self._provider
        if depth == _LONGEST_CHAIN:
            raise TamperingError("key.chain-too-long", key=key_id)
        for row in _rows(connection, [key_id]):
            parent = self._wrapper(connection, _text(row.wrapped_by), depth + 1)
            return WrappingKey(parent.unwrap(row.wrapped, _bound(key_id, row.context)))
        raise TamperingError("key.missing", key=key_id)

    def _rewrap(
        self, connection: sa.Connection, before: KeyProvider, after: KeyProvider, old: KeyId, new: KeyId
    ) -> int:
        rows = []
        for row in _rows(connection, self.wrapped_by(connection, old)):
            bound = _bound(row.key_id, row.context)
            rows.append({"id": row.key_id, "key": after.wrap(before.unwrap(row.wrapped, bound), bound)})
        if rows:
            change = sa.update(wrapped_keys).where(wrapped_keys.c.key_id == sa.bindparam("id"))
            connection.execute(change.values(wrapped_by=new, wrapped=sa.bindparam("key")), rows)
        return len(rows)

    def _wrapped(self, connection: sa.Connection, key_id: KeyId) -> bytes:
        return b"".join(row.wrapped for row in _rows(connection, [key_id]))


def _stored(context: Context) -> str:
    return canonical.encode(dict(context)).decode()


def _bound(key_id: KeyId, context: bytes) -> bytes:
    """Return the associated data of a wrap: the id and the context, canonical JSON without a newline."""
    return key_id.encode() + b"\n" + context


def _text(value: bytes) -> KeyId:
    return KeyId(value.decode(errors="replace"))


def _rows(connection: sa.Connection, key_ids: Iterable[KeyId]) -> Iterator[sa.Row[Any]]:
    # Read as bytes: a forged row may hold anything, and must fail as a bad wrap, not as a bad type.
    table = wrapped_keys.c
    doubted = (table.context, table.wrapped_by, table.wrapped)
    forged = [sa.cast(column, sa.LargeBinary).label(column.name) for column in doubted]
    for batch in _batches(key_ids):
        yield from connection.execute(sa.select(table.key_id, *forged).where(table.key_id.in_(batch)))


def _batches(key_ids: Iterable[KeyId]) -> Iterator[list[KeyId]]:
    remaining = iter(key_ids)
    while batch := list(islice(remaining, _BATCH)):
        yield batch
