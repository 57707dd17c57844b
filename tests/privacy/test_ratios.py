"""Ratios of noisy totals are covered, however small the count, and hardly wider than they must be."""

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from sandbox.privacy.combinations import Term
from sandbox.privacy.intervals import Noise, half_width
from sandbox.privacy.ratios import ratio_rule
from tests.support.lattice import BOTH, GAUSSIAN, LAPLACE, drawn, weighted


def ratio_interval(total, count, first, second, **bounds):
    return ratio_rule(first, second, **bounds)(total, count)


@pytest.mark.parametrize("mechanism", BOTH)
@pytest.mark.parametrize(
    ("total", "count"), [(5_000, 2_000), (-390, 100), (30, 40), (0, 0), (7 * 15, 15), (-60, 12)]
)
def test_a_ratio_is_covered_however_small_the_count(mechanism, total, count):
    """Simulated with fresh noise; a true coverage of 95 % fails this with probability below 1e-8."""
    n = 2_000
    first = Noise(mechanism, Fraction(40) if mechanism == LAPLACE else Fraction(1600))
    second = Noise(mechanism, Fraction(6) if mechanism == LAPLACE else Fraction(36))
    bounds = {"low": Fraction(1), "high": Fraction(14), "origin": Fraction(7)}
    truth = 7 + total / count if count else 7
    rule, hits = ratio_rule(first, second, **bounds), 0
    for x, y in zip(
        drawn(mechanism, first.scale, n).tolist(), drawn(mechanism, second.scale, n).tolist(), strict=True
    ):
        low, high = rule(total + x, count + y)
        assert 1 <= low <= high <= 14
        hits += low - 1e-9 <= truth <= high + 1e-9
    assert stats.binomtest(hits, n, 0.95, alternative="less").pvalue > 1e-8


@pytest.mark.parametrize("mechanism", BOTH)
def test_a_ratio_of_large_totals_has_the_width_of_its_noise(mechanism):
    first, second = (Noise(mechanism, Fraction(s)) for s in (30, 20))
    if mechanism == GAUSSIAN:
        first, second = (Noise(mechanism, Fraction(s)) for s in (900, 400))
    low, high = ratio_interval(350_000, 100_000, first, second, low=Fraction(-7), high=Fraction(7))
    points, law = weighted([(mechanism, first.scale, 2), (mechanism, second.scale, -7)])
    shortest = next(t for t in range(10_000) if law[abs(points) <= t].sum() >= 0.95) / 2 / 100_000
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


@pytest.mark.parametrize("mechanism", BOTH)
def test_totals_after_least_squares_are_covered(mechanism):
    """Each total the mean of its own noise and of four more; 2,000 runs."""
    scale, n = (Fraction(9) if mechanism == LAPLACE else Fraction(81)), 2_000
    noise = Noise(mechanism, scale)
    terms = (Term(noise, 0.5), Term(noise, 0.25, 4))
    rule = ratio_rule(terms, terms, low=Fraction(-10), high=Fraction(10))
    own, rest = drawn(mechanism, scale, 2 * n), drawn(mechanism, scale, 8 * n)
    noises = (own / 2 + rest.reshape(-1, 4).sum(axis=1) / 4).reshape(2, n)
    intervals = [rule(6000 + x, 2000 + y) for x, y in zip(*noises.tolist(), strict=True)]
    hits = sum(low <= 3 <= high for low, high in intervals)
    assert 0.932 * n <= hits
    assert hits <= 0.975 * n
    # The width at the truth of N, by simulation: of 2,000 runs alone the quantile would be off by 4 %.
    rng, size = np.random.default_rng(1), 400_000
    draw = rng.laplace if mechanism == LAPLACE else rng.normal
    many = [draw(scale=float(scale if mechanism == LAPLACE else 9), size=size) for _ in range(10)]
    first, second = (many[at] / 2 + sum(many[at + 1 : at + 5]) / 4 for at in (0, 5))
    wanted = 2 * np.quantile(abs(first - 3 * second), 0.95) / 2000
    assert np.median([high - low for low, high in intervals]) <= 1.1 * wanted


def test_fractions_are_taken_as_totals():
    rule = ratio_rule(
        Noise(LAPLACE, Fraction(2)), Noise(LAPLACE, Fraction(2)), low=Fraction(0), high=Fraction(9)
    )
    assert rule(Fraction(601, 3), Fraction(201, 2)) == pytest.approx(rule(601 / 3, 201 / 2))
