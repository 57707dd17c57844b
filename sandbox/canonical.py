"""One way to write JSON, so that a digest means one thing: RFC 8785, the JSON Canonicalization Scheme.

Keys sorted by UTF-16 code units, no white space, UTF-8, the shortest escapes, no half of a surrogate pair.
There are no floats: every number that is hashed is an integer or decimal text, which keeps us inside the part
of the RFC that needs no rules for formatting numbers.  Up to 2^53 our bytes are the RFC's; a larger integer
(only a charge of ε over 9,007 holds one) is written in full, where the RFC would round it to a double.
"""

from __future__ import annotations

import hashlib
import json
import re
from typing import Any, Final

from sandbox.schema import Digest


def encode(value: Any) -> bytes:
    """Return the canonical bytes of *value*; raises `TypeError` for floats and keys that are no text.

    Text that is no Unicode (half a surrogate pair) raises `UnicodeEncodeError`, a `ValueError`.
    """
    _check(value)
    return write(value)


def parse(text: str) -> Any:
    """Return what JSON *text* says; `ValueError` for floats and white space around it: ours has neither."""
    value, end = _DECODER.raw_decode(text)
    if end != len(text):
        raise ValueError("there is more than one JSON value")
    return value


def parse_within(text: str, begin: int) -> tuple[Any, int]:
    """Return what the JSON that begins at *begin* in *text* says, and where it ends; errors as `parse`."""
    return _DECODER.raw_decode(text, begin)


def write(value: Any) -> bytes:
    """Return the canonical bytes of a *value* that `parse` made or `encode` took before, four times faster.

    Nobody looks for floats, which cannot be there.
    """
    text: str = _ENCODER.encode(value)
    return text.encode() if text.isascii() or not _FAR.search(text) else _by_code_units(value)


def digest(value: Any) -> Digest:
    """Return the SHA-256 of the canonical bytes of *value* in hexadecimal."""
    return Digest(hashlib.sha256(encode(value)).hexdigest())


def _refuse(number: str) -> float:
    raise ValueError(f"canonical JSON holds no floats: {number[:40]}")


_DECODER: Final = json.JSONDecoder(parse_float=_refuse, parse_constant=_refuse)
_ENCODER: Final = json.JSONEncoder(sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)
_FAR: Final = re.compile("[\ue000-\U0010ffff]")
"""Only where a text has one of these may the order of code points differ from that of UTF-16 code units."""


def _check(value: Any) -> None:
    """Raise `TypeError` for a float or a key that is no text, anywhere in *value*."""
    if isinstance(value, dict):
        for key, item in value.items():
            if not isinstance(key, str):
                raise TypeError("canonical JSON has text keys only")
            _check(item)
    elif isinstance(value, list | tuple):
        for item in value:
            _check(item)
    elif isinstance(value, float):
        raise TypeError("canonical JSON holds no floats: write decimal text")


def _by_code_units(value: Any) -> bytes:
    """Return the canonical bytes of a checked *value* whatever its keys are."""
    return json.dumps(_ordered(value), separators=(",", ":"), ensure_ascii=False, allow_nan=False).encode()


def _ordered(value: Any) -> Any:
    """Return *value* with every mapping in the order of RFC 8785, section 3.2.3."""
    if isinstance(value, dict):
        return {key: _ordered(value[key]) for key in sorted(value, key=lambda key: key.encode("utf-16-be"))}
    if isinstance(value, list | tuple):
        return [_ordered(item) for item in value]
    return value
