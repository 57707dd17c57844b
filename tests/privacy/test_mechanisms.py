"""The mechanisms stand in diffprivlib's frame, draw exactly, and cannot be seeded."""

import math
import subprocess
import sys
from fractions import Fraction

import numpy as np
import pytest
from diffprivlib.mechanisms.base import DPMechanism

from sandbox.privacy.loss import PICO, epsilon_of_rho
from sandbox.privacy.mechanisms import DiscreteGaussian, DiscreteLaplace, add_noise

BOTH = [DiscreteLaplace, DiscreteGaussian]


@pytest.mark.parametrize("kind", BOTH)
def test_they_are_mechanisms_of_diffprivlib(kind):
    mechanism = kind(scale=Fraction(3, 2), sensitivity=3)
    assert isinstance(mechanism, DPMechanism)
    assert isinstance(mechanism.randomise(5), int)
    assert mechanism.bias(5) == 0
    assert mechanism.mse(5) == mechanism.variance(5) > 0
    assert "scale=Fraction(3, 2)" in repr(mechanism)
    assert mechanism.copy().scale == mechanism.scale


@pytest.mark.parametrize("kind", BOTH)
@pytest.mark.parametrize("state", [0, 42, np.random.RandomState(1)])
def test_a_seed_is_refused(kind, state):
    with pytest.raises(ValueError, match="random_state"):
        kind(scale=Fraction(1), random_state=state)


@pytest.mark.parametrize("kind", BOTH)
@pytest.mark.parametrize("scale", [Fraction(0), Fraction(-1), 1.5, 2, math.inf])
def test_a_scale_is_a_positive_fraction(kind, scale):
    with pytest.raises(ValueError, match="scale"):
        kind(scale=scale)


@pytest.mark.parametrize("kind", BOTH)
@pytest.mark.parametrize("sensitivity", [0, -1, 1.0, True])
def test_a_sensitivity_is_a_positive_integer(kind, sensitivity):
    with pytest.raises(ValueError, match="sensitivity"):
        kind(scale=Fraction(1), sensitivity=sensitivity)


@pytest.mark.parametrize("kind", BOTH)
@pytest.mark.parametrize("value", [1.0, True, np.int64(1), "1", None])
def test_only_python_integers_are_randomised(kind, value):
    with pytest.raises(TypeError):
        kind(scale=Fraction(1)).randomise(value)


def test_the_loss_they_state_is_that_of_their_scale():
    assert DiscreteLaplace(scale=Fraction(8), sensitivity=4).epsilon == 0.5
    assert DiscreteLaplace(scale=Fraction(8), sensitivity=4).delta == 0
    gauss = DiscreteGaussian(scale=Fraction(100), sensitivity=10, delta=Fraction(1, 1000))
    assert gauss.rho == Fraction(1, 2)
    assert gauss.epsilon == pytest.approx(float(epsilon_of_rho(PICO // 2, Fraction(1, 1000))))
    assert gauss.delta == 0.001


@pytest.mark.parametrize("scale", [Fraction(1, 9), Fraction(1), Fraction(7, 2), Fraction(50)])
def test_the_variance_is_that_of_the_law(scale):
    k = np.arange(-4000, 4001).astype(float)
    for kind, weights in (
        (DiscreteLaplace, np.exp(-abs(k) / float(scale))),
        (DiscreteGaussian, np.exp(-(k**2) / (2 * float(scale)))),
    ):
        assert kind(scale=scale).variance(0) == pytest.approx(
            (k**2 * weights).sum() / weights.sum(), rel=1e-9
        )


@pytest.mark.parametrize("name", ["discrete-laplace", "discrete-gaussian"])
def test_noise_is_added_to_integers_of_any_size(name):
    values = [0, -(2**80), 2**80, 2**200 + 1]
    noisy = add_noise(values, name, Fraction(1, 2))
    assert all(type(value) is int for value in noisy)
    assert all(abs(a - b) < 200 for a, b in zip(noisy, values, strict=True))
    assert add_noise([], name, Fraction(1)) == []
    assert len(set(add_noise([7] * 50, name, Fraction(2**80)))) == 50


def test_an_unknown_mechanism_is_refused():
    with pytest.raises(ValueError, match="unknown"):
        add_noise([1], "laplace", Fraction(1))


def test_privacy_leak_warnings_are_errors_after_import():
    code = (
        "import sandbox.privacy.mechanisms, warnings;"
        "from diffprivlib.utils import PrivacyLeakWarning;"
        "warnings.warn('bounds read off the data', PrivacyLeakWarning)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "PrivacyLeakWarning" in done.stderr
