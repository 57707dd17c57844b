"""Findings about budgets and joins: limits that hold nobody back, or everybody, and partners that say no."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from typing import Final

from policies import pace
from policies.conform import decimal
from policies.lint.finding import Finding, Surroundings, note, warning
from policies.model import AccessPolicy
from sandbox.errors import Fact

HIGH: Final = Fraction(10)
"""Beyond this ε a promise says little about anybody."""
FEWEST: Final = 3
MOST: Final = 1000
"""Jobs at their limit that a budget should pay for at least, and hardly more than."""


def limits(policy: AccessPolicy, _around: Surroundings) -> Iterator[Finding]:
    """Yield limits that fit badly to each other or to the number of people."""
    budget, units = policy.budget, policy.unit.expected_units
    if budget.epsilon > HIGH:
        yield warning("lint.high-epsilon", ("budget", "epsilon"), epsilon=decimal(budget.epsilon))
    if units is None:
        yield note("lint.no-expected-units", ("unit",))
    elif budget.delta * units >= 1:
        told: dict[str, Fact] = {"delta": decimal(budget.delta), "units": units}
        yield warning("lint.high-delta", ("budget", "delta"), **told)
    if budget.per_job is None:
        yield warning("lint.no-per-job", ("budget",), epsilon=decimal(budget.epsilon))
    if budget.window is None:
        yield note("lint.no-window", ("budget",))
    yield from _shares(policy)
    yield from _jobs(policy)


def _shares(policy: AccessPolicy) -> Iterator[Finding]:
    budget = policy.budget
    if budget.per_job is None:
        return
    if budget.window and budget.per_job > budget.window.epsilon:
        told = {"per_job": decimal(budget.per_job), "limit": decimal(budget.window.epsilon)}
        yield warning("lint.job-above-window", ("budget", "per_job"), **told)
    if budget.per_analyst is not None and budget.per_job > budget.per_analyst:
        told = {"per_job": decimal(budget.per_job), "limit": decimal(budget.per_analyst)}
        yield warning("lint.job-above-analyst", ("budget", "per_job"), **told)


def _jobs(policy: AccessPolicy) -> Iterator[Finding]:
    budget = policy.budget
    loss = budget.per_job or pace.usual_loss(budget)
    jobs = pace.queries(budget, budget.epsilon, loss)
    told: dict[str, Fact] = {"jobs": jobs, "loss": decimal(loss), "epsilon": decimal(budget.epsilon)}
    if jobs < FEWEST:
        yield warning("lint.few-jobs", ("budget", "epsilon"), **told)
    elif jobs > MOST:
        yield note("lint.many-jobs", ("budget", "epsilon"), **told)


def joins(policy: AccessPolicy, around: Surroundings) -> Iterator[Finding]:
    """Yield datasets that may be joined with by this policy alone."""
    at = ("joins",)
    for name in sorted(policy.joins):
        partner = around.partners.get(name)
        if name == policy.dataset:
            yield note("lint.join-self", at, dataset=name)
        elif around.fields is not None and partner is None:
            yield warning("lint.join-unknown", at, dataset=name)
        elif partner and partner.namespace != policy.unit.namespace:
            told = {"other": partner.namespace, "namespace": policy.unit.namespace}
            yield warning("lint.join-of-others", at, dataset=name, **told)
        elif partner and policy.dataset not in (partner.joins or ()):
            yield warning("lint.join-not-mutual", at, dataset=name, this=policy.dataset)
