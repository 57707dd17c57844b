"""ε audit of every aggregate: what a unit at the clamp edges changes in a release is no more than its price.

Statements go the real way (parse, plan, kernels, merge, noise) over neighbouring rows: the same others, and
one unit that is there or not.  Its rows lie where they move the measurement most, and are more than the bound
keeps.  Each noise source is priced by `plan_losses` alone and attacked twice: by the exact distributions that
its known scale gives, and blind, by how often thousands of releases pass a threshold of the best statistic
there is, the likelihood ratio (Neyman-Pearson), or of the number that moves most.

A plan with half the noise fails the same comparison, so it would be seen.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from neighbours import Pair, Row, World, alone, integers, louder, seen_loss, with_unit
from scipy import stats
from statements import BOTH, PEOPLE, PURE, STAYS, ZCDP, R, T, filters, planned

from jobs.facts import Setting
from jobs.measure import noisy
from jobs.partials import Exact
from jobs.plan import Draw, Plan, Quantile
from jobs.planning import plan_losses
from jobs.sensitivity import draw_epsilon
from sandbox.privacy.loss import ATTO, PICO, Filter
from sandbox.schema import DatasetName

TIMES = {Filter.PURE: 2000, Filter.ZCDP: 2000}
ROUNDED = 1e-9
"""Of the exact losses, computed in floating point."""
BOTH_PURE = replace(BOTH, sources=tuple(replace(source, filter=Filter.PURE) for source in BOTH.sources))


def stay(
    days: int | None = 3,
    sure: int = 50,
    cost: float | None = 10.0,
    ward: str = "A",
    urgent: bool | None = True,
) -> Row:
    return {"days": days, "sure": sure, "cost": cost, "ward": ward, "urgent": urgent}


def top(count: int = R + 2, **more: Any) -> list[Row]:
    """Return more rows than the bound keeps, at or beyond every upper clamp."""
    return [stay(14, 100, 1e300, **more)] * count


OTHERS: World = {
    STAYS: {f"other {n}": [stay(n, 20 * n + 1, 100.0 * n, ward) for ward in "ABC"] for n in range(4)},
    PEOPLE: {f"other {n}": [{"age": 30 + n, "sex": "f"}] for n in range(3)},
}
NOBODY: World = {STAYS: {}, PEOPLE: {}}
WIDE_WARDS = [{"ward": "A", "beds": 10**6}] * 1000 + [{"ward": "B", "beds": 3}]
PER_PERSON = "(SELECT person, SUM(cost) AS total, COUNT(*) AS n FROM a.stays GROUP BY person) p"
PER_WARD = "(SELECT person, ward, COUNT(*) AS n FROM a.stays GROUP BY person, ward) p"


@dataclass(frozen=True)
class Case:
    """A statement, and a unit's rows in both datasets.

    *attained*: at least this part of the price is real, of every noise source, or of the dearest if *once*.
    *leaving*: the unit leaves this dataset only, not both.  *times*: so many times the releases.
    """

    sql: str
    stays: Sequence[Row] = ()
    people: Sequence[Row] = ()
    attained: float = 0.999
    crowded: bool = False
    once: bool = False
    leaving: DatasetName | None = None
    times: int = 1

    def worlds(self) -> tuple[World, World]:
        """Return the rows without and with the unit."""
        rows: World = {
            STAYS: {"x": self.stays} if self.stays else {},
            PEOPLE: {"x": self.people} if self.people else {},
        }
        others = OTHERS if self.crowded else NOBODY
        stays = {} if self.leaving is None else {n: r for n, r in rows.items() if n != self.leaving}
        return with_unit(others, stays), with_unit(others, rows)


AGE = "COALESCE(age, 99)"
LEFT = "a.stays s LEFT JOIN b.people p ON s.person = p.id"
MEAN_AGE = f"SELECT AVG({AGE}) FROM {LEFT}"
CHILD = [{"age": -200, "sex": "f"}] * 5
ADULT = [{"age": 200, "sex": "f"}] * 5
BY_KINDS = [
    stay(ward=ward, urgent=urgent) for ward, urgent in zip("ABCA", [True, True, True, None], strict=True)
]
EVERYWHERE = [row for ward in "ABCDE" for row in top(T, ward=ward)]
KINDS = "SELECT urgent IS NULL, COUNT(DISTINCT ward) FROM a.stays GROUP BY urgent IS NULL"
ANTI = "SELECT SUM(sure) FROM a.stays s ANTI JOIN b.people p ON s.person = p.id"
REGRESSIONS = ("REGR_SLOPE(sure, days)", "REGR_INTERCEPT(days, sure)")
CASES = {
    "count": Case("SELECT COUNT(*) FROM a.stays", top()),
    "count among others": Case("SELECT COUNT(*) FROM a.stays", top(), crowded=True),
    "count of what is there": Case("SELECT COUNT(days) FROM a.stays", top()),
    "filtered count": Case("SELECT COUNT(*) FILTER (WHERE days > 3) FROM a.stays WHERE urgent", top()),
    "units": Case("SELECT COUNT(DISTINCT person) FROM a.stays", top(), crowded=True),
    "units in groups": Case(
        "SELECT ward, COUNT(DISTINCT person) FROM a.stays GROUP BY ward", BY_KINDS, times=3
    ),
    "distinct": Case(KINDS, BY_KINDS, attained=0.8, times=2),
    "sum": Case("SELECT SUM(cost) FROM a.stays", top(), crowded=True),
    "mean": Case("SELECT AVG(cost) FROM a.stays", top()),
    "low mean": Case("SELECT AVG(cost) FROM a.stays", [stay(cost=-1e300)] * 9),
    "variance": Case("SELECT VAR_SAMP(days) FROM a.stays", top()),
    "variance of what is vast": Case("SELECT STDDEV_POP(vast) FROM a.stays", [{"vast": -1e300}] * 5),
    "correlation": Case("SELECT CORR(days, sure) FROM a.stays", top(), crowded=True),
    "histogram": Case("SELECT HISTOGRAM(days, 3) FROM a.stays", top()),
    "clipped": Case("SELECT CLIPPED(cost) FROM a.stays", top()),
    "rollup": Case("SELECT ward, COUNT(*), SUM(sure) FROM a.stays GROUP BY ROLLUP (ward)", top()),
    "sum per person": Case(f"SELECT SUM(total), SUM(n) FROM {PER_PERSON}", top(T + 9), crowded=True),
    "clipped per person": Case(f"SELECT CLIPPED(total) FROM {PER_PERSON}", top(T + 9)),
    "count per ward of a person": Case(f"SELECT SUM(n) FROM {PER_WARD}", EVERYWHERE),
    "join": Case("SELECT SUM(age) FROM a.stays s JOIN b.people p ON s.person = p.id", top(), ADULT),
    "left join": Case(f"SELECT COUNT(*), SUM({AGE}) FROM {LEFT}", top(), ADULT, crowded=True, leaving=STAYS),
    "left join, no partner any more": Case(MEAN_AGE, top(), CHILD, 0.97, once=True, leaving=PEOPLE),
    "left join, nobody any more": Case(f"SELECT SUM({AGE}) FROM {LEFT}", top(), crowded=True, leaving=STAYS),
    "anti join, back again": Case(ANTI, top(), ADULT, leaving=PEOPLE),
    "anti join": Case(ANTI, top()),
    "with itself": Case("SELECT SUM(x.sure) FROM a.stays x JOIN a.stays y ON x.person = y.person", top()),
    "lookup": Case("SELECT SUM(beds) FROM a.stays s JOIN c.wards w ON s.ward = w.ward", top()),
}


def both_settings(sql: str) -> tuple[Setting, Setting]:
    return (BOTH_PURE, BOTH) if "b.people" in sql or "c.wards" in sql else (PURE, ZCDP)


def plan_of(case: Case, setting: Setting, each: Fraction) -> Plan:
    """Return a plan in which *each* is what the leaving unit's dataset pays for every noise source."""
    _, _, single = next(alone(planned(case.sql, setting)))
    filter_ = Filter.PURE if setting.mechanism == "discrete-laplace" else Filter.ZCDP
    price = Pair(single, Exact([]), Exact([])).price(filter_, case.leaving)
    return planned(case.sql, setting, each / Fraction(price).limit_denominator(10**6))


def pairs(plan: Plan, case: Case) -> Iterator[Pair]:
    """Yield each noise source with its exact integers on both sides."""
    sides = [integers(plan, world, WIDE_WARDS) for world in case.worlds()]
    for part, place, single in alone(plan):
        one, other = (Exact([side[part].vectors[place]]) for side in sides)
        yield Pair(single, one, other)


def seen(pair: Pair, filter_: Filter, price: float, times: int = 2000) -> float:
    """Lower bound of the loss from so many releases on each side."""
    one, other = pair.released(times)
    reach = 3 * price if filter_ is Filter.PURE else 8 * price
    found = seen_loss(pair.ratios(one), pair.ratios(other), np.linspace(-reach, reach, 49), filter_)
    place, edges = pair.thresholds()
    return max(found, seen_loss(one[:, place], other[:, place], edges, filter_))


@pytest.mark.parametrize("filter_", [Filter.PURE, Filter.ZCDP])
@pytest.mark.parametrize("name", CASES)
def test_a_unit_changes_a_release_by_no_more_than_its_price(name: str, filter_: Filter) -> None:
    check(CASES[name], filter_, TIMES[filter_])


@pytest.mark.soak
@pytest.mark.parametrize("filter_", [Filter.PURE, Filter.ZCDP])
@pytest.mark.parametrize("name", CASES)
def test_a_unit_changes_a_release_by_no_more_than_its_price_long(name: str, filter_: Filter) -> None:
    check(CASES[name], filter_, 40 * TIMES[filter_])


def check(case: Case, filter_: Filter, times: int) -> None:
    """Compare prices with losses, exact and seen; and those of half the noise."""
    setting = both_settings(case.sql)[filter_ is Filter.ZCDP]
    plan = plan_of(case, setting, Fraction(1) if filter_ is Filter.PURE else Fraction(1, 2))
    found = list(pairs(plan, case))
    worst = max(pair.exact_loss(filter_) / pair.price(filter_, case.leaving) for pair in found)
    assert worst >= case.attained
    for pair, worse in zip(found, pairs(louder(plan), case), strict=True):
        price = pair.price(filter_, case.leaving)
        exact = pair.exact_loss(filter_)
        assert exact <= price + ROUNDED
        assert seen(pair, filter_, price, times * case.times) <= price
        if exact >= case.attained * price:
            assert worse.exact_loss(filter_) > price
            assert seen(worse, filter_, price, times * case.times) > price
        else:
            assert case.once
    paid = plan_losses(plan, filters(setting))
    whole = [loss.epsilon_pico if filter_ is Filter.PURE else loss.rho_pico for loss in paid]
    each = zip(*(pair.prices(filter_) for pair in found), strict=True)
    assert [sum(prices) for prices in each] == pytest.approx([number / PICO for number in whole])


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("VAR_SAMP(days)", ("VAR_POP(days)", "STDDEV_SAMP(days)", "STDDEV_POP(days)")),
        ("CORR(days, sure)", ("COVAR_SAMP(sure, days)", "COVAR_POP(days, sure)", *REGRESSIONS)),
        ("MEDIAN(days)", ("QUANTILE_CONT(days, 0.5)",)),
    ],
)  # fmt: skip
def test_these_aggregates_release_the_same_numbers(one: str, other: tuple[str, ...]) -> None:
    for setting in (PURE, ZCDP):
        parts = planned(f"SELECT {one} FROM a.stays", setting).parts
        assert all(planned(f"SELECT {call} FROM a.stays", setting).parts == parts for call in other)


# --- quantiles --------------------------------------------------------------------------------------------


def balanced() -> World:
    """Rows where R rows at the lower clamp move most outcomes of a median as far as can be.

    Below R/2 rows on the second value lies the middle, so the lowest value's score falls by R, and rises
    by R above: the probability of the lowest value moves by both.
    """
    counts = {0: 40, 1: R // 2, 14: 40 + R // 2}
    days = [value for value, count in counts.items() for _ in range(count)]
    return {STAYS: {f"other {n}": [stay(value)] for n, value in enumerate(days)}}


MEDIAN = "SELECT MEDIAN(days) FROM a.stays"
TAIL = "SELECT QUANTILE_CONT(days, 0.95) FROM a.stays"
LOWEST: World = {STAYS: {"x": [stay(-(10**6))] * 9}}


def drawn(plan: Plan) -> Iterator[Pair]:
    """Yield a quantile's point, and its point with the half-widths drawn around it."""
    (single,) = (single for _, _, single in alone(plan))
    (item,) = single.parts[0].measurements
    assert isinstance(item, Quantile)
    for draws in (item.draws[:1], item.draws):
        part = replace(single.parts[0], measurements=(replace(item, draws=draws),))
        single = replace(single, parts=(part,))
        world = balanced()
        one, other = (integers(single, side)[0] for side in (world, with_unit(world, LOWEST)))
        yield Pair(single, one, other)


@pytest.mark.parametrize("filter_", [Filter.PURE, Filter.ZCDP])
@pytest.mark.parametrize("sql", [MEDIAN, TAIL])
def test_a_unit_changes_a_quantile_by_no_more_than_its_price(sql: str, filter_: Filter) -> None:
    """The point alone and with what is drawn around it, by their joint exact probabilities and by draws."""
    plan = planned(sql, PURE if filter_ is Filter.PURE else ZCDP, 2)
    for pair, worse in zip(drawn(plan), drawn(louder(plan)), strict=True):
        price = pair.price(filter_, None)
        exact = pair.exact_loss(filter_)
        assert exact <= price + ROUNDED
        assert seen(pair, filter_, price) <= price
        if sql == MEDIAN:
            assert worse.exact_loss(filter_) > price
        if sql == MEDIAN and filter_ is Filter.PURE:
            assert exact > 0.75 * price
            assert seen(worse, filter_, price, times=20_000) > price


@pytest.mark.parametrize(("sql", "epsilon"), [(MEDIAN, Fraction(3)), (TAIL, Fraction(1, 5))])
def test_draws_have_their_exact_probabilities(sql: str, epsilon: Fraction) -> None:
    for pair in drawn(planned(sql, PURE, epsilon)):
        for released, law in zip(pair.released(6000), pair.chances(), strict=True):
            found = Counter(map(tuple, released.tolist()))
            assert found.keys() <= law.keys()
            counted, chances = np.array([found[it] for it in law]), np.array([*law.values()])
            rare = chances * 6000 < 8
            wanted = np.append(chances[~rare], chances[rare].sum())
            seen_ = np.append(counted[~rare], counted[rare].sum())
            if wanted[-1] * 6000 < 8:
                wanted[-2], seen_[-2] = wanted[-2] + wanted[-1], seen_[-2] + seen_[-1]
                wanted, seen_ = wanted[:-1], seen_[:-1]
            assert stats.chisquare(seen_, wanted / wanted.sum() * 6000).pvalue > 1e-8


@given(
    st.lists(st.integers(0, 9), min_size=15, max_size=15),
    st.lists(st.integers(-3, 20), min_size=1, max_size=R),
    st.sampled_from([Fraction(0), Fraction(1, 4), Fraction(1, 2), Fraction(199, 200), Fraction(1)]),
    st.sampled_from([(), ("around",), ("low",), ("low", "high")]),
    st.integers(0, 300),
)
def test_no_rows_of_a_unit_change_any_quantile_by_more(
    counts: list[int], days: list[int], quantile: Fraction, sides: Sequence[Any], slack: int
) -> None:
    _, _, single = next(alone(planned(MEDIAN, PURE)))
    item = single.parts[0].measurements[0]
    assert isinstance(item, Quantile)
    rate = Fraction(1, 16 * quantile.denominator)
    draws = (Draw(quantile, rate), *(Draw(quantile, rate / 2, side, slack) for side in sides))
    part = replace(single.parts[0], measurements=(replace(item, draws=draws),))
    single = replace(single, parts=(part,))
    without = np.array(counts)
    present = without + np.bincount(np.clip(days, 0, 14), minlength=15)
    assert (
        Pair(single, Exact([without]), Exact([present])).exact_loss(Filter.PURE)
        <= float(sum(draw_epsilon(part, draw) for draw in draws)) + ROUNDED
    )


# --- selected keys ------------------------------------------------------------------------------------------

BY_KEY = "SELECT free, COUNT(*) FROM a.stays GROUP BY free"
RARE = [f"only x's {n}" for n in range(R)]
LIKELY = replace(ZCDP, selection_delta=Fraction(1, 10))


def shown(plan: Plan, world: World, times: int) -> Any:
    """Return which of x's keys are shown, one release a row."""
    (exact,) = integers(plan, world)
    assert exact.groups is not None
    assert exact.units is not None
    repeated = Exact(
        [np.tile(vector, times) for vector in exact.vectors],
        [(f"{n}|{group[0]}",) for n in range(times) for group in exact.groups],
        np.tile(exact.units, times),
    )
    (found,) = noisy(plan, [repeated])
    seen_ = np.zeros((times, R), dtype=bool)
    for (name,) in found.keys or ():
        number, _, key = str(name).partition("|")
        if key in RARE:
            seen_[int(number), RARE.index(key)] = True
    return seen_


def lower(threshold: int, plan: Plan) -> Plan:
    (part,) = plan.parts
    assert part.selection is not None
    selection = replace(part.selection, threshold=part.selection.threshold - threshold)
    return replace(plan, parts=(replace(part, selection=selection),))


def test_keys_of_one_unit_are_shown_with_probability_at_most_delta() -> None:
    """Four keys that nobody else has, and the most that δ allows for all four together: about 0.1."""
    plan = planned(BY_KEY, LIKELY)
    (paid,) = plan_losses(plan, [Filter.ZCDP])
    delta, times = paid.delta_atto / ATTO, 8000
    assert delta <= 0.1
    world: World = {STAYS: {"x": [{"free": key} for key in RARE]}}
    often = [int(shown(it, world, times).any(axis=1).sum()) for it in (plan, lower(2, plan))]
    surely = stats.beta.ppf(1e-6, often, times - np.array(often) + 1)
    assert often[0] > 0
    assert surely[0] <= delta < surely[1]


def test_a_unit_among_others_changes_which_keys_are_shown_by_no_more_than_its_price() -> None:
    """Keys of so many others that it is a toss-up: no δ enters, and ρ bounds what one unit changes."""
    plan = planned(BY_KEY, LIKELY, Fraction(1))
    (part,) = plan.parts
    assert part.selection is not None
    many = part.selection.threshold
    others: World = {STAYS: {f"other {n}": [{"free": key} for key in RARE] for n in range(many)}}
    unit: World = {STAYS: {"x": [{"free": key} for key in RARE]}}
    price = Fraction(part.rows) / (2 * part.selection.scale)
    (paid,) = plan_losses(replace(plan, parts=(replace(part, measurements=()),)), [Filter.ZCDP])
    assert abs(Fraction(paid.rho_pico, PICO) - price) < Fraction(1, 10**11)
    one, other = (shown(plan, it, 3000).sum(axis=1) for it in (others, with_unit(others, unit)))
    assert 0 < seen_loss(one, other, np.arange(0.5, R), Filter.ZCDP) <= price
