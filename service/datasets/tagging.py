"""Tags: what classification proposes for columns, what their owner decides, and drift between versions.

A column is denied until its owner has confirmed a tag.  Every version is classified anew.  Where what a
confirmed column seems to be, whatever stands beside it, is neither its tag nor what it seemed to be in
the version before, or where by all evidence or by the form of its values it now seems stricter than both its
tag and what was proposed when somebody looked, the column has *drifted*: it may not be what it was.  Its
confirmation falls in the transaction that makes the version visible, so no job reads it before its owner
has looked again.

Drift depends on the rows: see docs/known-limits.md.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import replace
from decimal import Decimal, InvalidOperation
from difflib import get_close_matches
from typing import TYPE_CHECKING, Any, Final

import sqlalchemy as sa

from classifiers.taxonomy import core, named, nearest, weaker
from sandbox.books import proposals, tags
from sandbox.errors import InvalidInputError
from sandbox.schema import LineageId, Principal
from sandbox.vault.header import by_column
from sandbox.vault.manifest import Manifest
from service.asked import Decisions
from service.datasets import proposed
from service.datasets.catalogue import owned
from service.desk import Desk, Entry
from service.lasting import check_reason
from service.messages.catalogue import language

LIKELY: Final = 0.5
"""Confidence above which a column that seems stricter than before has drifted."""
_OF_VALUES: Final = ("values", "inside")
_MOST, _HALF, _TELLING = 0.8, 0.5, 0.7
"""The share of values, the share that it must not have had when somebody looked, and the weight of what has
their form, from which that alone makes a column drift."""
_REASON: Final = 200
"""Characters of a reason, which stands in one line of the log."""

if TYPE_CHECKING:  # classification reads cells with Arrow; what it proposed is plain text
    from classifiers.classify import Proposal


def propose(
    entry: Entry, by: Principal, dataset: str, manifest: Manifest, found: Iterable[Proposal]
) -> dict[str, str]:
    """Store what was *found* in a version; return the columns that drifted, with what they seem to be now."""
    lineage, version = manifest.lineage, manifest.version
    stored = _stored(entry, lineage)
    last = _last(entry, lineage)
    told: dict[str, str] = {}
    for proposal in found:
        row, before, seems = stored.get(proposal.column), last.get(proposal.column), proposal.alone
        if row is None:
            entry.connection.execute(sa.insert(tags), _row(entry, lineage, proposal))
        elif not row["confirmed"]:
            _replace(entry, lineage, proposal, proposed.read(row["evidence"])["was"])
        elif now := drifted(proposal, row["tag"], before, proposed.read(row["evidence"])):
            told[proposal.column] = now.tag
            _replace(entry, lineage, now, row["tag"])
        else:
            later = json.dumps(proposed.seen_later(row["evidence"], proposal))
            _change(entry, lineage, proposal.column, {"evidence": later})
            if before is not None and seems != row["tag"]:
                seems = before  # what it may nearly as well be does not become what the next is held to
        _remember(entry, lineage, version, proposal.column, seems, known=before is not None)
    if told:
        entry.log("drift", by.name, dataset=dataset, lineage=lineage, version=version, columns=told)
    return told


def drifted(proposal: Proposal, confirmed: str, last: str | None, looked: proposed.Said) -> Proposal | None:
    """Return what a confirmed column seems, if by that it has changed its nature; else None.

    It has if it may hardly be what its tag says nor what it seemed in the version before (*last*).  Or if it
    seems stricter than what was *confirmed* and what was proposed when somebody *looked*, or something else
    as strict as that: by all evidence and more likely than not, or by values of which most have the form of
    something stricter, as they had not then.  An unchanged name must not outvote what now stands under it.
    """
    if last is None:
        return None
    known = core().tags
    bar = max(known[tag].strictness for tag in (confirmed, looked["tag"] or confirmed))
    seems = known[proposal.tag].strictness
    other = proposal.tag != looked["tag"] and seems == bar > known[confirmed].strictness
    if (proposal.confidence > LIKELY and (seems > bar or other)) or not {confirmed, last} & {
        proposal.alone,
        *proposal.likely,
    }:
        return proposal
    seen = {hint["rule"] for hint in looked["hints"] if (hint["share"] or 0) >= _HALF}
    risen = [
        hint
        for hint in proposal.evidence
        if hint.source in _OF_VALUES and hint.weight >= _TELLING and (hint.share or 0) >= _MOST
        if hint.rule not in seen and known[hint.tag].strictness > bar
    ]
    if not risen or looked["tag"] is None:
        return None
    best = max(risen, key=lambda hint: (known[hint.tag].strictness, hint.weight, hint.tag))
    if known[proposal.tag].strictness >= known[best.tag].strictness:
        return proposal
    others = [
        replace(it, tag=proposal.tag, confidence=proposal.confidence) if it.tag == best.tag else it
        for it in proposal.others
    ]
    return replace(proposal, tag=best.tag, confidence=best.weight, others=tuple(others))


def tag(desk: Desk, by: Principal, name: str, said: Decisions) -> dict[str, Any]:
    """Confirm tags: proposed (None) or overridden; ``above`` adds every proposal at least so confident.

    A column that drifted is denied until somebody looked at it, so it is confirmed by name only.  All of it
    happens or nothing.  Returns as the gate says.
    """
    found = owned(desk, by, name)
    reason, above, chosen = _reason(name, said.reason), said.above, by_column(said.tags)
    reasons = {column: _reason(name, text) for column, text in by_column(said.reasons).items()}
    least = None if above is None else _confidence(above)
    with desk.writing() as entry:
        rows = _stored(entry, found.lineage)
        _check_seen(rows, name, by_column(said.seen))
        stored = {column: _looked_at(row) for column, row in rows.items()}
        _check_tags(chosen)
        wanted = {column: _known_tag(stored, name, column, value) for column, value in chosen.items()}
        sure = [c for c, row in stored.items() if c not in wanted and _sure(row, least)]
        drifted = sorted(c for c in sure if proposed.read(stored[c]["evidence"])["was"])
        wanted |= {column: stored[column]["tag"] for column in sure if column not in drifted}
        made = {"decided_by": by.name, "changed": entry.at.isoformat(), "confirmed": True}
        for column, value in wanted.items():
            kept = {it: stored[column][it] for it in ("evidence", "confidence")}
            because = {"tag": value, "reason": reasons.get(column, reason)}
            _change(entry, found.lineage, column, because | kept | made)
        for text in sorted({reasons.get(column, reason) for column in wanted}):
            told = {column: value for column, value in wanted.items() if reasons.get(column, reason) == text}
            facts = {"dataset": name, "lineage": found.lineage, "tags": told}
            entry.log("tags", by.name, **facts, proposed=_against(stored, told), reason=text)
        open_still = [c for c, row in stored.items() if not row["confirmed"] and c not in wanted]
        against = _against(stored, wanted)
    return {
        "dataset": name,
        "confirmed": wanted,
        "unconfirmed": sorted(open_still),
        "drifted": drifted,
        "weaker": {column: tag for column, tag in against.items() if weaker(wanted[column], tag)},
    }


def _reason(dataset: str, text: str) -> str:
    reason = " ".join(text.split())
    if not 0 < len(reason) <= _REASON:
        raise InvalidInputError("dataset.no-reason", dataset=dataset, longest=_REASON)
    check_reason(reason)
    return reason


def _check_seen(stored: Mapping[str, Mapping[str, Any]], dataset: str, seen: Mapping[str, str]) -> None:
    """Refuse decisions about columns that are not tagged so any more, by proposal or by decision."""
    now = {column: row["tag"] for column, row in stored.items()}
    if others := sorted(column for column, tag in seen.items() if now.get(column, tag) != tag):
        raise InvalidInputError("dataset.other-tags", dataset=dataset, columns=others)


def _sure(row: Mapping[str, Any], least: Decimal | None) -> bool:
    return least is not None and not row["confirmed"] and Decimal(row["confidence"]) >= least


def _looked_at(row: Mapping[str, Any]) -> dict[str, Any]:
    """Return *row* with what its column seems in the newest version: what its owner now decides about."""
    said = proposed.looked_at(row["evidence"])
    confidence = said.pop("confidence", row["confidence"])
    return {**row, "confidence": confidence, "evidence": json.dumps(said)}


def _against(stored: Mapping[str, Any], wanted: Mapping[str, str]) -> dict[str, str]:
    """Return what was proposed for the columns that are decided otherwise."""
    said = {column: proposed.proposal(stored[column]["evidence"]) for column in wanted}
    return {column: tag for column, tag in said.items() if tag not in (None, wanted[column])}


def _stored(entry: Entry, lineage: LineageId) -> dict[str, Mapping[str, Any]]:
    rows = entry.connection.execute(sa.select(tags).where(tags.c.lineage == lineage)).mappings()
    return {row["column"]: dict(row) for row in rows}


def _last(entry: Entry, lineage: LineageId) -> dict[str, str]:
    asked = sa.select(proposals.c.column, proposals.c.tag).where(proposals.c.lineage == lineage)
    return {row.column: row.tag for row in entry.connection.execute(asked)}


def _row(entry: Entry, lineage: LineageId, proposal: Proposal, was: str | None = None) -> dict[str, Any]:
    return {
        "lineage": lineage,
        "column": proposal.column,
        "tag": proposal.tag,
        "confirmed": False,
        "confidence": proposed.confidence_text(proposal.confidence),
        "evidence": json.dumps(proposed.said_of(proposal, was)),
        "decided_by": "",
        "reason": "",
        "changed": entry.at.isoformat(),
    }


def _replace(entry: Entry, lineage: LineageId, proposal: Proposal, was: str | None) -> None:
    _change(entry, lineage, proposal.column, _row(entry, lineage, proposal, was))


def _change(entry: Entry, lineage: LineageId, column: str, values: Mapping[str, Any]) -> None:
    chosen = (tags.c.lineage == lineage) & (tags.c.column == column)
    entry.connection.execute(sa.update(tags).where(chosen).values(**values))


def _remember(
    entry: Entry, lineage: LineageId, version: int, column: str, seems: str, *, known: bool
) -> None:
    row = {"lineage": lineage, "column": column, "tag": seems, "version": version}
    if known:
        chosen = (proposals.c.lineage == lineage) & (proposals.c.column == column)
        entry.connection.execute(sa.update(proposals).where(chosen).values(**row))
    else:
        entry.connection.execute(sa.insert(proposals), row)


def _check_tags(chosen: Mapping[str, str | None]) -> None:
    """Refuse several decisions that are no tags at once; of a single one there is more to say."""
    unknown = {column: value[:40] for column, value in chosen.items() if value and named(value) is None}
    if len(unknown) > 1:
        raise InvalidInputError("dataset.unknown-tags", found=[f"{it} ({unknown[it]})" for it in unknown])


def _known_tag(stored: Mapping[str, Any], dataset: str, column: str, value: str | None) -> str:
    if column not in stored:
        near = get_close_matches(column, stored, cutoff=0.5)
        if near:
            raise InvalidInputError("dataset.misspelt-column", dataset=dataset, column=column[:80], near=near)
        raise InvalidInputError("dataset.unknown-column", dataset=dataset, column=column[:80])
    if value is None:
        return str(stored[column]["tag"])
    found = named(value)
    if found is not None:
        return found.name
    if near := nearest(value, language()):
        raise InvalidInputError("dataset.misspelt-tag", column=column, tag=value[:80], near=near)
    raise InvalidInputError("dataset.unknown-tag", column=column, tag=value[:80])


def _confidence(text: str) -> Decimal:
    try:
        number = Decimal(text)
    except InvalidOperation:
        raise InvalidInputError("dataset.bad-confidence", above=text[:40]) from None
    if not (number.is_finite() and 0 <= number <= 1):
        raise InvalidInputError("dataset.bad-confidence", above=text[:40])
    return number
