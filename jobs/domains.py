"""Public domains of expressions, derived from the declared domains of columns by interval arithmetic.

Nothing here sees a row.  `value_range` says between which bounds, and on which grid, the value of a numeric
expression lies.  The answer holds for rows whose cells lie in the declared domains; any other is clamped, so
a wrong answer could cost accuracy but never privacy: the kernel clamps to the range that stands in the plan,
whatever the row says.  `jobs.categories` says which values a group key can take.

Bounds need not be declared where an expression sets them: ``LEAST(GREATEST(x, 0), 20)`` lies in [0, 20]
whatever x is, ``MONTH(d)`` in [1, 12], ``LENGTH(SUBSTRING(t, 1, 3))`` in [0, 3].
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from itertools import product
from math import ceil, floor, prod
from typing import Final

from jobs.choices import choices, chosen
from jobs.curves import RULES
from jobs.day_ranges import PARTS, day_span, difference_span, part_span
from jobs.expressions import Call, Column, Expression, Literal, columns
from jobs.ranges import ANY, INTEGERS, LARGEST, Span, hull, point, whole
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

DEFAULT_STEPS: Final = 10**6
"""Grid steps given to a value without a grid of its own, such as a root."""

MAX_CATEGORIES: Final = 10_000

COMPARISONS: Final = ("equal", "not_equal", "less", "less_equal", "greater", "greater_equal")
_TESTS: Final = ("and", "or", "not", "is_null", "in", "like", "starts_with", "ends_with", "contains")
BOOLEAN: Final = frozenset((*COMPARISONS, *_TESTS, "to_boolean"))


@dataclass(frozen=True, slots=True)
class Range:
    """Numbers in [low, high] on *grid*; *lattice* says each is the float64 nearest to a multiple."""

    low: Fraction
    high: Fraction
    grid: Fraction
    lattice: bool


def value_range(expression: Expression, domains: Domains) -> Range | None:
    """Return the range of a numeric expression, or None if its columns declare too little.

    A value without a grid of its own gets about `DEFAULT_STEPS` steps.  Raises `InvalidInputError`
    ``plan.beyond-numbers`` for an expression any part of which passes `LARGEST`.
    """
    found = number_span(expression, domains)
    if found is None or found.low is None or found.high is None or found.low > found.high:
        return None
    grid = found.grid or _decimal_step(found.high - found.low)
    return Range(found.low, found.high, grid, found.lattice)


def number_span(expression: Expression, domains: Domains) -> Span | None:
    """Return what is known of the value of a numeric expression; None for anything that is no number."""
    found = _found_span(expression, domains)
    known = [abs(end) for end in (found.low, found.high) if end is not None] if found else []
    if found and found.grid:
        known.append(1 / found.grid)
    if any(number > LARGEST for number in known):
        raise InvalidInputError("plan.beyond-numbers")
    return found


def _found_span(expression: Expression, domains: Domains) -> Span | None:
    match expression:
        case Column(name):
            return _column_span(domains.get(name))
        case Literal(value):
            return _literal_span(value)
        case Call(operation, arguments) if operation in RULES:
            return _computed(expression, [number_span(item, domains) for item in arguments], domains)
    return _counted(expression, domains) or chosen(expression, lambda item: number_span(item, domains))


def _counted(call: Call, domains: Domains) -> Span | None:
    """What counts something: days, buckets, characters."""
    match call:
        case Call("date_diff", (Literal(unit), start, end)):
            return difference_span(unit, day_span(start, domains), day_span(end, domains))
        case Call("width_bucket", (_, _, _, Literal(int(count)))):
            return whole(0, count + 1)
        case Call("length" | "position"):
            return _text_span(call, domains)
        case Call(part, (inner,)) if part in PARTS or part == "year":
            return part_span(part, inner, domains)
    return None


def _computed(call: Call, parts: list[Span | None], domains: Domains) -> Span | None:
    """The rule of the operation; a cast of text is worked out for every category."""
    if all(parts):
        return RULES[call.operation](*parts)
    if call.operation not in ("to_integer", "to_float"):
        return None
    return _image(call, domains) or (INTEGERS if call.operation == "to_integer" else ANY)


def _text_span(call: Call, domains: Domains) -> Span:
    """LENGTH and POSITION: a place is at most one behind the last character (of an empty text, 1)."""
    if found := _image(call, domains):
        return found
    longest = longest_text(call.arguments[0], domains)
    behind = 1 if call.operation == "position" else 0
    return whole(0, None if longest is None else longest + behind)


def _image(call: Call, domains: Domains) -> Span | None:
    """The span of a function of categorical columns: of its values."""
    numbers = [_literal_span(value) for value in values_of(call, domains) or () if value is not None]
    spans = [span for span in numbers if span is not None]
    return hull(spans) if spans and len(spans) == len(numbers) else None


def values_of(expression: Expression, domains: Domains) -> tuple[Scalar, ...] | None:
    """Return the values of a function of categorical columns, for all their categories; None if it is none.

    The values are in the order of the categories, the last column's first, each once.
    """
    names = sorted(columns(expression))
    listed = [domain.values for name in names if isinstance(domain := domains.get(name), CategoricalDomain)]
    if not names or len(listed) < len(names) or prod(map(len, listed)) > MAX_CATEGORIES:
        return None
    from jobs.evaluate import evaluate_columns  # noqa: PLC0415 - brings Arrow; most plans map no category

    rows = zip(*product(*listed), strict=True)
    found = evaluate_columns(expression, dict(zip(names, rows, strict=True)))
    return tuple({(type(value).__name__, value): value for value in found}.values())


def longest_text(expression: Expression, domains: Domains) -> int | None:
    """Return how many characters the value of a text expression has at most, None if that is not known."""
    match expression:
        case Literal(str(text)):
            return len(text)
        case Column(name):
            domain = domains.get(name)
            values = domain.values if isinstance(domain, CategoricalDomain) else ()
            return max((len(value) for value in values if isinstance(value, str)), default=None)
        case Call():
            return _longest_made(expression, domains)
    return None


def _longest_made(call: Call, domains: Domains) -> int | None:
    match call:
        case Call("substring", (inner, _, Literal(int(count)))) | Call("right", (inner, Literal(int(count)))):
            longest = longest_text(inner, domains)
            return count if longest is None else min(count, longest)
        case Call("lpad" | "rpad", (_, Literal(int(count)), _)):
            return count
        case Call("lower" | "upper" | "trim" | "ltrim" | "rtrim" | "reverse" | "split_part", (inner, *_)):
            return longest_text(inner, domains)
    lengths = [longest_text(item, domains) for item in choices(call)]
    known = [length for length in lengths if length is not None]
    return max(known) if known and len(known) == len(lengths) else None


def column_range(domain: Domain | None) -> Range | None:
    """Return the range that a column's declared domain gives it."""
    found = _column_span(domain)
    if found is None or found.low is None or found.high is None or found.grid is None:
        return None
    return Range(found.low, found.high, found.grid, found.lattice)


def _column_span(domain: Domain | None) -> Span | None:
    match domain:
        case None:
            return ANY
        case NumericDomain(low, high, grid):
            return Span(low, high, grid, lattice=grid.denominator == 1)
        case CategoricalDomain(values):
            spans = [_literal_span(value) for value in values if value is not None]
            numbers = [span for span in spans if span is not None]
            return hull(numbers) if numbers and len(numbers) == len(spans) else None
        case DateDomain():
            return None


def _literal_span(value: Scalar) -> Span | None:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return point(exact(value))


def _decimal_step(width: Fraction) -> Fraction:
    """The power of ten that gives *width* about `DEFAULT_STEPS` steps."""
    step = Fraction(1)
    while width > step * DEFAULT_STEPS:
        step *= 10
    while width and width < step * DEFAULT_STEPS / 10:
        step /= 10
    return step


def clamp_domain(found: Range) -> NumericDomain:
    """Return *found* as bounds on its grid, the grid coarsened by tens until the steps fit float64."""
    grid = found.grid
    while (found.high - found.low) / grid > MAX_GRID_STEPS / 4 or _far(found, grid):
        grid *= 10
    low, high = floor(found.low / grid) * grid, ceil(found.high / grid) * grid
    return NumericDomain(low, high if high > low else low + grid, grid)


def _far(found: Range, grid: Fraction) -> bool:
    return max(abs(found.low), abs(found.high)) / grid > MAX_GRID_STEPS
