"""The façade for notebooks: released rows as a data frame, what it cost in its attributes."""

from __future__ import annotations

import pandas as pd
import pytest

import keyong
from sandbox.errors import InvalidInputError
from sandbox.schema import Principal, Role
from service.asked import JobRequest
from service.client.notebook import Connection, frames
from service.messages import catalogue

RESULT = {
    "mock": False,
    "job": "j",
    "status": "released",
    "replayed": False,
    "mechanism": "discrete-laplace",
    "loss": {"filter": "pure", "epsilon": "0.5", "rho": None, "delta": "0"},
    "losses": [{"dataset": "a.b", "filter": "pure", "epsilon": "0.5", "rho": None, "delta": "0"}],
    "datasets": [{"name": "a.b", "version": 1}],
    "public_tables": [],
    "tables": [
        {
            "statement": 1,
            "sql": "SELECT 1",
            "columns": [{"name": "age", "kind": "key"}, {"name": "n", "kind": "value"}],
            "rows": [
                {"age": None, "n": 3, "n_low": 1, "n_high": 5},
                {"age": "x", "n": None, "n_low": None, "n_high": None},
            ],
            "notes": [{"key": "result.bounded", "facts": {}}],
        }
    ],
}


class Recorder:
    """Answers every question with `RESULT` and remembers what was asked."""

    def __init__(self, result=RESULT) -> None:
        self.result = result
        self.asked: list[JobRequest] = []
        self.closed = False

    def job_submit(self, by, request):
        self.asked.append(request)
        return {"job": "j"}

    def job_run(self, by, job):
        return self.result

    def job_explain(self, by, request):
        self.asked.append(request)
        return {}

    def close(self):
        self.closed = True


def test_a_release_becomes_a_frame():
    (table,) = frames(RESULT)
    assert list(table.columns) == ["age", "n", "n_low", "n_high"]
    assert table["n"].iloc[0] == 3
    assert pd.isna(table["n"].iloc[1])
    assert table.attrs["loss"]["epsilon"] == "0.5"
    assert table.attrs["losses"][0]["dataset"] == "a.b"
    assert table.attrs["intervals"] == {"n": ["n_low", "n_high"]}
    assert table.attrs["notes"] == ["result.bounded"]
    assert table.attrs["replayed"] is False


def test_a_frame_of_mock_data_says_so_wherever_it_goes():
    (table,) = frames({**RESULT, "mock": True})
    for shown in (table, table.head(1), table.copy(), table[["n"]], table[table["n"] > 0]):
        assert "MOCK" in str(shown)
        assert shown.attrs["mock"] is True
    assert "MOCK" not in str(frames(RESULT)[0])


def with_rows(*rows):
    return {**RESULT, "tables": [{**RESULT["tables"][0], "rows": list(rows)}]}


def test_an_empty_release_keeps_its_columns():
    (table,) = frames(with_rows())
    assert list(table.columns) == ["age", "n", "n_low", "n_high"]


def test_a_total_is_told_from_the_null_category():
    both = {"n": 1, "n_low": 0, "n_high": 2, "age": None}
    (table,) = frames(with_rows(both, both | {"_totals": ["age"]}))
    assert list(table.columns) == ["age", "n", "n_low", "n_high", "_totals"]
    assert pd.isna(table["_totals"].iloc[0])
    assert table["_totals"].iloc[1] == ["age"]


def test_several_statements_are_several_frames():
    several = {**RESULT, "tables": RESULT["tables"] * 2}
    principal = Principal("wang", frozenset({Role.ANALYST}))
    assert isinstance(Connection(Recorder(), principal).query("S", purpose="p", epsilon=1), pd.DataFrame)
    found = Connection(Recorder(several), principal).query("S; S", purpose="p", epsilon=1)
    assert isinstance(found, list)
    assert [list(table.columns) for table in found] == [["age", "n", "n_low", "n_high"]] * 2


def test_what_was_typed_is_what_is_asked():
    keeper = Recorder()
    with Connection(keeper, Principal("wang", frozenset({Role.ANALYST}))) as connection:
        connection.query("SELECT 1", purpose="p", epsilon=0.1)
        connection.query("SELECT 1", purpose="p", error="1%", group_size=5, max_rows=2)
        connection.query("SELECT 1; SELECT 2", purpose="p", error=["1%", "50"])
        connection.explain("SELECT 1; SELECT 2", purpose="p", epsilon="1", weights=[2, 0.5])
    assert keeper.asked == [
        JobRequest("SELECT 1", "p", "0.1", None, None, None),
        JobRequest("SELECT 1", "p", None, "1%", 5, 2),
        JobRequest("SELECT 1; SELECT 2", "p", errors=("1%", "50")),
        JobRequest("SELECT 1; SELECT 2", "p", "1", weights=("2", "0.5")),
    ]
    assert keeper.closed


def test_the_facade_defines_nothing():
    assert keyong.__all__ == ["Connection", "connect"]
    assert keyong.connect.__module__ == "service.client.notebook"


def test_an_error_brings_the_words_of_the_command_line(monkeypatch):
    monkeypatch.setenv("KEYONG_LANG", "en")

    class Refusing(Recorder):
        def job_submit(self, *_):
            raise InvalidInputError("job.epsilon-or-error")

    connection = Connection(Refusing(), Principal("wang", frozenset({Role.ANALYST})))
    with pytest.raises(InvalidInputError) as refused:
        connection.query("SELECT 1", purpose="p")
    assert refused.value.__notes__ == [catalogue.text(refused.value, "en")]
