"""How far labellers agree: the author of the tables and two who labelled them apart, by the rules alone.

Cohen's κ (Cohen 1960, "A coefficient of agreement for nominal scales") for each pair, of the exact tag and
of PII yes/no.  No classifier can be expected to agree with one person better than others do: the last two
columns are what the second of a pair would score, measured by the labels of the first.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Sequence
from itertools import combinations

from benchmarks.classification import metrics, report
from benchmarks.classification.labelled import Table
from benchmarks.classification.metrics import Judged

_HEAD = ("set", "labels of", "columns", "same tag", "κ", "same PII", "κ", "PII precision", "PII recall")


def kappa(one: Sequence[Hashable], other: Sequence[Hashable]) -> float:
    """Return Cohen's κ: 1 for full agreement, 0 for as much as by chance; NaN where chance alone agrees."""
    count, often, too = len(one), Counter(one), Counter(other)
    seen = sum(first == second for first, second in zip(one, other, strict=True)) / count
    chance = sum(often[label] * too[label] for label in often) / count**2
    return (seen - chance) / (1 - chance) if chance < 1 else float("nan")


def table(groups: Sequence[tuple[str, Sequence[Table]]]) -> str:
    """Return the agreement of every pair in every part, as Markdown."""
    rows = []
    for where, tables in groups:
        labels = [label for it in tables for label in it.labels]
        who = {"author": [it.author for it in labels]}
        who |= {name: [it.others[place] for it in labels] for place, name in enumerate("bc")}
        rows += [_row(where, pair, who[pair[0]], who[pair[1]]) for pair in combinations(who, 2)]
    return f"Agreement of those who labelled:\n\n{report.table(_HEAD, rows)}"


def _row(where: str, pair: tuple[str, str], one: Sequence[str], other: Sequence[str]) -> list[str]:
    yes, too = ([metrics.personal(tag) for tag in tags] for tags in (one, other))
    judged = [Judged("", first, False, second, 0.0) for first, second in zip(one, other, strict=True)]
    agreed = (_same(one, other), kappa(one, other), _same(yes, too), kappa(yes, too))
    scores = map(report.share, metrics.pii(judged))
    return [where, " and ".join(pair), str(len(one)), *(f"{it:.3f}" for it in agreed), *scores]


def _same(one: Sequence[Hashable], other: Sequence[Hashable]) -> float:
    return sum(first == second for first, second in zip(one, other, strict=True)) / len(one)
