"""What an owner signs, and what a signature file says; pure.

The message is ``keyong-policy/v1``, a newline and the policy's digest in hexadecimal; the digest is over the
canonical JSON of what the policy says (RFC 8785), which names dataset, version, owner and the policy it
supersedes.  So a signature holds for one policy at one place in the dataset's history, and for nothing else
that the same key ever signs.  Signatures are Ed25519 (RFC 8032).

An owner who changes keys lets the former key vouch for the new one, over ``keyong-owner-key/v1``, the owner's
name and the new public key.
"""

from __future__ import annotations

import hashlib
import json
import re
from dataclasses import dataclass
from typing import Final

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from sandbox.errors import InvalidInputError
from sandbox.schema import Digest

KIND: Final = "keyong-policy/v1"
"""First line of the message, and ``kind`` of a signature file."""
_KEY_KIND: Final = "keyong-owner-key/v1"
_KEY_ID: Final = re.compile(r"[0-9a-f]{32}")
_DIGEST: Final = re.compile(r"[0-9a-f]{64}")
_SIGNATURE: Final = re.compile(r"[0-9a-f]{128}")


@dataclass(frozen=True, slots=True)
class PolicySignature:
    """A signature file: *signature* (hexadecimal) over the policy of *digest* by the key of id *key*."""

    digest: Digest
    key: str
    signature: str

    def text(self) -> str:
        """Return the file, as `parse_signature` reads it."""
        said = {"kind": KIND, "digest": self.digest, "key": self.key, "signature": self.signature}
        return json.dumps(said, indent=1) + "\n"


def key_id(public: str) -> str:
    """Return the id of a *public* key (64 hexadecimal digits): 128 bits of its SHA-256."""
    return hashlib.sha256(bytes.fromhex(public)).hexdigest()[:32]


def public_half(key: Ed25519PrivateKey) -> str:
    """Return the public key in hexadecimal."""
    return key.public_key().public_bytes_raw().hex()


def sign(digest: Digest, key: Ed25519PrivateKey) -> PolicySignature:
    """Return the owner's signature of the policy that *digest* stands for."""
    return PolicySignature(digest, key_id(public_half(key)), key.sign(_message(KIND, digest)).hex())


def holds(signature: PolicySignature, public: str) -> bool:
    """Whether *public* is the key that the signature names, and made it."""
    named = key_id(public) == signature.key
    return named and _verifies(public, signature.signature, _message(KIND, signature.digest))


def endorse(name: str, public: str, former: Ed25519PrivateKey) -> str:
    """Return the word of the *former* key of *name* for the new one, in hexadecimal."""
    return former.sign(_message(_KEY_KIND, name, public)).hex()


def endorsed(name: str, public: str, former: str, endorsement: str) -> bool:
    """Whether the key *former* vouched for *public* as the key of *name*."""
    return _verifies(former, endorsement, _message(_KEY_KIND, name, public))


def parse_signature(text: str, file: str) -> PolicySignature:
    """Return what the signature *file* says; `InvalidInputError` ``policy.bad-signature-file`` otherwise."""
    try:
        said = json.loads(text)
        digest, key, signature = said["digest"], said["key"], said["signature"]
        sound = said["kind"] == KIND and _DIGEST.fullmatch(digest) and _KEY_ID.fullmatch(key)
        if not sound or len(said) != 4 or not _SIGNATURE.fullmatch(signature):
            raise ValueError
    except (ValueError, KeyError, TypeError, RecursionError):
        raise InvalidInputError("policy.bad-signature-file", file=file) from None
    return PolicySignature(Digest(digest), key, signature)


def _message(*lines: str) -> bytes:
    return "\n".join(lines).encode()


def _verifies(public: str, signature: str, message: bytes) -> bool:
    try:
        Ed25519PublicKey.from_public_bytes(bytes.fromhex(public)).verify(bytes.fromhex(signature), message)
    except (InvalidSignature, ValueError):
        return False
    return True
