"""Fit the combiner to the development parts of the labelled sets.

``python -m benchmarks.classification.fit``: conditional logit by Newton's method with a quadratic penalty;
first for columns alone, then for what a table is about, then for columns in their surroundings.  Every table
is taken in five views: with its header; without; with every fifth name missing, since names elsewhere are
less well known than those here; a few of its columns, as tables elsewhere are shorter than those here; and
without the columns that say who somebody is, as in systems that keep accounts or visits apart from persons.
Writes ``classifiers/taxonomies/combiner.yaml``.

``… fit --left-out`` writes nothing: it fits without a sixth of the domains and prints what that makes of
the domains left out: too optimistic, since the lists know their words.  The held-out parts are never read.
"""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from zlib import crc32

import yaml

import classifiers
from benchmarks.classification import labelled
from benchmarks.classification.generators import tables as zh
from benchmarks.classification.generators_intl import tables as intl
from benchmarks.classification.logit import PENALTY, fit
from benchmarks.classification.metrics import Judged, personal
from benchmarks.classification.report import figures
from classifiers.classify import hints_of, read_together
from classifiers.combine import Weights, features, judge, judge_table
from classifiers.evidence import subject
from classifiers.evidence.evidence import Evidence
from classifiers.evidence.neighbours import ALONE, surroundings
from classifiers.evidence.sample import ColumnSample, draw
from classifiers.evidence.style import style_of
from sandbox.vault.propose import propose_fields
from sandbox.vault.source import open_source
from service.datasets.declared import SampledRows

PENALTY_OF_SUBJECTS = 2.0
"""Tables are fewer than columns."""
FEWEST = 4
"""Columns that a table has at least in the fifth view."""
SHORTEST, LONGEST = 3, 7
"""Columns of the fourth view."""
UNNAMED = "column_1"
"""What a column is called whose name is taken away: nothing can be read in it."""
MISSING = 5
"""Of how many names one is missing in the third view."""
GROUPS = 6
"""Groups of domains that are left out together."""
HANDS = {
    "second": {*zh.SECOND_HAND, *intl.SECOND_HAND},
    "third": {*zh.THIRD_HAND, *intl.THIRD_HAND},
    "fourth": {*zh.FOURTH_HAND, *intl.FOURTH_HAND},
    "fifth": {*zh.FIFTH_HAND, *intl.FIFTH_HAND},
    "sixth": {*zh.SIXTH_HAND, *intl.SIXTH_HAND},
    "seventh": {*zh.SEVENTH_HAND, *intl.SEVENTH_HAND},
    "eighth": {*intl.EIGHTH_HAND},
}
"""Domains by whose labels they have; those of the first hand are the others."""
TARGET = Path(classifiers.__file__).parent / "taxonomies" / "combiner.yaml"


@dataclass(frozen=True, slots=True)
class Column:
    """A column called *name* (empty if taken away), its label, hints and values; *shown*: these show it."""

    name: str
    tag: str
    shown: bool
    hints: tuple[Evidence, ...]
    sample: ColumnSample

    def nameless(self) -> Column:
        """Return the column without its name and what that said."""
        kept = tuple(hint for hint in self.hints if hint.source != "name")
        return replace(self, name="", hints=kept)


Table = Sequence[Column]


def main() -> None:
    """Fit and write, or estimate."""
    tables = {
        table.name: read(table)
        for chosen in labelled.SETS
        for table in labelled.tables(chosen, "development")
    }
    if sys.argv[1:] == ["--left-out"]:
        print(figures(list(left_out(tables))))
        return
    weights = fit_all(tables)
    columns = sum(map(len, tables.values()))
    note = f"conditional logit on {columns} columns of the development parts, penalty {PENALTY}"
    content = {"version": 2, "fitted": note, "weights": weights}
    TARGET.write_text(yaml.safe_dump(content, sort_keys=False), encoding="utf-8")
    print(f"{note}\n{yaml.safe_dump(weights, sort_keys=False)}")


def read(table: labelled.Table) -> Table:
    """Return the columns of a labelled table."""
    source = open_source(table.path)
    fields = propose_fields(source)
    samples = draw(fields, SampledRows(source))
    style = style_of([field.name for field in fields])
    drawn = [samples[field.name] for field in fields]
    hints = hints_of(fields, drawn, (), style)
    return [
        Column(field.name, label.tag, label.values, own, sample)
        for label, field, own, sample in zip(table.labels, fields, hints, drawn, strict=True)
    ]


def domain_of(name: str) -> str:
    """Return set and domain of the table called *name*."""
    chosen, _, domain, _ = name.split("/")
    return f"{chosen} {domain}"


def left_out(tables: Mapping[str, Table]) -> Iterator[tuple[str, list[Judged], list[Judged]]]:
    """Yield for every domain what a fit without it and its group makes of it, with names and without."""
    domains = list(dict.fromkeys(map(domain_of, tables)))
    for group in (domains[start::GROUPS] for start in range(GROUPS)):
        weights = fit_all({name: table for name, table in tables.items() if domain_of(name) not in group})
        for domain in group:
            own = [table for name, table in tables.items() if domain_of(name) == domain]
            named = [it for table in own for it in judged(table, weights)]
            yield domain, named, [it for table in own for it in judged(_nameless(table), weights)]


def judged(table: Table, weights: Weights) -> list[Judged]:
    """Return what *weights* make of the columns of *table*."""
    table = _read_together(table)
    found = judge_table([it.name for it in table], [it.hints for it in table], weights)
    return [
        Judged(column.name, column.tag, column.shown, it.beside[0].tag, it.beside[0].confidence)
        for column, it in zip(table, found, strict=True)
    ]


def fit_all(tables: Mapping[str, Table]) -> Weights:
    """Return the coefficients for columns alone, for subjects and for columns beside others."""
    found = [(about(table), view) for name, table in tables.items() for view in _views(name, table)]
    views = [view for _, view in found]
    of_hand = _counts(tables)
    counts = [of_hand[hand_of(name)] for name, table in tables.items() for _ in _views(name, table)]
    each = [count for view, count in zip(views, counts, strict=True) for _ in view]
    alone = fit([(it.tag, features(it.hints)) for view in views for it in view], each)
    chances = [
        [{it.tag: it.confidence for it in judge(of.hints, ALONE, alone)} for of in view] for view in views
    ]
    subjects = fit(
        [
            (topic, subject.features(_signs(view, judged)))
            for (topic, view), judged in zip(found, chances, strict=True)
        ],
        counts,
        PENALTY_OF_SUBJECTS,
    )
    beside = fit(
        [
            (column.tag, features(column.hints, place))
            for (topic, view), judged in zip(found, chances, strict=True)
            for column, place in zip(view, surroundings(judged, {topic: 1.0}), strict=True)
        ],
        each,
    )
    return {"alone": alone, "subject": subjects, "beside": beside}


def _signs(table: Table, judged: Sequence[Mapping[str, float]]) -> dict[str, float]:
    return subject.signs([it.name for it in table], judged, [it.hints for it in table])


def hand_of(name: str) -> str:
    """Return who wrote the table called *name*: ``first`` to ``eighth``."""
    domain = name.split("/")[2]
    for hand, known in HANDS.items():
        if domain in known:
            return hand
    return "first"


def _counts(tables: Mapping[str, Table]) -> dict[str, float]:
    """How much a column of each hand counts, so that all hands count the same together."""
    columns = Counter[str]()
    for name, table in tables.items():
        columns[hand_of(name)] += len(table)
    return {hand: columns.total() / len(columns) / count for hand, count in columns.items()}


def about(table: Table) -> str:
    """Return what a table is about by its labels: only persons have what is personal in context."""
    tags = [it.tag for it in table]
    bare = style_of([it.name for it in table]).without_letter
    own = [it.tag for it in table if not subject.acts_for_another(bare(it.name))]
    if any(personal(tag) and tag not in _NOT_ONLY_PERSONS for tag in own):
        return subject.PERSON
    return subject.ORGANISATION if any(tag.startswith("org.") for tag in tags) else subject.THING


_IDENTITY = frozenset(
    [
        "pi.name",
        "pi.id.resident",
        "pi.id.document",
        "pi.id.social",
        "pi.id.foreign",
        "pi.birth-date",
        "pi.age",
        "pi.gender",
        "pi.ethnicity",
        "pi.marital",
        "pi.origin",
        "pi.contact.mobile",
        "pi.contact.email",
        "pi.address",
        "pi.postcode",
    ]
)
_NOT_ONLY_PERSONS = frozenset(
    [
        "pi.name",
        "pi.id.resident",
        "pi.id.document",
        "pi.id.foreign",
        "pi.work",
        "pi.contact.mobile",
        "pi.contact.email",
        "pi.contact.online",
        "pi.address",
        "pi.postcode",
        "pi.location",
        "pi.network",
        "pi.device",
        "pi.vehicle",
        "pi.credential",
        "pi.biometric",
        "pi.health",
        "finance.account",
    ]
)


def _views(name: str, table: Table) -> tuple[Table, ...]:
    some = [it.nameless() if crc32(f"{name} {it.name}".encode()) % MISSING == 0 else it for it in table]
    apart = [it for it in table if it.tag not in _IDENTITY]
    views = [table, _nameless(table), some, _part(name, table), *([apart] if len(apart) >= FEWEST else [])]
    return tuple(map(_read_together, views))


def _part(name: str, table: Table) -> Table:
    """Return some columns of *table* that stand side by side."""
    chance = crc32(name.encode())
    size = SHORTEST + chance % (LONGEST - SHORTEST + 1)
    start = chance // LONGEST % max(1, len(table) - size + 1)
    return table[start : start + size]


def _read_together(table: Table) -> Table:
    names = [it.name or UNNAMED for it in table]
    found = read_together(names, [it.hints for it in table], [it.sample for it in table])
    return [replace(it, hints=hints) for it, hints in zip(table, found, strict=True)]


def _nameless(table: Table) -> Table:
    return [it.nameless() for it in table]


if __name__ == "__main__":
    main()
