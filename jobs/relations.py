"""Whose rows are measured: scans, one row per unit, joins; as frozen data, JSON at the edge.

The law of every relation: each row belongs to exactly one unit and depends on that unit's rows and on public
tables alone.  Rows of a unit lie together, in an order that depends on nothing else either, so "the first R
rows of a unit" is a bound that no other unit can move.

Every column of a relation has a *slot*: the number of the place in the statement that makes it, and a name.
A stored column of leaf 0 has its bare name as slot, so that the plan of a plain query reads like the table.

Parser and planner share these types.  The parser leaves the bounds (`Scan.rows`, `Join.rows`, `Lookup.rows`,
`UnitValue.low`, `.high`) unset; a plan has them set.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from typing import Final, Literal

from jobs.expressions import Expression

_SEPARATOR: Final = "\x1f"
"""Stands in no column name: registration refuses control characters."""

JoinKind = Literal["inner", "left", "semi", "anti"]
ValueKind = Literal["count", "sum", "avg", "min", "max", "distinct"]


def slot(number: int, name: str) -> str:
    """Return the slot of column *name* made at place *number*."""
    return f"{number}{_SEPARATOR}{name}" if number else name


def shown(slot_name: str) -> str:
    """Return the name in a slot, for messages."""
    return slot_name.rpartition(_SEPARATOR)[2]


def place_of(slot_name: str) -> int:
    """Return the number in a slot."""
    number, separator, _ = slot_name.rpartition(_SEPARATOR)
    return int(number) if separator else 0


@dataclass(frozen=True, slots=True)
class Scan:
    """The stored rows of private dataset number *source*; columns ``slot(place, name)``.

    *rows*: only the first so many of each unit; None: all of them, allowed only where a `PerUnit` above
    leaves one row a unit.
    """

    source: int
    place: int
    rows: int | None = None


@dataclass(frozen=True, slots=True)
class UnitValue:
    """One aggregate over a unit's rows (or over one group of them); its column is *slot*.

    ``count`` without argument counts rows.  Nulls are left out; over no value ``count`` and ``distinct`` are
    0, the others null.  A number is clamped to [*low*, *high*] when it comes out (None: not clamped).
    """

    slot: str
    kind: ValueKind
    argument: Expression | None = None
    low: Fraction | None = None
    high: Fraction | None = None


@dataclass(frozen=True, slots=True)
class PerUnit:
    """GROUP BY the unit, and by *keys* if there are any: one row per unit and group, in order of appearance.

    Sees every row of *of*.  Columns: the slots of *keys* and of *values*.  *rows*: with keys, only the first
    so many groups of a unit go on; without keys there is one.
    """

    of: Frame
    keys: tuple[tuple[str, Expression], ...]
    values: tuple[UnitValue, ...]
    rows: int | None = None


@dataclass(frozen=True, slots=True)
class Join:
    """Rows of one unit in both frames, paired where *condition* (over both) is true; None pairs all.

    ``left`` keeps unmatched rows of *left* with nulls; ``semi`` and ``anti`` keep rows of *left* only, each
    once.  Pairs are ordered by (row of left, row of right).  *rows*: the bound after pairing.
    """

    kind: JoinKind
    left: Frame
    right: Frame
    condition: Expression | None = None
    rows: int | None = None


@dataclass(frozen=True, slots=True)
class Lookup:
    """Rows of *left* paired with rows of public table number *table* on equal values.

    *on*: (expression over *left*, column of the table), at least one; null equals nothing.  *condition* as in
    `Join`.  The table's columns are ``slot(place, name)``.  Pairs are ordered by (row, row number in the
    table).  *rows*: the bound after pairing.
    """

    kind: JoinKind
    left: Frame
    table: int
    place: int
    on: tuple[tuple[Expression, str], ...]
    condition: Expression | None = None
    rows: int | None = None


Core = Scan | PerUnit | Join | Lookup


@dataclass(frozen=True, slots=True)
class Frame:
    """A core's rows, then only those where *where* is true.  Bounds come before *where*."""

    core: Core
    where: Expression | None = None


def inputs(core: Core) -> tuple[Frame, ...]:
    """Return the frames that *core* is made of."""
    match core:
        case Scan():
            return ()
        case PerUnit(of=frame):
            return (frame,)
        case Join(left=left, right=right):
            return (left, right)
        case Lookup(left=left):
            return (left,)


def cores(frame: Frame) -> Iterator[Core]:
    """Yield every core in *frame*, outermost first."""
    yield frame.core
    for inner in inputs(frame.core):
        yield from cores(inner)


def expressions(frame: Frame) -> Iterator[Expression]:
    """Yield every expression that *frame* evaluates."""
    found: list[Expression | None] = [frame.where]
    match frame.core:
        case PerUnit(keys=keys, values=values):
            found += [expression for _, expression in keys]
            found += [value.argument for value in values]
        case Join(condition=condition):
            found.append(condition)
        case Lookup(on=on, condition=condition):
            found += [expression for expression, _ in on]
            found.append(condition)
    yield from (item for item in found if item is not None)
    for inner in inputs(frame.core):
        yield from expressions(inner)
