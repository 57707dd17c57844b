"""Shards as encrypted Parquet: readable column by column, and only with the column's key.

Parquet Modular Encryption, AES-GCM-256 on every module, encrypted footer, a data key of its own for
**every** column and one for the footer, no statistics.  pyarrow draws the data keys (OpenSSL's generator)
when a file is written and asks a KMS client to wrap them; ours keeps the raw key for the keyring and puts
an empty token into the file.  So the file holds no key in any form: it names each by *label*/column, the
label being random per file and written down in the signed manifest.  A reader hands out exactly the
granted keys for exactly that label: a file put in another's place asks for keys nobody has, and is
refused.

The file itself is held against the manifest first (`sandbox.vault.shard`).
"""

from __future__ import annotations

import secrets
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pyarrow.parquet.encryption as pe

from sandbox.errors import DeniedError, TamperingError
from sandbox.schema import ORDINAL, UNIT_TAG, Field, Kind
from sandbox.vault.conform import arrow_type
from sandbox.vault.shard import FOOTER, ShardFile, WrittenShard, check_file, sha256, stored_columns

ROW_GROUP_ROWS = 262_144
_INSIDE = str.maketrans(",:;", "\x01\x02\x03")
"""pyarrow joins columns with keys of their own by these signs; what stands for them is in no name."""
_OUTSIDE = str.maketrans("\x01\x02\x03", ",:;")
_COMPRESSION = "lz4"  # a third larger than zstd; reads in little more than half the time


def stored_schema(fields: tuple[Field, ...]) -> pa.Schema:
    """Return the Arrow schema of a shard."""
    declared = [(field.name, arrow_type(field)) for field in fields]
    return pa.schema([*declared, (ORDINAL, pa.int32()), (UNIT_TAG, pa.binary(16))])


def _held_schema(fields: tuple[Field, ...]) -> pa.Schema:
    schema = stored_schema(fields)
    return pa.schema([field.with_name(_held(field.name)) for field in schema])


def _held(column: str) -> str:
    """Return what *column* is called inside of a file."""
    return column.translate(_INSIDE)


def _called(held: str) -> str:
    return held.translate(_OUTSIDE)


def write_shard(path: Path, fields: tuple[Field, ...], tables: Iterable[pa.Table]) -> WrittenShard:
    """Write *tables* (of `stored_schema`, in order) to the new file *path* and return its facts and keys."""
    label, kms = secrets.token_hex(16), _WritingKms()
    columns = stored_columns(fields)
    configuration = pe.EncryptionConfiguration(
        footer_key=_key_name(label, FOOTER),
        column_keys={_key_name(label, column): [_held(column)] for column in columns},
        encryption_algorithm="AES_GCM_V1",
        plaintext_footer=False,
        double_wrapping=False,
        data_key_length_bits=256,
    )
    factory = pe.CryptoFactory(lambda _: kms)
    path.touch(mode=0o600, exist_ok=False)
    with pq.ParquetWriter(
        path,
        _held_schema(fields),
        encryption_properties=factory.file_encryption_properties(pe.KmsConnectionConfig(), configuration),
        compression=_COMPRESSION,
        use_dictionary=[*(_held(field.name) for field in fields if field.kind is Kind.STRING), ORDINAL],
        write_statistics=False,
        store_schema=False,
    ) as writer:
        for table in tables:
            held = _with_own_texts(table).rename_columns([*map(_held, table.column_names)])
            writer.write_table(held, row_group_size=ROW_GROUP_ROWS)
    keys = {column: kms.keys[_key_name(label, column)] for column in (FOOTER, *columns)}
    return WrittenShard(ShardFile(path.name, path.stat().st_size, sha256(path), label), keys)


def _with_own_texts(table: pa.Table) -> pa.Table:
    """Return *table* with nothing in its dictionaries but what stands in its rows.

    Rows are taken out of a table without their texts: these stay in its dictionaries, which Parquet writes as
    they are, so that texts of withdrawn persons, and of rows in other shards, would go into the file.
    """
    for position, column in enumerate(table.columns):
        if pa.types.is_dictionary(column.type):
            own = pa.chunked_array([_own_texts(chunk) for chunk in column.chunks], column.type)
            table = table.set_column(position, table.schema.field(position), own)
    return table


def _own_texts(chunk: pa.DictionaryArray) -> pa.DictionaryArray:
    used = pc.unique(chunk.indices).drop_null()
    if len(used) == len(chunk.dictionary):
        return chunk
    places = pc.index_in(chunk.indices, value_set=used)
    return pa.DictionaryArray.from_arrays(places, chunk.dictionary.take(used))


def read_batches(
    path: Path,
    file: ShardFile,
    keys: Mapping[str, bytes],
    columns: Sequence[str],
    batch_rows: int = ROW_GROUP_ROWS,
) -> Iterator[pa.RecordBatch]:
    """Yield *columns* of a shard in row order; strings come dictionary-encoded.

    *keys* holds the footer's key (FOOTER) and those of the granted columns.  Raises `DeniedError` for a
    column without a key and `TamperingError` when the file is not the one *file* describes or does not
    open.
    """
    for column in columns:
        if column not in keys:
            raise DeniedError("vault.column-not-granted", column=column)
    check_file(path, file)
    kms = _ReadingKms({_key_name(file.label, column): key for column, key in keys.items()})
    try:
        properties = pe.CryptoFactory(lambda _: kms).file_decryption_properties(pe.KmsConnectionConfig())
        held = [*map(_held, columns)]
        with pq.ParquetFile(
            path, decryption_properties=properties, read_dictionary=held, pre_buffer=False
        ) as shard:
            for batch in shard.iter_batches(batch_size=batch_rows, columns=held, use_threads=False):
                yield batch.rename_columns([*map(_called, batch.schema.names)])
    except (pa.ArrowException, OSError, KeyError):
        raise TamperingError("vault.unreadable-shard", file=file.name) from None


class _WritingKms(pe.KmsClient):  # type: ignore[misc]
    """Keeps the data keys that pyarrow draws; the file gets an empty token instead."""

    def __init__(self) -> None:
        super().__init__()
        self.keys: dict[str, bytes] = {}

    def wrap_key(self, key_bytes: bytes, master_key_identifier: str) -> bytes:
        self.keys[master_key_identifier] = bytes(key_bytes)
        return b"-"

    def unwrap_key(self, wrapped_key: bytes, master_key_identifier: str) -> bytes:
        raise KeyError(master_key_identifier)


class _ReadingKms(pe.KmsClient):  # type: ignore[misc]
    """Knows the granted keys of one file and nothing else."""

    def __init__(self, keys: Mapping[str, bytes]) -> None:
        super().__init__()
        self._keys = keys

    def wrap_key(self, key_bytes: bytes, master_key_identifier: str) -> bytes:
        raise KeyError(master_key_identifier)

    def unwrap_key(self, wrapped_key: bytes, master_key_identifier: str) -> bytes:
        return self._keys[master_key_identifier]


def _key_name(label: str, column: str) -> str:
    return f"{label}/{_held(column)}"
