"""An analyst's numbers as a weapon: factors chosen so that float64 gives out where a bound is promised."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st
from stage import build

from jobs.categories import categories
from jobs.domains import value_range
from jobs.engine.steps import contributions, steps
from jobs.expressions import Call, Column, Expression, Literal
from jobs.plan import Factor, Plan, Total
from jobs.planning import Budget, Setting, SourceFacts
from jobs.planning import build as plan_of
from jobs.ranges import LARGEST
from jobs.relations import Frame, Scan
from jobs.spec import Aggregate, Measure, Output, Query
from sandbox.errors import InvalidInputError
from sandbox.privacy.loss import Filter
from sandbox.schema import DatasetName, Field, Kind, NumericDomain

DOMAINS = {"days": NumericDomain(Fraction(1), Fraction(14), Fraction(1))}
NAME = DatasetName("health.stays")
FACTS = SourceFacts(NAME, 1, {"days": Field("days", Kind.INTEGER)}, DOMAINS, 3, 3, Filter.PURE, Fraction(0))
FACTORS = st.sampled_from([3e-165, 9e-324, 7e-200, 1e-300, 5e-324, 1e300, 1.7e308, 3.0, 0.1, -1e200])


def times(*factors: float) -> Expression:
    found: Expression = Column("days")
    for factor in factors:
        found = Call("multiply", (found, Literal(factor)))
    return found


def planned(argument: Expression) -> Plan:
    kinds = (Aggregate.SUM, Aggregate.AVG, Aggregate.VAR_POP)
    query = Query(
        sources=(NAME,),
        tables=(),
        frame=Frame(Scan(0, 0)),
        keys=(),
        sets=((),),
        measures=tuple(Measure(kind, (argument,)) for kind in kinds),
        outputs=(Output("s", Column("measure:0")),),
    )
    return plan_of([query], Setting((FACTS,), ()), Budget("discrete-laplace", Fraction(1)))


@pytest.mark.parametrize("factors", [(3e-165, 3e-165), (3e-200, 3e-200), (1e300, 1e300), (1e-300, 1e-300)])
def test_factors_that_float64_cannot_scale_are_refused_before_anything_is_charged(
    tmp_path: Path, factors: tuple[float, ...]
) -> None:
    # A grid of 9e-330 is 0 in float64: 0 / 0 was added up as -2**63 for every shard with a row in it.
    stage = build(tmp_path)
    text = " * ".join(["days", *map(str, factors)])
    with pytest.raises(InvalidInputError, match=r"plan\.beyond-numbers"):
        stage.ask(f"SELECT SUM({text}) AS s FROM health.stays")
    assert stage.keeper.budget_show(stage.wang, "health.stays")["charges"] == []


@given(st.lists(FACTORS, max_size=4), st.lists(st.integers(-(2**62), 2**62) | st.none(), max_size=8))
def test_no_row_adds_more_than_the_plan_says_whatever_the_factors(
    factors: list[float], cells: list[int | None]
) -> None:
    try:
        plan = planned(times(*factors))
    except InvalidInputError:
        return
    values = pa.array([None if c is None else float(c) for c in cells], pa.float64())
    for item in plan.parts[0].measurements:
        if isinstance(item, Total) and item.factors:
            added, _ = contributions(item, [values] * len(item.factors))
            assert all(abs(step) <= item.step for step in added)  # NaN would fail


@pytest.mark.parametrize("grid", [Fraction(9, 10**330), Fraction(3, 7), Fraction(1, 10**330)])
def test_the_kernel_itself_lets_no_row_pass_its_step(grid: Fraction) -> None:
    hostile = Factor(Column("days"), grid, 14 * grid, Fraction(0), grid)
    values = pa.array([1.0, 1e308, -1e308, 5e-324, 0.0, None])
    try:
        found, _ = steps(values, hostile)
    except OverflowError:
        return  # the plan's numbers alone decide this, whatever the rows
    assert all(abs(step) <= 14 for step in found)


def test_ranges_stop_growing_before_they_cost_time() -> None:
    with pytest.raises(InvalidInputError, match=r"plan\.beyond-numbers"):
        value_range(times(*[1e300] * 90), DOMAINS)
    edge = value_range(times(1e100), DOMAINS)
    assert edge is not None
    assert edge.high <= LARGEST


def test_a_case_of_many_wide_branches_is_refused_before_it_fills_the_memory() -> None:
    wide = {"days": NumericDomain(Fraction(0), Fraction(9_000), Fraction(1))}
    branches = [part for k in range(2_000) for part in (Literal(value=True), times(float(k)))]
    key = Call("case", (*branches, Literal(None)))
    with pytest.raises(InvalidInputError, match=r"plan\.too-many-categories"):
        categories(key, wide, nullable=True)
