"""Terminal sessions as text files, which are typed and must answer as written.

``$ keyong …`` is typed.  Lines below it are standard output, those that begin with ``! `` standard error,
``[4]`` is the exit code if it is not 0.  ``...`` stands for anything; lines that begin with ``# `` are talk.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import Protocol

_CODE = re.compile(r"\[\d+\]")


class Said(Protocol):
    """What a command said, and its exit code."""

    @property
    def code(self) -> int:
        """The exit code."""

    @property
    def out(self) -> str:
        """Standard output."""

    @property
    def err(self) -> str:
        """Standard error."""


def matches(written: str, said: str) -> bool:
    """Say whether *said* is what was *written*, ``...`` standing for anything."""
    pattern = ".*".join(re.escape(part) for part in written.split("..."))
    return re.fullmatch(pattern, said, re.DOTALL) is not None


def steps(text: str) -> Iterator[tuple[str, list[str]]]:
    """Yield each command of a transcript with the lines that are expected below it."""
    lines = [line for line in text.splitlines() if not line.startswith("# ")]
    starts = [i for i, line in enumerate(lines) if line.startswith("$ ")] + [len(lines)]
    for begin, end in pairwise(starts):
        yield lines[begin][2:], [line for line in lines[begin + 1 : end] if line.strip()]


def check(command: str, expected: Sequence[str], answer: Said) -> None:
    """Hold what *command* said against what is *expected*."""
    codes = [int(line[1:-1]) for line in expected if _CODE.fullmatch(line)]
    err = [line[2:] for line in expected if line.startswith("! ")]
    out = [line for line in expected if not line.startswith("! ") and not _CODE.fullmatch(line)]
    said = f"$ {command}\n{answer.out}--- stderr\n{answer.err}--- exit {answer.code}"
    assert answer.code == (codes[0] if codes else 0), said
    for wanted, got in ((out, answer.out), (err, answer.err)):
        got_lines = "\n".join(line for line in got.splitlines() if line.strip())
        assert matches("\n".join(wanted), got_lines), said
    assert "Traceback" not in answer.err
