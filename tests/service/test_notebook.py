"""The façade for notebooks: released rows as a data frame, what it cost in its attributes."""

from __future__ import annotations

import pandas as pd

import keyong
from sandbox.schema import Principal, Role
from service.gatekeeper import JobRequest
from service.notebook import Connection, frame

RESULT = {
    "job": "j",
    "status": "released",
    "replayed": False,
    "mechanism": "discrete-laplace",
    "notes": [],
    "loss": {"filter": "pure", "epsilon": "0.5", "rho": None, "delta": "0"},
    "dataset": "a.b",
    "version": 1,
    "max_rows": 1,
    "columns": [{"name": "age", "kind": "key"}, {"name": "n", "kind": "value"}],
    "rows": [
        {"age": None, "n": 3, "n_low": 1, "n_high": 5},
        {"age": "x", "n": None, "n_low": None, "n_high": None},
    ],
}


class Recorder:
    """Answers every question with `RESULT` and remembers what was asked."""

    def __init__(self) -> None:
        self.asked: list[JobRequest] = []
        self.closed = False

    def job_submit(self, by, request):
        self.asked.append(request)
        return {"job": "j"}

    def job_run(self, by, job):
        return RESULT

    def close(self):
        self.closed = True


def test_a_release_becomes_a_frame():
    table = frame(RESULT)
    assert list(table.columns) == ["age", "n", "n_low", "n_high"]
    assert table["n"].iloc[0] == 3
    assert pd.isna(table["n"].iloc[1])
    assert table.attrs["loss"]["epsilon"] == "0.5"
    assert table.attrs["replayed"] is False


def test_an_empty_release_keeps_its_columns():
    assert list(frame({**RESULT, "rows": []}).columns) == ["age", "n", "n_low", "n_high"]


def test_what_was_typed_is_what_is_asked():
    keeper = Recorder()
    with Connection(keeper, Principal("wang", frozenset({Role.ANALYST}))) as connection:
        connection.query("SELECT 1", purpose="p", epsilon=0.1)
        connection.query("SELECT 1", purpose="p", error="1%", group_size=5, max_rows=2)
    assert keeper.asked == [
        JobRequest("SELECT 1", "p", "0.1", None, None, None),
        JobRequest("SELECT 1", "p", None, "1%", 5, 2),
    ]
    assert keeper.closed


def test_the_facade_defines_nothing():
    assert keyong.__all__ == ["Connection", "connect"]
    assert keyong.connect.__module__ == "service.notebook"
