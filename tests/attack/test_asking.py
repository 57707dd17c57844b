"""What an analyst may try with jobs: answers without a yes, other people's jobs, keys used twice, odd ids."""

from __future__ import annotations

from pathlib import Path

import owners
import pytest
from stage import COUNTS, PURPOSE, Stage, build, policy

from sandbox.errors import AwaitingApprovalError, DeniedError, InvalidInputError
from service.asked import JobRequest

GUESTS = """\
  - to: [group:guests]
    purposes: [planning]
    operations: [count, sum, avg]
    until: 2099-12-31
    approval: owner
"""
ASKED = JobRequest(COUNTS, PURPOSE, epsilon="0.5")


@pytest.fixture
def stage(tmp_path: Path) -> Stage:
    return build(tmp_path)


def test_a_stored_answer_waits_for_approval_like_a_new_one(stage: Stage) -> None:
    path = stage.place / "policy.yaml"
    path.write_text(policy(version=2) + GUESTS)
    owners.apply(stage.keeper, stage.bureau, path)
    stage.ask()
    stage.keeper.identity_new("zhao", ["analyst"], ["guests"])
    zhao = stage.keeper.principal("zhao")
    submitted = stage.keeper.job_submit(zhao, ASKED)
    assert (submitted["status"], submitted["replayed"]) == ("awaiting-approval", False)
    with pytest.raises(InvalidInputError, match=r"job\.no-result"):
        stage.keeper.job_result(zhao, submitted["job"])
    with pytest.raises(AwaitingApprovalError):
        stage.keeper.job_run(zhao, submitted["job"])
    stage.keeper.job_cancel(zhao, submitted["job"])
    with pytest.raises(InvalidInputError, match=r"job\.no-result"):
        stage.keeper.job_result(zhao, submitted["job"])


def test_a_stored_answer_is_shown_the_new_questions_way(stage: Stage) -> None:
    first = "SELECT ward, COUNT(*) AS n, SUM(days) AS d FROM health.stays GROUP BY ward"
    other = (
        "SELECT SUM(days) / 2 AS half, ward AS w, COUNT(*) AS c FROM health.stays "
        "GROUP BY ward HAVING COUNT(*) > -1e6 ORDER BY w DESC"
    )
    before, after = stage.ask(first), stage.ask(other)
    shown = {row["ward"]: row for row in before["tables"][0]["rows"]}
    assert all(row["c"] == shown[row["w"]]["n"] for row in after["tables"][0]["rows"])
    assert all(row["half"] == shown[row["w"]]["d"] / 2 for row in after["tables"][0]["rows"])


@pytest.mark.parametrize(
    "other",
    [
        JobRequest("SELECT COUNT(*) AS n FROM health.stays", PURPOSE, epsilon="0.5"),
        JobRequest(COUNTS, PURPOSE, epsilon="0.25"),
        JobRequest(COUNTS, PURPOSE, epsilon="0.5", max_rows=1),
        JobRequest(COUNTS, PURPOSE, error="50"),
        JobRequest(COUNTS, PURPOSE, epsilon="0.5", weights=("2",)),
        JobRequest(COUNTS, PURPOSE, errors=("50",)),
    ],
)
def test_an_idempotency_key_finds_its_own_request_only(stage: Stage, other: JobRequest) -> None:
    first = stage.keeper.job_submit(stage.wang, ASKED, "key")
    assert stage.keeper.job_submit(stage.wang, ASKED, "key")["job"] == first["job"]
    with pytest.raises(InvalidInputError, match=r"job\.key-of-another-request"):
        stage.keeper.job_submit(stage.wang, other, "key")
    stage.keeper.identity_new("zhao", ["analyst"], ["researchers"])
    zhao = stage.keeper.principal("zhao")
    assert stage.keeper.job_submit(zhao, other, "key")["job"] != first["job"]
    assert len(stage.keeper.budget_show(stage.bureau, "health.stays")["charges"]) == 2


@pytest.mark.parametrize("job", ["../keyring/x", "../../outside", "/tmp/x", "a\0b", "", "job-" + "x" * 5000])
def test_an_invented_job_id_touches_no_file(stage: Stage, job: str) -> None:
    def files() -> set[Path]:
        return set(stage.place.parent.rglob("*.lock"))

    before = files()
    for act in (
        stage.keeper.job_cancel,
        stage.keeper.job_run,
        stage.keeper.job_result,
        stage.keeper.job_status,
    ):
        with pytest.raises(DeniedError, match=r"job\.unknown"):
            act(stage.wang, job)
    assert files() == before


def test_other_peoples_jobs_are_theirs(stage: Stage) -> None:
    job = stage.keeper.job_submit(stage.wang, ASKED)["job"]
    stage.keeper.identity_new("zhao", ["analyst"], ["researchers"])
    zhao, keeper = stage.keeper.principal("zhao"), stage.keeper
    for act in (keeper.job_cancel, keeper.job_run, keeper.job_result, keeper.job_status):
        with pytest.raises(DeniedError, match=r"job\.unknown"):
            act(zhao, job)
    assert keeper.job_list(zhao)["jobs"] == []
    assert keeper.budget_show(zhao, "health.stays")["charges"] == []
    for act in (keeper.job_cancel, keeper.job_run):  # a reviewer looks and does not touch
        with pytest.raises(DeniedError, match=r"job\.unknown"):
            act(stage.li, job)


def test_a_dataset_that_is_not_granted_does_not_exist(stage: Stage) -> None:
    stage.keeper.identity_new("sun", ["analyst", "owner"], ["others"])
    sun, keeper = stage.keeper.principal("sun"), stage.keeper
    unknown = "health.nothing"
    for name in ("health.stays", unknown):
        asked = JobRequest(f"SELECT nonsense, COUNT(*) AS n FROM {name} GROUP BY 1", "x", epsilon="1")
        for act in (
            lambda: keeper.dataset_show(sun, name),  # noqa: B023 - called at once
            lambda: keeper.dataset_classify(sun, name),  # noqa: B023
            lambda: keeper.policy_show(sun, name),  # noqa: B023
            lambda: keeper.budget_show(sun, name),  # noqa: B023
            lambda: keeper.job_explain(sun, asked),  # noqa: B023
            lambda: keeper.job_submit(sun, asked),  # noqa: B023
        ):
            with pytest.raises(DeniedError) as caught:
                act()
            assert caught.value.code == "denied.unknown-dataset"
            assert caught.value.facts == {"rule": "grants", "dataset": name}
    assert keeper.dataset_list(sun)["datasets"] == []
