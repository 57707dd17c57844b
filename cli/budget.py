"""``keyong budget``: what may still be learned."""

from __future__ import annotations

import shutil
from pathlib import Path

import click

from cli import render
from cli.session import Session, pass_session
from service.client import bars, reports
from service.wording import loss


@click.group()
def budget() -> None:
    """What may still be learned."""


@budget.command("show")
@click.argument("dataset")
@click.option(
    "--chart", type=click.Path(dir_okay=False, path_type=Path), help="Draw it too: FILE.svg or FILE.png."
)
@pass_session
def show(session: Session, dataset: str, chart: Path | None) -> None:
    """Show limit, charges and what is left of a dataset's privacy budget."""
    if chart:
        reports.check_format(chart)
    answer = session.gatekeeper.budget_show(session.principal(), dataset)
    if chart:
        reports.budget_chart(answer, chart)
        session.tell("cli.chart-written", path=str(chart))
    if render.answer_json(session, answer):
        return
    render.lines(*bars.budget_bars(answer, min(shutil.get_terminal_size().columns, 100)))
    if answer["charges"]:
        headings = [
            ("cli.head-when", "left"),
            ("cli.head-who", "left"),
            ("cli.head-job", "left"),
            ("cli.head-cost", "left"),
        ]
        render.out("")
        render.keyed(
            headings,
            [(render.instant(c["at"]), c["principal"], c["job"], loss(c["loss"])) for c in answer["charges"]],
        )
