"""AES-256-CMAC over whole columns at once.

CMAC (NIST SP 800-38B, RFC 4493) is a pseudorandom function on messages of any length if AES is one.  It is
used instead of HMAC because one call encrypts the i-th block of *every* message: a column of a million values
costs a few array operations instead of a million Python calls.  Messages are worked on in classes of equal
length, so that nothing here branches on a value, only on its length.
"""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from numpy.typing import NDArray

Bytes = NDArray[np.uint8]
BLOCK = 16
KEY_BYTES = 32
_MSB_POLYNOMIAL = 0x87  # x^128 + x^7 + x^2 + x + 1, the field of SP 800-38B for 128-bit blocks


class BlockCipher:
    """AES-256 on arrays of 16-byte blocks: the permutation itself, never a mode of encryption."""

    def __init__(self, key: bytes) -> None:
        assert len(key) == KEY_BYTES
        # ECB over independent blocks *is* the bare permutation that CMAC and CBC-MAC are built from.
        self._encryptor = Cipher(algorithms.AES(key), modes.ECB()).encryptor  # noqa: S305

    def encrypt(self, blocks: Bytes) -> Bytes:
        """Return AES(key, block) for each row of *blocks*, shape (n, 16)."""
        data = np.ascontiguousarray(blocks)
        out = np.empty(data.size + BLOCK - 1, dtype=np.uint8)  # the extra bytes are asked for by update_into
        written = self._encryptor().update_into(data.reshape(-1).data, out.data)
        return out[:written].reshape(-1, BLOCK)


class Cmac:
    """CMAC under one 32-byte key."""

    def __init__(self, key: bytes) -> None:
        self._cipher = BlockCipher(key)
        zero = self._cipher.encrypt(np.zeros((1, BLOCK), dtype=np.uint8)).tobytes()
        self._whole = _double(zero)
        self._padded = _double(self._whole)

    def of_equal_length(self, messages: Bytes) -> Bytes:
        """Return the CMAC of each row of *messages*, shape (n, length), as shape (n, 16)."""
        count, length = messages.shape
        blocks = max(1, -(-length // BLOCK))
        padded = np.zeros((count, blocks * BLOCK), dtype=np.uint8)
        padded[:, :length] = messages
        if length != blocks * BLOCK:
            padded[:, length] = 0x80
        subkey = self._whole if length == blocks * BLOCK else self._padded
        padded[:, -BLOCK:] ^= np.frombuffer(subkey, dtype=np.uint8)
        state = np.zeros((count, BLOCK), dtype=np.uint8)
        for start in range(0, blocks * BLOCK, BLOCK):
            state = self._cipher.encrypt(state ^ padded[:, start : start + BLOCK])
        return state

    def of_values(self, values: pa.Array) -> Bytes:
        """Return the CMAC of each value of a string or binary array without nulls, shape (n, 16)."""
        values = values.cast(pa.large_binary())
        offsets = np.frombuffer(values.buffers()[1], dtype=np.int64)
        offsets = offsets[values.offset : values.offset + len(values) + 1]
        data = np.frombuffer(values.buffers()[2] or b"", dtype=np.uint8)
        lengths = np.diff(offsets)
        if len(lengths) and (lengths == lengths[0]).all():
            whole = data[offsets[0] : offsets[-1]]
            return self.of_equal_length(whole.reshape(len(lengths), int(lengths[0])))
        tags = np.empty((len(values), BLOCK), dtype=np.uint8)
        for length in np.unique(lengths):
            rows = np.flatnonzero(lengths == length)
            tags[rows] = self.of_equal_length(data[offsets[rows, None] + np.arange(length)])
        return tags

    def of_column(self, column: pa.Array) -> Bytes:
        """Return the CMAC of each string of *column*, shape (n, 16); a null's row is all zero.

        Each distinct value is worked on once.
        """
        coded = column if isinstance(column, pa.DictionaryArray) else column.dictionary_encode()
        tags = self.of_values(coded.dictionary)
        table = np.concatenate([tags, np.zeros((1, BLOCK), dtype=np.uint8)])
        rows: NDArray[np.int32] = pc.fill_null(coded.indices, len(tags)).to_numpy(zero_copy_only=False)
        return table[rows]


def _double(block: bytes) -> bytes:
    value = int.from_bytes(block) << 1
    if value >> 128:
        value = (value & (2**128 - 1)) ^ _MSB_POLYNOMIAL
    return value.to_bytes(BLOCK)
