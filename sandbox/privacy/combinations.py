"""Sums of independent noises with weights: how far from 0 they may be.

X_1, X_2, … are noises of totals, each a sum of independent discrete noises with weights of their own (after
least squares over grouping sets a total carries the noises of many measurements).

**From discrete to continuous.**  Each discrete noise is stochastically dominated by its continuous namesake
plus a shift,

    Laplace:   X ≤ E + c,  c = 1/2 + min(1/2, 1/(8b)), by comparing the tails at every integer: above 0,
               p^(k-1/2)/2 ≥ p^k/(1 + p); below, p^(k-1+c)/2 ≤ p^k/(1 + p), since ln cosh(x) ≤ x²/2;
    Gaussian:  X ≤ N + c,  c = min(1, 1/2 + 1/σ), up to 8σ, beyond which lies less than 10^-14 in all,

and independent sums keep that order.  So P(|Σ w·X| > t) is at most the continuous tail at t - Σ |w|·c.

Beside one Gaussian noise that is continuous already, of deviation τ, another needs no shift: the laws of
w·X + τ·G and of w·N + τ·G differ in no event by more than 5·exp(-2π²v), 1/v = w²/τ² + 1/σ².  For by Poisson
summation P(w·X + τ·G ∈ A) is a sum over m of E[exp(-2πimN); U ∈ A], U = w·N + τ·G, divided by the same with
A everything; m = 0 gives P(U ∈ A), and given U, N is Gaussian of variance v, so the others are at most
exp(-2π²m²v).  So where the weight of one total is *steady*, always 1, only its widest noise is shifted, and
the noises that this one does not smooth: those of |w| > κ, for which v would be too small.  They are charged
2c·(|w| - κ/2) above |w| = κ/2, which is convex and at least c·|w| above κ.

**The continuous tail.**  Gaussian: closed.  Up to six Laplace noises of scales a_j: with all a_j different,

    P(|Σ E_j| > t) = Σ_j A_j·exp(-t/a_j),  A_j = Π_{i≠j} 1/(1 - (a_i/a_j)²)

(partial fractions of the characteristic function).  Scales that lie too near one another for float64 are
raised until they do not, which widens the tail (symmetric unimodal laws: Birnbaum 1948), by less than 1 %
of the width, and an error of 10^-14 relative to each summand is added.  More than six: the characteristic
function φ(ω) = Π (1 + a_j²ω²)^-1 is inverted on a lattice of ω of step 2π/L.  By Poisson's summation formula

    t/L·2 + (2/π)·Σ_{n ≥ 1} φ(nh)·sin(nht)/n = Σ_k P(|Σ E_j + kL| ≤ t),  h = 2π/L,

which is P(|Σ E_j| ≤ t) and at most P(|Σ E_j| ≥ L - t) more (bounded by Chernoff).  What is cut off beyond
n = M is at most φ(Mh)·(1 + 1/(aMh)²)/π, a the largest scale: φ falls at least like the factor of a.

**Convexity.**  The continuous half-width is a norm of the weights w of X_1, X_2, … (log-concave symmetric
laws: Bobkov 2010, "Convex bodies and norms associated to convex measures").  So with the shifts it is convex
in w, and grows with every |w_j|.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache
from typing import Final

from sandbox.privacy.intervals import COVERAGE, Noise, half_width, normal_quantile


@dataclass(frozen=True, slots=True)
class Term:
    """*count* independent noises of one law, each times *weight*."""

    noise: Noise
    weight: float = 1.0
    count: int = 1


Terms = tuple[Term, ...]
"""The noise of one released (or least-squares) total; a plain measurement's is ``(Term(noise),)``."""

Width = Callable[[Sequence[float]], float]
"""From the weights of several totals to a half-width of the weighted sum of their noises."""

_Law = Callable[[float], float]
"""From t to an upper bound of P(|a continuous law| > t)."""

_APART: Final = (0.0, 0.0, 1e-6, 1e-4, 1e-3, 2e-3, 4e-3)
"""By how many scales there are: how far they must lie apart, relatively."""
_STEPS: Final = 18
_TINY: Final = 1e-9
"""Smaller scales are raised to it, relative to the largest, so that nothing vanishes."""
_SPARE: Final = 1e-6
"""Risk set aside for what is not exact in a sum of Gaussian noises."""


@lru_cache(maxsize=4096)
def combination_half_width(terms: Terms, coverage: Fraction = COVERAGE) -> float:
    """Return h with P(|sum of *terms*| ≤ h) ≥ *coverage*: the least for one noise, else hardly more.

    All noises of one mechanism; 0.7 ≤ coverage < 1.
    """
    if len(terms) == 1 and terms[0].count == 1:
        noise = terms[0].noise
        return abs(terms[0].weight) * half_width(noise.mechanism, noise.scale, coverage)
    return width_of((terms,), coverage, steady=0)((1.0,))


def width_of(noises: Sequence[Terms], coverage: Fraction = COVERAGE, steady: int | None = None) -> Width:
    """Return weights → h with P(|Σ weight·X| ≤ h) ≥ *coverage*, X the noises that *noises* describe.

    Convex.  *steady*: the number of a total whose weight will be 1 whenever h is asked for, if there is one:
    then h is nearer to the least.  `ValueError` if there is more than one mechanism.
    """
    mechanisms = {term.noise.mechanism for terms in noises for term in terms}
    if len(mechanisms) != 1:
        raise ValueError("the noises of one answer have one mechanism")
    if mechanisms == {"discrete-laplace"}:
        return _laplace_width(noises, float(1 - coverage))
    return _gaussian_width(noises, coverage, steady)


def _gaussian_width(noises: Sequence[Terms], coverage: Fraction, steady: int | None) -> Width:
    sigmas = [math.hypot(*(t.weight * math.sqrt(t.count * t.noise.scale) for t in terms)) for terms in noises]
    spare = min(_SPARE, float(1 - coverage) / 100)
    z = normal_quantile(coverage + Fraction(spare))
    charges = _charges(noises, steady, spare)

    def width(weights: Sequence[float]) -> float:
        sigma = math.hypot(*(w * own for w, own in zip(weights, sigmas, strict=True)))
        pairs = zip(weights, charges, strict=True)
        return _up(z * sigma + math.fsum(charge.of(abs(w)) for w, own in pairs for charge in own))

    return width


@dataclass(frozen=True, slots=True)
class _Charge:
    """What *count* noises of weight *own* in a total are shifted by: nothing before the total has *kink*."""

    own: float
    rate: float
    count: int
    kink: float = 0.0

    def of(self, weight: float) -> float:
        return self.count * self.rate * max(self.own * weight - self.kink, 0.0)


def _charges(noises: Sequence[Terms], steady: int | None, spare: float) -> list[list[_Charge]]:
    laws = [[(abs(t.weight), math.sqrt(t.noise.scale), t.count) for t in terms] for terms in noises]
    if steady is None:
        return [[_Charge(w, _gaussian_shift(sigma), count) for w, sigma, count in law] for law in laws]
    first, wide, _ = max(laws[steady], key=lambda noise: noise[0] * noise[1])
    many = sum(count for law in laws for _, _, count in law)
    least = math.log(10 * many / spare) / (2 * math.pi**2)
    found = [[_smoothed(noise, first * wide, least) for noise in law] for law in laws]
    found[steady].append(_Charge(first, _gaussian_shift(wide), 1))
    return found


def _smoothed(noise: tuple[float, float, int], tau: float, least: float) -> _Charge:
    """The charge beside a continuous noise of deviation *tau*, if v ≥ *least* is enough."""
    weight, sigma, count = noise
    room = 1 / least - 1 / (sigma * sigma)
    if room <= 0:
        return _Charge(weight, _gaussian_shift(sigma), count)
    return _Charge(weight, 2 * _gaussian_shift(sigma), count, tau * math.sqrt(room) / 2)


def _gaussian_shift(sigma: float) -> float:
    return min(1.0, 0.5 + 1 / sigma)


def _laplace_width(noises: Sequence[Terms], alpha: float) -> Width:
    laws = [[(abs(t.weight) * float(t.noise.scale), t.count) for t in terms] for terms in noises]
    shifts = [math.fsum(t.count * abs(t.weight) * _laplace_shift(t.noise) for t in terms) for terms in noises]

    def width(weights: Sequence[float]) -> float:
        scales = [
            (abs(w) * scale, count) for w, law in zip(weights, laws, strict=True) for scale, count in law
        ]
        shift = math.fsum(abs(w) * own for w, own in zip(weights, shifts, strict=True))
        return _up(_continuous_laplace(scales, alpha) + shift)

    return width


def _laplace_shift(noise: Noise) -> float:
    return 0.5 + min(0.5, float(1 / (8 * noise.scale)))


def _continuous_laplace(scales: Sequence[tuple[float, int]], alpha: float) -> float:
    """The t beyond which the sum lies with probability *alpha*, at most a hundred-thousandth too large."""
    # In units of the largest scale, so that no float overflows or vanishes.
    unit = max((scale for scale, _ in scales), default=0.0)
    if not unit:
        return 0.0
    used = [(max(scale / unit, _TINY), count) for scale, count in scales if scale]
    few = sum(count for _, count in used) < len(_APART)
    law = _of_few([scale for scale, count in used for _ in range(count)]) if few else _of_many(used)
    low, high = 0.0, math.log(1 / alpha)
    while law(high) > alpha:
        low, high = high, 1.5 * high
    for _ in range(_STEPS):
        middle = (low + high) / 2
        if law(middle) > alpha:
            low = middle
        else:
            high = middle
    return high * unit


def _of_few(scales: Sequence[float]) -> _Law:
    gap = 1 + _APART[len(scales)]
    apart: list[float] = []
    for scale in sorted(scales):
        apart.append(max(scale, apart[-1] * gap) if apart else scale)
    parts = [(_fraction(apart, own), own) for own in apart]

    def law(t: float) -> float:
        summands = [factor * math.exp(-t / scale) for factor, scale in parts]
        return math.fsum(summands) + 1e-14 * math.fsum(map(abs, summands))

    return law


def _fraction(scales: Sequence[float], own: float) -> float:
    # As a product of differences: those of near floats are exact, so no digits cancel.
    found = 1.0
    for other in scales:
        if other != own:
            found *= own / (own - other) * (own / (own + other))
    return found


def _of_many(scales: Sequence[tuple[float, int]]) -> _Law:
    import numpy as np  # noqa: PLC0415 - few answers need it, and it is slow to import

    a = np.array([scale for scale, _ in scales])
    m = np.array([float(count) for _, count in scales])
    tries = np.linspace(0.05, 0.95, 19)
    log_moments = np.array([-float(m @ np.log1p(-((c * a) ** 2))) for c in tries])

    def beyond(t: float) -> float:
        return min(1.0, 2 * math.exp(float(np.min(log_moments - tries * t))))

    half = 8.0
    while beyond(half) > 1e-10:
        half *= 1.25
    step, steps = math.pi / half, 256
    while (cut := _cut_off(step * steps, a, m)) > 1e-6 and steps < 2**16:
        steps *= 2
    n = np.arange(1, steps + 1)
    log_phi = sum(-count * np.log1p((scale * step * n) ** 2) for scale, count in zip(a, m, strict=True))
    weights = 2 / math.pi * np.exp(log_phi) / n

    def law(t: float) -> float:
        if t >= half:
            return beyond(t)
        inside = t / half + float(weights @ np.sin(step * t * n))
        return 1 - inside + beyond(2 * half - t) + cut + 1e-12

    return law


def _cut_off(omega: float, scales: object, counts: object) -> float:
    """What the terms beyond *omega* add at most; the largest scale is 1."""
    import numpy as np  # noqa: PLC0415 - as above

    phi = math.exp(-float(np.asarray(counts) @ np.log1p((np.asarray(scales) * omega) ** 2)))
    return phi * (1 + 1 / omega**2) / math.pi


def _up(value: float) -> float:
    return math.nextafter(value, math.inf)
