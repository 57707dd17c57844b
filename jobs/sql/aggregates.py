"""What aggregate calls measure at the outermost level of a statement.

``FILTER (WHERE p)`` is written into the argument: ``CASE WHEN p THEN x END``.  MEDIAN is the quantile 1/2,
MIN and MAX are the quantiles 0.5 % and 99.5 %, since an exact extreme is one person's value.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from decimal import Decimal
from fractions import Fraction
from typing import Final

from sqlglot import exp

from jobs.expressions import Column
from jobs.spec import Aggregate, Measure
from jobs.sql import constants
from jobs.sql.calls import AggregateCall, counted_units, distinct, opened, where_true
from jobs.sql.names import MEASURE, Identities, Typed
from jobs.sql.shapes import Node
from jobs.sql.translator import Translator, number
from sandbox.errors import InvalidInputError
from sandbox.schema import Kind

MAX_BARS: Final = 64
_ONE: Final[dict[type[Node], Aggregate]] = {
    exp.Sum: Aggregate.SUM,
    exp.Avg: Aggregate.AVG,
    exp.Variance: Aggregate.VAR_SAMP,
    exp.VariancePop: Aggregate.VAR_POP,
    exp.Stddev: Aggregate.STDDEV_SAMP,
    exp.StddevSamp: Aggregate.STDDEV_SAMP,
    exp.StddevPop: Aggregate.STDDEV_POP,
}
_TWO: Final[dict[type[Node], Aggregate]] = {
    exp.Corr: Aggregate.CORR,
    exp.CovarSamp: Aggregate.COVAR_SAMP,
    exp.CovarPop: Aggregate.COVAR_POP,
    exp.RegrSlope: Aggregate.REGR_SLOPE,
    exp.RegrIntercept: Aggregate.REGR_INTERCEPT,
}
_FIXED_QUANTILES: Final[dict[type[Node], Fraction]] = {
    exp.Median: Fraction(1, 2),
    exp.Min: Fraction(1, 200),
    exp.Max: Fraction(199, 200),
}
_WHOLE: Final = (Aggregate.COUNT, Aggregate.UNITS, Aggregate.DISTINCT, Aggregate.HISTOGRAM)


@dataclass(slots=True)
class Measures:
    """The aggregate calls of a statement, each once, in the order in which they are met."""

    found: list[Measure] = field(default_factory=list)
    _identities: Identities = field(default_factory=Identities)
    _places: dict[object, int] = field(default_factory=dict)

    def add(self, measure: Measure) -> Typed:
        """Return the released column of *measure*."""
        numbers = tuple(map(self._identities.number, measure.arguments))
        extra = (measure.quantile, measure.extreme, measure.bucket, measure.buckets)
        place = self._places.setdefault((measure.aggregate, numbers, extra), len(self.found))
        if place == len(self.found):
            self.found.append(measure)
        whole = measure.aggregate in _WHOLE
        return Typed(Column(f"{MEASURE}{place}"), Kind.INTEGER if whole else Kind.FLOAT)

    def aggregate(self, translator: Translator, node: Node) -> Typed:
        """Return the released column of an aggregate call."""
        found = self.several(translator, node)
        if len(found) != 1 or found[0][0]:
            raise InvalidInputError("sql.list-inside", **translator.source.place(node))
        return found[0][1]

    def several(self, translator: Translator, node: Node) -> list[tuple[str, Typed]]:
        """Return the columns of an aggregate call, with what to add to its name: one, or those of a list."""
        call = opened(translator, node)
        kind = type(call.node)
        if isinstance(call.node, exp.Count | exp.CountIf):
            return [("", self.add(_counted(call)))]
        if isinstance(call.node, exp.Anonymous):
            return self._named(call)
        if isinstance(call.node, exp.PercentileCont | exp.WithinGroup):
            return self._quantiles(call)
        if (aggregate := _TWO.get(kind)) is not None:
            pair = call.rows.parts(call.node, "this", "expression")
            arguments = tuple(call.argument(item, numeric=True).expression for item in pair)
            return [("", self.add(Measure(aggregate, arguments)))]
        argument = (call.argument(call.node.args["this"], numeric=True).expression,)
        if (quantile := _FIXED_QUANTILES.get(kind)) is not None:
            extreme = kind is not exp.Median
            return [("", self.add(Measure(Aggregate.QUANTILE, argument, quantile, extreme)))]
        return [("", self.add(Measure(_ONE[kind], argument)))]

    def _named(self, call: AggregateCall) -> list[tuple[str, Typed]]:
        name, written = call.node.name.upper(), call.node.expressions
        wanted = 1 if name == "CLIPPED" else 2
        if len(written) != wanted:
            place = call.rows.source.place(call.node)
            raise InvalidInputError("sql.arguments", **place, found=name, wanted=wanted)
        argument = (call.argument(written[0], numeric=True).expression,)
        if name == "CLIPPED":
            return [("", self.add(Measure(Aggregate.CLIPPED, argument)))]
        bars = constants.whole(call.rows.source, written[1], call.rows.literal(written[1]), 2, MAX_BARS)
        return [
            (f"_{bar + 1}", self.add(Measure(Aggregate.HISTOGRAM, argument, bucket=bar, buckets=bars)))
            for bar in range(bars)
        ]

    def _quantiles(self, call: AggregateCall) -> list[tuple[str, Typed]]:
        value, wanted = _quantile_parts(call)
        argument = (call.argument(value, numeric=True).expression,)
        listed = wanted.expressions if isinstance(wanted, exp.Array) else [wanted]
        if not 1 <= len(listed) <= MAX_BARS:
            raise InvalidInputError("sql.bad-quantile", **call.rows.source.place(wanted))
        found = []
        for item in listed:
            quantile = constants.quantile(call.rows.source, item)
            text = f"_{Decimal(item.name).normalize():f}" if isinstance(wanted, exp.Array) else ""
            found.append((text, self.add(Measure(Aggregate.QUANTILE, argument, quantile))))
        return found


def _quantile_parts(call: AggregateCall) -> tuple[Node, Node]:
    """Return x and q of QUANTILE_CONT(x, q) or PERCENTILE_CONT(q) WITHIN GROUP (ORDER BY x)."""
    node = call.node
    order = node.args["expression"].expressions if isinstance(node, exp.WithinGroup) else []
    inner = node.this if isinstance(node, exp.WithinGroup) else node
    plain = not isinstance(node, exp.WithinGroup)
    odd = plain and inner.args.get("expression") is None
    odd = odd or any(item.args.get("desc") for item in order)
    if odd or not isinstance(inner, exp.PercentileCont):
        instead = "QUANTILE_CONT(a, 0.5)"
        place = call.rows.source.place(node)
        raise InvalidInputError("sql.not-supported", **place, found=inner.key.upper(), instead=instead)
    if plain:
        return inner.args["this"], inner.args["expression"]
    if len(order) != 1:
        place = call.rows.source.place(node)
        raise InvalidInputError("sql.arguments", **place, found="WITHIN GROUP", wanted=1)
    return order[0].this, inner.args["this"]


def _counted(call: AggregateCall) -> Measure:
    """COUNT(*), COUNT(x), COUNT(DISTINCT unit), COUNT(DISTINCT x), COUNT_IF(p)."""
    node, one = call.node, number(1)
    inner = node.args.get("this")
    if isinstance(inner, exp.Star):
        rows = () if call.where is None else (call.kept(node, one).expression,)
        return Measure(Aggregate.COUNT, rows)
    if not isinstance(inner, exp.Expr):
        raise InvalidInputError("sql.syntax", **call.rows.source.place(node), found="COUNT")
    if isinstance(node, exp.CountIf):
        return Measure(Aggregate.COUNT, (where_true(call, inner).expression,))
    counted = distinct(call)
    if counted is None:
        return Measure(Aggregate.COUNT, (call.argument(inner, numeric=False).expression,))
    if call.rows.names.unit(counted) is not None:
        kept = () if call.where is None else (call.kept(node, one).expression,)
        return Measure(Aggregate.UNITS, kept)
    if (units := counted_units(call, counted)) is not None:
        return Measure(Aggregate.UNITS, (units.expression,))
    return Measure(Aggregate.DISTINCT, (call.argument(counted, numeric=False).expression,))
