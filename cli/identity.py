"""``keyong identity``: names with stored roles."""

from __future__ import annotations

import click

from cli import render
from cli.session import Session, pass_session
from sandbox.schema import Role


@click.group()
def identity() -> None:
    """People and their roles."""


@identity.command("new")
@click.argument("name")
@click.option(
    "--role",
    "roles",
    multiple=True,
    required=True,
    type=click.Choice([r.value for r in Role]),
    help="Repeat for several.",
)
@click.option("--group", "groups", multiple=True, help="Group that grants can name; repeat for several.")
@pass_session
def new(session: Session, name: str, roles: tuple[str, ...], groups: tuple[str, ...]) -> None:
    """Store a name with its roles."""
    answer = session.gatekeeper.identity_new(name, roles, groups)
    if not render.answer_json(session, answer):
        _show([answer])


@identity.command("list")
@pass_session
def list_identities(session: Session) -> None:
    """List who is known here."""
    answer = session.gatekeeper.identity_list()
    if not render.answer_json(session, answer):
        _show(answer["identities"])


def _show(identities: list[dict[str, list[str]]]) -> None:
    headings = [("cli.head-name", "left"), ("cli.head-roles", "left"), ("cli.head-groups", "left")]
    render.keyed(
        headings, [(str(i["name"]), ", ".join(i["roles"]), ", ".join(i["groups"])) for i in identities]
    )
