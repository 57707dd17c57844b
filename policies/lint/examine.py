"""Everything that can be said about a policy from its text and public facts: a pure function.

A policy that is examined has been parsed: what is no policy is refused with its line by `policies.build`.
What keeps it from being applied to its dataset (`policies.conform`) is an error here, and all of it is told.
"""

from __future__ import annotations

from typing import Final

from policies.conform import DatasetFacts, problems
from policies.lint import budget, columns, grants, unit
from policies.lint.finding import Finding, Rule, Severity, Surroundings
from policies.model import AccessPolicy

_RULES: Final[tuple[Rule, ...]] = (
    columns.rules,
    columns.operations,
    columns.groups,
    grants.never,
    grants.approvals,
    budget.limits,
    budget.joins,
    unit.groups,
)


def examine(
    policy: AccessPolicy, around: Surroundings, facts: DatasetFacts | None = None
) -> tuple[Finding, ...]:
    """Return what there is to say, the worst first, then in the order of the file.

    *facts* are what registration fixed, None if the dataset is not registered.
    """
    misfits = []
    if facts is not None:
        found = problems(policy, list((around.fields or {}).values()), around.tags, facts)
        misfits = [Finding(Severity.ERROR, problem.code, (), problem.facts) for problem in found]
    told = [finding for rule in _RULES for finding in rule(policy, around)]
    order = list(Severity)
    return tuple(
        sorted([*misfits, *told], key=lambda finding: (order.index(finding.severity), _line(policy, finding)))
    )


def _line(policy: AccessPolicy, finding: Finding) -> int:
    where = str(finding.facts.get("where", policy.where(finding.path)))
    line = where.rpartition(":")[2]
    return int(line) if line.isdecimal() else 0
