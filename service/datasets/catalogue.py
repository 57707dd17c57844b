"""Columns as the catalogue shows them, and who may see a dataset; what is only proposed is for owners."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import sqlalchemy as sa

from classifiers.taxonomy import core
from policies.model import ColumnRule
from sandbox.books import tags
from sandbox.schema import (
    CategoricalDomain,
    DateDomain,
    Domain,
    Field,
    NumericDomain,
    Principal,
    Role,
    Scalar,
)
from service import dossier
from service.datasets import proposed
from service.datasets.levels import levels
from service.desk import Desk, require
from service.dossier import Dossier
from service.numbers import fraction
from service.wording import kind_text

_SHOWN_CATEGORIES = 12


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
    """Return the stored proposals with evidence, and the levels of all; the owner's screen only."""
    found = owned(desk, by, name)
    with desk.reading() as connection:
        rows = connection.execute(sa.select(tags).where(tags.c.lineage == found.lineage)).mappings()
        stored = {row["column"]: dict(row) for row in rows}
    shown = [_proposed(field, stored[field.name]) for field in found.manifest.fields]
    return {"columns": shown, **levels(found, shown)}


def _proposed(field: Field, row: Mapping[str, Any]) -> dict[str, Any]:
    made = {"by": row["decided_by"], "at": row["changed"], "reason": row["reason"]}
    said = proposed.read(row["evidence"])
    decision = made if row["confirmed"] else None
    return proposed.shown(field, row["tag"], row["confidence"], said, decision)


def _column(found: Dossier, name: str, proposals: bool) -> dict[str, Any]:
    field, tagged = found.fields[name], found.tags.get(name)
    rule = found.rule(name)
    known = tagged.name if tagged is not None and (tagged.confirmed or proposals) else None
    info = core().tags.get(known or "")
    titles = info.titles if info else {}
    return {
        "name": name,
        "kind": kind_text(field),
        "required": field.required,
        "tag": known,
        "title": titles.get("en"),
        "title_zh": titles.get("zh"),
        "confirmed": bool(tagged and tagged.confirmed),
        "uses": sorted(use.value for use in rule.uses) if rule else [],
        "domain": domain_text(rule.domain) if rule and rule.domain else None,
        "keys": "selected" if rule and rule.selected else None,
        "description": _description(rule) or field.description,
    }


def _description(rule: ColumnRule | None) -> str:
    return rule.description if rule else ""


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
