"""The grouping sets of one statement as sheets of estimates, counts and sums made to agree.

Every set is measured by itself, with noise of its own.  What all of them count or add up the same way over
the same rows (`Part.within` sees to that) is put through least squares (`jobs.consistency`): afterwards each
total is the sum of its parts and no number is less exact than it was measured.  Units, distinct categories
and quantiles do not add up over groups; they stay as measured.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from itertools import product

from jobs.plan import Answer, Part, Plan, Recipe, Released, Total, width
from jobs.values import Estimate, Exact, measured_as
from sandbox.privacy.combinations import Term
from sandbox.privacy.intervals import Noise
from sandbox.schema import Scalar

_Family = tuple[int, ...]
"""One measurement in every grouping set: its place in each set's part."""


@dataclass(frozen=True, slots=True)
class Sheet:
    """One grouping set: *numbers* of the answer's keys, the key values of every cell, what was measured.

    *place* is the number of the set; *estimates* are by the measurement's place in the part.
    """

    place: int
    numbers: tuple[int, ...]
    cells: Sequence[tuple[Scalar, ...]]
    estimates: Mapping[int, Estimate]

    def key(self, number: int, cell: int) -> Scalar:
        """Return the value of the answer's key *number*, null where this sheet is a total over it."""
        return self.cells[cell][self.numbers.index(number)] if number in self.numbers else None

    def used(self, recipe: Recipe) -> tuple[Estimate, ...]:
        """Return the estimates that *recipe* is about."""
        return tuple(self.estimates[place] for place in recipe.places[self.place])


def sheets(plan: Plan, answer: Answer, released: Sequence[Released]) -> tuple[Sheet, ...]:
    """Return one sheet per grouping set of *answer*; *released* holds one release per part of *plan*."""
    return _consistent(plan, answer, [_sheet(plan, answer, place, released) for place in _places(answer)])


def blank(plan: Plan, answer: Answer) -> tuple[Sheet, ...]:
    """Return sheets without numbers, that know the noise of what will be released."""
    return _consistent(plan, answer, [_sheet(plan, answer, place, None) for place in _places(answer)])


def agreeing(plan: Plan, answer: Answer) -> frozenset[_Family]:
    """Return the measurements that are made to agree over the grouping sets of *answer*."""
    parts = [plan.parts[part] for part, _ in answer.sets]
    if len(parts) < 2 or len({_rows(part) for part in parts}) > 1:
        return frozenset()
    families = (family for recipe in answer.recipes for family in zip(*recipe.places, strict=True))
    return frozenset(family for family in families if _additive(parts, family))


def _places(answer: Answer) -> range:
    return range(len(answer.sets))


def _rows(part: Part) -> tuple[object, ...]:
    """Parts that agree in this are about the same rows."""
    keys = frozenset((*part.keys, *part.within))
    return part.frame, part.rows, keys, part.selection, part.bound


def _additive(parts: Sequence[Part], family: _Family) -> bool:
    items = [part.measurements[place] for part, place in zip(parts, family, strict=True)]
    alike = {replace(item, scale=Fraction(0)) for item in items if isinstance(item, Total)}
    return len(alike) == 1 and all(isinstance(item, Total) for item in items)


def _sheet(plan: Plan, answer: Answer, place: int, released: Sequence[Released] | None) -> Sheet:
    number, keys = answer.sets[place]
    part = plan.parts[number]
    vectors = [()] * len(part.measurements) if released is None else released[number].vectors
    cells: Sequence[tuple[Scalar, ...]] = ()
    if released is not None:
        chosen = released[number].keys
        cells = tuple(product(*(key.categories or () for key in part.keys))) if chosen is None else chosen
    pairs = enumerate(zip(part.measurements, vectors, strict=True))
    return Sheet(place, keys, cells, {at: measured_as(item, v, plan.mechanism) for at, (item, v) in pairs})


def _consistent(plan: Plan, answer: Answer, found: Sequence[Sheet]) -> tuple[Sheet, ...]:
    estimates = [dict(sheet.estimates) for sheet in found]
    for family in agreeing(plan, answer):
        alone = [sheet.estimates[place] for sheet, place in zip(found, family, strict=True)]
        for by_place, place, better in zip(estimates, family, _agreed(answer, alone), strict=True):
            by_place[place] = better
    return tuple(replace(sheet, estimates=by) for sheet, by in zip(found, estimates, strict=True))


def _agreed(answer: Answer, alone: Sequence[Estimate]) -> list[Estimate]:
    """What is measured alike in every set, by least squares."""
    from jobs.consistency import consistent, weights  # noqa: PLC0415 - numpy, which few answers need

    sizes = [len(key.categories or ()) for key in answer.keys]
    sets = [numbers for _, numbers in answer.sets]
    variances = [_variance(estimate.terms[0].noise) for estimate in alone]
    terms = [
        tuple(Term(alone[it.of].terms[0].noise, it.weight, it.count) for it in made)
        for made in weights(sizes, sets, variances)
    ]
    if not all(estimate.numbers for estimate in alone):
        numbers: list[list[Exact]] = [[] for _ in alone]
    else:
        bins = width(alone[0].item)
        layers = [
            consistent(sizes, sets, variances, [_layer(it, place) for it in alone]) for place in range(bins)
        ]
        numbers = [_interleaved([layer[number].tolist() for layer in layers]) for number in range(len(alone))]
    found = zip(alone, numbers, terms, strict=True)
    return [Estimate(estimate.item, values, noise) for estimate, values, noise in found]


def _layer(estimate: Estimate, place: int) -> list[int]:
    return [int(value) for value in estimate.numbers[place :: width(estimate.item)]]


def _interleaved(layers: Sequence[Sequence[float]]) -> list[Exact]:
    """One table per bin as cell-major numbers, those that are integers but for rounding as integers."""
    return [_snapped(value) for cell in zip(*layers, strict=True) for value in cell]


def _snapped(value: float) -> Exact:
    nearest = round(value)
    return nearest if abs(value - nearest) <= 1e-9 + 1e-13 * abs(value) else Fraction(value)


def _variance(noise: Noise) -> float:
    """The variance of a noise, at least 10^-6: where there is next to none, any weights do."""
    scale = float(noise.scale)
    if noise.mechanism == "discrete-gaussian":
        return max(scale, 1e-6)
    return max(0.5 / math.sinh(0.5 / scale) ** 2 if scale > 0.01 else 0.0, 1e-6)
