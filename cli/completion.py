"""``keyong completion``: a script that teaches the shell our words."""

from __future__ import annotations

import click
from click.shell_completion import get_completion_class

from cli import render


@click.command()
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
@click.pass_context
def completion(ctx: click.Context, shell: str) -> None:
    """Print a completion script: `source <(keyong completion bash)`."""
    writer = get_completion_class(shell)
    assert writer is not None
    render.out(writer(ctx.find_root().command, {}, "keyong", "_KEYONG_COMPLETE").source())
