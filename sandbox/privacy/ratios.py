"""Intervals for S/N, a ratio of two noisy totals (Fieller 1954).

A ratio r is kept if |S - r·N| ≤ h(r), the half-width of the noise X - r·Y.  The true ratio makes S - r·N the
noise alone, so it is kept with probability at least the coverage, however small N is.

h is convex in r (`sandbox.privacy.combinations`), so chords between points of it lie above it, by at most
0.5 %: h is computed at a few r, once, and read off the chords.  The kept r are an interval around S/N unless
N is within its own half-width of zero; then nothing is known beyond the public bounds.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from fractions import Fraction
from functools import cache

from sandbox.privacy.combinations import Term, Terms, combination_half_width, width_of
from sandbox.privacy.intervals import COVERAGE, Noise

Number = int | float | Fraction
_SPACING = 0.2


def ratio_rule(
    total_noise: Noise | Terms,
    count_noise: Noise | Terms,
    *,
    low: Fraction,
    high: Fraction,
    origin: Fraction = Fraction(0),
    grid: Fraction = Fraction(1),
    coverage: Fraction = COVERAGE,
) -> Callable[[Number, Number], tuple[float, float]]:
    """Return (S, N) → an interval for ``AVG = origin + grid·S/N`` within the public [*low*, *high*].

    S and N are noisy totals with independent noises of one mechanism, as measured or as estimated by least
    squares; the interval is in units of the answer.  If N is not above its own half-width, S/N may be
    anything: [low, high].
    """
    # Integers where the bounds lie on the grid, as a plan's do: fractions are slow, and there are many cells.
    least, most = (_whole((bound - origin) / grid) for bound in (low, high))
    noises = [(Term(it),) if isinstance(it, Noise) else it for it in (total_noise, count_noise)]
    widths = [combination_half_width(terms, coverage) for terms in noises]
    noise_at = _chords(noises, coverage, widths)
    bottom, top, start, scale = float(low), float(high), float(origin), float(grid)

    def rule(total: Number, count: Number) -> tuple[float, float]:
        if count <= widths[1]:
            return bottom, top
        # The ratio within the bounds that is nearest to S/N, and S - ratio·N, exact where it cancels.
        ratio, base = float(total / count), 0.0
        if total < least * count:
            ratio, base = float(least), float(total - least * count)
        elif total > most * count:
            ratio, base = float(most), float(total - most * count)
        rows = float(count)

        def kept(offset: float) -> bool:
            return abs(base - offset * rows) <= noise_at(abs(ratio + offset))

        centre = start + scale * ratio
        if not kept(0.0):
            # S/N lies so far outside the bounds that no ratio within explains it: the nearest is all we say.
            return centre, centre
        reach = (widths[0] + abs(ratio) * widths[1] + 1) / rows
        below = edge(lambda offset: kept(-offset), float(ratio - least), reach)
        above = edge(kept, float(most - ratio), reach)
        return max(centre - scale * below, bottom), min(centre + scale * above, top)

    return rule


def _chords(noises: list[Terms], coverage: Fraction, widths: list[float]) -> Callable[[float], float]:
    """Return r → an upper bound of the half-width of X - r·Y, r ≥ 0."""
    width = width_of(noises, coverage, steady=0)
    # h bends where both noises weigh the same: points lie densely there and grow apart on either side.
    bend = max(widths[0], 1.0) / max(widths[1], 1.0)

    @cache
    def node(number: int) -> tuple[float, float]:
        r = bend * math.sinh(_SPACING * number)
        return r, width((1.0, r))

    def at(r: float) -> float:
        number = int(math.asinh(r / bend) / _SPACING)
        (left, low), (right, high) = node(number), node(number + 1)
        return low + (high - low) * (r - left) / (right - left)

    return at


def _whole(value: Fraction) -> Fraction | int:
    return value.numerator if value.denominator == 1 else value


def edge(kept: Callable[[float], bool], limit: float, reach: float) -> float:
    """Return the end of the kept offsets from 0, at most *limit*; *reach* is about where it lies.

    The kept offsets are an interval: widen until one is not kept, then bisect and keep the outer side.  The
    answer is too wide by at most 1/256 of *reach*.
    """
    inside, outside = 0.0, min(reach, limit)
    while kept(outside):
        if outside == limit:
            return limit
        inside, outside = outside, min(1.5 * outside, limit)
    while outside - inside > reach / 256:
        middle = (inside + outside) / 2
        if kept(middle):
            inside = middle
        else:
            outside = middle
    return outside
