"""SELECT list and GROUP BY at every level: items, their names, and which item an entry means."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from sqlglot import exp

from jobs.sql import constants
from jobs.sql.calls import AGGREGATES, MEASURED
from jobs.sql.guard import Source
from jobs.sql.names import Names, bare
from jobs.sql.shapes import Node
from sandbox.errors import InvalidInputError

MAX_ITEMS: Final = 64
MAX_KEYS: Final = 16
MAX_NAME: Final = 128
_MARKS: Final = frozenset({"_totals", "_mock"})
"""Names that say something about a row in JSON and in files."""
_CALLED: Final = {
    "percentilecont": "quantile_cont",
    "variance": "var_samp",
    "variancepop": "var_pop",
    "stddev": "stddev_samp",
    "stddevsamp": "stddev_samp",
    "stddevpop": "stddev_pop",
    "covarsamp": "covar_samp",
    "covarpop": "covar_pop",
    "regrslope": "regr_slope",
    "regrintercept": "regr_intercept",
    "countif": "count_if",
}


@dataclass(frozen=True, slots=True)
class Items:
    """The entries of a SELECT list; *names* is what identifiers mean in them."""

    names: Names
    nodes: tuple[Node, ...]

    @property
    def source(self) -> Source:
        """The text they stand in."""
        return self.names.source

    def meant(self, node: Node) -> Node:
        """Return the item that an entry of GROUP BY means by place or alias, else the entry itself."""
        if (number := self.ordinal(node)) is not None:
            return inside(self.nodes[number])
        inner = bare(node)
        if type(inner) is exp.Column and not inner.text("table") and self.names.find(inner) is None:
            named = (item for item in self.nodes if isinstance(item, exp.Alias))
            folded = inner.name.casefold()
            return next((item.this for item in named if item.alias.casefold() == folded), node)
        return node

    def ordinal(self, node: Node) -> int | None:
        """Return the number of the item that a bare number means."""
        if not isinstance(node, exp.Literal) or node.is_string:
            return None
        number, _ = constants.literal(self.source, node)
        if not isinstance(number.value, int) or not 1 <= number.value <= len(self.nodes):
            raise InvalidInputError("sql.bad-ordinal", **self.source.place(node), limit=len(self.nodes))
        return number.value - 1


def inside(node: Node) -> Node:
    """Return what an item is, without its alias."""
    return node.this if isinstance(node, exp.Alias) else node


def few(source: Source, node: Node, count: int, limit: int, what: str) -> None:
    """Refuse more than *limit* entries of *what*."""
    if count > limit:
        raise InvalidInputError("sql.too-many", **source.place(node), found=what, limit=limit)


def name_of(source: Source, node: Node, number: int, taken: set[str], added: Sequence[str] = ("",)) -> str:
    """Return the name of item *number*: its alias, its column's name, or one made up that is not *taken*.

    *added*: what each of the columns that it shows has behind this name.
    """
    written = node.alias if isinstance(node, exp.Alias) else node.name if type(node) is exp.Column else ""
    name = written or _made_up(node, number, taken, added)
    check_name(source, node, name)
    return name


def check_name(source: Source, node: Node, name: str) -> None:
    """Refuse a name that cannot be shown."""
    if not 0 < len(name) <= MAX_NAME or not name.isprintable():
        raise InvalidInputError("sql.bad-name", **source.place(node), limit=MAX_NAME)
    if name.casefold() in _MARKS:
        raise InvalidInputError("sql.reserved-name", **source.place(node), found=name)


def clashes(name: str, taken: set[str]) -> bool:
    """Whether a column *name* would share a name with one of the *taken* ones, all case-folded.

    A value n is shown with its interval as n_low and n_high: those names must be free too.
    """
    folded = name.casefold()
    ends = ("", "_low", "_high")
    return any(folded + end in taken or any(folded == other + end for other in taken) for end in ends)


def aggregates(node: Node) -> bool:
    """Whether an aggregate call stands in *node*."""
    return any(
        isinstance(item, AGGREGATES) or (isinstance(item, exp.Anonymous) and item.name.upper() in MEASURED)
        for item in node.walk()
    )


def _made_up(node: Node, number: int, taken: set[str], added: Sequence[str]) -> str:
    """A name for an item without one: ``count``, ``avg_age``, or its place."""
    call = node.this if isinstance(node, exp.Filter) else node
    name = ""
    if isinstance(call, exp.Anonymous) and aggregates(call):
        inner = call.expressions[0] if call.expressions else None
        name = call.name.lower()
    else:
        inner = call.args.get("this")
        name = _CALLED.get(call.key, call.key) if isinstance(call, AGGREGATES) else ""
    if name and type(inner) is exp.Column and not inner.is_star:
        name = f"{name}_{inner.name}"
    free = name and not any(clashes(name + it, taken) for it in added)
    return name if free else f"column_{number}"
