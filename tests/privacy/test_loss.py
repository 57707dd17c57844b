"""Losses are exact integers; ε and ρ convert by the published formula, rounded to the side asked for."""

import math
from decimal import Decimal
from fractions import Fraction

import mpmath
import pytest
from dp_accounting import dp_event
from dp_accounting.pld.pld_privacy_accountant import PLDAccountant
from dp_accounting.rdp.rdp_privacy_accountant import RdpAccountant
from hypothesis import example, given
from hypothesis import strategies as st

from sandbox.errors import InvalidInputError
from sandbox.privacy.loss import (
    ATTO,
    MAX_EPSILON,
    PICO,
    ZERO,
    Filter,
    Loss,
    affordable_epsilon,
    cost_of_epsilon,
    epsilon_of_rho,
    limit_of_epsilon,
    parse_epsilon,
    pure_of_rho,
    rho_of_epsilon,
    rho_of_pure,
)

DELTA = Fraction(1, 10**6)

epsilons = st.integers(1, MAX_EPSILON * PICO).map(lambda n: Fraction(n, PICO)) | st.integers(1, 10**13).map(
    lambda n: Fraction(n, PICO)
)
deltas = st.integers(1, ATTO - 1).map(lambda n: Fraction(n, ATTO)) | st.integers(1, 18).map(
    lambda n: Fraction(1, 10**n)
)
losses = st.builds(Loss, st.integers(0, 2**62), st.integers(0, 2**62), st.integers(0, ATTO))


def as_fraction(value):
    return Fraction(int(value.man)) * Fraction(2) ** int(value.exp)


def true_rho(epsilon, delta):
    with mpmath.workdps(150):
        log = mpmath.log(mpmath.mpf(delta.denominator) / delta.numerator)
        eps = mpmath.mpf(epsilon.numerator) / epsilon.denominator
        return as_fraction((mpmath.sqrt(log + eps) - mpmath.sqrt(log)) ** 2 * PICO)


def true_epsilon(rho_pico, delta):
    with mpmath.workdps(150):
        rho = mpmath.mpf(rho_pico) / PICO
        log = mpmath.log(mpmath.mpf(delta.denominator) / delta.numerator)
        return as_fraction((rho + 2 * mpmath.sqrt(rho * log)) * PICO)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("0.5", Fraction(1, 2)),
        ("1e3", Fraction(1000)),
        ("1e-12", Fraction(1, 10**12)),
        (0.1, Fraction(1, 10)),
        (1, Fraction(1)),
        (Decimal("0.25"), Fraction(1, 4)),
        (Fraction(1, 8), Fraction(1, 8)),
        ("1000000", Fraction(10**6)),
    ],
)
def test_a_written_epsilon_is_read_exactly(value, expected):
    assert parse_epsilon(value) == expected


@pytest.mark.parametrize(
    ("value", "code"),
    [
        (math.nan, "privacy.epsilon-not-a-number"),
        (math.inf, "privacy.epsilon-not-a-number"),
        ("nan", "privacy.epsilon-not-a-number"),
        ("-inf", "privacy.epsilon-not-a-number"),
        (True, "privacy.epsilon-not-a-number"),
        ("true", "privacy.epsilon-not-a-number"),
        ("", "privacy.epsilon-not-a-number"),
        ("1/2", "privacy.epsilon-not-a-number"),
        ("0x10", "privacy.epsilon-not-a-number"),
        ("1_000", "privacy.epsilon-not-a-number"),
        (0, "privacy.epsilon-not-positive"),
        ("0.0", "privacy.epsilon-not-positive"),
        (-1, "privacy.epsilon-not-positive"),
        ("1000000.1", "privacy.epsilon-too-large"),
        ("1e999", "privacy.epsilon-too-large"),
        ("1e-13", "privacy.epsilon-too-fine"),
        (Fraction(1, 3), "privacy.epsilon-too-fine"),
    ],
)
def test_what_is_no_epsilon_is_refused(value, code):
    with pytest.raises(InvalidInputError) as refusal:
        parse_epsilon(value)
    assert refusal.value.code == code


@given(epsilons, deltas)
@example(Fraction(1), DELTA)
@example(Fraction(1, PICO), Fraction(1, ATTO))
@example(Fraction(MAX_EPSILON), Fraction(ATTO - 1, ATTO))
def test_rho_is_rounded_to_the_side_asked_for(epsilon, delta):
    down, up = (rho_of_epsilon(epsilon, delta, up=side) for side in (False, True))
    assert down <= true_rho(epsilon, delta) <= up
    assert up - down <= 1


@given(st.integers(0, 10**18), deltas)
def test_epsilon_is_rounded_to_the_side_asked_for(rho, delta):
    down, up = (epsilon_of_rho(rho, delta, up=side) * PICO for side in (False, True))
    assert down <= true_epsilon(rho, delta) <= up
    assert up - down <= 1


@given(epsilons, epsilons, deltas, deltas, st.booleans())
def test_rho_grows_with_epsilon_and_with_delta(one, other, delta, another, up):
    small, large = sorted((one, other))
    strict, loose = sorted((delta, another))
    assert rho_of_epsilon(small, strict, up=up) <= rho_of_epsilon(large, loose, up=up)


@given(epsilons, deltas)
def test_the_conversions_are_inverse_up_to_their_rounding(epsilon, delta):
    assert epsilon_of_rho(rho_of_epsilon(epsilon, delta, up=False), delta, up=False) <= epsilon
    assert epsilon_of_rho(rho_of_epsilon(epsilon, delta, up=True), delta, up=True) >= epsilon


@given(epsilons, deltas, st.sampled_from(Filter))
def test_what_a_person_wrote_is_never_exceeded_and_fits_its_own_limit(epsilon, delta, filter_):
    if filter_ is Filter.ZCDP and true_rho(epsilon, delta) < 1:
        with pytest.raises(InvalidInputError, match="epsilon-too-small"):
            cost_of_epsilon(filter_, epsilon, delta)
        return
    cost = cost_of_epsilon(filter_, epsilon, delta)
    assert cost.fits(limit_of_epsilon(filter_, epsilon, delta))
    if filter_ is Filter.PURE:
        assert cost == Loss(epsilon_pico=int(epsilon * PICO))
    else:
        assert cost == Loss(rho_pico=cost.rho_pico)
        assert true_epsilon(cost.rho_pico, delta) <= epsilon * PICO


@pytest.mark.parametrize("delta", [Fraction(0), Fraction(1), Fraction(-1, 2), Fraction(1, 3)])
def test_a_delta_without_meaning_is_refused(delta):
    with pytest.raises(InvalidInputError, match="bad-delta"):
        rho_of_epsilon(Fraction(1), delta, up=False)


@pytest.mark.parametrize("epsilon", [Fraction(0), Fraction(-1), Fraction(MAX_EPSILON + 1)])
def test_a_cost_outside_the_range_is_refused(epsilon):
    with pytest.raises(InvalidInputError):
        cost_of_epsilon(Filter.PURE, epsilon, DELTA)


@given(losses, losses, losses)
def test_losses_add_like_integers(a, b, c):
    assert (a + b) + c == a + (b + c)
    assert a + b == b + a
    assert a + ZERO == a
    assert (a + b).minus(b) == a
    assert a.minus(a + b) == ZERO
    assert a.fits(a + b)


@given(losses, st.integers(0, 50))
def test_n_losses_are_n_times_one(loss, n):
    total = sum([loss] * n, ZERO)
    assert total == Loss(n * loss.epsilon_pico, n * loss.rho_pico, n * loss.delta_atto)


@pytest.mark.parametrize("parts", [(-1, 0, 0), (0, -1, 0), (0, 0, -1), (0.5, 0, 0), (True, 0, 0)])
def test_a_loss_is_made_of_non_negative_integers(parts):
    with pytest.raises(ValueError, match="integers"):
        Loss(*parts)


@given(st.integers(0, 10**18), st.sampled_from(Filter), deltas)
def test_the_epsilon_said_to_be_left_is_admitted(units, filter_, delta):
    left = Loss(epsilon_pico=units) if filter_ is Filter.PURE else Loss(rho_pico=units)
    text = affordable_epsilon(left, filter_, delta)
    if text == "0":
        return
    assert cost_of_epsilon(filter_, parse_epsilon(text), delta).fits(left)
    most = Fraction(units, PICO) if filter_ is Filter.PURE else epsilon_of_rho(units, delta, up=False)
    assert parse_epsilon(text) >= min(most, MAX_EPSILON) * (1 - Fraction(2, 10**5)) - Fraction(1, PICO)


@pytest.mark.parametrize("text", ["8", "1", "0.5", "0.1", "3.14159", "0.001"])
@pytest.mark.parametrize("filter_", Filter)
def test_an_untouched_limit_is_shown_as_it_was_written(text, filter_):
    assert affordable_epsilon(limit_of_epsilon(filter_, Fraction(text), DELTA), filter_, DELTA) == text


@given(st.integers(0, 10**18))
@example(PICO)
@example(1)
def test_pure_epsilon_enters_zcdp_as_half_its_square(epsilon):
    rho = rho_of_pure(epsilon)
    assert rho == math.ceil(Fraction(epsilon, PICO) ** 2 / 2 * PICO)
    assert pure_of_rho(rho) >= epsilon
    assert rho_of_pure(pure_of_rho(rho)) <= rho < rho_of_pure(pure_of_rho(rho) + 1)


@pytest.mark.parametrize("epsilon", ["0.1", "1", "8"])
def test_independent_accountants_find_no_more_loss_than_we_state(epsilon):
    """Gaussian noise calibrated to our ρ costs at most the ε that was written; zCDP is not too wasteful."""
    cost = cost_of_epsilon(Filter.ZCDP, Fraction(epsilon), DELTA)
    sigma = math.sqrt(PICO / (2 * cost.rho_pico))
    for accountant in (PLDAccountant(), RdpAccountant(orders=[1 + 2**k for k in range(-6, 16)])):
        accountant.compose(dp_event.GaussianDpEvent(sigma))
        found = accountant.get_epsilon(float(DELTA))
        assert 0.5 * float(epsilon) <= found <= 1.01 * float(epsilon)
