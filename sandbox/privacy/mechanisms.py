"""Discrete Laplace and discrete Gaussian noise in diffprivlib's frame, drawn by our exact samplers.

diffprivlib gives the frame (`DPMechanism`: validation, ``randomise``, ``bias``, ``variance``); its own
integer mechanisms invert a 53-bit uniform or need time proportional to σ, so nothing is drawn by it here.
Values and noise are Python integers of any size.  ``epsilon`` and ``delta`` of a mechanism are statements for
people in floating point; what is drawn depends on the exact *scale* alone.

This is the only module that imports diffprivlib (1.8 s): import it only where noise is made.  diffprivlib
shows its privacy warnings always; here they are errors.
"""

from __future__ import annotations

import math
import warnings
from collections.abc import Sequence
from fractions import Fraction
from typing import Any, Final

from diffprivlib.mechanisms.base import DPMechanism
from diffprivlib.utils import PrivacyLeakWarning

from sandbox.privacy import sampler
from sandbox.privacy.loss import PICO, epsilon_of_rho

warnings.simplefilter("error", PrivacyLeakWarning)

STATED_DELTA: Final = Fraction(1, 10**6)
"""The δ at which a discrete Gaussian states its ε when none is given; its noise does not depend on it."""


class _Exact(DPMechanism):  # type: ignore[misc]  # diffprivlib has no types
    """What both mechanisms share: an exact scale, an integer sensitivity, no seed."""

    def __init__(
        self, *, epsilon: float, delta: float, scale: Fraction, sensitivity: int, random_state: None
    ) -> None:
        if random_state is not None:
            raise ValueError("noise has no seed: random_state is refused")
        super().__init__(epsilon=epsilon, delta=delta)
        self.scale = scale
        self.sensitivity = sensitivity

    def randomise(self, value: int) -> int:
        """Return *value* plus one fresh draw; `TypeError` unless *value* is a Python integer."""
        self._check_all(value)
        return value + self._draw()

    def bias(self, value: int) -> float:
        """Return 0: the noise is symmetric."""
        self._check_all(value)
        return 0.0

    def _check_all(self, value: Any) -> bool:
        if type(value) is not int:
            raise TypeError("exact noise is added to Python integers only")
        return bool(super()._check_all(value))

    def _draw(self) -> int:
        raise NotImplementedError


def _checked(scale: Fraction, sensitivity: int) -> None:
    if not isinstance(scale, Fraction) or scale <= 0:
        raise ValueError("a scale is a positive Fraction")
    if type(sensitivity) is not int or sensitivity <= 0:
        raise ValueError("a sensitivity is a positive integer")


class DiscreteLaplace(_Exact):
    """Adds y with probability proportional to exp(-|y|/scale): (sensitivity/scale)-DP.

    *scale* is b, *sensitivity* the L1 sensitivity of the integers it is added to, in the same units.
    Source: Ghosh, Roughgarden & Sundararajan 2009; sampling by Canonne, Kamath & Steinke 2020, Algorithm 2.
    """

    def __init__(self, *, scale: Fraction, sensitivity: int = 1, random_state: None = None) -> None:
        _checked(scale, sensitivity)
        super().__init__(
            epsilon=float(sensitivity / scale),
            delta=0.0,
            scale=scale,
            sensitivity=sensitivity,
            random_state=random_state,
        )

    def variance(self, value: int) -> float:
        """Return 1/(2·sinh²(1/(2b))), the variance of the noise."""
        self._check_all(value)
        return 0.5 / math.sinh(0.5 / self.scale) ** 2

    def _draw(self) -> int:
        return sampler.discrete_laplace(self.scale)


class DiscreteGaussian(_Exact):
    """Adds y with probability proportional to exp(-y²/(2·scale)): (sensitivity²/(2·scale))-zCDP.

    *scale* is σ², *sensitivity* the L2 sensitivity.  ``epsilon`` is what that ρ amounts to at *delta*.
    Source: Canonne, Kamath & Steinke 2020, Theorem 4 and Algorithm 3.
    """

    def __init__(
        self,
        *,
        scale: Fraction,
        sensitivity: int = 1,
        delta: Fraction = STATED_DELTA,
        random_state: None = None,
    ) -> None:
        _checked(scale, sensitivity)
        self.rho = sensitivity**2 / (2 * scale)
        epsilon = epsilon_of_rho(math.ceil(self.rho * PICO), delta)
        super().__init__(
            epsilon=float(epsilon),
            delta=float(delta),
            scale=scale,
            sensitivity=sensitivity,
            random_state=random_state,
        )

    def variance(self, value: int) -> float:
        """Return the variance of the noise: σ² but for less than 10^-16 of it once σ² ≥ 4, less below."""
        self._check_all(value)
        if self.scale >= 4:
            return float(self.scale)
        weights = [(k, math.exp(-k * k / (2 * float(self.scale)))) for k in range(1, 40)]
        return 2 * sum(k * k * w for k, w in weights) / (1 + 2 * sum(w for _, w in weights))

    def _draw(self) -> int:
        return sampler.discrete_gaussian(self.scale)


def add_noise(values: Sequence[int], mechanism: str, scale: Fraction) -> list[int]:
    """Return each of *values* (Python integers) plus its own fresh draw.

    *mechanism* is ``discrete-laplace`` (*scale* is b) or ``discrete-gaussian`` (*scale* is σ²); the caller
    has calibrated *scale* to the sensitivity of the whole vector.
    """
    if mechanism == "discrete-laplace":
        noise: _Exact = DiscreteLaplace(scale=scale)
    elif mechanism == "discrete-gaussian":
        noise = DiscreteGaussian(scale=scale)
    else:
        raise ValueError(f"unknown mechanism {mechanism!r}")
    return [noise.randomise(value) for value in values]
