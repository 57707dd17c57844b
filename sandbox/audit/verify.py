"""The reviewer's check of a whole log: everything is computed again from the leaves.

Law: the verifier trusts one public key and the checkpoints that it kept, and nothing in the database.  Leaf
numbers are dense from 0; each entry hashes to its leaf, the leaves to every stored node and to the signed
root, and the tree passed through every kept checkpoint.  Leaves and nodes are streamed: memory does not
grow with the log.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

import sqlalchemy as sa

from sandbox.audit.checkpoint import Checkpoint, VerifierKey, parse_and_verify
from sandbox.audit.merkle import Frontier, leaf_hash
from sandbox.audit.store import ENTRY, HASH, check_end, newest_note, read_head
from sandbox.books import leaves, nodes
from sandbox.errors import TamperingError

Progress = Callable[[int, int], None]
"""Called with (leaves verified, leaves in all)."""

_PROGRESS_EVERY: Final = 10_000
_STREAM: Final = {"yield_per": 1_000}


@dataclass(frozen=True, slots=True)
class Verified:
    """What holds: the log's head, its note (None if empty), and how many kept checkpoints it passed."""

    head: Checkpoint
    note: str | None
    kept: int


def verify(
    connection: sa.Connection, key: VerifierKey, kept: Iterable[str] = (), progress: Progress | None = None
) -> Verified:
    """Verify the stored log under *key* and against *kept* checkpoint notes, or raise `TamperingError`.

    The first thing that is wrong is named: ``log.bad-signature``, ``log.shorter-than-kept``,
    ``log.missing-leaf``, ``log.unsigned-leaf``, ``log.bad-leaf``, ``log.bad-node``, ``log.forked``,
    ``log.bad-root``, ``log.surplus-nodes``.
    """
    head = read_head(connection, key)
    promises = [parse_and_verify(note, key) for note in kept]
    for promise in promises:
        if promise.size > head.size:
            raise TamperingError("log.shorter-than-kept", found=head.size, kept=promise.size)
    check_end(connection, head.size)
    _recompute(connection, head, promises, progress)
    return Verified(head, newest_note(connection), len(promises))


def _recompute(
    connection: sa.Connection, head: Checkpoint, promises: Sequence[Checkpoint], progress: Progress | None
) -> None:
    frontier = Frontier()
    tree = _StoredTree(connection)
    stops = {promise.size for promise in promises}
    for text in _entries(connection):
        tree.expect(frontier.size, frontier.push(leaf_hash(text)))
        if frontier.size in stops:
            _check_promises(frontier, promises)
        if progress and (frontier.size % _PROGRESS_EVERY == 0 or frontier.size == head.size):
            progress(frontier.size, head.size)
    if frontier.root() != head.root:
        raise TamperingError("log.bad-root", size=head.size)
    tree.end(frontier.size)


def _check_promises(frontier: Frontier, promises: Sequence[Checkpoint]) -> None:
    for promise in promises:
        if promise.size == frontier.size and promise.root != frontier.root():
            raise TamperingError("log.forked", kept=promise.size)


def _entries(connection: sa.Connection) -> Iterator[bytes]:
    """Yield the stored entries; raise `TamperingError` at the first number that is not the next."""
    query = sa.select(leaves.c.leaf, ENTRY).order_by(leaves.c.leaf)
    for number, (leaf, entry) in enumerate(connection.execute(query, execution_options=_STREAM)):
        if leaf != number:
            raise TamperingError("log.missing-leaf", leaf=number)
        yield entry


class _StoredTree:
    """The stored nodes, one stream a level: nodes are completed in the order of their positions."""

    def __init__(self, connection: sa.Connection) -> None:
        self._connection = connection
        self._levels: list[Iterator[sa.Row[Any]]] = []

    def expect(self, leaf: int, completed: Sequence[bytes]) -> None:
        """Raise unless the nodes that number *leaf* completes, by level, are the next ones stored."""
        for level, expected in enumerate(completed):
            if level == len(self._levels):
                self._levels.append(self._stream(level))
            stored: Any = next(self._levels[level], None)
            if stored is None or stored[1] != expected or stored[0] != leaf >> level:
                raise _bad(level, leaf >> level, found=stored is not None and stored[0] == leaf >> level)

    def end(self, size: int) -> None:
        """Raise if there are more nodes than the tree of *size* leaves has."""
        stored = self._connection.scalar(sa.select(sa.func.count()).select_from(nodes))
        if stored != 2 * size - size.bit_count():
            raise TamperingError("log.surplus-nodes", size=size)

    def _stream(self, level: int) -> Iterator[sa.Row[Any]]:
        query = sa.select(nodes.c.position, HASH).where(nodes.c.level == level).order_by(nodes.c.position)
        return iter(self._connection.execute(query, execution_options=_STREAM))


def _bad(level: int, position: int, *, found: bool) -> TamperingError:
    if found and level == 0:
        return TamperingError("log.bad-leaf", leaf=position)
    return TamperingError("log.bad-node", level=level, position=position, leaf=position << level)
