"""``keyong job pending``, ``show``, ``approve`` and ``reject``: jobs that wait for somebody's yes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import click

from cli import explained, render
from cli.results import statement_line
from cli.session import Session, pass_session, say
from service import wording
from service.audit.telling import USES
from service.messages import catalogue
from service.wording import loss, state, tidy

Json = Mapping[str, Any]

_JOB = click.argument("job_id", metavar="JOB")


@click.command("pending")
@pass_session
def pending(session: Session) -> None:
    """List the jobs that wait for your yes."""
    answer = session.gatekeeper.job_pending(session.principal())
    if render.answer_json(session, answer):
        return
    headings = [
        ("cli.head-job", "left"),
        ("cli.head-who", "left"),
        ("cli.head-dataset", "left"),
        ("cli.head-purpose", "left"),
        ("cli.head-created", "left"),
        ("cli.head-missing", "left"),
    ]
    rows = [
        (
            job["job"],
            job["principal"],
            ", ".join(job["datasets"]),
            job["purpose"],
            render.instant(job["created"]),
            ", ".join(job["approval"]["ask"]),
        )
        for job in answer["jobs"]
    ]
    if not rows:
        session.tell("approval.nothing-waits")
        return
    render.keyed(headings, rows)
    session.tell("approval.look-first", job=rows[0][0])


@click.command("show")
@_JOB
@pass_session
def show(session: Session, job_id: str) -> None:
    """Show what a job asks, for whoever is to say yes to it: text, columns, cost, and who asks."""
    answer = session.gatekeeper.job_show(session.principal(), job_id)
    if render.answer_json(session, answer):
        return
    several = len(answer["statements"]) > 1
    render.facts(_head(answer))
    render.lines("", answer["sql"].strip(), "", *_computes(answer))
    for code in answer["code"]:
        render.lines("", say("approval.code", name=code["name"], digest=code["digest"]), code["text"])
    for statement in answer["statements"]:
        render.out("")
        if several:
            render.lines(statement_line(statement))
        explained.show_columns(statement)
    for dataset in answer["datasets"]:
        render.out("")
        _dataset(dataset)
    render.out("")
    _standing(answer["approval"])
    _history(answer["history"], answer["principal"])
    if answer["changed_since"] and answer["status"] == "awaiting-approval":
        session.tell("approval.changed-now")
    elif answer["status"] == "awaiting-approval":
        session.tell("approval.decide", job=job_id)


@click.command("approve")
@_JOB
@click.option("--reason", default="", help="Why; its analyst is told.")
@pass_session
def approve(session: Session, job_id: str, reason: str) -> None:
    """Say yes to a job; with the last yes that it needs it is charged."""
    answer = session.gatekeeper.job_approve(session.principal(), job_id, reason)
    if render.answer_json(session, answer):
        return
    if answer["not_charged"]:
        short = answer["not_charged"]
        render.lines(say("approval.not-charged", job=job_id, why=say(short["code"], **short["facts"])))
    elif answer["status"] == "awaiting-approval":
        render.lines(say("approval.one-of-several", job=job_id, ask=answer["ask"]))
    elif answer["replayed"]:
        render.lines(say("approval.answered", job=job_id))
    else:
        render.lines(say("approval.charged", job=job_id))


@click.command("reject")
@_JOB
@click.option("--reason", required=True, help="Why; its analyst is told.")
@pass_session
def reject(session: Session, job_id: str, reason: str) -> None:
    """Say no to a job, which is refused with that."""
    answer = session.gatekeeper.job_reject(session.principal(), job_id, reason)
    if not render.answer_json(session, answer):
        render.lines(say("approval.refused", job=job_id))


def standing(approval: Json | None) -> Iterator[tuple[str, render.Cell]]:
    """Yield how an approval stands as labelled facts: whose yes is there, whose is missing, why.

    After a no nobody waits for anybody.
    """
    said = (approval or {}).get("said", ())
    over = any(one["answer"] == "no" for one in said)
    for rule in (approval or {}).get("rules", ()):
        for party in rule["parties"]:
            if party["given"] or not over:
                told = say("approval.standing", dataset=rule["dataset"], standing=wording.standing(party))
                yield "cli.head-approval", told
    for one in said:
        key = "cli.head-yes" if one["answer"] == "yes" else "cli.head-no"
        yield key, f"{one['by']}, {render.instant(one['at'])}" + (f": {one['reason']}" * bool(one["reason"]))


def _head(answer: Json) -> Iterator[tuple[str, render.Cell]]:
    yield "cli.head-job", f"{answer['job']} ({state(answer['status'])})"
    yield "cli.head-who", answer["principal"]
    yield "cli.head-purpose", answer["purpose"]
    yield "cli.head-created", render.instant(answer["created"])
    for table in answer["public_tables"]:
        yield "cli.head-public-table", f"{table['name']} ({table['digest'][:12]}…)"
    yield "cli.head-plan", answer["plan"]


def _computes(answer: Json) -> Iterator[str]:
    for number, it in enumerate(answer["computes"], start=1):
        what = [name.upper() for name in it["operations"]]
        facts: dict[str, Any] = {"number": number, "operations": what}
        if not it["keys"]:
            yield say("approval.computes-whole", **facts)
        elif not it["cells"]:
            yield say("approval.computes-selected", **facts, keys=it["keys"])
        else:
            yield say("approval.computes", **facts, keys=it["keys"], cells=it["cells"])
        if bound := wording.group_bound(it):
            yield say("approval.group-bound", bound=bound)
    noise = wording.mechanism(answer["mechanism"])
    yield say("approval.looks-at", rows=answer["rows"], noise=noise)


def _dataset(dataset: Json) -> None:
    facts: list[tuple[str, render.Cell]] = [
        ("cli.head-dataset", f"{dataset['dataset']} v{dataset['version']}"),
        ("cli.head-cost", loss(dataset["loss"])),
    ]
    if "rule" in dataset:
        facts.append(("cli.head-rule", f"{dataset['rule']} (policy v{dataset['policy_version']})"))
    if dataset.get("remaining"):
        facts.append(("cli.head-left", f"ε {tidy(dataset['remaining']['epsilon'])}"))
        facts.append(("cli.head-queries-left", f"{dataset['queries_left']:,}"))
    render.facts(facts)
    if dataset["columns"]:
        render.out("")
        headings = [
            ("cli.head-column", "left"),
            ("cli.head-tag", "left"),
            ("cli.head-title", "left"),
            ("cli.head-sensitive", "left"),
            ("cli.head-used-for", "left"),
        ]
        render.keyed(headings, [_column(column) for column in dataset["columns"]])


def _column(column: Json) -> list[render.Cell]:
    meaning = column["description"] or column["title_zh" if catalogue.language() == "zh" else "title"]
    sensitive = say("cli.yes") if column["sensitive"] else ""
    uses = [say(USES[use]) if use in USES else use for use in column["uses"]]
    return [column["column"], column["tag"], meaning, sensitive, ", ".join(uses)]


def _standing(approval: Json | None) -> None:
    lines = list(standing(approval))
    if lines:
        render.facts(lines)


def _history(history: Json, who: str) -> None:
    render.lines(
        "",
        say(
            "approval.history",
            who=who,
            jobs=history["jobs"],
            refused=history["refused"],
            denied=history["denied"],
        ),
        *(
            say("approval.spent", who=who, dataset=each["dataset"], loss=loss(each))
            for each in history["losses"]
        ),
    )
    if history["similar"]:
        render.lines("", say("approval.similar", similar=history["similar"]))
        _jobs(history["most_similar"])
    if history["last"]:
        render.lines("", say("approval.last"))
        _jobs(history["last"])


def _jobs(jobs: list[Json]) -> None:
    headings = [
        ("cli.head-job", "left"),
        ("cli.head-created", "left"),
        ("cli.head-purpose", "left"),
        ("cli.head-status", "left"),
        ("cli.head-cost", "left"),
        ("cli.head-likeness", "left"),
    ]
    rows = [
        (
            job["job"],
            render.instant(job["created"]),
            job["purpose"],
            state(job["status"]),
            "; ".join(loss(each) for each in job["losses"]),
            wording.likeness(job["likeness"]) if "likeness" in job else "",
        )
        for job in jobs
    ]
    render.keyed(*explained.without_empty(headings, rows))
