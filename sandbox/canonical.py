"""One way to write JSON, so that a digest means one thing.

Keys sorted by code point, no white space, UTF-8, no floats: every number that is hashed is an integer or
decimal text, which keeps us inside the part of RFC 8785 that needs no number formatting rules.
"""

from __future__ import annotations

import hashlib
import json
from typing import Any

from sandbox.schema import Digest


def encode(value: Any) -> bytes:
    """Return the canonical bytes of *value*; floats raise `TypeError`."""
    _no_floats(value)
    text = json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)
    return text.encode()


def digest(value: Any) -> Digest:
    """Return the SHA-256 of the canonical bytes of *value* in hexadecimal."""
    return Digest(hashlib.sha256(encode(value)).hexdigest())


def _no_floats(value: Any) -> None:
    if isinstance(value, float):
        raise TypeError("canonical JSON holds no floats: write decimal text")
    if isinstance(value, dict):
        for key, item in value.items():
            if not isinstance(key, str):
                raise TypeError("canonical JSON has text keys only")
            _no_floats(item)
    elif isinstance(value, list | tuple):
        for item in value:
            _no_floats(item)
