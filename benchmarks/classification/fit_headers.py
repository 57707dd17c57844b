"""Train the network that reads the names of a table's columns (`classifiers.evidence.headers`).

``python -m benchmarks.classification.fit_headers`` reads ``headers/*/*.txt``, tables of which only names and
tags were written, and writes ``classifiers/taxonomies/headers.npz`` (minutes).  None of the labelled tables
is among them: what the network makes of those is what it makes of tables it has not seen, and on that the
combiner is fitted afterwards (``fit.py``).  ``… --left-out`` writes nothing, trains without a sixth of the
files and prints what that makes of them.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np

import classifiers
from benchmarks.classification.labelled import HERE
from benchmarks.classification.metrics import personal
from benchmarks.classification.training import Table, train
from classifiers.evidence.names import may_be_initials
from classifiers.evidence.network import Network, context, hidden, odds, seen, sums, to_arrays
from classifiers.evidence.tokens import tokens_of
from classifiers.taxonomy import GENERAL, core

FOLDER = HERE / "headers"
TARGET = Path(classifiers.__file__).parent / "taxonomies" / "headers.npz"
LEFT_OUT = 6
"""Of how many files one is left out."""


def main() -> None:
    """Train and write, or estimate."""
    tables = {file: list(read(file)) for file in sorted(FOLDER.glob("*/*.txt"))}
    if sys.argv[1:] == ["--left-out"]:
        tested = list(tables)[::LEFT_OUT]
        known = train([table for file in tables if file not in tested for table in tables[file]])
        for file in tested:
            print(f"{file.relative_to(FOLDER)}: {figures(known, tables[file])}")
        return
    chosen = [table for of_file in tables.values() for table in of_file]
    np.savez_compressed(TARGET, **to_arrays(train(chosen)))  # type: ignore[arg-type]  # they are arrays
    print(f"{len(chosen)} tables, {sum(map(len, chosen))} names")


def read(file: Path) -> Iterator[Table]:
    """Yield the tables of *file*; raises `ValueError` for an unknown tag.

    A table is ``## its name`` and a line ``name => tag`` for each column, where ``-`` is `GENERAL`.
    """
    known = core().tags
    for text in file.read_text(encoding="utf-8").removeprefix("## ").split("\n## "):
        pairs = [line.rsplit(" => ", 1) for line in text.splitlines()[1:] if line.strip()]
        initials = may_be_initials([name for name, _ in pairs])
        tags = [GENERAL if tag == "-" else tag for _, tag in pairs]
        if unknown := set(tags) - known.keys():
            raise ValueError(f"{file}: unknown tags {sorted(unknown)}")
        yield [(tokens_of(name, "", initials), tag) for (name, _), tag in zip(pairs, tags, strict=True)]


def figures(known: Network, tables: Sequence[Table]) -> str:
    """Return how often *known* is right on *tables*: exactly, and about personal or not."""
    pairs: list[tuple[str, str]] = []
    for table in tables:
        summed = sums(known, [bags for bags, _ in table])
        best = odds(known, hidden(known, summed, context(seen(known, summed)))).argmax(axis=1)
        pairs += [(known.tags[place], tag) for place, (_, tag) in zip(best, table, strict=True)]
    said, right, both = (
        sum(personal(one) for one, _ in pairs),
        sum(personal(other) for _, other in pairs),
        sum(personal(one) and personal(other) for one, other in pairs),
    )
    exact = sum(one == other for one, other in pairs)
    return (
        f"{len(pairs)} names, exact {exact / len(pairs):.3f}, "
        f"personal: precision {both / said:.3f}, recall {both / right:.3f}"
    )


if __name__ == "__main__":
    main()
