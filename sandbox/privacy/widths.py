"""How far around a bin that was drawn a quantile may lie: a half-width, drawn by the exponential mechanism.

**Outcomes.**  p is the bin that was drawn before, and half-widths in bins form a ladder w₀ = 0,
wₖ₊₁ = wₖ + max(1, ⌈wₖ/2⌉) up to the first K that reaches both edges of the domain.  (One side alone: that
edge.)  Outcome k stands for the bins p - wₖ … p + wₖ and has the prior weight μₖ = 2^k, more than all before
it together.  Ladder, weights and K follow from p and the number of bins: they are public.

**Margins.**  q = a/b, N rows, in units of 1/b row, with < and ≤ about the rows' bins:

    lₖ = a·N - a - b·#{rows < p - wₖ}         ∞ where p - wₖ ≤ 0
    hₖ = b·#{rows ≤ p + wₖ} - a·N - (b - a)   ∞ where p + wₖ is the last bin or beyond
    gₖ = min(lₖ, hₖ)                          (lₖ or hₖ alone where one side is drawn)

SQL's quantile lies between the rows x₍ᵢ₎ and x₍ⱼ₎, i = ⌊q(N - 1)⌋ + 1 and j = ⌈q(N - 1)⌉ + 1, N ≥ 1.  If
it is below the first value of bin p - wₖ, so is x₍ᵢ₎: then at least i > q(N - 1) rows are in lower bins, and
lₖ < 0.  If it is above the last value of bin p + wₖ, so is x₍ⱼ₎: at most j - 1 < q(N - 1) + 1 rows are in
that bin or lower, and hₖ < 0.  So gₖ ≥ 0 implies that the quantile lies inside, whatever N, ties or gaps.
Without rows it is null, and there is nothing to enclose.

**Scores.**  With a slack T ≥ 0: sₖ = max(0, gₖ₋₁ - T, T - gₖ), g₋₁ = -∞, and P(k) ∝ μₖ·exp(-rate·sₖ).
gₖ never falls in k, and g_K = ∞; so there is a first k with gₖ ≥ T, call it m, and s_m = 0.

**Coverage.**  A j whose interval misses has gⱼ < 0, so j < m and sⱼ > T.  The probability of all of them is
at most exp(-rate·T)·(μ₀ + … + μ_{m-1})/μ_m < exp(-rate·T).  With T = ln(1/(1 - coverage))/rate that is
1 - coverage, for all data, every p and any number of bins.

**Loss.**  For a given p a row more adds a or a - b to lₖ, b - a or -a to hₖ, or leaves it infinite: so it
moves gₖ, as the minimum of such, and sₖ, as the maximum of such, by at most max(a, b - a); R rows by R times
that.  The weights μ are the same on both sides, so in the ratio of two probabilities they cancel in the
numerator, and stand in both normalising sums: each term of these changes by at most exp(±rate·Δ), and so do
the sums.  So the loss is that of `sandbox.privacy.exponential`, for every p: drawn after p, from scores that
depend on p, it adds to the loss of p (adaptive composition; pure: Dwork & Roth 2014, Theorem 3.16; zCDP:
Bun & Steinke 2016, Lemma 2.3).
"""

from __future__ import annotations

import math
from bisect import bisect_left
from fractions import Fraction
from typing import Any, Final

import numpy as np
import numpy.typing as npt

Numbers = npt.NDArray[Any]
"""Of int64, or of Python integers where those do not fit."""

_BINS: Final = 2**22


def _climbed() -> list[int]:
    found = [0]
    while found[-1] < _BINS:
        found.append(found[-1] + max(1, -(-found[-1] // 2)))
    return found


_RUNGS: Final = _climbed()
_LADDER: Final = np.array(_RUNGS)
_WEIGHTS: Final = np.left_shift(1, np.arange(len(_LADDER)))


def slack_for(rate: Fraction, coverage: Fraction) -> int:
    """Return T such that a half-width drawn at *rate* encloses the quantile with at least *coverage*.

    In units of 1/b row, as *rate* is per unit; for one side alone *coverage* is about that side.
    """
    if rate <= 0 or not 0 < coverage < 1:
        raise ValueError("no such interval")
    return math.ceil(Fraction(-math.log(1 - coverage) * (1 + 1e-12)) / rate)


def half_widths(point: int, bins: int, side: str) -> npt.NDArray[np.int64]:
    """Return the half-widths that may be drawn around bin *point* of *bins*.

    *side*: ``around``, or ``low`` or ``high`` for the bins below, or above, alone.
    """
    below, above = point, bins - 1 - point
    reach = {"low": below, "high": above}.get(side, max(below, above))
    return _LADDER[: bisect_left(_RUNGS, reach) + 1]


def weights(widths: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    """Return the prior weights of *widths*: 2^22 - 1 together for 4096 bins at most."""
    return _WEIGHTS[: len(widths)]


def width_scores(upper: Numbers, point: int, quantile: Fraction, slack: int, side: str) -> Numbers:
    """Return the scores of `half_widths`; *upper*: the rows in each bin or a lower one."""
    inner = half_widths(point, len(upper), side)[:-1]
    scores = np.zeros(len(inner) + 1, dtype=upper.dtype)
    margins = _margins(upper, point, quantile, inner, side)
    scores[:-1] = np.maximum(slack - margins, 0)
    scores[1:] = np.maximum(scores[1:], margins - slack)
    return scores


def _margins(
    upper: Numbers, point: int, quantile: Fraction, widths: npt.NDArray[np.int64], side: str
) -> Numbers:
    """Margins that are finite: those of the last half-width are not."""
    a, b = quantile.as_integer_ratio()
    rows, last = int(upper[-1]), len(upper) - 1
    low, high = point - widths, point + widths
    left = a * rows - a - b * upper[np.maximum(low - 1, 0)]
    right = b * upper[np.minimum(high, last)] - a * rows - (b - a)
    if side == "low":
        return left
    if side == "high":
        return right
    return np.where(low <= 0, right, np.where(high >= last, left, np.minimum(left, right)))
