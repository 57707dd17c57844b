"""What the READMEs tell people to type exists: commands parse, make targets are there, files are there."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import click
import pytest

from cli.app import keyong

ROOT = Path(__file__).resolve().parents[2]
READMES = ("README.md", "README.zh-CN.md")


def fenced(name: str) -> list[str]:
    """The lines of all code blocks, without the prompt."""
    text = (ROOT / name).read_text(encoding="utf-8")
    blocks = re.findall(r"^```[a-z]*\n(.*?)^```", text, re.MULTILINE | re.DOTALL)
    return [line.removeprefix("$ ") for block in blocks for line in block.splitlines()]


def commands(name: str) -> list[str]:
    return [line for line in fenced(name) if line.startswith("keyong ")]


def parse(line: str, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Parse one command line as `keyong` would; return the commands that would have run."""
    reached: list[str] = []
    monkeypatch.setattr(click.Command, "invoke", lambda self, _: reached.append(self.name))
    words = shlex.split(line.partition(" > ")[0])[1:]
    keyong.main(words, prog_name="keyong", standalone_mode=False)
    return reached


@pytest.mark.parametrize("name", READMES)
def test_the_commands_parse(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    lines = commands(name)
    assert len(lines) > 15
    for line in lines:
        reached = parse(line, monkeypatch)
        assert len(reached) > 1, f"{line}: no command"


def test_a_wrong_command_would_be_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(click.UsageError):
        parse("keyong dataset add diabetes130.csv --naem health.diabetes", monkeypatch)


def test_both_languages_tell_the_same_first_steps() -> None:
    english, chinese = (set(commands(name)) for name in READMES)
    (only,) = chinese - english  # where the English one shows the query
    assert re.fullmatch(r"keyong --as wang job result job-[0-9a-f]{12}", only)


@pytest.mark.parametrize("name", READMES)
def test_make_targets_and_links_exist(name: str) -> None:
    targets = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))
    named = {line.split()[1] for line in fenced(name) if line.startswith("make ")}
    assert named
    assert named <= targets
    text = (ROOT / name).read_text(encoding="utf-8")
    links = [link for link in re.findall(r"\]\(([^)#]+)\)", text) if "://" not in link]
    assert [link for link in links if not (ROOT / link).exists()] == []
