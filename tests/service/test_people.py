"""Roles and groups that change: from an instant on, by a reviewer, in the log; what was said counts."""

from __future__ import annotations

import datetime as dt
import re
from pathlib import Path

import pytest
import sqlalchemy as sa
from stage import COUNTS, DATASET, PURPOSE, Stage, build

from sandbox.books import identity_changes
from sandbox.errors import DeniedError, InvalidInputError, KeyongError, TamperingError, UsageError
from service import clock
from service.asked import JobRequest

ASKED = JobRequest(COUNTS, PURPOSE, epsilon="0.5")


@pytest.fixture
def stage(tmp_path: Path) -> Stage:
    return build(tmp_path)


def test_a_member_who_leaves_asks_no_more_and_one_who_joins_does(stage: Stage) -> None:
    stage.keeper.identity_new("zhao", ["analyst"], [])
    with pytest.raises(DeniedError):
        stage.keeper.job_submit(stage.keeper.principal("zhao"), ASKED)
    (group,) = stage.wang.groups
    assert stage.keeper.identity_change(stage.li, "zhao", ["analyst"], [group])["groups"] == [group]
    stage.keeper.job_submit(stage.keeper.principal("zhao"), ASKED)
    member = stage.keeper.principal("zhao")
    stage.keeper.identity_change(stage.li, "zhao", ["analyst"], [])
    with pytest.raises(DeniedError, match=r"denied\.not-granted"):  # though the door was opened to a member
        stage.keeper.job_submit(member, JobRequest(COUNTS, PURPOSE, epsilon="0.25"))
    stage.keeper.identity_change(stage.li, "zhao", [], [])
    gone = stage.keeper.principal("zhao")
    assert (gone.roles, gone.groups) == (frozenset(), frozenset())
    with pytest.raises(DeniedError):
        stage.keeper.job_submit(gone, ASKED)
    shown = {each["name"]: each for each in stage.keeper.identity_list()["identities"]}
    assert (shown["zhao"]["roles"], shown["zhao"]["groups"]) == ([], [])
    assert shown["wang"]["groups"] == [group]
    stage.keeper.audit_verify(stage.li)


def test_an_approval_stays_what_it_was_when_its_giver_leaves(tmp_path: Path) -> None:
    stage = build(tmp_path, approval="{need: 1, of: [group:ethics]}")
    stage.keeper.identity_new("sun", ["operator"], ["ethics"])
    job = stage.keeper.job_submit(stage.wang, ASKED)["job"]
    assert stage.keeper.job_approve(stage.keeper.principal("sun"), job)["status"] == "charged"
    stage.keeper.identity_change(stage.li, "sun", [], [])
    (rule,) = stage.keeper.job_status(stage.wang, job)["approval"]["rules"]
    assert [party["given"] for party in rule["parties"]] == [["sun"]]
    assert stage.keeper.job_run(stage.wang, job)["status"] == "released"
    stage.keeper.audit_verify(stage.li)  # at the moment of the charge sun was a member


def test_leaves_of_one_instant_are_told_apart(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A clock that is set back gives everything after it the newest leaf's instant."""
    stage = build(tmp_path, approval="{need: 1, of: [group:ethics]}")
    stage.keeper.identity_new("sun", ["operator"], ["ethics"])
    job = stage.keeper.job_submit(stage.wang, ASKED)["job"]
    monkeypatch.setattr(clock, "utc_now", lambda: dt.datetime(2020, 1, 1, tzinfo=dt.UTC))
    assert stage.keeper.job_approve(stage.keeper.principal("sun"), job)["status"] == "charged"
    stage.keeper.identity_change(stage.li, "sun", [], [])
    times = [leaf["time"] for leaf in stage.keeper.audit_list(stage.li, 0, 10**6)["leaves"]][-3:]
    assert len(set(times)) == 1
    stage.keeper.audit_verify(stage.li)


def test_reviewers_who_take_each_others_role_away(stage: Stage) -> None:
    stage.keeper.identity_new("wu", ["reviewer"], [])
    wu = stage.keeper.principal("wu")
    stage.keeper.identity_change(stage.li, "wu", [], [])
    with pytest.raises(DeniedError, match=r"role\.missing"):  # though the door was opened to a reviewer
        stage.keeper.identity_change(wu, "li", [], [])


def test_who_may_change_whom(stage: Stage) -> None:
    for by, name, roles, code in (
        (stage.wang, "wang", ["analyst", "operator"], "role.missing"),
        (stage.bureau, "wang", ["analyst"], "role.missing"),
        (stage.li, "li", ["reviewer", "analyst"], "identity.own-roles"),
        (stage.li, "nobody", ["analyst"], "identity.unknown"),
        (stage.li, "bureau", ["analyst"], "identity.still-owner"),
        (stage.li, "wang", ["king"], "identity.bad-role"),
        (stage.li, "wang", ["owner", "reviewer"], "identity.owner-and-reviewer"),
    ):
        with pytest.raises((DeniedError, InvalidInputError, UsageError)) as caught:
            stage.keeper.identity_change(by, name, roles, [])
        assert caught.value.code == code
    stage.keeper.identity_new("registry", ["owner"], [])
    stage.keeper.identity_change(stage.li, "registry", [], [])
    # Not one after the other either.
    with pytest.raises(KeyongError, match=re.escape("identity.owner-and-reviewer")):
        stage.keeper.identity_change(stage.li, "registry", ["reviewer"], [])


def test_an_owner_without_datasets_may_leave(stage: Stage) -> None:
    stage.keeper.dataset_remove(stage.bureau, DATASET)
    assert stage.keeper.identity_change(stage.li, "bureau", [], [])["roles"] == []
    stage.keeper.audit_verify(stage.li)


@pytest.mark.parametrize("forged", [{"groups": "researchers,ethics"}, {"roles": "reviewer"}, None])
def test_a_change_that_was_not_logged_is_found(stage: Stage, forged: dict[str, str] | None) -> None:
    stage.keeper.identity_change(stage.li, "wang", ["analyst"], [])
    with stage.keeper._desk.workspace.database.transaction() as connection:  # type: ignore[attr-defined]
        change = sa.delete(identity_changes) if forged is None else sa.update(identity_changes).values(forged)
        connection.execute(change)
    with pytest.raises(TamperingError, match=r"audit\.books-differ"):
        stage.keeper.audit_verify(stage.li)


def test_a_change_is_told_to_reviewers(stage: Stage) -> None:
    stage.keeper.identity_change(stage.li, "wang", ["analyst", "operator"], ["ethics"])
    told = [
        each for each in stage.keeper.audit_alerts(stage.li)["alerts"] if each["rule"] == "identity-change"
    ]
    assert [each["facts"] for each in told] == [
        {"name": "wang", "roles": "analyst,operator", "groups": "ethics"}
    ]
