"""Bounded groups: whole queries equal DuckDB's, where windows over the stored order say which rows count.

Ours goes the whole way: policy text, plan, encrypted shards, workers, merge, noise (of which nothing is left
at this ε), table.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import duckdb
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from stage import Stage, build
from stored import stays
from surface import Surface
from surface_lab import answers

from sandbox.schema import ORDINAL, UNIT_TAG
from sandbox.workers.serial import SerialExecutor

R, G, M = 6, 2, 2
KEYS = {
    "ward": ("'A'", "'B'", "'C'", "NULL"),
    "urgent": ("true", "false", "NULL"),
    "days > 7": ("true", "false", "NULL"),
    "CASE WHEN days < 5 THEN 'short' WHEN days < 9 THEN 'long' ELSE '?' END": ("'short'", "'long'", "'?'"),
    "COALESCE(ward, 'none')": ("'A'", "'B'", "'C'", "'none'"),
}
"""What a statement groups by, and its public categories: a row of ward D is in no group of two of them."""
CONDITIONS = [
    "days BETWEEN 1 AND 9",
    "ward <> 'A'",
    "NOT urgent",
    "cost > 500.5",
    "seen >= DATE '2020-05-01'",
]
CALLS = {
    "COUNT(*)": "COUNT(*)",
    "COUNT(days)": "COUNT(days)",
    "COUNT(DISTINCT person)": f"COUNT(DISTINCT {UNIT_TAG})",
    "SUM(days)": "COALESCE(SUM(greatest(least(days, 14), 0)) FILTER (days IS NOT NULL), 0)",
    "AVG(days)": "AVG(greatest(least(days, 14), 0)) FILTER (days IS NOT NULL)",
    "COUNT(DISTINCT ward)": "COUNT(DISTINCT ward) FILTER (ward <> 'D')",
}


@dataclass
class Lab:
    """The stage under a policy with group bounds, its rows in DuckDB, and an executor."""

    stage: Stage
    oracle: duckdb.DuckDBPyConnection
    executor: SerialExecutor

    def ours(self, sql: str) -> list[tuple[object, ...]]:
        lab = Surface(self.stage.keeper, self.stage.wang, self.executor, self.oracle)
        named = re.compile(r"c\d")  # no interval, and not the names of what a row is a total over
        return [
            tuple(value for name, value in row.items() if named.fullmatch(name)) for row in answers(lab, sql)
        ]


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    place = tmp_path_factory.mktemp("bounded")
    bounds = f"{R}, max_groups: {G}, max_group_rows: {M}"
    stage = build(place, filter="pure", delta="0", epsilon=10**6, max_rows=bounds)
    oracle = duckdb.connect()
    oracle.register("raw", stays(stage))
    yield Lab(stage, oracle, SerialExecutor(stage.keeper._desk.workspace.run))
    stage.keeper.close()


@st.composite
def queries(draw: st.DrawFn) -> tuple[str, str, int]:
    """Generate a query, as an analyst writes it and for DuckDB, and how many columns tell its rows apart."""
    keys = draw(st.lists(st.sampled_from(list(KEYS)), min_size=1, max_size=2, unique=True))
    calls = draw(st.lists(st.sampled_from(list(CALLS)), min_size=1, max_size=3, unique=True))
    where = " AND ".join(draw(st.lists(st.sampled_from(CONDITIONS), max_size=1))) or "TRUE"
    form = draw(st.sampled_from(["{}", "ROLLUP ({})", "CUBE ({})"]))
    group = form.format(", ".join(f"({key})" for key in keys))
    told = [*keys, *(f"GROUPING({key})" for key in keys)] if form != "{}" else keys
    named = [f"{column} AS c{number}" for number, column in enumerate([*told, *calls])]
    ours = f"SELECT {', '.join(named)} FROM health.stays WHERE {where} GROUP BY {group}"
    return ours, _plain(keys, calls, where, form), len(told)


def _plain(keys: Sequence[str], calls: Sequence[str], where: str, form: str) -> str:
    names = ", ".join(f"k{number}" for number in range(len(keys)))
    inside = " AND ".join(
        f"list_contains([{', '.join(KEYS[key])}], {key})"
        if "NULL" not in KEYS[key]
        else f"({key} IS NULL OR list_contains([{', '.join(KEYS[key])}], {key}))"
        for key in keys
    )
    groupings = [f"GROUPING({name})" for name in names.split(", ")] if form != "{}" else []
    told = ", ".join([names, *groupings, *(CALLS[call] for call in calls)])
    return f"""
        WITH grouped AS (
            SELECT *, {", ".join(f"{key} AS k{number}" for number, key in enumerate(keys))}
            FROM raw WHERE {ORDINAL} < {R} AND ({where}) AND {inside}
        ), ranked AS (
            SELECT *, ROW_NUMBER() OVER (PARTITION BY {UNIT_TAG}, {names} ORDER BY {ORDINAL}) AS in_group,
                MIN({ORDINAL}) OVER (PARTITION BY {UNIT_TAG}, {names}) AS opened
            FROM grouped
        ), counted AS (
            SELECT *, DENSE_RANK() OVER (PARTITION BY {UNIT_TAG} ORDER BY opened) AS group_number FROM ranked
        )
        SELECT {told} FROM counted WHERE in_group <= {M} AND group_number <= {G} GROUP BY {form.format(names)}
    """


def same(a: object, b: object) -> bool:
    if isinstance(a, int | float) and isinstance(b, int | float) and not isinstance(a, bool):
        return math.isclose(float(a), float(b), rel_tol=1e-6, abs_tol=1e-6)
    return a == b


def agree(lab: Lab, drawn: tuple[str, str, int]) -> None:
    """Every row of ours is DuckDB's, or empty there; no row of DuckDB's is left."""
    ours, plain, width = drawn
    theirs = {row[:width]: row[width:] for row in lab.oracle.execute(plain).fetchall()}
    for row in lab.ours(ours):
        expected = theirs.pop(row[:width], None)
        if expected is None:
            assert all(value is None or same(value, 0) for value in row[width:]), (ours, row)
        else:
            assert all(map(same, row[width:], expected)), (ours, row, expected)
    assert not theirs, (ours, theirs)


@settings(max_examples=80, deadline=None)
@given(queries())
def test_answers_equal_duckdb(lab: Lab, drawn: tuple[str, str, int]) -> None:
    agree(lab, drawn)


@pytest.mark.soak
@settings(max_examples=2000, deadline=None)
@given(queries())
def test_answers_equal_duckdb_long(lab: Lab, drawn: tuple[str, str, int]) -> None:
    agree(lab, drawn)


def test_the_bound_leaves_rows_out_here_and_nothing_where_nothing_is_grouped(lab: Lab) -> None:
    """So the comparison above is about something."""
    by_ward = lab.ours("SELECT ward AS c0, COUNT(*) AS c1 FROM health.stays WHERE ward <> 'D' GROUP BY ward")
    total = lab.ours("SELECT COUNT(*) AS c0 FROM health.stays WHERE ward <> 'D'")
    (rows,) = lab.oracle.execute(f"SELECT COUNT(*) FROM raw WHERE {ORDINAL} < {R} AND ward <> 'D'").fetchall()
    assert total == [rows]
    assert 0 < sum(int(str(row[1])) for row in by_ward) < rows[0]
