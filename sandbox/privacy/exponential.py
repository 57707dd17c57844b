"""The exponential mechanism (McSherry & Talwar 2007): calibrated, and sampled exactly.

Index i is drawn with probability proportional to μ_i·exp(-rate·score_i), rate rational, scores integers, the
prior weights μ_i ≥ 1 integers that do not depend on data (1 where none are given).

**Sampling.**  Let γ_i = rate·(score_i - least score).  An index is proposed with probability proportional to
μ_i·w_i, w_i an integer ≥ 2^40·exp(-γ_i), and kept with probability 2^40·exp(-γ_i)/w_i, otherwise all is drawn
anew.  So the result has exactly the law above, whatever the w_i are, as long as they are upper bounds.  They
come from float64: w_i = ⌊x_i⌋ + 2 with x_i = 2^40·fl(exp(-fl(γ_i))).  Where γ_i ≤ 28 the four roundings of
fl(γ_i) and 100 ulp of a careless exp make x_i wrong by a factor within 1 ± 10^-13, and 2^40·10^-13 < 1; where
γ_i > 28, 2^40·exp(-γ_i) < 1 anyway.  The keeping compares a uniform real, revealed 64 bits at a time, with an
enclosure of exp(-γ_i) in integers whose precision grows with it: no float decides.  A draw is anew with
probability below 3·Σμ_i/2^40, since w_i < 2^40·exp(-γ_i) + 3 and some γ_i is 0.

**Loss.**  Let a unit move every score by at most Δ, and ε = 2·rate·Δ.  The log-ratio of an outcome's two
probabilities is rate·(score' - score), in which μ has cancelled, plus a term that all outcomes share, so it
lies in an interval of length ε, which contains 0 as both laws sum to 1: the mechanism is ε-DP and "ε-bounded
range".  With L the log-ratio under P, f(λ) = ln E[exp(λL)] has f(0) = f(-1) = 0 and, as the variance of a
variable in an interval of length ε, f'' ≤ ε²/4; so f(α - 1) ≤ (ε²/4)·α(α - 1)/2, which is to say
D_α ≤ α·ε²/8: ρ = ε²/8 (Cesar & Rogers 2021, "Bounding, concentrating, and truncating").  Slightly less would
do (Harrison & Manurangsi 2026).
"""

from __future__ import annotations

import math
import secrets
from collections.abc import Sequence
from decimal import MAX_PREC, MIN_EMIN, Context, Decimal
from fractions import Fraction
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from sandbox.privacy.sampler import RandomBits

_PRECISION: Final = 40
_WORD: Final = 64
_MOST: Final = 2**22
"""Outcomes of one draw; where this is also their prior weight, what is proposed adds up below 2^63."""
_HEAVIEST: Final = 2**40
"""Prior weight of all outcomes: a draw is not often anew."""
_FAR: Final = 64
"""At this γ and beyond a float need not know γ any better."""
_RATE_BITS: Final = 40

Scores = Sequence[int] | npt.NDArray[Any]
Weights = npt.NDArray[np.int64]


def draw_bin(
    scores: Scores, rate: Fraction, weights: Weights | None = None, _bits: RandomBits = secrets.randbits
) -> int:
    """Return index i with probability proportional to weights[i]·exp(-*rate*·scores[i]), exactly.

    *scores*: integers, as Python integers of any size or as an array of a signed integer type or of
    objects; 1 to 2^22 of them.  *rate* > 0.  *weights*: as many integers, at least 1 each and at most 2^40
    together; 1 each if None.  0.1 ms for 4096 scores in int64.
    """
    if rate <= 0 or not 0 < len(scores) <= _MOST:
        raise ValueError("a draw needs a positive rate and 1 to 2^22 scores")
    above = _above_least(scores)
    ends = np.cumsum(_weighed(_proposals(above, rate), weights))
    total = int(ends[-1])
    while True:
        drawn = _below(total, _bits)
        index = int(np.searchsorted(ends, drawn, side="right"))
        proposed = int(ends[index]) - (int(ends[index - 1]) if index else 0)
        proposed //= 1 if weights is None else int(weights[index])
        if _kept(proposed, int(above[index]) * rate, _bits):
            return index


def _weighed(proposals: npt.NDArray[np.int64], weights: Weights | None) -> npt.NDArray[Any]:
    if weights is None:
        return proposals
    if len(weights) != len(proposals) or weights.min() < 1 or (together := int(weights.sum())) > _HEAVIEST:
        raise ValueError("a draw needs a weight for each score, of 1 or more and 2^40 together")
    found: npt.NDArray[Any] = proposals * weights.astype(np.int64 if together <= _MOST else object)
    return found


def _above_least(scores: Scores) -> npt.NDArray[Any]:
    # Unsigned: no difference of two int64 passes 2^64.  numpy would take integers beyond int64 for floats.
    if isinstance(scores, np.ndarray) and scores.dtype.kind == "i":
        unsigned: npt.NDArray[Any] = scores.astype(np.uint64) - np.uint64(int(scores.min()) % 2**64)
        return unsigned
    exact = [int(score) for score in scores]
    least = min(exact)
    kind = np.uint64 if max(exact) - least < 2**64 else object
    return np.array([score - least for score in exact], dtype=kind)


def _proposals(above: npt.NDArray[Any], rate: Fraction) -> npt.NDArray[np.int64]:
    """Integers at least 2^40·exp(-rate·above)."""
    if above.dtype != object and Fraction(1, 2**900) < rate < 2**900:
        exponents = above.astype(np.float64) * float(rate)
    else:
        exponents = np.array([float(min(rate * int(score), Fraction(_FAR))) for score in above])
    weights = np.exp(-np.minimum(exponents, _FAR)) * 2.0**_PRECISION
    return np.floor(weights).astype(np.int64) + 2


def _below(size: int, bits: RandomBits) -> int:
    # Uniform in [0, size), by rejection.
    width = size.bit_length()
    while (drawn := bits(width)) >= size:
        pass
    return drawn


def _kept(weight: int, gamma: Fraction, bits: RandomBits) -> bool:
    """True with probability 2^40·exp(-*gamma*)/*weight*, exactly; gamma ≥ 0."""
    uniform, revealed = 0, 0
    while True:
        uniform = uniform << _WORD | bits(_WORD)
        revealed += _WORD
        low, high = _enclosed(gamma, revealed)
        if low << _PRECISION > weight << revealed:
            raise AssertionError("a proposal weight is no upper bound")
        if (uniform + 1) * weight <= low << _PRECISION:
            return True
        if uniform * weight >= high << _PRECISION:
            return False


def _enclosed(gamma: Fraction, bits: int) -> tuple[int, int]:
    """Integers a, b with a ≤ 2^bits·exp(-gamma) ≤ b, b - a at most 2."""
    if gamma > bits:
        return 0, 1
    # decimal's exp is correctly rounded.  gamma ≤ bits: 20 digits more than asked for leave errors < 10^-15.
    digits = bits // 3 + 20
    ctx = Context(prec=min(digits, MAX_PREC), Emin=MIN_EMIN)
    exponent = ctx.divide(Decimal(-gamma.numerator), Decimal(gamma.denominator))
    value = Fraction(ctx.exp(exponent)) * 2**bits
    return max(math.floor(value - Fraction(1, 2**20)), 0), math.ceil(value + Fraction(1, 2**20))


def rate_of(share: Fraction, mechanism: str, sensitivity: int, squares: int | None = None) -> Fraction:
    """Return the rate whose cost is at most *share*, and hardly less.

    *share*: ε under ``discrete-laplace``, ρ under ``discrete-gaussian``; *sensitivity*: Δ, the most by which
    one unit moves a score.  Of draws from several cells at one rate: the most by which it moves a score of
    each cell, added up (Δ), and their *squares*, added up (None: Δ²).
    """
    if share <= 0 or sensitivity <= 0:
        raise ValueError("a share and a sensitivity are positive")
    if mechanism == "discrete-laplace":
        return share / (2 * sensitivity)
    if mechanism != "discrete-gaussian":
        raise ValueError(f"unknown mechanism {mechanism!r}")
    return _root_below(2 * share / (sensitivity**2 if squares is None else squares))


def _root_below(square: Fraction) -> Fraction:
    """The root of *square* to 40 bits, rounded down."""
    shift = max(2 * _RATE_BITS - square.numerator.bit_length() + square.denominator.bit_length(), 0)
    shift += shift % 2
    return Fraction(math.isqrt((square.numerator << shift) // square.denominator), 1 << shift // 2)


def cost_of(rate: Fraction, sensitivity: int) -> tuple[Fraction, Fraction]:
    """Return (ε, ρ) of one draw, exactly: ε = 2·rate·Δ and ρ = ε²/8, Δ = *sensitivity*."""
    epsilon = 2 * rate * sensitivity
    return epsilon, epsilon**2 / 8
