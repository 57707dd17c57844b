"""Sensitivity: take any one unit away, measure again without it, and compare the exact integers.

Nothing is masked and nothing is computed from the plan's own claim: the oracle is the definition of
neighbouring datasets, and the bounds are those of the table in `jobs.plan`, written out again here.
"""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from awkward import parts, plan_of
from hypothesis import HealthCheck, given, settings
from reaching import bounds, filled, touched
from relational import Row, World, worlds

from jobs.expressions import Call, Column, Literal
from jobs.kernels import measure
from jobs.measure import scores
from jobs.partials import Exact, merge, numbers_per_cell
from jobs.plan import Distinct, Draw, Factor, Key, Measurement, Part, Quantile, Selection, Total
from jobs.relations import Frame, Join, Lookup, PerUnit, Scan, UnitValue, slot
from jobs.sensitivity import steps_of
from sandbox.privacy.widths import width_scores

DRAWS = [
    Draw(Fraction(a, b), Fraction(1), side, slack)
    for a, b in ((0, 1), (1, 2), (1, 3), (199, 200), (1, 1))
    for side, slack in (("", 0), ("around", 4), ("around", 400), ("low", 3), ("high", 5))
]


def stays_near(part: Part, world: World) -> bool:
    """Whether removing any one unit from one source alone moves *part* by no more than `steps_of` claims."""
    whole = integers(part, world)
    for number, source in enumerate(world.sources):
        steps = steps_of(part.frame, number)
        for unit in source:
            rest = {other: rows for other, rows in source.items() if other != unit}
            sources = [*world.sources[:number], rest, *world.sources[number + 1 :]]
            if not _moves_within(part, whole, integers(part, replace(world, sources=sources)), steps):
                return False
    return True


def passes(part: Part, world: World, claimed: Part | None = None) -> bool:
    """Whether removing any one unit moves every measurement of *part* by no more than *claimed* allows."""
    whole = integers(part, world)
    units = {unit for source in world.sources for unit in source}
    return all(_moves_within(claimed or part, whole, integers(part, world.without(unit))) for unit in units)


def integers(part: Part, world: World) -> Exact:
    """Return the exact integers of *part*."""
    return merge(plan_of(part), [measure(plan_of(part), world.inputs())])[0]


def _moves_within(part: Part, whole: Exact, without: Exact, steps: int = 1) -> bool:
    if part.selection is not None:
        moved = _by_group(whole, without)
        units, *vectors = moved
        if units.max(initial=0) > 1 or units.sum() > steps * touched(part):
            return False
    else:
        vectors = [
            _released(*it) for it in zip(part.measurements, whole.vectors, without.vectors, strict=True)
        ]
    for item, vector in zip(part.measurements, vectors, strict=True):
        one, two = bounds(part, item)
        if vector.sum() > steps * one or (vector * vector).sum() > steps**2 * two:
            return False
        if isinstance(item, Quantile) and not _scores_within(part, item, whole, without, steps):
            return False
    return True


def _released(item: Measurement, whole: Any, without: Any) -> Any:
    if isinstance(item, Distinct):
        shape = (-1, numbers_per_cell(item))
        whole, without = ((vector.reshape(shape) > 0).sum(axis=1) for vector in (whole, without))
    return np.abs(whole - without).astype(object)


def _by_group(whole: Exact, without: Exact) -> list[Any]:
    places = [{repr(group): at for at, group in enumerate(it.groups or [])} for it in (whole, without)]
    names = sorted({*places[0], *places[1]})
    at, beside = ([found.get(name, -1) for name in names] for found in places)
    pairs = zip([whole.units, *whole.vectors], [without.units, *without.vectors], strict=True)
    return [
        np.abs(np.append(one, 0)[at] - np.append(other, 0)[beside]).astype(object) for one, other in pairs
    ]


def _scores_within(part: Part, item: Quantile, whole: Exact, without: Exact, steps: int) -> bool:
    at = part.measurements.index(item)
    counts = [found.vectors[at].reshape(-1, item.binning.bins) for found in (whole, without)]
    for draw in DRAWS:
        a, b = draw.quantile.as_integer_ratio()
        one, two = (
            number * max(a, b - a) ** power for number, power in zip(filled(part), (1, 2), strict=True)
        )
        pairs = zip(*(_every_score(draw, it) for it in counts), strict=True)
        moves = [max(np.abs(x - y).max() for x, y in zip(*cell, strict=True)) for cell in pairs]
        if sum(moves) > steps * one or sum(move**2 for move in moves) > steps**2 * two:
            return False
    return True


def _every_score(draw: Draw, counts: Any) -> list[list[Any]]:
    """For each cell the scores of a point, or those of half-widths around some points."""
    if not draw.side:
        return [[cell] for cell in scores(draw, counts)]
    points = {0, counts.shape[1] // 3, counts.shape[1] - 1}
    return [
        [width_scores(upper, point, draw.quantile, draw.slack, draw.side) for point in sorted(points)]
        for upper in np.cumsum(counts, axis=1)
    ]


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(parts(count=1), worlds())
def test_no_unit_moves_a_measurement_by_more_than_its_bound(of: tuple[Part, ...], world: World) -> None:
    assert passes(of[0], world)


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(parts(count=1), worlds())
def test_no_unit_of_one_source_moves_a_measurement_further(of: tuple[Part, ...], world: World) -> None:
    assert stays_near(of[0], world)


@pytest.mark.soak
@settings(max_examples=5000, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(parts(depth=3, count=1), worlds())
def test_no_unit_of_one_source_moves_a_measurement_long(of: tuple[Part, ...], world: World) -> None:
    assert stays_near(of[0], world)


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


LOST = Call("is_null", (Column(slot(1, "group")),))
SIGN = Call("case", (LOST, Literal(-1), Literal(1)))
SIGNED = Total((), (Factor(SIGN, Fraction(-1), Fraction(1), Fraction(0), Fraction(1)),), 0, None, Fraction(1))
KEPT = Frame(Join("left", ONE, OTHER, None, 4))
FULL = World([{1: [row()] * 4}, {1: [row()] * 4}], [])


def test_rows_that_a_left_join_keeps_are_replaced_when_their_partners_leave() -> None:
    """Unit 1 leaves the right side only: four rows of +1 are four of -1, in another cell."""
    for keys in ((), (Key(LOST, (True, False)),)):
        part = Part(KEPT, 4, keys, (SIGNED,))
        assert (steps_of(KEPT, 0), steps_of(KEPT, 1)) == (1, 2)
        assert stays_near(part, FULL)
        rest = World([FULL.sources[0], {}], [])
        moved = integers(part, FULL).vectors[0] - integers(part, rest).vectors[0]
        assert abs(moved).sum() == 2 * bounds(part, SIGNED)[0]


def test_who_replaces_rows() -> None:
    anti = Frame(Join("anti", ONE, OTHER, TWICE, 4))
    assert (steps_of(anti, 0), steps_of(anti, 1)) == (1, 1)
    values = Frame(PerUnit(Frame(Join("anti", Frame(Scan(0, 0)), Frame(Scan(1, 1)), TWICE)), (), ()))
    assert (steps_of(values, 0), steps_of(values, 1)) == (1, 2)
    assert steps_of(Frame(Join("inner", KEPT, Frame(Scan(1, 2, 4)), None, 4)), 1) == 1
    assert steps_of(Frame(Join("left", ONE, Frame(Scan(0, 1, 4)), None, 4)), 0) == 1
    assert steps_of(Frame(Join("anti", ONE, OTHER, None, 3)), 1) == 2
