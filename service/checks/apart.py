"""Half of a long verification in a process of its own, where there is a second processor.

The helper recomputes the log and checks some of the jobs over the checkpoint that its caller sees.  Law: it
can only agree.  Unless it ends with that word, or if the caller finds anything wrong in its own half, the
caller checks everything once more by itself and says what it is: whatever goes wrong here costs time, never a
check.  The helper gets the place of the books and the log's public key, and no other key.
"""

from __future__ import annotations

import gc
import json
import os
import subprocess
import sys
import time
import zlib
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import Final

import sqlalchemy as sa

import sandbox
from sandbox.audit.checkpoint import VerifierKey
from sandbox.audit.store import newest_note, read_head
from sandbox.audit.verify import Progress, verify
from sandbox.database import Database
from service.checks.books import check_half

WORTH_IT: Final = 50_000
"""Leaves from which on a helper saves more than its start takes."""
_OF_SIXTEEN: Final = 9
"""So many jobs the caller checks: the helper has the tree to recompute, the caller the other tables."""
_AGREED: Final = "agreed"
_SAY_EVERY: Final = 0.5


def mine(job: str) -> bool:
    """Whether the caller checks *job*; the helper checks the others."""
    return zlib.crc32(job.encode(errors="replace")) % 16 < _OF_SIXTEEN


def others(job: str) -> bool:
    """Whether the helper checks *job*."""
    return not mine(job)


class Helper:
    """A helper at work."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process

    def agrees(self, progress: Progress | None) -> bool:
        """Wait for the end of the helper, *progress* hears of it; return whether it found nothing wrong."""
        last = ""
        for line in self._process.stdout or ():
            last = line.strip()
            done, _, total = last.partition(" ")
            if progress is not None and done.isdecimal() and total.isdecimal():
                progress(int(done), int(total))
        return self._process.wait() == 0 and last == _AGREED


@contextmanager
def helper(
    books: Path, connection: sa.Connection, key: VerifierKey, kept: Sequence[str]
) -> Iterator[Helper | None]:
    """Yield a helper for what *connection* sees, None where it would not pay; it ends with the block."""
    if read_head(connection, key).size < WORTH_IT or _processors() < 2:
        yield None
        return
    asked = {"books": str(books.absolute()), "key": key.text(), "kept": list(kept)}
    asked["note"] = newest_note(connection) or ""
    try:
        process = _started()
    except OSError:
        yield None
        return
    try:
        with suppress(OSError):  # it is gone already, and will not agree
            assert process.stdin is not None
            process.stdin.write(json.dumps(asked))
            process.stdin.close()
        yield Helper(process)
    finally:
        process.kill()
        process.wait()
        if process.stdout is not None:
            process.stdout.close()


def _processors() -> int:
    affinity = getattr(os, "sched_getaffinity", None)  # Linux only
    return len(affinity(0)) if affinity else os.cpu_count() or 1


def _started() -> subprocess.Popen[str]:
    known = {name: os.environ[name] for name in ("PATH", "HOME", "TZ") if name in os.environ}
    known |= {"PYTHONPATH": str(Path(sandbox.__file__).parents[1]), "PYTHONSAFEPATH": "1"}
    return subprocess.Popen(  # noqa: S603 - our own interpreter, our own module
        [sys.executable, "-P", "-m", __name__],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env=known,
        cwd="/",
        text=True,
        encoding="utf-8",
    )


def main() -> int:
    """Do the helper's half of what standard input asks for; say how it goes and whether everything holds."""
    asked = json.loads(sys.stdin.read())
    gc.disable()  # it would walk millions of rows, none of which is in a cycle
    with closing(Database(Path(asked["books"]))) as database, database.reading() as connection:
        if newest_note(connection) != asked["note"]:
            return 1  # somebody has written meanwhile
        verify(connection, VerifierKey.parse(asked["key"]), asked["kept"], _Told())
        check_half(connection, others)
    sys.stdout.write(f"{_AGREED}\n")
    return 0


class _Told:
    """Says how far the work is, not more often than somebody can read."""

    def __init__(self) -> None:
        self._said = 0.0

    def __call__(self, done: int, total: int) -> None:
        if done == total or time.monotonic() - self._said >= _SAY_EVERY:
            self._said = time.monotonic()
            sys.stdout.write(f"{done} {total}\n")
            sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
