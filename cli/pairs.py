"""Options that say something of a file and its columns, read and advised: ``COL=VALUE`` pairs, encodings."""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import click

from cli.session import say
from sandbox.errors import UsageError

_NAMED: Final = 5
"""Columns that advice names one by one."""
_ENCODINGS: Final = ("utf-8", "gb18030", "big5", "utf-16", "shift_jis", "windows-1252")

encoding_option = click.option(
    "--encoding", type=click.Choice(_ENCODINGS), default="utf-8", show_default=True, help="Of a CSV file."
)
"""How the text of a file is encoded; it is never guessed."""

skip_lines_option = click.option(
    "--skip-lines",
    type=click.IntRange(0, 100),
    default=0,
    metavar="N",
    help="Lines above the names of a CSV: a title, a note.",
)
recognizers_option = click.option(
    "--recognizers", metavar="FILE", type=click.Path(path_type=Path), help="Your own, as YAML."
)
dictionary_option = click.option(
    "--dictionary",
    metavar="FILE",
    type=click.Path(path_type=Path),
    help="CSV of column and meaning, which becomes its public description.",
)


def pairs(texts: Iterable[str], option: str, last: bool = False) -> dict[str, str]:
    """Return ``COL=VALUE`` texts as a mapping, cut at the first ``=`` or, for *last*, at the last one.

    Raises `UsageError` for a text without both parts and for a column named twice.
    """
    found: dict[str, str] = {}
    for text in texts:
        column, sign, value = text.rpartition("=") if last else text.partition("=")
        if not (column and sign and value):
            raise UsageError("cli.bad-pair", option=option, given=text)
        if column in found:
            raise UsageError("cli.pair-twice", option=option, column=column)
        found[column] = value
    return found


def marks(texts: Iterable[str]) -> dict[str, tuple[str, ...]]:
    """Return ``COL=MARK`` texts as the marks of each column; a column may have several."""
    found: dict[str, tuple[str, ...]] = {}
    for text in texts:
        for column, mark in pairs([text], "--missing").items():
            found[column] = (*found.get(column, ()), mark)
    return found


def advice(answer: Mapping[str, Any]) -> Iterator[str]:
    """Yield lines about what an owner may want to declare of a file, with the options to say so."""
    yield from _seem_missing(answer["seem_missing"])
    for kind in dict.fromkeys(it["kind"] for it in answer["seem_typed"]):
        names = [it["column"] for it in answer["seem_typed"] if it["kind"] == kind and _sayable(it["column"])]
        if names:
            yield say("cli.seem-typed", columns=_some(names), kind=kind)
            yield from (f"   --type {shlex.quote(f'{name}={kind}')}" for name in names)


def _some(names: Sequence[str]) -> list[str]:
    return [*names[:_NAMED], "…"] if len(names) > _NAMED else list(names)


def _sayable(column: str) -> bool:
    return column.isprintable()


def _seem_missing(found: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    """Yield lines about marks that keep columns from being more than text, or that stand for a unit.

    Of columns whose names the option cannot tell apart nothing is said.
    """
    told: dict[tuple[bool, tuple[str, ...]], list[Mapping[str, Any]]] = {}
    for it in found:
        if "=" not in it["column"] and it["column"] != "*" and it["column"].isprintable():
            told.setdefault((it["kind"] == "string", tuple(it["marks"])), []).append(it)
    for (of_unit, group), columns in told.items():
        names = [it["column"] for it in columns]
        kinds = list(dict.fromkeys(it["kind"] for it in columns))
        if of_unit:
            yield say("cli.seem-missing-unit", column=names[0], marks=list(group))
        else:
            yield say("cli.seem-missing", columns=_some(names), marks=list(group), kinds=kinds)
        for name in names if len(names) <= _NAMED else "*":
            yield " ".join(["  ", *(f"--missing {shlex.quote(f'{name}={mark}')}" for mark in group)])
