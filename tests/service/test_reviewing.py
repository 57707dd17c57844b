"""A reviewer reads: filters, the account of a job, proofs that are checked without the workspace."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from stage import DATASET, LABS, Stage, build, with_labs

from sandbox import code
from sandbox.audit.checkpoint import VerifierKey
from sandbox.audit.proofs import check_consistency, check_inclusion
from sandbox.errors import DeniedError, InvalidInputError, KeyongError, TamperingError, UsageError
from sandbox.schema import Principal, Role
from service.asked import JobRequest, Leaves
from service.audit.page import page
from service.audit.telling import account

SECRET = "SELECT ward, AVG(cost) AS c FROM health.stays WHERE days > 13 AND town = 'hamlet 7' GROUP BY ward"
JOINED = "SELECT test, COUNT(*) FROM health.stays s JOIN health.labs l ON s.person = l.subject GROUP BY test"


@pytest.fixture(scope="module")
def worked(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Stage, dict[str, str], str]]:
    """A workspace where one was answered, one twice, one joined, one refused; (stage, jobs, checkpoint)."""
    patch = pytest.MonkeyPatch()
    place = tmp_path_factory.mktemp("reviewing")
    patch.setenv("KEYONG_ANCHORS", str(place / "anchors"))
    stage = with_labs(build(place, columns="  town: {use: [filter]}\n"))
    note = stage.keeper.audit_checkpoint(stage.li)["note"]
    jobs = {"secret": stage.ask(SECRET)["job"], "replay": stage.ask(SECRET)["job"]}
    jobs["joined"] = stage.ask(JOINED)["job"]
    with pytest.raises(DeniedError):
        stage.ask("SELECT name, COUNT(*) FROM health.stays GROUP BY name")
    yield stage, jobs, note
    stage.keeper.close()
    patch.undo()


def leaves(stage: Stage, **only: Any) -> list[dict[str, Any]]:
    return stage.keeper.audit_list(stage.li, only=Leaves(**only))["leaves"]


def kinds(stage: Stage, **only: Any) -> list[str]:
    return [leaf["kind"] for leaf in leaves(stage, **only)]


def test_filters_choose(worked: tuple[Stage, dict[str, str], str]) -> None:
    stage, _, _ = worked
    every = leaves(stage)
    assert kinds(stage, verdict="refused") == ["refusal"]
    assert kinds(stage, verdict="allowed") == ["decision"] * 3
    assert {leaf["actor"] for leaf in leaves(stage, who="laboratory")} == {"laboratory"}
    assert kinds(stage, purpose="planning") == kinds(stage, purpose="planning", dataset=DATASET)
    assert kinds(stage, dataset=LABS, purpose="planning") == ["decision", "charge", "charge", "release"]
    assert kinds(stage, dataset=DATASET, kind="charge") == ["charge", "charge", "charge"]
    assert kinds(stage, dataset="no.such") == kinds(stage, purpose="no-such") == []
    day = every[0]["time"][:10]
    assert leaves(stage, since=day) == every
    assert leaves(stage, until=every[5]["time"]) == [
        leaf for leaf in every if leaf["time"] < every[5]["time"]
    ]
    assert leaves(stage, since="2001-01-01", until="2001-01-01") == []


def test_a_long_list_is_read_in_pieces(worked: tuple[Stage, dict[str, str], str]) -> None:
    stage, _, _ = worked
    pieces: list[dict[str, Any]] = []
    more: int | None = 0
    while more is not None:
        answer = stage.keeper.audit_list(stage.li, more, 2, Leaves(who="wang"))
        pieces += answer["leaves"]
        more = answer["more"]
    assert pieces == leaves(stage, who="wang")


@pytest.mark.parametrize("only", [{"since": "yesterday"}, {"until": "2026-13-01"}, {"verdict": "guilty"}])
def test_filters_that_mean_nothing_are_refused(
    worked: tuple[Stage, dict[str, str], str], only: dict[str, str]
) -> None:
    with pytest.raises(InvalidInputError):
        leaves(worked[0], **only)


def test_the_account_tells_who_why_by_what_and_what_left(worked: tuple[Stage, dict[str, str], str]) -> None:
    stage, jobs, _ = worked
    told = stage.keeper.audit_account(stage.li, jobs["secret"])
    assert (told["who"], told["purpose"], told["state"]) == ("wang", "planning", "released")
    (dataset,) = told["datasets"]
    assert dataset["policy"]["version"] == 1
    assert dataset["grant"]["number"] == 0
    assert dataset["grant"]["to"] == ["group:researchers"]
    assert [(column["name"], column["uses"]) for column in dataset["columns"]] == [
        ("cost", ["measure"]),
        ("days", ["filter"]),
        ("town", ["filter"]),
        ("ward", ["group"]),
    ]
    assert all(column["tag"] for column in dataset["columns"])
    assert dataset["loss"]["epsilon"] == "0.5"
    (statement,) = told["statements"]
    assert statement.items() >= {"operations": ["avg"], "keys": ["ward"], "cells": 4}.items()
    assert (statement["max_groups"], statement["max_group_rows"]) == (None, None)
    assert told["release"]["shape"] == [{"rows": 4, "columns": 2, "numbers": 8}]
    assert told["decision"]["code"] == told["release"]["code"] == code.running()


def test_constants_and_text_are_told_to_their_analyst_only(worked: tuple[Stage, dict[str, str], str]) -> None:
    stage, jobs, _ = worked
    for who in (stage.li, stage.bureau):
        told = json.dumps(stage.keeper.audit_account(who, jobs["secret"]))
        assert "hamlet" not in told
        assert "13" not in json.dumps(json.loads(told)["statements"])
    both = Principal("wang", frozenset({Role.ANALYST, Role.REVIEWER}))
    assert stage.keeper.audit_account(both, jobs["secret"])["sql"] == SECRET


def test_others_accounts_are_refused_like_unknown_ones(worked: tuple[Stage, dict[str, str], str]) -> None:
    stage, jobs, _ = worked
    for who, job in ((stage.lab, jobs["secret"]), (stage.li, "job-none"), (stage.wang, jobs["secret"])):
        with pytest.raises(DeniedError):
            stage.keeper.audit_account(who, job)
    assert stage.keeper.audit_account(stage.lab, jobs["joined"])["job"] == jobs["joined"]


@pytest.mark.parametrize("language", ["en", "zh"])
def test_accounts_are_read_as_sentences(
    worked: tuple[Stage, dict[str, str], str], language: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    stage, jobs, _ = worked
    monkeypatch.setenv("KEYONG_LANG", language)
    for job in jobs.values():
        lines = account(stage.keeper.audit_account(stage.li, job))
        assert len(lines) >= 6
        assert not any(mark in line for line in lines for mark in ("account.", "{", "None", "()"))
    replayed = account(stage.keeper.audit_account(stage.li, jobs["replay"]))
    assert any(jobs["secret"] in line for line in replayed)


def test_proofs_hold_without_the_workspace(worked: tuple[Stage, dict[str, str], str]) -> None:
    stage, jobs, note = worked
    head = stage.keeper.audit_checkpoint(stage.li)
    key = VerifierKey.parse(head["verifier_key"])
    for proof in stage.keeper.audit_prove(stage.li, job=jobs["joined"])["proofs"]:
        assert check_inclusion(proof, key).root.hex() == head["root"]
        with pytest.raises(TamperingError):
            check_inclusion(proof | {"entry": proof["entry"].replace("wang", "zhao")}, key)
    assert check_consistency(stage.keeper.audit_prove(stage.li, since=note), note, key).size == head["size"]


def test_proofs_of_nothing_are_refused(worked: tuple[Stage, dict[str, str], str]) -> None:
    stage, _, note = worked
    wrong: list[tuple[type[KeyongError], dict[str, Any]]] = [
        (UsageError, {}),
        (UsageError, {"leaf": 1, "job": "job-1"}),
        (InvalidInputError, {"leaf": 10**6}),
        (InvalidInputError, {"job": 'job-1"'}),
        (TamperingError, {"since": note.replace("\n1", "\n2")}),
    ]
    for kind, asked in wrong:
        with pytest.raises(kind):
            stage.keeper.audit_prove(stage.li, **asked)
    with pytest.raises(DeniedError):
        stage.keeper.audit_prove(stage.wang, leaf=0)
    with pytest.raises(DeniedError):
        stage.keeper.job_submit(stage.li, JobRequest("SELECT 1", "planning", epsilon="1"))


# --- a review from its beginning to its end -------------------------------------------------------------


def test_alerts_are_there_until_they_are_signed_off(worked: tuple[Stage, dict[str, str], str]) -> None:
    stage, _, _ = worked
    answer = stage.keeper.audit_alerts(stage.li)
    assert answer["reviewed"] == -1
    rules = {one["rule"] for one in answer["alerts"]}
    assert {"identity", "second-lineage"} <= rules
    middle = answer["alerts"][len(answer["alerts"]) // 2]["leaf"]
    done = stage.keeper.audit_sign_off(stage.li, middle, "as agreed")
    assert (done["since"], done["until"]) == (0, middle)
    assert {one["leaf"] for one in stage.keeper.audit_alerts(stage.li)["alerts"]} == {
        one["leaf"] for one in answer["alerts"] if one["leaf"] > middle
    }
    assert stage.keeper.audit_alerts(stage.li, everything=True)["alerts"] == answer["alerts"]
    assert leaves(stage, unreviewed=True)[0]["leaf"] == middle + 1
    assert leaves(stage, unreviewed=True)[-1]["facts"]["note"] == "as agreed"


def test_a_sign_off_goes_on_from_the_last_one(worked: tuple[Stage, dict[str, str], str]) -> None:
    stage, _, _ = worked
    size = stage.keeper.audit_checkpoint(stage.li)["size"]
    for until, note in ((0, ""), (size, ""), (None, "x" * 300)):
        with pytest.raises(InvalidInputError):
            stage.keeper.audit_sign_off(stage.li, until, note)
    head = stage.keeper.audit_checkpoint(stage.li)
    done = stage.keeper.audit_sign_off(stage.li)
    assert (done["until"], done["root"]) == (head["size"] - 1, head["root"])
    assert stage.keeper.audit_verify(stage.li)["size"] == size + 1


def test_only_reviewers_review(worked: tuple[Stage, dict[str, str], str]) -> None:
    stage, _, _ = worked
    for who in (stage.bureau, stage.wang):
        for ask in (stage.keeper.audit_alerts, stage.keeper.audit_sign_off):
            with pytest.raises(DeniedError):
                ask(who)
        with pytest.raises(DeniedError):
            stage.keeper.audit_month(who, "2026-11")


@pytest.mark.parametrize("language", ["en", "zh"])
def test_the_month_on_a_page(worked: tuple[Stage, dict[str, str], str], language: str) -> None:
    stage, _, _ = worked
    month = leaves(stage)[-1]["time"][:7]
    told = stage.keeper.audit_month(stage.li, month)
    assert told["counts"]["allowed"] == 3
    assert told["counts"]["refused"] == 1
    by_name = {one["dataset"]: one for one in told["datasets"]}
    assert by_name[DATASET]["after"]["rho"] == stage.keeper.budget_show(stage.li, DATASET)["spent"]["rho"]
    assert [one["who"] for one in by_name[LABS]["people"]] == ["wang"]
    shown = page(told, language)
    assert "wang" in shown
    assert "report." not in shown
    assert "alert." not in shown
    empty = stage.keeper.audit_month(stage.li, "2001-01")
    assert empty["counts"] == {}
    assert page(empty, language)
