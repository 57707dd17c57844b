"""Evidence from the names of all columns together, as a small network reads them.

Words that no list holds are made of letters that others share, and what a ``rank`` or a ``fee`` is the
names beside it say.  The network (`classifiers.evidence.network`) learned that from some 409,000 labelled
names of made-up and real tables of every kind of body (``benchmarks/classification/headers`` and ``cells``);
no value ever reached it.  How much to believe it, the combiner decides.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from classifiers.evidence.evidence import Evidence
from classifiers.evidence.network import network
from classifiers.evidence.reading import evidence_of
from classifiers.evidence.style import style_of
from classifiers.evidence.tokens import tokens_of

ALONE: Final = "header"
"""The source of what a name says whatever stands beside it."""
BESIDE: Final = "headers"
"""The source of what a name says beside the others of its table."""


def header_evidence(
    names: Sequence[str], descriptions: Sequence[str] | None = None
) -> tuple[tuple[Evidence, ...], ...]:
    """Return for every column of a table what its name hints at, alone and beside the *names* of the others.

    *descriptions* are their owner's comments.
    """
    style = style_of(names)
    said = descriptions or [""] * len(names)
    bags = [tokens_of(*it, style) for it in zip(names, said, strict=True)]
    return evidence_of(network("headers"), bags, names, (ALONE, BESIDE))
