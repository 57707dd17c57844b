"""Plans: what is measured once, under which bounds, in which order, for which loss; and what is refused."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from statements import (
    BOTH,
    MIXED,
    PURE,
    STAYS,
    STAYS_FACTS,
    ZCDP,
    R,
    filters,
    phrase,
    planned,
    read,
    statements,
    told,
)

from jobs.facts import Setting
from jobs.plan import (
    Plan,
    Quantile,
    Total,
)
from jobs.planning import Budget, bound_of, build, build_for, plan_losses
from sandbox.errors import InvalidInputError
from sandbox.privacy.exponential import cost_of
from sandbox.privacy.loss import PICO, Filter, Loss

SETTINGS = (BOTH, MIXED, replace(BOTH, sources=tuple(replace(s, filter=Filter.PURE) for s in BOTH.sources)))


@pytest.mark.parametrize(
    ("calls", "measured"),
    [
        ("COUNT(*), COUNT(*)", ["count/0"]),
        ("SUM(days)", ["sum@0/0"]),
        ("SUM(days), AVG(days), COUNT(days)", ["count/1", "sum@7/0"]),
        ("COUNT(*), AVG(sure)", ["count/0", "sum@50/0"]),
        ("COUNT(*), AVG(days)", ["count/0", "count/1", "sum@7/0"]),
        ("VAR_SAMP(days), STDDEV_POP(days), AVG(days)", ["count/1", "square-24/0", "sum@7/0"]),
        (
            "CORR(days, sure), REGR_SLOPE(days, sure), COVAR_POP(sure, days), AVG(days)",
            ["count/1", "product-0/0", "square-1250/1", "square-24/0", "sum@50/1", "sum@7/0"],
        ),
        (
            "MEDIAN(days), QUANTILE_CONT(days, [0.5, 0.1])",
            ["quantile/1/10,1/10around,1/2,1/2around"],
        ),
        ("HISTOGRAM(days, 3)", ["bars/3"]),
        ("COUNT(DISTINCT person), COUNT(DISTINCT ward)", ["distinct/3", "units/0"]),
        ("CLIPPED(sure), AVG(sure)", ["count/0", "sum@0/0", "sum@50/0"]),
        ("SUM(days) FILTER (WHERE urgent), COUNT(*)", ["count/0", "sum@0/0"]),
    ],
)
def test_what_coincides_is_measured_once(calls: str, measured: list[str]) -> None:
    assert told(planned(f"SELECT {calls} FROM a.stays")) == [measured]


def test_statements_share_what_coincides() -> None:
    texts = [
        "SELECT ward, COUNT(*) FROM a.stays GROUP BY ward",
        "SELECT ward, AVG(sure) FROM a.stays GROUP BY ward",
    ]
    other = "SELECT COUNT(*) FROM a.stays WHERE days > 1"
    together = planned(";".join([*texts, other]))
    assert sorted(told(together)) == [["count/0"], ["count/0", "sum@50/0"]]
    # Each statement has 1/3: a COUNT with 1/3 and one with 1/6 are one COUNT with 1/2.
    (shared,) = (part for part in together.parts if len(part.measurements) == 2)
    scales = {phrase(item): item.scale for item in shared.measurements if isinstance(item, Total)}
    assert scales == {"count/0": Fraction(R**2), "sum@50/0": Fraction((R * 50) ** 2, 2) * 6}


def test_rollups_are_about_the_same_rows_as_their_parts() -> None:
    plan = planned("SELECT ward, days, COUNT(*) FROM a.stays GROUP BY ROLLUP(ward, days)")
    (answer,) = plan.answers
    assert [numbers for _, numbers in answer.sets] == [(0, 1), (0,), ()]
    for number, numbers in answer.sets:
        part = plan.parts[number]
        assert part.keys == tuple(answer.keys[place] for place in numbers)
        assert set(part.within) == set(answer.keys) - set(part.keys)
    plain = "SELECT ward, COUNT(*) FROM a.stays GROUP BY ward"
    both = planned(plain + "; SELECT ward, days, COUNT(*) FROM a.stays GROUP BY ROLLUP(ward, days)")
    assert len(both.parts) == 4  # a plain GROUP BY ward counts rows whose other key has no category, too


# --- the loss is what was asked -------------------------------------------------------------------------


@given(
    st.lists(statements(), min_size=1, max_size=3),
    st.integers(1, 10**14),
    st.sampled_from(SETTINGS),
    st.data(),
)
def test_a_plan_costs_what_is_asked_and_never_more(
    texts: list[str], units: int, setting: Setting, data: st.DataObject
) -> None:
    queries = read(";".join(texts))
    weights = data.draw(st.lists(st.integers(1, 9), min_size=len(texts), max_size=len(texts)))
    budget = Budget(setting.mechanism, Fraction(units, PICO), tuple(map(Fraction, weights)))
    plan = build(queries, setting, budget)
    spent = _spent(plan, setting)
    assert all(cost <= units for cost in spent)
    for number, source in enumerate(plan.sources):
        read_by = [i for i, query in enumerate(queries) if source.dataset in query.sources]
        paid = [weights[i] / _dearer(texts[i], source.dataset, plan.mechanism) for i in read_by]
        share = units * sum(paid, Fraction(0)) / sum(weights)
        if spent[number] or setting.mechanism == "discrete-gaussian":
            assert share * (1 - Fraction(1, 10**11)) - 1 <= spent[number] <= share + 1
    assert all(part.rows >= bound_of(part.frame) for part in plan.parts)


def _dearer(text: str, dataset: str, mechanism: str) -> Fraction:
    """How much dearer the right side of a LEFT JOIN is than *dataset*: its absence replaces rows."""
    if "b.people p LEFT JOIN" not in text or dataset == STAYS:
        return Fraction(1)
    return Fraction(4 if mechanism == "discrete-gaussian" else 2)


def _spent(plan: Plan, setting: Setting) -> list[int]:
    """Each source's cost in the mechanism's currency; 0 where its filter counts Laplace noise by ρ."""
    losses = plan_losses(plan, filters(setting))
    gaussian = plan.mechanism == "discrete-gaussian"
    return [loss.rho_pico if gaussian else loss.epsilon_pico for loss in losses]


@given(st.integers(1, 10**15), st.integers(1, 4), st.sampled_from([ZCDP, PURE]))
def test_totals_cost_exactly_what_is_charged(units: int, calls: int, setting: Setting) -> None:
    listed = ("COUNT(*)", "SUM(cost)", "COUNT(days)", "AVG(sure)")[:calls]
    plan = planned(f"SELECT {', '.join(listed)} FROM a.stays", setting, Fraction(units, PICO))
    wanted = Loss(epsilon_pico=units) if setting is PURE else Loss(rho_pico=units)
    assert plan_losses(plan, filters(setting)) == (wanted,)


@given(st.lists(statements(), min_size=2, max_size=3), st.integers(10**6, 10**12))
def test_stated_needs_are_met_and_shared(texts: list[str], units: int) -> None:
    queries = read(";".join(texts))
    amounts = [Fraction(units * (i + 1), PICO) for i in range(len(texts))]
    together = build_for(queries, BOTH, amounts)
    alone = [build_for((query,), BOTH, (amount,)) for query, amount in zip(queries, amounts, strict=True)]
    for number, source in enumerate(together.sources):
        parts = [plan_losses(plan, filters(BOTH))[number].rho_pico for plan in alone]
        assert plan_losses(together, filters(BOTH))[number].rho_pico <= sum(parts), source
    for answer, own in zip(together.answers, alone, strict=True):
        for recipe, small in zip(answer.recipes, own.answers[0].recipes, strict=True):
            assert _scales(together, answer.sets, recipe.places) <= _scales(
                own, own.answers[0].sets, small.places
            )


def _scales(
    plan: Plan, sets: Sequence[tuple[int, tuple[int, ...]]], places: Sequence[Sequence[int]]
) -> list[Fraction]:
    found = []
    for (part, _), numbers in zip(sets, places, strict=True):
        items = [plan.parts[part].measurements[number] for number in numbers]
        found += [Fraction(0) if isinstance(item, Quantile) else item.scale for item in items]
    return found


def test_what_statements_share_is_paid_once() -> None:
    query = "SELECT ward, AVG(days) FROM a.stays GROUP BY ward"
    amounts = (Fraction(1, 10), Fraction(1, 5))
    both = build_for(read(f"{query}; {query}"), ZCDP, amounts)
    assert plan_losses(both, [Filter.ZCDP]) == (Loss(rho_pico=PICO // 5),)


@pytest.mark.parametrize(
    ("quantile", "sides", "parts"),
    [
        ("0.9", ("", "around"), (7, 1)),
        ("0.1", ("", "around"), (7, 1)),
        ("0.5", ("", "around"), (7, 1)),
        ("0.95", ("", "low", "high"), (6, 1, 1)),
        ("0.05", ("", "low", "high"), (6, 1, 1)),
    ],
)
@pytest.mark.parametrize("setting", [ZCDP, PURE])
def test_a_quantile_spends_most_on_its_point(quantile: str, sides: Any, parts: Any, setting: Any) -> None:
    (item,) = planned(f"SELECT QUANTILE_CONT(days, {quantile}) FROM a.stays", setting).parts[0].measurements
    assert isinstance(item, Quantile)
    a, b = Fraction(quantile).as_integer_ratio()
    costs = [cost_of(draw.rate, R * max(a, b - a))[setting is ZCDP] for draw in item.draws]
    assert [float(8 * cost) for cost in costs] == pytest.approx(parts)
    assert sum(costs) <= 1
    assert tuple(draw.side for draw in item.draws) == sides
    point, *widths = item.draws
    alpha = Fraction(1, 20) / len(widths)
    assert point.slack == 0
    for draw in widths:
        assert 0 <= draw.slack - math.log(1 / alpha) / draw.rate <= 1 + 1e-6


# --- order ----------------------------------------------------------------------------------------------


@given(st.lists(statements(), min_size=1, max_size=3, unique=True), st.randoms(use_true_random=False))
def test_the_order_of_asking_does_not_matter(texts: list[str], random: object) -> None:
    shuffled = list(texts)
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    turned = replace(BOTH, sources=BOTH.sources[::-1])
    one, other = planned(";".join(texts), BOTH), planned(";".join(shuffled), turned)
    assert (one.parts, one.sources, one.tables) == (other.parts, other.sources, other.tables)
    for number, text in enumerate(texts):
        assert one.answers[number] == other.answers[shuffled.index(text)]


def test_rewrites_are_one_plan() -> None:
    plain = planned("SELECT ward, AVG(days) FROM a.stays WHERE urgent GROUP BY ward")
    inner = planned("SELECT ward, AVG(days) FROM (SELECT * FROM a.stays WHERE urgent) x GROUP BY ward")
    assert plain == inner


# --- key selection --------------------------------------------------------------------------------------


def test_undeclared_keys_are_selected_and_pay_for_it() -> None:
    plan = planned("SELECT free, COUNT(*), COUNT(DISTINCT person) FROM a.stays GROUP BY free")
    (part,) = plan.parts
    assert part.selection is not None
    assert (part.selection.scale, part.cells) == (Fraction(3 * R, 2), 0)
    (loss,) = plan_losses(plan, [Filter.ZCDP])
    assert loss.rho_pico == PICO
    assert 0 < loss.delta_atto <= ZCDP.selection_delta * 10**18


def test_selections_share_the_delta() -> None:
    plan = planned(
        "SELECT free, COUNT(*) FROM a.stays GROUP BY free; "
        "SELECT free, ward, COUNT(*) FROM a.stays GROUP BY free, ward"
    )
    (loss,) = plan_losses(plan, [Filter.ZCDP])
    assert all(part.selection and part.selection.delta == ZCDP.selection_delta / 2 for part in plan.parts)
    assert loss.delta_atto <= ZCDP.selection_delta * 10**18


def test_a_key_of_a_value_per_unit_keeps_its_origin() -> None:
    plan = planned(
        "SELECT free, COUNT(*) FROM (SELECT person, free, COUNT(*) n FROM a.stays "
        "GROUP BY person, free) x GROUP BY free"
    )
    assert plan.parts[0].selection is not None


# --- refusals -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("SELECT SUM(1 / days) FROM a.stays", "plan.no-bounds"),
        ("SELECT MEDIAN(sure / days) FROM a.stays", "plan.no-bounds"),
        (
            "SELECT AVG(s) FROM (SELECT person, SUM(sure / days) s FROM a.stays GROUP BY person) x",
            "plan.no-bounds",
        ),
        ("SELECT COUNT(*) FROM a.stays GROUP BY cost / 3", "plan.no-categories"),
        ("SELECT COUNT(*) FROM a.stays GROUP BY urgent", "plan.no-categories"),
        ("SELECT COUNT(*) FROM a.stays GROUP BY lower(free)", "plan.no-categories"),
        ("SELECT COUNT(DISTINCT free) FROM a.stays", "plan.no-categories"),
        ("SELECT COUNT(*) FROM a.stays GROUP BY sure, days, seen", "plan.too-many-cells"),
        ("SELECT COUNT(*) FROM a.stays GROUP BY vast", "plan.too-many-categories"),
        ("SELECT HISTOGRAM(days, 20) FROM a.stays", "plan.too-many-bars"),
        ("SELECT COUNT(DISTINCT seen) FROM a.stays GROUP BY seen, days", "plan.too-many-numbers"),
        ("SELECT HISTOGRAM(sure, 64) FROM a.stays GROUP BY seen, sure", "plan.too-many-numbers"),
        ("SELECT free, MEDIAN(days) FROM a.stays GROUP BY free", "plan.selection-only-totals"),
        ("SELECT free, HISTOGRAM(days, 2) FROM a.stays GROUP BY free", "plan.selection-only-totals"),
        ("SELECT free, COUNT(DISTINCT ward) FROM a.stays GROUP BY free", "plan.selection-only-totals"),
        ("SELECT free, COUNT(*) FROM a.stays GROUP BY ROLLUP(free)", "plan.selection-only-totals"),
    ],
)
def test_what_cannot_be_planned_is_refused(text: str, code: str) -> None:
    with pytest.raises(InvalidInputError) as caught:
        planned(text)
    assert caught.value.code == code


def test_large_plans_are_refused() -> None:
    sums = [", ".join(f"SUM(days + {i + 40 * j})" for i in range(40)) for j in range(2)]
    with pytest.raises(InvalidInputError, match="too-many-measurements"):
        planned("; ".join(f"SELECT {listed} FROM a.stays" for listed in sums))
    cubes = [
        f"SELECT COUNT(*) FROM a.stays WHERE days > {i} GROUP BY CUBE(ward, days, month(seen), year(seen))"
        for i in range(5)
    ]
    with pytest.raises(InvalidInputError, match="too-many-parts"):
        planned("; ".join(cubes))


def test_selection_needs_a_delta_and_gaussian_noise() -> None:
    text = "SELECT free, COUNT(*) FROM a.stays GROUP BY free"
    with pytest.raises(InvalidInputError, match="selection-under-pure"):
        planned(text, PURE)
    with pytest.raises(InvalidInputError, match="selection-without-delta"):
        planned(text, replace(ZCDP, selection_delta=Fraction(0)))
    with pytest.raises(InvalidInputError, match="no-categories"):
        planned(text, replace(ZCDP, sources=(replace(STAYS_FACTS, select=frozenset()),)))


def test_a_budget_in_another_currency_or_of_nothing_is_refused() -> None:
    query = read("SELECT COUNT(*) FROM a.stays")
    for budget in (Budget("discrete-laplace", Fraction(1)), Budget("discrete-gaussian", Fraction(0))):
        with pytest.raises(ValueError, match=r"currency|positive"):
            build(query, ZCDP, budget)
    with pytest.raises(ValueError, match="weight"):
        build(query, ZCDP, Budget("discrete-gaussian", Fraction(1), (Fraction(1), Fraction(1))))
