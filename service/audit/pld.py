"""A tighter figure of what was spent, by another library: information that never admits a job.

`dp-accounting` (an optional dependency) composes privacy loss distributions.  Gaussian noise is taken for
continuous, everything else for the worst mechanism of its ε (randomised response).  The figure holds if the
losses had been fixed beforehand; they were chosen one after the other, so the filter's sum is the guarantee.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable
from fractions import Fraction
from importlib.metadata import PackageNotFoundError, version
from typing import Any, Final

from jobs.events import Event

_FINEST: Final = 1e-4
_MOST_STEPS: Final = 1e6
_DIGITS: Final = 2


def library() -> str | None:
    """Return name and version of the accounting library, None where it is not installed."""
    try:
        return f"dp-accounting {version('dp-accounting')}"
    except PackageNotFoundError:
        return None


def epsilon(found: Iterable[Event], delta: Fraction) -> str:
    """Return about which ε all of *found* together amount to at *delta*, beside the δ of their own.

    Each ε of an event is rounded up to two digits first, so that equal ones are composed at once.
    """
    gaussian, pure = Fraction(0), Counter[float]()
    for event in found:
        gaussian += event.gaussian
        if event.pure:
            pure[_rounded_up(event.pure)] += 1
    if not gaussian and not pure:
        return "0"
    return f"{_composed(float(gaussian), pure, float(delta)):.4g}"


def _composed(gaussian: float, pure: Counter[float], delta: float) -> float:
    from dp_accounting.pld import common  # noqa: PLC0415 - 1.7 s, optional
    from dp_accounting.pld import privacy_loss_distribution as losses  # noqa: PLC0415

    total = math.sqrt(gaussian) * 8 + gaussian + sum(one * count for one, count in pure.items())
    finest = min([_FINEST, *(one / 100 for one in pure)])
    step = max(finest, total / _MOST_STEPS)
    parts = [
        losses.from_privacy_parameters(
            common.DifferentialPrivacyParameters(one, 0), value_discretization_interval=step
        ).self_compose(count)
        for one, count in pure.items()
    ]
    if gaussian:
        noise = 1 / math.sqrt(gaussian)
        parts.append(losses.from_gaussian_mechanism(noise, value_discretization_interval=step))
    whole = parts[0]
    for part in parts[1:]:
        whole = whole.compose(part)
    return float(whole.get_epsilon_for_delta(delta))


def _rounded_up(value: Fraction) -> float:
    unit = Fraction(10) ** (math.floor(math.log10(value)) - _DIGITS + 1)
    return float(math.ceil(value / unit) * unit)


def note(found: str | None) -> dict[str, Any]:
    """Return what stands above the figures."""
    return {
        "computed_by": found,
        "note": "Information only: it never admits a job. The guarantee is the sum that the filter counted."
        if found
        else "dp-accounting is not installed (pip install 'keyong[evidence]'): no figures.",
    }
