"""What an owner says of a file's columns: types as proposed, unless the owner says otherwise."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final, TypeVar

import pyarrow as pa

from classifiers.classify import Proposal, classify
from classifiers.evidence.sample import draw_texts
from sandbox.errors import InvalidInputError
from sandbox.schema import Field, Kind
from sandbox.vault import propose
from sandbox.vault.conform import check_fields
from sandbox.vault.header import by_column, plain
from sandbox.vault.source import ParquetSource, Source
from sandbox.vault.spread import spread
from sandbox.vault.written import FORMS
from service.asked import NewDataset, NewTable
from service.datasets.aids import meanings_of, recognizers_of
from service.datasets.plausible import check_plausible
from service.wording import declared_text

Said = TypeVar("Said", NewDataset, NewTable)
_TYPE: Final = re.compile(r"([a-z]+)(?:\(([a-z0-9, ]+)\))?")
_SIZE: Final = re.compile(r"\d{1,2}")


def plainly(new: Said) -> Said:
    """Return *new* with columns called as `header.named` calls them: names may be copied out of the file.

    Raises `InvalidInputError` where two names are one column's.
    """
    said = replace(
        new,
        types=by_column(new.types),
        missing=by_column(new.missing),
        required=tuple(plain(column) for column in new.required),
    )
    if isinstance(said, NewDataset):
        return replace(said, unit=plain(said.unit))
    return said


def declared_fields(source: Source, new: NewDataset | NewTable, rows: Iterable[Any]) -> tuple[Field, ...]:
    """Return the columns of *source*, typed as proposed (from *rows* of it, too) or as *new* says.

    Raises `InvalidInputError`.
    """
    unknown = _unknown_column(source.columns, new)
    if unknown is not None:
        raise InvalidInputError("dataset.not-in-file", file=str(new.path), column=unknown)
    meanings = meanings_of(new.dictionary, source.columns, new.encoding)
    fields = tuple(
        replace(
            _typed(field, new.types.get(field.name)),
            description=meanings.get(field.name, ""),
            required=field.name in new.required,
            missing=_marks(new, field.name),
        )
        for field in propose.propose_fields(source, lambda column: _marks(new, column), rows)
    )
    check_fields(fields, source.columns)
    check_plausible(source, fields, new.types, rows)
    return fields


def _unknown_column(known: Sequence[str], new: NewDataset | NewTable) -> str | None:
    said = (*new.types, *new.required, *(column for column in new.missing if column != "*"))
    return next((column[:80] for column in said if column not in known), None)


def check_restated(fields: Sequence[Field], new: NewDataset) -> None:
    """Columns are declared once: what is said of them with a later version may only say the same."""
    names = tuple(field.name for field in fields)
    unknown = _unknown_column(names, new)
    if unknown is not None:
        raise InvalidInputError("dataset.unknown-column", dataset=new.name, column=unknown)
    meanings = meanings_of(new.dictionary, names, new.encoding)
    for field in fields:
        said = _typed(field, new.types.get(field.name))
        same = set(_marks(new, field.name)) <= set(field.missing)
        same = same and (field.required or field.name not in new.required)
        same = same and meanings.get(field.name, field.description) == field.description
        if said != field or not same:
            registered = declared_text(field)
            raise InvalidInputError("dataset.fixed-column", column=field.name, registered=registered)


def _marks(new: NewDataset | NewTable, column: str) -> tuple[str, ...]:
    return (*new.missing.get("*", ()), *new.missing.get(column, ()))


def _typed(field: Field, text: str | None) -> Field:
    """Return *field* as *text* types it: ``integer``, ``date(dmy)``, ``decimal(12,2,comma)``."""
    if text is None:
        return field
    match = _TYPE.fullmatch(text)
    if match is not None and match[1] in set(Kind):
        kind, said = Kind(match[1]), [it.strip() for it in (match[2] or "").split(",") if match[2]]
        size = said[:2] if kind is Kind.DECIMAL else []
        form = said[len(size) :]
        right = len(size) in (0, 2) and all(map(_SIZE.fullmatch, size)) and len(form) < 2
        if right and (kind is not Kind.DECIMAL or size) and set(form) <= set(FORMS.get(kind, ())):
            precision, scale = map(int, size) if size else (None, None)
            return replace(field, kind=kind, precision=precision, scale=scale, written="".join(form))
    raise InvalidInputError("dataset.bad-type", column=field.name, type=text[:40], known=list(Kind))


def proposals_of(
    rows: Iterable[Any],
    fields: tuple[Field, ...],
    recognizers: Path | None = None,
    unit: str | None = None,
) -> tuple[Proposal, ...]:
    """Return the tags proposed for *fields*, from `SampledRows`; *recognizers* is a file or none."""
    return classify(fields, rows, recognizers_of(recognizers), unit)


def advice(
    fields: Sequence[Field], new: NewDataset | NewTable, rows: SampledRows, unit: str | None = None
) -> dict[str, Any]:
    """Return what the owner may want to declare of a CSV, beside what is said already.

    ``{"seem_missing": [{"column", "marks", "kind"}], "seem_typed": [{"column", "kind"}]}``: marks that seem
    to mean null in text columns, and what kind they would be then; texts and integers that seem to be dates
    or numbers, and of what type.  Nothing is said of columns whose type the owner said, but of the *unit*.
    """
    source, unsaid = rows.source, [it for it in fields if it.name not in new.types]
    if isinstance(source, ParquetSource):
        return {"seem_missing": [], "seem_typed": []}

    def marks(column: str) -> tuple[str, ...]:
        return _marks(new, column)

    told_of = [it for it in fields if it.name not in new.types or it.name == unit]
    texts = [it.name for it in told_of if it.kind is Kind.STRING]
    likely = [it.name for it in unsaid if it.kind in (Kind.STRING, Kind.INTEGER)]
    missing = list(propose.seem_missing(source, texts, marks, rows, unit))
    told = {(name, kind) for name, _, kind in missing}
    typed = propose.seem_typed(source, likely, marks, rows)
    return {
        "seem_missing": [
            {"column": name, "marks": list(it), "kind": str(kind)} for name, it, kind in missing
        ],
        "seem_typed": [
            {"column": it.name, "kind": declared_text(it)} for it in typed if (it.name, it.kind) not in told
        ],
    }


@dataclass(slots=True)
class SampledRows:
    """The batches that types and tags are proposed from, of rows from all over *source*.

    Where a record of a CSV begins knows only who has read it up to there: all of it is read, when somebody
    first asks, and the rows drawn are kept.  A batch of Parquet holds some of the columns; together they hold
    all, with the same rows of each.
    """

    source: Source
    _drawn: Sequence[Any] | None = None

    def __iter__(self) -> Iterator[Any]:
        """Yield record batches."""
        if isinstance(self.source, ParquetSource):
            return spread(self.source)
        if self._drawn is None:
            texts = draw_texts(self.source.columns, self.source.batches())
            self._drawn = pa.table(texts).to_batches()
        return iter(self._drawn)
