"""The labelled tables: where they are, what careful people say of their columns, and how they are read.

``<set>/<part>/<domain>/<table>.csv.gz`` lie beside a ``labels.yaml`` per domain, by whoever made the tables,
and ``others.yaml``, by two who labelled them apart.  What at least two of the three say is the label.  A
table is read by the way `keyong dataset add` reads it: as text, types and tags proposed from a sample.
"""

from __future__ import annotations

import csv
import gzip
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from classifiers.taxonomy import core
from sandbox.vault.propose import propose_fields
from sandbox.vault.source import open_source
from service.datasets.declared import SampledRows, proposals_of

HERE = Path(__file__).parent
SETS = ("zh", "intl")
PARTS = ("development", "heldout", "fresh")


@dataclass(frozen=True, slots=True)
class Label:
    """What *column* is; *values*: a careful person could tell from the values alone.

    *author*: what whoever made the table says; *others*: what the two others say.
    """

    column: str
    tag: str
    values: bool
    author: str
    others: tuple[str, str]


@dataclass(frozen=True, slots=True)
class Table:
    """A labelled file: *name* is ``<set>/<part>/<domain>/<table>``, *labels* are in column order."""

    name: str
    path: Path
    labels: tuple[Label, ...]


def tables(chosen: str, part: str, root: Path = HERE) -> Iterator[Table]:
    """Yield the tables of one part of a set; raises `ValueError` where labels and files do not fit."""
    known = core().tags
    for listing in sorted((root / chosen / part).glob("*/labels.yaml")):
        domain = _yaml(listing)
        others = _yaml(listing.parent / "others.yaml")
        for name, entries in domain.items():
            path = listing.parent / f"{name}.csv.gz"
            pairs = zip(others[name]["b"], others[name]["c"], strict=True)
            labels = tuple(_label(it, pair) for it, pair in zip(entries, pairs, strict=True))
            unknown = {tag for it in labels for tag in (it.author, *it.others)} - known.keys()
            if unknown or [label.column for label in labels] != header(path):
                raise ValueError(f"{path}: labels do not fit the file, or unknown tags {sorted(unknown)}")
            yield Table(f"{chosen}/{part}/{listing.parent.name}/{name}", path, labels)


def _yaml(path: Path) -> Any:
    return yaml.load(path.read_text(encoding="utf-8"), Loader=yaml.CSafeLoader)


def _label(entry: Mapping[str, Any], others: tuple[str, str]) -> Label:
    """Return the label that two of three agree on, for want of one the author's.

    Only the author said what values show: of a label that is not the author's, nothing is said.
    """
    author = str(entry["tag"])
    tag = others[0] if others[0] == others[1] else author
    return Label(entry["column"], tag, entry["values"] and tag == author, author, others)


def header(path: Path) -> list[str]:
    """Return the header row of a table."""
    return next(_rows(path))


def samples(path: Path, most: int) -> list[list[str]]:
    """Return up to *most* distinct non-empty values of every column, in file order."""
    rows = _rows(path)
    found: list[dict[str, None]] = [{} for _ in next(rows)]
    for row in rows:
        for column, cell in zip(found, row, strict=True):
            if cell.strip() and len(column) < most:
                column[cell.strip()] = None
    return [list(column) for column in found]


def without_header(table: Table, folder: Path) -> Path:
    """Write *table* into *folder* with columns called ``column_1``, ``column_2``, …; return the file."""
    target = folder / f"{table.name.replace('/', '.')}.csv"
    with target.open("w", encoding="utf-8", newline="") as file:
        lines = csv.writer(file, lineterminator="\n")
        rows = _rows(table.path)
        lines.writerow([f"column_{place}" for place, _ in enumerate(next(rows), 1)])
        lines.writerows(rows)
    return target


def propose(path: Path) -> list[tuple[str, float]]:
    """Return tag and confidence that Keyong proposes for every column of a file."""
    source = open_source(path)
    rows = SampledRows(source)
    fields = propose_fields(source, drawn=rows)
    return [(it.tag, it.confidence) for it in proposals_of(rows, fields)]


def _rows(path: Path) -> Iterator[list[str]]:
    with gzip.open(path, "rt", encoding="utf-8", newline="") as file:
        yield from csv.reader(file)
