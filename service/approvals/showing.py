"""A job as those see it who are to say yes to it: what is asked, of which columns, at what cost, by whom.

Who asked a job may see it like that too.  Nobody else learns that it is there.  What is left of a budget is
told of the datasets that one has a say in.
"""

from __future__ import annotations

import json
from typing import Any

import sqlalchemy as sa

from classifiers.taxonomy import core
from jobs.described import column_uses, statements
from jobs.planning import plan_losses
from sandbox import canonical
from sandbox.books import jobs
from sandbox.errors import DeniedError, KeyongError
from sandbox.schema import DatasetName, Principal
from service import dossier, people
from service.approvals import waiting
from service.approvals.approving import read_again, settle_again
from service.approvals.waiting import Waiting
from service.clock import present
from service.desk import Desk, Entry
from service.dossier import Dossier
from service.jobs import forecast
from service.jobs.answers import status_of
from service.jobs.costing import items
from service.jobs.history import history
from service.jobs.requests import statements as texts_of
from service.jobs.submission import Settled
from service.numbers import loss_to_json

Json = dict[str, Any]


def pending(desk: Desk, by: Principal) -> Json:
    """Return the jobs that wait for the yes of *by*."""
    with desk.reading() as connection:
        who = people.known(connection, by.name)
        query = sa.select(jobs).where(jobs.c.state == "awaiting-approval").order_by(jobs.c.created)
        now = present(connection)
        found = [
            waiting.read(connection, desk.workspace, row) for row in connection.execute(query).mappings()
        ]
        asked = [job for job in found if who and job.asks(who) and not job.said_yes(who, now)]
        return {"jobs": [_listed(job) | {"approval": job.to_json(now)} for job in asked]}


def _listed(job: Waiting) -> Json:
    return status_of(job.row) | {"datasets": [item["name"] for item in job.spec["datasets"]]}


def show(desk: Desk, by: Principal, job: str) -> Json:
    """Return everything that somebody needs to say yes or no to *job*."""
    with desk.reading() as connection:
        row = waiting.find(connection, job)
        if row is None:
            raise DeniedError("job.unknown", rule="jobs", job=job[:40])
        found = waiting.read(connection, desk.workspace, row)
        who = people.known(connection, by.name)
        own = row["principal"] == by.name
        if not own and not (who and found.asks(who)):
            raise DeniedError("job.unknown", rule="jobs", job=job[:40])
        entry = Entry(connection, desk.workspace, present(connection))
        again = read_again(connection, desk, found)
        settled = settle_again(entry, found, again)
        now = entry.at
        theirs = {rule.dataset for rule in found.rules if own or (who and rule.asks(who))}
        return {
            **_head(found),
            "changed_since": isinstance(settled, KeyongError),
            **(_bare(connection, desk, found) if isinstance(settled, KeyongError) else {}),
            **({} if isinstance(settled, KeyongError) else _detail(entry, found, settled, theirs)),
            "code": [],
            "approval": found.to_json(now) if found.rules else None,
            "history": _history(connection, desk, found, theirs),
        }


def _head(found: Waiting) -> Json:
    return {
        **status_of(found.row),
        "sql": found.spec["sql"],
        "plan": canonical.digest(json.loads(found.row["plan"])),
        "computes": [it.to_json() for it in statements(found.plan)],
        "rows": max(part.rows for part in found.plan.parts),
        "mechanism": found.plan.mechanism,
        "max_rows": found.spec["max_rows"],
        "public_tables": [{"name": table.name, "digest": table.digest} for table in found.plan.tables],
    }


def _bare(connection: sa.Connection, desk: Desk, found: Waiting) -> Json:
    """What is left to say of a job that means something else by now."""
    sources = [dossier.read_past(connection, desk.workspace, one.dataset) for one in found.plan.sources]
    losses = plan_losses(found.plan, [each.filter for each in sources])
    return {
        "datasets": [
            {
                "dataset": each.name,
                "version": found.plan.sources[number].version,
                "loss": loss_to_json(losses[number], each.filter, each.delta),
                "columns": _columns(each, found, number),
            }
            for number, each in enumerate(sources)
        ],
        "statements": [],
        "measurements": [],
    }


def _detail(entry: Entry, found: Waiting, settled: Settled, theirs: set[DatasetName]) -> Json:
    prepared = settled.prepared
    asker, connection = found.row["principal"], entry.connection
    costs = list(zip(settled.sources, prepared.losses, strict=True))
    accounts = forecast.accounts_of(connection, asker, entry.at, costs)
    texts = texts_of(found.spec["sql"], len(prepared.queries))
    return {
        "datasets": [
            forecast.dataset(account, prepared)
            | ({} if account.found.name in theirs else {"remaining": None, "queries_left": None})
            | {"columns": _columns(account.found, found, number)}
            for number, account in enumerate(accounts)
        ],
        "statements": [
            forecast.statement(number, texts[number], query, prepared, None)
            for number, query in enumerate(prepared.queries)
        ],
        "measurements": [forecast.item(it, prepared.plan, accounts) for it in items(prepared.plan)],
    }


def _columns(found: Dossier, job: Waiting, number: int) -> list[Json]:
    """The columns of source *number* that the job touches, with their tags and what is done with them."""
    return [
        _column(found, name, [use.value for use in uses])
        for name, uses in column_uses(job.plan, number).items()
    ]


def _column(found: Dossier, name: str, uses: list[str]) -> Json:
    tag, field = found.tags.get(name), found.fields.get(name)
    info = core().tags.get(tag.name) if tag else None
    return {
        "column": name,
        "description": field.description if field else "",
        "tag": tag.name if tag else None,
        "title": info.titles.get("en", "") if info else "",
        "title_zh": info.titles.get("zh", "") if info else "",
        "sensitive": info.sensitive if info else False,
        "uses": uses,
    }


def _history(connection: sa.Connection, desk: Desk, found: Waiting, theirs: set[DatasetName]) -> Json:
    names = [source.dataset for source in found.plan.sources if source.dataset in theirs]
    past = [dossier.read_past(connection, desk.workspace, name) for name in names]
    return history(connection, found.row, past)
