"""Intervals of one noise cover at least what they say, and are hardly wider than they must be.

Oracles: direct sums over the lattice (numpy) and the continuous laws (scipy).
"""

import math
import subprocess
import sys
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from sandbox.privacy.intervals import COVERAGE, half_width
from tests.support.lattice import BOTH, GAUSSIAN, LAPLACE, pmf


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


def test_importing_intervals_stays_cheap():
    code = (
        "import sys, sandbox.privacy.moments;"
        "assert not {'numpy', 'scipy', 'diffprivlib', 'sqlalchemy'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
