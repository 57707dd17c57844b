"""What a plan costs and how far off its answers will be, as the JSON that people are shown beforehand.

Pure but for the ledger's figures, which the caller brings along: no data is read, nothing is charged.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import reduce
from math import prod
from typing import Any

import sqlalchemy as sa

from jobs import simulate
from jobs.derivations import derivations
from jobs.expressions import columns
from jobs.pipeline import Prepared
from jobs.plan import Answer, Binning, Distinct, Factor, Measurement, Part, Plan, Quantile, Total, Units
from jobs.planning import plan_losses
from jobs.reading import measured
from jobs.relations import shown
from jobs.sensitivity import reach
from jobs.spec import Output, Query
from jobs.values import PAIRED, SPREAD
from policies.approvals import written
from sandbox.privacy import ledger, namespaces
from sandbox.privacy.intervals import half_width
from sandbox.privacy.loss import ZERO, Loss
from sandbox.privacy.namespaces import Common
from service.dossier import Dossier
from service.jobs.costing import Item, item_losses, items, statement_losses
from service.numbers import fraction, left_to_json, loss_to_json

Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Account:
    """One dataset's side: its dossier, what the job would cost it, what each limit leaves.

    *common*: what the job would cost its namespace and what that has left, None if it has no limit.
    """

    found: Dossier
    loss: Loss
    left: Mapping[str, Loss]
    common: Common | None = None

    def shown(self, loss: Loss) -> Json:
        """Return a loss of this dataset as JSON."""
        return loss_to_json(loss, self.found.filter, self.found.delta)

    @property
    def remaining(self) -> Json:
        """What is left under every limit together."""
        left = dict(self.left)
        if self.common:
            left["namespace"] = self.common.limit.share(self.common.room, self.found.filter)
        return left_to_json(tightest(left), self.found.filter, self.found.delta)

    @property
    def times(self) -> int:
        """How many such jobs may still be charged."""
        own = times(self.left, self.loss)
        return own if self.common is None else min(own, self.common.times())


def accounts_of(
    connection: sa.Connection, by: str, at: dt.datetime, costs: Sequence[tuple[Dossier, Loss]]
) -> list[Account]:
    """Return the side of every dataset that a job of *by* would charge now."""
    charged = [(found.lineage, loss) for found, loss in costs]
    shared = {each.limit.namespace: each for each in namespaces.common(connection, charged)}
    return [
        Account(
            found,
            loss,
            ledger.remaining(connection, found.lineage, by, at, found.limits()),
            shared.get(found.manifest.namespace),
        )
        for found, loss in costs
    ]


def tightest(left: Mapping[str, Loss]) -> Loss:
    """Return what is left under every limit together; the limit of a single job is not one of them."""
    return reduce(Loss.within, (loss for name, loss in left.items() if name != "per-job"))


def times(left: Mapping[str, Loss], cost: Loss) -> int:
    """Return how many jobs of *cost* may still be charged."""
    if not cost.fits(left.get("per-job", cost)):
        return 0
    return cost.times_in(tightest(left))


def dataset(account: Account, prepared: Prepared) -> Json:
    """Return what one dataset says to the job: rule, bounds, what it pays and has left."""
    found, allowed = account.found, prepared.allowed[account.found.name]
    return {
        "dataset": found.name,
        "version": found.manifest.version,
        "policy_version": found.policy.version if found.policy else 0,
        "rule": f"grants[{allowed.grant}]",
        "approval": written(allowed.approval),
        "max_rows": allowed.max_rows,
        "most_rows": allowed.most_rows,
        "max_groups": allowed.max_groups,
        "max_group_rows": allowed.max_group_rows,
        "loss": account.shown(account.loss),
        "remaining": account.remaining,
        "queries_left": account.times,
    }


def statement(
    number: int, text: str | None, query: Query, prepared: Prepared, group_size: int | None
) -> Json:
    """Return one statement with the error expected of each of its columns."""
    plan = prepared.plan
    answer = plan.answers[number]
    size = simulate.group_size(plan, answer, group_size, prepared.expected_units)
    widths = simulate.half_widths(plan, answer, size)
    return {
        "statement": number + 1,
        "sql": text,
        "cells": sum(plan.parts[part].cells for part, _ in answer.sets),
        "group_size": size,
        "columns": [_column(output, plan, answer, widths) for output in query.outputs],
    }


def _column(output: Output, plan: Plan, answer: Answer, widths: Sequence[Any]) -> Json:
    kind, _, index = getattr(output.expression, "name", "").partition(":")
    told: Json = {
        "half_width": None,
        "error": None,
        "assumed": None,
        "clamp": None,
        "bound": None,
        "derived_from": [],
    }
    if kind == "measure":
        told = _measure(plan, answer, int(index), widths[int(index)])
    return {"name": output.name, "kind": "key" if kind in ("key", "grouping") else "value", **told}


def _measure(plan: Plan, answer: Answer, number: int, width: float | None) -> Json:
    recipe = answer.recipes[number]
    part = plan.parts[answer.sets[0][0]]
    used = [part.measurements[place] for place in recipe.places[0]]
    rank = any(isinstance(item, Quantile) for item in used)
    return {
        "half_width": width,
        "error": None if width is None else "rank" if rank else "value",
        "assumed": "even" if width is not None and recipe.aggregate in PAIRED | SPREAD else None,
        "clamp": _clamps(used),
        "bound": reach(part).rows,
        "derived_from": [
            {
                "what": it.what,
                "kind": it.kind,
                "low": None if it.low is None else fraction(it.low),
                "high": None if it.high is None else fraction(it.high),
                "source": it.source,
            }
            for it in derivations(plan, replace(answer, recipes=(recipe,)))
        ],
    }


def _clamps(used: Sequence[Measurement]) -> str | None:
    """The ranges that numbers are moved into, each once; None where nothing is."""
    found: list[Factor | Binning] = []
    for item in used:
        match item:
            case Total(factors=factors, axis=axis):
                found += [*factors, *([axis] if axis else [])]
            case Quantile(binning=binning):
                found.append(binning)
    texts = [f"{fraction(it.low)} … {fraction(it.high)} by {fraction(it.grid)}" for it in found]
    return "; ".join(dict.fromkeys(texts)) or None


def item(item: Item, plan: Plan, accounts: Sequence[Account]) -> Json:
    """Return what is measured once, for which statements, and what it costs each dataset."""
    part = plan.parts[item.part]
    measurement = None if item.number is None else part.measurements[item.number]
    losses = item_losses(plan, item, [account.found.filter for account in accounts])
    return {
        "statements": [number + 1 for number in item.statements],
        "kind": "selection" if measurement is None else _kind(measurement),
        "column": _names(part, measurement),
        "clamp": None if measurement is None else _clamps([measurement]),
        "bound": reach(part).rows,
        "half_width": _half_width(plan, part, measurement),
        "losses": [
            {"dataset": account.found.name} | account.shown(loss)
            for account, loss in zip(accounts, losses, strict=True)
            if loss != ZERO
        ],
    }


def _kind(item: Measurement) -> str:
    if not isinstance(item, Total):
        return type(item).__name__.lower()  # units, distinct, quantile
    if item.axis is not None:
        return "histogram"
    return ("count", "sum", "product")[len(item.factors)]


def _names(part: Part, item: Measurement | None) -> str:
    """The columns that a measurement reads, or that keys are selected from, for the eye."""
    read = [key.expression for key in part.keys] if item is None else list(measured(item))
    return ", ".join(sorted({shown(name) for expression in read for name in columns(expression)}))


def _half_width(plan: Plan, part: Part, item: Measurement | None) -> float | None:
    """The 95 % half-width of one noise, in the measurement's own unit; a draw of bins has none."""
    match item:
        case None:
            scale, unit = part.selection.scale if part.selection else Fraction(0), Fraction(1)
            return float(half_width("discrete-gaussian", scale) * unit)
        case Total(factors=factors, scale=scale):
            unit = prod((factor.grid for factor in factors), start=Fraction(1))
            return float(half_width(plan.mechanism, scale) * unit)
        case Units(scale=scale) | Distinct(scale=scale):
            return float(half_width(plan.mechanism, scale))
        case Quantile():
            return None


def workload(plan: Plan, number: int, accounts: Sequence[Account]) -> Json:
    """What the statements cost one dataset together, and what each would cost alone at the same error."""
    account = accounts[number]
    filters = [each.found.filter for each in accounts]
    parts = [statement_losses(plan, each, filters)[number] for each in range(len(plan.answers))]
    return {
        "dataset": account.found.name,
        "loss": account.shown(plan_losses(plan, filters)[number]),
        "parts": [account.shown(loss) for loss in parts],
        "sum": account.shown(sum(parts, start=ZERO)),
    }


def selections(plan: Plan) -> list[Json]:
    """Return the thresholds above which keys that nobody declared are shown."""
    found = [(item, plan.parts[item.part].selection) for item in items(plan) if item.number is None]
    return [
        {
            "statements": [number + 1 for number in item.statements],
            "threshold": rule.threshold,
            "delta": fraction(rule.delta),
        }
        for item, rule in found
        if rule is not None
    ]
