"""The exact law of the exponential mechanism, and of the half-widths of `sandbox.privacy.widths`."""

from __future__ import annotations

import math
from collections.abc import Sequence
from decimal import Context, Decimal
from fractions import Fraction
from typing import Any

import numpy as np


def law(scores: Sequence[Any], rate: Fraction, weights: Sequence[int] | None = None) -> Any:
    """Return the probabilities of outcomes, by arithmetic with 60 digits."""
    ctx = Context(prec=60)
    weights = [1] * len(scores) if weights is None else weights
    scores = [int(score) for score in scores]
    least = min(scores)
    powers = [
        weight * ctx.exp(ctx.divide(Decimal((least - score) * rate.numerator), Decimal(rate.denominator)))
        if (score - least) * rate < 1000
        else Decimal(0)
        for score, weight in zip(scores, weights, strict=True)
    ]
    return np.array([float(ctx.divide(power, sum(powers))) for power in powers])


def climbed(reach: int) -> list[int]:
    """Return the ladder of half-widths up to *reach*, by its definition."""
    found = [0]
    while found[-1] < reach:
        found.append(found[-1] + max(1, math.ceil(Fraction(found[-1], 2))))
    return found


def reach_of(point: int, bins: int, side: str) -> int:
    """Return how far the edges are that a half-width may have to reach."""
    return {"low": point, "high": bins - 1 - point}.get(side, max(point, bins - 1 - point))


def around(counts: Sequence[int], point: int, quantile: Fraction, slack: int, side: str) -> list[Any]:
    """Return the scores of the half-widths around *point* by their definition, with infinities."""
    widths = climbed(reach_of(point, len(counts), side))
    margins = [_margin(counts, point, width, quantile, side) for width in widths]
    assert margins == sorted(margins)
    assert math.inf not in margins[:-1]
    before = [-math.inf, *margins[:-1]]
    return [max(0, one - slack, slack - other) for one, other in zip(before, margins, strict=True)]


def _margin(counts: Sequence[int], point: int, width: int, quantile: Fraction, side: str) -> float:
    a, b = quantile.as_integer_ratio()
    rows, bins = sum(counts), len(counts)
    left = a * rows - a - b * sum(counts[: max(point - width, 0)])
    right = b * sum(counts[: point + width + 1]) - a * rows - (b - a)
    left = math.inf if point - width <= 0 or side == "high" else left
    return min(left, math.inf if point + width >= bins - 1 or side == "low" else right)
