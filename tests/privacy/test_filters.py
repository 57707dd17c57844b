"""A filter counts its own currency and refuses everything else."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sandbox.errors import InvalidInputError
from sandbox.privacy.filters import admits, check
from sandbox.privacy.loss import ZERO, Filter, Loss

PURE, ZCDP = Filter.PURE, Filter.ZCDP


@pytest.mark.parametrize(
    ("filter_", "loss", "code"),
    [
        (PURE, Loss(epsilon_pico=1, delta_atto=1), "privacy.delta-under-pure"),
        (PURE, Loss(delta_atto=1), "privacy.delta-under-pure"),
        (PURE, Loss(rho_pico=1), "privacy.loss-without-meaning"),
        (PURE, Loss(epsilon_pico=1, rho_pico=1), "privacy.loss-without-meaning"),
        (PURE, ZERO, "privacy.loss-without-meaning"),
        (ZCDP, Loss(epsilon_pico=1), "privacy.loss-without-meaning"),
        (ZCDP, Loss(epsilon_pico=1, rho_pico=1), "privacy.loss-without-meaning"),
        (ZCDP, ZERO, "privacy.loss-without-meaning"),
    ],
)
def test_a_loss_without_meaning_in_the_filter_is_refused(filter_, loss, code):
    with pytest.raises(InvalidInputError) as refusal:
        check(filter_, loss)
    assert refusal.value.code == code
    with pytest.raises(InvalidInputError):
        admits(filter_, loss, Loss(10, 10, 10))


@given(st.integers(0, 100), st.integers(1, 100), st.integers(0, 200))
def test_a_filter_admits_exactly_what_still_fits(spent, loss, limit):
    assert admits(PURE, Loss(loss), Loss(limit).minus(Loss(spent))) == (spent + loss <= limit)
    left = Loss(0, limit).minus(Loss(0, spent))
    assert admits(ZCDP, Loss(0, loss), left) == (spent + loss <= limit)


def test_under_zcdp_rho_and_delta_are_both_counted():
    limit = Loss(rho_pico=10, delta_atto=5)
    assert admits(ZCDP, Loss(rho_pico=6, delta_atto=3), limit.minus(Loss(rho_pico=4, delta_atto=2)))
    assert not admits(ZCDP, Loss(rho_pico=6, delta_atto=3), limit.minus(Loss(rho_pico=4, delta_atto=3)))


def test_a_lowered_delta_stops_only_what_costs_delta():
    left = Loss(rho_pico=10, delta_atto=1).minus(Loss(rho_pico=1, delta_atto=5))
    assert admits(ZCDP, Loss(rho_pico=9), left)
    assert not admits(ZCDP, Loss(rho_pico=9, delta_atto=1), left)
