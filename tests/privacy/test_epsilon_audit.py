"""An empirical audit: what an adversary can tell about neighbouring integers never exceeds what is claimed.

x and x + Δ are noised many times; for families of events (thresholds, low bits, low bits within a tail)
Clopper-Pearson bounds give a lower bound of the loss.  All bounds of all tests together are wrong with
probability below 1e-6, so a correct mechanism passes; a halved scale, and a floating-point Laplace, do not.
"""

import math
from fractions import Fraction
from itertools import product

import numpy as np
import pytest
from diffprivlib.mechanisms import Laplace
from scipy import stats

from jobs.plan import Draw
from sandbox.privacy.exponential import cost_of, draw_bin, rate_of
from sandbox.privacy.mechanisms import add_noise
from sandbox.privacy.selection import delta_of, threshold_for
from sandbox.privacy.widths import half_widths, weights, width_scores
from tests.support.laws import around, climbed, law, reach_of

CONFIDENCE = 1e-10
"""Probability that one bound is wrong; about 2,000 bounds are computed."""
DRAWS = 6_000
STEPS = [2**k for k in (0, 1, 10, 20, 40)]


def lower(hits, n):
    return stats.beta.ppf(CONFIDENCE, hits, n - hits + 1) if hits else 0.0


def upper(hits, n):
    return stats.beta.ppf(1 - CONFIDENCE, hits + 1, n - hits) if hits < n else 1.0


def events(base, step):
    """Yield predicates that an adversary who knows *base* and *step* may look at."""
    for quarter in range(-8, 13):
        edge = base + quarter * step // 4
        yield lambda y, edge=edge: y >= edge
        yield lambda y, edge=edge: y <= edge
    for bits in (1, 3):
        for residue in range(2**bits):
            yield lambda y, r=residue, m=2**bits: y % m == r
    for edge in (base - 2 * step, base, base + step, base + 3 * step):
        for residue in range(4):
            yield lambda y, e=edge, r=residue: y >= e and y % 4 == r
    yield lambda y: y % step == base % step
    yield lambda y: (y - base) % step == 0 and y > base


def counted(outputs, base, step):
    for event in events(base, step):
        yield [sum(map(event, column)) for column in outputs]


def sample(mechanism, scale, base, step):
    return [add_noise([value] * DRAWS, mechanism, scale) for value in (base, base + step)]


def epsilon_bound(outputs, base, step):
    """Lower bound of ln(P[M(x) in E]/P[M(x') in E]) over events and both directions."""
    best = 0.0
    for hits in counted(outputs, base, step):
        for one, other in (hits, hits[::-1]):
            best = max(best, math.log(max(lower(one, DRAWS), 1e-300) / upper(other, DRAWS)))
    return best


def distance_bound(outputs, base, step):
    """Lower bound of μ for which no test tells the inputs apart better than N(0,1) from N(μ,1)."""
    best = 0.0
    for hits in counted(outputs, base, step):
        for one, other in (hits, hits[::-1]):
            gap = stats.norm.ppf(lower(one, DRAWS)) - stats.norm.ppf(upper(other, DRAWS))
            best = max(best, gap if math.isfinite(gap) else 0.0)
    return best


@pytest.mark.parametrize("step", STEPS)
def test_discrete_laplace_loses_no_more_than_it_claims(step):
    outputs = sample("discrete-laplace", Fraction(step), 12345, step)
    assert 0.4 < epsilon_bound(outputs, 12345, step) <= 1


@pytest.mark.parametrize("step", STEPS)
def test_discrete_gaussian_loses_no_more_than_it_claims(step):
    """ρ = 1/2 at σ = Δ: as far apart as N(0,1) and N(1,1), but for the lattice at Δ = 1."""
    outputs = sample("discrete-gaussian", Fraction(step) ** 2, 12345, step)
    assert 0.4 < distance_bound(outputs, 12345, step) <= 1.02


@pytest.mark.parametrize("step", [1, 2**20, 2**40])
def test_a_halved_scale_is_caught(step):
    outputs = sample("discrete-laplace", Fraction(step, 2), 12345, step)
    assert epsilon_bound(outputs, 12345, step) > 1
    outputs = sample("discrete-gaussian", Fraction(step, 2) ** 2, 12345, step)
    assert distance_bound(outputs, 12345, step) > 1.02


def test_a_floating_point_laplace_is_caught_by_its_low_bits():
    """Mironov 2012: near 1 a sum cannot carry the bits that noise near 0 has, and so betrays its input."""
    mechanism = Laplace(epsilon=1, sensitivity=1)
    outputs = [np.array([mechanism.randomise(value) for _ in range(DRAWS)]) for value in (0.0, 1.0)]
    fine, coarse = (int(np.sum((abs(y) < 1) & (y * 2.0**53 % 1 != 0))) for y in outputs)
    assert math.log(lower(fine, DRAWS) / upper(coarse, DRAWS)) > 2


def quantile_scores(counts, quantile):
    """Return the scores of a quantile's point (`jobs.plan.Draw`)."""
    a, b = quantile.as_integer_ratio()
    lower, target = np.cumsum([0, *counts[:-1]]), a * sum(counts)
    return np.maximum(0, np.maximum(b * lower - target, target - b * (lower + counts)))


def choice_bound(one, other):
    """Lower bound of ln(P[M(x) in E]/P[M(x') in E]) over single outcomes and all outcomes up to one."""
    best, n = 0.0, len(one)
    for edge in range(max(*one, *other) + 1):
        for event in (lambda i, e=edge: i == e, lambda i, e=edge: i <= e, lambda i, e=edge: i > e):
            hits = [sum(map(event, side)) for side in (one, other)]
            for a, b in (hits, hits[::-1]):
                best = max(best, math.log(max(lower(a, n), 1e-300) / upper(b, n)))
    return best


def with_unit(counts, unit):
    """Return *counts* with two rows more in bin *unit*, at a clamp edge."""
    return [count + (2 if place == unit else 0) for place, count in enumerate(counts)]


def drawn_around(counts, point, widths, n):
    """Return *n* draws of a point and a half-width around it, each pair as one number."""
    found, own = [], quantile_scores(counts, point.quantile)
    for _ in range(n):
        place = draw_bin(own, point.rate)
        reach = half_widths(place, len(counts), widths.side)
        scored = width_scores(np.cumsum(counts), place, point.quantile, widths.slack, widths.side)
        found.append(place * 10 + draw_bin(scored, widths.rate, weights(reach)))
    return found


def joint_law(counts, point, widths):
    """Return the exact probabilities of every point and half-width around it, by the definitions."""
    found = []
    for place, chance in enumerate(law(quantile_scores(counts, point.quantile), point.rate)):
        prior = [2**rung for rung in range(len(climbed(reach_of(place, len(counts), widths.side))))]
        scored = around(counts, place, point.quantile, widths.slack, widths.side)
        found.append(chance * law(scored, widths.rate, prior))
    return found


def a_quantile(quantile, side, slack, share=Fraction(1, 2)):
    """Return a point and a half-width for a unit of two rows: of ε = 1 in all, *share* for the point."""
    a, b = quantile.as_integer_ratio()
    one, other = (rate_of(part, "discrete-laplace", 2 * max(a, b - a)) for part in (share, 1 - share))
    return Draw(quantile, one), Draw(quantile, other, side, slack)


@pytest.mark.parametrize("unit", [0, 5])
@pytest.mark.parametrize("side", ["around", "low", "high"])
def test_a_quantile_loses_no_more_than_it_claims(unit, side):
    """A unit of two rows at either clamp edge joins six bins; ε = 1 for point and half-width together."""
    for counts in ([0] * 6, [3, 0, 1, 0, 0, 2]):
        draws = a_quantile(Fraction(1, 2), side, slack=4)
        pair = [drawn_around(rows, *draws, DRAWS) for rows in (counts, with_unit(counts, unit))]
        assert choice_bound(*pair) <= 1


CELLS = [[0] * 6, [3, 0, 1, 0, 0, 2], [9, 0, 0, 0, 0, 9], [0, 0, 8, 0, 0, 0], [1] * 6, [40, 1, 0, 0, 1, 40]]


@pytest.mark.parametrize("side", ["around", "low", "high"])
@pytest.mark.parametrize("share", [Fraction(1, 2), Fraction(7, 8), Fraction(1, 1000)])
def test_the_joint_law_of_point_and_half_width_keeps_the_claim(side, share):
    """Exactly, for every pair of outcomes: the half-width is drawn after the point, and both losses add."""
    worst = 0.0
    for quantile in (Fraction(0), Fraction(1, 200), Fraction(1, 2), Fraction(9, 10), Fraction(1)):
        for counts, unit, slack in product(CELLS, range(6), (0, 1, 5, 60, 900)):
            draws = a_quantile(quantile, side, slack, share)
            one, other = (joint_law(rows, *draws) for rows in (counts, with_unit(counts, unit)))
            gaps = [np.log(p / q) for p, q in zip(one, other, strict=True)]
            worst = max(worst, *(np.abs(gap).max() for gap in gaps))
    assert 0.6 < worst <= 1 + 1e-9


def test_a_draw_can_lose_what_it_claims_and_a_doubled_rate_is_caught():
    """One outcome's score falls, all others rise, by all that the sensitivity allows."""
    rate = rate_of(Fraction(1), "discrete-laplace", 2)
    for used, caught in ((rate, False), (2 * rate, True)):
        assert cost_of(used, 2)[0] == (2 if caught else 1)
        one, other = (
            [draw_bin(scores, used) for _ in range(20_000)] for scores in ([0] + [2] * 12, [2] + [0] * 12)
        )
        bound = choice_bound(one, other)
        assert bound > 1 if caught else 0.5 < bound <= 1


@pytest.mark.parametrize("groups", [1, 5])
def test_a_key_of_one_unit_is_shown_with_probability_at_most_delta(groups):
    """δ = 0.01 for all keys of a unit together: 30,000 units, each with keys nobody else has."""
    scale, n = Fraction(9), 30_000
    threshold = threshold_for(scale, groups, Fraction(1, 100))
    noisy = np.array(add_noise([1] * (n * groups), "discrete-gaussian", scale)).reshape(n, groups)
    seen = int((noisy > threshold).any(axis=1).sum())
    assert lower(seen, n) <= float(delta_of(scale, groups, threshold)) <= 0.01
    # A threshold two lower is caught.
    assert lower(int((noisy > threshold - 2).any(axis=1).sum()), n) > 0.01
