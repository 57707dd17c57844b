"""Plans by hand and their releases: exact totals of known rows in many cells, with the noise of the plan.

One plan with many cells that all hold the same rows is many independent runs in one table.
"""

from __future__ import annotations

import math
import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from fractions import Fraction
from itertools import accumulate
from typing import Any, Final

from jobs.expressions import Column
from jobs.plan import (
    Answer,
    Binning,
    Distinct,
    Draw,
    Factor,
    Key,
    Measurement,
    Mechanism,
    Part,
    Plan,
    Quantile,
    Recipe,
    Released,
    Source,
    Total,
    Units,
)
from jobs.relations import Frame, Scan
from jobs.spec import Aggregate, Output, Query
from sandbox.privacy.mechanisms import add_noise
from sandbox.schema import DatasetName

Row = Mapping[str, Fraction | str | None]

X: Final = Factor(Column("x"), Fraction(0), Fraction(100), Fraction(50), Fraction(1))
Y: Final = Factor(Column("y"), Fraction(-20), Fraction(30), Fraction(5), Fraction(1, 2))
ZERO: Final = replace(X, origin=Fraction(0))
SHIFT_X, SHIFT_Y = 50**2 // 2, 50**2 // 2
BINS: Final = Binning(Column("x"), Fraction(0), Fraction(100), Fraction(1), 101)
BARS: Final = replace(BINS, bins=4)
CITIES: Final = Key(Column("c"), tuple("abcdefgh"))
MEASUREMENTS: Final[tuple[Measurement, ...]] = (
    Total(),
    Total(factors=(Y,)),
    Total(factors=(X,)),
    Total(factors=(X, Y)),
    Total(factors=(Y, Y), shift=SHIFT_Y),
    Total(factors=(X, X), shift=SHIFT_X),
    Total(factors=(ZERO,)),
    Units(),
    Distinct(CITIES),
    Quantile(BINS, ()),
    Total(axis=BARS),
    Total(factors=(Factor(Column("out"), Fraction(0), Fraction(1), Fraction(0), Fraction(1)),)),
)
PLACES: Final[dict[Aggregate, tuple[int, ...]]] = {
    Aggregate.COUNT: (0,),
    Aggregate.UNITS: (7,),
    Aggregate.DISTINCT: (8,),
    Aggregate.SUM: (6,),
    Aggregate.AVG: (2, 0),
    Aggregate.CLIPPED: (11, 0),
    **dict.fromkeys(
        (Aggregate.VAR_POP, Aggregate.VAR_SAMP, Aggregate.STDDEV_POP, Aggregate.STDDEV_SAMP), (0, 2, 5)
    ),
    **dict.fromkeys(
        (
            Aggregate.COVAR_POP,
            Aggregate.COVAR_SAMP,
            Aggregate.CORR,
            Aggregate.REGR_SLOPE,
            Aggregate.REGR_INTERCEPT,
        ),
        (0, 1, 2, 3, 4, 5),
    ),
    Aggregate.QUANTILE: (9,),
    Aggregate.HISTOGRAM: (10,),
}


def with_noise(item: Measurement, mechanism: Mechanism, sigma: Fraction) -> Measurement:
    """Return *item* with noise of *sigma* of its own steps; draws a tenth of a nat per row."""
    step = item.step if isinstance(item, Total) else 1
    if isinstance(item, Quantile):
        return item
    scale = sigma * step if mechanism == "discrete-laplace" else (sigma * step) ** 2
    return replace(item, scale=scale)


def plan_of(
    mechanism: Mechanism,
    cells: int,
    *,
    measurements: Sequence[Measurement] = MEASUREMENTS,
    recipes: Sequence[Recipe] | None = None,
    sigma: Fraction = Fraction(10),
) -> Plan:
    """Return a plan of one statement, grouped by *cells* categories, one recipe per aggregate."""
    key = Key(Column("g"), tuple(range(cells)))
    noisy = tuple(with_noise(item, mechanism, sigma) for item in measurements)
    part = Part(Frame(Scan(0, 0, 1)), 1, (key,), noisy)
    if recipes is None:
        recipes = [Recipe(aggregate, (places,)) for aggregate, places in PLACES.items()]
    return Plan(
        (Source(DatasetName("a.b"), 1),),
        (),
        (part,),
        (Answer((key,), ((0, (0,)),), tuple(recipes)),),
        mechanism,
    )


def query_of(outputs: Mapping[str, Any], **others: Any) -> Query:
    """Return a statement that shows *outputs* (name → expression)."""
    shown = tuple(Output(name, expression) for name, expression in outputs.items())
    return Query((DatasetName("a.b"),), (), Frame(Scan(0, 0)), (), ((),), (), shown, **others)


def numbers(item: Measurement, rows: Sequence[Row]) -> list[int]:
    """Return what *item* measures of one cell's rows, exactly; of a `Quantile` the bins' counts."""
    match item:
        case Units():
            return [len(rows)]
        case Distinct(key=key):
            return [len({row[_name(key.expression)] for row in rows} & set(key.categories or ()))]
        case Total(axis=Binning() as axis) | Quantile(binning=axis):
            placed = [_bin(axis, row) for row in rows]
            return [placed.count(place) for place in range(axis.bins)]
        case Total(factors=factors, shift=shift):
            return [sum(math.prod(_q(factor, row) for factor in factors) - shift for row in rows)]


def release(plan: Plan, rows_of: Callable[[int, int], Sequence[Row]]) -> tuple[Released, ...]:
    """Return a release of *plan* over the rows that *rows_of* gives for (part, cell)."""
    found = []
    for number, part in enumerate(plan.parts):
        cells = [rows_of(number, cell) for cell in range(part.cells)]
        vectors = [_vector(plan, item, cells) for item in part.measurements]
        found.append(Released(None, tuple(map(tuple, vectors))))
    return tuple(found)


def _vector(plan: Plan, item: Measurement, cells: Sequence[Sequence[Row]]) -> list[int]:
    known = {id(rows): numbers(item, rows) for rows in {id(rows): rows for rows in cells}.values()}
    exact = [known[id(rows)] for rows in cells]
    if isinstance(item, Quantile):
        return [bin_ for counts in exact for draws in item.asked for bin_ in drawn(draws, counts)]
    return add_noise([value for cell in exact for value in cell], plan.mechanism, item.scale)


def drawn(draws: Sequence[Draw], counts: Sequence[int]) -> list[int]:
    """Draw a quantile by `jobs.plan.Draw`'s definition, in floating point: good enough for a test."""
    (point, *widths), bins = draws, len(counts)
    a, b = point.quantile.as_integer_ratio()
    upper = list(accumulate(counts))
    wanted = a * upper[-1]
    scores = [max(0, b * (n - own) - wanted, wanted - b * n) for n, own in zip(upper, counts, strict=True)]
    place = _chosen(point, scores, [1] * bins)
    low, high = 0, bins - 1
    for draw in widths:
        width = _width(draw, upper, place)
        low = low if draw.side == "high" else max(place - width, 0)
        high = high if draw.side == "low" else min(place + width, bins - 1)
    return [place, low, high]


def _width(draw: Draw, upper: Sequence[int], place: int) -> int:
    widths, scores, before = [0], [], -math.inf
    while True:
        margin = _margin(draw, upper, place - widths[-1], place + widths[-1])
        scores.append(max(0, before - draw.slack, draw.slack - margin))
        if margin == math.inf:
            return widths[_chosen(draw, scores, [2**rung for rung in range(len(widths))])]
        before = margin
        widths.append(widths[-1] + max(1, -(-widths[-1] // 2)))


def _margin(draw: Draw, upper: Sequence[int], low: int, high: int) -> float:
    (a, b), rows = draw.quantile.as_integer_ratio(), upper[-1]
    open_low = low <= 0 or draw.side == "high"
    open_high = high >= len(upper) - 1 or draw.side == "low"
    left = math.inf if open_low else a * rows - a - b * upper[low - 1]
    return min(left, math.inf if open_high else b * upper[high] - a * rows - b + a)


def _chosen(draw: Draw, scores: Sequence[float], prior: Sequence[int]) -> int:
    least = min(scores)
    chances = [
        weight * math.exp(-float(draw.rate) * (score - least))
        for weight, score in zip(prior, scores, strict=True)
    ]
    return random.SystemRandom().choices(range(len(scores)), chances)[0]


def _name(expression: Any) -> str:
    assert isinstance(expression, Column)
    return expression.name


def _q(factor: Factor, row: Row) -> int:
    value = row[_name(factor.argument)]
    assert isinstance(value, Fraction)
    return int((min(max(value, factor.low), factor.high) - factor.origin) / factor.grid)


def _bin(axis: Binning, row: Row) -> int:
    values = int((axis.high - axis.low) / axis.grid) + 1
    value = row[_name(axis.argument)]
    assert isinstance(value, Fraction)
    return int((min(max(value, axis.low), axis.high) - axis.low) / axis.grid) * axis.bins // values
