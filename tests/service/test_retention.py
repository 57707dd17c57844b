"""Retention: past its end a result is shown to nobody, given to nobody again, and its text is gone."""

from __future__ import annotations

import datetime as dt
import json
import sqlite3
from pathlib import Path

import owners
import pytest
from stage import COUNTS, DATASET, PURPOSE, Stage, build, reopen, with_labs

from sandbox.audit.verify_bundle import main
from sandbox.database import Database
from sandbox.errors import DeniedError, TamperingError
from service import clock
from service.asked import JobRequest

START = dt.datetime(2030, 1, 1, 12, tzinfo=dt.UTC)
KEPT = "results: {{keep: {}d}}\n"


class Clock:
    """The system's clock, moved by hand."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.days = 0.0
        monkeypatch.setattr(clock, "utc_now", lambda: START + dt.timedelta(days=self.days))


@pytest.fixture
def hands(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Clock:
    monkeypatch.setenv("KEYONG_ANCHORS", str(tmp_path / "anchors"))
    return Clock(monkeypatch)


@pytest.fixture
def stage(hands: Clock, tmp_path: Path) -> Stage:
    return build(tmp_path, columns=KEPT.format(90))


def stored(stage: Stage) -> dict[str, str]:
    with sqlite3.connect(stage.place / "ws" / "books.sqlite") as books:
        return dict(books.execute("SELECT job, result FROM releases"))


def again(stage: Stage) -> Stage:
    stage.keeper.close()
    return reopen(stage.place)


def test_until_its_end_and_not_a_moment_longer(stage: Stage, hands: Clock) -> None:
    first = stage.ask()
    assert first["kept_until"] == (START + dt.timedelta(days=90)).isoformat()
    hands.days = 89.999
    second = stage.ask()
    assert second["replayed"]
    assert second["kept_until"] == first["kept_until"]  # it is the first release's time that counts
    hands.days = 90
    for job in (first["job"], second["job"]):
        with pytest.raises(DeniedError) as caught:
            stage.keeper.job_result(stage.wang, job)
        assert caught.value.code == "denied.result-ended"
    asked = JobRequest(COUNTS, PURPOSE, epsilon="0.5")
    assert stage.keeper.job_explain(stage.wang, asked)["free_replay"] is False
    spent = stage.keeper.budget_show(stage.wang, "health.stays")["spent"]
    third = stage.ask()
    assert not third["replayed"]
    assert stage.keeper.budget_show(stage.wang, "health.stays")["spent"] != spent
    assert stage.ask()["replayed"]
    stage.keeper.audit_verify(stage.li)


def test_the_text_is_gone_at_the_next_opening_and_the_log_still_verifies(stage: Stage, hands: Clock) -> None:
    old = stage.ask()["job"]
    needle = stored(stage)[old]
    hands.days = 50
    new = stage.ask(epsilon="0.25")["job"]
    stage = again(stage)
    assert all(stored(stage).values())
    hands.days = 100
    stage = again(stage)
    assert {job: bool(text) for job, text in stored(stage).items()} == {old: False, new: True}
    stage.keeper.close()
    left = b"".join(path.read_bytes() for path in (stage.place / "ws").glob("books.sqlite*"))
    assert needle.encode() not in left
    stage = reopen(stage.place)
    purges = [it["facts"] for it in stage.keeper.audit_list(stage.li)["leaves"] if it["kind"] == "purge"]
    assert [it["job"] for it in purges] == [old]
    assert stage.keeper.audit_verify(stage.li)["releases"] == 2
    assert stage.keeper.job_result(stage.wang, new)["status"] == "released"
    assert stage.keeper.audit_account(stage.li, old)["release"]["shape"] is None
    stage = again(stage)  # nothing is purged twice
    assert len([it for it in stage.keeper.audit_list(stage.li)["leaves"] if it["kind"] == "purge"]) == 1


def test_a_longer_time_later_brings_nothing_back(stage: Stage, hands: Clock) -> None:
    job = stage.ask()["job"]
    hands.days = 100
    stage = again(stage)
    stage.apply(version=2)
    with pytest.raises(DeniedError) as caught:
        stage.keeper.job_result(stage.wang, job)
    assert caught.value.code == "denied.result-purged"
    leaf = [it for it in stage.keeper.audit_list(stage.li)["leaves"] if it["kind"] == "policy"][-1]
    assert leaf["facts"]["loosens"] == ["results.keep"]
    stage.keeper.audit_verify(stage.li)


def test_a_shorter_time_counts_for_what_is_there(stage: Stage, hands: Clock) -> None:
    job = stage.ask()["job"]
    hands.days = 10
    stage.apply(version=2, columns=KEPT.format(9))
    with pytest.raises(DeniedError):
        stage.keeper.job_result(stage.wang, job)


def test_of_several_datasets_the_shortest_counts(stage: Stage, hands: Clock) -> None:
    with_labs(stage)
    text = (stage.place / "labs.yaml").read_text().replace("version: 1", "version: 2")
    (stage.place / "labs2.yaml").write_text(text.replace("grants:", "results: {keep: 5d}\ngrants:"))
    owners.apply(stage.keeper, stage.lab, stage.place / "labs2.yaml")
    both = "SELECT COUNT(*) AS n FROM health.stays s JOIN health.labs l ON s.person = l.subject"
    job = stage.ask(both)["job"]
    alone = stage.ask()["job"]
    hands.days = 6
    stage = again(stage)
    assert {name: bool(text) for name, text in stored(stage).items()} == {job: False, alone: True}


def test_without_a_rule_results_stay(hands: Clock, tmp_path: Path) -> None:
    stage = build(tmp_path)
    answer = stage.ask()
    assert answer["kept_until"] is None
    hands.days = 4000
    stage = again(stage)
    assert stage.keeper.job_result(stage.wang, answer["job"])["tables"] == answer["tables"]


def test_evidence_says_what_was_purged(stage: Stage, hands: Clock) -> None:
    stage.ask()
    hands.days = 100
    stage = again(stage)
    bundle = stage.place / "bundle.zip"
    stage.keeper.audit_export(stage.li, bundle)
    assert main([str(bundle)]) == 0


def test_a_result_that_is_emptied_or_put_back_by_hand_is_found(stage: Stage, hands: Clock) -> None:
    stage.ask()
    text = next(iter(stored(stage).values()))
    books = sqlite3.connect(stage.place / "ws" / "books.sqlite", isolation_level=None)
    books.execute("UPDATE releases SET result = ''")
    with pytest.raises(TamperingError):
        stage.keeper.audit_verify(stage.li)
    books.execute("UPDATE releases SET result = ?", (text,))
    stage.keeper.audit_verify(stage.li)
    hands.days = 100
    stage = again(stage)
    stage.keeper.audit_verify(stage.li)
    for put in (text, json.dumps([])):
        books.execute("UPDATE releases SET result = ?", (put,))
        with pytest.raises(TamperingError):
            stage.keeper.audit_verify(stage.li)


def test_a_clock_set_back_shows_nothing_again(stage: Stage, hands: Clock) -> None:
    job = stage.ask()["job"]
    hands.days = 91
    stage.keeper.identity_new("somebody", ["analyst"], [])  # a leaf of that day
    hands.days = 1
    with pytest.raises(DeniedError):
        stage.keeper.job_result(stage.wang, job)
    assert not stage.ask()["replayed"]


def test_a_purge_whose_cleaning_waits_verifies(
    stage: Stage, hands: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    stage.ask()
    hands.days = 91
    with monkeypatch.context() as patch:
        patch.setattr(Database, "scrub", lambda _: False)  # somebody reads the books
        stage = again(stage)
        assert list(stored(stage).values()) == [""]
        stage.keeper.audit_verify(stage.li)
    stage = again(stage)
    stage.keeper.audit_verify(stage.li)
    stage.keeper.close()


def test_results_of_a_removed_dataset_end_too(stage: Stage, hands: Clock) -> None:
    job = stage.ask()["job"]
    stage.keeper.dataset_remove(stage.bureau, DATASET)
    assert stage.keeper.job_result(stage.li, job)["status"] == "released"
    hands.days = 91
    stage = again(stage)
    assert list(stored(stage).values()) == [""]
    stage.keeper.audit_verify(stage.li)
    stage.keeper.close()
