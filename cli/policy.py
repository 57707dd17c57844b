"""``keyong policy``: who may learn what."""

from __future__ import annotations

from pathlib import Path

import click

from cli import render
from cli.session import Session, pass_session, say


@click.group()
def policy() -> None:
    """Who may learn what from a dataset."""


@policy.command("validate")
@click.argument("path", metavar="FILE", type=click.Path(path_type=Path))
@pass_session
def validate(session: Session, path: Path) -> None:
    """Check a policy file against its dataset; nothing changes."""
    answer = session.gatekeeper.policy_validate(session.principal(), path)
    if render.answer_json(session, answer):
        return
    render.lines(
        say("cli.policy-valid", dataset=answer["dataset"], version=answer["version"], digest=answer["digest"])
    )


@policy.command("apply")
@click.argument("path", metavar="FILE", type=click.Path(path_type=Path))
@pass_session
def apply(session: Session, path: Path) -> None:
    """Put a policy in force."""
    answer = session.gatekeeper.policy_apply(session.principal(), path)
    if render.answer_json(session, answer):
        return
    render.lines(
        say(
            "cli.policy-applied",
            dataset=answer["dataset"],
            version=answer["version"],
            digest=answer["digest"],
        )
    )


@policy.command("show")
@click.argument("dataset")
@pass_session
def show(session: Session, dataset: str) -> None:
    """Print the policy in force, as YAML."""
    answer = session.gatekeeper.policy_show(session.principal(), dataset)
    if not render.answer_json(session, answer):
        session.tell(
            "cli.policy-in-force",
            version=answer["version"],
            who=answer["applied_by"],
            at=render.instant(answer["applied"]),
        )
        render.lines(answer["source"])
