"""Numbers that look random and are functions of a seed, a name and a place.

SplitMix64's finaliser (Steele, Lea & Flood 2014) over keyed counters, in unsigned 64-bit integers.  Good for
invented data, useless for noise or keys.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from functools import cached_property
from math import gcd
from typing import Final

import numpy as np
from numpy.typing import NDArray

Numbers = NDArray[np.uint64]

MOST: Final = 2**32
"""Numbers that `Draws.distinct` can tell apart: a product of two of them stays in 64 bits."""

_STEP: Final = np.uint64(0x9E3779B97F4A7C15)
_FIRST: Final = np.uint64(0xBF58476D1CE4E5B9)
_SECOND: Final = np.uint64(0x94D049BB133111EB)


def _mixed(x: Numbers) -> Numbers:
    x = (x ^ (x >> np.uint64(30))) * _FIRST
    x = (x ^ (x >> np.uint64(27))) * _SECOND
    mixed: Numbers = x ^ (x >> np.uint64(31))
    return mixed


@dataclass(frozen=True)
class Draws:
    """Draws of one purpose, *name*, under *seed*; every place has its own, always the same."""

    seed: int
    name: tuple[str, ...]

    @cached_property
    def _keys(self) -> tuple[np.uint64, np.uint64]:
        said = hashlib.sha256(json.dumps([self.seed, *self.name]).encode()).digest()
        one, other = (int.from_bytes(said[at : at + 8], "big") for at in (0, 8))
        return np.uint64(one), np.uint64(other)

    def numbers(self, places: Numbers) -> Numbers:
        """Return a number below 2^64 for each of *places*."""
        one, other = self._keys
        return _mixed(_mixed(places * _STEP + one) ^ other)

    def below(self, places: Numbers, count: int) -> Numbers:
        """Return a number below *count* (at most 2^53) for each of *places*."""
        found: Numbers = self.numbers(places) % np.uint64(count)
        return found

    def distinct(self, places: Numbers, count: int) -> Numbers:
        """Return different numbers below *count* (at most `MOST`) for different *places* below it."""
        one, other = (int(key) for key in self._keys)
        factor = one % count or 1
        while gcd(factor, count) != 1:
            factor = factor % count + 1
        found: Numbers = (places * np.uint64(factor) + np.uint64(other % count)) % np.uint64(count)
        return found

    def also(self, *name: str) -> Draws:
        """Return draws of another purpose under the same seed."""
        return Draws(self.seed, (*self.name, *name))
