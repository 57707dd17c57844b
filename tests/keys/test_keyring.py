"""Keys open as what they were made for, through the whole chain, and never otherwise."""

from __future__ import annotations

import secrets

import pytest
import sqlalchemy as sa

from sandbox.books import wrapped_keys
from sandbox.database import Database
from sandbox.errors import TamperingError
from sandbox.keys.keyring import MASTER, KeyId, Keyring
from sandbox.keys.provider import WrappingKey, create_provider

DATASET = {"purpose": "dataset", "lineage": "l1"}
OTHER = {"purpose": "dataset", "lineage": "l2"}


def column(name: str, lineage: str = "l1") -> dict[str, str]:
    return {"purpose": "column", "lineage": lineage, "version": "1", "shard": "0", "column": name}


@pytest.fixture
def ring(tmp_path) -> Keyring:
    return Keyring(create_provider(tmp_path, None))


@pytest.fixture
def connection(tmp_path):
    database = Database(tmp_path / "books.sqlite")
    database.create()
    with database.transaction() as connection:
        yield connection
    database.close()


def rows(connection) -> dict[str, sa.Row]:
    return {row.key_id: row for row in connection.execute(sa.select(wrapped_keys))}


def edit(connection, row, /, **values) -> None:
    connection.execute(sa.update(wrapped_keys).where(wrapped_keys.c.key_id == row).values(**values))


def refused(code: str, action, *arguments) -> None:
    with pytest.raises(TamperingError) as caught:
        action(*arguments)
    assert caught.value.code == code


def test_the_chain_opens(ring, connection):
    dataset, dataset_key = ring.create(connection, DATASET)
    name, key = ring.create(connection, column("年龄"), dataset)
    assert ring.open(connection, name, column("年龄")) == key
    assert ring.open(connection, dataset, DATASET) == dataset_key
    assert {row.wrapped_by for row in rows(connection).values()} == {MASTER, dataset}
    for row in rows(connection).values():
        assert key not in row.wrapped
        assert dataset_key not in row.wrapped


def test_a_given_key_is_kept(ring, connection):
    seed = secrets.token_bytes(32)
    name, key = ring.create(connection, {"purpose": "log"}, key=seed)
    assert key == ring.open(connection, name, {"purpose": "log"}) == seed


def test_ids_are_opaque(ring, connection):
    name, _ = ring.create(connection, DATASET)
    assert len(bytes.fromhex(name)) == 16


def test_find_and_one_key_a_context(ring, connection):
    assert ring.find(connection, DATASET) is None
    name, _ = ring.create(connection, DATASET)
    assert ring.find(connection, dict(reversed(DATASET.items()))) == name
    with connection.begin_nested(), pytest.raises(sa.exc.IntegrityError):
        ring.create(connection, DATASET)


def test_many(ring, connection):
    dataset, _ = ring.create(connection, DATASET)
    contexts = [column(f"c{number}") for number in range(12_000)]  # several statements' worth
    made = ring.create_many(connection, contexts, dataset)
    assert len({key for _, key in made}) == len({name for name, _ in made}) == 12_000
    expected = {name: context for (name, _), context in zip(made, contexts, strict=True)}
    assert ring.open_many(connection, expected) == dict(made)
    ring.forget(connection, [name for name, _ in made[1:]])
    assert set(rows(connection)) == {dataset, made[0][0]}
    refused("key.missing", ring.open_many, connection, expected)
    assert ring.create_many(connection, [], dataset) == []
    assert ring.open_many(connection, {}) == {}


def test_forgetting_the_dataset_key_loses_its_columns(ring, connection):
    dataset, _ = ring.create(connection, DATASET)
    name, _ = ring.create(connection, column("a"), dataset)
    ring.forget(connection, [dataset])
    refused("key.missing", ring.open, connection, name, column("a"))


def test_the_wrong_expectation(ring, connection):
    name, _ = ring.create(connection, column("a"))
    for wrong in (column("b"), column("a", "l2"), {}, {**column("a"), "more": ""}):
        refused("key.unwrap-failed", ring.open, connection, name, wrong)


def test_wrapped_keys_swapped_between_datasets(ring, connection):
    one, _ = ring.create(connection, DATASET)
    two, _ = ring.create(connection, OTHER)
    a, _ = ring.create(connection, column("a"), one)
    b, _ = ring.create(connection, column("a", "l2"), two)
    before = rows(connection)
    edit(connection, a, wrapped=before[b].wrapped, wrapped_by=two)
    refused("key.unwrap-failed", ring.open, connection, a, column("a"))
    edit(connection, a, context="moved")
    edit(connection, b, context=before[a].context)
    assert ring.find(connection, column("a")) == b
    refused("key.unwrap-failed", ring.open, connection, b, column("a"))


def test_whole_rows_renamed(ring, connection):
    a, _ = ring.create(connection, column("a"))
    b, _ = ring.create(connection, column("b"))
    for old, new in ((a, "x"), (b, a), ("x", b)):
        edit(connection, old, key_id=new)
    refused("key.unwrap-failed", ring.open, connection, b, column("a"))
    refused("key.unwrap-failed", ring.open, connection, a, column("b"))


def test_dataset_keys_swapped(ring, connection):
    one, _ = ring.create(connection, DATASET)
    two, _ = ring.create(connection, OTHER)
    a, _ = ring.create(connection, column("a"), one)
    before = rows(connection)
    edit(connection, one, wrapped=before[two].wrapped)
    refused("key.unwrap-failed", ring.open, connection, a, column("a"))
    edit(connection, one, context="moved")
    edit(connection, two, context="moved too")
    edit(connection, one, wrapped=before[two].wrapped, context=before[two].context)
    refused("key.unwrap-failed", ring.open, connection, a, column("a"))


def test_another_workspace_master_key(ring, connection, tmp_path):
    (tmp_path / "elsewhere").mkdir()
    name, _ = ring.create(connection, DATASET)
    stranger = Keyring(create_provider(tmp_path / "elsewhere", None))
    refused("key.unwrap-failed", stranger.open, connection, name, DATASET)


@pytest.mark.parametrize("column_name", ["context", "wrapped_by", "wrapped"])
@pytest.mark.parametrize("forged", ["''", "7", "x'ff00'", "'text'", "CAST(x'ff' AS TEXT)"])
def test_forged_cells_of_any_type(ring, connection, column_name, forged):
    dataset, _ = ring.create(connection, DATASET)
    name, _ = ring.create(connection, column("a"), dataset)
    connection.exec_driver_sql(
        f"UPDATE wrapped_keys SET {column_name} = {forged} WHERE key_id = ?", (dataset,)
    )
    with pytest.raises(TamperingError):
        ring.open(connection, name, column("a"))


def test_a_forged_cycle_ends(ring, connection):
    name, _ = ring.create(connection, DATASET)
    edit(connection, name, wrapped_by=name)
    refused("key.chain-too-long", ring.open, connection, name, DATASET)


def test_nothing_under_an_unknown_key(ring, connection):
    refused("key.missing", ring.create, connection, DATASET, KeyId("0" * 32))


def test_a_dataset_key_is_no_master(ring, connection):
    dataset, key = ring.create(connection, DATASET)
    stranger = Keyring(WrappingKey(key))
    refused("key.unwrap-failed", stranger.open, connection, dataset, DATASET)
