"""What FROM means: rewrites give one query, and the rows of every shape are DuckDB's rows.

`rows` below reads a frame by its definition, row by row and without any bound.  DuckDB gets the same text.
"""

# ruff: noqa: E501 - a statement stands on one line, whole
from __future__ import annotations

import datetime as dt
import random
from collections import Counter
from collections.abc import Callable, Iterator
from fractions import Fraction
from math import prod
from typing import Any

import duckdb
import pytest
import sqlglot
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from sqlglot import exp

from jobs.evaluate import evaluate_columns, evaluate_scalar
from jobs.expressions import Call, Column, Expression, Literal
from jobs.relations import Core, Frame, Join, Lookup, PerUnit, Scan, slot
from jobs.spec import Aggregate, Measure, Query
from jobs.sql.names import Described
from jobs.sql.parse import parse
from sandbox.errors import InvalidInputError
from sandbox.schema import DatasetName, Field, Kind

TABLES: dict[str, tuple[str | None, dict[str, Kind]]] = {
    "h.stays": (
        "person",
        {"person": Kind.INTEGER, "ward": Kind.STRING, "days": Kind.INTEGER, "cost": Kind.FLOAT,
         "seen": Kind.DATE, "urgent": Kind.BOOLEAN},
    ),
    "p.people": ("id", {"id": Kind.INTEGER, "sex": Kind.STRING, "age": Kind.INTEGER, "ward": Kind.STRING}),
    "ref.wards": (None, {"ward": Kind.STRING, "region": Kind.STRING, "beds": Kind.INTEGER}),
}  # fmt: skip


def schema(name: DatasetName) -> Described:
    unit, kinds = TABLES[name]
    fields = {column: Field(column, kind) for column, kind in kinds.items()}
    return Described(fields, unit, "n" if unit else "", public=unit is None)


def read(sql: str) -> Query:
    (query,) = parse(sql, schema)
    return query


def refused(sql: str) -> str:
    with pytest.raises(InvalidInputError) as caught:
        parse(sql, schema)
    return caught.value.code


# --- one meaning, one query -----------------------------------------------------------------------------

PER_PERSON = "SELECT person, COUNT(*) AS n, SUM(days) AS total FROM h.stays WHERE urgent GROUP BY person"
SAME = [
    ("SELECT COUNT(*) FROM h.stays WHERE days > 1", "SELECT COUNT(*) FROM (SELECT * FROM h.stays WHERE days > 1)"),
    ("SELECT COUNT(*) FROM h.stays WHERE days > 1", "WITH a AS (SELECT * FROM h.stays WHERE days > 1) SELECT COUNT(*) FROM a"),
    ("SELECT COUNT(*) FROM h.stays WHERE days > 1 AND urgent", "SELECT COUNT(*) FROM (SELECT * FROM h.stays WHERE days > 1) AS s WHERE s.urgent"),
    ("SELECT SUM(days + 1) AS t FROM h.stays", "SELECT SUM(x) AS t FROM (SELECT days + 1 AS x FROM h.stays)"),
    ("SELECT SUM(days + 1) AS t FROM h.stays", "SELECT SUM(\"X\") AS t FROM (SELECT DAYS + 1 AS x FROM (SELECT s.* FROM H.STAYS s) q) z"),
    (f"SELECT AVG(n) FROM ({PER_PERSON})", f"WITH a AS ({PER_PERSON}) SELECT AVG(n) FROM a"),
    (f"SELECT AVG(n) FROM ({PER_PERSON})", f"WITH b AS (SELECT * FROM a), a AS ({PER_PERSON}) SELECT AVG(b.n) AS avg_n FROM b"),
    (f"SELECT AVG(n) FROM ({PER_PERSON})", f"SELECT AVG(n) FROM (SELECT person AS unit, n FROM ({PER_PERSON}))"),
    (f"SELECT AVG(n) FROM ({PER_PERSON}) WHERE n > 1", f"SELECT AVG(n) FROM ({PER_PERSON} HAVING COUNT(*) > 1)"),
    ("SELECT COUNT(days) FILTER (WHERE urgent) AS c FROM h.stays", "SELECT COUNT(CASE WHEN urgent THEN days END) AS c FROM h.stays"),
    ("SELECT COUNT(*) FILTER (WHERE urgent) AS c FROM h.stays", "SELECT COUNT_IF(urgent) AS c FROM h.stays"),
    ("SELECT COUNT(DISTINCT person) FILTER (WHERE urgent) AS c FROM h.stays", "SELECT COUNT(DISTINCT IF(urgent, person, NULL)) AS c FROM h.stays"),
    ("SELECT COUNT(DISTINCT person) FILTER (WHERE urgent) AS c FROM h.stays", "SELECT COUNT(DISTINCT CASE WHEN urgent THEN u END) AS c FROM (SELECT person AS u, urgent FROM h.stays)"),
    ("SELECT MEDIAN(days) AS m FROM h.stays", "SELECT QUANTILE_CONT(days, 0.5) AS m FROM h.stays"),
    ("SELECT MEDIAN(days) AS m FROM h.stays", "SELECT PERCENTILE_CONT(.50) WITHIN GROUP (ORDER BY days) AS m FROM h.stays"),
    ("SELECT COUNT(*) FROM h.stays s JOIN p.people r ON s.person = r.id AND age > 1", "SELECT COUNT(*) FROM h.stays JOIN p.people ON (age > 1 AND (id = person))"),
    ("SELECT COUNT(*) FROM h.stays s JOIN p.people r ON s.person = r.id", "SELECT COUNT(*) FROM h.stays s JOIN (SELECT id AS person FROM p.people) r USING (person)"),
    ("SELECT ward, COUNT(*) FROM h.stays GROUP BY ROLLUP (ward)", "SELECT ward, COUNT(*) FROM h.stays GROUP BY GROUPING SETS ((ward), ())"),
    ("SELECT ward, COUNT(*) FROM h.stays GROUP BY CUBE (ward)", "SELECT ward, COUNT(*) FROM h.stays GROUP BY GROUPING SETS (1, (), ward)"),
    ("SELECT COUNT(*) FROM h.stays", "SELECT COUNT(*) FROM h.stays GROUP BY ()"),
    ("SELECT COUNT(*) FROM h.stays", "-- how many?\nSELECT /* all */ COUNT(*) FROM h.stays -- of them\n;"),
]  # fmt: skip


@pytest.mark.parametrize(("one", "other"), SAME)
def test_rewrites_are_one_query(one: str, other: str) -> None:
    first, second = read(one), read(other)
    assert repr(first) == repr(second)


def test_statements_are_read_one_by_one() -> None:
    texts = ["SELECT COUNT(*) FROM h.stays", "SELECT AVG(age) FROM p.people WHERE sex = 'f'"]
    assert parse(";\n".join(texts) + ";", schema) == tuple(read(text) for text in texts)


# --- what comes out -------------------------------------------------------------------------------------


def test_places_and_sources() -> None:
    query = read(
        "SELECT COUNT(*) FROM h.stays a JOIN (SELECT person, COUNT(*) AS n FROM h.stays GROUP BY person) b "
        "ON a.person = b.person LEFT JOIN ref.wards w ON w.ward = a.ward AND w.beds > b.n"
    )
    assert (query.sources, query.tables) == (("h.stays",), ("ref.wards",))
    lookup = query.frame.core
    assert isinstance(lookup, Lookup)
    assert (lookup.kind, lookup.table, lookup.place) == ("left", 0, 3)
    assert lookup.on == ((Column("ward"), "ward"),)
    count = Column(slot(2, "count(*)"))
    assert lookup.condition == Call("greater", (Column(slot(3, "beds")), count))
    join = lookup.left.core
    assert isinstance(join, Join)
    assert join.left == Frame(Scan(0, 0))
    assert join.condition is None
    per_unit = join.right.core
    assert isinstance(per_unit, PerUnit)
    assert per_unit.of == Frame(Scan(0, 1))
    assert [(v.slot, v.kind, v.low, v.high) for v in per_unit.values] == [(count.name, "count", None, None)]


def test_per_unit_keys_and_having() -> None:
    query = read(
        "SELECT SUM(share) FROM (SELECT person, ward AS w, SUM(days) / COUNT(*) AS share FROM h.stays "
        "GROUP BY 2, person HAVING MAX(cost) > 5 AND w <> 'A')"
    )
    core = query.frame.core
    assert isinstance(core, PerUnit)
    assert core.keys == ((slot(1, "ward"), Column("ward")),)
    assert [value.kind for value in core.values] == ["sum", "count", "max"]
    ward, most = Column(slot(1, "ward")), Column(slot(1, "max(cost)"))
    assert query.frame.where == Call(
        "and", (Call("greater", (most, Literal(5))), Call("not_equal", (ward, Literal("A"))))
    )
    share = Call("divide", (Column(slot(1, "sum(days)")), Column(slot(1, "count(*)"))))
    assert query.measures == (Measure(Aggregate.SUM, (share,)),)


def test_aggregates() -> None:
    query = read(
        "SELECT MIN(days), MAX(days), QUANTILE_CONT(cost, [0.1, 0.90]) AS q, HISTOGRAM(days, 3) AS h, "
        "COUNT(DISTINCT ward) AS wards, CLIPPED(cost), CORR(days, cost), VARIANCE(days), STDDEV(days), "
        "REGR_SLOPE(cost, days) FILTER (WHERE urgent) AS slope FROM h.stays"
    )
    days, cost = Column("days"), Column("cost")
    assert [o.name for o in query.outputs] == [
        *("min_days", "max_days", "q_0.1", "q_0.9", "h_1", "h_2", "h_3", "wards", "clipped_cost"),
        *("corr_days", "var_samp_days", "stddev_samp_days", "slope"),
    ]  # fmt: skip

    def kept(x: Expression) -> Expression:
        return Call("case", (Column("urgent"), x, Literal(None)))

    assert query.measures == (
        Measure(Aggregate.QUANTILE, (days,), Fraction(1, 200), extreme=True),
        Measure(Aggregate.QUANTILE, (days,), Fraction(199, 200), extreme=True),
        Measure(Aggregate.QUANTILE, (cost,), Fraction(1, 10)),
        Measure(Aggregate.QUANTILE, (cost,), Fraction(9, 10)),
        *(Measure(Aggregate.HISTOGRAM, (days,), bucket=i, buckets=3) for i in range(3)),
        Measure(Aggregate.DISTINCT, (Column("ward"),)),
        Measure(Aggregate.CLIPPED, (cost,)),
        Measure(Aggregate.CORR, (days, cost)),
        Measure(Aggregate.VAR_SAMP, (days,)),
        Measure(Aggregate.STDDEV_SAMP, (days,)),
        Measure(Aggregate.REGR_SLOPE, (kept(cost), kept(days))),
    )


def test_grouping_is_shown_filtered_and_ordered() -> None:
    query = read(
        "SELECT ward AS w, GROUPING(ward) AS g, COUNT(*) AS c FROM h.stays GROUP BY ROLLUP (urgent, w) "
        "HAVING GROUPING(urgent) = 0 ORDER BY GROUPING(w) DESC, g"
    )
    assert query.keys == (Column("urgent"), Column("ward"))
    assert query.sets == ((0, 1), (0,), ())
    assert query.outputs[1].expression == Column("grouping:1")
    assert query.having == Call("equal", (Column("grouping:0"), Literal(0)))
    assert [order.expression for order in query.order] == [Column("grouping:1")] * 2


REFUSED = {
    "SELECT 2 * HISTOGRAM(days, 3) FROM h.stays": "sql.list-inside",
    "SELECT HISTOGRAM(days, 3) + 1 AS h FROM h.stays": "sql.list-inside",
    "SELECT HISTOGRAM(days, 1) FROM h.stays": "sql.bad-argument",
    "SELECT HISTOGRAM(days, 65) FROM h.stays": "sql.bad-argument",
    "SELECT HISTOGRAM(days) FROM h.stays": "sql.arguments",
    "SELECT QUANTILE_CONT(days, 1.5) FROM h.stays": "sql.bad-quantile",
    "SELECT QUANTILE_CONT(days, days) FROM h.stays": "sql.bad-quantile",
    "SELECT QUANTILE_CONT(days, '0.5') FROM h.stays": "sql.bad-quantile",
    "SELECT QUANTILE_CONT(days, []) FROM h.stays": "sql.bad-quantile",
    "SELECT QUANTILE_CONT(days) FROM h.stays": "sql.not-supported",
    "SELECT PERCENTILE_CONT(0.5) WITHIN GROUP (ORDER BY days DESC) FROM h.stays": "sql.not-supported",
    "SELECT MEDIAN(ward) FROM h.stays": "sql.wrong-kind",
    "SELECT CORR(days, ward) FROM h.stays": "sql.wrong-kind",
    "SELECT ABS(days) FILTER (WHERE urgent), COUNT(*) FROM h.stays": "sql.misplaced",
    "SELECT GROUPING(ward), COUNT(*) FROM h.stays": "sql.bad-grouping",
    "SELECT GROUPING(days), COUNT(*) FROM h.stays GROUP BY ROLLUP (ward)": "sql.bad-grouping",
    "SELECT SUM(GROUPING(ward)) FROM h.stays GROUP BY ROLLUP (ward)": "sql.misplaced",
    "SELECT GROUPING(ward) AS g, COUNT(*) FROM h.stays GROUP BY ROLLUP (ward), g": "sql.aggregate-not-here",
    "SELECT COUNT(*) FROM (SELECT person, MEDIAN(days) AS m FROM h.stays GROUP BY person)": "sql.not-per-unit",
    "SELECT COUNT(*) FROM (SELECT person, SUM(ward) AS m FROM h.stays GROUP BY person)": "sql.wrong-kind",
    "SELECT COUNT(*) FROM (SELECT person, days FROM h.stays GROUP BY person)": "sql.not-grouped",
    "SELECT COUNT(*) FROM (SELECT person, GROUPING(ward) AS g FROM h.stays GROUP BY person, ward)": "sql.bad-grouping",
    "SELECT COUNT(ward) FROM h.stays JOIN ref.wards ON h.stays.ward = ref.wards.ward": "sql.not-supported",
    "SELECT COUNT(ward) FROM h.stays JOIN ref.wards ON stays.ward = wards.ward": "sql.ambiguous-column",
    "SELECT COUNT(ward) FROM (SELECT days AS ward, ward FROM h.stays)": "sql.ambiguous-column",
    "SELECT COUNT(a) FROM (SELECT days AS a FROM h.stays) JOIN ref.wards ON beds > a": "sql.join-not-on-column",
    "SELECT COUNT(*) FROM h.stays JOIN ref.wards ON days = region": "sql.wrong-kind",
    "SELECT COUNT(*) FROM h.stays JOIN ref.wards USING (days)": "sql.unknown-column",
    "SELECT COUNT(DISTINCT id) FROM h.stays LEFT JOIN (SELECT id FROM p.people GROUP BY id) ON person = id": "sql.unit-as-data",
    "SELECT COUNT(*) FROM h.stays a LEFT JOIN p.people b ON a.person = b.id JOIN p.people c ON b.id = c.id": "sql.join-not-on-unit",
    "SELECT COUNT(*) FROM (SELECT region, COUNT(*) FROM ref.wards GROUP BY region) JOIN h.stays USING (region)": "sql.public-grouped",
    "SELECT COUNT(*) FROM h.stays s WHERE t.days > 1": "sql.unknown-table",
}  # fmt: skip


@pytest.mark.parametrize(("sql", "code"), REFUSED.items())
def test_refused(sql: str, code: str) -> None:
    assert refused(sql) == code


def test_ambiguous_names_come_with_candidates() -> None:
    with pytest.raises(InvalidInputError) as caught:
        read("SELECT COUNT(ward) FROM h.stays s JOIN p.people r ON s.person = r.id")
    assert caught.value.facts["instead"] == ["s.ward", "r.ward"]


# --- rows, against DuckDB -------------------------------------------------------------------------------

Row = dict[str, Any]
Unit = Any


def data(seed: int) -> dict[str, list[dict[str, Any]]]:
    rng = random.Random(seed)
    wards = ["A", "B", "C", None]
    return {
        "h.stays": [
            {"person": rng.randrange(6), "ward": rng.choice(wards), "days": rng.choice([None, 1, 2, 5]),
             "cost": rng.choice([None, 0.5, 10.0, 99.25]), "seen": rng.choice([None, dt.date(2020, 2, 29)]),
             "urgent": rng.choice([True, False, None])}
            for _ in range(rng.randrange(25))
        ],
        "p.people": [
            {"id": rng.randrange(8), "sex": rng.choice(["f", "m", None]), "age": rng.choice([None, 3, 40]),
             "ward": rng.choice(wards)}
            for _ in range(rng.randrange(12))
        ],
        "ref.wards": [
            {"ward": rng.choice(wards), "region": rng.choice(["n", "s", None]), "beds": rng.choice([1, 5, None])}
            for _ in range(rng.randrange(6))
        ],
    }  # fmt: skip


AGGREGATES: dict[str, Callable[[list[Any]], Any]] = {
    "count": len,
    "distinct": lambda values: len(set(values)),
    "sum": lambda values: float(sum(values)) if values else None,
    "avg": lambda values: sum(values) / len(values) if values else None,
    "min": lambda values: min(values, default=None),
    "max": lambda values: max(values, default=None),
}


class Reference:
    """Frames by their definition; a row is (unit, values by slot)."""

    def __init__(self, query: Query, tables: dict[str, list[dict[str, Any]]]) -> None:
        self.query, self.tables = query, tables

    def value(self, expression: Expression, row: Row) -> Any:
        return evaluate_scalar(expression, row)

    def true(self, condition: Expression | None, row: Row) -> bool:
        return condition is None or self.value(condition, row) is True

    def rows(self, frame: Frame) -> list[tuple[Unit, Row]]:
        return [(unit, row) for unit, row in self.core(frame.core) if self.true(frame.where, row)]

    def core(self, core: Core) -> list[tuple[Unit, Row]]:
        match core:
            case Scan(source, place):
                name = self.query.sources[source]
                unit = TABLES[name][0]
                return [(r[unit], {slot(place, k): v for k, v in r.items()}) for r in self.tables[name]]
            case PerUnit():
                return self.per_unit(core)
            case Join():
                right = self.rows(core.right)
                return self.paired(
                    core, self.rows(core.left), core.right, lambda unit, _: [r for u, r in right if u == unit]
                )
            case Lookup():
                public = self.tables[self.query.tables[core.table]]
                return self.paired(
                    core, self.rows(core.left), None, lambda _, row: self.matches(core, row, public)
                )

    def matches(self, core: Lookup, row: Row, public: list[Row]) -> list[Row]:
        wanted = [(self.value(expression, row), column) for expression, column in core.on]
        return [
            {slot(core.place, k): v for k, v in item.items()}
            for item in public
            if all(value is not None and value == item[column] for value, column in wanted)
        ]  # fmt: skip

    def paired(
        self, core: Join | Lookup, left: list[Any], frame: Frame | None, partners: Any
    ) -> list[tuple[Unit, Row]]:
        found = []
        for unit, row in left:
            pairs = [{**row, **other} for other in partners(unit, row)]
            pairs = [pair for pair in pairs if self.true(core.condition, pair)]
            if core.kind in ("semi", "anti"):
                found += [(unit, row)] if bool(pairs) == (core.kind == "semi") else []
            elif pairs or core.kind == "inner":
                found += [(unit, pair) for pair in pairs]
            else:
                found.append((unit, {**row, **dict.fromkeys(self.slots(core), None)}))
        return found

    def slots(self, core: Join | Lookup) -> list[str]:
        if isinstance(core, Lookup):
            return [slot(core.place, k) for k in TABLES[self.query.tables[core.table]][1]]
        found: list[str] = []
        stack: list[Frame] = [core.right]
        while stack:
            match stack.pop().core:
                case Scan(source, place):
                    found += [slot(place, k) for k in TABLES[self.query.sources[source]][1]]
                case PerUnit(keys=keys, values=values):
                    found += [*(name for name, _ in keys), *(value.slot for value in values)]
                case Join(left=left, right=right):
                    stack += [left, right]
                case Lookup(left=left) as lookup:
                    stack.append(left)
                    found += [slot(lookup.place, k) for k in TABLES[self.query.tables[lookup.table]][1]]
        return found

    def per_unit(self, core: PerUnit) -> list[tuple[Unit, Row]]:
        groups: dict[Any, list[Row]] = {}
        for unit, row in self.rows(core.of):
            keys = tuple(self.value(expression, row) for _, expression in core.keys)
            groups.setdefault((unit, keys), []).append(row)
        made = []
        for (unit, keys), rows in groups.items():
            row = {name: key for (name, _), key in zip(core.keys, keys, strict=True)}
            for item in core.values:
                values = [1 if item.argument is None else self.value(item.argument, r) for r in rows]
                values = [v for v in values if v is not None]
                row[item.slot] = AGGREGATES[item.kind](values)
            made.append((unit, row))
        return made


TOTALS = "SELECT person, COUNT(*) AS n, SUM(days) AS total, MAX(cost) AS most, COUNT(DISTINCT ward) AS wards, AVG(days) FILTER (WHERE urgent) AS mean FROM h.stays {} GROUP BY person {}"
FROMS: dict[str, list[str]] = {
    "h.stays s WHERE days > 1 OR urgent": ["ward", "days", "cost + days"],
    "(SELECT ward AS w, days * 2 AS d2, urgent FROM h.stays WHERE days > 1) s WHERE urgent IS NOT TRUE": ["w", "d2"],
    f"({TOTALS.format('', '')}) t": ["n", "total", "most", "wards", "mean"],
    f"({TOTALS.format('WHERE urgent', 'HAVING COUNT(*) > 1 OR SUM(days) IS NULL')}) t WHERE wards < 3": ["n", "total / n"],
    "(SELECT person, ward, MIN(days) AS m, COUNT(days) - 1 AS c FROM h.stays GROUP BY person, ward) t": ["ward", "m", "c"],
    "(SELECT person, MAX(c) AS c, COUNT(*) AS k FROM (SELECT person, ward, COUNT(*) AS c FROM h.stays GROUP BY ALL) GROUP BY person) t": ["c", "k"],
    "h.stays s JOIN p.people r ON s.person = r.id": ["s.ward", "r.ward", "age - days"],
    "h.stays s JOIN p.people r ON r.id = s.person AND (age > days OR sex = 'f') WHERE cost > 1": ["sex", "days"],
    "h.stays s LEFT JOIN p.people r ON s.person = r.id AND r.age > s.days WHERE r.sex IS NULL OR days > 1": ["s.ward", "r.ward", "age"],
    "h.stays s LEFT JOIN (SELECT id, age + 1 AS older FROM p.people WHERE sex = 'f') r ON s.person = r.id": ["older", "COALESCE(older, -1)"],
    "h.stays s SEMI JOIN p.people r ON s.person = r.id AND r.ward = s.ward": ["ward", "days"],
    "h.stays s ANTI JOIN (SELECT id FROM p.people WHERE age > 5) r ON s.person = r.id": ["ward", "days"],
    "h.stays JOIN (SELECT id AS person, sex, ward FROM p.people) r USING (person, ward)": ["ward", "sex", "days"],
    "h.stays a JOIN h.stays b ON a.person = b.person AND a.days < b.days": ["a.ward", "b.ward"],
    "h.stays s JOIN ref.wards w ON s.ward = w.ward": ["region", "beds + days"],
    "ref.wards w JOIN h.stays s ON s.ward = w.ward AND beds > days": ["region", "days"],
    "h.stays s LEFT JOIN (SELECT ward AS code, LOWER(region) AS reg FROM ref.wards WHERE beds > 1) w ON w.code = s.ward": ["reg", "code", "s.ward"],
    "h.stays s SEMI JOIN ref.wards w USING (ward)": ["ward"],
    "h.stays s ANTI JOIN ref.wards w ON COALESCE(s.ward, 'A') = w.ward AND beds > days": ["ward", "days"],
    f"({TOTALS.format('', '')}) t LEFT JOIN (SELECT id, COUNT(*) AS entries, MAX(sex) AS sex FROM p.people GROUP BY id) r ON t.person = r.id": ["n", "entries", "sex"],
    "(SELECT s.person, r.sex, w.region, days FROM h.stays s JOIN p.people r ON s.person = r.id LEFT JOIN ref.wards w ON w.ward = r.ward) j WHERE sex = 'f' OR region IS NULL": ["sex", "region", "days"],
    "(SELECT s.person, COUNT(*) AS pairs, COUNT(age) AS ages FROM h.stays s LEFT JOIN p.people r ON s.person = r.id GROUP BY s.person) t": ["pairs", "ages"],
    "(SELECT person, MAX(beds) AS beds FROM h.stays s JOIN ref.wards w ON s.ward = w.ward GROUP BY person) t LEFT JOIN ref.wards w ON w.beds = t.beds": ["t.beds", "region"],
    "h.stays s LEFT JOIN (SELECT a.id, b.sex FROM p.people a LEFT JOIN p.people b ON a.id = b.id AND b.age > a.age) r ON s.person = r.id": ["sex", "days"],
    "(WITH x AS (SELECT * FROM h.stays WHERE urgent) SELECT a.person, a.days AS d1, b.days AS d2 FROM x a JOIN x b ON a.person = b.person) t": ["d1", "d2"],
}  # fmt: skip


def plain(value: Any) -> Any:
    return None if value is None else str(value) if isinstance(value, bool | str) else round(float(value), 9)


@pytest.mark.parametrize("origin", FROMS)
@pytest.mark.parametrize("seed", range(6))
def test_rows_are_duckdbs(origin: str, seed: int) -> None:
    tables, values = data(seed), FROMS[origin]
    text = origin.replace("GROUP BY ALL", "GROUP BY person, ward")
    query = read(f"SELECT {', '.join(f'COUNT({item}) AS v{i}' for i, item in enumerate(values))} FROM {text}")
    reference = Reference(query, tables)
    arguments = [measure.arguments[0] for measure in query.measures]
    found = [[reference.value(item, row) for item in arguments] for _, row in reference.rows(query.frame)]
    with duckdb.connect() as connection:
        for name, (_, kinds) in TABLES.items():
            sql_kinds = {Kind.INTEGER: "BIGINT", Kind.STRING: "VARCHAR", Kind.FLOAT: "DOUBLE", Kind.DATE: "DATE", Kind.BOOLEAN: "BOOLEAN"}  # fmt: skip
            connection.execute(f"CREATE SCHEMA {name.split('.')[0]}")
            columns = ", ".join(f"{column} {sql_kinds[kind]}" for column, kind in kinds.items())
            connection.execute(f"CREATE TABLE {name} ({columns})")
            for row in tables[name]:
                connection.execute(
                    f"INSERT INTO {name} VALUES ({', '.join('?' * len(kinds))})", list(row.values())
                )
        expected = connection.execute(f"SELECT {', '.join(values)} FROM {text}").fetchall()
    assert Counter(tuple(map(plain, row)) for row in found) == Counter(
        tuple(map(plain, row)) for row in expected
    )


# --- grouping sets, against DuckDB ----------------------------------------------------------------------

NAMES = ["ward", "days", "urgent"]
plain_entry = st.sampled_from(NAMES) | st.lists(st.sampled_from(NAMES), min_size=2, max_size=3).map(
    lambda names: f"({', '.join(names)})"
)
several = st.tuples(st.sampled_from(["ROLLUP", "CUBE"]), st.lists(plain_entry, min_size=1, max_size=3)).map(
    lambda pair: f"{pair[0]} ({', '.join(pair[1])})"
)
listed = st.lists(plain_entry | several | st.just("()"), min_size=1, max_size=3).map(
    lambda parts: f"GROUPING SETS ({', '.join(parts)})"
)
MOST_SETS = 1000
"""What DuckDB, which groups by each set as often as it is named, answers in moments."""


@pytest.fixture(scope="module")
def one_row() -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect() as connection:
        connection.execute("CREATE TABLE t AS SELECT 'A' AS ward, 1 AS days, TRUE AS urgent")
        yield connection


@settings(max_examples=150, deadline=None)
@given(st.lists(st.sampled_from(NAMES) | several | listed, min_size=1, max_size=3))
def test_grouping_sets_are_duckdbs(one_row: duckdb.DuckDBPyConnection, entries: list[str]) -> None:
    query = read(f"SELECT COUNT(*) FROM h.stays GROUP BY {', '.join(entries)}")
    keys = [key.name for key in query.keys if isinstance(key, Column)]
    assume(prod(map(_named_sets, entries)) <= MOST_SETS)
    shown = ", ".join(f"GROUPING({key})" for key in keys) or "1"
    answer = one_row.execute(f"SELECT {shown} FROM t GROUP BY {', '.join(entries)}").fetchall()
    expected = {tuple(i for i, total in enumerate(row) if total == 0) for row in answer}
    assert set(query.sets) == (expected if keys else {()})
    assert len(set(query.sets)) == len(query.sets)


def _named_sets(entry: str) -> int:
    """How many sets an entry names, each as often as it does."""
    tree = sqlglot.parse_one(f"SELECT 1 GROUP BY {entry}", dialect="duckdb").args["group"].expressions[0]
    parts = tree.expressions if isinstance(tree, exp.GroupingSets) else [tree]
    sizes = {exp.Cube: lambda n: 2**n, exp.Rollup: lambda n: n + 1}
    return sum(sizes.get(type(part), lambda _: 1)(len(part.expressions)) for part in parts)


# --- spellings, against DuckDB --------------------------------------------------------------------------

SPELLED = """
days % 3; MOD(days, 2); days + 1 - days * 2; ABS(-days); SIGN(cost - 10); SQRT(cost); POW(days, 2); days ** 2; days ^ 2
LN(cost); LOG(cost); LOG10(cost); LOG2(cost); LOG(2, cost); EXP(days); TRUNC(cost); ROUND(cost, 1); CEILING(cost)
GREATEST(days, cost); LEAST(days, 2, cost); COALESCE(days, -1); IFNULL(days, -1); NULLIF(days, 2); PI() * days
SIN(days); COS(days); TAN(days); ATAN(days); ATAN2(days, cost); RADIANS(days); DEGREES(days); @(0 - days)
IF(urgent, days, 0); IIF(urgent, days, 0); CASE ward WHEN 'A' THEN 1 WHEN 'B' THEN 2 END
urgent IS TRUE; urgent IS NOT FALSE; urgent IS NULL; ward IS DISTINCT FROM 'A'; days IS NOT DISTINCT FROM NULL
days BETWEEN 2 AND 5; days NOT IN (1, NULL); ward LIKE 'a%'; ward ILIKE 'A%'; ward NOT ILIKE '_'; NOT urgent
TRIM(ward || '  '); LTRIM('xx' || ward, 'x'); RTRIM(ward, 'A'); TRIM(LEADING 'A' FROM ward); REPLACE(ward, 'A', 'xyz')
CONCAT(ward, '-', ward); ward || '-' || ward; STARTS_WITH(ward, 'A'); ward ^@ 'B'; ENDS_WITH(ward, 'B'); SUFFIX(ward, 'C')
PREFIX(ward, 'A'); CONTAINS(ward, 'A'); LEFT(ward, 1); RIGHT(ward || 'xyz', 2); SPLIT_PART(ward || '-b', '-', 2)
POSITION('A' IN ward); STRPOS(ward, 'B'); INSTR('x' || ward, 'A'); LPAD(ward, 3, '*'); RPAD(ward, 3, 'ab'); REVERSE(ward || '1')
UPPER(ward); LCASE(ward); LEN(ward); SUBSTRING(ward || 'bcd' FROM 2 FOR 2); SUBSTR(ward || 'bcd', 2)
YEAR(seen); QUARTER(seen); MONTH(seen); WEEK(seen); WEEKOFYEAR(seen); DAY(seen); DAYOFMONTH(seen); DAYOFWEEK(seen)
ISODOW(seen); DAYOFYEAR(seen); EXTRACT(dow FROM seen); EXTRACT('year' FROM seen); DATE_PART('doy', seen)
DATE_TRUNC('month', seen); DATE_DIFF('week', seen, DATE '2021-03-01'); DATEDIFF('month', '2019-01-31', seen)
seen + INTERVAL 1 YEAR; seen - INTERVAL '2' MONTH; INTERVAL 3 DAYS + seen; DATE_ADD(seen, INTERVAL 1 WEEK); seen + INTERVAL (-1) QUARTER
LAST_DAY(seen); MAKE_DATE(2020, 2, days); seen > '2020-01-01'; seen IN ('2020-02-29'); WIDTH_BUCKET(cost, 0, 100, 4)
"""
NOT_DUCKDBS = {
    # ours: what DuckDB calls it
    "IIF(urgent, days, 0)": "IF(urgent, days, 0)",
    "TRIM(LEADING 'A' FROM ward)": "LTRIM(ward, 'A')",
    "WIDTH_BUCKET(cost, 0, 100, 4)": "CAST(FLOOR(cost / 25) + 1 AS BIGINT)",
}


@pytest.fixture(scope="module")
def stays() -> tuple[list[Row], duckdb.DuckDBPyConnection]:
    rows = [row for seed in range(4) for row in data(seed)["h.stays"]]
    connection = duckdb.connect()
    connection.execute(
        "CREATE TABLE s (person BIGINT, ward VARCHAR, days BIGINT, cost DOUBLE, seen DATE, urgent BOOLEAN)"
    )
    connection.executemany("INSERT INTO s VALUES (?, ?, ?, ?, ?, ?)", [list(row.values()) for row in rows])
    return rows, connection


@pytest.mark.parametrize(
    "text", [item.strip() for item in SPELLED.replace("\n", ";").split(";") if item.strip()]
)
def test_spellings_mean_what_duckdb_means(
    text: str, stays: tuple[list[Row], duckdb.DuckDBPyConnection]
) -> None:
    rows, connection = stays
    expression = read(f"SELECT COUNT({text}) FROM h.stays").measures[0].arguments[0]
    names = list(rows[0])
    found = evaluate_columns(expression, {name: [row[name] for row in rows] for name in names})
    answer = connection.execute(f"SELECT {NOT_DUCKDBS.get(text, text)} FROM s").fetchall()
    assert list(map(moment, found)) == [moment(row[0]) for row in answer]


def moment(value: Any) -> Any:
    """DuckDB makes a timestamp of a date and an interval; here a date stays a date."""
    if isinstance(value, dt.datetime):
        return value.date()
    return float(f"{value:.11g}") if isinstance(value, float) else value
