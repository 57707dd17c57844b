"""A file looked at by its owner before it is registered: nothing is stored or logged."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any, Final

import pyarrow as pa
import pyarrow.compute as pc

from classifiers.classify import Proposal
from classifiers.domains import policy_lines, propose_domains
from classifiers.faults import number_of
from classifiers.mask import masked
from classifiers.quality import assess
from classifiers.taxonomy import GENERAL
from policies.build import parse
from sandbox.schema import ROW_UNIT, Domain, Field
from sandbox.vault.header import plain
from sandbox.vault.partition import check_unit
from sandbox.vault.source import Source, open_source
from sandbox.vault.written import as_read
from service.asked import Inspection, NewTable, Progress
from service.datasets import proposed
from service.datasets.aids import read_file
from service.datasets.declared import SampledRows, advice, declared_fields, plainly, proposals_of
from service.datasets.levels import levels_of, seems_of_children
from service.messages.catalogue import language, say

MOST_ROWS: Final = 100
"""Rows of a masked preview."""
SURE: Final = 0.8
"""Confidence from which a cell is masked as its tag allows; below, every character is starred."""
LIKELY: Final = 0.5
"""Confidence from which cells are held to the checks of what they seem."""
_POLICY_BYTES: Final = 2**20


def inspect(new: NewTable, wanted: Inspection, progress: Progress | None = None) -> dict[str, Any]:
    """Return what the columns of a file seem to be, its quality and a masked preview, as *wanted*.

    Raises `InvalidInputError` for a file, recognisers or a policy that cannot be read.
    """
    new = plainly(new)
    wanted = replace(wanted, unit=wanted.unit and plain(wanted.unit))
    source = open_source(new.path, new.delimiter, new.encoding, new.skip_lines)
    rows = SampledRows(source)
    fields = declared_fields(source, new, rows)
    if wanted.unit is not None:
        check_unit(wanted.unit, fields)
    proposals = proposals_of(rows, fields, new.recognizers, wanted.unit)
    advised = advice(fields, new, rows, wanted.unit)
    unsettled = {it["column"] for it in advised["seem_missing"]}
    columns = [_column(field, proposal) for field, proposal in zip(fields, proposals, strict=True)]
    tags = {proposal.column: proposal.tag for proposal in proposals}
    heard = None if progress is None else lambda done, total: progress("read", done, total)
    batches = source.batches(heard)
    return {
        "file": new.path.name,
        "columns": columns,
        **advised,
        **levels_of(tags, minors=any(map(seems_of_children, columns))),
        "quality": _quality(batches, fields, proposals, wanted, new.types, unsettled=unsettled)
        if wanted.quality
        else None,
        "preview": _preview(source, fields, proposals, wanted.preview) if wanted.preview else None,
    }


def _column(field: Field, proposal: Proposal) -> dict[str, Any]:
    confidence = proposed.confidence_text(proposal.confidence)
    return proposed.shown(field, proposal.tag, confidence, proposed.said_of(proposal))


def _domains(path: Path | None) -> Mapping[str, Domain]:
    if path is None:
        return {}
    policy = parse(read_file(path, _POLICY_BYTES), str(path))
    return {rule.name: rule.domain for rule in policy.columns if rule.domain is not None}


def _quality(
    batches: Iterable[Any],
    fields: Sequence[Field],
    proposals: Sequence[Proposal],
    wanted: Inspection,
    typed: Collection[str],
    *,
    unsettled: Collection[str],
) -> dict[str, Any]:
    """Return the counts, and domains but for columns whose type is *unsettled*.

    Cells are held to the checks of what columns likely are; no column has a domain that seems to name people.
    """
    tags = {it.column: it.tag for it in proposals}
    likely = [it for it in proposals if it.confidence >= LIKELY]
    checked = dict.fromkeys(tags, GENERAL) | {it.column: it.tag for it in likely}
    numbers = {it.column: number_of(it.tag, it.evidence) for it in likely}
    unit = None if wanted.unit == ROW_UNIT else wanted.unit
    domains = _domains(wanted.policy)
    found = assess(batches, fields, checked, unit=unit, domains=domains, typed=typed, numbers=numbers)
    settled = [field for field in fields if field.name not in unsettled]
    lines = policy_lines(propose_domains(settled, tags, found.seen, unit))
    return {
        "rows": found.rows,
        "ratio": found.ratio,
        "duplicates": found.duplicates,
        "null_units": found.null_units,
        "approximate": found.approximate,
        "columns": [asdict(column) | {"ratio": column.ratio} for column in found.columns],
        "domains": lines,
        "disclosure": say("cli.domains-disclose", language()) if lines else None,
    }


def _preview(
    source: Source, fields: Sequence[Field], proposals: Sequence[Proposal], rows: int
) -> list[list[str | None]]:
    batch = next((batch for batch in source.batches() if batch.num_rows), None)
    if batch is None:
        return []
    head = batch.slice(0, min(rows, MOST_ROWS))
    columns = [
        _masked(head.column(field.name), field, it.tag if it.confidence >= SURE else None)
        for field, it in zip(fields, proposals, strict=True)
    ]
    return [list(row) for row in zip(*columns, strict=True)]


def _masked(column: Any, field: Field, tag: str | None) -> list[str | None]:
    """Return the cells masked as *tag* allows, those that are not written as declared as none does."""
    texts = column.cast(pa.string())
    read = texts
    if field.written and not (pa.types.is_primitive(column.type) or pa.types.is_decimal(column.type)):
        read = as_read(pc.utf8_trim_whitespace(texts), field.kind, field.written)
    pairs = zip(texts.to_pylist(), read.to_pylist(), strict=True)
    return [masked(text, None) if it is None else masked(it, tag) for text, it in pairs]
