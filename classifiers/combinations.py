"""What columns say together, and the level of a whole dataset.

A dataset is as strict as its strictest column, and stricter where columns that stand side by side reach
further (``taxonomies/combinations.yaml``): birth date, postcode and gender are harmless one by one and pick
out most people together.  Only tags are looked at, never a value.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache

from classifiers.taxonomy import Profile, core, read_data

CHILD = 14
"""Personal data of people younger than this is sensitive (PIPL, article 28; by GB/T 35273 at it, too)."""
UNDER_14 = "under-14"
"""The rule of the hint that a column holds ages or births of children (`classifiers.minors`)."""


@dataclass(frozen=True, slots=True)
class Rule:
    """A combination to look for: *groups* of tags that need a column each; *levels* it has at least."""

    name: str
    groups: tuple[tuple[str, ...], ...]
    minors: bool
    levels: Mapping[str, str]
    titles: Mapping[str, str]
    source: str


@dataclass(frozen=True, slots=True)
class Combination:
    """A combination that was found in *columns*; *levels* by profile, *titles* by language."""

    name: str
    columns: tuple[str, ...]
    levels: Mapping[str, str]
    titles: Mapping[str, str]
    source: str


@dataclass(frozen=True, slots=True)
class Level:
    """A dataset's *level* and why: *columns* that have it, or *combinations* that raise the dataset to it."""

    level: str
    columns: tuple[str, ...]
    combinations: tuple[str, ...]

    @property
    def because(self) -> tuple[str, ...]:
        """The names of the columns or combinations that decide; empty where nothing raises the level."""
        return self.columns + self.combinations


@cache
def rules() -> tuple[Rule, ...]:
    """Return all combinations that are looked for."""
    return tuple(
        Rule(
            name,
            tuple(map(_spelled_out, entry["columns"])),
            entry.get("minors", False),
            entry["levels"],
            entry["title"],
            entry["source"],
        )
        for name, entry in read_data("combinations.yaml")["combinations"].items()
    )


def found(
    tags: Mapping[str, str], profile: str | None = None, *, minors: bool = False
) -> tuple[Combination, ...]:
    """Return the combinations in columns with *tags* (tag by column).

    *profile* leaves out those that this profile takes no notice of.  *minors* says that the data is about
    children under 14.
    """
    wanted = (
        rule
        for rule in rules()
        if (minors or not rule.minors) and (profile is None or profile in rule.levels)
    )
    return tuple(
        Combination(rule.name, columns, rule.levels, rule.titles, rule.source)
        for rule in wanted
        if (columns := _columns(rule, tags))
    )


def dataset_levels(tags: Mapping[str, str], *, minors: bool = False) -> Mapping[str, Level]:
    """Return the level of a dataset whose columns have *tags* (tag by column), by profile.

    Raises `KeyError` for a tag that the taxonomy does not have.
    """
    together = found(tags, minors=minors)
    return {name: _level(profile, tags, together) for name, profile in core().profiles.items()}


def _level(profile: Profile, tags: Mapping[str, str], together: Iterable[Combination]) -> Level:
    single = profile.highest(profile.levels[tag] for tag in tags.values())
    raising = {found.name: found.levels[profile.name] for found in together if profile.name in found.levels}
    level = profile.highest([single, *raising.values()])
    if level != single:
        return Level(level, (), tuple(name for name, reached in raising.items() if reached == level))
    if level == profile.order[0]:
        return Level(level, (), ())
    return Level(level, tuple(column for column, tag in tags.items() if profile.levels[tag] == level), ())


def _columns(rule: Rule, tags: Mapping[str, str]) -> tuple[str, ...]:
    """The columns that *rule* is found in, in the order of *tags*; none if one of its groups has none."""
    if not all(any(tag in group for tag in tags.values()) for group in rule.groups):
        return ()
    return tuple(column for column, tag in tags.items() if any(tag in group for group in rule.groups))


def _spelled_out(group: Iterable[str]) -> tuple[str, ...]:
    """The tags of *group*, with every prefix replaced by the tags that start with it."""
    return tuple(
        tag
        for entry in group
        for tag in core().tags
        if tag == entry or (entry.endswith(".") and tag.startswith(entry))
    )
