"""``keyong key``: the master key that opens a workspace."""

from __future__ import annotations

import click

from cli import render
from cli.leaving import tell_cleaned
from cli.session import Session, pass_session, say


@click.group()
def key() -> None:
    """The master key that opens this workspace."""


@key.command("rotate")
@click.option("--passphrase", is_flag=True, help="Keep the new key behind a new passphrase.")
@click.option(
    "--key-file", is_flag=True, help="Keep the new key in a file, also where there was a passphrase."
)
@pass_session
def rotate(session: Session, passphrase: bool, key_file: bool) -> None:
    """Make a new master key and wrap all keys by it; afterwards the old one opens nothing here."""
    by = session.principal()  # opens the workspace: the old passphrase is asked for first
    new = session.ask_passphrase(confirm=True) if passphrase else None
    answer = session.gatekeeper.key_rotate(by, new, key_file)
    if render.answer_json(session, answer):
        return
    render.lines(say("keeping.rotated-master", keys=answer["keys"]))
    session.tell("keeping.backups-old-key")
    tell_cleaned(session, answer)
