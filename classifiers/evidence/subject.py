"""What a table is about: persons, organisations, or something else (things, places, counts).

A date, an amount or a record number says something of a person only in a table about persons.  No column
says so alone; together they do: what the columns seem to be, the words of their names that say of whom or
of what, and the first columns, which usually name what a row stands for.  `signs` counts that; the
combiner weighs it (`classifiers.combine.subject_of`).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Final

from classifiers.evidence import cells, headers
from classifiers.evidence.evidence import Evidence, chances
from classifiers.evidence.names import numbers_persons, roles_of
from classifiers.evidence.style import style_of

PERSON: Final = "person"
ORGANISATION: Final = "organisation"
THING: Final = "thing"
SUBJECTS: Final = (PERSON, ORGANISATION, THING)

_TRAITS: Final = frozenset(
    [
        "pi.birth-date",
        "pi.age",
        "pi.gender",
        "pi.ethnicity",
        "pi.marital",
        "pi.origin",
        "pi.religion",
        "pi.political",
        "pi.education",
    ]
)
"""Only persons have these, and hardly anybody notes them of somebody who only acts for another."""
_PAPERS: Final = frozenset({"pi.id.resident", "pi.id.document", "pi.id.social", "pi.id.foreign"})
_GROUPS: Final[Mapping[str, frozenset[str]]] = {
    "a trait": _TRAITS,
    "a personal number": _PAPERS,
    "an insured person's number": frozenset({"pi.id.social"}),
    "work": frozenset({"pi.work"}),
    "a name": frozenset({"pi.name"}),
    "a contact": frozenset({"pi.contact.mobile", "pi.contact.email", "pi.contact.online"}),
    "an account": frozenset({"finance.account"}),
    "a device": frozenset({"pi.device", "pi.vehicle", "pi.network", "pi.location"}),
    "use": frozenset({"pi.activity"}),
    "health": frozenset({"pi.health"}),
    "an organisation": frozenset({"org.id", "org.name"}),
    "an organisation's number": frozenset({"org.id"}),
}
"""Dates, amounts and numbers of records are not among them: what one of them says depends on the table."""
_MATTERS: Final[Mapping[str, frozenset[str]]] = {
    "moments": frozenset({"pi.event-date"}),
    "money": frozenset({"finance.personal"}),
    "numbers": frozenset({"pi.id.generic"}),
}
"""What may be a person's or not: how much of it seems so by itself speaks for the table, no single column."""
_FIRST: Final[Mapping[str, frozenset[str]]] = {
    "an organisation first": frozenset({"org.id", "org.name"}),
    "a person first": frozenset({"pi.name"}) | _PAPERS,
}
_ROLES: Final = ("person", "org", "thing", "aggregate", "place", "founding", "system")
_RECORDS: Final = frozenset({"pi.id.generic", "pi.id.social"})
_REPRESENTATIVE: Final = "representative"
"""The role of words for those who act for an organisation or look after a thing: no row stands for them."""
_READERS: Final = {"names": headers.BESIDE, "values": cells.BESIDE}
_FIRST_COLUMNS = 2
_MANY = 3
"""Columns with a word of a role beyond which more say no more."""

Judged = Sequence[Mapping[str, float]]
"""Of every column the probabilities of its tags."""


def signs(names: Sequence[str], judged: Judged, hints: Sequence[Sequence[Evidence]]) -> dict[str, float]:
    """Return what columns called *names* and *judged* alone show of their table, each from 0 to 1.

    Of their *hints* it takes what the networks make of the columns together.
    """
    names = list(map(style_of(names).without_letter, names))
    roles = [roles_of(name) for name in names]
    pairs = [it for it in zip(judged, roles, strict=True) if _REPRESENTATIVE not in it[1]]
    own, own_roles = [column for column, _ in pairs], [has for _, has in pairs]
    found = {"any table": 1.0, "somebody who acts for another": float(len(own) < len(judged))}
    found |= {group: _most(own, tags) for group, tags in _GROUPS.items()}
    found |= {group: _most(judged[:_FIRST_COLUMNS], tags) for group, tags in _FIRST.items()}
    columns = max(len(judged), 1)
    traits = sorted(_sum(column, _TRAITS) for column in own)
    found["share of traits"] = min(sum(traits) * _MANY / columns, 1.0)
    for group, tags in _MATTERS.items():
        found[f"share of {group}"] = min(sum(_sum(column, tags) for column in own) * _MANY / columns, 1.0)
    found["more than one trait"] = min(sum(traits[:-1]), 1.0)
    found["share of what is general"] = sum(column.get("general", 0.0) for column in judged) / columns
    for reader, source in _READERS.items():
        together = [chances(it, source) for it in hints]
        found[f"{reader} together: general"] = sum(it.get("general", 0.0) for it in together) / columns
        personal = sum(_sum(it, _personal(it)) for it in together)
        found[f"{reader} together: personal"] = personal / columns
    numbered = [column for column, has in zip(own, own_roles, strict=True) if "person" in has]
    found["a person's record"] = _most(numbered, _RECORDS)
    found["a person's number by its name"] = float(any(map(numbers_persons, names)))
    counted = Counter(role for of_name in roles for role in of_name)
    first = frozenset().union(*roles[:_FIRST_COLUMNS])
    for role in _ROLES:
        found[f"words: {role}"] = min(counted[role], _MANY) / _MANY
        found[f"first words: {role}"] = float(role in first)
    return found


def acts_for_another(name: str) -> bool:
    """Return whether a column called *name* is about somebody who acts for what the rows stand for."""
    return _REPRESENTATIVE in roles_of(name)


def features(found: Mapping[str, float]) -> dict[str, dict[str, float]]:
    """Return for every subject what the coefficients are about; things are the others' measure."""
    return {
        subject: {f"{subject}: {name}": value for name, value in found.items()} if subject != THING else {}
        for subject in SUBJECTS
    }


def _personal(column: Mapping[str, float]) -> frozenset[str]:
    return frozenset(tag for tag in column if tag.startswith(("pi.", "finance.")))


def _most(judged: Judged, tags: frozenset[str]) -> float:
    return max((_sum(column, tags) for column in judged), default=0.0)


def _sum(column: Mapping[str, float], tags: frozenset[str]) -> float:
    return sum(probability for tag, probability in column.items() if tag in tags)
