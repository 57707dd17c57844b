"""The categories of a column and how many hold them: rows, or units where the rows have any.

What is kept does not grow with the rows: at most `MOST` categories, and of each at most `RAREST` units.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pyarrow.compute as pc

MOST = 50
RAREST = 10
"""A category of fewer units is not proposed: it may be one person's."""
LONGEST = 200
"""Characters of a category; a column with longer texts has none."""


@dataclass(frozen=True, slots=True)
class Units:
    """The units of a batch's rows: for each its place in *names* (64-bit hashes), -1 for none."""

    places: Any
    names: Any

    def holders(self, codes: Any, count: int) -> list[frozenset[int]]:
        """Return up to `RAREST` units of each of *count* distinct cells; *codes* are those of the rows."""
        known = (codes >= 0) & (self.places >= 0)
        pairs = np.unique(codes[known].astype(np.int64) * len(self.names) + self.places[known])
        cells, places = np.divmod(pairs, max(len(self.names), 1))
        starts = np.searchsorted(cells, np.arange(count))
        ends = np.minimum(np.searchsorted(cells, np.arange(count), "right"), starts + RAREST)
        return [frozenset(self.names[places[a:b]].tolist()) for a, b in zip(starts, ends, strict=True)]


@dataclass(slots=True)
class Categories:
    """The running categories of one column."""

    rows: Counter[str] = field(default_factory=Counter)
    units: dict[str, frozenset[int]] = field(default_factory=dict)
    closed: bool = False

    def accepts(self, texts: Any) -> bool:
        """Return whether the column may still have categories if distinct *texts* are among its cells."""
        if len(texts) > MOST or pc.max(pc.utf8_length(texts)).as_py() > LONGEST:
            self.closed = True
        return not self.closed

    def add(self, cells: Sequence[Any], times: Any, holders: Sequence[frozenset[int]] | None) -> None:
        """Count distinct *cells*, blank ones left out, with the *holders* of each if there are units."""
        for place, cell in enumerate(cells):
            text = "" if cell is None else str(cell)
            if text.strip():
                self.rows[text] += int(times[place])
                if holders is not None:
                    both = self.units.get(text, frozenset()) | holders[place]
                    self.units[text] = frozenset(sorted(both)[:RAREST])
        self.closed = len(self.rows) > MOST

    def counts(self) -> Mapping[str, int] | None:
        """Return how many hold each, of units no more than `RAREST`; None: too many or too long."""
        if self.closed:
            return None
        return {text: len(units) for text, units in self.units.items()} if self.units else self.rows
