"""What came out of a job, as people read it: a table per statement, then what was paid and what it means."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from rich.text import Text

from cli import render
from cli.session import Session, say
from service import wording
from service.wording import loss, mechanism, tidy

Json = Mapping[str, Any]

_ABREAST: Final = 5
"""A table of one row that has more columns than this stands upright."""


def show_result(session: Session, result: Json) -> None:
    """Print a release: every value with its 95 % interval, then what it cost and how to read it."""
    if render.answer_json(session, result):
        return
    tables, mock = result["tables"], result["mock"]
    if mock:
        render.lines(say("mock.banner"), "")
    common = _common_notes(tables)
    for table in tables:
        if len(tables) > 1:
            render.lines(statement_line(table))
        show_table(table, mock=mock)
        render.out("")
        own = [note for note in _notes(table) if note not in common]
        if own:
            render.lines(*own)
            render.out("")
    render.lines(*(_rehearsed(result) if mock else _cost(result)), *common)
    if mock:
        render.lines("", say("mock.banner"))


def statement_line(table: Json) -> str:
    """Return the line above a table of several: its number and, if it is told, its text on one line."""
    number, sql = table["statement"], " ".join((table["sql"] or "").split())
    return say("cli.statement-text", number=number, sql=sql) if sql else say("cli.statement", number=number)


def show_table(table: Json, *, mock: bool = False) -> None:
    """Print one table of a release; a single row of many values as a line for each.

    Where it is *mock* every interval's heading says so, too.
    """
    interval = say("mock.head-interval" if mock else "cli.head-interval")
    if len(table["rows"]) == 1 and len(table["columns"]) > _ABREAST:
        _show_row(table, interval)
        return
    headings: list[render.Heading] = []
    columns: list[Sequence[render.Cell]] = []
    for column in table["columns"]:
        name = column["name"]
        if column["kind"] == "key":
            headings.append((name, "left"))
            columns.append([_key(row, name) for row in table["rows"]])
            continue
        headings += [(name, "right"), (interval, "left")]
        columns += _estimates(name, table["rows"])
    render.table(headings, zip(*columns, strict=True))


def _show_row(table: Json, interval: str) -> None:
    (row,) = table["rows"]
    lines: list[list[render.Cell]] = []
    for column in table["columns"]:
        name = column["name"]
        if column["kind"] == "key":
            lines.append([name, _key(row, name), ""])
        else:
            value, spread = render.estimate(row[name], row.get(f"{name}_low"), row.get(f"{name}_high"))
            lines.append([name, value, Text(spread, style="dim")])
    headings = [(say("cli.head-column"), "left"), (say("cli.head-value"), "right"), (interval, "left")]
    render.table(headings, lines)


def _key(row: Json, name: str) -> Text:
    return render.total() if name in row.get("_totals", ()) else render.category(row[name])


def _estimates(name: str, rows: Sequence[Json]) -> tuple[list[render.Cell], list[render.Cell]]:
    shown = [render.estimate(row[name], row.get(f"{name}_low"), row.get(f"{name}_high")) for row in rows]
    values: list[render.Cell] = list(render.align_points([value for value, _ in shown]))
    spreads: list[render.Cell] = [Text(spread, style="dim") for _, spread in shown]
    return values, spreads


def _cost(result: Json) -> list[str]:
    if result["replayed"]:
        paid = [say("cli.result-replayed", job=result["job"])]
    elif len(result["losses"]) == 1:
        paid = [say("cli.result-paid", loss=loss(result["losses"][0]), job=result["job"])]
    else:
        paid = [say("cli.result-paid-by", job=result["job"])]
        paid += [f"  {each['dataset']}: {loss(each)}" for each in result["losses"]]
    used = [f"{table['name']} ({table['digest'][:12]}…)" for table in result["public_tables"]]
    told = [say("cli.result-public", tables=used)] if used else []
    return [*paid, *told, say("cli.result-noise", mechanism=mechanism(result["mechanism"]))]


def _rehearsed(result: Json) -> list[str]:
    """What a rehearsal says of itself instead of a cost."""
    sizes = [f"{each['name']} ({each['units']:,} / {each['rows']:,})" for each in result["datasets"]]
    cost = "; ".join(f"{each['dataset']}: {loss(each)}" for each in result["would_cost"])
    return [
        say("mock.rows", datasets=sizes, seed=result["seed"]),
        say("mock.would-cost", loss=cost),
        say("cli.result-noise", mechanism=mechanism(result["mechanism"])),
    ]


def _common_notes(tables: Sequence[Json]) -> list[str]:
    """The notes that all tables have: they are said once."""
    if not tables:
        return []
    first, *others = [_notes(table) for table in tables]
    return [note for note in first if all(note in other for other in others)]


def _notes(table: Json) -> list[str]:
    keys = [column["name"] for column in table["columns"] if column["kind"] == "key"]
    shown = [(row[key], key in row.get("_totals", ())) for row in table["rows"] for key in keys]
    told = [say("cli.result-totals", mark=str(render.total()))] if any(total for _, total in shown) else []
    if any(value is None and not total for value, total in shown):
        told.append(say("cli.result-null"))
    values = [column["name"] for column in table["columns"] if column["kind"] == "value"]
    if any(row[name] is None for row in table["rows"] for name in values):
        told.append(say("cli.result-none"))
    return told + [say(note["key"], **note["facts"]) for note in table["notes"]]


def show_left(session: Session, budget: Json) -> None:
    """Say what is left of a budget, for everybody and in the present window."""
    left, limit = budget["remaining"], budget["limit"]
    session.tell(
        "cli.left", left=tidy(left["epsilon"]), limit=tidy(limit["epsilon"]), dataset=budget["dataset"]
    )
    window = budget.get("window")
    if window:
        spent, most = tidy(window["spent"]["epsilon"]), tidy(window["limit"]["epsilon"])
        session.tell("cli.left-window", spent=spent, limit=most, window=wording.window(window["every"]))
