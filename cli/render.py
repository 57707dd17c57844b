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
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any

from rich import box
from rich.cells import cell_len
from rich.console import Console
from rich.table import Table
from rich.text import Text

from cli.folding import folded, widths
from cli.session import ReaderGone, Session, say

NULL = "∅"
"""How the null category is shown; a text of this very shape is quoted."""
TOTAL = "Σ"
"""How the key of a row of totals begins; a text that begins so is quoted."""

Cell = str | int | Text | None
Heading = tuple[str, str]
"""(heading, "left" or "right")."""

_UNLIMITED = 10_000
_MOST_DECIMALS = 12
_EMPTY = ("",)
"""What has no line of its own in a paragraph."""
_NOTHING = ("", "0", "–")
"""What has none where each cell counts something that is wrong."""
_BETWEEN = 3
"""Cells between two columns of a table."""
_GUTTER = 2
"""Cells between a label and what it labels."""


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


def prose(*texts: str) -> None:
    """Print lines of text for reading, folded at the borders of words where a terminal watches."""
    lines(*(folded(text, _width()) for text in texts))


def table(headings: Sequence[Heading], rows: Iterable[Sequence[Cell]]) -> None:
    """Print a table; on a terminal it folds to the width, elsewhere it is as wide as it needs to be.

    Where a terminal is too narrow for its words, each row is a paragraph: its first cell, the others below.
    """
    cells = [[_text(cell) for cell in row] for row in rows]
    shown = _table(headings, cells)
    if _fits(shown):
        out(_drawn(shown))
        return
    columns = [[heading, *(row[n].plain for row in cells)] for n, (heading, _) in enumerate(headings)]
    wide = widths(columns, _width() - _BETWEEN * (len(headings) - 1))
    if wide is None:
        _paragraphs(headings, cells, _EMPTY)
    else:
        narrow = [(folded(heading, most), side) for (heading, side), most in zip(headings, wide, strict=True)]
        out(_drawn(_table(narrow, [map(_folded, row, wide) for row in cells])))


def fits(headings: Sequence[Heading], rows: Iterable[Sequence[Cell]]) -> bool:
    """Return whether a table fits as it is, with nothing folded."""
    return _fits(_table(headings, rows))


def table_or_paragraphs(headings: Sequence[Heading], rows: Sequence[Sequence[Cell]]) -> None:
    """Print a table if a terminal is wide enough for it, headings a word a line at most; else row by row.

    A row is then a paragraph: its first cell, and under it the others that say something.
    """
    stacked = [(heading.replace(" ", "\n"), side) for heading, side in headings]
    for shown in (_table(headings, rows), _table(stacked, rows)):
        if _fits(shown):
            out(_drawn(shown))
            return
    _paragraphs(headings, rows, _NOTHING)


def _fits(shown: Table) -> bool:
    return Console(width=_UNLIMITED).measure(shown).maximum <= _width()


def _folded(cell: Text, width: int) -> Text:
    """A cell in lines; what is styled is styled as a whole."""
    return Text(folded(cell.plain, width), style=cell.style)


def _paragraphs(headings: Sequence[Heading], rows: Sequence[Sequence[Cell]], silent: Collection[str]) -> None:
    labels = [heading for heading, _ in headings[1:]]
    out("\n\n".join(_paragraph(row, labels, silent) for row in rows))


def _paragraph(row: Sequence[Cell], labels: Sequence[str], silent: Collection[str]) -> str:
    told = [("", label, _text(cell)) for label, cell in zip(labels, row[1:], strict=True)]
    grid = _grid([line for line in told if line[-1].plain not in silent])
    return _drawn(_folded(_text(row[0]), _width())) + "\n" + _drawn(grid)


def _grid(rows: Sequence[tuple[str | Text, ...]]) -> Table:
    """Labels, dim, and what they label, which takes the room that they leave."""
    shown = Table.grid(padding=(0, _GUTTER))
    beside = max((sum(cell_len(str(label)) + _GUTTER for label in row[:-1]) for row in rows), default=0)
    for *labels, value in rows:
        dim = [Text(str(label), style="dim") for label in labels]
        shown.add_row(*dim, _folded(_text(value), _width() - beside))
    return shown


def _table(headings: Sequence[Heading], rows: Iterable[Iterable[Cell]]) -> Table:
    shown = Table(box=box.SIMPLE_HEAD, pad_edge=False, show_edge=False)
    for heading, side in headings:
        shown.add_column(Text(heading), justify="right" if side == "right" else "left", overflow="fold")
    for row in rows:
        shown.add_row(*(_text(cell) for cell in row))
    return shown


def keyed(headings: Sequence[tuple[str, str]], rows: Iterable[Sequence[Cell]]) -> None:
    """Print a table whose headings are message keys."""
    table(spoken(headings), rows)


def spoken(headings: Sequence[tuple[str, str]]) -> list[Heading]:
    """Return headings in the user's language of those that are message keys."""
    return [(say(key), side) for key, side in headings]


def facts(pairs: Iterable[tuple[str, Cell]]) -> None:
    """Print one labelled fact a line; labels are message keys."""
    out(_drawn(_grid([(say(key), _text(value)) for key, value in pairs])))


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
