"""One hint that a column carries a tag."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from math import floor


@dataclass(frozen=True, slots=True)
class Evidence:
    """A hint for *tag* with *weight* in (0, 1): how often the hint alone is right.

    *source* is ``name``, ``header``, ``headers``, ``owner``, ``values``, ``cell``, ``cells``, ``dictionary``,
    ``statistics``, ``inside``, ``telling``; two hints of one source are not independent.  *rule* names the
    public rule that spoke (a word of the column's name, names of columns beside it, a pattern), never a
    value.  *share* is the part of the distinct sampled values that fit, in tenths rounded down; None for
    names and what networks read.  It is for the owner's eyes.
    """

    tag: str
    source: str
    rule: str
    weight: float
    share: float | None = None


def tenths(share: float) -> float:
    """Return *share* in tenths, rounded down."""
    return floor(share * 10) / 10


def chances(hints: Iterable[Evidence], source: str) -> dict[str, float]:
    """Return the strongest weight of each tag among the *hints* by *source*."""
    found: dict[str, float] = {}
    for hint in hints:
        if hint.source == source:
            found[hint.tag] = max(hint.weight, found.get(hint.tag, 0.0))
    return found
