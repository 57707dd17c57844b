"""Frames with their bounds, and what is publicly known of their columns.

* A scan shows the first R rows of each unit; after a join, a lookup or a `PerUnit` with keys the bound stands
  again, at the largest R of what went in.  A `PerUnit` without keys has one row per unit.
* Below a `PerUnit` nothing is bounded: a total per unit is the unit's true total.  It comes out clamped to
  the domain that follows from its argument's, and from T, the most rows a unit can have at all:

  =============  ==============================
  count          [0, T]
  distinct       [0, T]
  sum            [min(T·low, 0), max(T·high, 0)]
  avg, min, max  [low, high]
  =============  ==============================

  T of a scan is the owner's ``most_rows``, of a join of two the product.  A lookup leaves T as it is: how
  often a value stands in a public table is not declared, and a clamp costs accuracy only.
* The bound of groups stands at a part, after everything that multiplies rows.  Its two numbers are the
  largest of what went in, each by itself, and none where one of them has none.
* Columns that a LEFT JOIN may leave without a partner can be null, so their categories have NULL too.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Final

from jobs.categories import categories
from jobs.domains import DEFAULT_STEPS, Domains, Range, clamp_domain, value_range
from jobs.expressions import Call, Column, Expression, Literal
from jobs.facts import Setting
from jobs.relations import Frame, Join, JoinKind, Lookup, PerUnit, Scan, UnitValue, shown, slot
from jobs.spec import Query
from jobs.typing import kind_of
from sandbox.schema import CategoricalDomain, DateDomain, Domain, Field, Kind, NumericDomain

_RAW: Final = "raw "
"""Begins the name of a value per unit that is not clamped."""


@dataclass(frozen=True, slots=True)
class Relation:
    """A bounded frame and what is public of it; *fields* and *domains* by slot.

    *rows* is the bound that holds (or, below a `PerUnit`, would hold) for its rows, *most* is T.  Of a unit
    at most *groups* groups may count, and in each *group_rows* rows; None: no policy says so.
    """

    frame: Frame
    fields: Mapping[str, Field]
    domains: Domains
    rows: int
    most: int
    groups: int | None = None
    group_rows: int | None = None


def bounded(query: Query, setting: Setting, raw: frozenset[str] = frozenset()) -> Relation:
    """Return the statement's frame with bounds, its sources and tables numbered as in *setting*.

    The values per unit in the slots *raw* also come out unclamped, in the slots `raw_slot` says.
    """
    return _Bounding(query, setting, raw).of(query.frame, every=False)


def raw_slot(name: str) -> str:
    """Return the slot in which the value per unit of slot *name* comes out unclamped."""
    return name.removesuffix(shown(name)) + _RAW + shown(name)


def never_null(expression: Expression, fields: Mapping[str, Field]) -> bool:
    """Return whether no row can make *expression* null."""
    match expression:
        case Column(name):
            return fields[name].required
        case Literal(value):
            return value is not None
        case Call("is_null", _):
            return True
        case Call("coalesce", arguments):
            return any(never_null(item, fields) for item in arguments)
        case Call("case", arguments):
            return all(never_null(item, fields) for item in (*arguments[1:-1:2], arguments[-1]))
    return False


class _Bounding:
    def __init__(self, query: Query, setting: Setting, raw: frozenset[str]) -> None:
        self._query = query
        self._setting = setting
        self._raw = raw
        self._sources = [source.dataset for source in setting.sources]
        self._tables = [table.name for table in setting.tables]

    def of(self, frame: Frame, *, every: bool) -> Relation:
        """Bound *frame*; *every*: it stands below a `PerUnit` and keeps all rows."""
        match frame.core:
            case Scan():
                found = self._scan(frame.core, every)
            case PerUnit():
                found = self._per_unit(frame.core, every)
            case Join():
                found = self._join(frame.core, every)
            case Lookup():
                found = self._lookup(frame.core, every)
        return replace(found, frame=Frame(found.frame.core, frame.where))

    def _scan(self, core: Scan, every: bool) -> Relation:
        facts = self._setting.source(self._query.sources[core.source])
        rows = self._setting.rows(facts)
        bound = replace(core, source=self._sources.index(facts.dataset), rows=None if every else rows)
        fields, domains = _placed(core.place, facts.fields, facts.domains)
        limits = (facts.max_groups, facts.max_group_rows)
        return Relation(Frame(bound), fields, domains, rows, facts.most_rows, *limits)

    def _per_unit(self, core: PerUnit, every: bool) -> Relation:
        inner = self.of(core.of, every=True)
        fields: dict[str, Field] = {}
        domains: dict[str, Domain] = {}
        for name, key in core.keys:
            kind = kind_of(key, inner.fields)
            fields[name] = Field(name, kind or Kind.STRING, required=never_null(key, inner.fields))
            _put(domains, name, _key_domain(key, inner))
        values: list[UnitValue] = []
        for value in core.values:
            domain = _value_domain(value, inner)
            fields[value.slot] = _value_field(value, inner)
            _put(domains, value.slot, domain)
            values.append(_clamped(value, domain))
            if value.slot in self._raw:
                values.append(replace(value, slot=raw_slot(value.slot)))
                fields[values[-1].slot] = replace(fields[value.slot], name=values[-1].slot)
        rows = inner.rows if core.keys else 1
        bound = replace(
            core, of=inner.frame, values=tuple(values), rows=rows if core.keys and not every else None
        )
        most = inner.most if core.keys else 1
        return Relation(Frame(bound), fields, domains, rows, most, inner.groups, inner.group_rows)

    def _join(self, core: Join, every: bool) -> Relation:
        left, right = self.of(core.left, every=every), self.of(core.right, every=every)
        paired = core.kind in ("inner", "left")
        rows = max(left.rows, right.rows) if paired else left.rows
        most = left.most * right.most if paired else left.most
        bound = replace(core, left=left.frame, right=right.frame, rows=None if every else rows)
        fields, domains = _beside(core.kind, left, right.fields, right.domains)
        limits = (left.groups, left.group_rows)
        if paired:
            limits = (_larger(left.groups, right.groups), _larger(left.group_rows, right.group_rows))
        return Relation(Frame(bound), fields, domains, rows, most, *limits)

    def _lookup(self, core: Lookup, every: bool) -> Relation:
        facts = self._setting.table(self._query.tables[core.table])
        left = self.of(core.left, every=every)
        bound = replace(
            core,
            left=left.frame,
            table=self._tables.index(facts.name),
            rows=None if every else left.rows,
        )
        fields, domains = _beside(core.kind, left, *_placed(core.place, facts.fields, facts.domains))
        return replace(left, frame=Frame(bound), fields=fields, domains=domains)


def _larger(one: int | None, other: int | None) -> int | None:
    """The larger of two bounds; None is none at all."""
    return None if one is None or other is None else max(one, other)


def _placed(
    place: int, fields: Mapping[str, Field], domains: Domains
) -> tuple[dict[str, Field], dict[str, Domain]]:
    return (
        {slot(place, name): replace(field, name=slot(place, name)) for name, field in fields.items()},
        {slot(place, name): domain for name, domain in domains.items()},
    )


def _beside(
    kind: JoinKind, left: Relation, fields: Mapping[str, Field], domains: Domains
) -> tuple[dict[str, Field], dict[str, Domain]]:
    """Return the columns of a join: those of *left*, and on its right *fields* and *domains*."""
    if kind in ("semi", "anti"):
        return dict(left.fields), dict(left.domains)
    if kind == "left":
        fields = {name: replace(field, required=False) for name, field in fields.items()}
        domains = {name: _or_null(domain) for name, domain in domains.items()}
    return {**left.fields, **fields}, {**left.domains, **domains}


def _or_null(domain: Domain) -> Domain:
    if isinstance(domain, CategoricalDomain) and None not in domain.values:
        return CategoricalDomain((*domain.values, None))
    return domain


def _put(domains: dict[str, Domain], name: str, domain: Domain | None) -> None:
    if domain is not None:
        domains[name] = domain


def _key_domain(key: Expression, inner: Relation) -> Domain | None:
    if isinstance(key, Column):
        return inner.domains.get(key.name)
    if isinstance(found := number_domain(key, inner.domains), NumericDomain):
        return found
    listed = categories(key, inner.domains, nullable=not never_null(key, inner.fields))
    return CategoricalDomain(listed) if listed else None


def number_domain(expression: Expression, domains: Domains) -> NumericDomain | None:
    """Return the bounds and the grid of a number, None where its columns declare too little."""
    found = value_range(expression, domains)
    return clamp_domain(found) if found else None


def _value_field(value: UnitValue, inner: Relation) -> Field:
    if value.kind in ("count", "distinct"):
        return Field(value.slot, Kind.INTEGER, required=True)
    argument = value.argument
    assert argument is not None
    kind: Kind | None = Kind.FLOAT
    if value.kind in ("min", "max"):
        kind = kind_of(argument, inner.fields)
    return Field(value.slot, kind or Kind.FLOAT, required=never_null(argument, inner.fields))


def _value_domain(value: UnitValue, inner: Relation) -> Domain | None:
    if value.kind in ("count", "distinct"):
        return NumericDomain(Fraction(0), Fraction(inner.most), Fraction(1))
    argument = value.argument
    assert argument is not None
    domain = number_domain(argument, inner.domains)
    if value.kind in ("min", "max"):
        return domain or _extreme_domain(argument, inner)
    if domain is None:
        return None
    return _total(domain, inner.most) if value.kind == "sum" else _finer(domain)


def _extreme_domain(argument: Expression, inner: Relation) -> Domain | None:
    """The least or greatest of values that are no numbers is one of them, or null over none."""
    declared = inner.domains.get(argument.name) if isinstance(argument, Column) else None
    return _or_null(declared) if isinstance(declared, CategoricalDomain | DateDomain) else None


def _total(domain: NumericDomain, most: int) -> NumericDomain:
    low, high = min(most * domain.low, Fraction(0)), max(most * domain.high, Fraction(0))
    return clamp_domain(Range(low, high, domain.grid, lattice=domain.grid.denominator == 1))


def _finer(domain: NumericDomain) -> NumericDomain:
    """A mean lies between grid points: the grid is refined by tens to about `DEFAULT_STEPS` steps."""
    grid = domain.grid
    while (domain.high - domain.low) / grid < DEFAULT_STEPS / 10:
        grid /= 10
    return NumericDomain(domain.low, domain.high, grid)


def _clamped(value: UnitValue, domain: Domain | None) -> UnitValue:
    if isinstance(domain, NumericDomain):
        return replace(value, low=domain.low, high=domain.high)
    return value


def unit_values(frame: Frame) -> Iterator[UnitValue]:
    """Yield the values per unit that are columns of *frame* itself."""
    match frame.core:
        case PerUnit(values=values):
            yield from values
        case Join(kind=kind, left=left, right=right):
            yield from unit_values(left)
            if kind in ("inner", "left"):
                yield from unit_values(right)
        case Lookup(left=left):
            yield from unit_values(left)
