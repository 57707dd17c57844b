"""The exponential mechanism's draws have exactly the stated law.

A correct sampler fails a goodness-of-fit test with probability 1e-9; one with a rate 10 % off does not pass.
"""

import math
from decimal import Context, Decimal
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from sandbox.privacy import exponential
from sandbox.privacy.exponential import cost_of, draw_bin, rate_of
from tests.support.laws import law

RARE = 1e-9


def fit(scores, rate, drawn_at, n=10_000, weights=None, drawn_with=None):
    """Return the p-value of *n* draws at one rate against the law at another; rare outcomes are pooled."""
    weights = None if weights is None else np.array(weights)
    drawn_with = weights if drawn_with is None else np.array(drawn_with)
    drawn = [draw_bin(scores, drawn_at, drawn_with) for _ in range(n)]
    seen = np.bincount(drawn, minlength=len(scores))
    expected = law(scores, rate, None if weights is None else weights.tolist()) * n
    often = expected >= 10
    assert not seen[expected < 1e-12].any()
    observed = np.append(seen[often], seen[~often].sum())
    wanted = np.append(expected[often], expected[~often].sum())
    keep = wanted > 0
    return stats.chisquare(observed[keep], wanted[keep] * observed.sum() / wanted.sum()).pvalue


CASES = {
    "a ramp": (list(range(12)), Fraction(1, 3)),
    "ties": ([5, 0, 5, 0, 0, 7, 7], Fraction(2, 7)),
    "tails": ([0, 1, 3, 6, 7, 8, 9, 100, 10**6], Fraction(1)),
    "one": ([17], Fraction(5)),
    "all alike": ([3] * 40, Fraction(10**9)),
    "beyond 64 bits": ([2**70 + k * 2**68 for k in range(9)], Fraction(1, 2**69)),
    "beyond floats": ([0, 2**2000, 2**2001, 2**2100], Fraction(1, 2**2000)),
    "a tiny rate": ([0, 10**300, 3 * 10**300], Fraction(1, 2 * 10**300)),
    "a huge rate": ([0, 0, 1, 2], Fraction(10**400)),
    "far from zero": ([2**62 + k for k in range(6)], Fraction(1, 2)),
}


@pytest.mark.parametrize("name", CASES)
def test_draws_have_the_exact_law(name):
    scores, rate = CASES[name]
    if len(scores) == 1:
        assert draw_bin(scores, rate) == 0
    else:
        assert fit(scores, rate, rate) > RARE


@pytest.mark.parametrize("wrong", [Fraction(9, 10), Fraction(11, 10)])
def test_a_wrong_rate_is_caught(wrong):
    scores, rate = CASES["a ramp"]
    assert fit(scores, rate, rate * wrong, n=30_000) < RARE


WEIGHED = ([3, 0, 1, 1, 4, 2, 30], [1, 1, 2, 7, 100, 3, 2**36])


def test_prior_weights_have_the_exact_law():
    scores, weights = WEIGHED
    for rate in (Fraction(1, 3), Fraction(1, 10**6), Fraction(2)):
        assert fit(scores, rate, rate, weights=weights) > RARE
        assert fit(np.array(scores), rate, rate, weights=weights) > RARE


def test_a_wrong_weight_is_caught():
    scores, _ = WEIGHED
    right, wrong = [1] * 7, [1, 1, 1, 1, 3, 1, 1]
    assert fit(scores, Fraction(1), Fraction(1), n=30_000, weights=right, drawn_with=wrong) < RARE


def test_arrays_and_lists_are_alike():
    scores = [40, 3, 9, 5, 3]
    for kind in (np.int64, np.int32, object):
        assert fit(np.array(scores, dtype=kind), Fraction(1, 4), Fraction(1, 4)) > RARE
    extremes = np.array([-(2**63), 2**63 - 1], dtype=np.int64)
    assert fit(extremes, Fraction(1, 2**64), Fraction(1, 2**64)) > RARE


def test_many_bins_have_the_exact_law():
    scores = np.abs(np.arange(4096) - 1700) * 3
    assert fit(scores, Fraction(1, 100), Fraction(1, 100)) > RARE


@given(st.lists(st.integers(0, 2**80), min_size=1, max_size=30), st.fractions(Fraction(1, 2**90), 2**10))
def test_proposals_are_upper_bounds_and_hardly_larger(scores, rate):
    if rate == 0:
        return
    above = exponential._above_least(scores)
    assert [int(score) for score in above] == [score - min(scores) for score in scores]
    for score, weight in zip(above, exponential._proposals(above, rate).tolist(), strict=True):
        gamma = int(score) * rate
        least = float(gamma) if gamma < 1000 else 1000.0
        assert 2.0**40 * math.exp(-least) <= weight <= 2.0**40 * math.exp(-least) * (1 + 1e-11) + 3


@given(st.fractions(0, 200), st.sampled_from([64, 128, 640]))
def test_an_enclosure_encloses_and_is_tight(gamma, bits):
    low, high = exponential._enclosed(gamma, bits)
    ctx = Context(prec=400)
    exact = Fraction(ctx.exp(ctx.divide(Decimal(-gamma.numerator), Decimal(gamma.denominator)))) * 2**bits
    assert low <= exact <= high <= low + 2


def test_keeping_reads_on_until_it_knows():
    """With the first word equal to the probability's, the second decides."""
    low, _ = exponential._enclosed(Fraction(1), 64)
    weight = 2**40
    assert not exponential._kept(weight, Fraction(1), iter_bits([low, 2**64 - 1]))
    assert exponential._kept(weight, Fraction(1), iter_bits([low, 0]))
    assert exponential._kept(weight, Fraction(1), iter_bits([low - 2]))
    assert not exponential._kept(weight, Fraction(1), iter_bits([low + 2]))


def iter_bits(words):
    source = iter(words)
    return lambda _: next(source)


@pytest.mark.parametrize("bad", [([], Fraction(1)), ([1], Fraction(0)), ([1, 2], Fraction(-1))])
def test_what_has_no_law_is_refused(bad):
    with pytest.raises(ValueError, match="positive rate"):
        draw_bin(*bad)


@pytest.mark.parametrize("weights", [[1], [1, 1, 1], [1, 0], [1, 2**40], [3, -1]])
def test_weights_that_are_none_are_refused(weights):
    with pytest.raises(ValueError, match="weight"):
        draw_bin([1, 2], Fraction(1), np.array(weights))


@given(st.fractions(Fraction(1, 10**15), 10**6), st.integers(1, 10**12))
def test_a_rate_costs_at_most_its_share_and_hardly_less(share, sensitivity):
    epsilon, _ = cost_of(rate_of(share, "discrete-laplace", sensitivity), sensitivity)
    assert epsilon == share
    _, rho = cost_of(rate_of(share, "discrete-gaussian", sensitivity), sensitivity)
    assert share * (1 - Fraction(1, 10**9)) < rho <= share


def test_the_cost_is_what_the_law_loses():
    """By exact enumeration: neighbours' worst log-ratio is at most ε, Rényi divergences at most α·ε²/8."""
    rate, sensitivity = Fraction(1, 3), 2
    epsilon, rho = map(float, cost_of(rate, sensitivity))
    rng = np.random.default_rng(7)
    worst = 0.0
    for _ in range(300):
        scores = rng.integers(0, 20, 6)
        other = np.maximum(scores + rng.choice([-sensitivity, sensitivity], 6), 0)
        p, q = law(scores.tolist(), rate), law(other.tolist(), rate)
        worst = max(worst, np.abs(np.log(p / q)).max())
        for alpha in (1.01, 2, 5, 30):
            assert math.log(np.sum(p**alpha * q ** (1 - alpha))) / (alpha - 1) <= alpha * rho * (1 + 1e-9)
    assert 0.6 * epsilon < worst <= epsilon
