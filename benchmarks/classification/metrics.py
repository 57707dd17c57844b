"""What is counted, over columns.

- **PII yes/no**: a column is PII if its tag starts with ``pi.`` or ``finance.``.  Precision: of the columns
  proposed as PII, those that are.  Recall: of those that are, the ones proposed as PII, under whatever tag.
- **Category**: precision: of the columns proposed as anything but ``general``, those with exactly the tag of
  their label; recall: of the columns labelled anything but ``general``, the same.  All columns count equally
  (micro average).
- **Values alone**: recall of the category with headers taken away, over the columns that a careful person
  could tell from their values.
- **Calibration**: of the proposals, ``general`` among them, with a confidence of 0.9 or more, those with
  exactly the right tag.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from math import sqrt

from classifiers.taxonomy import GENERAL

SURE = 0.9
BINS = (0.0, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 1.000001)
_Z = 1.959964


@dataclass(frozen=True, slots=True)
class Judged:
    """A column *where* (table and header), its label and what was proposed for it."""

    where: str
    label: str
    shown: bool
    proposed: str
    confidence: float

    @property
    def right(self) -> bool:
        """Whether the proposal is the label."""
        return self.proposed == self.label


@dataclass(frozen=True, slots=True)
class Share:
    """*hits* of *of*."""

    hits: int
    of: int

    @property
    def value(self) -> float:
        """Return the share; NaN of nothing."""
        return self.hits / self.of if self.of else float("nan")

    @property
    def interval(self) -> tuple[float, float]:
        """Return the 95 % score interval (Wilson 1927), as if columns were independent."""
        if not self.of:
            return 0.0, 1.0
        share, spread = self.value, _Z**2 / self.of
        middle = share + spread / 2
        half = _Z * sqrt(share * (1 - share) / self.of + spread / (4 * self.of))
        return (middle - half) / (1 + spread), (middle + half) / (1 + spread)


@dataclass(frozen=True, slots=True)
class Bin:
    """Proposals with a confidence from *low* to below *high*: how many, said and right on average."""

    low: float
    high: float
    said: float
    right: Share


def personal(tag: str) -> bool:
    """Return whether *tag* is PII."""
    return tag.startswith(("pi.", "finance."))


def pii(judged: Sequence[Judged]) -> tuple[Share, Share]:
    """Return precision and recall of PII yes/no."""
    hits = sum(personal(it.label) and personal(it.proposed) for it in judged)
    return (
        Share(hits, sum(personal(it.proposed) for it in judged)),
        Share(hits, sum(personal(it.label) for it in judged)),
    )


def category(judged: Sequence[Judged]) -> tuple[Share, Share]:
    """Return precision and recall of the exact tag."""
    hits = sum(it.right and it.label != GENERAL for it in judged)
    return (
        Share(hits, sum(it.proposed != GENERAL for it in judged)),
        Share(hits, sum(it.label != GENERAL for it in judged)),
    )


def from_values(judged: Sequence[Judged]) -> Share:
    """Return the recall over the columns that values can show; for proposals made without headers."""
    return _right(it for it in judged if it.shown and it.label != GENERAL)


def sure(judged: Sequence[Judged]) -> Share:
    """Return how many of the confident proposals are right."""
    return _right(it for it in judged if it.confidence >= SURE)


def reliability(judged: Sequence[Judged]) -> list[Bin]:
    """Return the filled bins of confidence, lowest first."""
    found = []
    for low, high in pairwise(BINS):
        inside = [it for it in judged if low <= it.confidence < high]
        if inside:
            said = sum(it.confidence for it in inside) / len(inside)
            found.append(Bin(low, min(high, 1.0), said, _right(inside)))
    return found


def _right(judged: Iterable[Judged]) -> Share:
    outcomes = [it.right for it in judged]
    return Share(sum(outcomes), len(outcomes))
