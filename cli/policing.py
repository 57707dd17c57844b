"""Help with writing policies: ``keyong policy init, schema, lint, simulate, diff``."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import click

from cli import render
from cli.failures import INVALID
from cli.session import Session, pass_session, say
from sandbox.errors import UsageError
from service.messages.catalogue import language

Json = Mapping[str, Any]
_MARKS: Final = {"loosens": "▲", "tightens": "▼", "neutral": "·"}


@click.command("init")
@click.argument("dataset")
@click.option("-o", "--output", metavar="FILE", type=click.Path(path_type=Path), help="Write it there.")
@pass_session
def init(session: Session, dataset: str, output: Path | None) -> None:
    """Draft a policy from what is registered and confirmed; FILL marks what only you know."""
    answer = session.gatekeeper.policy_init(session.principal(), dataset, language())
    if output is not None:
        with output.open("x", encoding="utf-8") as file:
            file.write(answer["source"])
    if render.answer_json(session, answer):
        return
    if output is None:
        render.out(answer["source"])
    else:
        session.tell("simulate.written", path=str(output), blanks=answer["blanks"])


@click.command("schema")
def schema() -> None:
    """Print the JSON Schema of the policy language, for editors."""
    from service.policies.drafting import published  # noqa: PLC0415 - pydantic, which only this needs

    render.out(json.dumps(published(language()), ensure_ascii=False, indent=2))


# --- findings -------------------------------------------------------------------------------------------


@click.command("lint")
@click.argument("path", metavar="FILE", type=click.Path(path_type=Path))
@click.option("--strict", is_flag=True, help="Warnings count as errors.")
@pass_session
def lint(session: Session, path: Path, strict: bool) -> None:
    """Say what a policy says that its owner may not have meant."""
    answer = session.gatekeeper.policy_lint(session.principal(), path)
    if not render.answer_json(session, answer):
        _show_findings(session, answer)
    if answer["errors"] or (strict and answer["warnings"]):
        click.get_current_context().exit(INVALID)


def _show_findings(session: Session, answer: Json) -> None:
    from service.policies.words import SEVERITIES, sentence  # noqa: PLC0415 - kept out of `keyong --help`

    for finding in answer["findings"]:
        where, said = finding["where"], sentence(finding, language())
        # The messages of what keeps a policy from being applied begin with the place themselves.
        told = re.sub(r"^[:：]\s*", "", said.removeprefix(where)) if said.startswith(where) else said
        severity = say(SEVERITIES[finding["severity"]])
        render.lines(say("lint.line", where=where, severity=severity, sentence=told))
    if not answer["registered"]:
        session.tell("lint.not-registered", dataset=answer["dataset"])
    if answer["findings"]:
        counts = {key: answer[key] for key in ("errors", "warnings", "notes")}
        session.tell("lint.summary", **counts)
    else:
        session.tell("lint.clean", file=answer["file"])


# --- differences ----------------------------------------------------------------------------------------


@click.command("diff")
@click.argument("paths", metavar="[OLD] NEW", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option("--against-current", is_flag=True, help="Compare NEW with the policy in force.")
@pass_session
def diff(session: Session, paths: tuple[Path, ...], against_current: bool) -> None:
    """Say in sentences what a new policy changes; two files need no workspace."""
    if len(paths) != 2 - against_current:
        raise UsageError("policy.two-files")
    if against_current:
        answer = session.gatekeeper.policy_diff(session.principal(), paths[0])
    else:
        from service.policies.comparing import of_files  # noqa: PLC0415 - kept out of `keyong --help`

        answer = of_files(*paths)
    if render.answer_json(session, answer):
        return
    if answer["old"] is None:
        render.lines(say("diff.first", dataset=answer["new"]["dataset"]))
    elif not answer["changes"]:
        render.lines(say("diff.nothing"))
    show_changes(session, answer["changes"])


def show_changes(session: Session, changes: Sequence[Json]) -> None:
    """Print one sentence a change, what loosens first."""
    from service.policies.words import DIRECTIONS, sentence  # noqa: PLC0415 - kept out of `keyong --help`

    for change in changes:
        direction = change["direction"]
        told = {"direction": say(DIRECTIONS[direction]), "sentence": sentence(change, language())}
        render.lines(say("diff.line", mark=_MARKS[direction], **told))
    if changes:
        counts = {key: sum(one["direction"] == key for one in changes) for key in DIRECTIONS}
        session.tell("diff.summary", **counts)


# --- what answers would look like -----------------------------------------------------------------------


@click.command("simulate")
@click.argument("path", metavar="FILE", type=click.Path(path_type=Path))
@click.option(
    "--queries", metavar="SQL", type=click.Path(path_type=Path), help="A file of statements to try."
)
@pass_session
def simulate(session: Session, path: Path, queries: Path | None) -> None:
    """Show what answers under a policy would look like, before it is in force."""
    answer = session.gatekeeper.policy_simulate(session.principal(), path, queries)
    if render.answer_json(session, answer):
        return
    for question in answer["questions"]:
        _show_question(question, answer["every"])
    if not answer["questions"]:
        render.lines(say("simulate.no-questions"))
    if answer["months"] is not None:
        render.lines(say("simulate.lasts", months=f"{answer['months']:,.1f}"))
    units = answer["expected_units"]
    if units is None:
        session.tell("simulate.assumes-nothing")
    else:
        session.tell("simulate.assumes", units=units)


def _show_question(question: Json, every: str | None) -> None:
    from service.policies.words import sentence, window  # noqa: PLC0415 - kept out of `keyong --help`

    render.lines(" ".join((question["sql"] or "…").split()))
    if question["denied"]:
        render.lines(f"  {sentence(question['denied'], language())}", "")
        return
    render.lines(f"  {_cells(question)}")
    columns = question["at"][0]["columns"]
    paced = [(window(every, language()), "right")] if every else []
    render.table(
        [
            (say("simulate.head-loss"), "right"),
            *((_head(column), "right") for column in columns),
            *paced,
            (say("simulate.head-lifetime"), "right"),
            *([(say("simulate.head-months"), "right")] if every else []),
        ],
        ([*_row(at, paced=bool(every))] for at in question["at"]),
    )
    render.lines("")


def _cells(question: Json) -> str:
    if not question["cells"]:
        return say("simulate.groups-unknown")
    if question["group_size"] is None:
        return say("simulate.cells-only", cells=question["cells"])
    return say("simulate.cells", cells=question["cells"], size=question["group_size"])


def _head(column: Json) -> str:
    if column["error"] == "rank":
        return say("simulate.head-width-rank", name=column["name"])
    return say("simulate.head-width", name=column["name"])


def _row(at: Json, *, paced: bool) -> Iterator[str]:
    yield at["epsilon"]
    for column in at["columns"]:
        width = column["half_width"]
        yield "–" if width is None else f"{width:,.{render.decimals(width)}f}"
    if paced:
        yield f"{at['per_window']:,}"
    yield f"{at['lifetime']:,}"
    if paced:
        yield "–" if at["months"] is None else f"{at['months']:,.1f}"
