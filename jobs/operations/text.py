"""Text: characters are code points; what an operation puts together is null beyond `MOST_BYTES`."""

from __future__ import annotations

from collections.abc import Callable
from functools import reduce
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from jobs.operations.values import (
    INTEGER,
    NULL_INTEGER,
    NULL_TEXT,
    NULL_TRUTH,
    TEXT,
    Datum,
    as_type,
    nulls_for,
)
from jobs.vocabulary import MOST_BYTES

SPACES: Final = (
    " \xa0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a\u202f\u205f\u3000"
)
"""Unicode's space separators (category Zs), which TRIM takes off as DuckDB does; tabs stay."""


def _text(value: Datum) -> Datum:
    return as_type(value, TEXT)


def _with_literal(
    function: Callable[[Datum, str], Datum], null: pa.Scalar
) -> Callable[[Datum, Datum], Datum]:
    """A function of a text and a literal, null if the literal is."""

    def apply(value: Datum, literal: Datum) -> Datum:
        value = _text(value)
        return function(value, literal.as_py()) if literal.is_valid else nulls_for(value, null)

    return apply


def _length(value: Datum) -> Datum:
    return pc.cast(pc.utf8_length(_text(value)), INTEGER)


def _substring(value: Datum, start: Datum, length: Datum) -> Datum:
    first = start.as_py() - 1
    return pc.utf8_slice_codeunits(_text(value), first, first + length.as_py())


def _right(value: Datum, length: Datum) -> Datum:
    value, count = _text(value), length.as_py()
    return pc.utf8_slice_codeunits(value, -count) if count else pc.utf8_slice_codeunits(value, 0, 0)


def _trimmed(function: Callable[..., Datum]) -> Callable[..., Datum]:
    trim = _with_literal(lambda value, signs: function(value, characters=signs), NULL_TEXT)

    def apply(value: Datum, signs: Datum | None = None) -> Datum:
        return trim(value, signs) if signs is not None else function(_text(value), characters=SPACES)

    return apply


def like_regex(pattern: str) -> str:
    """Return the RE2 expression for ``LIKE pattern``; backslash is an ordinary character.

    Arrow's own ``match_like`` has an escape character, and honours it in some patterns only.
    """
    signs = {"%": ".*", "_": "."}
    parts = [signs.get(c) or (c if c.isalnum() or ord(c) > 127 else f"\\x{{{ord(c):x}}}") for c in pattern]
    return "(?s)^" + "".join(parts) + r"\z"


def _position(value: Datum, wanted: str) -> Datum:
    if not wanted:
        return pc.if_else(pc.is_null(value), NULL_INTEGER, 1)
    # Arrow counts bytes: the characters before the first occurrence are counted instead.
    before = _piece(pc.split_pattern(value, pattern=wanted, max_splits=1), 0)
    place = pc.add(_length(before), 1)
    return pc.if_else(pc.less(pc.find_substring(value, pattern=wanted), 0), 0, place)


def _split_part(value: Datum, separator: Datum, number: Datum) -> Datum:
    value, count = _text(value), number.as_py()
    if not (separator.is_valid and separator.as_py()):
        alone = pc.utf8_slice_codeunits(value, count - 1, count)
        return alone if separator.is_valid else nulls_for(value, NULL_TEXT)
    pieces = pc.split_pattern(value, pattern=separator.as_py(), max_splits=count)
    return pc.if_else(pc.is_null(value), NULL_TEXT, pc.coalesce(_piece(pieces, count - 1), ""))


def _piece(lists: pa.ListArray, number: int) -> pa.Array:
    """Return item *number* (from 0) of every list, null where it has none."""
    offsets = lists.offsets.to_numpy()
    absent = np.diff(offsets) <= number
    if lists.null_count:
        absent |= np.asarray(lists.is_null())
    return lists.values.take(pa.array(offsets[:-1].astype(np.int64) + number, mask=absent))


def _capped(value: Datum, sizes: Datum) -> Datum:
    """*value*, null where its *size* is too much."""
    return pc.if_else(pc.less_equal(sizes, MOST_BYTES), value, NULL_TEXT)


def _bytes(value: Datum) -> Datum:
    return pc.cast(pc.binary_length(value), INTEGER)


def _concat(*values: Datum) -> Datum:
    first, *rest = map(_text, values)
    # Looked at before anything is joined: what is too long never exists.
    sizes = reduce(pc.add, [_bytes(item) for item in (first, *rest)])
    return pc.binary_join_element_wise(_capped(first, sizes), *rest, "", null_handling="emit_null")


def _replace(value: Datum, old: Datum, new: Datum) -> Datum:
    value = _text(value)
    if not (old.is_valid and new.is_valid):
        return nulls_for(value, NULL_TEXT)
    wanted, instead = old.as_py(), new.as_py()
    if not wanted:
        return value
    growth = len(instead.encode()) - len(wanted.encode())
    if growth > 0:
        gained = pc.multiply(pc.cast(pc.count_substring(value, pattern=wanted), INTEGER), growth)
        kept = pc.if_else(pc.greater(gained, 0), pc.add(_bytes(value), gained), 0)
        value = _capped(value, kept)
    return pc.replace_substring(value, pattern=wanted, replacement=instead)


def _padded(*, front: bool) -> Callable[[Datum, Datum, Datum], Datum]:
    def pad(value: Datum, size: Datum, fill: Datum) -> Datum:
        value, count = _text(value), size.as_py()
        if not fill.is_valid:
            return nulls_for(value, NULL_TEXT)
        cut = pc.utf8_slice_codeunits(value, 0, count)
        missing = pc.subtract(count, _length(cut))
        filling = pa.array(_fillings(fill.as_py(), count), TEXT).take(missing)
        return _concat(filling, cut) if front else _concat(cut, filling)

    return pad


def _fillings(fill: str, most: int) -> list[str | None]:
    """Text of 0 … *most* characters made of *fill*; None where there is nothing to fill with, or too much."""
    endless = fill * (most // len(fill) + 1) if fill else ""
    texts: list[Any] = [endless[:count] if fill or not count else None for count in range(most + 1)]
    return [text if text is not None and len(text.encode()) <= MOST_BYTES else None for text in texts]


FUNCTIONS: Final[dict[str, Callable[..., Datum]]] = {
    "lower": lambda value: pc.utf8_lower(_text(value)),
    "upper": lambda value: pc.utf8_upper(_text(value)),
    "length": _length,
    "substring": _substring,
    "right": _right,
    "trim": _trimmed(pc.utf8_trim),
    "ltrim": _trimmed(pc.utf8_ltrim),
    "rtrim": _trimmed(pc.utf8_rtrim),
    "replace": _replace,
    "concat": _concat,
    "starts_with": _with_literal(lambda value, text: pc.starts_with(value, pattern=text), NULL_TRUTH),
    "ends_with": _with_literal(lambda value, text: pc.ends_with(value, pattern=text), NULL_TRUTH),
    "contains": _with_literal(lambda value, text: pc.match_substring(value, pattern=text), NULL_TRUTH),
    "position": _with_literal(_position, NULL_INTEGER),
    "like": _with_literal(
        lambda value, pattern: pc.match_substring_regex(value, like_regex(pattern)), NULL_TRUTH
    ),
    "split_part": _split_part,
    "lpad": _padded(front=True),
    "rpad": _padded(front=False),
    "reverse": lambda value: pc.utf8_reverse(_text(value)),
}
