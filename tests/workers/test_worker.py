"""A worker's process: silent, without core dumps, with our import path and environment only."""

import importlib
import os
import subprocess
import sys
from pathlib import Path

from sandbox.workers import worker
from sandbox.workers.entries import ENTRIES

ROOT = Path(worker.__file__).parents[2]


def test_every_entry_of_the_list_exists():
    for entry in ENTRIES.shard | ENTRIES.combine:
        module, name = entry.split(":")
        assert callable(getattr(importlib.import_module(module), name))


def test_a_silenced_process_writes_nothing_and_dumps_no_core(tmp_path):
    program = (
        "import os, resource, sys\n"
        "from sandbox.workers.worker import silence_process\n"
        "silence_process()\n"
        "assert resource.getrlimit(resource.RLIMIT_CORE) == (0, 0)\n"
        "print('canary'); os.write(2, b'canary'); sys.stderr.write('canary')\n"
        "os.abort()\n"
    )
    run = subprocess.run(
        [sys.executable, "-c", program],
        capture_output=True,
        env={**os.environ, "PYTHONPATH": str(ROOT), "PYTHONFAULTHANDLER": "1"},
        cwd=tmp_path,
        check=False,
    )
    assert run.returncode == -6
    assert run.stdout + run.stderr == b""
    assert list(tmp_path.iterdir()) == []
