"""How often a column seems to have changed between two versions, where it did not and where it did.

``python -m benchmarks.classification.drift``: the rows of every third development table are parted in two by
chance, as if they were two versions.  A confirmed column drifts falsely if the second half makes it so; and a
change is found if a column whose values are those of another of its table, of another label, drifts.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pyarrow as pa

from benchmarks.classification import labelled
from classifiers.classify import Proposal, classify
from sandbox.vault.propose import propose_fields
from sandbox.vault.source import open_source
from service.datasets.declared import SampledRows
from service.datasets.proposed import said_of
from service.datasets.tagging import drifted

EVERY, FEWEST_ROWS = 3, 60
"""Of how many tables one is taken, and how many rows it must have."""


def main() -> None:
    """Print both shares."""
    false, found = [], []
    for confirmed, first, second, swapped in _halves():
        looked = said_of(first)
        false.append(drifted(second, confirmed, first.alone, looked) is not None)
        if swapped is not None:
            found.append(drifted(swapped, confirmed, first.alone, looked) is not None)
    print(f"unchanged: {sum(false)} of {len(false)} drift; exchanged: {sum(found)} of {len(found)} drift")


def _halves() -> Iterator[tuple[str, Proposal, Proposal, Proposal | None]]:
    """Yield for every column its label, what either half says of it, and what it says with other values."""
    draws = np.random.default_rng(1)
    for chosen in labelled.SETS:
        for table in list(labelled.tables(chosen, "development"))[::EVERY]:
            source = open_source(table.path)
            rows = pa.Table.from_batches(list(SampledRows(source)))
            if rows.num_rows < FEWEST_ROWS:
                continue
            fields = propose_fields(source)
            order = draws.permutation(rows.num_rows)
            one, other = (rows.take(pa.array(half)) for half in np.array_split(order, 2))
            place = int(draws.integers(len(fields)))
            changed_table = _exchanged(table, other, place, draws)
            swapped = None if changed_table is None else classify(fields, changed_table)[place]
            for index, (label, *both) in enumerate(
                zip(table.labels, classify(fields, one), classify(fields, other), strict=True)
            ):
                yield label.tag, both[0], both[1], swapped if index == place else None


def _exchanged(table: labelled.Table, rows: Any, place: int, draws: np.random.Generator) -> Any:
    """Return *rows* with another column's values in *place*, one that values show; None if there is none."""
    own = table.labels[place].tag
    others = [index for index, it in enumerate(table.labels) if it.values and it.tag not in (own, "general")]
    if not others:
        return None
    return rows.set_column(place, rows.column_names[place], rows.column(int(draws.choice(others))))


if __name__ == "__main__":
    main()
