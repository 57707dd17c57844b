"""Text cut into lines of so many terminal cells: at the borders of words while that can be.

A line ends at a blank, or beside an ideograph unless a mark would be torn from what it belongs to.  A word
wider than the line ends after one of its joints (``emergency_``, ``pi.``), and only a part that is still
wider is cut where it must be.  An ideograph is two cells wide.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Final

from rich.cells import cell_len, chop_cells

_WIDE: Final = "\u2e80-\u9fff\uac00-\ud7af\uf900-\ufaff\U00020000-\U0003ffff"
_OPENING: Final = "（〔［｛《〈「『【“‘"
_CLOSING: Final = "）〕］｝》〉」』】”’、，。；：！？％…,.;:!?%)\\]}"
_WORD: Final = re.compile(
    rf" +|[{_OPENING}]*(?:[{_WIDE}]|[^\s{_WIDE}{_OPENING}]+)[{_CLOSING}]*|[{_OPENING}]+|\s"
)
"""A run of blanks, or an ideograph or a word with the marks that belong to it."""
_PART: Final = re.compile(r"[^_.\-/@=,]*[_.\-/@=,]+|[^_.\-/@=,]+")
"""A part of a word, with the joint that ends it."""
_READABLE: Final = 8
"""Cells below which a column of longer text is not narrowed: a line should hold a few letters."""


def folded(text: str, width: int) -> str:
    """Return *text* with line ends, so that no line is wider than *width* cells (2 at least)."""
    return "\n".join(line for given in text.split("\n") for line in _lines(given, max(width, 2)))


def widths(columns: Sequence[Sequence[str]], room: int) -> list[int] | None:
    """Return how wide each of *columns*, given by its cells, is in *room* cells; None if they do not fit.

    Words stay whole if there is room for that; otherwise they are cut at their joints.
    """
    wanted = [
        max((cell_len(line) for cell in cells for line in cell.split("\n")), default=0) for cells in columns
    ]
    for pieces in (_words, _parts):
        least = [
            min(most, max([_READABLE, *(cell_len(piece) for cell in cells for piece in pieces(cell))]))
            for most, cells in zip(wanted, columns, strict=True)
        ]
        if sum(least) <= room:
            return _shared(wanted, least, room)
    return None


def _shared(wanted: Sequence[int], least: Sequence[int], room: int) -> list[int]:
    """Narrow the widest column that may be narrower, cell by cell, until all fit."""
    found = list(wanted)
    while sum(found) > room:
        widest = max((n for n in range(len(found)) if found[n] > least[n]), key=lambda n: found[n])
        found[widest] -= 1
    return found


def _lines(text: str, width: int) -> Iterator[str]:
    if cell_len(text) <= width:
        yield text  # blanks at its end may align it
        return
    line = ""
    for piece in _pieces(text, width):
        if line and cell_len(line + piece.rstrip()) > width:
            yield line.rstrip()
            line = ""
        line += piece if line else piece.lstrip()
    yield line.rstrip()


def _pieces(text: str, width: int) -> Iterator[str]:
    """Cut *text* into what may stand in a line of *width*."""
    for word in _words(text):
        if cell_len(word) <= width:
            yield word
            continue
        for part in _parts(word):
            yield from [part] if cell_len(part) <= width else chop_cells(part, width)


def _words(text: str) -> list[str]:
    return _WORD.findall(text)


def _parts(text: str) -> list[str]:
    return [part for word in _words(text) for part in _PART.findall(word)]
