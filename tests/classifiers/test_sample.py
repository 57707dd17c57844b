"""Samples: what is looked at, evenly and boundedly, and what is counted beside it."""

from __future__ import annotations

import datetime as dt
import gzip
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from classifiers.classify import classify
from classifiers.evidence import sample as sample_module
from classifiers.evidence.sample import CELLS, DISTINCT_LIMIT, LENGTH_LIMIT, ColumnSample, draw
from sandbox.errors import InvalidInputError
from sandbox.schema import Field, Kind
from sandbox.vault import source as source_module
from sandbox.vault.propose import propose_fields
from sandbox.vault.source import open_source
from service.datasets.declared import SampledRows

TEXT = Field("c", Kind.STRING)


def of(values: object, field: Field = TEXT) -> ColumnSample:
    return draw([field], pa.table({"c": values}))["c"]


def test_missing_marks_and_blanks_are_counted_and_not_looked_at() -> None:
    sample = of(["?", " ", "", None, "a ", "a"], Field("c", Kind.STRING, missing=("?",)))
    assert sample.values.to_pylist() == ["a"]
    assert (sample.distinct, sample.rows, sample.nulls) == (1, 2, 4)


def test_a_sample_is_bounded() -> None:
    sample = of([str(number) for number in range(3 * DISTINCT_LIMIT)])
    assert len(sample.values) == DISTINCT_LIMIT
    assert (sample.distinct, sample.rows) == (3 * DISTINCT_LIMIT, 3 * DISTINCT_LIMIT)


def test_long_batches_are_sampled_from_end_to_end() -> None:
    sample = of(pa.array(np.arange(5 * CELLS) // 1_000), Field("c", Kind.INTEGER))
    found = np.array(sample.values.to_pylist(), dtype=int)
    assert sample.rows == CELLS
    assert len(found) == 5 * CELLS // 1_000


def test_a_period_in_the_file_does_not_decide() -> None:
    # Every fifth row is "b": a plain stride of five would see only one of the two words.
    texts = pa.array(np.where(np.arange(5 * CELLS) % 5 == 0, "b", "a"))
    assert sorted(of(texts).values.to_pylist()) == ["a", "b"]


def test_the_same_rows_are_chosen_again() -> None:
    numbers = pa.array(np.arange(2 * CELLS))
    assert of(numbers).values.equals(of(numbers).values)


@given(st.lists(st.sampled_from(["a", "b", "", None, " c"]), max_size=60), st.integers(1, 7))
def test_batches_make_no_difference_to_short_tables(values: list[str | None], size: int) -> None:
    table = pa.table({"c": pa.array(values, pa.string())})
    parts = draw([TEXT], table.to_batches(max_chunksize=size))["c"]
    whole = draw([TEXT], table)["c"]
    given_values = [it.strip() for it in values if it and it.strip()]
    assert parts.values.to_pylist() == whole.values.to_pylist() == list(dict.fromkeys(given_values))
    assert (parts.rows, parts.nulls) == (len(given_values), len(values) - len(given_values))


def test_batches_are_read_one_after_the_other_and_once() -> None:
    read = []

    def batches() -> Iterator[pa.RecordBatch]:
        for number in range(3):
            read.append(number)
            yield pa.record_batch({"c": [str(number)], "other": [1]})

    assert draw([TEXT], batches())["c"].values.to_pylist() == ["0", "1", "2"]
    assert read == [0, 1, 2]


def numbered(batches: int, rows: int) -> Iterator[pa.RecordBatch]:
    """Texts that are all different and hold the number of their batch."""
    for batch in range(batches):
        yield pa.record_batch({"c": [f"{batch} {row}" for row in range(rows)]})


@pytest.mark.parametrize(("batches", "rows"), [(50, 1_000), (3, 200_000), (450, 2_000)])
def test_what_is_drawn_comes_from_all_batches_alike(batches: int, rows: int) -> None:
    drawn = draw([TEXT], numbered(batches, rows))["c"]
    assert len(drawn.values) == DISTINCT_LIMIT
    found = np.array([it.split()[0] for it in drawn.values.to_pylist()], dtype=int)
    assert (np.diff(found) >= 0).all()
    counts = np.bincount(found, minlength=batches)
    assert counts.sum() == DISTINCT_LIMIT
    assert abs(counts - DISTINCT_LIMIT / batches).max() <= 0.2 * DISTINCT_LIMIT / batches + 1
    assert drawn.rows == min(batches * rows, CELLS)
    assert drawn.values.equals(draw([TEXT], numbered(batches, rows))["c"].values)


@pytest.mark.parametrize(
    ("batches", "rows"), [(1, 50_000), (3, 20_000), (25, 20_000), (61, 8_192), (5_000, 1)]
)
@pytest.mark.parametrize("columns", [10, 30])
def test_no_row_is_drawn_twice(batches: int, rows: int, columns: int) -> None:
    fields = [TEXT, *(Field(f"n{n}", Kind.STRING) for n in range(columns - 1))]
    drawn = draw(fields, numbered(batches, rows))["c"]
    assert drawn.distinct == drawn.rows == min(batches * rows, CELLS // columns)


def test_what_is_held_is_bounded_in_bytes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sample_module, "HELD_BYTES", 40_000)
    drawn = draw([TEXT], (pa.record_batch({"c": [f"{row} " + "x" * 150] * 500}) for row in range(40)))["c"]
    assert drawn.rows * 150 < 40_000
    assert {drawn.values[0].as_py()[:3], drawn.values[-1].as_py()[:3]} == {"0 x", "39 "}


@pytest.mark.parametrize("end", ["csv", "csv.gz"])
def test_the_end_of_a_long_file_is_classified_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, end: str
) -> None:
    """A file of many blocks: rows about nobody, then people."""
    monkeypatch.setattr(source_module, "_CSV_BLOCK", 1 << 16)
    rows = [f"{'lorem ipsum dolor ' * 22}{row},{row % 7}" for row in range(8_500)]
    rows += [f"u{row}@example.com,138{row * 7919:08d}" for row in range(2_500)]
    text = "\n".join(["a,b", *rows])
    path = tmp_path / f"people.{end}"
    path.write_bytes(gzip.compress(text.encode()) if end == "csv.gz" else text.encode())
    source = open_source(path)
    found = classify(propose_fields(source), SampledRows(source))
    assert found[0].tag in {"pi.contact.email", "pi.text"}  # addresses among long texts
    assert found[1].tag == "pi.contact.mobile"


def test_columns_that_are_not_there_have_an_empty_sample() -> None:
    sample = draw([TEXT], pa.table({"other": [1]}))["c"]
    assert (len(sample.values), sample.distinct, sample.rows, sample.nulls) == (0, 0, 0, 0)


@pytest.mark.parametrize(
    ("column", "first"),
    [
        (pa.array([1.5, float("nan"), float("inf"), 1e300]), "1.5"),
        (pa.array([1, None, -(2**63)]), "1"),
        (pa.array([dt.date(2020, 1, 2)]), "2020-01-02"),
        (pa.array([dt.datetime(2020, 1, 2, tzinfo=dt.UTC)]), "2020-01-02 00:00:00.000000Z"),
        (pa.array(["x", "y"]).dictionary_encode(), "x"),
        (pa.array(["x"], pa.large_string()), "x"),
        (pa.array([True]), "true"),
        (pa.array([None, None]), None),
    ],
)
def test_columns_of_any_type_are_read_as_text(column: pa.Array, first: str | None) -> None:
    found = of(column).values.to_pylist()
    assert (found[0] if found else None) == first


@pytest.mark.parametrize("kind", [pa.string(), pa.large_string()])
def test_long_cells_are_cut(kind: pa.DataType) -> None:
    sample = of(pa.array(["长" * 1_000_000, "b" * 300, "c"], kind))
    assert [len(it) for it in sample.values.to_pylist()] == [LENGTH_LIMIT, LENGTH_LIMIT, 1]


def test_a_long_cell_of_many_rows_is_cut_once() -> None:
    cells = pa.DictionaryArray.from_arrays(np.arange(3_000) % 2, ["长" * 1_000_000, "b"])
    assert [len(it) for it in of(cells).values.to_pylist()] == [LENGTH_LIMIT, 1]


@given(
    st.lists(st.none() | st.sampled_from([" a", "b" * 300, "长" * 201, "", "c"]), max_size=40),
    st.lists(st.sampled_from(["unused", "d" * 999]), max_size=3),
)
def test_cells_that_share_their_text_are_read_like_others(cells: list[str | None], unused: list[str]) -> None:
    known = [*unused, *{it for it in cells if it is not None}]
    places = pa.array([None if it is None else known.index(it) for it in cells], pa.int32())
    shared = pa.DictionaryArray.from_arrays(places, pa.array(known, pa.string()))
    assert of(shared) == of(pa.array(cells, pa.string()))


def test_of_a_parquet_file_every_part_is_looked_at(tmp_path: Path) -> None:
    path = tmp_path / "parts.parquet"
    rows = {"c": np.arange(2_000_000) // 200_000, "wide": np.zeros(2_000_000, np.int8)}
    pq.write_table(pa.table(rows), path, 200_000)
    sample = draw([TEXT], SampledRows(open_source(path)))["c"]
    assert {int(it) // 2 for it in sample.values.to_pylist()} == {0, 1, 2, 3, 4}


def test_a_parquet_file_in_one_piece_is_looked_at_to_its_end(tmp_path: Path) -> None:
    path = tmp_path / "one.parquet"
    columns = {f"n{place}": np.zeros(60_000, np.int8) for place in range(200)}
    pq.write_table(pa.table({"c": np.arange(60_000) // 6_000, **columns}), path)
    sample = draw([TEXT], SampledRows(open_source(path)))["c"]
    assert len(sample.values) == 10


@pytest.mark.parametrize("rows", [0, 1, 5, 99])
def test_short_parquet_files_are_read_whole(tmp_path: Path, rows: int) -> None:
    path = tmp_path / "short.parquet"
    pq.write_table(pa.table({"c": pa.array([str(number) for number in range(rows)], pa.string())}), path, 2)
    assert draw([TEXT], SampledRows(open_source(path)))["c"].rows == rows


def test_of_a_wide_parquet_file_every_column_is_looked_at_once_and_the_same_rows_of_each(
    tmp_path: Path,
) -> None:
    """Names that Parquet reads as paths (``c`` and ``c.1``) among them."""
    path = tmp_path / "wide.parquet"
    names = ["c", *(f"c.{place}" for place in range(1, 90))]
    pq.write_table(pa.table({name: pa.array(map(str, range(3_000))) for name in names}), path, 1_000)
    seen: dict[str, list[str]] = {}
    for batch in SampledRows(open_source(path)):
        assert batch.num_columns < len(names)  # what is read at a time does not grow with the columns
        for name in batch.schema.names:
            seen.setdefault(name, []).extend(batch.column(name).to_pylist())
    assert list(seen) == names
    assert all(values == [str(row) for row in range(3_000)] for values in seen.values())


def test_a_broken_parquet_file_is_refused_by_name(tmp_path: Path) -> None:
    path = tmp_path / "broken.parquet"
    pq.write_table(pa.table({"c": [str(number) for number in range(5_000)]}), path, compression="zstd")
    source = open_source(path)
    path.write_bytes(b"\xff" * 2_000 + path.read_bytes()[2_000:])
    with pytest.raises(InvalidInputError, match=r"broken\.parquet"):
        draw([TEXT], SampledRows(source))


LATER = {
    "letters": ("7", "x7", "string"),
    "zeros": ("7", "007", "string"),
    "broken": ("7", "7.5", "float"),
    "days": ("2024-02-28", "2024-02-30", "string"),
    "filled": ("", "7", "integer"),
    "marked": ("7", "n/a", "integer"),
    "words": ("x", "7", "string"),
    "same": ("true", "false", "boolean"),
}
"""Of columns: their first cell, a later one, and what they are."""


def test_types_are_proposed_from_later_rows_too(tmp_path: Path) -> None:
    first, later = (",".join(cells[place] for cells in LATER.values()) for place in (0, 1))
    text = f"{','.join(LATER)}\n" + f"{first}\n" * 500_000 + f"{later}\n" * 500
    path = tmp_path / "a.csv"
    path.write_text(text)
    source = open_source(path)
    rows = SampledRows(source)
    fields = propose_fields(source, lambda name: (" n/a",) if name == "marked" else (), rows)
    assert {field.name: field.kind.value for field in fields} == {
        name: kind for name, (*_, kind) in LATER.items()
    }
    assert propose_fields(source)[0].kind is Kind.INTEGER, "from the first rows alone"


def test_a_csv_is_drawn_from_once(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text("a,b\n" + "1, x\n" * 10)
    rows = SampledRows(open_source(path))
    found = [batch.to_pylist() for batch in rows]
    path.unlink()
    assert [batch.to_pylist() for batch in rows] == found == [[{"a": "1", "b": "x"}] * 10]
