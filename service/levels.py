"""What the standards say of a dataset: the level of the whole, and what its columns say together."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from classifiers.combinations import CHILD, Combination, dataset_levels, found
from classifiers.taxonomy import core
from sandbox.schema import NumericDomain
from service.dossier import Dossier


def levels(dataset: Dossier, tags: Mapping[str, str]) -> dict[str, Any]:
    """Return ``{"levels": {profile: …}, "combinations": […]}`` of *dataset*, whose columns have *tags*.

    *tags* is tag by column.  Children are known of by what the owner declared: an age whose domain ends
    before 14.
    """
    minors = any(tag == "pi.age" and _of_children(dataset, column) for column, tag in tags.items())
    return levels_of(tags, minors=minors)


def levels_of(tags: Mapping[str, str], *, minors: bool = False) -> dict[str, Any]:
    """Return as `levels` what the standards say of columns with *tags*, registered or not."""
    profiles = core().profiles
    shown = {
        name: {
            "title": profiles[name].title,
            "source": profiles[name].source,
            "titles": profiles[name].titles,
            "level": level.level,
            "columns": list(level.columns),
            "combinations": list(level.combinations),
        }
        for name, level in dataset_levels(tags, minors=minors).items()
    }
    return {"levels": shown, "combinations": [_combination(one) for one in found(tags, minors=minors)]}


def _of_children(dataset: Dossier, column: str) -> bool:
    rule = dataset.policy.column(column) if dataset.policy else None
    return rule is not None and isinstance(rule.domain, NumericDomain) and rule.domain.high < CHILD


def _combination(one: Combination) -> dict[str, Any]:
    return {
        "name": one.name,
        "title": one.titles["en"],
        "title_zh": one.titles["zh"],
        "columns": list(one.columns),
        "levels": dict(one.levels),
        "source": one.source,
    }
