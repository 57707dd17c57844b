"""Errors told beforehand are those that results have, and solving for an error finds the least loss."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from dataclasses import replace
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from measured import MEASUREMENTS, PLACES, plan_of, query_of, release

from jobs.calibration import draws
from jobs.derivations import Derivation, derivations
from jobs.expressions import Column
from jobs.facts import Setting, SourceFacts
from jobs.measure import noisy
from jobs.partials import Exact
from jobs.plan import Answer, Binning, Part, Plan, Quantile, Recipe, Units
from jobs.planning import build_for
from jobs.relations import Frame, PerUnit, Scan, UnitValue, slot
from jobs.results import tabulate
from jobs.simulate import group_size, half_widths, halved, solve
from jobs.spec import Aggregate, ErrorTarget, Measure, Query
from sandbox.errors import InvalidInputError
from sandbox.privacy.loss import PICO, Filter, rho_of_epsilon
from sandbox.schema import CategoricalDomain, DatasetName, Field, Kind, NumericDomain

DELTA = Fraction(1, 10**6)
ALL = {kind.value: Column(f"measure:{place}") for place, kind in enumerate(PLACES)}
DRAWN = draws(Part(Frame(Scan(0, 0, 1)), 1, (), ()), Fraction(1, 2), Fraction(1, 10), "discrete-laplace")


def plan(mechanism: Any = "discrete-gaussian", cells: int = 1) -> Plan:
    items = [Quantile(it.binning, DRAWN) if isinstance(it, Quantile) else it for it in MEASUREMENTS]
    return plan_of(mechanism, cells, measurements=items)


def told(found: Plan, size: int | None) -> dict[str, float | None]:
    names = (recipe.aggregate.value for recipe in found.answers[0].recipes)
    return dict(zip(names, half_widths(found, found.answers[0], size), strict=True))


@pytest.mark.parametrize("mechanism", ["discrete-laplace", "discrete-gaussian"])
def test_what_is_told_is_what_results_have(mechanism: Any) -> None:
    """Values evenly spread, as assumed: the widths of counts and sums are exact, the others near."""
    found, widths = plan(mechanism, 40), told(plan(mechanism, 40), 3030)
    pairs = [(x, y) for x in range(101) for y in range(-20, 31)]
    rows = [{"x": Fraction(x), "y": Fraction(y), "c": "a", "out": Fraction(0)} for x, y in pairs]
    rows = [row for place, row in enumerate(rows) if place % 17 < 10][:3030]
    shown = tabulate(query_of(ALL), found, 0, release(found, lambda *_: rows)).rows
    for name in ("count", "count-units", "histogram", "sum"):
        assert {row[f"{name}_high"] - row[name] for row in shown} == {widths[name]}
    for name in ("var_pop", "var_samp", "stddev_pop", "stddev_samp", "covar_pop", "corr", "regr_slope"):
        real = statistics.median((row[f"{name}_high"] - row[f"{name}_low"]) / 2 for row in shown)
        assert real == pytest.approx(widths[name], rel=0.35), name
    real = statistics.median((row["avg_high"] - row["avg_low"]) / 2 for row in shown)
    assert real <= (widths["avg"] or 0) <= 2 * real, "the far end of the domain is the worst case"


def test_a_quantile_is_off_by_ranks() -> None:
    point, width = DRAWN
    wanted = (width.slack + Fraction(15, 8) / width.rate + 1 / point.rate + 1) / 2
    assert told(plan(), None)["quantile"] == float(wanted)


@pytest.mark.parametrize("quantile", [Fraction(1, 2), Fraction(1, 4), Fraction(19, 20)])
@pytest.mark.parametrize("mechanism", ["discrete-laplace", "discrete-gaussian"])
def test_the_ranks_told_are_those_that_even_values_give(quantile: Fraction, mechanism: Any) -> None:
    """Six hundred cells of 100 rows in each of 2,000 bins: their mean is uncertain by some 3 %."""
    part = Part(Frame(Scan(0, 0, 1)), 1, (), ())
    binning = Binning(Column("x"), Fraction(0), Fraction(1999), Fraction(1), 2000)
    share = Fraction(1, 100) if mechanism == "discrete-laplace" else Fraction(1, 20000)
    item = Quantile(binning, draws(part, quantile, share, mechanism))
    counts = np.full(600 * 2000, 100)
    found = replace(part, measurements=(item,))
    one = replace(plan(mechanism), parts=(found,))
    released = np.array(noisy(one, [Exact([counts])])[0].vectors[0]).reshape(-1, 3)
    answer = Answer((), ((0, ()),), (Recipe(Aggregate.QUANTILE, ((0,),)),))
    (wanted,) = half_widths(one, answer, None)
    real = 100 * (released[:, 2] - released[:, 1]).mean() / 2
    assert 0.85 * real <= (wanted or 0) <= 1.15 * real


def test_what_divides_by_rows_needs_their_number() -> None:
    widths = told(plan(), None)
    counted = {"count", "count-units", "count-distinct", "sum", "quantile", "histogram"}
    assert {name for name, width in widths.items() if width is not None} == counted
    one = told(plan(), 1)
    assert (one["avg"], one["clipped"], one["corr"], one["regr_slope"]) == (100, 1, 2, None)


def test_a_group_size_is_stated_or_the_units_spread_over_the_cells() -> None:
    five = plan(cells=5)
    answer = five.answers[0]
    assert group_size(five, answer, 7, None) == 7
    assert group_size(five, answer, None, 1004) == 200
    assert group_size(five, answer, None, 3) == 1
    assert group_size(five, answer, None, None) is None


# --- with the planner -------------------------------------------------------------------------------------


def setting(filter_: Filter = Filter.PURE) -> Setting:
    fields = {"x": Field("x", Kind.FLOAT, required=True), "g": Field("g", Kind.STRING, required=True)}
    domains = {
        "x": NumericDomain(Fraction(0), Fraction(100), Fraction(1, 2)),
        "g": CategoricalDomain(("a", "b", "c")),
    }
    source = SourceFacts(DatasetName("a.b"), 1, fields, domains, 2, 4, filter_, DELTA)
    return Setting((source,))


def query(*measures: Measure, keys: Sequence[str] = ("g",), sets: Any = None) -> Query:
    outputs = query_of({f"m{place}": Column(f"measure:{place}") for place in range(len(measures))}).outputs
    named = tuple(map(Column, keys))
    every = (tuple(range(len(named))),) if sets is None else sets
    return Query((DatasetName("a.b"),), (), Frame(Scan(0, 0)), named, every, measures, outputs)


COUNT, SUM = Measure(Aggregate.COUNT), Measure(Aggregate.SUM, (Column("x"),))
AVG, VAR = (Measure(kind, (Column("x"),)) for kind in (Aggregate.AVG, Aggregate.VAR_POP))
MEDIAN = Measure(Aggregate.QUANTILE, (Column("x"),), quantile=Fraction(1, 2))


@pytest.mark.parametrize("filter_", Filter)
@pytest.mark.parametrize(
    ("measures", "target", "most"),
    [
        ((COUNT,), ErrorTarget(absolute=Fraction(50)), [50]),
        ((COUNT, SUM), ErrorTarget(absolute=Fraction(900)), [900, 900]),
        ((SUM,), ErrorTarget(share=Fraction(1, 100)), [0.01 * 3000 * 100]),
        ((AVG,), ErrorTarget(share=Fraction(1, 50)), [2]),
        ((VAR,), ErrorTarget(share=Fraction(1, 50), group_size=500), [200]),
        ((MEDIAN,), ErrorTarget(absolute=Fraction(100)), [100]),
        ((MEDIAN,), ErrorTarget(share=Fraction(1, 10)), [100]),
    ],
)
def test_solving_finds_the_least_loss_that_meets_the_error(
    filter_: Filter, measures: tuple[Measure, ...], target: ErrorTarget, most: list[float]
) -> None:
    asked, facts = query(*measures), setting(filter_)
    (amount,) = solve([asked], facts, [target], 3000)
    assert (amount * PICO).denominator == 1
    assert all(width <= limit for width, limit in zip(_widths(asked, facts, amount), most, strict=True))
    less = amount * Fraction(99, 100)
    assert any(width > limit for width, limit in zip(_widths(asked, facts, less), most, strict=True))


def _widths(asked: Query, facts: Setting, amount: Fraction) -> list[float]:
    found = build_for([asked], facts, [amount])
    size = group_size(found, found.answers[0], 500 if VAR in asked.measures else None, 3000)
    return [width for width in half_widths(found, found.answers[0], size) if width is not None]


def test_every_statement_has_its_own_error() -> None:
    targets = [ErrorTarget(absolute=Fraction(20)), ErrorTarget(absolute=Fraction(40))]
    one, other = solve([query(COUNT), query(COUNT, keys=())], setting(), targets, None)
    assert one == pytest.approx(2 * other, rel=0.05)
    assert solve([query(COUNT)] * 2, setting(), targets[:1], None)[0] == one


@pytest.mark.parametrize(
    ("measures", "target", "expected", "code"),
    [
        ((AVG,), ErrorTarget(absolute=Fraction(1)), 100, "job.avg-needs-share"),
        ((AVG,), ErrorTarget(share=Fraction(1, 100)), None, "job.needs-group-size"),
        ((MEDIAN,), ErrorTarget(share=Fraction(1, 100)), None, "job.needs-group-size"),
        ((COUNT,), ErrorTarget(share=Fraction(1, 100)), None, "job.no-expected-units"),
        ((AVG,), ErrorTarget(share=Fraction(1, 10**12)), 100, "job.error-out-of-reach"),
    ],
)
def test_a_target_that_cannot_be_read_or_met_is_refused(
    measures: tuple[Measure, ...], target: ErrorTarget, expected: int | None, code: str
) -> None:
    with pytest.raises(InvalidInputError) as refusal:
        solve([query(*measures)], setting(), [target], expected)
    assert refusal.value.code == code


@pytest.mark.parametrize("filter_", Filter)
def test_the_loss_that_halves_the_error_does(filter_: Filter) -> None:
    def widths(epsilon: Fraction) -> list[float]:
        amount = epsilon
        if filter_ is Filter.ZCDP:
            amount = Fraction(rho_of_epsilon(epsilon, DELTA, up=False), PICO)
        return _widths(query(COUNT, SUM, MEDIAN), setting(filter_), amount)

    found = build_for([query(COUNT)], setting(filter_), [Fraction(1)])
    half = halved(found, Fraction(1, 10), DELTA)
    assert half is not None
    pairs = zip(widths(Fraction(half)), widths(Fraction(1, 10)), strict=True)
    assert all(after == pytest.approx(before / 2, rel=0.02) for after, before in pairs)
    assert halved(found, Fraction(10**6), DELTA) is None


def test_totals_are_no_worse_than_their_parts() -> None:
    flat = query(COUNT, AVG)
    cube = replace(flat, sets=((0,), ()))
    (one, two), (agreed, _) = (_widths(it, setting(), Fraction(1)) for it in (flat, cube))
    assert agreed < 2 * one
    assert two > 0


def test_bounds_say_what_they_follow_from() -> None:
    inner = PerUnit(
        Frame(Scan(0, 1)), (), (UnitValue(slot(2, "stays"), "count", None, Fraction(0), Fraction(4)),)
    )
    found = plan_of(
        "discrete-laplace", 1, measurements=(Units(),), recipes=(Recipe(Aggregate.UNITS, ((0,),)),)
    )
    found = replace(found, parts=(replace(found.parts[0], frame=Frame(inner)),))
    facts = derivations(found, found.answers[0])
    assert facts == (Derivation("stays", "count per unit", Fraction(0), Fraction(4), "unit.most_rows"),)
    clamps = derivations(plan(), plan().answers[0])
    assert Derivation("x", "clamp", Fraction(0), Fraction(100), "declared bounds") in clamps
    assert Derivation("a.b", "rows", Fraction(0), Fraction(1), "unit.max_rows") in clamps
