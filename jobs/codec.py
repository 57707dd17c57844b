"""Plans as canonical JSON: what a worker is given, what a replay key is made of, what the books keep.

Exact numbers are written as ``"numerator/denominator"`` text, so encoding is injective and needs no floats.
"""

from __future__ import annotations

from fractions import Fraction
from typing import Any

from jobs.expressions import Expression, from_json, scalar_from_json, scalar_to_json, to_json
from jobs.spec import Aggregate, Key, Measurement, Order, Output, Plan, Query, Recipe
from sandbox import canonical
from sandbox.schema import DatasetName


def plan_to_json(plan: Plan) -> dict[str, Any]:
    """Return *plan* as data that `sandbox.canonical` accepts."""
    return {
        "dataset": plan.dataset,
        "version": plan.version,
        "max_rows": plan.max_rows,
        "where": _optional(plan.where),
        "keys": [
            {"expression": to_json(key.expression), "categories": [scalar_to_json(v) for v in key.categories]}
            for key in plan.keys
        ],
        "measurements": [_measurement_to_json(item) for item in plan.measurements],
        "recipes": [[r.aggregate.value, r.count, r.sum] for r in plan.recipes],
        "mechanism": plan.mechanism,
    }


def plan_from_json(data: dict[str, Any]) -> Plan:
    """Return the plan that `plan_to_json` wrote."""
    return Plan(
        dataset=DatasetName(data["dataset"]),
        version=data["version"],
        max_rows=data["max_rows"],
        where=_expression(data["where"]),
        keys=tuple(
            Key(from_json(key["expression"]), tuple(scalar_from_json(v) for v in key["categories"]))
            for key in data["keys"]
        ),
        measurements=tuple(_measurement_from_json(item) for item in data["measurements"]),
        recipes=tuple(Recipe(Aggregate(kind), count, total) for kind, count, total in data["recipes"]),
        mechanism=data["mechanism"],
    )


def presentation_to_json(query: Query) -> dict[str, Any]:
    """Return the parts of *query* that act on released numbers only."""
    return {
        "outputs": [[output.name, to_json(output.expression)] for output in query.outputs],
        "having": _optional(query.having),
        "order": [[to_json(o.expression), o.descending, o.nulls_first] for o in query.order],
        "limit": query.limit,
    }


def presentation_from_json(data: dict[str, Any], plan: Plan) -> Query:
    """Return a query that shows a release of *plan* the way `presentation_to_json` recorded."""
    return Query(
        dataset=plan.dataset,
        where=plan.where,
        keys=tuple(key.expression for key in plan.keys),
        measures=(),
        outputs=tuple(Output(name, from_json(item)) for name, item in data["outputs"]),
        having=_expression(data["having"]),
        order=tuple(Order(from_json(item), down, first) for item, down, first in data["order"]),
        limit=data["limit"],
    )


def replay_key(plan: Plan, dataset_digest: str, policy_digest: str) -> str:
    """Return the digest under which a release of *plan* is found again, for free.

    The plan holds the normalised request and, in its noise scales, the loss; what acts on released numbers
    only (names, order, HAVING, and the recipes that make values of measurements) is not part of it.
    """
    measured = {name: part for name, part in plan_to_json(plan).items() if name != "recipes"}
    return canonical.digest([measured, dataset_digest, policy_digest])


def _measurement_to_json(item: Measurement) -> dict[str, Any]:
    return {
        "kind": item.kind,
        "argument": _optional(item.argument),
        "step": str(item.step),
        "sensitivity": str(item.sensitivity),
        **{name: _ratio(getattr(item, name)) for name in ("scale", "low", "high", "origin", "grid")},
    }


def _measurement_from_json(data: dict[str, Any]) -> Measurement:
    numbers = {name: Fraction(data[name]) for name in ("scale", "low", "high", "origin", "grid")}
    return Measurement(
        kind=data["kind"],
        argument=_expression(data["argument"]),
        step=int(data["step"]),
        sensitivity=int(data["sensitivity"]),
        **numbers,
    )


def _ratio(value: Fraction) -> str:
    return f"{value.numerator}/{value.denominator}"


def _optional(expression: Expression | None) -> list[Any] | None:
    return None if expression is None else to_json(expression)


def _expression(data: list[Any] | None) -> Expression | None:
    return None if data is None else from_json(data)
