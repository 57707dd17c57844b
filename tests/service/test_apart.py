"""Half of a verification in a helper: it can only agree, and what is wrong is said as without it."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from stage import Stage, build, reopen

from sandbox.books import charges, jobs, leaves, nodes
from sandbox.errors import TamperingError
from service.checks import apart

LEAST, MOST = 4, 14
QUESTION = "SELECT COUNT(*) FROM health.stays WHERE days > {}"


@pytest.fixture(scope="module")
def original(tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("apart")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("KEYONG_ANCHORS", str(place / "anchors"))
        stage = build(place)
        asked: list[str] = []
        # Names of jobs are drawn: both halves shall have one.
        while len(asked) < LEAST or len(set(map(apart.mine, asked))) < 2:
            asked.append(stage.ask(QUESTION.format(len(asked) % MOST), f"0.0{1 + len(asked) // MOST}")["job"])
        stage.keeper.close()
    return place


@pytest.fixture
def stage(original: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Stage]:
    shutil.copytree(original, tmp_path / "s")
    monkeypatch.setenv("KEYONG_ANCHORS", str(tmp_path / "s" / "anchors"))
    monkeypatch.setattr(apart, "WORTH_IT", 0)
    monkeypatch.setattr(apart, "_processors", lambda: 2)
    made = reopen(tmp_path / "s")
    yield made
    made.keeper.close()


@pytest.fixture
def said(monkeypatch: pytest.MonkeyPatch) -> list[bool]:
    """What helpers said at their ends."""
    found: list[bool] = []
    agrees = apart.Helper.agrees

    def heard(self: apart.Helper, progress: Any) -> bool:
        found.append(agrees(self, progress))
        return found[-1]

    monkeypatch.setattr(apart.Helper, "agrees", heard)
    return found


def forge(stage: Stage, statement: Any) -> None:
    with stage.keeper._desk.workspace.database.transaction() as connection:  # type: ignore[attr-defined]
        connection.execute(statement)


def job_of(stage: Stage, mine: Callable[[str], bool]) -> str:
    with stage.keeper._desk.reading() as connection:  # type: ignore[attr-defined]
        return next(job for job in connection.scalars(sa.select(jobs.c.job)) if mine(job))


def test_with_a_helper_it_is_the_same_answer(stage: Stage, said: list[bool]) -> None:
    heard: list[tuple[str, int, int]] = []
    kept = [stage.keeper.audit_checkpoint(stage.li)["note"]]
    found = stage.keeper.audit_verify(stage.li, kept, progress=lambda *each: heard.append(each))
    assert said == [True]
    assert ("verify", found["size"], found["size"]) in heard
    assert {phase for phase, _, _ in heard} == {"verify", "books", "shards"}
    apart.WORTH_IT = 10**9
    assert stage.keeper.audit_verify(stage.li, kept) == found
    assert said == [True]


def test_every_job_is_somebodys() -> None:
    names = [f"job-{number:012x}" for number in range(4000)] + ["", "\ud800", "lost-3"]
    assert all(apart.mine(name) != apart.others(name) for name in names)
    assert 0.5 < sum(map(apart.mine, names)) / len(names) < 0.65


@pytest.mark.parametrize("whose", ["mine", "others"])
def test_a_changed_job_is_found_whoever_checks_it(stage: Stage, whose: str) -> None:
    job = job_of(stage, getattr(apart, whose))
    forge(stage, sa.update(jobs).where(jobs.c.job == job).values(purpose="marketing"))
    with pytest.raises(TamperingError, match=job):
        stage.keeper.audit_verify(stage.li)


def test_what_is_wrong_with_the_log_comes_first(stage: Stage) -> None:
    forge(stage, sa.update(charges).values(rho_pico=1))
    forge(stage, sa.update(nodes).where(nodes.c.level == 1, nodes.c.position == 0).values(hash=bytes(32)))
    with pytest.raises(TamperingError) as caught:
        stage.keeper.audit_verify(stage.li)
    assert caught.value.code == "log.bad-node"


def test_a_leaf_that_is_no_json_is_a_leaf_that_was_changed(stage: Stage) -> None:
    forge(stage, sa.update(leaves).where(leaves.c.leaf == 2).values(entry="{"))
    with pytest.raises(TamperingError) as caught:
        stage.keeper.audit_verify(stage.li)
    assert caught.value.code == "log.bad-leaf"


BROKEN = ["print('agreed'); raise SystemExit(1)", "print('disagreed')"]


@pytest.mark.parametrize("program", BROKEN)
def test_a_helper_that_does_not_agree_is_not_believed(
    stage: Stage, said: list[bool], monkeypatch: pytest.MonkeyPatch, program: str
) -> None:
    def broken() -> subprocess.Popen[str]:
        command = [sys.executable, "-c", program]
        return subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    monkeypatch.setattr(apart, "_started", broken)
    assert stage.keeper.audit_verify(stage.li)["charges"] >= LEAST
    assert said == [False]
    job = job_of(stage, apart.others)
    forge(stage, sa.update(jobs).where(jobs.c.job == job).values(purpose="marketing"))
    with pytest.raises(TamperingError, match=job):
        stage.keeper.audit_verify(stage.li)


def test_without_a_helper_it_goes_on_alone(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    def nobody() -> subprocess.Popen[str]:
        raise OSError("no more processes")

    monkeypatch.setattr(apart, "_started", nobody)
    assert stage.keeper.audit_verify(stage.li)["charges"] >= LEAST


def test_a_helper_that_sees_other_books_does_not_agree(
    stage: Stage, said: list[bool], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(apart, "newest_note", lambda _: "the note of a moment ago")
    assert stage.keeper.audit_verify(stage.li)["charges"] >= LEAST
    assert said == [False]
