"""Plans: what is measured once, what it costs, which uses it makes; and the ε that reaches an error."""

from __future__ import annotations

import json
from dataclasses import replace
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jobs.codec import plan_from_json, plan_to_json, presentation_from_json, presentation_to_json, replay_key
from jobs.expressions import Call, Column, Literal
from jobs.planning import Setting, build, operations, plan_loss, uses
from jobs.simulate import half_widths, solve
from jobs.spec import Aggregate, ErrorTarget, JobSpec, Measure, Order, Output, Query
from sandbox import canonical
from sandbox.errors import InvalidInputError
from sandbox.privacy.loss import Filter, Loss, cost_of_epsilon
from sandbox.schema import CategoricalDomain, DatasetName, Field, Kind, NumericDomain, Use

X = NumericDomain(Fraction(0), Fraction(100), Fraction(1))
FIELDS = {
    "x": Field("x", Kind.INTEGER),
    "sure": Field("sure", Kind.INTEGER, required=True),
    "g": Field("g", Kind.STRING),
}
DOMAINS = {"x": X, "sure": X, "g": CategoricalDomain(("a", "b"))}
ZCDP = Setting(1, FIELDS, DOMAINS, 4, Filter.ZCDP)
PURE = replace(ZCDP, filter=Filter.PURE)
DELTA = Fraction(1, 10**6)


def query(*measures: Measure, **more: object) -> Query:
    outputs = tuple(Output(f"m{i}", Column(f"measure:{i}")) for i in range(len(measures)))
    return replace(Query(DatasetName("a.b"), None, (), measures, outputs), **more)


def count(argument: str | None = None) -> Measure:
    return Measure(Aggregate.COUNT, Column(argument) if argument else None)


def total(argument: str) -> Measure:
    return Measure(Aggregate.SUM, Column(argument))


def mean(argument: str) -> Measure:
    return Measure(Aggregate.AVG, Column(argument))


def kinds(found: Query, setting: Setting = ZCDP) -> list[tuple[str, Fraction]]:
    plan = build(found, setting, cost_of_epsilon(setting.filter, Fraction(1), DELTA))
    return [(item.kind, item.origin) for item in plan.measurements]


def test_what_coincides_is_measured_once() -> None:
    middle = Fraction(50)
    assert kinds(query(count(), count())) == [("count", 0)]
    assert kinds(query(total("x"))) == [("sum", 0)]
    assert kinds(query(total("x"), mean("x"), count("x"))) == [("count", 0), ("sum", middle)]
    assert kinds(query(count(), mean("sure"))) == [("count", 0), ("sum", middle)]
    assert kinds(query(count(), mean("x"))) == [("count", 0), ("count", 0), ("sum", middle)]


def test_sensitivity_is_the_row_bound_times_the_largest_contribution() -> None:
    plan = build(query(count(), total("x"), mean("sure")), ZCDP, Loss(rho_pico=10**12))
    assert [item.sensitivity for item in plan.measurements] == [4, 200, 400]


@given(st.integers(1, 10**15), st.integers(1, 4), st.sampled_from([Filter.PURE, Filter.ZCDP]))
def test_a_plan_costs_exactly_what_is_charged(units: int, parts: int, filter_: Filter) -> None:
    loss = Loss(epsilon_pico=units) if filter_ is Filter.PURE else Loss(rho_pico=units)
    measures = (count(), total("x"), count("x"), mean("sure"))[:parts]
    plan = build(query(*measures), replace(ZCDP, filter=filter_), loss)
    assert plan_loss(plan, filter_) == loss
    weaker = replace(plan.measurements[0], scale=plan.measurements[0].scale * Fraction(999, 1000))
    assert not plan_loss(replace(plan, measurements=(weaker, *plan.measurements[1:])), filter_).fits(loss)


def test_uses_and_operations_are_read_off_the_query() -> None:
    condition = Call("equal", (Column("g"), Literal("a")))
    chosen = Call("case", (condition, Column("x"), Literal(0)))
    found = query(Measure(Aggregate.SUM, chosen), count("sure"), keys=(Column("k"),), where=condition)
    wanted = {("g", Use.FILTER), ("x", Use.MEASURE), ("sure", Use.FILTER), ("k", Use.GROUP)}
    assert uses(found) == wanted
    assert operations(found) == {"sum", "count"}


def test_what_has_no_bounds_or_categories_is_refused() -> None:
    with pytest.raises(InvalidInputError, match="no-bounds"):
        build(query(total("g")), ZCDP, Loss(rho_pico=1))
    with pytest.raises(InvalidInputError, match="no-bounds"):
        build(
            query(Measure(Aggregate.SUM, Call("divide", (Literal(1), Column("x"))))), ZCDP, Loss(rho_pico=1)
        )
    with pytest.raises(InvalidInputError, match="no-categories"):
        build(query(count(), keys=(Call("divide", (Column("x"), Literal(3))),)), ZCDP, Loss(rho_pico=1))
    many = tuple(Call("add", (Column("x"), Literal(n))) for n in range(3))
    with pytest.raises(InvalidInputError, match="too-many-cells"):
        build(query(count(), keys=many), ZCDP, Loss(rho_pico=1))


def test_plans_and_presentations_survive_json() -> None:
    found = query(
        total("x"),
        mean("sure"),
        keys=(Column("g"), Call("greater", (Column("x"), Literal(1.5)))),
        having=Call("greater", (Column("measure:0"), Literal(3))),
        order=(Order(Column("measure:1"), descending=True, nulls_first=False),),
        limit=5,
    )
    plan = build(found, PURE, Loss(epsilon_pico=10**12))
    written = json.loads(canonical.encode(plan_to_json(plan)))
    assert plan_from_json(written) == plan
    shown = presentation_from_json(json.loads(canonical.encode(presentation_to_json(found))), plan)
    assert (shown.outputs, shown.having, shown.order, shown.limit) == (
        found.outputs,
        found.having,
        found.order,
        found.limit,
    )


def test_replay_keys_tell_apart_what_differs_and_nothing_else() -> None:
    plan = build(query(total("x")), ZCDP, Loss(rho_pico=10**9))
    other_loss = build(query(total("x")), ZCDP, Loss(rho_pico=10**9 + 1))
    other_rows = build(query(total("x")), replace(ZCDP, max_rows=3), Loss(rho_pico=10**9))
    renamed = build(query(total("x"), limit=1), ZCDP, Loss(rho_pico=10**9))
    keys = {
        replay_key(plan, "d", "p"),
        replay_key(other_loss, "d", "p"),
        replay_key(other_rows, "d", "p"),
        replay_key(plan, "e", "p"),
        replay_key(plan, "d", "q"),
    }
    assert len(keys) == 5
    assert replay_key(renamed, "d", "p") in keys


@given(
    st.sampled_from([ZCDP, PURE]),
    st.lists(st.sampled_from([count(), total("x"), mean("x")]), min_size=1, max_size=3, unique=True),
    st.integers(100, 2000),
)
def test_the_solved_epsilon_is_the_smallest_that_meets_the_error(
    setting: Setting, measures: list[Measure], permille: int
) -> None:
    found = query(*measures)
    target = ErrorTarget(share=Fraction(permille, 20000), group_size=500)
    epsilon = solve(found, setting, JobSpec("", "p", error=target), DELTA, 10_000)

    def meets(value: Fraction) -> bool:
        plan = build(found, setting, cost_of_epsilon(setting.filter, value, DELTA))
        units = {Aggregate.COUNT: 10_000, Aggregate.SUM: 10_000 * 100, Aggregate.AVG: 100}
        widths = half_widths(plan, 500)
        pairs = zip(widths, measures, strict=True)
        return all(w is not None and w <= float(target.share * units[m.aggregate]) for w, m in pairs)

    assert meets(epsilon)
    assert epsilon == Fraction(1, 10**6) or not meets(epsilon - Fraction(1, 10**6))


def test_error_targets_that_mean_nothing_are_refused() -> None:
    def asked(found: Query, target: ErrorTarget, units: int | None = 100) -> str:
        with pytest.raises(InvalidInputError) as caught:
            solve(found, ZCDP, JobSpec("", "p", error=target), DELTA, units)
        return caught.value.code

    assert asked(query(mean("x")), ErrorTarget(absolute=Fraction(1), group_size=9)) == "job.avg-needs-share"
    assert asked(query(mean("x")), ErrorTarget(share=Fraction(1, 100)), None) == "job.needs-group-size"
    assert asked(query(count()), ErrorTarget(share=Fraction(1, 100)), None) == "job.no-expected-units"
    tiny = ErrorTarget(share=Fraction(1, 10**9), group_size=1)
    assert asked(query(mean("x")), tiny) == "job.error-out-of-reach"
