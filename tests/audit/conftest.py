"""A log in a database, and the few ways to lay hands on it."""

from __future__ import annotations

from contextlib import contextmanager

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from sandbox.audit.log import Log
from sandbox.audit.store import newest_note
from sandbox.database import Database
from sandbox.errors import TamperingError


def entry(number: int) -> dict[str, object]:
    facts = {"job": f"{number:032x}", "digest": f"{number:064x}"}
    return {"kind": "charge", "time": "2026-11-23T08:00:00Z", "actor": "分析员", "facts": facts}


class Books:
    """A database with one log of some length."""

    def __init__(self, path, size: int = 0) -> None:
        self.signing_key = Ed25519PrivateKey.generate()
        self.log = Log("keyong.example/w1", self.signing_key)
        self.key = self.log.key
        self.database = Database(path)
        self.database.create()
        self.grow(size)

    def grow(self, count: int, first: int = 0) -> None:
        with self.database.transaction() as connection:
            self.log.extend(connection, map(entry, range(first, first + count)))

    def note(self) -> str:
        with self.database.reading() as connection:
            return newest_note(connection)

    def sql(self, statement: str, *values: object) -> None:
        with self.database.transaction() as connection:
            connection.exec_driver_sql(statement, values)


@pytest.fixture
def books(tmp_path):
    made = []

    def make(size: int = 0, name: str = "books") -> Books:
        made.append(Books(tmp_path / f"{name}.sqlite", size))
        return made[-1]

    yield make
    for each in made:
        each.database.close()


@pytest.fixture
def refused():
    @contextmanager
    def expect(code: str, **facts: object):
        with pytest.raises(TamperingError) as caught:
            yield
        assert caught.value.code == code
        assert {**caught.value.facts, **facts} == caught.value.facts

    return expect
