"""Nothing visible: cell values that nobody declared are in no file, output or error, during and after.

A watcher reads every file that the workspace, the temporary directory and shared memory have while a table is
registered and asked, again and again, and everything that people are told is kept.  The canaries are searched
for in several encodings; the watcher's eye is proved on the source file, which holds them all.
"""

from __future__ import annotations

import base64
import json
import secrets
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest
from stage import COUNTS, PURPOSE, Stage, build, rows

from sandbox.errors import KeyongError
from service.asked import JobRequest

CANARY = f"canary{secrets.token_hex(6)}"  # of this run: other runs have files too
SHARED = (Path("/dev/shm"), Path("/tmp"))

STATEMENTS = (
    COUNTS,
    f"SELECT COUNT(*) AS n FROM health.stays WHERE name = '{CANARY}-0001'",
    "SELECT name, COUNT(*) AS n FROM health.stays GROUP BY name",
    "SELECT AVG(cost) AS c FROM health.stays WHERE CAST(ward AS INTEGER) > 1",
    "SELECT SUM(days / (days - days)) AS c FROM health.stays",
    "SELECT COUNT(*) AS n FROM health.stays WHERE 1 / (days - 7) > 0",
    "SELECT COUNT(*) AS n FROM read_csv('/etc/passwd')",
    "SELECT ward, AVG(cost) AS c FROM health.stays GROUP BY ward",
)


def encodings() -> list[bytes]:
    return [
        CANARY.encode(),
        CANARY.encode("utf-16-le"),
        CANARY.encode().hex().encode(),
        base64.b64encode(CANARY.encode()),
    ]


def places(place: Path, shared: tuple[Path, ...], began: float) -> Iterator[Path]:
    """Every file of the test's own place, and of what appeared in shared places since it *began*."""
    yield from place.rglob("*")
    for root in shared:
        for entry in root.iterdir():
            with suppress(OSError):
                if entry.lstat().st_ctime >= began and not entry.name.startswith("pytest-"):
                    yield entry
                    yield from entry.rglob("*")


def seen_in(path: Path, marks: list[bytes]) -> bool:
    try:
        content = path.read_bytes() if path.is_file() else b""
    except OSError:
        return False
    return any(mark in content for mark in marks)


class Watcher:
    """Looks everywhere until it is told to stop; remembers where it saw a canary."""

    def __init__(self, place: Path, shared: tuple[Path, ...], source: Path) -> None:
        self.found: set[str] = set()
        self.rounds = 0
        self._where = (place, shared, time.time())
        self._source = source
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)

    def _watch(self) -> None:
        marks = encodings()
        while not self._stop.wait(0.02):
            with suppress(OSError):  # a directory that went away while it was listed
                for path in places(*self._where):
                    if path != self._source and seen_in(path, marks):
                        self.found.add(str(path))
            self.rounds += 1

    def __enter__(self) -> Watcher:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()


def said_by(stage: Stage) -> list[str]:
    """Ask everything, allowed or not; return all that was answered."""
    said = []
    for number, statement in enumerate(STATEMENTS):
        request = JobRequest(statement, PURPOSE, epsilon=f"0.1{number}")
        for call in (stage.keeper.job_explain, stage.keeper.job_submit):
            try:
                answer = call(stage.wang, request)
                said.append(json.dumps(answer))
                if "job" in answer:
                    said.append(json.dumps(stage.keeper.job_run(stage.wang, answer["job"])))
            except KeyongError as error:
                # The analyst's own text may come back to the analyst; nothing else may.
                said.append(str(error).replace(f"{CANARY}-0001", ""))
    for look in (stage.keeper.dataset_list, stage.keeper.job_list):
        said += [json.dumps(look(by)) for by in (stage.wang, stage.bureau, stage.li)]
    said.append(json.dumps(stage.keeper.dataset_show(stage.bureau, "health.stays")))
    said.append(json.dumps(stage.keeper.dataset_classify(stage.bureau, "health.stays")))
    said.append(json.dumps(stage.keeper.audit_list(stage.li)))
    return said


@pytest.mark.parametrize("executor", ["serial", pytest.param("ray", marks=pytest.mark.ray)])
def test_no_cell_value_is_seen_anywhere(tmp_path: Path, executor: str) -> None:
    source = tmp_path / "stays.csv"
    with Watcher(tmp_path, SHARED if executor == "ray" else (), source) as watcher:
        stage = build(tmp_path, executor=executor, table=rows(canary=CANARY))
        said = said_by(stage)
        before = watcher.rounds
        stage.keeper.close()
    assert seen_in(source, encodings())
    assert before > 3
    # The analyst's statement is kept beside the log, and it names a canary: that one place is the analyst's.
    assert watcher.found <= {str(tmp_path / "ws" / name) for name in ("books.sqlite", "books.sqlite-wal")}
    books = b"".join(path.read_bytes() for path in (tmp_path / "ws").glob("books.sqlite*"))
    assert books.replace(f"{CANARY}-0001".encode(), b"").count(CANARY.encode()) == 0
    assert not any(CANARY in text for text in said)
