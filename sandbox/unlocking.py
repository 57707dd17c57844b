"""From the master key to an open keyring, also where a rotation was cut off."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path

import sqlalchemy as sa
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from sandbox.database import Database
from sandbox.errors import TamperingError
from sandbox.keys import contexts, rotation
from sandbox.keys.keyring import Context, Keyring
from sandbox.keys.provider import KeyProvider, open_provider

Passphrase = Callable[[], str]
"""Asks for the passphrase; called where one is needed."""


def unlock(directory: Path, database: Database, passphrase: Passphrase | None) -> Keyring:
    """Return the keyring under the master key that opens the books; ends a rotation that was cut off."""
    if passphrase is not None and rotation.sealed(directory):
        passphrase = partial(str, passphrase())  # asked once, and before others are made to wait
    with rotation.held(directory, alone=False):
        if not rotation.under_way(directory):
            return _watching(database, open_provider(directory / rotation.KEYRING, passphrase))
    with rotation.held(directory, alone=True):
        return _watching(database, rotation.settle(directory, passphrase, partial(opens, database)))


def opens(database: Database, provider: KeyProvider) -> bool:
    """Whether the books are wrapped by the master key that *provider* keeps."""
    try:
        with database.reading() as connection:
            signing_key(Keyring(provider), connection, contexts.LOG_SIGNING)
    except TamperingError:
        return False
    return True


def adopt(keyring: Keyring, database: Database, provider: KeyProvider) -> None:
    """Let *keyring* go on with *provider*'s master key, until it sees that this was replaced."""
    with database.reading() as connection:
        key_id = keyring.find(connection, contexts.LOG_SIGNING)
        if key_id is not None:
            keyring.adopt(connection, provider, key_id)


def signing_key(keyring: Keyring, connection: sa.Connection, context: Context) -> Ed25519PrivateKey:
    """Return the signing key of *context*; `TamperingError` if it is not there or does not open."""
    key_id = keyring.find(connection, context)
    if key_id is None:
        raise TamperingError("key.missing", key=context["purpose"])
    return Ed25519PrivateKey.from_private_bytes(keyring.open(connection, key_id, context))


def _watching(database: Database, provider: KeyProvider) -> Keyring:
    keyring = Keyring(provider)
    adopt(keyring, database, provider)
    return keyring
