"""What a statement asks of the policies, read off the statement alone.

What decides whether a row or a value counts (WHERE, conditions, COUNT arguments) is a *filter* use; what is
added up or ranked is a *measure* use; whatever a group key is made of is a *group* use, and so is what
COUNT(DISTINCT) lists; what is looked up in a public table is a *join* use.  A value per unit is used for what
the statement around it makes of it, and decides about rows at least; the unit itself needs no use.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from typing import Final

from jobs.domains import BOOLEAN
from jobs.expressions import Call, Column, Expression, Literal, columns
from jobs.relations import Frame, Join, Lookup, PerUnit, Scan, UnitValue, cores, inputs, place_of, shown
from jobs.spec import Aggregate, Query
from sandbox.schema import DatasetName, Use

_OPERATIONS: Final[dict[Aggregate, str]] = {
    Aggregate.COUNT: "count",
    Aggregate.UNITS: "count",
    Aggregate.HISTOGRAM: "count",
    Aggregate.DISTINCT: "distinct",
    Aggregate.SUM: "sum",
    Aggregate.AVG: "avg",
    Aggregate.CLIPPED: "avg",
    Aggregate.VAR_SAMP: "variance",
    Aggregate.VAR_POP: "variance",
    Aggregate.STDDEV_SAMP: "variance",
    Aggregate.STDDEV_POP: "variance",
    Aggregate.QUANTILE: "quantile",
    Aggregate.COVAR_SAMP: "correlation",
    Aggregate.COVAR_POP: "correlation",
    Aggregate.CORR: "correlation",
    Aggregate.REGR_SLOPE: "correlation",
    Aggregate.REGR_INTERCEPT: "correlation",
}
_ARGUMENT: Final = {
    Aggregate.COUNT: Use.FILTER,
    Aggregate.UNITS: Use.FILTER,
    Aggregate.DISTINCT: Use.GROUP,
}
"""The use an aggregate makes of its arguments, where it is not a measure use."""

_Found = defaultdict[str, set[Use]]
"""Uses by slot."""


def operations(query: Query) -> frozenset[str]:
    """Return what the statement computes, in the words of `policies.model.OPERATIONS`."""
    return frozenset(_OPERATIONS[measure.aggregate] for measure in query.measures)


def joined(query: Query) -> frozenset[DatasetName]:
    """Return the private datasets whose units the statement brings together."""
    return frozenset(query.sources)


def uses(query: Query) -> tuple[frozenset[tuple[str, Use]], ...]:
    """Return for each of the statement's sources every stored column with each use made of it."""
    found: _Found = defaultdict(set)
    for key in query.keys:
        _note(found, key, Use.GROUP)
    for measure in query.measures:
        for argument in measure.arguments:
            _argument(found, measure.aggregate, argument)
    _descend(found, query.frame)
    home = {core.place: core.source for core in cores(query.frame) if isinstance(core, Scan)}
    by_source: list[set[tuple[str, Use]]] = [set() for _ in query.sources]
    for name, made in found.items():
        if place_of(name) in home:
            by_source[home[place_of(name)]] |= {(shown(name), use) for use in made}
    return tuple(map(frozenset, by_source))


def _argument(found: _Found, aggregate: Aggregate, argument: Expression) -> None:
    match aggregate, argument:
        case Aggregate.DISTINCT, Call("case", (condition, value, Literal(None))):
            # COUNT(DISTINCT x) FILTER (WHERE p), or the same by hand: p decides about rows, as in WHERE.
            _note(found, condition, Use.FILTER)
            _note(found, value, Use.GROUP)
        case _:
            _note(found, argument, _ARGUMENT.get(aggregate, Use.MEASURE))


def _descend(found: _Found, frame: Frame) -> None:
    """Add the uses that *frame* makes, outermost first: a value per unit passes on those of its slot."""
    _conditions(found, (frame.where,))
    match frame.core:
        case PerUnit(keys=keys, values=values):
            for name, expression in keys:
                for use in (*sorted(found.get(name, ())), Use.GROUP):
                    _note(found, expression, use)
            for value in values:
                _value(found, value)
        case Join(condition=condition):
            _conditions(found, (condition,))
        case Lookup(on=on, condition=condition):
            for expression, _ in on:
                _note(found, expression, Use.JOIN)
            _conditions(found, (condition,))
    for inner in inputs(frame.core):
        _descend(found, inner)


def _conditions(found: _Found, given: Iterable[Expression | None]) -> None:
    for expression in given:
        if expression is not None:
            _note(found, expression, Use.FILTER)


def _value(found: _Found, value: UnitValue) -> None:
    """Counting asks of an argument only whether, or which, it is; its size matters to everything else."""
    if value.argument is None:
        return
    outside = () if value.kind in ("count", "distinct") else sorted(found.get(value.slot, ()))
    for use in outside or (Use.FILTER,):
        _note(found, value.argument, use)


def _note(found: _Found, expression: Expression, use: Use) -> None:
    pairs = _measured(expression) if use is Use.MEASURE else ((name, use) for name in columns(expression))
    for name, made in pairs:
        found[name].add(made)


def _measured(expression: Expression, measuring: bool = True) -> Iterator[tuple[str, Use]]:
    """In what is measured, conditions are filter uses."""
    match expression:
        case Column(name):
            yield name, Use.MEASURE if measuring else Use.FILTER
        case Call("case", arguments):
            for position, item in enumerate(arguments):
                condition = position % 2 == 0 and position < len(arguments) - 1
                yield from _measured(item, measuring and not condition)
        case Call(operation, arguments):
            for item in arguments:
                yield from _measured(item, measuring and operation not in BOOLEAN)
