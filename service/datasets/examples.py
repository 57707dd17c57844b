"""Questions that a policy answers, written from the policy and the confirmed tags alone.

Each is one that its reader may ask as it stands: the grant, the uses, the domains and the loss for one job
allow it.  They show what is possible with the columns there are; no row is looked at.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Sequence
from typing import Any, Final

from policies.model import GROUP_PREFIX, AccessPolicy, ColumnRule, Grant
from policies.pace import usual_loss
from sandbox.schema import ROW_UNIT, CategoricalDomain, DateDomain, NumericDomain, Principal, Scalar, Use
from service.dossier import Dossier
from service.numbers import fraction

SQL: Final = "sql"
"""The kind of job that an example is."""
MOST_GROUPS: Final = 60
"""An example groups by a column of at most so many categories."""
_VALUES: Final = (
    ("sum", "SUM({}) AS total"),
    ("avg", "AVG({}) AS mean"),
    ("quantile", "MEDIAN({}) AS middle"),
)


def grants_of(policy: AccessPolicy, by: Principal, today: dt.date) -> list[Grant]:
    """Return the grants that name *by* or one of its groups and have not expired."""
    names = {by.name, *(GROUP_PREFIX + group for group in by.groups)}
    return [grant for grant in policy.grants if grant.to & names and today <= grant.until]


def examples(found: Dossier, by: Principal, today: dt.date) -> list[dict[str, Any]]:
    """Return ``{"sql", "purpose", "epsilon"}`` for each question; none for whom no grant is open."""
    if found.policy is None:
        return []
    epsilon = fraction(usual_loss(found.policy.budget))
    shown: dict[str, dict[str, Any]] = {}
    for grant in grants_of(found.policy, by, today):
        if grant.purposes and SQL in grant.kinds:
            for sql in _questions(found, found.policy, grant):
                shown.setdefault(sql, {"sql": sql, "purpose": min(grant.purposes), "epsilon": epsilon})
    return list(shown.values())


def _questions(found: Dossier, policy: AccessPolicy, grant: Grant) -> Iterator[str]:
    listed = [rule.name for rule in policy.columns if rule.name in found.fields]
    names = dict.fromkeys((*listed, *found.fields))
    rules = [rule for name in names if _confirmed(found, name) and (rule := found.rule(name))]
    group = _first(rules, Use.GROUP, _few)
    measure = _first(rules, Use.MEASURE, lambda rule: isinstance(rule.domain, NumericDomain))
    source, unit = found.name, found.manifest.unit
    if "count" in grant.operations:
        yield _grouped(source, None, "COUNT(*) AS n")
        if unit != ROW_UNIT:
            yield _grouped(source, None, f"COUNT(DISTINCT {_name(unit)}) AS units")
        yield from _counts(source, rules, group)
    for operation, value in _VALUES:
        if operation in grant.operations and measure:
            told = value.format(_name(measure.name))
            yield _grouped(source, group if operation == "avg" else None, told)


def _counts(source: str, rules: Sequence[ColumnRule], group: ColumnRule | None) -> Iterator[str]:
    if group:
        yield _grouped(source, group, "COUNT(*) AS n")
    chosen = _first(rules, Use.FILTER, lambda rule: rule is not group and _condition(rule) is not None)
    if chosen:
        yield f"{_grouped(source, None, 'COUNT(*) AS n')} WHERE {_condition(chosen)}"


def _grouped(source: str, group: ColumnRule | None, value: str) -> str:
    if group is None:
        return " ".join(("SELECT", value, "FROM", source))
    key = _name(group.name)
    return " ".join(("SELECT", f"{key},", value, "FROM", source, "GROUP BY", key))


def _confirmed(found: Dossier, column: str) -> bool:
    tag = found.tags.get(column)
    return tag is not None and tag.confirmed


def _first(rules: Sequence[ColumnRule], use: Use, fits: Any) -> ColumnRule | None:
    return next((rule for rule in rules if use in rule.uses and fits(rule)), None)


def _few(rule: ColumnRule) -> bool:
    return isinstance(rule.domain, CategoricalDomain) and 1 < len(rule.domain.values) <= MOST_GROUPS


def _condition(rule: ColumnRule) -> str | None:
    """A condition that splits the column's domain, None where there is none to write."""
    name = _name(rule.name)
    match rule.domain:
        case NumericDomain(low, high, grid):
            middle = low + (high - low) / grid // 2 * grid
            return f"{name} >= {fraction(middle)}"
        case DateDomain(low, high):
            return f"{name} >= DATE '{low + (high - low) // 2}'"
        case CategoricalDomain(values):
            known = next((value for value in values if value is not None), None)
            return None if known is None else f"{name} = {_literal(known)}"
    return None


def _literal(value: Scalar) -> str:
    match value:
        case bool():
            return "TRUE" if value else "FALSE"
        case int() | float():
            return str(value)
        case dt.datetime():
            return f"TIMESTAMP '{value}'"
        case dt.date():
            return f"DATE '{value}'"
    text = str(value).replace("'", "''")
    return f"'{text}'"


def _name(column: str) -> str:
    """A column's name as SQL writes it: in quotes unless it is a plain word that means nothing else."""
    from sqlglot.tokens import Tokenizer  # noqa: PLC0415 - sqlglot, 0.1 s that only examples need

    plain = column.isascii() and column.isidentifier() and column.upper() not in Tokenizer.KEYWORDS
    quoted = column.replace('"', '""')
    return column if plain else f'"{quoted}"'
