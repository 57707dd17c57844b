"""Sensitivity: take any one unit away, register again without it, and compare the exact integers.

Nothing is masked and nothing is computed from the plan's own claim: the oracle is the definition of
neighbouring datasets.  A plan that claims too little is caught by the same check.
"""

from __future__ import annotations

from dataclasses import replace

import pytest
from awkward import DOMAINS, FIELDS, ROWS, plans, table_of
from hypothesis import HealthCheck, given, settings
from registered import registered

from jobs.expressions import Column
from jobs.kernels import measure
from jobs.planning import Setting, build
from jobs.spec import Aggregate, Measure, Output, Plan, Query
from sandbox.privacy.loss import Filter, Loss
from sandbox.schema import DatasetName


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
