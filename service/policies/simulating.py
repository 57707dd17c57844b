"""What answers under a policy would look like, before it is in force: from its text and the schema alone.

Nobody asks and nothing is charged: each question is decided and planned as a job of somebody who has one of
the policy's grants, by the code that does it for real jobs.  Widths are those of `jobs.simulate`; what
depends on how many rows a group has takes them from the policy's ``expected_units``.  A grant that has passed
is tried on its last day.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import sqlalchemy as sa

from jobs import pipeline, simulate
from jobs.facts import TableFacts
from jobs.pipeline import Prepared
from jobs.plan import Quantile
from jobs.spec import JobSpec, Query
from policies import pace
from policies.build import parse
from policies.conform import problems
from policies.model import GROUP_PREFIX, AccessPolicy, Grant
from sandbox.errors import DeniedError, InvalidInputError
from sandbox.schema import DatasetName, Principal, Role
from service import dossier
from service.clock import present
from service.datasets import tables
from service.datasets.examples import examples
from service.desk import Desk, require
from service.dossier import Dossier
from service.jobs import case as cases
from service.jobs.requests import statements
from service.numbers import fraction
from service.policies.files import read_text
from service.policies.linting import facts_of

if TYPE_CHECKING:
    from jobs.sql.names import Described

Json = dict[str, Any]
MOST_QUESTIONS: Final = 50


@dataclass(frozen=True, slots=True)
class _Trial:
    """The dataset as it would be, the other datasets and tables that questions name, and the day."""

    datasets: Mapping[DatasetName, Dossier]
    looked_up: Mapping[DatasetName, TableFacts]
    name: DatasetName
    day: dt.date

    @property
    def found(self) -> Dossier:
        return self.datasets[self.name]

    def prepared(self, query: Query, spec: JobSpec, by: Principal) -> Prepared:
        """Decide and plan as for a job."""
        facts = {name: found.circumstances(self.day) for name, found in self.datasets.items()}
        return pipeline.prepare([query], spec, by, facts, self.looked_up)


def rehearse(desk: Desk, by: Principal, path: Path, queries: Path | None) -> Json:
    """Return what questions would cost and how far off they would be; see `service.gates.policies`."""
    require(by, Role.OWNER)
    policy = parse(read_text(path), str(path))
    text = read_text(queries).decode(errors="replace") if queries else None
    with desk.reading() as connection:
        found = dossier.read(connection, desk.workspace, policy.dataset)
        if found.owner != by.name:
            raise dossier.unknown(policy.dataset)
        fields = list(found.fields.values())
        for problem in problems(policy, fields, found.tags, facts_of(found)):
            raise problem
        found = replace(found, policy=policy)
        asked = text if text is not None else ";\n".join(_typical(found, policy))
        told = list(_told(desk, connection, by, found, asked)) if asked else []
    return {
        "file": str(path),
        "dataset": policy.dataset,
        "version": policy.version,
        "expected_units": policy.unit.expected_units,
        "every": policy.budget.window.every if policy.budget.window else None,
        "months": _rounded(pace.months(policy.budget)),
        "questions": told,
    }


def _typical(found: Dossier, policy: AccessPolicy) -> list[str]:
    """Return what the catalogue would propose to those who are granted something."""
    told = [one["sql"] for grant in policy.grants for one in examples(found, _somebody(grant), grant.until)]
    return list(dict.fromkeys(told))


def _somebody(grant: Grant) -> Principal:
    """Return somebody whom *grant* names."""
    names = [name for name in sorted(grant.to) if not name.startswith(GROUP_PREFIX)]
    groups = frozenset(name.removeprefix(GROUP_PREFIX) for name in grant.to if name.startswith(GROUP_PREFIX))
    return Principal(names[0] if names else "", frozenset({Role.ANALYST}), groups)


# --- questions ------------------------------------------------------------------------------------------


def _told(desk: Desk, connection: sa.Connection, by: Principal, found: Dossier, text: str) -> Iterator[Json]:
    from jobs.sql.parse import parse as parse_sql  # noqa: PLC0415 - sqlglot, 0.1 s that only SQL needs

    datasets: dict[DatasetName, Dossier] = {found.name: found}
    looked_up: dict[DatasetName, TableFacts] = {}

    def schema(name: DatasetName) -> Described:
        if name not in datasets and (table := tables.facts(connection, name)) is not None:
            looked_up[name] = table
            return cases.described(table)
        if name not in datasets:
            other = dossier.read(connection, desk.workspace, name)
            if not other.visible(by):
                raise dossier.unknown(name)
            datasets[name] = other
        return datasets[name].described()

    asked = parse_sql(text, schema)
    if len(asked) > MOST_QUESTIONS:
        raise InvalidInputError("policy.too-many-questions", limit=MOST_QUESTIONS)
    trial = _Trial(datasets, looked_up, found.name, present(connection).date())
    for query, sql in zip(asked, statements(text, len(asked)), strict=True):
        yield _question(trial, query, sql)


def _question(trial: _Trial, query: Query, sql: str | None) -> Json:
    policy = trial.found.policy
    assert policy is not None  # it is the one that is tried
    refusal: DeniedError | None = None
    for grant in policy.grants:
        day = min(trial.day, grant.until)
        for purpose in sorted(grant.purposes):
            try:
                rows = _amounts(replace(trial, day=day), policy, query, _somebody(grant), purpose)
            except DeniedError as error:
                refusal = refusal or error
                continue
            return {"sql": sql, "purpose": purpose, "denied": None, **rows}
    refusal = refusal or DeniedError("denied.no-grants", rule="grants", where=policy.file, ask=policy.owner)
    denied = {"code": refusal.code, "facts": refusal.facts}
    return {"sql": sql, "purpose": None, "denied": denied, "cells": 0, "group_size": None, "at": []}


def _losses(policy: AccessPolicy) -> list[Fraction]:
    """Return a few ε to try: half the usual one, the usual one, and the most that one job may cost."""
    budget = policy.budget
    usual, limits = pace.usual_loss(budget), [budget.epsilon, budget.per_job, budget.per_analyst]
    limits.append(budget.window.epsilon if budget.window else None)
    most = min(limit for limit in limits if limit is not None)
    return sorted({min(usual / 2, most), min(usual, most), most})


def _amounts(trial: _Trial, policy: AccessPolicy, query: Query, by: Principal, purpose: str) -> Json:
    made = []
    for epsilon in _losses(policy):
        spec = JobSpec(sql="", purpose=purpose, epsilon=epsilon)
        made.append((epsilon, trial.prepared(query, spec, by)))
    first = made[0][1]
    answer = first.plan.answers[0]
    return {
        "cells": sum(first.plan.parts[part].cells for part, _ in answer.sets),
        "group_size": simulate.group_size(first.plan, answer, None, first.expected_units),
        "at": [_at(trial, policy, query, epsilon, prepared) for epsilon, prepared in made],
    }


def _at(trial: _Trial, policy: AccessPolicy, query: Query, epsilon: Fraction, prepared: Prepared) -> Json:
    plan, answer = prepared.plan, prepared.plan.answers[0]
    size = simulate.group_size(plan, answer, None, prepared.expected_units)
    widths = simulate.half_widths(plan, answer, size)
    number = [source.dataset for source in plan.sources].index(trial.name)
    cost, limits, budget = prepared.losses[number], trial.found.limits(), policy.budget
    lifetime = pace.whole_times(budget.filter, limits.lifetime, cost)
    window = pace.whole_times(budget.filter, limits.window.limit, cost) if limits.window else None
    columns = []
    for output in query.outputs:
        kind, _, index = getattr(output.expression, "name", "").partition(":")
        if kind == "measure":
            recipe = answer.recipes[int(index)]
            part = plan.parts[answer.sets[0][0]]
            ranks = any(isinstance(part.measurements[place], Quantile) for place in recipe.places[0])
            width = widths[int(index)]
            columns.append({"name": output.name, "half_width": width, "error": "rank" if ranks else "value"})
    return {
        "epsilon": fraction(epsilon),
        "columns": columns,
        "per_window": window,
        "lifetime": lifetime,
        "months": _rounded(_months(policy, lifetime, window)),
    }


def _months(policy: AccessPolicy, lifetime: int, window: int | None) -> Fraction | None:
    """Return how long the budget lasts if this fills every window; None if nothing paces it."""
    if policy.budget.window is None or not window:
        return None
    return Fraction(lifetime, window) / pace.WINDOWS_A_MONTH[policy.budget.window.every]


def _rounded(months: Fraction | None) -> float | None:
    return None if months is None else round(float(months), 1)
