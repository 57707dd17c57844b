"""The real command line on a real workspace, typed in this process or run in one of its own."""

from __future__ import annotations

import contextlib
import io
import json
import os
import shlex
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cli.app import run
from cli.session import Embedded
from service import embedded
from service.gatekeeper import Gatekeeper

ROOT = Path(__file__).resolve().parents[2]
SLOW = "KEYONG_TEST_SLOW"
"""Where set, workers take their time to start: a place at which a process can be interrupted."""


class Serial:
    """`service.embedded` with workers in this process."""

    def open_gatekeeper(
        self, workspace: Path | None, *, passphrase: Callable[[], str] | None = None, executor: str = "serial"
    ) -> Gatekeeper:
        keeper = embedded.open_gatekeeper(workspace, passphrase=passphrase, executor="serial")
        if SLOW in os.environ:
            keeper._executors = _never  # type: ignore[attr-defined]
        return keeper

    def __getattr__(self, name: str) -> Any:
        return getattr(embedded, name)


def _never(_: object) -> Any:
    Path(os.environ[SLOW]).touch()
    time.sleep(60)


def main(arguments: Sequence[str]) -> int:
    """Run one command line with serial workers."""
    service: Embedded = Serial()  # type: ignore[assignment]
    return run(arguments, service)


@dataclass(frozen=True, slots=True)
class Answer:
    """What a command said, and its exit code."""

    code: int
    out: str
    err: str

    @property
    def error(self) -> dict[str, Any]:
        """The one JSON object on standard error of a ``--json`` command that failed."""
        return json.loads(self.err)["error"]


def typed(line: str | Sequence[str], stdin: str = "") -> Answer:
    """Type *line* at ``keyong``."""
    out, err = io.StringIO(), io.StringIO()
    before, sys.stdin = sys.stdin, io.StringIO(stdin)
    try:
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            code = main(shlex.split(line) if isinstance(line, str) else line)
    finally:
        sys.stdin = before
    return Answer(code, out.getvalue(), err.getvalue())


def started(arguments: Sequence[str], **environment: str) -> subprocess.Popen[str]:
    """Start ``keyong`` with serial workers as a process of its own."""
    code = "import sys; from cli.main import leave; from terminal import main; leave(main(sys.argv[1:]))"
    paths = os.pathsep.join((str(ROOT), str(Path(__file__).parent)))
    return subprocess.Popen(
        [sys.executable, "-c", code, *arguments],
        env={**os.environ, "PYTHONPATH": paths, **environment},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def ended(process: subprocess.Popen[str], seconds: float = 60) -> Answer:
    """Wait for *process* and return what it said."""
    out, err = process.communicate(timeout=seconds)
    return Answer(process.returncode, out, err)
