"""How numbers, nulls and wide characters are shown."""

from __future__ import annotations

import io
import json
import math
import re
from types import SimpleNamespace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from cli import render, results


@pytest.mark.parametrize(
    ("value", "low", "high", "shown"),
    [
        (12345, 12278, 12412, ("12,345", "± 67")),
        (3, 0, 41, ("3", "[0, 41]")),
        (4.21734, 4.18734, 4.24734, ("4.217", "± 0.030")),
        (0.5, 0.5, 0.5, ("0.5", "[0.5, 0.5]")),
        (-12, -30, 6, ("-12", "± 18")),
        (7, None, None, ("7", "")),
        (1.23456789, None, None, ("1.23457", "")),
        (None, None, None, ("–", "")),
        (10**15, 10**15 - 1, 10**15 + 1, ("1,000,000,000,000,000.0", "± 1.0")),
    ],
)
def test_estimate(value, low, high, shown):
    assert render.estimate(value, low, high) == shown


@given(st.floats(-1e9, 1e9), st.floats(1e-6, 1e6))
def test_rounding_hides_less_than_a_tenth_of_the_half_width(value, half):
    shown, _ = render.estimate(value, value - half, value + half)
    if half >= 10:
        assert abs(float(shown.replace(",", "")) - value) <= 0.5 + 1e-6 * abs(value)
    else:
        assert abs(float(shown.replace(",", "")) - value) <= 0.06 * half + 1e-9 * abs(value)


@given(st.floats(allow_nan=True, allow_infinity=True))
def test_decimals_never_fail(half):
    assert 0 <= render.decimals(half) <= 12


def test_null_is_shown_as_nothing_else_is():
    texts = [None, "NULL", "∅", "'∅'", "", " ", "–", "null", "all", "Σ all", "'Σ all'", "Σ"]
    shown = [render.total().plain, *(render.category(text).plain for text in texts)]
    assert shown[:2] == ["Σ all", "∅"]
    assert len(set(shown)) == len(shown)


def test_decimal_points_stand_under_each_other():
    aligned = [line.rjust(8) for line in render.align_points(["12.5", "3", "0.125"])]
    assert len({line.find(".") for line in aligned if "." in line}) == 1
    assert aligned[1].rstrip().endswith("3")


def test_wide_characters_are_aligned(capsys):
    render.table([("医院", "left"), ("n", "right")], [("协和医院", "1"), ("Charité", "22"), ("a", "333")])
    lines = [line for line in capsys.readouterr().out.splitlines() if line]
    assert len({cell_len(line) for line in lines}) == 1


def test_square_brackets_are_text(capsys):
    render.table([("[bold]age[/bold]", "left")], [("[0-10)",), (":smile:",)])
    out = capsys.readouterr().out
    assert "[0-10)" in out
    assert "[bold]age[/bold]" in out
    assert ":smile:" in out


def test_no_column_is_cut_when_nobody_watches(capsys):
    render.table([(f"c{i}", "left") for i in range(40)], [["x" * 50] * 40])
    assert capsys.readouterr().out.count("x" * 50) == 40


def test_nan_is_not_json(capsys):
    from cli.session import Session

    session = Session()
    session.json = True
    with pytest.raises(ValueError):
        render.answer_json(session, {"x": math.nan})


def test_one_row_of_many_values_stands_upright(capsys, monkeypatch):
    monkeypatch.setenv("KEYONG_LANG", "en")
    names = [f"h_{bar}" for bar in range(1, 7)]
    row = dict.fromkeys(names, 1234) | {f"{name}_low": 1200 for name in names}
    row |= {f"{name}_high": 1268 for name in names} | {"g": None}
    columns = [{"name": "g", "kind": "key"}, *({"name": name, "kind": "value"} for name in names)]
    results.show_table({"columns": columns, "rows": [row]})
    shown = [line.split() for line in capsys.readouterr().out.splitlines()]
    assert shown[0] == ["column", "value", "95", "%", "interval"]
    assert shown[2] == ["g", "∅"]
    assert shown[3:9] == [[name, "1,234", "±", "34"] for name in names]


class _Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def _screen(monkeypatch, width: int) -> _Terminal:
    screen = _Terminal()
    monkeypatch.setattr("sys.stdout", screen)
    monkeypatch.setenv("COLUMNS", str(width))
    return screen


def _printed(screen: _Terminal) -> list[str]:
    plain = re.sub("\x1b\\[[0-9;]*m", "", screen.getvalue())
    return [line.rstrip() for line in plain.splitlines()]


@pytest.mark.parametrize(
    ("width", "shown"),
    [
        (
            60,
            ["column   nulls   impossible dates   kind", "─" * 40, "born         0                 12   –"],
        ),
        (
            34,
            [
                "                 impossible",
                "column   nulls        dates   kind",
                "─" * 34,
                "born         0           12   –",
            ],
        ),
        (30, ["born", "  impossible dates  12"]),
    ],
)
def test_a_table_too_wide_for_the_terminal_is_printed_row_by_row(monkeypatch, width, shown):
    screen = _screen(monkeypatch, width)
    headings = [("column", "left"), ("nulls", "right"), ("impossible dates", "right"), ("kind", "left")]
    render.table_or_paragraphs(headings, [("born", "0", "12", "–")])
    assert _printed(screen) == shown


@pytest.mark.parametrize(
    ("width", "shown"),
    [
        (
            34,
            [
                "column           tag            n",
                "─" * 33,
                "marital_status   pi.marital     0",
                "姓名（现用名和   pi.name      300",
                "曾用名）",
            ],
        ),
        (
            20,
            [
                *("marital_status", "  tag  pi.marital", "  n    0", ""),
                *("姓名（现用名和曾用", "名）", "  tag  pi.name", "  n    300"),
            ],
        ),
    ],
)
def test_a_narrow_terminal_breaks_no_word_and_drops_no_number(monkeypatch, width, shown):
    screen = _screen(monkeypatch, width)
    headings = [("column", "left"), ("tag", "left"), ("n", "right")]
    rows = [("marital_status", "pi.marital", 0), ("姓名（现用名和曾用名）", "pi.name", 300)]
    render.table(headings, rows)
    assert _printed(screen) == shown


def test_facts_and_prose_fold_at_words(monkeypatch):
    screen = _screen(monkeypatch, 30)
    render.facts([("cli.head-uses", "group, filter, measure, join"), ("cli.head-tag", "住址（含门牌号）等")])
    render.prose("Stands together: health with exact dates (a, b)")
    assert _printed(screen) == [
        "uses  group, filter, measure,",
        "      join",
        "tag   住址（含门牌号）等",
        "Stands together: health with",
        "exact dates (a, b)",
    ]


def test_json_moves_no_cursor_either(capsys) -> None:
    told = {"a": "x\u009b31m\u202e\u0007\U000e0001好 é", "b": ["\x7f"]}
    assert render.answer_json(SimpleNamespace(json=True), told)
    printed = capsys.readouterr().out
    assert json.loads(printed) == told
    assert all(c.isprintable() or c == "\n" for c in printed)
    assert "好 é" in printed
