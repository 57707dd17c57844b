"""``keyong query``: explain, submit, wait and a table, for the impatient."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from cli import explained
from cli.asking import asking, finish, mock_of, rehearse, rehearsing, request, submit
from cli.session import Session, pass_session
from service import reports


@click.command()
@asking
@rehearsing
@click.option("--explain", is_flag=True, help="Only say what it would cost; nothing is spent.")
@click.option(
    "--plot",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Draw the answer too: FILE.svg or FILE.png.",
)
@pass_session
def query(
    session: Session,
    /,
    *,
    explain: bool,
    plot: Path | None,
    mock: bool,
    mock_rows: int | None,
    mock_seed: int,
    **options: Any,
) -> None:
    """Ask SQL one question or several (separated by ";"); print noisy answers with their 95 % intervals.

    The text "-" is read from standard input.
    """
    if plot:
        reports.check_format(plot)
    asked, wanted = request(**options), mock_of(mock, mock_rows, mock_seed)
    if explain:
        explained.show_explain(session, session.gatekeeper.job_explain(session.principal(), asked))
        return
    if not (session.quiet or session.json or wanted):
        explained.short_explain(session, session.gatekeeper.job_explain(session.principal(), asked))
    result = rehearse(session, asked, wanted) if wanted else finish(session, submit(session, asked))
    if plot:
        for number in range(len(result["tables"])):
            path = plot if number == 0 else plot.with_stem(f"{plot.stem}-{number + 1}")
            reports.result_chart(result, path, number)
            session.tell("cli.chart-written", path=str(path))
