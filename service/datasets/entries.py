"""The catalogue: what there is to ask about, for those who may ask.

The law: an entry holds what owners declared, what they decided and what was charged, never anything that was
read off the rows.  So it is the same, byte for byte, whether one person's rows are in the data or not.
"""

from __future__ import annotations

import datetime as dt
import unicodedata
from collections.abc import Iterable
from typing import Any

import sqlalchemy as sa

from classifiers.taxonomy import core
from policies.approvals import written
from sandbox.privacy import ledger, namespaces
from sandbox.schema import Principal
from service import dossier
from service.approvals import consent
from service.clock import present
from service.datasets import catalogue, describing, tables
from service.datasets.examples import examples, grants_of
from service.desk import Desk
from service.dossier import Dossier
from service.jobs.forecast import tightest
from service.numbers import fraction, left_to_json, loss_to_json

Json = dict[str, Any]


def listing(desk: Desk, by: Principal, search: str | None = None) -> Json:
    """Return one line per dataset that *by* may see, and per public table.

    With *search*, those in which every word of it stands: in a name, a description, a column's name or
    meaning, or a confirmed tag.
    """
    words = _folded(search or "").split()
    with desk.reading() as connection:
        texts = describing.every(connection)
        every = [dossier.read(connection, desk.workspace, name) for name in dossier.names(connection)]
    lines = (_line(found, texts.get(found.lineage, ""), words) for found in every if found.visible(by))
    public = (_table_line(desk, line, words) for line in tables.listing(desk))
    return {
        "datasets": [line for line in lines if line is not None],
        "public_tables": [line for line in public if line is not None],
    }


def _line(found: Dossier, text: str, words: list[str]) -> Json | None:
    shown = catalogue.columns(found, titles=False)
    by_column = {column["name"]: _folded(_words_of(column)) for column in shown}
    manifest = found.manifest
    head = _folded(" ".join((found.name, manifest.unit, manifest.namespace, found.owner, text)))
    if not _holds(words, [head, *by_column.values()]):
        return None
    matching = {name for name, said in by_column.items() for word in words if word in said}
    return {
        "name": found.name,
        "description": text,
        "owner": found.owner,
        "unit": manifest.unit,
        "namespace": manifest.namespace,
        "version": manifest.version,
        "columns": len(manifest.fields),
        "policy_version": found.policy.version if found.policy else None,
        "matches": [name for name in by_column if name in matching],
    }


def _table_line(desk: Desk, line: Json, words: list[str]) -> Json | None:
    if not words:
        return line
    columns = (tables.show(desk, line["name"]) or {}).get("columns", [])
    said = _folded(" ".join((line["name"], line["owner"], *(column["name"] for column in columns))))
    return line if _holds(words, [said]) else None


def _words_of(column: Json) -> str:
    tag = column["tag"]
    titles = core().tags[tag].titles.values() if tag in core().tags else ()
    return " ".join((column["name"], column["description"], tag or "", *titles))


def _holds(words: list[str], texts: Iterable[str]) -> bool:
    everything = "\n".join(texts)
    return all(word in everything for word in words)


def _folded(text: str) -> str:
    """*text* for comparing: full-width letters and case make no difference."""
    return unicodedata.normalize("NFKC", text).casefold()


def show(desk: Desk, by: Principal, name: str) -> Json:
    """Return what may be known of a dataset or public table, the same whatever the rows are."""
    return tables.show(desk, name) or _show(desk, by, name)


def _show(desk: Desk, by: Principal, name: str) -> Json:
    with desk.reading() as connection:
        now = present(connection)
        found = dossier.read(connection, desk.workspace, name)
        if not found.visible(by):
            raise dossier.unknown(name)
        text = describing.every(connection).get(found.lineage, "")
        budget = _budget(connection, found, by, now)
    manifest = found.manifest
    return {
        "name": found.name,
        "description": text,
        "lineage": found.lineage,
        "version": manifest.version,
        "unit": manifest.unit,
        "namespace": manifest.namespace,
        "filter": found.filter.value,
        "delta": fraction(found.delta),
        "shards": manifest.shards,
        "owner": found.owner,
        **_rules(found),
        "grants": _grants(found, by, now.date()),
        "budget": budget,
        "columns": catalogue.columns(found, titles=by.name == found.owner),
        "examples": examples(found, by, now.date()),
    }


def _rules(found: Dossier) -> Json:
    """What the policy in force says of units, joins, results and key selection."""
    policy = found.policy
    selection = policy.budget.selection if policy else None
    return {
        "policy_version": policy.version if policy else None,
        "max_rows": policy.unit.max_rows if policy else None,
        "most_rows": policy.unit.counted_rows if policy else None,
        "max_groups": policy.unit.max_groups if policy else None,
        "max_group_rows": policy.unit.max_group_rows if policy else None,
        "expected_units": policy.unit.expected_units if policy else None,
        "joins": sorted(policy.joins) if policy else [],
        "minimum_count": policy.minimum_count if policy else 0,
        "keep_days": policy.keep.days if policy and policy.keep else None,
        "selection": selection
        and {"per_job": fraction(selection.per_job), "lifetime": fraction(selection.lifetime)},
    }


def _grants(found: Dossier, by: Principal, today: dt.date) -> list[Json]:
    granted = grants_of(found.policy, by, today) if found.policy else []
    return [
        {
            "purposes": sorted(grant.purposes),
            "operations": sorted(grant.operations),
            "until": grant.until.isoformat(),
            "approval": written(grant.approval),
            "whose": consent.whose(found.name, found.owner, grant, by.name),
        }
        for grant in granted
    ]


def _budget(connection: sa.Connection, found: Dossier, by: Principal, now: dt.datetime) -> Json | None:
    """What *by* may still spend here now, and in one job."""
    if found.policy is None:
        return None
    limits = found.limits()
    left = ledger.remaining(connection, found.lineage, by.name, now, limits)
    shared = namespaces.left_for(connection, found.lineage)
    if shared is not None:
        left["namespace"] = shared
    once = left.get("per-job")
    return {
        "limit": loss_to_json(limits.lifetime, found.filter, found.delta),
        "remaining": left_to_json(tightest(left), found.filter, found.delta),
        "per_job": None if once is None else loss_to_json(once, found.filter, found.delta),
    }
