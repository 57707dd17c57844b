"""One part of a plan over the chunks of its frame's core."""

from __future__ import annotations

from jobs.engine.bins import Bins
from jobs.engine.counters import Counter, counter
from jobs.engine.rows import KeyRing, Rows
from jobs.engine.selected import Groups
from jobs.partials import pack, pack_selected
from jobs.plan import Part, Units
from jobs.relations import Core, PerUnit


class PartCounter:
    """Counts a *part* whose keys are declared."""

    def __init__(self, part: Part, ring: KeyRing) -> None:
        self.part = part
        self._most = _most_rows(part.frame.core)
        self._counters = [counter(item, part.cells, self._most) for item in part.measurements]
        self._own = [] if part.selection else [ring.number(key) for key in part.keys]
        matched = () if part.selection else map(ring.number, part.within)
        self._all = tuple(sorted({*self._own, *matched}))

    @property
    def by_unit(self) -> bool:
        """Whether anything here asks which rows are of one unit."""
        return self.part.bound is not None or any(isinstance(it, Units) for it in self.part.measurements)

    def add(self, rows: Rows) -> None:
        """Count a chunk of the part's core."""
        bins = self._bins(rows)
        for item in self._all_counters():
            item.add(rows, bins)

    def packed(self) -> bytes:
        """Return what was counted, as the part's share of a partial."""
        pairs = zip(self.part.measurements, self._counters, strict=True)
        return b"".join(pack(item, found.limbs()) for item, found in pairs)

    def _bins(self, rows: Rows) -> Bins:
        bins = rows.bins(self._own, self._all, self.part.frame.where)
        return bins if self.part.bound is None else rows.bounded(bins, self._all, self.part.bound)

    def _all_counters(self) -> list[Counter]:
        return self._counters


class _SelectedCounter(PartCounter):
    """Counts a part whose keys are selected: groups are numbered as they come, and their units counted."""

    def __init__(self, part: Part, ring: KeyRing) -> None:
        super().__init__(part, ring)
        self._groups = Groups(part.keys, part.within, part.bound)
        self._members = counter(Units(), 0, self._most)

    @property
    def by_unit(self) -> bool:
        return True

    def packed(self) -> bytes:
        (members,) = self._members.limbs()
        return pack_selected(self._groups.found(), members, [item.limbs() for item in self._counters])

    def _bins(self, rows: Rows) -> Bins:
        bins = self._groups.bins(rows, self.part.frame.where)
        for item in self._all_counters():
            item.grow(len(self._groups))
        return bins

    def _all_counters(self) -> list[Counter]:
        return [self._members, *self._counters]


def part_counter(part: Part, ring: KeyRing) -> PartCounter:
    """Return an empty counter of *part*."""
    return PartCounter(part, ring) if part.selection is None else _SelectedCounter(part, ring)


def _most_rows(core: Core) -> int | None:
    return 1 if isinstance(core, PerUnit) and not core.keys else core.rows
