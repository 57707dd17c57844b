"""``keyong query``: explain, submit, wait and a table, for the impatient."""

from __future__ import annotations

from typing import Any

import click

from cli import explained
from cli.asking import asking, finish, mock_of, rehearse, rehearsing, request, submit
from cli.delivery import Delivery, delivering
from cli.session import Session, pass_session


@click.command()
@asking
@rehearsing
@delivering
@click.option("--explain", is_flag=True, help="Only say what it would cost; nothing is spent.")
@pass_session
def query(
    session: Session,
    /,
    *,
    explain: bool,
    mock: bool,
    mock_rows: int | None,
    mock_seed: int,
    **options: Any,
) -> None:
    """Ask SQL one question or several (separated by ";"); print noisy answers with their 95 % intervals.

    The text "-" is read from standard input.
    """
    to = Delivery.taken(options)
    asked, wanted = request(**options), mock_of(mock, mock_rows, mock_seed)
    if explain:
        answer = session.gatekeeper.job_explain(session.principal(), asked)
        click.get_current_context().exit(explained.show_explain(session, answer))
    elif wanted:
        rehearse(session, asked, wanted, to)
    else:
        if not (session.quiet or session.json):
            answer = session.gatekeeper.job_explain(session.principal(), asked)
            if code := explained.short_explain(session, answer):
                click.get_current_context().exit(code)
        finish(session, submit(session, asked), to)
