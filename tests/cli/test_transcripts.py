"""Terminal sessions: ``tests/cli/transcripts/*.txt`` are typed and must answer as written.

See `transcript` for how they are written; ``$ export NAME=VALUE`` and ``$ write FILE TEXT`` prepare.
"""

from __future__ import annotations

import shlex
from pathlib import Path

import pytest
from transcript import check, steps

TRANSCRIPTS = sorted((Path(__file__).parent / "transcripts").glob("*.txt"))


@pytest.mark.parametrize("path", TRANSCRIPTS, ids=lambda p: p.stem)
def test_session(path, known, monkeypatch):
    for command, expected in steps(path.read_text()):
        name, _, rest = command.partition(" ")
        if name == "export":
            monkeypatch.setenv(*rest.split("=", 1))
        elif name == "write":
            Path(shlex.split(rest)[0]).write_text(shlex.split(rest)[1])
        else:
            check(command, expected, known(rest))
