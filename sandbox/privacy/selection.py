"""Private selection of group keys: how high the threshold must be, and what it costs.

**The mechanism.**  Of every key that some unit in the data has, the number of units that have it gets its own
discrete Gaussian noise Z of parameter σ², and the key is shown if the sum is above T.  A unit has at most G
keys (the cells of `jobs.sensitivity.reach`).

**Claim.**  It is δ-approximate ρ-zCDP (Bun & Steinke 2016, definition 8.1) for adding or removing one unit,
with ρ = G/(2σ²) and δ = G·P(1 + Z > T).

Proof.  Let D' be D and one unit more, with keys K, at most G: j of them no unit of D has (*new*), the others,
at most G - j, are old.  Let E be the event, under D', that no new key is shown.  A new key has count 1 and is
shown with probability P(1 + Z > T), so P(E) ≥ 1 - j·P(1 + Z > T) ≥ 1 - δ.  The noises are independent, so
given E the rest of M(D') is what it is without E: the old keys' noisy counts, thresholded.  M(D) is the same
function of the same counts, of which at most G - j are less by 1: squared L2 distance at most G.  A discrete
Gaussian on integer vectors of that distance is (G/(2σ²))-zCDP (Canonne, Kamath & Steinke 2020, theorem 4), a
function of it no worse, so D_α(M(D')|E ‖ M(D)) and D_α(M(D) ‖ M(D')|E) are at most α·ρ.  With E, and the sure
event for D, the definition is met in both directions.

How many keys D has does not enter, nor who else has a unit's keys: each pays at most 1 in its count's
distance *or* one P(1 + Z > T), and both sums are bounded by G.  What is measured afterwards of the keys shown
is chosen after the release and pays for itself: approximate zCDP composes adaptively, ρ and δ add up (ibid.,
lemma 8.2; as a filter: Whitehouse et al. 2023).  A key that nobody has is never considered, so it is never
shown.
"""

from __future__ import annotations

import math
from fractions import Fraction
from functools import lru_cache
from typing import Final

_ATTO: Final = 10**18
_SUMMED: Final = 2**20
_MARGIN: Final = 1e-9
"""Far more than the relative rounding error of a sum of exp(-x), x < 100, or of erfc."""


@lru_cache(maxsize=4096)
def delta_of(scale: Fraction, groups: int, threshold: int) -> Fraction:
    """Return δ = groups·P(1 + Z > threshold), rounded up to 10^-18; Z discrete Gaussian, σ² = *scale*."""
    if scale <= 0 or groups <= 0:
        raise ValueError("a scale and a number of groups are positive")
    tail = _tail(scale, threshold) * (1 + _MARGIN)
    return min(Fraction(math.ceil(groups * Fraction(tail) * _ATTO), _ATTO), Fraction(groups))


@lru_cache(maxsize=4096)
def threshold_for(scale: Fraction, groups: int, delta: Fraction) -> int:
    """Return the smallest threshold whose `delta_of` is at most *delta*; 10^-18 ≤ delta ≤ 1/10."""
    if not Fraction(1, _ATTO) <= delta <= Fraction(1, 10):
        raise ValueError("a selection's delta is in [10^-18, 1/10]")
    low, high = 0, 1
    while delta_of(scale, groups, high) > delta:
        low, high = high, 2 * high
    while high - low > 1:
        middle = (low + high) // 2
        if delta_of(scale, groups, middle) > delta:
            low = middle
        else:
            high = middle
    return high


def _tail(scale: Fraction, start: int) -> float:
    """P(Z ≥ start), or an upper bound of it where σ² > 2^20.

    There, the sum of exp(-k²/(2σ²)) over k ≥ start is at most the integral from start - 1/2 on where that
    is at least σ (convexity), from start - 1 on otherwise (monotony), and the sum over all k at least
    σ·√(2π) (Poisson summation).
    """
    if start <= 0:
        return 1.0
    sigma2 = float(scale)
    if scale > _SUMMED:
        sigma = math.sqrt(sigma2)
        edge = start - 0.5 if start - 0.5 >= sigma * (1 + _MARGIN) else start - 1
        return 0.5 * math.erfc(edge / sigma / math.sqrt(2))
    reach = math.isqrt(math.ceil(100 * 2 * sigma2)) + 2
    weight = [math.exp(-k * k / (2 * sigma2)) for k in range(reach)]
    # Beyond reach lies less than e^-90 of the whole.
    return math.fsum(weight[start:]) / (2 * math.fsum(weight) - 1) + math.exp(-90)
