"""The files of a policy: its text, and its signature beside it."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from policies.sign import PolicySignature, parse_signature
from sandbox.errors import InvalidInputError

MAX_BYTES: Final = 2**20


def read_text(path: Path) -> bytes:
    """Return the content; `InvalidInputError` if it cannot be read or is larger than any policy."""
    try:
        with path.open("rb") as file:
            content = file.read(MAX_BYTES + 1)
    except OSError:
        raise InvalidInputError("file.unreadable", path=str(path)) from None
    if len(content) > MAX_BYTES:
        raise InvalidInputError("file.too-large", path=str(path), limit=MAX_BYTES)
    return content


def signature_file(path: Path) -> Path:
    """Return where the signature of the policy *path* is written: ``policy.yaml.sig``."""
    return path.with_name(f"{path.name}.sig")


def read_signature(path: Path, signature: Path | None) -> PolicySignature:
    """Return the signature of the policy *path*, from the file *signature* or the one beside it."""
    chosen = signature or signature_file(path)
    if not chosen.is_file():
        raise InvalidInputError("policy.not-signed", file=str(path), signature=str(chosen))
    return parse_signature(read_text(chosen).decode(errors="replace"), str(chosen))
