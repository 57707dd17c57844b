"""Pictures and words of budgets and answers."""

from __future__ import annotations

import io
import sys
import warnings
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sandbox.errors import InvalidInputError
from service import wording
from service.client import bars, reports


def loss(epsilon, rho="0.1", kind="zcdp"):
    return {"filter": kind, "epsilon": epsilon, "rho": rho, "delta": "0.000001"}


def budget(**changes):
    charges = [{"job": "j1", "principal": "wang", "at": "t", "loss": loss("0.5", "0.05")}]
    base = {
        "dataset": "health.diabetes",
        "filter": "zcdp",
        "delta": "0.000001",
        "limit": loss("8", "1"),
        "spent": loss("1", "0.25"),
        "remaining": loss("6", "0.75"),
        "per_job": None,
        "per_analyst": None,
        "window": {"every": "week", "limit": loss("2", "0.5"), "spent": loss("1", "0.25")},
        "charges": charges,
    }
    return {**base, **changes}


def result(rows, columns=("k", "n")):
    kinds = [{"name": columns[0], "kind": "key"}, {"name": columns[1], "kind": "value"}]
    return {
        "datasets": [{"name": "a.b", "version": 1}],
        "tables": [{"statement": 1, "sql": "", "columns": kinds, "rows": rows, "notes": []}],
        "mock": False,
        "mechanism": "discrete-laplace",
        "replayed": False,
        "loss": loss("1", None, "pure"),
    }


def rows(count, key="k", name="n"):
    return [{key: f"c{i}", name: i, f"{name}_low": i - 1.5, f"{name}_high": i + 2} for i in range(count)]


@pytest.fixture(autouse=True)
def english(monkeypatch):
    monkeypatch.setenv("KEYONG_LANG", "en")


@pytest.fixture
def unicode_terminal(monkeypatch):
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(io.BytesIO(), encoding="utf-8"))


@given(st.floats(0, 1), st.integers(1, 200))
def test_a_bar_is_as_wide_as_asked(part, width):
    text = bars.bar(part, width)
    assert len(text) in (width, width + 2)


def test_bars(unicode_terminal):
    assert bars.bar(0, 8) == "░" * 8
    assert bars.bar(1, 8) == "█" * 8
    assert bars.bar(0.5, 8) == "████░░░░"
    assert bars.bar(1e-9, 8) == "▏░░░░░░░"  # something was spent, and it shows
    assert bars.bar(9 / 16, 8) == "████▌░░░"


def test_the_currency_is_rho_under_zcdp_and_epsilon_under_pure():
    assert wording.share(loss("4", "0.25"), loss("8", "1")) == 0.25
    assert wording.share(loss("4", None, "pure"), loss("8", None, "pure")) == 0.5
    assert wording.share(loss("9", "2"), loss("8", "1")) == 1.0
    assert wording.share(loss("0", "0"), loss("0", "0")) == 1.0  # no limit left at all


@pytest.mark.parametrize(
    ("amount", "shown"),
    [
        ("0.500000", "0.5"),
        ("0.000001", "1e-6"),
        ("8", "8"),
        ("0.0123456", "0.01235"),
        (None, "–"),
        ("1e-10", "1e-10"),
    ],
)
def test_tidy(amount, shown):
    assert wording.tidy(amount) == shown


def test_budget_lines_name_every_limit(unicode_terminal):
    lines = "\n".join(
        bars.budget_bars(budget(per_analyst={"limit": loss("4", "0.5"), "spent": loss("1", "0.1")}))
    )
    assert "25.0%" in lines
    assert "50.0%" in lines
    assert "20.0%" in lines
    assert "ε 1 of 8 spent" in lines
    assert "any week" in lines


@pytest.mark.parametrize("ending", ["svg", "png"])
@pytest.mark.parametrize("tongue", ["en", "zh"])
def test_charts_are_drawn_without_a_warning(tmp_path, monkeypatch, ending, tongue):
    monkeypatch.setenv("KEYONG_LANG", tongue)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        reports.budget_chart(budget(), tmp_path / f"b.{ending}")
        reports.result_chart(result(rows(12)), tmp_path / f"r.{ending}")
    assert all(path.stat().st_size > 2000 for path in tmp_path.iterdir())


def texts(path: Path) -> str:
    return " ".join("".join(node.itertext()) for node in ET.parse(path).iter() if node.tag.endswith("text"))


def test_an_svg_is_chinese_text_wherever_it_was_drawn(tmp_path, monkeypatch):
    monkeypatch.setenv("KEYONG_LANG", "zh")
    reports.result_chart(result([{"k": "胰岛素", "n": 3, "n_low": 1, "n_high": 5}]), tmp_path / "r.svg")
    assert "胰岛素" in texts(tmp_path / "r.svg")
    assert "离散拉普拉斯" in texts(tmp_path / "r.svg")


def test_names_are_text_and_neither_markup_nor_formulas(tmp_path):
    hostile = "<script>$\\frac{1}{0$ & [x]"
    reports.result_chart(result([{"k": hostile, "n": 3}]), tmp_path / "r.svg")
    assert hostile in texts(tmp_path / "r.svg")


def test_the_same_answer_draws_the_same_svg(tmp_path):
    for name in ("a.svg", "b.svg"):
        reports.result_chart(result(rows(5)), tmp_path / name)
    assert (tmp_path / "a.svg").read_bytes() == (tmp_path / "b.svg").read_bytes()


def test_null_values_and_null_keys_are_drawn(tmp_path):
    answer = result(
        [{"k": None, "n": 3, "n_low": 1, "n_high": 5}, {"k": "x", "n": None, "n_low": None, "n_high": None}]
    )
    reports.result_chart(answer, tmp_path / "r.svg")
    assert "∅" in texts(tmp_path / "r.svg")


@pytest.mark.parametrize(("tongue", "word"), [("en", "all"), ("zh", "合计")])
def test_a_total_is_not_drawn_as_the_null_category(tmp_path, monkeypatch, tongue, word):
    monkeypatch.setenv("KEYONG_LANG", tongue)
    both = [{"k": None, "n": 3}, {"k": None, "n": 8, "_totals": ["k"]}]
    reports.result_chart(result(both), tmp_path / "r.svg")
    assert "∅" in texts(tmp_path / "r.svg")
    assert word in texts(tmp_path / "r.svg")


def test_any_table_of_several_can_be_drawn(tmp_path):
    answer = result(rows(2))
    answer["tables"] += result([{"k": "second", "n": 3}])["tables"]
    reports.result_chart(answer, tmp_path / "first.svg")
    reports.result_chart(answer, tmp_path / "second.svg", 1)
    assert "second" not in texts(tmp_path / "first.svg")
    assert "second" in texts(tmp_path / "second.svg")


@pytest.mark.parametrize("count", [0, reports.MOST_BARS + 1])
def test_too_few_or_too_many_rows_are_refused(tmp_path, count):
    with pytest.raises(InvalidInputError, match="not-drawable"):
        reports.result_chart(result(rows(count)), tmp_path / "r.svg")
    assert not list(tmp_path.iterdir())


def test_other_formats_are_refused(tmp_path):
    with pytest.raises(InvalidInputError, match="unknown-format"):
        reports.budget_chart(budget(), tmp_path / "b.pdf")


def test_many_values_stand_below_one_another(tmp_path):
    row = {"k": "x", **{f"v{number}": number for number in range(9)}}
    answer = result([row])
    answer["tables"][0]["columns"] = [{"name": "k", "kind": "key"}] + [
        {"name": f"v{number}", "kind": "value"} for number in range(9)
    ]
    reports.result_chart(answer, tmp_path / "r.svg")
    size = ET.parse(tmp_path / "r.svg").getroot()
    assert float(size.attrib["width"].removesuffix("pt")) < 72 * 18
    assert all(f"v{number}" in texts(tmp_path / "r.svg") for number in range(9))
