"""Evidence from the columns beside a column: what the table is about, and what else stands in it.

A date, an amount, a record number or a grade says something of a person only where the table does; a name
or a code is an organisation's where the table is about organisations.  What the table is about
(`classifiers.evidence.subject`) meets the groups of tags that it matters for.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Final

from classifiers.evidence.evidence import Evidence
from classifiers.evidence.subject import ORGANISATION, PERSON

_GENERAL: Final = "general"
_GROUPS: Final[Mapping[str, str]] = {
    _GENERAL: "general",
    "pi.id.generic": "number",
    "pi.id.resident": "identity",
    "pi.id.document": "identity",
    "pi.id.social": "identity",
    "pi.id.foreign": "identity",
    "pi.event-date": "date",
    "finance.personal": "money",
    "pi.activity": "trait",
    "pi.text": "trait",
    "pi.education": "trait",
    "pi.work": "trait",
    "pi.political": "trait",
    "pi.criminal": "trait",
    "pi.health": "health",
    "pi.location": "place",
    "pi.address": "place",
    "pi.postcode": "place",
    "pi.birth-date": "characteristic",
    "pi.age": "characteristic",
    "pi.gender": "characteristic",
    "pi.ethnicity": "characteristic",
    "pi.origin": "characteristic",
    "pi.marital": "characteristic",
    "pi.religion": "characteristic",
    "finance.account": "account",
    "org.id": "organisation",
    "org.name": "organisation",
}
"""Tags that depend on whom the table is about, and how they go together."""


_DEGREES: Final = frozenset({"latitude", "longitude"})
"""Rules of values that any measure with many places fits, alone."""
_LONE_DEGREES: Final = 0.15
"""Their weight where no column next to it fits one too."""


def paired(hints: Sequence[tuple[Evidence, ...]]) -> list[tuple[Evidence, ...]]:
    """Return the *hints* of every column; what may be degrees says little without its other half beside it.

    A latitude comes with a longitude, next to it; a mass index, a share or a rate comes alone as often.
    """
    fit = [any(it.source == "values" and it.rule in _DEGREES for it in of_column) for of_column in hints]
    near = [any(fit[max(at - 1, 0) : at] + fit[at + 1 : at + 2]) for at in range(len(fit))]
    return [
        of_column if other else tuple(map(_lonely, of_column))
        for of_column, other in zip(hints, near, strict=True)
    ]


def _lonely(hint: Evidence) -> Evidence:
    if hint.source == "values" and hint.rule in _DEGREES:
        return replace(hint, weight=min(hint.weight, _LONE_DEGREES))
    return hint


@dataclass(frozen=True, slots=True)
class Surroundings:
    """How surely, from 0 to 1, the table is *about* persons or organisations.

    *known* is False where a column is judged alone.  *first*: it is the first column, which often tells rows
    apart.  *shares*: what part of the other columns has each tag.
    """

    known: bool
    first: bool = False
    about: Mapping[str, float] = field(default_factory=dict)
    shares: Mapping[str, float] = field(default_factory=dict)


ALONE: Final = Surroundings(known=False)


def surroundings(
    judged: Sequence[Mapping[str, float]], about: Mapping[str, float]
) -> tuple[Surroundings, ...]:
    """Return each column's surroundings, from every column's tags and what the table is *about*."""
    totals: Counter[str] = Counter()
    for column in judged:
        totals.update(column)
    others = max(len(judged) - 1, 1)
    return tuple(
        Surroundings(True, place == 0, about, {tag: (totals[tag] - column[tag]) / others for tag in column})
        for place, column in enumerate(judged)
    )


def context_of(tag: str, around: Surroundings, unnamed: float = 1.0) -> dict[str, float]:
    """Return the features of *tag* that its surroundings decide.

    *unnamed*, from 0 to 1: how little the name says that the column is something else.  That the first column
    is a number of persons, whatever it is called, is true of columns whose name does not say which number.
    """
    group = _GROUPS.get(tag)
    if group is None:
        return {}
    found = {} if tag == _GENERAL else {group: 1.0}
    if around.known:
        found |= {
            f"{group} in a table about persons": around.about.get(PERSON, 0.0),
            f"{group} in a table about organisations": around.about.get(ORGANISATION, 0.0),
            f"{group} beside its like": around.shares.get(tag, 0.0),
        }
        if around.first and tag != _GENERAL:
            found[f"{group} in the first column"] = unnamed
            found[f"{group} first in a table about persons"] = unnamed * around.about.get(PERSON, 0.0)
    return found
