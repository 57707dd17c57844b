"""Ray as we start it: on loopback, silent, blind to what it carries, and gone when we are done."""

import json
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
from worker_entries import CANARY
from worker_rounds import ENTRIES, FOLDER, round_of

from sandbox.errors import JobFailedError, UsageError
from sandbox.workers import head
from sandbox.workers.ray_executor import RayExecutor

pytestmark = [pytest.mark.ray, pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc")]
ROOT = Path(head.__file__).parents[2]


@pytest.fixture(scope="module")
def executor(tmp_path_factory):
    folder = tmp_path_factory.mktemp("here")
    (folder / "sandbox").mkdir()
    (folder / "sandbox" / "__init__.py").write_text("raise SystemExit('a package of the same name')\n")
    before = Path.cwd()
    os.chdir(folder)
    os.environ["KEYONG_PASSPHRASE"] = CANARY.decode()
    executor = RayExecutor(tmp_path_factory.mktemp("run"), entries=ENTRIES, path=(FOLDER,))
    executor.run(round_of([]))
    yield executor
    os.chdir(before)
    del os.environ["KEYONG_PASSPHRASE"]
    executor.close()


def _session(executor) -> list[int]:
    return [executor._private.pid, *head._members(executor._private.pid)]


def _directory(executor) -> Path:
    import ray

    return Path(ray._private.worker._global_node.get_session_dir_path()).parents[1]


def _where(executor):
    answers = json.loads(executor.run(round_of([(b"", b"")] * 8, "where")))
    return [json.loads(text) for text in answers[1:]]


def test_workers_know_nothing_of_the_person_but_home_and_language(executor):
    for seen in _where(executor):
        assert "KEYONG_PASSPHRASE" not in seen["environment"]
        assert CANARY.decode() not in json.dumps(seen["environment"])
        assert seen["safe"]
        assert seen["core"] == [0, 0]
        paths = [path for path in seen["path"] if "thirdparty_files" not in path]
        assert paths[:2] == [FOLDER, str(ROOT)]
        assert str(Path.cwd()) not in paths
        assert "" not in paths


def test_shards_go_to_every_core(executor):
    assert len({seen["pid"] for seen in _where(executor)}) == len(os.sched_getaffinity(0))


def _listening(pids) -> set[str]:
    inodes = set()
    for pid in pids:
        for entry in Path(f"/proc/{pid}/fd").glob("*"):
            try:
                inodes.add(str(entry.readlink()))
            except OSError:
                continue
    found = set()
    for table in ("tcp", "tcp6"):
        for line in Path(f"/proc/net/{table}").read_text().splitlines()[1:]:
            fields = line.split()
            if fields[3] == "0A" and f"socket:[{fields[9]}]" in inodes:
                found.add(fields[1].split(":")[0])
    return found


def test_every_socket_listens_on_loopback(executor):
    addresses = _listening([*_session(executor), os.getpid()])
    assert addresses
    assert addresses <= {"0100007F", "0000000000000000FFFF00000100007F", "00000000000000000000000001000000"}


def test_the_session_is_private_and_asks_for_a_token(executor):
    directory = _directory(executor)
    assert directory.stat().st_mode & 0o777 == 0o700
    assert (directory / "token").stat().st_mode & 0o777 == 0o600
    assert os.environ["RAY_AUTH_MODE"] == "token"
    assert _where(executor)[0]["environment"]["RAY_AUTH_MODE"] == "token"


def _files_with(canary: bytes, *folders: Path) -> list[Path]:
    return [
        path
        for folder in folders
        for path in folder.rglob("*")
        if path.is_file() and not path.is_symlink() and canary in path.read_bytes()
    ]


def _memory_has(pid: int, canary: bytes) -> bool:
    with Path(f"/proc/{pid}/mem").open("rb", 0) as memory:
        for line in Path(f"/proc/{pid}/maps").read_text().splitlines():
            span, rights = line.split()[:2]
            start, end = (int(part, 16) for part in span.split("-"))
            if rights.startswith("rw") and end - start <= 2**29:
                try:
                    memory.seek(start)
                    if canary in memory.read(end - start):
                        return True
                except (OSError, ValueError):
                    continue
    return False


def test_secrets_and_exact_numbers_are_in_no_file_and_no_memory_of_ray(executor):
    own = CANARY + b"-during"
    work = round_of([(b"0.4", own)] * 6, "slow", combine="size")
    thread = threading.Thread(target=executor.run, args=(work,))
    thread.start()
    time.sleep(0.6)
    places = (_directory(executor), Path("/dev/shm"))
    assert _files_with(own, *places) == []
    marker = b"seen-by-the-transport" * 10_000
    executor.run(round_of([(marker, own)] * 3, "loud", combine="size"))
    thread.join()
    assert _files_with(own, *places) == []
    names = {pid: Path(f"/proc/{pid}/comm").read_text().strip() for pid in _session(executor)}
    servers = [pid for pid, name in names.items() if name in {"raylet", "gcs_server"}]
    assert len(servers) == 2
    assert any(_memory_has(pid, marker[:200]) for pid in servers)  # the search finds what is there
    assert not any(_memory_has(pid, own) for pid in servers)


def test_a_killed_process_is_replaced(executor):
    victim = _where(executor)[0]["pid"]
    os.kill(victim, signal.SIGKILL)
    assert victim not in {seen["pid"] for seen in _where(executor)}


def test_one_process_one_cluster(executor, tmp_path):
    second = RayExecutor(tmp_path)
    with pytest.raises(UsageError, match=r"worker[.]ray-in-use"):
        second.run(round_of([]))
    second.close()
    assert executor.run(round_of([], combine="size")) == b"0"


def test_closing_leaves_no_process_and_no_file(executor):
    session, directory = _session(executor), _directory(executor)
    leader = executor._private.pid
    executor.close()
    assert list(head._members(leader)) == []
    assert not any(Path(f"/proc/{pid}/exe").exists() for pid in session)
    assert not directory.exists()
    executor.close()  # twice is no harm


PROGRAM = """
import sys
sys.path[:0] = [{support!r}]
from pathlib import Path
from worker_rounds import ENTRIES, FOLDER, round_of
from sandbox.workers.ray_executor import RayExecutor
executor = RayExecutor(Path({run!r}), entries=ENTRIES, path=(FOLDER,))
try:
    executor.run(round_of([], combine="size"))
    print(executor._private.pid, flush=True)
    executor.run(round_of([(b"30", b"")] * 4, "slow"))
except KeyboardInterrupt:
    print("interrupted", flush=True)
    executor.close()
    print("closed", flush=True)
"""


@pytest.mark.parametrize(("number", "seconds"), [(signal.SIGINT, 4), (signal.SIGKILL, 4)])
def test_ctrl_c_and_a_sudden_death_leave_nothing(tmp_path, number, seconds):
    program = PROGRAM.format(support=FOLDER, run=str(tmp_path))
    process = subprocess.Popen(
        [sys.executable, "-c", program],
        stdout=subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        cwd=ROOT,
        start_new_session=True,
        text=True,
    )
    leader = int(process.stdout.readline())
    time.sleep(0.5)
    start = time.monotonic()
    os.killpg(process.pid, number)
    said, _ = process.communicate(timeout=20)
    if number == signal.SIGINT:
        assert said.split() == ["interrupted", "closed"]
    while list(head._members(leader)) or Path(f"/proc/{leader}/exe").exists():
        assert time.monotonic() - start < seconds + 4
        time.sleep(0.05)
    assert [path.name for path in tmp_path.iterdir() if path.name.startswith("ray-")] == []


def test_closing_at_once_is_quick_and_clean(tmp_path):
    executor = RayExecutor(tmp_path)
    time.sleep(0.2)
    start = time.monotonic()
    executor.close()
    assert time.monotonic() - start < 10
    assert [path.name for path in tmp_path.iterdir() if path.name.startswith("ray-")] == []


def test_a_cluster_that_is_not_there_is_named(tmp_path, monkeypatch):
    monkeypatch.setenv("RAY_AUTH_TOKEN_PATH", str(tmp_path / "token"))
    (tmp_path / "token").write_text("no such token")
    executor = RayExecutor(tmp_path, "127.0.0.1:1")
    with pytest.raises(JobFailedError) as caught:
        executor.run(round_of([]))
    assert caught.value.facts == {"address": "127.0.0.1:1"}
    executor.close()
