"""Minimum count: rows of a small noisy count are withheld, by released numbers alone; the count is paid."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
import sqlalchemy as sa
from hypothesis import given
from hypothesis import strategies as st
from stage import PURPOSE, Stage, build

from jobs.codec import plan_from_json, plan_to_json, presentation_from_json
from jobs.plan import Released
from jobs.results import tabulate
from sandbox.books import jobs
from service.asked import JobRequest


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Stage:
    # So much to spend, that noise hides nothing of what is compared below.
    place = tmp_path_factory.mktemp("minimum")
    return build(place, epsilon=10**6, filter="pure", delta="0", columns="release: {minimum_count: 8}\n")


def ask(stage: Stage, sql: str, epsilon: str = "1000") -> tuple[list[dict], dict[str, dict]]:
    table = stage.ask(sql, epsilon)["tables"][0]
    return table["rows"], {note["key"]: note["facts"] for note in table["notes"]}


def test_small_groups_are_withheld_and_said_to_be(stage: Stage) -> None:
    every, _ = ask(stage, "SELECT days, COUNT(*) AS n FROM health.stays GROUP BY days")
    assert 0 < len(every) < 16
    assert all(row["n"] >= 8 for row in every)
    notes = ask(stage, "SELECT days, COUNT(*) AS n FROM health.stays GROUP BY days")[1]
    assert notes["result.minimum-count"] == {"minimum": 8, "withheld": 16 - len(every)}


def test_the_rows_are_those_that_the_count_says(stage: Stage) -> None:
    """Without a count of its own, the same groups are shown: one is measured for the purpose."""
    shown = [
        row["ward"] for row in ask(stage, "SELECT ward, COUNT(*) AS n FROM health.stays GROUP BY ward")[0]
    ]
    for values in ("AVG(cost) AS v", "SUM(days) AS v", "COUNT(DISTINCT person) AS v", "MEDIAN(days) AS v"):
        rows, _ = ask(stage, f"SELECT ward, {values} FROM health.stays GROUP BY ward")
        assert [row["ward"] for row in rows] == shown
        assert set(rows[0]) == {"ward", "v", "v_low", "v_high"}


def test_totals_too_and_before_having_and_limit(stage: Stage) -> None:
    sql = "SELECT ward, urgent, COUNT(*) AS n FROM health.stays WHERE days = 3 GROUP BY ROLLUP (ward, urgent)"
    rows, notes = ask(stage, sql)
    assert all(row["n"] >= 8 for row in rows)
    assert notes["result.minimum-count"]["withheld"] + len(rows) == 4 * 3 + 4 + 1
    few, _ = ask(stage, "SELECT days, COUNT(*) AS n FROM health.stays GROUP BY days ORDER BY n LIMIT 2")
    assert all(row["n"] >= 8 for row in few)
    none, _ = ask(stage, "SELECT days, COUNT(*) AS n FROM health.stays GROUP BY days HAVING n < 8")
    assert none == []


def test_explain_says_so_and_shows_the_count(stage: Stage) -> None:
    def explained(sql: str) -> dict:
        return stage.keeper.job_explain(stage.wang, JobRequest(sql, PURPOSE, epsilon="1"))

    mean = explained("SELECT ward, SUM(days) AS v FROM health.stays GROUP BY ward")
    assert mean["minimum_count"] == 8
    assert sorted(item["kind"] for item in mean["measurements"]) == ["count", "sum"]
    counted = explained("SELECT ward, COUNT(*) AS n, SUM(days) AS v FROM health.stays GROUP BY ward")
    assert mean["measurements"] == counted["measurements"]  # it shares the loss like one that is asked for
    assert mean["loss"] == counted["loss"]


def test_a_target_is_about_what_was_asked(stage: Stage) -> None:
    sql = "SELECT ward, AVG(days) AS v FROM health.stays GROUP BY ward"
    told = stage.keeper.job_explain(stage.wang, JobRequest(sql, PURPOSE, error="5%", group_size=50))
    (column,) = (it for it in told["statements"][0]["columns"] if it["kind"] == "value")
    assert column["half_width"] <= 14 * 0.05


@given(st.lists(st.integers(-50, 50), min_size=16, max_size=16), st.integers(1, 40))
def test_withholding_is_a_function_of_released_numbers(stage: Stage, counts: list[int], minimum: int) -> None:
    """No noise, no data: the same release shows the same rows, and exactly those of a count not below."""
    row = job_row(stage)
    plan = plan_from_json(json.loads(row["plan"]))
    (answer,) = plan.answers
    plan = replace(plan, answers=(replace(answer, minimum=minimum),))
    assert plan_from_json(plan_to_json(plan)) == plan
    (query,) = presentation_from_json(json.loads(row["spec"])["presentation"], plan)
    released = (Released(None, (tuple(counts),)),)
    table = tabulate(query, plan, 0, released)
    assert [item["n"] for item in table.rows] == [count for count in counts if count >= minimum]


def job_row(stage: Stage) -> dict:
    ask(stage, "SELECT days, COUNT(*) AS n FROM health.stays GROUP BY days")
    with stage.keeper._desk.reading() as connection:
        rows = connection.execute(sa.select(jobs)).mappings().all()
    return next(dict(row) for row in rows if row["spec"].count("GROUP BY days"))
