"""Notes against the published example of golang.org/x/mod/sumdb/note, and against forgery."""

from __future__ import annotations

import base64

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from hypothesis import given
from hypothesis import strategies as st

from sandbox.audit.checkpoint import Checkpoint, VerifierKey, parse_and_verify, sign
from sandbox.errors import InvalidInputError, TamperingError

# Key and signature of note_test.go; Ed25519 is deterministic.
VKEY = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW"
SEED = "AYEKFALVFGyNhPJEMzD1QIDr+Y7hfZx09iUvxdXHKDFz"
TEXT = (
    b"If you think cryptography is the answer to your problem,\nthen you don't know what your problem is.\n"
)
SIGNATURE = "x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM="

KEY = Ed25519PrivateKey.generate()
ORIGIN = "keyong.example/w1"
PUBLIC = VerifierKey.of(ORIGIN, KEY)
HEAD = Checkpoint(ORIGIN, 20852163, bytes(range(32)))
NOTE = sign(HEAD, KEY)


def refused(note: str, key: VerifierKey = PUBLIC) -> str:
    with pytest.raises(TamperingError) as caught:
        parse_and_verify(note, key)
    return caught.value.code


def signed(text: str, key: Ed25519PrivateKey = KEY, name: str = ORIGIN) -> str:
    signature = VerifierKey.of(name, key).hash() + key.sign(text.encode())
    return f"{text}\n— {name} {base64.b64encode(signature).decode()}\n"


def test_the_published_key_and_signature():
    key = VerifierKey.parse(VKEY)
    private = Ed25519PrivateKey.from_private_bytes(base64.b64decode(SEED)[1:])
    assert key == VerifierKey.of("PeterNeumann", private)
    assert key.text() == VKEY
    assert key.hash() + private.sign(TEXT) == base64.b64decode(SIGNATURE)


def test_form_and_round_trip():
    root = base64.b64encode(bytes(range(32))).decode()
    text, _, signature = NOTE.partition("\n\n")
    assert text + "\n" == f"{ORIGIN}\n20852163\n{root}\n" == HEAD.text()
    mark, name, encoded = signature.removesuffix("\n").split(" ")
    raw = base64.b64decode(encoded)
    assert (mark, name, raw[:4]) == ("—", ORIGIN, PUBLIC.hash())
    Ed25519PublicKey.from_public_bytes(PUBLIC.public).verify(raw[4:], HEAD.text().encode())
    assert parse_and_verify(NOTE, PUBLIC) == HEAD
    assert parse_and_verify(sign(Checkpoint(ORIGIN, 0, bytes(32)), KEY), PUBLIC).size == 0


def test_every_changed_character_is_found():
    for place in range(len(NOTE)):
        assert refused(NOTE[:place] + chr(ord(NOTE[place]) ^ 1) + NOTE[place + 1 :])
        assert refused(NOTE[:place])
        assert refused(NOTE[:place] + "\n" + NOTE[place:])


@given(st.text(max_size=300))
def test_any_text_is_refused_as_tampering(text):
    refused(text)
    refused(HEAD.text() + "\n" + text)
    refused(text + NOTE.partition("\n\n")[2])


def test_other_signatures_are_ignored_but_never_enough():
    witness = Ed25519PrivateKey.generate()
    line = signed(HEAD.text(), witness, "witness.example").partition("\n\n")[2]
    assert parse_and_verify(NOTE + line, PUBLIC) == HEAD
    assert refused(HEAD.text() + "\n" + line) == "log.bad-signature"
    same_name = signed(HEAD.text(), witness, ORIGIN)
    assert refused(same_name) == "log.bad-signature"
    broken = line.replace("witness.example ", f"{ORIGIN} ")
    assert parse_and_verify(NOTE + broken, PUBLIC) == HEAD


def test_a_bad_signature_beside_a_good_one_is_refused():
    forged = base64.b64encode(PUBLIC.hash() + bytes(64)).decode()
    assert refused(NOTE + f"— {ORIGIN} {forged}\n") == "log.bad-signature"


def test_the_name_is_the_log():
    other = signed(Checkpoint("keyong.example/w2", 1, bytes(32)).text())
    assert refused(other) == "log.bad-signature"
    stranger = VerifierKey("keyong.example/w2", PUBLIC.public)
    assert refused(NOTE, stranger) == "log.bad-signature"


@pytest.mark.parametrize("size", ["01", "-1", "+1", "1.0", "", " 1", "1_0", "１", "9" * 30])
def test_sizes_have_one_form(size):
    root = base64.b64encode(bytes(32)).decode()
    assert refused(signed(f"{ORIGIN}\n{size}\n{root}\n")) == "log.bad-checkpoint"


@pytest.mark.parametrize("root", ["", "AAAA", "A" * 43, base64.b64encode(bytes(33)).decode(), "é" * 44])
def test_roots_have_one_form(root):
    assert refused(signed(f"{ORIGIN}\n1\n{root}\n")) == "log.bad-checkpoint"


def test_extension_lines_and_huge_notes_are_refused():
    assert refused(signed(HEAD.text() + "extension\n")) == "log.bad-checkpoint"
    line = NOTE.partition("\n\n")[2]
    assert refused(NOTE + line * 2000) == "log.bad-checkpoint"


@pytest.mark.parametrize(
    "text",
    [
        "",
        "+",
        "++",
        "a+b",
        VKEY[:-1],
        VKEY[:-4],
        VKEY.replace("c74f", "c74e"),
        VKEY.replace("+AR", "+BR"),
        "é+é+é",
    ],
)
def test_bad_keys(text):
    with pytest.raises(InvalidInputError) as caught:
        VerifierKey.parse(text)
    assert caught.value.code == "log.bad-key"


@pytest.mark.parametrize("name", ["", "a b", "a+b", "a\nb", "a\u3000b", "\x01"])
def test_bad_names(name):
    with pytest.raises(InvalidInputError):
        VerifierKey(name, bytes(32))
