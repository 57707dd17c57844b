"""Hostile and impossible statements: each refused before anything else, quickly, with a place and a way out.

No workspace stands behind these tests: a statement that is refused here never reaches a policy, a charge or a
row.
"""

# ruff: noqa: E501 - a statement stands on one line, whole
from __future__ import annotations

import time

import pytest

from jobs.expressions import OPERATIONS, Call, Column, walk
from jobs.relations import expressions
from jobs.sql.names import Described
from jobs.sql.parse import parse
from sandbox.errors import InvalidInputError
from sandbox.schema import DatasetName, Field, Kind
from service.messages import catalogue

STAYS = {
    "id": Kind.INTEGER,
    "n": Kind.INTEGER,
    "x": Kind.FLOAT,
    "age": Kind.STRING,
    "d": Kind.DATE,
    "b": Kind.BOOLEAN,
}
SCHEMA = {
    "h.d": Described({name: Field(name, kind) for name, kind in STAYS.items()}, "id", "h.person"),
    "h.e": Described({name: Field(name, kind) for name, kind in STAYS.items()}, "id", "h.person"),
    "o.f": Described({"id": Field("id", Kind.INTEGER)}, "id", "o.firm"),
    "h.rows": Described({"n": Field("n", Kind.INTEGER)}, "row", "h.person"),
    "ref.age": Described(
        {"age": Field("age", Kind.STRING), "k": Field("k", Kind.INTEGER)}, None, "", public=True
    ),
}


def schema(name: DatasetName) -> Described:
    return SCHEMA[name]


def counted(condition: str) -> str:
    return f"SELECT COUNT(*) FROM h.d WHERE {condition}"


def shown(expression: str) -> str:
    return f"SELECT {expression} FROM h.d"


def bomb(levels: int) -> str:
    """Each CTE uses the one before it twice: 2^levels tables."""
    parts = ["c0 AS (SELECT id, n FROM h.d)"]
    parts += [
        f"c{i} AS (SELECT a.id, b.n FROM c{i - 1} a JOIN c{i - 1} b ON a.id = b.id)" for i in range(1, levels)
    ]
    return f"WITH {', '.join(parts)} SELECT COUNT(*) FROM c{levels - 1}"


def swelling(levels: int) -> str:
    """Each subquery writes the column of the one inside ten times: 10^levels parts of one expression."""
    inner = "SELECT n FROM h.d"
    for _ in range(levels):
        inner = f"SELECT {' + '.join(['n'] * 10)} AS n FROM ({inner})"
    return f"SELECT SUM(n) FROM ({inner})"


def nested(levels: int) -> str:
    inner = "SELECT * FROM h.d"
    for _ in range(levels):
        inner = f"SELECT * FROM ({inner})"
    return f"SELECT COUNT(*) FROM ({inner})"


ROWS_OF_OTHERS = {
    "a window": shown("SUM(n) OVER (ORDER BY x)"),
    "a running total": shown("COUNT(*) OVER (ROWS UNBOUNDED PRECEDING)"),
    "a rank": "SELECT COUNT(*) FROM (SELECT ROW_NUMBER() OVER (ORDER BY n) AS r FROM h.d) WHERE r = 1",
    "lag": shown("SUM(LAG(n) OVER (ORDER BY x))"),
    "a named window": "SELECT COUNT(*) FROM h.d WINDOW w AS (PARTITION BY n)",
    "qualify": "SELECT COUNT(*) FROM h.d QUALIFY ROW_NUMBER() OVER (ORDER BY n) = 1",
    "a correlated subquery": counted("n > (SELECT AVG(n) FROM h.d e WHERE e.id = h.d.id)"),
    "a scalar subquery": counted("n > (SELECT MAX(n) FROM h.d)"),
    "a selected subquery": shown("COUNT(*), (SELECT MAX(n) FROM h.d)"),
    "in a subquery": counted("id IN (SELECT id FROM h.e)"),
    "not in a subquery": counted("id NOT IN (SELECT id FROM h.e)"),
    "any": counted("n = ANY (SELECT n FROM h.e)"),
    "all": counted("n >= ALL (SELECT n FROM h.e)"),
    "exists": counted("EXISTS (SELECT 1 FROM h.e WHERE h.e.id = h.d.id)"),
    "a subquery as an array": counted("n IN ARRAY(SELECT n FROM h.e)"),
    "a limit inside": "SELECT AVG(n) FROM (SELECT n FROM h.d ORDER BY n DESC LIMIT 1)",
    "an order inside": "SELECT AVG(n) FROM (SELECT n FROM h.d ORDER BY n)",
    "distinct inside": "SELECT COUNT(*) FROM (SELECT DISTINCT age FROM h.d)",
    "a total inside": "SELECT AVG(s) FROM (SELECT SUM(n) AS s FROM h.d)",
    "groups inside": "SELECT MAX(s) FROM (SELECT age, SUM(n) AS s FROM h.d GROUP BY age)",
    "a rollup inside": "SELECT AVG(s) FROM (SELECT id, SUM(n) AS s FROM h.d GROUP BY ROLLUP (id))",
    "a having inside": "SELECT COUNT(*) FROM (SELECT n FROM h.d HAVING SUM(n) > 3)",
    "a cte of groups": "WITH g AS (SELECT age, COUNT(*) AS c FROM h.d GROUP BY age) SELECT AVG(c) FROM g",
    "union": "SELECT COUNT(*) FROM h.d UNION ALL SELECT COUNT(*) FROM h.e",
    "union inside": "SELECT COUNT(*) FROM (SELECT id FROM h.d UNION SELECT id FROM h.e)",
    "intersect": "SELECT COUNT(*) FROM h.d INTERSECT SELECT COUNT(*) FROM h.e",
    "except": "SELECT COUNT(*) FROM h.d EXCEPT SELECT COUNT(*) FROM h.e",
    "a cross join": "SELECT COUNT(*) FROM h.d CROSS JOIN h.e",
    "a comma": "SELECT COUNT(*) FROM h.d a, h.e b WHERE a.id = b.id",
    "a natural join": "SELECT COUNT(*) FROM h.d NATURAL JOIN h.e",
    "an asof join": "SELECT COUNT(*) FROM h.d a ASOF JOIN h.e b ON a.id = b.id AND a.d >= b.d",
    "a positional join": "SELECT COUNT(*) FROM h.d POSITIONAL JOIN h.e",
    "a full join": "SELECT COUNT(*) FROM h.d a FULL JOIN h.e b ON a.id = b.id",
    "a right join": "SELECT COUNT(*) FROM h.d a RIGHT JOIN h.e b ON a.id = b.id",
    "a lateral join": "SELECT COUNT(*) FROM h.d a JOIN LATERAL (SELECT 1) b ON TRUE",
    "a join by value": "SELECT COUNT(*) FROM h.d a JOIN h.e b ON a.n = b.n",
    "a join by unit or value": "SELECT COUNT(*) FROM h.d a JOIN h.e b ON a.id = b.id OR a.n = b.n",
    "a join by not unit": "SELECT COUNT(*) FROM h.d a JOIN h.e b ON NOT a.id = b.id",
    "a join by a shifted unit": "SELECT COUNT(*) FROM h.d a JOIN h.e b ON a.id = b.id + 1",
    "a join by one side": "SELECT COUNT(*) FROM h.d a JOIN h.e b ON a.id = a.id",
    "a join of other units": "SELECT COUNT(*) FROM h.d a JOIN o.f b ON a.id = b.id",
    "a join of rows": "SELECT COUNT(*) FROM h.rows a JOIN h.e b ON a.n = b.id",
    "who is missing": "SELECT COUNT(*) FROM ref.age p LEFT JOIN h.d ON p.age = h.d.age",
    "who is missing, anti": "SELECT COUNT(*) FROM ref.age p ANTI JOIN h.d USING (age)",
    "nothing private": "SELECT COUNT(*) FROM ref.age",
    "public with public": "SELECT COUNT(*) FROM ref.age a JOIN ref.age b ON a.k = b.k JOIN h.d ON h.d.age = a.age",
    "a match that is not null": (
        "SELECT COUNT(f) FROM h.d a LEFT JOIN (SELECT id, TRUE AS f FROM h.e) b ON a.id = b.id"
    ),
}  # fmt: skip
PERSONS = {
    "rows": "SELECT * FROM h.d",
    "a row": shown("age"),
    "a row behind": "SELECT n FROM (SELECT n FROM h.d)",
    "the unit": "SELECT id, COUNT(*) FROM h.d GROUP BY id",
    "the unit by place": "SELECT id AS u, COUNT(*) FROM h.d GROUP BY 1",
    "the unit by alias": "SELECT id AS u, COUNT(*) FROM h.d GROUP BY u",
    "the unit as data": "SELECT MAX(id) FROM (SELECT id, COUNT(*) AS c FROM h.d GROUP BY id)",
    "the unit compared": "SELECT AVG(c) FROM (SELECT id, COUNT(*) AS c FROM h.d GROUP BY id) WHERE id = 7",
    "the unit calculated": "SELECT AVG(c) FROM (SELECT id + 1 AS c FROM h.d GROUP BY id)",
    "the unit grouped by later": "SELECT id, AVG(c) FROM (SELECT id, COUNT(*) AS c FROM h.d GROUP BY id) GROUP BY id",
    "any value": shown("ANY_VALUE(age)"),
    "first": shown("FIRST(age)"),
    "a list": shown("LIST(n)"),
    "joined text": shown("STRING_AGG(age, ',')"),
    "mode": shown("MODE(age)"),
    "arg_max": shown("ARG_MAX(age, n)"),
    "an engine column": shown("SUM(__ordinal)"),
    "columns by pattern": shown("COUNT(COLUMNS('.*'))"),
    "the engine's released names": shown('SUM("measure:0")'),
    "the engine's groupings": shown('SUM("grouping:0")'),
}  # fmt: skip
ORACLES = {
    "error()": counted("error('x') IS NULL"),
    "an odd cast": counted("CAST(age AS TINYINT) = 1"),
    "a cast to a list": counted("CAST(age AS INTEGER[]) IS NULL"),
    "a cast to a struct": counted("CAST(age AS STRUCT(a INT)) IS NULL"),
    "a cast to json": counted("CAST(age AS JSON) IS NULL"),
    "a cast to uuid": counted("age::UUID IS NULL"),
    "a cast to an enum": counted("age::ENUM('a') IS NULL"),
    "strptime": counted("strptime(age, '%Y') > d"),
    "a regular expression": counted("regexp_matches(age, '(a+)+$')"),
    "a regular operator": counted("age ~ '(a+)+$'"),
    "regexp_replace": counted("regexp_replace(age, 'a', 'b') = 'b'"),
    "similar to": counted("age SIMILAR TO '(a+)+'"),
    "glob": counted("age GLOB '*'"),
    "random": counted("random() < 0.5"),
    "uuid": counted("uuid() IS NULL"),
    "now": counted("now() > d"),
    "today": counted("current_date > d"),
    "who am I": counted("current_user = 'a'"),
    "an environment variable": counted("getenv('HOME') = 'a'"),
    "a setting": counted("current_setting('home') = 'a'"),
    "a hash": counted("hash(age) = 1"),
    "a file's text": counted("(SELECT content FROM read_text('/etc/passwd')) = 'a'"),
    "sleep": counted("sleep_ms(100000) IS NULL"),
    "a repeated text": counted("length(repeat(age, 1000000000)) > 1"),
    "a padded text": counted("length(lpad(age, 1000000000, 'a')) > 1"),
    "a factorial": counted("factorial(n) > 1"),
    "a list literal": counted("[n] = [1]"),
    "a struct literal": counted("{'a': n} IS NULL"),
    "a map literal": counted("MAP {'a': n} IS NULL"),
    "a lambda": counted("list_transform([n], lambda a: a) IS NULL"),
    "an old lambda": counted("list_filter([n], a -> a > 1) IS NULL"),
    "a comprehension": counted("[a FOR a IN [n]] IS NULL"),
    "a subscript": counted("age[1] = 'a'"),
    "a row value": counted("(n, x) = (1, 2)"),
    "a json path": counted("age -> '$.a' IS NULL"),
    "a collation": counted("age COLLATE NOCASE = 'a'"),
    "a time zone": counted("d AT TIME ZONE 'UTC' > d"),
    "a parameter": counted("n = ?"),
    "a named parameter": counted("n = $a"),
    "a function of a schema": counted("main.abs(n) = 1"),
    "an unbounded interval": counted("d + INTERVAL 99999999999 YEAR > d"),
    "a column as an interval": counted("d + INTERVAL (n) DAY > d"),
    "a column as a pattern": counted("age LIKE age"),
    "a pattern without end": counted("age LIKE '" + "%a" * 900 + "'"),
    "a huge number": counted("n = " + "9" * 4_000),
    "infinity": counted("x = 1e999"),
}
STATEMENTS = {
    "read_csv": "SELECT COUNT(*) FROM read_csv('/etc/passwd')",
    "read_text": "SELECT COUNT(*) FROM read_text('/etc/passwd')",
    "read_parquet": "SELECT COUNT(*) FROM read_parquet('/data/x')",
    "glob": "SELECT COUNT(*) FROM glob('*')",
    "a file as a table": "SELECT COUNT(*) FROM '/etc/passwd'",
    "a path as a table": 'SELECT COUNT(*) FROM "../x.y"',
    "range": "SELECT COUNT(*) FROM range(1000000000)",
    "unnest": "SELECT COUNT(*) FROM unnest([1])",
    "values": "SELECT COUNT(*) FROM (VALUES (1)) t",
    "tables": "SELECT COUNT(*) FROM duckdb_tables()",
    "a sample": "SELECT COUNT(*) FROM h.d TABLESAMPLE 1 ROWS",
    "a sample of a statement": "SELECT COUNT(*) FROM h.d USING SAMPLE 1",
    "a sample inside": "SELECT COUNT(*) FROM (SELECT * FROM h.d USING SAMPLE 1)",
    "a sampled subquery": "SELECT COUNT(*) FROM (SELECT * FROM h.d) TABLESAMPLE 1 ROWS",
    "a pivot": "SELECT COUNT(*) FROM h.d PIVOT (SUM(n) FOR age IN ('a'))",
    "a pivot statement": "PIVOT h.d ON age USING SUM(n)",
    "time travel": "SELECT COUNT(*) FROM h.d AT (VERSION => 1)",
    "attach": "ATTACH 'x' AS y",
    "pragma": "PRAGMA database_list",
    "copy": "COPY h.d TO '/tmp/x'",
    "export": "EXPORT DATABASE '/tmp/x'",
    "set": "SET enable_external_access = true",
    "install": "INSTALL httpfs",
    "load": "LOAD httpfs",
    "call": "CALL duckdb_settings()",
    "explain": "EXPLAIN ANALYZE SELECT COUNT(*) FROM h.d",
    "describe": "DESCRIBE h.d",
    "summarize": "SUMMARIZE h.d",
    "create": "CREATE TABLE t AS SELECT * FROM h.d",
    "delete": "DELETE FROM h.d",
    "insert in a cte": "WITH a AS (INSERT INTO h.d VALUES (1)) SELECT COUNT(*) FROM a",
    "into": "SELECT COUNT(*) INTO t FROM h.d",
    "a second statement": "SELECT COUNT(*) FROM h.d; DROP TABLE x",
    "only a comment": "-- SELECT COUNT(*) FROM h.d",
    "an open comment": "SELECT COUNT(*) FROM h.d /* and",
    "an open quote": "SELECT COUNT(*) FROM h.d WHERE age = 'a",
    "a hidden character": "SELECT COUNT(*) FROM h.d\0",
    "a zero-width name": "SELECT COUNT(\u200bn) FROM h.d",
    "a cyrillic name": "SELECT COUNT(\u0445) FROM h.d",
    "a full-width sign": "SELECT COUNT(*) FROM h.d WHERE n \uff1d 1",
    "a turned name": 'SELECT COUNT(*) AS "a\u202eb" FROM h.d',
    "an escape sequence": 'SELECT COUNT(*) AS "\x1b[2J" FROM h.d',
    "a recursive cte": "WITH RECURSIVE a AS (SELECT 1 UNION ALL SELECT * FROM a) SELECT COUNT(*) FROM a",
    "a cte of itself": "WITH a AS (SELECT * FROM a) SELECT COUNT(*) FROM a",
    "two ctes of one another": "WITH a AS (SELECT * FROM b), b AS (SELECT * FROM a) SELECT COUNT(*) FROM a",
    "two ctes of one name": "WITH a AS (SELECT * FROM h.d), A AS (SELECT * FROM h.e) SELECT COUNT(*) FROM a",
    "a bomb of ctes": bomb(40),
    "a small bomb of ctes": bomb(5),
    "5,000 ctes": "WITH " + ", ".join(f"c{i} AS (SELECT 1)" for i in range(5_000)) + " SELECT 1 FROM c1",
    "a swelling column": swelling(7),
    "a deep subquery": nested(12),
    "10,000 brackets": "SELECT " + "(" * 10_000 + "1" + ")" * 10_000 + " FROM h.d",
    "10,000 subqueries": "SELECT COUNT(*) FROM " + "(SELECT * FROM " * 10_000 + "h.d" + ")" * 10_000,
    "4,000 nots": counted("NOT " * 4_000 + "b"),
    "10 MB": "SELECT COUNT(*) FROM h.d WHERE age = '" + "a" * 10_000_000 + "'",
    "10 MB of spaces": "SELECT COUNT(*) FROM h.d" + " " * 10_000_000,
    "1,200 branches": counted("CASE WHEN b THEN " * 1_000 + "b"),
    "wide sets": "SELECT COUNT(*) FROM h.d GROUP BY CUBE (id, n, x, age, d, b)",
    "a product of sets": "SELECT COUNT(*) FROM h.d GROUP BY " + ", ".join(["ROLLUP (n, x, age, d, b)"] * 60)
    + ", CUBE (n + 1, n + 2, n + 3)",
    "sets in sets": "SELECT COUNT(*) FROM h.d GROUP BY " + "GROUPING SETS (" * 15 + "n" + ")" * 15 + "(",
    "17 statements": ";".join(["SELECT COUNT(*) FROM h.d"] * 17),
    "nine tables": "SELECT COUNT(*) FROM h.d a0 "
    + " ".join(f"JOIN h.d a{i} ON a0.id = a{i}.id" for i in range(1, 9)),
}  # fmt: skip
ALL = ROWS_OF_OTHERS | PERSONS | ORACLES | STATEMENTS


@pytest.mark.parametrize("sql", ALL.values(), ids=ALL.keys())
def test_refused(sql: str) -> None:
    started = time.process_time()
    with pytest.raises(InvalidInputError) as caught:
        parse(sql, schema)
    assert time.process_time() - started < 1
    error = caught.value
    lines = sql.split("\n")
    assert 1 <= error.facts["line"] <= len(lines)
    assert 1 <= error.facts["column"] <= len(lines[error.facts["line"] - 1]) + 1
    for language in ("en", "zh"):
        text = catalogue.messages(language, "sql")[error.code].format(**error.facts)
        place, _, rest = text.partition("：" if language == "zh" else ": ")
        assert place
        # What is wrong, and what to do: two sentences.
        assert sum(rest.count(sign) for sign in ("。", "：", ". ", ": ", "? ")) >= 1, text


def test_there_are_enough() -> None:
    assert len(ALL) >= 60


TOTAL = [
    "1 / (n - 7) > 0",
    "n / 0 IS NULL",
    "CAST(age AS BIGINT) = 1",
    "CAST(age AS DATE) = d",
    "CAST(x AS BIGINT) = 1",
    "LN(-n) > 0",
    "SQRT(-1 - n) IS NULL",
    "n % 0 = 1",
    "EXP(n) > 0",
    "d + INTERVAL 900000 YEAR > d",
    "MAKE_DATE(n, 13, 40) IS NULL",
    "SUBSTRING(age, 5, 0) = ''",
]


@pytest.mark.parametrize("condition", TOTAL)
def test_what_other_engines_raise_is_total_here(condition: str) -> None:
    (query,) = parse(counted(condition), schema)
    for expression in expressions(query.frame):
        for item in walk(expression):
            assert not isinstance(item, Call) or item.operation in OPERATIONS
            assert not isinstance(item, Column) or item.name in STAYS
