"""What an owner says of a file, held against some of its cells before all of it is read."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from dataclasses import replace
from typing import Any, Final

import pyarrow as pa
import pyarrow.compute as pc

from sandbox.errors import InvalidInputError
from sandbox.schema import Field, Kind
from sandbox.vault.conform import conform_column
from sandbox.vault.source import ParquetSource, Source
from service.wording import declared_text

_NUMBER: Final = re.compile(r"[\d.,:/+-]+")
_FEWEST: Final = 2
"""Names among the cells of their columns, from which the first line is taken for a row; one may be chance."""


def check_plausible(
    source: Source, fields: Sequence[Field], said: Collection[str], rows: Iterable[Any]
) -> None:
    """Refuse a first line that seems a row, and a type that none of a column's cells has.

    *rows*: batches with some cells of each column; *said*: the columns whose type the owner said.  Raises
    `InvalidInputError`, which names columns by their place where names may be cells.
    """
    typed = [field for field in fields if field.name in said and field.kind is not Kind.STRING]
    has_names = isinstance(source, ParquetSource)
    if has_names and not typed:  # the rows of Parquet would be read for nothing
        return
    looked_at = {field.name for field in (typed if has_names else fields)}
    cells = defaultdict[str, list[Any]](list)
    for batch in rows:
        for name, column in zip(batch.schema.names, batch.columns, strict=True):
            if name in looked_at:
                cells[name].append(column)
    if not has_names:
        _check_names(source, fields, cells)
    for field in typed:
        if _fits_nothing(field, cells[field.name]):
            raise InvalidInputError("dataset.type-fits-nothing", column=field.name, type=declared_text(field))


def _check_names(source: Source, fields: Sequence[Field], cells: dict[str, list[Any]]) -> None:
    """Years may be names and values of a column; a choice may be the name and the only value of one."""
    found = [
        place
        for place, field in enumerate(fields, start=1)
        if _among_others(field.name, [it.cast(pa.string()) for it in cells[field.name]])
    ]
    words = [place for place in found if not _NUMBER.fullmatch(fields[place - 1].name)]
    if words and len(found) >= _FEWEST:
        places = [str(place) for place in found]
        raise InvalidInputError("vault.row-as-names", file=str(source.path), positions=places)


def _among_others(name: str, parts: Sequence[Any]) -> bool:
    same = others = False
    for part in parts:
        texts = pc.utf8_trim_whitespace(part)
        equal = pc.equal(texts, name)
        same = same or bool(pc.any(equal).as_py())
        others = others or bool(pc.any(pc.and_(pc.invert(equal), pc.not_equal(texts, ""))).as_py())
    return same and others


def _fits_nothing(field: Field, parts: Sequence[Any]) -> bool:
    """Whether there are cells, and none is of the type of *field*."""
    plain = replace(field, kind=Kind.STRING, precision=None, scale=None, written="")
    filled = sum(len(part) - conform_column(part, plain).null_count for part in parts)
    return filled > 0 and all(conform_column(part, field).null_count == len(part) for part in parts)
