"""Who keeps the master key.

Law: the master key wraps other keys and nothing else, never leaves its provider, and what it wrapped opens
only under the context it was wrapped for.  Whoever loses the master key loses every dataset of the workspace.

Two providers keep it locally: in a file, or in a file sealed by a passphrase.  In the second the master key
is random too and the key derived from the passphrase only wraps it, so that a passphrase can change without
touching any other key.

Wrapped form (NIST SP 800-38D, AES-256-GCM): version byte 1, random 96-bit nonce, ciphertext and tag.
"""

from __future__ import annotations

import base64
import json
import os
import secrets
import unicodedata
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final, Protocol, Self

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.scrypt import Scrypt

from sandbox import canonical
from sandbox.errors import InvalidInputError, TamperingError
from sandbox.keys.files import create_private, read_private, replace_private

KEY_BYTES: Final = 32
"""Every key of the house has 256 bits: AES-256, HMAC-SHA256, Ed25519 and X25519 seeds."""

MASTER_FILE: Final = "master.key"
SEALED_FILE: Final = "passphrase.json"

SHORTEST_PASSPHRASE: Final = 8
"""Characters; NIST SP 800-63B, 3.1.1.2."""

SCRYPT_N: Final = 2**17
"""Scrypt cost (RFC 7914) of new files with r = 8, p = 1: 128 MiB and about half a second a guess."""
_SCRYPT_RANGE: Final = range(2**14, 2**20 + 1)  # a hostile file must not ask for more than 1 GiB

_VERSION: Final = b"\x01"
_NONCE_BYTES: Final = 12


class KeyProvider(Protocol):
    """Keeps a master key; every implementation passes tests/contract/test_key_provider.py."""

    def wrap(self, key: bytes, context: bytes) -> bytes:
        """Return *key* (32 bytes) encrypted and bound to *context* (public, any length)."""

    def unwrap(self, wrapped: bytes, context: bytes) -> bytes:
        """Return the key that `wrap` was given with the same *context*.

        Raises `TamperingError` if the bytes, the context or the master key are not the same.
        """


class WrappingKey:
    """A key in memory that wraps others: a local master key, or a dataset's key."""

    __slots__ = ("_cipher",)

    def __init__(self, key: bytes) -> None:
        if len(key) != KEY_BYTES:
            raise ValueError("a wrapping key has 32 bytes")
        self._cipher = AESGCM(key)

    def wrap(self, key: bytes, context: bytes) -> bytes:
        """Return *key* (32 bytes) encrypted and bound to *context*."""
        if len(key) != KEY_BYTES:
            raise ValueError("a key has 32 bytes")
        nonce = os.urandom(_NONCE_BYTES)
        return _VERSION + nonce + self._cipher.encrypt(nonce, key, context)

    def unwrap(self, wrapped: bytes, context: bytes) -> bytes:
        """Return what was wrapped for *context*; raise `TamperingError` for anything else."""
        nonce, sealed = wrapped[1 : 1 + _NONCE_BYTES], wrapped[1 + _NONCE_BYTES :]
        try:
            if wrapped[:1] != _VERSION or len(sealed) != KEY_BYTES + 16:
                raise InvalidTag
            return self._cipher.decrypt(nonce, sealed, context)
        except InvalidTag:
            raise TamperingError("key.unwrap-failed", context=context.decode(errors="replace")) from None


class FileKeyProvider(WrappingKey):
    """The master key is 32 random bytes in a file of mode 0600."""

    __slots__ = ()

    @classmethod
    def create(cls, directory: Path) -> Self:
        """Make a new master key in *directory*; raise `InvalidInputError` if there is one."""
        key = secrets.token_bytes(KEY_BYTES)
        create_private(directory / MASTER_FILE, key)
        return cls(key)

    @classmethod
    def open(cls, directory: Path) -> Self:
        """Return the provider; raise `InvalidInputError` for a missing, damaged or readable key file."""
        path = directory / MASTER_FILE
        key = _read(path)
        if len(key) != KEY_BYTES:
            raise InvalidInputError("key.damaged-file", path=str(path))
        return cls(key)


class PassphraseKeyProvider(WrappingKey):
    """The master key is random and stored wrapped by a key that Scrypt derives from a passphrase."""

    __slots__ = ()

    @classmethod
    def create(cls, directory: Path, passphrase: str) -> Self:
        """Make a new master key in *directory*; raise `InvalidInputError` for a short passphrase."""
        key = secrets.token_bytes(KEY_BYTES)
        create_private(directory / SEALED_FILE, lock(key, passphrase))
        return cls(key)

    @classmethod
    def open(cls, directory: Path, passphrase: str) -> Self:
        """Return the provider; raise `InvalidInputError` for a wrong passphrase or a bad file."""
        return cls(unlock(directory / SEALED_FILE, passphrase))

    @staticmethod
    def change(directory: Path, old: str, new: str) -> None:
        """Let *new* open what *old* opened; the master key and all it wrapped stay as they are."""
        path = directory / SEALED_FILE
        replace_private(path, lock(unlock(path, old), new))


def create_provider(directory: Path, passphrase: str | None) -> KeyProvider:
    """Make the master key of a new workspace: behind *passphrase*, or in a file if it is None."""
    for name in (MASTER_FILE, SEALED_FILE):
        if (directory / name).exists():
            raise InvalidInputError("key.exists", path=str(directory / name))
    if passphrase is None:
        return FileKeyProvider.create(directory)
    return PassphraseKeyProvider.create(directory, passphrase)


def open_provider(directory: Path, passphrase: Callable[[], str] | None) -> KeyProvider:
    """Return the provider that `create_provider` made; *passphrase* is called only if one is needed."""
    if not (directory / SEALED_FILE).exists():
        return FileKeyProvider.open(directory)
    if passphrase is None:
        raise InvalidInputError("key.passphrase-needed", path=str(directory / SEALED_FILE))
    return PassphraseKeyProvider.open(directory, passphrase())


def _read(path: Path) -> bytes:
    try:
        return read_private(path)
    except FileNotFoundError:
        raise InvalidInputError("key.missing-file", path=str(path)) from None


def _header(salt: str, n: int, purpose: str) -> dict[str, Any]:
    told = {"purpose": purpose} if purpose else {}
    return {"format": 1, "kdf": "scrypt", "n": n, "r": 8, "p": 1, "salt": salt, **told}


def _derived(passphrase: str, header: dict[str, Any]) -> WrappingKey:
    # The same characters typed on another keyboard may arrive as other code points.
    secret = unicodedata.normalize("NFKC", passphrase).encode()
    salt = bytes.fromhex(header["salt"])
    kdf = Scrypt(salt=salt, length=KEY_BYTES, n=header["n"], r=header["r"], p=header["p"])
    return WrappingKey(kdf.derive(secret))


def lock(key: bytes, passphrase: str, purpose: str = "") -> bytes:
    """Return a file that holds *key* (32 bytes) for whoever knows *passphrase*, bound to *purpose*.

    A master key's purpose is empty.  Raises `InvalidInputError` for a short passphrase.
    """
    if len(passphrase) < SHORTEST_PASSPHRASE:
        raise InvalidInputError("key.short-passphrase", least=SHORTEST_PASSPHRASE)
    header = _header(secrets.token_hex(16), SCRYPT_N, purpose)
    wrapped = _derived(passphrase, header).wrap(key, canonical.encode(header))
    return canonical.encode({**header, "wrapped": base64.b64encode(wrapped).decode()})


def unlock(path: Path, passphrase: str, purpose: str = "") -> bytes:
    """Return the key that `lock` put into the file *path* for *purpose*.

    Raises `InvalidInputError` for a wrong passphrase and for a missing, damaged or readable file.
    """
    header, wrapped = _parse(path, _read(path), purpose)
    try:
        return _derived(passphrase, header).unwrap(wrapped, canonical.encode(header))
    except TamperingError:
        # A typing mistake looks the same as a changed file, and is what happens every day.
        raise InvalidInputError("key.wrong-passphrase", path=str(path)) from None


def _parse(path: Path, text: bytes, purpose: str) -> tuple[dict[str, Any], bytes]:
    try:
        stored = json.loads(text)
        wrapped = base64.b64decode(stored.pop("wrapped"), validate=True)
        salt, n = stored["salt"], stored["n"]
        known = stored == _header(salt, n, purpose) and len(bytes.fromhex(salt)) == 16
        if not known or type(n) is not int or n not in _SCRYPT_RANGE or n & (n - 1):
            raise ValueError
    except (ValueError, KeyError, TypeError, AttributeError):
        raise InvalidInputError("key.damaged-file", path=str(path)) from None
    return stored, wrapped
