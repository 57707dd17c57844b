"""What a statement may be made of at all, decided before it means anything.

Three gates, each cheaper than the next: the size and nesting of the text; its tokens (one SELECT, nothing
after it); and a closed list of syntax classes with the parts each may have (`SHAPES`).  What is not on the
list is refused, so that a new version of the parser that knows more SQL lets no more through.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from typing import Final

import sqlglot
from sqlglot import exp
from sqlglot.errors import ParseError, SqlglotError
from sqlglot.parsers.duckdb import DuckDBParser
from sqlglot.tokenizer_core import Token, TokenType

from sandbox.errors import Fact, InvalidInputError

Node = exp.Expr

DIALECT: Final = "duckdb"
MAX_BYTES: Final = 64 * 1024
MAX_TOKENS: Final = 5_000
MAX_NESTING: Final = 16
"""Brackets and CASEs inside one another; the parser takes about 26 Python frames for each."""
MAX_STEPS: Final = 4
"""Steps of the parser for each token (plus 2,000): honest statements take 1.0 to 1.4."""
MAX_DEPTH: Final = 100
"""Height of the syntax tree, with a chain of AND or of OR counted once."""

_BINARY: Final = ("this", "expression")
SHAPES: Final[dict[type[Node], frozenset[str]]] = {
    kind: frozenset(parts)
    for kinds, parts in (
        ((exp.Select,), ("expressions", "from_", "where", "group", "having", "order", "limit")),
        ((exp.From, exp.Where, exp.Having, exp.Paren, exp.Var, exp.DataTypeParam), ("this",)),
        ((exp.Table,), ("this", "db", "catalog", "alias")),
        ((exp.TableAlias,), ("this",)),
        ((exp.Identifier,), ("this", "quoted")),
        ((exp.Alias,), ("this", "alias")),
        ((exp.Column,), ("this", "table")),
        ((exp.Group, exp.Order), ("expressions",)),
        ((exp.Ordered,), ("this", "desc", "nulls_first")),
        ((exp.Limit,), ("expression",)),
        ((exp.Literal,), ("this", "is_string")),
        ((exp.Boolean, exp.Neg, exp.Not), ("this",)),
        ((exp.Null, exp.Star), ()),
        ((exp.Add, exp.Sub, exp.Mul, exp.EQ, exp.NEQ, exp.LT, exp.LTE, exp.GT, exp.GTE), _BINARY),
        ((exp.And, exp.Or, exp.Is, exp.Nullif, exp.Extract, exp.Left), _BINARY),
        ((exp.Div,), (*_BINARY, "typed", "safe")),
        ((exp.In, exp.Coalesce), ("this", "expressions")),
        ((exp.Between,), ("this", "low", "high")),
        ((exp.Like,), (*_BINARY, "negate")),
        ((exp.Case,), ("this", "ifs", "default")),
        ((exp.If,), ("this", "true", "false")),
        ((exp.Cast, exp.TryCast), ("this", "to", "safe")),
        ((exp.DataType,), ("this", "expressions", "nested")),
        ((exp.Count,), ("this", "big_int")),
        ((exp.Sum, exp.Avg, exp.Abs, exp.Floor, exp.Ceil, exp.Lower, exp.Upper, exp.Length), ("this",)),
        ((exp.Round,), ("this", "decimals")),
        ((exp.Substring,), ("this", "start", "length")),
        ((exp.Year, exp.Month, exp.Day), ("this",)),
        ((exp.TimestampTrunc, exp.DateTrunc), ("this", "unit")),
        ((exp.WidthBucket,), ("this", "min_value", "max_value", "num_buckets")),
    )
    for kind in kinds
}

INSTEAD: Final = "SELECT … FROM … WHERE … GROUP BY … HAVING … ORDER BY … LIMIT …"
_HINTS: Final = {
    # class, or class and part: what it is called, what to write instead
    "select distinct": ("DISTINCT", "GROUP BY …"),
    "select joins": ("JOIN", "FROM dataset"),
    "select with_": ("WITH", INSTEAD),
    "select offset": ("OFFSET", "LIMIT …"),
    "select qualify": ("QUALIFY", "HAVING …"),
    "select sample": ("SAMPLE", "WHERE …"),
    "select windows": ("WINDOW", "GROUP BY …"),
    "table joins": ("JOIN", "FROM dataset"),
    "table sample": ("TABLESAMPLE", "WHERE …"),
    "table pivots": ("PIVOT", "GROUP BY …, SUM(CASE WHEN … THEN … END)"),
    "group all": ("GROUP BY ALL", "GROUP BY 1, 2"),
    "limit limit_options": ("LIMIT %", "LIMIT 10"),
    "in query": ("IN (SELECT …)", "IN (1, 2, 3)"),
    "subquery": ("(SELECT …)", INSTEAD),
    "union": ("UNION", INSTEAD),
    "window": ("OVER", "GROUP BY …"),
    "distinct": ("COUNT(DISTINCT …)", "COUNT(…)"),
    "filter": ("FILTER", "COUNT(CASE WHEN … THEN 1 END)"),
    "ilike": ("ILIKE", "LOWER(…) LIKE"),
    "escape": ("ESCAPE", "LIKE"),
    "intdiv": ("//", "FLOOR(a / b)"),
    "mod": ("%", "a - FLOOR(a / b) * b"),
    "placeholder": ("?", "a literal"),
    "parameter": ("$", "a literal"),
    "countif": ("COUNT_IF", "COUNT(CASE WHEN … THEN 1 END)"),
    "nullsafeeq": ("IS NOT DISTINCT FROM", "a = b OR (a IS NULL AND b IS NULL)"),
    "nullsafeneq": ("IS DISTINCT FROM", "a <> b"),
}
FUNCTIONS: Final = (
    "COUNT SUM AVG ABS FLOOR CEIL ROUND COALESCE NULLIF CAST CASE LOWER UPPER LENGTH SUBSTRING LEFT "
    "YEAR MONTH DAY EXTRACT DATE_TRUNC WIDTH_BUCKET"
)


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


def read(sql: str) -> tuple[Source, exp.Select]:
    """Return the syntax tree of one SELECT made of allowed parts only.

    Raises `InvalidInputError` (``sql.*``) with line and column for anything else.
    """
    source = Source(sql)
    _check_text(source)
    tree = _tree(source, _tokens(source))
    _check_shapes(source, tree)
    assert isinstance(tree, exp.Select)
    return source, tree


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
    if not tokens or tokens[0].token_type is not TokenType.SELECT:
        raise InvalidInputError("sql.not-a-select", **source.at(tokens[0].start if tokens else 0))
    for token, following in pairwise(tokens):
        if token.token_type is TokenType.SEMICOLON:
            raise InvalidInputError("sql.several-statements", **source.at(following.start))
    _check_nesting(source, tokens)
    return tokens


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


def _tree(source: Source, tokens: list[Token]) -> Node:
    try:
        tree = _Parser(dialect=DIALECT).parse(tokens, source.sql)[0]
    except ParseError as error:
        raise InvalidInputError("sql.syntax", **_where(source, error)) from None
    except SqlglotError:
        raise InvalidInputError("sql.syntax", **source.at(0), found="…") from None
    except (RecursionError, _TooManyStepsError):
        raise InvalidInputError("sql.too-deep", **source.at(0), limit=MAX_NESTING) from None
    if not isinstance(tree, exp.Select):
        place = tree if tree is not None else exp.null()
        raise _unsupported(source, place, place.key)
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
    allowed = SHAPES.get(type(node))
    if allowed is None:
        raise _unsupported(source, node, node.key)
    for part, value in node.args.items():
        if value and part not in allowed:
            first = value[0] if isinstance(value, list) else value
            place = first if isinstance(first, Node) else node
            raise _unsupported(source, place, f"{node.key} {part}")


def _unsupported(source: Source, node: Node, what: str) -> InvalidInputError:
    if isinstance(node, exp.Anonymous | exp.Func) and what == node.key and what not in _HINTS:
        name = str(node.name) if isinstance(node, exp.Anonymous) else node.sql_name()
        return InvalidInputError(
            "sql.unknown-function", **source.place(node), found=name[:40].upper(), instead=FUNCTIONS
        )
    found, instead = _HINTS.get(what, (what.upper(), INSTEAD))
    return InvalidInputError("sql.not-supported", **source.place(node), found=found, instead=instead)


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
