"""Removing a dataset: unreadable for good, unknown to all who ask, its past still provable."""

from __future__ import annotations

import random
from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa
from dying import check_edits_are_found, check_settled, dies, stored_bytes, wraps
from stage import COUNTS, DATASET, LABS, PURPOSE, Stage, build, copied, reopen, rows, with_labs, write_csv

from sandbox.books import charges, wrapped_keys
from sandbox.errors import DeniedError, InvalidInputError, TamperingError
from sandbox.keys.keyring import KeyId
from sandbox.vault.access import open_column_keys
from service import dossier
from service.asked import JobRequest, NewDataset, UnitList


@pytest.fixture
def stage(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Stage]:
    stage = copied(tmp_path, monkeypatch)
    yield stage
    stage.keeper.close()


def test_nothing_opens_it_any_more(stage: Stage) -> None:
    stage.ask()
    stage.keeper.dataset_withdraw(stage.bureau, DATASET, UnitList(b"1001"))
    place = stage.place / "ws"
    workspace = stage.keeper._desk.workspace
    with stage.keeper._desk.reading() as connection:
        manifest = dossier.read(connection, workspace, DATASET).manifest
    shards = {path: path.read_bytes() for path in (place / "vault").rglob("*.parquet")}
    before = wraps(stage)
    answer = stage.keeper.dataset_remove(stage.bureau, DATASET)
    assert answer["cleaned"]
    assert not list((place / "vault").iterdir())
    gone = [wrapped for key, (_, wrapped) in before.items() if key not in wraps(stage)]
    assert len(gone) == answer["keys"] == len(before) - 2  # all but what signs manifests and log
    kept = stored_bytes(place)
    assert not any(wrapped in kept for wrapped in gone)
    # Shards that somebody copied, and the master key at hand: there is no wrapped key to open.
    for path, content in shards.items():
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(content)
    with stage.keeper._desk.reading() as connection, pytest.raises(TamperingError, match=r"key\.missing"):
        open_column_keys(manifest, connection, workspace.keyring, ["ward"])
    assert stage.keeper.audit_verify(stage.li)["shards_checked"] == 0


def test_it_is_unknown_and_its_past_is_for_reviewers(stage: Stage) -> None:
    with_labs(stage)
    first = stage.ask()
    waiting = stage.keeper.job_submit(stage.wang, JobRequest(COUNTS, PURPOSE, epsilon="0.25"))["job"]
    paid = stage.keeper.job_list(stage.bureau)["jobs"]
    stage.keeper.dataset_remove(stage.bureau, DATASET)
    joined = f"SELECT COUNT(*) FROM {DATASET} s JOIN {LABS} l ON s.person = l.subject"
    for act in (
        lambda: stage.keeper.dataset_show(stage.wang, DATASET),
        lambda: stage.keeper.dataset_show(stage.bureau, DATASET),
        lambda: stage.keeper.budget_show(stage.wang, DATASET),
        lambda: stage.keeper.policy_show(stage.wang, DATASET),
        lambda: stage.keeper.job_submit(stage.wang, JobRequest(COUNTS, PURPOSE, epsilon="0.5")),
        lambda: stage.keeper.job_submit(stage.wang, JobRequest(joined, PURPOSE, epsilon="0.5")),
        lambda: stage.keeper.job_explain(stage.wang, JobRequest(COUNTS, PURPOSE, epsilon="0.5")),
        lambda: stage.keeper.job_run(stage.wang, waiting),
        lambda: stage.keeper.job_result(stage.wang, first["job"]),
        lambda: stage.keeper.dataset_remove(stage.bureau, DATASET),
        lambda: stage.keeper.dataset_rotate(stage.bureau, DATASET),
        stage.apply,
    ):
        with pytest.raises(DeniedError, match=r"denied\.unknown-dataset"):
            act()
    assert [one["name"] for one in stage.keeper.dataset_list(stage.wang)["datasets"]] == [LABS]
    assert stage.keeper.job_result(stage.li, first["job"])["tables"][0]["rows"] == first["tables"][0]["rows"]
    assert stage.keeper.job_list(stage.bureau)["jobs"] == paid
    assert stage.keeper.audit_account(stage.li, first["job"])["release"]
    with stage.keeper._desk.reading() as connection:
        assert len(connection.execute(sa.select(charges)).all()) == 2
    stage.keeper.audit_verify(stage.li)
    assert stage.ask(f"SELECT COUNT(*) AS n FROM {LABS}")["status"] == "released"


def test_neither_name_nor_lineage_is_used_again_and_people_are_not_new_people(stage: Stage) -> None:
    lineage = stage.keeper.dataset_show(stage.bureau, DATASET)["lineage"]
    stage.keeper.dataset_remove(stage.bureau, DATASET)
    source = write_csv(stage.place / "again.csv", rows())

    def add(name: str, **more: str) -> None:
        new = NewDataset(source, name, "person", "health.patient", types={"ward": "string"}, **more)
        stage.keeper.dataset_add(stage.bureau, new)

    for more in ({}, {"lineage": lineage}, {"new_lineage": "because"}):
        with pytest.raises(InvalidInputError, match=r"dataset\.was-removed"):
            add(DATASET, **more)
    with pytest.raises(DeniedError, match=r"denied\.unknown-dataset"):
        add("health.again", lineage=lineage)
    with pytest.raises(InvalidInputError, match=r"dataset\.known-namespace"):
        add("health.again")
    add("health.again", new_lineage="the first was removed")
    stage.keeper.audit_verify(stage.li)


def test_the_namespace_keeps_its_key_as_long_as_somebody_needs_it(stage: Stage) -> None:
    with_labs(stage)

    def linkage() -> int:
        with stage.keeper._desk.reading() as connection:
            contexts = connection.scalars(sa.select(wrapped_keys.c.context))
            return sum('"linkage"' in context for context in contexts)

    stage.keeper.dataset_remove(stage.bureau, DATASET)
    assert linkage() == 1
    stage.keeper.dataset_withdraw(stage.lab, LABS, UnitList(b"1031"))
    stage.keeper.dataset_remove(stage.lab, LABS)
    assert linkage() == 0
    stage.keeper.audit_verify(stage.li)


def test_only_its_owner_removes_it(stage: Stage) -> None:
    for somebody in (stage.wang, stage.li, stage.lab):
        with pytest.raises(DeniedError):
            stage.keeper.dataset_remove(somebody, DATASET)
    assert stage.ask()["status"] == "released"


def test_an_edit_of_the_books_is_found(stage: Stage) -> None:
    stage.ask()
    stage.keeper.dataset_remove(stage.bureau, DATASET)
    check_edits_are_found(
        stage,
        "DELETE FROM removals",
        "UPDATE removals SET removed_by = 'wang'",
        "DELETE FROM datasets",
        'INSERT INTO wrapped_keys SELECT \'x\', \'{"lineage":"\' || lineage || \'","purpose":"dataset"}\', '
        "'master', x'00' FROM removals",
    )


def test_a_key_that_is_put_back_from_a_backup_is_found(stage: Stage) -> None:
    before = wraps(stage)
    with stage.keeper._desk.reading() as connection:
        row = connection.execute(sa.select(wrapped_keys).where(wrapped_keys.c.wrapped_by != "master")).first()
    assert row is not None
    stage.keeper.dataset_remove(stage.bureau, DATASET)
    with stage.keeper._desk.workspace.database.transaction() as connection:
        connection.execute(sa.insert(wrapped_keys).values(**row._mapping))
    assert KeyId(row.key_id) in before
    with pytest.raises(TamperingError, match=r"audit\.books-differ"):
        stage.keeper.audit_verify(stage.li)


def test_books_of_older_formats_do_not_keep_its_keys(stage: Stage) -> None:
    place = stage.place / "ws"
    (place / "books-format-3.sqlite").write_bytes((place / "books.sqlite").read_bytes())
    stage.keeper.dataset_remove(stage.bureau, DATASET)
    assert not list(place.glob("books-format-*"))


def _act(stage: Stage) -> None:
    stage.keeper.dataset_remove(stage.bureau, DATASET)


def deaths(place: Path, count: int) -> None:
    for number in range(count):
        (place / str(number)).mkdir()
        stage = build(place / str(number))
        job = stage.ask()["job"]
        before = wraps(stage)
        stage.keeper.close()
        died = dies(place / str(number), _act, random.randint(1, 6000)) == 0
        stage = reopen(place / str(number))
        removed = not stage.keeper.dataset_list(stage.bureau)["datasets"]
        assert removed or died
        check_settled(stage, jobs=not removed)
        assert stage.keeper.job_result(stage.li, job)["status"] == "released"
        if removed:
            kept = stored_bytes(place / str(number) / "ws")
            assert not any(wrapped in kept for key, (_, wrapped) in before.items() if key not in wraps(stage))
            assert not list((place / str(number) / "ws" / "vault").iterdir())
        stage.keeper.close()


def test_a_death_anywhere_leaves_all_of_it_or_nothing(tmp_path: Path) -> None:
    deaths(tmp_path, 2)


@pytest.mark.soak
def test_many_deaths_anywhere_leave_all_of_it_or_nothing(tmp_path: Path) -> None:
    deaths(tmp_path, 60)
