"""What an owner says of a file, or said of an earlier one, held against some of its cells."""

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
from sandbox.vault.conform import FLOAT, conform_column
from sandbox.vault.source import ParquetSource, Source
from sandbox.vault.written import FORMS
from service.wording import declared_text

_NUMBER: Final = re.compile(r"[\d.,:/+-]+")
_FEWEST: Final = 2
"""Names among the cells of their columns, from which the first line is taken for a row; one may be chance."""
_CLEARLY: Final = 0.05
_FEW, _MANY = 5, 20
"""The share of cells, and their number, by which another way to write them must fit better than the declared
one; and the cells from which on a later version is refused."""


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
    cells = _cells({field.name for field in (typed if has_names else fields)}, rows)
    if not has_names:
        _check_names(source, fields, cells)
    for field in typed:
        if not _fits(field, cells[field.name]):
            raise InvalidInputError("dataset.type-fits-nothing", column=field.name, type=declared_text(field))


def check_later(fields: Sequence[Field], rows: Iterable[Any]) -> None:
    """Refuse a later version with a column that has many cells and none of its type any more.

    Or of which clearly more would be read if they were written otherwise than its owner declared.
    """
    typed = [field for field in fields if field.kind is not Kind.STRING]
    cells = _cells({field.name for field in typed}, rows) if typed else {}
    for field in typed:
        filled, own = _filled(field, cells[field.name]), _fitting(field, cells[field.name])
        if filled < _MANY:
            continue
        if field.written:
            _check_written(field, cells[field.name], filled, own)
        if not own:
            said = declared_text(field)
            raise InvalidInputError("dataset.version-fits-nothing", column=field.name, type=said)


def _cells(looked_at: Collection[str], rows: Iterable[Any]) -> dict[str, list[Any]]:
    cells = defaultdict[str, list[Any]](list)
    for batch in rows:
        for name, column in zip(batch.schema.names, batch.columns, strict=True):
            if name in looked_at:
                cells[name].append(column)
    return cells


def _fits(field: Field, parts: Sequence[Any]) -> bool:
    """Return whether a cell, if there are any, is of the type of *field*.

    Refuses one where another way to write its cells fits clearly more of them.
    """
    filled, own = _filled(field, parts), _fitting(field, parts)
    _check_written(field, parts, filled, own)
    return own > 0 or filled == 0


def _check_written(field: Field, parts: Sequence[Any], filled: int, own: int) -> None:
    """Refuse the way to write cells that *own* of *filled* have, where another has clearly more."""
    # Plain numbers that are too fine or too large for the type are not written otherwise.
    odd = [_not_plain(part) for part in parts] if field.kind.numeric and not field.written else parts
    forms = FORMS.get(field.kind, ()) if own < filled else ()
    fits = [(_fitting(other, odd), other) for other in (replace(field, written=form) for form in forms)]
    most, best = max(fits, key=lambda it: it[0], default=(0, field))
    gain = most - (own if odd is parts else _fitting(field, odd))
    if gain > 0 and (own == 0 or gain >= max(_FEW, _CLEARLY * filled)):
        facts = {"type": declared_text(field), "better": declared_text(best)}
        raise InvalidInputError("dataset.written-otherwise", column=field.name, **facts)


def _not_plain(part: Any) -> Any:
    if not (pa.types.is_string(part.type) or pa.types.is_large_string(part.type)):
        return part.slice(0, 0)
    return part.filter(pc.invert(pc.match_substring_regex(pc.utf8_trim_whitespace(part), FLOAT)))


def _filled(field: Field, parts: Sequence[Any]) -> int:
    return _fitting(replace(field, kind=Kind.STRING, precision=None, scale=None, written=""), parts)


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


def _fitting(field: Field, parts: Sequence[Any]) -> int:
    """Return how many cells are of the type of *field*."""
    return sum(len(part) - conform_column(part, field).null_count for part in parts)
