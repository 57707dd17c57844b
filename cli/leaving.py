"""``keyong dataset withdraw-unit|compact|rotate|remove``: people, rows, keys and datasets leave."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import click

from cli import render
from cli.pairs import encoding_option
from cli.progress import watching
from cli.session import Session, pass_session, say
from sandbox.errors import InvalidInputError, UsageError
from service.asked import UnitList

_MOST_BYTES = 64 * 2**20 + 1
"""More than the gatekeeper takes: it says so."""


@click.command("withdraw-unit")
@click.argument("name")
@click.option("--units", "path", required=True, metavar="FILE", help="Ids, one a line; - is standard input.")
@click.option("--column", metavar="COL", help="FILE is a CSV with the ids in COL.")
@encoding_option
@pass_session
def withdraw_unit(session: Session, name: str, path: str, column: str | None, encoding: str) -> None:
    """Hide persons from every later job; FILE holds their ids, which are stored nowhere."""
    units = unit_list(path, column, encoding)
    answer = session.gatekeeper.dataset_withdraw(session.principal(), name, units)
    if render.answer_json(session, answer):
        return
    facts = {"dataset": answer["dataset"], "version": answer["version"]}
    if answer["new"]:
        render.lines(say("keeping.withdrawn", **facts, units=answer["new"], in_all=answer["withdrawn"]))
        session.tell("keeping.rows-stay", dataset=answer["dataset"])
    else:
        render.lines(say("keeping.withdrawn-before", **facts, units=answer["read"]))


@click.command("rotate")
@click.argument("name")
@pass_session
def rotate(session: Session, name: str) -> None:
    """Give a dataset a new key; its columns' keys are wrapped anew, no data is rewritten."""
    answer = session.gatekeeper.dataset_rotate(session.principal(), name)
    if render.answer_json(session, answer):
        return
    render.lines(say("keeping.rotated", dataset=answer["dataset"], keys=answer["keys"]))
    session.tell("keeping.backups-old-key")
    tell_cleaned(session, answer)


@click.command("compact")
@click.argument("name")
@pass_session
def compact(session: Session, name: str) -> None:
    """Take withdrawn persons' rows off the disk, and all versions of a dataset but the newest."""
    with watching(session) as report:
        answer = session.gatekeeper.dataset_compact(session.principal(), name, report)
    if render.answer_json(session, answer):
        return
    facts = {"dataset": answer["dataset"], "version": answer["version"], "count": answer["destroyed"]}
    if answer["rewritten"]:
        render.lines(say("keeping.compacted", **facts))
    elif answer["destroyed"]:
        render.lines(say("keeping.older-destroyed", **facts))
    else:
        render.lines(say("keeping.nothing-to-compact", **facts))
    if answer["destroyed"]:
        session.tell("keeping.backups-old-rows")
    tell_cleaned(session, answer)


@click.command("remove")
@click.argument("name")
@click.option("--yes", is_flag=True, help="Do not ask for the name again.")
@pass_session
def remove(session: Session, name: str, yes: bool) -> None:
    """Destroy a dataset for good: its keys, then its files."""
    by = session.principal()
    if not yes:
        _ask_again(session, name)
    answer = session.gatekeeper.dataset_remove(by, name)
    if render.answer_json(session, answer):
        return
    render.lines(say("keeping.removed", dataset=answer["dataset"], keys=answer["keys"]))
    session.tell("keeping.backups-hold-it")
    tell_cleaned(session, answer)


def _ask_again(session: Session, name: str) -> None:
    """Have the name typed once more; raises `UsageError` if it is another, or nobody can be asked."""
    if not (sys.stdin.isatty() and sys.stderr.isatty()):
        raise UsageError("keeping.needs-yes", dataset=name)
    session.tell("keeping.about-to-remove", dataset=name)
    if click.prompt(say("keeping.name-again"), err=True) != name:
        raise UsageError("keeping.other-name", dataset=name)


def tell_cleaned(session: Session, answer: Mapping[str, Any]) -> None:
    """Say so if something that was deleted is still in the workspace's files."""
    if not answer["cleaned"]:
        session.tell("keeping.not-cleaned")


def unit_list(path: str, column: str | None, encoding: str) -> UnitList:
    """Return the ids in the file *path*, or on standard input for ``-``."""
    if path == "-":
        return UnitList(sys.stdin.buffer.read(_MOST_BYTES), column, encoding)
    try:
        with Path(path).open("rb") as file:
            return UnitList(file.read(_MOST_BYTES), column, encoding)
    except OSError:
        raise InvalidInputError("file.unreadable", path=path) from None
