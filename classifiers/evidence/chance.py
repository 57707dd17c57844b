"""How often chance alone would make so many values fit."""

from __future__ import annotations

from math import inf, log
from typing import Final

RISK: Final = 1e-4
"""How often one pattern may speak for a column of random values."""


def by_chance(share: float, values: int, chance: float, risk: float = RISK) -> bool:
    """Whether a *share* of so many random *values*, of which each fits with *chance*, might fit.

    That is, whether they do with a probability of more than *risk*.  Of n values k or more fit with one of at
    most exp(-n KL(k/n || chance)) (Chernoff 1952).
    """
    return values * divergence(share, chance) < log(1 / risk)


def divergence(share: float, chance: float) -> float:
    """Return the Kullback-Leibler divergence of two coins in nats, 0 where *share* is at most *chance*."""
    if share <= chance:
        return 0.0
    rest = (1 - share) * log((1 - share) / (1 - chance)) if share < 1 else 0.0
    return share * log(share / chance) + rest if chance > 0 else inf
