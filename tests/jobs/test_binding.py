"""Parameters of a statement: a value is a literal and never anything else."""

from __future__ import annotations

import duckdb
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlglot import exp

from jobs.sql.binding import Value, bind, named
from jobs.sql.guard import parsed, read
from sandbox.errors import InvalidInputError

HOSTILE = [
    "' OR 1=1 --",
    "'; SELECT COUNT(*) FROM h.e; --",
    "\\' OR TRUE --",
    "'' OR ''='",
    "$x",
    "/*",
    "*/ OR 1=1 /*",
    "--",
    "a\nb\rc",
    "'||(SELECT 1)||'",
    "＇ OR 1=1",
    "\u2019",
    "E'\\x27'",
    "$$a$$",
    "{{ 1 }}",
    "%s",
    "",
    " ",
    "NULL",
    "' AND $x = '",
]
ONE = "SELECT COUNT(*) FROM h.d WHERE ward = $x AND days > 3 /* $x */ -- $x"


def literals(sql):
    (tree,) = read(sql)[1]
    return [str(node.this) for node in tree.find_all(exp.Literal)], len(list(tree.walk()))


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_text_stays_one_literal(text):
    harmless, injected = bind(ONE, {"x": Value("text", "A")}), bind(ONE, {"x": Value("text", text)})
    assert literals(injected) == (
        [text if found == "A" else found for found in literals(harmless)[0]],
        literals(harmless)[1],
    )
    assert duckdb.sql(f"SELECT {injected.split('ward = ')[1].split(' AND days')[0]}").fetchall() == [(text,)]


@given(st.text(st.characters(exclude_characters="\0", codec="utf-8")))
def test_any_text_stays_one_literal(text):
    bound = bind("SELECT COUNT(*) FROM h.d WHERE ward IN ($x, 'b')", {"x": Value("text", text)})
    assert literals(bound)[0] == [text, "b"]


@given(st.decimals(allow_nan=False, allow_infinity=False, min_value=-(10**20), max_value=10**20, places=5))
def test_any_number_stays_one_number(number):
    bound = bind("SELECT COUNT(*) FROM h.d WHERE days < 7 - $x", {"x": Value("number", f"{number:f}")})
    assert literals(bound)[0] == ["7", f"{number:f}".removeprefix("-")]


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (Value("number", "-0.5"), "(-0.5)"),
        (Value("date", "2024-02-29"), "DATE '2024-02-29'"),
        (Value("truth", "true"), "TRUE"),
        (Value("null", ""), "NULL"),
    ],
)
def test_values_of_every_kind(value, shown):
    assert bind("SELECT COUNT(*) FROM h.d WHERE x = $v", {"v": value}).endswith(f"x = {shown}")


@pytest.mark.parametrize(
    "value",
    [
        Value("number", text)
        for text in (
            "",
            "1 OR 1=1",
            "1;",
            "nan",
            "inf",
            "1e5",
            "0x10",
            "1_0",
            "١",
            "--1",
            "1" * 41,
            "+1",
            " 1",
        )
    ]
    + [Value("date", text) for text in ("", "2024-1-1", "2024-01-01'", "today", "٢٠٢٤-01-01")]
    + [Value("truth", "TRUE OR 1=1"), Value("null", "x"), Value("sql", "1"), Value("text", "a\0b")],
)
def test_what_is_not_of_its_kind_is_refused(value):
    with pytest.raises(InvalidInputError) as refused:
        bind("SELECT COUNT(*) FROM h.d WHERE x = $v", {"v": value})
    assert refused.value.code == "sql.bad-value"


@pytest.mark.parametrize(
    ("sql", "code"),
    [
        ("SELECT COUNT(*) FROM h.d WHERE x = $w", "sql.no-value"),
        ("SELECT COUNT(*) FROM h.d WHERE x = '$v'", "sql.surplus-value"),
        ("SELECT COUNT(*) FROM h.d -- $v", "sql.surplus-value"),
        ("SELECT COUNT(*) FROM h.d WHERE x = $1", "sql.bad-parameter"),
        ("SELECT COUNT(*) FROM h.d WHERE x = $ v", "sql.bad-parameter"),
        ("SELECT COUNT(*) FROM h.d WHERE x = $V", "sql.bad-parameter"),
        ("SELECT COUNT(*) FROM $v", None),
        ("SELECT COUNT(*) FROM h.d ORDER BY $v.x", None),
        ("SELECT $v(x) FROM h.d", None),
        ("SELECT COUNT(*) FROM h.d WHERE x $v 1", None),
        ("SELECT COUNT(*) AS $v FROM h.d", None),
        ("SELECT x::$v FROM h.d", None),
    ],
)
def test_a_parameter_stands_for_a_value_only(sql, code):
    with pytest.raises(InvalidInputError) as refused:
        read(bind(sql, {"v": Value("text", "a")}))
    assert code is None or refused.value.code == code
    assert refused.value.code.startswith("sql.")


def test_a_statement_without_parameters_stays_as_it_is():
    sql = "SELECT COUNT(*) FROM h.d WHERE x = '$v' -- $v"
    assert bind(sql, {}) == sql
    assert named(sql) == frozenset()
    assert named("SELECT $a, $b; SELECT $a") == {"a", "b"}


def test_several_statements_are_bound_together():
    sql = "SELECT COUNT(*) FROM h.d WHERE x = $v; SELECT SUM(y) FROM h.d WHERE x = $v"
    assert len(parsed(bind(sql, {"v": Value("text", ";")}))[1]) == 2
