"""Sensitivity: take any one unit away, measure again without it, and compare the exact integers.

Nothing is masked and nothing is computed from the plan's own claim: the oracle is the definition of
neighbouring datasets, and the bounds are those of the table in `jobs.plan`, written out again here.
"""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from math import prod
from typing import Any

import numpy as np
import pytest
from awkward import parts, plan_of
from hypothesis import HealthCheck, given, settings
from relational import Row, World, worlds

from jobs.expressions import Call, Column, Literal
from jobs.kernels import measure
from jobs.measure import scores
from jobs.partials import Exact, merge, numbers_per_cell
from jobs.plan import Distinct, Draw, Factor, Key, Measurement, Part, Quantile, Selection, Total, Units
from jobs.relations import Frame, Join, Lookup, PerUnit, Scan, UnitValue, slot

DRAWS = [
    Draw(Fraction(a, b), Fraction(shift, b), Fraction(1), side)
    for a, b in ((0, 1), (1, 2), (1, 3), (199, 200), (1, 1))
    for shift, side in ((0, ""), (-3, "low"), (5, "low"), (3, "high"), (-2, "high"))
]


def bounds(part: Part, item: Measurement) -> tuple[int, int]:
    """Return how far one unit may move a measurement: L1, L2 squared."""
    rows = part.rows
    cells = prod(len(key.categories or "") for key in part.keys) if part.selection is None else rows
    match item:
        case Units():
            return min(rows, cells), min(rows, cells)
        case Distinct(key=key):
            return rows, rows * min(rows, len(key.categories or ()))
        case Total():
            return rows * largest(item), (rows * largest(item)) ** 2
    return rows, rows**2  # a histogram; its draws are checked by their scores


def largest(item: Total) -> int:
    """Return the largest contribution of one row, by trying the ends (and zero, for a square)."""
    ends = [[int((end - one.origin) / one.grid) for end in (one.low, one.high)] for one in item.factors]
    if len(ends) == 2 and item.factors[0] == item.factors[1]:
        return max(abs(q * q - item.shift) for q in (*ends[0], 0))
    corners = [1]
    for pair in ends:
        corners = [corner * end for corner in corners for end in pair]
    return max(abs(corner - item.shift) for corner in corners)


def passes(part: Part, world: World, claimed: Part | None = None) -> bool:
    """Whether removing any one unit moves every measurement of *part* by no more than *claimed* allows."""
    whole = integers(part, world)
    units = {unit for source in world.sources for unit in source}
    return all(_moves_within(claimed or part, whole, integers(part, world.without(unit))) for unit in units)


def integers(part: Part, world: World) -> Exact:
    """Return the exact integers of *part*."""
    return merge(plan_of(part), [measure(plan_of(part), world.inputs())])[0]


def _moves_within(part: Part, whole: Exact, without: Exact) -> bool:
    if part.selection is not None:
        moved = _by_group(whole, without)
        units, *vectors = moved
        if units.max(initial=0) > 1 or units.sum() > part.rows:
            return False
    else:
        vectors = [
            _released(*it) for it in zip(part.measurements, whole.vectors, without.vectors, strict=True)
        ]
    for item, vector in zip(part.measurements, vectors, strict=True):
        one, two = bounds(part, item)
        if vector.sum() > one or (vector * vector).sum() > two:
            return False
        if isinstance(item, Quantile) and not _scores_within(part, item, whole, without):
            return False
    return True


def _released(item: Measurement, whole: Any, without: Any) -> Any:
    if isinstance(item, Distinct):
        shape = (-1, numbers_per_cell(item))
        whole, without = ((vector.reshape(shape) > 0).sum(axis=1) for vector in (whole, without))
    return np.abs(whole - without).astype(object)


def _by_group(whole: Exact, without: Exact) -> list[Any]:
    names = [repr(group) for group in whole.groups or []]
    others = [repr(group) for group in without.groups or []]
    assert set(others) <= set(names)
    place = [others.index(name) if name in others else -1 for name in names]
    pairs = zip([whole.units, *whole.vectors], [without.units, *without.vectors], strict=True)
    return [np.abs(one - np.append(other, 0)[place]).astype(object) for one, other in pairs]


def _scores_within(part: Part, item: Quantile, whole: Exact, without: Exact) -> bool:
    at = part.measurements.index(item)
    counts = [found.vectors[at].reshape(-1, item.binning.bins) for found in (whole, without)]
    for draw in DRAWS:
        (one, _), (other, _) = (scores(draw, it) for it in counts)
        a, b = draw.quantile.as_integer_ratio()
        if np.abs(one - other).max(initial=0) > part.rows * max(a, b - a):
            return False
    return True


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(parts(count=1), worlds())
def test_no_unit_moves_a_measurement_by_more_than_its_bound(of: tuple[Part, ...], world: World) -> None:
    assert passes(of[0], world)


@pytest.mark.soak
@settings(max_examples=5000, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(parts(depth=3, count=1), worlds())
def test_no_unit_moves_a_measurement_long(of: tuple[Part, ...], world: World) -> None:
    assert passes(of[0], world)


def row(group: str | None = "a", whole: int | None = 7, amount: float | None = 1e300) -> Row:
    return {"group": group, "whole": whole, "amount": amount}


CROWD = World(
    [{1: [row()] * 40, 2: [row("b", -9, 0.5)]}, {1: [row()] * 40, 3: [row()]}],
    [[row("a", 7, 1.0)] * 1000],
)
AMOUNT = Factor(Column("amount"), Fraction(-5, 2), Fraction(10), Fraction(0), Fraction(1, 4))
WHOLE = Factor(Column("whole"), Fraction(-3), Fraction(7), Fraction(2), Fraction(1))
GROUPS = (Key(Column("group"), ("a", "b", None)),)
TWICE = Call("greater", (Column("whole"), Literal(0)))
TOTAL = UnitValue(slot(5, "v"), "sum", Column(slot(3, "whole")), Fraction(-3), Fraction(28))
ONE, OTHER = Frame(Scan(0, 0, 4)), Frame(Scan(1, 1, 4))
ALL_PAIRS = Frame(Join("inner", Frame(Scan(0, 3)), Frame(Scan(1, 4))))
FRAMES = {
    "scan": ONE,
    "join": Frame(Join("inner", ONE, OTHER, None, 4)),
    "condition": Frame(Join("left", ONE, OTHER, TWICE, 4), TWICE),
    "lookup": Frame(Lookup("inner", ONE, 0, 1, ((Column("group"), "group"),), None, 4)),
    "all of a unit": Frame(Join("inner", ONE, Frame(PerUnit(ALL_PAIRS, (), (TOTAL,))), None, 4)),
}
MEASUREMENTS = [
    Total((), (), 0, None, Fraction(1)),
    Total((), (AMOUNT,), 0, None, Fraction(1)),
    Total((), (AMOUNT, WHOLE), 0, None, Fraction(1)),
    Total((), (AMOUNT, AMOUNT), 800, None, Fraction(1)),
    Distinct(GROUPS[0], Fraction(1)),
]


@pytest.mark.parametrize("frame", FRAMES.values(), ids=FRAMES)
@pytest.mark.parametrize("item", MEASUREMENTS, ids=["count", "sum", "product", "square", "distinct"])
def test_a_thousandfold_fan_out_moves_no_more(frame: Frame, item: Measurement) -> None:
    """Unit 1 has 40 rows in both datasets and every row has 1,000 partners; four rows are measured."""
    if isinstance(item, Distinct):
        item = Distinct(Key(Column("group"), ("a", "b", "c")), Fraction(1))
    part = Part(frame, 4, GROUPS, (item,))
    assert passes(part, CROWD)


@pytest.mark.parametrize("name", ["scan", "join", "condition", "lookup"])
def test_a_wrong_bound_is_caught(name: str) -> None:
    """The part is told to claim what three rows, √R·c or c would be; and a frame that keeps one row more."""
    part = Part(FRAMES[name], 4, GROUPS, (MEASUREMENTS[1],))
    for rows in (1, 2, 3):
        assert not passes(part, CROWD, replace(part, rows=rows))
    looser = replace(part, frame=replace(part.frame, core=replace(part.frame.core, rows=5)))  # type: ignore[arg-type]
    # A scan of five rows, or five of the sixteen pairs.
    assert not passes(looser, CROWD)


def test_a_selected_group_counts_a_unit_once() -> None:
    part = Part(
        FRAMES["join"],
        4,
        (Key(Column("group"), None),),
        (MEASUREMENTS[1],),
        Selection(Fraction(1), 1, Fraction(1, 9)),
    )
    assert passes(part, CROWD)
    found = integers(part, CROWD)
    assert found.groups == [("a",)]
    assert found.units is not None
    assert found.units.tolist() == [1]
    assert not passes(part, World([{1: [row("a"), row("b")]}, {1: [row()]}], []), replace(part, rows=1))
