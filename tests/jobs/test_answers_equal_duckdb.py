"""Numbers: at a very high ε, whole queries equal DuckDB on the same bounded, clamped rows.

A query is generated twice from one draw: as an analyst writes it, and as plain SQL over the rows that the
bound keeps, with the clamps written out.  Ours goes the whole way: parse, decide, plan, encrypted shards,
serial workers, merge, noise (of which nothing is left at this ε), table.
"""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Iterator
from dataclasses import dataclass

import duckdb
import owners
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from stage import Stage, build
from stored import stays
from surface import Surface
from surface_lab import answers

from sandbox.schema import ORDINAL
from sandbox.workers.serial import SerialExecutor

R = 3


def shown(value: object) -> object:
    """A day as our JSON shows it; DuckDB's date_trunc answers with midnights."""
    day = value.date() if isinstance(value, dt.datetime) else value
    return day.isoformat() if isinstance(day, dt.date) else day


@dataclass
class Lab:
    """A registered table, the same bounded rows in DuckDB, and an executor."""

    stage: Stage
    oracle: duckdb.DuckDBPyConnection
    executor: SerialExecutor

    def ours(self, sql: str) -> list[tuple[object, ...]]:
        lab = Surface(self.stage.keeper, self.stage.wang, self.executor, self.oracle)
        return [
            tuple(value for name, value in row.items() if not name.endswith(("_low", "_high")))
            for row in answers(lab, sql)
        ]

    def plain(self, sql: str) -> list[tuple[object, ...]]:
        rows = self.oracle.execute(sql).fetchall()
        return [tuple(shown(v) for v in row) for row in rows]


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    place = tmp_path_factory.mktemp("lab")
    stage = build(place, filter="pure", delta="0", epsilon=10**6, max_rows=R)
    coarse = (
        (place / "policy.yaml")
        .read_text()
        .replace("grid: 0.01", "grid: 1")
        .replace("version: 1", "version: 2")
    )
    (place / "coarse.yaml").write_text(coarse)
    owners.apply(stage.keeper, stage.bureau, place / "coarse.yaml")
    yield Lab(stage, _oracle(stage), SerialExecutor(stage.keeper._desk.workspace.run))
    stage.keeper.close()


def _oracle(stage: Stage) -> duckdb.DuckDBPyConnection:
    connection = duckdb.connect()
    connection.register("raw", stays(stage))
    connection.execute(f"CREATE TABLE stays AS SELECT * FROM raw WHERE {ORDINAL} < {R}")
    return connection


# A key: how an analyst writes it, and the categories that a result lists for it (None: those found).
KEYS = {
    "ward": ["A", "B", "C", None],
    "urgent": [True, False, None],
    "CASE WHEN days < 5 THEN 'short' WHEN days >= 5 THEN 'long' ELSE '?' END": ["short", "long", "?"],
    "days > 7": [True, False, None],
    "date_trunc('quarter', seen)": [f"2020-{month:02d}-01" for month in (1, 4, 7, 10)] + [None],
    "FLOOR(days / 5) * 5": [0, 5, 10, None],
    "COALESCE(ward, 'none')": ["A", "B", "C", "none"],
    "year(seen)": [2020, None],
}
CONDITIONS = [
    "days BETWEEN 2 AND 9", "ward = 'A'", "ward <> 'A'", "ward IN ('A', 'D')", "ward NOT IN ('B')",
    "ward IS NULL", "ward IS NOT NULL", "cost > 500.5", "cost / days > 40", "urgent", "NOT urgent",
    "ward LIKE '%B%'", "seen >= DATE '2020-06-01'", "days + cost * 2 < 900", "COALESCE(days, 0) = 0",
    "CAST(cost AS INTEGER) > 300", "CASE WHEN ward = 'A' THEN days > 2 ELSE days > 8 END", "month(seen) = 4",
]  # fmt: skip
# A measured expression, and its bounds as interval arithmetic must find them; all on a grid of 1.
ARGUMENTS = {
    "days": (0, 14),
    "cost": (0, 1000),
    "days * 2": (0, 28),
    "days + cost": (0, 1014),
    "CASE WHEN ward = 'A' THEN days ELSE 0 END": (0, 14),
    "COALESCE(days, 3)": (0, 14),
    "-days": (-14, 0),
    "ABS(days - 7)": (0, 7),
    "CASE WHEN urgent THEN 1 ELSE 0 END": (0, 1),
}


@st.composite
def queries(draw: st.DrawFn) -> tuple[str, str, list[str]]:
    keys = draw(st.lists(st.sampled_from(list(KEYS)), max_size=2, unique=True))
    ours_list = [f"{key} AS k{i}" for i, key in enumerate(keys)]
    plain_list = list(ours_list)
    for i in range(draw(st.integers(1, 3))):
        argument = draw(st.sampled_from(list(ARGUMENTS)))
        low, high = ARGUMENTS[argument]
        clamped = f"round_even(greatest(least(({argument})::DOUBLE, {high}), {low}), 0)"
        ours, theirs = draw(
            st.sampled_from(
                [
                    ("COUNT(*)", "COUNT(*)"),
                    (f"COUNT({argument})", f"COUNT({argument})"),
                    (f"SUM({argument})", f"COALESCE(SUM({clamped}) FILTER (({argument}) IS NOT NULL), 0)"),
                    (f"AVG({argument})", f"AVG({clamped}) FILTER (({argument}) IS NOT NULL)"),
                ]
            )
        )
        ours_list.append(f"{ours} AS m{i}")
        plain_list.append(f"{theirs} AS m{i}")
    conditions = draw(st.lists(st.sampled_from(CONDITIONS), max_size=2))
    glue = draw(st.sampled_from([" AND ", " OR "]))
    where = f" WHERE {glue.join(f'({c})' for c in conditions)}" if conditions else ""
    group = f" GROUP BY {', '.join(str(i + 1) for i in range(len(keys)))}" if keys else ""
    ours_text = f"SELECT {', '.join(ours_list)} FROM health.stays{where}{group}"
    # What is total with us and is not in DuckDB: a cast that fails, a division by zero.
    total = where.replace("CAST(", "TRY_CAST(").replace("/ days", "/ NULLIF(days, 0)")
    return ours_text, f"SELECT {', '.join(plain_list)} FROM stays{total}{group}", keys


def same(a: object, b: object) -> bool:
    if isinstance(a, int | float) and isinstance(b, int | float) and not isinstance(a, bool):
        return math.isclose(float(a), float(b), rel_tol=1e-9, abs_tol=1e-9)
    return a == b


def agree(lab: Lab, drawn: tuple[str, str, list[str]]) -> None:
    """Every group of ours is DuckDB's, or empty there; every declared group of DuckDB's is ours."""
    ours_text, plain_text, keys = drawn
    width = len(keys)
    theirs = {row[:width]: row[width:] for row in lab.plain(plain_text)}
    for row in lab.ours(ours_text):
        expected = theirs.pop(row[:width], None)
        if expected is None:
            assert all(value in (0, None) for value in row[width:]), (ours_text, row)
        else:
            assert all(same(a, b) for a, b in zip(row[width:], expected, strict=True)), (
                ours_text,
                row,
                expected,
            )
    for left in theirs:
        declared = all(value in KEYS[key] for key, value in zip(keys, left, strict=True))
        assert not declared, (ours_text, left)


@settings(max_examples=200)
@given(queries())
def test_answers_equal_duckdb(lab: Lab, drawn: tuple[str, str, list[str]]) -> None:
    agree(lab, drawn)


@pytest.mark.soak
@settings(max_examples=3000)
@given(queries())
def test_answers_equal_duckdb_long(lab: Lab, drawn: tuple[str, str, list[str]]) -> None:
    agree(lab, drawn)


def test_having_order_limit_and_arithmetic_act_on_released_numbers(lab: Lab) -> None:
    sql = (
        "SELECT ward, COUNT(*) AS n, SUM(days) / COUNT(days) AS mean FROM health.stays "
        "GROUP BY ward HAVING COUNT(*) > 5 ORDER BY mean DESC NULLS LAST, ward LIMIT 3"
    )
    plain = (
        "SELECT ward, COUNT(*) AS n, "
        "SUM(greatest(least(days, 14), 0)) FILTER (days IS NOT NULL) / COUNT(days) AS mean FROM stays "
        "WHERE ward IN ('A', 'B', 'C') OR ward IS NULL "
        "GROUP BY ward HAVING COUNT(*) > 5 ORDER BY mean DESC NULLS LAST, ward LIMIT 3"
    )
    ours, theirs = lab.ours(sql), lab.plain(plain)
    assert len(ours) == len(theirs) == 3
    assert all(
        same(a, b) for one, other in zip(ours, theirs, strict=True) for a, b in zip(one, other, strict=True)
    )
