"""Sorting by marks, against Python's own sort, also where the fast sort's 64 bits tie."""

from itertools import groupby

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sandbox.errors import InvalidInputError
from sandbox.schema import Field, Kind
from sandbox.vault.partition import (
    Layout,
    LayoutKeys,
    canonical_units,
    check_shards,
    leading_bits,
    ordinals,
    sort_rows,
)

# Marks that often agree in their first or their last 8 bytes, or in all.
PART = st.sampled_from([bytes(8), b"\x00" * 7 + b"\x01", b"\x80" + bytes(7), b"\xff" * 8])
MARK = st.tuples(PART, PART).map(b"".join)


def marks(values: list[bytes]) -> np.ndarray:
    return np.frombuffer(b"".join(values), dtype=np.uint8).reshape(-1, 16)


@given(st.lists(st.tuples(MARK, MARK), max_size=50))
def test_sorted_by_tag_then_order(rows: list[tuple[bytes, bytes]]) -> None:
    index = sort_rows(marks([tag for tag, _ in rows]), marks([order for _, order in rows]))
    assert sorted(index.tolist()) == list(range(len(rows)))
    assert [rows[place] for place in index] == sorted(rows)


@given(
    st.lists(st.tuples(st.binary(min_size=16, max_size=16), st.binary(min_size=16, max_size=16)), max_size=50)
)
def test_sorted_by_any_marks(rows: list[tuple[bytes, bytes]]) -> None:
    index = sort_rows(marks([tag for tag, _ in rows]), marks([order for _, order in rows]))
    assert [rows[place] for place in index] == sorted(rows)


@given(st.lists(MARK, max_size=40).map(sorted))
def test_ordinals_count_within_runs(tags: list[bytes]) -> None:
    expected = [place for _, run in groupby(tags) for place, _ in enumerate(run)]
    assert ordinals(marks(tags)).tolist() == expected


@given(st.binary(min_size=16, max_size=16), st.integers(0, 12))
def test_parts_are_leading_bits(mark: bytes, bits: int) -> None:
    assert leading_bits(marks([mark]), 2**bits)[0] == int.from_bytes(mark) >> (128 - bits)


def test_shard_counts() -> None:
    for shards in (1, 2, 16, 4096):
        check_shards(shards)
    for shards in (0, -1, 3, 24, 8192):
        with pytest.raises(InvalidInputError):
            check_shards(shards)


def test_canonical_units() -> None:
    assert canonical_units(pa.array([7, -7, None])).to_pylist() == ["7", "-7", None]
    texts = pa.array(["7", " 7\t", "007", "", "  ", None, "e\u0301", "\u00e9"])
    assert canonical_units(texts).to_pylist() == ["7", "7", "007", None, None, None, "é", "é"]


def test_rows_differ_by_every_cell_null_and_kind() -> None:
    """Nothing collides: nulls and zeros, swapped columns, the same bytes as another kind."""
    fields = (
        Field("a", Kind.INTEGER),
        Field("b", Kind.INTEGER),
        Field("c", Kind.STRING),
        Field("d", Kind.FLOAT),
    )
    layout = Layout(LayoutKeys(bytes(32), bytes(32)), "a", fields)
    rows = [
        (a, b, c, d)
        for a in (0, 1)
        for b in (0, 1, None)
        for c in ("", "x", None, "0")
        for d in (0.0, 1.0, None)
    ]
    columns = list(zip(*rows, strict=True))
    batch = pa.RecordBatch.from_arrays(
        [pa.array(columns[0]), pa.array(columns[1]), pa.array(columns[2]), pa.array(columns[3])], list("abcd")
    )
    one = layout.orders(batch, layout.tags(batch))
    assert len({mark.tobytes() for mark in one}) == len(rows)
    other_unit = layout.orders(batch, np.zeros((len(rows), 16), dtype=np.uint8))
    assert not {m.tobytes() for m in one} & {m.tobytes() for m in other_unit}
    whole = [mark.tobytes() for mark in layout.tags(batch)]
    assert len(set(whole)) == 2
    other = Layout(LayoutKeys(bytes(32), b"1" * 32), "a", fields)
    assert [mark.tobytes() for mark in other.tags(batch)] == whole
    assert not {m.tobytes() for m in other.orders(batch, other.tags(batch))} & {m.tobytes() for m in one}
