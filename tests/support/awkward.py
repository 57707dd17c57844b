"""Parts over awkward relations, and what they measure, cell by cell in plain Python.

Grids are binary fractions, so that the oracle's exact rounding is float64's too.
"""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from itertools import product
from math import prod
from typing import Any

from hypothesis import strategies as st
from relational import Frames, Row, Shape, World, tag, values

from jobs.expressions import Column
from jobs.plan import (
    Binning,
    Distinct,
    Draw,
    Factor,
    GroupBound,
    Key,
    Measurement,
    Part,
    Plan,
    Quantile,
    Selection,
    Source,
    Total,
    Units,
)
from jobs.relations import PerUnit
from sandbox.schema import DatasetName

FACTORS = [
    (Fraction(-3), Fraction(7), Fraction(2), Fraction(1)),
    (Fraction(-5, 2), Fraction(10), Fraction(0), Fraction(1, 4)),
    (Fraction(0), Fraction(2**40), Fraction(2**20), Fraction(1)),
]


def bound_of(shape: Shape) -> int:
    """Return the bound on the rows of a unit."""
    core = shape.frame.core
    rows = 1 if isinstance(core, PerUnit) and not core.keys else core.rows
    assert rows is not None
    return rows


def keys(draw: Any, shape: Shape, most: int = 2) -> tuple[Key, ...]:
    """Draw group keys with categories."""
    pool = [Key(Column(name), ("a", "", None)) for name in shape.texts]
    pool += [Key(Column(name), (*range(-3, 4), 2.5, "a", None)) for name in shape.numbers]
    return tuple(draw(st.lists(st.sampled_from(pool), max_size=most, unique=True))) if pool else ()


def factor(draw: Any, frames: Frames, shape: Shape) -> Factor:
    """Draw a number with its clamp."""
    return Factor(frames.number(shape), *draw(st.sampled_from(FACTORS[:2])))


def binning(draw: Any, frames: Frames, shape: Shape) -> Binning:
    """Draw an axis."""
    low, high, _, grid = draw(st.sampled_from(FACTORS[:2]))
    return Binning(frames.number(shape), low, high, grid, draw(st.sampled_from([1, 3, 11])))


def total(draw: Any, frames: Frames, shape: Shape) -> Total:
    """Draw a sum, a count, a product or a square."""
    pool = [Column(name) for name in shape.texts + shape.numbers]
    present = tuple(draw(st.lists(st.sampled_from(pool), max_size=2, unique=True))) if pool else ()
    one, other = factor(draw, frames, shape), factor(draw, frames, shape)
    wide = Factor(frames.number(shape), *FACTORS[2])
    chosen = draw(st.sampled_from([(), (one,), (wide,), (one, other), (one, one)]))
    return Total(present, chosen, draw(st.integers(0, 50)) if len(chosen) == 2 else 0, None, Fraction(1))


def measurement(draw: Any, frames: Frames, shape: Shape) -> Measurement:
    """Draw a measurement of a part with declared keys."""
    kind = draw(st.sampled_from(["total", "total", "axis", "units", "distinct", "quantile"]))
    if kind == "axis":
        return Total(axis=binning(draw, frames, shape), scale=Fraction(1))
    if kind == "units":
        return Units(tuple(map(Column, shape.numbers[:1])), Fraction(1))
    if kind == "distinct" and (shape.texts or shape.numbers):
        name = draw(st.sampled_from(shape.texts or shape.numbers))
        return Distinct(
            Key(Column(name), ("a", "b", "c", "") if name in shape.texts else (0, 1, 2)), Fraction(1)
        )
    if kind == "quantile":
        return Quantile(binning(draw, frames, shape), (Draw(Fraction(1, 2), Fraction(1)),))
    return total(draw, frames, shape)


GROUP_BOUNDS = st.none() | st.builds(GroupBound, st.integers(1, 3), st.integers(1, 3))


@st.composite
def parts(draw: Any, depth: int = 2, count: int = 3) -> tuple[Part, ...]:
    """Draw parts over one frame, their WHEREs apart; half of them with groups bounded."""
    frames = Frames(draw)
    shape = frames.frame(depth)
    found = []
    for _ in range(draw(st.integers(1, count))):
        frame = (
            shape.frame
            if draw(st.booleans())
            else type(shape.frame)(shape.frame.core, frames.condition(shape))
        )
        if draw(st.integers(0, 3)) == 0 and (columns := shape.texts + shape.numbers):
            chosen = draw(st.lists(st.sampled_from(columns), min_size=1, max_size=2, unique=True))
            one = tuple(Key(Column(name), None) for name in chosen)
            items = (total(draw, frames, shape), Units((), Fraction(1)))
            chosen = Selection(Fraction(1), 5, Fraction(1, 100))
            part = Part(
                frame, bound_of(shape), one, items, chosen, keys(draw, shape, draw(st.integers(0, 1)))
            )
        else:
            items = tuple(measurement(draw, frames, shape) for _ in range(draw(st.integers(1, 3))))
            part = Part(frame, bound_of(shape), keys(draw, shape), items, None, keys(draw, shape, 1))
        found.append(replace(part, bound=draw(GROUP_BOUNDS)))
    return tuple(found)


def plan_of(*of: Part) -> Plan:
    """Return a plan of these parts."""
    sources = tuple(Source(DatasetName(f"test.t{number}"), 1) for number in range(3))
    return Plan(sources, (), of, (), "discrete-laplace")


Group = tuple[Any, ...]


def expected(part: Part, world: World) -> list[dict[Group, int]]:
    """Return what *part* measures: for each measurement (and before them units, if keys are selected) the
    numbers that are not 0, by cell and place in the cell."""
    found = world.rows(part.frame)
    owners = [unit for unit in sorted(found, key=tag) for _ in found[unit]]
    rows = [row for unit in sorted(found, key=tag) for row in found[unit]]
    cells = cells_of(part, rows, owners)
    items: list[Measurement] = [*([Units()] if part.selection else []), *part.measurements]
    return [numbers(item, rows, owners, cells) for item in items]


def cells_of(part: Part, rows: list[Row], owners: list[int]) -> list[Group | None]:
    """Return the cell of each row: numbers of categories, or values where keys are selected."""
    columns = [[place(v, key) for v in values(key.expression, rows)] for key in (*part.keys, *part.within)]
    tuples: list[Group] = list(zip(*columns, strict=True)) if columns else [()] * len(rows)
    groups = [None if any(item is None for item in group) else group for group in tuples]
    if part.bound is not None:
        groups = bounded(part.bound, groups, owners)
    return [None if group is None else group[: len(part.keys)] for group in groups]


def bounded(bound: GroupBound, groups: list[Group | None], owners: list[int]) -> list[Group | None]:
    """Return the group of each row that is within *bound*."""
    seen: dict[int, dict[Group, int]] = {}
    found: list[Group | None] = []
    for owner, group in zip(owners, groups, strict=True):
        own = seen.setdefault(owner, {})
        new = group is not None and group not in own and len(own) == bound.groups
        if group is None or new or own.get(group, 0) == bound.rows:
            found.append(None)
        else:
            own[group] = own.get(group, 0) + 1
            found.append(group)
    return found


def place(value: Any, key: Key) -> Any:
    """Return the place of a value among a key's categories, None for none."""
    if key.categories is None:
        return (type(value).__name__, value)
    for number, category in enumerate(key.categories):
        if isinstance(value, str) == isinstance(category, str) and (value == category):
            return number
    return None


def numbers(
    item: Measurement, rows: list[Row], owners: list[int], cells: list[Group | None]
) -> dict[Group, int]:
    """Return one measurement's numbers."""
    steps, places = contributions(item, rows), places_of(item, rows)
    found: dict[Group, int] = {}
    seen: set[tuple[int, Group]] = set()
    for owner, cell, step, at in zip(owners, cells, steps, places, strict=True):
        if cell is None or step is None or at is None:
            continue
        if isinstance(item, Units):
            if (owner, cell) in seen:
                continue
            seen.add((owner, cell))
        found[(*cell, at)] = found.get((*cell, at), 0) + step
    return {cell: number for cell, number in found.items() if number}


def contributions(item: Measurement, rows: list[Row]) -> list[int | None]:
    """Return what each row adds, None for nothing."""
    if not isinstance(item, Total | Units):
        return [1] * len(rows)
    # A unit counts 1, like a product of no factors.
    there = [values(expression, rows) for expression in item.present]
    factors = item.factors if isinstance(item, Total) else ()
    columns = [[step(v, one, one.origin) for v in values(one.argument, rows)] for one in factors]
    shift = item.shift if isinstance(item, Total) else 0
    return [
        None
        if any(column[i] is None for column in (*there, *columns))
        else prod(c[i] for c in columns) - shift
        for i in range(len(rows))
    ]


def step(value: Any, item: Factor | Binning, origin: Fraction) -> int | None:
    """Return a value as an integer."""
    if value is None:
        return None
    clamped = min(max(Fraction(value), item.low), item.high)
    return round(clamped / item.grid) - int(origin / item.grid)


def places_of(item: Measurement, rows: list[Row]) -> list[int | None]:
    """Return the place in the cell that each row adds to."""
    if isinstance(item, Distinct):
        return [place(v, item.key) for v in values(item.key.expression, rows)]
    axis = item.axis if isinstance(item, Total) else item.binning if isinstance(item, Quantile) else None
    if axis is None:
        return [0] * len(rows)
    count = int((axis.high - axis.low) / axis.grid) + 1
    steps = [step(v, axis, axis.low) for v in values(axis.argument, rows)]
    return [None if q is None else q * axis.bins // count for q in steps]


def dense(part: Part, found: dict[Group, int], width: int) -> list[int]:
    """Return numbers by cell as a vector, row-major in the keys."""
    ranges = [range(len(key.categories or ())) for key in part.keys]
    return [found.get((*cell, at), 0) for cell in product(*ranges) for at in range(width)]
