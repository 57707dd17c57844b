"""Releases as files: nothing lost, nothing that a spreadsheet runs, the cost beside the numbers."""

from __future__ import annotations

import csv
import io
import json

import duckdb
import pandas as pd
import pyarrow.parquet as pq
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from sandbox.errors import InvalidInputError
from service.client import exports
from service.client.bars import interval_bar

HOSTILE = [
    "=1+1",
    "+1",
    "-1",
    "@SUM(A1)",
    "\t=1",
    "\r=1",
    "＝1",
    "'=1",
    "''",
    'a"b',
    "a,b\nc",
    "",
    "七十岁",
    "=cmd|' /C calc'!A0",
]


LOSS = {"dataset": "a.b", "filter": "zcdp", "epsilon": "1", "rho": "0.1", "delta": "0.000001"}


def released(rows, columns=("k", "n")):
    kinds = [{"name": columns[0], "kind": "key"}, {"name": columns[1], "kind": "value"}]
    return {"tables": [{"statement": 1, "sql": "", "columns": kinds, "rows": rows, "notes": []}]}


def result(keys, mock=False, **more):
    rows = [{"k": key, "n": n - 3, "n_low": n - 5.5, "n_high": None} for n, key in enumerate(keys)]
    return {**released(rows), "mock": mock, "job": "job-1", "losses": [LOSS], **more}


def read(text):
    """What a CSV reader that knows the policy sees."""
    lines = list(csv.reader(io.StringIO(text, newline="")))
    return [[cell[1:] if cell.startswith("'") else cell for cell in line] for line in lines]


def test_text_comes_back_and_nothing_begins_like_a_formula():
    text = exports.csv_text(result(HOSTILE))
    assert [line[0] for line in read(text)[1:]] == HOSTILE
    for line in csv.reader(io.StringIO(text, newline="")):
        assert not line[0].startswith(("=", "+", "-", "@", "\t", "\r", "＝"))


@given(st.lists(st.text(st.characters(codec="utf-8")), min_size=1))
def test_any_text_comes_back(keys):
    assert [line[0] for line in read(exports.csv_text(result(keys)))[1:]] == keys


def test_numbers_stand_bare_null_is_empty_and_text_is_quoted():
    (_, first, second) = exports.csv_text(result([None, "-7"])).split("\r\n")[:3]
    assert first == ",-3,-5.5,"
    assert second == '"\'-7",-2,-4.5,'


def test_headings_are_guarded_too():
    rows = [{"=k": 1, "@n": 2, "@n_low": 1, "@n_high": 3}]
    told = {**released(rows, columns=("=k", "@n")), "mock": False}
    assert exports.csv_text(told).splitlines()[0] == '"\'=k","\'@n","\'@n_low","\'@n_high"'


@pytest.mark.parametrize("mock", [False, True])
def test_a_csv_has_its_cost_beside_it(tmp_path, mock):
    exports.write_csv(result(HOSTILE, mock), tmp_path / "a.csv")
    told = json.loads((tmp_path / "a.csv.json").read_text())
    assert (told["mock"], told["job"], told["losses"]) == (mock, "job-1", [LOSS])
    assert told["columns"] == [{"name": "k", "kind": "key"}, {"name": "n", "kind": "value"}]
    assert "rows" not in told
    frame = pd.read_csv(tmp_path / "a.csv", keep_default_na=False)
    assert ("_mock" in frame) is mock
    assert len(frame) == len(HOSTILE)
    assert duckdb.sql(f"SELECT SUM(n) FROM '{tmp_path}/a.csv'").fetchall() == [
        (sum(range(len(HOSTILE))) - 42,)
    ]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.csv", "a.csv.json"]


@pytest.mark.parametrize("mock", [False, True])
def test_parquet_keeps_types_and_cost(tmp_path, mock):
    exports.write_parquet(result([*HOSTILE, None], mock), tmp_path / "a.parquet")
    table = pq.read_table(tmp_path / "a.parquet")
    assert table["k"].to_pylist() == [*HOSTILE, None]
    assert [str(field.type) for field in table.schema][:4] == ["string", "int64", "double", "double"]
    assert json.loads(table.schema.metadata[b"keyong"])["mock"] is mock
    assert ("_mock" in table.column_names) is mock


def test_totals_are_told_from_the_null_category(tmp_path):
    rows = [{"k": None, "n": 1}, {"k": None, "n": 2, "_totals": ["k"]}]
    told = {**released(rows), "mock": False}
    assert exports.csv_text(told).splitlines()[1:] == [",1,,,", ',2,,,"[""k""]"']
    exports.write_parquet(told, tmp_path / "a.parquet")
    assert pq.read_table(tmp_path / "a.parquet")["_totals"].to_pylist() == [None, ["k"]]


def test_odd_numbers_find_a_type(tmp_path):
    rows = [{"k": True, "n": 2**70, "n_low": None, "n_high": 2.5}, {"k": False, "n": None}]
    exports.write_parquet({**released(rows), "mock": False}, tmp_path / "a.parquet")
    assert pq.read_table(tmp_path / "a.parquet")["n"].to_pylist() == [float(2**70), None]
    exports.write_parquet(result([]), tmp_path / "b.parquet")
    assert pq.read_table(tmp_path / "b.parquet").num_rows == 0


def test_places_are_checked_before_anything_is_spent(tmp_path):
    for path in (tmp_path, tmp_path / "no" / "a.csv"):
        with pytest.raises(InvalidInputError):
            exports.check_place(path)
    exports.check_place(tmp_path / "a.csv")


def test_a_write_that_fails_leaves_the_old_file(tmp_path):
    path = tmp_path / "a.csv"
    path.write_text("old")

    def fail():
        with exports.whole(path) as draft:
            draft.write_text("new")
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fail()
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize(
    ("value", "low", "high", "shown"),
    [
        (60, 40, 80, "####~~|~  "),
        (0, -1, 20, "|~        "),
        (100, None, None, "#########|"),
        (None, 0, 9, "          "),
    ],
)
def test_bars_show_the_noise(value, low, high, shown, monkeypatch):
    monkeypatch.setattr("service.client.bars.speaks_unicode", lambda: False)
    assert interval_bar(value, low, high, (0, 100), 10) == shown


def test_bars_below_zero(monkeypatch):
    monkeypatch.setattr("service.client.bars.speaks_unicode", lambda: False)
    assert interval_bar(-60, -80, -40, (-100, 100), 20) == "  ~~|~####          "


@given(st.floats(-1e9, 1e9), st.floats(-1e9, 1e9), st.floats(-1e9, 1e9), st.integers(1, 60))
@example(0.0, 0.0, 5e-324, 2)
def test_a_bar_is_as_wide_as_asked_and_has_one_mark(value, low, high, width):
    span = (min(0, value, low, high), max(0, value, low, high))
    bar = interval_bar(value, low, high, span, width)
    assert len(bar) == width
    assert bar.count("|") + bar.count("┃") == (span[0] < span[1])
