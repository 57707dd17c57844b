"""Answers as bars in a terminal: what is sure, what is noise, and where the released value lies."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Mapping, Sequence
from typing import Any, Final

from rich.cells import cell_len, set_cell_size

from cli import render
from cli.session import say
from service.client.bars import interval_bar, speaks_unicode

Json = Mapping[str, Any]

_WIDTH: Final = 100
"""Columns where no terminal watches."""
_WIDEST_LABEL, _NARROWEST_BAR = 30, 10


def show_bars(result: Json) -> None:
    """Print every value of a release as bars, and how to read them."""
    width = shutil.get_terminal_size().columns if sys.stdout.isatty() else _WIDTH
    lines: list[str] = []
    for table in result["tables"]:
        for column in table["columns"]:
            if column["kind"] == "value":
                lines += ["", *_bars(table, column["name"], width)]
    legend = say("export.legend") if speaks_unicode() else say("export.legend-ascii")
    render.lines(*lines, "", legend, *([say("mock.banner")] if result["mock"] else []))


def _bars(table: Json, name: str, width: int) -> list[str]:
    rows = table["rows"]
    keys = [column["name"] for column in table["columns"] if column["kind"] == "key"]
    labels = [" · ".join(_label(row, key) for key in keys) for row in rows]
    shown = [" ".join(render.estimate(row[name], *_ends(row, name))) for row in rows]
    beside = min(max(map(cell_len, labels), default=0), _WIDEST_LABEL)
    room = max(width - beside - max(map(cell_len, shown), default=0) - 4, _NARROWEST_BAR)
    start, end = _span(rows, name)
    bars = [interval_bar(row[name], *_ends(row, name), (start, end), room) for row in rows]
    return [name] + [
        f"{set_cell_size(label, beside)}  {bar}  {text}".rstrip()
        for label, bar, text in zip(labels, bars, shown, strict=True)
    ]


def _label(row: Json, key: str) -> str:
    return str(render.total() if key in row.get("_totals", ()) else render.category(row[key]))


def _ends(row: Json, name: str) -> tuple[float | None, float | None]:
    return row.get(f"{name}_low"), row.get(f"{name}_high")


def _span(rows: Sequence[Json], name: str) -> tuple[float, float]:
    """From the lowest to the highest end of anything drawn, and 0."""
    known = [0.0]
    for row in rows:
        known += [value for value in (row[name], *_ends(row, name)) if value is not None]
    return min(known), max(known)
