"""What classification proposes and the levels that standards give it, at the command line."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

from cli import render
from cli.session import say
from sandbox.errors import UsageError
from service.messages import catalogue

_SHOWN_COLUMNS: Final = 12


def show_proposals(answer: Mapping[str, Any], dataset: str, profile: str) -> None:
    """Print what the columns seem to be, and the level of column and dataset under *profile*.

    Raises `UsageError` for a profile that is not known.
    """
    if profile not in answer["levels"]:
        raise UsageError("cli.not-one-of", name="--profile", known=sorted(answer["levels"]))
    headings = [
        ("cli.head-column", "left"),
        ("cli.head-tag", "left"),
        ("cli.head-title", "left"),
        ("cli.head-sensitive", "left"),
        ("cli.head-level", "left"),
        ("cli.head-confidence", "right"),
        ("cli.head-evidence", "left"),
    ]
    whole = answer["levels"][profile]
    render.keyed(headings, [_proposal(column, profile, whole["titles"]) for column in answer["columns"]])
    render.lines("", *level_lines(answer, dataset, profile))


def _proposal(
    column: Mapping[str, Any], profile: str, titles: Mapping[str, Mapping[str, str]]
) -> tuple[render.Cell, ...]:
    tag = column["tag"] if column["confirmed"] else say("cli.unconfirmed", tag=column["tag"])
    sensitive = say("cli.yes") if column["sensitive"] else ""
    level = titles[column["levels"][profile]][catalogue.language()]
    confidence = f"{float(column['confidence']):.2f}"
    return column["name"], tag, title_of(column), sensitive, level, confidence, "; ".join(column["evidence"])


def level_lines(answer: Mapping[str, Any], dataset: str, profile: str) -> Iterator[str]:
    """Yield the dataset's level and why, then what its columns say together."""
    whole = answer["levels"][profile]
    level = whole["titles"][whole["level"]][catalogue.language()]
    yield say("cli.dataset-level", dataset=dataset, level=level, profile=whole["title"])
    if whole["columns"]:
        yield say("cli.level-columns", columns=_some(whole["columns"]))
    for one in answer["combinations"]:
        raising = one["name"] in whole["combinations"]
        if raising or profile in one["levels"]:
            key = "cli.level-raised" if raising else "cli.level-together"
            yield say(key, title=title_of(one), columns=_some(one["columns"]))


def _some(columns: list[str]) -> list[str]:
    more = len(columns) - _SHOWN_COLUMNS
    return [*columns[:_SHOWN_COLUMNS], f"… (+{more})"] if more > 0 else columns


def title_of(entry: Mapping[str, Any]) -> str:
    """Return the title of a tag or combination in the user's language."""
    title: str = entry["title_zh"] if catalogue.language() == "zh" else entry["title"]
    return title
