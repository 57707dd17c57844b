"""Rows on their way to their shards: ciphertext on disk, the key in this process's memory only.

Rows arrive in any order and must leave sorted by tag, in more rows than memory holds.  So they are dealt
into *buckets* by the leading bits of their tags, a megabyte or so of each bucket at a time is encrypted
(AES-256-GCM, fresh key per spill, counter nonces, bucket and position as associated data) and appended to
one file.  A bucket is a small, contiguous piece of a shard's tags: reading buckets in order and sorting
each gives the whole order.  When the process dies, the key dies, and what is left is noise.
"""

from __future__ import annotations

import io
import os
import struct
import threading
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from sandbox.errors import InvalidInputError
from sandbox.schema import ORDINAL, UNIT_TAG
from sandbox.vault.cmac import BLOCK, Bytes
from sandbox.vault.partition import leading_bits

FLUSH_ROWS = 1 << 20
FLUSH_BYTES = 96 << 20
MAX_BUCKET_BYTES = 192 << 20
TAG, ORDER = UNIT_TAG, ORDINAL  # names that no column of a source may have
_DENSE_DICTIONARY = 4096
_LONG_DICTIONARIES = 1 << 20
"""Bytes of the dictionaries of a bucket's rows from which they are cut to what its rows hold."""
_LONG_ROW = 64 << 10
_NONCE_BYTES = 12


@dataclass(frozen=True, slots=True)
class _Chunk:
    start: int
    length: int
    nonce: int


def marks_array(marks: Bytes) -> pa.Array:
    """Return marks, shape (n, 16), as an Arrow array of 16-byte values."""
    data = pa.py_buffer(np.ascontiguousarray(marks))
    return pa.FixedSizeBinaryArray.from_buffers(pa.binary(BLOCK), len(marks), [None, data])


def marks_of(column: pa.ChunkedArray) -> Bytes:
    """Return an Arrow column of 16-byte values as marks, shape (n, 16)."""
    whole = column.combine_chunks()
    data = np.frombuffer(whole.buffers()[1], dtype=np.uint8).reshape(-1, BLOCK)
    return data[whole.offset : whole.offset + len(whole)]


class Spill:
    """Rows by bucket, in one encrypted file at *path*; `add` may be called from several threads.

    Not to be read before the last `add` and `flush`.
    """

    def __init__(self, path: Path, schema: pa.Schema, buckets: int) -> None:
        self.buckets = buckets
        self.rows = np.zeros(buckets, dtype=np.int64)
        self.bytes = np.zeros(buckets, dtype=np.int64)
        self._schema = schema.append(pa.field(TAG, pa.binary(BLOCK))).append(
            pa.field(ORDER, pa.binary(BLOCK))
        )
        self._cipher = AESGCM(AESGCM.generate_key(bit_length=256))
        self._chunks: list[list[_Chunk]] = [[] for _ in range(buckets)]
        self._written = self._nonce = 0
        self._sizes = Counter[str]()
        self._pending: list[pa.RecordBatch] = []
        self._lock = threading.Lock()
        self._path = path
        path.touch(mode=0o600, exist_ok=False)
        self._file = path.open("r+b", buffering=0)

    def add(self, batch: pa.RecordBatch, tags: Bytes, orders: Bytes) -> None:
        """Take rows with their tags and orders, each of shape (n, 16)."""
        whole = pa.RecordBatch.from_arrays(
            [*batch.columns, marks_array(tags), marks_array(orders)], schema=self._schema
        )
        sizes = {name: column.nbytes for name, column in zip(whole.schema.names, whole.columns, strict=True)}
        with self._lock:
            self._sizes.update(sizes)
            self._pending.append(whole)
            full = (
                sum(held.num_rows for held in self._pending) >= FLUSH_ROWS
                or sum(held.nbytes for held in self._pending) >= FLUSH_BYTES
            )
        if full:
            self.flush()

    def flush(self) -> None:
        """Write out what is held back."""
        with self._lock:
            pending, self._pending = self._pending, []
        if not pending:
            return
        table = pa.Table.from_batches(pending).combine_chunks()
        parts = leading_bits(marks_of(table[TAG]), self.buckets)
        dealt = _thin(table.take(pa.array(np.argsort(parts, kind="stable"))))
        counts = np.bincount(parts, minlength=self.buckets)
        starts = np.cumsum(counts) - counts
        for bucket in np.flatnonzero(counts):
            self._append(int(bucket), _alone(dealt.slice(int(starts[bucket]), int(counts[bucket]))))

    def read(self, first: int, last: int) -> pa.Table:
        """Return the rows of buckets *first* to *last* (excluded), text columns dictionary-encoded.

        Raises `InvalidInputError` like `check`.
        """
        self.check()
        tables = [table for bucket in range(first, last) for table in self.chunks(bucket)]
        return pa.concat_tables(tables) if tables else self._schema.empty_table()

    def check(self) -> None:
        """Raise `InvalidInputError` when one bucket alone is more than memory should hold.

        That is one unit with a large share of all rows, or cells that are very long.
        """
        bucket = int(self.bytes.argmax())
        size, rows = int(self.bytes[bucket]), int(self.rows[bucket])
        if size <= MAX_BUCKET_BYTES:
            return
        if size > rows * _LONG_ROW:
            raise InvalidInputError(
                "vault.cells-too-large", column=self._longest(), rows=rows, megabytes=size >> 20
            )
        raise InvalidInputError("vault.unit-too-large", rows=rows)

    def _longest(self) -> str:
        """Return the column with the most bytes."""
        with self._lock:
            return max(self._sizes, key=self._sizes.__getitem__)

    def chunks(self, bucket: int) -> Iterator[pa.Table]:
        """Yield the rows of one bucket, piece by piece as they were written."""
        for chunk in self._chunks[bucket]:
            yield _thick(self._open(bucket, chunk), self._schema)

    def close(self) -> None:
        """Remove the file; the key is forgotten with this object."""
        self._file.close()
        self._path.unlink(missing_ok=True)

    def _append(self, bucket: int, table: pa.Table) -> None:
        sink = io.BytesIO()
        with pa.ipc.new_stream(sink, table.schema) as writer:
            writer.write_table(table)
        plain = sink.getbuffer()
        with self._lock:
            self._nonce += 1
            nonce, start = self._nonce, self._written
            self._written += len(plain) + BLOCK
            self._chunks[bucket].append(_Chunk(start, len(plain) + BLOCK, nonce))
            self.rows[bucket] += table.num_rows
            self.bytes[bucket] += len(plain)
        sealed = self._cipher.encrypt(_nonce(nonce), plain, struct.pack(">QQ", bucket, start))
        _write_all(self._file.fileno(), sealed, start)

    def _open(self, bucket: int, chunk: _Chunk) -> pa.Table:
        sealed = os.pread(self._file.fileno(), chunk.length, chunk.start)
        plain = self._cipher.decrypt(_nonce(chunk.nonce), sealed, struct.pack(">QQ", bucket, chunk.start))
        return pa.ipc.open_stream(plain).read_all()


def _nonce(counter: int) -> bytes:
    return counter.to_bytes(_NONCE_BYTES)


def _write_all(file: int, data: bytes, start: int) -> None:
    view = memoryview(data)
    while view:
        done = os.pwrite(file, view, start)
        view, start = view[done:], start + done


def _thin(table: pa.Table) -> pa.Table:
    """Give up large dictionaries: every slice of a table carries its dictionary whole."""
    for position, column in enumerate(table.columns):
        if pa.types.is_dictionary(column.type):
            coded = column.combine_chunks()
            if len(coded.dictionary) > _DENSE_DICTIONARY:
                plain = coded.cast(pa.string())
                table = table.set_column(position, table.schema.field(position).name, plain)
    return table


def _alone(table: pa.Table) -> pa.Table:
    """Leave texts of other rows out: every slice of a table carries its dictionaries whole."""
    coded_ones = [place for place, kind in enumerate(table.schema.types) if pa.types.is_dictionary(kind)]
    if sum(table.column(place).nbytes for place in coded_ones) <= _LONG_DICTIONARIES:
        return table
    for position in coded_ones:
        column = table.column(position)
        if column.num_chunks:
            coded = column.combine_chunks()
            used = pc.unique(coded.indices).drop_null()
            own = pa.DictionaryArray.from_arrays(
                pc.index_in(coded.indices, value_set=used), coded.dictionary.take(used)
            )
            table = table.set_column(position, table.schema.field(position).name, own)
    return table


def _thick(table: pa.Table, schema: pa.Schema) -> pa.Table:
    for position, field in enumerate(schema):
        column = table.column(position)
        if column.type != field.type:
            table = table.set_column(position, field, pc.dictionary_encode(column))
    return table
