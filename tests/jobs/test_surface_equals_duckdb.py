"""The whole surface: at a very high ε, queries of every shape equal DuckDB on bounded, clamped rows.

A statement is generated twice from one draw: as an analyst writes it, and as plain SQL over the rows that the
bounds keep, with bounds and clamps written out.  Quantiles are checked by their definition: no more than the
share q of the values lies below, at least that share at or below.
"""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from surface import Surface, build
from surface_lab import answers
from surface_shapes import SHAPES, Rows


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Surface]:
    surface = build(tmp_path_factory.mktemp("surface"))
    yield surface
    surface.keeper.close()


@dataclass(frozen=True)
class Asked:
    """One column: ours, DuckDB's, and how the two are compared (``equal`` or q of a quantile)."""

    ours: str
    plain: str
    check: float | None = None


@st.composite
def measures(draw: st.DrawFn, rows: Rows) -> Asked:
    x, y = draw(st.sampled_from(rows.numbers)), draw(st.sampled_from(rows.numbers))
    keep = draw(st.sampled_from(["", *rows.conditions]))
    ours_filter = f" FILTER (WHERE {keep})" if keep else ""
    a, b = x.clamped, y.clamped
    everything, units = keep or "true", f"COUNT(DISTINCT {rows.unit})"
    both = f"({x.there} AND {y.there} AND ({keep or 'true'}))"
    one = f"({x.there} AND ({keep or 'true'}))"
    q = draw(st.sampled_from([0.1, 0.25, 0.5, 0.9]))
    wide = (x.high - x.low) // x.grid + 1
    bars = min(4, wide)
    bar = draw(st.integers(0, bars - 1))
    part = f"CAST(floor((({a}) - {x.low}) / {x.grid} * {bars} / {wide}) AS BIGINT) = {bar}"
    two = {
        name: f"{name}({a}, {b}) FILTER ({both})"
        for name in ("covar_samp", "covar_pop", "corr", "regr_slope", "regr_intercept")
    }
    one_argument = {
        name: f"{name}({a}) FILTER ({one})" for name in ("var_samp", "var_pop", "stddev_samp", "stddev_pop")
    }
    chosen: list[Asked] = [
        Asked(f"COUNT(*){ours_filter}", f"COUNT(*) FILTER ({everything})"),
        Asked(f"COUNT({x.ours}){ours_filter}", f"COUNT(*) FILTER ({one})"),
        Asked(f"{units}{ours_filter}", f"{units} FILTER ({everything})"),
        Asked(f"SUM({x.ours}){ours_filter}", f"COALESCE(SUM({a}) FILTER ({one}), 0)"),
        Asked(f"AVG({x.ours}){ours_filter}", f"AVG({a}) FILTER ({one})"),
        Asked(f"QUANTILE_CONT({x.ours}, {q}){ours_filter}", f"list(({a})) FILTER ({one})", q),
        Asked(f"MEDIAN({x.ours}){ours_filter}", f"list(({a})) FILTER ({one})", 0.5),
        Asked(f"MAX({x.ours}){ours_filter}", f"list(({a})) FILTER ({one})", 0.995),
        *(Asked(f"{name}({x.ours}){ours_filter}", text) for name, text in one_argument.items()),
        *(Asked(f"{name}({x.ours}, {y.ours}){ours_filter}", text) for name, text in two.items()),
    ]  # fmt: skip
    if "greatest(" not in rows.plain:  # of a value per unit, CLIPPED sees what stood there before the clamp
        outside = f"(({x.plain or x.ours}) < {x.low} OR ({x.plain or x.ours}) > {x.high})::INT"
        chosen.append(Asked(f"CLIPPED({x.ours}){ours_filter}", f"AVG({outside}) FILTER ({one})"))
    if bars > 1:
        chosen.append(
            Asked(
                f"HISTOGRAM({x.ours}, {bars}){ours_filter}@{bar + 1}", f"COUNT(*) FILTER ({one} AND {part})"
            )
        )
    return draw(st.sampled_from(chosen))


@st.composite
def statements(draw: st.DrawFn) -> tuple[str, str, Rows, list[str], list[Asked]]:
    rows = draw(st.sampled_from(SHAPES))
    keys = draw(st.lists(st.sampled_from(list(rows.keys)), max_size=2, unique=True))
    asked = draw(st.lists(measures(rows), min_size=1, max_size=2))
    conditions = draw(st.lists(st.sampled_from(rows.conditions), max_size=2))
    where = f" WHERE {' AND '.join(f'({c})' for c in conditions)}" if conditions else ""
    shape = draw(st.sampled_from(["plain", "rollup", "cube", "sets"])) if keys else "none"
    listed = ", ".join(keys)
    singles = ", ".join(f"({key})" for key in keys)
    grouping = {
        "none": "", "plain": f" GROUP BY {listed}", "rollup": f" GROUP BY ROLLUP ({singles})",
        "cube": f" GROUP BY CUBE ({singles})", "sets": f" GROUP BY GROUPING SETS ({singles})",
    }[shape]  # fmt: skip
    shown = [
        f"{key} AS k{i}, GROUPING({key}) AS g{i}" if shape != "none" else f"{key} AS k{i}"
        for i, key in enumerate(keys)
    ]
    ours = ", ".join([*shown, *(f"{item.ours.partition('@')[0]} AS m{i}" for i, item in enumerate(asked))])
    theirs = ", ".join([*shown, *(f"{item.plain} AS m{i}" for i, item in enumerate(asked))])
    inside = _inside(rows, keys)
    plain_where = " AND ".join([f"({c})" for c in conditions] + inside)
    plain = f"SELECT {theirs} FROM {rows.plain} WHERE {plain_where or 'true'}{grouping}"
    return f"SELECT {ours} FROM {rows.ours}{where}{grouping}", plain, rows, keys, asked


def _inside(rows: Rows, keys: list[str]) -> list[str]:
    """Only rows of declared groups: a total is about the same rows as its parts."""
    found = []
    for key in keys:
        values = [value for value in rows.keys[key] if value is not None]
        texts = ", ".join(f"'{value}'" if isinstance(value, str) else str(value).lower() for value in values)
        null = f"({key}) IS NULL" if None in rows.keys[key] else "false"
        found.append(f"(({key}) IN ({texts}) OR {null})")
    return found


def plain_key(value: Any) -> Any:
    day = value.date() if isinstance(value, dt.datetime) else value
    return day.isoformat() if isinstance(day, dt.date) else day


def agree(value: Any, expected: Any, check: float | None) -> bool:
    if check is not None:
        values = list(expected or [])
        if not values:
            return True  # over no value at all, a draw may be anything in the domain
        below = sum(v < value - 1e-9 for v in values)
        upto = sum(v <= value + 1e-9 for v in values)
        return below <= check * len(values) + 1e-9 and upto >= check * len(values) - 1e-9
    if expected is None or (isinstance(expected, float) and math.isnan(expected)):
        return True  # of nothing, or of one value: our fixed rule, tested in test_results.py
    return value is not None and math.isclose(float(value), float(expected), rel_tol=1e-6, abs_tol=1e-6)


def check(lab: Surface, drawn: tuple[str, str, Rows, list[str], list[Asked]]) -> None:
    """Every row of ours is DuckDB's or empty there; every row of DuckDB's is ours."""
    ours, plain, _, keys, asked = drawn
    grouped = "GROUPING" in ours.partition(" FROM ")[0]
    names = [f"{letter}{i}" for i in range(len(keys)) for letter in ("k", "g")] if grouped else []
    theirs = {tuple(plain_key(row[name]) for name in names): row for row in lab.plain(plain)}
    for row in answers(lab, ours):
        expected = theirs.pop(tuple(row[name] for name in names), None)
        for i, item in enumerate(asked):
            bar = item.ours.partition("@")[2]
            value = row[f"m{i}_{bar}" if bar else f"m{i}"]
            if expected is not None:
                assert agree(value, expected[f"m{i}"], item.check), (ours, plain, row, expected)
            elif item.ours.startswith(("COUNT", "SUM")):
                assert value == 0, (ours, row)
    assert not theirs, (ours, plain, theirs)


@settings(max_examples=150)
@given(statements())
def test_answers_of_every_shape_equal_duckdb(
    lab: Surface, drawn: tuple[str, str, Rows, list[str], list[Asked]]
) -> None:
    check(lab, drawn)


@pytest.mark.soak
@settings(max_examples=4000)
@given(statements())
def test_answers_of_every_shape_equal_duckdb_long(
    lab: Surface, drawn: tuple[str, str, Rows, list[str], list[Asked]]
) -> None:
    check(lab, drawn)
