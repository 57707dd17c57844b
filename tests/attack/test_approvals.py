"""Approvals forged, copied, repeated and edited in the books: nothing is charged, and verifying finds it."""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest
from stage import COUNTS, PURPOSE, build, reopen

from sandbox.errors import AwaitingApprovalError, DeniedError, TamperingError
from service.asked import JobRequest

OTHER = "SELECT COUNT(*) AS n FROM health.stays"


@pytest.fixture(scope="module")
def approved(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A workspace with three jobs: approved and charged, approved by one of two, not approved."""
    place = tmp_path_factory.mktemp("approved")
    stage = build(place, approval="owner+reviewer")
    for sql, approvers in (
        (COUNTS, (stage.bureau, stage.li)),
        (OTHER, (stage.li,)),
        (f"{OTHER} WHERE urgent", ()),
    ):
        job = stage.keeper.job_submit(stage.wang, JobRequest(sql, PURPOSE, epsilon="0.5"))["job"]
        for by in approvers:
            stage.keeper.job_approve(by, job, "after a look")
    stage.keeper.identity_new("zhao", ["analyst"], [])
    stage.keeper.close()
    return place


@pytest.fixture
def place(approved: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("KEYONG_ANCHORS", str(tmp_path / "anchors"))
    shutil.copytree(approved / "ws", tmp_path / "ws")
    return tmp_path


def books(place: Path, *statements: str) -> None:
    connection = sqlite3.connect(place / "ws" / "books.sqlite")
    for statement in statements:
        connection.execute(statement)
    connection.commit()
    connection.close()


def jobs(place: Path) -> list[str]:
    connection = sqlite3.connect(place / "ws" / "books.sqlite")
    found = [row[0] for row in connection.execute("SELECT job FROM jobs ORDER BY created")]
    connection.close()
    return found


def sql(*statements: str) -> Callable[[Path], None]:
    def attack(place: Path) -> None:
        charged, half, bare = jobs(place)
        books(place, *(text.format(charged=charged, half=half, bare=bare) for text in statements))

    return attack


def respec(old: str, new: str) -> Callable[[Path], None]:
    """Edit what the books say that the waiting job asked."""

    def attack(place: Path) -> None:
        edit = f"UPDATE jobs SET spec = replace(spec, '{old}', '{new}') WHERE job = '{jobs(place)[1]}'"
        books(place, edit)

    return attack


COPY = (
    "INSERT INTO approvals SELECT {leaf}, '{{bare}}', principal, answer, bound, reason, salt, given "
    "FROM approvals WHERE job = '{{charged}}'"
)
EDITS: dict[str, Callable[[Path], None]] = {
    "an approval removed": sql("DELETE FROM approvals WHERE job = '{charged}' AND principal = 'li'"),
    "an approval moved to another job": sql("UPDATE approvals SET job = '{bare}' WHERE job = '{charged}'"),
    "approvals copied to another job": sql(COPY.format(leaf="leaf + 1000")),
    "an approval put on somebody else": sql("UPDATE approvals SET principal = 'bureau' WHERE job = '{half}'"),
    "an approval under another leaf": sql("UPDATE approvals SET leaf = leaf + 1 WHERE job = '{half}'"),
    "an approval made younger": sql("UPDATE approvals SET given = '2099' || substr(given, 5)"),
    "an approval bound to something else": sql("UPDATE approvals SET bound = 'x' WHERE job = '{half}'"),
    "a yes turned into a no": sql("UPDATE approvals SET answer = 'no' WHERE job = '{half}'"),
    "a reason changed": sql("UPDATE approvals SET reason = 'looked at nothing'"),
    "a waiting job called charged": sql("UPDATE jobs SET state = 'charged' WHERE job = '{half}'"),
    "a waiting job called refused": sql("UPDATE jobs SET state = 'refused' WHERE job = '{half}'"),
    "a charged job called waiting": sql(
        "UPDATE jobs SET state = 'awaiting-approval' WHERE job = '{charged}'"
    ),
    "a waiting job said to be under another grant": respec('"grant":0', '"grant":1'),
    "a waiting job without its grants": respec('"grant":0,', ""),
    "a waiting job shown otherwise": respec('"outputs":[["n"', '"outputs":[["m"'),
    "a waiting job for another amount": respec('"epsilon":"1/2"', '"epsilon":"1/4"'),
    "a charge written by hand": sql(
        "INSERT INTO charges (lineage, job, principal, epsilon_pico, rho_pico, delta_atto, charged) "
        "SELECT lineage, '{bare}', principal, epsilon_pico, rho_pico, delta_atto, charged FROM charges"
    ),
}


@pytest.mark.parametrize("attack", EDITS.values(), ids=EDITS)
def test_every_edit_is_found(place: Path, attack: Callable[[Path], None]) -> None:
    before = sqlite3.connect(place / "ws" / "books.sqlite").serialize()
    attack(place)
    assert sqlite3.connect(place / "ws" / "books.sqlite").serialize() != before
    stage = reopen(place)
    try:
        with pytest.raises(TamperingError):
            stage.keeper.audit_verify(stage.li)
    finally:
        stage.keeper.close()


def test_the_untouched_books_verify(place: Path) -> None:
    stage = reopen(place)
    stage.keeper.audit_verify(stage.li)
    stage.keeper.close()


REPLAYS: dict[str, Callable[[Path], None]] = {
    "copied from another job": sql(COPY.format(leaf="leaf + 1000")),
    "moved from another job": sql("UPDATE approvals SET job = '{bare}' WHERE job = '{charged}'"),
    "a row without a leaf": sql(
        "INSERT INTO approvals SELECT leaf + 1000, job, 'bureau', answer, bound, reason, salt, given "
        "FROM approvals WHERE job = '{half}'"
    ),
    "the same one twice, in two names": sql(
        "INSERT INTO approvals SELECT leaf + 1, job, 'bureau', answer, bound, reason, salt, given "
        "FROM approvals WHERE job = '{half}'"
    ),
}


@pytest.mark.parametrize("attack", REPLAYS.values(), ids=REPLAYS)
def test_a_replayed_approval_counts_nothing(place: Path, attack: Callable[[Path], None]) -> None:
    """Not for the one who runs the job, nor for one more honest approver."""
    attack(place)
    stage = reopen(place)
    _, half, bare = jobs(place)
    try:
        for job in (half, bare):
            for act in (
                lambda: stage.keeper.job_run(stage.wang, job),  # noqa: B023 - called at once
                lambda: stage.keeper.job_approve(stage.li, job),  # noqa: B023
            ):
                with suppress(TamperingError, AwaitingApprovalError):
                    act()
        charges = stage.keeper.budget_show(stage.bureau, "health.stays")["charges"]
        assert len(charges) == 1
    finally:
        stage.keeper.close()


def test_an_edited_plan_is_not_what_is_approved(place: Path) -> None:
    """What is approved is planned anew from its text; a cheaper plan in the books is refused."""
    books(place, """UPDATE jobs SET plan = replace(plan, '"0",null,"', '"0",null,"9')""")
    stage = reopen(place)
    with pytest.raises(DeniedError, match=r"approval\.changed"):
        stage.keeper.job_approve(stage.li, jobs(place)[2])
    stage.keeper.close()


def test_an_outsider_learns_nothing_of_a_waiting_job(place: Path) -> None:
    stage = reopen(place)
    zhao, (charged, half, bare) = stage.keeper.principal("zhao"), jobs(place)
    for job in (charged, half, bare, "job-nothing", "../x"):
        for act in (
            lambda: stage.keeper.job_show(zhao, job),  # noqa: B023 - called at once
            lambda: stage.keeper.job_approve(zhao, job),  # noqa: B023
            lambda: stage.keeper.job_reject(zhao, job, "no"),  # noqa: B023
            lambda: stage.keeper.job_show(stage.lab, job),  # noqa: B023 - an owner of something else
            lambda: stage.keeper.job_approve(stage.lab, job),  # noqa: B023
        ):
            with pytest.raises(DeniedError) as caught:
                act()
            assert (caught.value.code, caught.value.facts) == ("job.unknown", {"rule": "jobs", "job": job})
    assert stage.keeper.job_pending(zhao)["jobs"] == []
    stage.keeper.close()
