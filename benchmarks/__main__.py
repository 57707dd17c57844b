"""Every benchmark, one after the other, each in a process of its own: `make bench`."""

from __future__ import annotations

import os
import platform
import subprocess
import sys
from pathlib import Path

from benchmarks import persons

DATA = Path(__file__).parent / "data" / "persons_10m.parquet"


def main() -> None:
    """Make the data if it is not there, run everything, print one JSON line each."""
    print(platform.platform(), platform.python_version(), f"{os.cpu_count()} cores", flush=True)
    if not DATA.exists():
        DATA.parent.mkdir(exist_ok=True)
        persons.write(DATA)
    for name, arguments in (
        ("bench_register", [str(DATA), "person_id", "5"]),
        ("bench_query", [str(DATA), "7"]),
        *(("bench_query", [str(DATA), "7", measures]) for measures in ("median", "distinct", "units")),
        ("bench_cli", ["5"]),
    ):
        print(name, flush=True)
        subprocess.run([sys.executable, "-m", f"benchmarks.{name}", *arguments], check=True)


if __name__ == "__main__":
    main()
