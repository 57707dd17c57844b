"""The catalogue at the command line: what there is, what it means, what may be asked, and how."""

from __future__ import annotations

import re
import shlex
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

import click

from cli import render
from cli.explained import group_bound
from cli.progress import watching
from cli.public import list_tables, show_table
from cli.session import Session, pass_session, say
from service.asked import Mock
from service.audit.telling import USES
from service.messages import catalogue
from service.wording import approval, tidy

Json = Mapping[str, Any]

_GENERAL: Final = "general"
_STEPPED: Final = re.compile(r"(\S+ … \S+) by (\S+)")
_SHELL: Final = frozenset('"$`\\!')
"""What a shell reads inside double quotes."""


@click.command("list")
@click.option("--search", metavar="WORDS", help="Only those in which all of these words stand somewhere.")
@pass_session
def list_datasets(session: Session, search: str | None) -> None:
    """List the datasets that you may see, and the public tables.

    --search looks in names, descriptions, columns with their meanings, and confirmed tags.
    """
    answer = session.gatekeeper.dataset_list(session.principal(), search)
    if render.answer_json(session, answer):
        return
    if search and not (answer["datasets"] or answer["public_tables"]):
        session.tell("catalogue.nothing-found", words=search)
        return
    if not answer["datasets"]:
        if not search:
            session.tell("catalogue.none")
        list_tables(answer["public_tables"])
        return
    headings: list[render.Heading] = [
        ("cli.head-dataset", "left"),
        ("cli.head-owner", "left"),
        ("cli.head-unit", "left"),
        ("cli.head-namespace", "left"),
        ("cli.head-version", "right"),
        ("cli.head-columns", "right"),
        ("cli.head-policy", "right"),
    ]
    keys = ["name", "owner", "unit", "namespace", "version", "columns", "policy_version"]
    for key, heading in (
        ("matches", "catalogue.head-matches"),
        ("description", "catalogue.head-description"),
    ):
        if any(dataset[key] for dataset in answer["datasets"]):
            headings.append((heading, "left"))
            keys.append(key)
    render.keyed(headings, [tuple(_brief(d[key]) for key in keys) for d in answer["datasets"]])
    list_tables(answer["public_tables"])


def _brief(value: Any) -> str:
    if isinstance(value, list):
        return ", ".join(value)
    return "–" if value is None else " ".join(str(value).split())


@click.command("show")
@click.argument("name")
@pass_session
def show(session: Session, name: str) -> None:
    """Show what a dataset is for, what its columns mean, and what you may ask of it."""
    answer = session.gatekeeper.dataset_show(session.principal(), name)
    if render.answer_json(session, answer):
        return
    if answer.get("public"):
        show_table(answer)
        return
    if answer["description"]:
        render.lines(answer["description"], "")
    render.facts(_terms(answer))
    render.out("")
    headings = [
        ("cli.head-column", "left"),
        ("catalogue.head-meaning", "left"),
        ("cli.head-kind", "left"),
        ("cli.head-tag", "left"),
        ("cli.head-uses", "left"),
        ("cli.head-domain", "left"),
    ]
    render.keyed(headings, [_column(column) for column in answer["columns"]])
    _examples(answer)


def _terms(answer: Json) -> Iterator[tuple[str, render.Cell]]:
    yield "cli.head-dataset", f"{answer['name']} v{answer['version']}"
    yield "cli.head-owner", answer["owner"]
    yield "cli.head-unit", f"{answer['unit']} ({answer['namespace']})"
    yield "cli.head-filter", f"{answer['filter']}, δ {tidy(answer['delta'])}"
    yield "cli.head-lineage", answer["lineage"]
    if answer["max_rows"] is not None:
        rows, subquery = answer["max_rows"], answer["most_rows"]
        yield "cli.head-max-rows", say("cli.rows-of-a-unit", rows=rows, subquery=subquery)
        yield from group_bound(answer)
    if answer["joins"]:
        yield "cli.head-joins", ", ".join(answer["joins"])
    if answer.get("minimum_count"):
        yield "cli.head-minimum", say("cli.minimum-count", minimum=answer["minimum_count"])
    if answer.get("keep_days"):
        yield "cli.head-kept", say("cli.kept-days", days=answer["keep_days"])
    if answer["selection"]:
        once, ever = (tidy(answer["selection"][key]) for key in ("per_job", "lifetime"))
        yield "cli.head-selection", say("cli.selection-delta", once=once, ever=ever)
    for grant in answer["grants"]:
        yield "cli.head-purpose", _grant(grant)
    if answer["budget"]:
        yield "catalogue.head-left-for-you", _left(answer["budget"])


def _grant(grant: Json) -> str:
    return say(
        "catalogue.grant",
        purposes=grant["purposes"],
        operations=grant["operations"],
        until=grant["until"],
        approval=approval(grant["whose"]) if grant["whose"] else say("cli.approval-auto"),
    )


def _left(budget: Json) -> str:
    left, limit = tidy(budget["remaining"]["epsilon"]), tidy(budget["limit"]["epsilon"])
    if budget["per_job"] is None:
        return say("catalogue.left", left=left, limit=limit)
    return say("catalogue.left-per-job", left=left, limit=limit, once=tidy(budget["per_job"]["epsilon"]))


def _column(column: Json) -> tuple[render.Cell, ...]:
    tag = column["tag"] or "–"
    shown = tag if column["confirmed"] or not column["tag"] else say("cli.unconfirmed", tag=tag)
    domain = _domain(column) or (say("cli.keys-selected") if column["keys"] else None)
    title = column["title_zh"] if catalogue.language() == "zh" else column["title"]
    title = None if column["tag"] == _GENERAL else title  # that it is nothing personal says not what it is
    meaning = column["description"] or title or "–"
    uses = ", ".join(say(USES[use]) if use in USES else use for use in column["uses"])
    return column["name"], meaning, column["kind"], shown, uses, domain


def _domain(column: Json) -> str | None:
    """A domain in the user's language: ``0 … 14 by 1`` has a word in it."""
    domain: str | None = column["domain"]
    stepped = _STEPPED.fullmatch(domain or "")
    return f"{stepped[1]}{say('cli.clamp-step')}{stepped[2]}" if stepped else domain


def _examples(answer: Json) -> None:
    if not answer["examples"]:
        return
    render.lines("", say("catalogue.examples"), *map(_command, answer["examples"]))


def _command(one: Json) -> str:
    """The command that asks an example, ready to be typed."""
    sql, purpose = one["sql"], shlex.quote(one["purpose"])
    typed = shlex.quote(sql) if _SHELL.intersection(sql) else f'"{sql}"'
    return f"  keyong query {typed} --epsilon {one['epsilon']} --purpose {purpose}"


@click.command("describe")
@click.argument("name")
@click.option("--text", help="What it is and where it comes from; without it, standard input is read.")
@pass_session
def describe(session: Session, name: str, text: str | None) -> None:
    """Say what a dataset is for and where it comes from; everybody who sees it in the catalogue reads it."""
    answer = session.gatekeeper.dataset_describe(
        session.principal(), name, sys.stdin.read() if text is None else text
    )
    if not render.answer_json(session, answer):
        render.lines(say("catalogue.described", dataset=name))


@click.command("mock")
@click.argument("name")
@click.option(
    "-o", "--output", "path", required=True, type=click.Path(dir_okay=False, path_type=Path), metavar="FILE",
    help="A new FILE.csv or FILE.parquet.",
)  # fmt: skip
@click.option("--rows", type=int, metavar="N", help="How many rows; otherwise as usual for the dataset.")
@click.option("--units", type=int, metavar="M", help="Of how many people.")
@click.option("--seed", type=int, default=1, show_default=True, help="The same seed makes the same file.")
@pass_session
def mock(
    session: Session, /, *, path: Path, name: str, rows: int | None, units: int | None, seed: int
) -> None:
    """Write invented rows that look like those of a dataset, to try things on; nobody's data is in them."""
    wanted = Mock(rows, units, seed)
    with watching(session) as report:
        answer = session.gatekeeper.dataset_mock(session.principal(), name, path, wanted, report)
    if not render.answer_json(session, answer):
        told = {key: answer[key] for key in ("dataset", "path", "rows", "units", "seed")}
        render.lines(say("mock.written", **told))
