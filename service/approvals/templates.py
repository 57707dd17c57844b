"""Templates in the books: added by who asks, agreed to by owners, filled in by those granted what they read.

A template is its author's text.  It is shown to those who see every dataset that it reads, and to the owners
of any of them, who would see its jobs, too, when they are asked for their yes.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, Final

import sqlalchemy as sa

from jobs.spec import JobSpec
from sandbox import canonical
from sandbox.books import template_approvals, template_withdrawals, templates
from sandbox.errors import DeniedError, InvalidInputError, TamperingError
from sandbox.schema import CategoricalDomain, Principal, Role, Scalar
from service import dossier
from service.approvals import template
from service.approvals.agreed import agreed
from service.approvals.template import Category, Template
from service.asked import JobRequest
from service.audit.journal import Entry
from service.desk import Desk, require
from service.dossier import Dossier
from service.jobs import case as cases
from service.jobs import requests

Json = dict[str, Any]
_KEPT: Final = {"template-approval": template_approvals, "template-withdrawal": template_withdrawals}
"""Kinds of leaves, and the table that repeats each."""
LEAVES: Final = ("template", *_KEPT)
"""Kinds of leaves about templates."""


def add(desk: Desk, by: Principal, source: str, file: str) -> Json:
    """Store a template, or in place of an older one of the same author."""
    require(by, Role.ANALYST, Role.OWNER)
    made = template.parse(source, file)
    with desk.reading() as connection:
        names = _datasets(desk, connection, by, made)
    digest = made.digest(names)
    with desk.writing() as entry:
        known = _row(entry.connection, made.name)
        if known is not None and known["added_by"] != by.name:
            raise DeniedError("template.of-another", rule="templates", name=made.name)
        row = {
            "name": made.name,
            "digest": digest,
            "source": source,
            "datasets": canonical.encode(list(names)).decode(),
            "added_by": by.name,
            "added": entry.at.isoformat(),
        }
        entry.connection.execute(sa.delete(templates).where(templates.c.name == made.name))
        entry.connection.execute(sa.insert(templates).values(row))
        entry.log("template", by.name, template=made.name, digest=digest)
    return {"template": made.name, "digest": digest, "datasets": list(names), "replaced": known is not None}


def _datasets(desk: Desk, connection: sa.Connection, by: Principal, made: Template) -> tuple[str, ...]:
    """Return what the template reads; raises what asking it with some values would raise."""
    lookup = _Lookup(desk, connection, by)
    values = {name: template.sample(it, lookup) for name, it in made.parameters.items()}
    spec = requests.spec_of(replace(made.asked, parameters=values))
    queries, case = cases.read_queries(connection, desk.workspace, by, spec.sql, rehearsed=True)
    requests.check_counts(spec, len(queries))
    return tuple(sorted(case.datasets))


class _Lookup:
    """Finds the declared categories of a column that somebody may see."""

    def __init__(self, desk: Desk, connection: sa.Connection, by: Principal) -> None:
        self._desk, self._connection, self._by = desk, connection, by

    def __call__(self, wanted: Category) -> tuple[Scalar, ...]:
        found = dossier.read(self._connection, self._desk.workspace, wanted.dataset)
        if not found.visible(self._by):
            raise dossier.unknown(wanted.dataset)
        rule = found.policy.column(wanted.column) if found.policy else None
        if rule is None or not isinstance(rule.domain, CategoricalDomain):
            raise InvalidInputError("template.no-categories", dataset=wanted.dataset, column=wanted.column)
        return rule.domain.values


def _row(connection: sa.Connection, name: str) -> sa.RowMapping | None:
    chosen = sa.select(templates).where(templates.c.name == name)
    return connection.execute(chosen).mappings().one_or_none()


def asked_by(connection: sa.Connection, name: str) -> tuple[tuple[str, ...], str] | None:
    """Return datasets and purpose of the template *name*, whoever may see it; None if there is none."""
    row = _row(connection, name) if name else None
    return None if row is None else (tuple(json.loads(row["datasets"])), _parsed(row).asked.purpose)


def _seen(desk: Desk, connection: sa.Connection, by: Principal, row: sa.RowMapping) -> list[Dossier] | None:
    """Return the datasets that a template reads if *by* may see it."""
    try:
        found = [dossier.read(connection, desk.workspace, name) for name in json.loads(row["datasets"])]
    except DeniedError:  # one of them is gone
        return None
    own = any(each.owner == by.name for each in found)
    return found if own or all(each.visible(by) for each in found) else None


def _read(
    desk: Desk, connection: sa.Connection, by: Principal, name: str
) -> tuple[sa.RowMapping, Template, list[Dossier]]:
    row = _row(connection, name)
    found = None if row is None else _seen(desk, connection, by, row)
    if row is None or found is None:
        raise DeniedError("template.unknown", rule="templates", name=name[:100])
    return row, _parsed(row), found


def _parsed(row: sa.RowMapping) -> Template:
    try:
        made = template.parse(row["source"], f"template {row['name']}")
    except InvalidInputError:
        raise TamperingError("template.changed", name=row["name"]) from None
    if made.name != row["name"] or made.digest(tuple(json.loads(row["datasets"]))) != row["digest"]:
        raise TamperingError("template.changed", name=row["name"])
    return made


# --- shown and agreed to --------------------------------------------------------------------------------


def listing(desk: Desk, by: Principal) -> Json:
    """Return one line per template that *by* may see."""
    with desk.reading() as connection:
        rows = connection.execute(sa.select(templates).order_by(templates.c.name)).mappings().all()
        seen = [(row, found) for row in rows if (found := _seen(desk, connection, by, row)) is not None]
        return {"templates": [_line(connection, row, found) for row, found in seen]}


def _line(connection: sa.Connection, row: sa.RowMapping, found: list[Dossier]) -> Json:
    judged = [(each.name, each.lineage, each.policy_digest) for each in found]
    said = agreed(connection, row["digest"], judged)
    return {
        "name": row["name"],
        "digest": row["digest"],
        "added_by": row["added_by"],
        "added": row["added"],
        "datasets": [
            {"dataset": each.name, "owner": each.owner, "approved": each.name in said} for each in found
        ],
    }


def show(desk: Desk, by: Principal, name: str) -> Json:
    """Return what a template asks, which values it takes, and whose owners have agreed to it."""
    with desk.reading() as connection:
        row, made, found = _read(desk, connection, by, name)
        line = _line(connection, row, found)
    job = made.asked
    return line | {
        "description": made.description,
        "sql": job.sql,
        "purpose": job.purpose,
        "epsilon": job.epsilon,
        "errors": list(job.errors),
        "max_rows": job.max_rows,
        "parameters": [
            {"name": name, "kind": type(it).__name__.lower(), "values": template.shown(it)}
            for name, it in made.parameters.items()
        ],
        "source": row["source"],
    }


def approve(desk: Desk, by: Principal, name: str, digest: str) -> Json:
    """Agree beforehand to every job of the template with that *digest*, on all of *by*'s datasets in it."""
    require(by, Role.OWNER)
    with desk.writing() as entry:
        row, own = _own(desk, entry.connection, by, name)
        if row["digest"] != digest:
            raise InvalidInputError("template.other-digest", name=name, digest=row["digest"])
        for each in own:
            if each.policy is None:
                raise DeniedError("denied.no-policy", rule="policy", dataset=each.name)
        if _stored(entry.connection, template_withdrawals, digest, own):
            raise InvalidInputError("template.taken-back", name=name)
        known = _stored(entry.connection, template_approvals, digest, own)
        for each in own:
            if each.name not in known:
                facts = {"digest": digest, "lineage": each.lineage, "policy": each.policy_digest}
                said = {**facts, "approved_by": by.name, "approved": entry.at.isoformat()}
                entry.connection.execute(sa.insert(template_approvals).values(said))
                entry.log("template-approval", by.name, template=name, **facts)
    return {"template": name, "digest": digest, "approved": [each.name for each in own]}


def withdraw(desk: Desk, by: Principal, name: str) -> Json:
    """Take *by*'s yes to a template back, on all of *by*'s datasets in it, from the next job on."""
    require(by, Role.OWNER)
    with desk.writing() as entry:
        row, own = _own(desk, entry.connection, by, name)
        digest = row["digest"]
        known = _stored(entry.connection, template_approvals, digest, own)
        known -= _stored(entry.connection, template_withdrawals, digest, own)
        if not known:
            raise InvalidInputError("template.nothing-agreed", name=name)
        for each in own:
            if each.name in known:
                facts = {"digest": digest, "lineage": each.lineage, "policy": each.policy_digest}
                said = {**facts, "withdrawn_by": by.name, "withdrawn": entry.at.isoformat()}
                entry.connection.execute(sa.insert(template_withdrawals).values(said))
                entry.log("template-withdrawal", by.name, template=name, **facts)
    return {"template": name, "digest": digest, "withdrawn": sorted(known)}


def _own(
    desk: Desk, connection: sa.Connection, by: Principal, name: str
) -> tuple[sa.RowMapping, list[Dossier]]:
    """Return a template and *by*'s datasets in it, at least one."""
    row, _, found = _read(desk, connection, by, name)
    own = [each for each in found if each.owner == by.name]
    if not own:
        raise DeniedError("template.not-yours", rule="owner", name=name)
    return row, own


def _stored(connection: sa.Connection, table: sa.Table, digest: str, own: list[Dossier]) -> set[str]:
    """Return which of *own* the *table* names with their policies in force."""
    chosen = sa.select(table.c.lineage, table.c.policy).where(table.c.digest == digest)
    said = {(row.lineage, row.policy) for row in connection.execute(chosen)}
    return {each.name for each in own if (each.lineage, each.policy_digest) in said}


# --- filled in ------------------------------------------------------------------------------------------


def spec_of(desk: Desk, by: Principal, request: JobRequest) -> JobSpec:
    """Return the job's specification; one by a template is made from it as it stands in the books."""
    if not request.template:
        return requests.spec_of(request)
    with desk.reading() as connection:
        row, made, _ = _read(desk, connection, by, request.template)
        filled = _filled(request, made, _Lookup(desk, connection, by))
    return replace(requests.spec_of(filled), template=row["digest"])


def _filled(request: JobRequest, made: Template, lookup: _Lookup) -> JobRequest:
    said = replace(request, template="", parameters={})
    if said not in (JobRequest("", ""), JobRequest("", made.asked.purpose)):
        raise InvalidInputError("template.fixed", name=made.name)
    _check_given(request.parameters, made)
    values = {
        name: template.value(name, it, request.parameters[name], lookup)
        for name, it in made.parameters.items()
    }
    return replace(made.asked, parameters=values)


def _check_given(given: Mapping[str, tuple[str, str]], made: Template) -> None:
    for name in sorted(given.keys() ^ made.parameters.keys()):
        if name in given:
            raise InvalidInputError("template.surplus", name=name[:64], template=made.name)
        raise InvalidInputError(
            "template.missing", name=name, template=made.name, allowed=template.shown(made.parameters[name])
        )


# --- held against the log -------------------------------------------------------------------------------


def check_templates(connection: sa.Connection, told: Mapping[str, Sequence[Entry]]) -> None:
    """Raise `TamperingError` unless templates and owners' agreements are those *told* of, by kind of leaf."""
    newest = {
        it.facts["template"]: (it.facts["digest"], it.actor, it.time) for it in told.get("template", ())
    }
    bound = ("digest", "lineage", "policy")
    said = {
        kind: {(*(it.facts[name] for name in bound), it.actor, it.time) for it in told.get(kind, ())}
        for kind in _KEPT
    }
    stored = {}
    for row in connection.execute(sa.select(templates)).mappings():
        _parsed(row)
        stored[row["name"]] = (row["digest"], row["added_by"], row["added"])
    for name in sorted(stored.keys() | newest.keys()):
        if stored.get(name) != newest.get(name):
            raise TamperingError("audit.books-differ", kind="template", id=name)
    for kind, table in _KEPT.items():
        kept = {tuple(row) for row in connection.execute(sa.select(table))}
        for odd in sorted(kept ^ said[kind]):
            raise TamperingError("audit.books-differ", kind=kind, id=odd[0])
