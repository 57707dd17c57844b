"""The way of a job; the order of the steps is the guarantee (DESIGN §5).

::

    parse to a request → decide (policies) → plan (pure)        `prepare`: sees no data, spends nothing
      → charge + log leaf, one transaction                      `service.jobs.submission`, between the two
      → shards on workers → merge + noise in one worker         `execute`: needs the charge as a witness
      → store release + log → return                            `service.jobs.runner`

Every dataset that is read decides by its own policy, pays from its own budget, and is paid in full.
`execute` takes the `Paid` witness that only recorded charges yield, and refuses a plan whose noise would cost
any dataset more than what was paid: data is touched after the charge or not at all.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction

from jobs import simulate
from jobs.codec import plan_to_json
from jobs.plan import Plan, Released
from jobs.planning import (
    Budget,
    Setting,
    SourceFacts,
    TableFacts,
    build,
    build_for,
    joined,
    operations,
    plan_losses,
    selected,
    uses,
)
from jobs.releases import decode_release
from jobs.rounds import Inputs, Shard, work_items
from jobs.spec import JobSpec, Query
from policies.approvals import Approval
from policies.decide import Allowed, Decision, Denied, allowed_or_raise, decide
from policies.model import AccessPolicy
from policies.request import Request
from sandbox import canonical
from sandbox.errors import JobFailedError, TamperingError
from sandbox.privacy.loss import PICO, ZERO, Filter, Loss, cost_of_epsilon, epsilon_of_rho
from sandbox.schema import DatasetName, Field, JobId, Principal, Tag
from sandbox.workers.executor import Executor, Progress, Round

__all__ = [
    "Circumstances",
    "Inputs",
    "Paid",
    "Prepared",
    "Shard",
    "execute",
    "judge",
    "prepare",
    "refused",
]

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
    """A job that may run once it is paid for.

    *losses* and the plan's sources are in one order.  *expected_units* is the smallest number of units that
    a policy expects.
    """

    queries: tuple[Query, ...]
    plan: Plan
    losses: tuple[Loss, ...]
    epsilon: Fraction
    allowed: Mapping[DatasetName, Allowed]
    expected_units: int | None

    @property
    def automatic(self) -> bool:
        """Whether no policy asks for anybody's yes."""
        return all(item.approval is Approval.AUTO for item in self.allowed.values())


def prepare(
    queries: Sequence[Query],
    spec: JobSpec,
    by: Principal,
    facts: Mapping[DatasetName, Circumstances],
    tables: Mapping[DatasetName, TableFacts],
) -> Prepared:
    """Decide, find the losses and plan; raises `DeniedError` or `InvalidInputError`, touches nothing."""
    allowed = judge(queries, spec, by, facts)
    setting = _setting(queries, spec, facts, tables, allowed)
    expected = _expected_units(facts[name] for name in allowed)
    if spec.epsilon is not None:
        plan = build(
            queries, setting, Budget(setting.mechanism, _amount(setting, spec.epsilon), spec.weights)
        )
    else:
        plan = build_for(queries, setting, simulate.solve(queries, setting, spec.errors, expected))
    losses = plan_losses(plan, [facts[source.dataset].filter for source in plan.sources])
    return Prepared(
        queries=tuple(queries),
        plan=plan,
        losses=losses,
        epsilon=spec.epsilon or _epsilon(plan, losses, facts),
        allowed=allowed,
        expected_units=expected,
    )


# --- decide ---------------------------------------------------------------------------------------------


def judge(
    queries: Sequence[Query], spec: JobSpec, by: Principal, facts: Mapping[DatasetName, Circumstances]
) -> dict[DatasetName, Allowed]:
    """Return what every policy allows, or raise the first refusal: all must agree."""
    names = dict.fromkeys(name for query in queries for name in query.sources)
    return {name: allowed_or_raise(_decision(name, queries, spec, by, facts[name])) for name in names}


def refused(
    queries: Sequence[Query], spec: JobSpec, by: Principal, facts: Mapping[DatasetName, Circumstances]
) -> dict[DatasetName, Denied]:
    """Return every policy's refusal with all of its reasons; empty if all agree."""
    names = dict.fromkeys(name for query in queries for name in query.sources)
    found = {name: _decision(name, queries, spec, by, facts[name]) for name in names}
    return {name: decision for name, decision in found.items() if isinstance(decision, Denied)}


def _decision(
    name: DatasetName, queries: Sequence[Query], spec: JobSpec, by: Principal, facts: Circumstances
) -> Decision:
    reading = [query for query in queries if name in query.sources]
    request = Request(
        dataset=name,
        principal=by,
        purpose=spec.purpose,
        uses=frozenset().union(*(uses(query)[query.sources.index(name)] for query in reading)),
        operations=frozenset().union(*map(operations, reading)),
        loss=ZERO,
        max_rows=spec.max_rows,
        today=facts.today,
        joined=frozenset().union(*map(joined, reading)) - {name},
        tables=frozenset(table for query in reading for table in query.tables),
    )
    return decide(facts.policy, facts.tags, request)


# --- plan -----------------------------------------------------------------------------------------------


def _setting(
    queries: Sequence[Query],
    spec: JobSpec,
    facts: Mapping[DatasetName, Circumstances],
    tables: Mapping[DatasetName, TableFacts],
    allowed: Mapping[DatasetName, Allowed],
) -> Setting:
    named = dict.fromkeys(name for query in queries for name in query.tables)
    setting = Setting(
        tuple(_source(name, facts[name], found) for name, found in allowed.items()),
        tuple(tables[name] for name in named),
        spec.max_rows,
    )
    # A selection spends its δ in every dataset that its statement reads.
    spending = {name for query in queries if selected(query, setting) for name in query.sources}
    delta = min((allowed[name].selection_delta for name in spending), default=Fraction(0))
    return replace(setting, selection_delta=delta)


def _source(name: DatasetName, facts: Circumstances, allowed: Allowed) -> SourceFacts:
    return SourceFacts(
        dataset=name,
        version=facts.version,
        fields=facts.fields,
        domains=allowed.domains,
        max_rows=allowed.max_rows,
        most_rows=allowed.most_rows,
        filter=facts.filter,
        delta=facts.delta,
        select=allowed.select,
        minimum=allowed.minimum_count,
        max_groups=allowed.max_groups,
        max_group_rows=allowed.max_group_rows,
    )


def _amount(setting: Setting, epsilon: Fraction) -> Fraction:
    """Return *epsilon* in the mechanism's currency; the least ρ where datasets convert differently."""
    if setting.mechanism == "discrete-laplace":
        return Fraction(cost_of_epsilon(Filter.PURE, epsilon, Fraction(0)).epsilon_pico, PICO)
    costs = (cost_of_epsilon(Filter.ZCDP, epsilon, source.delta) for source in setting.sources)
    return Fraction(min(cost.rho_pico for cost in costs), PICO)


def _epsilon(plan: Plan, losses: Sequence[Loss], facts: Mapping[DatasetName, Circumstances]) -> Fraction:
    """Return the largest ε that any dataset's loss amounts to."""
    if plan.mechanism == "discrete-laplace":
        return Fraction(max(loss.epsilon_pico for loss in losses), PICO)
    pairs = zip(plan.sources, losses, strict=True)
    return max(epsilon_of_rho(loss.rho_pico, facts[source.dataset].delta) for source, loss in pairs)


def _expected_units(facts: Iterable[Circumstances]) -> int | None:
    known = [item.policy.unit.expected_units for item in facts if item.policy]
    return min((units for units in known if units is not None), default=None)


# --- execute --------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Paid:
    """Witness of recorded charges: *job* paid for source number i of its plan in a filter of that kind."""

    job: JobId
    charges: tuple[tuple[int, Filter, Loss], ...]


def execute(
    paid: Paid, plan: Plan, inputs: Inputs, executor: Executor, progress: Progress | None = None
) -> tuple[Released, ...]:
    """Return the release of *plan*, one entry per part."""
    _check_paid(paid, plan)
    answer = executor.run(
        Round(
            job=paid.job,
            shard_entry=SHARD_ENTRY,
            shards=work_items(plan, inputs),
            combine_entry=COMBINE_ENTRY,
            combine_public=canonical.encode({"plan": plan_to_json(plan)}),
        ),
        progress,
    )
    try:
        return decode_release(answer, plan)
    except ValueError:
        raise JobFailedError("job.failed", job=paid.job, reason="answer-of-another-size") from None


def _check_paid(paid: Paid, plan: Plan) -> None:
    """Refuse a plan that costs any source more than what was paid for it, or costs nothing countable."""
    charges = {source: (filter_, loss) for source, filter_, loss in paid.charges}
    try:
        filters = [charges[number][0] for number in range(len(plan.sources))]
        losses = plan_losses(plan, filters)
    except (KeyError, ValueError):
        raise TamperingError("job.plan-costs-more", job=paid.job) from None
    if not all(loss.fits(charges[number][1]) for number, loss in enumerate(losses)):
        raise TamperingError("job.plan-costs-more", job=paid.job)
