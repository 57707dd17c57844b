"""Results: intervals cover the truth, and everything shown follows from released numbers by fixed rules."""

from __future__ import annotations

from fractions import Fraction

import pytest

from jobs.expressions import Call, Column, Literal
from jobs.planning import Setting, build
from jobs.results import tabulate
from jobs.spec import Aggregate, Measure, Output, Plan, Query
from sandbox.privacy.loss import Filter, Loss
from sandbox.privacy.mechanisms import add_noise
from sandbox.schema import CategoricalDomain, DatasetName, Field, Kind, NumericDomain

CELLS = 500
X = NumericDomain(Fraction(0), Fraction(100), Fraction(1, 2))
ROWS, TOTAL = 400, 13_000  # of every group: rows, and the sum of x over them


def column(index: int) -> Column:
    return Column(f"measure:{index}")


QUERY = Query(
    DatasetName("a.b"),
    None,
    (Column("g"),),
    (
        Measure(Aggregate.COUNT),
        Measure(Aggregate.SUM, Column("x")),
        Measure(Aggregate.AVG, Column("x")),
        Measure(Aggregate.SUM, Column("y")),
    ),
    (
        Output("n", column(0)),
        Output("total", column(1)),
        Output("mean", column(2)),
        Output("alone", column(3)),
        Output("rate", Call("divide", (column(3), column(0)))),
        Output("more", Call("subtract", (Call("multiply", (column(0), Literal(2))), Literal(5)))),
    ),
)
TRUTH = {"n": ROWS, "total": TOTAL, "mean": TOTAL / ROWS, "alone": TOTAL, "rate": TOTAL / ROWS, "more": 795}


def plan_of(filter_: Filter) -> Plan:
    fields = {name: Field(name, Kind.FLOAT) for name in ("x", "y")} | {"g": Field("g", Kind.STRING)}
    domains = {"x": X, "y": X, "g": CategoricalDomain(tuple(map(str, range(CELLS))))}
    loss = Loss(epsilon_pico=2 * 10**12) if filter_ is Filter.PURE else Loss(rho_pico=10**12)
    return build(QUERY, Setting(1, fields, domains, 2, filter_), loss)


def released(plan: Plan) -> list[list[int]]:
    """The truth of every cell in grid units, with the noise of the plan."""
    vectors = []
    for item in plan.measurements:
        exact = ROWS if item.kind == "count" else int((TOTAL - item.origin * ROWS) / item.grid)
        vectors.append(add_noise([exact] * plan.cells, plan.mechanism, item.scale))
    return vectors


@pytest.mark.parametrize("filter_", Filter)
def test_intervals_cover_the_truth(filter_: Filter) -> None:
    """4 × 500 draws: 95 % may show as little as 92.5 % by chance once in a million times."""
    plan = plan_of(filter_)
    rows = [row for _ in range(4) for row in tabulate(QUERY, plan, released(plan)).rows]
    for name, truth in TRUTH.items():
        covered = sum(row[f"{name}_low"] <= truth <= row[f"{name}_high"] for row in rows)
        assert covered / len(rows) > 0.925, name
        assert all(row[f"{name}_low"] <= row[f"{name}_high"] for row in rows)


def test_a_single_noise_has_no_wider_interval_than_it_needs() -> None:
    plan = plan_of(Filter.ZCDP)
    rows = [row for _ in range(4) for row in tabulate(QUERY, plan, released(plan)).rows]
    covered = sum(row["alone_low"] <= TOTAL <= row["alone_high"] for row in rows)
    assert covered / len(rows) < 0.975


def test_an_average_of_nobody_is_null_and_its_interval_the_domain() -> None:
    plan = plan_of(Filter.PURE)
    nobody = [[0 if item.kind == "count" else 99] * plan.cells for item in plan.measurements]
    row = tabulate(QUERY, plan, nobody).rows[0]
    assert (row["mean"], row["mean_low"], row["mean_high"]) == (None, 0.0, 100.0)
    assert (row["rate"], row["rate_low"], row["rate_high"]) == (None, None, None)


def test_a_negative_count_is_shown_as_released_and_its_interval_is_cut_at_zero() -> None:
    plan = plan_of(Filter.PURE)
    negative = [[-3] * plan.cells for _ in plan.measurements]
    row = tabulate(QUERY, plan, negative).rows[0]
    assert row["n"] == -3
    assert row["n_low"] == 0.0
