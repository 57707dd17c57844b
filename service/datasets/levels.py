"""What the standards say of a dataset: the level of the whole, and what its columns say together."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from classifiers.combinations import CHILD, UNDER_14, Combination, dataset_levels, found
from sandbox.schema import NumericDomain
from service.datasets.vocabulary import profile_of
from service.dossier import Dossier


def levels(dataset: Dossier, columns: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Return ``{"levels": {profile: …}, "combinations": […]}`` of *dataset*; *columns*: `proposed.shown`.

    Children are known of by what the owner declared, an age whose domain ends with 14 (some are younger) or
    begins after it; where the domain holds both or none is declared, by what classification saw.
    """
    minors = any(_of_children(dataset, column) for column in columns)
    return levels_of({column["name"]: column["tag"] for column in columns}, minors=minors)


def levels_of(tags: Mapping[str, str], *, minors: bool = False) -> dict[str, Any]:
    """Return as `levels` what the standards say of columns with *tags*, registered or not."""
    shown = {
        name: {
            **profile_of(name),
            "level": level.level,
            "columns": list(level.columns),
            "combinations": list(level.combinations),
        }
        for name, level in dataset_levels(tags, minors=minors).items()
    }
    return {"levels": shown, "combinations": [_combination(one) for one in found(tags, minors=minors)]}


def _of_children(dataset: Dossier, column: Mapping[str, Any]) -> bool:
    rule = dataset.policy.column(column["name"]) if dataset.policy else None
    domain = rule.domain if rule is not None and column["tag"] == "pi.age" else None
    if isinstance(domain, NumericDomain) and (domain.high <= CHILD or domain.low > CHILD):
        return domain.high <= CHILD
    return seems_of_children(column)


def seems_of_children(column: Mapping[str, Any]) -> bool:
    """Return whether classification saw ages or births of children in *column*, taken for such now."""
    return any(hint["rule"] == UNDER_14 and hint["tag"] == column["tag"] for hint in column["hints"])


def _combination(one: Combination) -> dict[str, Any]:
    return {
        "name": one.name,
        "title": one.titles["en"],
        "title_zh": one.titles["zh"],
        "columns": list(one.columns),
        "levels": dict(one.levels),
        "source": one.source,
    }
