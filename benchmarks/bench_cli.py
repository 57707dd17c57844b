"""Whole processes of the command line: `keyong --help`, and a cold `keyong query` on the demo data.

    python -m benchmarks.bench_cli [ROUNDS]

The query is cold: a new process, no pool, Ray started and stopped; each round asks with another ε.
"""

from __future__ import annotations

import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

EXAMPLES = Path(__file__).parent.parent / "examples"
SQL = "SELECT age, COUNT(*) AS stays, AVG(time_in_hospital) AS days FROM health.diabetes GROUP BY age"
PASSPHRASE = "a passphrase for the benchmark\n"


def keyong(*arguments: str, place: Path) -> float:
    """Run the command in *place* and return its seconds; a failure ends the benchmark."""
    places = {"KEYONG_ANCHORS": str(place / "anchors"), "KEYONG_WORKSPACE": str(place / "ws")}
    start = time.perf_counter()
    subprocess.run(
        [sys.executable, "-m", "cli", "-q", *arguments],
        check=True,
        env={**os.environ, **places},
        # What asks for the passphrase of a signing key reads it here; nothing else reads anything.
        input=PASSPHRASE,
        text=True,
        stdout=subprocess.DEVNULL,
    )
    return time.perf_counter() - start


def prepare(place: Path) -> None:
    """Register the demo data."""
    data, name = str(EXAMPLES / "data" / "diabetes130.csv.gz"), "health.diabetes"
    owner, policy = ["--as", "health-bureau"], place / "policy.yaml"
    shutil.copy(EXAMPLES / "diabetes" / "policy.yaml", policy)
    for line in (
        ["init"],
        ["identity", "new", "health-bureau", "--role", "owner"],
        ["identity", "new", "wang", "--role", "analyst", "--group", "researchers"],
        [*owner, "dataset", "add", data, "--name", name, "--unit", "patient_nbr",
         "--namespace", "health.patient", "--yes"],
        [*owner, "dataset", "tag", name, "--all-above", "0", "--reason", "bench"],
        [*owner, "policy", "sign", str(policy)],
        [*owner, "policy", "apply", str(policy)],
    ):  # fmt: skip
        keyong(*line, place=place)


def main() -> None:
    """Run the rounds and print the figures."""
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 5
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder)
        prepare(place)
        helps = [keyong("--help", place=place) for _ in range(rounds)]
        queries = [
            keyong(
                "--as", "wang", "query", SQL, "--epsilon", f"0.01{number}",
                "--purpose", "readmission-statistics", place=place,
            )
            for number in range(rounds)
        ]  # fmt: skip
    figures = {"help_seconds": statistics.median(helps), "cold_query_seconds": statistics.median(queries)}
    print(json.dumps({"rounds": rounds, **{name: round(value, 2) for name, value in figures.items()}}))


if __name__ == "__main__":
    main()
