"""Conditions, comparisons and choices between values."""

from __future__ import annotations

from collections.abc import Callable
from functools import reduce
from typing import Final

import pyarrow as pa
import pyarrow.compute as pc

from jobs.operations.values import (
    BOOLEAN,
    FLOAT,
    NULL_TRUTH,
    Datum,
    as_type,
    common,
    common_type,
    finite,
    nulls_for,
)


def _comparison(function: Callable[[Datum, Datum], Datum]) -> Callable[[Datum, Datum], Datum]:
    def compare(a: Datum, b: Datum) -> Datum:
        a, b = common(a, b)
        return pc.cast(a, BOOLEAN) if pa.types.is_null(a.type) else function(a, b)

    return compare


def _kleene(function: Callable[[Datum, Datum], Datum]) -> Callable[..., Datum]:
    return lambda *values: reduce(function, [as_type(value, BOOLEAN) for value in values])


def _in(value: Datum, *literals: Datum) -> Datum:
    target = common_type([item.type for item in (value, *literals)])
    value = as_type(value, target)
    wanted = [as_type(item, target) for item in literals if item.is_valid]
    if not wanted:
        return nulls_for(value, NULL_TRUTH)
    listed = pa.array([item.as_py() for item in wanted], target)
    if target == FLOAT:
        listed = finite(listed)
    # Null IN (…) is null; a miss is null too if the list holds a null, for that null might be the value.
    found = pc.if_else(pc.is_valid(value), pc.is_in(value, value_set=listed), NULL_TRUTH)
    missed = len(wanted) < len(literals)
    return pc.if_else(found, found, NULL_TRUTH) if missed else found


def _coalesce(*values: Datum) -> Datum:
    return pc.coalesce(*common(*values))


def _extreme(function: Callable[..., Datum]) -> Callable[..., Datum]:
    def choose(*values: Datum) -> Datum:
        values = tuple(common(*values))
        if pa.types.is_null(values[0].type):
            return pc.coalesce(*values)
        if values[0].type == BOOLEAN:
            return pc.cast(function(*(pc.cast(value, pa.int8()) for value in values)), BOOLEAN)
        return function(*values)

    return choose


def _case(*arguments: Datum) -> Datum:
    conditions = [pc.coalesce(as_type(item, BOOLEAN), False) for item in arguments[:-1:2]]
    *values, result = common(*arguments[1:-1:2], arguments[-1])
    for condition, value in zip(reversed(conditions), reversed(values), strict=True):
        result = pc.if_else(condition, value, result)
    return result


FUNCTIONS: Final[dict[str, Callable[..., Datum]]] = {
    "equal": _comparison(pc.equal),
    "not_equal": _comparison(pc.not_equal),
    "less": _comparison(pc.less),
    "less_equal": _comparison(pc.less_equal),
    "greater": _comparison(pc.greater),
    "greater_equal": _comparison(pc.greater_equal),
    "and": _kleene(pc.and_kleene),
    "or": _kleene(pc.or_kleene),
    "not": lambda value: pc.invert(as_type(value, BOOLEAN)),
    "is_null": pc.is_null,
    "in": _in,
    "coalesce": _coalesce,
    "greatest": _extreme(pc.max_element_wise),
    "least": _extreme(pc.min_element_wise),
    "case": _case,
}
