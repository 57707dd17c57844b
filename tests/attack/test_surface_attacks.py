"""What the wider surface might leak: rows replaced in joins, δ over statements, columns used by a detour.

Each test is an attack that was tried.  None needs luck: what a plan charges is compared with what it does.
"""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from stage import PURPOSE, Stage, build, with_labs
from statements import BOTH, DELTA, MIXED, PURE, ZCDP, filters, planned

from jobs import measure
from jobs.engine.steps import bin_codes
from jobs.expressions import Column
from jobs.partials import Exact, numbers_per_cell
from jobs.plan import Binning, Plan, Quantile
from jobs.planning import plan_losses
from sandbox.errors import DeniedError
from sandbox.privacy.loss import ATTO, PICO, Filter, Loss
from sandbox.privacy.widths import half_widths
from service.asked import JobRequest

# --- rows that are replaced, not removed -----------------------------------------------------------------

LEFT_KEYS = "SELECT sex, COUNT(*) FROM a.stays s LEFT JOIN b.people p ON s.person = p.id GROUP BY sex"
BELOW = (
    "SELECT AVG(n) FROM (SELECT s.person, COUNT(p.age) AS n FROM a.stays s LEFT JOIN b.people p "
    "ON s.person = p.id GROUP BY s.person) x"
)
ANTI_BELOW = (
    "SELECT AVG(n) FROM (SELECT s.person, COUNT(*) AS n FROM a.stays s ANTI JOIN b.people p "
    "ON s.person = p.id AND s.days < p.age GROUP BY s.person) x"
)
QUANTILE = "SELECT MEDIAN(COALESCE(age, 99)) FROM a.stays s LEFT JOIN b.people p ON s.person = p.id"


@pytest.mark.parametrize("text", [LEFT_KEYS, BELOW, ANTI_BELOW, QUANTILE])
def test_whoever_may_replace_rows_pays_for_two_steps(text: str) -> None:
    """A person who leaves b.people turns matched rows into unmatched ones: removed there, added here."""
    stays, people = plan_losses(planned(text, BOTH), filters(BOTH))
    assert PICO - 10 <= people.rho_pico <= PICO
    assert abs(4 * stays.rho_pico - people.rho_pico) <= 4
    both = replace(BOTH, sources=tuple(replace(one, filter=Filter.PURE) for one in BOTH.sources))
    stays, people = plan_losses(planned(text, both), filters(both))
    assert PICO - 10 <= people.epsilon_pico <= PICO
    assert abs(2 * stays.epsilon_pico - people.epsilon_pico) <= 2
    stays, people = plan_losses(planned(text, MIXED), filters(MIXED))
    assert stays.rho_pico > 0
    assert PICO - 10 <= people.epsilon_pico <= PICO


@pytest.mark.parametrize(
    "kind",
    ["JOIN", "SEMI JOIN", "ANTI JOIN"],
)
def test_rows_that_only_go_or_only_come_pay_for_one_step(kind: str) -> None:
    plan = planned(f"SELECT COUNT(*) FROM a.stays s {kind} b.people p ON s.person = p.id", BOTH)
    assert plan_losses(plan, filters(BOTH)) == (Loss(rho_pico=PICO),) * 2


def test_a_dataset_beside_itself_pays_once() -> None:
    """Without the person both sides are empty, whatever the kind of join."""
    for kind in ("JOIN", "LEFT JOIN", "ANTI JOIN"):
        plan = planned(f"SELECT COUNT(*) FROM a.stays s {kind} a.stays t ON s.person = t.person", ZCDP)
        assert plan_losses(plan, filters(ZCDP)) == (Loss(rho_pico=PICO),)


# --- δ ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("count", [1, 2, 7])
def test_selections_of_a_job_share_its_delta(count: int) -> None:
    texts = [f"SELECT free, COUNT(*) FROM a.stays WHERE days > {i} GROUP BY free" for i in range(count)]
    (loss,) = plan_losses(planned(";".join(texts), ZCDP), filters(ZCDP))
    assert 0 < loss.delta_atto <= DELTA / 100 * ATTO
    assert loss.rho_pico <= PICO


def test_a_declared_key_beside_a_selected_one_is_selected_too() -> None:
    """Otherwise a group that exists would show by its declared half."""
    plan = planned("SELECT ward, free, COUNT(*), COUNT(DISTINCT person) FROM a.stays GROUP BY ward, free")
    (part,) = plan.parts
    assert part.selection is not None
    assert part.cells == 0
    assert part.selection.delta <= DELTA / 100


# --- every draw is charged -------------------------------------------------------------------------------

MANY = (
    "SELECT ward, COUNT(*), SUM(cost), CORR(days, sure), MEDIAN(days), HISTOGRAM(days, 3), "
    "COUNT(DISTINCT person) FROM a.stays GROUP BY ROLLUP(ward); "
    "SELECT QUANTILE_CONT(sure, [0.1, 0.5]), COUNT(DISTINCT ward) FROM a.stays"
)


@pytest.mark.parametrize("setting", [ZCDP, PURE])
def test_a_release_draws_what_its_plan_charges(setting: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    plan = planned(MANY, setting)
    noises: list[Any] = []
    rates: list[Any] = []

    def add_noise(values: list[int], mechanism: str, scale: Fraction) -> list[int]:
        noises.append((mechanism, scale, len(values)))
        return values

    def draw_bin(scores: Any, rate: Fraction, weights: Any = None) -> int:
        rates.append((rate, len(scores)))
        return 0

    monkeypatch.setattr(measure, "add_noise", add_noise)
    monkeypatch.setattr(measure, "draw_bin", draw_bin)
    measure.noisy(plan, _zeros(plan))
    totals = [
        (plan.mechanism, item.scale, part.cells * (item.axis.bins if getattr(item, "axis", None) else 1))  # type: ignore[union-attr]
        for part in plan.parts
        for item in part.measurements
        if not isinstance(item, Quantile)
    ]
    assert noises == totals
    found = [
        (draw.rate, len(half_widths(0, item.binning.bins, draw.side)) if draw.side else item.binning.bins)
        for part in plan.parts
        for item in part.measurements
        if isinstance(item, Quantile)
        for draw in item.draws
        for _ in range(part.cells)
    ]
    assert rates == found


def _zeros(plan: Plan) -> list[Exact]:
    return [
        Exact([np.zeros(part.cells * numbers_per_cell(item), np.int64) for item in part.measurements])
        for part in plan.parts
    ]


# --- errors that a row could make ------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("low", "high", "bins"),
    [
        (0, 2**60 - 1, 2),
        (0, 2**62 - 1, 2),
        (2**60 + 100, 2**60 + 300, 201),
        (10**17, 10**17 + 30, 31),
        (-(2**60) - 1, 2**60, 64),
        (0, 10**100, 4096),
    ],
)
def test_no_value_leaves_the_bins(low: int, high: int, bins: int) -> None:
    """Bounds that are no float64 numbers: past the last bin a row would end the job, and so be told."""
    item = Binning(Column("x"), Fraction(low), Fraction(high), Fraction(1), bins)
    values = [-1e300, float(low), (low + high) / 2, float(high), 1e300]
    codes, _ = bin_codes(pa.array(values), item)
    assert codes.min() == 0
    assert codes.max() == bins - 1
    assert (np.diff(codes) >= 0).all()


# --- columns by a detour ---------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Stage:
    place: Path = tmp_path_factory.mktemp("surface")
    return with_labs(build(place))


@pytest.mark.parametrize(
    "sql",
    [
        # cost may be measured and filtered by, never grouped by
        "SELECT c, COUNT(*) FROM (SELECT person, cost AS c, COUNT(*) AS n FROM health.stays "
        "GROUP BY person, cost) x GROUP BY c",
        "SELECT m, COUNT(*) FROM (SELECT person, MAX(cost) AS m FROM health.stays GROUP BY person) x "
        "GROUP BY m",
        "SELECT SUM(n) FROM (SELECT person, floor(cost / 100), COUNT(*) AS n FROM health.stays "
        "GROUP BY person, floor(cost / 100)) x",
        "SELECT COUNT(DISTINCT m) FROM (SELECT person, CASE WHEN MIN(cost) > 5 THEN 1 ELSE 0 END AS m "
        "FROM health.stays GROUP BY person) x",
        # ward may not be measured, the unit and an identifying column not read at all
        "SELECT SUM(n) FROM (SELECT person, SUM(length(ward)) AS n FROM health.stays GROUP BY person) x",
        "SELECT SUM(n) FROM (SELECT person, COUNT(name) AS n FROM health.stays GROUP BY person) x",
        "SELECT COUNT(*) FROM health.stays WHERE person > 1001",
        "SELECT COUNT(*) FROM health.stays s JOIN health.labs l ON s.person = l.subject AND l.subject > 1040",
        "SELECT COUNT(*) FROM health.stays s SEMI JOIN health.labs l ON s.person = l.subject "
        "AND s.name LIKE 'c%'",
        # the other dataset's value may not be grouped by: its policy decides, too
        "SELECT v, COUNT(*) FROM health.stays s JOIN (SELECT subject, MAX(value) AS v FROM health.labs "
        "GROUP BY subject) l ON s.person = l.subject GROUP BY v",
    ],
)
def test_no_subquery_or_join_gets_round_a_columns_uses(stage: Stage, sql: str) -> None:
    told = stage.keeper.job_explain(stage.wang, JobRequest(sql, PURPOSE, epsilon="0.5"))
    assert told["verdict"] == "denied"
    codes = {reason["code"] for reason in told["reasons"]}
    assert codes <= {"denied.use-not-listed", "denied.column-not-listed", "denied.no-bounds"}
    with pytest.raises(DeniedError) as caught:
        stage.keeper.job_submit(stage.wang, JobRequest(sql, PURPOSE, epsilon="0.5"))
    assert caught.value.code in codes


def test_a_left_join_is_charged_as_its_plan_says(stage: Stage) -> None:
    """Through the books: the dataset on the right pays what was asked, the other a quarter of its ρ."""
    pairs = "health.stays s LEFT JOIN health.labs l ON s.person = l.subject"
    result = stage.ask(f"SELECT test, COUNT(*) AS n FROM {pairs} GROUP BY test")
    rho = {item["dataset"]: Fraction(str(item["rho"])) for item in result["losses"]}
    assert 0 < rho["health.stays"] * 4 <= rho["health.labs"] * Fraction(1001, 1000)
