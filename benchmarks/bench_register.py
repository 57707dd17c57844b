"""Registration against DuckDB's plain rewrite of the same file sorted by unit, and reading shards back.

    python -m benchmarks.bench_register FILE.parquet UNIT_COLUMN [ROUNDS]

Each round runs both, one after the other, in fresh processes; the medians and their ratio are printed as
JSON.  Reading is of every row: group columns, one measure and the ordinal, decrypted and decoded, on two
processes.
"""

import json
import multiprocessing
import resource
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import duckdb
import pyarrow as pa

from sandbox.schema import DatasetName, LineageId
from sandbox.vault.parquet import read_batches
from sandbox.vault.partition import LayoutKeys
from sandbox.vault.propose import propose_fields
from sandbox.vault.register import Declaration, prepare
from sandbox.vault.shard import WrittenShard
from sandbox.vault.source import open_source
from sandbox.vault.store import DirectoryStore

COLUMNS = ("region", "industry", "income", "__ordinal")
SHARDS = 16


def register(path: str, unit: str, folder: str) -> dict[str, float]:
    """Register once, then read all shards twice on two processes."""
    source = open_source(Path(path))
    declared = Declaration(
        DatasetName("bench.persons"),
        LineageId("l1"),
        1,
        unit,
        "bench.person",
        "zcdp",
        propose_fields(source),
        SHARDS,
    )
    start = time.perf_counter()
    prepared = prepare(source, declared, LayoutKeys(bytes(32), bytes(32)), DirectoryStore(Path(folder)))
    took = time.perf_counter() - start
    figures = {
        "register_seconds": took,
        "register_peak_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
        "stored_mb": sum(shard.file.size for shard in prepared.shards) / 1e6,
    }
    if set(COLUMNS) - {"__ordinal"} <= set(source.columns):
        work = [(str(prepared.staging.path / shard.file.name), shard) for shard in prepared.shards]
        with multiprocessing.get_context("spawn").Pool(2) as pool:
            # Every process sees every shard once before: digests are checked once per process.
            pool.starmap(read, [(everything,) for everything in (work, work)], chunksize=1)
            start = time.perf_counter()
            pool.starmap(read, [(work[::2],), (work[1::2],)], chunksize=1)
            figures["read_seconds_two_processes"] = time.perf_counter() - start
    return figures


def read(work: list[tuple[str, WrittenShard]]) -> int:
    """Decrypt and decode the bench columns of some shards; return the number of rows."""
    pa.set_cpu_count(1)
    return sum(
        batch.num_rows
        for path, shard in work
        for batch in read_batches(Path(path), shard.file, shard.keys, COLUMNS)
    )


def rewrite(path: str, unit: str, folder: str) -> dict[str, float]:
    """DuckDB's COPY of the file, sorted by unit, unencrypted."""
    duckdb.sql("SET enable_progress_bar = false")
    start = time.perf_counter()
    duckdb.sql(
        f"COPY (SELECT * FROM '{path}' ORDER BY {unit}) "
        f"TO '{folder}/sorted.parquet' (FORMAT parquet, COMPRESSION zstd)"
    )
    return {"duckdb_seconds": time.perf_counter() - start}


def _child(job: Callable[[str, str, str], dict[str, float]], path: str, unit: str, results: object) -> None:
    with tempfile.TemporaryDirectory() as folder:
        results.put(job(path, unit, folder))  # type: ignore[attr-defined]


def main() -> None:
    """Run the rounds and print the figures."""
    path, unit = sys.argv[1:3]
    rounds = int(sys.argv[3]) if len(sys.argv) > 3 else 5
    context = multiprocessing.get_context("spawn")
    figures: dict[str, list[float]] = {}
    for _ in range(rounds):
        for job in (rewrite, register):
            results = context.Queue()
            process = context.Process(target=_child, args=(job, path, unit, results))
            process.start()
            for name, value in results.get().items():
                figures.setdefault(name, []).append(value)
            process.join()
    medians = {name: round(statistics.median(values), 3) for name, values in figures.items()}
    medians["ratio"] = round(medians["register_seconds"] / medians["duckdb_seconds"], 2)
    print(json.dumps({"rounds": rounds, **medians}))


if __name__ == "__main__":
    main()
