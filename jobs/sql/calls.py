"""Aggregate calls as they are written: wrappers taken off, ``FILTER (WHERE p)`` written into the argument."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from sqlglot import exp

from jobs.expressions import Literal, columns
from jobs.sql.names import Typed, bare
from jobs.sql.shapes import Node
from jobs.sql.translator import Translator, number
from jobs.typing import NUMBERS
from sandbox.errors import InvalidInputError
from sandbox.schema import Kind

AGGREGATES: Final[tuple[type[Node], ...]] = (
    *(exp.Count, exp.CountIf, exp.Sum, exp.Avg, exp.Min, exp.Max, exp.Median, exp.Variance, exp.VariancePop),
    *(exp.Stddev, exp.StddevSamp, exp.StddevPop, exp.PercentileCont, exp.Corr, exp.CovarSamp, exp.CovarPop),
    *(exp.RegrSlope, exp.RegrIntercept, exp.WithinGroup),
)
MEASURED: Final = ("HISTOGRAM", "CLIPPED")
"""Aggregates that the parser has no class for."""


@dataclass(frozen=True, slots=True)
class AggregateCall:
    """An aggregate call with the wrappers around it taken off; *rows* translates what stands inside."""

    node: Node
    rows: Translator
    where: Node | None

    def kept(self, node: Node, value: Typed) -> Typed:
        """Return *value* where the FILTER is true, else null."""
        if self.where is None:
            return value
        condition = self.rows.typed(self.where)
        if condition.kind not in (Kind.BOOLEAN, None):
            raise self.rows.mismatch(self.where, str(condition.kind), "boolean")
        return self.rows.call(node, "case", condition, value, Typed(Literal(None), None))

    def argument(self, node: Node, *, numeric: bool) -> Typed:
        """Return what is aggregated: a value that reads columns; a number if *numeric*."""
        found = self.rows.typed(node)
        name = self.node.key.upper()
        if not columns(found.expression) or found.kind is None:
            raise InvalidInputError("sql.constant", **self.rows.source.place(node), found=name)
        if numeric and found.kind not in NUMBERS:
            boolean = "SUM(CASE WHEN … THEN 1 ELSE 0 END)"
            instead = boolean if found.kind is Kind.BOOLEAN else "COUNT(…)"
            raise self.rows.mismatch(node, f"{name}({found.kind})", instead)
        return self.kept(node, found)


def opened(translator: Translator, node: Node) -> AggregateCall:
    """Return the aggregate call that *node* is, FILTER taken off."""
    where = None
    if isinstance(node, exp.Filter):
        where, node = node.args["expression"].this, node.args["this"]
    named = isinstance(node, exp.Anonymous) and node.name.upper() in MEASURED
    if not named and not isinstance(node, AGGREGATES):
        raise translator.misplaced(node, "FILTER")
    return AggregateCall(node, translator.inner(), where)


def distinct(call: AggregateCall) -> Node | None:
    """Return x of COUNT(DISTINCT x)."""
    inner = call.node.args.get("this")
    if not isinstance(inner, exp.Distinct):
        return None
    if len(inner.expressions) != 1:
        place = call.rows.source.place(inner)
        raise InvalidInputError("sql.arguments", **place, found="COUNT(DISTINCT …)", wanted=1)
    found: Node = inner.expressions[0]
    return found


def counted_units(call: AggregateCall, node: Node) -> Typed | None:
    """Return the argument of units that are counted only where a CASE without ELSE names the unit."""
    node = bare(node)
    if isinstance(node, exp.Case):
        ifs, other, subject = node.args["ifs"], node.args.get("default"), node.args.get("this")
    elif isinstance(node, exp.If):
        ifs, other, subject = [node], node.args.get("false"), None
    else:
        return None
    if subject is not None or not (other is None or isinstance(other, exp.Null)):
        return None
    if any(call.rows.names.unit(item.args["true"]) is None for item in ifs):
        return None
    flat = [part for item in ifs for part in (call.rows.typed(item.this), number(1))]
    return call.kept(node, call.rows.call(node, "case", *flat, Typed(Literal(None), None)))


def where_true(call: AggregateCall, node: Node) -> Typed:
    """Return the argument of COUNT_IF(*node*): 1 where it is true, else null."""
    condition = call.argument(node, numeric=False)
    if condition.kind is not Kind.BOOLEAN:
        raise call.rows.mismatch(node, f"COUNT_IF({condition.kind})", "boolean")
    return call.rows.call(node, "case", condition, number(1), Typed(Literal(None), None))
