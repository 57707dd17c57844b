"""``keyong init``, ``doctor``, ``backup``, ``restore``: the workspace as a whole."""

from __future__ import annotations

from pathlib import Path

import click

from cli import render
from cli.session import Session, pass_session, say


@click.command()
@click.option(
    "--passphrase", is_flag=True, help="Protect the master key by a passphrase instead of a key file."
)
@pass_session
def init(session: Session, passphrase: bool) -> None:
    """Make a workspace here, or where --workspace says."""
    secret = session.ask_passphrase(confirm=True) if passphrase else None
    answer = session.service.create_workspace(session.workspace or Path.cwd(), secret)
    if render.answer_json(session, answer):
        return
    render.facts(
        [("cli.head-workspace", str(answer["workspace"])), ("cli.head-keyring", str(answer["keyring"]))]
    )
    session.tell(answer["warning"])
    session.tell("cli.init-next")


@click.command()
@pass_session
def doctor(session: Session) -> None:
    """Say what this machine and this workspace offer."""
    answer = session.gatekeeper.doctor()
    if render.answer_json(session, answer):
        return
    headings = [("cli.head-check", "left"), ("cli.head-ok", "left"), ("cli.head-detail", "left")]
    rows = [(c["name"], say("cli.yes") if c["ok"] else say("cli.no"), c["detail"]) for c in answer["checks"]]
    render.keyed(headings, rows)


@click.command()
@click.argument("target", type=click.Path(path_type=Path))
@pass_session
def backup(session: Session, target: Path) -> None:
    """Copy books, wrapped keys and shards into the new directory TARGET."""
    answer = session.gatekeeper.backup(session.principal(), target)
    if not render.answer_json(session, answer):
        files = answer["files"]
        count = files if isinstance(files, int) else len(files)
        render.lines(say("cli.backed-up", target=str(answer["target"]), files=count))
        if answer["key_file"]:
            session.tell("keeping.backup-has-key")


@click.command()
@click.argument("source", type=click.Path(path_type=Path))
@click.argument("target", type=click.Path(path_type=Path))
@pass_session
def restore(session: Session, source: Path, target: Path) -> None:
    """Bring the backup SOURCE back as the workspace TARGET."""
    answer = session.service.restore_workspace(source, target)
    if render.answer_json(session, answer):
        return
    places, refused = {"source": str(source), "target": str(target)}, answer["refused"]
    if refused is None:
        render.lines(say("cli.restored", **places))
    elif refused["code"] == "log.rolled-back":
        facts = {name: refused["facts"][name] for name in ("found", "kept")}
        render.lines(say("cli.restored-older", **places, **facts))
    else:
        render.lines(say("cli.restored-forked", **places, kept=refused["facts"]["kept"]))
