"""Intervals cover at least what they say, and are hardly wider than they must be.

Oracles: direct sums over the lattice (numpy), the accountant-free continuous laws (scipy), and simulation.
"""

import math
import subprocess
import sys
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from sandbox.privacy.intervals import COVERAGE, Noise, _tail, half_width, linear_half_width, ratio_interval

LAPLACE, GAUSSIAN = "discrete-laplace", "discrete-gaussian"
BOTH = [LAPLACE, GAUSSIAN]


def spread(mechanism, scale):
    """Return the standard deviation, roughly."""
    return math.sqrt(2) * float(scale) if mechanism == LAPLACE else math.sqrt(scale)


def pmf(mechanism, scale):
    """Return lattice points and their probabilities, all but 1e-15 of them."""
    reach = math.ceil(40 * spread(mechanism, scale)) + 40
    k = np.arange(-reach, reach + 1).astype(float)
    weights = np.exp(-abs(k) / float(scale)) if mechanism == LAPLACE else np.exp(-(k**2) / (2 * float(scale)))
    return k, weights / weights.sum()


def inside(mechanism, scale, t):
    k, p = pmf(mechanism, scale)
    return p[abs(k) <= t].sum()


scales = st.fractions(Fraction(1, 20), 400, max_denominator=50)


@given(st.sampled_from(BOTH), scales, st.sampled_from([Fraction(7, 10), COVERAGE, Fraction(999, 1000)]))
def test_the_half_width_is_the_smallest_that_covers(mechanism, scale, coverage):
    t = half_width(mechanism, scale, coverage)
    assert inside(mechanism, scale, t) >= float(coverage) - 1e-12
    assert t == 0 or inside(mechanism, scale, t - 1) < float(coverage) + 1e-12


@given(st.integers(4097, 10**6), st.sampled_from([Fraction(7, 10), COVERAGE, Fraction(999, 1000)]))
def test_for_wide_gaussians_it_covers_and_is_at_most_one_more_than_the_smallest(sigma2, coverage):
    t = half_width(GAUSSIAN, Fraction(sigma2), coverage)
    assert inside(GAUSSIAN, Fraction(sigma2), t) >= float(coverage)
    assert inside(GAUSSIAN, Fraction(sigma2), t - 2) < float(coverage)


def test_huge_scales_agree_with_the_continuous_laws():
    assert half_width(LAPLACE, Fraction(2**60)) == pytest.approx(2**60 * math.log(20), rel=1e-12)
    assert half_width(GAUSSIAN, Fraction(4**60)) == pytest.approx(2**60 * stats.norm.ppf(0.975), rel=1e-11)
    assert half_width(LAPLACE, Fraction(1, 10**6)) == 0
    assert half_width(GAUSSIAN, Fraction(1, 10**6)) == 0


@pytest.mark.parametrize(
    "bad",
    [
        ("laplace", Fraction(1), COVERAGE),
        (LAPLACE, Fraction(0), COVERAGE),
        (LAPLACE, Fraction(1), Fraction(1)),
        (GAUSSIAN, Fraction(1), Fraction(1, 2)),
    ],
)
def test_what_has_no_interval_is_refused(bad):
    with pytest.raises(ValueError, match=r"coverage|unknown"):
        half_width(*bad)


def combined(mechanism, first, a, second, b):
    """Return points |a·x + b·y| in order with cumulated probability, over the two lattices."""
    (x, p), (y, q) = pmf(mechanism, first), pmf(mechanism, second)
    x, p, y, q = x[p > 1e-9], p[p > 1e-9], y[q > 1e-9], q[q > 1e-9]
    values = abs(a * x[:, None] + b * y[None, :]).ravel()
    order = np.argsort(values)
    return values[order], np.cumsum((p[:, None] * q[None, :]).ravel()[order])


WEIGHTS = [(1, 1), (1, -7), (0.01, 3.5), (5, 0.125)]


@pytest.mark.parametrize("mechanism", BOTH)
@pytest.mark.parametrize("weights", WEIGHTS)
@pytest.mark.parametrize("scales", [(Fraction(1, 3), 2), (1, 1), (4, 4), (12, Fraction(5, 2)), (9, 30)])
def test_two_noises_are_covered_and_the_tail_is_an_upper_bound(mechanism, weights, scales):
    first, second = (Fraction(s) for s in scales)
    a, b = weights
    values, probability = combined(mechanism, first, a, second, b)
    half = linear_half_width(
        Noise(mechanism, first), Fraction(a), Noise(mechanism, second), Fraction(b), coverage=COVERAGE
    )
    assert probability[np.searchsorted(values, half, side="right") - 1] >= 0.95 - 1e-6
    tail = _tail(Noise(mechanism, first), Noise(mechanism, second))
    for t in np.linspace(0, values[-1], 50)[1:]:
        exact = 1 - probability[np.searchsorted(values, t * (1 + 1e-12), side="right") - 1]
        assert tail(abs(a), abs(b), t) >= exact - 1e-6


@pytest.mark.parametrize("mechanism", BOTH)
@pytest.mark.parametrize("size", [0.05, 0.3, 0.5, 1, 1.9, 2, 2.1, 3, 8, 8.1, 30, 300])
def test_each_noise_is_dominated_by_its_continuous_namesake_plus_the_stated_shift(mechanism, size):
    k, p = pmf(mechanism, Fraction(size) ** (1 if mechanism == LAPLACE else 2))
    law = stats.laplace(scale=size) if mechanism == LAPLACE else stats.norm(scale=size)
    shift = 0.5 + min(0.5, 1 / (8 * size)) if mechanism == LAPLACE else min(1, 0.5 + 1 / size)
    at_least, below = np.cumsum(p[::-1])[::-1], np.cumsum(p) - p
    near = abs(k) <= 8 * size + 1
    above = near & (k > 0)
    # For s just under k: P(X > s) = P(X >= k) must not pass P(law > k - shift).
    assert np.all(at_least[above] <= law.sf(k[above] - shift) * (1 + 1e-9) + 1e-15)
    assert np.all(below[near & (k <= 0)] >= law.cdf(k[near & (k <= 0)] - shift) * (1 - 1e-9) - 1e-15)


@pytest.mark.parametrize("mechanism", BOTH)
@pytest.mark.parametrize("weights", WEIGHTS)
def test_two_noises_of_ordinary_size_are_covered_within_ten_percent_of_the_shortest(mechanism, weights):
    first, second = (Fraction(12), Fraction(16)) if mechanism == LAPLACE else (Fraction(400), Fraction(900))
    a, b = weights
    values, probability = combined(mechanism, first, a, second, b)
    shortest = values[np.searchsorted(probability, 0.95)]
    half = linear_half_width(Noise(mechanism, first), Fraction(a), Noise(mechanism, second), Fraction(b))
    assert shortest <= half <= 1.1 * shortest


@pytest.mark.parametrize("mechanism", BOTH)
def test_a_weight_of_zero_leaves_the_other_noise(mechanism):
    noise, other = Noise(mechanism, Fraction(30)), Noise(mechanism, Fraction(7))
    exact = half_width(mechanism, Fraction(30))
    assert linear_half_width(noise, Fraction(-1, 4), other, Fraction(0)) == pytest.approx(exact / 4)
    assert linear_half_width(other, Fraction(0), noise, Fraction(2)) == pytest.approx(exact * 2)


def test_weights_and_scales_of_any_size_do_not_overflow():
    huge, tiny = Noise(LAPLACE, Fraction(2**80)), Noise(LAPLACE, Fraction(1, 2**40))
    assert math.isfinite(linear_half_width(huge, Fraction(2**90), tiny, Fraction(1, 10**12)))
    assert ratio_interval(2**80, 2**30, huge, tiny, low=Fraction(0), high=Fraction(2**52))[1] <= 2**52


def test_two_mechanisms_in_one_answer_are_refused():
    with pytest.raises(ValueError, match="one mechanism"):
        linear_half_width(Noise(LAPLACE, Fraction(1)), Fraction(1), Noise(GAUSSIAN, Fraction(1)), Fraction(1))


def drawn(mechanism, scale, n):
    k, p = pmf(mechanism, scale)
    return np.random.default_rng().choice(k, size=n, p=p / p.sum()).astype(int)


@pytest.mark.parametrize("mechanism", BOTH)
@pytest.mark.parametrize(
    ("total", "count"), [(5_000, 2_000), (-390, 100), (30, 40), (0, 0), (7 * 15, 15), (-60, 12)]
)
def test_a_ratio_is_covered_however_small_the_count(mechanism, total, count):
    """Simulated with fresh noise; a true coverage of 95 % fails this with probability below 1e-8."""
    n = 1_500
    first = Noise(mechanism, Fraction(40) if mechanism == LAPLACE else Fraction(1600))
    second = Noise(mechanism, Fraction(6) if mechanism == LAPLACE else Fraction(36))
    bounds = {"low": Fraction(1), "high": Fraction(14), "origin": Fraction(7)}
    truth = 7 + total / count if count else 7
    hits = 0
    for x, y in zip(
        drawn(mechanism, first.scale, n).tolist(), drawn(mechanism, second.scale, n).tolist(), strict=True
    ):
        low, high = ratio_interval(total + x, count + y, first, second, **bounds)
        assert 1 <= low <= high <= 14
        hits += low - 1e-9 <= truth <= high + 1e-9
    assert stats.binomtest(hits, n, 0.95, alternative="less").pvalue > 1e-8


@pytest.mark.parametrize("mechanism", BOTH)
def test_a_ratio_of_large_totals_has_the_width_of_its_noise(mechanism):
    first, second = (Noise(mechanism, Fraction(s)) for s in (30, 20))
    if mechanism == GAUSSIAN:
        first, second = (Noise(mechanism, Fraction(s)) for s in (900, 400))
    low, high = ratio_interval(350_000, 100_000, first, second, low=Fraction(-7), high=Fraction(7))
    values, probability = combined(mechanism, first.scale, 1, second.scale, -3.5)
    shortest = values[np.searchsorted(probability, 0.95)] / 100_000
    assert low < 3.5 < high
    assert 2 * shortest <= high - low <= 1.1 * 2 * shortest


@given(st.sampled_from(BOTH), st.integers(-(2**60), 2**60), st.integers(-50, 2**40), st.integers(1, 10**6))
def test_a_ratio_interval_stays_in_the_public_bounds_around_the_clamped_answer(
    mechanism, total, count, scale
):
    noise = Noise(mechanism, Fraction(scale))
    bounds = {"low": Fraction(-5), "high": Fraction(20), "origin": Fraction(7), "grid": Fraction(1, 100)}
    low, high = ratio_interval(total, count, noise, noise, **bounds)
    assert -5 <= low <= high <= 20
    if count <= half_width(mechanism, Fraction(scale)):
        assert (low, high) == (-5, 20)
    else:
        answer = float(min(max(7 + Fraction(total, count) / 100, Fraction(-5)), Fraction(20)))
        assert low - 1e-9 <= answer <= high + 1e-9


def test_importing_intervals_stays_cheap():
    code = (
        "import sys, sandbox.privacy.intervals;"
        "assert not {'numpy', 'scipy', 'diffprivlib', 'sqlalchemy'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
