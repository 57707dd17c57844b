"""Sums of noises against their exact lattice laws (convolution) and scipy's continuous ones."""

import math
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from sandbox.privacy import combinations
from sandbox.privacy.combinations import Term, combination_half_width, width_of
from sandbox.privacy.intervals import COVERAGE, Noise, half_width
from tests.support.lattice import BOTH, GAUSSIAN, LAPLACE, pmf, weighted


def terms_of(laws):
    return tuple(Term(Noise(mechanism, Fraction(scale)), float(weight)) for mechanism, scale, weight in laws)


def inside(laws, t):
    points, law = weighted(laws)
    return law[abs(points) <= t].sum()


def shortest(laws):
    points, law = weighted(laws)
    by_size = np.bincount(abs(points), weights=law)
    return int(np.searchsorted(np.cumsum(by_size), 0.95 - 1e-12))


@given(st.sampled_from(BOTH), st.fractions(Fraction(1, 20), 400, max_denominator=90), st.floats(-50, 50))
def test_one_noise_has_its_own_half_width(mechanism, scale, weight):
    found = combination_half_width((Term(Noise(mechanism, scale), weight),), COVERAGE)
    assert found == abs(weight) * half_width(mechanism, scale, COVERAGE)


LAWS = {
    "two": [(7, 1), (9, 1)],
    "two alike": [(8, 1), (8, 1)],
    "unlike weights": [(2, 1), (2, 9)],
    "three": [(3, 1), (3, -2), (5, 1)],
    "six alike": [(5, 1)] * 6,
    "nine": [(4, 1)] * 8 + [(4, 3)],
    "twelve and one": [(3, 1)] * 12 + [(3, 9)],
    "tiny": [(0.3, 1), (0.4, 2), (0.2, 1)],
}


@pytest.mark.parametrize("mechanism", BOTH)
@pytest.mark.parametrize("name", LAWS)
def test_sums_are_covered(mechanism, name):
    laws = [(mechanism, Fraction(b) ** (1 if mechanism == LAPLACE else 2), w) for b, w in LAWS[name]]
    assert inside(laws, combination_half_width(terms_of(laws), COVERAGE)) >= 0.95


@pytest.mark.parametrize("mechanism", BOTH)
@pytest.mark.parametrize("name", [name for name in LAWS if name != "tiny"])
def test_sums_of_ordinary_noise_are_covered_within_ten_percent_of_the_shortest(mechanism, name):
    """Noise of ten grid units."""
    laws = [
        (mechanism, Fraction(10 * b) / 4 if mechanism == LAPLACE else Fraction(10 * b, 2) ** 2, w)
        for b, w in LAWS[name]
    ]
    found = combination_half_width(terms_of(laws), COVERAGE)
    assert shortest(laws) <= found + 1e-9
    assert found <= 1.1 * shortest(laws)


def test_counts_stand_for_repeated_terms():
    for mechanism in BOTH:
        noise = Noise(mechanism, Fraction(30))
        for weight, count in ((1.0, 3), (0.25, 40)):
            one = combination_half_width((Term(noise, weight, count), Term(noise, 2.0)))
            other = combination_half_width((*[Term(noise, weight)] * count, Term(noise, 2.0)))
            assert one == pytest.approx(other, rel=1e-4)


@given(st.lists(st.floats(0.01, 100), min_size=1, max_size=6), st.floats(0.001, 0.3))
def test_few_laplace_scales_agree_with_the_inversion(scales, alpha):
    """Two ways to one tail: partial fractions and the characteristic function."""
    unit = max(scales)
    few = combinations._of_few([scale / unit for scale in scales])
    many = combinations._of_many([(scale / unit, 1) for scale in scales])
    t = combinations._continuous_laplace([(scale, 1) for scale in scales], alpha) / unit
    assert few(t) <= alpha * (1 + 1e-9)
    assert many(t) <= few(t) + 1e-5
    assert few(t * 0.97) >= many(t * 0.97) - 1e-5
    assert many(t * 0.97) > alpha * 0.99


@pytest.mark.parametrize("count", [7, 50, 400])
def test_many_equal_laplace_scales_agree_with_the_gamma_law(count):
    """A Laplace is the difference of two exponentials, so a sum of them that of two gammas."""
    rng = np.random.default_rng(11)
    drawn = rng.gamma(count, size=400_000) - rng.gamma(count, size=400_000)
    law = combinations._of_many([(1.0, count)])
    for t in np.quantile(abs(drawn), [0.3, 0.8, 0.95, 0.99]):
        seen = float(np.mean(abs(drawn) > t))
        assert law(float(t)) == pytest.approx(seen, abs=5 * math.sqrt(seen / 400_000))


def test_many_terms_of_huge_reach_need_no_time_or_memory_of_their_own():
    noise = Noise(LAPLACE, Fraction(100))
    terms = (Term(noise, 0.9), *(Term(noise, 1 / k**2, k) for k in range(2, 1500)))
    variance = sum(t.count * t.weight**2 * 2 * 100**2 for t in terms)
    assert combination_half_width(terms) == pytest.approx(1.96 * math.sqrt(variance), rel=0.15)


@given(
    st.sampled_from(BOTH),
    st.lists(st.tuples(st.integers(1, 300), st.floats(-9, 9), st.floats(-9, 9)), min_size=2, max_size=4),
)
def test_half_widths_are_a_norm(mechanism, rows):
    width = width_of([(Term(Noise(mechanism, Fraction(scale))),) for scale, _, _ in rows])
    one, other = [a for _, a, _ in rows], [b for _, _, b in rows]
    assert (
        width([a + b for a, b in zip(one, other, strict=True)]) <= (width(one) + width(other)) * 1.02 + 1e-9
    )
    assert width([3 * a for a in one]) == pytest.approx(3 * width(one), rel=1e-3, abs=1e-12)
    grown = [abs(a) + abs(b) for a, b in zip(one, other, strict=True)]
    assert width(one) <= width(grown) * 1.02 + 1e-12


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


def test_weights_and_scales_of_any_size_do_not_overflow():
    for mechanism in BOTH:
        huge, tiny = Noise(mechanism, Fraction(2**160)), Noise(mechanism, Fraction(1, 2**40))
        terms = (Term(huge, 2.0**90), Term(tiny, 1e-200), Term(tiny, 1e200))
        assert math.isfinite(combination_half_width(terms, COVERAGE))
        assert width_of((terms,))((0.0,)) == pytest.approx(0, abs=1e-300)


def test_two_mechanisms_in_one_answer_are_refused():
    noises = [(Term(Noise(LAPLACE, Fraction(1))),), (Term(Noise(GAUSSIAN, Fraction(1))),)]
    with pytest.raises(ValueError, match="one mechanism"):
        width_of(noises)
