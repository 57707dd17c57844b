"""The log of everything that happened: append-only, signed after every append.

Law: an entry is part of the transaction that it tells of, or neither happened.  Before a log grows it
checks that what it grows from is what it signed last, so that a forged leaf is never signed into it.
Entries hold digests and salted hashes only: who reads the log learns no job text and no cell value.  A new
note leaves the process only after the commit: one that was rolled back must not count as another history.

Stored: each entry as the canonical JSON that is hashed, every node of the tree once, and the newest signed
checkpoint.  Older checkpoints are in the hands of those who kept them.
"""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Iterable, Mapping
from itertools import starmap
from typing import Any, Final

import sqlalchemy as sa
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from sandbox import canonical
from sandbox.audit.checkpoint import Checkpoint, VerifierKey, sign
from sandbox.audit.merkle import Frontier, Node, leaf_hash, peaks
from sandbox.audit.store import check_end, lookup, read_head
from sandbox.books import checkpoints, leaves, nodes
from sandbox.errors import TamperingError

ENTRY_KEYS: Final = frozenset({"kind", "time", "actor", "facts"})
"""What every entry says: what happened, when (UTC, ISO 8601), who did it, and public facts."""


class Log:
    """Appends to the log named *origin* in the caller's transaction."""

    def __init__(self, origin: str, signing_key: Ed25519PrivateKey) -> None:
        self._signing_key = signing_key
        self.key: Final = VerifierKey.of(origin, signing_key)

    def append(self, connection: sa.Connection, entry: Mapping[str, Any]) -> int:
        """Add *entry* (kind, time, actor, facts: JSON without floats); return its leaf number, from 0.

        Raises `TamperingError` if the end of the stored log is not what was signed last.
        """
        return self.extend(connection, [entry])[0]

    def extend(self, connection: sa.Connection, entries: Iterable[Mapping[str, Any]]) -> range:
        """Add several entries under one signature; return their leaf numbers.  Errors as for `append`."""
        texts = [_encoded(entry) for entry in entries]
        frontier = self._frontier(connection)
        first = frontier.size
        added = [node for text in texts for node in frontier.append(leaf_hash(text))]
        numbers = range(first, frontier.size)
        if not texts:
            return numbers
        rows = [{"leaf": number, "entry": text.decode()} for number, text in zip(numbers, texts, strict=True)]
        connection.execute(sa.insert(leaves), rows)
        _insert_nodes(connection, added, first)
        note = sign(Checkpoint(self.key.name, frontier.size, frontier.root()), self._signing_key)
        connection.execute(sa.delete(checkpoints))
        connection.execute(sa.insert(checkpoints), {"size": frontier.size, "note": note})
        return numbers

    def head(self, connection: sa.Connection) -> Checkpoint:
        """Return the newest checkpoint; raise `TamperingError` if its signature does not hold."""
        return read_head(connection, self.key)

    def attest(self, purpose: bytes, data: bytes) -> bytes:
        """Return the log's signature over *data* for a *purpose*, which no checkpoint can be taken for."""
        if not purpose.startswith(b"keyong ") or not purpose.endswith(b"\n"):
            raise ValueError("a purpose is a line that no log's name begins like")
        return self._signing_key.sign(purpose + data)

    def _frontier(self, connection: sa.Connection) -> Frontier:
        """Return the end of the tree, proved against the newest signature."""
        head = self.head(connection)
        check_end(connection, head.size)
        frontier = Frontier(head.size, starmap(lookup(connection), peaks(head.size)))
        if frontier.root() != head.root:
            raise TamperingError("log.bad-root", size=head.size)
        return frontier


def _insert_nodes(connection: sa.Connection, added: list[Node], size: int) -> None:
    rows = [{"level": node.level, "position": node.position, "hash": node.hash} for node in added]
    try:
        connection.execute(sa.insert(nodes), rows)
    except sa.exc.IntegrityError:  # somebody put a node where the tree had not grown yet
        raise TamperingError("log.surplus-nodes", size=size) from None


def salted(text: str, salt: str | None = None) -> tuple[str, str]:
    """Return (salt, digest): what an entry may say of a text that it must not hold.

    The digest is SHA-256 of the 16-byte salt and the text in hexadecimal.  The salt is kept beside the text,
    outside the log; given again, it shows that a text is the one logged.  Without it, guessing a short text
    gives nothing.
    """
    salt = salt or secrets.token_hex(16)
    return salt, hashlib.sha256(bytes.fromhex(salt) + text.encode()).hexdigest()


def _encoded(entry: Mapping[str, Any]) -> bytes:
    if entry.keys() != ENTRY_KEYS:
        raise ValueError("a log entry says kind, time, actor and facts")
    return canonical.encode(dict(entry))
