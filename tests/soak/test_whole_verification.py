"""A log of a million leaves with all its books: verified as a reviewer does it, in a minute."""

from __future__ import annotations

import datetime as dt
import hashlib
import json
import time
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from stage import Stage, build

from jobs.replay import replay_key_of_json
from sandbox import canonical
from sandbox.audit.log import salted
from sandbox.books import charges, jobs, leaves, releases, versions
from sandbox.errors import TamperingError
from service.approvals.consent import spec_text

LEAVES, AT_ONCE = 1_000_000, 20_000
QUESTION = "SELECT ward, AVG(cost) AS c, COUNT(*) AS n FROM health.stays WHERE days > 3 GROUP BY ward"
CONSTANT = '["literal","integer","{}"]'


class Copies:
    """Rows and leaves of jobs like the first one, each with another constant in its plan."""

    def __init__(self, stage: Stage) -> None:
        self.desk = stage.keeper._desk  # type: ignore[attr-defined]
        with self.desk.reading() as connection:
            self.job, self.charge, self.release = (
                dict(connection.execute(sa.select(table)).mappings().one())
                for table in (jobs, charges, releases)
            )
            entries = map(json.loads, connection.scalars(sa.select(leaves.c.entry).order_by(leaves.c.leaf)))
            self.told = {entry["kind"]: entry for entry in entries}
            self.version = connection.scalar(sa.select(versions.c.digest))
            self.size = connection.scalar(sa.select(sa.func.count()).select_from(leaves))
        self.start = dt.datetime.fromisoformat(self.job["created"])

    def make(
        self, number: int
    ) -> tuple[list[dict[str, Any]], dict[str, Any], dict[str, Any], dict[str, Any]]:
        """Return the leaves and the rows of job *number*."""
        job, at = f"job-{number:012x}", (self.start + dt.timedelta(milliseconds=10 * number)).isoformat()
        old, new = CONSTANT.format(3), CONSTANT.format(number + 100)
        text = self.job["plan"].replace(old, new)
        spec = json.loads(self.job["spec"])
        policies = [item["policy"] for item in spec["datasets"]]
        key = replay_key_of_json(json.loads(text), [self.version], policies)
        digest = hashlib.sha256(text.encode()).hexdigest()
        said = salted(spec_text(spec), self.job["salt"])[1]
        row = self.job | {"job": job, "plan": text, "replay_key": key, "created": at, "changed": at}
        charge = {k: v for k, v in self.charge.items() if k != "charge"} | {"job": job}
        charge["charged"] = dt.datetime.fromisoformat(at).isoformat(timespec="microseconds")
        facts = {
            "decision": {"job": job, "plan": digest, "spec": said},
            "charge": {"job": job},
            "release": {"job": job},
        }
        entries = [
            self.told[kind] | {"time": at, "facts": self.told[kind]["facts"] | changed}
            for kind, changed in facts.items()
        ]
        return entries, row, charge, self.release | {"job": job, "released": at}

    def grow(self, total: int) -> None:
        """Fill the books up to *total* leaves."""
        workspace, done = self.desk.workspace, 0
        while (left := (total - self.size) // 3 - done) > 0:
            made = [self.make(number) for number in range(done, done + min(left, AT_ONCE))]
            with workspace.database.transaction() as connection:
                workspace.log.extend(connection, [entry for each in made for entry in each[0]])
                for place, table in ((1, jobs), (2, charges), (3, releases)):
                    connection.execute(sa.insert(table), [each[place] for each in made])
            done += len(made)


def grown(place: Path, total: int) -> Stage:
    stage = build(place, epsilon=1_000_000)
    stage.ask(QUESTION, "0.001")
    Copies(stage).grow(total)
    return stage


def test_copies_of_a_job_verify_and_one_that_was_changed_is_found(tmp_path: Path) -> None:
    stage = grown(tmp_path, 300)
    assert stage.keeper.audit_verify(stage.li)["charges"] > 90
    with stage.keeper._desk.workspace.database.transaction() as connection:  # type: ignore[attr-defined]
        chosen = jobs.c.job == f"job-{70:012x}"
        connection.execute(sa.update(jobs).where(chosen).values(plan=self_changed(connection, chosen)))
    with pytest.raises(TamperingError, match=f"job-{70:012x}"):
        stage.keeper.audit_verify(stage.li)


def self_changed(connection: sa.Connection, chosen: Any) -> str:
    plan = json.loads(str(connection.scalar(sa.select(jobs.c.plan).where(chosen))))
    plan["parts"][0]["rows"] += 1
    return canonical.write(plan).decode()


@pytest.mark.soak
def test_a_million_leaves_with_their_books_in_a_minute(tmp_path: Path) -> None:
    stage = grown(tmp_path, LEAVES)
    heard: list[tuple[str, int, int]] = []
    start = time.perf_counter()
    found = stage.keeper.audit_verify(stage.li, progress=lambda *said: heard.append(said))
    seconds = time.perf_counter() - start
    print(f"{found['size']} leaves and their books verified in {seconds:.1f} s")
    assert found["size"] >= LEAVES - 10
    assert {phase for phase, _, _ in heard} >= {"verify", "books", "shards"}
    assert seconds <= 60
