"""`audit verify` works out again whether every charge fitted the limits of its moment."""

from __future__ import annotations

import datetime as dt
import random
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from stage import COUNTS, DATASET, LABS, PURPOSE, Stage, copied, reopen

from sandbox.errors import BudgetExceededError, TamperingError
from sandbox.privacy import ledger, namespaces
from sandbox.privacy.ledger import Charge
from sandbox.privacy.loss import Loss
from sandbox.schema import JobId
from service import clock as clocks
from service import dossier
from service.asked import JobRequest, NewLimit
from service.checks.books import _logged
from service.checks.limits import check_limits
from service.desk import Entry
from service.embedded import accept_restore

NAMESPACE = "health.patient"
TIGHT = ", per_job: 1, per_analyst: 2, window: {every: day, epsilon: 1.5}"
NAMES = {
    "budget.per-job": "budget.per_job",
    "budget.lifetime": "budget.epsilon",
    "budget.per-analyst": "budget.per_analyst",
    "budget.window": "budget.window",
    "budget.namespace": f"keyong budget limit {NAMESPACE}",
}


@pytest.fixture
def stage(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Stage]:
    made = copied(tmp_path, monkeypatch, labs={}, epsilon=4, more=TIGHT)
    yield made
    made.keeper.close()


def admit_everything(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(ledger, "_admit", lambda *_: None)
    patch.setattr(namespaces, "common", lambda *_: [])


def submit(stage: Stage, epsilon: str) -> str:
    job: str = stage.keeper.job_submit(stage.wang, JobRequest(COUNTS, PURPOSE, epsilon=epsilon))["job"]
    return job


@pytest.mark.parametrize(
    ("asked", "limit"),
    [
        (["1.1"], "budget.per_job"),
        (["0.9", "0.9", "0.9"], "budget.window"),
        (["0.9", "0.9", "-", "0.9", "0.9", "-", "0.9"], "budget.per_analyst"),
        (["0.9", "0.9", "-", "0.9", "lower", "-", "0.1"], "budget.epsilon"),
        (["limit", "0.9"], f"keyong budget limit {NAMESPACE}"),
    ],
)
def test_a_charge_that_should_have_been_refused_is_found(
    stage: Stage, monkeypatch: pytest.MonkeyPatch, asked: list[str], limit: str
) -> None:
    ahead, job = dt.timedelta(), ""
    monkeypatch.setattr(clocks, "utc_now", lambda: dt.datetime.now(dt.UTC) + ahead)
    for step in asked:
        if step == asked[-1]:
            stage.keeper.audit_verify(stage.li)
            with monkeypatch.context() as patch:
                admit_everything(patch)
                job = submit(stage, step)
        elif step == "-":
            ahead += dt.timedelta(days=1, seconds=1)
        elif step == "lower":
            stage.apply(version=2, epsilon="1.2", more=", per_job: 1")
        elif step == "limit":
            stage.keeper.budget_limit(stage.li, NAMESPACE, NewLimit("0.8", "1e-6", "the board decided"))
        else:
            submit(stage, step)
    with pytest.raises(TamperingError, match=r"audit\.limit-passed") as caught:
        stage.keeper.audit_verify(stage.li)
    assert (caught.value.facts["job"], caught.value.facts["limit"]) == (job, limit)


def test_what_accepting_an_older_copy_wrote_off_is_not_refused(stage: Stage) -> None:
    stage.keeper.backup(stage.bureau, stage.place / "copy")
    submit(stage, "0.3")
    stage.keeper.close()
    (stage.place / "ws").rename(stage.place / "gone")
    (stage.place / "copy").rename(stage.place / "ws")
    accept_restore(stage.place / "ws", stage.li.name, "the disk broke")
    again = reopen(stage.place)
    assert again.keeper.audit_verify(again.li)["charges"] == 2
    again.keeper.close()


class _Walk:
    """Random charges of two lineages of one namespace, by two implementations of the same laws."""

    def __init__(self, stage: Stage, chance: random.Random) -> None:
        self.stage, self.chance, self.seen = stage, chance, Counter[str]()
        self.at = dt.datetime.now(dt.UTC)

    def step(self, place: int) -> None:
        """Ask the ledger for a charge; where it refuses, the replay must refuse the same when it is made."""
        chance, desk = self.chance, self.stage.keeper._desk  # type: ignore[attr-defined]
        self.at += dt.timedelta(hours=chance.choice([0, 1, 3, 13, -2]))  # the clock goes back, too
        chosen = chance.choice([[DATASET], [LABS], [DATASET, LABS]])
        loss = Loss(0, chance.choice([10**9, 5 * 10**9, 10**10, 10**11]))
        who = chance.choice(["wang", "wang", "wang", "zhao"])
        with desk.writing() as entry:
            wanted = []
            for name in chosen:
                found = dossier.read(entry.connection, entry.workspace, name)
                one = Charge(found.lineage, JobId(f"job-{place:06x}"), who, loss, self.at)
                wanted.append((one, found.limits()))
            try:
                ledger.charge_all(entry.connection, wanted)
            except BudgetExceededError as refusal:
                told = refusal
            else:
                self._log(entry, wanted)
                self.seen["admitted"] += 1
                return
        self.seen[told.code] += 1
        with desk.reading() as connection:
            logged = _logged(connection, None)
        for one, _ in wanted:
            logged.rows["charge"][_row(one)] = 10**9  # as if it had been admitted
        with desk.reading() as connection, pytest.raises(TamperingError) as caught:
            check_limits(connection, logged.rows, frozenset())
        assert caught.value.facts["job"] == wanted[0][0].job
        assert str(caught.value.facts["limit"]).startswith(NAMES[told.code])

    def _log(self, entry: Entry, wanted: list[tuple[Charge, Any]]) -> None:
        for one, _ in wanted:
            timed = Entry(entry.connection, entry.workspace, one.at)
            timed.log("charge", one.principal, job=one.job, lineage=one.lineage, **one.loss.to_json())


def _row(charge: Charge) -> tuple[str, ...]:
    loss = tuple(map(str, charge.loss.parts()))
    return (charge.job, charge.lineage, *loss, charge.principal, charge.at.isoformat(timespec="microseconds"))


@pytest.mark.parametrize("seed", range(2))
def test_the_replay_and_the_ledger_refuse_the_same(stage: Stage, seed: int) -> None:
    walk = _Walk(stage, random.Random(seed))
    stage.keeper.budget_limit(stage.li, NAMESPACE, NewLimit("3", "1e-6", "the board decided"))
    for place in range(130):
        walk.step(place)
        if place == 40:
            stage.keeper.budget_limit(stage.li, NAMESPACE, NewLimit("20", "1e-6", "more is wanted"))
        if place == 90:
            stage.apply(version=2, epsilon=2)
    with stage.keeper._desk.reading() as connection:  # type: ignore[attr-defined]
        check_limits(connection, _logged(connection, None).rows, frozenset())
    assert walk.seen["admitted"] > 15
    assert len(walk.seen) >= 5, walk.seen
