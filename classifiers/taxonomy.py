"""The taxonomy: what a column can be, as data with sources (``taxonomies/core.yaml``).

The files are part of the program, not input: they are read with a plain loader and an error in them is a bug.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from importlib import resources
from typing import Any

import yaml

from sandbox.schema import Use

GENERAL = "general"
"""The tag of a column in which nothing personal was recognised."""


class IdentifierRole(StrEnum):
    """How a column points at a person, strictest first."""

    DIRECT = "direct"
    SENSITIVE = "sensitive"
    QUASI = "quasi"
    NONE = "none"


@dataclass(frozen=True, slots=True)
class TagInfo:
    """One tag: *levels* by profile, *titles* by language, the *uses* and *treatment* a policy usually has."""

    name: str
    role: IdentifierRole
    sensitive: bool
    levels: Mapping[str, str]
    titles: Mapping[str, str]
    uses: tuple[Use, ...]
    treatment: str

    @property
    def strictness(self) -> tuple[bool, int]:
        """Orders tags: of two that fit equally well the greater one is proposed."""
        return self.sensitive, -list(IdentifierRole).index(self.role)


@dataclass(frozen=True, slots=True)
class Taxonomy:
    """All tags by name, and the standards that levels are taken from."""

    version: int
    sources: Mapping[str, str]
    tags: Mapping[str, TagInfo]


def read_data(file: str) -> Any:
    """Return the content of a data file beside the taxonomy."""
    text = resources.files("classifiers").joinpath("taxonomies", file).read_text("utf-8")
    return yaml.load(text, Loader=yaml.CSafeLoader)


@cache
def core() -> Taxonomy:
    """Return the built-in taxonomy."""
    data = read_data("core.yaml")
    tags = {name: _tag(name, entry) for name, entry in data["tags"].items()}
    return Taxonomy(data["version"], data["sources"], tags)


def _tag(name: str, entry: Any) -> TagInfo:
    return TagInfo(
        name,
        IdentifierRole(entry["role"]),
        entry["sensitive"],
        entry["levels"],
        entry["title"],
        tuple(map(Use, entry["use"])),
        entry["treatment"],
    )
