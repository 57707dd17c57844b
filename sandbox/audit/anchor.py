"""The newest checkpoint, kept outside the workspace.

Law: a workspace copied back from yesterday verifies in itself; only somebody who remembers today can tell.
The anchor is such a memory in one file of the same account, outside the workspace.  It never goes back by
itself, and it runs at most one crash behind the log, never ahead of it: it is written after the commit.
Where a reviewer accepts an older copy (ADR 30), it is moved aside, never deleted.
"""

from __future__ import annotations

import fcntl
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import sqlalchemy as sa

from sandbox.audit.checkpoint import Checkpoint, VerifierKey, parse_and_verify, read_unverified
from sandbox.audit.merkle import consistency_proof, root_at, verify_consistency
from sandbox.audit.store import lookup, newest_note, read_head
from sandbox.errors import TamperingError
from sandbox.keys.files import replace_private


@dataclass(frozen=True, slots=True)
class Lost:
    """A log that was seen before and is not the stored one: checkpoint, note, and what shows it."""

    checkpoint: Checkpoint
    note: str
    code: str


def foretell(directory: Path, workspace_id: str, connection: sa.Connection) -> TamperingError | None:
    """Return what `Anchor.check` will complain of, told without the log's key: decide nothing by it."""
    path = _file(directory, workspace_id)
    kept = read_unverified(path.read_text(errors="replace")) if path.is_file() else None
    if kept is None:
        return None
    head = read_unverified(newest_note(connection) or "")
    if head is None or head.size < kept.size:
        found = head.size if head else 0
        return TamperingError("log.rolled-back", found=found, kept=kept.size, path=str(path))
    same = root_at(lookup(connection), kept.size) == kept.root
    return None if same else TamperingError("log.forked", kept=kept.size)


def _file(directory: Path, workspace_id: str) -> Path:
    return directory / f"{workspace_id}.checkpoint"


class Anchor:
    """Remembers one workspace's newest checkpoint in *directory*.

    Both methods want a connection that has not read yet in its transaction, or holds the writers' lock: an
    older snapshot would look like a log that was rolled back.
    """

    def __init__(self, directory: Path, workspace_id: str, key: VerifierKey) -> None:
        if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9_-]{0,99}", workspace_id):
            raise ValueError("a workspace id is letters, digits, - and _")
        self.path = _file(directory, workspace_id)
        self._key = key

    def check(self, connection: sa.Connection) -> None:
        """Raise `TamperingError` unless the stored log begins with all that was anchored.

        ``log.rolled-back``: the log is shorter than it was.  ``log.forked``: it is another log.  Nothing is
        said where no anchor was ever written.
        """
        kept = self._kept()
        if kept is not None:
            self._compare(connection, kept)

    def lost(self, connection: sa.Connection) -> Lost | None:
        """Return what `check` would complain of, or None if the stored log goes on from what was anchored."""
        kept = self._kept()
        if kept is None:
            return None
        try:
            self._compare(connection, kept)
        except TamperingError as error:
            return Lost(kept, self.path.read_text(), error.code)
        return None

    def begin_again(self, connection: sa.Connection, lost: Lost) -> None:
        """Remember the stored log from now on; the note of the *lost* one stays beside."""
        with self._locked():
            note = newest_note(connection)
            if note is None or self._kept() != lost.checkpoint:
                return  # another process was faster
            aside = f"lost-{lost.checkpoint.size}-{lost.checkpoint.root.hex()[:8]}"
            replace_private(self.path.with_suffix(f".{aside}"), lost.note.encode())
            replace_private(self.path, note.encode())

    def advance(self, connection: sa.Connection) -> None:
        """Remember the newest checkpoint, after the check; call it once the append is committed."""
        with self._locked():
            kept = self._kept()
            if kept is not None:
                self._compare(connection, kept)
            note = newest_note(connection)
            if note is None:
                return
            if kept is None or parse_and_verify(note, self._key).size > kept.size:
                replace_private(self.path, note.encode())

    def _kept(self) -> Checkpoint | None:
        try:
            note = self.path.read_bytes()
        except FileNotFoundError:
            return None
        return parse_and_verify(note.decode(errors="replace"), self._key)

    def _compare(self, connection: sa.Connection, kept: Checkpoint) -> None:
        head = read_head(connection, self._key)
        if head.size < kept.size:
            raise TamperingError("log.rolled-back", found=head.size, kept=kept.size, path=str(self.path))
        proof = consistency_proof(lookup(connection), kept.size, head.size)
        try:
            verify_consistency(kept.size, kept.root, head.size, head.root, proof)
        except TamperingError:
            raise TamperingError("log.forked", kept=kept.size) from None

    @contextmanager
    def _locked(self) -> Iterator[None]:
        self.path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        with self.path.with_suffix(".lock").open("a") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)  # given back when the file is closed, by a crash too
            yield
