"""Columns to decide about as a sheet: a CSV for a spreadsheet, written and read back with decisions in it.

It holds what `dataset classify` shows, never a cell of the data.  Whoever decides writes into the column
*decision*: ``ok`` (also 是, 同意, 确认) for the tag that stands there, or another tag, by its name or its
title; what is left empty stays undecided.  Into *reason* goes that of the line, where one reason does not do
for all.  Headings may be in any of our languages, and a spreadsheet may have saved the file with commas,
semicolons or tabs.  Text that a spreadsheet would take for a formula, a number, a date or a truth value has
an apostrophe in front, which reading takes away.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import click

from cli.column import Column, confidence, level, others, reasons, title_of, told_tag
from cli.session import say
from sandbox.errors import InvalidInputError
from sandbox.vault.encoding import check_start, undecodable
from sandbox.vault.header import plain
from service.client.exports import FORMULA
from service.messages import catalogue

MOST_BYTES: Final = 16 * 2**20
_READ: Final = ("cli.head-column", "cli.head-tag", "sheet.decision", "sheet.reason")
_HEADS: Final = (
    "cli.head-column",
    "cli.head-kind",
    "cli.head-tag",
    "cli.head-title",
    "sheet.state",
    "cli.head-level",
    "cli.head-confidence",
    "cli.head-evidence",
    "cli.head-runners-up",
    "sheet.decision",
    "sheet.reason",
)
_YES: Final = frozenset({"ok", "yes", "y", "√", "✓", "✔", "是", "同意", "确认"})
Titles = Mapping[str, Mapping[str, str]]
"""Titles of levels by language."""
_TAKEN_FOR: Final = re.compile(r"\d|(?i:true|false)$|(?i:jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)")
"""Names that spreadsheets make numbers, truth values or dates of."""
_DELIMITERS: Final = (",", ";", "\t")


@dataclass(frozen=True, slots=True)
class Decided:
    """What a sheet says: *tags* as in `service.asked.Decisions`, *reasons* of lines, and the tags *seen*."""

    tags: Mapping[str, str | None] = field(default_factory=dict)
    reasons: Mapping[str, str] = field(default_factory=dict)
    seen: Mapping[str, str] = field(default_factory=dict)


sheet_option = click.option(
    "--sheet",
    metavar="FILE",
    type=click.Path(path_type=Path),
    help="Write the columns to FILE, too: a CSV to decide in, for `dataset tag --sheet`.",
)


def write(path: Path, columns: Sequence[Column], profile: str, titles: Titles) -> None:
    """Write *columns* with their levels under *profile*, called by *titles*.

    Raises `InvalidInputError` where there is a file already, or none can be written.
    """
    made = io.StringIO()
    lines = csv.writer(made, quoting=csv.QUOTE_ALL)  # a name may hold what another spreadsheet splits at
    lines.writerow(say(key) for key in _HEADS)
    for column in columns:
        line = enumerate(_line(column, profile, titles))
        lines.writerow(_guarded(cell, is_name=place == 0) for place, cell in line)
    try:
        file = path.open("x", encoding="utf-8-sig", newline="")
    except FileExistsError:  # somebody may have decided in it
        raise InvalidInputError("sheet.exists", file=str(path)) from None
    except OSError:
        raise InvalidInputError("export.not-writable", path=str(path)) from None
    try:
        with file:
            file.write(made.getvalue())
    except BaseException:
        path.unlink()
        raise


def _line(column: Column, profile: str, titles: Titles) -> Iterator[str]:
    yield column["name"]
    yield column["kind"]
    yield column["tag"]
    yield title_of(column)
    yield told_tag(column)
    yield "; ".join(level(column, profile, titles).splitlines())
    yield confidence(column)
    yield "; ".join(reasons(column))
    yield "; ".join(others(column))
    yield ""
    yield ""


def _guarded(cell: str, is_name: bool) -> str:
    """Return *cell* so that no spreadsheet takes it for a formula, nor a name for what it would change."""
    taken = cell.startswith(FORMULA) or (is_name and _TAKEN_FOR.match(cell))
    return f"'{cell}" if taken else cell


def read(path: Path, encoding: str) -> Decided:
    """Return what is decided in the sheet at *path*.

    Raises `InvalidInputError` for a file that is no such sheet, that decides about a column twice or about
    none.
    """
    tags: dict[str, str | None] = {}
    reasons, seen = {}, {}
    for column, tag, decision, reason in _lines(path, encoding):
        if not decision:
            continue
        if column in tags:
            raise InvalidInputError("vault.column-twice", column=column[:80])
        tags[column] = None if decision.casefold() in _YES else decision
        seen[column] = tag
        if reason:
            reasons[column] = reason
    if not tags:
        raise InvalidInputError("sheet.nothing-decided", file=str(path), heading=say("sheet.decision"))
    return Decided(tags, reasons, seen)


def _lines(path: Path, encoding: str) -> Iterator[tuple[str, str, str, str]]:
    """Yield column, tag, decision and reason of each line that names a column."""
    text = _text(path, encoding)
    for delimiter in _DELIMITERS:
        lines = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter)
        try:
            places = _places(next(lines, []))
            if places is None:
                continue
            for line in lines:
                column, *said = (line[at].strip() if at < len(line) else "" for at in places)
                name = plain(column.removeprefix("'"))
                if name:
                    tag, decision, reason = (cell.removeprefix("'") for cell in said)
                    yield name, tag, decision, reason
        except csv.Error:  # a cell of more than 128 KB
            break
        return
    raise InvalidInputError("sheet.no-sheet", file=str(path), headings=[say(key) for key in _READ])


def _places(heads: Sequence[str]) -> list[int] | None:
    """Return where the cells to read stand; None if a heading is missing."""
    given = [head.strip().casefold() for head in heads]
    found = []
    for key in _READ:
        names = [catalogue.say(key, language).casefold() for language in catalogue.LANGUAGES]
        place = next((at for at, head in enumerate(given) if head in names), None)
        if place is None:
            return None
        found.append(place)
    return found


def _text(path: Path, encoding: str) -> str:
    if not path.exists():
        raise InvalidInputError("vault.no-such-file", file=str(path))
    if not path.is_file():
        raise InvalidInputError("vault.not-a-file", file=str(path))
    with path.open("rb") as file:
        content = file.read(MOST_BYTES + 1)
    if len(content) > MOST_BYTES:
        raise InvalidInputError("sheet.too-long", file=str(path), most=MOST_BYTES)
    check_start(content, path, encoding)
    try:
        return content.decode(encoding).removeprefix("\ufeff")
    except UnicodeError:
        raise undecodable(io.BytesIO(content), path, encoding) from None
