"""The options with which a job is asked, shared by ``query`` and ``job``."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any, TypeVar

import click

from cli import results
from cli.delivery import Delivery, deliver
from cli.progress import watching
from cli.session import Session
from sandbox.errors import AwaitingApprovalError, UsageError
from service.asked import JobRequest, Mock

Command = TypeVar("Command", bound=Callable[..., Any])

_OPTIONS = (
    click.argument("sql"),
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
    sql: str,
    epsilon: str | None,
    weights: tuple[str, ...],
    errors: tuple[str, ...],
    group_size: int | None,
    purpose: str | None,
    max_rows: int | None,
) -> JobRequest:
    """Return the job asked for; the text ``-`` is read from standard input.

    The numbers of a budget stay the text that was typed: the gatekeeper says what it thinks of ``nan``.
    Raises `UsageError` unless there is a purpose and exactly one of *epsilon* and *errors*.
    """
    if not purpose:
        raise UsageError("cli.no-purpose")
    if (epsilon is None) == (not errors):
        raise UsageError("cli.epsilon-or-error")
    text = sys.stdin.read() if sql == "-" else sql
    error, each = (errors[0], ()) if len(errors) == 1 else (None, errors)
    return JobRequest(text, purpose, epsilon, error, group_size, max_rows, each, weights)


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
