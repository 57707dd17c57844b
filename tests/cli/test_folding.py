"""Lines end at the borders of words and never beyond the terminal, also where a letter is two cells wide."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from cli.folding import folded, widths


@pytest.mark.parametrize(
    ("text", "width", "lines"),
    [
        ("Health: diagnoses, treatment, tests", 20, ["Health: diagnoses,", "treatment, tests"]),
        ("pi.id.generic (proposed)", 16, ["pi.id.generic", "(proposed)"]),
        ("emergency_contact", 12, ["emergency_", "contact"]),
        ("digits-of-one-length", 10, ["digits-of-", "one-length"]),
        ("abcdefgh", 3, ["abc", "def", "gh"]),
        ("one\ntwo three", 5, ["one", "two", "three"]),
        ("机构代码（统一社会信用代码）", 16, ["机构代码（统一社", "会信用代码）"]),
        ("机构代码（统一社会信用代码）", 10, ["机构代码", "（统一社会", "信用代码）"]),
        ("姓名、住址", 4, ["姓", "名、", "住址"]),
        ("列名 name，词典 org-zh", 14, ["列名 name，词", "典 org-zh"]),
        ("  12", 4, ["  12"]),
        ("", 4, [""]),
    ],
)
def test_lines(text, width, lines):
    assert folded(text, width).split("\n") == lines


@given(st.text("ab_.-/ 中文（），、“”\u3000😀", max_size=40), st.integers(2, 12))
def test_no_line_is_too_wide_and_no_letter_is_lost(text, width):
    lines = folded(text, width).split("\n")
    assert all(cell_len(line) <= width for line in lines)
    assert "".join("".join(lines).split()) == "".join(text.split())


def test_words_stay_whole_while_there_is_room():
    columns = [
        ["column", "emergency_contact"],
        ["what", "Date of an event in a person's life"],
        ["n", "0.99"],
    ]
    assert widths(columns, 60) == [17, 35, 4]
    assert widths(columns, 40) == [17, 19, 4]
    assert widths(columns, 26) == [11, 11, 4]
    assert widths(columns, 20) is None


@given(
    st.lists(st.lists(st.text("ab_ 中", max_size=30), min_size=1, max_size=3), max_size=4), st.integers(1, 90)
)
def test_columns_fit_in_the_room_or_are_refused(columns, room):
    found = widths(columns, room)
    if found is not None:
        assert sum(found) <= room
        assert all(width >= 0 for width in found)
