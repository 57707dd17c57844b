"""``keyong dataset inspect``: a file looked at by its owner before it is registered."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import click

from cli import render
from cli.classified import level_lines, title_of
from cli.pairs import dictionary_option, encoding_option, marks, pairs, recognizers_option
from cli.session import Session, pass_session, say
from sandbox.errors import UsageError
from service.asked import Inspection, NewTable
from service.messages import catalogue

_MOST_ROWS: Final = 100
_SOURCES: Final = {
    "name": "cli.hint-name",
    "values": "cli.hint-values",
    "statistics": "cli.hint-statistics",
    "dictionary": "cli.hint-dictionary",
    "neighbours": "cli.hint-neighbours",
}
_TREATMENTS: Final = {
    "withhold": "cli.treatment-withhold",
    "unit-key": "cli.treatment-unit-key",
    "coarsen": "cli.treatment-coarsen",
    "bucket": "cli.treatment-bucket",
    "categories": "cli.treatment-categories",
    "bounds-or-categories": "cli.treatment-bounds",
}
_FAULTS: Final = (
    ("nonconforming", "cli.head-nonconforming"),
    ("invalid", "cli.head-invalid"),
    ("impossible", "cli.head-impossible"),
    ("outside", "cli.head-outside"),
    ("blanks", "cli.head-blanks"),
    ("full_width", "cli.head-full-width"),
)


@click.command("inspect")
@click.argument("path", metavar="FILE", type=click.Path(path_type=Path))
@click.option("--explain", metavar="COL", help="Every hint for one column.")
@click.option("--quality", is_flag=True, help="What is wrong with the cells; reads the whole file.")
@click.option("--preview", type=click.IntRange(0, _MOST_ROWS), default=0, help="Show so many masked rows.")
@click.option("--unit", metavar="COL", help="With --quality: count the rows of one unit beyond the first.")
@click.option("--policy", type=click.Path(path_type=Path), help="With --quality: check its domains.")
@click.option("--profile", default="gbt35273", show_default=True, help="Whose levels: gdpr, hipaa, pipl, …")
@click.option("--type", "types", multiple=True, metavar="COL=KIND", help="As in `dataset add`; repeat.")
@click.option("--missing", multiple=True, metavar="COL=MARK", help="As in `dataset add`; repeat.")
@click.option("--delimiter", default=",", show_default=True, help="One character; \\t is a tab.")
@encoding_option
@recognizers_option
@dictionary_option
@pass_session
def inspect(session: Session, /, *, path: Path, explain: str | None, profile: str, **said: Any) -> None:
    """Look at a CSV or Parquet FILE before it is registered: tags, quality, masked rows.

    Nothing is stored or logged, and no cell is shown unmasked.
    """
    types, missing = pairs(said["types"], "--type", last=True), marks(said["missing"])
    delimiter = "\t" if said["delimiter"] == "\\t" else said["delimiter"]
    said_of_it = {key: said[key] for key in ("encoding", "recognizers", "dictionary")}
    new = NewTable(path, path.name, types, missing, delimiter=delimiter, **said_of_it)
    wanted = Inspection(**{key: said[key] for key in ("quality", "preview", "unit", "policy")})
    answer = session.gatekeeper.dataset_inspect(session.principal(), new, wanted)
    known = [column["name"] for column in answer["columns"]]
    if explain is not None and explain not in known:
        raise UsageError("cli.not-one-of", name="--explain", known=known)
    if profile not in answer["levels"]:
        raise UsageError("cli.not-one-of", name="--profile", known=sorted(answer["levels"]))
    if render.answer_json(session, answer):
        return
    if explain is None:
        _proposals(answer, profile)
    else:
        _explained(answer, answer["columns"][known.index(explain)])
    if answer["quality"]:
        _quality(session, answer["quality"])
    if answer["preview"] is not None:
        render.out("")
        render.table([(render.plain(name), "left") for name in known], map(_row, answer["preview"]))


def _row(cells: Sequence[str | None]) -> list[render.Cell]:
    return [render.category(cell) for cell in cells]


def _proposals(answer: Mapping[str, Any], profile: str) -> None:
    headings = [
        ("cli.head-column", "left"),
        ("cli.head-kind", "left"),
        ("cli.head-tag", "left"),
        ("cli.head-title", "left"),
        ("cli.head-level", "left"),
        ("cli.head-confidence", "right"),
        ("cli.head-uses", "left"),
        ("cli.head-treatment", "left"),
        ("cli.head-evidence", "left"),
    ]
    titles = answer["levels"][profile]["titles"]
    render.keyed(headings, [_proposal(column, profile, titles) for column in answer["columns"]])
    render.lines("", *level_lines(answer, answer["file"], profile))


def _proposal(
    column: Mapping[str, Any], profile: str, titles: Mapping[str, Mapping[str, str]]
) -> tuple[render.Cell, ...]:
    return (
        column["name"],
        column["kind"],
        column["tag"],
        title_of(column),
        titles[column["levels"][profile]][catalogue.language()],
        _confidence(column),
        ", ".join(column["uses"]) or "–",
        _treatment(column["treatment"]),
        "; ".join(_hint(hint) for hint in column["hints"] if hint["tag"] == column["tag"]) or "–",
    )


def _confidence(column: Mapping[str, Any]) -> str:
    return f"{float(column['confidence']):.2f}"


def _treatment(name: str) -> str:
    return say(_TREATMENTS[name]) if name in _TREATMENTS else name


def _source(hint: Mapping[str, Any]) -> str:
    source: str = hint["source"]
    return say(_SOURCES[source]) if source in _SOURCES else source


def _hint(hint: Mapping[str, Any]) -> str:
    return f"{_source(hint)}: {hint['rule']}"


def _percent(share: float | None) -> str:
    return "–" if share is None else f"{share:.1%}"


def _explained(answer: Mapping[str, Any], column: Mapping[str, Any]) -> None:
    render.facts(_facts(answer, column))
    render.out("")
    headings = [
        ("cli.head-tag", "left"),
        ("cli.head-source", "left"),
        ("cli.head-rule-spoken", "left"),
        ("cli.head-weight", "right"),
        ("cli.head-share", "right"),
    ]
    hints = column["hints"]
    rows = [(h["tag"], _source(h), h["rule"], f"{h['weight']:.2f}", _percent(h["share"])) for h in hints]
    render.keyed(headings, rows)
    if not hints:
        render.lines(say("cli.explain-nothing"))


def _facts(answer: Mapping[str, Any], column: Mapping[str, Any]) -> Iterator[tuple[str, render.Cell]]:
    yield "cli.head-column", column["name"]
    yield "cli.head-kind", column["kind"]
    yield "cli.head-tag", f"{column['tag']}: {title_of(column)}"
    yield "cli.head-confidence", _confidence(column)
    yield "cli.head-sensitive", say("cli.yes") if column["sensitive"] else say("cli.no")
    yield "cli.head-uses", ", ".join(column["uses"]) or "–"
    yield "cli.head-treatment", _treatment(column["treatment"])
    others = [f"{it['tag']}: {title_of(it)} ({it['confidence']})" for it in column["runners_up"]]
    yield "cli.head-runners-up", "; ".join(others) or "–"
    for profile, level in column["levels"].items():
        whole = answer["levels"][profile]
        yield "cli.head-level", f"{whole['titles'][level][catalogue.language()]} ({whole['title']})"
    for one in answer["combinations"]:
        if column["name"] in one["columns"]:
            yield "cli.head-combination", f"{title_of(one)} ({', '.join(one['columns'])})"


def _quality(session: Session, quality: Mapping[str, Any]) -> None:
    render.out("")
    headings = [
        ("cli.head-column", "left"),
        ("cli.head-nulls", "right"),
        ("cli.head-missing", "right"),
        *((key, "right") for _, key in _FAULTS),
        ("cli.head-formats", "left"),
        ("cli.head-problems", "right"),
    ]
    render.keyed(headings, map(_faults, quality["columns"]))
    render.lines("", say("cli.quality-table", rows=quality["rows"], share=_percent(quality["ratio"])))
    if quality["duplicates"] is not None:
        key = "cli.quality-units-about" if quality["approximate"] else "cli.quality-units"
        render.lines(say(key, rows=quality["duplicates"], nulls=quality["null_units"]))
    if quality["domains"]:
        render.lines("", "columns:", *quality["domains"])
        session.tell("cli.domains-disclose")


def _faults(column: Mapping[str, Any]) -> tuple[render.Cell, ...]:
    counts = [_count(column[name]) for name, _ in _FAULTS]
    formats = "–"
    if column["formats"]:
        top = render.plain(column["top_format"])
        formats = f"{column['formats']:,} ({top} {_percent(column['top_share'])})"
    filled = (_count(column["nulls"]), _count(column["missing"]))
    return column["column"], *filled, *counts, formats, _percent(column["ratio"])


def _count(number: int | None) -> str:
    return "–" if number is None else f"{number:,}"
