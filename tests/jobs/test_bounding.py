"""Where row bounds stand, to what values per unit are clamped, what is known of columns; bins and grids."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from statements import BOTH, ZCDP, R, T, planned, statements, told

from jobs.bounding import raw_slot
from jobs.plan import MAX_BINS, MAX_HISTOGRAM, MAX_NUMBERS, Plan, Quantile, Total, width
from jobs.planning import bound_of
from jobs.relations import PerUnit, UnitValue, cores


@pytest.mark.parametrize(
    ("source", "rows", "inside"),
    [
        ("a.stays", R, {"Scan": R}),
        ("(SELECT person, COUNT(*) n FROM a.stays GROUP BY person) x", 1, {"PerUnit": None, "Scan": None}),
        (
            "(SELECT person, ward, COUNT(*) n FROM a.stays GROUP BY person, ward) x",
            R,
            {"PerUnit": R, "Scan": None},
        ),
        ("a.stays s JOIN b.people p ON s.person = p.id", R, {"Join": R, "Scan": (R, 2)}),
        ("b.people p SEMI JOIN a.stays s ON s.person = p.id", 2, {"Join": 2, "Scan": (2, R)}),
        ("a.stays s JOIN c.wards w ON s.ward = w.ward", R, {"Lookup": R, "Scan": R}),
        (
            "(SELECT person, COUNT(*) n FROM a.stays s JOIN c.wards w ON s.ward = w.ward GROUP BY person) x",
            1,
            {"PerUnit": None, "Lookup": None, "Scan": None},
        ),
    ],
)
def test_bounds_stand_where_rows_multiply(source: str, rows: int, inside: dict[str, object]) -> None:
    plan = planned(f"SELECT COUNT(*) FROM {source}", BOTH)
    (part,) = plan.parts
    found: dict[str, list[int | None]] = {}
    for core in cores(part.frame):
        found.setdefault(type(core).__name__, []).append(core.rows)
    assert part.rows == bound_of(part.frame) == rows
    assert {name: held[0] if len(held) == 1 else tuple(held) for name, held in found.items()} == inside


def test_a_job_may_ask_for_fewer_rows_and_no_more() -> None:
    for asked, rows in ((2, 2), (9, R), (None, R)):
        plan = planned("SELECT COUNT(*) FROM a.stays", replace(ZCDP, max_rows=asked))
        assert plan.parts[0].rows == rows


@pytest.mark.parametrize(
    ("call", "low", "high"),
    [
        ("COUNT(*)", 0, T),
        ("COUNT(DISTINCT ward)", 0, T),
        ("SUM(days)", 0, 14 * T),
        ("SUM(cost)", -50 * T, 1000 * T),
        ("SUM(LEAST(sure, 9))", 0, 9 * T),
        ("AVG(cost)", -50, 1000),
        ("MIN(sure)", 1, 100),
        ("SUM(free_length)", None, None),
    ],
)
def test_values_per_unit_are_clamped_to_what_follows(call: str, low: int | None, high: int | None) -> None:
    call = call.replace("free_length", "sure / days")
    plan = planned(
        f"SELECT COUNT(*) FROM (SELECT person, {call} v FROM a.stays GROUP BY person) x WHERE v > 0"
    )
    (value,) = _values(plan)
    assert (value.low, value.high) == (low, high)


def _values(plan: Plan) -> tuple[UnitValue, ...]:
    core = plan.parts[0].frame.core
    assert isinstance(core, PerUnit)
    return core.values


def test_nested_values_follow_from_inner_ones() -> None:
    inner = "SELECT person, ward, COUNT(*) n FROM a.stays GROUP BY person, ward"
    plan = planned(
        f"SELECT AVG(s), SUM(m) FROM (SELECT person, SUM(n) s, MAX(n) m FROM ({inner}) y GROUP BY person) x"
    )
    assert {value.kind: value.high for value in _values(plan)} == {"max": T, "sum": T * T}


def test_a_mean_per_unit_is_measured_finer_than_its_values() -> None:
    plan = planned("SELECT AVG(m) FROM (SELECT person, AVG(days) m FROM a.stays GROUP BY person) x")
    (factor,) = next(
        item.factors for item in plan.parts[0].measurements if isinstance(item, Total) and item.factors
    )
    assert (factor.high - factor.low) / factor.grid >= 10**5


def test_clipping_is_asked_of_the_value_before_it_is_clamped() -> None:
    plan = planned(
        "SELECT CLIPPED(n), AVG(n) FROM (SELECT person, COUNT(*) n FROM a.stays GROUP BY person) x"
    )
    clamped, raw = _values(plan)
    assert clamped.high == T
    assert raw.low is raw.high is None
    assert raw.slot == raw_slot(clamped.slot)


def test_the_right_of_a_left_join_can_be_null() -> None:
    plan = planned(
        "SELECT region, AVG(beds) FROM a.stays s LEFT JOIN c.wards w ON s.ward = w.ward GROUP BY region", BOTH
    )
    assert plan.answers[0].keys[0].categories == ("north", "south", None)
    inner = planned(
        "SELECT sex, AVG(age) FROM a.stays s JOIN b.people p ON s.person = p.id GROUP BY sex", BOTH
    )
    assert inner.answers[0].keys[0].categories == ("f", "m")
    assert told(inner) == [["count/0", "sum@49/0"]]
    left = planned(
        "SELECT sex, AVG(age) FROM a.stays s LEFT JOIN b.people p ON s.person = p.id GROUP BY sex", BOTH
    )
    assert left.answers[0].keys[0].categories == ("f", "m", None)
    assert told(left) == [["count/1", "sum@49/0"]]


@given(statements())
def test_products_are_exact_and_bins_few(text: str) -> None:
    for part in planned(text, BOTH).parts:
        for item in part.measurements:
            if isinstance(item, Total):
                assert item.step < 2**52
            if isinstance(item, Quantile):
                assert item.binning.bins <= MAX_BINS
                assert item.binning.bins * max(part.cells, 1) <= MAX_HISTOGRAM
            assert part.cells * width(item) <= MAX_NUMBERS


def test_squares_of_a_vast_domain_are_coarse() -> None:
    # 2·10^12 steps become 2·10^7: |q| ≤ 10^7, so q² - 5·10^13 moves by 5·10^13.
    plan = planned("SELECT VAR_POP(vast), AVG(vast) FROM a.stays")
    assert told(plan) == [["count/1", "square-50000000000000/0", "sum@0/0"]]
    assert [item.step for item in plan.parts[0].measurements if isinstance(item, Total) and item.shift] == [
        5 * 10**13
    ]


def test_quantiles_of_many_cells_have_fewer_bins() -> None:
    plan = planned("SELECT ward, seen, days, MEDIAN(cost) FROM a.stays GROUP BY ward, seen, days")
    (part,) = plan.parts
    (item,) = part.measurements
    assert isinstance(item, Quantile)
    assert item.binning.bins == MAX_HISTOGRAM // part.cells < MAX_BINS
