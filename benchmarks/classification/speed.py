"""How fast a file is read and its tags proposed, and a wide table; invented rows, medians.

Machines differ, and one differs from hour to hour: pandas reading the CSV as text, or ten columns of the wide
table, takes turns with it.
"""

from __future__ import annotations

import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from random import Random

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet as pq

from benchmarks.classification import report
from benchmarks.classification.generators import numbers
from benchmarks.classification.labelled import propose

ROUNDS = 5
CSV_ROWS = 120_000
WIDE_ROWS, WIDE_COLUMNS = 1_000_000, 200
_DISTINCT = 20_000


def measured() -> str:
    """Return both figures as a Markdown table."""
    with tempfile.TemporaryDirectory() as folder:
        rows = [_row(_narrow(Path(folder))), _row(_wide(Path(folder)))]
    return report.table(("file", "MB", "seconds", "MB/s", "wanted", "pandas reads it in", "ratio"), rows)


def _row(made: tuple[str, Path, str]) -> list[str]:
    name, path, wanted = made
    size = path.stat().st_size / 1e6
    turns = [(_seconds(propose, path), _seconds(_read, path)) for _ in range(ROUNDS)]
    took, beside = map(statistics.median, zip(*turns, strict=True))
    ratio = statistics.median(own / other for own, other in turns)
    # Of a large Parquet file some is read.
    rate = f"{size / took:.1f}" if path.suffix == ".csv" else "–"
    return [name, f"{size:.1f}", f"{took:.2f}", rate, wanted, f"{beside:.2f} s", f"{ratio:.1f}"]


def _seconds(work: Callable[[Path], object], path: Path) -> float:
    start = time.perf_counter()
    work(path)
    return time.perf_counter() - start


def _read(path: Path) -> pd.DataFrame:
    """Read a CSV as text, of Parquet the first ten columns."""
    if path.suffix == ".csv":
        return pd.read_csv(path, dtype=str)
    return pd.read_parquet(path, columns=pq.read_schema(path).names[:10])


def _kinds() -> dict[str, list[str]]:
    """Columns that between them wake every kind of evidence."""
    chance = Random("speed")
    places = range(_DISTINCT)
    return {
        "card": [numbers.card(chance) for _ in places],
        "mobile": [f"1{chance.choice('356789')}{numbers.digits(chance, 9)}" for _ in places],
        "email": [f"{numbers.filled(chance, '@@@@$$$').lower()}@example.com" for _ in places],
        "born": [str(np.datetime64("1950-01-01") + chance.randrange(20_000)) for _ in places],
        "amount": [f"{chance.lognormvariate(8, 1):.2f}" for _ in places],
        "status": [chance.choice(("open", "closed", "pending")) for _ in places],
        "note": [
            " ".join(numbers.filled(chance, "@@@@@@").lower() for _ in range(12)).capitalize() for _ in places
        ],
        "ip": [f"203.0.{chance.randrange(256)}.{chance.randrange(256)}" for _ in places],
        "vin": [numbers.vin(chance) for _ in places],
        "latitude": [f"{chance.uniform(-60, 60):.6f}" for _ in places],
    }


def _narrow(folder: Path) -> tuple[str, Path, str]:
    """A CSV short enough to be read to its end."""
    rng = np.random.default_rng(4)
    path = folder / "narrow.csv"
    columns = {
        name: pa.array(values).take(pa.array(_places(rng, CSV_ROWS))) for name, values in _kinds().items()
    }
    pa.csv.write_csv(pa.table(columns), path)
    return f"CSV, {CSV_ROWS:,} rows × {len(columns)} columns", path, "≥ 20 MB/s"


def _wide(folder: Path) -> tuple[str, Path, str]:
    rng = np.random.default_rng(5)
    path = folder / "wide.parquet"
    kinds = list(_kinds().items())
    columns = {}
    for place in range(WIDE_COLUMNS):
        name, values = kinds[place % len(kinds)]
        codes = pa.array(_places(rng, WIDE_ROWS))
        columns[f"{name}_{place}"] = pa.DictionaryArray.from_arrays(codes, pa.array(values))
    pq.write_table(pa.table(columns), path, row_group_size=131_072)
    return f"Parquet, {WIDE_ROWS:,} rows × {WIDE_COLUMNS} columns", path, "≤ 10 s"


def _places(rng: np.random.Generator, rows: int) -> np.ndarray:
    return rng.integers(0, _DISTINCT, rows, dtype=np.int32)
