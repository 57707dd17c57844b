"""The two local providers: what their files are, and what is said when a file is not what it should be."""

from __future__ import annotations

import base64
import hashlib
import json
import os
import unicodedata

import pytest
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from sandbox.errors import InvalidInputError
from sandbox.keys import provider as module
from sandbox.keys.files import create_private, read_private, replace_private
from sandbox.keys.provider import (
    MASTER_FILE,
    SEALED_FILE,
    FileKeyProvider,
    PassphraseKeyProvider,
    open_provider,
)


@pytest.fixture
def cheap_scrypt(monkeypatch):
    monkeypatch.setattr(module, "SCRYPT_N", 2**14)


def code(action) -> str:
    with pytest.raises(InvalidInputError) as caught:
        action()
    return caught.value.code


def test_passphrase_file_against_hashlib_and_plain_aes(tmp_path):
    made = PassphraseKeyProvider.create(tmp_path, "pass phrase 一二三")
    stored = json.loads((tmp_path / SEALED_FILE).read_bytes())
    assert (stored["n"], stored["r"], stored["p"]) == (2**17, 8, 1)
    secret = "pass phrase 一二三".encode()
    derived = hashlib.scrypt(
        secret, salt=bytes.fromhex(stored["salt"]), n=2**17, r=8, p=1, maxmem=2**28, dklen=32
    )
    wrapped = base64.b64decode(stored.pop("wrapped"))
    header = json.dumps(stored, sort_keys=True, separators=(",", ":")).encode()
    master = AESGCM(derived).decrypt(wrapped[1:13], wrapped[13:], header)
    sealed = made.wrap(b"k" * 32, b"c")
    assert AESGCM(master).decrypt(sealed[1:13], sealed[13:], b"c") == b"k" * 32


def test_wrong_passphrase_is_no_tampering(tmp_path, cheap_scrypt):
    PassphraseKeyProvider.create(tmp_path, "one passphrase")
    assert code(lambda: open_provider(tmp_path, lambda: "another one")) == "key.wrong-passphrase"
    assert code(lambda: open_provider(tmp_path, None)) == "key.passphrase-needed"


def test_short_passphrase(tmp_path, cheap_scrypt):
    assert code(lambda: PassphraseKeyProvider.create(tmp_path, "seven77")) == "key.short-passphrase"
    assert not list(tmp_path.iterdir())


def test_a_passphrase_changes_without_touching_other_keys(tmp_path, cheap_scrypt):
    wrapped = PassphraseKeyProvider.create(tmp_path, "old passphrase").wrap(b"k" * 32, b"c")
    PassphraseKeyProvider.change(tmp_path, "old passphrase", "new passphrase")
    assert PassphraseKeyProvider.open(tmp_path, "new passphrase").unwrap(wrapped, b"c") == b"k" * 32
    assert code(lambda: PassphraseKeyProvider.open(tmp_path, "old passphrase")) == "key.wrong-passphrase"
    assert (
        code(lambda: PassphraseKeyProvider.change(tmp_path, "bad guess", "x" * 9)) == "key.wrong-passphrase"
    )
    assert (tmp_path / SEALED_FILE).stat().st_mode & 0o777 == 0o600
    assert [path.name for path in tmp_path.iterdir()] == [SEALED_FILE]


def test_the_same_characters_from_another_keyboard(tmp_path, cheap_scrypt):
    word = "caffè città"
    PassphraseKeyProvider.create(tmp_path, unicodedata.normalize("NFC", word))
    PassphraseKeyProvider.open(tmp_path, unicodedata.normalize("NFD", word))


@pytest.mark.parametrize(
    "damage",
    [
        {"n": 2**40},
        {"n": 2**13},
        {"n": 2**14 + 1},
        {"n": True},
        {"n": float(2**14)},
        {"n": None},
        {"r": 1},
        {"salt": "zz"},
        {"salt": "00"},
        {"salt": 7},
        {"wrapped": "!!"},
        {"wrapped": None},
        {"format": 2},
        {"extra": 1},
    ],
)
def test_damaged_passphrase_file(tmp_path, cheap_scrypt, damage):
    PassphraseKeyProvider.create(tmp_path, "one passphrase")
    path = tmp_path / SEALED_FILE
    path.write_text(json.dumps({**json.loads(path.read_bytes()), **damage}))
    assert code(lambda: PassphraseKeyProvider.open(tmp_path, "one passphrase")) == "key.damaged-file"


@pytest.mark.parametrize("text", [b"", b"[]", b"{}", b"null", b"\xff\xfe", b"{"])
def test_a_file_that_is_something_else(tmp_path, text):
    create_private(tmp_path / SEALED_FILE, text)
    create_private(tmp_path / MASTER_FILE, text)
    assert code(lambda: PassphraseKeyProvider.open(tmp_path, "one passphrase")) == "key.damaged-file"
    assert code(lambda: FileKeyProvider.open(tmp_path)) == "key.damaged-file"


def test_weaker_scrypt_in_the_file_opens_nothing(tmp_path, monkeypatch):
    monkeypatch.setattr(module, "SCRYPT_N", 2**15)
    PassphraseKeyProvider.create(tmp_path, "one passphrase")
    path = tmp_path / SEALED_FILE
    path.write_text(json.dumps({**json.loads(path.read_bytes()), "n": 2**14}))
    assert code(lambda: PassphraseKeyProvider.open(tmp_path, "one passphrase")) == "key.wrong-passphrase"


def test_a_failed_write_leaves_nothing(tmp_path, monkeypatch):
    def full(_handle):
        raise OSError(28, "No space left on device")

    replace_private(tmp_path / "kept", b"old")
    monkeypatch.setattr(os, "fsync", full)
    for write, name in ((create_private, "fresh"), (replace_private, "kept")):
        with pytest.raises(OSError, match="No space"):
            write(tmp_path / name, b"new")
    monkeypatch.undo()
    assert [path.name for path in tmp_path.iterdir()] == ["kept"]
    assert read_private(tmp_path / "kept") == b"old"


def test_private_from_the_first_byte_whatever_the_umask(tmp_path):
    before = os.umask(0)
    try:
        create_private(tmp_path / "a", b"")
        replace_private(tmp_path / "b", b"")
    finally:
        os.umask(before)
    assert {path.stat().st_mode & 0o777 for path in tmp_path.iterdir()} == {0o600}
