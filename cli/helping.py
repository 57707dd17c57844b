"""Help in the user's language: what click lays out, sentence by sentence from ``help_zh.yaml``.

The English sentences stand where the commands are; the file maps each of them to Chinese, so that neither is
written twice.  A sentence that is not in the file is shown in English.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from functools import cache
from pathlib import Path
from typing import Final

import click

_DETAILS: Final = re.compile(r"  \[[^\[\]]*\]$")
"""What click adds to an option's help: default, range, environment."""
_WORDS: Final = {"default": "默认", "required": "必填", "env var": "环境变量", "env": "环境变量"}


def formatter() -> type[click.HelpFormatter]:
    """Return what lays out help in the user's language."""
    from service.messages.catalogue import language  # noqa: PLC0415 - YAML, for those who read Chinese only

    return ChineseHelp if language() == "zh" else click.HelpFormatter


class ChineseHelp(click.HelpFormatter):
    """Lays out help as click does, in Chinese."""

    def write_usage(self, prog: str, args: str = "", prefix: str | None = None) -> None:
        """Write the line that says how a command is written."""
        words = {"COMMAND [ARGS]...": "命令 [参数]...", "[OPTIONS]": "[选项]"}
        for english, chinese in words.items():
            args = args.replace(english, chinese)
        super().write_usage(prog, args, prefix or "用法：")

    def write_heading(self, heading: str) -> None:
        """Write the heading of a section."""
        super().write_heading(in_chinese(heading))

    def write_text(self, text: str) -> None:
        """Write what a command does."""
        super().write_text(in_chinese(text))

    def write_dl(self, rows: Iterable[tuple[str, str]], col_max: int = 30, col_spacing: int = 2) -> None:
        """Write a list of options or commands and what they do."""
        super().write_dl([(name, _row(said)) for name, said in rows], col_max, col_spacing)


def in_chinese(text: str) -> str:
    """Return *text* in Chinese, as it is if there is no translation of it.

    click cuts long sentences in lists of commands: what begins like a sentence of ours is shown as its
    beginning, up to the first stop.
    """
    key = " ".join(text.split())
    known = sentences()
    if key in known:
        return known[key]
    start = key.removesuffix("...").rstrip(" .")
    whole = next((english for english in known if start and english.startswith(start)), None)
    return text if whole is None else re.split("[。；]", known[whole], maxsplit=1)[0]


def _row(said: str) -> str:
    details = _DETAILS.search(said)
    if details is None:
        return in_chinese(said)
    shown = details.group()
    for english, chinese in _WORDS.items():
        shown = re.sub(rf"(?<=[\[ ;]){english}(?=[:\];])", chinese, shown)
    return in_chinese(said[: details.start()]) + shown


@cache
def sentences() -> Mapping[str, str]:
    """Return English sentence → Chinese sentence."""
    import yaml  # noqa: PLC0415 - not for English help

    loaded: dict[str, str] = yaml.load(
        Path(__file__).with_name("help_zh.yaml").read_bytes(), yaml.CSafeLoader
    )
    return loaded
