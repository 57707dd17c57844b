"""What a job would cost and how far off it would be, told before anything is spent.

No data is read and nothing is charged: everything is worked out from the plan, the limits and the ledger.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from jobs import pipeline, simulate
from policies.decide import Denied
from sandbox.errors import DeniedError
from sandbox.privacy import ledger
from sandbox.schema import DatasetName, Principal, Role
from service.approvals import consent
from service.approvals.agreed import agreed
from service.approvals.templates import spec_of
from service.asked import JobRequest
from service.clock import present
from service.desk import Desk, require
from service.jobs import case as cases
from service.jobs import forecast
from service.jobs.costing import items
from service.jobs.forecast import Account
from service.jobs.refusing import log_refusal
from service.jobs.requests import check_counts, statements
from service.jobs.submission import replay_key_of
from service.keeping.retention import released_as
from service.numbers import fraction

Json = dict[str, Any]

SUPPRESSION = ("result.suppression",)
"""Message keys of the rules by which rows are left out: the same for every dataset."""


def explain(desk: Desk, by: Principal, request: JobRequest) -> Json:
    """Return what a job would cost and how far off it would be; reads no data, charges nothing.

    A job that would be denied is explained by every rule that says no.  A denial is logged as that of a
    submission: whoever tries rules out by explaining leaves a trace too.
    """
    require(by, Role.ANALYST)
    try:
        return _explained(desk, by, request)
    except _Refused as refused:
        log_refusal(desk, by, request, refused.denied[0][1].reasons[0].error)
        return {"verdict": "denied", "reasons": _reasons(refused.denied)}
    except DeniedError as refusal:
        log_refusal(desk, by, request, refusal)
        raise


class _Refused(Exception):  # noqa: N818 - no error: an answer that takes a shorter way out
    """The policies that say no, by dataset."""

    def __init__(self, denied: Mapping[DatasetName, Denied]) -> None:
        super().__init__()
        self.denied = tuple(denied.items())


def _reasons(denied: Sequence[tuple[DatasetName, Denied]]) -> list[Json]:
    return [
        _reason(name, reason.rule, reason.error, refusal.ask)
        for name, refusal in denied
        for reason in refusal.reasons
    ]


def _reason(dataset: str, rule: str, error: DeniedError, ask: str | None) -> Json:
    return {"dataset": dataset, "rule": rule, "code": error.code, "facts": dict(error.facts), "ask": ask}


_LIMITS: Final = {
    "per-job": "budget.per_job",
    "per-analyst": "budget.per_analyst",
    "window": "budget.window",
    "lifetime": "budget.epsilon",
}
"""Names of limits in the ledger → where a policy sets them."""
_NAMESPACE: Final = "unit.namespace"
"""Where a policy names what a reviewer limits."""


def _short(accounts: Sequence[Account]) -> list[Json]:
    """Every limit that the job would pass."""
    own = [
        _reason(account.found.name, _LIMITS[name], refusal, account.found.owner)
        for account in accounts
        for name, refusal in ledger.refusals(account.loss, account.left, account.found.home)
    ]
    shared = {each.common.limit.namespace: each.common for each in accounts if each.common}
    refused = [refusal for each in shared.values() if (refusal := each.refusal())]
    return own + [_reason(str(it.facts["dataset"]), _NAMESPACE, it, None) for it in refused]


def _explained(desk: Desk, by: Principal, request: JobRequest) -> Json:
    spec = spec_of(desk, by, request)
    with desk.reading() as connection:
        now = present(connection)
        queries, case = cases.read_queries(connection, desk.workspace, by, spec.sql)
        check_counts(spec, len(queries))
        facts = case.facts(now.date())
        if denied := pipeline.refused(queries, spec, by, facts):
            raise _Refused(denied)
        prepared = pipeline.prepare(queries, spec, by, facts, case.tables)
        plan = prepared.plan
        sources = case.sources(plan)
        places = [(found.name, found.lineage, found.policy_digest) for found in sources]
        beforehand = agreed(connection, spec.template, places)
        rules = consent.rules_of_plan(prepared, sources, by.name, beforehand)
        costs = list(zip(sources, prepared.losses, strict=True))
        accounts = forecast.accounts_of(connection, by.name, now, costs)
        free = released_as(connection, replay_key_of(plan, sources), sources, now) is not None
    scarce = min(accounts, key=lambda account: account.times)
    texts = statements(spec.sql, len(queries))
    short = [] if free else _short(accounts)
    return {
        "verdict": "over-budget" if short else "allowed",
        "reasons": short,
        "datasets": [forecast.dataset(account, prepared) for account in accounts],
        "public_tables": [{"name": table.name, "digest": table.digest} for table in plan.tables],
        "mechanism": plan.mechanism,
        "epsilon": fraction(prepared.epsilon),
        "approval": consent.summary(rules),
        "whose": [consent.rule_to_json(rule) for rule in rules],
        "loss": accounts[0].shown(accounts[0].loss),
        "free_replay": free,
        "remaining": scarce.remaining,
        "queries_left": scarce.times,
        "halved": simulate.halved(plan, prepared.epsilon, accounts[0].found.delta),
        "statements": [
            forecast.statement(number, texts[number], query, prepared, request.group_size)
            for number, query in enumerate(queries)
        ],
        "measurements": [forecast.item(item, plan, accounts) for item in items(plan)],
        "workload": [forecast.workload(plan, number, accounts) for number in range(len(accounts))]
        if len(queries) > 1
        else [],
        "selection": forecast.selections(plan),
        "minimum_count": max(answer.minimum for answer in plan.answers),
        "suppression": list(SUPPRESSION),
    }
