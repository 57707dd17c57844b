"""Nothing visible: cell values that nobody declared are in no file, output or error, during and after.

A watcher reads every file that the workspace, the temporary directory and shared memory have while a table is
registered and asked, again and again, and everything that people are told is kept.  The canaries are searched
for in several encodings; the watcher's eye is proved on the source file, which holds them all.
"""

from __future__ import annotations

import json
import secrets
from pathlib import Path

import pytest
from stage import COUNTS, PURPOSE, Stage, build, rows
from watcher import Watcher, encodings, seen_in

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
    with Watcher(CANARY, tmp_path, source, shared=SHARED if executor == "ray" else ()) as watcher:
        stage = build(tmp_path, executor=executor, table=rows(canary=CANARY))
        said = said_by(stage)
        before = watcher.rounds
        stage.keeper.close()
    assert seen_in(source, encodings(CANARY))
    assert before > 3
    # The analyst's statement is kept beside the log, and it names a canary: that one place is the analyst's.
    assert watcher.found <= {str(tmp_path / "ws" / name) for name in ("books.sqlite", "books.sqlite-wal")}
    books = b"".join(path.read_bytes() for path in (tmp_path / "ws").glob("books.sqlite*"))
    assert books.replace(f"{CANARY}-0001".encode(), b"").count(CANARY.encode()) == 0
    assert not any(CANARY in text for text in said)
