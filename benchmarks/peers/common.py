"""The task that every library gets; the standard library only, since each runs in an environment of its own.

The rows are bounded beforehand: at most ROWS_PER_PERSON of a person, income within [LOW, HIGH].  So whatever
a library does to bound or clamp changes nothing, the truth is the same for all, and the error is its noise.
"""

from __future__ import annotations

import csv
import json
import math
import os
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path

ROWS_PER_PERSON = 4
LOW, HIGH = 0.0, 200_000.0
EPSILON = 1.0
QUERIES = ("count", "sum", "avg", "median", "count, sum, avg")
"""Each by region, each with the whole EPSILON."""

Answer = Mapping[str, Mapping[str, float]]
"""Released values: aggregate (``count``, ``sum``, ``avg``, ``median``) → region → number."""


class CannotError(Exception):
    """The library cannot express the query; the text says why."""


def read(path: Path) -> list[tuple[int, str, float]]:
    """Return the rows: person, region, income."""
    with path.open(newline="") as file:
        return [(int(row["person"]), row["region"], float(row["income"])) for row in csv.DictReader(file)]


def truth(rows: list[tuple[int, str, float]]) -> dict[str, dict[str, float]]:
    """Return the exact answers."""
    groups: dict[str, list[float]] = {}
    for _, region, income in rows:
        groups.setdefault(region, []).append(income)
    return {
        "count": {region: float(len(values)) for region, values in groups.items()},
        "sum": {region: math.fsum(values) for region, values in groups.items()},
        "avg": {region: math.fsum(values) / len(values) for region, values in groups.items()},
        "median": {region: sorted(values)[len(values) // 2] for region, values in groups.items()},
    }


def compare(peer: str, ask: Callable[[str], Answer], path: Path, runs: int) -> None:
    """Ask every query *runs* times; print, as JSON, the root of the mean squared error over all."""
    exact = truth(read(path))
    found: dict[str, dict[str, float | str]] = {}
    for query in QUERIES:
        start = time.perf_counter()
        try:
            answers = [ask(query) for _ in range(runs)]
        except CannotError as reason:
            found[query] = {"cannot": str(reason)}
            continue
        found[query] = {name: _rmse(exact[name], [answer[name] for answer in answers]) for name in answers[0]}
        found[query]["seconds"] = round((time.perf_counter() - start) / runs, 2)
    # A library may have printed to standard output: the last line counts.
    print(json.dumps({"peer": peer, "runs": runs, "rmse": found}), flush=True)


def _rmse(exact: Mapping[str, float], answers: list[Mapping[str, float]]) -> float:
    squares = [(answer[region] - value) ** 2 for answer in answers for region, value in exact.items()]
    return math.sqrt(math.fsum(squares) / len(squares))


def arguments() -> tuple[Path, int]:
    """Return the data file and the number of runs from the command line."""
    os.environ.setdefault("PYTHONWARNINGS", "ignore")
    return Path(sys.argv[1]), int(sys.argv[2])
