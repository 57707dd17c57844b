"""Signed tree heads: what a reviewer keeps to hold the log to its word.

Law: a checkpoint counts only after its signature was verified by a key known beforehand, and only for the
log it names.  The format is C2SP tlog-checkpoint (origin, size, root) inside a C2SP signed note with an
Ed25519 signature (type 0x01); signatures of other keys on the same note are ignored, as the standard demands.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import re
from dataclasses import dataclass
from typing import Final

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from sandbox.audit.merkle import HASH_BYTES
from sandbox.errors import InvalidInputError, TamperingError

_ED25519: Final = b"\x01"
_NAME: Final = re.compile(r"[^\s+\x00-\x1f]+")
_SIZE: Final = re.compile(r"0|[1-9][0-9]{0,17}", re.ASCII)
_LONGEST_NOTE: Final = 100_000  # characters; dozens of witnesses' signatures
_SIGNATURE_LINE: Final = "— "


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """The head of the log *origin*: its number of leaves and its root."""

    origin: str
    size: int
    root: bytes

    def text(self) -> str:
        """Return what is signed."""
        return f"{self.origin}\n{self.size}\n{_base64(self.root)}\n"


@dataclass(frozen=True, slots=True)
class VerifierKey:
    """A log's public key: *name* is the log's origin, *public* 32 bytes of Ed25519."""

    name: str
    public: bytes

    def __post_init__(self) -> None:
        if not _NAME.fullmatch(self.name) or len(self.public) != 32:
            raise InvalidInputError("log.bad-key")

    @classmethod
    def of(cls, name: str, key: Ed25519PrivateKey) -> VerifierKey:
        """Return the public half of *key* under *name*."""
        return cls(name, key.public_key().public_bytes_raw())

    @classmethod
    def parse(cls, text: str) -> VerifierKey:
        """Return the key that `text` wrote; raise `InvalidInputError` for anything else."""
        name, _, rest = text.strip().partition("+")
        _, _, encoded = rest.partition("+")
        try:
            key = cls(name, _from_base64(encoded)[1:])
        except ValueError:
            raise InvalidInputError("log.bad-key") from None
        if key.text() != text.strip():
            raise InvalidInputError("log.bad-key")
        return key

    def text(self) -> str:
        """Return ``name+hash+base64``, the form in which keys are handed to reviewers."""
        return f"{self.name}+{self.hash().hex()}+{_base64(_ED25519 + self.public)}"

    def hash(self) -> bytes:
        """Return the four bytes that name the key on a signature line."""
        return hashlib.sha256(self.name.encode() + b"\n" + _ED25519 + self.public).digest()[:4]


def sign(checkpoint: Checkpoint, key: Ed25519PrivateKey) -> str:
    """Return the signed note of *checkpoint*; the key's name is the origin."""
    text = checkpoint.text()
    signature = VerifierKey.of(checkpoint.origin, key).hash() + key.sign(text.encode())
    return f"{text}\n{_SIGNATURE_LINE}{checkpoint.origin} {_base64(signature)}\n"


def parse_and_verify(note: str, key: VerifierKey) -> Checkpoint:
    """Return the checkpoint that *key* signed.

    Raises `TamperingError`: ``log.bad-checkpoint`` if the note has not the form, ``log.bad-signature`` if no
    signature of *key* on it holds.
    """
    head, _, lines = note.rpartition("\n\n")
    text = head + "\n"
    try:
        if len(note) > _LONGEST_NOTE or not lines.endswith("\n"):
            raise ValueError
        signatures = [_signature(line) for line in lines[:-1].split("\n")]
        checkpoint = _checkpoint(text)
    except ValueError:
        raise TamperingError("log.bad-checkpoint", origin=key.name) from None
    own = [signature for name, signature in signatures if name == key.name and signature[:4] == key.hash()]
    if not own or checkpoint.origin != key.name:
        raise TamperingError("log.bad-signature", origin=key.name)
    for signature in own:
        _verify(key, signature[4:], text)
    return checkpoint


def read_unverified(note: str) -> Checkpoint | None:
    """Return what *note* says without looking at its signature, None if it says nothing: never trust it."""
    try:
        return _checkpoint(note.rpartition("\n\n")[0] + "\n")
    except ValueError:
        return None


def _verify(key: VerifierKey, signature: bytes, text: str) -> None:
    try:
        Ed25519PublicKey.from_public_bytes(key.public).verify(signature, text.encode())
    except InvalidSignature:
        raise TamperingError("log.bad-signature", origin=key.name) from None


def _signature(line: str) -> tuple[str, bytes]:
    name, _, encoded = line.removeprefix(_SIGNATURE_LINE).partition(" ")
    signature = _from_base64(encoded)
    if not line.startswith(_SIGNATURE_LINE) or not _NAME.fullmatch(name) or len(signature) < 5:
        raise ValueError
    return name, signature


def _checkpoint(text: str) -> Checkpoint:
    """Read a note's text; extension lines are refused, since no log of ours signs any."""
    origin, size, encoded, end = text.split("\n")
    root = _from_base64(encoded)
    if end or not origin or not _SIZE.fullmatch(size) or len(root) != HASH_BYTES:
        raise ValueError
    return Checkpoint(origin, int(size), root)


def _base64(data: bytes) -> str:
    return base64.b64encode(data).decode()


def _from_base64(text: str) -> bytes:
    """Decode the one canonical form; `ValueError` for every other."""
    try:
        data = base64.b64decode(text, validate=True)
    except binascii.Error:
        raise ValueError from None
    if _base64(data) != text:
        raise ValueError
    return data
