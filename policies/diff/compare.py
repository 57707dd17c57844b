"""What a new policy changes, in sentences: a pure function of two policies.

The laws:

* whatever differs in the canonical forms of two policies is told by at least one change;
* if no change loosens, every request that the new policy allows is allowed by the old one, with an approval
  that is as strict, under limits that are no higher, and shows no more.

Where a column's uses follow from its tag the laws hold for every tag that it may have.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Final

from policies.diff import columns, grants, limits
from policies.diff.change import Change, Direction, loosening, written
from policies.model import AccessPolicy, canonical

_Part = Callable[[AccessPolicy, AccessPolicy], Iterator[Change]]


def _grants(old: AccessPolicy, new: AccessPolicy) -> Iterator[Change]:
    return grants.compare(old.grants, new.grants)


_PARTS: Final[tuple[_Part, ...]] = (
    _grants,
    columns.compare,
    limits.budget,
    limits.unit,
    limits.others,
    limits.names,
)
_TOLD: Final = frozenset(
    (
        *("apiVersion", "dataset", "version", "owner", "supersedes", "denied", "columns", "grants", "joins"),
        *("tags", "minimum_count", "keep_hours", "unit", "budget"),
    )
)
"""The parts of the canonical form that have a rule; what is inside them has one, too."""


def changes(old: AccessPolicy, new: AccessPolicy) -> tuple[Change, ...]:
    """Return what *new* changes, what loosens first; empty only if both say the same."""
    found = [change for part in _PARTS for change in part(old, new)]
    before, after = canonical(old), canonical(new)
    for path in sorted((before.keys() | after.keys()) - _TOLD):
        if before.get(path) != after.get(path):
            shown = {"old": written(before.get(path)), "new": written(after.get(path))}
            found.append(loosening("diff.other", [path], path=path, **shown))
    order = list(Direction)
    return tuple(sorted(found, key=lambda change: order.index(change.direction)))


def loosened(old: AccessPolicy | None, new: AccessPolicy) -> tuple[str, ...]:
    """Return the rules by which *new* lets anybody learn anything that *old* does not, or may; as paths.

    All of *new* (``$``) where there is no policy before it.
    """
    if old is None:
        return ("$",)
    looser = (change for change in changes(old, new) if change.direction is Direction.LOOSENS)
    return tuple(dict.fromkeys(rule for change in looser for rule in change.rules))
