"""Attacks on shard files: without its key a column is noise, and no file stands in for another."""

import os
import shutil
from dataclasses import replace
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from sandbox.errors import DeniedError, TamperingError
from sandbox.schema import ORDINAL, UNIT_TAG, Field, Kind
from sandbox.vault import parquet
from sandbox.vault import shard as shard_facts
from sandbox.vault.parquet import read_batches, stored_schema, write_shard
from sandbox.vault.shard import FOOTER, WrittenShard, check_file

FIELDS = (Field("name", Kind.STRING), Field("wage", Kind.INTEGER))
ROWS = 2000


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path


def shard(folder: Path, name: str = "0000.parquet", prefix: str = "canary") -> WrittenShard:
    table = pa.table(
        [
            pa.array([f"{prefix}-{n % 7}" for n in range(ROWS)]).dictionary_encode(),
            pa.array(range(ROWS), pa.int64()),
            pa.array([n % 5 for n in range(ROWS)], pa.int32()),
            pa.array([n.to_bytes(16) for n in range(ROWS)], pa.binary(16)),
        ],
        schema=stored_schema(FIELDS),
    )
    return write_shard(folder / name, FIELDS, [table.slice(0, 900), table.slice(900)])


def read(path: Path, written: WrittenShard, columns: list[str], **keys: bytes) -> list[dict[str, object]]:
    granted = {name: written.keys[name] for name in (FOOTER, *columns)} | keys
    return [
        row for batch in read_batches(path, written.file, granted, columns, 700) for row in batch.to_pylist()
    ]


def test_granted_columns_come_back_in_order(folder: Path) -> None:
    written = shard(folder)
    path = folder / written.file.name
    assert set(written.keys) == {FOOTER, "name", "wage", ORDINAL, UNIT_TAG}
    assert len({*written.keys.values()}) == 5
    assert all(len(key) == 32 for key in written.keys.values())
    assert [row["wage"] for row in read(path, written, ["wage"])] == list(range(ROWS))
    batch = next(read_batches(path, written.file, written.keys, ["name", ORDINAL, UNIT_TAG]))
    assert [str(field.type) for field in batch.schema] == [
        "dictionary<values=string, indices=int32, ordered=0>",
        "int32",
        "fixed_size_binary[16]",
    ]


def test_names_may_hold_the_signs_that_pyarrow_joins_names_by(folder: Path) -> None:
    names = ("性别:1男,2女", "是;否", "a:b", "a,b", "a", "b")
    fields = tuple(
        Field(name, Kind.STRING if place % 2 else Kind.INTEGER) for place, name in enumerate(names)
    )
    cells = [["x", "y"] if place % 2 else [place, place] for place in range(len(names))]
    arrays = [pa.array(it).dictionary_encode() if isinstance(it[0], str) else pa.array(it) for it in cells]
    ends = [pa.array([0, 0], pa.int32()), pa.array([bytes(16)] * 2, pa.binary(16))]
    table = pa.table([*arrays, *ends], schema=stored_schema(fields))
    written = write_shard(folder / "s.parquet", fields, [table])
    assert set(written.keys) == {FOOTER, *names, ORDINAL, UNIT_TAG}
    assert len({*written.keys.values()}) == len(names) + 3
    for name, expected in zip(names, cells, strict=True):
        assert [row[name] for row in read(folder / "s.parquet", written, [name])] == expected
    assert list(read(folder / "s.parquet", written, [*names])[0]) == list(names)


def test_a_column_without_its_key_is_denied(folder: Path) -> None:
    written = shard(folder)
    keys = {name: written.keys[name] for name in (FOOTER, "wage")}
    with pytest.raises(DeniedError) as caught:
        next(read_batches(folder / written.file.name, written.file, keys, ["wage", "name"]))
    assert caught.value.facts == {"column": "name"}


@pytest.mark.parametrize("column", ["name", "wage", ORDINAL, UNIT_TAG, FOOTER])
def test_no_column_opens_with_another_key(folder: Path, column: str) -> None:
    """Every column has its own key: no other key of the file opens it, and one wrong bit closes it."""
    written = shard(folder)
    wanted = "wage" if column == FOOTER else column
    bent = bytes([written.keys[column][0] ^ 1, *written.keys[column][1:]])
    for wrong in [bent, *(key for name, key in written.keys.items() if name != column)]:
        with pytest.raises(TamperingError, match=r"vault\.unreadable-shard"):
            read(folder / written.file.name, written, [wanted], **{column: wrong})


def test_without_keys_nothing_is_in_the_file(folder: Path) -> None:
    written = shard(folder)
    data = (folder / written.file.name).read_bytes()
    for mark in (b"canary", b"name", b"wage", b"__ordinal", b"__unit", *written.keys.values()):
        assert mark not in data
    assert (
        data.count(written.file.label.encode()) == 1
    )  # the footer key's id; the columns' are inside the footer
    with pytest.raises((OSError, pa.ArrowException)):
        pq.read_metadata(folder / written.file.name)


def test_texts_of_rows_that_were_taken_out_are_not_in_the_file(folder: Path) -> None:
    """As it would be read by whoever has every key: dictionaries hold what stands in rows, nothing else."""
    names = pa.array(["stays", "withdrawn", None, "elsewhere", "stays"]).dictionary_encode()
    table = pa.table(
        [names, *(pa.array(it) for it in (range(5), [0] * 5))], names=["name", "wage", ORDINAL]
    ).append_column(UNIT_TAG, pa.array([n.to_bytes(16) for n in range(5)], pa.binary(16)))
    table = table.cast(stored_schema(FIELDS))
    kept = pa.concat_tables([table.filter(pa.array([True, False, True, False, True])), table.slice(4)])
    written = write_shard(folder / "0000.parquet", FIELDS, [kept, table.slice(3, 0), table.slice(2, 1)])
    found = list(read_batches(folder / "0000.parquet", written.file, written.keys, ["name"]))
    rows = [row["name"] for batch in found for row in batch.to_pylist()]
    assert rows == ["stays", None, "stays", "stays", None]
    held = [text for batch in found for text in batch.column("name").dictionary.to_pylist()]
    assert set(held) == {"stays"}


def test_no_statistics_are_stored(folder: Path) -> None:
    written = shard(folder)
    kms = parquet._ReadingKms({f"{written.file.label}/{name}": key for name, key in written.keys.items()})
    properties = parquet.pe.CryptoFactory(lambda _: kms).file_decryption_properties(
        parquet.pe.KmsConnectionConfig()
    )
    metadata = pq.ParquetFile(folder / written.file.name, decryption_properties=properties).metadata
    groups = [metadata.row_group(number) for number in range(metadata.num_row_groups)]
    assert not any(group.column(number).is_stats_set for group in groups for number in range(4))


def test_swapped_files_are_refused_by_digest_and_by_label(folder: Path) -> None:
    one, two = shard(folder, "1.parquet", "one"), shard(folder, "2.parquet", "two")
    shutil.copy(folder / "2.parquet", folder / "1.parquet")
    with pytest.raises(TamperingError, match=r"vault\.changed-shard"):
        read(folder / "1.parquet", one, ["wage"])
    # Even with a manifest that names the digest of the other file, its keys are not those of this label.
    forged = WrittenShard(replace(two.file, label=one.file.label), one.keys)
    with pytest.raises(TamperingError, match=r"vault\.unreadable-shard"):
        read(folder / "1.parquet", forged, ["wage"])
    assert len(read(folder / "2.parquet", two, ["wage"])) == ROWS


def test_every_flipped_bit_is_noticed(folder: Path) -> None:
    written = shard(folder)
    path = folder / written.file.name
    data = path.read_bytes()
    for place in range(0, len(data), 97):
        path.write_bytes(data[:place] + bytes([data[place] ^ 1 << place % 8]) + data[place + 1 :])
        os.utime(path, ns=(place, place))
        with pytest.raises(TamperingError, match=r"vault\.changed-shard"):
            check_file(path, written.file)
    path.write_bytes(data[:-1])
    with pytest.raises(TamperingError, match=r"vault\.changed-shard"):
        check_file(path, written.file)
    path.unlink()
    with pytest.raises(TamperingError, match=r"vault\.missing-shard"):
        check_file(path, written.file)


def test_the_digest_is_computed_once_per_state_of_the_file(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    written = shard(folder)
    path = folder / written.file.name
    real, calls = shard_facts.sha256, []
    monkeypatch.setattr(shard_facts, "sha256", lambda path: calls.append(path) or real(path))
    for _ in range(3):
        read(path, written, ["wage"])
    assert len(calls) == 1
    os.utime(path, ns=(1, 1))
    read(path, written, ["wage"])
    assert len(calls) == 2


def test_an_existing_file_is_never_overwritten(folder: Path) -> None:
    shard(folder)
    with pytest.raises(FileExistsError):
        shard(folder)
