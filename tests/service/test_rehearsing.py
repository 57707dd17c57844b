"""Rehearsals and mock files: the real way of a job, on rows that were never anybody's."""

from __future__ import annotations

import json
import shutil

import duckdb
import pyarrow.parquet as pq
import pytest
import sqlalchemy as sa
import stage as stages

from jobs import measure
from sandbox.books import charges, jobs, leaves, releases
from sandbox.errors import DeniedError, InvalidInputError
from sandbox.keys.keyring import Keyring
from service.asked import JobRequest, Mock, NewTable

BOTH = (
    "SELECT test, COUNT(*) AS n FROM health.stays s JOIN health.labs l ON s.person = l.subject GROUP BY test"
)


@pytest.fixture(scope="module")
def shared(tmp_path_factory):
    place = tmp_path_factory.mktemp("rehearsing")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("KEYONG_ANCHORS", str(place / "anchors"))
        made = stages.with_labs(stages.build(place, max_rows=10))
        yield made
        made.keeper.close()


@pytest.fixture
def exact(monkeypatch):
    monkeypatch.setattr(measure, "add_noise", lambda values, *_: list(values))


def rehearsed(stage, sql=stages.COUNTS, by=None, mock=None, **more):
    asked = JobRequest(sql, stages.PURPOSE, epsilon="0.5", **more)
    return stage.keeper.job_rehearse(by or stage.wang, asked, mock or Mock())


def books(stage):
    with stage.keeper._desk.reading() as connection:
        return [
            connection.scalar(sa.select(sa.func.count()).select_from(t))
            for t in (jobs, charges, releases, leaves)
        ]


def test_a_rehearsal_looks_like_a_result_and_says_what_it_is(shared):
    result, real = rehearsed(shared), shared.ask()
    assert result["mock"] is True
    assert real["mock"] is False
    assert (result["job"], result["losses"]) == (None, [])
    assert result["would_cost"] == real["losses"]
    assert result["tables"][0]["columns"] == real["tables"][0]["columns"]
    assert [row["ward"] for row in result["tables"][0]["rows"]] == ["A", "B", "C", None]
    assert real.keys() <= result.keys()
    json.dumps(result)


def test_nothing_is_charged_made_or_logged(shared):
    before = books(shared)
    rehearsed(shared)
    rehearsed(shared, BOTH)
    assert books(shared) == before


def test_a_refusal_is_that_of_a_job_and_leaves_its_leaf(shared):
    before = books(shared)
    with pytest.raises(DeniedError) as refused:
        rehearsed(shared, "SELECT name, COUNT(*) AS n FROM health.stays GROUP BY name")
    assert refused.value.code == "denied.column-not-listed"
    assert books(shared) == [*before[:3], before[3] + 1]


def test_neither_vault_nor_key_is_needed(tmp_path, monkeypatch):
    stage = stages.with_labs(stages.build(tmp_path))
    source = stages.write_csv(tmp_path / "wards.csv", [{"ward": w, "beds": n} for n, w in enumerate("ABCD")])
    stage.keeper.table_add(stage.bureau, NewTable(source, "public.wards"))
    shutil.rmtree(tmp_path / "ws" / "vault")

    def no_keys(*_):
        raise AssertionError("a key was opened")

    for name in ("open", "open_many"):
        monkeypatch.setattr(Keyring, name, no_keys)
    looked_up = (
        "SELECT beds, COUNT(*) AS n FROM health.stays s JOIN public.wards w ON s.ward = w.ward GROUP BY beds"
    )
    for sql in (stages.COUNTS, BOTH, looked_up):
        assert rehearsed(stage, sql)["tables"][0]["rows"]
    shown = rehearsed(stage, looked_up, mock=Mock(units=3000))["tables"][0]["rows"]
    assert sum(row["n"] for row in shown) > 3000
    stage.keeper.dataset_mock(stage.wang, stages.DATASET, tmp_path / "mock.csv", Mock(rows=50))
    assert len((tmp_path / "mock.csv").read_text().splitlines()) == 51
    with pytest.raises(AssertionError):
        stage.ask()
    stage.keeper.close()


@pytest.mark.parametrize("ending", ["csv", "parquet"])
def test_the_file_and_the_rehearsal_are_the_same_people(shared, exact, tmp_path, ending):
    path, size = tmp_path / f"mock.{ending}", Mock(rows=700, units=300, seed=9)
    told = shared.keeper.dataset_mock(shared.wang, stages.DATASET, path, size)
    assert (told["rows"], told["units"], told["mock"]) == (700, 300, True)
    sql = (
        "SELECT ward, COUNT(*) AS n, SUM(days) AS d, COUNT(DISTINCT person) AS p, COUNT(cost) AS c "
        "FROM health.stays WHERE urgent IS NOT NULL GROUP BY ward"
    )
    answered = {row["ward"]: row for row in rehearsed(shared, sql, mock=size)["tables"][0]["rows"]}
    rows = duckdb.sql(sql.replace("health.stays", f"'{path}'")).fetchall()
    assert len(rows) == len(answered) == 4
    for ward, *values in rows:
        assert [answered[ward][name] for name in "ndpc"] == values


def test_a_join_meets_the_same_people(shared, exact, tmp_path):
    for name in (stages.DATASET, stages.LABS):
        shared.keeper.dataset_mock(shared.wang, name, tmp_path / f"{name}.parquet", Mock(rows=150, units=100))
    sql = BOTH.replace("COUNT(*)", "COUNT(DISTINCT s.person)")
    answered = rehearsed(shared, sql, mock=Mock(rows=150, units=100))["tables"][0]["rows"]
    local = sql.replace("health.stays", f"'{tmp_path}/health.stays.parquet'")
    local = local.replace("health.labs", f"'{tmp_path}/health.labs.parquet'")
    assert {row["test"]: row["n"] for row in answered} == dict(duckdb.sql(local).fetchall())


def test_other_rows_make_the_same_rehearsal(tmp_path, exact):
    said = []
    for number, people in enumerate((60, 59)):
        place = tmp_path / str(number)
        place.mkdir()
        stage = stages.build(place, table=stages.rows(people))
        said.append(rehearsed(stage))
        stage.keeper.close()
    assert said[0] == said[1]


def test_whoever_sees_the_catalogue_may_rehearse(shared):
    for by in (shared.bureau, shared.li):
        assert rehearsed(shared, by=by)["mock"]
    with pytest.raises(DeniedError) as refused:
        rehearsed(shared, by=shared.lab)
    assert refused.value.code == "denied.unknown-dataset"
    with pytest.raises(DeniedError):
        shared.keeper.dataset_mock(shared.lab, stages.DATASET, shared.place / "x.csv", Mock())


def test_files_are_made_whole_or_not_at_all(shared, tmp_path):
    def mock(name, **size):
        return shared.keeper.dataset_mock(shared.wang, stages.DATASET, tmp_path / name, Mock(**size))

    mock("a.csv", rows=60, seed=4)
    mock("b.csv", rows=60, seed=4)
    mock("c.csv", rows=60, seed=5)
    assert (tmp_path / "a.csv").read_bytes() == (tmp_path / "b.csv").read_bytes()
    assert (tmp_path / "a.csv").read_bytes() != (tmp_path / "c.csv").read_bytes()
    for wrong in (
        {"rows": 0},
        {"rows": 10**10},
        {"rows": 5, "units": 6},
        {"rows": 50, "units": 4},
        {"seed": -1},
    ):
        with pytest.raises(InvalidInputError):
            mock("d.csv", **wrong)
    for name in ("a.csv", "d.xlsx"):
        with pytest.raises(InvalidInputError):
            mock(name, rows=5)

    def stop(*_):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        shared.keeper.dataset_mock(shared.wang, stages.DATASET, tmp_path / "e.csv", Mock(rows=5), stop)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.csv", "b.csv", "c.csv"]
    mock("f.parquet", rows=9)
    assert pq.read_schema(tmp_path / "f.parquet").metadata[b"keyong.mock"] == b"true"
