"""From checked syntax to typed expressions: the machine; `jobs.sql.rows.HANDLERS` lists what it knows.

A `Translator` stands at one place of a statement: it knows what names mean there and whether aggregates may
stand there.  Each result carries its kind, so that a mistake is found where it was written, before any data.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Protocol

from sqlglot import exp

from jobs.expressions import Call, Expression, Literal
from jobs.sql import constants
from jobs.sql.guard import Source
from jobs.sql.names import MAX_HEIGHT, MAX_SIZE, Names, Typed
from jobs.sql.shapes import Node
from jobs.typing import CALENDAR, KindMismatchError, MaybeKind, common_kind, result_kind
from sandbox.errors import InvalidInputError
from sandbox.schema import Kind

Handler = Callable[["Translator", Node], Typed]


class Collector(Protocol):
    """Takes the aggregate calls of a statement."""

    def aggregate(self, translator: Translator, node: Node) -> Typed:
        """Return what stands for the aggregate call *node*."""


@dataclass(frozen=True, slots=True)
class Translator:
    """Turns syntax into expressions; *collector* takes aggregates, None where none may stand."""

    names: Names
    handlers: Mapping[type[Node], Handler]
    collector: Collector | None = None

    @property
    def source(self) -> Source:
        """The text that is translated."""
        return self.names.source

    def inner(self) -> Translator:
        """Return the translator of what stands inside an aggregate: single rows."""
        return replace(self, names=self.names.plain(), collector=None)

    def typed(self, node: Node) -> Typed:
        """Return what *node* means; raises `InvalidInputError` (``sql.*``) with its position."""
        handler = None if node.is_star else self.handlers.get(type(node))
        if handler is None:
            # On the list of shapes, but without a meaning of its own: the * of COUNT, a unit, a type.
            raise self.misplaced(node, "*" if node.is_star else node.key.upper())
        return handler(self, node)

    def misplaced(self, node: Node, found: str) -> InvalidInputError:
        """Return the refusal of something that has no meaning where it stands."""
        return InvalidInputError("sql.misplaced", **self.source.place(node), found=found)

    def aggregated(self, node: Node) -> Typed:
        """Return what stands for an aggregate call."""
        if self.collector is None:
            place = self.source.place(node)
            raise InvalidInputError("sql.aggregate-not-here", **place, found=node.key.upper())
        return self.collector.aggregate(self, node)

    def condition(self, node: Node) -> Expression:
        """Return *node* as a condition: a boolean."""
        found = self.typed(node)
        if found.kind not in (Kind.BOOLEAN, None):
            raise self.mismatch(node, str(found.kind), "boolean")
        return found.expression

    def call(self, node: Node, operation: str, *arguments: Typed) -> Typed:
        """Return *operation* on *arguments*, refused at *node* if their kinds do not fit."""
        try:
            kind = result_kind(operation, [item.kind for item in arguments])
        except KindMismatchError as error:
            found = ", ".join(str(kind or "null") for kind in error.kinds)
            raise self.mismatch(node, f"{operation}({found})", "CAST(… AS …)") from None
        call = Call(operation, tuple(item.expression for item in arguments))
        return self.built(node, call, kind, arguments)

    def built(self, node: Node, call: Call, kind: MaybeKind, parts: tuple[Typed, ...]) -> Typed:
        """Return *call*, made of *parts*; refused at *node* if it has grown too large."""
        size = 1 + sum(part.size for part in parts)
        height = 1 + max((part.height for part in parts), default=0)
        if size > MAX_SIZE or height > MAX_HEIGHT:
            raise InvalidInputError("sql.too-large", **self.source.place(node), limit=MAX_SIZE)
        return Typed(call, kind, size, height)

    def mismatch(self, node: Node, found: str, wanted: str) -> InvalidInputError:
        """Return the refusal of a kind at *node*."""
        return InvalidInputError("sql.wrong-kind", **self.source.place(node), found=found, instead=wanted)

    def alike(self, *nodes: Node) -> list[Typed]:
        """Return *nodes* translated, text literals beside dates read as dates or timestamps."""
        found = [self.typed(node) for node in nodes]
        calendar = [item.kind for item in found if item.kind in CALENDAR]
        if not calendar:
            return found
        target = common_kind(calendar) or Kind.DATE
        pairs = zip(nodes, found, strict=True)
        return [self.dated(node, item, target) for node, item in pairs]

    def dated(self, node: Node, item: Typed, target: Kind = Kind.DATE) -> Typed:
        """Return *item*, a text literal read as a date or timestamp."""
        if not (isinstance(item.expression, Literal) and isinstance(item.expression.value, str)):
            return item
        return Typed(constants.moment(self.source, node, item.expression.value, target), target)

    def literal(self, node: Node, *kinds: Kind) -> Literal:
        """Return *node* as a literal (null allowed) of one of *kinds*, any if none are given."""
        found = self.typed(node)
        if not isinstance(found.expression, Literal):
            raise InvalidInputError("sql.literal-needed", **self.source.place(node))
        if kinds and found.kind not in (*kinds, None):
            raise self.mismatch(node, str(found.kind), " | ".join(kinds))
        return found.expression

    def text(self, node: Node, limit: int = constants.MAX_PATTERN) -> Typed:
        """Return *node* as a text literal of at most *limit* characters."""
        found = self.literal(node, Kind.STRING)
        if isinstance(found.value, str) and len(found.value) > limit:
            raise InvalidInputError("sql.long-pattern", **self.source.place(node), limit=limit)
        return Typed(found, Kind.STRING)

    def parts(self, node: Node, *names: str) -> list[Node]:
        """Return the arguments of a function in these places, all of which must be there."""
        found = [node.args.get(name) for name in names]
        if not all(isinstance(item, exp.Expr) for item in found):
            place = self.source.place(node)
            raise InvalidInputError("sql.arguments", **place, found=node.key.upper(), wanted=len(names))
        return [item for item in found if item is not None]

    def whole(self, node: Node, low: int, high: int) -> Typed:
        """Return *node* as an integer literal in [low, high]."""
        return number(constants.whole(self.source, node, self.literal(node), low, high))


def number(value: int) -> Typed:
    """Return an integer constant."""
    return Typed(Literal(value), Kind.INTEGER)
