"""Public domains of expressions, derived from the declared domains of columns by interval arithmetic.

Nothing here sees a row.  `value_range` says between which bounds, and on which grid, the value of a numeric
expression lies.  The answer holds for rows whose cells lie in the declared domains; any other is clamped, so
a wrong answer could cost accuracy but never privacy: the kernel clamps to the range that stands in the plan,
whatever the row says.  `jobs.categories` says which values a group key can take.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from fractions import Fraction
from math import ceil, floor, gcd, lcm
from typing import Final

from jobs.expressions import Call, Column, Expression, Literal
from sandbox.errors import InvalidInputError
from sandbox.schema import (
    MAX_GRID_STEPS,
    CategoricalDomain,
    DateDomain,
    Domain,
    NumericDomain,
    Scalar,
    exact,
)

Domains = Mapping[str, Domain]

LARGEST: Final = Fraction(10**200)
"""Bounds beyond it, and grids finer than its inverse, are refused: far inside what float64 can scale."""

DEFAULT_STEPS: Final = 10**6
"""Grid steps given to a value without a grid of its own, such as a quotient."""

COMPARISONS: Final = ("equal", "not_equal", "less", "less_equal", "greater", "greater_equal")
BOOLEAN: Final = frozenset((*COMPARISONS, "and", "or", "not", "is_null", "in", "like", "to_boolean"))


@dataclass(frozen=True, slots=True)
class Range:
    """Numbers in [low, high]; *grid* is their common step, *lattice* says that every value lies on it."""

    low: Fraction
    high: Fraction
    grid: Fraction
    lattice: bool


def value_range(expression: Expression, domains: Domains) -> Range | None:
    """Return the range of a numeric expression, or None if its columns declare too little.

    Raises `InvalidInputError` ``plan.beyond-numbers`` for an expression any part of which passes `LARGEST`.
    """
    found = _found_range(expression, domains)
    if found and max(abs(found.low), abs(found.high), 1 / found.grid) > LARGEST:
        raise InvalidInputError("plan.beyond-numbers")
    return found


def _found_range(expression: Expression, domains: Domains) -> Range | None:
    match expression:
        case Column(name):
            return column_range(domains.get(name))
        case Literal(value):
            return _literal_range(value)
        case Call():
            return _call_range(expression, domains)


def _call_range(call: Call, domains: Domains) -> Range | None:
    match call:
        case Call("case", arguments):
            return _union([value_range(item, domains) for item in case_values(arguments)], arguments)
        case Call("coalesce", arguments):
            return _union([value_range(item, domains) for item in arguments], arguments)
        case Call(("year" | "month" | "day") as part, (Column(name),)):
            return _calendar_range(part, domains.get(name))
        case Call("width_bucket", (_, _, _, Literal(int(count)))):
            return Range(Fraction(0), Fraction(count + 1), Fraction(1), lattice=True)
        case Call(operation, arguments) if operation in _ARITHMETIC:
            parts = [value_range(item, domains) for item in arguments]
            return _ARITHMETIC[operation](*parts) if all(parts) else None
    return None


def column_range(domain: Domain | None) -> Range | None:
    """Return the range that a column's declared domain gives it."""
    if isinstance(domain, NumericDomain):
        return Range(domain.low, domain.high, domain.grid, lattice=domain.grid.denominator == 1)
    if isinstance(domain, CategoricalDomain):
        numbers = [v for v in domain.values if isinstance(v, int | float) and not isinstance(v, bool)]
        if numbers and len(numbers) == sum(v is not None for v in domain.values):
            parts = [_literal_range(value) for value in numbers]
            return _union(parts, ())
    return None


def _literal_range(value: Scalar) -> Range | None:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    number = exact(value)
    return Range(number, number, abs(number) or Fraction(1), lattice=True)


def case_values(arguments: tuple[Expression, ...]) -> tuple[Expression, ...]:
    """Return the results of a CASE, its ELSE last."""
    return (*arguments[1:-1:2], arguments[-1])


def _union(parts: list[Range | None], arguments: tuple[Expression, ...]) -> Range | None:
    known = [part for part in parts if part is not None]
    nulls = sum(isinstance(item, Literal) and item.value is None for item in arguments)
    if not known or len(known) + nulls < len(parts):
        return None
    grid = known[0].grid
    for part in known[1:]:
        grid = _common_grid(grid, part.grid)
    lattice = all(part.lattice for part in known)
    return Range(min(p.low for p in known), max(p.high for p in known), grid, lattice)


def _common_grid(a: Fraction, b: Fraction) -> Fraction:
    """Greatest step of which both are multiples."""
    return Fraction(gcd(a.numerator, b.numerator), lcm(a.denominator, b.denominator))


def _add(a: Range, b: Range) -> Range:
    return Range(a.low + b.low, a.high + b.high, _common_grid(a.grid, b.grid), a.lattice and b.lattice)


def _negate(a: Range) -> Range:
    return Range(-a.high, -a.low, a.grid, a.lattice)


def _multiply(a: Range, b: Range) -> Range:
    corners = [x * y for x in (a.low, a.high) for y in (b.low, b.high)]
    return Range(min(corners), max(corners), a.grid * b.grid, a.lattice and b.lattice)


def _divide(a: Range, b: Range) -> Range | None:
    if b.low <= 0 <= b.high:
        return None
    corners = [x / y for x in (a.low, a.high) for y in (b.low, b.high)]
    low, high = min(corners), max(corners)
    return Range(low, high, _decimal_step(high - low), lattice=False)


def _decimal_step(width: Fraction) -> Fraction:
    """The power of ten that gives *width* about `DEFAULT_STEPS` steps."""
    step = Fraction(1)
    while width > step * DEFAULT_STEPS:
        step *= 10
    while width and width < step * DEFAULT_STEPS / 10:
        step /= 10
    return step


def _abs(a: Range) -> Range:
    low = Fraction(0) if a.low <= 0 <= a.high else min(abs(a.low), abs(a.high))
    return Range(low, max(abs(a.low), abs(a.high)), a.grid, a.lattice)


def _stepped(rounding: Callable[[Fraction], int]) -> Callable[[Range], Range]:
    def apply(a: Range) -> Range:
        return Range(Fraction(rounding(a.low)), Fraction(rounding(a.high)), Fraction(1), lattice=True)

    return apply


def _half_away(value: Fraction) -> int:
    return floor(value + Fraction(1, 2)) if value >= 0 else ceil(value - Fraction(1, 2))


_ARITHMETIC: Final[dict[str, Callable[..., Range | None]]] = {
    "add": _add,
    "subtract": lambda a, b: _add(a, _negate(b)),
    "multiply": _multiply,
    "divide": _divide,
    "negate": _negate,
    "abs": _abs,
    "floor": _stepped(floor),
    "ceil": _stepped(ceil),
    "round": _stepped(_half_away),
    "to_integer": _stepped(round),
    "to_float": lambda a: a,
}


def _calendar_range(part: str, domain: Domain | None) -> Range | None:
    if not isinstance(domain, DateDomain):
        return None
    years = (domain.low.year, domain.high.year)
    low, high = {"year": years, "month": (1, 12), "day": (1, 31)}[part]
    return Range(Fraction(low), Fraction(high), Fraction(1), lattice=True)


def clamp_domain(found: Range) -> NumericDomain:
    """Return *found* as bounds on its grid, the grid coarsened by tens until the steps fit float64."""
    grid = found.grid
    while (found.high - found.low) / grid > MAX_GRID_STEPS / 4 or _far(found, grid):
        grid *= 10
    low, high = floor(found.low / grid) * grid, ceil(found.high / grid) * grid
    return NumericDomain(low, high if high > low else low + grid, grid)


def _far(found: Range, grid: Fraction) -> bool:
    return max(abs(found.low), abs(found.high)) / grid > MAX_GRID_STEPS
