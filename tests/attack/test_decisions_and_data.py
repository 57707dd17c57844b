"""A decision never depends on data: whoever is in a table, a question gets the same answer or message."""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from stage import PURPOSE, SELECTION, TOWN, Stage, build, rows

from sandbox.errors import KeyongError
from service.asked import JobRequest

RULES = "release: {minimum_count: 5}\ntags: {general: {use: [filter]}}\n"
COLUMNS = ("ward", "days", "cost", "seen", "urgent", "town", "name", "person", "nope")
VALUES = (
    "COUNT(*)",
    "AVG(days)",
    "SUM(cost)",
    "MEDIAN(days)",
    "COUNT(DISTINCT person)",
    "MAX(name)",
    "SUM(ward)",
)


@pytest.fixture(scope="module")
def stages(tmp_path_factory: pytest.TempPathFactory) -> tuple[Stage, Stage, Stage]:
    """The same hospital with other people in it, with one person less, and with nobody of some wards."""
    usual = rows(60, seed=7)
    others = [row | {"ward": "A"} for row in rows(45, seed=99, canary="other")]
    tables = (usual, [row for row in usual if row["person"] != 1007], others)
    return tuple(
        build(tmp_path_factory.mktemp("data"), table=table, more=SELECTION, columns=TOWN + RULES)
        for table in tables
    )  # type: ignore[return-value]


STATEMENTS = st.builds(
    lambda keys, value, where, having: (
        f"SELECT {', '.join([*keys, f'{value} AS v'])} FROM health.stays"
        + (f" WHERE {where}" if where else "")
        + (f" GROUP BY {', '.join(keys)}" if keys else "")
        + (" HAVING v > 3" if having else "")
    ),
    st.lists(st.sampled_from(COLUMNS), max_size=2, unique=True),
    st.sampled_from(VALUES),
    st.sampled_from(["", "days > 3", "ward = 'A'", "name = 'canary-0007'", "person = 1007", "town = 'Alt'"]),
    st.booleans(),
)
REQUESTS = st.builds(
    JobRequest,
    STATEMENTS,
    st.sampled_from([PURPOSE, PURPOSE, PURPOSE, "marketing"]),
    st.sampled_from(["0.1", "0.5", "7", "900"]),
    max_rows=st.sampled_from([None, None, 1, 3, 4]),
)


def told(stage: Stage, asked: JobRequest) -> Any:
    """What explaining says, without ids; or the refusal with all its facts."""
    try:
        return stage.keeper.job_explain(stage.wang, asked)
    except KeyongError as error:
        return error.code, error.facts


@settings(max_examples=80)
@given(REQUESTS)
def test_the_same_question_is_told_the_same(stages: tuple[Stage, Stage, Stage], asked: JobRequest) -> None:
    one, *others = (told(stage, asked) for stage in stages)
    assert all(other == one for other in others)


def test_the_questions_reach_every_kind_of_decision(stages: tuple[Stage, Stage, Stage]) -> None:
    """The property above is about yes and no alike."""
    rng = random.Random(5)
    seen = set()
    for _ in range(150):
        keys = rng.sample(COLUMNS, rng.randint(0, 2))
        sql = f"SELECT {', '.join([*keys, f'{rng.choice(VALUES)} AS v'])} FROM health.stays"
        sql += f" GROUP BY {', '.join(keys)}" if keys else ""
        answer = told(stages[0], JobRequest(sql, rng.choice([PURPOSE, PURPOSE, "marketing"]), epsilon="0.5"))
        if isinstance(answer, tuple):
            seen.add(answer[0])
        else:
            seen |= {reason["code"] for reason in answer["reasons"]} or {"explained"}
    assert {"explained", "denied.column-not-listed", "denied.purpose"} <= seen
    assert len(seen) >= 6


def test_what_was_spent_stays_spent_whatever_a_policy_says(tmp_path: Path) -> None:
    stage = build(tmp_path, epsilon=2)
    stage.ask(epsilon="0.5")

    def spent() -> Any:
        shown = stage.keeper.budget_show(stage.bureau, "health.stays")
        return shown["spent"], shown["charges"]

    before = spent()
    for version, (epsilon, loosens) in enumerate(
        ((9, ["budget.epsilon"]), (1, []), (2, ["budget.epsilon"])), 2
    ):
        stage.apply(version=version, epsilon=epsilon)
        assert spent() == before
        leaf = [it for it in stage.keeper.audit_list(stage.li)["leaves"] if it["kind"] == "policy"][-1]
        assert leaf["facts"]["loosens"] == loosens
    stage.keeper.audit_verify(stage.li)
