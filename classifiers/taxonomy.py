"""The taxonomy: what a column can be, as data with sources (``taxonomies/core.yaml``).

How strictly a standard sees a tag stands apart, in one file per standard (``taxonomies/profiles``): the tags
change with what we recognise, the levels with the standards.

The files are part of the program, not input: they are read with a plain loader and an error in them is a bug.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from enum import StrEnum
from functools import cache
from importlib import resources
from typing import Any

import yaml

from sandbox.schema import Use

_NEAR = 6
"""Tags that a word which is none may have been meant for."""
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
    """One tag: *levels* by profile, *titles* by language, the *uses* and *treatment* a policy usually has.

    *dpv* is the term of the W3C Data Privacy Vocabulary, if any
    (``pd:`` is ``https://w3id.org/dpv/2.0/pd#``).
    """

    name: str
    role: IdentifierRole
    sensitive: bool
    levels: Mapping[str, str]
    titles: Mapping[str, str]
    uses: tuple[Use, ...]
    treatment: str
    dpv: str | None = None

    @property
    def strictness(self) -> tuple[bool, int]:
        """Orders tags: of two that fit equally well the greater one is proposed."""
        return self.sensitive, -list(IdentifierRole).index(self.role)


@dataclass(frozen=True, slots=True)
class Profile:
    """One standard: its levels in *order* from low to high, and the level of every tag.

    *judged* says how levels were found where the standard does not name them; *basis* says of some tags
    where the standard names them.  *title* is by language, *basis* by tag and language, *titles* by level, in
    their order, and language.
    """

    name: str
    version: int
    title: Mapping[str, str]
    source: str
    judged: str
    order: tuple[str, ...]
    titles: Mapping[str, Mapping[str, str]]
    levels: Mapping[str, str]
    basis: Mapping[str, Mapping[str, str]]

    def highest(self, levels: Iterable[str]) -> str:
        """Return the highest of *levels*; of none it is the lowest there is."""
        return max(levels, key=self.order.index, default=self.order[0])


@dataclass(frozen=True, slots=True)
class Taxonomy:
    """All tags and profiles by name, and the *sources* that levels are taken from."""

    version: int
    sources: Mapping[str, str]
    tags: Mapping[str, TagInfo]
    profiles: Mapping[str, Profile]


def read_data(file: str) -> Any:
    """Return the content of a data file beside the taxonomy."""
    text = resources.files("classifiers").joinpath("taxonomies", file).read_text("utf-8")
    return yaml.load(text, Loader=yaml.CSafeLoader)


def entries(text: str | None) -> Iterator[str]:
    """Yield the entries of a list that a data file holds as one text, apart by commas.

    YAML takes ten times as long to read as many entries of its own (measured on ``names.yaml``).
    """
    return (entry.strip() for entry in (text or "").split(",") if entry.strip())


@cache
def core() -> Taxonomy:
    """Return the built-in taxonomy."""
    data = read_data("core.yaml")
    profiles = {name: _profile(name) for name in data["profiles"]}
    tags = {name: _tag(name, entry, profiles) for name, entry in data["tags"].items()}
    sources = {name: profile.source for name, profile in profiles.items()}
    return Taxonomy(data["version"], sources, tags, profiles)


def named(text: str) -> TagInfo | None:
    """Return the tag that *text* names: by its name or by its title in any language, in any case or width."""
    wanted = _folded(text)
    for tag in core().tags.values():
        if wanted in (tag.name, *map(_folded, tag.titles.values())):
            return tag
    return None


def _folded(text: str) -> str:
    return unicodedata.normalize("NFKC", text).casefold().strip()


def nearest(text: str, language: str) -> list[str]:
    """Return the tags, with their titles in *language*, that *text* may have been meant for."""
    asked = _folded(text)
    words: dict[str, list[str]] = {}
    for tag in core().tags.values():
        for word in (tag.name, *tag.name.split("."), *tag.titles.values()):
            words.setdefault(_folded(word), []).append(tag.name)
    near = [name for word in get_close_matches(asked, words, n=_NEAR) for name in words[word]]
    near += [name for word, names in words.items() if asked and asked in word for name in names]
    return [f"{name} ({core().tags[name].titles[language]})" for name in dict.fromkeys(near)][:_NEAR]


def weaker(tag: str, proposed: str) -> bool:
    """Whether *tag* protects a column less than *proposed* does.

    It does where it is not sensitive any more or points at a person less directly, or where it is lower under
    some standard and higher under none.  What is not known here any more counts as stricter.
    """
    known = core().tags
    if tag == proposed or tag not in known or proposed not in known:
        return tag != proposed
    one, other = known[tag], known[proposed]
    roles = list(IdentifierRole)
    if other.sensitive > one.sensitive or roles.index(one.role) > roles.index(other.role):
        return True
    steps = [
        profile.order.index(profile.levels[tag]) - profile.order.index(profile.levels[proposed])
        for profile in core().profiles.values()
    ]
    return min(steps) < 0 and max(steps) <= 0


def highest(profile: str, tags: Iterable[str]) -> str:
    """Return the level of data with columns of *tags* under *profile*: that of the strictest column."""
    found = core().profiles[profile]
    return found.highest(found.levels[tag] for tag in tags)


def _profile(name: str) -> Profile:
    data = read_data(f"profiles/{name}.yaml")
    return Profile(
        name,
        data["version"],
        data["title"],
        data["source"],
        data["judged"],
        tuple(data["order"]),
        data["titles"],
        data["levels"],
        data.get("basis", {}),
    )


def _tag(name: str, entry: Any, profiles: Mapping[str, Profile]) -> TagInfo:
    return TagInfo(
        name,
        IdentifierRole(entry["role"]),
        entry["sensitive"],
        {profile.name: profile.levels[name] for profile in profiles.values()},
        entry["title"],
        tuple(map(Use, entry["use"])),
        entry["treatment"],
        entry.get("dpv"),
    )
