"""``keyong dataset classify``, ``tag`` and ``tags``: what columns seem to be, and what their owner says."""

from __future__ import annotations

from pathlib import Path

import click

from cli import render, sheets
from cli.classified import (
    check_profile,
    column_of,
    only_option,
    profile_option,
    selected,
    show_explained,
    show_proposals,
    show_tags,
)
from cli.pairs import encoding_option, pairs
from cli.session import Session, pass_session
from cli.sheets import sheet_option
from sandbox.errors import UsageError
from service.asked import Decisions


@click.command("classify")
@click.argument("name")
@click.option("--explain", metavar="COL", help="Every hint for one column, and who decided what it is.")
@only_option()
@profile_option
@sheet_option
@pass_session
def classify(
    session: Session, /, *, name: str, explain: str | None, only: str | None, profile: str, sheet: Path | None
) -> None:
    """Show what the columns seem to be, with the evidence, and the levels that a standard gives them."""
    answer = session.gatekeeper.dataset_classify(session.principal(), name)
    explained, shown = column_of(answer, explain, profile), selected(answer, only)
    if sheet is not None:
        sheets.write(sheet, shown, profile, answer["levels"][profile]["titles"], name)
        session.tell("sheet.written", file=str(sheet), dataset=name)
    if render.answer_json(session, {**answer, "columns": shown}):
        return
    if explained is not None:
        show_explained(answer, explained)
        return
    show_proposals(answer, name, profile, only)
    waiting = [column["name"] for column in answer["columns"] if not column["confirmed"]]
    if waiting:
        session.tell("cli.classify-next", count=len(waiting), dataset=name)


@click.command("tag")
@click.argument("name")
@click.argument("tags", nargs=-1, metavar="[COL=TAG]...")
@click.option("--confirm", multiple=True, metavar="COL", help="Confirm what was proposed for COL; repeat.")
@click.option(
    "--all-above",
    metavar="C",
    help="Confirm every proposal at least so confident, e.g. 0.9; not what drifted.",
)
@click.option(
    "--sheet",
    metavar="FILE",
    type=click.Path(path_type=Path),
    help="What is decided in a sheet that `dataset classify --sheet` wrote.",
)
@encoding_option
@click.option("--reason", required=True, help="Goes into the log.")
@pass_session
def tag(
    session: Session,
    /,
    *,
    name: str,
    tags: tuple[str, ...],
    confirm: tuple[str, ...],
    all_above: str | None,
    sheet: Path | None,
    encoding: str,
    reason: str,
) -> None:
    """Confirm what columns are; an unconfirmed column is denied to everybody."""
    chosen: dict[str, str | None] = {**pairs(tags, "COL=TAG", last=True)}
    decided = sheets.read(sheet, encoding, name) if sheet is not None else sheets.Decided()
    if twice := sorted((chosen.keys() & set(confirm)) | (decided.tags.keys() & {*chosen, *confirm})):
        raise UsageError("cli.tagged-twice", columns=twice)
    chosen |= {**dict.fromkeys(confirm), **decided.tags}
    if not chosen and all_above is None:
        raise UsageError("cli.nothing-to-tag")
    said = Decisions(chosen, reason, all_above, decided.reasons, decided.seen)
    answer = session.gatekeeper.dataset_tag(session.principal(), name, said)
    if render.answer_json(session, answer):
        return
    if answer["confirmed"]:
        headings = [("cli.head-column", "left"), ("cli.head-tag", "left")]
        render.keyed(headings, answer["confirmed"].items())
    else:
        session.tell("cli.nothing-confirmed")
    for column, proposed in answer["weaker"].items():
        session.tell("cli.tagged-weaker", column=column, tag=answer["confirmed"][column], proposed=proposed)
    if answer["drifted"]:
        session.tell("cli.drifted-not-in-bulk", columns=answer["drifted"], dataset=name)
    if answer["unconfirmed"]:
        session.tell("cli.still-unconfirmed", columns=answer["unconfirmed"])


@click.command("tags")
@profile_option
@pass_session
def list_tags(session: Session, /, *, profile: str) -> None:
    """List every tag a column can have, its level under a standard, and what policies usually do with it."""
    from service.datasets.vocabulary import every_tag  # noqa: PLC0415 - what the others need only to show

    answer = every_tag()
    check_profile(answer, profile)
    if not render.answer_json(session, answer):
        show_tags(answer, profile)
