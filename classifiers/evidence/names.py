"""Evidence from column names: Chinese and English words, abbreviations, stems (``taxonomies/names.yaml``)."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any

from classifiers.evidence.evidence import Evidence
from classifiers.taxonomy import read_data

WEIGHTS: Mapping[str, float] = {"strong": 0.85, "fair": 0.6, "weak": 0.35}
"""How often a name alone is right; measured shares belong here once there is a labelled corpus."""

_SPLIT = re.compile(
    r"[^0-9A-Za-z\u3400-\u9fff]+|(?<=[a-z])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])|(?<=[a-z])(?=\d+$)"
)


def name_evidence(name: str) -> tuple[Evidence, ...]:
    """Return what a column's *name* hints at, the strongest hint per tag."""
    best: dict[str, Evidence] = {}
    for found in _hints(name):
        if found.tag not in best or best[found.tag].weight < found.weight:
            best[found.tag] = found
    return tuple(best.values())


def _hints(name: str) -> Iterator[Evidence]:
    words = [word.lower() for word in _SPLIT.split(name) if word]
    phrase = f" {' '.join(words)} "
    whole = name.lower()
    for tag, strength, kind, hint in _rules():
        if _matches(kind, hint, phrase, words, whole):
            yield Evidence(tag, "name", f"{kind}:{hint}", WEIGHTS[strength])


def _matches(kind: str, hint: str, phrase: str, words: list[str], whole: str) -> bool:
    match kind:
        case "words":
            return f" {hint} " in phrase
        case "whole":
            return hint == whole
        case "chinese":
            return hint in whole
        case "suffix":
            return any(word.endswith(hint) for word in (*words, whole))
        case _:
            return any(word.startswith(hint) for word in words)


@cache
def _rules() -> tuple[tuple[str, str, str, str], ...]:
    data: dict[str, Any] = read_data("names.yaml")["tags"]
    return tuple(
        (tag, strength, kind, hint)
        for tag, strengths in data.items()
        for strength, kinds in strengths.items()
        for kind, hints in kinds.items()
        for hint in hints
    )
