"""The 10-million-row queries through the whole product, against DuckDB's plain ones.

    python -m benchmarks.bench_query FILE.parquet [ROUNDS] [nulls] [median|distinct|units]

Ours: identity, registration (income declared as never missing), tags, policy; then per round one new query
(never a replay): decide, charge, log, 16 encrypted shards on Ray workers, at most 4 rows a person, merge,
noise, release, table; time from `job_submit` to the table in one process.  The floor: DuckDB, in process,
non-private and unbounded, over the same rows unencrypted.  Both once before counting, then alternating;
medians and their ratio are printed as JSON.  With ``nulls`` income is not declared as never missing, which
makes a third measurement: the count behind the mean.  Instead of count, sum and mean: ``median`` of income,
``distinct`` ages or ``units`` (distinct persons), by the same groups.
"""

from __future__ import annotations

import json
import os
import statistics
import sys
import tempfile
import time
from pathlib import Path

import duckdb
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from benchmarks.persons import INDUSTRIES, REGIONS
from policies.build import parse
from policies.model import policy_digest
from policies.sign import public_half, sign
from service.asked import Decisions, JobRequest, NewDataset
from service.embedded import create_workspace, open_gatekeeper
from service.gatekeeper import Gatekeeper

MEASURES = {
    "sums": "COUNT(*) AS n, SUM(income) AS total, AVG(income) AS mean",
    "median": "MEDIAN(income) AS half",
    "distinct": "COUNT(DISTINCT age) AS ages",
    "units": "COUNT(DISTINCT person_id) AS persons",
}
POLICY = """\
apiVersion: keyong/v1
kind: AccessPolicy
metadata: {{dataset: bench.persons, version: 1, owner: owner}}
unit: {{key: person_id, namespace: bench.person, max_rows: 4, expected_units: 2000000}}
budget: {{filter: zcdp, epsilon: 1000, delta: 1e-6}}
columns:
  region: {{use: [group], categories: [{regions}]}}
  industry: {{use: [group], categories: [{industries}]}}
  income: {{use: [measure], bounds: [0, 500000], grid: 0.01}}
  age: {{use: [measure, filter, group], bounds: [18, 79], grid: 1}}
grants:
  - to: [analyst]
    purposes: [bench]
    operations: [count, sum, avg, quantile, distinct]
    until: 2099-12-31
    approval: auto
"""


def prepare(place: Path, source: Path, required: tuple[str, ...] = ("income",)) -> Gatekeeper:
    """Return an open gatekeeper with the file registered, tagged and granted."""
    os.environ["KEYONG_ANCHORS"] = str(place / "anchors")
    create_workspace(place / "ws", None)
    keeper = open_gatekeeper(place / "ws")
    keeper.identity_new("owner", ["owner"], [])
    keeper.identity_new("analyst", ["analyst"], [])
    owner = keeper.principal("owner")
    keeper.dataset_add(
        owner, NewDataset(source, "bench.persons", "person_id", "bench.person", required=required)
    )
    keeper.dataset_tag(owner, "bench.persons", Decisions({}, "benchmark", above="0"))
    policy = place / "policy.yaml"
    policy.write_text(POLICY.format(regions=", ".join(REGIONS), industries=", ".join(INDUSTRIES)))
    key = Ed25519PrivateKey.generate()
    keeper.identity_key(owner, public_half(key))
    signed = sign(policy_digest(parse(policy.read_bytes(), "policy")), key)
    policy.with_name("policy.yaml.sig").write_text(signed.text())
    keeper.policy_apply(owner, policy)
    return keeper


def statement(measures: str) -> str:
    """Return the query of one of MEASURES."""
    return f"SELECT region, industry, {MEASURES[measures]} FROM bench.persons GROUP BY region, industry"


def ours(keeper: Gatekeeper, sql: str, number: int) -> float:
    """One query through the whole product; another ε each time, so that nothing is replayed."""
    analyst = keeper.principal("analyst")
    start = time.perf_counter()
    request = JobRequest(sql, "bench", epsilon=f"1.{number:06d}")
    job = keeper.job_submit(analyst, request)["job"]
    rows = keeper.job_run(analyst, job)["tables"][0]["rows"]
    took = time.perf_counter() - start
    assert len(rows) == len(REGIONS) * len(INDUSTRIES)
    return took


def floor(connection: duckdb.DuckDBPyConnection, sql: str, source: Path) -> float:
    """DuckDB's GROUP BY over the plain file."""
    start = time.perf_counter()
    connection.execute(sql.replace("bench.persons", f"'{source}'")).fetchall()
    return time.perf_counter() - start


def main() -> None:
    """Run the rounds and print the figures."""
    source, rounds = Path(sys.argv[1]), int(sys.argv[2]) if len(sys.argv) > 2 else 7
    said = sys.argv[3:]
    measures = next((name for name in MEASURES if name in said), "sums")
    sql = statement(measures)
    with tempfile.TemporaryDirectory() as place:
        keeper = prepare(Path(place), source, () if "nulls" in said else ("income",))
        try:
            connection = duckdb.connect()
            cold = ours(keeper, sql, 0)
            ours(keeper, sql, 1)
            floor(connection, sql, source)
            pairs = [
                (ours(keeper, sql, number + 2), floor(connection, sql, source)) for number in range(rounds)
            ]
        finally:
            keeper.close()
    figures = {
        "measures": measures,
        "rounds": rounds,
        "cold_seconds": cold,
        "query_seconds": statistics.median(a for a, _ in pairs),
        "duckdb_seconds": statistics.median(b for _, b in pairs),
        "ratio": statistics.median(a / b for a, b in pairs),
    }
    rounded = {name: round(it, 3) if isinstance(it, float) else it for name, it in figures.items()}
    print(json.dumps(rounded))


if __name__ == "__main__":
    main()
