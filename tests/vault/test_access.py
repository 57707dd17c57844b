"""A version in the books: committed whole or not at all, opened by grant, swaps found."""

from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pytest
import sqlalchemy as sa
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from sandbox.books import versions, wrapped_keys
from sandbox.database import Database
from sandbox.errors import DeniedError, TamperingError
from sandbox.keys.keyring import KeyId, Keyring
from sandbox.keys.provider import FileKeyProvider
from sandbox.schema import LineageId
from sandbox.vault.access import commit, known_directories, load_version, open_column_keys
from sandbox.vault.manifest import Manifest
from sandbox.vault.parquet import read_batches
from sandbox.vault.register import Prepared
from sandbox.vault.shard import FOOTER
from sandbox.vault.store import DirectoryStore

SIGNER = Ed25519PrivateKey.generate()
DATA = pa.table({"id": range(50), "x": range(50), "y": range(50)})


class Books:
    def __init__(self, folder: Path, store: DirectoryStore) -> None:
        self.store = store
        self.database = Database(folder / "books.sqlite")
        self.database.create()
        self.keyring = Keyring(FileKeyProvider.create(folder))
        with self.database.transaction() as connection:
            self.under: KeyId = self.keyring.create(connection, {"purpose": "dataset", "lineage": "l1"})[0]

    def commit(self, prepared: Prepared, connection: sa.Connection) -> Manifest:
        return commit(
            prepared,
            connection=connection,
            keyring=self.keyring,
            under=self.under,
            signer=SIGNER,
            store=self.store,
        )

    def read(self, columns: list[str], version: int = 1) -> int:
        with self.database.reading() as connection:
            manifest = load_version(connection, LineageId("l1"), version, SIGNER.public_key())
            keys = open_column_keys(manifest, connection, self.keyring, columns)
        return sum(
            batch.num_rows
            for file, granted in zip(manifest.files, keys, strict=True)
            for batch in read_batches(self.store.file(manifest.directory, file.name), file, granted, columns)
        )


@pytest.fixture
def books(tmp_path: Path, store: DirectoryStore) -> Books:
    (tmp_path / "keys").mkdir(mode=0o700)
    return Books(tmp_path / "keys", store)


def test_committed_and_read_by_grant(books: Books, register: Callable[..., Prepared]) -> None:
    with books.database.transaction() as connection:
        manifest = books.commit(register(DATA, "id"), connection)
    assert books.read(["x"]) == 50
    with books.database.reading() as connection:
        keys = open_column_keys(manifest, connection, books.keyring, ["x"])
        assert known_directories(connection, SIGNER.public_key()) == {manifest.directory}
    assert all(set(granted) == {FOOTER, "x"} for granted in keys)
    path = books.store.file(manifest.directory, manifest.files[0].name)
    with pytest.raises(DeniedError):
        next(read_batches(path, manifest.files[0], keys[0], ["y"]))


def test_a_transaction_that_fails_leaves_an_orphan_that_is_swept(
    books: Books, register: Callable[..., Prepared], tmp_path: Path
) -> None:
    def interrupted() -> None:
        with books.database.transaction() as connection:
            books.commit(register(DATA, "id"), connection)
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    with books.database.transaction() as connection:
        assert connection.scalar(sa.select(sa.func.count()).select_from(wrapped_keys)) == 1
        books.store.sweep(known_directories(connection, SIGNER.public_key()))
    assert list((tmp_path / "store").iterdir()) == []
    with books.database.transaction() as connection:
        books.commit(register(DATA, "id"), connection)
    assert books.read(["y"]) == 50


def test_swaps_in_books_and_store_are_found(books: Books, register: Callable[..., Prepared]) -> None:
    with books.database.transaction() as connection:
        first = books.commit(register(DATA, "id"), connection)
        second = books.commit(register(DATA, "id", version=2), connection)
    one, two = first.key_id(0, "x"), second.key_id(0, "x")
    table = wrapped_keys.c
    with books.database.transaction() as connection:  # the wrapped key of another version in its place
        other = connection.scalar(sa.select(table.wrapped).where(table.key_id == two))
        connection.execute(sa.update(wrapped_keys).where(table.key_id == one).values(wrapped=other))
    with pytest.raises(TamperingError):
        books.read(["x"])
    assert books.read(["y"]) == 50
    paths = [books.store.file(m.directory, m.files[0].name) for m in (first, second)]
    paths[1].rename(paths[0])  # the same rows, the same shard, of another version
    with pytest.raises(TamperingError, match=r"vault\.changed-shard"):
        books.read(["y"])
    with pytest.raises(TamperingError, match=r"vault\.missing-shard"):
        books.read(["y"], version=2)
    with (
        books.database.transaction() as connection
    ):  # an older manifest, rightly signed, as the newer version
        row = connection.execute(sa.select(versions).where(versions.c.version == 1)).one()
        connection.execute(
            sa.update(versions)
            .where(versions.c.version == 2)
            .values(manifest=row.manifest, signature=row.signature)
        )
    with pytest.raises(TamperingError, match=r"vault\.wrong-manifest"):
        books.read(["x"], version=2)
    with pytest.raises(TamperingError, match=r"vault\.missing-manifest"):
        books.read(["x"], version=3)
