"""One unit taken away, everything measured again, and the exact integers compared; nothing is masked."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from itertools import chain, combinations
from typing import Any

import numpy as np
from awkward import plan_of
from reaching import bounds, filled, touched
from relational import World

from jobs.kernels import measure
from jobs.measure import scores
from jobs.partials import Exact, merge, numbers_per_cell
from jobs.plan import Distinct, Draw, Measurement, Part, Quantile
from jobs.reading import sources_of
from jobs.sensitivity import steps_of
from sandbox.privacy.widths import width_scores

DRAWS = [
    Draw(Fraction(a, b), Fraction(1), side, slack)
    for a, b in ((0, 1), (1, 2), (1, 3), (199, 200), (1, 1))
    for side, slack in (("", 0), ("around", 4), ("around", 400), ("low", 3), ("high", 5))
]


def stays_near(part: Part, world: World) -> bool:
    """Whether removing any one unit from some sources moves *part* by no more than they pay for together.

    From all of them at once it is one step, from some at most as many as the dearest pays (`steps_of`).
    """
    whole, read = integers(part, world), sources_of(part)
    steps = {number: steps_of(part.frame, number) for number in read}
    for chosen in chain.from_iterable(combinations(read, size + 1) for size in range(len(read))):
        most = 1 if len(chosen) == len(read) else max(steps[number] for number in chosen)
        for unit in {unit for number in chosen for unit in world.sources[number]}:
            sources = [
                {other: rows for other, rows in source.items() if number not in chosen or other != unit}
                for number, source in enumerate(world.sources)
            ]
            if not _moves_within(part, whole, integers(part, replace(world, sources=sources)), most):
                return False
    return True


def passes(part: Part, world: World, claimed: Part | None = None) -> bool:
    """Whether removing any one unit moves every measurement of *part* by no more than *claimed* allows."""
    whole = integers(part, world)
    units = {unit for source in world.sources for unit in source}
    return all(_moves_within(claimed or part, whole, integers(part, world.without(unit))) for unit in units)


def integers(part: Part, world: World) -> Exact:
    """Return the exact integers of *part*."""
    return merge(plan_of(part), [measure(plan_of(part), world.inputs())])[0]


def _moves_within(part: Part, whole: Exact, without: Exact, steps: int = 1) -> bool:
    if part.selection is not None:
        moved = _by_group(whole, without)
        units, *vectors = moved
        if units.max(initial=0) > 1 or units.sum() > steps * touched(part):
            return False
    else:
        vectors = [
            _released(*it) for it in zip(part.measurements, whole.vectors, without.vectors, strict=True)
        ]
    for item, vector in zip(part.measurements, vectors, strict=True):
        one, two = bounds(part, item)
        if vector.sum() > steps * one or (vector * vector).sum() > steps**2 * two:
            return False
        if isinstance(item, Quantile) and not _scores_within(part, item, whole, without, steps):
            return False
    return True


def _released(item: Measurement, whole: Any, without: Any) -> Any:
    if isinstance(item, Distinct):
        shape = (-1, numbers_per_cell(item))
        whole, without = ((vector.reshape(shape) > 0).sum(axis=1) for vector in (whole, without))
    return np.abs(whole - without).astype(object)


def _by_group(whole: Exact, without: Exact) -> list[Any]:
    places = [{repr(group): at for at, group in enumerate(it.groups or [])} for it in (whole, without)]
    names = sorted({*places[0], *places[1]})
    at, beside = ([found.get(name, -1) for name in names] for found in places)
    pairs = zip([whole.units, *whole.vectors], [without.units, *without.vectors], strict=True)
    return [
        np.abs(np.append(one, 0)[at] - np.append(other, 0)[beside]).astype(object) for one, other in pairs
    ]


def _scores_within(part: Part, item: Quantile, whole: Exact, without: Exact, steps: int) -> bool:
    at = part.measurements.index(item)
    counts = [found.vectors[at].reshape(-1, item.binning.bins) for found in (whole, without)]
    for draw in DRAWS:
        a, b = draw.quantile.as_integer_ratio()
        one, two = (
            number * max(a, b - a) ** power for number, power in zip(filled(part), (1, 2), strict=True)
        )
        pairs = zip(*(_every_score(draw, it) for it in counts), strict=True)
        moves = [max(np.abs(x - y).max() for x, y in zip(*cell, strict=True)) for cell in pairs]
        if sum(moves) > steps * one or sum(move**2 for move in moves) > steps**2 * two:
            return False
    return True


def _every_score(draw: Draw, counts: Any) -> list[list[Any]]:
    """For each cell the scores of a point, or those of half-widths around some points."""
    if not draw.side:
        return [[cell] for cell in scores(draw, counts)]
    points = {0, counts.shape[1] // 3, counts.shape[1] - 1}
    return [
        [width_scores(upper, point, draw.quantile, draw.slack, draw.side) for point in sorted(points)]
        for upper in np.cumsum(counts, axis=1)
    ]
