"""CMAC against NIST's own vectors and against an independent implementation."""

import numpy as np
import pyarrow as pa
import pytest
from cryptography.hazmat.primitives.ciphers import algorithms
from cryptography.hazmat.primitives.cmac import CMAC
from hypothesis import given
from hypothesis import strategies as st

from sandbox.vault.cmac import Cmac

# NIST SP 800-38B, appendix D.3 (AES-256), as republished in the CAVP examples "AES_CMAC.pdf".
KEY = bytes.fromhex("603deb1015ca71be2b73aef0857d77811f352c073b6108d72d9810a30914dff4")
MESSAGE = bytes.fromhex(
    "6bc1bee22e409f96e93d7e117393172aae2d8a571e03ac9c9eb76fac45af8e51"
    "30c81c46a35ce411e5fbc1191a0a52eff69f2445df4f9b17ad2b417be66c3710"
)
VECTORS = {
    0: "028962f61b7bf89efc6b551f4667d983",
    16: "28a7023f452e8f82bd4bf28d8c37c35c",
    40: "aaf3d8f1de5640c232f5b169b9c911e6",
    64: "e1992190549f6ed5696a2c056c315410",
}


def oracle(key: bytes, message: bytes) -> bytes:
    mac = CMAC(algorithms.AES(key))
    mac.update(message)
    return mac.finalize()


@pytest.mark.parametrize(("length", "expected"), VECTORS.items())
def test_nist_vectors(length: int, expected: str) -> None:
    message = np.frombuffer(MESSAGE[:length], dtype=np.uint8).reshape(1, -1)
    assert Cmac(KEY).of_equal_length(message).tobytes().hex() == expected


@given(st.binary(min_size=32, max_size=32), st.lists(st.binary(max_size=70), max_size=40))
def test_equals_the_library_on_any_values(key: bytes, messages: list[bytes]) -> None:
    tags = Cmac(key).of_values(pa.array(messages, pa.binary()))
    assert [tag.tobytes() for tag in tags] == [oracle(key, message) for message in messages]


@given(st.lists(st.one_of(st.none(), st.text(max_size=20)), max_size=30), st.integers(0, 5))
def test_columns_with_nulls_slices_and_dictionaries(texts: list[str | None], start: int) -> None:
    for column in (pa.array(texts, pa.string()), pa.array(texts, pa.string()).dictionary_encode()):
        tags = Cmac(KEY).of_column(column.slice(start))
        expected = [bytes(16) if t is None else oracle(KEY, t.encode()) for t in texts[start:]]
        assert [tag.tobytes() for tag in tags] == expected
