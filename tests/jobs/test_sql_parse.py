"""What statements mean, and that everything else is refused quickly, with a position."""

from __future__ import annotations

import datetime as dt
import string

import duckdb
import pytest
import yaml
from hypothesis import example, given, settings
from hypothesis import strategies as st

from jobs.evaluate import evaluate_columns
from jobs.expressions import Call, Column, Literal, columns
from jobs.spec import Aggregate, Measure
from jobs.sql.guard import MAX_NESTING
from jobs.sql.names import MAX_HEIGHT, Described
from jobs.sql.parse import parse
from jobs.sql.rows import HANDLERS
from jobs.sql.shapes import FUNCTIONS, SHAPES
from sandbox.errors import InvalidInputError
from sandbox.schema import ORDINAL, ROW_UNIT, Field, Kind
from service.messages import catalogue
from tests.support.effort import at_most

KINDS = {
    "age": Kind.STRING,
    "Gender": Kind.STRING,
    "n": Kind.INTEGER,
    "x": Kind.FLOAT,
    "price": Kind.DECIMAL,
    "d": Kind.DATE,
    "w": Kind.TIMESTAMP,
    "b": Kind.BOOLEAN,
    "两 列": Kind.INTEGER,
    "Twin": Kind.INTEGER,
    "TWIN": Kind.INTEGER,
    ORDINAL: Kind.INTEGER,
    "key:0": Kind.INTEGER,
    "measure:0": Kind.INTEGER,
}
FIELDS = {name: Field(name, kind) for name, kind in KINDS.items()}
DESCRIBED = Described(FIELDS, ROW_UNIT, "h.person")
COUNT = Measure(Aggregate.COUNT)


def read(sql: str):
    asked = []

    def schema(dataset):
        asked.append(dataset)
        return DESCRIBED

    (query,) = parse(sql, schema)
    assert tuple(asked) == query.sources
    return query


def where_of(sql: str):
    return read(sql).frame.where


def refused(sql: str) -> InvalidInputError:
    with at_most(20), pytest.raises(InvalidInputError) as caught:
        parse(sql, lambda _: DESCRIBED)
    error = caught.value
    assert error.code.startswith("sql.")
    lines = sql.split("\n")
    assert 1 <= error.facts["line"] <= len(lines)
    assert 1 <= error.facts["column"] <= len(lines[error.facts["line"] - 1]) + 1
    for language in ("en", "zh"):
        said = catalogue.messages(language, "sql")[error.code]
        said.format(**error.facts)
    return error


# --- meaning ----------------------------------------------------------------------------------------------


def test_the_whole_of_a_statement():
    query = read(
        """SELECT age AS years, COUNT(*) AS stays, AVG(n) AS mean, SUM(n) / COUNT(*) AS ratio
        FROM health.diabetes AS t WHERE t.gender = 'F' GROUP BY age
        HAVING COUNT(*) > 10 ORDER BY stays DESC NULLS FIRST, 1 LIMIT 5;"""
    )
    key, stays, mean, total = Column("key:0"), Column("measure:0"), Column("measure:1"), Column("measure:2")
    assert query.sources == ("health.diabetes",)
    assert query.frame.where == Call("equal", (Column("Gender"), Literal("F")))
    assert query.keys == (Column("age"),)
    # COUNT(*) is written four times and measured once.
    n = (Column("n"),)
    assert query.measures == (COUNT, Measure(Aggregate.AVG, n), Measure(Aggregate.SUM, n))
    assert [o.expression for o in query.outputs] == [key, stays, mean, Call("divide", (total, stays))]
    assert [o.name for o in query.outputs] == ["years", "stays", "mean", "ratio"]
    assert query.having == Call("greater", (stays, Literal(10)))
    assert [(o.expression, o.descending, o.nulls_first) for o in query.order] == [
        (stays, True, True),
        (key, False, False),
    ]
    assert query.limit == 5


@pytest.mark.parametrize("by", ["FLOOR(n / 10)", "bin", "1", "floor( N/10 ), 1, bin"])
def test_keys_by_expression_alias_or_ordinal(by):
    query = read(
        f"SELECT FLOOR(n / 10) AS bin, FLOOR(n / 10) * 10 + 1 AS low, COUNT(*) FROM h.d GROUP BY {by}"
    )
    assert query.keys == (Call("floor", (Call("divide", (Column("n"), Literal(10))),)),)
    low = Call("add", (Call("multiply", (Column("key:0"), Literal(10))), Literal(1)))
    assert [o.expression for o in query.outputs] == [Column("key:0"), low, Column("measure:0")]


def test_names_that_could_mean_two_things():
    # GROUP BY and HAVING see the column n before the alias n, ORDER BY the alias before the column.
    query = read("SELECT n AS k, COUNT(*) AS n FROM h.d GROUP BY n HAVING n > 1 ORDER BY n")
    assert query.keys == (Column("n"),)
    assert query.having == Call("greater", (Column("key:0"), Literal(1)))
    assert query.order[0].expression == Column("measure:0")
    assert read('SELECT COUNT("Twin"), SUM("TWIN") FROM h.d').measures == (
        Measure(Aggregate.COUNT, (Column("Twin"),)),
        Measure(Aggregate.SUM, (Column("TWIN"),)),
    )
    assert read('SELECT SUM("两 列") FROM h.d').measures[0].arguments == (Column("两 列"),)


def test_order_may_measure_and_default_puts_nulls_last():
    query = read("SELECT age, COUNT(*) FROM h.d GROUP BY age ORDER BY AVG(x) DESC, age")
    assert query.measures == (COUNT, Measure(Aggregate.AVG, (Column("x"),)))
    assert [(o.descending, o.nulls_first) for o in query.order] == [(True, False), (False, False)]


def test_measures_are_told_apart_by_literal_type():
    query = read("SELECT COUNT(CASE WHEN b THEN 1 END), COUNT(CASE WHEN b THEN 1.0 END) AS f FROM h.d")
    assert len(query.measures) == 2


@pytest.mark.parametrize(
    ("name", "dataset"),
    [
        ("health.diabetes", "health.diabetes"),
        ("Health.DIABETES", "health.diabetes"),
        ('health."dia-betes" z', "health.dia-betes"),
        ('"health.diabetes"', "health.diabetes"),
        ("a.b.c AS t", "a.b.c"),
    ],
)
def test_dataset_names(name, dataset):
    assert read(f"SELECT COUNT(*) FROM {name}").sources == (dataset,)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("n = -9223372036854775808", Call("equal", (Column("n"), Literal(-(2**63))))),
        ("d > '2020-01-31'", Call("greater", (Column("d"), Literal(dt.date(2020, 1, 31))))),
        ("'2020-01-31' < d", Call("less", (Literal(dt.date(2020, 1, 31)), Column("d")))),
        ("w = '2020-01-31 01:02'", Call("equal", (Column("w"), Literal(dt.datetime(2020, 1, 31, 1, 2))))),
        (
            "d IN ('2020-01-31', NULL)",
            Call("in", (Column("d"), Literal(dt.date(2020, 1, 31)), Literal(None))),
        ),
        ("n <> 1_000", Call("not_equal", (Column("n"), Literal(1000)))),
        ("x = .5", Call("equal", (Column("x"), Literal(0.5)))),
        ("((b))", Column("b")),
        ("b AND b AND b", Call("and", (Column("b"),) * 3)),
        ("age NOT LIKE 'a%'", Call("not", (Call("like", (Column("age"), Literal("a%"))),))),
        ("NULL", Literal(None)),
        ("width_bucket(x, -1, 1.5, 4) = 2", None),
        ("IF(b, n, 0) > 1 OR IFNULL(n, 0) = 1", None),
        ("price::double > 1.5 AND price * 2 < 3", None),
        ("date_trunc('month', d) = DATE '2020-01-01' AND month(d) = 2", None),
    ],
)
def test_conditions(text, expected):
    where = where_of(f"SELECT COUNT(*) FROM h.d WHERE {text}")
    assert expected is None or where == expected
    if expected is not None:
        assert repr(where) == repr(expected)  # 1, 1.0 and True are equal in Python, not here


def test_made_up_names():
    query = read("SELECT age, COUNT(*), COUNT(n), AVG(x), SUM(n) + 1, COUNT(*) FROM h.d GROUP BY age")
    assert [o.name for o in query.outputs] == ["age", "count", "count_n", "avg_x", "column_5", "column_6"]


def test_made_up_names_leave_room_for_all_that_an_item_shows():
    query = read("SELECT HISTOGRAM(n, 2), HISTOGRAM(x, 2) FROM h.d")
    assert [o.name for o in query.outputs] == [
        "histogram_n_1",
        "histogram_n_2",
        "histogram_x_1",
        "histogram_x_2",
    ]
    query = read("SELECT HISTOGRAM(n + 1, 2), HISTOGRAM(x, 2) AS h, HISTOGRAM(n * 2, 2) FROM h.d")
    assert [o.name for o in query.outputs] == [
        *("histogram_1", "histogram_2", "h_1", "h_2", "column_3_1", "column_3_2"),
    ]
    query = read("SELECT COUNT(*) AS sum_n_low, SUM(n) FROM h.d")
    assert [o.name for o in query.outputs] == ["sum_n_low", "column_2"]


@settings(max_examples=60, deadline=None)
@given(
    st.lists(
        st.tuples(
            st.sampled_from(["a", "b", None]),
            st.integers(1, 100),
            st.floats(-10, 10),
        ),
        min_size=1,
        max_size=6,
    ),
    st.sampled_from(["k", "total DESC", "2", "mean DESC NULLS FIRST, k", "total / cnt DESC, 1", "-total"]),
    st.sampled_from(
        ["cnt > 20", "SUM(v) > 0 OR k IS NULL", "k <> 'a'", "COUNT(*) BETWEEN 5 AND 60", "NOT cnt = 1"]
    ),
)
def test_released_part_means_what_duckdb_means(cells, order, having):
    """Released columns evaluated by outputs, HAVING and ORDER BY equal DuckDB on the same numbers."""
    (query,) = parse(
        f"SELECT k, COUNT(*) AS cnt, SUM(v) AS total, ROUND(AVG(v), 1) AS mean, SUM(v) / COUNT(*) AS q "
        f"FROM h.d GROUP BY k HAVING {having} ORDER BY {order}, COUNT(*)",
        lambda _: Described({"k": Field("k", Kind.STRING), "v": Field("v", Kind.FLOAT)}, ROW_UNIT, "h"),
    )
    names = {"key:0": "k", **{f"measure:{i}": f"m{i}" for i in range(len(query.measures))}}
    by_kind = {Aggregate.COUNT: "cnt", Aggregate.SUM: "total", Aggregate.AVG: "avg"}
    table = {"key:0": [c[0] for c in cells]}
    for i, measure in enumerate(query.measures):
        source = {"cnt": 1, "total": 2, "avg": 2}[by_kind[measure.aggregate]]
        table[f"measure:{i}"] = [c[source] for c in cells]
    assert set(names) == set(table)
    shown = {o.name: evaluate_columns(o.expression, table) for o in query.outputs}
    kept = evaluate_columns(query.having, table)
    keys = [evaluate_columns(o.expression, table) for o in query.order]
    with duckdb.connect() as connection:
        connection.execute("CREATE TABLE r(i INT, k VARCHAR, cnt BIGINT, total DOUBLE)")
        connection.executemany("INSERT INTO r VALUES (?, ?, ?, ?)", [[i, *c] for i, c in enumerate(cells)])
        text = having.replace("SUM(v)", "total").replace("COUNT(*)", "cnt")
        rows = connection.execute(
            "SELECT i, k, cnt, total, round(total * 10) / 10, total / cnt, "
            f"coalesce({text}, false) FROM r ORDER BY i"
        ).fetchall()
        ranked = connection.execute(
            "SELECT i FROM (SELECT i, k, cnt, total, round(total * 10) / 10 AS mean FROM r) "
            f"ORDER BY {order.replace('2', 'cnt').replace('1', 'k')}, cnt, i"
        ).fetchall()
    assert [list(row[1:6]) for row in rows] == [list(row) for row in zip(*shown.values(), strict=True)]
    assert [row[6] for row in rows] == [v is True for v in kept]
    assert [row[0] for row in ranked] == ranking(query.order, keys, len(cells))


def ranking(order, keys, size):
    ranked = list(range(size))
    for rule, values in reversed(list(zip(order, keys, strict=True))):
        known = sorted(
            (i for i in ranked if values[i] is not None), key=values.__getitem__, reverse=rule.descending
        )
        if rule.descending:  # reverse=True keeps equal elements in order, as wanted
            assert known == sorted(known, key=lambda i: values[i], reverse=True)
        nulls = [i for i in ranked if values[i] is None]
        ranked = nulls + known if rule.nulls_first else known + nulls
    return ranked


# --- refusals ---------------------------------------------------------------------------------------------

FROM = "FROM h.d"
HOSTILE = {
    # statements
    "": "sql.not-a-select",
    ";": "sql.not-a-select",
    "FROM h.d": "sql.not-a-select",
    "WITH a AS (SELECT 1) SELECT COUNT(*) FROM a": "sql.no-dataset",
    "EXPLAIN SELECT COUNT(*) FROM h.d": "sql.not-a-select",
    "COPY h.d TO '/tmp/x'": "sql.not-a-select",
    "ATTACH 'x' AS y": "sql.not-a-select",
    "DELETE FROM h.d": "sql.not-a-select",
    "(SELECT COUNT(*) FROM h.d)": "sql.not-a-select",
    "SELECT COUNT(*) FROM h.d; DROP TABLE x": "sql.not-a-select",
    "SELECT COUNT(*) FROM h.d;;": "sql.not-a-select",
    ";".join(["SELECT COUNT(*) FROM h.d"] * 17): "sql.too-many",
    "SELECT COUNT(*) FROM h.d UNION SELECT 1": "sql.not-supported",
    "SELECT COUNT(*) FROM h.d EXCEPT SELECT 1": "sql.not-supported",
    "SELECT COUNT(*)": "sql.no-dataset",
    "SELECT COUNT(*) INTO x FROM h.d": "sql.not-supported",
    "SELECT COUNT(* FROM h.d": "sql.syntax",
    "SELECT 'abc": "sql.open-quote",
    "SELECT COUNT(*) FROM h.d /* x": None,
    "SELECT COUNT(*) FROM h.d\0": "sql.bad-text",
    "SELECT COUNT(*) FROM h.d WHERE age = '\ud800'": "sql.bad-text",
    # where rows come from
    "SELECT COUNT(*) FROM diabetes": "sql.bad-dataset-name",
    "SELECT COUNT(*) FROM '../../etc/passwd'": "sql.bad-dataset-name",
    "SELECT COUNT(*) FROM read_csv('x.y')": "sql.unknown-function",
    "SELECT COUNT(*) FROM year(h)": "sql.bad-dataset-name",
    "SELECT COUNT(*) FROM h.d, h.e": "sql.not-supported",
    "SELECT COUNT(*) FROM h.d JOIN h.e ON TRUE": "sql.no-unit-column",
    "SELECT COUNT(*) FROM h.d NATURAL JOIN h.e": "sql.not-supported",
    "SELECT COUNT(*) FROM h.d LEFT JOIN h.e USING (n)": "sql.no-unit-column",
    "SELECT COUNT(*) FROM (h.d)": None,
    "SELECT COUNT(*) FROM (VALUES (1)) t": None,
    "SELECT COUNT(*) FROM h.d TABLESAMPLE 10%": "sql.not-supported",
    "SELECT COUNT(*) FROM h.d USING SAMPLE 10": "sql.not-supported",
    "SELECT COUNT(*) FROM h.d PIVOT (SUM(n) FOR age IN ('a'))": "sql.not-supported",
    "SELECT COUNT(*) FROM h.d AT (VERSION => 1)": None,
    "SELECT COUNT(*) FROM h.d t(a, b)": "sql.not-supported",
    "SELECT COUNT(*) FROM h.d, LATERAL (SELECT 1)": "sql.not-supported",
    # what is shown
    "SELECT * FROM h.d": "sql.misplaced",
    "SELECT *, COUNT(*) FROM h.d": "sql.misplaced",
    "SELECT * EXCLUDE (age) FROM h.d": "sql.not-supported",
    "SELECT COLUMNS('.*') FROM h.d": None,
    "SELECT t.* FROM h.d t": "sql.misplaced",
    "SELECT age FROM h.d": "sql.not-grouped",
    "SELECT age, COUNT(*) FROM h.d": "sql.not-grouped",
    "SELECT age, x, COUNT(*) FROM h.d GROUP BY age": "sql.not-grouped",
    "SELECT age FROM h.d GROUP BY age": "sql.nothing-measured",
    "SELECT 1 FROM h.d": "sql.nothing-measured",
    "SELECT DISTINCT age, COUNT(*) FROM h.d GROUP BY age": "sql.not-supported",
    "SELECT DISTINCT ON (age) COUNT(*) FROM h.d": "sql.not-supported",
    "SELECT (SELECT COUNT(*) FROM h.d) FROM h.d": "sql.not-supported",
    "SELECT COUNT(*) AS a, SUM(n) AS A FROM h.d": "sql.duplicate-name",
    "SELECT COUNT(*) AS _Totals FROM h.d": "sql.reserved-name",
    "SELECT COUNT(*) AS a, SUM(n) AS a_low FROM h.d": "sql.duplicate-name",
    "SELECT COUNT(*) AS a_high, SUM(n) AS a FROM h.d": "sql.duplicate-name",
    'SELECT COUNT(*) AS "\x1b[2J" FROM h.d': "sql.bad-name",
    "SELECT @n FROM h.d": "sql.not-grouped",
    # aggregates
    "SELECT COUNT(DISTINCT n, x) FROM h.d": "sql.arguments",
    "SELECT COUNT(n, x) FROM h.d": "sql.not-supported",
    "SELECT COUNT() FROM h.d": "sql.syntax",
    "SELECT COUNT(1) FROM h.d": "sql.constant",
    "SELECT SUM(1 + 2) FROM h.d": "sql.constant",
    "SELECT SUM(NULL) FROM h.d": "sql.constant",
    "SELECT SUM(NULLIF(NULL, n)) FROM h.d": "sql.constant",
    "SELECT SUM(*) FROM h.d": "sql.misplaced",
    "SELECT SUM(age) FROM h.d": "sql.wrong-kind",
    "SELECT SUM(b) FROM h.d": "sql.wrong-kind",
    "SELECT AVG(d) FROM h.d": "sql.wrong-kind",
    "SELECT SUM(COUNT(*)) FROM h.d": "sql.aggregate-not-here",
    "SELECT AVG(SUM(n)) FROM h.d": "sql.aggregate-not-here",
    "SELECT SUM(n ORDER BY x) FROM h.d": None,
    "SELECT COUNT(*) FILTER (WHERE n) FROM h.d": "sql.wrong-kind",
    "SELECT COUNT(*) OVER () FROM h.d": "sql.not-supported",
    "SELECT ROW_NUMBER() OVER (ORDER BY n) FROM h.d": "sql.not-supported",
    "SELECT MAX(age) FROM h.d": "sql.wrong-kind",
    "SELECT MODE(n) FROM h.d": "sql.unknown-function",
    "SELECT AVEG(n) FROM h.d": "sql.misspelt-function",
    "SELECT STRING_AGG(age, ',') FROM h.d": "sql.unknown-function",
    "SELECT LIST(n) FROM h.d": "sql.unknown-function",
    # clauses
    "SELECT COUNT(*) FROM h.d WHERE COUNT(*) > 1": "sql.aggregate-not-here",
    "SELECT COUNT(*) FROM h.d WHERE n": "sql.wrong-kind",
    "SELECT COUNT(*) AS c FROM h.d WHERE c > 1": "sql.unknown-column",
    "SELECT COUNT(*) FROM h.d HAVING SUM(n)": "sql.wrong-kind",
    "SELECT COUNT(*) FROM h.d HAVING n > 1": "sql.not-grouped",
    "SELECT COUNT(*) FROM h.d GROUP BY COUNT(*)": "sql.aggregate-not-here",
    "SELECT COUNT(*) FROM h.d GROUP BY 1": "sql.aggregate-not-here",
    "SELECT COUNT(*) FROM h.d GROUP BY 0": "sql.bad-ordinal",
    "SELECT COUNT(*) FROM h.d GROUP BY 2": "sql.bad-ordinal",
    "SELECT COUNT(*) FROM h.d GROUP BY 1.5": "sql.bad-ordinal",
    "SELECT COUNT(*) FROM h.d GROUP BY 'a'": "sql.constant",
    "SELECT COUNT(*) FROM h.d GROUP BY ALL": "sql.not-supported",
    "SELECT COUNT(*) FROM h.d GROUP BY age WITH ROLLUP": "sql.not-supported",
    "SELECT COUNT(*) FROM h.d GROUP BY CUBE (age, b, n, x, d, w)": "sql.too-many",
    "SELECT COUNT(*) FROM h.d GROUP BY ROLLUP (CUBE (age))": None,
    "SELECT COUNT(*) FROM h.d ORDER BY ALL": "sql.misplaced",
    "SELECT COUNT(*) FROM h.d ORDER BY n": "sql.not-grouped",
    "SELECT COUNT(*) FROM h.d ORDER BY 2": "sql.bad-ordinal",
    "SELECT COUNT(*) FROM h.d LIMIT 0": "sql.bad-argument",
    "SELECT COUNT(*) FROM h.d LIMIT -1": "sql.bad-argument",
    "SELECT COUNT(*) FROM h.d LIMIT 1.5": "sql.bad-argument",
    "SELECT COUNT(*) FROM h.d LIMIT 10%": "sql.not-supported",
    "SELECT COUNT(*) FROM h.d LIMIT (SELECT 1)": "sql.not-supported",
    "SELECT COUNT(*) FROM h.d LIMIT 5 OFFSET 2": "sql.not-supported",
    "SELECT COUNT(*) FROM h.d FETCH FIRST 3 ROWS ONLY": "sql.not-supported",
    "SELECT COUNT(*) FROM h.d QUALIFY ROW_NUMBER() OVER () = 1": "sql.not-supported",
    "SELECT COUNT(*) FROM h.d WINDOW w AS (ORDER BY n)": "sql.not-supported",
    "SELECT COUNT(*) FROM h.d FOR UPDATE": "sql.not-supported",
    # names
    "SELECT COUNT(nope) FROM h.d": "sql.unknown-column",
    "SELECT COUNT(z.n) FROM h.d": "sql.unknown-table",
    "SELECT COUNT(h.d.n) FROM h.d": "sql.not-supported",
    "SELECT COUNT(twin) FROM h.d": "sql.ambiguous-column",
    f"SELECT SUM({ORDINAL}) FROM h.d": "sql.unknown-column",
    'SELECT SUM("key:0") FROM h.d': "sql.unknown-column",
    'SELECT SUM("measure:0") FROM h.d': "sql.unknown-column",
    # row expressions
    "SELECT COUNT(*) FROM h.d WHERE n = '5'": "sql.wrong-kind",
    "SELECT COUNT(*) FROM h.d WHERE age > 5": "sql.wrong-kind",
    "SELECT COUNT(*) FROM h.d WHERE age = n": "sql.wrong-kind",
    "SELECT COUNT(*) FROM h.d WHERE b = 1": "sql.wrong-kind",
    "SELECT COUNT(*) FROM h.d WHERE n LIKE '5'": "sql.wrong-kind",
    "SELECT COUNT(*) FROM h.d WHERE age LIKE 5": "sql.wrong-kind",
    "SELECT COUNT(*) FROM h.d WHERE age LIKE Gender": "sql.literal-needed",
    "SELECT COUNT(*) FROM h.d WHERE age LIKE '" + "%a" * 600 + "'": "sql.long-pattern",
    "SELECT COUNT(*) FROM h.d WHERE age LIKE 'a' ESCAPE 'b'": "sql.not-supported",
    "SELECT COUNT(*) FROM h.d WHERE age LIKE ANY ('b')": "sql.not-supported",
    "SELECT COUNT(*) FROM h.d WHERE age SIMILAR TO 'b'": None,
    "SELECT COUNT(*) FROM h.d WHERE age ~ 'b'": None,
    "SELECT COUNT(*) FROM h.d WHERE REGEXP_MATCHES(age, 'b')": None,
    "SELECT COUNT(*) FROM h.d WHERE n IN (SELECT 1)": "sql.not-supported",
    "SELECT COUNT(*) FROM h.d WHERE n IN (1, x)": "sql.literal-needed",
    "SELECT COUNT(*) FROM h.d WHERE n IN (1, 'a')": "sql.wrong-kind",
    "SELECT COUNT(*) FROM h.d WHERE n IN age": "sql.not-supported",
    "SELECT COUNT(*) FROM h.d WHERE EXISTS (SELECT 1)": None,
    "SELECT COUNT(*) FROM h.d WHERE n = ANY (SELECT 1)": "sql.not-supported",
    "SELECT COUNT(*) FROM h.d WHERE n = ?": "sql.not-supported",
    "SELECT COUNT(*) FROM h.d WHERE n = $1": "sql.not-supported",
    "SELECT COUNT(*) FROM h.d WHERE n = $$a$$": None,
    "SELECT COUNT(*) FROM h.d WHERE n IS 5": None,
    "SELECT COUNT(*) FROM h.d WHERE n IS DISTINCT FROM '5'": "sql.wrong-kind",
    "SELECT COUNT(*) FROM h.d WHERE d = '2020-02-30'": "sql.bad-date",
    "SELECT COUNT(*) FROM h.d WHERE d = '20200101'": "sql.bad-date",
    "SELECT COUNT(*) FROM h.d WHERE d = DATE 'yesterday'": "sql.bad-date",
    "SELECT COUNT(*) FROM h.d WHERE w = TIMESTAMP '2020-01-01 25:00:00'": "sql.bad-date",
    "SELECT COUNT(*) FROM h.d WHERE d + INTERVAL n DAY > d": "sql.literal-needed",
    "SELECT COUNT(*) FROM h.d WHERE d - d > 1": "sql.wrong-kind",
    "SELECT COUNT(*) FROM h.d WHERE d = CURRENT_DATE": None,
    "SELECT COUNT(*) FROM h.d WHERE n = 9223372036854775808": "sql.bad-number",
    "SELECT COUNT(*) FROM h.d WHERE n = -9223372036854775809": "sql.bad-number",
    "SELECT COUNT(*) FROM h.d WHERE n = " + "9" * 5000: "sql.bad-number",
    "SELECT COUNT(*) FROM h.d WHERE x = 1e400": "sql.bad-number",
    "SELECT COUNT(*) FROM h.d WHERE n // 2 = 0": "sql.not-supported",
    "SELECT COUNT(*) FROM h.d WHERE n & 2 = 0": "sql.not-supported",
    "SELECT COUNT(*) FROM h.d WHERE age[1] = 'b'": "sql.not-supported",
    "SELECT COUNT(*) FROM h.d WHERE [n] = [1]": "sql.not-supported",
    "SELECT COUNT(*) FROM h.d WHERE {'a': n} IS NULL": None,
    "SELECT COUNT(*) FROM h.d WHERE (n, x) = (1, 2)": "sql.not-supported",
    "SELECT COUNT(*) FROM h.d WHERE (lambda a: a)(n)": None,
    "SELECT COUNT(*) FROM h.d WHERE CAST(n AS TINYINT) = 1": "sql.bad-type",
    "SELECT COUNT(*) FROM h.d WHERE CAST(n AS INTEGER[]) IS NULL": None,
    "SELECT COUNT(*) FROM h.d WHERE CAST(w AS TIMESTAMP) = w": "sql.bad-type",
    "SELECT COUNT(*) FROM h.d WHERE CAST(d AS BIGINT) = 1": "sql.wrong-kind",
    "SELECT COUNT(*) FROM h.d WHERE CAST(n AS BLOB) IS NULL": "sql.bad-type",
    "SELECT COUNT(*) FROM h.d WHERE EXTRACT(epoch FROM d) = 1": "sql.bad-unit",
    "SELECT COUNT(*) FROM h.d WHERE DATE_TRUNC('century', d) = d": "sql.bad-unit",
    "SELECT COUNT(*) FROM h.d WHERE DATE_TRUNC(age, d) = d": None,
    "SELECT COUNT(*) FROM h.d WHERE SUBSTRING(age, n) = 'a'": "sql.literal-needed",
    "SELECT COUNT(*) FROM h.d WHERE SUBSTRING(age, 0) = 'a'": "sql.bad-argument",
    "SELECT COUNT(*) FROM h.d WHERE ROUND(x, 99) = 1": "sql.bad-argument",
    "SELECT COUNT(*) FROM h.d WHERE ROUND(x, n) = 1": "sql.literal-needed",
    "SELECT COUNT(*) FROM h.d WHERE WIDTH_BUCKET(x, 5, 1, 3) = 1": "sql.bad-buckets",
    "SELECT COUNT(*) FROM h.d WHERE WIDTH_BUCKET(x, 1, 5, 0) = 1": "sql.bad-argument",
    "SELECT COUNT(*) FROM h.d WHERE WIDTH_BUCKET(x, 1) = 1": None,
    "SELECT COUNT(*) FROM h.d WHERE CASE WHEN n THEN TRUE END": "sql.wrong-kind",
    "SELECT COUNT(*) FROM h.d WHERE CASE WHEN b THEN 1 ELSE 'a' END = 1": "sql.wrong-kind",
    "SELECT COUNT(*) FROM h.d WHERE COALESCE(n, 'a') = 1": "sql.wrong-kind",
    "SELECT COUNT(*) FROM h.d WHERE ERROR('x')": None,
    "SELECT COUNT(*) FROM h.d WHERE RANDOM() < 0.5": None,
    "SELECT COUNT(*) FROM h.d WHERE GETENV('HOME') = ''": "sql.unknown-function",
    "SELECT COUNT(*) FROM h.d WHERE HASH(age) = 1": "sql.unknown-function",
    "SELECT COUNT(*) FROM h.d WHERE main.abs(n) = 1": None,
    # sizes
    "SELECT " + ", ".join(f"COUNT(*) AS c{n}" for n in range(65)) + " FROM h.d": "sql.too-many",
    "SELECT COUNT(*) FROM h.d GROUP BY " + ", ".join(f"n + {n}" for n in range(17)): "sql.too-many",
    "SELECT COUNT(*) FROM h.d ORDER BY " + ", ".join(["1"] * 65): "sql.too-many",
    "SELECT " + "(" * 4_990 + "1": "sql.too-deep",
    "SELECT " + "(" * 10_000 + "1" + ")" * 10_000 + " FROM h.d": "sql.too-many-parts",
    "SELECT " + "(" * 17 + "1" + ")" * 17 + " FROM h.d": "sql.too-deep",
    "SELECT " + "ABS(" * 30 + "1" + ")" * 30 + " FROM h.d": "sql.too-deep",
    "SELECT " + "CASE WHEN b THEN " * 1_200 + "1": "sql.too-deep",
    "SELECT COUNT(*) FROM h.d WHERE " + "NOT " * 4_900 + "b": "sql.too-deep",
    "SELECT COUNT(*) FROM h.d WHERE 0 < " + "- " * 4_900 + "n": "sql.too-deep",
    "SELECT COUNT(*) FROM h.d WHERE 0 < " + "+".join(["n"] * 200): "sql.too-deep",
    "SELECT COUNT(*) FROM h.d WHERE n" + "::BIGINT" * 2_000 + " > 1": "sql.too-deep",
    "SELECT " + "[" * 4_990: "sql.too-deep",
    # The parser alone takes 2^n steps for these.
    "SELECT " + "DATE(" * 15 + "1" + ")" * 15 + " FROM h.d": "sql.too-deep",
    "SELECT COUNT(*) FROM h.d WHERE " + "DECIMAL(" * 15 + "1" + ")" * 15: "sql.too-deep",
    "SELECT COUNT(*) FROM h.d GROUP BY " + ("STRUCT(" * 12 + "a" + ")" * 12 + ", ") * 100: "sql.too-deep",
    "SELECT " + "x" * 70_000: "sql.too-long",
    "SELECT '" + "长" * 30_000 + "'": "sql.too-long",
    "SELECT " + "/" * 10_000_000: "sql.too-long",
    "SELECT " + "1," * 12_000: "sql.too-many-parts",
    "SELECT COUNT(*) FROM h.d WHERE a" + " ::a" * 2_400: None,
    "SELECT " + "/*" * 20_000: None,
    "SELECT " + "a." * 2_400 + "a FROM h.d": None,
}


@pytest.mark.parametrize(
    ("sql", "code"), HOSTILE.items(), ids=[f"{n}-{s[:40]!r}" for n, s in enumerate(HOSTILE)]
)
def test_refused(sql, code):
    error = refused(sql)
    assert code is None or error.code == code, error


@pytest.mark.parametrize(
    ("sql", "line", "column"),
    [
        ("SELECT age,\n  x, COUNT(*)\nFROM h.d GROUP BY age", 2, 3),
        ("SELECT COUNT(*)\nFROM h.d\nWHERE age = '两' AND nope = 1", 3, 21),
        ("SELECT COUNT(*) FROM h.d\nJOIN h.e ON TRUE", 2, 6),
        ("SELECT COUNT(*),\n\n SUM(age) FROM h.d", 3, 6),
        ("SELECT COUNT(*) FROM h.d;\nDELETE FROM h.d", 2, 1),
        ("SELECT COUNT(*)\nFROM h.d WHERE n = 'a\nb' OR b = ", 3, 9),
    ],
)
def test_position(sql, line, column):
    facts = refused(sql).facts
    assert (facts["line"], facts["column"]) == (line, column)


def test_schema_is_not_asked_about_what_syntax_refuses():
    def schema(_):
        raise AssertionError("asked")

    for sql in ("SELECT COUNT(*) FROM h.d, h.e QUALIFY b", "SELECT 1", "SELECT MODE(n) FROM h.d"):
        with pytest.raises(InvalidInputError):
            parse(sql, schema)


def test_what_schema_raises_comes_through():
    def schema(dataset):
        raise KeyError(dataset)

    with pytest.raises(KeyError):
        parse("SELECT COUNT(*) FROM h.d", schema)


def test_no_literal_in_an_error():
    for condition in (
        "d = 'SECRET'",
        "n = 'SECRET'",
        "age LIKE n + 'SECRET'",
        "'SECRET' 5",
        "n IN ('SECRET')",
    ):
        assert "SECRET" not in str(refused(f"SELECT COUNT(*) FROM h.d WHERE {condition}"))


def test_nothing_is_logged(caplog, capfd):
    for sql in (
        "EXPLAIN SELECT 1",
        "SELECT COUNT(*) FROM h.d WHERE foo('SECRET'",
        "SELECT 1 FROM x.y AS OF 'SECRET'",
    ):
        refused(sql)
    assert not caplog.records
    assert capfd.readouterr() == ("", "")


def test_limits_that_are_allowed():
    read("SELECT " + ", ".join(f"COUNT(*) AS c{n}" for n in range(64)) + " FROM h.d")
    read("SELECT COUNT(*) FROM h.d GROUP BY " + ", ".join(f"n + {n}" for n in range(16)))
    read("SELECT COUNT(*) FROM h.d WHERE " + " AND ".join(["n > 1"] * 1200))
    read("SELECT COUNT(*) FROM h.d WHERE n IN (" + ", ".join(map(str, range(2400))) + ")")
    inner = MAX_NESTING - 1
    read("SELECT COUNT(*) FROM h.d WHERE " + "(" * inner + "b" + ")" * inner)
    read("SELECT SUM(" + " + ".join(["n"] * (MAX_HEIGHT - 8)) + ") FROM h.d")


def test_deep_caller():
    """A caller near the end of its own stack gets a refusal or an answer, never a RecursionError."""

    def dig(levels: int):
        return dig(levels - 1) if levels else refused_or_read("SELECT SUM(((((n)))) + 1) FROM h.d")

    for levels in range(0, 900, 60):
        dig(levels)


def refused_or_read(sql):
    try:
        return read(sql)
    except InvalidInputError as error:
        return error


WORDS = """SELECT FROM h.d WHERE GROUP BY n age COUNT(*) SUM(n) AND NOT CASE WHEN END IN 1 'a' NULL OVER WITH
AS JOIN HAVING LIKE CAST DATE ORDER LIMIT DISTINCT UNION :: EXTRACT x -- /* é BETWEEN"""
words = st.sampled_from([*"(),.*+-/=<>;'\"[]{}?$%\n", *WORDS.split()])


@settings(max_examples=400, deadline=None)
@given(st.lists(words, max_size=25).map(" ".join) | st.text(string.printable + "é中\0", max_size=60))
@example("COUNT(*) FROM h.d WHERE n = NULL")
def test_any_text_is_read_or_refused(text):
    found = refused_or_read("SELECT " + text)
    if isinstance(found, InvalidInputError):
        assert {"line", "column"} <= set(found.facts)
        return
    released = {f"key:{i}" for i in range(len(found.keys))} | {
        f"measure:{i}" for i in range(len(found.measures))
    }
    for output in found.outputs:
        assert columns(output.expression) <= released


FORMS = {
    "CASE": "CASE WHEN b THEN 1 END",
    "CAST": "CAST(n AS DOUBLE)",
    "EXTRACT": "EXTRACT(day FROM d)",
    "PI": "PI()",
}
FORMS |= {"DATE_ADD": "DATE_ADD(d, INTERVAL 1 DAY)", "POSITION": "POSITION('a' IN age)"}


@pytest.mark.parametrize("name", FUNCTIONS.replace(";", "").split())
def test_listed_functions_are_known(name):
    found = FORMS.get(name)
    texts = [found] if found else [f"{name}({', '.join(['n', '1', '2', '3'][:k])})" for k in range(1, 5)]
    codes = set()
    for text in texts:
        try:
            parse(f"SELECT COUNT(*) FROM h.d WHERE {text} IS NULL", lambda _: DESCRIBED)
        except InvalidInputError as error:
            codes.add(error.code)
        else:
            return
    assert "sql.unknown-function" not in codes


def test_lists_agree():
    """What has a meaning is on the list of shapes, and every code has a message in both languages."""
    assert set(HANDLERS) <= set(SHAPES)
    for language in ("en", "zh"):
        path = catalogue._FOLDER / language / "sql.yaml"
        loaded = yaml.safe_load(path.read_text(encoding="utf-8"))
        assert {code for code in HOSTILE.values() if code} <= set(loaded)
        assert list(loaded) == sorted(loaded)
