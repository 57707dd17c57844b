"""What a statement may be made of at all, decided before it means anything.

Three gates, each cheaper than the next: the size and nesting of the text; its tokens (SELECTs, with
semicolons between them); and a closed list of syntax classes with the parts each may have (`SHAPES`).
"""

from __future__ import annotations

from collections.abc import Iterator
from difflib import get_close_matches
from typing import Final

import sqlglot
from sqlglot import exp
from sqlglot.errors import ParseError, SqlglotError
from sqlglot.parsers.duckdb import DuckDBParser
from sqlglot.tokenizer_core import Token, TokenType

from jobs.sql.shapes import FUNCTIONS, HINTS, INSTEAD, NAMED, PARENTS, SHAPES, Node
from sandbox.errors import Fact, InvalidInputError

DIALECT: Final = "duckdb"
MAX_BYTES: Final = 64 * 1024
MAX_TOKENS: Final = 5_000
MAX_STATEMENTS: Final = 16
MAX_NESTING: Final = 16
"""Brackets and CASEs inside one another; the parser takes about 26 Python frames for each."""
MAX_STEPS: Final = 4
"""Steps of the parser for each token (plus 2,000): honest statements take 1.0 to 1.4."""
MAX_DEPTH: Final = 100
"""Height of the syntax tree, with a chain of AND or of OR counted once."""


class Source:
    """The text of a statement, which knows where a token or a node of it stands."""

    def __init__(self, sql: str) -> None:
        self.sql = sql

    def at(self, offset: int) -> dict[str, Fact]:
        """Return line and column (from 1) of the character at *offset*, as facts of an error."""
        before = self.sql[:offset]
        return {"line": before.count("\n") + 1, "column": offset - before.rfind("\n")}

    def place(self, node: Node | None) -> dict[str, Fact]:
        """Return where *node* begins; a node without a position stands where its parent does."""
        while node is not None:
            starts = [item.meta["start"] for item in node.walk() if "start" in item.meta]
            if starts:
                return self.at(min(starts))
            node = node.parent
        return self.at(0)


def read(sql: str) -> tuple[Source, tuple[exp.Select, ...]]:
    """Return the syntax trees of SELECTs made of allowed parts only.

    Raises `InvalidInputError` (``sql.*``) with line and column for anything else.
    """
    source, trees, _ = parsed(sql)
    for tree in trees:
        _check_shapes(source, tree)
    return source, trees


def parsed(sql: str) -> tuple[Source, tuple[exp.Select, ...], list[Token]]:
    """Return the syntax trees of SELECTs whatever they are made of, and all tokens of the text.

    Raises `InvalidInputError` (``sql.*``) where even that much is not to be had.
    """
    source = Source(sql)
    _check_text(source)
    tokens = _tokens(source)
    return source, tuple(_parsed(source, found) for found in _statements(source, tokens)), tokens


def _parsed(source: Source, tokens: list[Token]) -> exp.Select:
    if tokens[0].token_type not in _FIRST:
        raise InvalidInputError("sql.not-a-select", **source.at(tokens[0].start))
    _check_nesting(source, tokens)
    return _tree(source, tokens)


def _check_text(source: Source) -> None:
    if len(source.sql) > MAX_BYTES or len(source.sql.encode(errors="replace")) > MAX_BYTES:
        raise InvalidInputError("sql.too-long", line=1, column=1, limit=MAX_BYTES)
    for offset, character in enumerate(source.sql):
        if character == "\0" or "\ud800" <= character <= "\udfff":
            raise InvalidInputError("sql.bad-text", **source.at(offset))


def _tokens(source: Source) -> list[Token]:
    try:
        tokens = sqlglot.tokenize(source.sql, read=DIALECT)
    except SqlglotError:
        # The tokenizer stops at an open quote or comment and does not say where it began.
        raise InvalidInputError("sql.open-quote", **source.at(len(source.sql))) from None
    if len(tokens) > MAX_TOKENS:
        raise InvalidInputError("sql.too-many-parts", **source.at(tokens[MAX_TOKENS].start), limit=MAX_TOKENS)
    return tokens


def _statements(source: Source, tokens: list[Token]) -> list[list[Token]]:
    """Cut *tokens* at the semicolons; one may stand at the end."""
    found: list[list[Token]] = [[]]
    for token in tokens:
        if token.token_type is not TokenType.SEMICOLON:
            found[-1].append(token)
        elif not found[-1]:
            raise InvalidInputError("sql.not-a-select", **source.at(token.start))
        else:
            found.append([])
    if not found[-1] and len(found) > 1:
        found.pop()
    if not found[0]:
        raise InvalidInputError("sql.not-a-select", **source.at(0))
    if len(found) > MAX_STATEMENTS:
        place = source.at(found[MAX_STATEMENTS][0].start)
        raise InvalidInputError("sql.too-many", **place, found=";", limit=MAX_STATEMENTS)
    return found


_FIRST: Final = {TokenType.SELECT, TokenType.WITH}
_OPENING: Final = {TokenType.L_PAREN, TokenType.L_BRACKET, TokenType.L_BRACE, TokenType.CASE}
_CLOSING: Final = {TokenType.R_PAREN, TokenType.R_BRACKET, TokenType.R_BRACE, TokenType.END}


def _check_nesting(source: Source, tokens: list[Token]) -> None:
    depth = 0
    for token in tokens:
        depth += (token.token_type in _OPENING) - (token.token_type in _CLOSING)
        if depth > MAX_NESTING:
            raise InvalidInputError("sql.too-deep", **source.at(token.start), limit=MAX_NESTING)


class _TooManyStepsError(Exception):
    """The parser tries again and again, as it does with ``DATE(DATE(DATE(…``: 2^n steps for n brackets."""


class _Parser(DuckDBParser):
    """The DuckDB parser with a bound on its work; the base class has none and backtracks."""

    _steps = 0

    def _advance(self, times: int = 1) -> None:
        self._steps += 1
        if self._steps > 2_000 + MAX_STEPS * len(self._tokens):
            raise _TooManyStepsError
        super()._advance(times)


def _tree(source: Source, tokens: list[Token]) -> exp.Select:
    begin = source.at(tokens[0].start)
    try:
        tree = _Parser(dialect=DIALECT).parse(tokens, source.sql)[0]
    except ParseError as error:
        raise InvalidInputError("sql.syntax", **_where(source, error)) from None
    except SqlglotError:
        raise InvalidInputError("sql.syntax", **begin, found="…") from None
    except (RecursionError, _TooManyStepsError):
        raise InvalidInputError("sql.too-deep", **begin, limit=MAX_NESTING) from None
    if tree is None:
        raise InvalidInputError("sql.syntax", **begin, found="…")
    if not isinstance(tree, exp.Select):
        raise _unsupported(source.place(tree), tree, tree.key)
    return tree


def _where(source: Source, error: ParseError) -> dict[str, Fact]:
    facts = error.errors[0] if error.errors else {}
    found = str(facts.get("highlight") or "…")
    lines = source.sql.split("\n")
    line = min(int(facts.get("line") or 1), len(lines))
    # The parser counts the column where the token ends.
    column = max(1, int(facts.get("col") or 1) - len(found) + 1)
    # A literal in the text is the analyst's own, and still has no business in a message.
    shown = found if found.isidentifier() or (not found[0].isalnum() and found[0] not in "'\"") else "…"
    return {"line": line, "column": column, "found": shown[:40]}


def _check_shapes(source: Source, tree: Node) -> None:
    """Refuse the first node, from the outside in, that is not one of `SHAPES`."""
    level = [tree]
    for _ in range(MAX_DEPTH):
        for node in level:
            _check_node(source, node)
        level = [child for node in level for child in _children(node)]
        if not level:
            return
    raise InvalidInputError("sql.too-deep", **source.place(level[0]), limit=MAX_DEPTH)


def _check_node(source: Source, node: Node) -> None:
    allowed, around = SHAPES.get(type(node)), PARENTS.get(type(node))
    if allowed is None or (isinstance(node, exp.Anonymous) and node.name.upper() not in NAMED):
        raise _unsupported(source.place(node), node, node.key)
    for part, value in node.args.items():
        if value and part not in allowed:
            first = value[0] if isinstance(value, list) else value
            place = source.place(first if isinstance(first, Node) else node)
            raise _unsupported(place, node, f"{node.key} {part}")
    for part, needed in node.arg_types.items():
        if needed and node.args.get(part) is None:
            raise InvalidInputError("sql.syntax", **source.place(node), found=node.key.upper())
    if around and node.parent is not None and not isinstance(node.parent, around):
        raise _unsupported(source.place(node), node, node.key)


def _unsupported(place: dict[str, Fact], node: Node, what: str) -> InvalidInputError:
    if isinstance(node, exp.Anonymous | exp.Func) and what == node.key and what not in HINTS:
        name = str(node.name) if isinstance(node, exp.Anonymous) else node.sql_name()
        name = name[:40].upper()
        known = FUNCTIONS.replace(";", "").split() if isinstance(node, exp.Anonymous) else ()
        near: list[str] = get_close_matches(name, known, n=3, cutoff=0.7)
        if near:
            return InvalidInputError("sql.misspelt-function", **place, found=name, instead=near)
        return InvalidInputError("sql.unknown-function", **place, found=name, instead=FUNCTIONS)
    unknown = (f"{node.key.upper()}(…, …)", f"{node.key.upper()}(a)")
    whole = (what.upper(), INSTEAD)
    found, instead = HINTS.get(what, unknown if isinstance(node, exp.Func) else whole)
    return InvalidInputError("sql.not-supported", **place, found=found, instead=instead)


def _children(node: Node) -> Iterator[Node]:
    """The parts of *node*; those of a chain of the same connective stand beside one another."""
    if isinstance(node, exp.And | exp.Or):
        yield from operands(node)
    else:
        yield from node.iter_expressions()


def operands(node: Node) -> list[Node]:
    """Return what a chain of ANDs (or of ORs) joins, from left to right."""
    found, stack = [], [node]
    while stack:
        item = stack.pop()
        if type(item) is type(node):
            stack += [item.args["expression"], item.args["this"]]
        else:
            found.append(item)
    return found
