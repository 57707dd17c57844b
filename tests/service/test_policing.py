"""Help with policies on a real workspace: predicted errors against observed ones, and who is told what."""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any

import owners
import pytest
from stage import DATASET, LABS, Stage, build, policy, with_labs

from sandbox.errors import BudgetExceededError, DeniedError, InvalidInputError
from service.policies import comparing, words

ASKED = "SELECT ward, COUNT(*) AS n, AVG(days) AS mean FROM health.stays {}GROUP BY ward"
WARDS = ("A", "B", "C")


def table(people: int = 1200) -> list[dict[str, Any]]:
    """One row a person, the same number in each ward: what a simulation assumes."""
    rng = random.Random(3)
    return [
        {
            "person": 1000 + person, "name": f"n{person}", "ward": WARDS[person % 3],
            "days": rng.randint(0, 14),
            "cost": f"{rng.uniform(0, 1000):.2f}", "seen": f"2020-{rng.randint(1, 12):02d}-01",
            "urgent": rng.choice(["true", "false"]), "town": "Alt",
        }
        for person in range(people)
    ]  # fmt: skip


@pytest.fixture(scope="module")
def even(tmp_path_factory: pytest.TempPathFactory) -> Stage:
    place = tmp_path_factory.mktemp("even")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("KEYONG_ANCHORS", str(place / "anchors"))
        return build(place, table=table(), max_rows=1, epsilon=800, more=", per_job: 2")


def written(stage: Stage, name: str, **options: Any) -> Path:
    path = stage.place / name
    path.write_text(policy(**{"max_rows": 1, "epsilon": 800, "more": ", per_job: 2"} | options))
    return path


def test_predicted_errors_are_those_that_are_observed(even: Stage) -> None:
    """Of 95 % half-widths nineteen in twenty noises fall inside, and two thirds inside half of them.

    16 jobs of 3 groups and 2 values: 96 deviations, 91 and 65 on average.  The limits are more than four
    standard deviations off, even if the two values of a group deviated alike.
    """
    path = written(even, "sim.yaml")
    path.write_text(path.read_text().replace("expected_units: 100", "expected_units: 1600"))
    queries = even.place / "q.sql"
    queries.write_text(ASKED.format(""))
    told = even.keeper.policy_simulate(even.bureau, path, queries)
    (question,) = told["questions"]
    assert (question["cells"], question["group_size"]) == (4, 400)  # A, B, C and null, which is empty
    (at,) = [one for one in question["at"] if one["epsilon"] == "1"]
    predicted = {column["name"]: column["half_width"] for column in at["columns"]}
    rows = table()
    inside = near = 0
    for number in range(16):
        # Another condition that is always true each time: a repeated question would be replayed.
        sql = ASKED.format(f"WHERE days < {100 + number} ")
        found = even.ask(sql, epsilon="1")["tables"][0]["rows"]
        for row in found:
            days = [one["days"] for one in rows if one["ward"] == row["ward"]]
            if days:
                for name, true in (("n", len(days)), ("mean", sum(days) / len(days))):
                    off = abs(row[name] - true)
                    inside += off <= predicted[name]
                    near += off <= predicted[name] / 2
    assert inside >= 76
    assert 38 <= near <= 91


def test_the_budget_lasts_as_many_jobs_as_are_predicted(tmp_path: Path) -> None:
    stage = build(tmp_path, epsilon=1, more=", per_job: 0.5, window: {every: week, epsilon: 0.8}")
    path = stage.place / "policy.yaml"
    told = stage.keeper.policy_simulate(stage.bureau, path)
    (at,) = [one for one in told["questions"][0]["at"] if one["epsilon"] == "0.5"]
    charged = 0
    for number in range(at["per_window"] + 1):
        sql = f"SELECT ward, COUNT(*) AS n FROM health.stays WHERE days < {20 + number} GROUP BY ward"
        if charged < at["per_window"]:
            stage.ask(sql, epsilon="0.5")
            charged += 1
        else:
            with pytest.raises(BudgetExceededError):
                stage.ask(sql, epsilon="0.5")
    assert charged == at["per_window"] >= 2
    assert told["months"] == pytest.approx(1.56 * 7 * 12 / 365, abs=0.1)


def test_what_the_policy_denies_is_told_and_everything_else_answered(even: Stage) -> None:
    path = written(even, "denied.yaml")
    queries = even.place / "two.sql"
    queries.write_text(
        "SELECT town, COUNT(*) AS n FROM health.stays GROUP BY town; SELECT COUNT(*) AS n FROM health.stays"
    )
    denied, answered = even.keeper.policy_simulate(even.bureau, path, queries)["questions"]
    assert denied["denied"]["code"] == "denied.column-not-listed"
    assert answered["denied"] is None
    assert [one["epsilon"] for one in answered["at"]] == ["0.5", "1", "2"]


def test_a_grant_of_the_past_is_tried_on_its_last_day(even: Stage) -> None:
    told = even.keeper.policy_simulate(even.bureau, written(even, "past.yaml", until="2020-01-01"))
    assert told["questions"]
    assert all(question["denied"] is None for question in told["questions"])


def test_help_is_for_owners_of_the_dataset(even: Stage) -> None:
    path = written(even, "mine.yaml")
    for call in (even.keeper.policy_simulate, even.keeper.policy_diff):
        with pytest.raises(DeniedError) as refused:
            call(even.lab, path)
        assert refused.value.code == "denied.unknown-dataset"
    with pytest.raises(DeniedError):
        even.keeper.policy_init(even.lab, DATASET)
    stranger = even.keeper.policy_lint(even.lab, path)
    assert stranger["registered"] is False
    assert even.keeper.policy_diff(even.wang, path)["changes"] == [], "who may read the policy may compare it"


def test_lint_knows_people_columns_and_the_other_side_of_a_join(tmp_path: Path) -> None:
    stage = with_labs(build(tmp_path))
    path = stage.place / "policy.yaml"
    codes = {one["code"] for one in stage.keeper.policy_lint(stage.bureau, path)["findings"]}
    assert not codes & {"lint.join-unknown", "lint.calls-nobody", "lint.join-not-mutual"}
    stage.apply_labs(version=2, joins="")
    wrong = path.read_text().replace("group:researchers", "group:resarchers")
    path.write_text(wrong)
    told = stage.keeper.policy_lint(stage.bureau, path)
    found = {one["code"]: one for one in told["findings"]}
    assert found["lint.join-unknown"]["facts"] == {"dataset": LABS}, "no word on whether it exists"
    assert found["lint.calls-nobody"]["facts"] == {"who": ["group:resarchers"]}
    line = next(n for n, text in enumerate(wrong.splitlines(), 1) if "resarchers" in text)
    assert found["lint.calls-nobody"]["where"] == f"{path}:{line}"


def test_apply_and_validate_say_what_changes(tmp_path: Path) -> None:
    stage = build(tmp_path)
    path = stage.place / "policy.yaml"
    path.write_text(policy(version=2, epsilon=9, max_rows=2))
    owners.succeed(stage.keeper, stage.bureau, path)
    before = stage.keeper.policy_validate(stage.bureau, path)["changes"]
    applied = owners.apply(stage.keeper, stage.bureau, path)
    assert applied["changes"] == before
    assert [(one["direction"], one["code"]) for one in before] == [
        ("loosens", "diff.lifetime-more"), ("tightens", "diff.fewer-rows"),
        ("neutral", "diff.version"), ("neutral", "diff.supersedes"),
    ]  # fmt: skip
    assert applied["loosens"] == ["budget.epsilon"]


def test_policies_of_two_datasets_are_not_compared(tmp_path: Path) -> None:
    one, other = tmp_path / "one.yaml", tmp_path / "other.yaml"
    one.write_text(policy())
    other.write_text(policy().replace("health.stays", "health.visits"))
    with pytest.raises(InvalidInputError) as refused:
        comparing.of_files(one, other)
    assert refused.value.code == "policy.of-another-dataset"


@pytest.mark.parametrize(
    ("rule", "en", "zh"),
    [
        ("auto", "nobody", "无需批准"),
        ("owner+reviewer", "the owner and a reviewer", "所有者"),
        ("2 of group:ethics, qian", "2 of: group ethics, qian", "以下人员中的 2 人：组 ethics、qian"),
    ],
)
def test_whose_yes_is_said_in_words(rule: str, en: str, zh: str) -> None:
    facts = {
        "who": ["wang"],
        "purposes": ["p"],
        "operations": ["sum"],
        "approval": rule,
        "approval_before": rule,
    }
    change = {"code": "diff.approval", "facts": facts}
    assert en in words.sentence(change, "en")
    assert zh in words.sentence(change, "zh")
