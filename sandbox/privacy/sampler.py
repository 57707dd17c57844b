"""Exact samplers of discrete Laplace and discrete Gaussian noise.

Source: Canonne, Kamath & Steinke 2020, "The Discrete Gaussian for Differential Privacy", Algorithms 1 to 3.
Integers only: no float is ever made, so no rounding can leave gaps or favour a residue, and every integer is
reachable with exactly the probability that the privacy proof uses.  The parameters are fractions whose
numerator and denominator go through as integers.  Expected time does not depend on the scale (apart from the
length of the integers).

Random bits come from the operating system, drawn when needed and never kept: a forked process repeats
nothing, and nobody can choose a seed.  The time a draw takes depends on what is drawn (see
docs/known-limits.md).
"""

from __future__ import annotations

import secrets
from collections.abc import Callable
from fractions import Fraction
from math import isqrt
from typing import Final

RandomBits = Callable[[int], int]
"""Called with k, returns an integer uniform in [0, 2^k)."""

_WORD: Final = 64


def _bernoulli(num: int, den: int, bits: RandomBits) -> bool:
    # True with probability num/den (0 ≤ num ≤ den): a uniform real, revealed 64 bits at a time, is compared
    # with num/den and one word decides unless all its bits agree.
    while num:
        head, num = divmod(num << _WORD, den)
        word = bits(_WORD)
        if word != head:
            return word < head
    return False


def _uniform(size: int, bits: RandomBits) -> int:
    # Uniform in [0, size), by rejection.
    width = size.bit_length()
    drawn = bits(width)
    while drawn >= size:
        drawn = bits(width)
    return drawn


def _bernoulli_exp_fraction(num: int, den: int, bits: RandomBits) -> bool:
    # True with probability exp(-num/den) for 0 ≤ num ≤ den: the first k at which Bernoulli(num/(den·k)) fails
    # is odd.
    k = 1
    while _bernoulli(num, den * k, bits):
        k += 1
    return k % 2 == 1


def bernoulli_exp(num: int, den: int, _bits: RandomBits = secrets.randbits) -> bool:
    """Return True with probability exp(-num/den), exactly (Algorithm 1); num ≥ 0, den > 0."""
    if num < 0 or den <= 0:
        raise ValueError("exp(-num/den) needs num >= 0 and den > 0")
    whole, rest = divmod(num, den)
    for _ in range(whole):
        if not _bernoulli_exp_fraction(1, 1, _bits):
            return False
    return _bernoulli_exp_fraction(rest, den, _bits)


def discrete_laplace(scale: Fraction, _bits: RandomBits = secrets.randbits) -> int:
    """Return y with probability proportional to exp(-|y|/scale), exactly (Algorithm 2); scale > 0."""
    if scale <= 0:
        raise ValueError("a scale is positive")
    return _laplace(scale.numerator, scale.denominator, _bits)


def _laplace(t: int, s: int, bits: RandomBits) -> int:
    # Scale t/s: x is geometric with rate 1/t (remainder u, quotient v), |y| = x // s; minus zero is drawn
    # again.
    while True:
        u = _uniform(t, bits)
        if not _bernoulli_exp_fraction(u, t, bits):
            continue
        v = 0
        while _bernoulli_exp_fraction(1, 1, bits):
            v += 1
        magnitude = (u + t * v) // s
        if bits(1):
            return magnitude
        if magnitude:
            return -magnitude


def discrete_gaussian(sigma2: Fraction, _bits: RandomBits = secrets.randbits) -> int:
    """Return y with probability proportional to exp(-y²/(2·sigma2)), exactly (Algorithm 3); sigma2 > 0.

    *sigma2* is the parameter σ² of the law; its variance is at most that.
    """
    if sigma2 <= 0:
        raise ValueError("a scale is positive")
    a, b = sigma2.numerator, sigma2.denominator
    t = isqrt(a // b) + 1
    # exp(-(|y| - σ²/t)²/(2σ²)) with σ² = a/b is exp(-(|y|·b·t - a)²/(2·a·b·t²)).
    step, den = b * t, 2 * a * b * t * t
    while True:
        y = _laplace(t, 1, _bits)
        if bernoulli_exp((abs(y) * step - a) ** 2, den, _bits):
            return y
