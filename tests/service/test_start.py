"""A command pays for what it uses: opening a workspace brings no Arrow, no SQL parser, no schema compiler."""

from __future__ import annotations

import subprocess
import sys

import pytest

HEAVY = {"pandas", "numpy", "pyarrow", "sqlglot", "pydantic", "matplotlib", "ray", "diffprivlib", "scipy"}


def imported(code: str) -> set[str]:
    code += "; import sys; print(*sys.modules)"
    answer = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return HEAVY & set(answer.stdout.split())


@pytest.mark.parametrize(
    ("code", "brought"),
    [
        ("import service.embedded", set()),
        ("import service.embedded, jobs.sql.parse, policies.shape", {"sqlglot", "pydantic"}),
        ("import service.embedded, jobs.operations", {"pyarrow", "numpy"}),
    ],
    ids=["a workspace", "a question", "expressions"],
)
def test_what_is_imported(code, brought):
    assert imported(code) == brought
