"""What is said of one column: what it seems to be and why, and what its owner decided."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from cli.session import say
from service.messages import catalogue

Column = Mapping[str, Any]
"""One of the columns that `service.datasets.proposed.shown` makes."""
Hint = Mapping[str, Any]
_SHOWN_HINTS: Final = 2
MATTERS: Final = 0.05
"""Confidence from which `--explain` tells what else a column may be."""
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
    "telling": "cli.hint-telling",
    "unit": "cli.hint-unit",
}
_OF_NAMES: Final = ("name", "headers", "owner")
_READ_ALONE: Final = ("header", "cell")
"""What names and values seem alone is told by `--explain`: what they seem beside the others follows."""
_LATER: Final = ("inside", "cells")
"""What tells less of values than a pattern that fits, or a list."""
_NO_RULE: Final = "-"
_NAMED_RULES: Final = ("values", "statistics", "dictionary", "inside", "telling", "unit")
"""Sources whose rules are ours and have titles; national numbers go by their own names."""
_SAID: Final = {
    "own:": "cli.rule-own",
    "meaning:": "cli.rule-meaning",
    "comment:": "cli.rule-meaning",
    "brackets:": "cli.rule-brackets",
}
"""What begins rules that an owner's own words are called by."""
_TREATMENTS: Final = {
    "withhold": "cli.treatment-withhold",
    "unit-key": "cli.treatment-unit-key",
    "coarsen": "cli.treatment-coarsen",
    "bucket": "cli.treatment-bucket",
    "categories": "cli.treatment-categories",
    "bounds-or-categories": "cli.treatment-bounds",
}


def title_of(entry: Mapping[str, Any]) -> str:
    """Return the title of a tag or combination in the user's language."""
    title: str = entry["title_zh"] if catalogue.language() == "zh" else entry["title"]
    return title


def level(column: Column, profile: str, titles: Mapping[str, Mapping[str, str]]) -> str:
    """Return the level that the profile gives a column, and whether others are stricter on it."""
    key = column["levels"][profile]
    named = titles[key][catalogue.language()]
    highest = key == list(titles)[-1]
    return f"{named}\n{say('cli.sensitive-elsewhere')}" if column["sensitive"] and not highest else named


def reasons(column: Column) -> list[str]:
    """Return what spoke for the tag: hints for a proposal, the owner's reason for a tag chosen against it."""
    if overridden(column):
        return [say("cli.reason", reason=column["decision"]["reason"])] if column["decision"] else []
    return [_hint(hint) for hint in _telling(column)][:_SHOWN_HINTS]


def overridden(column: Column) -> bool:
    """Return whether the owner said something else than was proposed."""
    return bool(column["confirmed"]) and column["tag"] != column["proposed"]


def told_tag(column: Column) -> str:
    """Return the tag and who stands for it."""
    tag: str = column["tag"]
    if column["drifted_from"] and not column["confirmed"]:
        return say("cli.drifted", tag=tag, was=column["drifted_from"])
    if not column["confirmed"]:
        return say("cli.unconfirmed", tag=tag)
    by = column["decision"]["by"] if column["decision"] else "–"
    key = "cli.overridden" if overridden(column) else "cli.confirmed"
    told = say(key, tag=tag, proposed=column["proposed"], by=by)
    if column["seems"] in (tag, column["proposed"]):
        return told
    return say("cli.seems-now", told=told, seems=column["seems"])


def confidence(column: Column) -> str:
    """Return how sure the proposal was, which is nothing about a tag that its owner chose instead."""
    return "–" if overridden(column) else f"{float(column['confidence']):.2f}"


def uses(column: Column) -> str:
    """Return the uses that policies usually allow."""
    return ", ".join(column["uses"]) or "–"


def treatment(column: Column) -> str:
    """Return how policies usually declare such a column."""
    name: str = column["treatment"]
    return say(_TREATMENTS[name]) if name in _TREATMENTS else name


def _telling(column: Column) -> list[Hint]:
    """Return the hints for what is proposed, the strongest of its name and of its values first.

    A pattern or a list that fits tells more of values than that a network reads them so.
    """
    own = [it for it in column["hints"] if it["tag"] == column["seems"] and it["source"] not in _READ_ALONE]
    of_names = [it for it in own if it["source"] in _OF_NAMES]
    of_values = sorted((it for it in own if it not in of_names), key=lambda it: it["source"] in _LATER)
    leading = [*of_names[:1], *of_values[:1]]
    return sorted(own, key=lambda it: it not in leading)


def _hint(hint: Hint) -> str:
    if hint["rule"] == _NO_RULE:
        return source(hint)
    return say("cli.hint", source=source(hint), rule=rule(hint))


def rule(hint: Hint) -> str:
    """Return the rule that spoke, ``–`` for none."""
    name = str(hint["rule"])
    if name == _NO_RULE:
        return "–"
    # What a name's or an own rule is called has words of its owner's in it.
    kind, colon, word = name.partition(":")
    if kind + colon in _SAID:
        return say(_SAID[kind + colon], rule=word)
    words = catalogue.messages(catalogue.language(), "rule") if hint["source"] in _NAMED_RULES else {}
    return words.get(f"rule.{name}", name)


def source(hint: Hint) -> str:
    """Return what a hint is from."""
    name: str = hint["source"]
    return say(_SOURCES[name]) if name in _SOURCES else name


def percent(share: float | None) -> str:
    """Return a share as shown, ``–`` for none."""
    return "–" if share is None else f"{share:.1%}"


def others(column: Column) -> list[str]:
    """Return what else the column may be, as far as it matters; all of it is in the JSON."""
    found = [it for it in column["runners_up"] if float(it["confidence"]) >= MATTERS]
    said = [say("cli.tag-titled", tag=it["tag"], title=title_of(it)) for it in found]
    return [f"{text} ({it['confidence']})" for text, it in zip(said, found, strict=True)]
