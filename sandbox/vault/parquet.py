"""Shards as encrypted Parquet: readable column by column, and only with the column's key.

Parquet Modular Encryption, AES-GCM-256 on every module, encrypted footer, a data key of its own for
**every** column and one for the footer, no statistics.  pyarrow draws the data keys (OpenSSL's generator)
when a file is written and asks a KMS client to wrap them; ours keeps the raw key for the keyring and puts
an empty token into the file.  So the file holds no key in any form: it names each by *label*/column, the
label being random per file and written down in the signed manifest.  A reader hands out exactly the
granted keys for exactly that label: a file put in another's place asks for keys nobody has, and is
refused.

The file's digest is checked against the manifest before a process reads it first, and again when the file
changes: authentication per module does not notice a few bits of Parquet's own framing.
"""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pyarrow.parquet.encryption as pe

from sandbox.errors import DeniedError, TamperingError
from sandbox.schema import ORDINAL, UNIT_TAG, Field, Kind
from sandbox.vault.conform import arrow_type

FOOTER = "__footer"
"""The name under which a shard's footer key is kept beside its column keys."""

ROW_GROUP_ROWS = 262_144
_COMPRESSION = "lz4"  # a third larger than zstd; reads in little more than half the time
_seen: dict[tuple[str, int, int, int], str] = {}


@dataclass(frozen=True, slots=True)
class ShardFile:
    """A shard on disk as the manifest knows it: *size* in bytes, *label* of its keys."""

    name: str
    size: int
    sha256: str
    label: str


@dataclass(frozen=True, slots=True)
class WrittenShard:
    """A shard just written, and the raw keys (FOOTER and every stored column) that open it."""

    file: ShardFile
    keys: Mapping[str, bytes]


def stored_columns(fields: tuple[Field, ...]) -> tuple[str, ...]:
    """Return the names of a shard's columns in file order: the fields', ORDINAL, UNIT_TAG."""
    return (*(field.name for field in fields), ORDINAL, UNIT_TAG)


def stored_schema(fields: tuple[Field, ...]) -> pa.Schema:
    """Return the Arrow schema of a shard."""
    declared = [(field.name, arrow_type(field)) for field in fields]
    return pa.schema([*declared, (ORDINAL, pa.int32()), (UNIT_TAG, pa.binary(16))])


def write_shard(path: Path, fields: tuple[Field, ...], tables: Iterable[pa.Table]) -> WrittenShard:
    """Write *tables* (of `stored_schema`, in order) to the new file *path* and return its facts and keys."""
    label, kms = secrets.token_hex(16), _WritingKms()
    columns = stored_columns(fields)
    configuration = pe.EncryptionConfiguration(
        footer_key=_key_name(label, FOOTER),
        column_keys={_key_name(label, column): [column] for column in columns},
        encryption_algorithm="AES_GCM_V1",
        plaintext_footer=False,
        double_wrapping=False,
        data_key_length_bits=256,
    )
    factory = pe.CryptoFactory(lambda _: kms)
    path.touch(mode=0o600, exist_ok=False)
    with pq.ParquetWriter(
        path,
        stored_schema(fields),
        encryption_properties=factory.file_encryption_properties(pe.KmsConnectionConfig(), configuration),
        compression=_COMPRESSION,
        use_dictionary=[*(field.name for field in fields if field.kind is Kind.STRING), ORDINAL],
        write_statistics=False,
        store_schema=False,
    ) as writer:
        for table in tables:
            writer.write_table(table, row_group_size=ROW_GROUP_ROWS)
    keys = {column: kms.keys[_key_name(label, column)] for column in (FOOTER, *columns)}
    return WrittenShard(ShardFile(path.name, path.stat().st_size, _sha256(path), label), keys)


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
        with pq.ParquetFile(
            path, decryption_properties=properties, read_dictionary=list(columns), pre_buffer=False
        ) as shard:
            yield from shard.iter_batches(batch_size=batch_rows, columns=list(columns), use_threads=False)
    except (pa.ArrowException, OSError, KeyError):
        raise TamperingError("vault.unreadable-shard", file=file.name) from None


def check_file(path: Path, file: ShardFile) -> None:
    """Raise `TamperingError` unless *path* has the size and SHA-256 of *file*.

    The digest is computed once per state of the file (inode, size, time of change) and process.
    """
    try:
        found = path.stat()
        state = (str(path), found.st_ino, found.st_size, found.st_mtime_ns)
        if found.st_size != file.size:
            raise TamperingError("vault.changed-shard", file=file.name)
        if state not in _seen:
            _seen[state] = _sha256(path)
    except OSError:
        raise TamperingError("vault.missing-shard", file=file.name) from None
    if _seen[state] != file.sha256:
        raise TamperingError("vault.changed-shard", file=file.name)


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
    return f"{label}/{column}"


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
