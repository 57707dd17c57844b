"""Datasets: previewed and registered by owners, tagged by them, seen by those who were granted them."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from decimal import Decimal, InvalidOperation
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from classifiers.taxonomy import core
from policies.model import ColumnRule
from sandbox.database import tags
from sandbox.errors import InvalidInputError
from sandbox.schema import (
    CategoricalDomain,
    DateDomain,
    Domain,
    Field,
    Kind,
    LineageId,
    NumericDomain,
    Principal,
    Role,
    Scalar,
)
from service import dossier
from service.desk import Desk, Entry, require
from service.dossier import Dossier
from service.numbers import fraction

if TYPE_CHECKING:  # classification reads cells with Arrow; what it proposed is plain text
    from classifiers.classify import Proposal

_SHOWN_CATEGORIES = 12


def listing(desk: Desk, by: Principal) -> dict[str, Any]:
    """Return one line per dataset that *by* may see."""
    with desk.reading() as connection:
        every = [dossier.read(connection, desk.workspace, name) for name in dossier.names(connection)]
    return {"datasets": [_line(found) for found in every if found.visible(by)]}


def show(desk: Desk, by: Principal, name: str) -> dict[str, Any]:
    """Return what may be known of a dataset: public metadata only, the same whatever the rows are."""
    found = visible(desk, by, name)
    manifest = found.manifest
    return {
        "name": found.name,
        "lineage": found.lineage,
        "version": manifest.version,
        "unit": manifest.unit,
        "namespace": manifest.namespace,
        "filter": found.filter.value,
        "delta": fraction(found.delta),
        "shards": manifest.shards,
        "owner": found.owner,
        **_rules(found),
        "columns": columns(found, titles=by.name == found.owner),
    }


def _rules(found: Dossier) -> dict[str, Any]:
    """What the policy in force says of units, joins and key selection."""
    policy = found.policy
    selection = policy.budget.selection if policy else None
    return {
        "max_rows": policy.unit.max_rows if policy else None,
        "most_rows": policy.unit.counted_rows if policy else None,
        "joins": sorted(policy.joins) if policy else [],
        "selection": selection
        and {"per_job": fraction(selection.per_job), "lifetime": fraction(selection.lifetime)},
    }


def columns(found: Dossier, *, titles: bool) -> list[dict[str, Any]]:
    """Return the columns with tag, uses and domain; unconfirmed proposals only where *titles* is set."""
    return [_column(found, field.name, titles) for field in found.manifest.fields]


def visible(desk: Desk, by: Principal, name: str) -> Dossier:
    """Return the dossier of *name*, or refuse alike what is unknown and what is not granted."""
    with desk.reading() as connection:
        found = dossier.read(connection, desk.workspace, name)
    if not found.visible(by):
        raise dossier.unknown(name)
    return found


def owned(desk: Desk, by: Principal, name: str) -> Dossier:
    """Return the dossier of *name* if *by* is its owner."""
    require(by, Role.OWNER)
    found = visible(desk, by, name)
    if found.owner != by.name:
        raise dossier.unknown(name)
    return found


def classify(desk: Desk, by: Principal, name: str) -> dict[str, Any]:
    """Return the stored proposals with their evidence; the owner's screen only."""
    found = owned(desk, by, name)
    with desk.reading() as connection:
        rows = connection.execute(sa.select(tags).where(tags.c.lineage == found.lineage)).mappings()
        stored = {row["column"]: row for row in rows}
    known = core().tags
    shown = []
    for field in found.manifest.fields:
        row = stored[field.name]
        info = known[row["tag"]]
        shown.append(
            {
                "name": field.name,
                "tag": row["tag"],
                "title": info.titles["en"],
                "title_zh": info.titles["zh"],
                "role": info.role.value,
                "sensitive": info.sensitive,
                "confidence": row["confidence"],
                "confirmed": bool(row["confirmed"]),
                "evidence": json.loads(row["evidence"]),
            }
        )
    return {"columns": shown}


def propose(entry: Entry, lineage: LineageId, proposals: Iterable[Proposal]) -> None:
    """Store what classification proposes for columns that have no tag yet."""
    known = set(entry.connection.scalars(sa.select(tags.c.column).where(tags.c.lineage == lineage)))
    rows = [
        {
            "lineage": lineage,
            "column": proposal.column,
            "tag": proposal.tag,
            "confirmed": False,
            "confidence": f"{proposal.confidence:.2f}",
            "evidence": json.dumps([_hint(hint) for hint in proposal.evidence]),
            "decided_by": "",
            "reason": "",
            "changed": entry.at.isoformat(),
        }
        for proposal in proposals
        if proposal.column not in known
    ]
    if rows:
        entry.connection.execute(sa.insert(tags), rows)


def tag(
    desk: Desk, by: Principal, name: str, chosen: Mapping[str, str | None], *, reason: str, above: str | None
) -> dict[str, Any]:
    """Confirm tags: proposed (None) or overridden; *above* adds every proposal at least so confident."""
    found = owned(desk, by, name)
    least = None if above is None else _confidence(above)
    with desk.writing() as entry:
        rows = entry.connection.execute(sa.select(tags).where(tags.c.lineage == found.lineage)).mappings()
        stored = {row["column"]: row for row in rows}
        wanted = {column: _known_tag(stored, name, column, value) for column, value in chosen.items()}
        for column, row in stored.items():
            if least is not None and not row["confirmed"] and Decimal(row["confidence"]) >= least:
                wanted.setdefault(column, row["tag"])
        made = {"decided_by": by.name, "reason": reason, "changed": entry.at.isoformat()}
        for column, value in wanted.items():
            chosen_row = (tags.c.lineage == found.lineage) & (tags.c.column == column)
            confirmed = sa.update(tags).where(chosen_row).values(tag=value, confirmed=True, **made)
            entry.connection.execute(confirmed)
        if wanted:
            entry.log("tags", by.name, dataset=name, lineage=found.lineage, tags=wanted, reason=reason[:200])
        open_still = [c for c, row in stored.items() if not row["confirmed"] and c not in wanted]
    return {"dataset": name, "confirmed": wanted, "unconfirmed": sorted(open_still)}


def _known_tag(stored: Mapping[str, Any], dataset: str, column: str, value: str | None) -> str:
    if column not in stored:
        raise InvalidInputError("dataset.unknown-column", dataset=dataset, column=column[:80])
    wanted: str = stored[column]["tag"] if value is None else value
    if wanted not in core().tags:
        known = sorted(core().tags)
        raise InvalidInputError("dataset.unknown-tag", column=column, tag=wanted[:80], known=known)
    return wanted


def _confidence(text: str) -> Decimal:
    try:
        number = Decimal(text)
    except InvalidOperation:
        raise InvalidInputError("dataset.bad-confidence", above=text[:40]) from None
    if not (number.is_finite() and 0 <= number <= 1):
        raise InvalidInputError("dataset.bad-confidence", above=text[:40])
    return number


def _hint(hint: Any) -> str:
    return f"{hint.source}: {hint.rule} → {hint.tag} ({hint.weight:.2f})"


def _line(found: Dossier) -> dict[str, Any]:
    return {
        "name": found.name,
        "owner": found.owner,
        "unit": found.manifest.unit,
        "namespace": found.manifest.namespace,
        "version": found.manifest.version,
        "columns": len(found.manifest.fields),
        "policy_version": found.policy.version if found.policy else None,
    }


def _column(found: Dossier, name: str, proposals: bool) -> dict[str, Any]:
    field, tagged = found.fields[name], found.tags.get(name)
    rule = found.policy.column(name) if found.policy else None
    known = tagged is not None and (tagged.confirmed or proposals)
    return {
        "name": name,
        "kind": field.kind.value,
        "required": field.required,
        "tag": tagged.name if tagged and known else None,
        "confirmed": bool(tagged and tagged.confirmed),
        "uses": sorted(use.value for use in rule.uses) if rule else [],
        "domain": domain_text(rule.domain) if rule and rule.domain else None,
        "keys": "selected" if rule and rule.selected else None,
        "description": _description(rule) or field.description,
    }


def _description(rule: ColumnRule | None) -> str:
    return rule.description if rule else ""


def kind_text(field: Field) -> str:
    """Return a column's type as owners write it: ``integer``, ``decimal(12,2)``."""
    return f"decimal({field.precision},{field.scale})" if field.kind is Kind.DECIMAL else field.kind.value


def domain_text(domain: Domain) -> str:
    """Return a domain as people read it."""
    match domain:
        case NumericDomain(low, high, grid):
            return f"{fraction(low)} … {fraction(high)} by {fraction(grid)}"
        case DateDomain(low, high):
            return f"{low} … {high}"
        case CategoricalDomain(values):
            shown = ", ".join(_value(value) for value in values[:_SHOWN_CATEGORIES])
            more = len(values) - _SHOWN_CATEGORIES
            return f"{shown}, … (+{more})" if more > 0 else shown


def _value(value: Scalar) -> str:
    return "NULL" if value is None else str(value)
