"""Of a long Parquet file rows are drawn from everywhere, in bounded memory."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sandbox.vault import source as source_module
from sandbox.vault import spread as spread_module
from sandbox.vault.source import ParquetSource
from sandbox.vault.spread import evenly, plan, spread

ROWS = 60_000


@pytest.fixture(autouse=True)
def _long_files_are_short(monkeypatch: pytest.MonkeyPatch) -> None:
    """A thousandth of everything."""
    monkeypatch.setattr(spread_module, "WHOLE_CELLS", 50_000)
    monkeypatch.setattr(spread_module, "_CHUNK_CELLS", 25)
    monkeypatch.setattr(spread_module, "_CELLS", 20_000)
    monkeypatch.setattr(spread_module, "_ROWS", 1_000)


def numbered(path: Path, group: int, columns: int = 2, rows: int = ROWS) -> ParquetSource:
    numbers = pa.array(np.arange(rows))
    pq.write_table(pa.table({f"c{place}": numbers for place in range(columns)}), path, group)
    return ParquetSource(path)


def drawn(source: ParquetSource) -> dict[str, list[int]]:
    found: dict[str, list[int]] = {name: [] for name in source.columns}
    for batch in spread(source):
        for name in batch.schema.names:
            found[name].extend(batch.column(name).to_pylist())
    return found


@given(st.integers(0, 2_000), st.integers(1, 2_000))
def test_one_row_is_drawn_out_of_each_stretch(rows: int, most: int) -> None:
    places = evenly(rows, most)
    assert len(places) == min(rows, most)
    edges = np.arange(len(places) + 1) * rows // max(len(places), 1)
    assert ((edges[:-1] <= places) & (places < edges[1:])).all()


LENGTHS = st.lists(st.integers(0, 90_000), min_size=1, max_size=300).filter(any)


@given(LENGTHS, st.integers(1, 400))
def test_a_plan_is_bounded_and_takes_from_row_groups_by_their_length(lengths: list[int], width: int) -> None:
    parts = plan(lengths, width)
    assert [it.group for it in parts] == sorted({it.group for it in parts})
    assert all(0 < it.wanted <= lengths[it.group] for it in parts)
    assert any(it.whole for it in parts)
    most, begun = max(1_000, 20_000 // width), max(1, 50_000 // (width * 25))
    if sum(lengths) > most:
        assert sum(it.wanted for it in parts) <= most + len(parts)
    full = sum(length > 0 for length in lengths)
    assert len(parts) == full if len(lengths) <= begun else len(parts) <= begun
    assert parts == plan(lengths, width)


@given(st.integers(1, 200), st.integers(1, 300), st.integers(1, 40))
def test_what_is_read_whole_is_no_more_than_a_bound_or_one_row_group(
    group: int, groups: int, width: int
) -> None:
    parts = plan([group] * groups, width)
    whole = sum(it.whole for it in parts)
    assert whole == 1 or whole * group * width <= 50_000


@pytest.mark.parametrize("group", [ROWS, ROWS // 3, 5_000, 500, 50])
@pytest.mark.parametrize("columns", [2, 45])
def test_rows_come_from_every_part_of_a_file(tmp_path: Path, group: int, columns: int) -> None:
    found = drawn(numbered(tmp_path / "a.parquet", group, columns))
    first = found["c0"]
    assert all(rows == first for rows in found.values()), "the same rows of every column"
    assert sorted(set(first)) == first
    begun, gaps = 50_000 // (columns * 25), np.diff([0, *first, ROWS])
    # A file in one piece is read to its end, and so evenly.
    assert gaps.max() <= (2 * ROWS / 1_000 + 1 if group == ROWS else group + 2 * ROWS / begun)
    assert len(first) <= max(1_000, 20_000 // columns) + begun


def test_the_same_rows_of_columns_whose_cells_are_longer(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """These are read in batches of fewer rows."""
    monkeypatch.setattr(source_module, "BATCH_BYTES", 1 << 16)
    numbers = np.arange(6_000)
    columns = {f"c{place}": pa.array(numbers) for place in range(20)}
    long = pa.array([f"{number} {'x' * 300}" for number in numbers])
    pq.write_table(pa.table({**columns, "long": long}), tmp_path / "a.parquet", 2_500)
    found: dict[str, list[object]] = {"c0": [], "long": []}
    for batch in spread(ParquetSource(tmp_path / "a.parquet")):
        for name in found.keys() & set(batch.schema.names):
            found[name].extend(batch.column(name).to_pylist())
    assert found["c0"] == [int(str(text).split()[0]) for text in found["long"]]
    assert len(found["c0"]) >= 1_000


@pytest.mark.parametrize("lengths", [[0], [0, 0], [0, 3, 0], [0, 40_000, 0, 40_000, 0]])
def test_row_groups_without_rows_are_passed_over(tmp_path: Path, lengths: list[int]) -> None:
    table, path = pa.table({"c0": pa.array(range(50_000), pa.int64())}), tmp_path / "a.parquet"
    with pq.ParquetWriter(path, table.schema) as file:
        for length in lengths:
            file.write_table(table.slice(0, length))
    source = ParquetSource(path)
    assert source.group_rows == tuple(lengths)
    found = drawn(source)["c0"]
    if sum(lengths) <= 50_000:
        assert found == list(range(sum(lengths)))
    else:
        assert (np.diff(found) < 0).sum() == 1
        assert len(found) <= 20_000 + 2


SCRIPT = """
import resource, sys
from pathlib import Path
from sandbox.vault import spread
from sandbox.vault.source import ParquetSource
source = ParquetSource(Path(sys.argv[1]))
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
for _ in spread.spread(source) if sys.argv[2] == "spread" else source.batches():
    pass
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)
"""


@pytest.mark.parametrize("way", ["spread", "batches"])
def test_of_a_long_row_group_some_pages_are_in_memory(tmp_path: Path, way: str) -> None:
    """60 MB a column that do not compress, in a single row group."""
    noise = np.random.default_rng(1).integers(0, 2**62, (4, 7_500_000))
    pq.write_table(
        pa.table({f"c{place}": row for place, row in enumerate(noise)}),
        tmp_path / "a.parquet",
        7_500_000,
        compression="none",
        use_dictionary=False,
    )
    command = [sys.executable, "-c", SCRIPT, str(tmp_path / "a.parquet"), way]
    grown = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    assert int(grown) < 120_000  # kilobytes; the row group has 240,000
