"""Secrets on their way to a worker.

Law: the transport between gatekeeper and workers sees ciphertext only, and nothing is sealed to a key whose
owner has not shown that it can read this workspace's enrolment secret.  Sealing is HPKE (RFC 9180), base
mode, single shot, with the context as ``info``: DHKEM(X25519, HKDF-SHA256), HKDF-SHA256, AES-256-GCM; the
sealed form is ``enc ‖ ciphertext``.

Worker keys live in the memory of one worker process and end with it.
"""

from __future__ import annotations

import hmac
import secrets
from pathlib import Path
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.hpke import AEAD, KDF, KEM, Suite

from sandbox.errors import TamperingError, UsageError
from sandbox.keys.files import create_private, read_private

PUBLIC_BYTES: Final = 32
_SUITE: Final = Suite(KEM.X25519, KDF.HKDF_SHA256, AEAD.AES_256_GCM)
_ENROLMENT: Final = b"keyong worker enrolment v1\x00"


class WorkerKeys:
    """A worker's key pair; the private half never leaves the object."""

    __slots__ = ("_private", "public")

    def __init__(self, private: X25519PrivateKey) -> None:
        self._private = private
        self.public: Final = private.public_key().public_bytes_raw()

    @classmethod
    def generate(cls) -> WorkerKeys:
        """Make a new pair."""
        return cls(X25519PrivateKey.generate())

    def unseal(self, sealed: bytes, context: bytes) -> bytes:
        """Return what `seal` was given for this worker and *context*, or raise `TamperingError`."""
        try:
            return _SUITE.decrypt(sealed, self._private, info=context)
        except InvalidTag:
            raise TamperingError("seal.unseal-failed") from None


def seal(public: bytes, plaintext: bytes, context: bytes) -> bytes:
    """Encrypt *plaintext* to the owner of *public* (32 bytes), who must state the same *context*."""
    return _SUITE.encrypt(plaintext, X25519PublicKey.from_public_bytes(public), info=context)


def create_enrolment_secret(path: Path) -> bytes:
    """Write a new secret (32 bytes) to *path* with mode 0600; return it."""
    secret = secrets.token_bytes(32)
    create_private(path, secret)
    return secret


def read_enrolment_secret(path: Path) -> bytes:
    """Return the secret, as workers do; raise `UsageError` if the pool that made it is gone."""
    try:
        return read_private(path)
    except FileNotFoundError:
        raise UsageError("seal.no-enrolment-secret", path=str(path)) from None


def enrol(secret: bytes, public: bytes, nonce: bytes) -> bytes:
    """Return the worker's proof for its *public* key: HMAC-SHA256 over key and the gatekeeper's *nonce*."""
    if len(public) != PUBLIC_BYTES:  # fixed length keeps key and nonce apart
        raise TamperingError("seal.unknown-worker")
    return hmac.digest(secret, _ENROLMENT + public + nonce, "sha256")


def check_enrolment(secret: bytes, public: bytes, nonce: bytes, tag: bytes) -> None:
    """Raise `TamperingError` unless *tag* is what `enrol` gives; seal to *public* only after this."""
    if not hmac.compare_digest(enrol(secret, public, nonce), tag):
        raise TamperingError("seal.unknown-worker")
