"""Signatures: over one policy, by one key, and over nothing else."""

from __future__ import annotations

import json

import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st

from policies.build import parse
from policies.model import policy_digest
from policies.sign import (
    PolicySignature,
    endorse,
    endorsed,
    holds,
    key_id,
    parse_signature,
    public_half,
    sign,
)
from sandbox.errors import InvalidInputError
from sandbox.schema import Digest

KEY, OTHER = Ed25519PrivateKey.generate(), Ed25519PrivateKey.generate()
DIGEST = Digest("ab" * 32)


def test_what_is_signed_is_domain_and_digest(text: str) -> None:
    digest = policy_digest(parse(text, "p.yaml"))
    signed = sign(digest, KEY)
    KEY.public_key().verify(bytes.fromhex(signed.signature), f"keyong-policy/v1\n{digest}".encode())
    with pytest.raises(InvalidSignature):
        KEY.public_key().verify(bytes.fromhex(signed.signature), digest.encode())
    assert holds(signed, public_half(KEY))


def test_it_holds_for_nothing_else() -> None:
    signed, public = sign(DIGEST, KEY), public_half(KEY)
    other = public_half(OTHER)
    assert not holds(signed, other)
    assert not holds(PolicySignature(Digest("ac" * 32), signed.key, signed.signature), public)
    assert not holds(PolicySignature(DIGEST, key_id(other), signed.signature), other)
    # A key's word for the next key is no signature of a policy, and the other way round.
    word = endorse("bureau", other, KEY)
    assert endorsed("bureau", other, public, word)
    assert not endorsed("laboratory", other, public, word)
    assert not endorsed("bureau", public, public, word)
    assert not endorsed("bureau", other, other, word)
    assert not endorsed("bureau", other, public, signed.signature)


@given(st.integers(0, 511))
def test_a_flipped_bit_is_noticed(bit: int) -> None:
    signed = sign(DIGEST, KEY)
    flipped = bytearray(bytes.fromhex(signed.signature))
    flipped[bit // 8] ^= 1 << bit % 8
    assert not holds(PolicySignature(DIGEST, signed.key, bytes(flipped).hex()), public_half(KEY))


@pytest.mark.parametrize("public", ["", "00", "zz" * 32, "00" * 31])
def test_a_public_key_that_is_none_verifies_nothing(public: str) -> None:
    assert not endorsed("bureau", public_half(OTHER), public, endorse("bureau", public_half(OTHER), KEY))


def test_a_file_says_what_was_signed() -> None:
    signed = sign(DIGEST, KEY)
    assert parse_signature(signed.text(), "p.sig") == signed


GOOD = json.loads(sign(DIGEST, KEY).text())


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{}",
        "[]",
        "null",
        "1",
        "[" * 100_000,
        json.dumps(GOOD | {"kind": "keyong-policy/v2"}),
        json.dumps(GOOD | {"more": 1}),
        json.dumps(GOOD | {"digest": "AB" * 32}),
        json.dumps(GOOD | {"key": 7}),
        json.dumps(GOOD | {"signature": GOOD["signature"] + "00"}),
        json.dumps({key: GOOD[key] for key in ("kind", "digest", "key")}),
    ],
)
def test_what_is_no_signature_file_is_refused(text: str) -> None:
    with pytest.raises(InvalidInputError) as caught:
        parse_signature(text, "p.sig")
    assert caught.value.code == "policy.bad-signature-file"
