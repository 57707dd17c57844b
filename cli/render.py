"""Answers on standard output: tables for people, JSON for programs.

What is shown of a number is decided by its 95 % half-width (two significant digits of it): digits that the
noise has washed out would look like knowledge.  The null category is ``∅`` and a total ``Σ all``, which no
text can be mistaken for.  Everything printed is stripped of control characters, since names may come from a
stranger's file.
"""

from __future__ import annotations

import io
import json
import math
import os
import shutil
import sys
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from cli.session import ReaderGone, Session, say

NULL = "∅"
"""How the null category is shown; a text of this very shape is quoted."""
TOTAL = "Σ"
"""How the key of a row of totals begins; a text that begins so is quoted."""

Cell = str | int | Text | None
Heading = tuple[str, str]
"""(message key of the heading, "left" or "right")."""

_UNLIMITED = 10_000
_MOST_DECIMALS = 12
_NOTHING = ("", "0", "–")
"""Cells that say nothing where each has a line of its own."""


def out(text: str) -> None:
    """Write *text* to standard output; raises `ReaderGone` when nobody reads it any more."""
    try:
        sys.stdout.write(text if text.endswith("\n") else text + "\n")
        sys.stdout.flush()
    except BrokenPipeError:
        # The interpreter flushes once more at its end and would complain on standard error.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        raise ReaderGone from None


def answer_json(session: Session, answer: Mapping[str, Any]) -> bool:
    """Print *answer* as JSON if the user asked for that; return whether it was printed."""
    if session.json:
        text = json.dumps(answer, ensure_ascii=False, indent=2, allow_nan=False)
        out("".join(c if c.isprintable() or c == "\n" else json.dumps(c)[1:-1] for c in text))
    return session.json


def lines(*texts: str) -> None:
    """Print lines of text, without control characters."""
    out("\n".join(plain(text) for text in texts))


def table(headings: Sequence[Heading], rows: Iterable[Sequence[Cell]]) -> None:
    """Print a table; on a terminal it folds to the width, elsewhere it is as wide as it needs to be."""
    out(_drawn(_table(headings, rows)))


def table_or_paragraphs(headings: Sequence[Heading], rows: Sequence[Sequence[Cell]]) -> None:
    """Print a table if a terminal is wide enough for it, headings a word a line at most; else row by row.

    A row is then a paragraph: its first cell, and under it the others that say something.
    """
    stacked = [(heading.replace(" ", "\n"), side) for heading, side in headings]
    for shown in (_table(headings, rows), _table(stacked, rows)):
        if Console(width=_UNLIMITED).measure(shown).maximum <= _width():
            out(_drawn(shown))
            return
    labels = [heading for heading, _ in headings[1:]]
    out("\n\n".join(_paragraph(row, labels) for row in rows))


def _paragraph(row: Sequence[Cell], labels: Sequence[str]) -> str:
    shown = Table.grid(padding=(0, 2))
    for label, cell in zip(labels, row[1:], strict=True):
        if (text := _text(cell)).plain not in _NOTHING:
            shown.add_row("", Text(label, style="dim"), text)
    return _drawn(_text(row[0])) + "\n" + _drawn(shown)


def _table(headings: Sequence[Heading], rows: Iterable[Sequence[Cell]]) -> Table:
    shown = Table(box=box.SIMPLE_HEAD, pad_edge=False, show_edge=False)
    for heading, side in headings:
        shown.add_column(Text(heading), justify="right" if side == "right" else "left", overflow="fold")
    for row in rows:
        shown.add_row(*(_text(cell) for cell in row))
    return shown


def keyed(headings: Sequence[tuple[str, str]], rows: Iterable[Sequence[Cell]]) -> None:
    """Print a table whose headings are message keys."""
    table([(say(key), side) for key, side in headings], rows)


def facts(pairs: Iterable[tuple[str, Cell]]) -> None:
    """Print one labelled fact a line; labels are message keys."""
    shown = Table.grid(padding=(0, 2))
    for key, value in pairs:
        shown.add_row(Text(say(key), style="dim"), _text(value))
    out(_drawn(shown))


def plain(text: str) -> str:
    """Return *text* with everything that moves a cursor or colours a terminal written out."""
    return "".join(c if c.isprintable() or c == "\n" else c.encode("unicode_escape").decode() for c in text)


def instant(text: str) -> str:
    """Return an ISO 8601 instant in UTC to the second: ``2026-11-23 02:44:26``."""
    return text[:19].replace("T", " ")


def category(value: object) -> Text:
    """Return a group key as shown: null as ``∅``, empty text and a text that looks like ``∅`` in quotes."""
    if value is None:
        return Text(NULL, style="dim")
    text = plain(str(value))
    # Already quoted ones are quoted once more, so that no two values look alike.
    bare = text.strip("' ")
    return Text(f"'{text}'" if bare in ("", NULL) or bare.startswith(TOTAL) else text)


def total() -> Text:
    """Return what stands for a key in a row of totals over it."""
    return Text(f"{TOTAL} {say('reports.total')}", style="bold")


def decimals(half_width: float) -> int:
    """Return how many decimals a value deserves whose 95 % half-width is *half_width* (0 for integers)."""
    if not math.isfinite(half_width) or half_width <= 0:
        return 0
    return min(max(1 - math.floor(math.log10(half_width)), 0), _MOST_DECIMALS)


def estimate(value: float | None, low: float | None, high: float | None) -> tuple[str, str]:
    """Return a released number and its interval as shown: ``("12,345", "± 67")`` or ``("3", "[0, 41]")``."""
    if value is None:
        return "–", ""
    if low is None or high is None or low == value == high:
        whole = f"{value:,}" if isinstance(value, int) else f"{value:,.6g}"
        return whole, "" if low is None or high is None else f"[{whole}, {whole}]"
    digits = decimals(max(high - value, value - low))
    below, above = f"{value - low:,.{digits}f}", f"{high - value:,.{digits}f}"
    spread = f"± {above}" if below == above else f"[{low:,.{digits}f}, {high:,.{digits}f}]"
    return f"{value:,.{digits}f}", spread


def align_points(numbers: Sequence[str]) -> list[str]:
    """Return right-aligned *numbers* padded so that their decimal points stand under each other."""
    tails = [len(number.partition(".")[2]) + ("." in number) for number in numbers]
    widest = max(tails, default=0)
    return [number + " " * (widest - tail) for number, tail in zip(numbers, tails, strict=True)]


def _text(cell: Cell) -> Text:
    if isinstance(cell, Text):
        return cell
    return Text("" if cell is None else plain(str(cell)))


def _width() -> int:
    return shutil.get_terminal_size().columns if sys.stdout.isatty() else _UNLIMITED


def _drawn(thing: Table | Text) -> str:
    watched = sys.stdout.isatty()
    drawing = Console(
        file=io.StringIO(), force_terminal=watched, width=_width(), highlight=False, markup=False
    )
    with drawing.capture() as capture:
        drawing.print(thing)
    return "\n".join(line.rstrip() for line in capture.get().splitlines())
