"""``keyong dataset inspect``: a file looked at by its owner before it is registered."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import click

from cli import render, sheets
from cli.classified import column_of, only_option, profile_option, selected, show_explained, show_proposals
from cli.column import percent
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
from cli.session import Session, pass_session, say
from cli.sheets import sheet_option
from service.asked import Inspection, NewTable

_MOST_ROWS: Final = 100
_MOST_ACROSS: Final = 20
"""Columns that a preview shows side by side."""
_FAULTS: Final = (
    ("missing", "cli.head-marks"),
    ("nonconforming", "cli.head-nonconforming"),
    ("invalid", "cli.head-invalid"),
    ("impossible", "cli.head-impossible"),
    ("outside", "cli.head-outside"),
    ("blanks", "cli.head-blanks"),
    ("full_width", "cli.head-full-width"),
)


@click.command("inspect")
@click.argument("path", metavar="FILE", type=click.Path(path_type=Path))
@click.option("--explain", metavar="COL", help="Every hint for one column.")
@click.option("--quality", is_flag=True, help="What is wrong with the cells; reads the whole file.")
@click.option("--preview", type=click.IntRange(0, _MOST_ROWS), default=0, help="Show so many masked rows.")
@click.option(
    "--unit",
    metavar="COL",
    help='Key column of who is protected, or "row"; --quality counts the further rows of each.',
)
@click.option("--policy", type=click.Path(path_type=Path), help="Check its domains, too; implies --quality.")
@only_option("personal", "sensitive")
@profile_option
@sheet_option
@click.option("--type", "types", multiple=True, metavar="COL=KIND", help="As in `dataset add`; repeat.")
@click.option("--missing", multiple=True, metavar="COL=MARK", help="As in `dataset add`; repeat.")
@click.option("--delimiter", default=",", show_default=True, help="One character; \\t is a tab.")
@encoding_option
@skip_lines_option
@recognizers_option
@dictionary_option
@pass_session
def inspect(
    session: Session,
    /,
    *,
    path: Path,
    explain: str | None,
    only: str | None,
    profile: str,
    sheet: Path | None,
    **said: Any,
) -> None:
    """Look at a CSV or Parquet FILE before it is registered: tags, quality, masked rows.

    Nothing is stored or logged, and no cell is shown unmasked but for categories that --quality proposes. No
    workspace is needed.
    """
    types, missing = pairs(said["types"], "--type", last=True), marks(said["missing"])
    delimiter = "\t" if said["delimiter"] == "\\t" else said["delimiter"]
    said_of_it = {key: said[key] for key in ("encoding", "skip_lines", "recognizers", "dictionary")}
    new = NewTable(path, path.name, types, missing, delimiter=delimiter, **said_of_it)
    quality = said["quality"] or said["policy"] is not None
    wanted = Inspection(quality=quality, **{key: said[key] for key in ("preview", "unit", "policy")})
    with watching(session) as report:
        if session.is_outside:
            answer = session.service.inspect_file(new, wanted, report)
        else:
            answer = session.gatekeeper.dataset_inspect(session.principal(), new, wanted, report)
    explained, shown = column_of(answer, explain, profile), selected(answer, only)
    if sheet is not None:
        sheets.write(sheet, shown, profile, answer["levels"][profile]["titles"])
        session.tell("sheet.written", file=str(sheet), dataset="NAME")
    if render.answer_json(session, {**answer, "columns": shown}):
        return
    if explained is None:
        show_proposals(answer, path.name, profile, only)
        for line in advice(answer):
            (render.lines if line.startswith(" ") else render.prose)(line)  # options are for pasting
    else:
        show_explained(answer, explained)
    if answer["quality"]:
        _quality(answer["quality"])
    if answer["preview"] is not None:
        render.out("")
        _preview([column["name"] for column in answer["columns"]], answer["preview"])


def _preview(names: Sequence[str], rows: Sequence[Sequence[str | None]]) -> None:
    """Print masked rows; where they are too wide for that, a line for each column."""
    cells = [[render.category(cell) for cell in row] for row in rows]
    across = [(render.plain(name), "left") for name in names]
    if len(names) <= _MOST_ACROSS and render.fits(across, cells):
        render.table(across, cells)
        return
    numbers = [(f"{number}", "left") for number in range(1, len(rows) + 1)]
    turned = ([name, *of_it] for name, *of_it in zip(names, *cells, strict=True))
    render.table([(say("cli.head-column"), "left"), *numbers], turned)


def _quality(quality: Mapping[str, Any]) -> None:
    render.out("")
    columns = quality["columns"]
    found = [(name, key) for name, key in _FAULTS if any(column[name] for column in columns)]
    headings = [
        (say("cli.head-column"), "left"),
        (say("cli.head-null-cells"), "right"),
        *((say(key), "right") for _, key in found),
        (say("cli.head-formats"), "left"),
        (say("cli.head-problems"), "right"),
    ]
    names = [name for name, _ in found]
    render.table_or_paragraphs(headings, [_faults(column, names) for column in columns])
    render.lines("", say("cli.quality-table", rows=quality["rows"], share=percent(quality["ratio"])))
    _say_more(quality)
    if quality["domains"]:
        render.lines("", "columns:", f"  # {quality['disclosure']}", *quality["domains"])


def _say_more(quality: Mapping[str, Any]) -> None:
    nowhere = [
        say(key)
        for name, key in _FAULTS
        if {column[name] for column in quality["columns"]} in ({0}, {0, None})
    ]
    if nowhere:
        render.lines(say("cli.quality-nowhere", faults=nowhere))
    for column in quality["columns"]:
        kind, count = column["prevailing"], column["nonconforming"]
        if kind and count:
            render.lines(say("cli.quality-prevailing", column=column["column"], kind=kind, count=count))
    if quality["duplicates"] is not None:
        key = "cli.quality-units-about" if quality["approximate"] else "cli.quality-units"
        render.lines(say(key, rows=quality["duplicates"], nulls=quality["null_units"]))


def _faults(column: Mapping[str, Any], names: Sequence[str]) -> tuple[render.Cell, ...]:
    counts = [_count(column[name]) for name in names]
    formats = "–"
    if column["formats"]:
        top = render.plain(column["top_format"])
        formats = f"{column['formats']:,} ({top} {percent(column['top_share'])})"
    return column["column"], _count(column["nulls"]), *counts, formats, percent(column["ratio"])


def _count(number: int | None) -> str:
    return "–" if number is None else f"{number:,}"
