"""Sensitivity: take any one unit away, register again without it, and compare the exact integers.

Nothing is masked and nothing is computed from the plan's own claim: the oracle is the definition of
neighbouring datasets.  A plan that claims too little is caught by the same check.
"""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction

import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from registered import registered

from jobs.expressions import Call, Column, Expression, Literal
from jobs.kernels import measure
from jobs.planning import Setting, build
from jobs.spec import Aggregate, Measure, Output, Plan, Query
from sandbox.privacy.loss import Filter, Loss
from sandbox.schema import CategoricalDomain, DatasetName, Field, Kind, NumericDomain

FIELDS = (
    Field("person", Kind.INTEGER),
    Field("group", Kind.STRING),
    Field("whole", Kind.INTEGER),
    Field("amount", Kind.FLOAT),
)
DOMAINS = {
    "group": CategoricalDomain(("a", "b", None)),
    "whole": NumericDomain(Fraction(-3), Fraction(7), Fraction(1)),
    "amount": NumericDomain(Fraction(-5, 2), Fraction(10), Fraction(1, 100)),
}
AMOUNTS = st.one_of(
    st.none(),
    st.floats(-20, 20),
    st.sampled_from([1e300, -1e300, 5e-324, 10.0, -2.5, 9.995, float("nan"), float("inf")]),
)
ROWS = st.lists(
    st.tuples(
        st.integers(1, 4),
        st.sampled_from(["a", "b", "c", None]),
        st.one_of(st.none(), st.integers(-9, 9), st.sampled_from([2**62, -(2**62)])),
        AMOUNTS,
    ),
    min_size=1,
    max_size=24,
)
CONDITIONS: list[Expression | None] = [
    None,
    Call("greater", (Column("whole"), Literal(0))),
    Call("is_null", (Column("amount"),)),
    Call(
        "or", (Call("equal", (Column("group"), Literal("a"))), Call("less", (Column("amount"), Literal(1.5))))
    ),
]
ARGUMENTS: list[Expression] = [
    Column("whole"),
    Column("amount"),
    Call("multiply", (Column("amount"), Literal(3))),
    Call("subtract", (Column("whole"), Column("amount"))),
    Call("case", (Call("equal", (Column("group"), Literal("a"))), Column("amount"), Literal(0))),
    Call("abs", (Column("whole"),)),
]


@st.composite
def plans(draw: st.DrawFn) -> Plan:
    argument = draw(st.sampled_from(ARGUMENTS))
    measures = draw(
        st.lists(
            st.sampled_from(
                [
                    Measure(Aggregate.COUNT),
                    Measure(Aggregate.COUNT, argument),
                    Measure(Aggregate.SUM, argument),
                    Measure(Aggregate.AVG, argument),
                ]
            ),
            min_size=1,
            max_size=4,
            unique=True,
        )
    )
    query = Query(
        DatasetName("test.table"),
        where=draw(st.sampled_from(CONDITIONS)),
        keys=draw(st.sampled_from([(), (Column("group"),), (Column("group"), Column("whole"))])),
        measures=tuple(measures),
        outputs=(Output("x", Column("measure:0")),),
    )
    setting = Setting(
        version=1,
        fields={field.name: field for field in FIELDS},
        domains=DOMAINS,
        max_rows=draw(st.integers(1, 5)),
        filter=Filter.ZCDP,
    )
    return build(query, setting, Loss(rho_pico=10**12))


def table_of(rows: list[tuple[object, ...]]) -> pa.Table:
    types = [pa.int64(), pa.string(), pa.int64(), pa.float64()]
    arrays = [pa.array(column, kind) for column, kind in zip(zip(*rows, strict=True), types, strict=True)]
    return pa.table(arrays, [field.name for field in FIELDS])


def exact_integers(plan: Plan, rows: list[tuple[object, ...]]) -> list[list[int]]:
    if not rows:
        return [[0] * plan.cells for _ in plan.measurements]
    with registered(table_of(rows), FIELDS, "person") as batches:
        return measure(plan, batches)


def passes(plan: Plan, rows: list[tuple[object, ...]]) -> bool:
    """Whether removing any one unit moves every measurement by no more than it claims, in L1 and in L2."""
    whole = exact_integers(plan, rows)
    for unit in {row[0] for row in rows}:
        without = exact_integers(plan, [row for row in rows if row[0] != unit])
        for item, one, other in zip(plan.measurements, whole, without, strict=True):
            moved = [abs(a - b) for a, b in zip(one, other, strict=True)]
            if sum(moved) > item.sensitivity or sum(m * m for m in moved) > item.sensitivity**2:
                return False
    return True


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(plans(), ROWS)
def test_no_unit_moves_a_measurement_by_more_than_the_plan_claims(plan: Plan, rows: list) -> None:
    assert passes(plan, rows)


@pytest.mark.soak
@settings(max_examples=1500, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(plans(), ROWS)
def test_no_unit_moves_a_measurement_long(plan: Plan, rows: list) -> None:
    assert passes(plan, rows)


def test_a_wrong_bound_is_caught() -> None:
    """One unit with four rows at the clamp; the plan is told to claim what √R·c or c would be."""
    rows: list = [(1, "a", 7, 1e300)] * 4 + [(2, "b", 1, 0.0)]
    query = Query(
        DatasetName("test.table"),
        None,
        (Column("group"),),
        (Measure(Aggregate.SUM, Column("amount")),),
        (Output("x", Column("measure:0")),),
    )
    setting = Setting(1, {field.name: field for field in FIELDS}, DOMAINS, 4, Filter.ZCDP)
    plan = build(query, setting, Loss(rho_pico=10**12))
    assert passes(plan, rows)
    (item,) = plan.measurements
    for claimed in (item.step, 2 * item.step, item.sensitivity - 1):
        assert not passes(replace(plan, measurements=(replace(item, sensitivity=claimed),)), rows)
    more_rows = replace(plan, max_rows=5)
    assert passes(more_rows, rows)
    assert not passes(more_rows, [*rows, (1, "a", 7, 1e300)])
