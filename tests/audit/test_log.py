"""Appending: in the caller's transaction, few statements, never on top of something forged."""

from __future__ import annotations

import hashlib
import json
from concurrent.futures import ThreadPoolExecutor

import pytest
import sqlalchemy as sa

from sandbox.audit.checkpoint import parse_and_verify
from sandbox.audit.log import salted
from sandbox.audit.merkle import EMPTY_ROOT, leaf_hash, root
from sandbox.audit.verify import verify
from sandbox.books import checkpoints, leaves


def entry(number: int) -> dict[str, object]:
    return {"kind": "release", "time": "2026-11-23T08:00:00Z", "actor": "ana", "facts": {"n": number}}


def test_numbers_entries_and_head(books):
    book = books()
    with book.database.reading() as connection:
        assert (book.log.head(connection).size, book.log.head(connection).root) == (0, EMPTY_ROOT)
    with book.database.transaction() as connection:
        assert [book.log.append(connection, entry(number)) for number in range(5)] == [0, 1, 2, 3, 4]
        assert book.log.extend(connection, map(entry, range(5, 9))) == range(5, 9)
        assert book.log.extend(connection, []) == range(9, 9)
    with book.database.reading() as connection:
        stored = connection.scalars(sa.select(leaves.c.entry).order_by(leaves.c.leaf)).all()
        assert [json.loads(text) for text in stored] == [entry(number) for number in range(9)]
        head = book.log.head(connection)
        assert (head.size, head.root) == (9, root(leaf_hash(text.encode()) for text in stored))
        assert connection.scalar(sa.select(sa.func.count()).select_from(checkpoints)) == 1
    assert parse_and_verify(book.note(), book.key) == head


def test_append_after_append_equals_extend(books, tmp_path):
    one, many = books(name="one"), books(name="many")
    for number in range(70):
        with one.database.transaction() as connection:
            one.log.append(connection, entry(number))
    with many.database.transaction() as connection:
        many.log.extend(connection, map(entry, range(70)))
    with one.database.reading() as first, many.database.reading() as second:
        assert one.log.head(first) == many.log.head(second)
        for table in ("leaves", "nodes"):
            query = f"SELECT * FROM {table} ORDER BY 1, 2"
            assert first.exec_driver_sql(query).all() == second.exec_driver_sql(query).all()


def test_a_rolled_back_transaction_logs_nothing(books):
    book = books(5)
    note = book.note()

    def fail() -> None:
        with book.database.transaction() as connection:
            book.log.append(connection, entry(1))
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
    assert book.note() == note
    book.grow(3)
    with book.database.reading() as connection:
        assert verify(connection, book.key).head.size == 8


def test_an_append_takes_few_statements(books):
    book = books(1000)
    counted = []
    with book.database.transaction() as connection:
        sa.event.listen(connection, "before_cursor_execute", lambda *each: counted.append(each[2]))
        book.log.append(connection, entry(0))
    assert len(counted) <= 7 + (1000).bit_count(), counted


def test_concurrent_writers_make_one_dense_log(books):
    book = books()

    def write(number: int) -> int:
        with book.database.transaction() as connection:
            return book.log.append(connection, entry(number))

    with ThreadPoolExecutor(8) as pool:
        assert sorted(pool.map(write, range(80))) == list(range(80))
    with book.database.reading() as connection:
        assert verify(connection, book.key).head.size == 80


@pytest.mark.parametrize(
    "wrong",
    [{}, {"kind": "x"}, {**entry(1), "more": 1}, {"kind": "x", "time": "t", "actor": "a", "extra": {}}],
)
def test_an_entry_says_four_things(books, wrong):
    book = books()
    with pytest.raises(ValueError, match="kind, time, actor"), book.database.transaction() as connection:
        book.log.append(connection, wrong)


def test_no_floats_in_entries(books):
    book = books()
    with pytest.raises(TypeError), book.database.transaction() as connection:
        book.log.append(connection, {**entry(1), "facts": {"epsilon": 0.5}})


def test_salted():
    salt, digest = salted("SELECT 年龄")
    assert digest == hashlib.sha256(bytes.fromhex(salt) + "SELECT 年龄".encode()).hexdigest()
    assert salted("SELECT 年龄", salt) == (salt, digest)
    assert salted("SELECT 年龄") != (salt, digest)
    assert salted("SELECT 年齢", salt)[1] != digest
    assert len(bytes.fromhex(salt)) == 16


@pytest.mark.parametrize(
    ("forgery", "code"),
    [
        ("INSERT INTO leaves VALUES (13, '{}')", "log.unsigned-leaf"),
        ("INSERT INTO leaves VALUES ('x', '{}')", "log.unsigned-leaf"),
        ("DELETE FROM leaves WHERE leaf = 12", "log.missing-leaf"),
        ("DELETE FROM leaves", "log.missing-leaf"),
        ("DELETE FROM checkpoints", "log.unsigned-leaf"),
        ("UPDATE checkpoints SET note = replace(note, '13', '12')", "log.bad-signature"),
        ("UPDATE checkpoints SET note = x'ff'", "log.bad-checkpoint"),
        ("INSERT INTO checkpoints VALUES (99, 'forged')", "log.bad-checkpoint"),
        ("DELETE FROM nodes WHERE level = 3 AND position = 0", "log.bad-node"),
        ("UPDATE nodes SET hash = zeroblob(32) WHERE level = 2 AND position = 2", "log.bad-root"),
        ("UPDATE nodes SET hash = 7 WHERE level = 2 AND position = 2", "log.bad-root"),
        ("INSERT INTO nodes VALUES (0, 13, zeroblob(32))", "log.surplus-nodes"),
    ],
)
def test_nothing_is_signed_on_top_of_a_forgery(books, refused, forgery, code):
    book = books(13)
    book.sql(forgery)
    with refused(code), book.database.transaction() as connection:
        book.log.append(connection, entry(0))
