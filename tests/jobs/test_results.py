"""Results: everything shown follows from released numbers by fixed rules; an oracle works out the same."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from fractions import Fraction
from itertools import product
from typing import Any

import numpy as np
import pytest
from measured import BINS, CITIES, MEASUREMENTS, PLACES, X, plan_of, query_of, release

from jobs.expressions import Call, Column, Literal
from jobs.notes import notes
from jobs.plan import Answer, Draw, Key, Part, Plan, Quantile, Recipe, Released, Selection, Total
from jobs.relations import Frame, Join, PerUnit, Scan, UnitValue
from jobs.results import tabulate
from jobs.spec import Aggregate, Order
from jobs.values import middle

QUIET = Fraction(1, 10**7)
"""Noise of which nothing is left."""
ALL = {kind.value: Column(f"measure:{place}") for place, kind in enumerate(PLACES)}
DRAWS = (
    Draw(Fraction(1, 2), Fraction(100)),
    Draw(Fraction(1, 2), Fraction(100), "low", 1),
    Draw(Fraction(1, 2), Fraction(100), "high", 1),
)
WITH_DRAWS = tuple(
    replace(item, draws=DRAWS) if isinstance(item, Quantile) else item for item in MEASUREMENTS
)


def row(x: int | str, y: int | str, city: str = "a") -> dict[str, Any]:
    return {"x": Fraction(x), "y": Fraction(y), "c": city, "out": Fraction(int(Fraction(x) > 50))}


ROWS = [row(3, 1, "a"), row(50, "2.5", "b"), row(51, -7, "b"), row(99, "0.5", "h"), row(100, 30, "a")]


def shown(rows: Sequence[dict[str, Any]], **others: Any) -> dict[str, Any]:
    plan = plan_of("discrete-gaussian", 1, measurements=WITH_DRAWS, sigma=QUIET, **others)
    return tabulate(query_of(ALL), plan, 0, release(plan, lambda *_: rows)).rows[0]


def oracle(rows: Sequence[dict[str, Any]]) -> dict[str, float]:
    x, y = (np.array([float(item[name]) for item in rows]) for name in ("x", "y"))
    slope, intercept = np.polyfit(x, y, 1)
    return {
        "count": len(rows),
        "count-units": len(rows),
        "count-distinct": len({item["c"] for item in rows}),
        "sum": x.sum(),
        "avg": x.mean(),
        "clipped": (x > 50).mean(),
        "var_pop": x.var(),
        "var_samp": x.var(ddof=1),
        "stddev_pop": x.std(),
        "stddev_samp": x.std(ddof=1),
        "covar_pop": np.cov(x, y, ddof=0)[0, 1],
        "covar_samp": np.cov(x, y)[0, 1],
        "corr": np.corrcoef(x, y)[0, 1],
        "regr_slope": slope,
        "regr_intercept": intercept,
        "quantile": np.median(x),
        "histogram": (x <= 25).sum(),
    }


def test_without_noise_every_aggregate_is_what_numpy_says() -> None:
    values = shown(ROWS)
    for name, truth in oracle(ROWS).items():
        assert values[name] == pytest.approx(truth, rel=1e-12), name
        low, high = values[f"{name}_low"], values[f"{name}_high"]
        assert low is None or low - 1e-9 <= truth <= high + 1e-9, name


@pytest.mark.parametrize("count", [0, 1])
def test_few_rows_follow_fixed_rules(count: int) -> None:
    values = shown(ROWS[:count])
    two = ("var_samp", "stddev_samp", "covar_samp", "corr", "regr_slope", "regr_intercept")
    one = ("avg", "clipped", "var_pop", "stddev_pop", "covar_pop")
    assert all(values[name] is None for name in two)
    assert all((values[name] is None) == (count == 0) for name in one)
    assert (values["count"], values["sum"]) == (count, 3 * count)
    if count:
        assert (values["var_pop"], values["stddev_pop"], values["avg"]) == (0, 0, 3)


def test_values_stay_within_what_is_possible() -> None:
    """A release that no rows explain: a huge square, a huge product, a negative spread."""
    plan = plan_of("discrete-gaussian", 2, measurements=WITH_DRAWS)
    far = {0: (10, 10), 3: (10**10, 10**10), 4: (10**9, -(10**9)), 5: (10**9, -(10**9)), 11: (50, -50)}
    vectors = [far.get(place, (0, 0)) for place in range(len(WITH_DRAWS))]
    vectors[9], vectors[10] = (0,) * 6, (0,) * 8
    high, low = tabulate(query_of(ALL), plan, 0, (Released(None, tuple(vectors)),)).rows
    assert (high["var_pop"], high["stddev_pop"], high["clipped"]) == (2500, 50, 1)
    assert high["var_samp"] == pytest.approx(2500 * 10 / 9)
    assert (high["covar_pop"], high["corr"]) == (1250, 1)
    assert (low["var_pop"], low["stddev_samp"], low["clipped"]) == (0, 0, 0)
    assert (low["corr"], low["regr_slope"], low["regr_intercept"]) == (None, None, None)


def test_counts_are_shown_as_measured_and_their_intervals_cut() -> None:
    plan = plan_of("discrete-laplace", 1, measurements=WITH_DRAWS)
    vectors = [(-3,)] * len(WITH_DRAWS)
    vectors[8], vectors[9], vectors[10] = (12,), (0,) * 3, (-3,) * 4
    values = tabulate(query_of(ALL), plan, 0, (Released(None, tuple(vectors)),)).rows[0]
    assert [values[name] for name in ("count", "count-units", "histogram")] == [-3, -3, -3]
    assert [values[f"{name}_low"] for name in ("count", "count-units", "histogram")] == [0, 0, 0]
    most = len(CITIES.categories or ())
    assert (values["count-distinct"], values["count-distinct_high"]) == (most, most)
    vectors[8] = (-12,)
    values = tabulate(query_of(ALL), plan, 0, (Released(None, tuple(vectors)),)).rows[0]
    assert (values["count-distinct"], values["count-distinct_low"]) == (0, 0)


@pytest.mark.parametrize(
    ("drawn", "value", "interval"),
    [
        ((50, 48, 53), 50, (48, 53)),
        ((50, 50, 50), 50, (50, 50)),
        ((50, 0, 100), 50, (0, 100)),
        ((0, 0, 3), 0, (0, 3)),
        ((100, 97, 100), 100, (97, 100)),
    ],
)
def test_a_quantile_and_its_interval_are_the_bins_released(
    drawn: tuple[int, int, int], value: int, interval: tuple[int, int]
) -> None:
    plan = _quantile_plan(Quantile(BINS, DRAWS))
    only = query_of({"m": Column("measure:0")})
    found = tabulate(only, plan, 0, (Released(None, (drawn,)),)).rows[0]
    assert (found["m"], found["m_low"], found["m_high"]) == (value, *interval)


def _quantile_plan(item: Quantile) -> Plan:
    return plan_of(
        "discrete-gaussian",
        1,
        measurements=(item,),
        recipes=(Recipe(Aggregate.QUANTILE, ((0,),)), Recipe(Aggregate.QUANTILE, ((0,),))),
    )


def test_bins_of_several_values_show_their_middle_and_have_all_of_them_inside() -> None:
    coarse = replace(BINS, bins=4)  # 101 values: 0…25, 26…50, 51…75, 76…100
    assert [middle(coarse, place) for place in range(4)] == [12, 38, 63, 88]
    plan = _quantile_plan(Quantile(coarse, DRAWS))
    found = tabulate(query_of({"m": Column("measure:0")}), plan, 0, (Released(None, ((1, 1, 2),)),)).rows[0]
    assert (found["m"], found["m_low"], found["m_high"]) == (38, 26, 75)


def test_quantiles_that_share_a_risk_have_no_interval() -> None:
    """The coverage of a quantile is in its draws: two of them cover less than either."""
    plan = _quantile_plan(Quantile(BINS, DRAWS))
    both = query_of({"range": Call("subtract", (Column("measure:1"), Column("measure:0")))})
    found = tabulate(both, plan, 0, (Released(None, ((50, 48, 53),)),)).rows[0]
    assert found == {"range": 0, "range_low": None, "range_high": None}


KEYS = (Key(Column("a"), ("p", None)), Key(Column("b"), (1, 2, 3)))
SETS = ((0, 1), (0,), (1,), ())
CUBE_RECIPES = (Recipe(Aggregate.COUNT, ((0,),) * 4), Recipe(Aggregate.AVG, ((1, 0),) * 4))
CUBE_RECIPES += (Recipe(Aggregate.SUM, ((1, 0),) * 4), Recipe(Aggregate.HISTOGRAM, ((2,),) * 4, offset=1))
CUBE = {"a": Column("key:0"), "b": Column("key:1"), "ga": Column("grouping:0"), "n": Column("measure:0")}
CUBE |= {"mean": Column("measure:1"), "total": Column("measure:2"), "bar": Column("measure:3")}


def cube_plan() -> Plan:
    items = (Total(), Total(factors=(X,)), Total(axis=replace(BINS, bins=3)))
    whole = plan_of("discrete-gaussian", 1, measurements=items, recipes=())
    frame, noisy = whole.parts[0].frame, whole.parts[0].measurements
    parts = []
    for numbers in SETS:
        others = tuple(key for place, key in enumerate(KEYS) if place not in numbers)
        parts.append(Part(frame, 1, tuple(KEYS[place] for place in numbers), noisy, within=others))
    answer = Answer(KEYS, tuple(enumerate(SETS)), CUBE_RECIPES)
    return replace(whole, parts=tuple(parts), answers=(answer,))


def cube_release(plan: Plan) -> tuple[Released, ...]:
    """Six cells of 10, 20 … 60 rows, every x 70, and all their totals."""
    cells = {cell: ROWS[:1] * (10 * n) for n, cell in enumerate(product(range(2), range(3)), start=1)}

    def rows_of(part: int, place: int) -> list[dict[str, Any]]:
        chosen = list(product(*(range(len(KEYS[key].categories or ())) for key in SETS[part])))[place]
        wanted = dict(zip(SETS[part], chosen, strict=True))
        kept = [cell for cell in cells if all(cell[key] == value for key, value in wanted.items())]
        return [{"x": Fraction(70)} for cell in kept for _ in cells[cell]]

    return release(plan, rows_of)


def test_totals_equal_the_sums_of_their_parts() -> None:
    plan = cube_plan()
    rows = tabulate(query_of(CUBE), plan, 0, cube_release(plan)).rows
    assert [(row["a"], row["b"]) for row in rows[6:8]] == [("p", None), (None, None)]
    whole = rows[-1]
    assert len(rows) == 12
    for name in ("n", "total", "bar"):
        assert sum(row[name] for row in rows[:6]) == pytest.approx(whole[name], rel=1e-9)
        assert sum(row[name] for row in rows[6:8]) == pytest.approx(whole[name], rel=1e-9)
        assert rows[6][name] == pytest.approx(sum(row[name] for row in rows[:3]), rel=1e-9)
    assert whole["mean"] == pytest.approx(whole["total"] / whole["n"], rel=1e-9)


def test_a_total_is_told_from_the_category_null() -> None:
    plan = cube_plan()
    rows = tabulate(query_of(CUBE), plan, 0, cube_release(plan)).rows
    assert (rows[3]["a"], rows[3].get("_totals"), rows[3]["ga"]) == (None, None, 0)
    assert (rows[7]["a"], rows[7]["_totals"], rows[7]["ga"]) == (None, ["b"], 0)
    assert (rows[8]["a"], rows[8]["_totals"], rows[8]["ga"]) == (None, ["a"], 1)
    assert rows[-1]["_totals"] == ["a", "b"]


def test_a_key_whose_grouping_is_asked_is_not_marked() -> None:
    named = Call("case", (Call("equal", (Column("grouping:0"), Literal(1))), Literal("all"), Column("key:0")))
    plan = cube_plan()
    rows = tabulate(query_of({"a": named, "n": Column("measure:0")}), plan, 0, cube_release(plan)).rows
    assert [row["a"] for row in rows] == ["p"] * 3 + [None] * 3 + ["p", None] + ["all"] * 4
    assert not any("_totals" in row for row in rows)


def test_least_squares_narrow_totals_and_their_intervals_cover() -> None:
    """300 releases of 12 rows: 95 % may show 93.2 % in 3,600 by chance less than once in a million times."""
    plan = cube_plan()
    groups = product(("p", None), (1, 2, 3))
    truth = {(a, b): 10 * n for n, (a, b) in enumerate(groups, start=1)}
    inside = [0, 0, 0]
    for _ in range(300):
        for row in tabulate(query_of(CUBE), plan, 0, cube_release(plan)).rows:
            over = row.get("_totals", [])
            counted = sum(
                n
                for (a, b), n in truth.items()
                if ("a" in over or a == row["a"]) and ("b" in over or b == row["b"])
            )
            inside[0] += row["n_low"] <= counted <= row["n_high"]
            inside[1] += row["total_low"] <= 70 * counted <= row["total_high"]
            inside[2] += row["mean_low"] <= 70 <= row["mean_high"]
    assert min(inside) / 3600 > 0.932


def test_a_consistent_total_is_better_known_than_a_measured_one() -> None:
    plan = cube_plan()
    (single,) = (replace(part, within=()) for part in plan.parts[-1:])
    answer = Answer((), ((0, ()),), (Recipe(Aggregate.COUNT, ((0,),)),))
    alone = replace(plan, parts=(single,), answers=(answer,))
    one = tabulate(query_of({"n": Column("measure:0")}), alone, 0, cube_release(plan)[-1:]).rows[0]
    agreed = tabulate(query_of(CUBE), plan, 0, cube_release(plan)).rows[-1]
    assert agreed["n_high"] - agreed["n_low"] < one["n_high"] - one["n_low"]


def test_having_order_and_limit_act_over_all_sets_together() -> None:
    plan = cube_plan()
    query = query_of(
        {"a": Column("key:0"), "b": Column("key:1"), "n": Column("measure:0")},
        having=Call("greater", (Column("measure:0"), Literal(55))),
        order=(Order(Column("measure:0"), descending=True, nulls_first=False),),
        limit=3,
    )
    quiet = replace(plan, parts=tuple(map(_quiet, plan.parts)))
    rows = tabulate(query, quiet, 0, cube_release(quiet)).rows
    assert [row["n"] for row in rows] == [210, 150, 90]
    assert rows[1] | {"n_low": 0, "n_high": 0} == {
        "a": None,
        "b": None,
        "n": 150,
        "n_low": 0,
        "n_high": 0,
        "_totals": ["b"],
    }


def _quiet(part: Part) -> Part:
    return replace(part, measurements=tuple(replace(item, scale=QUIET) for item in part.measurements))  # type: ignore[arg-type,call-arg]


def test_selected_groups_are_those_that_were_released() -> None:
    plan = plan_of(
        "discrete-gaussian", 1, measurements=(Total(),), recipes=(Recipe(Aggregate.COUNT, ((0,),)),)
    )
    part = replace(
        plan.parts[0],
        keys=(Key(Column("g"), None),),
        selection=Selection(Fraction(100), 60, Fraction(1, 10**9)),
    )
    plan = replace(plan, parts=(part,), answers=(replace(plan.answers[0], keys=part.keys),))
    found = tabulate(
        query_of({"g": Column("key:0"), "n": Column("measure:0")}),
        plan,
        0,
        (Released((("x",), (None,)), ((70, 80),)),),
    )
    assert [(row["g"], row["n"]) for row in found.rows] == [("x", 70), (None, 80)]
    assert [(note.key, note.facts) for note in found.notes] == [
        ("result.bounded", {"rows": 1}),
        ("result.selected", {"threshold": 60, "delta": "1e-09"}),
        ("result.suppression", {}),
    ]


def test_notes_say_what_shaped_the_numbers() -> None:
    extreme = Recipe(Aggregate.QUANTILE, ((0,),), extreme=True)
    plan = plan_of(
        "discrete-gaussian", 2, measurements=(Quantile(replace(BINS, bins=7), DRAWS),), recipes=(extreme,)
    )
    inner = PerUnit(Frame(Scan(0, 1)), (), (UnitValue("2\x1fn", "count"),))
    frame = Frame(Join("inner", Frame(Scan(0, 0, 4)), Frame(inner), rows=4))
    plan = replace(plan, parts=(replace(plan.parts[0], frame=frame),))
    keys = [note.key.removeprefix("result.") for note in notes(plan, plan.answers[0])]
    assert keys == [
        "bounded",
        "per-unit",
        "joined",
        "declared-groups",
        "clamped",
        "min-max",
        "quantile-bins",
        "suppression",
    ]
    bars = Recipe(Aggregate.HISTOGRAM, ((0,),))
    plan = plan_of("discrete-gaussian", 2, measurements=(Total(axis=replace(BINS, bins=2)),), recipes=(bars,))
    told = [note.facts for note in notes(plan, plan.answers[0]) if note.key == "result.bars"]
    assert told == [{"column": "x", "bars": "0 … 50 | 51 … 100"}]
    cube = cube_plan()
    assert "result.consistent" in {note.key for note in notes(cube, cube.answers[0])}


def test_the_interval_of_an_expression_combines_those_of_its_measures() -> None:
    plan = plan_of("discrete-laplace", 1, measurements=WITH_DRAWS)
    rate = Call("divide", (Column("measure:3"), Column("measure:0")))
    query = query_of({"rate": rate, "n": Column("measure:0"), "root": Call("sqrt", (Column("measure:0"),))})
    found = tabulate(query, plan, 0, release(plan, lambda *_: ROWS * 100)).rows[0]
    assert found["root_low"] == pytest.approx(math.sqrt(found["n_low"]))
    assert found["rate_low"] < 60.6 < found["rate_high"]
    # Where as many as none may have been counted; one draw of forty says that there was somebody.
    drawn = (tabulate(query, plan, 0, release(plan, lambda *_: [])).rows[0] for _ in range(20))
    nobody = next(row for row in drawn if row["n_low"] <= 0)
    assert (nobody["rate_low"], nobody["rate_high"]) == (None, None)


def test_a_literal_is_shown_in_every_row() -> None:
    plan = plan_of(
        "discrete-laplace", 3, measurements=(Total(),), recipes=(Recipe(Aggregate.COUNT, ((0,),)),)
    )
    found = tabulate(
        query_of({"one": Literal(1), "g": Column("key:0")}), plan, 0, (Released(None, ((1, 2, 3),)),)
    )
    assert found.columns == (("one", "key"), ("g", "key"))
    assert list(found.rows) == [{"one": 1, "g": 0}, {"one": 1, "g": 1}, {"one": 1, "g": 2}]
