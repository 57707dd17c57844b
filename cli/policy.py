"""``keyong policy``: who may learn what."""

from __future__ import annotations

from pathlib import Path

import click

from cli import policing, render
from cli.identity import key_of
from cli.session import Session, pass_session, say
from sandbox.errors import UsageError


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
    policing.show_changes(session, answer["changes"])


@policy.command("sign")
@click.argument("path", metavar="FILE", type=click.Path(path_type=Path))
@click.option(
    "--key-file", type=click.Path(path_type=Path), help="Sign with this key; no workspace is needed then."
)
@pass_session
def sign(session: Session, path: Path, key_file: Path | None) -> None:
    """Sign a policy file with your own key; the signature is written beside it."""
    from service.client import signing  # noqa: PLC0415 - cryptography is kept out of `keyong --help`

    if key_file is None:
        by = session.principal()
        session.gatekeeper.policy_validate(by, path)
        in_use = key_of(session, by.name)
        if in_use is None:
            raise UsageError("identity.no-key", name=by.name)
        key_file = signing.key_file(session.workspace, by.name, in_use)
    key = signing.unseal(key_file, session.ask_passphrase(say("cli.passphrase-sign", path=str(key_file))))
    answer = signing.sign_policy(path, key)
    if render.answer_json(session, answer):
        return
    render.lines(
        say(
            "cli.policy-signed",
            dataset=answer["dataset"],
            version=answer["version"],
            digest=answer["digest"],
            path=answer["signature_file"],
        )
    )


@policy.command("apply")
@click.argument("path", metavar="FILE", type=click.Path(path_type=Path))
@click.option("--signature", type=click.Path(path_type=Path), help="The signature, if it is not in FILE.sig.")
@pass_session
def apply(session: Session, path: Path, signature: Path | None) -> None:
    """Put a signed policy in force."""
    answer = session.gatekeeper.policy_apply(session.principal(), path, signature)
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
    policing.show_changes(session, answer["changes"])


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


for command in (policing.init, policing.schema, policing.lint, policing.simulate, policing.diff):
    policy.add_command(command)
