"""Terminal sessions: ``tests/cli/transcripts/*.txt`` are typed and must answer as written.

``$ keyong …`` is typed.  Lines below it are standard output, those that begin with ``! `` standard error,
``[4]`` is the exit code if it is not 0.  ``...`` stands for anything.  ``$ export NAME=VALUE`` and
``$ write FILE TEXT`` prepare.
"""

from __future__ import annotations

import re
import shlex
from itertools import pairwise
from pathlib import Path

import pytest

TRANSCRIPTS = sorted((Path(__file__).parent / "transcripts").glob("*.txt"))


def matches(written: str, said: str) -> bool:
    pattern = ".*".join(re.escape(part) for part in written.split("..."))
    return re.fullmatch(pattern, said, re.DOTALL) is not None


def steps(text: str):
    lines = [line for line in text.splitlines() if not line.startswith("# ")]
    starts = [i for i, line in enumerate(lines) if line.startswith("$ ")] + [len(lines)]
    for begin, end in pairwise(starts):
        yield lines[begin][2:], [line for line in lines[begin + 1 : end] if line.strip()]


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


def check(command, expected, answer):
    codes = [int(line[1:-1]) for line in expected if re.fullmatch(r"\[\d+\]", line)]
    err = [line[2:] for line in expected if line.startswith("! ")]
    out = [line for line in expected if not line.startswith("! ") and not re.fullmatch(r"\[\d+\]", line)]
    said = f"$ {command}\n{answer.out}--- stderr\n{answer.err}--- exit {answer.code}"
    assert answer.code == (codes[0] if codes else 0), said
    for wanted, got in ((out, answer.out), (err, answer.err)):
        got_lines = "\n".join(line for line in got.splitlines() if line.strip())
        assert matches("\n".join(wanted), got_lines), said
    assert "Traceback" not in answer.err
