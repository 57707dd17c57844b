"""Jobs that wait for somebody's yes: charged once every yes is there, and never otherwise."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from stage import COUNTS, DATASET, PURPOSE, Stage, build, with_labs

from sandbox.errors import (
    AwaitingApprovalError,
    BudgetExceededError,
    DeniedError,
    InvalidInputError,
    KeyongError,
    TamperingError,
)
from sandbox.schema import Principal
from service import clock as clocks
from service.approvals import approving as approvals
from service.approvals import waiting
from service.asked import JobRequest
from service.client.notebook import Connection
from service.jobs import submission

ASKED = JobRequest(COUNTS, PURPOSE, epsilon="0.5")
ALL = "SELECT COUNT(*) AS n FROM health.stays"
QUORUM = "{need: 2, of: [zhao, qian, group:ethics]}"


def new(stage: Stage, name: str, *roles: str, groups: tuple[str, ...] = ()) -> Principal:
    stage.keeper.identity_new(name, list(roles), list(groups))
    return stage.keeper.principal(name)


def submit(stage: Stage, asked: JobRequest = ASKED) -> str:
    answer = stage.keeper.job_submit(stage.wang, asked)
    assert answer["status"] == "awaiting-approval"
    job: str = answer["job"]
    return job


def kinds(stage: Stage) -> list[str]:
    return [leaf["kind"] for leaf in stage.keeper.audit_list(stage.li, 0, 10**6)["leaves"]]


def charges(stage: Stage, dataset: str = DATASET, owner: Principal | None = None) -> int:
    return len(stage.keeper.budget_show(owner or stage.bureau, dataset)["charges"])


@pytest.fixture
def stage(tmp_path: Path) -> Stage:
    return build(tmp_path, approval="owner")


def test_the_owner_says_yes_and_the_analyst_runs_it(stage: Stage) -> None:
    job = submit(stage)
    assert charges(stage) == 0
    status = stage.keeper.job_status(stage.wang, job)
    assert (status["status"], status["approval"]["ask"]) == ("awaiting-approval", ["bureau"])
    with pytest.raises(AwaitingApprovalError) as caught:
        stage.keeper.job_run(stage.wang, job)
    assert caught.value.facts == {"job": job, "ask": ["bureau"]}
    assert [one["job"] for one in stage.keeper.job_pending(stage.bureau)["jobs"]] == [job]
    answer = stage.keeper.job_approve(stage.bureau, job, "fine")
    assert answer == {"job": job, "status": "charged", "replayed": False, "ask": [], "not_charged": None}
    assert charges(stage) == 1
    assert stage.keeper.job_pending(stage.bureau)["jobs"] == []
    assert stage.keeper.job_run(stage.wang, job)["status"] == "released"
    (said,) = stage.keeper.job_status(stage.wang, job)["approval"]["said"]
    assert (said["by"], said["answer"], said["reason"]) == ("bureau", "yes", "fine")
    order = [kind for kind in kinds(stage) if kind in ("decision", "approval", "charge", "release")]
    assert order == ["decision", "approval", "charge", "release"]
    stage.keeper.audit_verify(stage.li)
    assert "fine" not in json.dumps(stage.keeper.audit_list(stage.li, 0, 10**6))


def test_owner_and_reviewer_are_two(tmp_path: Path) -> None:
    stage = build(tmp_path, approval="owner+reviewer")
    job = submit(stage)
    assert stage.keeper.job_approve(stage.li, job)["ask"] == ["bureau"]
    assert stage.keeper.job_approve(stage.li, job)["status"] == "awaiting-approval"  # said again: still one
    assert kinds(stage).count("approval") == 1
    assert stage.keeper.job_pending(stage.li)["jobs"] == []
    with pytest.raises(DeniedError, match=r"job\.unknown"):
        stage.keeper.job_approve(stage.lab, job)
    assert charges(stage) == 0
    assert stage.keeper.job_approve(stage.bureau, job)["status"] == "charged"
    stage.keeper.audit_verify(stage.li)


def test_k_of_n_are_different_persons(tmp_path: Path) -> None:
    stage = build(tmp_path, approval=QUORUM)
    zhao = new(stage, "zhao", "analyst", groups=("ethics",))
    sun = new(stage, "sun", "operator", groups=("ethics",))
    job = submit(stage)
    assert stage.keeper.job_approve(zhao, job)["ask"] == ["group:ethics", "qian"]
    assert stage.keeper.job_approve(zhao, job)["status"] == "awaiting-approval"
    with pytest.raises(DeniedError, match=r"job\.unknown"):  # owning the dataset is no say
        stage.keeper.job_approve(stage.bureau, job)
    assert stage.keeper.job_approve(sun, job)["status"] == "charged"
    stage.keeper.audit_verify(stage.li)


def test_nobody_approves_their_own_job(tmp_path: Path) -> None:
    stage = build(tmp_path, approval=QUORUM)
    zhao = new(stage, "zhao", "analyst", groups=("researchers", "ethics"))
    job = stage.keeper.job_submit(zhao, ASKED)["job"]
    with pytest.raises(DeniedError, match=r"approval\.own-job"):
        stage.keeper.job_approve(zhao, job)
    with pytest.raises(DeniedError, match=r"approval\.own-job"):
        stage.keeper.job_reject(zhao, job, "no")
    assert stage.keeper.job_pending(zhao)["jobs"] == []


def test_a_yes_that_only_the_asker_could_give_is_denied_at_once(tmp_path: Path) -> None:
    stage = build(tmp_path, approval="{need: 1, of: [wang]}")
    for act in (stage.keeper.job_submit, stage.keeper.job_explain):
        with pytest.raises(DeniedError, match=r"denied\.nobody-approves") as caught:
            act(stage.wang, ASKED)
        assert caught.value.facts["rule"] == "grants[0].approval"


def test_a_no_refuses_and_its_reason_is_told(stage: Stage) -> None:
    job = submit(stage)
    for reason in ("", "  "):
        with pytest.raises(InvalidInputError, match=r"approval\.no-reason"):
            stage.keeper.job_reject(stage.bureau, job, reason)
    with pytest.raises(InvalidInputError, match=r"approval\.long-reason"):
        stage.keeper.job_reject(stage.bureau, job, "x" * 2001)
    stage.keeper.job_reject(stage.bureau, job, "groups too small; 请合并病区")
    status = stage.keeper.job_status(stage.wang, job)
    assert (status["status"], status["failure"]) == ("refused", "approval.rejected")
    assert status["approval"]["said"][0]["reason"] == "groups too small; 请合并病区"
    for act in (
        lambda: stage.keeper.job_approve(stage.bureau, job),
        lambda: stage.keeper.job_reject(stage.bureau, job, "again"),
        lambda: stage.keeper.job_run(stage.wang, job),
        lambda: stage.keeper.job_cancel(stage.wang, job),
    ):
        with pytest.raises(InvalidInputError):
            act()
    assert charges(stage) == 0
    assert "groups too small" not in json.dumps(stage.keeper.audit_list(stage.li, 0, 10**6))
    stage.keeper.audit_verify(stage.li)


def test_every_dataset_of_a_job_has_its_say(tmp_path: Path) -> None:
    stage = with_labs(build(tmp_path, approval="owner"), approval="owner")
    sql = "SELECT COUNT(*) AS n FROM health.stays JOIN health.labs ON person = subject"
    job = submit(stage, JobRequest(sql, PURPOSE, epsilon="0.5"))
    assert stage.keeper.job_approve(stage.lab, job)["ask"] == ["bureau"]
    assert charges(stage) == charges(stage, "health.labs", stage.lab) == 0
    shown = stage.keeper.job_show(stage.bureau, job)
    hidden = {each["dataset"]: each["remaining"] is None for each in shown["datasets"]}
    assert hidden == {DATASET: False, "health.labs": True}
    assert stage.keeper.job_approve(stage.bureau, job)["status"] == "charged"
    assert charges(stage) == charges(stage, "health.labs", stage.lab) == 1
    assert stage.keeper.job_run(stage.wang, job)["status"] == "released"
    stage.keeper.audit_verify(stage.li)


# --- what an approval is bound to -----------------------------------------------------------------------


def another_version(stage: Stage) -> None:
    from service.asked import NewDataset

    lineage = stage.keeper.dataset_show(stage.bureau, DATASET)["lineage"]
    source = stage.place / "stays.csv"
    more = NewDataset(
        source, DATASET, "person", "health.patient", shards=4, types={"ward": "string"}, lineage=lineage
    )
    stage.keeper.dataset_add(stage.bureau, more)


CHANGES: dict[str, Callable[[Stage], None]] = {
    "a policy that says the same": lambda stage: stage.apply(version=2, approval="owner"),
    "a policy that needs no yes": lambda stage: stage.apply(version=2),
    "a policy with other bounds": lambda stage: stage.apply(version=2, approval="owner", max_rows=2),
    "a policy that grants nothing to anybody here": lambda stage: stage.apply(
        version=2, approval="owner", until="2020-01-01"
    ),
    "another version of the data": another_version,
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
def test_a_changed_plan_is_refused_whoever_says_yes(stage: Stage, change: Callable[[Stage], None]) -> None:
    job = submit(stage)
    change(stage)
    assert stage.keeper.job_show(stage.bureau, job)["changed_since"]
    with pytest.raises(DeniedError, match=r"approval\.changed"):
        stage.keeper.job_approve(stage.bureau, job)
    status = stage.keeper.job_status(stage.wang, job)
    assert (status["status"], status["failure"], status["approval"]["said"]) == (
        "refused",
        "approval.changed",
        [],
    )
    assert charges(stage) == 0
    stage.keeper.audit_verify(stage.li)


def test_a_destroyed_dataset_refuses_what_waits_for_it(stage: Stage) -> None:
    job = submit(stage)
    stage.keeper.dataset_remove(stage.bureau, DATASET)
    for by in (stage.bureau, stage.wang):
        shown = stage.keeper.job_show(by, job)
        assert (shown["changed_since"], shown["datasets"][0]["dataset"]) == (True, DATASET)
    assert [one["job"] for one in stage.keeper.job_pending(stage.bureau)["jobs"]] == [job]
    with pytest.raises(DeniedError, match=r"approval\.changed"):
        stage.keeper.job_approve(stage.bureau, job)
    stage.keeper.audit_verify(stage.li)


def test_a_change_between_two_yeses_is_refused(tmp_path: Path) -> None:
    stage = build(tmp_path, approval="owner+reviewer")
    job = submit(stage)
    stage.keeper.job_approve(stage.li, job)
    stage.apply(version=2, approval="owner+reviewer")
    with pytest.raises(DeniedError, match=r"approval\.changed"):
        stage.keeper.job_approve(stage.bureau, job)
    assert charges(stage) == 0
    stage.keeper.audit_verify(stage.li)


def test_errors_and_weights_are_planned_the_same_again(stage: Stage) -> None:
    two = f"{COUNTS}; SELECT SUM(days) AS d FROM health.stays"
    for asked in (
        JobRequest(COUNTS, PURPOSE, error="40"),
        JobRequest("SELECT AVG(days) AS d FROM health.stays", PURPOSE, error="9%", group_size=50),
        JobRequest(two, PURPOSE, errors=("40", "60%")),
        JobRequest(two, PURPOSE, epsilon="0.5", weights=("1", "2.5"), max_rows=2),
    ):
        assert stage.keeper.job_approve(stage.bureau, submit(stage, asked))["status"] == "charged"
    stage.keeper.audit_verify(stage.li)


# --- time and roles -------------------------------------------------------------------------------------


class Clock:
    """`utc_now` of the clock, moved by hand."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.ahead = dt.timedelta(0)
        monkeypatch.setattr(clocks, "utc_now", lambda: dt.datetime.now(dt.UTC) + self.ahead)


def test_an_approval_expires(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    stage = build(tmp_path, approval="owner+reviewer\n    approval_expires: 7d")
    clock, job = Clock(monkeypatch), submit(stage)
    stage.keeper.job_approve(stage.li, job)
    clock.ahead = dt.timedelta(days=7, minutes=1)
    answer = stage.keeper.job_approve(stage.bureau, job)
    assert (answer["status"], answer["ask"]) == ("awaiting-approval", ["li"])
    assert charges(stage) == 0
    clock.ahead = dt.timedelta(0)  # set back: what had expired stays so
    with pytest.raises(AwaitingApprovalError):
        stage.keeper.job_run(stage.wang, job)
    assert stage.keeper.job_approve(stage.li, job)["status"] == "charged"  # asked again, said again
    stage.keeper.audit_verify(stage.li)


@pytest.mark.parametrize("groups", [(), ("others",)])
def test_who_is_no_member_any_more_does_not_count(tmp_path: Path, groups: tuple[str, ...]) -> None:
    stage = build(tmp_path, approval="{need: 2, of: [group:ethics]}")
    zhao, sun = (new(stage, name, "operator", groups=("ethics",)) for name in ("zhao", "sun"))
    job = submit(stage)
    stage.keeper.job_approve(zhao, job)
    stage.keeper.identity_change(stage.li, "zhao", ["operator"], groups)
    answer = stage.keeper.job_approve(sun, job)
    assert answer["status"] == "awaiting-approval"
    with pytest.raises(DeniedError, match=r"job\.unknown"):  # though the door was opened to a member
        stage.keeper.job_approve(zhao, job)


# --- the charge -----------------------------------------------------------------------------------------


def test_a_budget_that_is_gone_keeps_the_yes(tmp_path: Path) -> None:
    stage = build(tmp_path, approval="owner", filter="pure", delta="0", epsilon=1)
    waits, first = (
        submit(stage),
        submit(stage, JobRequest("SELECT COUNT(*) AS n FROM health.stays", PURPOSE, "1")),
    )
    stage.keeper.job_approve(stage.bureau, first)
    answer = stage.keeper.job_approve(stage.bureau, waits)
    assert answer["status"] == "awaiting-approval"
    assert answer["not_charged"]["code"] == "budget.lifetime"
    with pytest.raises(BudgetExceededError):
        stage.keeper.job_run(stage.wang, waits)
    assert charges(stage) == 1
    stage.keeper.audit_verify(stage.li)


def test_a_window_that_has_passed_lets_an_approved_job_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stage = build(
        tmp_path, approval="owner", filter="pure", delta="0", more=", window: {every: day, epsilon: 0.5}"
    )
    clock = Clock(monkeypatch)
    waits, first = (
        submit(stage),
        submit(stage, JobRequest("SELECT COUNT(*) AS n FROM health.stays", PURPOSE, "0.5")),
    )
    stage.keeper.job_approve(stage.bureau, first)
    assert stage.keeper.job_approve(stage.bureau, waits)["not_charged"]["code"] == "budget.window"
    clock.ahead = dt.timedelta(days=2)
    assert stage.keeper.job_run(stage.wang, waits)["status"] == "released"
    assert kinds(stage).count("approval") == 2
    stage.keeper.audit_verify(stage.li)


def test_an_answer_that_is_there_is_given_free(stage: Stage) -> None:
    first, second = submit(stage), submit(stage)
    stage.keeper.job_approve(stage.bureau, first)
    released = stage.keeper.job_run(stage.wang, first)
    answer = stage.keeper.job_approve(stage.bureau, second)
    assert (answer["status"], answer["replayed"]) == ("released", True)
    assert stage.keeper.job_run(stage.wang, second)["tables"] == released["tables"]
    assert charges(stage) == 1
    stage.keeper.audit_verify(stage.li)


def test_a_cancelled_job_cannot_be_approved(stage: Stage) -> None:
    job = submit(stage)
    stage.keeper.job_cancel(stage.wang, job)
    with pytest.raises(InvalidInputError, match=r"approval\.not-waiting"):
        stage.keeper.job_approve(stage.bureau, job)
    assert charges(stage) == 0
    stage.keeper.audit_verify(stage.li)


# --- what verifying holds against the log ---------------------------------------------------------------


def forced(stage: Stage, job: str, *yes: Principal) -> None:
    """Let a gatekeeper that forgot the rules write yeses and then charge *job*, all properly logged."""
    open_desk = stage.keeper._desk  # type: ignore[attr-defined]
    with open_desk.reading() as connection:
        row = waiting.find(connection, job)
        assert row is not None
        again = approvals.read_again(
            connection, open_desk, waiting.read(connection, open_desk.workspace, row)
        )
    with open_desk.writing() as entry:
        found = waiting.read(entry.connection, entry.workspace, row)
        for by in yes:
            approvals._record(entry, found, approvals._answer(entry, by, "yes", ""))
        settled = approvals.settle_again(entry, found, again)
        assert not isinstance(settled, KeyongError)
        approvals._pay(entry, found, settled)


@pytest.mark.parametrize("who", [(), ("li", "li"), ("bureau", "wang"), ("bureau", "li")])
def test_a_charge_without_its_yeses_is_found(tmp_path: Path, who: tuple[str, ...]) -> None:
    stage = build(tmp_path, approval="owner+reviewer")
    job = submit(stage)
    forced(stage, job, *(getattr(stage, name) for name in who))
    if who == ("bureau", "li"):
        stage.keeper.audit_verify(stage.li)
        return
    with pytest.raises(TamperingError) as caught:
        stage.keeper.audit_verify(stage.li)
    assert (caught.value.code, caught.value.facts) == ("audit.not-approved", {"job": job})


def test_an_answer_given_again_without_its_yes_is_found(stage: Stage) -> None:
    first, second = submit(stage), submit(stage)
    stage.keeper.job_approve(stage.bureau, first)
    stage.keeper.job_run(stage.wang, first)
    forced(stage, second)
    with pytest.raises(TamperingError, match=r"audit\.not-approved"):
        stage.keeper.audit_verify(stage.li)


def test_a_job_of_an_older_build_can_only_be_cancelled(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its row does not say by which grant it was let through, so nobody's yes is enough."""
    written = submission._spec

    def older(*args: Any) -> dict[str, Any]:
        told = written(*args)
        del told["amounts"]
        judged = [{k: v for k, v in item.items() if k != "grant"} for item in told["datasets"]]
        return {**told, "datasets": judged}

    monkeypatch.setattr(submission, "_spec", older)
    job = submit(stage)
    assert stage.keeper.job_pending(stage.bureau)["jobs"] == []
    with pytest.raises(DeniedError, match=r"job\.unknown"):
        stage.keeper.job_approve(stage.bureau, job)
    with pytest.raises(AwaitingApprovalError):
        stage.keeper.job_run(stage.wang, job)
    stage.keeper.job_cancel(stage.wang, job)


def test_another_owners_figures_are_not_told(tmp_path: Path) -> None:
    stage = with_labs(build(tmp_path, approval="owner"), approval="owner", epsilon=1)
    sql = "SELECT COUNT(*) AS n FROM health.stays JOIN health.labs ON person = subject"
    first, job = (submit(stage, JobRequest(sql, PURPOSE, epsilon=epsilon)) for epsilon in ("1", "0.9"))
    for each in (first, job):
        stage.keeper.job_approve(stage.lab, each)
    stage.keeper.job_approve(stage.bureau, first)
    assert stage.keeper.job_approve(stage.bureau, job)["not_charged"] == {
        "code": "approval.budget-elsewhere",
        "facts": {"dataset": "health.labs"},
    }
    assert stage.keeper.job_approve(stage.lab, job)["not_charged"]["code"] == "budget.lifetime"


def test_history_tells_of_earlier_jobs(stage: Stage) -> None:
    where = "SELECT COUNT(*) AS n FROM health.stays WHERE days > {}"
    jobs = [submit(stage, JobRequest(where.format(number), PURPOSE, epsilon="0.25")) for number in range(3)]
    stage.keeper.job_approve(stage.bureau, jobs[0])
    stage.keeper.job_reject(stage.bureau, jobs[1], "too near")
    with pytest.raises(DeniedError):
        stage.keeper.job_submit(stage.wang, JobRequest(COUNTS, "another-purpose", epsilon="0.5"))
    told = stage.keeper.job_show(stage.bureau, submit(stage, ASKED))["history"]
    assert (told["jobs"], told["refused"], told["denied"], told["similar"]) == (3, 1, 1, 0)
    assert [job["job"] for job in told["last"]] == jobs[::-1]
    assert told["losses"][0]["epsilon"] == told["last"][2]["losses"][0]["epsilon"] != "0"
    again = submit(stage, JobRequest(where.format(2), PURPOSE, epsilon="0.5"))
    told = stage.keeper.job_show(stage.bureau, again)["history"]
    assert [(job["job"], job["likeness"]) for job in told["most_similar"]] == [
        (jobs[2], "same"),
        (jobs[1], "constants"),
        (jobs[0], "constants"),
    ]
    assert "sql" not in json.dumps(told)


def test_in_a_notebook(stage: Stage) -> None:
    analyst, owner = Connection(stage.keeper, stage.wang), Connection(stage.keeper, stage.bureau)
    with pytest.raises(AwaitingApprovalError) as caught:
        analyst.query(COUNTS, purpose=PURPOSE, epsilon=0.5)
    job = str(caught.value.facts["job"])
    assert "bureau" in caught.value.__notes__[0]
    assert list(owner.pending()["job"]) == [job]
    assert owner.show(job)["sql"] == COUNTS
    owner.approve(job)
    assert analyst.status(job)["status"] == "charged"
    assert list(analyst.wait(job)["ward"].dropna()) == ["A", "B", "C"]
