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
import unicodedata
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
_DATASET: Final = "cli.head-dataset"
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
    _DATASET,
)
_YES: Final = frozenset({"ok", "yes", "y", "ja", "oui", "sí", "√", "✓", "✔", "是", "同意", "确认"})
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


def write(path: Path, columns: Sequence[Column], profile: str, titles: Titles, dataset: str = "") -> None:
    """Write *columns* (of *dataset*, if they are registered) with their levels under *profile*.

    Raises `InvalidInputError` where there is a file already, or none can be written.
    """
    made = io.StringIO()
    lines = csv.writer(made, quoting=csv.QUOTE_ALL)  # a name may hold what another spreadsheet splits at
    lines.writerow(say(key) for key in _HEADS)
    for column in columns:
        line = enumerate([*_line(column, profile, titles), dataset])
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


def read(path: Path, encoding: str, dataset: str) -> Decided:
    """Return what is decided in the sheet at *path* about columns of *dataset*.

    Raises `InvalidInputError` for a file that is no such sheet or one of another dataset, that decides about
    a column twice or about none, and for a line that says something and decides nothing.
    """
    tags: dict[str, str | None] = {}
    reasons, seen = {}, {}
    for number, line in _lines(path, encoding):
        if line.dataset not in ("", dataset):
            raise InvalidInputError(
                "sheet.other-dataset", file=str(path), dataset=dataset, other=line.dataset[:130]
            )
        if not (line.column and line.decision):
            if line.reason or line.decision:
                raise InvalidInputError("sheet.half-a-line", file=str(path), line=number)
            continue
        if line.column in tags:
            raise InvalidInputError(
                "sheet.column-twice", file=str(path), line=number, column=line.column[:80]
            )
        tags[line.column] = None if _folded(line.decision).rstrip("。.!") in _YES else line.decision
        seen[line.column] = line.tag
        if line.reason:
            reasons[line.column] = line.reason
    if not tags:
        raise InvalidInputError("sheet.nothing-decided", file=str(path), heading=say("sheet.decision"))
    return Decided(tags, reasons, seen)


@dataclass(frozen=True, slots=True)
class _Line:
    column: str
    tag: str
    decision: str
    reason: str
    dataset: str = ""


def _lines(path: Path, encoding: str) -> Iterator[tuple[int, _Line]]:
    """Yield the lines behind the headings with the number of each."""
    text = _text(path, encoding)
    for delimiter in _DELIMITERS:
        lines = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter)
        try:
            places = _places(path, next(lines, []))
            if places is None:
                continue
            for line in lines:
                cells = [line[at].strip().removeprefix("'") if at < len(line) else "" for at in places]
                yield lines.line_num, _Line(plain(cells[0]), *cells[1:])
        except csv.Error:  # a cell of more than 128 KB
            break
        return
    raise InvalidInputError("sheet.no-sheet", file=str(path), headings=[say(key) for key in _READ])


def _places(path: Path, heads: Sequence[str]) -> list[int] | None:
    """Return where the cells to read stand, that of the dataset last; None if a heading is missing."""
    given = [_folded(head) for head in heads]
    found = []
    for key in (*_READ, _DATASET):
        names = [_folded(catalogue.say(key, language)) for language in catalogue.LANGUAGES]
        places = [at for at, head in enumerate(given) if head in names]
        if len(places) > 1:
            raise InvalidInputError("sheet.heading-twice", file=str(path), heading=heads[places[1]][:80])
        if not places and key != _DATASET:
            return None
        found += places
    return found


def _folded(text: str) -> str:
    """Return *text* for comparing: full-width letters, case and blanks around make no difference."""
    return unicodedata.normalize("NFKC", text).casefold().strip()


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
