"""The options with which a job is asked, shared by ``query`` and ``job``."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click
from click.core import ParameterSource

from cli import results
from cli.delivery import Delivery, deliver
from cli.pairs import pairs
from cli.progress import watching
from cli.session import Session
from sandbox.errors import AwaitingApprovalError, UsageError
from service.asked import JobRequest, Mock
from service.client import jobfiles

Command = TypeVar("Command", bound=Callable[..., Any])

_OPTIONS = (
    click.argument("sql", required=False),
    click.option("-f", "--file", type=click.Path(path_type=Path), help="A job: FILE.yaml, or FILE.sql."),
    click.option("--template", metavar="NAME", help="Ask what a template asks."),
    click.option("--set", "settings", multiple=True, metavar="NAME=VALUE", help="Value of $NAME; repeat."),
    click.option("--epsilon", metavar="E", help="Privacy loss to spend, e.g. 0.5."),
    click.option(
        "--weight",
        "weights",
        multiple=True,
        metavar="W",
        help="Share of --epsilon of each statement; repeat.",
    ),
    click.option(
        "--error",
        "errors",
        multiple=True,
        metavar="H",
        help="Or the 95 % half-width you can live with: 50, or 1%; once, or for each statement.",
    ),
    click.option(
        "--group-size", type=int, metavar="N", help="Rows assumed in a group, for --error of an AVG."
    ),
    click.option("--purpose", envvar="KEYONG_PURPOSE", help="What the answer is for. [env: KEYONG_PURPOSE]"),
    click.option(
        "--max-rows", type=int, metavar="R", help="Look at fewer rows of a person than the policy lets."
    ),
)


_MOCK_OPTIONS = (
    click.option("--mock", is_flag=True, help="Rehearse on invented data; nothing is read or spent."),
    click.option("--mock-rows", type=int, metavar="N", help="Invent so many rows of each dataset."),
    click.option("--mock-seed", type=int, default=1, show_default=True, help="Invent other people."),
)


def rehearsing(command: Command) -> Command:
    """Give *command* the options of which `mock_of` makes a rehearsal."""
    for option in reversed(_MOCK_OPTIONS):
        command = option(command)
    return command


def mock_of(mock: bool, mock_rows: int | None, mock_seed: int) -> Mock | None:
    """Return what to rehearse on, None for the real thing."""
    if not mock and mock_rows is not None:
        raise UsageError("cli.needs-mock")
    return Mock(rows=mock_rows, seed=mock_seed) if mock else None


def rehearse(session: Session, asked: JobRequest, wanted: Mock, to: Delivery) -> None:
    """Rehearse and deliver what came out."""
    deliver(session, session.gatekeeper.job_rehearse(session.principal(), asked, wanted), to)


def asking(command: Command) -> Command:
    """Give *command* the argument and options of which `request` makes a job."""
    for option in reversed(_OPTIONS):
        command = option(command)
    return command


def request(
    *,
    sql: str | None,
    file: Path | None,
    template: str | None,
    settings: tuple[str, ...],
    errors: tuple[str, ...],
    **options: Any,
) -> JobRequest:
    """Return the job asked for: in a text (``-``: standard input), in a file, or by a template.

    A text that is one word ending in .sql or .yaml is a file.  What is typed takes the place of what a file
    says.  Numbers of a budget stay the text that was typed: the gatekeeper says what it thinks of ``nan``.
    Raises `UsageError` unless there is a purpose and exactly one of epsilon and *errors*.
    """
    if sql and file is None and jobfiles.is_file(sql):
        file, sql = Path(sql), None
    if sum(given is not None for given in (sql, file, template)) != 1:
        raise UsageError("cli.one-job")
    job = jobfiles.read(file) if file else JobRequest("", "")
    error, each = (errors[0], ()) if len(errors) == 1 else (None, errors)
    values = {name: jobfiles.typed_value(text) for name, text in pairs(settings, "--set").items()}
    text = sys.stdin.read() if sql == "-" else sql
    given = {"sql": text, "template": template, "error": error, "errors": each, "parameters": values}
    if (job.purpose or template) and _source("purpose") is ParameterSource.ENVIRONMENT:
        options["purpose"] = None  # what holds for every job says less than the job itself
    job = jobfiles.with_options(job, {**given, **options})
    if not job.purpose and not job.template:
        raise UsageError("cli.no-purpose")
    asked = job.error is not None or bool(job.errors)
    if (job.epsilon is None) != asked and not job.template:
        raise UsageError("cli.epsilon-or-error")
    return job


def _source(option: str) -> ParameterSource | None:
    context = click.get_current_context(silent=True)
    return context.get_parameter_source(option) if context else None


def submit(session: Session, asked: JobRequest) -> str:
    """Submit and return the job's id; raises `AwaitingApprovalError` if somebody has to agree first."""
    answer = session.gatekeeper.job_submit(session.principal(), asked)
    job: str = answer["job"]
    if answer["status"] == "awaiting-approval":
        approval = session.gatekeeper.job_status(session.principal(), job)["approval"]
        raise AwaitingApprovalError("cli.awaiting-approval", job=job, ask=approval["ask"])
    return job


def finish(session: Session, job: str, to: Delivery) -> None:
    """Bring *job* to its end, deliver the release and say what is left."""
    session.job = job
    with watching(session) as report:
        result = session.gatekeeper.job_run(session.principal(), job, report)
    session.job = None
    deliver(session, result, to)
    if not (session.json or session.quiet):
        for dataset in result["datasets"]:
            budget = session.gatekeeper.budget_show(session.principal(), dataset["name"])
            results.show_left(session, budget)
