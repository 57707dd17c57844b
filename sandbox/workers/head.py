"""The Ray head: the process that starts Ray's own servers and takes them with it.

Law: Ray listens on loopback only and asks for a token; it has no dashboard, no log streaming, no
spilling, and an environment of our making, so that no secret of the person's shell reaches a worker.
Nothing of a head survives it, neither process nor file. A private head ends with the executor that
started it, however that ends: it waits for the end of a pipe. The head of a pool stays until it is told
to end.

One process per head (``python -m sandbox.workers.head``) leads a session of its own, so that Ctrl-C at a
terminal does not reach Ray. Ray's ``init`` and ``ray start`` do not do for that: on Linux both turn
127.0.0.1 into an address of the network, and both start a dashboard server, a monitor and a log monitor
(8.7 s until ready on two cores instead of 1.3). Hence `ray._private.node`, and a narrow pin in setup.cfg.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import resource
import secrets
import select
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import IO, Any, Final

import sandbox
from sandbox.errors import JobFailedError
from sandbox.keys.files import create_private, replace_private

OBJECT_STORE_BYTES: Final = 256 * 2**20
START_SECONDS: Final = 60.0
STOP_SECONDS: Final = 10.0
# A Unix socket's path has at most 107 bytes; ours ends in /r/session_<date>_<pid>/sockets/plasma_store.
_LONGEST_DIRECTORY: Final = 107 - 66
_LOCK_TRIES: Final = 20


@dataclass(frozen=True, slots=True)
class Head:
    """A running Ray head: where it listens, its process, its private directory, how many shard workers."""

    address: str
    pid: int
    directory: str
    workers: int

    @property
    def token(self) -> Path:
        """The file (0600) with the cluster's token."""
        return Path(self.directory) / "token"


def pool_lock(run_directory: Path) -> Path:
    """Return the file that the head of a pool holds locked as long as it lives."""
    return run_directory / "pool.lock"


def pool_file(run_directory: Path) -> Path:
    """Return the file that says where the pool's head listens."""
    return run_directory / "pool.json"


def launch(run_directory: Path, *, stays: bool) -> subprocess.Popen[bytes]:
    """Start a head's process and return at once; it ends with its standard input unless it *stays*."""
    return subprocess.Popen(  # noqa: S603 - our own interpreter, our own module
        [sys.executable, "-P", "-m", __name__, str(run_directory.absolute()), "stay" if stays else "leave"],
        stdin=subprocess.DEVNULL if stays else subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env=_environment(),
        cwd="/",
        start_new_session=True,
    )


def await_head(process: subprocess.Popen[bytes]) -> Head:
    """Return the head once it is ready; raises `JobFailedError` if it ended or took too long."""
    assert process.stdout is not None
    line = process.stdout.readline() if _readable(process.stdout, START_SECONDS) else b""
    if not line:
        process.terminate()
        raise JobFailedError("pool.no-start", seconds=int(START_SECONDS))
    return Head(**json.loads(line))


def _readable(file: int | IO[bytes], seconds: float) -> bool:
    """Wait until *file* has something to read or is closed; `select` knows no file numbers above 1023."""
    poll = select.poll()
    poll.register(file, select.POLLIN | select.POLLHUP)
    return bool(poll.poll(seconds * 1000))


def end_head(process: subprocess.Popen[bytes]) -> None:
    """End a private head and wait until nothing of it is left."""
    assert process.stdin is not None
    process.stdin.close()
    process.terminate()
    with contextlib.suppress(subprocess.TimeoutExpired):
        process.wait(STOP_SECONDS)
    # Also after a head that ended by itself: a signal at the wrong moment may have cut its clean-up short.
    end_session(process.pid)
    process.wait()
    if process.stdout is not None:
        process.stdout.close()


def end_session(session: int) -> None:
    """Kill every process of *session* but this one, until none is left (elsewhere than Linux: its group)."""
    if not Path("/proc/self/stat").exists():
        os.killpg(session, signal.SIGKILL)
        return
    deadline = time.monotonic() + STOP_SECONDS
    while (members := list(_members(session))) and time.monotonic() < deadline:
        for pid in members:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        time.sleep(0.01)


def _members(session: int) -> Iterator[int]:
    """Living processes of *session* except this one, from /proc/PID/stat (proc(5): state, …, session)."""
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit() and int(entry.name) != os.getpid():
            with contextlib.suppress(OSError):
                fields = (entry / "stat").read_text().rpartition(")")[2].split()
                if fields[0] not in "ZX" and int(fields[3]) == session:
                    yield int(entry.name)


def _environment() -> dict[str, str]:
    """What a head and its workers know of the world."""
    kept = {name: os.environ[name] for name in ("PATH", "HOME", "LANG", "LC_ALL", "TZ") if name in os.environ}
    return kept | {
        "PYTHONPATH": str(Path(sandbox.__file__).parents[1]),
        "PYTHONSAFEPATH": "1",
        "RAY_AUTH_MODE": "token",
        "RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER": "0",  # on every system: stay on loopback
        "RAY_USAGE_STATS_ENABLED": "0",
        "RAY_BACKEND_LOG_LEVEL": "error",
        # Keep freed memory: a worker allocates the same few arrays for every batch of every shard, and
        # getting fresh pages from the kernel each time is a quarter of its work.
        "MALLOC_MMAP_THRESHOLD_": str(2**28),
        "MALLOC_TRIM_THRESHOLD_": str(2**29),
    }


# --- inside the head's process ------------------------------------------------------------------------


def main(run_directory: Path, *, stays: bool) -> None:
    """Be a head: start Ray, say so on standard output, wait for the end, leave nothing."""
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    signal.signal(signal.SIGTERM, _end_once)
    with pool_lock(run_directory).open("ab") as lock:
        if stays and not _locked(lock):
            return
        directory = _directory(run_directory)
        try:
            try:
                _serve(run_directory, directory, stays)
            finally:  # a signal that lands here raises here, inside the outer try: nothing below is skipped
                signal.signal(signal.SIGTERM, signal.SIG_IGN)
        finally:
            if stays:
                pool_file(run_directory).unlink(missing_ok=True)
            end_session(os.getsid(0))
            shutil.rmtree(directory, ignore_errors=True)


def _end_once(*_: object) -> None:
    """Leave by an exception, the first time only."""
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    sys.exit(0)


def _locked(lock: IO[bytes]) -> bool:
    """Take the pool's lock; somebody asking for the status may hold it for an instant."""
    for _ in range(_LOCK_TRIES):
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            time.sleep(0.05)
        else:
            return True
    return False


def _serve(run_directory: Path, directory: Path, stays: bool) -> None:
    token = directory / "token"
    create_private(token, secrets.token_hex(32).encode())
    os.environ["RAY_AUTH_TOKEN_PATH"] = str(token)
    node, workers = _start_ray(directory)
    line = json.dumps(asdict(Head(node.address, os.getpid(), str(directory), workers))).encode()
    if stays:
        replace_private(pool_file(run_directory), line)
    with contextlib.suppress(BrokenPipeError):
        os.write(1, line + b"\n")
    while node.remaining_processes_alive():
        if stays:
            time.sleep(1)
        elif _readable(0, 1):
            return


def _start_ray(directory: Path) -> tuple[Any, int]:
    """Start Ray's two servers on loopback, with room for a shard worker per core and for the combiner."""
    from ray._private.node import Node  # noqa: PLC0415 - 0.7 s, and only in a head's process
    from ray._private.parameter import RayParams  # noqa: PLC0415

    class LoopbackNode(Node):  # type: ignore[misc] # Ray has no types here
        """A head without the dashboard's server."""

        def start_api_server(self, **_: object) -> None:
            self._webui_url = ""

    affinity = getattr(os, "sched_getaffinity", None)  # Linux only
    cores = len(affinity(0)) if affinity else os.cpu_count() or 1
    parameters = RayParams(
        node_ip_address="127.0.0.1",
        num_cpus=cores + 1,
        include_dashboard=False,
        no_monitor=True,
        include_log_monitor=False,
        temp_dir=str(directory / "r"),  # Ray opens this one to everybody (0777): ours around it is 0700
        object_store_memory=OBJECT_STORE_BYTES,
        # Ray would run workers at nice 15: a question is not a background chore.
        _system_config={"automatic_object_spilling_enabled": False, "worker_niceness": 0},
    )
    return LoopbackNode(parameters, head=True, shutdown_at_exit=False, spawn_reaper=True), cores


def _directory(run_directory: Path) -> Path:
    """Return a new directory (0700) for Ray's session, in the workspace if a socket's path fits there."""
    fits = len(os.fsencode(run_directory / "ray-12345678")) <= _LONGEST_DIRECTORY
    parent = run_directory if fits else Path("/tmp")  # noqa: S108 - mkdtemp makes it 0700 and new
    return Path(tempfile.mkdtemp(prefix="ray-", dir=parent))


if __name__ == "__main__":
    main(Path(sys.argv[1]), stays=sys.argv[2] == "stay")
