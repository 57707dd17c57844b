"""The closed list of syntax: which classes a statement may be made of, with which parts, and where.

What stands on none of these lists is refused, so that a new version of the parser that knows more SQL lets
no more through.  The hints say what to write instead.
"""

from __future__ import annotations

from typing import Final

from sqlglot import exp

Node = exp.Expr

_BINARY: Final = ("this", "expression")
_QUERY: Final = ("with_", "expressions", "from_", "joins", "where", "group", "having", "order", "limit")
_ONE: Final = (
    *(exp.From, exp.Where, exp.Having, exp.Paren, exp.Var, exp.DataTypeParam, exp.Boolean, exp.Neg, exp.Not),
    *(exp.Sum, exp.Avg, exp.Min, exp.Max, exp.Median, exp.Variance, exp.VariancePop, exp.CountIf),
    *(exp.Stddev, exp.StddevSamp, exp.StddevPop, exp.Abs, exp.Floor, exp.Ceil, exp.Lower, exp.Upper),
    *(exp.Length, exp.Sqrt, exp.Exp, exp.Ln, exp.Sign, exp.Sin, exp.Cos, exp.Tan, exp.Atan, exp.Trunc),
    *(exp.Radians, exp.Degrees, exp.Reverse, exp.Year, exp.Month, exp.Day, exp.DayOfMonth, exp.Quarter),
    *(exp.Week, exp.WeekOfYear, exp.DayOfWeek, exp.DayOfWeekIso, exp.DayOfYear, exp.Hour, exp.Minute),
    *(exp.Second, exp.LastDay),
)
_TWO: Final = (
    *(exp.Add, exp.Sub, exp.Mul, exp.Mod, exp.EQ, exp.NEQ, exp.LT, exp.LTE, exp.GT, exp.GTE, exp.And, exp.Or),
    *(exp.Is, exp.NullSafeEQ, exp.NullSafeNEQ, exp.Nullif, exp.Extract, exp.Left, exp.Right, exp.Log),
    *(exp.Pow, exp.Atan2, exp.StartsWith, exp.EndsWith, exp.Contains, exp.Filter, exp.WithinGroup),
    *(exp.PercentileCont, exp.Corr, exp.CovarSamp, exp.CovarPop, exp.RegrSlope, exp.RegrIntercept),
    exp.DateAdd,
)
SHAPES: Final[dict[type[Node], frozenset[str]]] = {
    kind: frozenset(parts)
    for kinds, parts in (
        ((exp.Select,), _QUERY),
        ((exp.With, exp.Group, exp.Order, exp.Distinct), ("expressions",)),
        ((exp.Rollup, exp.Cube, exp.GroupingSets, exp.Grouping, exp.Tuple), ("expressions",)),
        ((exp.CTE,), ("this", "alias", "materialized")),
        ((exp.Subquery,), ("this", "alias")),
        ((exp.Join,), ("this", "side", "kind", "on", "using")),
        ((exp.Table,), ("this", "db", "catalog", "alias")),
        ((exp.TableAlias,), ("this",)),
        ((exp.Identifier,), ("this", "quoted")),
        ((exp.Alias,), ("this", "alias")),
        ((exp.Column,), ("this", "table")),
        ((exp.Ordered,), ("this", "desc", "nulls_first")),
        ((exp.Limit,), ("expression",)),
        ((exp.Literal,), ("this", "is_string")),
        ((exp.Null, exp.Star, exp.Pi), ()),
        (_ONE, ("this",)),
        (_TWO, _BINARY),
        ((exp.Div,), (*_BINARY, "typed", "safe")),
        ((exp.DPipe,), (*_BINARY, "safe")),
        ((exp.In, exp.Coalesce), ("this", "expressions")),
        ((exp.Greatest, exp.Least), ("this", "expressions", "ignore_nulls")),
        ((exp.Concat,), ("expressions", "safe", "coalesce")),
        ((exp.Between,), ("this", "low", "high")),
        ((exp.Like, exp.ILike), (*_BINARY, "negate")),
        ((exp.Case,), ("this", "ifs", "default")),
        ((exp.If,), ("this", "true", "false")),
        ((exp.Cast, exp.TryCast), ("this", "to", "safe")),
        ((exp.DataType,), ("this", "expressions", "nested")),
        ((exp.Count,), ("this", "big_int")),
        ((exp.Array,), ("expressions", "value_constructor")),
        ((exp.Round,), ("this", "decimals")),
        ((exp.Substring,), ("this", "start", "length")),
        ((exp.Trim,), ("this", "expression", "position")),
        ((exp.Replace,), (*_BINARY, "replacement")),
        ((exp.SplitPart,), ("this", "delimiter", "part_index")),
        ((exp.StrPosition,), ("this", "substr")),
        ((exp.Pad,), (*_BINARY, "fill_pattern", "is_left")),
        ((exp.TimestampTrunc, exp.DateTrunc, exp.Interval), ("this", "unit")),
        ((exp.DateDiff,), (*_BINARY, "unit", "date_part_boundary")),
        ((exp.DateFromParts,), ("year", "month", "day")),
        ((exp.WidthBucket,), ("this", "min_value", "max_value", "num_buckets")),
        ((exp.Anonymous,), ("this", "expressions")),
    )
    for kind in kinds
}

_LISTED: Final = (exp.Group, exp.Rollup, exp.Cube, exp.GroupingSets)
PARENTS: Final[dict[type[Node], tuple[type[Node], ...]]] = {
    # what may only stand directly inside these; a Select also on its own
    exp.Select: (exp.Subquery, exp.CTE),
    exp.Subquery: (exp.From, exp.Join),
    exp.Distinct: (exp.Count,),
    exp.Array: (exp.PercentileCont,),
    exp.Tuple: _LISTED,
    exp.Rollup: _LISTED,
    exp.Cube: _LISTED,
    exp.GroupingSets: _LISTED,
    exp.Interval: (exp.Add, exp.Sub, exp.DateAdd),
}

NAMED: Final = frozenset({"HISTOGRAM", "CLIPPED", "DATE_PART", "DATEPART", "PREFIX", "SUFFIX"})
"""Functions that the parser has no class for."""

INSTEAD: Final = "SELECT … FROM … WHERE … GROUP BY … HAVING … ORDER BY … LIMIT …"
_PER_UNIT: Final = "JOIN (SELECT unit, … FROM … GROUP BY unit) ON unit = unit"
HINTS: Final = {
    # class, or class and part: what it is called, what to write instead
    "select distinct": ("DISTINCT", "GROUP BY …"),
    "with recursive": ("WITH RECURSIVE", "WITH name AS (SELECT …)"),
    "select offset": ("OFFSET", "LIMIT …"),
    "select qualify": ("QUALIFY", "HAVING …"),
    "select sample": ("SAMPLE", "WHERE …"),
    "select windows": ("WINDOW", "GROUP BY …"),
    "select laterals": ("LATERAL", "JOIN … ON …"),
    "select": ("(SELECT …)", _PER_UNIT),
    "subquery": ("(SELECT …)", _PER_UNIT),
    "exists": ("EXISTS (SELECT …)", "FROM … SEMI JOIN … ON …"),
    "any": ("ANY (…)", "IN (1, 2, 3), or FROM … SEMI JOIN … ON …"),
    "all": ("ALL (…)", "NOT IN (1, 2, 3), or FROM … ANTI JOIN … ON …"),
    "in query": ("IN (SELECT …)", "IN (1, 2, 3), or FROM … SEMI JOIN … ON …"),
    "subquery joins": ("JOIN", "FROM a JOIN b ON … JOIN c ON …"),
    "join method": ("NATURAL, ASOF, POSITIONAL JOIN", "JOIN … ON …"),
    "lateral": ("LATERAL", "JOIN … ON …"),
    "values": ("VALUES", "FROM dataset, and IN (1, 2, 3) for lists"),
    "table joins": ("(a JOIN b)", "FROM a JOIN b ON … JOIN c ON …"),
    "table sample": ("TABLESAMPLE", "WHERE …"),
    "subquery sample": ("TABLESAMPLE", "WHERE …"),
    "table pivots": ("PIVOT", "GROUP BY …, SUM(CASE WHEN … THEN … END)"),
    "subquery pivots": ("PIVOT", "GROUP BY …, SUM(CASE WHEN … THEN … END)"),
    "tablealias columns": ("AS t(a, b)", "SELECT … AS a, … AS b"),
    "group all": ("GROUP BY ALL", "GROUP BY 1, 2"),
    "group rollup": ("WITH ROLLUP", "GROUP BY ROLLUP (a, b)"),
    "group cube": ("WITH CUBE", "GROUP BY CUBE (a, b)"),
    "limit limit_options": ("LIMIT %", "LIMIT 10"),
    "union": ("UNION", "one statement each, with ; between them"),
    "intersect": ("INTERSECT", "FROM … SEMI JOIN … ON …"),
    "except": ("EXCEPT", "FROM … ANTI JOIN … ON …"),
    "star except_": ("* EXCLUDE", "SELECT a, b"),
    "star replace": ("* REPLACE", "SELECT a, b"),
    "window": ("OVER", "GROUP BY …"),
    "distinct": ("DISTINCT", "COUNT(DISTINCT …)"),
    "tuple": ("(a, b)", "a = 1 AND b = 2"),
    "array": ("[…]", "IN (1, 2, 3)"),
    "list": ("[…]", "IN (1, 2, 3)"),
    "struct": ("{…}", "a, b"),
    "bracket": ("a[…]", "SUBSTRING(a, 1, 1)"),
    "lambda": ("->", "CASE WHEN … THEN … END"),
    "jsonextract": ("->", "CASE WHEN … THEN … END"),
    "interval": ("INTERVAL", "date + INTERVAL 1 DAY"),
    "escape": ("ESCAPE", "LIKE"),
    "regexplike": ("regular expressions", "LIKE '%…%', CONTAINS(a, '…')"),
    "similarto": ("SIMILAR TO", "LIKE '%…%', CONTAINS(a, '…')"),
    "glob": ("GLOB", "LIKE '%…%', CONTAINS(a, '…')"),
    "intdiv": ("//", "FLOOR(a / b)"),
    "collate": ("COLLATE", "LOWER(a)"),
    "attimezone": ("AT TIME ZONE", "a"),
    "currentdate": ("CURRENT_DATE", "DATE '2024-12-31'"),
    "currenttimestamp": ("CURRENT_TIMESTAMP", "TIMESTAMP '2024-12-31 23:59:59'"),
    "rand": ("RANDOM()", "a column"),
    "quantile": ("QUANTILE", "QUANTILE_CONT(a, 0.5)"),
    "percentiledisc": ("QUANTILE_DISC", "QUANTILE_CONT(a, 0.5)"),
    "placeholder": ("?", "a literal"),
    "parameter": ("$", "a literal"),
    "positionalcolumn": ("#1", "the column's name"),
}
FUNCTIONS: Final = (
    "COUNT SUM AVG VAR_SAMP VAR_POP STDDEV_SAMP STDDEV_POP MEDIAN QUANTILE_CONT MIN MAX CORR COVAR_SAMP "
    "COVAR_POP REGR_SLOPE REGR_INTERCEPT HISTOGRAM CLIPPED COUNT_IF; "
    "ABS FLOOR CEIL ROUND TRUNC SIGN SQRT EXP LN LOG10 LOG2 POWER MOD GREATEST LEAST SIN COS TAN ATAN ATAN2 "
    "RADIANS DEGREES PI WIDTH_BUCKET; COALESCE NULLIF CAST CASE IF; LOWER UPPER LENGTH SUBSTRING LEFT RIGHT "
    "TRIM LTRIM RTRIM REPLACE CONCAT STARTS_WITH ENDS_WITH CONTAINS SPLIT_PART POSITION LPAD RPAD REVERSE; "
    "YEAR QUARTER MONTH WEEK DAY DAYOFWEEK ISODOW DAYOFYEAR HOUR MINUTE SECOND EXTRACT DATE_TRUNC DATE_DIFF "
    "DATE_ADD LAST_DAY MAKE_DATE"
)
