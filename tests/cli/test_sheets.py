"""Columns decided about in a sheet: what comes back from a spreadsheet is what was meant."""

from __future__ import annotations

import csv

import pytest
from tagged import ANSWER, column

from cli import sheets
from sandbox.errors import InvalidInputError

HEADS = ["column", "tag", "decision", "reason"]
TITLES = ANSWER["levels"]["law"]["titles"]


def written(folder, columns=ANSWER["columns"]):
    sheets.write(folder / "s.csv", columns, "law", TITLES)
    with (folder / "s.csv").open(encoding="utf-8-sig", newline="") as file:
        return list(csv.reader(file))


def saved(folder, lines, encoding="utf-8-sig", delimiter=","):
    """The sheet as a spreadsheet saves it."""
    with (folder / "t.csv").open("w", encoding=encoding, newline="") as file:
        csv.writer(file, delimiter=delimiter).writerows(lines)
    return folder / "t.csv"


def test_a_sheet_says_what_the_screen_says(tmp_path, monkeypatch):
    monkeypatch.setenv("KEYONG_LANG", "en")
    head, first, *_, last = written(tmp_path)
    assert head == [
        *("column", "type", "tag", "what it is", "state", "level", "confidence", "evidence", "otherwise"),
        *("decision", "reason", "dataset"),
    ]
    assert first[:5] == ["emergency_contact", "string", "pi.name", "Personal name", "pi.name (proposed)"]
    assert first[5:9] == [
        "personal",
        "0.97",
        "name beside others: home_address; dictionary: marital status",
        "pi.work: Occupation (0.05)",
    ]
    assert last[4] == "pi.health (by dpo, instead of pi.work)"
    assert {tuple(line[9:11]) for line in (first, last)} == {
        ("", "")
    }  # nothing is decided by leaving it as it is


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
@pytest.mark.parametrize(
    ("encoding", "as_said"),
    [("utf-8-sig", "utf-8"), ("utf-8", "utf-8"), ("gb18030", "gb18030"), ("utf-16", "utf-16")],
)
@pytest.mark.parametrize(("language", "reader"), [("en", "zh"), ("zh", "en"), ("zh", "zh")])
def test_what_is_decided_comes_back(tmp_path, monkeypatch, language, reader, encoding, as_said, delimiter):
    monkeypatch.setenv("KEYONG_LANG", language)
    columns = [
        column(name, "Personal name", "姓名", "pi.name")
        for name in ("=1+1", "'quoted", "－列", "婚姻状况（含再婚）", "a,b;c", "left alone")
    ]
    head, *lines = written(tmp_path, columns)
    assert [line[0] for line in lines[:3]] == ["'=1+1", "''quoted", "'－列"]
    decided = [" ＯＫ ", "pi.work", "确认", "姓名", "√"]
    for line, decision in zip(lines, decided, strict=False):
        line[9] = decision
    lines[1][10] = "it names\nthe employer"
    if encoding == "gb18030":
        lines[0][9] = "y"
    monkeypatch.setenv("KEYONG_LANG", reader)
    lines.append([])  # spreadsheets leave empty lines behind
    found = sheets.read(saved(tmp_path, [head, *lines], encoding, delimiter), as_said, "")
    assert found.tags == {
        "=1+1": None,
        "'quoted": "pi.work",
        "－列": None,
        "婚姻状况（含再婚）": "姓名",
        "a,b;c": None,
    }
    assert found.reasons == {"'quoted": "it names\nthe employer"}
    assert set(found.seen.values()) == {"pi.name"}
    assert found.seen.keys() == found.tags.keys()


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
def test_no_spreadsheet_finds_a_formula_or_makes_something_else_of_a_name(tmp_path, delimiter):
    names = ["b;=1+1;c", "b,=1+1", "001", "2024-01", "1E5", "TRUE", "may-5", "'5", "@x", "name"]
    sheets.write(tmp_path / "s.csv", [column(it, "t", "t", "general") for it in names], "law", TITLES)
    with (tmp_path / "s.csv").open(encoding="utf-8-sig", newline="") as file:
        lines = list(csv.reader(file, delimiter=delimiter))
    assert not [cell for line in lines for cell in line if cell.startswith("=")]
    if delimiter == ",":
        first = [line[0] for line in lines[1:]]
        assert first == [*names[:2], "'001", "'2024-01", "'1E5", "'TRUE", "'may-5", "''5", "'@x", "name"]
        for line in lines[1:]:
            line[9] = "同意。"
        assert list(sheets.read(saved(tmp_path, lines), "utf-8", "").tags) == names


def test_columns_of_a_sheet_may_stand_in_any_order_and_others_beside_them(tmp_path):
    lines = [
        ["Reason", "mine", "TAG", "Column", "decision"],
        ["", "?", "general", "a", "ok"],
        ["", "x", "", "b"],
    ]
    assert sheets.read(saved(tmp_path, lines), "utf-8", "a.b") == sheets.Decided(
        {"a": None}, {}, {"a": "general"}
    )


@pytest.mark.parametrize(
    ("lines", "code"),
    [
        ([], "sheet.no-sheet"),
        ([["column", "tag", "decision"], ["a", "general", "ok"]], "sheet.no-sheet"),
        ([HEADS, ["a", "general", " ", ""]], "sheet.nothing-decided"),
        ([HEADS, *[["a", "general", "ok"]] * 2], "sheet.column-twice"),
        ([HEADS, ["a", "general", "", "x"]], "sheet.half-a-line"),
        ([HEADS, ["", "general", "ok", ""]], "sheet.half-a-line"),
        ([[*HEADS, "决定"], ["a", "b", "", "", "ok"]], "sheet.heading-twice"),
        (
            [["column", "tag", "decision", "reason", "数据集"], ["a", "b", "ok", "", "a.c"]],
            "sheet.other-dataset",
        ),
        ([HEADS, ["a", "x" * 200_000, "ok"]], "sheet.no-sheet"),
        ([HEADS, *[["a", "x" * 99_000, ""]] * 180], "sheet.too-long"),
    ],
)
def test_what_is_no_sheet_is_refused(tmp_path, lines, code):
    with pytest.raises(InvalidInputError) as caught:
        sheets.read(saved(tmp_path, lines, "utf-8"), "utf-8", "a.b")
    assert caught.value.code == code


def test_a_sheet_somebody_may_have_worked_on_is_not_written_over(tmp_path):
    before = written(tmp_path)
    with pytest.raises(InvalidInputError) as caught:
        written(tmp_path, [])
    assert caught.value.code == "sheet.exists"
    assert list(tmp_path.iterdir()) == [tmp_path / "s.csv"]
    with (tmp_path / "s.csv").open(encoding="utf-8-sig", newline="") as file:
        assert list(csv.reader(file)) == before
