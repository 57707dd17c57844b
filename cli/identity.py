"""``keyong identity``: names with stored roles, and the keys that owners sign policies with."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import click

from cli import render
from cli.session import Session, pass_session, say
from sandbox.errors import KeyongError
from sandbox.schema import Role
from service.asked import Json

if TYPE_CHECKING:
    from service.client.signing import OwnKey

_KEY_FILE = click.option(
    "--key-file",
    type=click.Path(path_type=Path),
    help="Keep the signing key here, not in the usual place outside the workspace.",
)


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
@click.option("--no-key", is_flag=True, help="Make an owner's signing key later, by `identity key`.")
@_KEY_FILE
@pass_session
def new(
    session: Session,
    /,
    name: str,
    *,
    roles: tuple[str, ...],
    groups: tuple[str, ...],
    no_key: bool,
    key_file: Path | None,
) -> None:
    """Store a name with its roles; an owner also gets a key to sign policies with."""
    known = any(one["name"] == name for one in session.gatekeeper.identity_list()["identities"])
    signs, secret = Role.OWNER in roles and not no_key, ""
    if signs and not known:
        secret = session.ask_passphrase(say("cli.passphrase-key", name=name), confirm=True, empty=True)
    if not secret:
        answer = session.gatekeeper.identity_new(name, roles, groups) | {"key": None}
        if signs:
            session.tell("cli.identity-no-key", name=name)
    else:  # the key first: a passphrase that is too short leaves no name without one
        with _made(session, name, key_file, secret) as own:
            answer = session.gatekeeper.identity_new(name, roles, groups) | {"key": None}
            answer |= _pin(session, name, own, None)
        session.tell("cli.identity-key", name=name, key=answer["key"], path=answer["key_file"])
    if not render.answer_json(session, answer):
        _show([answer])


@identity.command("change")
@click.argument("name")
@click.option(
    "--role", "roles", multiple=True, type=click.Choice([r.value for r in Role]), help="Repeat for several."
)
@click.option("--group", "groups", multiple=True, help="Group that grants can name; repeat for several.")
@pass_session
def change(session: Session, name: str, roles: tuple[str, ...], groups: tuple[str, ...]) -> None:
    """Give NAME other roles and groups (a reviewer does): those named here and no others, or none at all."""
    answer = session.gatekeeper.identity_change(session.principal(), name, roles, groups)
    if not render.answer_json(session, answer):
        _show([answer | {"key": key_of(session, name)}])


@identity.command("key")
@click.argument("name")
@click.option("--lost", is_flag=True, help="The key in use is lost: replace it without its word; logged.")
@_KEY_FILE
@click.option(
    "--former-key-file", type=click.Path(path_type=Path), help="Where the key in use is, if you moved it."
)
@pass_session
def key(session: Session, name: str, lost: bool, key_file: Path | None, former_key_file: Path | None) -> None:
    """Make the key that NAME signs policies with, or replace it: what the former signed stays valid."""
    from service.client import signing  # noqa: PLC0415 - cryptography is kept out of `keyong --help`

    former = None
    in_use = key_of(session, name)
    if in_use and not lost:
        path = former_key_file or signing.key_file(session.workspace, name, in_use)
        former = signing.unseal(path, session.ask_passphrase(say("cli.passphrase-former", name=name)))
    secret = session.ask_passphrase(say("cli.passphrase-key", name=name), confirm=True)
    with _made(session, name, key_file, secret) as own:
        answer = _pin(session, name, own, former)
    if not render.answer_json(session, answer):
        render.lines(say("cli.identity-key", name=name, key=answer["key"], path=answer["key_file"]))


@identity.command("list")
@pass_session
def list_identities(session: Session) -> None:
    """List who is known here."""
    answer = session.gatekeeper.identity_list()
    if not render.answer_json(session, answer):
        _show(answer["identities"])


def key_of(session: Session, name: str) -> str | None:
    """Return the id of the key that *name* signs with, None if there is none."""
    known = session.gatekeeper.identity_list()["identities"]
    found: str | None = next((one["key"] for one in known if one["name"] == name), None)
    return found


@contextmanager
def _made(session: Session, name: str, path: Path | None, secret: str) -> Iterator[OwnKey]:
    """Make a key and keep it; what is refused in the block below is not kept."""
    from service.client import signing  # noqa: PLC0415 - cryptography is kept out of `keyong --help`

    own = signing.make(session.workspace, name, path, secret)
    try:
        yield own
    except KeyongError:
        own.path.unlink(missing_ok=True)
        raise


def _pin(session: Session, name: str, own: OwnKey, former: OwnKey | None) -> Json:
    """Have the gatekeeper pin the public half of *own*; its id, that of the former one, and where it is."""
    from service import people  # noqa: PLC0415 - cryptography is kept out of `keyong --help`

    by = session.gatekeeper.principal(name)
    word = former.endorse(name, own.public) if former else people.LOST
    return session.gatekeeper.identity_key(by, own.public, word) | {"key_file": str(own.path)}


def _show(identities: list[Json]) -> None:
    headings = [
        ("cli.head-name", "left"),
        ("cli.head-roles", "left"),
        ("cli.head-groups", "left"),
        ("cli.head-key", "left"),
    ]
    rows = [
        (str(i["name"]), ", ".join(i["roles"]), ", ".join(i["groups"]), str(i["key"] or "")[:8])
        for i in identities
    ]
    render.keyed(headings, rows)
