"""An owner's own key, and signing with it: what happens at the owner's side and never behind the gatekeeper.

Law: the private key is in one file, sealed by a passphrase (Scrypt, AES-256-GCM), outside the workspace, and
in the memory of the command that signs.  The gatekeeper is told the public key and the signature.  What is
signed is the digest of what the file *says*, read here: nobody signs what a gatekeeper claims that it says.

The file stands in ``identities/WORKSPACE/NAME-KEY.key`` beside the anchors, or where its owner puts it.
"""

from __future__ import annotations

import os
import secrets
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from policies.build import parse
from policies.model import policy_digest
from policies.sign import endorse, key_id, public_half, sign
from sandbox.errors import InvalidInputError, UsageError
from sandbox.formats import read_identity
from sandbox.keys.files import create_private
from sandbox.keys.provider import KEY_BYTES, lock, unlock
from sandbox.workspace import anchor_directory
from service.embedded import workspace_directory
from service.policies.files import read_text, signature_file

_PURPOSE: Final = "keyong owner's signing key"


@dataclass(frozen=True, slots=True)
class OwnKey:
    """An opened signing key; *path* is the file it is kept in."""

    path: Path
    private: Ed25519PrivateKey

    @property
    def public(self) -> str:
        """The public half in hexadecimal: what is pinned."""
        return public_half(self.private)

    @property
    def id(self) -> str:
        """The id of the public half."""
        return key_id(self.public)

    def endorse(self, name: str, public: str) -> str:
        """Return this key's word that *public* is from now on the key of *name*."""
        return endorse(name, public, self.private)


def key_file(workspace: Path | None, name: str, key: str) -> Path:
    """Return where the key of id *key* of *name* is kept unless its owner chose another place."""
    identity = read_identity(workspace_directory(workspace))["id"]
    return anchor_directory().parent / "identities" / identity / f"{name}-{key[:8]}.key"


def make(workspace: Path | None, name: str, path: Path | None, passphrase: str) -> OwnKey:
    """Make a key and keep it in *path* or the usual place, sealed; nobody is told yet.

    Raises `InvalidInputError` for a short passphrase, a file that is there, a file inside the workspace.
    """
    seed = secrets.token_bytes(KEY_BYTES)
    private = Ed25519PrivateKey.from_private_bytes(seed)
    sealed = lock(seed, passphrase, _PURPOSE)
    if path is None:
        path = key_file(workspace, name, key_id(public_half(private)))
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    elif path.absolute().resolve().is_relative_to(workspace_directory(workspace).absolute().resolve()):
        raise InvalidInputError("identity.key-in-workspace", path=str(path))
    create_private(path, sealed)
    return OwnKey(path, private)


def unseal(path: Path, passphrase: str) -> OwnKey:
    """Return the key in *path*; `UsageError` if it is not there, `InvalidInputError` if it is no key."""
    if not path.is_file():
        raise UsageError("identity.no-key-file", path=str(path))
    return OwnKey(path, Ed25519PrivateKey.from_private_bytes(unlock(path, passphrase, _PURPOSE)))


def sign_policy(path: Path, key: OwnKey) -> dict[str, Any]:
    """Sign what the policy file *path* says and write the signature beside it.

    Returns ``{"dataset", "version", "digest", "key", "signature_file"}``.
    """
    policy = parse(read_text(path), str(path))
    signed = sign(policy_digest(policy), key.private)
    written = signature_file(path)
    _replace(written, signed.text())
    return {
        "dataset": policy.dataset,
        "version": policy.version,
        "digest": signed.digest,
        "key": signed.key,
        "signature_file": str(written),
    }


def _replace(path: Path, text: str) -> None:
    """Write *path* so that every reader sees the old file or the new one, whole."""
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(handle, "w") as stream:
            stream.write(text)
        Path(name).chmod(0o644)
        Path(name).replace(path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise
