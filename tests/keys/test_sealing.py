"""HPKE against an independent reading of RFC 9180, and enrolment.

The library's sender draws its ephemeral key itself, so the RFC's ciphertexts cannot be produced; they can be
opened.  The oracle below is RFC 9180 sections 4 and 5 in raw X25519, HMAC and AES-GCM; it first reproduces
vector A.1.1 and then meets our suite from both sides.
"""

from __future__ import annotations

import hmac
import os

import pytest
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from sandbox.errors import InvalidInputError, TamperingError, UsageError
from sandbox.keys.sealing import (
    WorkerKeys,
    check_enrolment,
    create_enrolment_secret,
    enrol,
    read_enrolment_secret,
    seal,
)

AES_128, AES_256 = (1, 16), (2, 32)


def mac(key: bytes, data: bytes) -> bytes:
    return hmac.digest(key, data, "sha256")


def extract(suite: bytes, salt: bytes, label: bytes, data: bytes) -> bytes:
    return mac(salt or bytes(32), b"HPKE-v1" + suite + label + data)


def expand(suite: bytes, key: bytes, label: bytes, info: bytes, length: int) -> bytes:
    return mac(key, length.to_bytes(2, "big") + b"HPKE-v1" + suite + label + info + b"\x01")[:length]


def schedule(
    shared: bytes, enc: bytes, public: bytes, info: bytes, aead: tuple[int, int]
) -> tuple[AESGCM, bytes]:
    kem = b"KEM" + (0x20).to_bytes(2, "big")
    secret = expand(kem, extract(kem, b"", b"eae_prk", shared), b"shared_secret", enc + public, 32)
    suite = b"HPKE" + b"".join(part.to_bytes(2, "big") for part in (0x20, 1, aead[0]))
    context = b"\x00" + extract(suite, b"", b"psk_id_hash", b"") + extract(suite, b"", b"info_hash", info)
    key = extract(suite, secret, b"secret", b"")
    return AESGCM(expand(suite, key, b"key", context, aead[1])), expand(
        suite, key, b"base_nonce", context, 12
    )


def oracle_open(
    private: X25519PrivateKey, sealed: bytes, info: bytes, aead=AES_256, aad: bytes = b""
) -> bytes:
    enc, ciphertext = sealed[:32], sealed[32:]
    shared = private.exchange(X25519PublicKey.from_public_bytes(enc))
    cipher, nonce = schedule(shared, enc, private.public_key().public_bytes_raw(), info, aead)
    return cipher.decrypt(nonce, ciphertext, aad)


def oracle_seal(public: bytes, plaintext: bytes, info: bytes) -> bytes:
    ephemeral = X25519PrivateKey.generate()
    enc = ephemeral.public_key().public_bytes_raw()
    shared = ephemeral.exchange(X25519PublicKey.from_public_bytes(public))
    cipher, nonce = schedule(shared, enc, public, info, AES_256)
    return enc + cipher.encrypt(nonce, plaintext, b"")


def test_the_oracle_knows_rfc_9180_a_1_1():
    private = X25519PrivateKey.from_private_bytes(
        bytes.fromhex("4612c550263fc8ad58375df3f557aac531d26850903e55a9f23f21d8534e8ac8")
    )
    sealed = bytes.fromhex(
        "37fda3567bdbd628e88668c3c8d7e97d1d1253b6d4ea6d44c150f741f1bf4431"
        "f938558b5d72f1a23810b4be2ab4f84331acc02fc97babc53a52ae8218a355a9"
        "6d8770ac83d07bea87e13c512a"
    )
    opened = oracle_open(private, sealed, b"Ode on a Grecian Urn", AES_128, b"Count-0")
    assert opened == b"Beauty is truth, truth beauty"


@pytest.mark.parametrize("size", [0, 1, 32, 5_000_000])
def test_seal_and_unseal_against_the_oracle(size):
    private = X25519PrivateKey.generate()
    worker = WorkerKeys(private)
    plaintext = os.urandom(size)
    assert oracle_open(private, seal(worker.public, plaintext, b"job 1"), b"job 1") == plaintext
    assert worker.unseal(oracle_seal(worker.public, plaintext, b"job 1"), b"job 1") == plaintext


def test_only_this_worker_and_this_context():
    worker, other = WorkerKeys.generate(), WorkerKeys.generate()
    sealed = seal(worker.public, b"column keys", b"job 1 shard 2")
    assert worker.unseal(sealed, b"job 1 shard 2") == b"column keys"
    for opener, context in ((other, b"job 1 shard 2"), (worker, b"job 1 shard 3"), (worker, b"")):
        with pytest.raises(TamperingError) as caught:
            opener.unseal(sealed, context)
        assert caught.value.code == "seal.unseal-failed"


def test_every_changed_byte_and_every_cut():
    worker = WorkerKeys.generate()
    sealed = seal(worker.public, b"column keys", b"")
    forged = [
        sealed[:place] + bytes([sealed[place] ^ 1]) + sealed[place + 1 :] for place in range(len(sealed))
    ]
    for each in forged + [sealed[:place] for place in range(len(sealed))]:
        with pytest.raises(TamperingError):
            worker.unseal(each, b"")


def test_sealing_is_randomised_and_public_key_is_32_bytes():
    worker = WorkerKeys.generate()
    assert len(worker.public) == 32
    assert seal(worker.public, b"x", b"") != seal(worker.public, b"x", b"")


def test_enrolment():
    secret, nonce, public = os.urandom(32), os.urandom(32), WorkerKeys.generate().public
    tag = enrol(secret, public, nonce)
    assert tag == mac(secret, b"keyong worker enrolment v1\x00" + public + nonce)
    check_enrolment(secret, public, nonce, tag)
    stranger = WorkerKeys.generate().public
    for wrong in (
        (os.urandom(32), public, nonce, tag),
        (secret, stranger, nonce, tag),
        (secret, public, os.urandom(32), tag),
        (secret, public, nonce, tag[:-1]),
        (secret, public, nonce, b""),
        (secret, public + nonce[:1], nonce[1:], tag),
        (secret, public[:-1], public[-1:] + nonce, tag),
    ):
        with pytest.raises(TamperingError) as caught:
            check_enrolment(*wrong)
        assert caught.value.code == "seal.unknown-worker"


def test_the_enrolment_secret_file(tmp_path):
    path = tmp_path / "enrolment"
    with pytest.raises(UsageError):
        read_enrolment_secret(path)
    secret = create_enrolment_secret(path)
    assert read_enrolment_secret(path) == secret
    assert path.stat().st_mode & 0o777 == 0o600
    path.chmod(0o644)
    with pytest.raises(InvalidInputError):
        read_enrolment_secret(path)
