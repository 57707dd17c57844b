"""Train the networks that read the names and values of a table (`classifiers.evidence.network`).

``python -m benchmarks.classification.fit_networks`` writes ``classifiers/taxonomies/headers.npz`` and
``cells.npz`` (minutes): names from ``headers/*/*.txt``, tables of which only names and tags are known, and
from ``cells/*/*.txt``, tables with some values of every column; values from the latter.  None of the labelled
tables is among them: what the networks make of those is what they make of tables they have not seen, and on
that the combiner is fitted afterwards (``fit.py``).  ``… cells`` or ``… headers`` trains one of them;
``… --left-out`` writes nothing, trains without a sixth of the files and prints what that makes of them;
``… --kept-apart`` trains nothing and prints what the network for names makes of ``kept_apart/*.txt``.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

import classifiers
from benchmarks.classification import training
from benchmarks.classification.labelled import HERE
from benchmarks.classification.metrics import personal
from benchmarks.classification.training import Table, train
from classifiers.evidence.cells import tokens_of_values
from classifiers.evidence.network import Network, context, hidden, network, odds, seen, sums, to_arrays
from classifiers.evidence.style import style_of
from classifiers.evidence.tokens import tokens_of
from classifiers.taxonomy import GENERAL, core

FOLDERS = {"headers": ("headers", "cells"), "cells": ("cells",)}
"""By network, where its tables are."""
PLANS = {"headers": training.HEADERS, "cells": training.CELLS}
TARGET = Path(classifiers.__file__).parent / "taxonomies"
LEFT_OUT = 6
"""Of how many files one is left out."""


@dataclass(frozen=True, slots=True)
class Column:
    """A made-up column: its *name*, its *tag* and some of its *values*."""

    name: str
    tag: str
    values: tuple[str, ...]


def main() -> None:
    """Train and write, or estimate."""
    if "--kept-apart" in sys.argv[1:]:
        for file in sorted((HERE / "kept_apart").glob("*.txt")):
            told = figures(network("headers"), [tokenised(table, "headers") for table in read(file)])
            print(f"{file.name}: {told}")
        return
    estimated = "--left-out" in sys.argv[1:]
    for name in [it for it in sys.argv[1:] if it in PLANS] or list(PLANS):
        files = [file for folder in FOLDERS[name] for file in sorted((HERE / folder).glob("*/*.txt"))]
        tables = {file: [tokenised(table, name) for table in read(file)] for file in files}
        tested = files[::LEFT_OUT] if estimated else []
        known = train([table for file in files if file not in tested for table in tables[file]], PLANS[name])
        for file in tested:
            print(f"{name} {file.relative_to(HERE)}: {figures(known, tables[file])}", flush=True)
        if not estimated:
            np.savez_compressed(TARGET / f"{name}.npz", **to_arrays(known))  # type: ignore[arg-type]  # arrays
            print(f"{name}: {sum(map(len, tables.values()))} tables", flush=True)


def read(file: Path) -> Iterator[tuple[Column, ...]]:
    """Yield the tables of *file*; raises `ValueError` for an unknown tag.

    A table is ``## its name`` and a line ``name => tag`` for each column, where ``-`` is `GENERAL`, or
    ``name => tag => value | value | …``.
    """
    known = core().tags
    for text in file.read_text(encoding="utf-8").removeprefix("## ").split("\n## "):
        lines = [line.split(" => ") for line in text.splitlines()[1:] if line.strip()]
        columns = tuple(
            Column(name, GENERAL if tag == "-" else tag, tuple(values[0].split(" | ")) if values else ())
            for name, tag, *values in lines
        )
        if unknown := {it.tag for it in columns} - known.keys():
            raise ValueError(f"{file}: unknown tags {sorted(unknown)}")
        yield columns


def tokenised(table: Sequence[Column], network: str) -> Table:
    """Return what the *network* sees of *table*, with the tags."""
    if network == "cells":
        return [(tokens_of_values(it.values), it.tag) for it in table]
    style = style_of([it.name for it in table])
    return [(tokens_of(it.name, "", style), it.tag) for it in table]


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
