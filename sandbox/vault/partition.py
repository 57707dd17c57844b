"""Where a row lives: unit → tag → shard, and its place among its unit's rows.

The laws (each is a property test):

1. A unit's tag is a pseudorandom function of the unit's canonical name under the namespace's linkage key, so
   one unit has one tag in every dataset of the namespace; its shard is the tag's leading bits, so shards of
   different counts (powers of two) nest.
2. Within a unit, rows are ordered by a pseudorandom function of (unit, canonical row, which of its identical
   rows it is) under the dataset's order key.  Neither file position, nor batch size, nor any other unit's
   rows enter: taking one unit away moves nobody else's rows, and which rows a bound keeps tells nothing.

**Canonical unit.**  The text of the value in UTF-8, NFC, surrounding white space removed; integers as
decimal text.  So 7 and "7" are the same unit and "007" is another.  An empty text is a null unit.  CMAC
is unambiguous on variable length, and the linkage key is used for nothing else.

**Canonical row.**  A fixed number of 16-byte blocks per column, in field order: (kind, null flag, value) for
fixed widths, the CMAC of the text for strings.  The number of blocks is fixed by the fields, so the messages
are prefix-free and plain CBC-MAC over them is a pseudorandom function (Bellare, Kilian & Rogaway 2000).
"""

from __future__ import annotations

import hmac
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from sandbox.errors import InvalidInputError
from sandbox.schema import ROW_UNIT, Field, Kind
from sandbox.vault.cmac import BLOCK, BlockCipher, Bytes, Cmac

MAX_SHARDS = 4096
UNIT_KINDS = (Kind.INTEGER, Kind.STRING)
_KIND_CODES = {kind: code for code, kind in enumerate(Kind, start=1)}
_FIXED_WIDTH = 8
Words = NDArray[np.uint64]
Index = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class LayoutKeys:
    """Two 32-byte keys: *linkage* belongs to the namespace, *order* to the dataset (lineage)."""

    linkage: bytes
    order: bytes


def check_shards(shards: int) -> None:
    """Refuse a shard count that is not a power of two up to 4096: `InvalidInputError`."""
    if not 1 <= shards <= MAX_SHARDS or shards & (shards - 1):
        raise InvalidInputError("vault.bad-shards", shards=shards, most=MAX_SHARDS)


def check_unit(unit: str, fields: tuple[Field, ...]) -> None:
    """Refuse a unit that is no integer or string column of *fields*: `InvalidInputError`."""
    kinds = {field.name: field.kind for field in fields}
    if unit == ROW_UNIT:
        return
    if unit not in kinds:
        raise InvalidInputError("vault.no-such-unit", unit=unit, columns=list(kinds))
    if kinds[unit] not in UNIT_KINDS:
        raise InvalidInputError("vault.bad-unit-kind", unit=unit, kind=str(kinds[unit]))


def canonical_units(column: pa.Array) -> pa.Array:
    """Return the canonical text of each unit, null where there is none; see the module's text."""
    if pa.types.is_integer(column.type):
        return column.cast(pa.string())
    text = pc.utf8_normalize(pc.utf8_trim_whitespace(column.cast(pa.string())), form="NFC")
    return pc.if_else(pc.equal(text, ""), None, text)


class Layout:
    """The keyed functions of one dataset: tags of units, order of rows."""

    def __init__(self, keys: LayoutKeys, unit: str, fields: tuple[Field, ...]) -> None:
        self._unit = unit
        self._fields = fields
        self._linkage = Cmac(keys.linkage)
        self._text = Cmac(_derive(keys.order, "text"))
        self._chain = BlockCipher(_derive(keys.order, "row"))
        self._repeat = BlockCipher(_derive(keys.order, "repeat"))

    def has_unit(self, batch: pa.RecordBatch) -> pa.Array:
        """Return for each row whether it names a unit."""
        column = batch.column(self._unit)
        return (column if pa.types.is_integer(column.type) else canonical_units(column)).is_valid()

    def tags(self, batch: pa.RecordBatch) -> Bytes:
        """Return the tag of each row's unit, shape (n, 16); the unit column has no nulls.

        When each row is a unit, this is the tag of the first of its identical rows: `repeated` tells the
        others apart.
        """
        if self._unit == ROW_UNIT:
            return self._rows(batch, np.zeros((batch.num_rows, BLOCK), dtype=np.uint8))
        return self._linkage.of_values(canonical_units(batch.column(self._unit)))

    def orders(self, batch: pa.RecordBatch, tags: Bytes) -> Bytes:
        """Return each row's sort key within its unit, shape (n, 16); identical rows get the same."""
        return self._rows(batch, tags)

    def repeated(self, marks: Bytes, ordinals: Index) -> Bytes:
        """Return fresh marks where *ordinals* (among identical rows) are not 0, the others as they are.

        The k-th repeat of mark m gets AES(m XOR k) under a key of its own: marks are pseudorandom and hence
        distinct, so these are inputs met once each.
        """
        again = np.flatnonzero(ordinals)
        if not len(again):
            return marks
        counter = np.zeros((len(again), BLOCK), dtype=np.uint8)
        counter[:, _FIXED_WIDTH:] = ordinals[again].astype(">u8").view(np.uint8).reshape(-1, _FIXED_WIDTH)
        fresh = marks.copy()
        fresh[again] = self._repeat.encrypt(marks[again] ^ counter)
        return fresh

    def _rows(self, batch: pa.RecordBatch, first: Bytes) -> Bytes:
        state = self._chain.encrypt(first)
        for field in self._fields:
            for block in self._blocks(batch.column(field.name), field.kind):
                state = self._chain.encrypt(state ^ block)
        return state

    def _blocks(self, column: pa.Array, kind: Kind) -> list[Bytes]:
        if kind is Kind.STRING:
            return [self._text.of_column(column)]
        if kind is Kind.DECIMAL:
            raw = column.fill_null(0).buffers()[1]
            whole = np.frombuffer(raw, dtype=np.uint8)[column.offset * BLOCK :]
            wide = np.ascontiguousarray(whole[: len(column) * BLOCK]).reshape(-1, 2, _FIXED_WIDTH)
            return [_block(wide[:, half], kind, column) for half in (0, 1)]
        return [_block(_fixed(column, kind), kind, column)]


def _fixed(column: pa.Array, kind: Kind) -> Bytes:
    if kind is Kind.DATE:
        column = column.cast(pa.int32())
    elif kind is Kind.TIMESTAMP:
        column = column.cast(pa.int64())
    filled = pc.fill_null(column, False if kind is Kind.BOOLEAN else 0).to_numpy(zero_copy_only=False)
    wide = filled.astype("<f8" if kind is Kind.FLOAT else "<i8", copy=False)
    return np.ascontiguousarray(wide).view(np.uint8).reshape(-1, _FIXED_WIDTH)


def _block(value: Bytes, kind: Kind, column: pa.Array) -> Bytes:
    block = np.zeros((len(value), BLOCK), dtype=np.uint8)
    block[:, :_FIXED_WIDTH] = value
    block[:, _FIXED_WIDTH] = _KIND_CODES[kind]
    if column.null_count:
        block[:, _FIXED_WIDTH + 1] = column.is_null().to_numpy(zero_copy_only=False)
    return block


def _derive(key: bytes, purpose: str) -> bytes:
    return hmac.digest(key, f"keyong layout {purpose}".encode(), "sha256")


def words(marks: Bytes) -> tuple[Words, Words]:
    """Return 16-byte marks as two columns of numbers that sort like the bytes do."""
    pairs = np.ascontiguousarray(marks).view(">u8").astype(np.uint64)
    return pairs[:, 0], pairs[:, 1]


def leading_bits(marks: Bytes, parts: int) -> NDArray[np.uint16]:
    """Return the part (of a power-of-two number of *parts*) each mark falls in: its leading bits."""
    leading = marks[:, 0].astype(np.uint32) << 8 | marks[:, 1]
    return (leading >> (17 - parts.bit_length())).astype(np.uint16)


def sort_rows(tags: Bytes, orders: Bytes) -> Index:
    """Return the permutation that sorts rows by (tag, order).

    Two fast sorts on 64-bit numbers; where those tie without the full 16 bytes being equal (about never), an
    exact sort of everything.
    """
    tag_high, tag_low = words(tags)
    order_high, order_low = words(orders)
    first = np.argsort(tag_high)
    high, low = tag_high[first], tag_low[first]
    fresh = np.ones(len(first), dtype=bool)
    fresh[1:] = high[1:] != high[:-1]
    if (low[1:] != low[:-1])[~fresh[1:]].any():
        return np.lexsort((order_low, order_high, tag_low, tag_high))
    rank = np.cumsum(fresh, dtype=np.uint64)
    spare = np.uint64(64 - len(first).bit_length())
    key = rank << spare | order_high[first] >> (np.uint64(64) - spare)
    second = np.argsort(key)
    index = first[second]
    tied = np.flatnonzero(np.diff(key[second]) == 0)
    one, other = index[tied], index[tied + 1]
    if (order_high[one] != order_high[other]).any() or (order_low[one] != order_low[other]).any():
        return np.lexsort((order_low, order_high, tag_low, tag_high))
    return index


def ordinals(*marks: Bytes) -> Index:
    """Return each row's position within its run of equal *marks* (sorted), starting at 0."""
    count = len(marks[0])
    start = np.zeros(count, dtype=bool)
    start[:1] = True
    for mark in marks:
        for word in words(mark):
            start[1:] |= word[1:] != word[:-1]
    position = np.arange(count, dtype=np.int64)
    return position - np.maximum.accumulate(np.where(start, position, 0))
