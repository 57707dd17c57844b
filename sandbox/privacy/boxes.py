"""What a cell's noisy totals say of its means and spreads, apart from a small risk.

Every bound here follows from events "the noise Σ w·X is within `Cell.far` of zero", one for each mean and
each spread, at the w of their true values; each of them fails with the risk that `far` was made for.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from sandbox.privacy.combinations import Width


@dataclass(frozen=True, slots=True)
class Range:
    """All numbers from *low* to *high*."""

    low: float
    high: float

    def __add__(self, other: Range | float) -> Range:
        it = other if isinstance(other, Range) else Range(other, other)
        return Range(self.low + it.low, self.high + it.high)

    def __mul__(self, other: Range | float) -> Range:
        ends = (other.low, other.high) if isinstance(other, Range) else (other, other)
        corners = [mine * its for mine in (self.low, self.high) for its in ends]
        return Range(min(corners), max(corners))

    @property
    def most(self) -> float:
        """The largest magnitude in it."""
        return max(-self.low, self.high)


NONE: Final = Range(0.0, 0.0)
ONE: Final = Range(1.0, 1.0)


def around(middle: float, reach: float) -> Range:
    """Return what is within *reach* of *middle*."""
    return Range(middle - reach, middle + reach)


@dataclass(frozen=True, slots=True)
class Side:
    """What is known of one variable: *mean* and *spread* (population variance) as released, how far off.

    *means*: the means that are possible.
    """

    mean: float
    mean_off: float
    means: Range
    spread: float
    spread_off: float


@dataclass(frozen=True, slots=True)
class Cell:
    """One cell's totals: (N, Σx, Σx²), or (N, Σy, Σx, Σyx, Σy², Σx²), less *shifts* per row.

    *bounds* are the range of each variable, *axis* where a regression line meets the axis, *far* the
    half-width at the small risk of weighted sums of the totals' noises, and *rows_off* that of N.
    """

    totals: Sequence[float]
    shifts: Sequence[int]
    bounds: Sequence[tuple[int, int]]
    axis: float
    far: Width
    rows_off: float

    @property
    def rows(self) -> float:
        """N as released."""
        return self.totals[0]

    def side(self, total: int, square: int, number: int) -> Side:
        """Return what is known of variable *number*, whose Σx and Σx² are totals *total* and *square*.

        From Σx = m·N follows |m - m̂|·N̂ ≤ far(Σx - m·N), a norm, so |m - m̂|·(N̂ - far(N)) ≤ far(Σx - m̂·N).
        Likewise Σ(x - m)² = v·N, N̂·(v̂ + (m - m̂)²) - v·N̂ being that noise.
        """
        rows, shift, (low, high) = self.totals[0], self.shifts[square], self.bounds[number]
        mean = self.totals[total] / rows
        off = self.far(self._weights({0: mean, total: 1.0})) / (rows - self.rows_off)
        means = Range(*(min(max(end, low), high) for end in (mean - off, mean + off)))
        spread = self.totals[square] / rows + shift - mean * mean
        alone = abs(mean * mean + shift - spread) + off * (2 * abs(mean) + off)
        noise = self.far(self._weights({0: alone, total: 2 * means.most, square: 1.0}))
        return Side(mean, off, means, spread, (noise + rows * off * off) / (rows - self.rows_off))

    @property
    def pair(self) -> tuple[Side, Side, float]:
        """The sides y and x, and their covariance as released."""
        y, x = self.side(1, 4, 0), self.side(2, 5, 1)
        return y, x, self.totals[3] / self.rows + self.shifts[3] - y.mean * x.mean

    def seen(self, coefficients: Sequence[Range]) -> list[float]:
        """Return the largest magnitudes of weights of the released totals, given those of the true ones."""
        own, *others = coefficients
        for coefficient, shift in zip(others, self.shifts[1:], strict=True):
            own = own + coefficient * shift if shift else own
        return [own.most, *(coefficient.most for coefficient in others)]

    def reach(self, coefficients: Sequence[Range]) -> float:
        """Return how far from zero the noise of *coefficients* may be."""
        return self.far(self.seen(coefficients))

    def _weights(self, known: dict[int, float]) -> list[float]:
        return [known.get(place, 0.0) for place in range(len(self.totals))]
