"""Order, on Ray: the command is killed at random moments while its query runs on a pool's workers.

The pool stays, as it would for other people.  Afterwards the log verifies, no release is without an earlier
charge, and every charged job is brought to its end on the charge it has paid.
"""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from stage import PURPOSE, Stage, build, reopen

from service.embedded import pool

REPOSITORY = Path(__file__).parents[2]


@pytest.fixture
def pooled(tmp_path: Path) -> Iterator[Stage]:
    stage = build(tmp_path, epsilon=1000)
    stage.keeper.close()
    pool("start", tmp_path / "ws")
    yield stage
    pool("stop", tmp_path / "ws")


def query(place: Path, number: int) -> subprocess.Popen[bytes]:
    sql = f"SELECT ward, AVG(cost) AS cost FROM health.stays WHERE days > -{number} GROUP BY ward"
    arguments = ["--as", "wang", "query", sql, "--epsilon", "0.001", "--purpose", PURPOSE]
    return subprocess.Popen(
        [sys.executable, "-m", "cli", *arguments],
        cwd=REPOSITORY,
        env={**os.environ, "KEYONG_WORKSPACE": str(place / "ws")},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )


def kills(place: Path, count: int) -> int:
    """Kill *count* queries at random; return how many had been charged when they died."""
    start = time.monotonic()
    assert query(place, 1).wait() == 0
    usual = time.monotonic() - start
    for number in range(count):
        process = query(place, number + 2)
        time.sleep(random.uniform(0.3, 1.0) * usual)
        process.send_signal(signal.SIGKILL)
        process.wait()
        check(place)
    return check(place)


def check(place: Path) -> int:
    stage = reopen(place, executor="ray")
    try:
        stage.keeper.audit_verify(stage.li)
        leaves = stage.keeper.audit_list(stage.li, 0, 10**6)["leaves"]
        charged = {leaf["facts"]["job"]: leaf["leaf"] for leaf in leaves if leaf["kind"] == "charge"}
        released = {leaf["facts"]["job"]: leaf["leaf"] for leaf in leaves if leaf["kind"] == "release"}
        assert all(charged[job] < leaf for job, leaf in released.items())
        for job in charged.keys() - released.keys():
            assert stage.keeper.job_run(stage.wang, job)["status"] == "released"
        return len(charged)
    finally:
        stage.keeper.close()


@pytest.mark.ray
def test_killed_queries_leave_nothing_unpaid(pooled: Stage) -> None:
    kills(pooled.place, 3)


@pytest.mark.ray
@pytest.mark.soak
def test_many_killed_queries_leave_nothing_unpaid(pooled: Stage) -> None:
    assert kills(pooled.place, 15) > 5
