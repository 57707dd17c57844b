"""Questions that are alike, and dense stretches of entries: what alerts are made of.  Pure."""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from jobs.likeness import Likeness
from service.audit.journal import Entry

_MOST_CONDITIONS: Final = 40
"""Questions with more conditions are compared as a whole only."""


@dataclass(frozen=True, slots=True)
class Asked:
    """A measurement of a charged question: its charge, and what it is like."""

    entry: Entry
    like: Likeness


def runs(found: Sequence[Entry], least: int, within: dt.timedelta) -> Iterator[list[Entry]]:
    """Yield the longest stretches in which any *least* neighbours lie *within* so much time."""
    start, run = 0, list[Entry]()
    for place, entry in enumerate(found):
        while entry.at - found[start].at > within:
            start += 1
        if place - start + 1 >= least:
            run = [*run, entry] if run else list(found[start : place + 1])
        elif run and start > place - least + 1 and found[start].leaf > run[-1].leaf:
            yield run
            run = []
    if run:
        yield run


def probes(
    alike: Sequence[Asked], least: int, within: dt.timedelta
) -> Iterator[tuple[list[Asked], frozenset[str]]]:
    """Yield the questions of one person that differ only in which single value they look at."""
    rows: dict[tuple[str, frozenset[str]], list[Asked]] = defaultdict(list)
    for one in alike:
        if one.like.picks:
            rows[one.entry.actor, one.like.templates].append(one)
    for found in rows.values():
        fresh = list({one.like.picks: one for one in found}.values())
        for run in runs([one.entry for one in fresh], least, within):
            leaves = {entry.leaf for entry in run}
            yield [one for one in fresh if one.entry.leaf in leaves], fresh[0].like.columns


def neighbours(alike: Sequence[Asked]) -> Iterator[list[Asked]]:
    """Yield groups of questions each of which differs from another one in one condition or constant."""
    near: dict[frozenset[str], list[int]] = defaultdict(list)
    for place, one in enumerate(alike):
        conditions = one.like.conditions
        near[conditions].append(place)
        if len(conditions) <= _MOST_CONDITIONS:
            for left_out in conditions:
                near[conditions - {left_out}].append(place)
    groups = _Groups(len(alike))
    for places in near.values():
        # Equal questions are replays, or asked again at another price: no difference to learn from.
        if len({alike[place].like.conditions for place in places}) > 1:
            groups.join(places)
    for group in groups.found():
        if len({alike[place].entry.leaf for place in group}) > 1:  # a job is not compared with itself
            yield [alike[place] for place in group]


def together(found: Iterable[Sequence[Entry]]) -> list[list[Entry]]:
    """Return the groups of entries, those that share one as one, each in order and each entry once."""
    listed = [list(group) for group in found]
    entries = sorted({entry.leaf: entry for group in listed for entry in group}.items())
    places = {leaf: place for place, (leaf, _) in enumerate(entries)}
    groups = _Groups(len(entries))
    for group in listed:
        groups.join([places[entry.leaf] for entry in group])
    return [[entries[place][1] for place in group] for group in groups.found()]


class _Groups:
    """Disjoint sets of numbers below *size*."""

    def __init__(self, size: int) -> None:
        self._above = list(range(size))

    def join(self, members: Sequence[int]) -> None:
        """Put *members* and all that is joined with one of them together."""
        first = self._top(members[0])
        for member in members[1:]:
            self._above[self._top(member)] = first

    def found(self) -> list[list[int]]:
        """Return the sets, each in order."""
        sets: dict[int, list[int]] = defaultdict(list)
        for member in range(len(self._above)):
            sets[self._top(member)].append(member)
        return list(sets.values())

    def _top(self, member: int) -> int:
        while self._above[member] != member:
            self._above[member] = member = self._above[self._above[member]]
        return member
