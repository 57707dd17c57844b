"""The functions of rows: equal to DuckDB on awkward values, total, alike on all paths."""

from __future__ import annotations

import datetime as dt
import itertools
import math
import re

import duckdb
import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jobs.evaluate import evaluate, evaluate_scalar
from jobs.expressions import OPERATIONS, Call, Column, Literal
from jobs.functions_doc import AGGREGATES, WRITTEN_OTHERWISE, rendered
from jobs.operations.dates import FIRST_DAY, LAST_DAY
from jobs.spec import Aggregate
from jobs.sql.names import Described
from jobs.sql.parse import parse
from jobs.typing import result_kind
from jobs.vocabulary import MOST_BYTES
from sandbox.errors import InvalidInputError
from sandbox.schema import ROW_UNIT, Field, Kind

NUMBERS = [
    *(None, 0.0, -0.0, 1.0, -1.0, 0.5, -0.5, 2.0, 2.5, -2.5, 3.0, -8.0, 1 / 3, 1e-9, 5e-324, -5e-324),
    *(1e15 + 0.5, 2.0**53 + 2, 1e19, -1e19, 1e300, -1e300, 709.7, 709.8, -745.2, 1.7976931348623157e308),
    *(math.pi, math.pi / 2, 100.0, 8.0, float("nan"), float("inf"), float("-inf")),
]
TEXTS = [
    *(None, "", " ", "a", "A", "abc", "  a b  ", "\ta\n", "a,b,,c", ",", ",,", "aaa", "éab", "ae\u0301b"),
    *("中文,字", "\u3000中\u00a0", "🇩🇪x", "ß", "İ", "x%y", "a\0b", "ab" * 40, "\u2028", "\x1f"),
]
DATES = [
    *(None, dt.date(1, 1, 1), dt.date(9999, 12, 31), dt.date(1970, 1, 1), dt.date(1969, 12, 31)),
    *(dt.date(2020, 2, 29), dt.date(2021, 2, 28), dt.date(1900, 2, 28), dt.date(2000, 2, 29)),
    *(dt.date(2020, 12, 31), dt.date(2021, 1, 1), dt.date(2018, 12, 31), dt.date(2020, 1, 31)),
    *(dt.date(2020, 1, 5), dt.date(2020, 1, 6), dt.date(2016, 1, 3), dt.date(9999, 1, 1)),
]
MOMENTS = [
    None,
    *(dt.datetime(d.year, d.month, d.day, h, m, s, u) for d in DATES if d for h, m, s, u in [(0, 0, 0, 0)]),
    dt.datetime(2020, 2, 29, 23, 59, 59, 999999),
    dt.datetime(1969, 12, 31, 23, 59, 59, 1),
    dt.datetime(1, 1, 1, 0, 0, 0, 1),
    dt.datetime(9999, 12, 31, 23, 59, 59),
]
X, Y = Column("x"), Column("y")


def call(name, *arguments):
    return Call(name, tuple(a if isinstance(a, Column | Call | Literal) else Literal(a) for a in arguments))


def pairs(cells):
    return [(x, y) for x in cells for y in cells]


def batch_of(columns, kind):
    return pa.RecordBatch.from_arrays([pa.array(c, kind) for c in columns], ["x", "y"][: len(columns)])


def in_duckdb(text, batch):
    with duckdb.connect() as connection:
        connection.execute("CREATE MACRO fin(v) AS CASE WHEN isfinite(v) THEN v + 0.0::DOUBLE END")
        connection.register("t", pa.Table.from_batches([batch]))
        return [row[0] for row in connection.execute(f"SELECT {text} FROM t").fetchall()]


def agree(expression, text, columns, kind):
    batch = batch_of(columns, kind)
    found = evaluate(expression, batch).to_pylist()
    expected = in_duckdb(text, batch)
    differing = [
        item for item in zip(*columns, found, expected, strict=True) if repr(item[-1]) != repr(item[-2])
    ]
    assert differing == [], text


# --- numbers ---------------------------------------------------------------------------------------------

FINITE = [None if v is None or not math.isfinite(v) else v for v in NUMBERS]
ONE = {
    **{name: f"fin({name}(x))" for name in ("exp", "sin", "cos", "tan", "atan", "radians", "degrees")},
    "sqrt": "fin(CASE WHEN x >= 0 THEN sqrt(x) END)",
    **{name: f"fin(CASE WHEN x > 0 THEN {name}(x) END)" for name in ("ln", "log2", "log10")},
    "sign": "sign(x)",
    "trunc": "fin(trunc(x))",
}


@pytest.mark.parametrize("name", ONE)
def test_functions_of_a_number(name):
    agree(call(name, X), ONE[name], [FINITE], pa.float64())
    # What is not finite is null before anything else looks at it.
    assert evaluate(call(name, X), batch_of([NUMBERS], pa.float64())) == evaluate(
        call(name, X), batch_of([FINITE], pa.float64())
    )


@pytest.mark.parametrize("name", ["sign", "trunc", "sqrt", "ln"])
def test_functions_of_an_integer(name):
    cells = [None, 0, 1, -1, 2**53 + 1, 2**63 - 1, -(2**63)]
    text = ONE[name].replace("x", "x::DOUBLE") if name != "trunc" else "x"
    agree(call(name, X), text, [cells], pa.int64())


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("mod", "CASE WHEN y <> 0 THEN fin(x % y) END"),
        ("power", "fin(power(x, y))"),
        ("atan2", "fin(atan2(x + 0.0::DOUBLE, y + 0.0::DOUBLE))"),
        ("greatest", "fin(greatest(x, y))"),
        ("least", "fin(least(x, y))"),
    ],
)
def test_functions_of_two_numbers(name, text):
    # A stored minus zero is read as zero.
    cells = [None if v is None else v + 0.0 for v in FINITE]
    agree(call(name, X, Y), text, list(zip(*pairs(cells), strict=True)), pa.float64())


def test_constants_on_either_side():
    for name in ("mod", "power", "atan2", "greatest", "least"):
        batch = batch_of([FINITE], pa.float64())
        for constant in (0, 2, -0.5, None):
            left = [evaluate_scalar(call(name, constant, X), {"x": v}) for v in FINITE]
            assert evaluate(call(name, constant, X), batch).to_pylist() == left
            right = [evaluate_scalar(call(name, X, constant), {"x": v}) for v in FINITE]
            assert evaluate(call(name, X, constant), batch).to_pylist() == right


TRANSCENDENTAL = ("exp", "ln", "log2", "log10", "sin", "cos", "tan", "atan", "sqrt")


@pytest.mark.parametrize("name", [*TRANSCENDENTAL, "power", "atan2", "mod"])
def test_a_value_does_not_depend_on_where_it_stands(name):
    """To the last bit: whole arrays, unaligned slices, reversed order and single rows."""
    rng = np.random.default_rng(7)
    cells = np.concatenate([rng.normal(0, 2, 1000), rng.uniform(-700, 700, 500), rng.lognormal(0, 40, 500)])
    numbers = pa.array(cells)
    expression = call(name, X) if name in TRANSCENDENTAL else call(name, X, 1.7)
    whole = evaluate(expression, pa.RecordBatch.from_arrays([numbers], ["x"])).to_pylist()
    for start in (1, 3, 5, 1021):
        part = pa.RecordBatch.from_arrays([numbers.slice(start)], ["x"])
        assert evaluate(expression, part).to_pylist() == whole[start:]
    back = pa.RecordBatch.from_arrays([pa.array(cells[::-1])], ["x"])
    assert evaluate(expression, back).to_pylist() == whole[::-1]
    assert [evaluate_scalar(expression, {"x": v}) for v in cells[:200].tolist()] == whole[:200]


# --- choices ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["greatest", "least"])
@pytest.mark.parametrize(
    ("cells", "kind"),
    [
        (TEXTS, pa.string()),
        (DATES, pa.date32()),
        ([None, True, False], pa.bool_()),
        ([None, 0, 2**63 - 1, -(2**63)], pa.int64()),
    ],
)
def test_extremes_of_any_kind(name, cells, kind):
    agree(call(name, X, Y), f"{name}(x, y)", list(zip(*pairs(cells), strict=True)), kind)


def test_extremes_of_nothing():
    assert evaluate_scalar(call("greatest", None, None), {}) is None
    assert evaluate(call("least", X, None), pa.RecordBatch.from_arrays([pa.nulls(2)], ["x"])).to_pylist() == [
        None,
        None,
    ]


# --- text ------------------------------------------------------------------------------------------------

SIGNS = ["", "a", ",", "ab", "é", "中", "\u0301", " \t", None]
TEXT = [
    *((call(name, X), f"{name}(x)") for name in ("trim", "ltrim", "rtrim")),
    *((call(name, X, s), f"{name}(x, $${s}$$)") for name in ("trim", "ltrim", "rtrim") for s in SIGNS if s),
    *((call(name, X, s), f"{name}(x, $${s}$$)") for name in ("starts_with", "ends_with") for s in SIGNS if s),
    *((call("contains", X, s), f"contains(x, $${s}$$)") for s in SIGNS if s is not None),
    *((call("position", X, s), f"strpos(x, $${s}$$)") for s in SIGNS if s is not None),
    *((call("replace", X, s, "éz"), f"replace(x, $${s}$$, 'éz')") for s in SIGNS if s is not None),
    *((call("replace", X, s, ""), f"replace(x, $${s}$$, '')") for s in SIGNS if s is not None),
    *((call("right", X, n), f"right(x, {n})") for n in (0, 1, 2, 100)),
    *((call("split_part", X, s, n), f"split_part(x, $${s}$$, {n})") for s in SIGNS if s for n in (1, 2, 4)),
    *((call("lpad", X, n, s), f"lpad(x, {n}, '{s}')") for n in (0, 1, 3, 50) for s in ("*", "中文")),
    *((call("rpad", X, n, s), f"rpad(x, {n}, '{s}')") for n in (0, 1, 3, 50) for s in ("*", "中文")),
    (call("concat", X, "-", X), "x || '-' || x"),
    (call("concat", X, None), "x || NULL"),
    (call("concat", call("coalesce", X, ""), ""), "concat(x, '')"),
]


@pytest.mark.parametrize(("expression", "text"), TEXT, ids=[text for _, text in TEXT])
def test_functions_of_text(expression, text):
    agree(expression, text, [TEXTS], pa.string())


def test_two_texts():
    agree(call("concat", X, Y), "x || y", list(zip(*pairs(TEXTS), strict=True)), pa.string())


def test_every_space_that_duckdb_trims():
    signs = [chr(n) for n in range(1, 0x3100)]
    agree(call("trim", X), "trim(x)", [[f"{s}a{s}" for s in signs]], pa.string())


def test_reverse_goes_by_code_points():
    plain = [text for text in TEXTS if text not in ("ae\u0301b", "🇩🇪x")]
    agree(call("reverse", X), "reverse(x)", [plain], pa.string())
    assert evaluate_scalar(call("reverse", X), {"x": "ae\u0301b"}) == "b\u0301ea"


@pytest.mark.parametrize("operation", ["trim", "starts_with", "contains", "position", "like", "concat"])
def test_a_null_literal_makes_null(operation):
    assert evaluate_scalar(call(operation, X, None), {"x": "a"}) is None
    assert evaluate(call(operation, X, None), batch_of([["a", None]], pa.string())).to_pylist() == [None] * 2


@pytest.mark.parametrize(
    ("expression", "value", "expected"),
    [
        (call("lpad", X, 5, ""), "abc", None),  # DuckDB raises
        (call("lpad", X, 3, ""), "abc", "abc"),
        (call("rpad", X, 1000, "中"), "a", None),
        (call("lpad", X, 3, None), "a", None),
        (call("split_part", X, "", 2), "abc", "b"),
        (call("split_part", X, None, 2), "abc", None),
        (call("split_part", X, ",", 2**31 - 1), "a,b", ""),
        (call("right", X, 2**31 - 1), "abc", "abc"),
        (call("replace", X, "a", None), "abc", None),
        (call("replace", X, "a", "b" * 1000), "aa", "b" * 2000),
        (call("replace", X, "a", "b" * 1000), "aac", None),
        (call("replace", X, "z", "b" * 1000), "a" * 5000, "a" * 5000),
        (call("concat", X, X), "x" * 1000, "x" * 2000),
        (call("concat", X, X, "y"), "x" * 1000, None),
    ],
)
def test_law_of_texts(expression, value, expected):
    assert evaluate_scalar(expression, {"x": value}) == expected


def test_texts_in_the_making_stay_small():
    """No row can fill the memory with texts put together; the answer is the same on every path."""
    long = call("concat", call("rpad", X, 1000, "é"), X, X)
    cells = ["", "a", "é", None] * 40_000
    batch = batch_of([cells], pa.string())
    found = evaluate(long, batch)
    assert isinstance(found, pa.DictionaryArray)
    assert found.dictionary_decode().to_pylist() == ["é" * 1000, None, None, None] * 40_000
    assert MOST_BYTES * 2**20 < 2**31
    length = evaluate(call("length", call("rpad", X, 1000, "xy")), batch)
    assert length.to_pylist() == [1000, 1000, 1000, None] * 40_000
    coded = pa.RecordBatch.from_arrays([batch.column(0).dictionary_encode()], ["x"])
    again = evaluate(long, coded)
    assert again.dictionary_decode().to_pylist() == found.dictionary_decode().to_pylist()


# --- dates -----------------------------------------------------------------------------------------------

PARTS = ("year", "quarter", "month", "week", "day", "dayofweek", "isodow", "dayofyear")
CLOCK = ("hour", "minute", "second")
UNITS = ("day", "week", "month", "quarter", "year")


@pytest.mark.parametrize("name", [*PARTS, *CLOCK, "last_day"])
def test_parts_of_dates(name):
    agree(call(name, X), f"{name}(x)", [DATES], pa.date32())
    agree(call(name, X), f"{name}(x)", [MOMENTS], pa.timestamp("us"))


@pytest.mark.parametrize("unit", UNITS)
def test_differences_of_dates(unit):
    expression, text = call("date_diff", unit, X, Y), f"date_diff('{unit}', x, y)"
    agree(expression, text, list(zip(*pairs(DATES), strict=True)), pa.date32())
    fixed = dt.date(2020, 2, 29)
    agree(
        call("date_diff", unit, fixed, X), f"date_diff('{unit}', DATE '2020-02-29', x)", [DATES], pa.date32()
    )
    agree(
        call("date_diff", unit, X, fixed), f"date_diff('{unit}', x, DATE '2020-02-29')", [DATES], pa.date32()
    )
    assert evaluate_scalar(call("date_diff", unit, fixed, fixed), {}) == 0


@pytest.mark.parametrize("unit", UNITS)
def test_differences_of_moments_are_those_of_their_days(unit):
    cells = list(zip(*pairs(MOMENTS), strict=True))
    text = f"date_diff('{unit}', x::DATE, y::DATE)"
    agree(call("date_diff", unit, X, Y), text, cells, pa.timestamp("us"))


@pytest.mark.parametrize("unit", UNITS)
@pytest.mark.parametrize("steps", [0, 1, -1, 3, 13, -13, 40, 50_000, -50_000])
def test_shifts(unit, steps):
    inside = "CASE WHEN v BETWEEN TIMESTAMP '0001-01-01' AND TIMESTAMP '9999-12-31 23:59:59.999999' THEN v"
    shifted = f"(SELECT {inside}{{}} END FROM (SELECT x + INTERVAL ({steps}) {unit} AS v))"
    expression = call("date_add", X, steps, unit)
    agree(expression, shifted.format("::DATE"), [DATES], pa.date32())
    agree(expression, shifted.format(""), [MOMENTS], pa.timestamp("us"))


def test_far_shifts_are_null():
    for steps in (2**63 - 1, -(2**63), None):
        assert evaluate_scalar(call("date_add", X, steps, "year"), {"x": dt.date(2020, 1, 1)}) is None


@settings(max_examples=100, deadline=None)
@given(st.lists(st.tuples(st.integers(-1, 10_001), st.integers(-1, 14), st.integers(-1, 33)), min_size=1))
def test_make_date(parts):
    def made(year, month, day):
        try:
            return dt.date(year, month, day)
        except ValueError:
            return None

    columns = [pa.array(column, pa.int64()) for column in zip(*parts, strict=True)]
    batch = pa.RecordBatch.from_arrays(columns, ["x", "y", "z"])
    found = evaluate(call("make_date", X, Y, Column("z")), batch).to_pylist()
    assert found == [made(*item) for item in parts]


def test_make_date_of_odd_parts():
    cells = [None, 2020.0, 2020.4, 1e300, -1e300, float("nan")]
    found = evaluate(call("make_date", X, 2, 29), batch_of([cells], pa.float64())).to_pylist()
    assert found == [None, dt.date(2020, 2, 29), dt.date(2020, 2, 29), None, None, None]
    assert evaluate_scalar(call("make_date", 2021, 2, 29), {}) is None


@pytest.mark.parametrize("days", [-(2**31), 2**31 - 1, FIRST_DAY - 1, LAST_DAY + 1])
def test_no_stored_date_makes_a_function_raise(days):
    batch = pa.RecordBatch.from_arrays([pa.array([days], pa.int32()).cast(pa.date32())], ["x"])
    for name in (*PARTS, *CLOCK, "last_day"):
        assert len(evaluate(call(name, X), batch)) == 1
    for unit in UNITS:
        assert len(evaluate(call("date_diff", unit, X, dt.date(2020, 1, 1)), batch)) == 1
        assert len(evaluate(call("date_add", X, 1, unit), batch)) == 1


@pytest.mark.parametrize("micros", [-(2**63) + 1, 2**63 - 1])
def test_no_stored_moment_makes_a_function_raise(micros):
    batch = pa.RecordBatch.from_arrays([pa.array([micros]).cast(pa.timestamp("us"))], ["x"])
    for name in (*PARTS, *CLOCK, "last_day"):
        assert len(evaluate(call(name, X), batch)) == 1
    for unit in UNITS:
        assert len(evaluate(call("date_trunc", unit, X), batch)) == 1
        assert evaluate(call("date_add", X, 1, unit), batch).to_pylist() == [None]


# --- the whole list --------------------------------------------------------------------------------------


def test_every_operation_takes_nulls_and_empty_batches():
    """The empty batch and the null column, with the literals that an operation needs."""
    literals = {
        "substring": (1, 2),
        "right": (2,),
        "split_part": (",", 1),
        **dict.fromkeys(("lpad", "rpad"), (3, "*")),
        "replace": ("a", "b"),
        "date_add": (1, "month"),
        "width_bucket": (0, 1, 4),
        **dict.fromkeys(("like", "starts_with", "ends_with", "contains", "position"), ("a",)),
        "in": ("a",),
    }
    for name, operation in OPERATIONS.items():
        rest = literals.get(name, (X,) * (operation.least - 1))
        before = ("month",) if name in ("date_trunc", "date_diff") else ()
        expression = call(name, *before, X, *rest[len(before) :])
        assert operation.least <= len(expression.arguments) <= operation.most, name
        null = pa.RecordBatch.from_arrays([pa.nulls(3)], ["x"])
        values = set(evaluate(expression, null).to_pylist())
        assert values == ({True} if name == "is_null" else {None}), name
        assert len(evaluate(expression, null.slice(0, 0))) == 0


@pytest.mark.parametrize(
    ("operation", "kinds", "kind"),
    [
        ("date_add", (Kind.DATE, Kind.INTEGER, Kind.STRING), Kind.DATE),
        ("date_add", (Kind.TIMESTAMP, Kind.INTEGER, Kind.STRING), Kind.TIMESTAMP),
        ("greatest", (Kind.INTEGER, Kind.FLOAT), Kind.FLOAT),
        ("least", (Kind.DATE, Kind.TIMESTAMP), Kind.TIMESTAMP),
        ("mod", (Kind.INTEGER, Kind.INTEGER), Kind.FLOAT),
        ("trunc", (Kind.INTEGER,), Kind.INTEGER),
        ("lpad", (Kind.STRING, Kind.INTEGER, Kind.STRING), Kind.STRING),
        ("split_part", (Kind.STRING, Kind.STRING, Kind.INTEGER), Kind.STRING),
    ],
)
def test_kinds(operation, kinds, kind):
    assert result_kind(operation, kinds) is kind


def test_the_list_in_the_docs_is_the_code(pytestconfig):
    path = pytestconfig.rootpath / "docs" / "sql-functions.md"
    assert path.read_text(encoding="utf-8") == rendered(), (
        "python -m jobs.functions_doc > docs/sql-functions.md"
    )


def test_every_aggregate_is_explained():
    assert set(AGGREGATES) == set(Aggregate)


def spellings():
    told = [item.sql for item in OPERATIONS.values()] + [sql for sql, _, _ in WRITTEN_OTHERWISE[:8]]
    for sql in told:
        # At a comma outside brackets another spelling begins.
        yield from re.split(r", (?![^(]*\))", sql)


def filled(spelling, subject, others):
    numbers = itertools.count(1)
    text = spelling.replace("[NOT] ", "").replace(", …", "").replace(" …", "").replace("part", "year")
    text = re.sub(r"\bn\b", lambda _: str(next(numbers)), text.replace("'unit'", "'month'"))
    text = re.sub(r"\bunit\b", "MONTH", text.replace("'text'", "'x'"))
    return re.sub(r"\b[abc]\b", lambda found: subject if found[0] == "a" else others, text)


def understood(sql):
    fields = {kind.value: Field(kind.value, kind) for kind in Kind}
    try:
        parse(f"SELECT COUNT(*) FROM h.x WHERE ({sql}) IS NULL", lambda _: Described(fields, ROW_UNIT, "h.x"))
    except InvalidInputError:
        return False
    return True


@pytest.mark.parametrize("spelling", sorted(set(spellings())))
def test_the_docs_tell_what_the_parser_understands(spelling):
    kinds = [kind.value for kind in Kind]
    assert any(understood(filled(spelling, a, b)) for a in kinds for b in kinds)
