"""From hints to proposals: a conditional logit over the tags that something speaks for, and `GENERAL`.

The score of a tag is a weighted sum of `features`, its probability exp(score) over the sum of all (McFadden
1974, "Conditional logit analysis of qualitative choice behavior").  A hint of weight w enters as -ln(1 - w),
so that with all coefficients 1 hints add up as in a noisy-or (Pearl 1988, §4.3.2); of one source only the
strongest hint for a tag counts.  What nothing speaks for has a share too (`UNSEEN`): without it confidence
would be about the hints alone.  The coefficients are data (``taxonomies/combiner.yaml``), fitted to the
development parts of the labelled sets by ``benchmarks/classification/fit.py``, and calibrated by that.

A column is judged twice: alone, and then in its `Surroundings`, since a date or an amount is about a person
where the table is.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from math import exp, fsum, log1p

from classifiers.evidence.evidence import Evidence
from classifiers.evidence.neighbours import ALONE, Surroundings, context_of
from classifiers.taxonomy import GENERAL, core, read_data

CHECKED = frozenset(
    {
        "pi.name",
        "pi.id.resident",
        "pi.contact.mobile",
        "pi.contact.email",
        "pi.address",
        "pi.vehicle",
        "pi.network",
        "pi.device",
        "finance.account",
        "org.id",
    }
)
"""Tags whose values have a shape that `classifiers.evidence.patterns` knows: its absence counts."""
UNSEEN = "?"
"""What nothing speaks for: it takes its share of the probability and is never proposed."""
_STRONGEST = 0.995


@dataclass(frozen=True, slots=True)
class Judgement:
    """What a column may be: *tag* with *confidence*, the probability that it is right."""

    tag: str
    confidence: float


def judge(
    hints: Iterable[Evidence], surroundings: Surroundings = ALONE, weights: Mapping[str, float] | None = None
) -> tuple[Judgement, ...]:
    """Return what *hints* speak for, likeliest first; of two equal ones the stricter comes first."""
    given = fitted()["beside" if surroundings.known else "alone"] if weights is None else weights
    scores = {
        tag: fsum(given.get(name, 0.0) * value for name, value in found.items())
        for tag, found in features(hints, surroundings).items()
    }
    most = max(scores.values())
    odds = {tag: exp(score - most) for tag, score in scores.items()}
    total = fsum(odds.values())
    known = core().tags
    # The name comes last, so that the order of the evidence never decides.
    del odds[UNSEEN]
    ordered = sorted(odds, key=lambda tag: (-odds[tag], *_loose(known[tag].strictness), tag))
    return tuple(Judgement(tag, odds[tag] / total) for tag in ordered)


def features(hints: Iterable[Evidence], surroundings: Surroundings = ALONE) -> dict[str, dict[str, float]]:
    """Return for every tag that may be proposed what the coefficients are about, by name."""
    found: dict[str, dict[str, float]] = defaultdict(dict)
    found[UNSEEN]["unseen"] = 1.0
    for hint in hints:
        strength = -log1p(-min(hint.weight, _STRONGEST))
        of_tag = found[hint.tag]
        of_tag[hint.source] = max(strength, of_tag.get(hint.source, 0.0))
    named = max((of_tag.get("name", 0.0) for tag, of_tag in found.items() if tag != GENERAL), default=0.0)
    if named:  # plain values say little where the name says much: codes hide what is sensitive
        against = found[GENERAL].items()
        found[GENERAL] = {f"against a name: {name}": value * exp(-named) for name, value in against}
    found[GENERAL]["general beside its like"] = surroundings.shares.get(GENERAL, 0.0)
    for tag, of_tag in found.items():
        if tag in (GENERAL, UNSEEN):
            continue
        of_tag["something"] = 1.0
        if "name" in of_tag and len(of_tag) > 2:
            of_tag["name and more"] = 1.0
        if tag in CHECKED and "values" not in of_tag:
            of_tag["shape missing"] = 1.0
        of_tag.update(context_of(tag, surroundings))
    return dict(sorted(found.items()))


@cache
def fitted() -> Mapping[str, Mapping[str, float]]:
    """Return the fitted coefficients by feature: of columns judged ``alone`` and ``beside`` others."""
    weights: dict[str, dict[str, float]] = read_data("combiner.yaml")["weights"]
    return weights


def _loose(strictness: Sequence[int]) -> tuple[int, ...]:
    return tuple(-int(part) for part in strictness)
