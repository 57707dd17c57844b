"""The command tree: a literal table of names; a command's module is imported when the command is used.

``keyong --help`` and a mistyped command answer from this table alone, so that they cost no more than click.
"""

from __future__ import annotations

import importlib
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import click

from cli import helping
from cli.failures import guarded
from cli.session import Embedded, Session

COMMANDS: Mapping[str, tuple[str, str]] = {
    "init": ("cli.workspace:init", "Make a workspace here."),
    "identity": ("cli.identity:identity", "People and their roles."),
    "dataset": ("cli.dataset:dataset", "Register, describe and tag datasets."),
    "policy": ("cli.policy:policy", "Who may learn what from a dataset."),
    "query": ("cli.query:query", "Ask a question in SQL and see the answer."),
    "job": ("cli.job:job", "Explain, submit, approve and fetch jobs."),
    "budget": ("cli.budget:budget", "What may still be learned."),
    "audit": ("cli.reviews:audit", "Read and verify the log."),
    "key": ("cli.key:key", "The master key of the workspace."),
    "pool": ("cli.pool:pool", "Keep workers warm between commands."),
    "doctor": ("cli.workspace:doctor", "What this machine offers."),
    "backup": ("cli.workspace:backup", "Copy the workspace, still encrypted."),
    "restore": ("cli.workspace:restore", "Bring a backup back."),
    "completion": ("cli.completion:completion", "Print a shell completion script."),
}
"""Command → (where it is defined, one line of help)."""


class LazyGroup(click.Group):
    """A group whose commands stand in `COMMANDS`."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the names in the order of the table: the order in which a newcomer needs them."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import and return the command, or None if there is none of that name."""
        if cmd_name not in COMMANDS:
            return None
        module, _, attribute = COMMANDS[cmd_name][0].partition(":")
        command: click.Command = getattr(importlib.import_module(module), attribute)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the list of commands without importing one."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, line) for name, (_, line) in COMMANDS.items()])


@click.group(cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.option(
    "--workspace",
    type=click.Path(file_okay=False, path_type=Path),
    envvar="KEYONG_WORKSPACE",
    help="Workspace directory; otherwise the nearest one above here. [env: KEYONG_WORKSPACE]",
)
@click.option("--as", "name", metavar="NAME", envvar="KEYONG_AS", help="Who asks. [env: KEYONG_AS]")
@click.option("--json", "as_json", is_flag=True, help="Answer in JSON on standard output.")
@click.option("-q", "--quiet", is_flag=True, help="Say nothing but answers and errors.")
@click.option(
    "-v", "--verbose", is_flag=True, help="After a bug, list the places in the code (never values)."
)
@click.version_option(package_name="keyong", prog_name="keyong")
@click.pass_context
def keyong(
    ctx: click.Context,
    /,
    *,
    workspace: Path | None,
    name: str | None,
    as_json: bool,
    quiet: bool,
    verbose: bool,
) -> None:
    """Keyong: usable, not visible. Ask questions of data that nobody sees."""
    session = ctx.ensure_object(Session)
    session.workspace, session.name = workspace, name
    session.json, session.quiet, session.verbose = as_json, quiet, verbose
    ctx.call_on_close(session.close)


def run(arguments: Sequence[str], service: Embedded | None = None) -> int:
    """Run one command line and return its exit code; *service* stands in for `service.embedded` in tests."""
    session = Session(service)
    # Until the options are read: what is wrong with them is told in JSON too.
    session.json = "--json" in arguments
    click.Context.formatter_class = helping.formatter()
    main: Any = partial(keyong.main, list(arguments), prog_name="keyong", obj=session, standalone_mode=False)
    return guarded(main, session)
