"""Policies in the books: in order, never changed, and found out when they were."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa

from policies import store
from policies.build import parse
from policies.model import policy_digest
from sandbox.books import policies
from sandbox.database import Database
from sandbox.errors import InvalidInputError, TamperingError
from sandbox.schema import LineageId

LINEAGE = LineageId("l1")
NOW = dt.datetime(2026, 11, 23, tzinfo=dt.UTC)


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    books = Database(tmp_path / "books.db")
    books.create()
    yield books
    books.close()


def apply(database: Database, source: str) -> None:
    with database.transaction() as connection:
        store.apply(connection, LINEAGE, source, "p.yaml", by="health-bureau", at=NOW)


def current(database: Database, lineage: LineageId = LINEAGE) -> object:
    with database.reading() as connection:
        return store.current(connection, lineage)


def second(text: str) -> str:
    return text.replace("version: 1", "version: 2").replace("epsilon: 8", "epsilon: 7")


def test_versions_follow_one_another(database: Database, text: str) -> None:
    assert current(database) is None
    apply(database, text)
    assert current(database) == parse(text, "p.yaml")
    apply(database, second(text))
    assert current(database) == parse(second(text), "p.yaml")
    assert current(database, LineageId("l2")) is None


@pytest.mark.parametrize("version", [1, 3])
def test_no_version_twice_or_left_out(database: Database, text: str, version: int) -> None:
    apply(database, text)
    with pytest.raises(InvalidInputError) as caught:
        apply(database, text.replace("version: 1", f"version: {version}"))
    assert (caught.value.code, caught.value.facts["expected"]) == ("policy.wrong-version", 2)
    assert current(database) == parse(text, "p.yaml")


@pytest.mark.parametrize(
    "change",
    [("max_rows: 4", "max_rows: 9"), ("version: 1", "version: 2"), ("kind", "sort"), ("deny", "allow")],
)
def test_a_changed_text_is_tampering(database: Database, text: str, change: tuple[str, str]) -> None:
    apply(database, text)
    with database.transaction() as connection:
        connection.execute(sa.update(policies).values(source=text.replace(*change)))
    with pytest.raises(TamperingError) as caught:
        current(database)
    assert (caught.value.code, caught.value.exit_code) == ("policy.changed", 7)


def test_a_policy_stored_as_another_version_is_tampering(database: Database, text: str) -> None:
    apply(database, text)
    other = text.replace("version: 1", "version: 2")
    with database.transaction() as connection:
        digest = policy_digest(parse(other, "p.yaml"))
        connection.execute(sa.update(policies).values(source=other, digest=digest))
    with pytest.raises(TamperingError):
        current(database)


def test_a_missing_version_is_tampering(database: Database, text: str) -> None:
    apply(database, text)
    apply(database, second(text))
    with database.transaction() as connection:
        connection.execute(sa.delete(policies).where(policies.c.version == 1))
    with pytest.raises(TamperingError) as caught:
        current(database)
    assert caught.value.code == "policy.version-missing"
