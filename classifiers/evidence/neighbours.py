"""Evidence from the columns beside a column: whether the table is about persons, or about organisations.

A date, an amount, a record number or a grade says something of a person only where the table does.  What the
other columns seem to be alone is summed up in three strengths; each meets the groups of tags it matters for.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

PERSON: Final = frozenset(
    {
        "pi.id.resident",
        "pi.id.document",
        "pi.id.social",
        "pi.id.foreign",
        "pi.birth-date",
        "pi.age",
        "pi.gender",
        "pi.ethnicity",
        "pi.marital",
    }
)
"""Only persons have these."""
NAMED: Final = frozenset({"pi.name", "pi.contact.mobile", "pi.contact.email", "finance.account"})
"""Persons have these, and organisations' contacts too."""
ORGANISATION: Final = frozenset({"org.id", "org.name"})

_GROUPS: Final[Mapping[str, str]] = {
    "pi.id.generic": "number",
    "pi.event-date": "date",
    "finance.personal": "money",
    "pi.text": "trait",
    "pi.education": "trait",
    "pi.work": "trait",
    "pi.health": "health",
    "pi.political": "trait",
    "pi.criminal": "trait",
    "pi.location": "place",
    "pi.address": "place",
    "pi.postcode": "place",
}
"""Tags that depend on whom the table is about, and how they go together."""


@dataclass(frozen=True, slots=True)
class Surroundings:
    """How surely, from 0 to 1, other columns are of persons, of named contacts, of organisations.

    *known* is False where a column is judged alone.  *shares*: what part of the other columns has each tag.
    """

    known: bool
    person: float = 0.0
    named: float = 0.0
    organisation: float = 0.0
    shares: Mapping[str, float] = field(default_factory=dict)


ALONE: Final = Surroundings(known=False)


def surroundings(judged: Sequence[Mapping[str, float]]) -> tuple[Surroundings, ...]:
    """Return each column's surroundings, from the probabilities of every column's tags."""
    person, named, firm = (
        _others([_sum(column, group) for column in judged]) for group in (PERSON, NAMED, ORGANISATION)
    )
    totals: Counter[str] = Counter()
    for column in judged:
        totals.update(column)
    others = max(len(judged) - 1, 1)
    return tuple(
        Surroundings(
            True,
            person[place],
            named[place],
            firm[place],
            {tag: (totals[tag] - column[tag]) / others for tag in column},
        )
        for place, column in enumerate(judged)
    )


def context_of(tag: str, around: Surroundings) -> dict[str, float]:
    """Return the features of *tag* that its surroundings decide."""
    group = _GROUPS.get(tag)
    if group is None:
        return {}
    found = {group: 1.0}
    if around.known:
        nobody = 1 - max(around.person, around.named)
        found |= {
            f"{group} beside a person": around.person,
            f"{group} beside a contact": around.named,
            f"{group} beside an organisation": around.organisation * (1 - around.person),
            f"{group} beside nobody": nobody,
            f"{group} beside its like": around.shares.get(tag, 0.0),
        }
    return found


def _sum(column: Mapping[str, float], group: frozenset[str]) -> float:
    return sum(probability for tag, probability in column.items() if tag in group)


def _others(strengths: Sequence[float]) -> list[float]:
    """For every column the greatest strength among the others."""
    first, second = ([*sorted(strengths, reverse=True), 0.0, 0.0])[:2]
    return [second if strength == first else first for strength in strengths]
