"""A process that is killed at a call chosen by number, what it has left, and books that were edited."""

from __future__ import annotations

import os
import random
import signal
import sqlite3
import sys
import traceback
from collections.abc import Callable
from pathlib import Path

import pytest
import sqlalchemy as sa
from stage import COUNTS, PURPOSE, Stage, reopen

from sandbox.books import cleanings, wrapped_keys
from sandbox.errors import TamperingError
from service.asked import JobRequest


def dies(place: Path, act: Callable[[Stage], object], fatal: int) -> int:
    """Fork, open the workspace, *act*, and die at call number *fatal*; return the calls of one that lived.

    Calls of Python and C functions are counted: every line between two of them is a place to die.
    """
    reader, writer = os.pipe()
    pid = os.fork()
    if pid == 0:
        calls = 0

        def count(*_: object) -> None:
            nonlocal calls
            calls += 1
            if calls == fatal:
                os.kill(os.getpid(), signal.SIGKILL)

        try:
            stage = reopen(place)
            sys.setprofile(count)
            act(stage)
            sys.setprofile(None)
            os.write(writer, str(calls).encode())
        except BaseException:
            traceback.print_exc()
        finally:
            os._exit(0)
    os.close(writer)
    with os.fdopen(reader) as pipe:
        said = pipe.read()
    os.waitpid(pid, 0)
    return int(said or 0)


def wraps(stage: Stage) -> dict[str, tuple[str, bytes]]:
    """Every stored key: what wraps it and its wrapped bytes."""
    with stage.keeper._desk.reading() as connection:
        rows = connection.execute(sa.select(wrapped_keys))
        return {row.key_id: (row.wrapped_by, row.wrapped) for row in rows}


def stored_bytes(place: Path) -> bytes:
    """All that the books' files hold, and the key files."""
    files = [*place.glob("books*"), *place.glob("keyring*/*")]
    return b"".join(path.read_bytes() for path in files)


def check_settled(stage: Stage, *, jobs: bool = True) -> None:
    """The log and the books hold, nothing waits to be cleaned, and jobs run."""
    stage.keeper.audit_verify(stage.li)
    with stage.keeper._desk.reading() as connection:
        assert all(row.done for row in connection.execute(sa.select(cleanings)))
    if jobs:
        epsilon = f"0.0{random.randint(10**9, 10**10)}"
        job = stage.keeper.job_submit(stage.wang, JobRequest(COUNTS, PURPOSE, epsilon=epsilon))["job"]
        assert stage.keeper.job_run(stage.wang, job)["status"] == "released"


def check_edits_are_found(stage: Stage, *statements: str) -> None:
    """Each of *statements* makes the books differ from the log; they are as they were afterwards."""
    books = stage.keeper._desk.workspace.database.path
    kept = sqlite3.connect(":memory:")
    with sqlite3.connect(books) as whole:
        whole.backup(kept)
    for statement in statements:
        with sqlite3.connect(books) as edited:
            assert edited.execute(statement).rowcount > 0, statement
        with pytest.raises(TamperingError, match=r"audit\.books-differ"):
            stage.keeper.audit_verify(stage.li)
        with sqlite3.connect(books) as restored:
            kept.backup(restored)
        stage.keeper.audit_verify(stage.li)
