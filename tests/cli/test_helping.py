"""Help in Chinese: every sentence of every command, none left over."""

import inspect
import re

import click
import pytest

from cli.app import COMMANDS, keyong
from cli.helping import ChineseHelp, in_chinese, sentences

OF_CLICK = {"Options", "Commands", "Show this message and exit.", "Show the version and exit."}


def walk(command: click.Command, path: tuple[str, ...]):
    """Yield every command below *command* with its path."""
    yield path, command
    if isinstance(command, click.Group):
        context = click.Context(command)
        for name in command.list_commands(context):
            found = command.get_command(context, name)
            assert found is not None
            yield from walk(found, (*path, name))


EVERY = list(walk(keyong, ("keyong",)))


def said() -> dict[str, str]:
    """Sentence → the command that says it."""
    found = {line: name for name, (_, line) in COMMANDS.items()}
    for path, command in EVERY:
        texts = [inspect.cleandoc(command.help or "")]
        texts += [p.help or "" for p in command.params if isinstance(p, click.Option)]
        found |= {" ".join(text.split()): " ".join(path) for text in texts if text}
    return found


def test_every_sentence_is_there_in_chinese():
    missing = {text: where for text, where in said().items() if text not in sentences()}
    assert not missing, "cli/help_zh.yaml lacks:\n" + "\n".join(f"{v}: {k}" for k, v in missing.items())


def test_no_sentence_is_left_over():
    assert sorted(sentences().keys() - said().keys() - OF_CLICK) == []


@pytest.mark.parametrize(("path", "command"), EVERY, ids=[" ".join(path) for path, _ in EVERY])
def test_help_is_chinese_throughout(path, command, monkeypatch):
    monkeypatch.setattr(click.Context, "formatter_class", ChineseHelp)
    text = command.get_help(click.Context(command, info_name=path[-1], help_option_names=["-h", "--help"]))
    assert text.startswith("用法：")
    # What stays English is typed as it is: names, values, codes, environment variables.
    assert not re.search(r"(?<!-)\b(the|and|with|for|which|that)\b", text), text


def test_a_sentence_that_click_cut_is_recognised():
    assert in_chinese("Register a CSV or Parquet FILE, encrypted; only...").startswith("登记 CSV")
    assert in_chinese("Nobody has translated this.") == "Nobody has translated this."
