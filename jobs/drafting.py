"""From aggregate calls to integer measurements without noise, for one statement and one grouping set.

* A count is of the rows where everything that may be null is not, so calls that count the same rows share it.
* A SUM is measured around zero, where no count is needed, unless a call of the same statement needs the same
  argument *centred*: around the middle of its domain, where the largest contribution is smallest.
* Where squares or products are needed, the grid is coarsened by tens until a step count has at most 26 bits:
  products of two are then exact in float64, at 10^7 or more steps across the domain.  Σ(q² - shift)
  with shift = half the largest q² moves by half as much as Σ q².
* Quantiles are drawn from at most `MAX_BINS` bins, fewer where there are very many cells.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Final

from jobs import codec
from jobs.bounding import Relation, never_null, number_domain, raw_slot
from jobs.categories import categories
from jobs.expressions import Call, Column, Expression, Literal, columns, to_json
from jobs.plan import (
    MAX_BINS,
    MAX_HISTOGRAM,
    MAX_NUMBERS,
    Binning,
    Distinct,
    Factor,
    Key,
    Measurement,
    Quantile,
    Total,
    Units,
)
from jobs.relations import shown
from jobs.spec import Aggregate, Measure
from sandbox import canonical
from sandbox.errors import InvalidInputError
from sandbox.schema import NumericDomain

_SQUARED: Final = frozenset(
    {Aggregate.VAR_SAMP, Aggregate.VAR_POP, Aggregate.STDDEV_SAMP, Aggregate.STDDEV_POP}
)
_TWO_COLUMNS: Final = frozenset(
    {
        Aggregate.COVAR_SAMP,
        Aggregate.COVAR_POP,
        Aggregate.CORR,
        Aggregate.REGR_SLOPE,
        Aggregate.REGR_INTERCEPT,
    }
)
_LARGEST_FACTOR: Final = 2**26 - 1
_BIT: Final = NumericDomain(Fraction(0), Fraction(1), Fraction(1))


@dataclass(frozen=True, slots=True)
class Wanted:
    """A measurement that a call needs; of a `Quantile` (without draws here) the draws at *quantile*.

    *beside*: what else must be drawn from the same `Quantile`, so that draws have one place in every grouping
    set of a statement; empty where there is one set only and the place is free.
    """

    item: Measurement
    quantile: Fraction | None = None
    beside: tuple[Fraction, ...] = ()

    @property
    def identity(self) -> bytes:
        """What `Quantile` draws go into, or which other measurement it is."""
        return text_of([codec.measurement_to_json(self.item), *map(str, self.beside)])


@dataclass(frozen=True, slots=True)
class Drafted:
    """What one aggregate call needs, in the order of `jobs.plan.Recipe`."""

    measure: Measure
    wanted: tuple[Wanted, ...]


def draft(
    measures: Sequence[Measure],
    relation: Relation,
    cells: int,
    *,
    raw: frozenset[str] = frozenset(),
    alone: bool = True,
) -> tuple[Drafted, ...]:
    """Return what *measures* over the rows of *relation*, in *cells* cells, are made of.

    *alone*: the statement has one grouping set.

    *raw* are the slots that are there unclamped too (`jobs.bounding.raw_slot`), which CLIPPED looks at.
    Raises `InvalidInputError` ``plan.…`` where a domain is missing or too large.
    """
    return _Draft(measures, relation, cells, raw, alone).all()


def unclamped(expression: Expression, raw: frozenset[str]) -> Expression:
    """Return *expression* over unclamped values per unit, where their slots are in *raw*."""
    match expression:
        case Column(name) if name in raw:
            return Column(raw_slot(name))
        case Call(operation, arguments):
            return Call(operation, tuple(unclamped(item, raw) for item in arguments))
    return expression


def no_categories(expression: Expression) -> InvalidInputError:
    """Return the refusal of something that has no closed public list of values."""
    return InvalidInputError("plan.no-categories", columns=names(expression))


def names(expression: Expression) -> list[str]:
    """Return the columns of *expression* as messages call them."""
    return sorted({shown(name) for name in columns(expression)})


def text_of(data: object) -> bytes:
    """Return what things are sorted by where their order must not depend on how a statement is written."""
    return canonical.encode(data)


class _Draft:
    def __init__(
        self,
        measures: Sequence[Measure],
        relation: Relation,
        cells: int,
        raw: frozenset[str],
        alone: bool,
    ) -> None:
        self._measures = measures
        self._relation = relation
        self._cells = max(cells, 1)
        self._raw = raw
        self._alone = alone
        squared = [m for m in measures if m.aggregate in _SQUARED or m.aggregate in _TWO_COLUMNS]
        self._coarse = {argument for m in squared for argument in m.arguments}
        means = {m.arguments[0] for m in measures if m.aggregate is Aggregate.AVG}
        self._centred = self._coarse | means

    def all(self) -> tuple[Drafted, ...]:
        return tuple(Drafted(measure, tuple(self._wanted(measure))) for measure in self._measures)

    def _wanted(self, measure: Measure) -> Iterator[Wanted]:
        match measure.aggregate:
            case Aggregate.COUNT:
                yield Wanted(self._count(measure.arguments))
            case Aggregate.UNITS:
                yield Wanted(Units(self._present(measure.arguments)))
            case Aggregate.DISTINCT:
                yield Wanted(self._distinct(measure.arguments[0]))
            case Aggregate.HISTOGRAM:
                yield Wanted(self._bars(measure.arguments[0], measure.buckets))
            case Aggregate.QUANTILE:
                item = self._quantile(measure.arguments[0])
                yield Wanted(item, measure.quantile, self._beside(measure))
            case Aggregate.CLIPPED:
                yield from self._clipped(measure.arguments[0])
            case _:
                yield from map(Wanted, self._totals(measure))

    def _totals(self, measure: Measure) -> Iterator[Total]:
        if measure.aggregate in _TWO_COLUMNS:
            yield from self._pair(*measure.arguments)
            return
        (argument,) = measure.arguments
        factor = self._factor(argument)
        count = self._count((argument,))
        match measure.aggregate:
            case Aggregate.SUM:
                yield Total(factors=(factor,))
                if factor.origin:
                    yield count
            case Aggregate.AVG:
                yield Total(factors=(factor,))
                yield count
            case _:
                yield from (count, Total(factors=(factor,)), _square(factor))

    def _pair(self, y: Expression, x: Expression) -> Iterator[Total]:
        """Six totals over the rows where neither *y* nor *x* is null."""
        first, second = self._factor(y), self._factor(x)
        yield self._count((y, x))
        yield Total(self._present((x,), beside=y), (first,))
        yield Total(self._present((y,), beside=x), (second,))
        yield Total(factors=tuple(sorted((first, second), key=_factor_text)))
        yield _square(first, self._present((x,), beside=y))
        yield _square(second, self._present((y,), beside=x))

    def _clipped(self, argument: Expression) -> Iterator[Wanted]:
        """The share of 1 among 0 and 1; which are null where *argument* is."""
        domain = self._domain(argument)
        low, high = _literal(domain.low), _literal(domain.high)
        argument = unclamped(argument, self._raw)
        outside = Call("or", (Call("less", (argument, low)), Call("greater", (argument, high))))
        null = (Call("is_null", (argument,)), Literal(None))
        bit = Call("case", (*null, outside, Literal(1), Literal(0)))
        yield Wanted(Total(factors=(Factor(bit, _BIT.low, _BIT.high, Fraction(0), _BIT.grid),)))
        yield Wanted(self._count((argument,)))

    def _count(self, arguments: Sequence[Expression]) -> Total:
        return Total(self._present(arguments))

    def _present(
        self, arguments: Sequence[Expression], beside: Expression | None = None
    ) -> tuple[Expression, ...]:
        """Those of *arguments* that may be null, each once; *beside* is checked already."""
        fields = self._relation.fields
        found = {item for item in arguments if item != beside and not never_null(item, fields)}
        return tuple(sorted(found, key=lambda item: text_of(to_json(item))))

    def _factor(self, argument: Expression) -> Factor:
        domain = self._domain(argument)
        if argument in self._coarse:
            domain = _coarsened(domain)
        origin = _middle(domain) if argument in self._centred else Fraction(0)
        return Factor(argument, domain.low, domain.high, origin, domain.grid)

    def _domain(self, argument: Expression) -> NumericDomain:
        found = number_domain(argument, self._relation.domains)
        if found is None:
            raise InvalidInputError("plan.no-bounds", columns=names(argument))
        return found

    def _distinct(self, argument: Expression) -> Distinct:
        found = categories(argument, self._relation.domains, nullable=False)
        listed = tuple(value for value in found or () if value is not None)
        if not listed:
            raise no_categories(argument)
        self._few(len(listed))
        return Distinct(Key(argument, listed))

    def _bars(self, argument: Expression, bars: int) -> Total:
        domain = self._domain(argument)
        values = int((domain.high - domain.low) / domain.grid) + 1
        if bars > values:
            raise InvalidInputError("plan.too-many-bars", columns=names(argument), bars=bars, values=values)
        self._few(bars)
        return Total(axis=Binning(argument, domain.low, domain.high, domain.grid, bars))

    def _quantile(self, argument: Expression) -> Quantile:
        domain = self._domain(argument)
        values = int((domain.high - domain.low) / domain.grid) + 1
        bins = min(MAX_BINS, values, MAX_HISTOGRAM // self._cells)
        return Quantile(Binning(argument, domain.low, domain.high, domain.grid, bins), ())

    def _beside(self, measure: Measure) -> tuple[Fraction, ...]:
        same = (other.quantile for other in self._measures if other.arguments == measure.arguments)
        return () if self._alone else tuple(sorted({found for found in same if found is not None}))

    def _few(self, each: int) -> None:
        if self._cells * each > MAX_NUMBERS:
            raise InvalidInputError("plan.too-many-numbers", numbers=self._cells * each, limit=MAX_NUMBERS)


def _square(factor: Factor, present: tuple[Expression, ...] = ()) -> Total:
    largest = max(map(abs, factor.range))
    return Total(present, (factor, factor), shift=largest**2 // 2)


def _coarsened(domain: NumericDomain) -> NumericDomain:
    grid = domain.grid
    while (domain.high - domain.low) / grid > _LARGEST_FACTOR:
        grid *= 10
    low, high = domain.low // grid * grid, -(-domain.high // grid) * grid
    return NumericDomain(low, high, grid)


def _middle(domain: NumericDomain) -> Fraction:
    """The grid point nearest to the middle of *domain*, where the largest contribution is smallest."""
    steps = (domain.high - domain.low) / domain.grid
    return domain.low + int(steps) // 2 * domain.grid


def _factor_text(factor: Factor) -> bytes:
    return text_of(codec.factor_to_json(factor))


def _literal(value: Fraction) -> Literal:
    return Literal(value.numerator if value.denominator == 1 else float(value))
