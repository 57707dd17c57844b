"""Sentences about policies in a person's language, from message keys and facts in JSON."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from policies.model import GROUP_PREFIX
from sandbox.errors import Fact
from service.messages.catalogue import say

DIRECTIONS: Final = {
    "loosens": "diff.loosens",
    "tightens": "diff.tightens",
    "neutral": "diff.neutral",
}
"""Direction of a change → message key of its name."""
SEVERITIES: Final = {
    "error": "lint.severity-error",
    "warning": "lint.severity-warning",
    "note": "lint.severity-note",
}
"""Severity of a finding → message key of its name."""
_WINDOWS: Final = {
    "hour": "diff.every-hour",
    "day": "diff.every-day",
    "week": "diff.every-week",
    "month": "diff.every-month",
}
_APPROVALS: Final = {
    "auto": "diff.approval-auto",
    "owner": "diff.approval-owner",
    "owner+reviewer": "diff.approval-both",
}
_USES: Final = {
    "group": "diff.use-group",
    "filter": "diff.use-filter",
    "measure": "diff.use-measure",
    "join": "diff.use-join",
    "feature": "diff.use-feature",
}


def sentence(remark: Mapping[str, Any], language: str) -> str:
    """Return the sentence of a change or a finding in JSON: ``code``, ``facts`` and perhaps ``where``."""
    given = dict(remark["facts"])
    if language == "zh" and "title_zh" in given:
        given["title"] = given["title_zh"]
    facts = {name: _told(name, value, language) for name, value in given.items()}
    if "where" in remark:
        facts["where"] = remark["where"]
    return say(remark["code"], language, **facts)


def window(every: str, language: str) -> str:
    """Return ``a week`` or what else a pacing window is."""
    return say(_WINDOWS[every], language)


def _told(name: str, value: Fact, language: str) -> Fact:
    """Return a fact with the words in it that belong to a language."""
    match name, value:
        case "who", list() as people:
            return [_person(one, language) for one in people] or say("diff.nobody", language)
        case (("every" | "every_before"), str() as every):
            return window(every, language)
        case "uses", list() as uses:
            return [say(_USES[use], language) for use in uses]
        case "tags", list() as tags:
            return [say("diff.any-tag", language) if tag == "*" else tag for tag in tags]
        case (("approval" | "approval_before"), str() as rule):
            return _approval(rule, language)
    return value


def _approval(rule: str, language: str) -> str:
    """Return whose yes is needed, from ``auto`` or ``2 of qian, group:ethics``."""
    need, named, of = rule.partition(" of ")
    if not named:
        return say(_APPROVALS[rule], language)
    return say(
        "diff.approval-named", language, need=need, of=[_person(one, language) for one in of.split(", ")]
    )


def _person(name: str, language: str) -> str:
    if name.startswith(GROUP_PREFIX):
        return say("diff.group", language, name=name.removeprefix(GROUP_PREFIX))
    return name
