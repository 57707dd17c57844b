"""Evidence from the names of all columns together, as a small network reads them.

Words that no list holds are made of letters that others share, and what a ``rank`` or a ``fee`` is the
names beside it say.  The network (`classifiers.evidence.network`) learned that from some 180,000 labelled
names of made-up tables of every kind of body (``benchmarks/classification/headers``); no value ever reached
it.  How much to believe it, the combiner decides.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

import numpy as np

from classifiers.evidence.evidence import Evidence
from classifiers.evidence.names import may_be_initials
from classifiers.evidence.network import Matrix, Network, context, hidden, network, odds, seen, sums
from classifiers.evidence.tokens import tokens_of

ALONE: Final = "header"
"""The source of what a name says whatever stands beside it."""
BESIDE: Final = "headers"
"""The source of what a name says beside the others of its table."""
OWN: Final = "-"
"""The rule where no other name matters; else it is the names that do."""
LEAST: Final = 0.01
"""The probability from which a tag is evidence."""
_MOST: Final = 0.999
_SHOWN: Final = 2
"""How many of the names beside a column are said to matter."""
_SHORT: Final = 40
"""Characters of a name that are shown so."""
_HELPS: Final = 0.25
"""By how much a name must raise the log-odds of a tag to be among them."""
_REACH: Final = 50
"""How far to either side such names are looked for."""


def header_evidence(
    names: Sequence[str], descriptions: Sequence[str] | None = None
) -> tuple[tuple[Evidence, ...], ...]:
    """Return for every column of a table what its name hints at, alone and beside the *names* of the others.

    *descriptions* are their owner's comments.  A single column stands beside nothing; a column without a name
    of its own has only what the others say of it; if none has one, nothing is said.
    """
    initials = may_be_initials(names)
    said = descriptions or [""] * len(names)
    bags = [tokens_of(*it, initials) for it in zip(names, said, strict=True)]
    if not any(any(bag) for bag in bags):
        return ((),) * len(names)
    known = network()
    summed = sums(known, bags)
    shown = seen(known, summed)
    around = context(shown)
    units = hidden(known, summed, around)
    beside = odds(known, units)
    alone = odds(known, hidden(known, summed, np.zeros_like(around)))
    rules = _rules(known, shown, units, names)
    return tuple(
        (
            *(_hints(known, one, BESIDE, rule) if len(names) > 1 else ()),
            *(_hints(known, own, ALONE, OWN) if any(bag) else ()),
        )
        for one, own, rule, bag in zip(beside, alone, rules, bags, strict=True)
    )


def _hints(known: Network, chances: Matrix, source: str, rule: str) -> Iterator[Evidence]:
    for tag, probability in zip(known.tags, chances.tolist(), strict=True):
        if probability > LEAST:
            yield Evidence(tag, source, rule, min(probability, _MOST))


def _rules(known: Network, shown: Matrix, units: Matrix, names: Sequence[str]) -> Iterator[str]:
    """Yield for each column the names near it that most raise the log-odds of its likeliest tag.

    By gradient times input (Ancona et al. 2018, "Towards better understanding of gradient-based attribution
    methods for deep neural networks"): exact as long as no unit of the hidden layer is switched on or off.
    """
    weights, (out, _) = known.layers["hidden"][0], known.layers["out"]
    chances = odds(known, units)
    against = 1 - chances.max(axis=1, keepdims=True) + np.finfo(np.float32).eps
    rise = (out.T[chances.argmax(axis=1)] - chances @ out.T) / against
    slopes = ((units > 0) * rise) @ weights[-2 * shown.shape[1] :].T
    for place, (of_all, of_next) in enumerate(zip(*np.split(slopes, 2, axis=1), strict=True)):
        start = max(place - _REACH, 0)
        near = shown[start : place + _REACH + 1]
        raised = near @ of_all / len(names)
        for next_to in {place - 1, place + 1} & set(range(len(names))):
            raised[next_to - start] += shown[next_to] @ of_next
        raised[place - start] = 0
        best = [it for it in np.argsort(-raised)[:_SHOWN] if raised[it] > _HELPS]
        yield ", ".join(_short(names[start + it]) for it in best) if best else OWN


def _short(name: str) -> str:
    return name if len(name) <= _SHORT else f"{name[: _SHORT - 1]}…"
