"""How far released numbers may be from the truth: intervals with at least the stated coverage.

The probability is over the noise alone; everything here is computed from public scales and released numbers.

One noise: the smallest t with P(|noise| ≤ t) ≥ coverage, in closed form for discrete Laplace (b),

    P(|X| > t) = 2·p^(t+1)/(1 + p),  p = exp(-1/b);

by summation for a discrete Gaussian of σ² ≤ 4096; beyond it t = ⌈z·σ - 1/2⌉, P(|N(0,1)| > z) = 1 - coverage.
That t suffices: the density is convex beyond σ, so its integral over [k - 1/2, k + 1/2] is at least its value
at k (Hermite-Hadamard), while the discrete normaliser is at least σ√(2π) (Poisson summation).

Two noises a·X + b·Y: each is stochastically dominated by its continuous namesake plus a shift,

    Laplace:   X ≤ E + c,  c = 1/2 + min(1/2, 1/(8b)), by comparing the tails at every integer: above 0,
               p^(k-1/2)/2 ≥ p^k/(1 + p); below, p^(k-1+c)/2 ≤ p^k/(1 + p), since ln cosh(x) ≤ x²/2;
    Gaussian:  X ≤ N + c,  c = min(1, 1/2 + 1/σ), up to 8σ, beyond which lies less than 10^-14 in all,

and independent sums keep that order.  So P(|aX + bY| > t) is at most the continuous tail at t - |a|c - |b|c'.

A ratio S/N of two noisy totals (Fieller 1954): r is kept if |S - r·N| is no rarer than 1 - coverage under the
noise X - r·Y.  The true ratio is kept with probability ≥ coverage.  The noises are log-concave, so quantiles
of their combinations are a norm of the coefficients (Bobkov 2010) and the kept r are an interval around S/N
unless N is within its own half-width of zero; then nothing is known beyond the public bounds.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from decimal import Context, Decimal
from fractions import Fraction
from functools import lru_cache
from statistics import NormalDist
from typing import Final

COVERAGE: Final = Fraction(95, 100)
_SUMMED: Final = 4096
_STEPS: Final = 45
_CONTEXT: Final = Context(prec=60)


@dataclass(frozen=True, slots=True)
class Noise:
    """A law of noise as a plan states it: mechanism name and exact scale (Laplace b, Gaussian σ²)."""

    mechanism: str
    scale: Fraction


@lru_cache(maxsize=4096)
def half_width(mechanism: str, scale: Fraction, coverage: Fraction = COVERAGE) -> int:
    """Return the smallest t (in grid units) with P(|noise| ≤ t) ≥ *coverage*; 0.7 ≤ coverage < 1.

    *scale* is b for ``discrete-laplace`` and σ² for ``discrete-gaussian``.  Above σ² = 4096 it may
    be 1 more than the smallest.
    """
    if not Fraction(7, 10) <= coverage < 1 or scale <= 0:
        raise ValueError("coverage must be in [0.7, 1) and the scale positive")
    if mechanism == "discrete-laplace":
        return _laplace_half_width(scale, coverage)
    if mechanism != "discrete-gaussian":
        raise ValueError(f"unknown mechanism {mechanism!r}")
    if scale <= _SUMMED:
        return _summed_half_width(float(scale), float(coverage))
    return math.ceil(_quantile(coverage) * math.sqrt(scale) - 0.5)


def _laplace_half_width(scale: Fraction, coverage: Fraction) -> int:
    # The smallest t + 1 ≥ b·ln(2/((1 + p)·(1 - coverage))).
    ctx = _CONTEXT
    b, alpha = _decimal(scale), _decimal(1 - coverage)
    p = ctx.exp(ctx.divide(Decimal(-1), b))
    needed = ctx.multiply(b, ctx.ln(ctx.divide(Decimal(2), ctx.multiply(ctx.add(p, Decimal(1)), alpha))))
    return max(math.ceil(needed) - 1, 0)


def _summed_half_width(sigma2: float, coverage: float) -> int:
    # Beyond 10σ (at least 10) lies less than 10^-22.  The margin covers rounding: never too small a t.
    reach = 10 * math.isqrt(math.ceil(sigma2)) + 20
    weights = [math.exp(-k * k / (2 * sigma2)) for k in range(reach)]
    needed = (coverage + 1e-13) * (2 * math.fsum(weights) - 1)
    inside, t = weights[0], 0
    while inside < needed:
        t += 1
        inside += 2 * weights[t]
    return t


@lru_cache(maxsize=4096)
def linear_half_width(
    first: Noise,
    first_weight: Fraction,
    second: Noise,
    second_weight: Fraction,
    *,
    coverage: Fraction = COVERAGE,
) -> float:
    """Return h with P(|w₁·X + w₂·Y| ≤ h) ≥ *coverage* for independent noises X, Y of one mechanism.

    For ``SUM = grid·S + origin·N``: weights grid and origin, h in the units of the answer.
    """
    one, other = abs(first_weight), abs(second_weight)
    if not (one and other):
        noise, weight = (first, one) if one else (second, other)
        return _up(float(weight * half_width(noise.mechanism, noise.scale, coverage)))
    tail, alpha = _tail(first, second), float(1 - coverage)
    # Bonferroni: each within its own bound at half the risk, and a step more for the shifts.
    both = 1 - (1 - coverage) / 2
    bounds = one * (half_width(first.mechanism, first.scale, both) + 2)
    bounds += other * (half_width(second.mechanism, second.scale, both) + 2)
    # In units of the larger weight, so that no float overflows or vanishes.
    unit = max(one, other)
    low, high = 0.0, 2 * float(bounds / unit)
    for _ in range(_STEPS):
        middle = (low + high) / 2
        if tail(float(one / unit), float(other / unit), middle) > alpha:
            low = middle
        else:
            high = middle
    return _up(high * float(unit))


def ratio_interval(
    total: int,
    count: int,
    total_noise: Noise,
    count_noise: Noise,
    *,
    low: Fraction,
    high: Fraction,
    origin: Fraction = Fraction(0),
    grid: Fraction = Fraction(1),
    coverage: Fraction = COVERAGE,
) -> tuple[float, float]:
    """Return one interval of `ratio_rule`."""
    rule = ratio_rule(
        total_noise, count_noise, low=low, high=high, origin=origin, grid=grid, coverage=coverage
    )
    return rule(total, count)


def ratio_rule(
    total_noise: Noise,
    count_noise: Noise,
    *,
    low: Fraction,
    high: Fraction,
    origin: Fraction = Fraction(0),
    grid: Fraction = Fraction(1),
    coverage: Fraction = COVERAGE,
) -> Callable[[int, int], tuple[float, float]]:
    """Return (S, N) → an interval for ``AVG = origin + grid·S/N`` within the public [*low*, *high*].

    S and N are released noisy totals with independent noises of one mechanism; the interval is in units of
    the answer.  If N is not above its own half-width, S/N may be anything: [low, high].
    """
    # Integers where the bounds lie on the grid, as a plan's do: fractions are slow, and there are many cells.
    least, most = (_whole((bound - origin) / grid) for bound in (low, high))
    tail, alpha = _tail(total_noise, count_noise), float(1 - coverage)
    widths = [half_width(noise.mechanism, noise.scale, coverage) for noise in (total_noise, count_noise)]
    bottom, top, start, scale = float(low), float(high), float(origin), float(grid)

    def rule(total: int, count: int) -> tuple[float, float]:
        if count <= widths[1]:
            return bottom, top
        # The ratio within the bounds that is nearest to S/N, and S - ratio·N, exact where it cancels.
        ratio, base = total / count, 0.0
        if total < least * count:
            ratio, base = float(least), float(total - least * count)
        elif total > most * count:
            ratio, base = float(most), float(total - most * count)

        def kept(offset: float) -> bool:
            return tail(1.0, abs(ratio + offset), abs(base - offset * count)) >= alpha

        centre = start + scale * ratio
        if not kept(0.0):
            # S/N lies so far outside the bounds that no ratio within explains it: the nearest is all we say.
            return centre, centre
        reach = (widths[0] + abs(ratio) * widths[1] + 1) / count
        below = _edge(lambda offset: kept(-offset), ratio - least, reach)
        above = _edge(kept, most - ratio, reach)
        return max(centre - scale * below, bottom), min(centre + scale * above, top)

    return rule


def _whole(value: Fraction) -> Fraction | int:
    return value.numerator if value.denominator == 1 else value


def _edge(kept: Callable[[float], bool], limit: float | Fraction, reach: float) -> float:
    """Return the end of the kept offsets from 0, at most *limit*; *reach* is about where it lies.

    The kept offsets are an interval: widen until one is not kept, then bisect and keep the outer side.  The
    answer is too wide by at most 1/256 of *reach*.
    """
    limit = float(limit)
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


def _tail(first: Noise, second: Noise) -> Callable[[float, float, float], float]:
    # (a, b, t) → an upper bound of P(|a·X + b·Y| > t) for weights a, b ≥ 0.
    if first.mechanism != second.mechanism:
        raise ValueError("two noises of one answer have one mechanism")
    if first.mechanism == "discrete-laplace":
        return _laplace_tail(float(first.scale), float(second.scale))
    return _gaussian_tail(math.sqrt(first.scale), math.sqrt(second.scale))


def _gaussian_tail(sigma: float, other: float) -> Callable[[float, float, float], float]:
    shift, other_shift = min(1.0, 0.5 + 1 / sigma), min(1.0, 0.5 + 1 / other)

    def tail(a: float, b: float, t: float) -> float:
        beyond = t - a * shift - b * other_shift
        if beyond <= 0:
            return 1.0
        return math.erfc(beyond / math.hypot(a * sigma, b * other) / math.sqrt(2)) + 1e-13

    return tail


def _laplace_tail(scale: float, other: float) -> Callable[[float, float, float], float]:
    shift, other_shift = (0.5 + min(0.5, 1 / (8 * b)) for b in (scale, other))

    def tail(a: float, b: float, t: float) -> float:
        beyond = t - a * shift - b * other_shift
        if beyond <= 0:
            return 1.0
        return _laplace_sum_tail(a * scale, b * other, beyond)

    return tail


def _laplace_sum_tail(a: float, b: float, t: float) -> float:
    # P(|A + B| > t) for independent Laplace A, B of scales a, b (convolution of two exponentials' mixtures).
    a, b = max(a, b), min(a, b)
    if b <= 0:
        return math.exp(-t / a)
    if a - b < 1e-6 * a:
        # Both of the larger scale: an upper bound that costs less than a millionth of the width.
        return (1 + t / (2 * a)) * math.exp(-t / a)
    return (a * a * math.exp(-t / a) - b * b * math.exp(-t / b)) / ((a - b) * (a + b))


@lru_cache(maxsize=4096)
def _quantile(coverage: Fraction) -> float:
    # The inverse is good to 10^-15; the factor makes it err on the wide side.
    return NormalDist().inv_cdf(float(1 - (1 - coverage) / 2)) * (1 + 1e-12)


def _decimal(value: Fraction) -> Decimal:
    return _CONTEXT.divide(Decimal(value.numerator), Decimal(value.denominator))


def _up(value: float) -> float:
    return math.nextafter(value, math.inf)
