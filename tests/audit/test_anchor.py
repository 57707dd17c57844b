"""What stands outside the workspace remembers what the workspace was."""

from __future__ import annotations

import shutil
from concurrent.futures import ThreadPoolExecutor

import pytest

from sandbox.audit.anchor import Anchor
from sandbox.audit.checkpoint import Checkpoint, VerifierKey, parse_and_verify, sign
from sandbox.audit.log import Log
from sandbox.audit.verify import verify
from sandbox.database import Database


@pytest.fixture
def anchored(books, tmp_path):
    """A log of 21 entries and its anchor, 13 of them anchored."""
    book = books(13)
    anchor = Anchor(tmp_path / "outside" / "keyong", "w1", book.key)
    advance(book, anchor)
    book.grow(8, first=13)
    return book, anchor


def advance(book, anchor) -> None:
    with book.database.reading() as connection:
        anchor.advance(connection)


def check(book, anchor) -> None:
    with book.database.reading() as connection:
        anchor.check(connection)


def kept(book, anchor) -> int:
    return parse_and_verify(anchor.path.read_text(), book.key).size


def test_a_crash_before_the_anchor_is_fine(anchored):
    book, anchor = anchored
    check(book, anchor)
    assert kept(book, anchor) == 13
    advance(book, anchor)
    assert kept(book, anchor) == 21
    advance(book, anchor)
    check(book, anchor)


def test_nothing_is_said_without_an_anchor(books, tmp_path):
    book = books()
    anchor = Anchor(tmp_path / "outside", "w1", book.key)
    check(book, anchor)
    advance(book, anchor)
    assert not anchor.path.exists()


def test_files_are_private(anchored):
    _, anchor = anchored
    assert anchor.path.stat().st_mode & 0o777 == 0o600
    assert anchor.path.parent.stat().st_mode & 0o777 == 0o700
    assert sorted(path.name for path in anchor.path.parent.iterdir()) == ["w1.checkpoint", "w1.lock"]


def cut(book, size: int, old_note: str) -> None:
    """Bring the log back to what it was at *size* leaves, newest checkpoint and all."""
    book.sql("DELETE FROM leaves WHERE leaf >= ?", size)
    book.sql("DELETE FROM nodes WHERE (position + 1) << level > ?", size)
    book.sql("UPDATE checkpoints SET size = ?, note = ?", size, old_note)


def test_a_cut_tail_verifies_in_itself_and_fails_against_the_anchor(books, tmp_path, refused):
    book = books(13)
    note = book.note()
    anchor = Anchor(tmp_path / "outside", "w1", book.key)
    book.grow(8)
    newest = book.note()
    advance(book, anchor)
    cut(book, 13, note)
    with book.database.reading() as connection:
        assert verify(connection, book.key, [note]).head.size == 13
    with refused("log.rolled-back", found=13, kept=21), book.database.reading() as connection:
        anchor.check(connection)
    with refused("log.shorter-than-kept", found=13, kept=21), book.database.reading() as connection:
        verify(connection, book.key, [note, newest])


def test_an_older_database_copied_back(anchored, tmp_path, refused):
    book, anchor = anchored
    book.database.close()
    shutil.copy(book.database.path, tmp_path / "backup.sqlite")
    book.grow(1)
    advance(book, anchor)
    book.database.close()
    shutil.copy(tmp_path / "backup.sqlite", book.database.path)
    for action in (check, advance):
        with refused("log.rolled-back", found=21, kept=22):
            action(book, anchor)
    assert kept(book, anchor) == 22


def test_an_emptied_log(anchored, refused):
    book, anchor = anchored
    for table in ("leaves", "nodes", "checkpoints"):
        book.sql(f"DELETE FROM {table}")
    for action in (check, advance):
        with refused("log.rolled-back", found=0, kept=13):
            action(book, anchor)


@pytest.mark.parametrize("length", [13, 20, 21, 64])
def test_a_fork_signed_with_the_real_key(anchored, tmp_path, refused, length):
    book, anchor = anchored
    fork = Database(tmp_path / "fork.sqlite")
    fork.create()
    with fork.transaction() as connection:
        entries = [{"kind": "forged", "time": "", "actor": "", "facts": {"n": n}} for n in range(length)]
        Log(book.key.name, book.signing_key).extend(connection, entries)
    kept_note = anchor.path.read_text()
    with fork.reading() as connection:
        assert verify(connection, book.key).head.size == length
    for action in (anchor.check, anchor.advance):
        with refused("log.forked", kept=13), fork.reading() as connection:
            action(connection)
    with refused("log.forked", kept=13), fork.reading() as connection:
        verify(connection, book.key, [kept_note])
    assert anchor.path.read_text() == kept_note
    fork.close()


def test_a_fork_that_brings_the_old_nodes_along(anchored, refused):
    """The stored nodes of the old tree do not help: the proof must meet the new signed root."""
    book, anchor = anchored
    book.sql("UPDATE leaves SET entry = '{}' WHERE leaf = 20")
    with book.database.reading() as connection:
        forged = Log(book.key.name, book.signing_key).head(connection)
    note = sign(Checkpoint(forged.origin, 21, bytes(32)), book.signing_key)
    book.sql("UPDATE checkpoints SET note = ?", note)
    with refused("log.forked", kept=13):
        check(book, anchor)


def test_an_edited_anchor_is_found(anchored, refused):
    book, anchor = anchored
    anchor.path.write_text(anchor.path.read_text().replace("\n13\n", "\n12\n"))
    with refused("log.bad-signature"):
        check(book, anchor)
    anchor.path.write_bytes(b"")
    with refused("log.bad-checkpoint"):
        advance(book, anchor)


def test_another_workspace_behind_the_anchor(anchored, books, refused):
    _, anchor = anchored
    stranger = books(30, name="stranger")
    with refused("log.bad-signature"):
        check(stranger, anchor)


def test_many_writers_never_take_the_anchor_back(books, tmp_path):
    book = books(1)
    anchor = Anchor(tmp_path / "outside", "w1", book.key)

    def write(number: int) -> int:
        book.grow(1, first=number)
        advance(book, anchor)
        return kept(book, anchor)

    with ThreadPoolExecutor(6) as pool:
        seen = list(pool.map(write, range(60)))
    assert max(seen) == 61 == kept(book, anchor)
    check(book, anchor)


def test_a_failed_write_keeps_the_old_anchor(anchored, monkeypatch):
    book, anchor = anchored

    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", full)
    with pytest.raises(OSError, match="No space"):
        advance(book, anchor)
    monkeypatch.undo()
    assert kept(book, anchor) == 13
    assert len(list(anchor.path.parent.iterdir())) == 2


@pytest.mark.parametrize("name", ["", "../w", "a/b", ".", "a" * 101, "a\n"])
def test_a_workspace_id_is_no_path(tmp_path, name):
    with pytest.raises(ValueError, match="workspace id"):
        Anchor(tmp_path, name, VerifierKey("x", bytes(32)))
