"""``keyong pool``: workers that stay warm between commands."""

from __future__ import annotations

from typing import Any

import click

from cli import render
from cli.session import Session, pass_session


@click.group()
def pool() -> None:
    """Keep workers warm between commands."""


def _do(session: Session, action: str) -> None:
    answer = session.service.pool(action, session.workspace)
    if not render.answer_json(session, answer):
        render.lines(*(f"{name}: {_value(value)}" for name, value in answer.items()))


def _value(value: Any) -> str:
    return "–" if value is None else str(value)


@pool.command("start")
@pass_session
def start(session: Session) -> None:
    """Start workers and leave them running."""
    _do(session, "start")


@pool.command("stop")
@pass_session
def stop(session: Session) -> None:
    """Stop the workers."""
    _do(session, "stop")


@pool.command("status")
@pass_session
def status(session: Session) -> None:
    """Say whether workers run."""
    _do(session, "status")
