"""A small hospital on a real workspace: people, a registered table, confirmed tags, a policy in force.

`with_labs` adds a second owner's dataset about the same persons, which the first may be joined with.
"""

from __future__ import annotations

import atexit
import random
import shutil
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import owners
import pytest

from sandbox.schema import Principal
from service.asked import Decisions, JobRequest, NewDataset
from service.embedded import create_workspace, open_gatekeeper
from service.gatekeeper import Gatekeeper

DATASET = "health.stays"
PURPOSE = "planning"
COUNTS = "SELECT ward, COUNT(*) AS n FROM health.stays GROUP BY ward"

POLICY = """\
apiVersion: keyong/v1
kind: AccessPolicy
metadata: {{dataset: health.stays, version: {version}, owner: bureau}}
unit: {{key: person, namespace: health.patient, max_rows: {max_rows}, most_rows: 10, expected_units: 100}}
budget: {{filter: {filter}, epsilon: {epsilon}, delta: {delta}{more}}}
defaults: {{"pi.*": deny, untagged: deny}}
joins: [{joins}]
columns:
  ward: {{use: [group, filter, join], categories: [A, B, C, null]}}
  days: {{use: [measure, filter, group, join], bounds: [0, 14], grid: 1}}
  cost: {{use: [measure, filter], bounds: [0, 1000], grid: 0.01}}
  seen: {{use: [group, filter], dates: [2020-01-01, 2020-12-31]}}
  urgent: {{use: [group, filter], categories: [true, false, null]}}
{columns}grants:
  - to: [group:researchers]
    purposes: [planning]
    operations: [count, sum, avg, variance, quantile, correlation, distinct]
    until: {until}
    approval: {approval}
"""

SELECTION = ", selection: {per_job: 1e-9, lifetime: 2.5e-9}"
"""For *more*: a δ that pays for two jobs which select keys."""
TOWN = "  town: {use: [group, filter], keys: selected}\n"
"""For *columns*: a column whose keys are selected."""

LABS = "health.labs"
LABS_POLICY = """\
apiVersion: keyong/v1
kind: AccessPolicy
metadata: {{dataset: health.labs, version: {version}, owner: laboratory}}
unit: {{key: subject, namespace: health.patient, max_rows: 2, expected_units: 80}}
budget: {{filter: {filter}, epsilon: {epsilon}, delta: {delta}}}
defaults: {{"pi.*": deny, untagged: deny}}
joins: [{joins}]
columns:
  test: {{use: [group, filter], categories: [blood, urine]}}
  value: {{use: [measure, filter], bounds: [0, 100], grid: 0.1}}
grants:
  - to: [group:researchers]
    purposes: [planning]
    operations: [count, sum, avg]
    until: {until}
    approval: {approval}
"""


def rows(people: int = 60, seed: int = 7, canary: str = "canary") -> list[dict[str, Any]]:
    """Invented stays, one to six a person, with nulls, values off the bounds and undeclared wards."""
    rng = random.Random(seed)
    return [
        {
            "person": 1000 + person,
            "name": f"{canary}-{person:04d}",
            "ward": rng.choice(["A", "B", "C", "D", ""]),
            "days": rng.choice(["", *map(str, range(-2, 20))]),
            "cost": rng.choice(["", "1e300", "-5", f"{rng.uniform(0, 1200):.2f}"]),
            "seen": f"2020-{rng.randint(1, 12):02d}-{rng.randint(1, 28):02d}",
            "urgent": rng.choice(["true", "false", ""]),
            "town": rng.choice(["Alt", "Neu", "Ost", f"hamlet {person}"]),
        }
        for person in range(people)
        for _ in range(rng.randint(1, 6))
    ]


def lab_rows(people: int = 80, seed: int = 8) -> list[dict[str, Any]]:
    """Invented samples, none to four a person; some of the persons have stays, too."""
    rng = random.Random(seed)
    return [
        {
            "subject": 1030 + person,
            "test": rng.choice(["blood", "urine", "hair"]),
            "value": rng.choice(["", f"{rng.uniform(-10, 120):.1f}"]),
        }
        for person in range(people)
        for _ in range(rng.randint(0, 4))
    ]


def write_csv(path: Path, table: list[dict[str, Any]]) -> Path:
    """Write *table* as CSV."""
    lines = [",".join(table[0]), *(",".join(str(value) for value in row.values()) for row in table)]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


@dataclass(frozen=True, slots=True)
class Stage:
    """An open gatekeeper and the people on it."""

    place: Path
    keeper: Gatekeeper
    bureau: Principal
    wang: Principal
    li: Principal
    lab: Principal

    def ask(self, sql: str = COUNTS, epsilon: str | None = "0.5", **more: Any) -> dict[str, Any]:
        """Submit and run as the analyst; return the result."""
        job = self.keeper.job_submit(self.wang, JobRequest(sql, PURPOSE, epsilon=epsilon, **more))
        return self.keeper.job_run(self.wang, job["job"])

    def apply(self, **options: Any) -> None:
        """Apply a policy made from `POLICY`."""
        path = self.place / "policy.yaml"
        path.write_text(policy(**options))
        owners.apply(self.keeper, self.bureau, path)

    def apply_labs(self, **options: Any) -> None:
        """Apply a policy made from `LABS_POLICY`."""
        path = self.place / "labs.yaml"
        path.write_text(policy(LABS_POLICY, **options))
        owners.apply(self.keeper, self.lab, path)


def policy(text: str = POLICY, **options: Any) -> str:
    """Return the policy *text* with *options*."""
    chosen = {
        "version": 1,
        "max_rows": 3,
        "filter": "zcdp",
        "epsilon": 8,
        "delta": "1e-6",
        "more": "",
        "approval": "auto",
        "until": "2099-12-31",
        "joins": LABS if text is POLICY else DATASET,
        "columns": "",
    }
    return text.format(**chosen | options)


def build(
    place: Path, *, executor: str = "serial", table: list[dict[str, Any]] | None = None, **options: Any
) -> Stage:
    """Make the workspace in *place* and open it; *options* go into the policy."""
    create_workspace(place / "ws", None)
    stage = reopen(place, executor=executor, people=True)
    kind = options.get("filter", "zcdp")
    source = write_csv(place / "stays.csv", rows() if table is None else table)
    new = NewDataset(
        source, DATASET, "person", "health.patient", filter=kind, shards=4, types={"ward": "string"}
    )
    stage.keeper.dataset_add(stage.bureau, new)
    stage.keeper.dataset_tag(stage.bureau, DATASET, Decisions({"name": "pi.name"}, "test", above="0"))
    stage.apply(**options)
    return stage


_BUILT: dict[str, Path] = {}


def copied(
    place: Path, monkeypatch: pytest.MonkeyPatch, *, labs: dict[str, Any] | None = None, **options: Any
) -> Stage:
    """As `build`, but built once and copied from then on; its anchors lie in *place*.

    *labs*: with the laboratory's samples, under these options of `with_labs`.
    """
    monkeypatch.setenv("KEYONG_ANCHORS", str(place / "anchors"))
    known = repr((labs, sorted(options.items())))
    if known not in _BUILT:
        original = Path(tempfile.mkdtemp(prefix="keyong-stage-"))
        atexit.register(shutil.rmtree, original, ignore_errors=True)
        stage = build(original, **options)
        if labs is not None:
            with_labs(stage, **labs)
        stage.keeper.close()
        _BUILT[known] = original
    shutil.copytree(_BUILT[known], place, dirs_exist_ok=True)
    return reopen(place)


def with_labs(stage: Stage, **options: Any) -> Stage:
    """Register the laboratory's samples on *stage*, in twice as many shards; *options* go into the policy."""
    source = write_csv(stage.place / "labs.csv", lab_rows())
    new = NewDataset(
        source,
        LABS,
        "subject",
        "health.patient",
        filter=options.get("filter", "zcdp"),
        shards=8,
        types={"value": "decimal(6,1)"},
        new_lineage="another owner's data about the same persons",
    )
    stage.keeper.dataset_add(stage.lab, new)
    stage.keeper.dataset_tag(stage.lab, LABS, Decisions({}, "test", above="0"))
    stage.apply_labs(**options)
    return stage


def reopen(place: Path, *, executor: str = "serial", people: bool = False) -> Stage:
    """Open the workspace in *place*, as another process would."""
    keeper = open_gatekeeper(place / "ws", executor=executor)
    if people:
        keeper.identity_new("bureau", ["owner"], [])
        keeper.identity_new("wang", ["analyst"], ["researchers"])
        keeper.identity_new("li", ["reviewer"], [])
        keeper.identity_new("laboratory", ["owner"], [])
        for name in ("bureau", "laboratory"):
            owners.pin(keeper, name)
    return Stage(place, keeper, *map(keeper.principal, ("bureau", "wang", "li", "laboratory")))
