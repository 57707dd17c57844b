"""``keyong job``: one step at a time."""

from __future__ import annotations

from typing import Any, Final

import click

from cli import approving, explained, render, results
from cli.asking import asking, finish, mock_of, rehearse, rehearsing, request, submit
from cli.delivery import Delivery, deliver, delivering
from cli.session import Session, pass_session, say
from cli.template import template
from service.wording import loss, state

_UNPAID: Final = ("awaiting-approval", "refused")
"""States of jobs that were charged nothing (a replay was not either, but its release has a cost)."""


@click.group()
def job() -> None:
    """Explain, submit, approve and fetch jobs."""


for command in (approving.pending, approving.show, approving.approve, approving.reject):
    job.add_command(command)
job.add_command(template)


@job.command("explain")
@asking
@rehearsing
@pass_session
def explain(
    session: Session, /, *, mock: bool, mock_rows: int | None, mock_seed: int, **options: Any
) -> None:
    """Say what a job would cost and how far off it would be; reads no data, spends nothing.

    With --mock it is rehearsed, too, and the answer of invented data is shown below.
    """
    by, asked, wanted = session.principal(), request(**options), mock_of(mock, mock_rows, mock_seed)
    answer = session.gatekeeper.job_explain(by, asked)
    if wanted is None or answer["verdict"] == "denied":
        click.get_current_context().exit(explained.show_explain(session, answer))
    rehearsal = session.gatekeeper.job_rehearse(by, asked, wanted)
    if render.answer_json(session, {**answer, "rehearsal": rehearsal}):
        return
    explained.show_explain(session, answer)
    render.out("")
    results.show_result(session, rehearsal)


@job.command("submit")
@asking
@rehearsing
@delivering
@click.option(
    "--no-wait", is_flag=True, help="Charge the job and print its id; run it later with `job wait`."
)
@pass_session
def submit_job(
    session: Session, /, *, no_wait: bool, mock: bool, mock_rows: int | None, mock_seed: int, **options: Any
) -> None:
    """Submit a job: it is decided, planned and charged, and then run; with --mock it is only rehearsed."""
    to = Delivery.taken(options)
    asked, wanted = request(**options), mock_of(mock, mock_rows, mock_seed)
    if wanted:
        rehearse(session, asked, wanted, to)
        return
    name = submit(session, asked)
    if not no_wait:
        finish(session, name, to)
    elif not render.answer_json(session, session.gatekeeper.job_status(session.principal(), name)):
        render.lines(name)
        session.tell("cli.job-charged", job=name)


@job.command("wait")
@click.argument("job_id", metavar="JOB")
@delivering
@pass_session
def wait(session: Session, /, *, job_id: str, **options: Any) -> None:
    """Bring a submitted job to its end and print its result."""
    finish(session, job_id, Delivery.taken(options))


@job.command("resume")
@click.argument("job_id", metavar="JOB")
@delivering
@pass_session
def resume(session: Session, /, *, job_id: str, **options: Any) -> None:
    """Finish an interrupted job on the charge it already has."""
    finish(session, job_id, Delivery.taken(options))


@job.command("result")
@click.argument("job_id", metavar="JOB")
@delivering
@pass_session
def result(session: Session, /, *, job_id: str, **options: Any) -> None:
    """Print the release of a finished job, or write it to a file."""
    to = Delivery.taken(options)
    deliver(session, session.gatekeeper.job_result(session.principal(), job_id), to)


@job.command("status")
@click.argument("job_id", metavar="JOB")
@pass_session
def status(session: Session, job_id: str) -> None:
    """Say how far a job is."""
    _show(session, session.gatekeeper.job_status(session.principal(), job_id))


@job.command("cancel")
@click.argument("job_id", metavar="JOB")
@pass_session
def cancel(session: Session, job_id: str) -> None:
    """Give up a job that is not running; its charge stays."""
    _show(session, session.gatekeeper.job_cancel(session.principal(), job_id))


@job.command("list")
@pass_session
def list_jobs(session: Session) -> None:
    """List your jobs, or those on your datasets."""
    answer = session.gatekeeper.job_list(session.principal())
    if render.answer_json(session, answer):
        return
    headings = [
        ("cli.head-job", "left"),
        ("cli.head-status", "left"),
        ("cli.head-who", "left"),
        ("cli.head-dataset", "left"),
        ("cli.head-purpose", "left"),
        ("cli.head-cost", "left"),
        ("cli.head-created", "left"),
    ]
    render.keyed(
        headings,
        [
            (
                j["job"],
                state(j["status"]),
                j["principal"],
                ", ".join(j["datasets"]),
                j["purpose"],
                "–" if j["status"] in _UNPAID else "; ".join(loss(each) for each in j["losses"]) or "–",
                render.instant(j["created"]),
            )
            for j in answer["jobs"]
        ],
    )


def _show(session: Session, answer: results.Json) -> None:
    if render.answer_json(session, answer):
        return
    render.facts(
        [
            ("cli.head-job", answer["job"]),
            ("cli.head-status", state(answer["status"])),
            ("cli.head-who", answer["principal"]),
            ("cli.head-purpose", answer["purpose"]),
            ("cli.head-created", render.instant(answer["created"])),
            ("cli.head-changed", render.instant(answer["changed"])),
            *approving.standing(answer["approval"]),
        ]
    )
    if answer["failure"]:
        session.tell("cli.job-failure", failure=say(answer["failure"]))
