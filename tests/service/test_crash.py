"""Order: a process killed anywhere never shows a release without an earlier charge and leaf.

A child does one job under a profiler that counts calls of Python and C functions, and kills itself with
SIGKILL at a call chosen at random: every line between two calls is a place to die.  Afterwards the workspace
must verify, hold what was acknowledged, and finish the job on the charge it has.
"""

from __future__ import annotations

import json
import multiprocessing
import os
import random
import signal
import sys
import traceback
from pathlib import Path

import pytest
from stage import PURPOSE, Stage, build, reopen

from sandbox.errors import KeyongError
from service.asked import JobRequest

_FORK = multiprocessing.get_context("fork")


def one_job(place: Path, number: int, fatal: int, acknowledged: int) -> None:
    """In a child: submit and run one job, say over a pipe what was promised, die at call *fatal*."""
    calls = 0

    def count(*_: object) -> None:
        nonlocal calls
        calls += 1
        if calls == fatal:
            os.kill(os.getpid(), signal.SIGKILL)

    stage = reopen(place)
    sys.setprofile(count)
    job = stage.keeper.job_submit(stage.wang, _request(number))["job"]
    os.write(acknowledged, f"charged {job}\n".encode())
    tables = stage.keeper.job_run(stage.wang, job)["tables"]
    os.write(acknowledged, f"released {json.dumps(tables)}\n".encode())
    sys.setprofile(None)
    os.write(acknowledged, f"calls {calls}\n".encode())


def _request(number: int) -> JobRequest:
    select = "SELECT ward, COUNT(*) AS n, SUM(cost) AS cost FROM health.stays"
    return JobRequest(f"{select} WHERE days > -{number} GROUP BY ward", PURPOSE, epsilon="0.001")


def run_child(place: Path, number: int, fatal: int) -> dict[str, str]:
    """Fork, run, return what the child acknowledged before it ended."""
    reader, writer = os.pipe()
    pid = os.fork()
    if pid == 0:
        code = 1
        try:
            os.close(reader)
            one_job(place, number, fatal, writer)
            code = 0
        except BaseException:
            traceback.print_exc()
        finally:
            os._exit(code)
    os.close(writer)
    with os.fdopen(reader) as pipe:
        said = dict(line.rstrip("\n").split(" ", 1) for line in pipe)
    _, status = os.waitpid(pid, 0)
    assert os.WIFSIGNALED(status) or os.WEXITSTATUS(status) == 0
    return said


def check(place: Path, said: dict[str, str], ever: set[str]) -> None:
    """Everything that must hold after any death; finishes what was left and remembers all jobs in *ever*."""
    stage = reopen(place)
    try:
        stage.keeper.audit_verify(stage.li)
        leaves = stage.keeper.audit_list(stage.li, 0, 10**6)["leaves"]
        charged = {leaf["facts"]["job"]: leaf["leaf"] for leaf in leaves if leaf["kind"] == "charge"}
        for leaf in leaves:
            if leaf["kind"] == "release":
                assert charged[leaf["facts"]["job"]] < leaf["leaf"]
        if "charged" in said:
            assert said["charged"] in charged
        if "released" in said:
            assert stage.keeper.job_result(stage.wang, said["charged"])["tables"] == json.loads(
                said["released"]
            )
        _resume(stage, set(charged) - ever)
        ever |= set(charged)
        spent = stage.keeper.budget_show(stage.bureau, "health.stays")["charges"]
        assert len(spent) == len({row["job"] for row in spent}) == len(charged)
    finally:
        stage.keeper.close()


def _resume(stage: Stage, jobs: set[str]) -> None:
    for job in jobs:
        first = stage.keeper.job_run(stage.wang, job)
        assert first["status"] == "released"
        assert stage.keeper.job_run(stage.wang, job)["tables"] == first["tables"]


def kills(place: Path, count: int) -> None:
    stage = build(place, epsilon=1000)
    stage.ask(epsilon="0.002")  # imports everything once, so that children die at work and not at imports
    stage.keeper.close()
    ever: set[str] = set()
    whole = int(run_child(place, 1, -1)["calls"])
    died = 0
    for number in range(count):
        said = run_child(place, 2 + number, random.randint(1, whole))
        died += "calls" not in said
        check(place, said, ever)
    assert died > count * 0.8
    assert len(ever) > count * 0.05  # and not all of them before the charge


def test_kills_anywhere(tmp_path: Path) -> None:
    kills(tmp_path, 25)


@pytest.mark.soak
def test_many_kills_anywhere(tmp_path: Path) -> None:
    kills(tmp_path, 250)


def _submit_many(place: Path, first: int, count: int, results: multiprocessing.Queue) -> None:
    stage = reopen(place)
    for number in range(first, first + count):
        sql = f"SELECT COUNT(*) AS n FROM health.stays WHERE days > {number}"
        try:
            job = stage.keeper.job_submit(stage.wang, JobRequest(sql, PURPOSE, epsilon="0.5"))["job"]
            stage.keeper.job_run(stage.wang, job)
            results.put("released")
        except KeyongError as error:
            results.put(error.code)


def test_fifty_at_once_against_a_budget_for_ten(tmp_path: Path) -> None:
    build(tmp_path, filter="pure", delta="0", epsilon=5).keeper.close()
    results: multiprocessing.Queue = _FORK.Queue()
    children = [_FORK.Process(target=_submit_many, args=(tmp_path, 10 * n, 10, results)) for n in range(5)]
    for child in children:
        child.start()
    found = [results.get(timeout=120) for _ in range(50)]
    for child in children:
        child.join()
    assert sorted(set(found)) == ["budget.lifetime", "released"]
    assert found.count("released") == 10
    stage = reopen(tmp_path)
    budget = stage.keeper.budget_show(stage.bureau, "health.stays")
    assert (budget["spent"]["epsilon"], budget["remaining"]["epsilon"]) == ("5", "0")
    assert stage.keeper.audit_verify(stage.li)["releases"] == 10


def test_a_job_is_run_once_by_two_processes_at_once(tmp_path: Path) -> None:
    stage = build(tmp_path)
    job = stage.keeper.job_submit(stage.wang, _request(1))["job"]
    results: multiprocessing.Queue = _FORK.Queue()

    def finish() -> None:
        other = reopen(tmp_path)
        results.put(json.dumps(other.keeper.job_run(other.wang, job)["tables"]))

    children = [_FORK.Process(target=finish) for _ in range(4)]
    for child in children:
        child.start()
    assert len({results.get(timeout=120) for _ in children}) == 1
    for child in children:
        child.join()
    kinds = [leaf["kind"] for leaf in stage.keeper.audit_list(stage.li)["leaves"]]
    assert (kinds.count("charge"), kinds.count("release")) == (1, 1)
