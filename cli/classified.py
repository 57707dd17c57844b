"""What columns seem to be and why, and the levels that standards give them, at the command line."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

from cli import render
from cli.folding import folded
from cli.session import say
from sandbox.errors import UsageError
from service.messages import catalogue

_SHOWN_COLUMNS: Final = 12
_SHOWN_HINTS: Final = 2
_LONGEST_NAME: Final = 80
_LEVEL_CELLS: Final = 12
"""Width of a level where there is little room."""
_MATTERS: Final = 0.05
"""Confidence from which `--explain` tells what else a column may be."""
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
_SOURCES: Final = {
    "name": "cli.hint-name",
    "header": "cli.hint-header",
    "headers": "cli.hint-headers",
    "owner": "cli.hint-owner",
    "values": "cli.hint-values",
    "cell": "cli.hint-cell",
    "cells": "cli.hint-cells",
    "statistics": "cli.hint-statistics",
    "dictionary": "cli.hint-dictionary",
    "inside": "cli.hint-inside",
    "unit": "cli.hint-unit",
}
_OF_NAMES: Final = ("name", "headers", "owner")
_READ_ALONE: Final = ("header", "cell")
"""What names and values seem alone is told by `--explain`: what they seem beside the others follows."""
_LATER: Final = ("inside", "cells")
"""What tells less of values than a pattern that fits, or a list."""
_NO_RULE: Final = "-"
_TREATMENTS: Final = {
    "withhold": "cli.treatment-withhold",
    "unit-key": "cli.treatment-unit-key",
    "coarsen": "cli.treatment-coarsen",
    "bucket": "cli.treatment-bucket",
    "categories": "cli.treatment-categories",
    "bounds-or-categories": "cli.treatment-bounds",
}
_ROLES: Final = {
    "direct": "cli.role-direct",
    "quasi": "cli.role-quasi",
    "sensitive": "cli.role-sensitive",
    "none": "cli.role-none",
}


def column_of(answer: Mapping[str, Any], explain: str | None, profile: str) -> Mapping[str, Any] | None:
    """Return the column to *explain*, if any; raises `UsageError` for an unknown column or profile."""
    columns: dict[str, Mapping[str, Any]] = {column["name"]: column for column in answer["columns"]}
    if profile not in answer["levels"]:
        known = [f"{name} ({title_of(it)})" for name, it in sorted(answer["levels"].items())]
        raise UsageError("cli.not-one-of", name="--profile", known=known)
    if explain is not None and explain not in columns:
        same = [name for name in columns if name.split() == explain.split()]
        explain = same[0] if len(same) == 1 else explain
    if explain is not None and explain not in columns:
        raise UsageError("cli.no-column", column=explain[:_LONGEST_NAME], known=_some(list(columns)))
    return None if explain is None else columns[explain]


def show_proposals(answer: Mapping[str, Any], name: str, profile: str) -> None:
    """Print what the columns seem to be, and the level of each and of the whole, called *name*.

    Where a terminal is too narrow for all of it side by side, what spoke for a tag stands below it, and
    types, uses and treatment are left to `--explain`.
    """
    whole = answer["levels"][profile]
    told = [(column, _level(column, profile, whole["titles"])) for column in answer["columns"]]
    rows = [_wide(column, level) for column, level in told]
    if render.fits(render.spoken(_WIDE), rows):
        render.keyed(_WIDE, rows)
    else:
        render.keyed(_NARROW, [_narrow(column, level) for column, level in told])
        render.prose("", say("cli.explain-has-more"))
    render.prose("", *_level_lines(answer, name, profile))


def _wide(column: Mapping[str, Any], level: str) -> tuple[render.Cell, ...]:
    """One column in two lines: all of it side by side is wider than screens are."""
    return (
        column["name"],
        column["kind"],
        f"{title_of(column)}\n{_tag(column)}",
        level,
        _confidence(column),
        f"{_uses(column)}\n{_treatment(column)}",
        "\n".join(_reasons(column)) or "–",
    )


def _narrow(column: Mapping[str, Any], level: str) -> tuple[render.Cell, ...]:
    told = "\n".join([title_of(column), _tag(column), *_reasons(column)])
    return column["name"], told, folded(level, _LEVEL_CELLS), _confidence(column)


def _level(column: Mapping[str, Any], profile: str, titles: Mapping[str, Mapping[str, str]]) -> str:
    """The level that the profile gives a column, and whether others are stricter on it."""
    level = column["levels"][profile]
    named = titles[level][catalogue.language()]
    highest = level == list(titles)[-1]
    return f"{named}\n{say('cli.sensitive-elsewhere')}" if column["sensitive"] and not highest else named


def _reasons(column: Mapping[str, Any]) -> list[str]:
    """What spoke for the tag: hints for a proposal, the owner's reason for a tag chosen against it."""
    if _overridden(column):
        return [say("cli.reason", reason=column["decision"]["reason"])] if column["decision"] else []
    return [_hint(hint) for hint in _telling(column)][:_SHOWN_HINTS]


def _overridden(column: Mapping[str, Any]) -> bool:
    return bool(column["confirmed"]) and column["tag"] != column["proposed"]


def _tag(column: Mapping[str, Any]) -> str:
    tag: str = column["tag"]
    if column["drifted_from"] and not column["confirmed"]:
        return say("cli.drifted", tag=tag, was=column["drifted_from"])
    if not column["confirmed"]:
        return say("cli.unconfirmed", tag=tag)
    by = column["decision"]["by"] if column["decision"] else "–"
    key = "cli.overridden" if _overridden(column) else "cli.confirmed"
    told = say(key, tag=tag, proposed=column["proposed"], by=by)
    if column["seems"] in (tag, column["proposed"]):
        return told
    return say("cli.seems-now", told=told, seems=column["seems"])


def _confidence(column: Mapping[str, Any]) -> str:
    """Return how sure the proposal was, which is nothing about a tag that its owner chose instead."""
    return "–" if _overridden(column) else f"{float(column['confidence']):.2f}"


def _uses(column: Mapping[str, Any]) -> str:
    return ", ".join(column["uses"]) or "–"


def _treatment(column: Mapping[str, Any]) -> str:
    name: str = column["treatment"]
    return say(_TREATMENTS[name]) if name in _TREATMENTS else name


def _telling(column: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """Return the hints for what is proposed, the strongest of its name and of its values first.

    A pattern or a list that fits tells more of values than that a network reads them so.
    """
    own = [it for it in column["hints"] if it["tag"] == column["seems"] and it["source"] not in _READ_ALONE]
    of_names = [it for it in own if it["source"] in _OF_NAMES]
    others = sorted((it for it in own if it not in of_names), key=lambda it: it["source"] in _LATER)
    leading = [*of_names[:1], *others[:1]]
    return sorted(own, key=lambda it: it not in leading)


def _hint(hint: Mapping[str, Any]) -> str:
    if hint["rule"] == _NO_RULE:
        return _source(hint)
    return say("cli.hint", source=_source(hint), rule=hint["rule"])


def _rule(hint: Mapping[str, Any]) -> str:
    return "–" if hint["rule"] == _NO_RULE else str(hint["rule"])


def _source(hint: Mapping[str, Any]) -> str:
    source: str = hint["source"]
    return say(_SOURCES[source]) if source in _SOURCES else source


def percent(share: float | None) -> str:
    """Return a share as shown, ``–`` for none."""
    return "–" if share is None else f"{share:.1%}"


def show_explained(answer: Mapping[str, Any], column: Mapping[str, Any]) -> None:
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
    rows = [(h["tag"], _source(h), _rule(h), f"{h['weight']:.2f}", percent(h["share"])) for h in hints]
    render.keyed(headings, rows)
    if not hints:
        render.lines(say("cli.explain-nothing"))


def _facts(answer: Mapping[str, Any], column: Mapping[str, Any]) -> Iterator[tuple[str, render.Cell]]:
    yield "cli.head-column", column["name"]
    yield "cli.head-kind", column["kind"]
    yield "cli.head-tag", say("cli.tag-titled", tag=_tag(column), title=title_of(column))
    yield "cli.head-confidence", _confidence(column)
    if column["decision"]:
        made = column["decision"]
        told = say("cli.decided", by=made["by"], at=render.instant(made["at"]), reason=made["reason"])
        yield "cli.head-decided-by", told
    yield "cli.head-role", say(_ROLES[column["role"]])
    yield "cli.head-sensitive", say("cli.sensitive-somewhere" if column["sensitive"] else "cli.no")
    yield "cli.head-uses", _uses(column)
    yield "cli.head-treatment", _treatment(column)
    yield "cli.head-dpv", column["dpv"] or "–"
    yield "cli.head-runners-up", _others(column)
    for profile, level in column["levels"].items():
        whole = answer["levels"][profile]
        named = whole["titles"][level][catalogue.language()]
        basis = column["basis_zh" if catalogue.language() == "zh" else "basis"].get(profile)
        place = say("cli.standard-place", profile=title_of(whole), basis=basis) if basis else title_of(whole)
        yield "cli.head-level", say("cli.level-under", level=named, profile=place)
    for one in answer["combinations"]:
        if column["name"] in one["columns"]:
            together = say("cli.combination", title=title_of(one), columns=_some(one["columns"]))
            yield "cli.head-combination", together


def _others(column: Mapping[str, Any]) -> str:
    """What else the column may be, one a line, as far as it matters; all of it is in the JSON."""
    others = [it for it in column["runners_up"] if float(it["confidence"]) >= _MATTERS]
    if not others:
        return say("cli.others-none", least=_MATTERS)
    said = [say("cli.tag-titled", tag=it["tag"], title=title_of(it)) for it in others]
    return "\n".join(f"{text} ({it['confidence']})" for text, it in zip(said, others, strict=True))


def _level_lines(answer: Mapping[str, Any], name: str, profile: str) -> Iterator[str]:
    """The whole's level and why, then what its columns say together."""
    whole = answer["levels"][profile]
    level = whole["titles"][whole["level"]][catalogue.language()]
    yield say("cli.dataset-level", dataset=name, level=level, profile=title_of(whole))
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
