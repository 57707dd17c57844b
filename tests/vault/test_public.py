"""A public table: what is written, and what it says of itself, against a plain reading of the same rows."""

from __future__ import annotations

import datetime as dt
import hashlib
import math
from collections.abc import Callable
from decimal import Decimal
from fractions import Fraction
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sandbox.errors import InvalidInputError
from sandbox.schema import MAX_GRID_STEPS, CategoricalDomain, DateDomain, Field, Kind, NumericDomain
from sandbox.vault import public
from sandbox.vault.propose import propose_fields
from sandbox.vault.public import PublicFile, numeric_domain, write_public
from sandbox.vault.source import open_source

Write = Callable[..., PublicFile]


@pytest.fixture
def write(tmp_path: Path) -> Write:
    def written(table: pa.Table, *fields: Field) -> PublicFile:
        pq.write_table(table, tmp_path / "given.parquet")
        source = open_source(tmp_path / "given.parquet")
        return write_public(source, fields or propose_fields(source), tmp_path / "stored.parquet")

    return written


def test_rows_stand_as_given_in_a_file_of_ones_own(write: Write, tmp_path: Path) -> None:
    rows = {
        "code": ["I10", None, "E11"],
        "weight": [1.5, 2.0, None],
        "since": [dt.date(2020, 1, 2), None, None],
    }
    written = write(pa.table(rows))
    stored = tmp_path / "stored.parquet"
    assert pq.read_table(stored).to_pydict() == rows
    assert written.digest == hashlib.sha256(stored.read_bytes()).hexdigest()
    assert stored.stat().st_mode & 0o777 == 0o600
    assert [field.required for field in written.fields] == [False, False, False]


def test_each_kind_has_its_domain(write: Write) -> None:
    moment = dt.datetime(2021, 5, 6, 23, 59)
    written = write(
        pa.table(
            {
                "whole": [3, -2, 10],
                "price": [Decimal("1.50"), Decimal("-0.25"), None],
                "share": [0.125, 12.0, 0.5],
                "code": ["b", "a", None],
                "flag": [True, True, True],
                "day": [dt.date(2020, 2, 29), dt.date(1999, 1, 1), None],
                "at": [moment, moment, None],
                "void": pa.array([None, None, None], pa.int64()),
            }
        )
    )
    assert written.domains == {
        "whole": NumericDomain(Fraction(-2), Fraction(10), Fraction(1)),
        "price": NumericDomain(Fraction(-1, 4), Fraction(3, 2), Fraction(1, 100)),
        "share": NumericDomain(Fraction(1, 8), Fraction(12), Fraction(1, 1000)),
        "code": CategoricalDomain(("a", "b", None)),
        "flag": CategoricalDomain((True,)),
        "day": DateDomain(dt.date(1999, 1, 1), dt.date(2020, 2, 29)),
        "at": DateDomain(moment.date(), moment.date()),
    }


@pytest.mark.parametrize(
    "values",
    [[5], [0.0], [1e300], [-1e300, 1e300], [0.1, 1e9], [1 / 3, 2 / 3], [5e-324, 1.0], [2**62, -(2**62)]],
)
def test_a_numeric_domain_holds_every_value(write: Write, values: list[float]) -> None:
    domain = write(pa.table({"x": values})).domains["x"]
    assert isinstance(domain, NumericDomain)
    assert domain.low <= min(map(Fraction, map(str, values)))
    assert domain.high >= max(map(Fraction, map(str, values)))
    assert (domain.high - domain.low) / domain.grid <= MAX_GRID_STEPS


@given(st.lists(st.integers(-(10**9), 10**9), min_size=2, max_size=20, unique=True), st.integers(0, 6))
def test_the_grid_is_the_coarsest_that_holds_the_decimals(units: list[int], places: int) -> None:

    grid = Fraction(1, 10**places)
    values = np.array([float(unit * grid) for unit in units])
    needed = next(p for p in range(7) if all((unit * grid * 10**p).denominator == 1 for unit in units))
    assert public._places(values) == needed


def test_not_finite_is_null_and_counted(write: Write) -> None:
    written = write(pa.table({"x": [math.nan, math.inf, -math.inf, 1.0]}), Field("x", Kind.FLOAT))
    assert written.nonconforming == {"x": 3}
    assert written.domains["x"] == NumericDomain(Fraction(1), Fraction(2), Fraction(1))


def test_too_many_texts_are_no_list(write: Write, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(public, "MAX_VALUES", 3)
    written = write(pa.table({"few": ["a", "b", "c", "c"], "many": ["a", "b", "c", "d"]}))
    assert set(written.domains) == {"few"}


def test_a_table_has_rows(write: Write) -> None:
    with pytest.raises(InvalidInputError, match=r"table\.no-rows"):
        write(pa.table({"x": pa.array([], pa.int64())}), Field("x", Kind.INTEGER))


def test_a_required_column_has_no_null(write: Write) -> None:
    with pytest.raises(InvalidInputError, match=r"vault\.required-nulls"):
        write(pa.table({"x": [1, None]}), Field("x", Kind.INTEGER, required=True))


def test_a_table_has_a_longest_length(write: Write, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(public, "MAX_ROWS", 2)
    with pytest.raises(InvalidInputError, match=r"table\.too-long"):
        write(pa.table({"x": [1, 2, 3]}))


def test_a_domain_is_coarsened_until_float64_can_tell_its_steps() -> None:
    domain = numeric_domain(Fraction(0), Fraction(10**12), Fraction(1, 10**6))
    assert (domain.high, domain.grid) == (10**12, Fraction(1, 1000))
