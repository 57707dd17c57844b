"""The executor of the product: worker processes under Ray, on this machine or on a cluster.

Law: Ray carries sealed bytes and the names of jobs and shards, nothing else; no function and no object of
ours is pickled but paths and names, and no directory of the person's gets onto a worker's import path.
Ray itself is no security boundary (its documentation says so): see `sandbox.workers.head` for what is
closed.

Workers come from, in this order: the cluster that ``KEYONG_RAY_ADDRESS`` names, the workspace's pool, a
private head that ends with this executor. In the first two they are named actors that outlive this
process: the next one finds them with everything imported. A worker keeps the code it was started with:
after an upgrade the pool must be started again. On a cluster the workspace's run directory must be the
same path on every node.

Attaching begins in the background when the executor is made. Ray knows one cluster per process.
"""

from __future__ import annotations

import atexit
import hashlib
import os
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Collection
from concurrent.futures import Future
from contextlib import suppress
from pathlib import Path
from typing import Any, Final

from sandbox.errors import JobFailedError, KeyongError, UsageError
from sandbox.workers import head, pool
from sandbox.workers.dispatch import COMBINER, Pending, RoundExecutor, WorkerLostError, enrolment_path
from sandbox.workers.entries import ENTRIES, Entries
from sandbox.workers.worker import ProcessWorker

_JOIN_SECONDS: Final = 10.0
_KNOCK_SECONDS: Final = 5.0


class RayExecutor(RoundExecutor):
    """Runs rounds on Ray; *address* or ``KEYONG_RAY_ADDRESS`` names a cluster that is not ours.

    Raises, from `run`: `JobFailedError` when no workers are to be had, `UsageError` when this process already
    uses another cluster.  *entries* and *path* are for tests, as in `ProcessWorker`.
    """

    def __init__(
        self,
        run_directory: Path,
        address: str | None = None,
        *,
        entries: Entries = ENTRIES,
        path: tuple[str, ...] = (),
    ) -> None:
        run_directory = run_directory.absolute()
        super().__init__(enrolment_path(run_directory))
        self._run = run_directory
        self._address = address or os.environ.get("KEYONG_RAY_ADDRESS")
        self._arguments = (str(self._enrolment), entries, path)
        self._private: subprocess.Popen[bytes] | None = None
        self._closed = threading.Event()
        self._attached: Future[int] = Future()
        self._warming = threading.Thread(target=self._warm_up, name="keyong-workers", daemon=True)
        self._warming.start()
        atexit.register(self.close)

    def close(self) -> None:
        """Detach; end a private head with all its workers.  A pool stays.  May be called twice."""
        atexit.unregister(self.close)
        self._closed.set()
        if self._private is not None and not self._attached.done():
            self._private.terminate()  # what the other thread waits for will not come
        self._warming.join(_JOIN_SECONDS)
        if self._attached.done() and self._attached.exception() is None:
            _ray().shutdown()
        self._attached = Future()
        self._seats.clear()
        if self._private is not None:
            head.end_head(self._private)
            self._private = None

    def _warm_up(self) -> None:
        try:
            workers = self._attach()
        except BaseException as error:  # whoever waits for the workers gets it
            self._attached.set_exception(error)
            return
        self._attached.set_result(workers)
        # What goes wrong here goes wrong again in `run`, where somebody hears of it.
        with suppress(KeyongError):
            self._fill([COMBINER, *(f"shard-{number}" for number in range(workers))])

    def _attach(self) -> int:
        if "ray" in sys.modules and _ray().is_initialized():
            raise UsageError("worker.ray-in-use")
        if self._address is not None:
            _connect(self._address, None, self._namespace())
            return max(1, int(_ray().cluster_resources().get("CPU", 1)) - 1)
        found = pool.alive(self._run)
        if found is None:
            self._private = head.launch(self._run, stays=False)
            _ray()  # imports while the head comes up
            found = head.await_head(self._private)
        if self._closed.is_set():
            raise JobFailedError("worker.closed")
        _connect(found.address, found.token, self._namespace())
        return found.workers

    def _namespace(self) -> str:
        return "keyong-" + hashlib.sha256(os.fsencode(self._run)).hexdigest()[:16]

    def _workers(self) -> int:
        return self._attached.result()

    def _hire(self, position: str) -> Any:
        options = {
            "name": position,
            "get_if_exists": True,
            "lifetime": "detached",
            "max_restarts": 0,  # a new process has new keys: it must enrol as a new worker
            "num_cpus": 1,
        }
        ray = _ray()
        try:
            return ray.remote(ProcessWorker).options(**options).remote(*self._arguments)
        except (ray.exceptions.RayError, ValueError):
            # The name of one that just died may not be free yet.
            time.sleep(0.1)
            raise WorkerLostError from None

    def _dismiss(self, handle: Any) -> None:
        ray = _ray()
        with suppress(ray.exceptions.RayError, ValueError):
            ray.kill(handle)

    def _call(self, handle: Any, method: str, *arguments: bytes) -> Pending:
        pending: Pending = getattr(handle, method).remote(*arguments)
        return pending

    def _next(self, pending: Collection[Pending]) -> Pending:
        ready, _ = _ray().wait(list(pending), num_returns=1)
        first: Pending = ready[0]
        return first

    def _reply(self, pending: Pending, patience: float | None = None) -> bytes:
        ray = _ray()
        if patience is not None:
            self._await(pending, patience)
        try:
            reply: bytes = ray.get(pending)
        except ray.exceptions.RayError:
            # Actor, node or object lost.  An exception of ours never comes here: workers reply with codes.
            raise WorkerLostError from None
        return reply

    def _await(self, pending: Pending, patience: float) -> None:
        """Wait, but not beyond *patience* and not while `close` wants to shut Ray down."""
        deadline = time.monotonic() + patience
        while not _ray().wait([pending], timeout=0.2)[0]:
            if self._closed.is_set():
                raise JobFailedError("worker.closed")
            if time.monotonic() > deadline:
                raise JobFailedError("worker.no-answer", seconds=int(patience))


def _ray() -> Any:
    import ray  # noqa: PLC0415 - costs 0.7 s, which a command without a job should not pay

    return ray


def _connect(address: str, token: Path | None, namespace: str) -> None:
    """Attach this process to the cluster at *address*; *token* is given for a head of ours, on loopback."""
    os.environ["RAY_AUTH_MODE"] = "token"
    if token is not None:
        os.environ["RAY_AUTH_TOKEN_PATH"] = str(token)
    ray = _ray()
    _forget_last_cluster(loopback=token is not None)
    try:
        _knock(address)
        ray.init(
            address=address,
            namespace=namespace,
            log_to_driver=False,
            logging_level="CRITICAL",
            job_config=_job_config(),
        )
    except (OSError, ValueError, RuntimeError, ray.exceptions.RayError):
        raise JobFailedError("worker.no-cluster", address=address) from None


def _knock(address: str) -> None:
    """Raise `OSError` or `ValueError` if nobody listens at *address*: Ray would try for minutes."""
    host, _, port = address.rpartition(":")
    socket.create_connection((host, int(port)), _KNOCK_SECONDS).close()


def _forget_last_cluster(*, loopback: bool) -> None:
    """Make Ray read mode and token anew, and take 127.0.0.1 for what it says (see `sandbox.workers.head`)."""
    from ray import _raylet as core  # noqa: PLC0415
    from ray._private import ray_constants  # noqa: PLC0415 - as in _ray

    settings: Any = core

    ray_constants.ENABLE_RAY_CLUSTER = not loopback
    settings.Config.initialize("")
    settings.AuthenticationTokenLoader.instance().reset_cache()


def _job_config() -> Any:
    """Return a Ray job description that keeps this process's directories off the workers' import path.

    Ray puts the script's and the current directory in front of every worker's import path unless the job
    brings a working directory of its own; a folder named ``sandbox`` in there would run with column keys.
    """
    from ray.job_config import JobConfig  # noqa: PLC0415 - as in _ray

    class Closed(JobConfig):  # type: ignore[misc] # Ray has no types here
        """A job that brings no directory and takes none."""

        def _runtime_env_has_working_dir(self) -> bool:
            return True

    return Closed()
