"""What names mean in a statement: columns, select aliases, measures."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches
from typing import Final

from jobs.expressions import Column, Expression, to_json
from jobs.spec import Aggregate, Measure
from jobs.sql.guard import Node, Source
from jobs.typing import MaybeKind
from sandbox.errors import InvalidInputError
from sandbox.schema import ORDINAL, UNIT_TAG, Field, Kind

KEY: Final = "key:"
MEASURE: Final = "measure:"


@dataclass(frozen=True, slots=True)
class Typed:
    """An expression and its kind (None: always null)."""

    expression: Expression
    kind: MaybeKind


@dataclass(slots=True)
class Measures:
    """The aggregate calls of a statement, each once, in the order in which they are met."""

    found: list[Measure] = field(default_factory=list)
    _places: dict[str, int] = field(default_factory=dict)

    def add(self, measure: Measure) -> Typed:
        """Return the released column of *measure*."""
        identity = measure.aggregate.value + (identify(measure.argument) if measure.argument else "")
        place = self._places.setdefault(identity, len(self.found))
        if place == len(self.found):
            self.found.append(measure)
        counted = measure.aggregate is Aggregate.COUNT
        return Typed(Column(f"{MEASURE}{place}"), Kind.INTEGER if counted else Kind.FLOAT)


def identify(expression: Expression) -> str:
    """Return a text that two expressions share only if they are the same, literal types included."""
    return str(to_json(expression))


@dataclass(frozen=True, slots=True)
class Names:
    """What identifiers mean at one place of a statement.

    *qualifier*: the alias or last name of the dataset.  *aliases*: select items by case-folded name;
    *alias_first* says whether they hide columns (ORDER BY) or columns hide them.
    """

    source: Source
    fields: Mapping[str, Field]
    qualifier: str
    aliases: Mapping[str, Typed] = field(default_factory=dict)
    alias_first: bool = False

    def column(self, node: Node) -> Typed:
        """Return the column or select item that *node* names."""
        name, qualifier = node.name, node.text("table")
        if qualifier and qualifier.casefold() != self.qualifier.casefold():
            raise InvalidInputError(
                "sql.unknown-column", **self.source.place(node), found=qualifier, instead=[self.qualifier]
            )
        alias = None if qualifier else self.aliases.get(name.casefold())
        if alias is not None and self.alias_first:
            return alias
        stored = self._stored(node, name)
        if stored is not None:
            return Typed(Column(stored.name), stored.kind)
        if alias is not None:
            return alias
        near = get_close_matches(name, [item for item in self.fields if not _hidden(item)], n=3)
        raise InvalidInputError(
            "sql.unknown-column", **self.source.place(node), found=name[:64], instead=near or ["dataset show"]
        )

    def _stored(self, node: Node, name: str) -> Field | None:
        if name in self.fields and not _hidden(name):
            return self.fields[name]
        folded = name.casefold()
        near = [item for item in self.fields if item.casefold() == folded and not _hidden(item)]
        if len(near) > 1:
            raise InvalidInputError(
                "sql.ambiguous-column", **self.source.place(node), found=name[:64], instead=near
            )
        return self.fields[near[0]] if near else None


def _hidden(name: str) -> bool:
    """Names of the engine's own columns and of released values are nobody's column."""
    return name in (ORDINAL, UNIT_TAG) or name.startswith((KEY, MEASURE))
