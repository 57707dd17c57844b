"""Propose a tag for every column, with the evidence for it.

A proposal is for the owner's eyes: it says what the column may be and why, in names of rules, never with a
value.  It opens nothing: a column is denied until its owner has confirmed a tag.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from math import fsum
from typing import Any

from classifiers.combine import Judged, Judgement, judge_table
from classifiers.evidence.cells import cell_evidence
from classifiers.evidence.dictionaries import dictionary_evidence
from classifiers.evidence.evidence import Evidence
from classifiers.evidence.headers import header_evidence
from classifiers.evidence.inside import inside_evidence
from classifiers.evidence.names import name_evidence
from classifiers.evidence.neighbours import paired
from classifiers.evidence.patterns import value_evidence
from classifiers.evidence.sample import ColumnSample, draw
from classifiers.evidence.statistics import statistic_evidence
from classifiers.evidence.style import Style, style_of
from classifiers.evidence.telling import telling_evidence
from classifiers.minors import minors_evidence
from classifiers.recognizers import Recognizer, recognizer_evidence
from classifiers.taxonomy import GENERAL
from sandbox.schema import ROW_UNIT, Field

WORTH_SAYING = 0.1
"""The weight from which the owner is told of a hint: of names there is a faint one for nearly every tag."""
NEARLY = 0.5
"""How probable a tag must be, as a part of the likeliest, for a column not to have changed its nature: which
values were drawn decides between two that are nearly as probable."""
_NUMBERS = ("pi.id.resident", "pi.id.document", "pi.id.social", "pi.id.foreign")
"""Numbers of persons that are sensitive where a number like any other is not."""
_UNIT = Evidence("pi.id.generic", "unit", "declared", 0.95)
"""Where nothing else speaks: who is protected is told apart by the unit, so it is a number of theirs.  And
where it seems to be one, this makes it sure."""


@dataclass(frozen=True, slots=True)
class Proposal:
    """*tag* for *column* with *confidence* from 0 to 1; *evidence* holds all hints, also for other tags.

    *others*: what else it may be, likeliest first.  *alone*: what it seems to be whatever stands beside it,
    which changes only if the column does, or the names of the table's columns, which versions share.
    *likely*: what else it may be alone, at least half as probable (`NEARLY`).
    """

    column: str
    tag: str
    confidence: float
    evidence: tuple[Evidence, ...]
    alone: str
    others: tuple[Judgement, ...] = ()
    likely: tuple[str, ...] = ()


def classify(
    fields: Sequence[Field],
    sample: Iterable[Any],
    recognizers: Sequence[Recognizer] = (),
    unit: str | None = None,
) -> tuple[Proposal, ...]:
    """Return one proposal per field, in order.

    *sample* is a `pyarrow.Table` or an iterable of record batches with columns of those names; it is read
    once, in memory that does not grow with its rows.  *recognizers* are the owner's own.  *unit* is the
    column that the owner declares to tell the protected units apart, or `ROW_UNIT`.
    """
    year = dt.datetime.now(dt.UTC).year
    samples = draw(fields, sample)
    style = style_of([field.name for field in fields])
    names = [field.name for field in fields]
    found = hints_of(fields, [samples[it] for it in names], recognizers, style)
    found = read_together(
        names, found, [samples[it] for it in names], [field.description for field in fields]
    )
    judged = judge_table(names, found, protected=unit in (*names, ROW_UNIT))
    made = [_as_unit(each) if each.column == unit else each for each in map(_proposal, fields, found, judged)]
    return tuple(_with_minors(proposal, samples[proposal.column], year) for proposal in made)


def hints_of(
    fields: Sequence[Field],
    samples: Sequence[ColumnSample],
    recognizers: Sequence[Recognizer] = (),
    style: Style | None = None,
) -> list[tuple[Evidence, ...]]:
    """Return the hints of every column for itself, the strongest first; *style* as for `name_evidence`."""
    hints = (
        (
            *name_evidence(field.name, field.description, style),
            *valued,
            *dictionary_evidence(sample),
            *statistic_evidence(sample),
            *inside_evidence(sample),
            *telling_evidence(field.name, sample),
            *recognizer_evidence(recognizers, field.name, sample),
        )
        for field, sample, valued in zip(fields, samples, value_evidence(samples), strict=True)
    )
    return list(map(_strongest_first, hints))


def read_together(
    names: Sequence[str],
    hints: Sequence[tuple[Evidence, ...]],
    samples: Sequence[ColumnSample],
    descriptions: Sequence[str] | None = None,
) -> list[tuple[Evidence, ...]]:
    """Return the *hints* of every column with what the names and the values of all of its table say of it."""
    read = zip(
        paired(hints), header_evidence(names, descriptions), cell_evidence(names, samples), strict=True
    )
    return [_strongest_first((*own, *named, *valued)) for own, named, valued in read]


def _strongest_first(hints: Iterable[Evidence]) -> tuple[Evidence, ...]:
    return tuple(sorted(hints, key=lambda hint: (-hint.weight, hint.tag, hint.source, hint.rule)))


def _proposal(field: Field, hints: tuple[Evidence, ...], judged: Judged) -> Proposal:
    best, *others = judged.beside
    confidence, (alone, *rest) = round(best.confidence, 2), judged.alone
    told = tuple(hint for hint in hints if hint.weight >= WORTH_SAYING)
    likely = tuple(it.tag for it in rest if it.confidence >= NEARLY * alone.confidence)
    return Proposal(field.name, best.tag, confidence, told, alone.tag, tuple(others), likely)


def _as_unit(proposal: Proposal) -> Proposal:
    """Return the *proposal* for the declared unit: a number of persons, the stricter kind if it may be one.

    With something stricter at least `NEARLY` as probable it is not sure which number it is, and says so.
    What seems something else, more likely than not, is left as it is.
    """
    if proposal.tag not in (GENERAL, _UNIT.tag) and proposal.confidence >= NEARLY:
        return proposal
    first = Judgement(proposal.tag, proposal.confidence)
    judged = {it.tag: it.confidence for it in (first, *proposal.others)}
    # What seems to be nothing, the owner says, is a number of theirs.
    generic = judged.get(_UNIT.tag, 0.0) + judged.get(GENERAL, 0.0)
    numbers = [it for it in _NUMBERS if judged.get(it, 0.0) >= max(NEARLY * generic, WORTH_SAYING)]
    tag, confidence = _UNIT.tag, max(judged.get(_UNIT.tag, 0.0), _UNIT.weight)
    if numbers:
        tag = max(numbers, key=judged.__getitem__)
        confidence = _UNIT.weight * judged[tag] / (generic + fsum(judged.get(it, 0.0) for it in _NUMBERS))
    return replace(
        proposal,
        tag=tag,
        confidence=round(confidence, 2),
        evidence=(_UNIT, *proposal.evidence),
        others=tuple(Judgement(*it) for it in judged.items() if it[0] != tag),
    )


def _with_minors(proposal: Proposal, sample: ColumnSample, year: int) -> Proposal:
    children = minors_evidence(proposal.tag, sample, year, proposal.column)
    return replace(proposal, evidence=proposal.evidence + children) if children else proposal
