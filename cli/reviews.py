"""``keyong audit alerts``, ``sign-off`` and ``report``: a review from its beginning to its end."""

from __future__ import annotations

from pathlib import Path

import click

from cli import render
from cli.audit import LEAF, audit
from cli.session import Session, pass_session, say

_LEVELS = {"high": "report.high", "look": "report.look", "notice": "report.notice"}


@audit.command("alerts")
@click.option("--all", "everything", is_flag=True, help="Also what was signed off.")
@pass_session
def alerts(session: Session, everything: bool) -> None:
    """Say what in the log is worth a look."""
    from service.audit.telling import alert  # noqa: PLC0415 - kept out of `keyong --help`

    answer = session.gatekeeper.audit_alerts(session.principal(), everything=everything)
    if render.answer_json(session, answer):
        return
    reviewed = answer["reviewed"]
    if not answer["alerts"]:
        nothing = say("alert.none-ever") if everything or reviewed < 0 else say("alert.none", leaf=reviewed)
        render.lines(nothing)
        return
    headings = [
        ("report.leaf", "right"),
        ("report.when", "left"),
        ("report.level", "left"),
        ("report.what", "left"),
    ]
    rows = [
        (str(one["leaf"]), render.instant(one["time"]), say(_LEVELS[one["level"]]), alert(one))
        for one in answer["alerts"]
    ]
    render.keyed(headings, rows)
    if reviewed >= 0 and not everything:
        session.tell("alert.since", leaf=reviewed)


@audit.command("sign-off")
@click.option("--until", type=LEAF, help="The last leaf that you reviewed; the newest if not given.")
@click.option("--note", default="", metavar="TEXT", help="What you found.")
@pass_session
def sign_off(session: Session, until: int | None, note: str) -> None:
    """Log that you have reviewed every leaf up to one; the next review begins after it."""
    by = session.principal()
    answer = session.gatekeeper.audit_sign_off(by, until, note)
    if not render.answer_json(session, answer):
        render.lines(say("alert.signed", who=by.name, since=answer["since"], until=answer["until"]))


@audit.command("report")
@click.option("--month", required=True, metavar="YYYY-MM", help="The month, in UTC.")
@click.option("-o", "--output", type=click.Path(dir_okay=False, path_type=Path), help="The page to write.")
@pass_session
def report(session: Session, month: str, output: Path | None) -> None:
    """Make a page of a month's spending, refusals and alerts, to read, print and file."""
    from service.audit.page import page  # noqa: PLC0415
    from service.messages import catalogue  # noqa: PLC0415 - kept out of `keyong --help`

    answer = session.gatekeeper.audit_month(session.principal(), month)
    if output is None:
        if not render.answer_json(session, answer):
            render.out(page(answer, catalogue.language()))
        return
    output.write_text(page(answer, catalogue.language()), encoding="utf-8")
    if not render.answer_json(session, answer):
        session.tell("report.written", month=month, path=str(output))
