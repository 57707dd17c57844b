"""What came out of a job, and what a job would cost, as people read it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from rich.text import Text

from cli import render
from cli.session import Session, say
from service import wording
from service.wording import loss, mechanism, tidy

Json = Mapping[str, Any]


def show_result(session: Session, result: Json) -> None:
    """Print a release: every value with its 95 % interval, then what it cost."""
    if render.answer_json(session, result):
        return
    headings: list[render.Heading] = []
    columns: list[Sequence[render.Cell]] = []
    for column in result["columns"]:
        name = column["name"]
        if column["kind"] == "key":
            headings.append((name, "left"))
            columns.append([render.category(row[name]) for row in result["rows"]])
            continue
        headings += [(name, "right"), (say("cli.head-interval"), "left")]
        columns += _estimates(name, result["rows"])
    render.table(headings, zip(*columns, strict=True))
    render.lines("", *_cost(result))


def _estimates(name: str, rows: Sequence[Json]) -> tuple[list[render.Cell], list[render.Cell]]:
    shown = [render.estimate(row[name], row.get(f"{name}_low"), row.get(f"{name}_high")) for row in rows]
    values: list[render.Cell] = list(render.align_points([value for value, _ in shown]))
    spreads: list[render.Cell] = [Text(spread, style="dim") for _, spread in shown]
    return values, spreads


def _cost(result: Json) -> list[str]:
    noise = mechanism(result["mechanism"])
    if result["replayed"]:
        paid = say("cli.result-replayed", job=result["job"])
    else:
        paid = say("cli.result-paid", loss=loss(result["loss"]), job=result["job"])
    told = [paid, say("cli.result-noise", mechanism=noise, rows=result["max_rows"])]
    keys = [column["name"] for column in result["columns"] if column["kind"] == "key"]
    if any(row[key] is None for row in result["rows"] for key in keys):
        told.append(say("cli.result-null"))
    return told + [say(note) for note in result["notes"]]


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


def show_explain(session: Session, answer: Json) -> None:
    """Print what a job would cost and how far off its answers would be."""
    if render.answer_json(session, answer):
        return
    render.facts(_terms(answer))
    values = [column for column in answer["columns"] if column["kind"] == "value"]
    rows = [(c["name"], _half(c["half_width"]), c["clamp"] or "") for c in values]
    render.out("")
    render.keyed(
        [("cli.head-column", "left"), ("cli.head-half-width", "right"), ("cli.head-clamp", "left")], rows
    )
    render.out("")
    render.keyed(
        [
            ("cli.head-measured", "left"),
            ("cli.head-clamp", "left"),
            ("cli.head-sensitivity", "right"),
            ("cli.head-half-width", "right"),
        ],
        [
            (m["kind"], m["clamp"] or "", f"{m['sensitivity']:,g}", _half(m["half_width"]))
            for m in answer["measurements"]
        ],
    )
    session.tell("cli.explain-free")


def _terms(answer: Json) -> list[tuple[str, render.Cell]]:
    left = answer["remaining"]
    cost = loss(answer["loss"])
    return [
        ("cli.head-dataset", f"{answer['dataset']} v{answer['version']}"),
        ("cli.head-rule", f"{answer['rule']} (policy v{answer['policy_version']})"),
        ("cli.head-approval", answer["approval"]),
        ("cli.head-cost", say("cli.explain-replay", loss=cost) if answer["free_replay"] else cost),
        ("cli.head-noise", mechanism(answer["mechanism"])),
        ("cli.head-max-rows", str(answer["max_rows"])),
        ("cli.head-cells", f"{answer['cells']:,}"),
        ("cli.head-left", f"ε {tidy(left['epsilon'])}"),
        ("cli.head-queries-left", f"{answer['queries_left']:,}"),
    ]


def short_explain(session: Session, answer: Json) -> None:
    """Say in one line, before anything is spent, what a query costs and how far off it will be."""
    errors = [
        f"{c['name']} ± {_half(c['half_width'])}" for c in answer["columns"] if c["half_width"] is not None
    ]
    if answer["free_replay"]:
        session.tell("cli.about-to-replay")
    else:
        session.tell("cli.about-to-spend", loss=loss(answer["loss"]), errors=errors or ["–"])


def _half(half_width: float | None) -> str:
    return "–" if half_width is None else f"{half_width:,.{render.decimals(half_width)}f}"
