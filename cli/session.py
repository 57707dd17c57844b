"""What one call of the command knows: the global options, the gatekeeper, who asks, which language.

The gatekeeper is opened at the first need, so that help and usage errors import neither a database nor
Arrow, and it is closed when the command ends, however it ends.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, cast

import click

from sandbox.errors import Fact, UsageError

if TYPE_CHECKING:
    from sandbox.schema import Principal
    from service.asked import Inspection, NewTable, Progress
    from service.gatekeeper import Gatekeeper


class ReaderGone(Exception):  # noqa: N818 - not an error: whoever read our output had enough
    """Standard output was closed by its reader."""


class Embedded(Protocol):
    """What the command line needs of `service.embedded` beside the gatekeeper itself."""

    def open_gatekeeper(
        self, workspace: Path | None, *, passphrase: Callable[[], str] | None = None, executor: str = "ray"
    ) -> Gatekeeper:
        """Open the workspace given, or the nearest one above the current directory."""

    def inspect_file(
        self, new: NewTable, wanted: Inspection, progress: Progress | None = None
    ) -> dict[str, Any]:
        """Look at a file without a workspace."""

    def create_workspace(self, directory: Path, passphrase: str | None) -> dict[str, Any]:
        """Make a workspace: ``{"workspace", "keyring", "warning": message key}``."""

    def restore_workspace(self, source: Path, target: Path) -> dict[str, Any]:
        """Bring a backup back: ``{"workspace", "refused": {"code", "facts"}|null}``."""

    def accept_restore(
        self,
        workspace: Path | None,
        name: str | None,
        reason: str,
        *,
        passphrase: Callable[[], str] | None = None,
    ) -> dict[str, Any]:
        """Let a reviewer accept books that are older than what was seen last."""

    def pool(self, action: str, workspace: Path | None) -> dict[str, Any]:
        """Start, stop or describe the workers that stay warm."""


class Session:
    """One call of ``keyong``; mutable, because click learns its parts one after the other."""

    def __init__(self, service: Embedded | None = None) -> None:
        self.workspace: Path | None = None
        self.name: str | None = None
        self.json = self.quiet = self.verbose = False
        self.job: str | None = None
        """The job that a Ctrl-C would leave behind."""
        self._service = service
        self._gatekeeper: Gatekeeper | None = None

    @property
    def service(self) -> Embedded:
        """The embedded service, imported now: it brings a database and Arrow along."""
        if self._service is None:
            from service import embedded  # noqa: PLC0415 - kept out of `keyong --help`

            self._service = cast(Embedded, embedded)
        return self._service

    @property
    def is_outside(self) -> bool:
        """Whether there is no workspace here, and the command said nothing of one or of who asks.

        Who asks in all commands of a shell may be set by ``KEYONG_AS``.
        """
        if self.workspace or self.name not in (None, os.environ.get("KEYONG_AS")):
            return False
        try:
            return self.gatekeeper is None
        except UsageError as error:
            if error.code != "workspace.not-found":
                raise
            return True

    @property
    def gatekeeper(self) -> Gatekeeper:
        """The gatekeeper of the workspace chosen; raises `UsageError` if there is no workspace."""
        if self._gatekeeper is None:
            self._gatekeeper = self.service.open_gatekeeper(self.workspace, passphrase=self.ask_passphrase)
        return self._gatekeeper

    def principal(self) -> Principal:
        """Return who asks: the name given, or the only one there is; raises `UsageError` otherwise."""
        from service.client.whoami import asking_principal  # noqa: PLC0415 - kept out of `keyong --help`

        return asking_principal(self.gatekeeper, self.name)

    def tell(self, key: str, /, **facts: Fact) -> None:
        """Say something beside the answer, on standard error, unless asked to be quiet."""
        if not self.quiet:
            click.echo(say(key, **facts), err=True)

    def ask_passphrase(self, prompt: str = "", confirm: bool = False, empty: bool = False) -> str:
        """Ask for a passphrase without showing it; without a terminal it is one line of standard input.

        *prompt* says what it is for, the workspace if nothing is said; *empty* lets nothing be an answer.
        """
        if sys.stdin is None or not sys.stdin.isatty():
            return sys.stdin.readline().rstrip("\r\n") if sys.stdin else ""
        answer: str = click.prompt(
            prompt or say("cli.passphrase"),
            hide_input=True,
            default="" if empty else None,
            show_default=False,
            confirmation_prompt=say("cli.passphrase-again") if confirm else False,
            err=True,
        )
        return answer

    def close(self) -> None:
        """Close the gatekeeper if it was opened."""
        if self._gatekeeper is not None:
            self._gatekeeper.close()
            self._gatekeeper = None


def say(key: str, /, **facts: Fact) -> str:
    """Return the message *key* in the user's language."""
    from service.messages import catalogue  # noqa: PLC0415 - YAML is kept out of `keyong --help`

    return catalogue.say(key, catalogue.language(), **facts)


pass_session = click.make_pass_decorator(Session)
"""Hands the `Session` to a command as its first argument."""
