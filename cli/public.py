"""Public tables at the command line: ``keyong dataset add FILE --public``, and how they are listed."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from typing import Any, Final

import click
from click.core import ParameterSource

from cli import render
from cli.pairs import advice
from cli.progress import watching
from cli.session import Session, say
from sandbox.errors import UsageError
from service.asked import NewTable

_OF_DATASETS: Final = (
    *("unit", "namespace", "filter", "delta", "shards", "drop_null_units"),
    *("lineage", "new_lineage", "readmit", "remove_source"),
)


def check_options(context: click.Context, public: bool) -> None:
    """Raise `UsageError` for options that do not go with ``--public``, or are missing without it."""
    given = {
        name for name in context.params if context.get_parameter_source(name) is not ParameterSource.DEFAULT
    }
    if not public:
        if "force_public" in given:
            raise UsageError("cli.only-public", option="--force-public")
        for parameter in context.command.params:
            if parameter.name in ("unit", "namespace") and context.params[parameter.name] is None:
                raise click.MissingParameter(ctx=context, param=parameter)
    elif odd := sorted(given.intersection(_OF_DATASETS)):
        raise UsageError("cli.not-public", options=[f"--{name.replace('_', '-')}" for name in odd])


def add_public(session: Session, new: NewTable, yes: bool) -> None:
    """Upload a public table, once its owner has said that nobody's data is in it."""
    by = session.principal()
    if not yes:
        _confirm(session, new)
    with watching(session) as report:
        answer = session.gatekeeper.table_add(by, new, report)
    if render.answer_json(session, answer):
        return
    said = "cli.table-replaced" if answer["replaced"] else "cli.table-added"
    render.lines(say(said, name=answer["name"], rows=answer["rows"]))
    render.facts([("cli.head-digest", answer["digest"])])
    if answer["personal"]:
        session.tell("cli.table-personal", columns=answer["personal"])
    for column, count in answer["nonconforming"].items():
        session.tell("cli.owner-nonconforming", column=column, count=count)


def _confirm(session: Session, new: NewTable) -> None:
    if not (sys.stdin.isatty() and sys.stderr.isatty()):
        raise UsageError("cli.needs-public-yes")
    preview = session.gatekeeper.table_preview(session.principal(), new)
    for column in preview["columns"]:
        click.echo(f"  {render.plain(column['name'])}: {column['kind']}", err=True)
    for line in advice(preview):
        click.echo(line, err=True)
    if preview["personal"]:
        session.tell("cli.table-personal", columns=preview["personal"])
    click.confirm(say("cli.accept-public"), abort=True, err=True)


def show_table(answer: Mapping[str, Any]) -> None:
    """Print the description of a public table."""
    render.facts(
        [
            ("cli.head-public-table", answer["name"]),
            ("cli.head-owner", answer["owner"]),
            ("cli.head-rows", f"{answer['rows']:,}"),
            ("cli.head-created", render.instant(answer["created"])),
            ("cli.head-digest", answer["digest"]),
        ]
    )
    render.out("")
    headings = [
        ("cli.head-column", "left"),
        ("cli.head-kind", "left"),
        ("cli.head-nulls", "left"),
        ("cli.head-domain", "left"),
    ]
    rows = [
        (c["name"], c["kind"], say("cli.no" if c["required"] else "cli.yes"), c["domain"] or "–")
        for c in answer["columns"]
    ]
    render.keyed(headings, rows)


def list_tables(tables: Sequence[Mapping[str, Any]]) -> None:
    """Print one line per public table, if there are any."""
    if not tables:
        return
    headings = [
        ("cli.head-public-table", "left"),
        ("cli.head-owner", "left"),
        ("cli.head-rows", "right"),
        ("cli.head-columns", "right"),
        ("cli.head-digest", "left"),
    ]
    render.out("")
    rows = [(t["name"], t["owner"], f"{t['rows']:,}", str(t["columns"]), t["digest"][:12]) for t in tables]
    render.keyed(headings, rows)
