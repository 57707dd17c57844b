"""Bounds of groups in plans: where they stand, what noise follows from them, and what is said of them."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction

import pytest
from statements import BOTH, PURE, STAYS, ZCDP, filters, grouped, planned

from jobs.codec import plan_from_json, plan_to_json
from jobs.derivations import binding
from jobs.facts import Setting
from jobs.notes import notes
from jobs.outline import outline
from jobs.plan import GroupBound, Part, Plan, Quantile, Units
from jobs.planning import plan_losses
from jobs.sensitivity import Reach, reach, score_moves
from jobs.simulate import half_widths
from sandbox import canonical
from sandbox.privacy.loss import Filter

PER_PERSON = "SELECT n, COUNT(*) FROM (SELECT person, COUNT(*) n FROM a.stays GROUP BY person) x GROUP BY n"
BY_WARD = "SELECT ward, sure, COUNT(*), SUM(days), COUNT(DISTINCT person) FROM a.stays GROUP BY ward, sure"


def only(plan: Plan) -> Part:
    (found,) = plan.parts
    return found


def test_noise_falls_by_the_root_of_what_a_bound_is_worth() -> None:
    free, bound = planned(BY_WARD, grouped(ZCDP, None, None, 40)), planned(BY_WARD, grouped(ZCDP, 8, 5, 40))
    pairs = zip(only(free).measurements, only(bound).measurements, strict=True)
    for one, other in pairs:
        assert not isinstance(one, Quantile)
        assert not isinstance(other, Quantile)
        assert one.scale / other.scale == (Fraction(40, 8) if isinstance(one, Units) else Fraction(1600, 200))
    assert only(bound).bound == GroupBound(8, 5)
    assert plan_losses(bound, [Filter.ZCDP]) == plan_losses(free, [Filter.ZCDP])
    (wide, _, _), (narrow, _, _) = (half_widths(plan, plan.answers[0], None) for plan in (free, bound))
    assert wide is not None
    assert narrow is not None
    assert wide / narrow == pytest.approx(8**0.5, rel=0.02)


def test_quantiles_and_selections_are_calibrated_to_it() -> None:
    text = "SELECT ward, MEDIAN(cost) FROM a.stays GROUP BY ward"
    for setting in (grouped(ZCDP, 2, 3, 12), grouped(PURE, 2, 3, 12)):
        one, other = (
            only(planned(text, replace(setting, max_rows=12))),
            only(planned(text, grouped(setting, None, None))),
        )
        assert isinstance(one.measurements[0], Quantile)
        assert isinstance(other.measurements[0], Quantile)
        faster = one.measurements[0].draws[0].rate / other.measurements[0].draws[0].rate
        # Six rows in two cells of three instead of twelve in one.
        assert float(faster) == pytest.approx(12 / 18**0.5 if setting.mechanism == "discrete-gaussian" else 2)
        assert score_moves(one, Fraction(1, 2)) == (6, 18)
    free = "SELECT free, COUNT(*) FROM a.stays GROUP BY free"
    for groups, wanted in ((None, 12), (3, 3)):
        found = only(planned(free, grouped(ZCDP, groups, None, 12)))
        assert found.selection is not None
        assert found.selection.scale * 2 * Fraction(1, 2) == wanted


@pytest.mark.parametrize(
    ("text", "groups", "each", "wanted"),
    [
        (BY_WARD, 2, 3, GroupBound(2, 3)),
        (BY_WARD, None, 3, GroupBound(4, 3)),
        (BY_WARD, 2, None, GroupBound(2, 4)),
        (BY_WARD, 99, 3, GroupBound(4, 3)),
        (BY_WARD, 4, 4, None),
        (BY_WARD, 9, 9, None),
        (BY_WARD, None, None, None),
        # Three wards: a bound of three groups bounds nothing, whatever R is.
        ("SELECT ward, COUNT(*) FROM a.stays GROUP BY ward", 3, 4, None),
        ("SELECT ward, COUNT(*) FROM a.stays GROUP BY ward", 3, 1, GroupBound(3, 1)),
        ("SELECT free, COUNT(*) FROM a.stays GROUP BY free", 3, 4, GroupBound(3, 4)),
        ("SELECT COUNT(*) FROM a.stays", 2, 3, None),
        (PER_PERSON, 1, 1, None),
    ],
)  # fmt: skip
def test_a_part_has_the_bound_where_it_can_leave_out_a_row(
    text: str, groups: int | None, each: int | None, wanted: GroupBound | None
) -> None:
    plan = planned(text, grouped(ZCDP, groups, each))
    assert only(plan).bound == wanted
    assert (plan == planned(text)) == (wanted is None)
    assert plan_from_json(plan_to_json(plan)) == plan


def test_all_sets_of_a_statement_are_about_the_same_rows() -> None:
    plan = planned(
        "SELECT ward, sure, COUNT(*) FROM a.stays GROUP BY CUBE (ward, sure)", grouped(ZCDP, 8, 5, 40)
    )
    assert [found.bound for found in plan.parts] == [GroupBound(8, 5)] * 4
    wards, hundred = 3, 100  # how many categories the two keys have
    reached = {tuple(len(key.categories or ()) for key in found.keys): reach(found) for found in plan.parts}
    assert reached == {
        (wards, hundred): Reach(rows=40, groups=8, each=5, cells=8),
        (hundred,): Reach(rows=40, groups=8, each=15, cells=8),
        (wards,): Reach(rows=40, groups=8, each=40, cells=3),
        (): Reach(rows=40, groups=8, each=40, cells=1),
    }
    assert [note.key for note in notes(plan, plan.answers[0])].count("result.group-bound") == 1


def test_of_two_datasets_the_larger_bound_holds_and_none_where_one_has_none() -> None:
    text = "SELECT ward, sex, COUNT(*) FROM {} GROUP BY ward, sex"
    inner = text.format("a.stays s JOIN b.people p ON s.person = p.id")
    setting = grouped(BOTH, 2, 2, 9)
    (one, other) = setting.sources
    for groups, each, wanted in ((3, 1, GroupBound(3, 2)), (None, 1, GroupBound(6, 2)), (None, None, None)):
        changed = replace(other, max_groups=groups, max_group_rows=each)
        assert only(planned(inner, replace(setting, sources=(one, changed)))).bound == wanted
    semi = "SELECT ward, COUNT(*) FROM a.stays s SEMI JOIN b.people p ON s.person = p.id GROUP BY ward"
    free = replace(other, max_groups=None, max_group_rows=None)
    found = only(planned(semi, replace(setting, sources=(one, free))))
    assert found.bound == GroupBound(2, 2), "rows are those of the left side alone"


def test_what_is_said_of_a_bound_is_what_has_an_effect() -> None:
    for groups, each, said in (
        (2, 3, {"result.group-bound": {"groups": 2, "rows": 3}}),
        (2, None, {"result.group-bound-groups": {"groups": 2}}),
        (None, 3, {"result.group-bound-rows": {"rows": 3}}),
        (None, None, {}),
    ):
        plan = planned(BY_WARD, grouped(ZCDP, groups, each))
        assert binding(only(plan)) == (groups, each)
        found = notes(plan, plan.answers[0])
        assert {note.key: note.facts for note in found if "group-bound" in note.key} == said


@pytest.mark.parametrize("setting", [ZCDP, PURE])
def test_a_plan_is_priced_by_the_bound_it_is_measured_with(setting: Setting) -> None:
    """Taking the bound off, or widening it, makes a plan that costs more than was paid."""
    plan = planned(BY_WARD, grouped(setting, 2, 1, 9))
    (paid,) = plan_losses(plan, filters(setting))
    for bound in (None, GroupBound(3, 1), GroupBound(2, 2)):
        looser = replace(plan, parts=(replace(only(plan), bound=bound),))
        (cost,) = plan_losses(looser, filters(setting))
        assert not cost.fits(paid)
    with pytest.raises(ValueError, match="lets no row through"):
        plan_losses(replace(plan, parts=(replace(only(plan), bound=GroupBound(0, 1)),)), filters(setting))


PINNED = {
    "zcdp": "61a4311d2b167fdcdb169e222ac0c8772a11e6c9abe5bece48d163c215be0412",
    "pure": "df15f8f42ba355fbf8a9db8fd0012139c363720802c780bd2a1281f964efe516",
    "both": "e7d707474f42ed363da00e6094d13a17880265f378403382d57e27ed2f5efe77",
    "outlines": "d40c06ecfdb9fb6a22f61f2c9f2e13b3f88e99a362c7a35443218b5d96575bd0",
}
"""Digests of plans as they were before groups could be bounded: releases are found again under them."""


def test_plans_without_a_bound_are_what_they_always_were() -> None:
    every = (
        "SELECT ward, SUM(days), AVG(cost), VAR_POP(days), CORR(days, sure), COUNT(DISTINCT person), "
        "COUNT(DISTINCT ward), MEDIAN(days), QUANTILE_CONT(cost, 0.05), HISTOGRAM(days, 3) FROM a.stays "
        "GROUP BY ROLLUP (ward, sure)"
    )
    free = "SELECT free, COUNT(*), COUNT(DISTINCT person), SUM(days) FROM a.stays GROUP BY free"
    joined = (
        "SELECT region, sex, COUNT(*), SUM(age) FROM a.stays s LEFT JOIN b.people p ON s.person = p.id "
        "JOIN c.wards w ON s.ward = w.ward GROUP BY CUBE (region, sex)"
    )
    asked = {"zcdp": ((every, free), ZCDP), "pure": ((every,), PURE), "both": ((joined, every), BOTH)}
    plans = {
        name: [plan_to_json(planned(text, setting, Fraction(1, 7))) for text in texts]
        for name, (texts, setting) in asked.items()
    }
    found = {name: canonical.digest(made) for name, made in plans.items()}
    assert found | {"outlines": canonical.digest([outline(plan) for plan in plans["zcdp"]])} == PINNED


def test_an_outline_tells_the_bound_and_how_many_groups_a_total_is_over() -> None:
    plan = planned("SELECT ward, COUNT(*) FROM a.stays GROUP BY ROLLUP (ward)", grouped(ZCDP, 2, 3, 9))
    made = outline(plan_to_json(plan))
    assert sorted((found["bound"], found["within"]) for found in made["parts"]) == [
        ([2, 3], []),
        ([2, 3], [3]),
    ]
    assert STAYS in str(made)
