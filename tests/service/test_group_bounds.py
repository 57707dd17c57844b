"""A policy that bounds groups, from its text to what owner, analyst and reviewer are told of it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from stage import COUNTS, DATASET, PURPOSE, Stage, build

from service.asked import JobRequest
from service.wording import group_bound

BOTH = "5, max_groups: 3, max_group_rows: 2"


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    with pytest.MonkeyPatch.context() as patch:
        place = tmp_path_factory.mktemp("bounded")
        patch.setenv("KEYONG_ANCHORS", str(place / "anchors"))
        made = build(place, max_rows=BOTH)
        yield made
        made.keeper.close()


def test_the_catalogue_and_an_explanation_tell_the_bounds(stage: Stage) -> None:
    shown = stage.keeper.dataset_show(stage.wang, DATASET)
    assert (shown["max_rows"], shown["max_groups"], shown["max_group_rows"]) == (5, 3, 2)
    told = stage.keeper.job_explain(stage.wang, JobRequest(COUNTS, PURPOSE, epsilon="0.5"))
    (dataset,) = told["datasets"]
    assert (dataset["max_groups"], dataset["max_group_rows"]) == (3, 2)
    column = told["statements"][0]["columns"][1]
    assert column["bound"] == 5
    derived = {(it["kind"], it["what"], it["high"], it["source"]) for it in column["derived_from"]}
    assert derived == {
        ("rows", DATASET, "5", "unit.max_rows"),
        ("groups", "ward", "3", "unit.max_groups"),
        ("rows in a group", "ward", "2", "unit.max_group_rows"),
    }


def test_the_same_loss_buys_less_noise(stage: Stage) -> None:
    """Five rows in cells of two: √(4 + 4 + 1) instead of 5."""
    grouped, whole = (
        stage.keeper.job_explain(stage.wang, JobRequest(text, PURPOSE, epsilon="0.5"))
        for text in (COUNTS, "SELECT COUNT(*) AS n FROM health.stays")
    )
    widths = [told["statements"][0]["columns"][-1]["half_width"] for told in (grouped, whole)]
    assert grouped["loss"] == whole["loss"]
    assert widths[0] / widths[1] == pytest.approx(3 / 5, rel=0.02)


def test_results_and_accounts_say_what_was_cut(stage: Stage) -> None:
    result = stage.ask()
    notes = {note["key"]: note["facts"] for note in result["tables"][0]["notes"]}
    assert notes["result.group-bound"] == {"groups": 3, "rows": 2}
    account = stage.keeper.audit_account(stage.li, result["job"])
    (statement,) = account["statements"]
    assert (statement["max_groups"], statement["max_group_rows"]) == (3, 2)
    plain = stage.ask("SELECT COUNT(*) AS n FROM health.stays")
    assert not [note for note in plain["tables"][0]["notes"] if "group-bound" in note["key"]]
    stage.keeper.audit_verify(stage.li)


def test_another_bound_is_another_question(stage: Stage) -> None:
    """What was released under one bound is not shown under another."""
    first = stage.ask()
    assert stage.ask()["replayed"]
    stage.apply(version=2, max_rows=BOTH.replace("max_groups: 3", "max_groups: 2"))
    again = stage.ask()
    assert not again["replayed"]
    assert again["job"] != first["job"]


@pytest.mark.parametrize("language", ["en", "zh"])
def test_bounds_are_said_in_words(language: str) -> None:
    said = [
        group_bound({"max_groups": groups, "max_group_rows": rows}, language)
        for groups, rows in ((8, 5), (8, None), (None, 5), (None, None))
    ]
    assert said[3] is None
    assert [text is not None and "8" in text for text in said[:3]] == [True, True, False]
    assert [text is not None and "5" in text for text in said[:3]] == [True, False, True]
