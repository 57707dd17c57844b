"""Error at equal ε beside other libraries, each in an environment of its own: `make bench-peers`.

    python -m benchmarks.peers [RUNS] [FOLDER]

FOLDER (benchmarks/data/peers unless said) gets the data and one virtual environment per library, installed
from the package index.  Prints one JSON line per library and a table.  Tumult needs Java for its Spark.
"""

from __future__ import annotations

import json
import subprocess
import sys
import venv
from pathlib import Path
from typing import Any

import duckdb

from benchmarks import persons
from benchmarks.peers import common

PEERS = {
    "opendp": ("OpenDP", ["opendp[polars]==0.16.0"]),
    "pipelinedp": ("PipelineDP", ["pipeline-dp==0.3.1"]),
    "smartnoise": ("SmartNoise-SQL", ["smartnoise-sql==1.0.10"]),
    "tumult": ("Tumult Analytics", ["tmlt.analytics==0.21.0"]),
}
ROWS = 200_000
HERE = Path(__file__).parent


def data(folder: Path) -> Path:
    """Write the bounded rows that all get, if they are not there."""
    target = folder / "persons.csv"
    if not target.exists():
        persons.write(folder / "persons.parquet", ROWS)
        duckdb.sql(
            f"""COPY (SELECT person_id AS person, region, round(least(income, {common.HIGH}), 2) AS income
            FROM (SELECT *, row_number() OVER (PARTITION BY person_id ORDER BY visit_date, income) AS nth
                  FROM '{folder / "persons.parquet"}')
            WHERE nth <= {common.ROWS_PER_PERSON} ORDER BY person, nth) TO '{target}' (HEADER)"""
        )
    return target


def interpreter(folder: Path, name: str, packages: list[str]) -> Path:
    """Return the python of the environment *name*, made at the first need."""
    place = folder / name
    python = place / "bin" / "python"
    if not (place / "ready").exists():
        venv.create(place, with_pip=True, clear=True)
        subprocess.run([python, "-m", "pip", "install", "--quiet", *packages], check=True)
        (place / "ready").touch()
    return python


def run(command: list[str | Path]) -> dict[str, Any]:
    """Run one library's script; what it says last, or how it failed."""
    done = subprocess.run(command, cwd=HERE, capture_output=True, text=True, check=False)
    last = (done.stdout.strip().splitlines() or [""])[-1]
    if done.returncode:
        return {"failed": (done.stderr.strip().splitlines() or ["no message"])[-1]}
    answer: dict[str, Any] = json.loads(last[last.index('{"peer"') :])
    return answer


def main() -> None:
    """Run everything and print the table."""
    runs = sys.argv[1] if len(sys.argv) > 1 else "20"
    folder = Path(sys.argv[2]) if len(sys.argv) > 2 else HERE.parent / "data" / "peers"
    folder.mkdir(parents=True, exist_ok=True)
    path = data(folder).absolute()
    answers = {"Keyong": run([sys.executable, HERE / "peer_keyong.py", path, runs])}
    print(json.dumps({"Keyong": answers["Keyong"]}), flush=True)
    for name, (title, packages) in PEERS.items():
        try:
            python = interpreter(folder.absolute(), name, packages)
        except subprocess.CalledProcessError as error:
            answers[title] = {"failed": f"pip install {' '.join(packages)}: exit code {error.returncode}"}
        else:
            answers[title] = run([python, HERE / f"peer_{name}.py", path, runs])
        print(json.dumps({title: answers[title]}), flush=True)
    print(table(answers))


def table(answers: dict[str, dict[str, Any]]) -> str:
    """Return the figures as a Markdown table: a line per query and aggregate, a column per library."""
    lines = [f"| query | error of | {' | '.join(answers)} |", "| --- " * (2 + len(answers)) + "|"]
    for query in common.QUERIES:
        for aggregate in query.split(", "):
            cells = [_cell(answer, query, aggregate) for answer in answers.values()]
            lines.append(f"| {query} | {aggregate} | {' | '.join(cells)} |")
    failed = [f"{title}: {answer['failed']}" for title, answer in answers.items() if "failed" in answer]
    return "\n".join([*lines, *failed])


def _cell(answer: dict[str, Any], query: str, aggregate: str) -> str:
    found = answer.get("rmse", {}).get(query, {"cannot": "failed"})
    return "cannot" if "cannot" in found else f"{found[aggregate]:,.4g}"


if __name__ == "__main__":
    main()
