"""Lists of persons' ids: read as a file would be, turned into tags, and told to nobody.

Errors say how many records are wrong and which is the first, never what stands in them.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator
from typing import Final

from sandbox.errors import InvalidInputError
from sandbox.schema import ROW_UNIT
from sandbox.vault.header import named, plain
from sandbox.vault.manifest import Manifest
from sandbox.vault.withdrawal import tags_of_ids
from service.asked import UnitList

MAX_BYTES: Final = 64 * 2**20


def tags_of(units: UnitList, manifest: Manifest, linkage: bytes) -> frozenset[str]:
    """Return the tags of *units* in the dataset of *manifest*; *linkage* is its namespace's key.

    All or nothing: one record that can name no unit of this dataset is an `InvalidInputError`.
    """
    if manifest.unit == ROW_UNIT:
        raise InvalidInputError("dataset.no-unit-ids", name=manifest.dataset)
    unit = next(field for field in manifest.fields if field.name == manifest.unit)
    records = list(_ids(units, manifest.unit))
    if not records:
        raise InvalidInputError("units.none")
    tags, odd = tags_of_ids([text for _, text in records], unit, linkage)
    if odd:
        record = records[odd[0]][0]
        kind = unit.kind.value
        raise InvalidInputError("units.not-ids", count=len(odd), record=record, unit=unit.name, kind=kind)
    return tags


def _ids(units: UnitList, unit: str) -> Iterator[tuple[int, str]]:
    """Yield (record, id); records count from 1, empty ones are passed over."""
    place = 0
    for number, record in enumerate(_records(units), start=1):
        names = named(record) if number == 1 else ()
        if number == 1 and units.column is not None:
            if plain(units.column) not in names:
                raise InvalidInputError("units.no-such-column", column=units.column)
            place = names.index(plain(units.column))
            continue
        if not record or names == (unit,):  # a heading
            continue
        if len(record) <= place or (units.column is None and len(record) > 1):
            raise InvalidInputError("units.ragged", record=number)
        yield number, record[place]


def _records(units: UnitList) -> Iterator[list[str]]:
    if len(units.content) > MAX_BYTES:
        raise InvalidInputError("units.too-long", most=MAX_BYTES)
    try:
        text = units.content.decode(units.encoding).removeprefix("\ufeff")
    except (UnicodeError, LookupError):
        raise InvalidInputError("units.not-encoded", encoding=units.encoding) from None
    try:
        # Other line ends than these may stand in an id, as they may in a registered file.
        yield from csv.reader(text.replace("\r\n", "\n").split("\n"), strict=True)
    except csv.Error:
        raise InvalidInputError("units.bad-csv") from None
