"""The way of a job; the order of the steps is the guarantee (DESIGN §5).

::

    parse to a request → decide (policy) → plan (pure)          `prepare`: sees no data, spends nothing
      → charge + log leaf, one transaction                      `service.runner`, between the two
      → shards on workers → merge + noise in one worker         `execute`: needs the charge as a witness
      → store release + log → return                            `service.runner`

`execute` takes the `Paid` witness that only a recorded charge yields, and refuses a plan whose noise would
cost more than what was paid: data is touched after the charge or not at all.
"""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from fractions import Fraction
from pathlib import Path

from jobs import simulate
from jobs.codec import plan_to_json
from jobs.planning import Setting, build, operations, plan_loss, uses
from jobs.spec import JobSpec, Plan, Query
from policies.decide import Allowed, allowed_or_raise, decide
from policies.model import AccessPolicy
from policies.request import Request
from sandbox import canonical
from sandbox.errors import JobFailedError, TamperingError
from sandbox.privacy.loss import ZERO, Filter, Loss, cost_of_epsilon
from sandbox.schema import Field, JobId, Principal, Tag
from sandbox.vault.shard import ShardFile
from sandbox.workers.executor import Executor, Progress, Round, ShardWork

SHARD_ENTRY = "jobs.kernels:count_shard"
COMBINE_ENTRY = "jobs.measure:release"


@dataclass(frozen=True, slots=True)
class Circumstances:
    """The public facts about a dataset that a job is judged by, as of one moment."""

    version: int
    fields: Mapping[str, Field]
    tags: Mapping[str, Tag]
    policy: AccessPolicy | None
    filter: Filter
    delta: Fraction
    today: dt.date


@dataclass(frozen=True, slots=True)
class Prepared:
    """A job that may run once it is paid for."""

    query: Query
    allowed: Allowed
    epsilon: Fraction
    loss: Loss
    plan: Plan


def prepare(query: Query, spec: JobSpec, by: Principal, facts: Circumstances) -> Prepared:
    """Decide, find the loss and plan; raises `DeniedError` or `InvalidInputError`, touches nothing."""
    request = Request(
        dataset=query.dataset,
        principal=by,
        purpose=spec.purpose,
        uses=uses(query),
        operations=operations(query),
        loss=ZERO,
        max_rows=spec.max_rows,
        today=facts.today,
    )
    allowed = allowed_or_raise(decide(facts.policy, facts.tags, request))
    setting = Setting(facts.version, facts.fields, allowed.domains, allowed.max_rows, facts.filter)
    epsilon = spec.epsilon
    if epsilon is None:
        epsilon = simulate.solve(query, setting, spec, facts.delta, _expected_units(facts))
    loss = cost_of_epsilon(facts.filter, epsilon, facts.delta)
    return Prepared(query, allowed, epsilon, loss, build(query, setting, loss))


def _expected_units(facts: Circumstances) -> int | None:
    return facts.policy.unit.expected_units if facts.policy else None


@dataclass(frozen=True, slots=True)
class Paid:
    """Witness of a recorded charge: *job* paid *loss* in a filter of kind *filter*."""

    job: JobId
    filter: Filter
    loss: Loss


@dataclass(frozen=True, slots=True)
class Shard:
    """An encrypted file, its facts from the signed manifest, and the keys granted to this job."""

    path: Path
    file: ShardFile
    keys: Mapping[str, bytes]


def execute(
    paid: Paid, plan: Plan, shards: Sequence[Shard], executor: Executor, progress: Progress | None = None
) -> list[list[int]]:
    """Return the noisy integers of *plan*, one list of cells per measurement."""
    cost = plan_loss(plan, paid.filter)
    if not cost.fits(paid.loss):
        raise TamperingError("job.plan-costs-more", job=paid.job)
    written = plan_to_json(plan)
    answer = executor.run(
        Round(
            job=paid.job,
            shard_entry=SHARD_ENTRY,
            shards=tuple(_work(written, shard) for shard in shards),
            combine_entry=COMBINE_ENTRY,
            combine_public=canonical.encode({"plan": written}),
        ),
        progress,
    )
    noisy = [[int(value) for value in vector] for vector in json.loads(answer)]
    if [len(vector) for vector in noisy] != [plan.cells] * len(plan.measurements):
        raise JobFailedError("job.failed", job=paid.job, reason="answer-of-another-size")
    return noisy


def _work(plan: dict[str, object], shard: Shard) -> ShardWork:
    public = {"plan": plan, "path": str(shard.path), "file": asdict(shard.file)}
    secret = {name: key.hex() for name, key in shard.keys.items()}
    return ShardWork(canonical.encode(public), canonical.encode(secret))
