"""What a network that reads the columns of a table together says of each, and with which others beside it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

import numpy as np

from classifiers.evidence.evidence import Evidence
from classifiers.evidence.network import Bags, Matrix, Network, context, hidden, odds, seen, sums

OWN: Final = "-"
"""The rule where no other column matters; else it is the names of those that do."""
LEAST: Final = 0.01
"""The probability from which a tag is evidence."""
_MOST: Final = 0.999
_SHOWN: Final = 2
"""How many of the columns beside one are said to matter."""
_SHORT: Final = 40
"""Characters of a name that are shown so."""
_HELPS: Final = 0.25
"""By how much a column must raise the log-odds of a tag to be among them."""
_REACH: Final = 50
"""How far to either side such columns are looked for."""


def evidence_of(
    known: Network, columns: Sequence[Bags], names: Sequence[str], sources: tuple[str, str]
) -> tuple[tuple[Evidence, ...], ...]:
    """Return what *known* makes of every one of *columns*, called *names*: alone and beside the others.

    *sources* are what the two are called.  A single column stands beside nothing; a column without tokens
    has only what the others say of it; if none has any, nothing is said.
    """
    speaking = [any(map(any, bags)) for bags in columns]
    if not any(speaking):
        return ((),) * len(columns)
    summed = sums(known, columns)
    shown = seen(known, summed)
    around = context(shown)
    units = hidden(known, summed, around)
    beside = odds(known, units)
    alone = odds(known, hidden(known, summed, np.zeros_like(around)))
    rules = _rules(known, shown, units, names)
    return tuple(
        (
            *(_hints(known, one, sources[1], rule) if len(columns) > 1 else ()),
            *(_hints(known, own, sources[0], OWN) if speaks else ()),
        )
        for one, own, rule, speaks in zip(beside, alone, rules, speaking, strict=True)
    )


def _hints(known: Network, chances: Matrix, source: str, rule: str) -> Iterator[Evidence]:
    for tag, probability in zip(known.tags, chances.tolist(), strict=True):
        if probability > LEAST:
            yield Evidence(tag, source, rule, min(probability, _MOST))


def _rules(known: Network, shown: Matrix, units: Matrix, names: Sequence[str]) -> Iterator[str]:
    """Yield for each column the names of those near it that most raise the log-odds of its likeliest tag.

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
        for next_to in (place - 1, place + 1):
            if 0 <= next_to < len(names):
                raised[next_to - start] += shown[next_to] @ of_next
        raised[place - start] = 0
        best = [it for it in np.argsort(-raised)[:_SHOWN] if raised[it] > _HELPS]
        yield ", ".join(_short(names[start + it]) for it in best) if best else OWN


def _short(name: str) -> str:
    return name if len(name) <= _SHORT else f"{name[: _SHORT - 1]}…"
