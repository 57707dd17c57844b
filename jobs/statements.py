"""One statement on its way to a plan: its rows with bounds, its keys, and per grouping set what is measured.

A grouping set's rows are those that have a category of every key of the statement (`Part.within`), within the
bound of the groups that all keys make, so that totals are about the same rows as their parts.  Without keys
there are no groups, and nothing but R is bounded.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from fractions import Fraction
from math import prod
from typing import Final

from jobs.bounding import Relation, bounded, never_null, unit_values
from jobs.categories import categories
from jobs.codec import key_to_json, part_to_json
from jobs.drafting import Drafted, Wanted, draft, names, no_categories, text_of
from jobs.expressions import Column, Expression, columns
from jobs.facts import Setting
from jobs.plan import MAX_CELLS, GroupBound, Key, Part, Total, Units
from jobs.relations import Frame, PerUnit, Scan, cores, place_of, shown
from jobs.spec import Aggregate, Measure, Query
from sandbox.errors import InvalidInputError
from sandbox.privacy.loss import ATTO

_LEAST_DELTA: Final = Fraction(64, ATTO)
"""What as many selections as a plan has parts can share: less counts as nothing."""


@dataclass(frozen=True, slots=True)
class Group:
    """A grouping set: its part, without measurements, and what the aggregate calls need of it.

    *numbers* are those of its keys.  *identity* is equal for what can be measured together.
    """

    part: Part
    numbers: tuple[int, ...]
    drafted: tuple[Drafted, ...]
    identity: bytes

    def wanted(self) -> Iterator[Wanted]:
        """Yield what the calls need; equal things may come again."""
        for call in self.drafted:
            yield from call.wanted


@dataclass(frozen=True, slots=True)
class Statement:
    """A statement over bounded rows; *keys* are those of all its grouping sets.

    With a *minimum* the last aggregate call is the plain count that rows are withheld by.
    """

    keys: tuple[Key, ...]
    groups: tuple[Group, ...]
    minimum: int = 0

    @property
    def selects(self) -> bool:
        """Whether group keys are selected privately."""
        return any(key.categories is None for key in self.keys)


def statement(query: Query, setting: Setting) -> Statement:
    """Return *query* as it can be measured, or raise `InvalidInputError` saying what is missing."""
    minimum = setting.minimum(query.sources)
    if minimum:
        # Measured like any other: one that the statement has already is shared and costs nothing more.
        query = replace(query, measures=(*query.measures, Measure(Aggregate.COUNT)))
    raw = _clipped_slots(query)
    relation = bounded(query, setting, raw)
    keys = _keys(query, relation, setting)
    groups = tuple(_group(query, relation, keys, numbers, raw) for numbers in query.sets)
    found = Statement(keys, groups, minimum)
    if found.selects:
        _check_selection(found, setting)
    return found


def selected(query: Query, setting: Setting) -> frozenset[str]:
    """Return the columns whose values would be selected privately as group keys."""
    keys = _keys(query, bounded(query, setting), setting)
    return frozenset(name for key in keys if key.categories is None for name in names(key.expression))


def _group(
    query: Query, relation: Relation, keys: tuple[Key, ...], numbers: tuple[int, ...], raw: frozenset[str]
) -> Group:
    inside = tuple(keys[number] for number in numbers)
    others = (key for number, key in enumerate(keys) if number not in numbers)
    within = tuple(sorted(others, key=lambda key: text_of(key_to_json(key))))
    part = Part(relation.frame, relation.rows, inside, (), within=within, bound=_group_bound(relation, keys))
    cells = prod(len(key.categories or ()) for key in inside)
    if cells > MAX_CELLS:
        raise InvalidInputError("plan.too-many-cells", cells=cells, limit=MAX_CELLS)
    drafted = draft(query.measures, relation, cells, raw=raw, alone=len(query.sets) == 1)
    return Group(part, numbers, drafted, text_of(part_to_json(part)))


def _group_bound(relation: Relation, keys: tuple[Key, ...]) -> GroupBound | None:
    """Return the bound of groups, None where it cannot leave out a row."""
    rows, known = relation.rows, relation.rows
    if all(key.categories is not None for key in keys):
        known = min(rows, prod(len(key.categories or ()) for key in keys))
    groups = min(relation.groups or known, known)
    each = min(relation.group_rows or rows, rows)
    return GroupBound(groups, each) if keys and (groups < known or each < rows) else None


def _keys(query: Query, relation: Relation, setting: Setting) -> tuple[Key, ...]:
    return tuple(_key(item, relation, setting) for item in query.keys)


def _key(expression: Expression, relation: Relation, setting: Setting) -> Key:
    nullable = not never_null(expression, relation.fields)
    found = categories(expression, relation.domains, nullable=nullable)
    if found is None and not _selectable(expression, relation.frame, setting):
        raise no_categories(expression)
    return Key(expression, found)


def _selectable(expression: Expression, frame: Frame, setting: Setting) -> bool:
    """Whether a key is a stored column whose values may be selected."""
    if not isinstance(expression, Column):
        return False
    inside = list(cores(frame))
    for core in inside:
        if isinstance(core, PerUnit) and expression.name in dict(core.keys):
            return _selectable(dict(core.keys)[expression.name], core.of, setting)
    homes = (
        core.source for core in inside if isinstance(core, Scan) and core.place == place_of(expression.name)
    )
    return any(shown(expression.name) in setting.sources[home].select for home in homes)


def _check_selection(found: Statement, setting: Setting) -> None:
    """Keys are selected by Gaussian noise, in one grouping set, for totals and units; and for a δ."""
    chosen = sorted({name for key in found.keys if key.categories is None for name in names(key.expression)})
    if setting.mechanism != "discrete-gaussian":
        raise InvalidInputError("plan.selection-under-pure", columns=chosen)
    if setting.selection_delta < _LEAST_DELTA:
        raise InvalidInputError("plan.selection-without-delta", columns=chosen)
    sparse = all(
        isinstance(wanted.item, Units) or (isinstance(wanted.item, Total) and wanted.item.axis is None)
        for group in found.groups
        for wanted in group.wanted()
    )
    if len(found.groups) > 1 or not sparse:
        raise InvalidInputError("plan.selection-only-totals", columns=chosen)


def _clipped_slots(query: Query) -> frozenset[str]:
    """The values per unit whose clamping CLIPPED asks about: they are needed unclamped too."""
    clipped = (m.arguments[0] for m in query.measures if m.aggregate is Aggregate.CLIPPED)
    read = {name for argument in clipped for name in columns(argument)}
    return frozenset(value.slot for value in unit_values(query.frame) if value.slot in read)
