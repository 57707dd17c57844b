"""What columns seem to be and why, and the levels that standards give them, at the command line."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from difflib import get_close_matches
from typing import Any, Final, TypeVar

import click

from cli import render
from cli.column import (
    MATTERS,
    Column,
    confidence,
    level,
    others,
    overridden,
    percent,
    reasons,
    rule,
    source,
    title_of,
    told_tag,
    treatment,
    uses,
)
from cli.folding import folded
from cli.session import say
from sandbox.errors import UsageError
from service.messages import catalogue

_SHOWN_COLUMNS: Final = 12
_SURE: Final = 0.5
"""Confidence below which a proposal is counted as unsure."""
_LONGEST_NAME: Final = 80
_LEVEL_CELLS: Final = 12
"""Width of a level where there is little room."""
_WIDE: Final = (
    ("cli.head-column", "left"),
    ("cli.head-kind", "left"),
    ("cli.head-title", "left"),
    ("cli.head-level", "left"),
    ("cli.head-confidence", "right"),
    ("cli.head-use-treatment", "left"),
    ("cli.head-evidence", "left"),
)
_NARROW: Final = (
    ("cli.head-column", "left"),
    ("cli.head-title-evidence", "left"),
    ("cli.head-level", "left"),
    ("cli.head-confidence", "right"),
)
_ROLES: Final = {
    "direct": "cli.role-direct",
    "quasi": "cli.role-quasi",
    "sensitive": "cli.role-sensitive",
    "none": "cli.role-none",
}
Command = TypeVar("Command", bound=Callable[..., Any])
_ONLY: Final[Mapping[str, Callable[[Column], bool]]] = {
    "waiting": lambda column: not column["confirmed"],
    "drifted": lambda column: bool(column["drifted_from"] and not column["confirmed"]),
    "personal": lambda column: column["role"] != "none",
    "sensitive": lambda column: column["sensitive"],
    "overridden": overridden,
}
"""Columns that can be asked for alone."""


def only_option(*names: str) -> Callable[[Command], Command]:
    """Return the option that asks for such columns alone, for all of them if no *names* are given."""
    return click.option("--only", type=click.Choice(names or tuple(_ONLY)), help="Show only such columns.")


profile_option = click.option(
    "--profile",
    default="gbt35273",
    show_default=True,
    callback=lambda context, option, said: said.lower(),
    help="Whose levels: gdpr, hipaa, pipl, …",
)


def check_profile(answer: Mapping[str, Any], profile: str) -> None:
    """Raise `UsageError` for an unknown profile."""
    if profile not in answer["levels"]:
        known = [f"{name} ({title_of(it)})" for name, it in sorted(answer["levels"].items())]
        raise UsageError("cli.not-one-of", name="--profile", known=known)


def column_of(answer: Mapping[str, Any], explain: str | None, profile: str) -> Column | None:
    """Return the column to *explain*, if any; raises `UsageError` for an unknown column or profile."""
    columns: dict[str, Column] = {column["name"]: column for column in answer["columns"]}
    check_profile(answer, profile)
    if explain is not None and explain not in columns:
        same = [name for name in columns if name.split() == explain.split()]
        explain = same[0] if len(same) == 1 else explain
    if explain is not None and explain not in columns:
        near = get_close_matches(explain, columns, cutoff=0.5)
        known = _some([*near, *(name for name in columns if name not in near)])
        raise UsageError("cli.no-column", column=explain[:_LONGEST_NAME], known=known)
    return None if explain is None else columns[explain]


def selected(answer: Mapping[str, Any], only: str | None) -> list[Column]:
    """Return the columns of *answer*, or only those that `only_option` asks for."""
    return [column for column in answer["columns"] if only is None or _ONLY[only](column)]


def show_proposals(answer: Mapping[str, Any], name: str, profile: str, only: str | None = None) -> None:
    """Print what the columns seem to be, and the level of each and of the whole, called *name*.

    *only* leaves out columns, but not out of what is said of the whole.  Where a terminal is too narrow for
    all of it side by side, what spoke for a tag stands below it, and types, uses and treatment are left to
    `--explain`.
    """
    whole = answer["levels"][profile]
    told = [(it, level(it, profile, whole["titles"])) for it in selected(answer, only)]
    rows = [_wide(*it) for it in told]
    if render.fits(render.spoken(_WIDE), rows):
        render.keyed(_WIDE, rows)
    else:
        render.keyed(_NARROW, [_narrow(*it) for it in told])
        render.prose("", say("cli.explain-has-more"))
    render.prose("", *_counted(answer["columns"], len(told)), *_level_lines(answer, name, profile))


def _counted(columns: Sequence[Column], shown: int) -> Iterator[str]:
    """Say how many of *columns* are what, where they are many, or not all *shown*."""
    if shown == len(columns) <= _SHOWN_COLUMNS:
        return
    counts = {name: sum(map(is_it, columns)) for name, is_it in _ONLY.items()}
    unsure = sum(not overridden(it) and float(it["confidence"]) < _SURE for it in columns)
    yield say("cli.columns-counted", shown=shown, columns=len(columns), sure=_SURE, unsure=unsure, **counts)


def _wide(column: Column, of_profile: str) -> tuple[render.Cell, ...]:
    """One column in two lines: all of it side by side is wider than screens are."""
    return (
        column["name"],
        column["kind"],
        f"{title_of(column)}\n{told_tag(column)}",
        of_profile,
        confidence(column),
        f"{uses(column)}\n{treatment(column)}",
        "\n".join(reasons(column)) or "–",
    )


def _narrow(column: Column, of_profile: str) -> tuple[render.Cell, ...]:
    told = "\n".join([title_of(column), told_tag(column), *reasons(column)])
    return column["name"], told, folded(of_profile, _LEVEL_CELLS), confidence(column)


def show_tags(answer: Mapping[str, Any], profile: str) -> None:
    """Print every tag of *answer* (`vocabulary.every_tag`) with its level under *profile*."""
    titles = answer["levels"][profile]["titles"]
    headings = [
        ("cli.head-tag", "left"),
        ("cli.head-title", "left"),
        ("cli.head-level", "left"),
        ("cli.head-use-treatment", "left"),
    ]
    rows = [
        (it["tag"], title_of(it), level(it, profile, titles), f"{uses(it)}\n{treatment(it)}")
        for it in answer["tags"]
    ]
    render.keyed(headings, rows)
    render.prose("", say("cli.tags-under", profile=title_of(answer["levels"][profile])))


def show_explained(answer: Mapping[str, Any], column: Column) -> None:
    """Print everything that is known of *column*: every hint, what else it may be, and who decided."""
    render.facts(_facts(answer, column))
    render.out("")
    headings = [
        ("cli.head-tag", "left"),
        ("cli.head-source", "left"),
        ("cli.head-rule-spoken", "left"),
        ("cli.head-weight", "right"),
        ("cli.head-share", "right"),
    ]
    hints = column["hints"]
    rows = [(h["tag"], source(h), rule(h), f"{h['weight']:.2f}", percent(h["share"])) for h in hints]
    render.keyed(headings, rows)
    if not hints:
        render.lines(say("cli.explain-nothing"))


def _facts(answer: Mapping[str, Any], column: Column) -> Iterator[tuple[str, render.Cell]]:
    yield "cli.head-column", column["name"]
    yield "cli.head-kind", column["kind"]
    yield "cli.head-tag", say("cli.tag-titled", tag=told_tag(column), title=title_of(column))
    yield "cli.head-confidence", confidence(column)
    if column["decision"]:
        made = column["decision"]
        told = say("cli.decided", by=made["by"], at=render.instant(made["at"]), reason=made["reason"])
        yield "cli.head-decided-by", told
    yield "cli.head-role", say(_ROLES[column["role"]])
    yield "cli.head-sensitive", say("cli.sensitive-somewhere" if column["sensitive"] else "cli.no")
    yield "cli.head-uses", uses(column)
    yield "cli.head-treatment", treatment(column)
    yield "cli.head-dpv", column["dpv"] or "–"
    yield "cli.head-runners-up", "\n".join(others(column)) or say("cli.others-none", least=MATTERS)
    for profile, key in column["levels"].items():
        whole = answer["levels"][profile]
        named = whole["titles"][key][catalogue.language()]
        basis = column["basis_zh" if catalogue.language() == "zh" else "basis"].get(profile)
        place = say("cli.standard-place", profile=title_of(whole), basis=basis) if basis else title_of(whole)
        yield "cli.head-level", say("cli.level-under", level=named, profile=place)
    for one in answer["combinations"]:
        if column["name"] in one["columns"]:
            together = say("cli.combination", title=title_of(one), columns=_some(one["columns"]))
            yield "cli.head-combination", together


def _level_lines(answer: Mapping[str, Any], name: str, profile: str) -> Iterator[str]:
    """The whole's level and why, then what its columns say together."""
    whole = answer["levels"][profile]
    highest = whole["titles"][whole["level"]][catalogue.language()]
    yield say("cli.dataset-level", dataset=name, level=highest, profile=title_of(whole))
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
