"""Released tables as files that other programs read, made of the gatekeeper's JSON alone.

**CSV.** UTF-8, CRLF, a heading line.  Text is always in quotes, numbers never are, null is an empty field
without quotes.  A text that a spreadsheet would take for a formula, or that begins with an apostrophe, is
written with one more apostrophe in front: taking one away from texts that begin with it gives back what was
released.  What the numbers cost stands beside the file in ``FILE.json``, so that the CSV holds nothing else.

**Parquet.** The same columns with their types; what they cost is the file's metadata under ``keyong``.

A value's 95 % interval is in the columns ``NAME_low`` and ``NAME_high``.  Tables of invented data have a
column ``_mock`` that is true in every row.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

from sandbox.errors import InvalidInputError

Json = Mapping[str, Any]

FORMULA: Final = ("=", "+", "-", "@", "\t", "\r", "\n", "'", "＝", "＋", "－", "＠")
"""Beginnings of text that get an apostrophe in front (OWASP, CSV Injection; full-width forms, too)."""


def check_place(path: Path) -> None:
    """Raise `InvalidInputError` unless a file can be written at *path*; asked before anything is spent."""
    target = path if path.exists() else path.parent
    if path.is_dir() or not os.access(target, os.W_OK):
        raise InvalidInputError("export.not-writable", path=str(path))


def csv_text(result: Json, number: int = 0) -> str:
    """Return table *number* (from 0) of a release as CSV."""
    columns = columns_of(result, number)
    lines = [columns, *zip(*columns.values(), strict=True)]
    return "".join(",".join(map(_cell, line)) + "\r\n" for line in lines)


def _cell(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        return repr(value)
    text = json.dumps(value, ensure_ascii=False) if isinstance(value, list) else str(value)
    guarded = f"'{text}" if text.startswith(FORMULA) else text
    quoted = guarded.replace('"', '""')
    return f'"{quoted}"'


def columns_of(result: Json, number: int = 0) -> dict[str, list[Any]]:
    """Return table *number* column by column: keys, values with their intervals, ``_totals``, ``_mock``."""
    table = result["tables"][number]
    rows, names = table["rows"], names_of(table)
    found = {name: [row.get(name) for row in rows] for name in names}
    if result["mock"]:
        found["_mock"] = [True] * len(rows)
    return found


def names_of(table: Json) -> list[str]:
    """Return the names of a table's columns, each value's interval after it, ``_totals`` at the end."""
    names: list[str] = []
    for column in table["columns"]:
        name = column["name"]
        names += [name] if column["kind"] == "key" else [name, f"{name}_low", f"{name}_high"]
    return [*names, "_totals"] if any("_totals" in row for row in table["rows"]) else names


def about(result: Json, number: int = 0) -> dict[str, Any]:
    """Return everything about table *number* but its rows: job, cost, noise, datasets, notes."""
    table = result["tables"][number]
    kept = {key: value for key, value in result.items() if key != "tables"}
    return kept | {key: value for key, value in table.items() if key != "rows"}


def write_csv(result: Json, path: Path, number: int = 0) -> None:
    """Write table *number* to *path*, and beside it, to ``PATH.json``, what is known of it."""
    beside = path.with_name(f"{path.name}.json")
    with whole(beside) as draft:
        told = json.dumps(about(result, number), ensure_ascii=False, indent=2, allow_nan=False)
        draft.write_text(told + "\n", encoding="utf-8")
    with whole(path) as draft, draft.open("w", encoding="utf-8", newline="") as file:
        file.write(csv_text(result, number))


def write_parquet(result: Json, path: Path, number: int = 0) -> None:
    """Write table *number* to *path* with what is known of it as metadata."""
    import pyarrow as pa  # noqa: PLC0415 - 0.3 s that only Parquet needs
    import pyarrow.parquet as pq  # noqa: PLC0415

    kinds = {column["name"]: column["kind"] for column in result["tables"][number]["columns"]}
    arrays = {
        name: _typed(pa, values, number_like=kinds.get(name) != "key" and not name.startswith("_"))
        for name, values in columns_of(result, number).items()
    }
    told = json.dumps(about(result, number), ensure_ascii=False, allow_nan=False)
    table = pa.table(arrays).replace_schema_metadata({"keyong": told})
    with whole(path) as draft:
        pq.write_table(table, draft)


def _typed(pa: Any, values: list[Any], *, number_like: bool) -> Any:
    try:
        found = pa.array(values)
    except (OverflowError, pa.ArrowInvalid):  # beyond int64
        found = pa.array([None if value is None else float(value) for value in values], pa.float64())
    if pa.types.is_null(found.type):
        return found.cast(pa.float64() if number_like else pa.string())
    return found


@contextmanager
def whole(path: Path) -> Iterator[Path]:
    """Yield a draft beside *path* that takes its place when all is well, and goes when it is not."""
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        yield draft
        draft.replace(path)
    finally:
        draft.unlink(missing_ok=True)
