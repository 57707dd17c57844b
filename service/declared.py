"""What an owner says of a file's columns: types as proposed, unless the owner says otherwise."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any, Final

from classifiers.classify import Proposal, classify
from sandbox.errors import InvalidInputError
from sandbox.schema import Field, Kind
from sandbox.vault.propose import propose_fields
from sandbox.vault.source import Source
from service.catalogue import kind_text
from service.gatekeeper import NewDataset, NewTable

_TYPE: Final = re.compile(r"([a-z]+)(?:\((\d{1,2}),\s*(\d{1,2})\))?")
_SAMPLE_BATCHES: Final = 4


def declared_fields(source: Source, new: NewDataset | NewTable) -> tuple[Field, ...]:
    """Return the columns of *source*, typed as proposed or as *new* says; raises `InvalidInputError`."""
    _check_columns(source.columns, new)
    return tuple(
        replace(
            _typed(field, new.types.get(field.name)),
            required=field.name in new.required,
            missing=_marks(new, field.name),
        )
        for field in propose_fields(source, lambda column: _marks(new, column))
    )


def _check_columns(known: Sequence[str], new: NewDataset | NewTable) -> None:
    for column in (*new.types, *new.required, *(c for c in new.missing if c != "*")):
        if column not in known:
            raise InvalidInputError("dataset.unknown-column", dataset=new.name, column=column[:80])


def check_restated(fields: Sequence[Field], new: NewDataset) -> None:
    """Columns are declared once: what is said of them with a later version may only say the same."""
    _check_columns([field.name for field in fields], new)
    for field in fields:
        said = _typed(field, new.types.get(field.name))
        same = set(_marks(new, field.name)) <= set(field.missing)
        same = same and (field.required or field.name not in new.required)
        if said != field or not same:
            raise InvalidInputError("dataset.fixed-column", column=field.name, registered=kind_text(field))


def _marks(new: NewDataset | NewTable, column: str) -> tuple[str, ...]:
    return (*new.missing.get("*", ()), *new.missing.get(column, ()))


def _typed(field: Field, text: str | None) -> Field:
    if text is None:
        return field
    match = _TYPE.fullmatch(text)
    if match is None or match[1] not in set(Kind) or (match[1] == Kind.DECIMAL) != (match[2] is not None):
        raise InvalidInputError("dataset.bad-type", column=field.name, type=text[:40], known=list(Kind))
    precision, scale = (int(match[2]), int(match[3])) if match[2] else (None, None)
    return replace(field, kind=Kind(match[1]), precision=precision, scale=scale)


def proposals_of(source: Source, fields: tuple[Field, ...]) -> tuple[Proposal, ...]:
    """Return the tags proposed for *fields*, from the first rows of *source*."""
    return classify(fields, _sample(source))


def _sample(source: Source) -> Iterator[Any]:
    yield from itertools.islice(source.batches(), _SAMPLE_BATCHES)
