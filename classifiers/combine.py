"""From hints to one proposal: noisy-or per tag, and the stricter tag where two fit equally well.

Noisy-or (Pearl 1988, §4.3.2) takes hints as independent, which holds between name and values and not within
one source; of one source only the strongest hint for a tag counts.
"""

from __future__ import annotations

from collections.abc import Iterable
from math import prod

from classifiers.evidence.evidence import Evidence
from classifiers.taxonomy import GENERAL, Taxonomy

NOTHING_FOUND = 0.2
"""Confidence of `GENERAL` where nothing was recognised: somebody must look."""


def combine(evidence: Iterable[Evidence], taxonomy: Taxonomy) -> tuple[str, float]:
    """Return the tag that *evidence* speaks for and the confidence in it, in hundredths."""
    strongest: dict[str, dict[str, float]] = {}
    for hint in evidence:
        sources = strongest.setdefault(hint.tag, {})
        sources[hint.source] = max(hint.weight, sources.get(hint.source, 0.0))
    scores = {
        tag: round(1 - prod(1 - weight for weight in sources.values()), 2)
        for tag, sources in strongest.items()
    }
    if not scores:
        return GENERAL, NOTHING_FOUND
    # The name comes last, so that the order of the evidence never decides.
    best = max(scores, key=lambda tag: (scores[tag], taxonomy.tags[tag].strictness, tag))
    return best, scores[best]
