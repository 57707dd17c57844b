"""Thresholds of key selection against exact lattice sums, and the claim against exact enumeration."""

import itertools
import math
from decimal import Context, Decimal
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from sandbox.privacy.selection import delta_of, threshold_for

ATTO = Fraction(1, 10**18)


def tail(sigma2, start):
    """Return P(Z ≥ start) with 50 digits, by summation."""
    ctx = Context(prec=50)
    reach = 16 * math.isqrt(math.ceil(sigma2)) + 30
    weight = [
        ctx.exp(ctx.divide(Decimal(-k * k * sigma2.denominator), Decimal(2 * sigma2.numerator)))
        for k in range(reach)
    ]
    return Fraction(sum(weight[start:])) / Fraction(2 * sum(weight) - 1)


scales = st.fractions(Fraction(1, 20), 3000, max_denominator=40)
deltas = st.sampled_from([ATTO, Fraction(1, 10**12), Fraction(1, 10**6), Fraction(1, 100), Fraction(1, 10)])


@given(scales, st.integers(1, 1000), deltas)
def test_the_threshold_is_the_smallest_that_costs_at_most_delta(scale, groups, delta):
    threshold = threshold_for(scale, groups, delta)
    assert groups * tail(scale, threshold) <= delta_of(scale, groups, threshold) <= delta
    # One lower costs too much, but for the rounding up to 10^-18.
    assert threshold == 1 or groups * tail(scale, threshold - 1) > delta * (1 - Fraction(1, 10**8)) - ATTO


@given(scales, st.integers(1, 1000), st.integers(1, 300))
def test_delta_is_rounded_up_and_hardly_more(scale, groups, threshold):
    exact, stated = groups * tail(scale, threshold), delta_of(scale, groups, threshold)
    assert stated * 10**18 == int(stated * 10**18)
    assert exact <= stated <= exact * (1 + Fraction(1, 10**8)) + ATTO


@pytest.mark.parametrize("sigma", [1025, 10**6, 10**12])
@pytest.mark.parametrize("times", [0.5, 1, 3, 6, 8.5])
def test_wide_noise_has_an_upper_bound_near_the_continuous_tail(sigma, times):
    stated = float(delta_of(Fraction(sigma**2), 1, int(times * sigma)))
    wanted = stats.norm.sf((int(times * sigma) - 0.5) / sigma)
    assert wanted - 1e-18 <= stated <= wanted * (1 + 1e-2) + 1e-18


def test_wide_and_summed_noise_agree_where_they_meet():
    inside, outside = Fraction(2**20), Fraction(2**20) + Fraction(1, 1000)
    for threshold in (100, 1500, 5000, 9000):
        one, other = (float(delta_of(scale, 1, threshold)) for scale in (inside, outside))
        assert one <= other * (1 + 1e-6)
        assert other == pytest.approx(one, rel=2e-2, abs=2e-18)


@pytest.mark.parametrize("delta", [Fraction(0), ATTO / 2, Fraction(1, 5)])
def test_a_delta_out_of_range_is_refused(delta):
    with pytest.raises(ValueError, match="delta"):
        threshold_for(Fraction(1), 1, delta)


def shown(counts, scale, threshold):
    """Return the law of the set of keys shown: {frozenset: probability}, exactly but for float rounding."""
    chance = {
        key: float(tail(scale, threshold + 1 - count))
        if threshold + 1 >= count
        else 1 - float(tail(scale, count - threshold))
        for key, count in counts.items()
    }
    found = {}
    for bits in itertools.product((False, True), repeat=len(counts)):
        keys = frozenset(key for key, bit in zip(counts, bits, strict=True) if bit)
        found[keys] = math.prod(
            chance[key] if bit else 1 - chance[key] for key, bit in zip(counts, bits, strict=True)
        )
    return found


@pytest.mark.parametrize(
    ("before", "keys"),
    [
        ({}, "a"),
        ({}, "abc"),
        ({"a": 1}, "a"),
        ({"a": 3, "b": 2}, "ab"),
        ({"a": 3, "b": 1}, "abc"),
        ({"a": 4, "b": 2, "c": 1, "d": 9}, "bce"),
    ],
)
@pytest.mark.parametrize("scale", [Fraction(1), Fraction(4)])
def test_the_claim_holds_by_enumeration(before, keys, scale):
    """One unit with *keys* joins: given that no new key is shown, divergences are at most α·G/(2σ²)."""
    groups, threshold = len(keys), threshold_for(scale, len(keys), Fraction(1, 20))
    after = {key: before.get(key, 0) + (key in keys) for key in {*before, *keys}}
    with_unit, without = shown(after, scale, threshold), shown(before, scale, threshold)
    event = {result: p for result, p in with_unit.items() if result <= set(before)}
    whole = sum(event.values())
    assert 1 - whole <= float(delta_of(scale, groups, threshold)) + 1e-12
    rho = groups / (2 * float(scale))
    p = np.array([event[result] / whole for result in without])
    q = np.array(list(without.values()), dtype=float)
    for alpha in (1.01, 1.5, 2, 4, 16):
        for one, other in ((p, q), (q, p)):
            divergence = math.log(np.sum(one**alpha * other ** (1 - alpha))) / (alpha - 1)
            assert divergence <= alpha * rho + 1e-9
