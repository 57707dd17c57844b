"""Half-widths around a point that was drawn enclose the quantile whatever the rows: exact probabilities."""

import math
from fractions import Fraction
from itertools import accumulate

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from sandbox.privacy.exponential import draw_bin
from sandbox.privacy.widths import half_widths, slack_for, weights, width_scores
from tests.support.laws import around, climbed, law, reach_of

QUANTILES = [Fraction(0), Fraction(1, 200), Fraction(1, 4), Fraction(1, 2), Fraction(199, 200), Fraction(1)]
COVERAGE = {"around": Fraction(95, 100), "low": Fraction(975, 1000), "high": Fraction(975, 1000)}
VALUES = 3
"""Values that share a bin."""


def scores_of(counts, point, quantile, slack, side):
    return width_scores(np.cumsum(counts), point, quantile, slack, side)


COUNTS = st.lists(st.integers(0, 30), min_size=1, max_size=25)
QUANTILE = st.sampled_from(QUANTILES) | st.fractions(0, 1, max_denominator=12)
SIDE = st.sampled_from(["around", "low", "high"])


@given(COUNTS, QUANTILE, st.integers(0, 4000), SIDE, st.data())
def test_scores_are_those_of_the_definition(counts, quantile, slack, side, data):
    point = data.draw(st.integers(0, len(counts) - 1))
    wanted = around(counts, point, quantile, slack, side)
    assert scores_of(counts, point, quantile, slack, side).tolist() == wanted
    assert 0 in wanted
    times = 2**70
    grown = width_scores(np.cumsum(np.array(counts, object) * times), point, quantile, slack * times, side)
    assert grown.tolist() == around([n * times for n in counts], point, quantile, slack * times, side)


@given(st.integers(0, 5000), st.integers(0, 5000), SIDE)
def test_half_widths_climb_to_the_edges_and_no_further(point, more, side):
    bins = point + more + 1
    found = half_widths(point, bins, side)
    assert found.tolist() == climbed(reach_of(point, bins, side))
    assert weights(found).tolist() == [2**rung for rung in range(len(found))]


def test_an_outcome_weighs_more_than_all_before_it():
    prior = weights(half_widths(2**22 - 1, 2**22, "low")).tolist()
    before = [0, *accumulate(prior[:-1])]
    assert all(one < other for one, other in zip(before, prior, strict=True))
    assert sum(weights(half_widths(0, 4096, "around")).tolist()) < 2**22
    assert sum(prior) < 2**40


@given(COUNTS, QUANTILE, st.integers(0, 300), SIDE, st.data())
def test_a_row_moves_no_score_by_more_than_is_paid_for(counts, quantile, slack, side, data):
    """R rows of a unit move it by R times that, for every point."""
    a, b = quantile.as_integer_ratio()
    added = data.draw(st.lists(st.integers(0, len(counts) - 1), min_size=1, max_size=5))
    more = (np.array(counts) + np.bincount(added, minlength=len(counts))).tolist()
    for point in range(len(counts)):
        one, other = (scores_of(rows, point, quantile, slack, side) for rows in (counts, more))
        assert abs(one - other).max() <= len(added) * max(a, b - a)


# --- coverage -----------------------------------------------------------------------------------------------


def quantile_of(rows, quantile):
    """Return the quantile as SQL interpolates it, exactly."""
    place = quantile * (len(rows) - 1)
    low = math.floor(place)
    return rows[low] + (place - low) * (rows[math.ceil(place)] - rows[low])


def missed(rows, bins, quantile, rate, side):
    """Return the largest probability over all points that the interval misses; *rows*: sorted values."""
    slack, truth = slack_for(rate, COVERAGE[side]), quantile_of(rows, quantile)
    counts = np.bincount([row // VALUES for row in rows], minlength=bins)
    worst = 0.0
    for point in range(bins):
        widths = half_widths(point, bins, side)
        chances = law(scores_of(counts, point, quantile, slack, side), rate, weights(widths).tolist())
        above = (np.maximum(point - widths, 0) * VALUES > truth) & (side != "high")
        below = (np.minimum(point + widths + 1, bins) * VALUES - 1 < truth) & (side != "low")
        worst = max(worst, chances[above | below].sum())
    return worst


def spread(counts, place=0):
    """Rows at one of the values of each bin."""
    return [VALUES * number + place for number, count in enumerate(counts) for _ in range(count)]


SHAPES = {
    "both ends": lambda n, bins: [n - n // 2, *[0] * (bins - 2), n // 2],
    "one bin": lambda n, bins: [*[0] * (bins // 3), n, *[0] * (bins - bins // 3 - 1)],
    "the last bin": lambda n, bins: [*[0] * (bins - 1), n],
    "even": lambda n, bins: [n // bins + (k < n % bins) for k in range(bins)],
    "rare above": lambda n, bins: [n - 1, *[0] * (bins - 2), 1],
    "rare below": lambda n, bins: [1, *[0] * (bins - 2), n - 1],
    "a gap": lambda n, bins: [*[0] * 5, n - n // 2, *[0] * (bins - 10), n // 2, *[0] * 4],
}


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("quantile", QUANTILES)
@pytest.mark.parametrize("side", COVERAGE)
def test_intervals_cover_whatever_the_rows(shape, quantile, side):
    """At every point, for few rows, rows about the slack, and many."""
    rate = Fraction(1, 4 * quantile.denominator)
    about = slack_for(rate, COVERAGE[side]) // quantile.denominator
    for n in (1, 2, 3, about - 1, about, about + 1, 2 * about, 9 * about):
        counts = SHAPES[shape](n, 40)
        for place in (0, VALUES - 1):
            assert missed(spread(counts, place), 40, quantile, rate, side) <= 1 - COVERAGE[side]


@settings(max_examples=150, deadline=None)
@given(
    st.lists(st.integers(0, VALUES * 16 - 1), min_size=1, max_size=60),
    QUANTILE,
    st.fractions(Fraction(1, 50), 3),
    SIDE,
)
@example([0, 47], Fraction(1, 2), Fraction(1, 2), "around")
def test_intervals_cover_any_rows(rows, quantile, rate, side):
    assert missed(sorted(rows), 16, quantile, rate, side) <= 1 - COVERAGE[side]


def test_the_slack_is_hardly_more_than_the_worst_rows_need():
    """Nearly half of the rows at the point, the others four bins away: nearer half-widths miss by a row."""
    rate, bins = Fraction(1, 1000), 64
    counts = [0] * bins
    counts[20], counts[24] = (9 * slack_for(rate, COVERAGE["around"]) + more for more in (0, 1))
    assert 0.044 < missed(spread(counts), bins, Fraction(1, 2), rate, "around") <= 0.05


def test_without_rows_there_is_a_law():
    for point, side in ((0, "low"), (3, "around"), (9, "high")):
        found = scores_of([0] * 10, point, Fraction(1, 2), 50, side)
        assert found[-1] == 0
        assert all(score >= 50 for score in found[:-1])


def test_one_bin_is_the_whole_domain():
    for side in COVERAGE:
        assert half_widths(0, 1, side).tolist() == [0]
        assert scores_of([7], 0, Fraction(1, 3), 5, side).tolist() == [0]


@given(st.fractions(Fraction(1, 10**9), 10**9), st.sampled_from(list(COVERAGE.values())))
def test_the_slack_is_a_whole_number_that_is_enough(rate, coverage):
    slack = slack_for(rate, coverage)
    if slack * rate < 700:
        assert math.exp(-float(slack * rate)) <= float(1 - coverage) * (1 + 1e-9)
    assert (slack - 1) * rate <= -math.log(1 - coverage) * (1 + 1e-9)


@pytest.mark.parametrize("bad", [(Fraction(0), Fraction(1, 2)), (Fraction(1), Fraction(1)), (Fraction(1), 0)])
def test_what_has_no_slack_is_refused(bad):
    with pytest.raises(ValueError, match="interval"):
        slack_for(*bad)


def test_draws_enclose_the_quantile_in_simulation():
    """2,000 runs on two values far apart; a coverage of 95 % would fail with probability below 1e-4."""
    counts, rate, quantile = [1000, *[0] * 30, 1001], Fraction(1, 100), Fraction(1, 2)
    slack, hits = slack_for(rate, Fraction(95, 100)), 0
    for _ in range(2000):
        point = 15
        widths = half_widths(point, 32, "around")
        scored = scores_of(counts, point, quantile, slack, "around")
        hits += point + widths[draw_bin(scored, rate, weights(widths))] >= 31
    assert hits >= 0.932 * 2000
