"""How far one released number may be from the truth: the half-width of one noise.

The probability is over the noise alone; everything here is computed from public scales.

The smallest t with P(|noise| ≤ t) ≥ coverage, in closed form for discrete Laplace (b),

    P(|X| > t) = 2·p^(t+1)/(1 + p),  p = exp(-1/b);

by summation for a discrete Gaussian of σ² ≤ 4096; beyond it t = ⌈z·σ - 1/2⌉, P(|N(0,1)| > z) = 1 - coverage.
That t suffices: the density is convex beyond σ, so its integral over [k - 1/2, k + 1/2] is at least its value
at k (Hermite-Hadamard), while the discrete normaliser is at least σ√(2π) (Poisson summation).

Sums of noises are in `sandbox.privacy.combinations`, ratios in `.ratios`, other functions in `.moments`.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from decimal import Context, Decimal
from fractions import Fraction
from functools import lru_cache
from statistics import NormalDist
from typing import Final

COVERAGE: Final = Fraction(95, 100)
_SUMMED: Final = 4096
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
    return math.ceil(normal_quantile(coverage) * math.sqrt(scale) - 0.5)


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
def normal_quantile(coverage: Fraction) -> float:
    """Return z with P(|N(0,1)| ≤ z) ≥ *coverage*."""
    # The inverse is good to 10^-15; the factor makes it err on the wide side.
    return NormalDist().inv_cdf(float(1 - (1 - coverage) / 2)) * (1 + 1e-12)


def _decimal(value: Fraction) -> Decimal:
    return _CONTEXT.divide(Decimal(value.numerator), Decimal(value.denominator))
