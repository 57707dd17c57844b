"""The samplers draw from exactly the laws they name.

No seed can be set, so a statistical test here fails a correct sampler with probability below 1e-8; the same
tests must reject a scale that was deliberately halved.
"""

import math
import multiprocessing
import secrets
from collections import Counter
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from sandbox.privacy import sampler
from sandbox.privacy.sampler import bernoulli_exp, discrete_gaussian, discrete_laplace

ALPHA = 1e-8
DRAWS = 8_000


def laplace_cdf(b):
    def cdf(k):
        p = math.exp(-1 / b)
        return 1 - p ** (k + 1) / (1 + p) if k >= 0 else p ** (-k) / (1 + p)

    return cdf


def gaussian_cdf(sigma2):
    reach = int(12 * math.sqrt(sigma2)) + 20
    weights = np.exp(-(np.arange(-reach, reach + 1).astype(float) ** 2) / (2 * sigma2))
    table = np.cumsum(weights) / weights.sum()
    return lambda k: float(table[min(max(k + reach, 0), 2 * reach)]) if k >= -reach else 0.0


def chi_square(draws, cdf, bins=40):
    """Return the p-value of *draws* against *cdf* on about *bins* classes of roughly equal probability."""
    ordered = sorted(set(draws))
    spread = range(ordered[0], ordered[-1] + 1)
    edges, last = [], 0.0
    for k in spread if len(spread) < 5_000 else spread[:: len(spread) // 5_000]:
        if cdf(k) - last >= 1 / bins and 1 - cdf(k) > 0.5 / bins:
            edges.append(k)
            last = cdf(k)
    bounds = [0.0, *(cdf(k) for k in edges), 1.0]
    seen = Counter(np.searchsorted(edges, draws, side="left").tolist())
    observed = [seen[i] for i in range(len(edges) + 1)]
    return stats.chisquare(observed, np.diff(bounds) * len(draws)).pvalue


LAPLACE = [Fraction(1, 3), Fraction(1), Fraction(7, 2), Fraction(40), Fraction(10**6 + 1, 997)]
GAUSSIAN = [Fraction(1, 4), Fraction(1), Fraction(13, 3), Fraction(1600), Fraction(10**8 + 1, 9)]


@pytest.mark.parametrize("scale", LAPLACE, ids=str)
def test_discrete_laplace_has_its_law(scale):
    draws = [discrete_laplace(scale) for _ in range(DRAWS)]
    assert chi_square(draws, laplace_cdf(float(scale))) > ALPHA


@pytest.mark.parametrize("sigma2", GAUSSIAN, ids=str)
def test_discrete_gaussian_has_its_law(sigma2):
    draws = [discrete_gaussian(sigma2) for _ in range(DRAWS)]
    assert chi_square(draws, gaussian_cdf(float(sigma2))) > ALPHA


@pytest.mark.parametrize("scale", [Fraction(1), Fraction(40)], ids=str)
def test_the_same_tests_reject_a_halved_scale(scale):
    halved = [discrete_laplace(scale / 2) for _ in range(DRAWS)]
    assert chi_square(halved, laplace_cdf(float(scale))) < ALPHA
    halved = [discrete_gaussian(scale / 4) for _ in range(DRAWS)]
    assert chi_square(halved, gaussian_cdf(float(scale))) < ALPHA


@pytest.mark.parametrize("k", [20, 40, 70])
def test_large_scales_have_the_continuous_shape_and_even_low_bits(k):
    laplace = [discrete_laplace(Fraction(2**k)) for _ in range(3_000)]
    gauss = [discrete_gaussian(Fraction(4**k)) for _ in range(3_000)]
    assert stats.kstest(np.array(laplace, float) / 2.0**k, stats.laplace.cdf).pvalue > ALPHA
    assert stats.kstest(np.array(gauss, float) / 2.0**k, stats.norm.cdf).pvalue > ALPHA
    for draws in (laplace, gauss):
        for bits in (1, 4):
            seen = np.bincount([d % 2**bits for d in draws], minlength=2**bits)
            assert stats.chisquare(seen).pvalue > ALPHA
        tail = np.bincount([d % 2 for d in draws if abs(d) > 2**k], minlength=2)
        assert stats.chisquare(tail).pvalue > ALPHA


@pytest.mark.parametrize(("num", "den"), [(0, 1), (1, 7), (1, 1), (5, 2), (2**70, 3 * 2**69), (12, 1)])
def test_bernoulli_exp_has_its_probability(num, den):
    n = 8_000
    hits = sum(bernoulli_exp(num, den) for _ in range(n))
    assert stats.binomtest(hits, n, math.exp(-num / den)).pvalue > ALPHA


@given(st.integers(0, 2**80), st.integers(1, 2**80), st.integers(0, 2**192 - 1))
def test_bernoulli_compares_a_uniform_real_with_the_exact_fraction(num, extra, uniform):
    """With the words of a given real u, the answer is u < num/den, unless 192 bits of u do not decide."""
    den = num + extra
    words = iter(((uniform >> shift) & (2**64 - 1)) for shift in (128, 64, 0))
    try:
        answer = sampler._bernoulli(num, den, lambda _: next(words))
    except StopIteration:
        assert uniform == (num << 192) // den
    else:
        assert answer == (Fraction(uniform, 2**192) < Fraction(num, den))


@given(st.integers(1, 2**70), st.randoms(use_true_random=False))
def test_uniform_stays_below_its_size(size, random):
    assert 0 <= sampler._uniform(size, random.getrandbits) < size


@pytest.mark.parametrize("draw", [discrete_laplace, discrete_gaussian])
def test_a_scale_that_is_not_positive_is_refused(draw):
    for scale in (Fraction(0), Fraction(-1)):
        with pytest.raises(ValueError, match="positive"):
            draw(scale)


@pytest.mark.parametrize("bad", [(-1, 1), (1, 0), (1, -1)])
def test_a_rate_without_meaning_is_refused(bad):
    with pytest.raises(ValueError, match="exp"):
        bernoulli_exp(*bad)


@pytest.mark.parametrize("draw", [discrete_laplace, discrete_gaussian])
def test_the_work_does_not_grow_with_the_scale(draw):
    def words(scale, n=300):
        used = 0

        def counted(k):
            nonlocal used
            used += 1
            return secrets.randbits(k)

        for _ in range(n):
            draw(scale, counted)
        return used / n

    small, large = words(Fraction(100)), words(Fraction(2**90))
    assert large < 2 * small


def _drawn(_):
    return [discrete_gaussian(Fraction(2**100)) for _ in range(3)]


def test_forked_processes_draw_different_noise():
    discrete_gaussian(Fraction(2**100))
    with multiprocessing.get_context("fork").Pool(2) as pool:
        first, second = pool.map(_drawn, range(2), chunksize=1)
    assert not set(first) & set(second) & set(_drawn(None))
    assert len({*first, *second}) == 6
