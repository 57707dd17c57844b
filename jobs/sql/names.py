"""What names mean in a statement: tables, their columns, select aliases."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from difflib import get_close_matches
from typing import Final, Literal

from sqlglot import exp

from jobs.expressions import Call, Column, Expression
from jobs.expressions import Literal as Constant
from jobs.sql.guard import Source
from jobs.sql.shapes import Node
from jobs.typing import MaybeKind
from sandbox.errors import InvalidInputError
from sandbox.schema import ORDINAL, UNIT_TAG, Field

KEY: Final = "key:"
MEASURE: Final = "measure:"
GROUPING: Final = "grouping:"

_EXAMPLES: Final = 5
"""Columns that are named to whoever asks for one that is like none."""
MAX_SIZE: Final = 4_000
"""Nodes of one expression with the definitions of its columns written in."""
MAX_HEIGHT: Final = 100
MAX_WRITTEN_IN: Final = 20_000
"""Nodes of all definitions that are written in, over a whole text."""


@dataclass(frozen=True, slots=True)
class Described:
    """What a schema tells of a dataset: its public columns, and whose rows they are.

    *unit*: the unit's column, or ``row``; None for a public table.  *namespace*: the kind of unit.
    """

    fields: Mapping[str, Field]
    unit: str | None
    namespace: str
    public: bool = False


@dataclass(frozen=True, slots=True)
class Typed:
    """An expression, its kind (None: always null), its number of nodes and its height as a tree."""

    expression: Expression
    kind: MaybeKind
    size: int = 1
    height: int = 1


Refusal = Literal["", "unit", "unmatched", "ambiguous"]


@dataclass(frozen=True, slots=True)
class Cell:
    """A column of a table: what it stands for, whether it is the unit, why it may not be used as data.

    ``unit``: the unit of a row made per unit.  ``unmatched``: a value on the right of a LEFT JOIN that would
    not be null where nothing matches.  ``ambiguous``: several columns of one name.
    """

    typed: Typed
    unit: bool = False
    refusal: Refusal = ""


@dataclass(frozen=True, slots=True)
class Table:
    """A table of a FROM: its name there and its columns; those *merged* by USING need a qualifier."""

    alias: str
    cells: Mapping[str, Cell]
    merged: frozenset[str] = frozenset()


@dataclass(slots=True)
class Identities:
    """Numbers expressions so that two have one number only if they are the same, literal types included."""

    _known: dict[object, int] = field(default_factory=dict)

    def number(self, expression: Expression) -> int:
        """Return the number of *expression*."""
        parts = expression.arguments if isinstance(expression, Call) else ()
        return self.combined(expression, [self.number(part) for part in parts])

    def combined(self, expression: Expression, parts: Sequence[int]) -> int:
        """Return the number of *expression*, whose arguments have the numbers *parts*."""
        key: tuple[object, ...]
        match expression:
            case Column(name):
                key = ("column", name)
            case Constant(value):
                key = ("literal", type(value).__name__, value)
            case Call(operation):
                key = ("call", operation, *parts)
        return self._known.setdefault(key, len(self._known))


@dataclass(slots=True)
class Budget:
    """How many nodes of definitions may still be written into expressions."""

    left: int = MAX_WRITTEN_IN


@dataclass(frozen=True, slots=True)
class Found:
    """A column of table number *table*, by its stored name."""

    table: int
    name: str
    cell: Cell


@dataclass(frozen=True, slots=True)
class Names:
    """What identifiers mean at one place of a statement.

    *aliases*: select items by case-folded name; *alias_first* says whether they hide columns (ORDER BY) or
    columns hide them.
    """

    source: Source
    tables: tuple[Table, ...]
    budget: Budget = field(default_factory=Budget)
    aliases: Mapping[str, Typed] = field(default_factory=dict)
    alias_first: bool = False

    def plain(self) -> Names:
        """Return the same without select aliases."""
        return replace(self, aliases={}, alias_first=False)

    def column(self, node: Node) -> Typed:
        """Return the column or select item that *node* names, to be used as data."""
        alias = None if node.text("table") else self.aliases.get(node.name.casefold())
        if alias is not None and self.alias_first:
            return self._paid(node, alias)
        found = self.find(node)
        if not found and alias is not None:
            return self._paid(node, alias)
        if not found:
            raise self.unknown(node)
        cell = found.cell
        place = self.source.place(node)
        if cell.refusal == "unit":
            raise InvalidInputError("sql.unit-as-data", **place, found=node.name[:64])
        if cell.refusal == "unmatched":
            raise InvalidInputError("sql.never-null", **place, found=node.name[:64])
        return self._paid(node, cell.typed)

    def _paid(self, node: Node, typed: Typed) -> Typed:
        self.budget.left -= typed.size - 1
        if self.budget.left < 0:
            raise InvalidInputError("sql.too-large", **self.source.place(node), limit=MAX_WRITTEN_IN)
        return typed

    def find(self, node: Node) -> Found | None:
        """Return the column that *node* names, None if there is none.

        Raises `InvalidInputError` if several may be meant, or if the qualifier is unknown.
        """
        name, qualifier = node.name, node.text("table")
        found = [
            Found(number, stored, table.cells[stored])
            for number, table in enumerate(self._qualified(node, qualifier))
            if table is not None
            for stored in spelled(table.cells, name)
            if qualifier or stored not in table.merged
        ]
        if len(found) > 1 or any(item.cell.refusal == "ambiguous" for item in found):
            raise self._ambiguous(node, found)
        return found[0] if found else None

    def _qualified(self, node: Node, qualifier: str) -> list[Table | None]:
        if not qualifier:
            return list(self.tables)
        kept = [t if t.alias.casefold() == qualifier.casefold() else None for t in self.tables]
        if any(kept):
            return kept
        raise InvalidInputError(
            "sql.unknown-table",
            **self.source.place(node),
            found=qualifier[:64],
            instead=[table.alias for table in self.tables],
        )

    def unit(self, node: Node) -> int | None:
        """Return the number of the table whose unit *node* names; None if it names anything else."""
        node = bare(node)
        if type(node) is not exp.Column or node.is_star:
            return None
        found = self.find(node)
        return found.table if found and found.cell.unit else None

    def unknown(self, node: Node) -> InvalidInputError:
        """Return the refusal of a name that no table has."""
        known = [name for table in self.tables for name in table.cells if not hidden(name)]
        near = get_close_matches(node.name, known, n=3)
        identifier = node if isinstance(node, exp.Identifier) else node.this
        if not near and identifier.quoted:
            near = ["'" + node.name[:64] + "'"]  # "text" is a name, 'text' a value
        return InvalidInputError(
            "sql.unknown-column",
            **self.source.place(node),
            found=node.name[:64],
            instead=near or known[:_EXAMPLES],
        )

    def _ambiguous(self, node: Node, found: list[Found]) -> InvalidInputError:
        several = len({item.table for item in found}) > 1
        meant = [f"{self.tables[item.table].alias}.{item.name}" if several else item.name for item in found]
        return InvalidInputError(
            "sql.ambiguous-column", **self.source.place(node), found=node.name[:64], instead=meant
        )


def bare(node: Node) -> Node:
    """Return *node* without brackets around it."""
    while isinstance(node, exp.Paren):
        node = node.args["this"]
    return node


def spelled(cells: Mapping[str, Cell], name: str) -> list[str]:
    """Return the columns that *name* may mean: its exact spelling, or all that differ in case only."""
    if name in cells and not hidden(name):
        return [name]
    folded = name.casefold()
    return [item for item in cells if item.casefold() == folded and not hidden(item)]


def hidden(name: str) -> bool:
    """Whether *name* is an engine's column or a released value: nobody's column."""
    return name in (ORDINAL, UNIT_TAG) or name.startswith((KEY, MEASURE, GROUPING))
