"""CASE, COALESCE, GREATEST and LEAST: the value of one of several expressions."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from jobs.expressions import Call, Expression, Literal
from jobs.ranges import Span, greatest, hull, least


def case_values(arguments: tuple[Expression, ...]) -> tuple[Expression, ...]:
    """Return the results of a CASE, its ELSE last."""
    return (*arguments[1:-1:2], arguments[-1])


def choices(call: Call) -> tuple[Expression, ...]:
    """Return the expressions that *call* chooses from, null literals left out; none if it does not."""
    if call.operation not in ("case", "coalesce", "greatest", "least"):
        return ()
    found = case_values(call.arguments) if call.operation == "case" else call.arguments
    return tuple(item for item in found if item != Literal(None))


def certain(expression: Expression) -> bool:
    """Return whether *expression* is never null, whatever its columns hold."""
    match expression:
        case Literal(value):
            return value is not None
        case Call("coalesce" | "greatest" | "least", arguments):
            return any(map(certain, arguments))
        case Call("case", arguments):
            return all(map(certain, case_values(arguments)))
        case Call("is_null"):
            return True
    return False


def chosen(call: Call, span_of: Callable[[Expression], Span | None]) -> Span | None:
    """Return the span of a choice, *span_of* giving those of its values; None if a value has none."""
    items = choices(call)
    parts = [span for span in map(span_of, items) if span is not None]
    if not parts or len(parts) < len(items):
        return None
    if call.operation in ("greatest", "least"):
        return _extreme(call, parts, [certain(item) for item in items])
    return hull(parts)


def _extreme(call: Call, parts: Sequence[Span], sure: Sequence[bool]) -> Span:
    return greatest(parts, sure) if call.operation == "greatest" else least(parts, sure)
