"""``keyong dataset``: register, describe and tag."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from dataclasses import fields
from pathlib import Path
from typing import Any

import click

from cli import catalogue, render, tagging
from cli.inspect import inspect
from cli.leaving import compact, remove, rotate, unit_list, withdraw_unit
from cli.pairs import (
    advice,
    dictionary_option,
    encoding_option,
    marks,
    pairs,
    recognizers_option,
    skip_lines_option,
)
from cli.progress import watching
from cli.public import add_public, check_options
from cli.session import Session, pass_session, say
from sandbox.errors import UsageError
from service.asked import NewDataset, NewTable


@click.group()
def dataset() -> None:
    """Register, describe and tag datasets."""


@dataset.command("add")
@click.argument("path", metavar="FILE", type=click.Path(path_type=Path))
@click.option("--name", required=True, help="e.g. health.diabetes")
@click.option("--unit", help='Key column of who is protected, or "row": each row is its own person.')
@click.option("--namespace", help="The kind of unit, e.g. cn.resident_id")
@click.option("--public", is_flag=True, help="A table with nobody's data in it, in clear and for everybody.")
@click.option("--force-public", metavar="REASON", help="Columns look personal and are not, because …")
@click.option("--filter", type=click.Choice(["zcdp", "pure"]), default="zcdp", show_default=True)
@click.option("--delta", default="1e-6", show_default=True, help="δ of the lineage (zcdp).")
@click.option("--shards", type=int, default=16, show_default=True, help="A power of two.")
@click.option(
    "--type",
    "types",
    multiple=True,
    metavar="COL=KIND",
    help='e.g. price="decimal(12,2)", born="date(dmy)"; repeat.',
)
@click.option(
    "--missing", multiple=True, metavar="COL=MARK", help="Mark that means null; * is every column; repeat."
)
@click.option("--required", "required", multiple=True, metavar="COL", help="Column without nulls; repeat.")
@click.option("--delimiter", default=",", show_default=True, help="One character; \\t is a tab.")
@encoding_option
@skip_lines_option
@recognizers_option
@dictionary_option
@click.option(
    "--drop-null-units", is_flag=True, help="Leave out rows whose unit is null instead of refusing."
)
@click.option("--lineage", metavar="ID", help="This is a new version of a known lineage.")
@click.option(
    "--new-lineage", metavar="REASON", help="Other people than those in the known namespace, because …"
)
@click.option("--readmit", metavar="FILE", help="Ids of withdrawn persons who are wanted again, one a line.")
@click.option("--remove-source", is_flag=True, help="Delete FILE once it is safely registered.")
@click.option("--yes", is_flag=True, help="Accept the proposed types without asking.")
@click.pass_context
@pass_session
def add(
    session: Session,
    context: click.Context,
    /,
    *,
    yes: bool,
    public: bool,
    force_public: str | None,
    **said: Any,
) -> None:
    """Register a CSV or Parquet FILE, encrypted; only ciphertext is written.

    With --public it is a table for everybody to join with, and stands in clear.
    """
    check_options(context, public)
    said["types"] = pairs(said["types"], "--type", last=True)
    said["missing"] = marks(said["missing"])
    said["delimiter"] = "\t" if said["delimiter"] == "\\t" else said["delimiter"]
    if public:
        known = {field.name: said[field.name] for field in fields(NewTable) if field.name in said}
        add_public(session, NewTable(**known, reason=force_public), yes)
        return
    if said["readmit"] is not None:
        said["readmit"] = unit_list(said["readmit"], None, said["encoding"])
    new = NewDataset(**said)
    by = session.principal()
    if not yes:
        _confirm(session, new)
    with watching(session) as report:
        answer = session.gatekeeper.dataset_add(by, new, report)
    if render.answer_json(session, answer):
        return
    render.lines(say("cli.dataset-added", dataset=answer["dataset"], version=answer["version"]))
    render.facts([("cli.head-lineage", answer["lineage"]), ("cli.head-digest", answer["digest"])])
    _owner_report(session, answer["owner_report"])
    if yes:  # else it was shown before asking
        _advise_late(session, list(advice(answer["owner_report"])))
    session.tell("cli.added-next", dataset=answer["dataset"])


def _confirm(session: Session, new: NewDataset) -> None:
    """Show the types to the owner and ask; raises `UsageError` when nobody can be asked."""
    if not (sys.stdin.isatty() and sys.stderr.isatty()):
        raise UsageError("cli.needs-yes")
    preview = session.gatekeeper.dataset_preview(session.principal(), new)
    if preview["declared"]:
        click.echo(say("cli.types-declared"), err=True)
    for column in preview["columns"]:
        click.echo(f"  {render.plain(column['name'])}: {column['kind']}", err=True)
    for line in advice(preview):
        click.echo(line, err=True)
    click.confirm(say("cli.accept-types"), abort=True, err=True)


def _advise_late(session: Session, lines: list[str]) -> None:
    if lines and not session.quiet:
        session.tell("cli.types-stay")
        for line in lines:
            click.echo(line, err=True)


def _owner_report(session: Session, report: Mapping[str, Any]) -> None:
    # Exact counts are for the owner who just handed the rows over, hence talk and not data.
    session.tell("cli.owner-report", rows=report["rows"])
    if report["null_units_dropped"]:
        session.tell("cli.owner-dropped", rows=report["null_units_dropped"])
    if report["withdrawn_dropped"]:
        session.tell("keeping.withdrawn-left-out", rows=report["withdrawn_dropped"])
    for column, count in report["nonconforming"].items():
        session.tell("cli.owner-nonconforming", column=column, count=count)
    for column, tag in report["drifted"].items():
        session.tell("cli.owner-drifted", column=column, tag=tag)


dataset.add_command(catalogue.list_datasets)
dataset.add_command(catalogue.show)
dataset.add_command(catalogue.describe)
dataset.add_command(catalogue.mock)
dataset.add_command(inspect)
dataset.add_command(tagging.classify)
dataset.add_command(tagging.tag)
dataset.add_command(tagging.list_tags)
dataset.add_command(withdraw_unit)
dataset.add_command(rotate)
dataset.add_command(compact)
dataset.add_command(remove)
