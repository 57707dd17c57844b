"""The catalogue: what it tells, to whom, and that no row can be read off it."""

from __future__ import annotations

import json

import owners
import pytest
import stage as stages

from sandbox.books import descriptions
from sandbox.errors import DeniedError, InvalidInputError, TamperingError
from service.asked import Decisions, JobRequest, NewDataset

TYPES = {
    "person": "integer",
    "days": "integer",
    "cost": "decimal(9,2)",
    "seen": "date",
    "urgent": "boolean",
    **dict.fromkeys(("name", "ward", "town"), "string"),
}


@pytest.fixture
def stage(tmp_path, monkeypatch):
    made = stages.copied(tmp_path, monkeypatch)
    yield made
    made.keeper.close()


def test_an_entry_says_what_may_be_asked(stage):
    entry = stage.keeper.dataset_show(stage.wang, stages.DATASET)
    assert entry["grants"] == [
        {
            "purposes": ["planning"],
            "operations": ["avg", "correlation", "count", "distinct", "quantile", "sum", "variance"],
            "until": "2099-12-31",
            "approval": "auto",
            "whose": None,
        }
    ]
    assert entry["budget"]["remaining"]["epsilon"] == "8"
    ward = next(column for column in entry["columns"] if column["name"] == "ward")
    assert ward["domain"] == "A, B, C, NULL"
    name = next(column for column in entry["columns"] if column["name"] == "name")
    assert (name["tag"], name["title"], name["title_zh"]) == ("pi.name", "Personal name", "姓名")


def test_what_is_left_for_the_caller_follows_their_spending(stage):
    stage.apply(version=2, more=", per_analyst: 1, per_job: 0.75")
    stage.ask(epsilon="0.5")
    left = stage.keeper.dataset_show(stage.wang, stages.DATASET)["budget"]
    assert float(left["remaining"]["epsilon"]) < 1
    assert left["per_job"]["epsilon"] == "0.75"
    assert float(stage.keeper.dataset_show(stage.li, stages.DATASET)["budget"]["remaining"]["epsilon"]) == 1


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"filter": "pure", "delta": 0},
        {"more": ", per_job: 0.001, window: {every: week, epsilon: 0.01}"},
        {"more": stages.SELECTION, "columns": stages.TOWN},
    ],
)
def test_every_example_is_one_that_its_reader_may_ask(tmp_path, options):
    stage = stages.with_labs(
        stages.build(tmp_path, **options), **{k: options[k] for k in options if k in ("filter", "delta")}
    )
    asked = 0
    for dataset in (stages.DATASET, stages.LABS):
        for one in stage.keeper.dataset_show(stage.wang, dataset)["examples"]:
            told = stage.keeper.job_explain(
                stage.wang, JobRequest(one["sql"], one["purpose"], one["epsilon"])
            )
            assert told["queries_left"] >= 1, one
            asked += 1
    assert asked >= 11
    stage.keeper.close()


def test_examples_quote_what_needs_it(stage, tmp_path):
    rows = [{"person": n, "order": "it's", "tag": "b", "年龄": n % 9} for n in range(30)]
    source = stages.write_csv(tmp_path / "odd.csv", rows)
    new = NewDataset(source, "odd.names", "person", "health.patient", new_lineage="other people")
    stage.keeper.dataset_add(stage.bureau, new)
    stage.keeper.dataset_tag(stage.bureau, "odd.names", Decisions(dict.fromkeys(rows[0], "general"), "test"))
    path = tmp_path / "odd.yaml"
    path.write_text(
        """\
apiVersion: keyong/v1
kind: AccessPolicy
metadata: {dataset: odd.names, version: 1, owner: bureau}
unit: {key: person, namespace: health.patient, max_rows: 1}
budget: {filter: zcdp, epsilon: 1, delta: 1e-6}
columns:
  order: {use: [group, filter], categories: ["it's", b]}
  年龄: {use: [measure, filter], bounds: [0, 9], grid: 1}
grants:
  - {to: [wang], purposes: [p], operations: [count, sum, avg, quantile], until: 2099-12-31, approval: owner}
"""
    )
    owners.apply(stage.keeper, stage.bureau, path)
    found = stage.keeper.dataset_show(stage.wang, "odd.names")["examples"]
    assert len(found) == 7
    for one in found:
        stage.keeper.job_explain(stage.wang, JobRequest(one["sql"], one["purpose"], one["epsilon"]))
    assert any("\"order\" = 'it''s'" in one["sql"] or '"年龄"' in one["sql"] for one in found)


def test_examples_keep_to_closed_tags_and_to_kinds_of_jobs(stage, monkeypatch):
    written = stages.POLICY
    columns = [it["name"] for it in stage.keeper.dataset_show(stage.wang, stages.DATASET)["columns"]]
    plain = dict.fromkeys((it for it in columns if it not in ("person", "seen")), "general")
    stage.keeper.dataset_tag(stage.bureau, stages.DATASET, Decisions(plain, "test"))

    def examples(version, old, new):
        monkeypatch.setattr(stages, "POLICY", written.replace(old, new))
        path = stage.place / "other.yaml"
        path.write_text(stages.policy(stages.POLICY, version=version, joins=stages.LABS))
        stages.owners.apply(stage.keeper, stage.bureau, path)
        return stage.keeper.dataset_show(stage.wang, stages.DATASET)["examples"]

    closed = examples(2, "defaults:", "tags: {{general: deny}}\ndefaults:")
    assert len(closed) == 3
    for one in closed:  # nothing but the day is open
        asked = JobRequest(one["sql"], one["purpose"], one["epsilon"])
        assert stage.keeper.job_explain(stage.wang, asked)["verdict"] == "allowed"
    assert examples(3, "until:", "kinds: [python]\n    until:") == []


def test_who_is_granted_nothing_finds_no_example(stage):
    assert stage.keeper.dataset_show(stage.li, stages.DATASET)["examples"] == []
    stage.apply(version=2, until="2020-01-01")
    assert stage.keeper.dataset_show(stage.wang, stages.DATASET)["examples"] == []


def seen(place, table):
    """All that analyst and reviewer read in the catalogue of a workspace with *table* in it."""
    place.mkdir()
    stages.create_workspace(place / "ws", None)
    stage = stages.reopen(place, people=True)
    source = stages.write_csv(place / "stays.csv", table)
    new = NewDataset(source, stages.DATASET, "person", "health.patient", shards=4, types=TYPES)
    stage.keeper.dataset_add(stage.bureau, new)
    tags = dict.fromkeys(TYPES.keys() - {"person", "town"}, "general") | {"name": "pi.name"}
    stage.keeper.dataset_tag(stage.bureau, stages.DATASET, Decisions(tags, "test"))
    stage.keeper.dataset_describe(stage.bureau, stages.DATASET, "Stays, from the wards' books.")
    stage.apply()
    looks = (stage.keeper.dataset_list, lambda by: stage.keeper.dataset_show(by, stages.DATASET))
    said = json.dumps([look(by) for look in looks for by in (stage.wang, stage.li)])
    lineage = stage.keeper.dataset_show(stage.wang, stages.DATASET)["lineage"]
    stage.keeper.close()
    return said.replace(lineage, "drawn at random")


def test_nothing_changes_with_one_persons_data(tmp_path):
    table = stages.rows()
    odd = {**table[0], "name": "13800138000", "ward": "Z", "days": "x", "cost": "1e9", "seen": "never"}
    neighbours = (
        [row for row in table if row["person"] != 1007],
        table + [{**odd, "person": 9999}] * 3,
        [odd | {"person": row["person"]} if row["person"] == 1003 else row for row in table],
    )
    whole = seen(tmp_path / "whole", table)
    for number, other in enumerate(neighbours):
        assert seen(tmp_path / str(number), other) == whole
    assert "digest" not in whole


def test_words_are_searched_in_names_meanings_and_tags(tmp_path):
    stage = stages.with_labs(stages.build(tmp_path))
    keeper = stage.keeper
    keeper.dataset_describe(stage.bureau, stages.DATASET, "Stays from the wards' books；住院登记")

    def found(words, by=stage.wang):
        return [line["name"] for line in keeper.dataset_list(by, words)["datasets"]]

    assert found("WARD") == [stages.DATASET]
    assert found("住院") == found("ｗａｒｄ 登记") == [stages.DATASET]
    assert found("姓名") == found("personal NAME") == [stages.DATASET]
    assert found("health.") == [stages.LABS, stages.DATASET]
    assert found("blood") == []  # a category is no word of the catalogue's index
    assert found("") == found("  ") == [stages.LABS, stages.DATASET]
    (line,) = keeper.dataset_list(stage.wang, "urgent books")["datasets"]
    assert line["matches"] == ["urgent"]
    assert found("ward", by=keeper.principal("laboratory")) == []
    keeper.close()


def test_a_description_is_its_owners_and_is_held_against_the_log(stage):
    keeper = stage.keeper
    for by in (stage.wang, stage.li, stage.lab):
        with pytest.raises(DeniedError):
            keeper.dataset_describe(by, stages.DATASET, "mine")
    for text in ("", " \n", "x" * 2001, "a\u202eb"):
        with pytest.raises(InvalidInputError):
            keeper.dataset_describe(stage.bureau, stages.DATASET, text)
    keeper.dataset_describe(stage.bureau, stages.DATASET, "first")
    keeper.dataset_describe(stage.bureau, stages.DATASET, "second")
    assert keeper.dataset_show(stage.wang, stages.DATASET)["description"] == "second"
    keeper.audit_verify(stage.li)
    with keeper._desk.workspace.database.transaction() as connection:
        connection.execute(descriptions.update().values(text="first"))
    with pytest.raises(TamperingError) as found:
        keeper.audit_verify(stage.li)
    assert found.value.facts["kind"] == "description"
