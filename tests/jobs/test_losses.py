"""What noise costs, recomputed from a plan alone: by its table of sensitivities, and of plans that lie."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from statements import BOTH, MIXED, PURE, ZCDP, R, filters, planned, statements

from jobs.plan import Distinct, Part, Plan, Quantile, Total, Units
from jobs.planning import bound_of, plan_losses
from jobs.relations import Frame, Join, Lookup, PerUnit, Scan
from sandbox.privacy.exponential import cost_of
from sandbox.privacy.loss import PICO, Filter, Loss, rho_of_pure
from sandbox.privacy.mechanisms import DiscreteGaussian, DiscreteLaplace

ALL = (
    "SELECT ward, SUM(days), AVG(cost), VAR_POP(days), CORR(days, sure), COUNT(DISTINCT person), "
    "COUNT(DISTINCT ward), MEDIAN(days), HISTOGRAM(days, 3) FROM a.stays GROUP BY ward"
)


def moves(part: Part, item: Total | Units | Distinct) -> tuple[int, int]:
    """L1 and L2² by enumeration of what the R rows of one unit can add to the cells, row by row.

    The worst case is one of two: all rows in one cell, or all in different cells.
    """
    if isinstance(item, Total):
        return R * item.step, (R * item.step) ** 2
    cells = min(R, part.cells)
    if isinstance(item, Units):
        return cells, cells
    most = len(item.key.categories or ())
    # R rows turn k bits in each of R/k cells (or fewer): the squares are largest where k is.
    per_cell = min(R, most)
    return R, R * per_cell


@pytest.mark.parametrize("setting", [ZCDP, PURE])
def test_costs_are_those_of_the_mechanisms(setting: Any) -> None:
    plan = planned(ALL, setting)
    (part,) = plan.parts
    epsilon, rho = Fraction(0), Fraction(0)
    for item in part.measurements:
        if isinstance(item, Quantile):
            for draw in item.draws:
                a, b = draw.quantile.numerator, draw.quantile.denominator
                one, two = cost_of(draw.rate, R * max(a, b - a))
                epsilon, rho = epsilon + one, rho + two
            continue
        one_norm, two_norm = moves(part, item)
        if plan.mechanism == "discrete-laplace":
            assert math.isclose(
                DiscreteLaplace(scale=item.scale, sensitivity=one_norm).epsilon, one_norm / item.scale
            )
            epsilon += one_norm / item.scale
        else:
            rho += two_norm / (2 * item.scale)
            if math.isqrt(two_norm) ** 2 == two_norm:
                noise = DiscreteGaussian(scale=item.scale, sensitivity=math.isqrt(two_norm))
                assert noise.rho == two_norm / (2 * item.scale)
    wanted = (
        Loss(epsilon_pico=math.ceil(epsilon * PICO))
        if setting is PURE
        else Loss(rho_pico=math.ceil(rho * PICO))
    )
    assert plan_losses(plan, filters(setting)) == (wanted,)


def test_laplace_noise_under_zcdp_costs_half_its_epsilon_squared() -> None:
    plan = planned("SELECT COUNT(*), AVG(age) FROM a.stays s JOIN b.people p ON s.person = p.id", MIXED, 2)
    first, second = plan_losses(plan, [Filter.ZCDP, Filter.PURE])
    assert second == Loss(epsilon_pico=2 * PICO)
    assert first == Loss(rho_pico=2 * rho_of_pure(PICO))


def test_each_dataset_pays_for_the_parts_that_read_it() -> None:
    plan = planned("SELECT COUNT(*) FROM a.stays; SELECT COUNT(*) FROM b.people", BOTH)
    assert plan_losses(plan, filters(BOTH)) == (Loss(rho_pico=PICO // 2),) * 2
    joined = planned("SELECT COUNT(*) FROM a.stays s JOIN b.people p ON s.person = p.id", BOTH)
    assert plan_losses(joined, filters(BOTH)) == (Loss(rho_pico=PICO),) * 2


# --- plans that lie -------------------------------------------------------------------------------------


def _part(change: Callable[[Part], Part]) -> Callable[[Plan], Plan]:
    return lambda plan: replace(plan, parts=(change(plan.parts[0]), *plan.parts[1:]))


def _item(kind: type, change: Callable[[Any], Any]) -> Callable[[Plan], Plan]:
    def changed(part: Part) -> Part:
        place = next(i for i, item in enumerate(part.measurements) if isinstance(item, kind))
        items = list(part.measurements)
        items[place] = change(items[place])
        return replace(part, measurements=tuple(items))

    return _part(changed)


def _sum(change: Callable[[Any], Any]) -> Callable[[Plan], Plan]:
    def changed(part: Part) -> Part:
        items = tuple(
            replace(item, factors=tuple(map(change, item.factors)))
            if isinstance(item, Total) and len(item.factors) == 1
            else item
            for item in part.measurements
        )
        return replace(part, measurements=items)

    return _part(changed)


@pytest.mark.parametrize(
    "change",
    [
        _item(Total, lambda item: replace(item, scale=item.scale * Fraction(999, 1000))),
        _item(Units, lambda item: replace(item, scale=item.scale / 2)),
        _item(Distinct, lambda item: replace(item, scale=item.scale / 2)),
        _item(Quantile, lambda item: replace(item, draws=item.draws * 2)),
        _item(
            Quantile,
            lambda item: replace(item, draws=tuple(replace(d, rate=d.rate * 2) for d in item.draws)),
        ),
        _sum(lambda factor: replace(factor, high=factor.high + 10 * factor.grid)),
        _sum(lambda factor: replace(factor, origin=factor.low)),
        _sum(lambda factor: replace(factor, grid=factor.grid / 10)),
        _part(lambda part: replace(part, rows=part.rows + 1)),
        _part(lambda part: replace(part, measurements=part.measurements * 2)),
        lambda plan: replace(plan, parts=plan.parts * 2),
    ],
)
@pytest.mark.parametrize("setting", [ZCDP, PURE])
def test_more_than_was_paid_is_seen(change: Callable[[Plan], Plan], setting: Any) -> None:
    plan = planned(ALL, setting)
    (paid,) = plan_losses(plan, filters(setting))
    (cost,) = plan_losses(change(plan), filters(setting))
    assert not cost.fits(paid)


@pytest.mark.parametrize(
    "change",
    [
        _part(lambda part: replace(part, rows=part.rows - 1)),
        _part(lambda part: replace(part, frame=Frame(Scan(0, 0, None)))),
        _part(lambda part: replace(part, frame=Frame(Scan(0, 0, R + 1)))),
        _item(Total, lambda item: replace(item, scale=Fraction(0))),
        _item(Total, lambda item: replace(item, scale=Fraction(-1))),
        _item(Quantile, lambda item: replace(item, draws=(replace(item.draws[0], rate=Fraction(0)),))),
        _item(Quantile, lambda item: replace(item, draws=(replace(item.draws[0], quantile=Fraction(2)),))),
        _item(Quantile, lambda item: replace(item, draws=item.draws[1:])),
        _sum(lambda factor: replace(factor, high=factor.high + factor.grid / 2)),
        _sum(lambda factor: replace(factor, grid=-factor.grid)),
    ],
)
def test_what_cannot_be_counted_is_refused(change: Callable[[Plan], Plan]) -> None:
    with pytest.raises(ValueError):
        plan_losses(change(planned(ALL)), [Filter.ZCDP])


def test_a_pure_filter_counts_no_gaussian_noise() -> None:
    with pytest.raises(ValueError, match="Gaussian"):
        plan_losses(planned(ALL), [Filter.PURE])


def test_a_lower_threshold_costs_more_delta() -> None:
    plan = planned("SELECT free, COUNT(*) FROM a.stays GROUP BY free")
    (paid,) = plan_losses(plan, [Filter.ZCDP])
    selection = plan.parts[0].selection
    assert selection is not None
    lower = replace(selection, threshold=selection.threshold - 1)
    (cost,) = plan_losses(_part(lambda part: replace(part, selection=lower))(plan), [Filter.ZCDP])
    assert cost.delta_atto > ZCDP.selection_delta * 10**18
    assert not cost.fits(paid)
    with pytest.raises(ValueError, match="Gaussian"):
        plan_losses(replace(plan, mechanism="discrete-laplace"), [Filter.ZCDP])


# --- row bounds -----------------------------------------------------------------------------------------

FREE = Frame(Scan(0, 0, None))
TWO, THREE = Frame(Scan(0, 0, 2)), Frame(Scan(1, 1, 3))


@pytest.mark.parametrize(
    ("frame", "bound"),
    [
        (TWO, 2),
        (Frame(PerUnit(FREE, (), ())), 1),
        (Frame(PerUnit(FREE, (("1\x1fk", None),), (), rows=5)), 5),  # type: ignore[arg-type]
        (Frame(Join("inner", TWO, THREE, rows=3)), 3),
        (Frame(Join("inner", Frame(PerUnit(FREE, (), ())), THREE, rows=3)), 3),
        (Frame(PerUnit(Frame(Join("inner", FREE, FREE)), (), ())), 1),
        (FREE, None),
        (Frame(Scan(0, 0, 0)), None),
        (Frame(PerUnit(FREE, (("1\x1fk", None),), ())), None),  # type: ignore[arg-type]
        (Frame(Join("inner", TWO, THREE)), None),
        (Frame(Join("semi", TWO, FREE, rows=2)), None),
        (Frame(Join("left", FREE, TWO, rows=2)), None),
        (Frame(Lookup("inner", TWO, 0, 2, ())), None),
        (Frame(Lookup("inner", FREE, 0, 2, (), rows=2)), None),
    ],
)
def test_rows_are_bounded_everywhere_but_below_a_value_per_unit(frame: Frame, bound: int | None) -> None:
    if bound is None:
        with pytest.raises(ValueError, match="bounded"):
            bound_of(frame)
    else:
        assert bound_of(frame) == bound


@given(statements(), st.sampled_from([BOTH, MIXED]))
def test_every_planned_bound_is_its_frames(text: str, setting: Any) -> None:
    assert all(part.rows == bound_of(part.frame) for part in planned(text, setting).parts)
