"""A clock that is set back: what has ended stays ended, and the log never runs backwards."""

from __future__ import annotations

import datetime as dt
import json
import sqlite3
from pathlib import Path

import pytest
from stage import COUNTS, PURPOSE, Stage, build

from sandbox.errors import DeniedError, TamperingError
from service import clock
from service.asked import JobRequest

GRANT = dt.datetime(2030, 6, 30, 12, tzinfo=dt.UTC)


class Clock:
    """The system's clock, moved by hand."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.now = GRANT - dt.timedelta(days=1)
        monkeypatch.setattr(clock, "utc_now", lambda: self.now)


@pytest.fixture
def moved(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[Stage, Clock]:
    hands = Clock(monkeypatch)
    return build(tmp_path, until="2030-06-30", more=", window: {every: week, epsilon: 1}"), hands


def test_an_expired_grant_does_not_come_back(moved: tuple[Stage, Clock]) -> None:
    stage, hands = moved
    assert stage.ask()["status"] == "released"
    hands.now = GRANT + dt.timedelta(days=1)
    with pytest.raises(DeniedError) as expired:
        stage.ask(epsilon="0.25")  # its refusal is a leaf, and that is what is remembered
    assert expired.value.code == "denied.expired"
    for back in (dt.timedelta(days=0), dt.timedelta(days=-400)):
        hands.now = GRANT + back
        for ask in (stage.ask, lambda: stage.ask(epsilon="0.25")):  # a replay is a question like any other
            with pytest.raises(DeniedError) as caught:
                ask()
            assert caught.value.code == "denied.expired"


def test_a_charged_job_does_not_run_under_a_grant_that_ended(moved: tuple[Stage, Clock]) -> None:

    stage, hands = moved
    job = stage.keeper.job_submit(stage.wang, JobRequest(COUNTS, PURPOSE, epsilon="0.5"))["job"]
    hands.now = GRANT + dt.timedelta(days=1)
    stage.keeper.identity_new("somebody", ["analyst"], [])
    hands.now = GRANT - dt.timedelta(days=3)
    with pytest.raises(DeniedError) as caught:
        stage.keeper.job_run(stage.wang, job)
    assert caught.value.code == "denied.expired"


def test_leaves_never_run_backwards_and_a_window_does_not_refill(moved: tuple[Stage, Clock]) -> None:
    stage, hands = moved
    stage.ask(epsilon="0.9")
    for back in (1, 10, 400):
        hands.now = GRANT - dt.timedelta(days=back)
        with pytest.raises(DeniedError) as caught:
            stage.ask(epsilon="0.8")
        assert caught.value.code == "budget.window"
    times = [leaf["time"] for leaf in stage.keeper.audit_list(stage.li)["leaves"]]
    assert times == sorted(times)
    stage.keeper.audit_verify(stage.li)


def test_a_newest_leaf_without_a_time_is_tampering(moved: tuple[Stage, Clock]) -> None:
    stage, _ = moved
    books = sqlite3.connect(stage.place / "ws" / "books.sqlite")
    last, entry = books.execute("SELECT leaf, entry FROM leaves ORDER BY leaf DESC LIMIT 1").fetchone()
    undated = json.dumps(json.loads(entry) | {"time": "never"})
    for broken in ("{}", "[]", "7", "", undated, entry.replace("+00:00", "")):
        books.execute("UPDATE leaves SET entry = ? WHERE leaf = ?", (broken, last))
        books.commit()
        with pytest.raises(TamperingError):
            stage.ask(epsilon="0.1")
