"""A limit on a namespace: set by reviewers, kept by every charge, told to whom it concerns."""

from __future__ import annotations

import json
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from stage import COUNTS, DATASET, LABS, PURPOSE, SELECTION, TOWN, Stage, build, copied, reopen

from sandbox.books import namespace_limits
from sandbox.errors import BudgetExceededError, DeniedError, InvalidInputError, KeyongError, TamperingError
from sandbox.schema import Role
from service.asked import JobRequest, NewLimit
from service.audit.page import page
from service.audit.telling import alert
from service.client.bars import budget_bars
from service.client.notebook import Connection

NAMESPACE = "health.patient"
JOINED = "SELECT COUNT(*) AS n FROM health.stays AS s JOIN health.labs AS l ON s.person = l.subject"
LAB_COUNTS = "SELECT test, COUNT(*) AS n FROM health.labs GROUP BY test"


@pytest.fixture
def stage(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Stage]:
    made = copied(tmp_path, monkeypatch, labs={})
    yield made
    made.keeper.close()


def limit(stage: Stage, epsilon: str, delta: str = "1e-6", **more: str) -> dict[str, Any]:
    wanted = NewLimit(epsilon, delta, more.pop("reason", "the board decided"), **more)
    return stage.keeper.budget_limit(stage.li, NAMESPACE, wanted)


def submit(stage: Stage, sql: str = COUNTS, epsilon: str = "0.5") -> dict[str, Any]:
    return stage.keeper.job_submit(stage.wang, JobRequest(sql, PURPOSE, epsilon=epsilon))


def explain(stage: Stage, sql: str = COUNTS, epsilon: str = "0.5") -> dict[str, Any]:
    return stage.keeper.job_explain(stage.wang, JobRequest(sql, PURPOSE, epsilon=epsilon))


def refused(call: Callable[[], object], error: type[KeyongError] = BudgetExceededError) -> KeyongError:
    with pytest.raises(error) as caught:
        call()
    return caught.value


def left(stage: Stage, name: str = DATASET) -> str:
    """What the analyst is told is left for them, in the catalogue and in the budget alike."""
    shown = stage.keeper.budget_show(stage.wang, name)
    assert shown["namespace"] is None
    entry = stage.keeper.dataset_show(stage.wang, name)
    assert entry["budget"]["remaining"] == shown["remaining"]
    found: str = shown["remaining"]["epsilon"]
    return found


def test_lineages_of_two_owners_exhaust_one_limit(stage: Stage) -> None:
    said = limit(stage, "1")
    assert (said["limit"]["epsilon"], said["spent"]["rho"], said["remaining"]["epsilon"]) == ("1", "0", "1")
    assert left(stage) == left(stage, LABS) == "1"
    stage.ask(COUNTS, epsilon="0.8")
    rest = left(stage, LABS)
    assert 0 < Fraction(rest) < Fraction("0.65")
    assert rest == left(stage)
    told = explain(stage, LAB_COUNTS, "0.8")
    assert told["verdict"] == "over-budget"
    assert (told["queries_left"], told["remaining"]["epsilon"]) == (0, rest)
    (reason,) = told["reasons"]
    error = refused(lambda: submit(stage, LAB_COUNTS, "0.8"))
    assert (error.code, error.exit_code) == ("budget.namespace", 5)
    assert error.facts == {"dataset": LABS, "namespace": NAMESPACE, "asked": "0.8", "remaining": rest}
    assert (reason["code"], reason["facts"], reason["ask"]) == (error.code, dict(error.facts), None)
    assert submit(stage, LAB_COUNTS, rest)["status"] == "charged"
    assert Fraction(left(stage)) < Fraction("0.001")
    assert stage.ask(COUNTS, epsilon="0.8")["replayed"]  # what is released stays free
    assert explain(stage, COUNTS, "0.8")["verdict"] == "allowed"
    assert stage.keeper.audit_verify(stage.li)["charges"] == 2


def test_pure_and_zcdp_lineages_share_a_limit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    stage = copied(tmp_path, monkeypatch, labs={"filter": "pure", "delta": 0})
    limit(stage, "1")
    submit(stage, LAB_COUNTS, "0.1")
    shown = stage.keeper.budget_show(stage.lab, LABS)
    assert shown["namespace"]["spent"]["rho"] == "0.005"
    told = explain(stage, LAB_COUNTS, "0.1")
    assert told["queries_left"] == 2  # of ρ 0.0174, each costs 0.005
    assert 0.1 < float(told["remaining"]["epsilon"]) < 0.16
    submit(stage, COUNTS, "0.7")
    assert refused(lambda: submit(stage, LAB_COUNTS, "0.1001")).code == "budget.namespace"
    submit(stage, LAB_COUNTS, left(stage, LABS))
    assert refused(lambda: submit(stage, COUNTS, "0.05")).code == "budget.namespace"
    refused(lambda: limit(stage, "5", "", filter="pure"), InvalidInputError)
    stage.keeper.audit_verify(stage.li)


def test_a_join_pays_twice(stage: Stage) -> None:
    limit(stage, "1")
    before = stage.keeper.budget_show(stage.li, DATASET)["namespace"]["limit"]["rho"]
    assert explain(stage, JOINED, "0.5")["queries_left"] == 1
    submit(stage, JOINED, "0.5")
    shown = stage.keeper.budget_show(stage.li, DATASET)
    assert Fraction(shown["namespace"]["spent"]["rho"]) == 2 * Fraction(shown["spent"]["rho"])
    assert Fraction(before) < 2 * Fraction(shown["namespace"]["spent"]["rho"])
    error = refused(lambda: submit(stage, JOINED, "0.5"))
    assert error.code == "budget.namespace"
    assert submit(stage, JOINED, str(error.facts["remaining"]))["status"] == "charged"


def test_who_is_told(stage: Stage) -> None:
    limit(stage, "1")
    submit(stage, COUNTS, "0.8")
    for name, owner in ((DATASET, stage.bureau), (LABS, stage.lab)):
        told = [stage.keeper.budget_show(who, name) for who in (owner, stage.li)]
        assert {it["namespace"]["remaining"]["epsilon"] for it in told} == {left(stage, name)}
        assert all(it["held_by_namespace"] for it in told)
        assert any(NAMESPACE in line for line in budget_bars(told[0]))
    shown = stage.keeper.budget_show(stage.wang, LABS)
    assert shown["namespace"] is None
    assert shown["held_by_namespace"]
    assert not any(NAMESPACE in line for line in budget_bars(shown))


NO_LIMITS: list[tuple[dict[str, str], str]] = [
    ({"epsilon": "0"}, "privacy.epsilon-not-positive"),
    ({"epsilon": "nan"}, "privacy.epsilon-not-a-number"),
    ({"epsilon": "1e300"}, "privacy.epsilon-too-large"),
    ({"epsilon": "1e-12"}, "privacy.epsilon-too-small"),
    ({"epsilon": ""}, "privacy.epsilon-not-a-number"),
    ({"delta": ""}, "budget.limit-delta"),
    ({"delta": "0"}, "budget.limit-delta"),
    ({"delta": "0.01"}, "budget.limit-delta"),
    ({"delta": "1e-19"}, "budget.limit-delta"),
    ({"delta": "-1e-6"}, "budget.limit-delta"),
    ({"delta": "inf"}, "number.not-a-number"),
    ({"selection": "0.01"}, "budget.limit-delta"),
    ({"filter": "renyi"}, "budget.limit-filter"),
    ({"filter": "pure"}, "budget.limit-pure-delta"),
    ({"filter": "pure", "delta": ""}, "budget.limit-cannot-count"),
    ({"reason": " "}, "budget.limit-reason"),
    ({"reason": "x" * 201}, "budget.limit-reason"),
]


def test_what_is_no_limit_is_refused(stage: Stage) -> None:
    for said, code in NO_LIMITS:
        wanted = NewLimit(**{"epsilon": "1", "delta": "1e-6", "reason": "because"} | said)
        with pytest.raises(InvalidInputError) as caught:
            stage.keeper.budget_limit(stage.li, NAMESPACE, wanted)
        assert caught.value.code == code, said
    assert left(stage) == "8"


def test_only_reviewers_set_it_and_only_where_there_is_somebody(stage: Stage) -> None:
    wanted = NewLimit("1", "1e-6", "because")
    for who in (stage.bureau, stage.lab, stage.wang):
        error = refused(lambda: stage.keeper.budget_limit(who, NAMESPACE, wanted), DeniedError)  # noqa: B023
        assert error.code == "role.missing"
    other = refused(lambda: stage.keeper.budget_limit(stage.li, "health.patients", wanted), InvalidInputError)
    assert other.code == "budget.unknown-namespace"
    stage.keeper.identity_new("mo", [Role.REVIEWER], [])
    stage.keeper.identity_change(stage.keeper.principal("mo"), "li", [], [])
    refused(lambda: limit(stage, "1"), DeniedError)  # whoever was a reviewer when the door opened
    stage.keeper.audit_verify(stage.keeper.principal("mo"))


def test_lowered_raised_and_told(stage: Stage) -> None:
    limit(stage, "2", reason="first")
    submit(stage, COUNTS, "1")
    limit(stage, "0.5", reason="too much")
    assert left(stage) == "0"
    assert refused(lambda: submit(stage, LAB_COUNTS, "0.001")).code == "budget.namespace"
    limit(stage, "4", reason="after all")
    assert submit(stage, LAB_COUNTS, "1")["status"] == "charged"
    told = [it for it in stage.keeper.audit_alerts(stage.li)["alerts"] if it["rule"].startswith("namespace")]
    assert [(it["rule"], it["level"]) for it in told] == [
        ("namespace-limit", "notice"),
        ("namespace-close", "high"),  # of the leaf that lowers it, as is the next
        ("namespace-limit", "notice"),
        ("namespace-raised", "look"),
    ]
    assert [alert(it, "en") for it in told][-1].endswith("after all.")
    leaves = [
        it["facts"] for it in stage.keeper.audit_list(stage.li)["leaves"] if it["kind"] == "namespace-limit"
    ]
    assert [(it["epsilon"], it["reason"]) for it in leaves] == [
        ("2", "first"),
        ("0.5", "too much"),
        ("4", "after all"),
    ]
    stage.keeper.audit_verify(stage.li)


def test_it_is_told_before_it_is_reached_and_every_month(stage: Stage) -> None:
    limit(stage, "1")
    submit(stage, COUNTS, "0.7")
    submit(stage, LAB_COUNTS, "0.6")
    submit(stage, COUNTS, "0.36")
    told = [it for it in stage.keeper.audit_alerts(stage.li)["alerts"] if it["rule"].startswith("namespace")]
    assert [(it["rule"], it["level"], it["facts"].get("percent")) for it in told] == [
        ("namespace-limit", "notice", None),
        ("namespace-near", "look", 86),
        ("namespace-close", "high", 99),
    ]
    month = told[0]["time"][:7]
    report = stage.keeper.audit_month(stage.li, month)
    (one,) = report["namespaces"]
    spent = stage.keeper.budget_show(stage.li, DATASET)["namespace"]["spent"]
    assert (one["limit"]["epsilon"], one["before"]["rho"], one["after"]) == ("1", "0", spent)
    for language in ("en", "zh"):
        assert NAMESPACE in page(report, language)
    assert stage.keeper.audit_month(stage.li, "2001-01")["namespaces"] == []


def test_a_bundle_and_a_notebook_know_of_it(stage: Stage) -> None:
    with Connection(stage.keeper, stage.li) as reviewer:
        said = reviewer.limit(NAMESPACE, 0.1, 1e-6, "decision 7", selection="1e-9")
        assert (said["limit"]["epsilon"], said["limit"]["delta"]) == ("0.1", "0.000001001")
        stage.keeper.audit_export(stage.li, stage.place / "bundle")
    entries = (stage.place / "bundle" / "log.jsonl").read_text().splitlines()
    (entry,) = [json.loads(line) for line in entries if '"namespace-limit"' in line]
    assert entry["facts"]["epsilon"] == "0.1"
    verify = [
        sys.executable,
        "-I",
        str(stage.place / "bundle" / "verify_bundle.py"),
        str(stage.place / "bundle"),
    ]
    subprocess.run(verify, check=True, capture_output=True)


def test_a_delta_for_groups_is_part_of_it(tmp_path: Path) -> None:
    stage = build(tmp_path, more=SELECTION, columns=TOWN)
    towns = "SELECT town, COUNT(*) AS n FROM health.stays GROUP BY town"
    limit(stage, "4")
    assert refused(lambda: submit(stage, towns)).code == "budget.namespace-selection"
    assert explain(stage, towns)["reasons"][0]["code"] == "budget.namespace-selection"
    assert submit(stage, COUNTS)["status"] == "charged"
    limit(stage, "4", selection="1.5e-9")
    assert submit(stage, towns)["status"] == "charged"
    assert refused(lambda: submit(stage, towns, "0.4")).code == "budget.namespace-selection"


EDITS: list[sa.Executable] = [
    sa.update(namespace_limits).values(epsilon="100"),
    sa.update(namespace_limits).values(selection="0.001"),
    sa.update(namespace_limits).values(namespace="health.other"),
    sa.update(namespace_limits).values(reason="another"),
    sa.delete(namespace_limits),
    sa.insert(namespace_limits).values(
        leaf=10**6,
        namespace=NAMESPACE,
        filter="zcdp",
        epsilon="100",
        delta="0.000001",
        selection="0",
        reason="",
        set_by="li",
        changed="2026-11-28T00:00:00+00:00",
    ),
]


def test_an_edit_of_the_books_is_found(stage: Stage) -> None:
    limit(stage, "1")
    stage.keeper.audit_verify(stage.li)
    books = sqlite3.connect(stage.place / "ws" / "books.sqlite")
    sound = books.execute("SELECT * FROM namespace_limits").fetchall()
    for edit in EDITS:
        books.execute(str(edit.compile(compile_kwargs={"literal_binds": True})))
        books.commit()
        with pytest.raises(TamperingError) as caught:
            stage.keeper.audit_verify(stage.li)
        assert (caught.value.code, caught.value.exit_code) == ("audit.books-differ", 7), edit
        assert caught.value.facts["kind"] == "namespace-limit"
        books.execute("DELETE FROM namespace_limits")
        books.executemany("INSERT INTO namespace_limits VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)", sound)
        books.commit()
    stage.keeper.audit_verify(stage.li)


def test_a_yes_stays_where_the_namespace_has_nothing_left(tmp_path: Path) -> None:
    stage = build(tmp_path, approval="owner")
    job = submit(stage, COUNTS, "0.5")["job"]
    limit(stage, "0.3")
    said = stage.keeper.job_approve(stage.bureau, job, "fine")
    assert (said["status"], said["ask"]) == ("awaiting-approval", [])
    assert said["not_charged"]["code"] == "budget.namespace"
    assert refused(lambda: stage.keeper.job_run(stage.wang, job)).code == "budget.namespace"
    limit(stage, "3")
    assert stage.keeper.job_run(stage.wang, job)["status"] == "released"
    stage.keeper.audit_verify(stage.li)


def test_of_two_gatekeepers_for_the_last_of_it_one_wins(stage: Stage) -> None:
    limit(stage, "0.6")

    def one(sql: str) -> bool:
        other = reopen(stage.place)
        try:
            return bool(submit(other, sql, "0.5")["job"])
        except BudgetExceededError:
            return False
        finally:
            other.keeper.close()

    with ThreadPoolExecutor(2) as pool:
        assert sum(pool.map(one, [COUNTS, LAB_COUNTS])) == 1
    stage.keeper.audit_verify(stage.li)
