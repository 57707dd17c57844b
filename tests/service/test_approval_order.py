"""Approvals in every order of events: people at once, and a process killed on the way to a charge."""

from __future__ import annotations

import multiprocessing
import os
import random
import signal
import sys
import traceback
from collections.abc import Callable
from pathlib import Path

import pytest
from stage import PURPOSE, Stage, build, reopen

from sandbox.errors import KeyongError
from service.asked import JobRequest

_FORK = multiprocessing.get_context("fork")

ACTS: dict[str, Callable[[Stage, str], object]] = {
    "bureau": lambda stage, job: stage.keeper.job_approve(stage.bureau, job),
    "li": lambda stage, job: stage.keeper.job_approve(stage.li, job),
    "no": lambda stage, job: stage.keeper.job_reject(stage.li, job, "no"),
    "cancel": lambda stage, job: stage.keeper.job_cancel(stage.wang, job),
    "run": lambda stage, job: stage.keeper.job_run(stage.wang, job),
}


def submit(stage: Stage, number: int) -> str:
    sql = f"SELECT COUNT(*) AS n FROM health.stays WHERE days > -{number}"
    job: str = stage.keeper.job_submit(stage.wang, JobRequest(sql, PURPOSE, epsilon="0.001"))["job"]
    return job


def _act(place: Path, jobs: list[str], name: str, ready: multiprocessing.Barrier) -> None:
    stage = reopen(place)
    for job in jobs:
        ready.wait()
        try:
            ACTS[name](stage, job)
        except KeyongError as error:
            assert error.exit_code != 1, error.code  # noqa: PT017 - in a child


def at_once(place: Path, jobs: list[str], names: list[str]) -> None:
    ready = _FORK.Barrier(len(names))
    children = [_FORK.Process(target=_act, args=(place, jobs, name, ready)) for name in names]
    for child in children:
        child.start()
    for child in children:
        child.join()
        assert child.exitcode == 0


def leaves_of(stage: Stage, job: str) -> list[str]:
    every = stage.keeper.audit_list(stage.li, 0, 10**6)["leaves"]
    return [leaf["kind"] for leaf in every if leaf["facts"].get("job") == job]


@pytest.mark.parametrize("names", [["bureau", "bureau", "li", "li"], ["bureau", "li", "no", "cancel", "run"]])
def test_everybody_at_once(tmp_path: Path, names: list[str]) -> None:
    stage = build(tmp_path, approval="owner+reviewer", epsilon=100)
    jobs = [submit(stage, number) for number in range(1, 5)]
    at_once(tmp_path, jobs, names)
    charged = {row["job"] for row in stage.keeper.budget_show(stage.bureau, "health.stays")["charges"]}
    for job in jobs:
        kinds, state = leaves_of(stage, job), stage.keeper.job_status(stage.wang, job)["status"]
        assert kinds.count("charge") == (job in charged)
        assert kinds.count("approval") <= 2
        if job in charged:
            assert sorted(kinds[1:3]) == ["approval", "approval"]
            assert "rejection" not in kinds
        if "no" not in names:
            assert state == "charged"
        else:
            assert state in ("charged", "released", "cancelled", "refused", "interrupted")
    stage.keeper.audit_verify(stage.li)


# --- killed anywhere ------------------------------------------------------------------------------------


def _approve(place: Path, job: str, fatal: int, told: int) -> None:
    """In a child: say the last yes, run the job, and die at call *fatal*."""
    calls = 0

    def count(*_: object) -> None:
        nonlocal calls
        calls += 1
        if calls == fatal:
            os.kill(os.getpid(), signal.SIGKILL)

    stage = reopen(place)
    sys.setprofile(count)
    stage.keeper.job_approve(stage.li, job)
    sys.setprofile(None)
    os.write(told, f"{calls}\n".encode())


def run_child(place: Path, job: str, fatal: int) -> str:
    reader, writer = os.pipe()
    pid = os.fork()
    if pid == 0:
        code = 1
        try:
            os.close(reader)
            _approve(place, job, fatal, writer)
            code = 0
        except BaseException:
            traceback.print_exc()
        finally:
            os._exit(code)
    os.close(writer)
    with os.fdopen(reader) as pipe:
        said = pipe.read()
    _, status = os.waitpid(pid, 0)
    assert os.WIFSIGNALED(status) or os.WEXITSTATUS(status) == 0
    return said


def kills(place: Path, count: int) -> None:
    stage = build(place, approval="owner+reviewer", epsilon=1000)
    jobs = [submit(stage, number) for number in range(1, count + 3)]
    for job in jobs:
        stage.keeper.job_approve(stage.bureau, job)
    stage.keeper.job_approve(stage.li, jobs[0])  # imports everything once
    whole = int(run_child(place, jobs[1], -1))
    states = set()
    for place_in, job in enumerate(jobs[2:]):  # one in every stretch of the way
        run_child(place, job, random.randint(place_in * whole // count + 1, (place_in + 1) * whole // count))
        kinds, state = leaves_of(stage, job), stage.keeper.job_status(stage.wang, job)["status"]
        assert (kinds.count("approval"), kinds.count("charge"), state) in [
            (1, 0, "awaiting-approval"),
            (2, 1, "charged"),
        ]
        states.add(state)
        again = stage.keeper.job_approve(stage.li, job)["status"] if state != "charged" else state
        assert (again, leaves_of(stage, job).count("charge")) == ("charged", 1)
        assert stage.keeper.job_run(stage.wang, job)["status"] == "released"
    assert "awaiting-approval" in states
    stage.keeper.audit_verify(stage.li)


def test_killed_anywhere_between_the_last_yes_and_its_charge(tmp_path: Path) -> None:
    kills(tmp_path, 5)


@pytest.mark.soak
def test_many_killed_anywhere_between_the_last_yes_and_its_charge(tmp_path: Path) -> None:
    kills(tmp_path, 150)
