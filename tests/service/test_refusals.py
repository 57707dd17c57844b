"""What the leaf of a refusal says: datasets and purposes that are known, never what was typed."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st
from stage import DATASET, LABS, Stage, build, with_labs

from sandbox.errors import DeniedError, InvalidInputError
from service.asked import JobRequest, Leaves
from service.audit.refused import why
from service.audit.telling import refusal
from service.jobs.refusing import mentioned
from service.messages import catalogue
from tests.support.effort import at_most

DENIED = "SELECT name, COUNT(*) FROM health.stays GROUP BY name"
OTHERS = "SELECT COUNT(*) FROM health.secret"


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    patch = pytest.MonkeyPatch()
    place = tmp_path_factory.mktemp("refusals")
    patch.setenv("KEYONG_ANCHORS", str(place / "anchors"))
    stage = with_labs(build(place))
    yield stage
    stage.keeper.close()
    patch.undo()


def refused(stage: Stage, sql: str, purpose: str = "planning", **more: Any) -> dict[str, Any]:
    """Be refused, and return the facts of the leaf that tells of it."""
    with pytest.raises((DeniedError, InvalidInputError)):
        stage.keeper.job_submit(stage.wang, JobRequest(sql, purpose, epsilon="0.5", **more))
    return last(stage)


def last(stage: Stage) -> dict[str, Any]:
    leaf = stage.keeper.audit_list(stage.li, 0, 10_000)["leaves"][-1]
    assert leaf["kind"] == "refusal"
    return dict(leaf["facts"])


def about(facts: dict[str, Any]) -> list[str]:
    return [item["dataset"] for item in facts["datasets"]]


BOTH = "SELECT COUNT(*) FROM health.stays s JOIN health.labs l ON s.days = l.value"
SAID: list[tuple[str, str, list[str], str | None]] = [
    (DENIED, "planning", [DATASET], "planning"),
    (DENIED, "patient-4711", [DATASET], None),
    (BOTH, "planning", [LABS, DATASET], "planning"),
    ("SELEC ward FROM health . stays WHERE", "planning", [DATASET], "planning"),
    ('SELECT no_such FROM "health"."stays"', "planning", [DATASET], "planning"),
    ("SELECT COUNT(*) FROM health.stays WHERE ward = 'Zhang San", "planning", [DATASET], "planning"),
    ("SELECT 'health.stays' -- health.labs", "planning", [], None),
    (OTHERS, "planning", [], None),
    ("nothing that anybody knows of Zhang San", "planning", [], None),
    ("", "planning", [], None),
]


@pytest.mark.parametrize(("sql", "purpose", "datasets", "told"), SAID)
def test_known_names_are_told_and_nothing_else(
    stage: Stage, sql: str, purpose: str, datasets: list[str], told: str | None
) -> None:
    facts = refused(stage, sql, purpose)
    assert about(facts) == datasets
    assert facts.get("purpose") == told
    assert facts.keys() - {"purpose"} == {"code", "rule", "text", "datasets"}
    assert not any(word in json.dumps(facts) for word in ("Zhang", "patient-4711", "secret", "no_such"))


def test_what_the_asker_may_not_know_of_is_not_told(stage: Stage) -> None:
    stage.keeper.identity_new("hu", ["analyst"], [])
    with pytest.raises(DeniedError):
        stage.keeper.job_submit(stage.keeper.principal("hu"), JobRequest(DENIED, "planning", epsilon="1"))
    assert (last(stage)["datasets"], last(stage).get("purpose")) == ([], None)


def test_refusals_are_found_by_dataset_and_purpose(stage: Stage) -> None:
    facts = refused(stage, DENIED)
    for only in ({"dataset": DATASET}, {"purpose": "planning"}, {"dataset": DATASET, "purpose": "planning"}):
        chosen = Leaves(verdict="refused", **only)
        found = stage.keeper.audit_list(stage.li, 0, 10_000, chosen)["leaves"]
        assert facts in [leaf["facts"] for leaf in found]
    nothing = Leaves(verdict="refused", dataset="health.secret")
    assert stage.keeper.audit_list(stage.li, 0, 10_000, nothing)["leaves"] == []


def test_the_month_counts_refusals_by_dataset(stage: Stage) -> None:
    refused(stage, DENIED)
    month = stage.keeper.audit_list(stage.li, 0, 1)["leaves"][0]["time"][:7]
    told = stage.keeper.audit_month(stage.li, month)
    assert {one["dataset"]: one["refused"] > 0 for one in told["datasets"]}[DATASET]
    expected = {"who": "wang", "datasets": [DATASET], "purpose": "planning"}
    assert any(expected.items() <= one.items() for one in told["refusals"])


def test_explaining_and_templates_leave_the_same_trace(stage: Stage) -> None:
    explained = stage.keeper.job_explain(stage.wang, JobRequest(DENIED, "planning", epsilon="1"))
    assert explained["verdict"] == "denied"
    assert (about(last(stage)), last(stage)["purpose"]) == ([DATASET], "planning")
    template = (
        "apiVersion: keyong/v1\nkind: JobTemplate\nmetadata: {name: wards}\ndescription: wards\n"
        "sql: SELECT COUNT(*) FROM health.stays WHERE ward = $ward\npurpose: planning\nepsilon: 0.25\n"
        "parameters:\n  ward: {category: {dataset: health.stays, column: ward}}\n"
    )
    stage.keeper.template_add(stage.wang, template, "wards.yaml")
    with pytest.raises(InvalidInputError):
        stage.keeper.job_submit(
            stage.wang, JobRequest("", "", template="wards", parameters={"ward": ("text", "Z")})
        )
    assert (about(last(stage)), last(stage)["purpose"]) == ([DATASET], "planning")


def test_a_log_with_such_refusals_verifies(stage: Stage) -> None:
    refused(stage, DENIED)
    assert stage.keeper.audit_verify(stage.li)["charges"] == 0


def test_leaves_of_older_builds_are_read_and_verified(stage: Stage) -> None:
    desk = stage.keeper._desk  # type: ignore[attr-defined]
    with desk.writing() as entry:
        leaf = entry.log("refusal", "zhou", code="denied.purpose", rule="grants[0]", text="ab" * 32)
    for only, listed in (
        ({"verdict": "refused", "who": "zhou"}, [leaf]),
        ({"who": "zhou", "dataset": DATASET}, []),
    ):
        found = stage.keeper.audit_list(stage.li, 0, 10_000, Leaves(**only))["leaves"]
        assert [each["leaf"] for each in found] == listed
    shown = stage.keeper.audit_show(stage.li, leaf)
    told = refusal(json.loads(shown["entry"]), leaf)
    assert told.endswith("(denied.purpose, by rule grants[0]). It was about –, for the purpose –.")
    month = json.loads(shown["entry"])["time"][:7]
    refusals = stage.keeper.audit_month(stage.li, month)["refusals"]
    assert any(each["who"] == "zhou" and each["datasets"] == [] for each in refusals)
    assert stage.keeper.audit_verify(stage.li)["charges"] == 0


HOSTILE = [part * (60_000 // len(part)) for part in ("'", "/*", "a-", " ", "a.", "a", "-", "a.b ")]


@pytest.mark.parametrize("text", HOSTILE, ids=range(len(HOSTILE)))
def test_searching_a_hostile_text_takes_no_time(text: str) -> None:
    with at_most(20):
        mentioned(text)


NAMES = st.from_regex(r"[a-z][a-z0-9_-]{0,8}(\.[a-z][a-z0-9_-]{0,8}){1,3}", fullmatch=True)


PLACES = st.sampled_from(["{}", "{};", "{}.x", "\n({})", ",{} ", "{}/**/", "x,{}--"])


@given(NAMES.filter(lambda name: "--" not in name), PLACES)
def test_a_name_is_found_wherever_it_stands(name: str, around: str) -> None:
    quoted = ".".join(f'"{part}"' for part in name.split("."))
    for written in (quoted,) if "-" in name else (name, quoted):  # SQL wants quotes around a hyphen
        assert name in mentioned(f"SELECT x FROM {around.format(written)}")


@pytest.mark.parametrize("language", ["en", "zh"])
def test_every_refusal_of_a_rule_or_a_limit_is_said_in_words(language: str) -> None:
    folder = Path(catalogue.__file__).parent / "en"
    # What only ever answers commands that log no refusal.
    elsewhere = {"charged-differently", "unknown-namespace", "limited", "limit-"}
    for name in ("denied", "budget"):
        for code in yaml.safe_load((folder / f"{name}.yaml").read_text(encoding="utf-8")):
            said = why(code, language)
            if not code.partition(".")[2].startswith(tuple(elsewhere)):
                assert said not in (code, ""), code
                assert not said.startswith("refusal."), said
    assert why("sql.not-a-query", language) != "sql.not-a-query"
    assert why("nowhere.at-all", language) == "nowhere.at-all"
