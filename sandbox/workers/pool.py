"""The pool: workers that stay warm between commands.

Law: ``run/pool.json`` is believed only while the head it names holds ``run/pool.lock``.  The kernel frees the
lock however the head ends, so a stale file, a reused process number or a killed pool deceive nobody.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import shutil
import signal
import subprocess
import time
from pathlib import Path
from typing import Any

from sandbox.errors import JobFailedError
from sandbox.workers.head import (
    START_SECONDS,
    STOP_SECONDS,
    Head,
    await_head,
    end_session,
    launch,
    pool_file,
    pool_lock,
)


def start(run_directory: Path) -> dict[str, Any]:
    """Start the pool unless it runs; say what `status` says.  `JobFailedError` if it does not come up."""
    _clear(run_directory)
    if alive(run_directory) is None:
        process = launch(run_directory, stays=True)
        try:
            await_head(process)
        except JobFailedError:
            # Another `start` may have been first, and then its head counts.
            if not _comes_up(run_directory):
                raise
        except KeyboardInterrupt:
            # The head leads a session of its own, so that the key did not reach it.
            process.terminate()
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(STOP_SECONDS)
            end_session(process.pid)
            raise
    return status(run_directory)


def _clear(run_directory: Path) -> None:
    """Remove what a head that was killed outright could not remove itself."""
    with contextlib.suppress(FileNotFoundError):
        directory = Path(_read(run_directory).directory)
        if not _held(run_directory):  # asked after reading: whoever wrote what was read is gone
            pool_file(run_directory).unlink()
            if directory.name.startswith("ray-"):
                shutil.rmtree(directory, ignore_errors=True)


def _comes_up(run_directory: Path) -> bool:
    deadline = time.monotonic() + START_SECONDS
    while _held(run_directory) and time.monotonic() < deadline:
        if alive(run_directory) is not None:
            return True
        time.sleep(0.05)
    return False


def stop(run_directory: Path) -> dict[str, Any]:
    """End the pool and everything of it; say what `status` says."""
    head = alive(run_directory)
    if head is not None:
        with contextlib.suppress(ProcessLookupError):
            os.kill(head.pid, signal.SIGTERM)
        deadline = time.monotonic() + STOP_SECONDS
        while _held(run_directory) and time.monotonic() < deadline:
            time.sleep(0.02)
        end_session(head.pid)  # by now itself at most, on its way out, unless it did not listen
        shutil.rmtree(head.directory, ignore_errors=True)
    _clear(run_directory)
    return status(run_directory)


def status(run_directory: Path) -> dict[str, Any]:
    """Return ``{"pool": "running", "address", "pid", "workers", "directory"}`` or ``{"pool": "stopped"}``."""
    head = alive(run_directory)
    if head is None:
        return {"pool": "stopped"}
    return {
        "pool": "running",
        "address": head.address,
        "pid": head.pid,
        "workers": head.workers,
        "directory": head.directory,
    }


def alive(run_directory: Path) -> Head | None:
    """Return the pool's head if it lives and is ready."""
    if not _held(run_directory):
        return None
    try:
        return _read(run_directory)
    except FileNotFoundError:
        return None


def _read(run_directory: Path) -> Head:
    return Head(**json.loads(pool_file(run_directory).read_bytes()))


def _held(run_directory: Path) -> bool:
    """Whether a pool's head lives; the kernel frees its lock however it ends."""
    try:
        with pool_lock(run_directory).open("rb") as stream:
            fcntl.flock(stream, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except FileNotFoundError:
        return False
    except BlockingIOError:
        return True
    return False
