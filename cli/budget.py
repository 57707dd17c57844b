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


@budget.command("limit")
@click.argument("namespace")
@click.option("--epsilon", required=True, help="What all its datasets may spend together, e.g. 8.")
@click.option("--delta", default="", help="The δ at which that ε is meant, e.g. 1e-6; zcdp only.")
@click.option("--filter", default="zcdp", show_default=True, help="How it adds up: zcdp, or pure.")
@click.option("--selection", default="0", help="The δ that finding groups may spend beside it.")
@click.option("--reason", required=True, help="Why; it stands in the log.")
@pass_session
def limit(session: Session, /, *, namespace: str, **wanted: str) -> None:
    """Limit what all datasets about the same persons may spend together; a reviewer does."""
    from service.asked import NewLimit  # noqa: PLC0415 - kept out of `keyong --help`

    answer = session.gatekeeper.budget_limit(session.principal(), namespace, NewLimit(**wanted))
    if render.answer_json(session, answer):
        return
    figures = [("cli.head-limit", "limit"), ("cli.head-spent", "spent"), ("cli.head-left", "remaining")]
    render.facts([(head, loss(answer[key])) for head, key in figures])
    session.tell("budget.limited", namespace=namespace, leaf=answer["leaf"])


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
