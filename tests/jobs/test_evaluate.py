"""Row expressions: DuckDB is the oracle, totality and the coded path are properties."""

from __future__ import annotations

import datetime as dt
import math
from decimal import Decimal

import duckdb
import numpy as np
import pyarrow as pa
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from jobs.evaluate import evaluate, evaluate_columns, evaluate_scalar, keep_mask
from jobs.expressions import OPERATIONS, Call, Column, Literal, columns, from_json, to_json
from jobs.operations import REGISTRY
from jobs.operations.text import like_regex
from jobs.sql.names import Described
from jobs.sql.parse import parse
from jobs.typing import kind_of, result_kind
from sandbox.errors import InvalidInputError
from sandbox.schema import ROW_UNIT, Field, Kind
from tests.support.effort import at_most

FIELDS = {
    name: Field(name, kind)
    for name, kind in {
        "i": Kind.INTEGER,
        "s": Kind.INTEGER,
        "f": Kind.FLOAT,
        "t": Kind.STRING,
        "u": Kind.STRING,
        "d": Kind.DATE,
        "w": Kind.TIMESTAMP,
        "b": Kind.BOOLEAN,
    }.items()
}
TYPES = {
    "i": pa.int64(),
    "s": pa.int64(),
    "f": pa.float64(),
    "t": pa.string(),
    "u": pa.string(),
    "d": pa.date32(),
    "w": pa.timestamp("us"),
    "b": pa.bool_(),
}
ARROW = {
    Kind.INTEGER: pa.int64(),
    Kind.FLOAT: pa.float64(),
    Kind.STRING: pa.string(),
    Kind.BOOLEAN: pa.bool_(),
    Kind.DATE: pa.date32(),
    Kind.TIMESTAMP: pa.timestamp("us"),
}
TEXTS = (
    "",
    "a",
    "A",
    "12",
    " 12 ",
    "12.5",
    "-12.5",
    "1e3",
    ".5",
    "-0",
    "9223372036854775807",
    "9223372036854775808",
    "2020-02-29",
    "2021-02-29",
    "2020-01-01 10:00:00",
    "true",
    "f",
    "YES",
    "é",
    "ß",
    "x%y",
    "x_y",
    "\\",
    "a\\b",
    "a\nb",
    "nan",
    "inf",
    "中文",
)
big = st.sampled_from([0, 1, -1, 2**62, -(2**62), 2**62 + 1, 2**53 + 1, 2**63 - 1, -(2**63)])
floats = st.floats(allow_nan=False, allow_infinity=False) | st.sampled_from([0.5, 1.5, -2.5, 1e300, -0.0])
dates = st.dates(dt.date(1900, 1, 1), dt.date(2100, 1, 1)) | st.just(dt.date(2020, 2, 29))
CELLS = {
    "i": big | st.integers(-(2**63), 2**63 - 1),
    "s": st.integers(-3, 3),
    "f": floats,
    "t": st.sampled_from(TEXTS),
    "u": st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=5),
    "d": dates,
    "w": st.datetimes(dt.datetime(1900, 1, 1), dt.datetime(2100, 1, 1)),
    "b": st.booleans(),
}
rows = st.lists(st.tuples(*(st.none() | cells for cells in CELLS.values())), min_size=1, max_size=8).map(
    lambda found: {name: [row[at] for row in found] for at, name in enumerate(CELLS)}
)

# --- statements in pairs: ours, and DuckDB's where its meaning differs ------------------------------------


def quote(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


def same(text: str) -> tuple[str, str]:
    return text, text


def lifted(form: str, *parts: st.SearchStrategy, duck: str | None = None) -> st.SearchStrategy:
    def build(items: tuple[tuple[str, str], ...]) -> tuple[str, str]:
        ours = form.format(*(item[0] for item in items))
        return ours, (duck or form).format(*(item[1] for item in items))

    return st.tuples(*parts).map(build)


def choices(kind: st.SearchStrategy, truth: st.SearchStrategy) -> list[st.SearchStrategy]:
    return [
        lifted("CASE WHEN {} THEN {} WHEN {} THEN {} ELSE {} END", truth, kind, truth, kind, kind),
        lifted("CASE WHEN {} THEN {} END", truth, kind),
        lifted("COALESCE({}, {})", kind, kind),
        lifted("NULLIF({}, {})", kind, kind),
    ]


def number_leaves() -> tuple[st.SearchStrategy, st.SearchStrategy]:
    whole = st.sampled_from([same("i"), same("s")]) | st.integers(-5, 5).map(lambda v: same(f"({v})"))
    real = floats.map(lambda v: (f"({v!r})", f"CAST('{v!r}' AS DOUBLE)")) | st.just(same("f"))
    return whole, real


def grow(depth: int) -> dict[str, st.SearchStrategy]:
    whole, real = number_leaves()
    leaves = {
        "whole": whole,
        "real": real,
        "text": st.sampled_from([same("t"), same("u")])
        | st.sampled_from(TEXTS).map(lambda v: same(quote(v))),
        "date": st.just(same("d")) | dates.map(lambda v: same(f"DATE '{v}'")),
        "truth": st.just(same("b")),
    }
    leaves["truth"] |= conditions(leaves)
    for _ in range(depth):
        leaves = deepen(leaves)
    return leaves


def deepen(inner: dict[str, st.SearchStrategy]) -> dict[str, st.SearchStrategy]:
    whole, real, text, date, truth = (inner[k] for k in ("whole", "real", "text", "date", "truth"))
    number = whole | real
    arithmetic = [
        lifted(f"({{}} {sign} {{}})", number, number, duck=f"fin({{}}::DOUBLE {sign} {{}}::DOUBLE)")
        for sign in "+-*/"
    ]
    cast_text = st.just(same("t"))
    return {
        "whole": st.one_of(
            whole,
            lifted("LENGTH({})", text),
            lifted("STRPOS({}, 'a')", text),
            lifted("SIGN({})", real),
            *(lifted(f"{part}({{}})", date) for part in ("QUARTER", "WEEK", "DAYOFWEEK", "DAYOFYEAR")),
            *(lifted(f"DATE_DIFF('{u}', {{}}, {{}})", date, date) for u in ("day", "week", "month", "year")),
            lifted("GREATEST({}, {})", whole, whole),
            *(lifted(f"{part}({{}})", date) for part in ("YEAR", "MONTH", "DAY")),
            lifted("EXTRACT(year FROM w)"),
            lifted("TRY_CAST({} AS BIGINT)", real | truth | cast_text),
            *choices(whole, truth),
        ),
        "real": st.one_of(
            real,
            *arithmetic,
            lifted("ABS({})", number, duck="abs({}::DOUBLE)"),
            lifted("(- {})", number, duck="(- {}::DOUBLE)"),
            *(lifted(f"{name}({{}})", real) for name in ("FLOOR", "CEIL", "ROUND")),
            lifted("ROUND({}, 1)", real, duck="fin(round(fin({} * 10)) / 10)"),
            lifted("TRY_CAST({} AS DOUBLE)", number | truth | cast_text, duck="fin(TRY_CAST({} AS DOUBLE))"),
            lifted("SQRT({})", real, duck="fin(CASE WHEN fin({0}) >= 0 THEN sqrt({0}) END)"),
            lifted("LN({})", real, duck="fin(CASE WHEN fin({0}) > 0 THEN ln({0}) END)"),
            lifted("ATAN({})", real, duck="fin(atan({}))"),
            lifted("LEAST({}, {})", real, number, duck="fin(least({}, {}::DOUBLE))"),
            *choices(real, truth),
        ),
        "text": st.one_of(
            text,
            lifted("LOWER({})", text),
            lifted("UPPER({})", text),
            lifted("SUBSTRING({}, 2, 2)", text),
            lifted("LEFT({}, 1)", text),
            lifted("RIGHT({}, 2)", text),
            lifted("TRIM({})", text),
            lifted("REPLACE({}, 'a', 'bc')", text),
            lifted("({} || {})", text, text),
            lifted("CONCAT({}, '-', {})", text, text),
            lifted("SPLIT_PART({}, '-', 2)", text),
            lifted("LPAD({}, 4, '*')", text),
            lifted("CAST({} AS VARCHAR)", whole | date | truth),
            lifted("CAST({} AS VARCHAR)", real, duck="CAST(fin({}) AS VARCHAR)"),
            lifted("CAST(w AS VARCHAR)"),
            *choices(text, truth),
        ),
        "date": st.one_of(
            date,
            st.sampled_from(["year", "quarter", "month", "week", "day"]).flatmap(
                lambda unit: lifted(
                    f"DATE_TRUNC('{unit}', {{}})",
                    date | st.just(same("w")),
                    duck=f"DATE_TRUNC('{unit}', {{}})::DATE",
                )
            ),
            lifted("TRY_CAST(w AS DATE)"),
            lifted("LAST_DAY({})", date),
            lifted("({} + INTERVAL 1 MONTH)", date, duck="({} + INTERVAL 1 MONTH)::DATE"),
            lifted("({} - INTERVAL 10 DAY)", date, duck="({} - INTERVAL 10 DAY)::DATE"),
            lifted("GREATEST({}, {})", date, date),
            # DuckDB reads 'inf' as the last date it knows.
            lifted("TRY_CAST(t AS DATE)", duck="TRY_CAST(NULLIF(t, 'inf') AS DATE)"),
            *choices(date, truth),
        ),
        "truth": st.one_of(truth, conditions(inner)),
    }


def conditions(inner: dict[str, st.SearchStrategy]) -> st.SearchStrategy:
    whole, real, text, date, truth = (inner[k] for k in ("whole", "real", "text", "date", "truth"))
    pairs = [(whole, whole), (real, real), (whole, real), (text, text), (date, date)]
    sign = st.sampled_from(["=", "<>", "<", "<=", ">", ">="])
    compared = st.tuples(sign, st.sampled_from(pairs)).flatmap(lambda c: lifted(f"({{}} {c[0]} {{}})", *c[1]))
    pattern = st.text("ax12%_\\é\n", max_size=4).map(lambda v: same(quote(v)))
    return st.one_of(
        compared,
        lifted("({} AND {} AND {})", truth, truth, truth),
        lifted("({} OR {})", truth, truth),
        lifted("(NOT {})", truth),
        lifted("({} IS NULL)", whole | real | text | date | truth),
        lifted("({} IS NOT NULL)", text),
        lifted("({} IS TRUE)", truth),
        lifted("({} IS NOT FALSE)", truth),
        lifted("({} BETWEEN {} AND {})", whole, whole, whole),
        lifted("({} IN (1, -2, NULL))", whole),
        lifted("({} IN (0, 2, 4611686018427387905))", whole),
        lifted("({} NOT IN (0.0, 2.5))", real, duck="({} NOT IN (0.0::DOUBLE, 2.5::DOUBLE))"),
        lifted("({} IN ('a', '12', ''))", text),
        lifted("({} NOT IN ('2020-02-29', NULL))", date),
        lifted("({} LIKE {})", text, pattern),
        lifted("({} NOT LIKE {})", text, pattern),
        lifted("(d < w)"),
        lifted("STARTS_WITH({}, 'a')", text),
        lifted("CONTAINS({}, '2')", text),
        lifted("({} IS DISTINCT FROM {})", whole, whole),
        lifted("TRY_CAST({} AS BOOLEAN)", whole | st.just(same("t"))),
    )


GROWN = grow(2)
ANY = st.one_of(*GROWN.values())


@pytest.fixture(scope="module")
def duck():
    connection = duckdb.connect()
    connection.execute("CREATE MACRO fin(x) AS CASE WHEN isfinite(x) THEN x + 0.0::DOUBLE END")
    yield connection
    connection.close()


def batch_of(data: dict[str, list], *, coded: bool = False) -> pa.RecordBatch:
    arrays = [pa.array(values, TYPES[name]) for name, values in data.items()]
    if coded:
        arrays = [a.dictionary_encode() if a.type == pa.string() else a for a in arrays]
    return pa.RecordBatch.from_arrays(arrays, list(data))


def schema(_):
    return Described(FIELDS, ROW_UNIT, "health.x")


def argument_of(text: str):
    try:
        (query,) = parse(f"SELECT COUNT({text}) FROM health.x", schema)
    except InvalidInputError as error:
        # Only constants may be refused: everything else here is inside the language.
        assume(error.code != "sql.constant")
        raise
    return query.measures[0].arguments[0]


def plain(array: pa.Array) -> list:
    decoded = array.dictionary_decode() if isinstance(array, pa.DictionaryArray) else array
    return decoded.to_pylist()


@settings(max_examples=400, deadline=None)
@given(pair=ANY, data=rows)
def test_means_what_duckdb_means(duck, pair, data):
    ours, theirs = pair
    expression = argument_of(ours)
    duck.register("x", pa.Table.from_batches([batch_of(data)]))
    expected = [row[0] for row in duck.execute(f"SELECT {theirs} FROM x").fetchall()]
    assert plain(evaluate(expression, batch_of(data))) == expected, (ours, theirs)


@settings(max_examples=200, deadline=None)
@given(pair=ANY, data=rows, times=st.integers(1, 5))
def test_every_path_gives_the_same(pair, data, times):
    """Coded or not, one row or many, sent as JSON or not; and the kind is the one foretold."""
    expression = argument_of(pair[0])
    data = {name: values * times for name, values in data.items()}
    result = evaluate(expression, batch_of(data))
    kind = kind_of(expression, FIELDS)
    assert kind is None or ARROW[kind] == result.type
    values = plain(result)
    assert all(math.isfinite(v) for v in values if isinstance(v, float))
    assert plain(evaluate(from_json(to_json(expression)), batch_of(data, coded=True))) == values
    assert [
        evaluate_scalar(expression, {k: v[n] for k, v in data.items()}) for n in range(len(values))
    ] == values
    assert evaluate_columns(expression, data) == values


@settings(max_examples=100, deadline=None)
@given(pair=GROWN["truth"], data=rows)
def test_mask_keeps_what_is_true(pair, data):
    expression = argument_of(pair[0])
    for coded in (False, True):
        batch = batch_of(data, coded=coded)
        assert keep_mask(expression, batch).tolist() == [
            v is True for v in plain(evaluate(expression, batch))
        ]


# --- single laws -----------------------------------------------------------------------------------------


def call(name, *arguments):
    return Call(name, arguments)


X = Column("x")


def one(expression, value):
    return evaluate_scalar(expression, {"x": value})


def test_registry_is_the_language():
    assert set(REGISTRY) == set(OPERATIONS)
    for name in OPERATIONS:
        assert result_kind(name, [None, None, None]) in (None, *Kind)  # every operation has a kind rule


@pytest.mark.parametrize(
    ("expression", "value", "expected"),
    [
        (call("divide", X, Literal(0)), 5, None),
        (call("multiply", X, X), 1e300, None),
        (call("add", X, Literal(1)), 2**63 - 1, 2.0**63),
        (call("abs", X), -(2**63), 2.0**63),
        (call("equal", X, Literal(2**62)), 2**62 + 1, False),
        (call("equal", X, Literal(0.0)), -0.0, True),
        (call("in", X, Literal(0.0)), -0.0, True),
        (call("in", X, Literal(None)), 1, None),
        (call("to_string", call("ceil", X)), -0.5, "0.0"),
        (call("to_integer", X), 1e19, None),
        (call("to_integer", X), 2.5, 2),
        (call("to_integer", X), "1e9999", None),
        (call("to_integer", X), "9" * 5000, None),
        (call("to_float", X), "1e999", None),
        (call("to_float", X), "0x1F", None),
        (call("to_float", X), "１", None),
        (call("to_date", X), "20200101", None),
        (call("to_date", X), dt.datetime(1969, 12, 31, 23), dt.date(1969, 12, 31)),
        (call("to_string", X), dt.datetime(2020, 1, 1, 10, 0, 0, 500000), "2020-01-01 10:00:00.5"),
        (call("width_bucket", X, Literal(0), Literal(10), Literal(5)), -0.1, 0),
        (call("width_bucket", X, Literal(0), Literal(10), Literal(5)), 0, 1),
        (call("width_bucket", X, Literal(0), Literal(10), Literal(5)), 9.999, 5),
        (call("width_bucket", X, Literal(0), Literal(10), Literal(5)), 10, 6),
        (call("width_bucket", X, Literal(0), Literal(10), Literal(5)), None, None),
        (call("add", X, Literal(1)), None, None),
        (call("add", X, Literal(1)), float("nan"), None),
        (call("add", X, Literal(1)), 10**400, None),
        (call("like", X, Literal(None)), "a", None),
        (call("is_null", X), None, True),
    ],
)
def test_law(expression, value, expected):
    assert one(expression, value) == expected
    assert type(one(expression, value)) is type(expected)


def test_released_numbers_may_mix():
    assert evaluate_columns(call("multiply", X, Literal(2)), {"x": [1, 2.5, None, 2**70]}) == [
        2.0,
        5.0,
        None,
        2.0**71,
    ]


@pytest.mark.parametrize("value", [-(2**31), 2**31 - 1, 0])
def test_no_date_makes_it_raise(value):
    days = pa.array([value], pa.int32()).cast(pa.date32())
    batch = pa.RecordBatch.from_arrays([days], ["x"])
    moment = Literal(dt.datetime(2020, 1, 1))
    for expression in (
        *(call(name, X) for name in ("year", "month", "day", "to_string", "is_null")),
        *(call("date_trunc", Literal(unit), X) for unit in ("year", "quarter", "month", "week", "day")),
        call("less", X, moment),
        call("coalesce", X, moment),
        call("in", X, Literal(dt.date(2020, 1, 1))),
    ):
        assert len(evaluate(expression, batch)) == 1


@pytest.mark.parametrize(
    "array",
    [
        pa.array([Decimal("1.5"), None]),
        pa.array([1.5, None], pa.float32()),
        pa.array([1.5, None]).dictionary_encode(),
        pa.array([1.5, float("nan")]),
        pa.array([1.5, float("-inf")]),
    ],
)
def test_numbers_are_read_from_any_storage(array):
    batch = pa.RecordBatch.from_arrays([array], ["x"])
    assert evaluate(X, batch).to_pylist() == [1.5, None]
    assert evaluate(call("greater", X, Literal(1)), batch).to_pylist() == [True, None]


def test_sliced_coded_column():
    column = pa.array(["a", None, "b", "a", "b", None] * 3).dictionary_encode().slice(1, 12)
    batch = pa.RecordBatch.from_arrays([column], ["x"])
    expected = [v == "a" for v in column.to_pylist()]
    assert keep_mask(call("equal", X, Literal("a")), batch).tolist() == expected
    assert plain(evaluate(call("coalesce", X, Literal("-")), batch)) == [v or "-" for v in column.to_pylist()]


def test_full_small_index_has_room_for_null():
    """128 entries use up int8: the null entry must not wrap."""
    values = [str(n) for n in range(128)]
    column = pa.DictionaryArray.from_arrays(pa.array([*range(128), None, None], pa.int8()), values)
    batch = pa.RecordBatch.from_arrays([column], ["x"])
    assert plain(evaluate(call("is_null", X), batch)) == [False] * 128 + [True] * 2


def test_unknown_column_is_the_callers_fault():
    with pytest.raises(KeyError):
        evaluate(Column("y"), batch_of({"i": [1]}))


def test_empty_batch():
    batch = batch_of({name: [] for name in TYPES}, coded=True)
    assert keep_mask(call("like", Column("t"), Literal("a%")), batch).tolist() == []


def test_long_patterns_compile():
    for pattern in ("_" * 1000, "%_" * 500, "é%" * 500, "\0.*[" * 250):
        assert one(call("like", X, Literal(pattern)), "b") is False
    assert like_regex("a%") == r"(?s)^a.*\z"


def test_no_warning_is_given(recwarn):
    one(call("divide", X, Literal(0)), 1.0)
    one(call("multiply", X, Literal(1e300)), 1e300)
    assert not recwarn.list


def test_coded_text_is_worked_out_once_per_entry():
    rng = np.random.default_rng(0)
    column = pa.array(["x", "y", "z"]).take(pa.array(rng.integers(0, 3, 2**20))).dictionary_encode()
    batch = pa.RecordBatch.from_arrays([column], ["x"])
    where = call("and", call("like", X, Literal("%x%")), call("in", X, Literal("x"), Literal("y")))
    with at_most(5):  # it takes a fifth of one; a loop over rows takes dozens
        assert keep_mask(where, batch).sum() > 0


def test_columns_of_everything_generated_are_known():
    expression = argument_of("CASE WHEN t = 'a' THEN i ELSE f END")
    assert columns(expression) == {"t", "i", "f"}
