"""``keyong query``: explain, submit, wait and a table, for the impatient."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from cli import results
from cli.asking import asking, finish, request, submit
from cli.session import Session, pass_session
from service import reports


@click.command()
@asking
@click.option("--explain", is_flag=True, help="Only say what it would cost; nothing is spent.")
@click.option(
    "--plot",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Draw the answer too: FILE.svg or FILE.png.",
)
@pass_session
def query(session: Session, /, *, explain: bool, plot: Path | None, **options: Any) -> None:
    """Ask SQL a question and print the noisy answer with its 95 % intervals.

    The statement "-" is read from standard input.
    """
    if plot:
        reports.check_format(plot)
    asked = request(**options)
    if explain:
        results.show_explain(session, session.gatekeeper.job_explain(session.principal(), asked))
        return
    if not (session.quiet or session.json):
        results.short_explain(session, session.gatekeeper.job_explain(session.principal(), asked))
    result = finish(session, submit(session, asked))
    if plot:
        reports.result_chart(result, plot)
        session.tell("cli.chart-written", path=str(plot))
