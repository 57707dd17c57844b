"""What a plan reads: expressions of measurements, datasets of a part, stored columns of a dataset."""

from __future__ import annotations

from collections.abc import Iterator

from jobs.expressions import Expression, columns
from jobs.plan import Distinct, Measurement, Part, Plan, Quantile, Total, Units
from jobs.relations import Join, Scan, cores, expressions, place_of, shown
from sandbox.schema import ORDINAL, UNIT_TAG


def measured(item: Measurement) -> Iterator[Expression]:
    """Yield the expressions that a measurement evaluates."""
    match item:
        case Total(present=present, factors=factors, axis=axis):
            yield from present
            yield from (factor.argument for factor in factors)
            if axis is not None:
                yield axis.argument
        case Units(present=present):
            yield from present
        case Distinct(key=key):
            yield key.expression
        case Quantile(binning=binning):
            yield binning.argument


def sources_of(part: Part) -> frozenset[int]:
    """Return the numbers of the private datasets that *part* reads: each pays for it in full."""
    return frozenset(core.source for core in cores(part.frame) if isinstance(core, Scan))


def read_columns(plan: Plan, source: int) -> tuple[str, ...]:
    """Return the stored columns of *source* that the plan reads, engine columns included, sorted."""
    found = {ORDINAL}
    for part in plan.parts:
        inside = list(cores(part.frame))
        places = {core.place for core in inside if isinstance(core, Scan) and core.source == source}
        if places and any(isinstance(core, Join) for core in inside):
            found.add(UNIT_TAG)
        used = [*expressions(part.frame), *(key.expression for key in (*part.keys, *part.within))]
        used += [expression for item in part.measurements for expression in measured(item)]
        for name in frozenset().union(*map(columns, used)):
            if place_of(name) in places:
                found.add(shown(name))
    return tuple(sorted(found))
