"""The distinct values of a column that classification looks at: from all of its rows, in bounded memory.

Rows are chosen evenly, one by chance (from a fixed seed) out of each stretch of equal length, so that neither
the order of a file nor a period in it decides.  Of the rows held, a batch has the share that it has of all
rows seen so far, and what was held before shrinks by as much: how many batches are to come need not be known.
Rows are chosen before anything else is done, and cut before they are read: neither long batches nor long
cells cost time.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import lru_cache, partial
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from classifiers.evidence.checks import meant
from sandbox.schema import Field, Kind
from sandbox.vault.spread import evenly

DISTINCT_LIMIT = 10_000
LENGTH_LIMIT = 200
"""Characters of a value that are looked at."""
LONG_LIMIT, LONG_CELLS, LONG = 4_000, 400_000, 100
"""Characters of longer ones that are searched for identifiers; as many less of each in tables of more than a
hundred columns; and how many of a column."""
CELLS, FEWEST_ROWS = 400_000, 2_000
"""Cells that are looked at, over all columns; but so many rows at the least."""
HELD_BYTES = 64 << 20
"""Bytes of cells that are held, over all columns; so many rows less are looked at.  Samples take up to twice
as many beside them: distinct values as they are, and normalised."""


@dataclass(frozen=True, slots=True)
class ColumnSample:
    """*values*: distinct texts in the order of the rows, evenly from all there are, at most `DISTINCT_LIMIT`.

    They are cut to `LENGTH_LIMIT`, and two whose beginnings are the same differ if they do further on.
    *long* are some of those that were cut, in fuller length.  *rows* were looked at that hold a value, and
    *nulls* beside them that hold none; *distinct* is the number of different values in those *rows*, so that
    *distinct* / *rows* is how far the column tells rows apart.  *plain* are the *values* as all evidence but
    what is counted looks at them, in step: normalised (`checks.meant`), null where they say nothing.
    """

    kind: Kind
    values: Any  # pa.StringArray; pyarrow carries no types
    distinct: int
    rows: int
    nulls: int = 0
    long: Any = field(default_factory=partial(pa.array, [], pa.string()))
    plain: Any = field(init=False, repr=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "plain", meant(self.values))


def draw(fields: Sequence[Field], source: Iterable[Any]) -> dict[str, ColumnSample]:
    """Return a sample of every field from record batches (or a table); names that are not there are skipped.

    All batches are read; memory does not grow with the rows.
    """
    texts = draw_texts([it.name for it in fields], source)
    return {it.name: _sample(it, texts[it.name]) for it in fields}


def draw_texts(columns: Sequence[str], source: Iterable[Any]) -> dict[str, Any]:
    """Return, as texts, the cells that `draw` looks at; drawn from again as a table they are all drawn."""
    batches = source.to_batches() if isinstance(source, pa.Table) else source
    longest = max(LENGTH_LIMIT, min(LONG_LIMIT, LONG_CELLS // max(len(columns), 1)))
    held = {name: _Held(longest) for name in columns}
    most = max(FEWEST_ROWS, CELLS // max(len(columns), 1))
    for batch in batches:
        for name, column in zip(batch.schema.names, batch.columns, strict=True):
            if name in held:
                held[name].add(column, most)
        while most > 1 and sum(it.size for it in held.values()) > HELD_BYTES:
            most //= 2
            for it in held.values():
                it.settle(most)
    return {name: it.settle(most) for name, it in held.items()}


@dataclass(slots=True)
class _Held:
    """Texts of some rows of a column, in *parts*: how many rows each stands for, and its texts.

    Of each text at most *longest* characters are held.
    """

    longest: int
    parts: list[tuple[int, Any]] = field(default_factory=list)
    seen: int = 0
    rows: int = 0
    size: int = 0

    def add(self, column: Any, most: int) -> None:
        """Hold so many rows of *column* as it has its share of *most*, rounded up."""
        self.seen += len(column)
        share = -(-most * len(column) // max(self.seen, 1))
        self._hold(len(column), _texts(column, _even(len(column), share), self.longest))
        if self.rows > 2 * most:
            self.settle(most)

    def settle(self, most: int) -> Any:
        """Hold no more than *most* rows, evenly from all that were seen, and return them."""
        texts = pa.concat_arrays([pa.array([], pa.string()), *self._kept(most)])
        self.parts, self.rows, self.size = [], 0, 0
        self._hold(self.seen, texts)
        return texts

    def _kept(self, most: int) -> Iterator[Any]:
        before = after = 0
        for rows, texts in self.parts:
            after += rows
            share = most * after // max(self.seen, 1) - most * before // max(self.seen, 1)
            before = after
            places = _even(len(texts), share)
            yield texts if places is None else texts.take(places)

    def _hold(self, stands_for: int, texts: Any) -> None:
        self.parts.append((stands_for, texts))
        self.rows += len(texts)
        self.size += texts.nbytes


@lru_cache(64)  # the columns of a batch ask for the same
def _even(rows: int, most: int) -> Any:
    """Return the places of *most* of the *rows*, spread evenly, or None for all of them."""
    return None if rows <= most else pa.array(evenly(rows, most))


def _texts(column: Any, rows: Any, longest: int) -> Any:
    column = column if rows is None else column.take(rows)
    if not pa.types.is_dictionary(column.type):
        return _cut(column, longest)
    # A long cell that many rows share is cut once, and cells of other rows not at all.
    used = pc.unique(column.indices.drop_null())
    return _cut(column.dictionary.take(used), longest).take(pc.index_in(column.indices, value_set=used))


def _cut(column: Any, longest: int) -> Any:
    if pa.types.is_large_string(column.type):
        column = _beginnings(column, longest)
    return pc.utf8_trim_whitespace(_beginnings(column.cast(pa.string()), longest))


def _beginnings(texts: Any, longest: int) -> Any:
    """Return *texts* cut to *longest* characters."""
    most = pc.max(pc.binary_length(texts)).as_py() or 0
    return texts if most <= longest else pc.utf8_slice_codeunits(texts, 0, longest)


def _sample(of: Field, texts: Any) -> ColumnSample:
    marks = pa.array(["", *of.missing], pa.string())
    given = texts.filter(pc.invert(pc.is_in(texts, value_set=marks))).drop_null()
    fuller = pc.unique(given)
    looked_at = some(fuller, DISTINCT_LIMIT)
    return ColumnSample(
        of.kind,
        _beginnings(looked_at, LENGTH_LIMIT),
        len(fuller),
        len(given),
        len(texts) - len(given),
        some(looked_at.filter(pc.greater_equal(pc.utf8_length(looked_at), LENGTH_LIMIT)), LONG),
    )


def some(texts: Any, most: int) -> Any:
    """Return *most* of *texts*, one by chance out of each of so many equal stretches; of as many the same."""
    places = _even(len(texts), most)
    return texts if places is None else texts.take(places)
