"""What a job would cost and how far off its answers would be, as people read it before they pay."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

import click

from cli import render
from cli.results import statement_line
from cli.session import Session, say
from sandbox.errors import BudgetExceededError, DeniedError
from service import wording
from service.wording import approval, loss, measured, mechanism, tidy

Json = Mapping[str, Any]

_PER_UNIT: Final = " per unit"
_BOUNDS: Final = {
    "rows": "cli.bound-rows",
    "rows after joining": "cli.bound-joined",
    "groups": "cli.bound-groups",
    "rows in a group": "cli.bound-group-rows",
    "clamp": "cli.bound-clamp",
    "declared bounds": "cli.bound-declared",
    "derived": "cli.bound-derived",
}
"""What is bounded, or what a bound follows from → message key."""


_EXITS: Final = {"denied": DeniedError.exit_code, "over-budget": BudgetExceededError.exit_code}
"""Exit codes of what an explanation says would happen."""


def show_explain(session: Session, answer: Json) -> int:
    """Print everything that is known of a job beforehand; return the exit code that it would have."""
    code = _EXITS.get(answer["verdict"], 0)
    if render.answer_json(session, answer):
        return code
    if answer["verdict"] != "denied":
        _show_forecast(answer)
    if answer["reasons"]:
        render.lines(*([] if answer["verdict"] == "denied" else [""]), *_refused(answer))
    session.tell("cli.explain-free")
    return code


def _refused(answer: Json) -> list[str]:
    """Every rule that says no, what it says, and whom to ask."""
    reasons = answer["reasons"]
    several = len({reason["dataset"] for reason in reasons}) > 1
    head = say(
        "explain.denied" if answer["verdict"] == "denied" else "explain.over-budget", count=len(reasons)
    )
    found = [head]
    for number, reason in enumerate(reasons, start=1):
        about = f"{reason['dataset']}: " if several else ""
        found.append(f"  {number}. {about}{say(reason['code'], **reason['facts'])}")
    people = list(dict.fromkeys(reason["ask"] for reason in reasons if reason["ask"]))
    return [*found, say("explain.ask", people=people)] if people else found


def _show_forecast(answer: Json) -> None:
    render.facts(_terms(answer))
    several = len(answer["statements"]) > 1
    for statement in answer["statements"]:
        render.out("")
        if several:
            render.lines(statement_line(statement))
        show_columns(statement)
        _derivations(statement)
    render.out("")
    _measurements(answer, several)
    for workload in answer["workload"] or []:
        render.out("")
        _workload(workload, several_datasets=len(answer["datasets"]) > 1)
    render.lines("", *_rules(answer))


def _terms(answer: Json) -> list[tuple[str, render.Cell]]:
    cost = _losses(answer)
    return [
        *(term for dataset in answer["datasets"] for term in _dataset(dataset)),
        *(("cli.head-public-table", f"{t['name']} ({t['digest'][:12]}…)") for t in answer["public_tables"]),
        *_approval(answer),
        ("cli.head-cost", say("cli.explain-replay", loss=cost) if answer["free_replay"] else cost),
        ("cli.head-halved", f"ε {tidy(answer['halved'])}"),
        ("cli.head-noise", mechanism(answer["mechanism"])),
        ("cli.head-cells", f"{sum(statement['cells'] for statement in answer['statements']):,}"),
        ("cli.head-left", f"ε {tidy(answer['remaining']['epsilon'])}"),
        ("cli.head-queries-left", f"{answer['queries_left']:,}"),
    ]


def _approval(answer: Json) -> Iterator[tuple[str, render.Cell]]:
    if not answer["whose"]:
        yield "cli.head-approval", say("cli.approval-auto")
    for rule in answer["whose"]:
        yield "cli.head-approval", f"{rule['dataset']}: {approval(rule)}"


def _dataset(dataset: Json) -> Iterator[tuple[str, render.Cell]]:
    yield "cli.head-dataset", f"{dataset['dataset']} v{dataset['version']}"
    yield "cli.head-rule", f"{dataset['rule']} (policy v{dataset['policy_version']})"
    yield (
        "cli.head-max-rows",
        say("cli.rows-of-a-unit", rows=dataset["max_rows"], subquery=dataset["most_rows"]),
    )
    yield from group_bound(dataset)


def group_bound(dataset: Json) -> Iterator[tuple[str, render.Cell]]:
    """Yield what bounds the groups of a unit, if anything does."""
    if bound := wording.group_bound(dataset):
        yield "cli.head-group-bound", bound


def _losses(answer: Json) -> str:
    """The loss, or each dataset's own where there are several."""
    charged = answer["datasets"]
    if len(charged) == 1:
        return loss(charged[0]["loss"])
    return "; ".join(f"{each['dataset']}: {loss(each['loss'])}" for each in charged)


def show_columns(statement: Json) -> None:
    """Print what is expected of each column of a statement: error, clamp, bound."""
    values = [column for column in statement["columns"] if column["kind"] == "value"]
    headings = [
        ("cli.head-column", "left"),
        ("cli.head-half-width", "right"),
        ("cli.head-clamp", "left"),
        ("cli.head-bound", "right"),
    ]
    rows = [
        (
            column["name"],
            expected(column),
            _clamp(column["clamp"]),
            _count(column["bound"]),
        )
        for column in values
    ]
    render.keyed(*without_empty(headings, rows))


def _derivations(statement: Json) -> None:
    """Print which bounds are in force and what each follows from, once."""
    found = {
        (item["what"] or "JOIN", _bound_kind(item["kind"]), _range(item), _source(item["source"])): None
        for column in statement["columns"]
        for item in column["derived_from"]
    }
    if found:
        headings = [(f"cli.head-{name}", "left") for name in ("bounded", "bound-kind", "range", "derived")]
        render.out("")
        render.keyed(headings, list(found))


def _bound_kind(kind: str) -> str:
    if kind.endswith(_PER_UNIT):
        return say("cli.bound-per-unit", value=kind.removesuffix(_PER_UNIT).upper())
    return say(_BOUNDS[kind]) if kind in _BOUNDS else kind


def _source(source: str) -> str:
    return source if source.startswith("unit.") else _bound_kind(source)


def _range(item: Json) -> str:
    if item["low"] is None or item["high"] is None:
        return "–"
    return f"{item['low']} … {item['high']}"  # a bound is told exactly


def _clamp(ranges: str | None) -> str:
    return (ranges or "").replace(" by ", say("cli.clamp-step"))


def without_empty(
    headings: Sequence[render.Heading], rows: Sequence[Sequence[render.Cell]]
) -> tuple[list[render.Heading], list[list[render.Cell]]]:
    """Return headings and rows without the columns in which no row says anything, but never the first."""
    kept = [0, *(i for i in range(1, len(headings)) if any(row[i] for row in rows))]
    return [headings[i] for i in kept], [[row[i] for i in kept] for row in rows]


def expected(column: Json) -> str:
    """Return the expected half-width of a column: in its own unit, or in ranks for a quantile."""
    if column["half_width"] is None:
        return "–"
    half = f"{column['half_width']:,.{render.decimals(column['half_width'])}f}"
    return say("cli.ranks", half_width=half) if column.get("error") == "rank" else half


def _count(number: int | None) -> str:
    return "" if number is None else f"{number:,}"


def _measurements(answer: Json, several: bool) -> None:
    headings = [
        ("cli.head-measured", "left"),
        ("cli.head-of", "left"),
        ("cli.head-clamp", "left"),
        ("cli.head-bound", "right"),
        ("cli.head-half-width", "right"),
        ("cli.head-loss", "left"),
        ("cli.head-statements", "left"),
    ]
    rows = [
        (
            measured(item["kind"]),
            item["column"],
            _clamp(item["clamp"]),
            _count(item["bound"]),
            expected(item),
            "; ".join(_paid(each, answer) for each in item["losses"]),
            ", ".join(map(str, item["statements"])) if several else "",
        )
        for item in answer["measurements"]
    ]
    render.keyed(*without_empty(headings, rows))


def _paid(paid: Json, answer: Json) -> str:
    amount = f"ρ {tidy(paid['rho'])}" if paid["filter"] == "zcdp" else f"ε {tidy(paid['epsilon'])}"
    return amount if len(answer["datasets"]) == 1 else f"{paid['dataset']}: {amount}"


def _workload(workload: Json, several_datasets: bool) -> None:
    if several_datasets:
        render.lines(workload["dataset"])
    alone = [
        (say("cli.statement-alone", number=number), loss(part))
        for number, part in enumerate(workload["parts"], start=1)
    ]
    rows = [
        *alone,
        (say("cli.workload-sum"), loss(workload["sum"])),
        (say("cli.workload-together"), loss(workload["loss"])),
    ]
    render.keyed([("cli.head-workload", "left"), ("cli.head-cost", "left")], rows)


def _rules(answer: Json) -> list[str]:
    chosen = [
        say("cli.selection-rule", threshold=rule["threshold"], delta=tidy(rule["delta"]))
        for rule in answer["selection"]
    ]
    columns = [column for statement in answer["statements"] for column in statement["columns"]]
    if any(column.get("assumed") for column in columns):
        chosen.append(say("cli.explain-even"))
    if answer.get("minimum_count"):
        chosen.append(say("cli.explain-minimum", minimum=answer["minimum_count"]))
    return [*chosen, *(say(key) for key in answer["suppression"])]


def short_explain(session: Session, answer: Json) -> int:
    """Say in one line, before anything is spent, what a query costs and how far off it will be.

    Of one that is denied say the first rule that says no (`job explain` lists all); return the exit code.
    """
    if answer["verdict"] == "denied":
        first = answer["reasons"][0]
        click.echo(render.plain(f"keyong: {say(first['code'], **first['facts'])}"), err=True)
        return DeniedError.exit_code
    if answer["free_replay"]:
        session.tell("cli.about-to-replay")
        return 0
    columns = [column for statement in answer["statements"] for column in statement["columns"]]
    errors = [f"{c['name']} ± {expected(c)}" for c in columns if c["half_width"] is not None]
    session.tell("cli.about-to-spend", loss=_losses(answer), errors=errors or ["–"])
    return 0
