"""Keyong through the whole product: registered, tagged, granted; a lineage with a pure filter."""

from __future__ import annotations

import os
import sys
import tempfile
from fractions import Fraction
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent.parent))

from common import EPSILON, HIGH, LOW, ROWS_PER_PERSON, Answer, arguments, compare, read, truth
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from policies.build import parse
from policies.model import policy_digest
from policies.sign import public_half, sign
from service.asked import Decisions, JobRequest, NewDataset
from service.embedded import create_workspace, open_gatekeeper
from service.gatekeeper import Gatekeeper

CALLS = {"count": "COUNT(*)", "sum": "SUM(income)", "avg": "AVG(income)", "median": "MEDIAN(income)"}
POLICY = """\
apiVersion: keyong/v1
kind: AccessPolicy
metadata: {{dataset: bench.persons, version: 1, owner: owner}}
unit: {{key: person, namespace: bench.person, max_rows: {rows}, expected_units: 40000}}
budget: {{filter: pure, epsilon: 100000}}
columns:
  region: {{use: [group], categories: [{regions}]}}
  income: {{use: [measure], bounds: [{low:.0f}, {high:.0f}], grid: 0.01}}
grants:
  - to: [analyst]
    purposes: [bench]
    operations: [count, sum, avg, quantile]
    until: 2099-12-31
    approval: auto
"""


def prepare(place: Path, path: Path) -> Gatekeeper:
    """Return an open gatekeeper with the rows registered, tagged and granted."""
    os.environ["KEYONG_ANCHORS"] = str(place / "anchors")
    create_workspace(place / "ws", None)
    keeper = open_gatekeeper(place / "ws", executor="serial")
    keeper.identity_new("owner", ["owner"], [])
    keeper.identity_new("analyst", ["analyst"], [])
    owner = keeper.principal("owner")
    declared = {"filter": "pure", "required": ("region", "income"), "types": {"income": "float"}, "shards": 1}
    keeper.dataset_add(owner, NewDataset(path, "bench.persons", "person", "bench.person", **declared))
    keeper.dataset_tag(owner, "bench.persons", Decisions({}, "benchmark", above="0"))
    regions = ", ".join(sorted(truth(read(path))["count"]))
    policy = place / "policy.yaml"
    policy.write_text(POLICY.format(rows=ROWS_PER_PERSON, regions=regions, low=LOW, high=HIGH))
    key = Ed25519PrivateKey.generate()
    keeper.identity_key(owner, public_half(key))
    signed = sign(policy_digest(parse(policy.read_bytes(), "policy")), key)
    policy.with_name("policy.yaml.sig").write_text(signed.text())
    keeper.policy_apply(owner, policy)
    return keeper


def main() -> None:
    """Run the comparison."""
    path, runs = arguments()
    asked = 0
    with tempfile.TemporaryDirectory() as folder:
        keeper = prepare(Path(folder), path)
        analyst = keeper.principal("analyst")

        def ask(query: str) -> Answer:
            nonlocal asked
            asked += 1
            names = query.split(", ")
            columns = ", ".join(f"{CALLS[name]} AS v{number}" for number, name in enumerate(names))
            sql = f"SELECT region, {columns} FROM bench.persons GROUP BY region"
            # A billionth less each time: equal requests would be answered from the stored release.
            epsilon = format(float(Fraction(str(EPSILON)) - Fraction(asked, 10**9)), ".9f")
            job = keeper.job_submit(analyst, JobRequest(sql, "bench", epsilon=epsilon))["job"]
            rows = keeper.job_run(analyst, job)["tables"][0]["rows"]
            return {
                name: {row["region"]: float(row[f"v{number}"]) for row in rows}
                for number, name in enumerate(names)
            }

        try:
            compare("Keyong", ask, path, runs)
        finally:
            keeper.close()


if __name__ == "__main__":
    main()
