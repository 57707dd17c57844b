"""Propose a tag for every column, with the evidence for it.

A proposal is for the owner's eyes: it says what the column may be and why, in names of rules, never with a
value.  It opens nothing: a column is denied until its owner has confirmed a tag.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from classifiers.combine import combine
from classifiers.evidence.evidence import Evidence
from classifiers.evidence.names import name_evidence
from classifiers.evidence.patterns import value_evidence
from classifiers.evidence.sample import draw
from classifiers.taxonomy import core
from sandbox.schema import Field


@dataclass(frozen=True, slots=True)
class Proposal:
    """*tag* for *column* with *confidence* from 0 to 1; *evidence* holds all hints, also for other tags."""

    column: str
    tag: str
    confidence: float
    evidence: tuple[Evidence, ...]


def classify(fields: Sequence[Field], sample: Iterable[Any]) -> tuple[Proposal, ...]:
    """Return one proposal per field, in order.

    *sample* is a `pyarrow.Table` or an iterable of record batches with columns of those names; it is read
    once, in memory that does not grow with its rows.
    """
    taxonomy = core()
    samples = draw(fields, sample)
    proposals = []
    for field in fields:
        hints = (*name_evidence(field.name), *value_evidence(samples[field.name]))
        tag, confidence = combine(hints, taxonomy)
        ordered = tuple(sorted(hints, key=lambda hint: (-hint.weight, hint.tag, hint.source, hint.rule)))
        proposals.append(Proposal(field.name, tag, confidence, ordered))
    return tuple(proposals)
