"""Jobs over several datasets: every policy decides, all lineages are charged or none, each once."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import owners
import pytest
from stage import (
    COUNTS,
    DATASET,
    LABS,
    PURPOSE,
    SELECTION,
    TOWN,
    Stage,
    build,
    reopen,
    rows,
    with_labs,
    write_csv,
)

from sandbox.errors import BudgetExceededError, DeniedError, InvalidInputError, KeyongError
from service import clock as clocks
from service.asked import JobRequest, NewDataset, NewTable

BOTH = [LABS, DATASET]
"""As a plan names them: sorted."""
JOINED = "SELECT COUNT(*) AS n FROM health.stays AS s JOIN health.labs AS l ON s.person = l.subject"
WORKLOAD = f"{COUNTS}; SELECT test, AVG(value) AS v FROM health.labs GROUP BY test"
TOWNS = "SELECT town, COUNT(*) AS n FROM health.stays GROUP BY town"


@pytest.fixture
def stage(tmp_path: Path) -> Stage:
    return with_labs(build(tmp_path))


def submit(stage: Stage, sql: str = JOINED, epsilon: str = "0.5", **more: Any) -> dict[str, Any]:
    return stage.keeper.job_submit(stage.wang, JobRequest(sql, PURPOSE, epsilon=epsilon, **more))


def charges(stage: Stage) -> dict[str, list[dict[str, Any]]]:
    return {
        name: stage.keeper.budget_show(owner, name)["charges"]
        for name, owner in ((DATASET, stage.bureau), (LABS, stage.lab))
    }


def kinds(stage: Stage, job: str) -> list[str]:
    leaves = stage.keeper.audit_list(stage.li)["leaves"]
    return [leaf["kind"] for leaf in leaves if leaf["facts"].get("job") == job]


def refused(call: Callable[[], object], error: type[KeyongError] = DeniedError) -> KeyongError:
    with pytest.raises(error) as caught:
        call()
    return caught.value


def test_a_join_is_charged_to_both_and_answered_once(stage: Stage) -> None:
    answer = stage.ask(JOINED)
    assert [loss["dataset"] for loss in answer["losses"]] == BOTH
    assert answer["datasets"] == [{"name": name, "version": 1} for name in BOTH]
    assert answer["loss"]["epsilon"] == answer["losses"][1]["epsilon"] == "0.5"
    assert len(answer["tables"]) == 1
    job = answer["job"]
    assert kinds(stage, job) == ["decision", "charge", "charge", "release"]
    for listed in charges(stage).values():
        assert [(charge["job"], charge["loss"]["epsilon"]) for charge in listed] == [(job, "0.5")]
    assert stage.keeper.audit_verify(stage.li)["charges"] == 2


def test_the_same_join_is_free_until_anything_of_it_changes(stage: Stage) -> None:
    first = stage.ask(JOINED)
    again = stage.ask(JOINED)
    assert again["replayed"]
    assert again["tables"] == first["tables"]
    assert {loss["epsilon"] for loss in again["losses"]} == {"0"}
    stage.apply_labs(version=2)
    assert not stage.ask(JOINED)["replayed"]
    stage.apply(version=2)
    assert not stage.ask(JOINED)["replayed"]
    assert all(len(listed) == 3 for listed in charges(stage).values())
    stage.keeper.audit_verify(stage.li)


@pytest.mark.parametrize("silent", [DATASET, LABS])
def test_both_policies_must_list_the_other(stage: Stage, silent: str) -> None:
    (stage.apply if silent == DATASET else stage.apply_labs)(version=2, joins="")
    asked, other = JobRequest(JOINED, PURPOSE, epsilon="0.5"), ({DATASET, LABS} - {silent}).pop()
    error = refused(lambda: stage.keeper.job_submit(stage.wang, asked))
    assert (error.code, error.facts["rule"], error.facts["other"]) == ("denied.join", "joins", other)
    explained = stage.keeper.job_explain(stage.wang, asked)
    assert explained["verdict"] == "denied"
    assert [(reason["code"], reason["facts"]["other"]) for reason in explained["reasons"]] == [
        ("denied.join", other)
    ]
    assert not any(charges(stage).values())
    stage.ask(WORKLOAD)  # side by side is not together
    stage.keeper.audit_verify(stage.li)


def test_a_budget_that_one_of_them_lacks_costs_the_other_nothing(stage: Stage) -> None:
    stage.apply_labs(version=2, epsilon="0.4")
    error = refused(lambda: submit(stage), BudgetExceededError)
    assert (error.code, error.facts["dataset"]) == ("budget.lifetime", LABS)
    assert not any(charges(stage).values())
    assert stage.keeper.job_list(stage.wang)["jobs"] == []
    explained = stage.keeper.job_explain(stage.wang, JobRequest(JOINED, PURPOSE, epsilon="0.5"))
    assert [each["queries_left"] > 0 for each in explained["datasets"]] == [False, True]
    assert explained["queries_left"] == 0
    assert explained["remaining"] == explained["datasets"][0]["remaining"]
    stage.keeper.audit_verify(stage.li)


def test_mixed_filters_are_charged_each_in_its_currency(tmp_path: Path) -> None:
    stage = with_labs(build(tmp_path), filter="pure", delta=0)
    answer = stage.ask(JOINED)
    assert [(loss["filter"], loss["rho"] is None) for loss in answer["losses"]] == [
        ("pure", True),
        ("zcdp", False),
    ]
    assert answer["mechanism"] == "discrete-laplace"
    stage.keeper.audit_verify(stage.li)


def test_a_name_that_is_not_granted_is_refused_like_one_that_does_not_exist(stage: Stage) -> None:
    stage.apply_labs(version=2)
    path = stage.place / "labs.yaml"
    path.write_text(path.read_text().replace("group:researchers", "zhao").replace("version: 2", "version: 3"))
    owners.apply(stage.keeper, stage.lab, path)
    for name in (LABS, "health.nothing"):
        for act in (stage.keeper.job_submit, stage.keeper.job_explain):
            sql = JOINED.replace(LABS, name)
            error = refused(lambda: act(stage.wang, JobRequest(sql, "x", epsilon="1")))  # noqa: B023
            assert error.code == "denied.unknown-dataset"
            assert error.facts == {"rule": "grants", "dataset": name}


@pytest.mark.parametrize("changed", [DATASET, LABS])
def test_a_charged_job_is_judged_again_where_a_policy_changed(stage: Stage, changed: str) -> None:
    job = submit(stage)["job"]
    (stage.apply if changed == DATASET else stage.apply_labs)(version=2)
    error = refused(lambda: stage.keeper.job_run(stage.wang, job))
    assert (error.code, error.facts["dataset"]) == ("denied.changed-since", changed)
    assert [len(listed) for listed in charges(stage).values()] == [1, 1]  # never refunded


def test_a_grant_that_ended_runs_nothing_more(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    stage.apply_labs(version=2, until="2090-01-01")
    job = submit(stage)["job"]
    later = dt.datetime(2090, 1, 2, tzinfo=dt.UTC)
    monkeypatch.setattr(clocks, "utc_now", lambda: later)
    error = refused(lambda: stage.keeper.job_run(stage.wang, job))
    assert (error.code, error.facts["until"]) == ("denied.expired", "2090-01-01")
    monkeypatch.undo()
    assert stage.keeper.job_run(stage.wang, job)["status"] == "released"
    monkeypatch.setattr(clocks, "utc_now", lambda: later)
    assert stage.keeper.job_run(stage.wang, job)["status"] == "released"  # what is released stays so


def test_who_left_the_group_resumes_nothing(stage: Stage) -> None:
    job = submit(stage)["job"]
    outside = replace(stage.wang, groups=frozenset())
    assert refused(lambda: stage.keeper.job_run(outside, job)).code == "denied.unknown-dataset"


def test_another_process_resumes_on_both_charges(stage: Stage) -> None:
    job = submit(stage)["job"]
    stage.keeper.close()
    other = reopen(stage.place)
    assert other.keeper.job_run(other.wang, job)["status"] == "released"
    assert kinds(other, job) == ["decision", "charge", "charge", "release"]


def test_owners_see_their_own_datasets_of_a_job(stage: Stage) -> None:
    stage.ask(JOINED)
    seen = {
        by.name: [(job["datasets"], len(job["losses"])) for job in stage.keeper.job_list(by)["jobs"]]
        for by in (stage.wang, stage.bureau, stage.lab, stage.li)
    }
    assert seen == {
        "wang": [(BOTH, 2)],
        "bureau": [([DATASET], 1)],
        "laboratory": [([LABS], 1)],
        "li": [(BOTH, 2)],
    }


def test_the_text_of_a_job_is_shown_to_its_analyst_only(stage: Stage) -> None:
    job = stage.ask(WORKLOAD)["job"]
    texts = [table["sql"] for table in stage.keeper.job_result(stage.wang, job)["tables"]]
    assert texts == WORKLOAD.split("; ")
    assert [table["sql"] for table in stage.keeper.job_result(stage.li, job)["tables"]] == [None, None]


def test_a_workload_costs_each_dataset_its_own_statements(stage: Stage) -> None:
    answer = stage.ask(WORKLOAD, weights=("3", "1"))
    assert [table["statement"] for table in answer["tables"]] == [1, 2]
    rho = [float(loss["rho"]) for loss in answer["losses"]]
    assert rho[1] == pytest.approx(3 * rho[0], rel=1e-6)
    stage.keeper.audit_verify(stage.li)


def test_several_statements_share_what_coincides(stage: Stage) -> None:
    sql = f"{COUNTS}; SELECT ward, COUNT(*) AS n, AVG(days) AS d FROM health.stays GROUP BY ward"
    asked = JobRequest(sql, PURPOSE, errors=("20", "100%"), group_size=40)
    explained = stage.keeper.job_explain(stage.wang, asked)
    (workload,) = explained["workload"]
    assert len(workload["parts"]) == 2
    assert float(workload["sum"]["rho"]) > float(workload["loss"]["rho"])
    shared = [item for item in explained["measurements"] if item["statements"] == [1, 2]]
    assert [item["kind"] for item in shared] == ["count"]
    with pytest.raises(InvalidInputError, match="errors-count"):
        stage.keeper.job_explain(stage.wang, replace(asked, errors=("20", "1%", "1%")))


def test_explaining_spends_nothing_and_says_what_there_is(stage: Stage) -> None:
    sql = "SELECT ward, AVG(days) AS d, MEDIAN(cost) AS m FROM health.stays GROUP BY ward"
    before = stage.keeper.budget_show(stage.bureau, DATASET)
    explained = stage.keeper.job_explain(stage.wang, JobRequest(sql, PURPOSE, epsilon="0.5", group_size=30))
    assert stage.keeper.budget_show(stage.bureau, DATASET) == before
    assert stage.keeper.job_list(stage.wang)["jobs"] == []
    (statement,) = explained["statements"]
    key, mean, median = statement["columns"]
    assert (key["kind"], key["half_width"], key["bound"]) == ("key", None, None)
    assert (mean["error"], mean["clamp"], mean["bound"]) == ("value", "0 … 14 by 1", 3)
    assert mean["half_width"] > 0
    assert median["error"] == "rank"
    assert explained["suppression"]
    assert float(explained["halved"]) > 0.5
    assert mean["derived_from"][0]["kind"] == "rows"
    parts = sum(Decimal(loss["rho"]) for item in explained["measurements"] for loss in item["losses"])
    whole = Decimal(explained["loss"]["rho"])
    assert whole <= parts <= whole + Decimal("1e-12") * len(explained["measurements"])
    assert {item["kind"] for item in explained["measurements"]} == {"count", "sum", "quantile"}
    first = stage.ask(sql)
    assert first["losses"][0]["rho"] == explained["datasets"][0]["loss"]["rho"]
    assert stage.keeper.job_explain(stage.wang, JobRequest(sql, PURPOSE, epsilon="0.5"))["free_replay"]


def test_selected_keys_pay_their_delta_as_long_as_there_is_one(tmp_path: Path) -> None:
    stage = build(tmp_path, more=SELECTION, columns=TOWN)
    plain, selecting = stage.ask(), stage.ask(TOWNS)
    assert plain["loss"]["delta"] == "0.000001"
    assert Decimal("9e-10") < Decimal(selecting["loss"]["delta"]) - Decimal("1e-6") <= Decimal("1e-9")
    assert stage.ask(TOWNS)["replayed"]
    explained = stage.keeper.job_explain(stage.wang, JobRequest(TOWNS, PURPOSE, epsilon="0.25"))
    assert explained["queries_left"] == 1
    (rule,) = explained["selection"]
    assert Decimal("9e-10") < Decimal(rule["delta"]) <= Decimal("1e-9")
    stage.ask(TOWNS, epsilon="0.25")
    error = refused(lambda: stage.ask(TOWNS, epsilon="0.125"), BudgetExceededError)
    assert error.code == "budget.selection"
    assert 0 < float(error.facts["remaining"]) < float(error.facts["asked"]) <= 1e-9
    stage.ask(epsilon="0.125")  # what needs no δ goes on
    stage.keeper.audit_verify(stage.li)


def test_without_selection_unlisted_keys_are_refused(stage: Stage) -> None:
    assert refused(lambda: stage.ask(TOWNS)).code == "denied.column-not-listed"


WITH_TABLE = "SELECT COUNT(*) AS n FROM health.stays AS s JOIN ref.wards AS r ON s.ward = r.ward"


def upload(stage: Stage, wards: str = "ABC", name: str = "ref.wards") -> dict[str, Any]:
    path = stage.place / "wards.csv"
    path.write_text("ward,beds\n" + "".join(f"{ward},{10 + n}\n" for n, ward in enumerate(wards)))
    return stage.keeper.table_add(stage.bureau, NewTable(path, name, types={"ward": "string"}, reason="test"))


def test_a_public_table_is_named_in_the_release_and_changes_its_identity(stage: Stage) -> None:
    error = refused(lambda: stage.ask(WITH_TABLE))
    assert (error.code, error.facts) == (
        "denied.unknown-dataset",
        {"rule": "grants", "dataset": "ref.wards"},
    )
    first = upload(stage)
    answer = stage.ask(WITH_TABLE)
    assert answer["public_tables"] == [{"name": "ref.wards", "digest": first["digest"]}]
    assert [loss["dataset"] for loss in answer["losses"]] == [DATASET]
    assert stage.ask(WITH_TABLE)["replayed"]
    second = upload(stage, "AB")
    other = stage.ask(WITH_TABLE)
    assert not other["replayed"]
    assert other["public_tables"][0]["digest"] == second["digest"]
    stage.keeper.audit_verify(stage.li)


def test_a_charged_job_does_not_run_over_another_table(stage: Stage) -> None:
    upload(stage)
    job = submit(stage, WITH_TABLE)["job"]
    upload(stage, "AB")
    error = refused(lambda: stage.keeper.job_run(stage.wang, job))
    assert (error.code, error.facts["rule"], error.facts["dataset"]) == (
        "denied.changed-since",
        "tables",
        "ref.wards",
    )


def test_a_dataset_takes_no_public_tables_name(stage: Stage) -> None:
    upload(stage, name="health.wards")
    source = write_csv(stage.place / "more.csv", rows(5))
    new = NewDataset(source, "health.wards", "person", "other.person")
    error = refused(lambda: stage.keeper.dataset_add(stage.bureau, new), InvalidInputError)
    assert error.code == "dataset.name-is-public"


def test_a_private_column_joins_a_table_only_where_its_policy_says_join(stage: Stage) -> None:
    upload(stage)
    path = stage.place / "policy.yaml"
    stage.apply(version=2)
    text = path.read_text().replace("version: 2", "version: 3")
    path.write_text(text.replace("ward: {use: [group, filter, join]", "ward: {use: [group, filter]"))
    owners.apply(stage.keeper, stage.bureau, path)
    error = refused(lambda: stage.ask(WITH_TABLE))
    assert (error.code, error.facts["use"]) == ("denied.use-not-listed", "join")
