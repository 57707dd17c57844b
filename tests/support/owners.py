"""Owners with signing keys that a test can hold in its hand, and policies applied under them."""

from __future__ import annotations

import hashlib
import re
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from policies.build import parse
from policies.model import policy_digest
from policies.sign import endorse, public_half, sign
from sandbox.errors import DeniedError
from sandbox.schema import Principal
from service.gatekeeper import Gatekeeper


def key_of(name: str, number: int = 1) -> Ed25519PrivateKey:
    """Return the *number*-th signing key of *name*, the same in every process."""
    return Ed25519PrivateKey.from_private_bytes(hashlib.sha256(f"{name} {number}".encode()).digest())


def pin(keeper: Gatekeeper, name: str, number: int = 1) -> None:
    """Pin the *number*-th key of *name*, with the word of the one before it."""
    public = public_half(key_of(name, number))
    word = endorse(name, public, key_of(name, number - 1)) if number > 1 else ""
    keeper.identity_key(keeper.principal(name), public, word)


def write_signature(path: Path, key: Ed25519PrivateKey) -> Path:
    """Sign the policy file *path*; return the file of the signature beside it."""
    written = path.with_name(f"{path.name}.sig")
    written.write_text(sign(policy_digest(parse(path.read_bytes(), str(path))), key).text())
    return written


def succeed(keeper: Gatekeeper, by: Principal, path: Path) -> None:
    """Let the policy file *path* say which one it supersedes: the one in force, if there is one."""
    text = re.sub(r", supersedes: [0-9a-f]{64}", "", path.read_text(encoding="utf-8"))
    policy = parse(text, str(path))
    try:
        before = keeper.policy_show(by, policy.dataset)["digest"]
    except DeniedError:
        before = None
    if before is not None and policy.supersedes is None:
        owner = re.search(r"owner: *[^,}\s]+", text)
        assert owner is not None
        joint = ", " if "}" in text[owner.end() : text.index("\n", owner.end())] else "\n  "
        text = f"{text[: owner.end()]}{joint}supersedes: {before}{text[owner.end() :]}"
    path.write_text(text, encoding="utf-8")


def apply(keeper: Gatekeeper, by: Principal, path: Path) -> dict[str, Any]:
    """Sign the policy file *path* as the successor of the one in force, and put it in force."""
    succeed(keeper, by, path)
    write_signature(path, key_of(by.name))
    return keeper.policy_apply(by, path)
