"""An explanation says what would happen, with every rule that speaks against it."""

from __future__ import annotations

import pytest
import sqlalchemy as sa
import stage as stages

from sandbox.books import leaves
from sandbox.errors import BudgetExceededError, DeniedError
from service.asked import JobRequest
from service.messages import catalogue

JOINED = (
    "SELECT test, name, cost, COUNT(*) AS n FROM health.stays s "
    "JOIN health.labs l ON s.person = l.subject GROUP BY 1, 2, 3"
)


@pytest.fixture(scope="module")
def shared(tmp_path_factory):
    place = tmp_path_factory.mktemp("explaining")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("KEYONG_ANCHORS", str(place / "anchors"))
        window = ", per_job: 0.5, per_analyst: 4, window: {every: week, epsilon: 2}"
        made = stages.with_labs(stages.build(place, more=window))
        yield made
        made.keeper.close()


def explained(stage, sql, purpose=stages.PURPOSE, epsilon="0.1", **more):
    return stage.keeper.job_explain(stage.wang, JobRequest(sql, purpose, epsilon=epsilon, **more))


def said(told):
    return [(reason["dataset"], reason["rule"], reason["code"]) for reason in told["reasons"]]


def test_every_rule_of_every_dataset_is_named_and_whom_to_ask(shared):
    told = explained(shared, JOINED, purpose="sales", max_rows=9)
    assert told["verdict"] == "denied"
    assert said(told) == [
        ("health.stays", "columns.cost.use", "denied.use-not-listed"),
        ("health.stays", 'defaults["pi.*"]', "denied.column-not-listed"),
        ("health.stays", "unit.max_rows", "denied.max-rows"),
        ("health.stays", "grants[0].purposes", "denied.purpose"),
        ("health.labs", "unit.max_rows", "denied.max-rows"),
        ("health.labs", "grants[0].purposes", "denied.purpose"),
    ]
    assert {reason["dataset"]: reason["ask"] for reason in told["reasons"]} == {
        "health.stays": "bureau",
        "health.labs": "laboratory",
    }


def test_of_the_nearest_grant_all_that_is_missing_is_named(tmp_path):
    stage = stages.build(tmp_path, until="2020-01-01")
    told = explained(stage, "SELECT COUNT(*) AS n FROM health.stays", purpose="sales")
    assert [rule for _, rule, _ in said(told)] == ["grants[0].purposes", "grants[0].until"]
    stage.keeper.close()


@pytest.mark.parametrize(
    ("sql", "purpose", "epsilon"),
    [
        (JOINED, "sales", "0.1"),
        ("SELECT name, COUNT(*) AS n FROM health.stays GROUP BY name", "planning", "0.1"),
        (stages.COUNTS, "planning", "0.1"),
        (stages.COUNTS, "planning", "0.75"),
        ("SELECT COUNT(*) AS n FROM health.labs", "planning", "20"),
    ],
)
def test_the_verdict_is_what_submitting_comes_to(shared, sql, purpose, epsilon):
    told = explained(shared, sql, purpose, epsilon)
    happened, why = "allowed", None
    try:
        shared.keeper.job_submit(shared.wang, JobRequest(sql, purpose, epsilon=epsilon))
    except DeniedError as refused:
        happened = "over-budget" if isinstance(refused, BudgetExceededError) else "denied"
        why = (refused.code, refused.facts)
    assert told["verdict"] == happened
    assert [(reason["code"], reason["facts"]) for reason in told["reasons"]][:1] == ([why] if why else [])


def test_every_limit_in_the_way_is_named(shared):
    told = explained(shared, stages.COUNTS, epsilon="9")
    rules = [rule for _, rule, _ in said(told)]
    assert rules == ["budget.per_job", "budget.epsilon", "budget.per_analyst", "budget.window"]
    assert told["queries_left"] == 0
    assert told["statements"]


def test_a_denial_leaves_one_leaf_with_its_rule(shared):
    def count():
        with shared.keeper._desk.reading() as connection:
            return connection.scalar(sa.select(sa.func.count()).select_from(leaves))

    before = count()
    explained(shared, JOINED)
    assert count() == before + 1
    explained(shared, stages.COUNTS, epsilon="9")
    assert count() == before + 1


@pytest.mark.parametrize("language", catalogue.LANGUAGES)
def test_reasons_can_be_said(shared, language):
    for told in (explained(shared, JOINED, purpose="x"), explained(shared, stages.COUNTS, epsilon="9")):
        for reason in told["reasons"]:
            words = catalogue.say(reason["code"], language, **reason["facts"])
            assert reason["code"] not in words
            assert "{" not in words
