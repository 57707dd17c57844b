"""Does a policy fit its dataset?  Every problem at once, each with its line; public metadata only."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction

from policies.load import Path, show_path
from policies.model import AccessPolicy, ColumnRule
from sandbox.errors import InvalidInputError
from sandbox.schema import CategoricalDomain, DatasetName, DateDomain, Field, Kind, NumericDomain, Scalar, Tag


@dataclass(frozen=True, slots=True)
class DatasetFacts:
    """What registration fixed and a policy only restates; *unit* is the key column or ``row``."""

    name: DatasetName
    unit: str
    namespace: str
    filter: str
    delta: Fraction


def problems(
    policy: AccessPolicy, fields: Sequence[Field], tags: Mapping[str, Tag], facts: DatasetFacts
) -> tuple[InvalidInputError, ...]:
    """Return everything that keeps *policy* from being applied to the dataset; empty means it fits.

    Each problem is an `InvalidInputError` ``policy.…`` ready to be raised or shown.
    """
    known = {field.name: field for field in fields}
    return (*_restated(policy, facts), *_columns(policy, known, tags))


def _restated(policy: AccessPolicy, facts: DatasetFacts) -> Iterator[InvalidInputError]:
    pairs: tuple[tuple[Path, object, object], ...] = (
        (("metadata", "dataset"), policy.dataset, facts.name),
        (("unit", "key"), policy.unit.key, facts.unit),
        (("unit", "namespace"), policy.unit.namespace, facts.namespace),
        (("budget", "filter"), policy.budget.filter, facts.filter),
        (("budget", "delta"), policy.budget.delta, facts.delta),
    )
    for path, written, registered in pairs:
        if written != registered:
            yield InvalidInputError(
                "policy.not-as-registered",
                where=policy.where(path),
                path=show_path(path),
                written=decimal(written),
                registered=decimal(registered),
            )


def _columns(
    policy: AccessPolicy, known: Mapping[str, Field], tags: Mapping[str, Tag]
) -> Iterator[InvalidInputError]:
    for rule in policy.columns:
        where = policy.where(("columns", rule.name))
        field, tag = known.get(rule.name), tags.get(rule.name)
        if field is None:
            yield InvalidInputError("policy.unknown-column", where=where, column=rule.name)
            continue
        if (rule.uses or rule.by_tag) and not (tag and tag.confirmed):
            yield InvalidInputError("policy.column-not-confirmed", where=where, column=rule.name)
        if not _fits(rule, field):
            yield InvalidInputError(
                "policy.domain-misfit", where=where, column=rule.name, kind=field.kind.value
            )


def _fits(rule: ColumnRule, field: Field) -> bool:
    match rule.domain:
        case None:
            return True
        case NumericDomain():
            return field.kind.numeric
        case DateDomain():
            return field.kind in (Kind.DATE, Kind.TIMESTAMP)
        case CategoricalDomain(values):
            return all(value is None or _is_a(value, field.kind) for value in values)


def _is_a(value: Scalar, kind: Kind) -> bool:
    if kind in (Kind.FLOAT, Kind.DECIMAL):
        return isinstance(value, int | float) and not isinstance(value, bool)
    types: dict[Kind, type] = {Kind.INTEGER: int, Kind.BOOLEAN: bool, Kind.STRING: str}
    return type(value) is types.get(kind)


def decimal(value: object) -> str:
    """Return exact decimal text where there is one: people write 0.000001, not 1/1000000."""
    if not isinstance(value, Fraction):
        return str(value)
    digits = 0
    while digits < 60 and (value * 10**digits).denominator != 1:
        digits += 1
    sign, scaled = "-" * (value < 0), str(int(abs(value) * 10**digits)).rjust(digits + 1, "0")
    return f"{sign}{scaled[:-digits]}.{scaled[-digits:]}" if digits else sign + scaled
