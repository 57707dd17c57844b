"""Parameters of a statement, ``$name``, bound to values after the text has been parsed.

The law: a value becomes one literal of the syntax tree, whatever its text is.  The job goes on as a text,
which its approvers read and whose hash is in the log.  So each literal is written where its parameter stood,
the text is read again, and unless it parses to the very tree that was bound, it is refused: what a value says
never becomes syntax, comment or another literal.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

from sqlglot import exp
from sqlglot.tokenizer_core import Token, TokenType

from jobs.sql.guard import Source, parsed
from sandbox.errors import InvalidInputError
from sandbox.schema import exact

NAME: Final = re.compile(r"[a-z][a-z0-9_]{0,62}")
_NUMBER: Final = re.compile(r"-?\d{1,40}(\.\d{1,40})?", re.ASCII)
_DATE: Final = re.compile(r"\d{4}-\d\d-\d\d", re.ASCII)


@dataclass(frozen=True, slots=True)
class Value:
    """A value as text, and its kind: ``text``, ``number``, ``date``, ``truth``, or ``null`` with no text."""

    kind: str
    text: str


def named(sql: str) -> frozenset[str]:
    """Return the names of the parameters in *sql*."""
    source, _, tokens = parsed(sql)
    return frozenset(name for _, _, name in _places(source, tokens))


def bind(sql: str, values: Mapping[str, Value]) -> str:
    """Return *sql* with the literal of its value for each parameter.

    Raises `InvalidInputError` for a parameter without a value, a value without a parameter, and a value that
    is not what its kind says.
    """
    source, trees, tokens = parsed(sql)
    places = _places(source, tokens)
    names = {name for _, _, name in places}
    for start, _, name in places:
        if name not in values:
            raise InvalidInputError("sql.no-value", **source.at(start), found=name)
    if surplus := sorted(values.keys() - names):
        raise InvalidInputError("sql.surplus-value", line=1, column=1, found=surplus[0][:64])
    literals = {name: written(name, values[name]) for name in names}
    text = _spliced(sql, places, literals)
    meant = [_told(_bound(tree, literals)) for tree in trees]
    if [_told(tree) for tree in parsed(text)[1]] != meant:
        raise InvalidInputError("sql.unbindable", line=1, column=1)
    return text


def _places(source: Source, tokens: Sequence[Token]) -> list[tuple[int, int, str]]:
    """Where each parameter begins and ends, and its name."""
    found = []
    for sign, token in pairwise(tokens):
        if sign.token_type is not TokenType.PARAMETER:
            continue
        name = source.sql[token.start : token.end + 1]
        if token.start != sign.end + 1 or not NAME.fullmatch(name):
            raise InvalidInputError("sql.bad-parameter", **source.at(sign.start))
        found.append((sign.start, token.end + 1, name))
    return found


def _spliced(sql: str, places: Sequence[tuple[int, int, str]], literals: Mapping[str, str]) -> str:
    pieces, after = [], 0
    for start, end, name in places:
        pieces += [sql[after:start], literals[name]]
        after = end
    return "".join((*pieces, sql[after:]))


def _bound(tree: exp.Select, literals: Mapping[str, str]) -> exp.Select:
    """The tree with a literal's tree for each parameter: here nothing is text any more."""

    def one(node: exp.Expr) -> exp.Expr:
        if not isinstance(node, exp.Placeholder) or not isinstance(node.this, str):
            return node
        _, (holder,), _ = parsed(f"SELECT {literals[node.this]}")
        literal: exp.Expr = holder.expressions[0]
        return literal

    bound = tree.transform(one)
    assert isinstance(bound, exp.Select)
    return bound


def _told(tree: exp.Select) -> str:
    """Everything that a tree says, comments left out."""
    for node in tree.walk():
        node.comments = None
    return repr(tree)


def written(name: str, value: Value) -> str:
    """Return *value* as a literal of SQL; `InvalidInputError` ``sql.bad-value`` if it is not of its kind."""
    text = value.text
    match value.kind:
        case "text" if "\0" not in text:
            return "'" + text.replace("'", "''") + "'"
        case "number" if _NUMBER.fullmatch(text):
            exact(text)
            return f"({text})" if text.startswith("-") else text
        case "date" if _DATE.fullmatch(text):
            return f"DATE '{text}'"
        case "truth" if text in ("true", "false"):
            return text.upper()
        case "null" if not text:
            return "NULL"
    raise InvalidInputError("sql.bad-value", line=1, column=1, found=name[:64])
