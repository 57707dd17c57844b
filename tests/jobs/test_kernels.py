"""Kernels: exact sums whatever the size, the same integers whatever the layout of work."""

from __future__ import annotations

import random
from dataclasses import replace
from fractions import Fraction

import numpy as np
import pyarrow as pa
import pytest
from awkward import FIELDS, ROWS, plans, table_of
from hypothesis import given, settings
from hypothesis import strategies as st
from registered import registered

from jobs import kernels
from jobs.expressions import Column
from jobs.kernels import Bins, contributions, decode, encode, measure
from jobs.measure import merge
from jobs.spec import Key, Measurement, Plan
from sandbox.schema import ORDINAL, DatasetName


def plan_of(item: Measurement, *keys: Key) -> Plan:
    return Plan(DatasetName("a.b"), 1, 3, None, keys, (item,), (), "discrete-laplace")


def batch_of(values: list[int | None], ordinals: list[int]) -> pa.RecordBatch:
    return pa.record_batch({"x": pa.array(values, pa.int64()), ORDINAL: pa.array(ordinals, pa.int32())})


def summing(low: int, high: int, grid: Fraction = Fraction(1), origin: int = 0) -> Measurement:
    step = int(max(abs(low - origin), abs(high - origin)) / grid)
    return Measurement(
        "sum", Column("x"), step, step, Fraction(1), Fraction(low), Fraction(high), Fraction(origin), grid
    )


@given(
    st.lists(st.none() | st.integers(-(2**52), 2**52), max_size=200),
    st.sampled_from([10, 2**31, 2**32 - 1, 2**32, 2**33 + 1, 2**52 - 1]),
    st.integers(-5, 5),
)
def test_sums_are_exact_at_every_size(values: list[int | None], bound: int, origin: int) -> None:
    item = summing(-bound, bound, origin=origin)
    batch = pa.record_batch(
        {"x": pa.array(values, pa.int64()), ORDINAL: pa.array([0] * len(values), pa.int32())}
    )
    expected = sum(min(max(v, -bound), bound) - origin for v in values if v is not None)
    assert measure(plan_of(item), [batch, batch]) == [[2 * expected]]


@given(
    st.lists(st.none() | st.floats(allow_nan=False, allow_infinity=False), max_size=50),
    st.sampled_from([Fraction(1, 100), Fraction(1, 3), Fraction(3, 7), Fraction(25), Fraction(1, 2**20)]),
    st.integers(-40, 40),
)
def test_no_row_contributes_more_than_its_step(
    values: list[float | None], grid: Fraction, shift: int
) -> None:
    low, high, origin = -17 * grid, 1000 * grid, shift * grid
    step = int(max(abs(low - origin), abs(high - origin)) / grid)
    item = Measurement("sum", Column("x"), step, step, Fraction(1), low, high, origin, grid)
    found = contributions(pa.array(values, pa.float64()), item)
    assert all(value == int(value) and abs(value) <= step for value in found)
    assert all(found[i] == 0 for i, value in enumerate(values) if value is None)


@settings(max_examples=60)
@given(plans(), ROWS, st.randoms(use_true_random=False))
def test_the_same_integers_whatever_the_layout(plan: Plan, rows: list, rng: random.Random) -> None:
    with registered(table_of(rows), FIELDS, "person") as batches:
        expected = measure(plan, batches)
    shuffled = rng.sample(rows, len(rows))
    with registered(table_of(shuffled), FIELDS, "person", shards=8) as batches:
        parts = [encode(measure(plan, [piece])) for batch in batches for piece in halves(batch)]
        rng.shuffle(parts)
    assert merge(plan, tuple(parts)) == expected


def halves(batch: pa.RecordBatch) -> list[pa.RecordBatch]:
    middle = batch.num_rows // 2
    return [batch.slice(0, middle), batch.slice(middle)]


@settings(max_examples=60)
@given(plans(), ROWS)
def test_bins_and_translated_rows_count_alike(plan: Plan, rows: list) -> None:
    with registered(table_of(rows), FIELDS, "person") as batches:
        expected = measure(plan, batches)
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(kernels, "MAX_BINS", 0)
            assert measure(plan, batches) == expected


def test_categories_match_values_of_their_own_type_only() -> None:
    key = Key(Column("x"), (1, 1.5, "1", True, None))
    batch = pa.record_batch(
        {"x": pa.array([1, 2, None], pa.int64()), ORDINAL: pa.array([0, 0, 0], pa.int32())}
    )
    bins = kernels.assign(plan_of(summing(0, 1), key), batch)
    assert bins.cells[bins.rows].tolist() == [1, 0, 5]


def test_a_partial_of_another_size_is_refused() -> None:
    plan = plan_of(summing(0, 10))
    assert decode(encode([[2**100]]), plan) == [[2**100]]
    with pytest.raises(ValueError, match="another size"):
        decode(encode([[1], [2]]), plan)


def test_rows_beyond_the_bound_count_nowhere() -> None:
    batch = batch_of([5] * 6, list(range(6)))
    assert measure(plan_of(summing(0, 10)), [batch]) == [[15]]
    assert measure(replace(plan_of(summing(0, 10)), max_rows=1), [batch]) == [[5]]


def test_bins_of_no_rows_are_empty() -> None:
    empty = Bins(np.array([], dtype=np.int64), np.array([1, 0]))
    assert empty.counts(None).tolist() == [0, 0]
