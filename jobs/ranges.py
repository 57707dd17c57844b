"""Interval arithmetic on exact numbers, with ends that may be unknown: one rule per operation.

A rule answers for rows whose inputs lie in its arguments' spans and whose result is not null.  `jobs.curves`
has the rules of roots, powers and logarithms, and the list of all.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from math import ceil, floor, gcd, inf, lcm
from typing import Final

LARGEST: Final = Fraction(10**200)
"""Bounds beyond it, and grids finer than its inverse, are refused: far inside what float64 can scale."""

_EXACT_STEPS: Final = 2**53


@dataclass(frozen=True, slots=True)
class Span:
    """Numbers from *low* to *high*; None: no such bound is known.

    *grid* is their common step, None if they have none; *lattice*: every value is the float64 nearest to a
    multiple of it.
    """

    low: Fraction | None = None
    high: Fraction | None = None
    grid: Fraction | None = None
    lattice: bool = False

    @property
    def held(self) -> bool:
        """Whether every value is exactly a multiple of the grid, so that sums and products of it are too."""
        if not self.lattice or self.grid is None or self.grid.denominator & (self.grid.denominator - 1):
            return False
        return all(end is None or abs(end) / self.grid <= _EXACT_STEPS for end in (self.low, self.high))


ANY: Final = Span()
INTEGERS: Final = Span(grid=Fraction(1), lattice=True)


def point(number: Fraction) -> Span:
    """Return the span of one number."""
    return Span(number, number, abs(number) or Fraction(1), lattice=True)


def whole(low: int | None, high: int | None) -> Span:
    """Return the span of the integers from *low* to *high*."""
    return Span(
        None if low is None else Fraction(low),
        None if high is None else Fraction(high),
        Fraction(1),
        lattice=True,
    )


def hull(parts: Sequence[Span]) -> Span:
    """Return what holds any of *parts*, at least one."""
    lows, highs = [part.low for part in parts], [part.high for part in parts]
    grid = parts[0].grid
    for part in parts[1:]:
        grid = _common_grid(grid, part.grid)
    low = None if None in lows else _smallest(lows)
    high = None if None in highs else _largest(highs)
    return Span(low, high, grid, all(part.lattice for part in parts))


def greatest(parts: Sequence[Span], certain: Sequence[bool]) -> Span:
    """Return the span of the largest of values in *parts*; those that are not *certain* may be left out."""
    found = hull(parts)
    floors = [part.low for part, sure in zip(parts, certain, strict=True) if sure]
    return Span(_largest([found.low, *floors]), found.high, found.grid, found.lattice)


def least(parts: Sequence[Span], certain: Sequence[bool]) -> Span:
    """Return the span of the smallest, likewise."""
    return negate(greatest([negate(part) for part in parts], certain))


def _smallest(known: Iterable[Fraction | None]) -> Fraction | None:
    return min((end for end in known if end is not None), default=None)


def _largest(known: Iterable[Fraction | None]) -> Fraction | None:
    return max((end for end in known if end is not None), default=None)


def _common_grid(a: Fraction | None, b: Fraction | None) -> Fraction | None:
    """Greatest step of which both are multiples."""
    if a is None or b is None:
        return None
    return Fraction(gcd(a.numerator, b.numerator), lcm(a.denominator, b.denominator))


def add(a: Span, b: Span) -> Span:
    """Return the span of sums."""
    low = None if a.low is None or b.low is None else a.low + b.low
    high = None if a.high is None or b.high is None else a.high + b.high
    return Span(low, high, _common_grid(a.grid, b.grid), a.held and b.held)


def negate(a: Span) -> Span:
    """Return the span of negatives."""
    low = None if a.high is None else -a.high
    return Span(low, None if a.low is None else -a.low, a.grid, a.lattice)


def subtract(a: Span, b: Span) -> Span:
    """Return the span of differences."""
    return add(a, negate(b))


End = Fraction | float
"""A number or an infinity."""


def ends(a: Span) -> tuple[End, End]:
    """Return both ends of *a*, infinite where unknown."""
    return (-inf if a.low is None else a.low, inf if a.high is None else a.high)


def spanned(corners: Sequence[End], grid: Fraction | None = None, *, lattice: bool = False) -> Span:
    """Return the span of numbers between the least and the largest of *corners*."""
    low, high = min(corners), max(corners)
    return Span(
        low if isinstance(low, Fraction) else None,
        high if isinstance(high, Fraction) else None,
        grid,
        lattice,
    )


def _times(x: End, y: End) -> End:
    if isinstance(x, Fraction) and isinstance(y, Fraction):
        return x * y
    # A bound of zero stays zero: what is unknown is still a number.
    sign = ((x > 0) - (x < 0)) * ((y > 0) - (y < 0))
    return sign * inf if sign else Fraction(0)


def multiply(a: Span, b: Span) -> Span:
    """Return the span of products."""
    grid = None if a.grid is None or b.grid is None else a.grid * b.grid
    corners = [_times(x, y) for x in ends(a) for y in ends(b)]
    return spanned(corners, grid, lattice=a.held and b.held)


def divide(a: Span, b: Span) -> Span:
    """Return the span of quotients; unknown if the divisor may be 0 or near it."""
    low, high = ends(b)
    if low <= 0 <= high:
        return ANY
    inverse = spanned([1 / end if isinstance(end, Fraction) else Fraction(0) for end in (low, high)])
    quotient = multiply(Span(a.low, a.high), inverse)
    if b.low != b.high or b.low is None or a.grid is None:
        return quotient
    return Span(quotient.low, quotient.high, a.grid / abs(b.low), a.held and b.held)


def mod(a: Span, b: Span) -> Span:
    """Return the span of remainders: nearer to 0 than the divisor, no farther than the dividend."""
    grid, lattice = _common_grid(a.grid, b.grid), a.held and b.held
    most = absolute(b).high
    if most and grid and lattice:
        most -= grid
    found = hull((a, Span(Fraction(0), Fraction(0))))
    low = _largest((found.low, None if most is None else -most))
    return Span(low, _smallest((found.high, most)), grid, lattice)


def absolute(a: Span) -> Span:
    """Return the span of absolute values."""
    if a.low is not None and a.low >= 0:
        return a
    if a.high is not None and a.high <= 0:
        return negate(a)
    high = None if a.low is None or a.high is None else max(-a.low, a.high)
    return Span(Fraction(0), high, a.grid, a.lattice)


def sign(a: Span) -> Span:
    """Return the span of signs."""
    low, high = ends(a)
    return whole((low > 0) - (low < 0), (high > 0) - (high < 0))


def stepped(rounding: Callable[[Fraction], int]) -> Callable[[Span], Span]:
    """Return the rule of a rounding to integers."""

    def apply(a: Span) -> Span:
        return whole(*(None if end is None else rounding(end) for end in (a.low, a.high)))

    return apply


def half_away(value: Fraction) -> int:
    """Round half away from zero."""
    return floor(value + Fraction(1, 2)) if value >= 0 else ceil(value - Fraction(1, 2))
