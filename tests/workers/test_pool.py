"""The pool: it stays, is shared, is never believed when dead, and goes without a trace."""

import contextlib
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
from worker_rounds import FOLDER

from sandbox.workers import head, pool

pytestmark = [pytest.mark.ray, pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc")]
ROOT = Path(head.__file__).parents[2]

PROGRAM = """
import sys, json, time
start = time.monotonic()
sys.path[:0] = [{support!r}]
from pathlib import Path
from worker_rounds import ENTRIES, FOLDER, round_of
from sandbox.workers.ray_executor import RayExecutor
executor = RayExecutor(Path({run!r}), entries=ENTRIES, path=(FOLDER,))
pids = set()
for number in range(6):
    answer = json.loads(executor.run(round_of([(b"", b"")] * 6, "where", job={job!r})))
    pids |= {{json.loads(text)["pid"] for text in answer[1:]}}
assert executor._private is None
executor.close()
print(json.dumps([sorted(pids), time.monotonic() - start]))
"""


def _ask(run: Path, job: str) -> subprocess.Popen:
    return subprocess.Popen(
        [sys.executable, "-c", PROGRAM.format(support=FOLDER, run=str(run), job=job)],
        stdout=subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        cwd=ROOT,
        text=True,
    )


def _answer(process: subprocess.Popen):
    import json

    said, _ = process.communicate(timeout=60)
    return json.loads(said)


def test_two_starts_make_one_pool_that_processes_share_and_stop_ends(tmp_path):
    told = []
    starters = [threading.Thread(target=lambda: told.append(pool.start(tmp_path))) for _ in range(2)]
    for starter in starters:
        starter.start()
    for starter in starters:
        starter.join()
    assert told[0] == told[1] == pool.status(tmp_path)
    assert told[0]["pool"] == "running"
    assert (tmp_path / "pool.json").stat().st_mode & 0o777 == 0o600
    leader = told[0]["pid"]

    both = [_ask(tmp_path, "a"), _ask(tmp_path, "b")]
    (first, _), (second, _) = (_answer(process) for process in both)
    assert set(first) | set(second) == set(first)  # the same warm workers
    again, seconds = _answer(_ask(tmp_path, "c"))
    assert set(again) == set(first)
    assert seconds < 6  # 1.6 on a quiet machine

    directory = Path(pool.alive(tmp_path).directory)
    assert pool.stop(tmp_path) == {"pool": "stopped"}
    assert list(head._members(leader)) == []
    assert not Path(f"/proc/{leader}/exe").exists()
    assert not directory.exists()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["enrolment.key", "pool.lock"]
    assert pool.stop(tmp_path) == {"pool": "stopped"}
    assert not (tmp_path / "pool.json").exists()


def _servers(leader: int) -> list[int]:
    """Everything of a head but Ray's two agents, which know no secret and may take a minute to notice."""
    names = {}
    for pid in head._members(leader):
        with contextlib.suppress(OSError):  # it ended while we looked
            names[pid] = Path(f"/proc/{pid}/comm").read_text().strip()
    return [pid for pid, name in names.items() if name not in {"ray::DashboardA", "ray::RuntimeEnv"}]


def test_a_pool_killed_outright_loses_its_servers_and_is_not_believed(tmp_path):
    started = pool.start(tmp_path)
    leader = started["pid"]
    os.kill(leader, signal.SIGKILL)
    deadline = time.monotonic() + 30
    while _servers(leader):
        assert time.monotonic() < deadline
        time.sleep(0.05)
    assert (tmp_path / "pool.json").exists()
    # The kernel frees the lock when the last thread is gone, which may be after the servers went.
    while pool.status(tmp_path) != {"pool": "stopped"}:
        assert time.monotonic() < deadline
        time.sleep(0.05)
    head.end_session(leader)
    directory = pool._read(tmp_path).directory
    assert Path(directory).exists()
    pool.stop(tmp_path)
    assert not Path(directory).exists()
    assert not (tmp_path / "pool.json").exists()


def test_a_pool_file_that_nobody_stands_behind_is_not_believed(tmp_path):
    (tmp_path / "pool.json").write_text(
        f'{{"address": "127.0.0.1:1", "pid": {os.getpid()}, "directory": "/", "workers": 2}}'
    )
    assert pool.status(tmp_path) == {"pool": "stopped"}
    (tmp_path / "pool.lock").touch()
    assert pool.alive(tmp_path) is None
    assert pool.stop(tmp_path) == {"pool": "stopped"}
    assert not (tmp_path / "pool.json").exists()


@pytest.mark.soak
def test_a_head_whose_ray_died_ends(tmp_path):
    started = pool.start(tmp_path)
    victims = [
        pid
        for pid in head._members(started["pid"])
        if Path(f"/proc/{pid}/comm").read_text().strip() == "raylet"
    ]
    os.kill(victims[0], signal.SIGKILL)
    deadline = time.monotonic() + 8
    while pool.alive(tmp_path) is not None:
        assert time.monotonic() < deadline
        time.sleep(0.05)
    assert pool.status(tmp_path) == {"pool": "stopped"}
