"""Person-level synthetic rows for benchmarks: about five rows a person, heavy-tailed, in random order."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

REGIONS = [f"R{number:02d}" for number in range(34)]
INDUSTRIES = [f"industry_{number:02d}" for number in range(20)]


def write(path: Path, rows: int = 10_000_000) -> None:
    """Write *rows* rows of about rows/5 persons; the same rows every time (the data is invented)."""
    rng = np.random.default_rng(42)
    persons = rows // 5
    weight = rng.lognormal(0, 0.6, persons)
    counts = rng.multinomial(rows, weight / weight.sum())
    person = rng.permutation(np.repeat(np.arange(persons), counts))
    ids = rng.permutation(persons).astype(np.int64) * 7919 + 1_000_000_007
    region = _mostly(rng, rng.integers(0, len(REGIONS), persons)[person], len(REGIONS))
    industry = _mostly(rng, rng.integers(0, len(INDUSTRIES), persons)[person], len(INDUSTRIES))
    income = rng.lognormal(10.5, 0.6, persons)[person] * rng.normal(1, 0.1, rows)
    table = pa.table(
        {
            "person_id": ids[person],
            "region": _named(region, REGIONS),
            "industry": _named(industry, INDUSTRIES),
            "age": rng.integers(18, 80, persons).astype(np.int32)[person],
            "income": np.round(np.clip(income, 0, 500_000), 2),
            "sick_days": rng.poisson(3.2, rows).astype(np.int32),
            "visit_date": _dates(rng, rows),
        }
    )
    pq.write_table(table, path, row_group_size=1_000_000, compression="zstd")


def _mostly(rng: np.random.Generator, home: np.ndarray, size: int) -> np.ndarray:
    """The person's own value in 85 % of the rows, any value in the others."""
    return np.where(rng.random(len(home)) < 0.15, rng.integers(0, size, len(home)), home)


def _named(codes: np.ndarray, names: list[str]) -> pa.Array:
    coded = pa.DictionaryArray.from_arrays(pa.array(codes.astype(np.int16)), pa.array(names))
    return coded.cast(pa.string())


def _dates(rng: np.random.Generator, rows: int) -> pa.Array:
    return pa.array((np.datetime64("2020-01-01") + rng.integers(0, 1826, rows)).astype("datetime64[D]"))
