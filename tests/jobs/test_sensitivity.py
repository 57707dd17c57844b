"""Sensitivity: take any one unit away, measure again without it, and compare the exact integers.

Nothing is masked and nothing is computed from the plan's own claim: the oracle is the definition of
neighbouring datasets, and the bounds are those of the table in `jobs.plan`, written out again here.
"""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction

import pytest
from awkward import parts
from hypothesis import HealthCheck, given, settings
from reaching import bounds
from relational import Row, World, worlds
from taken_away import integers, passes, stays_near

from jobs.expressions import Call, Column, Literal
from jobs.plan import Distinct, Factor, Key, Measurement, Part, Selection, Total
from jobs.relations import Frame, Join, Lookup, PerUnit, Scan, UnitValue, slot
from jobs.sensitivity import steps_of


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(parts(count=1), worlds())
def test_no_unit_moves_a_measurement_by_more_than_its_bound(of: tuple[Part, ...], world: World) -> None:
    assert passes(of[0], world)


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(parts(count=1), worlds())
def test_no_unit_of_some_sources_moves_a_measurement_further_than_they_pay(
    of: tuple[Part, ...], world: World
) -> None:
    assert stays_near(of[0], world)


@pytest.mark.soak
@settings(max_examples=5000, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(parts(depth=3, count=1), worlds())
def test_no_unit_of_some_sources_moves_a_measurement_long(of: tuple[Part, ...], world: World) -> None:
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
