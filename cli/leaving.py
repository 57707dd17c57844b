"""``keyong dataset withdraw-unit``, ``rotate``: people leave a dataset, and keys."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from cli import render
from cli.pairs import encoding_option
from cli.session import Session, pass_session, say
from sandbox.errors import InvalidInputError
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
