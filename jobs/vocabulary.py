"""The operations of row expressions: how SQL writes each, how many arguments it has, what it means.

One list for the language (`jobs.expressions.OPERATIONS`), its tests and its documentation
(docs/sql-functions.md, rendered by `jobs.functions_doc`).  *a*, *b* … are expressions, ``n``, ``'text'`` and
``'unit'`` are literals.  Null in, null out, unless the meaning says otherwise.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class Operation:
    """One operation: its SQL spelling, least and most arguments, and its meaning in English and Chinese."""

    sql: str
    least: int
    most: int
    meaning: str
    chinese: str


MANY: Final = 2**31
"""Most arguments of an operation that takes any number."""

MOST_BYTES: Final = 2_000
"""Bytes in UTF-8 of the longest text that an operation may put together; a longer one is null.

Without a cap, doubled texts would fill a worker's memory, and a failure would tell how many rows have them.
A batch of 2**20 such texts still fits the 2**31 bytes of one Arrow array.
"""


def _op(sql: str, arity: int | tuple[int, int], meaning: str, chinese: str) -> Operation:
    least, most = (arity, arity) if isinstance(arity, int) else arity
    return Operation(sql, least, most, meaning, chinese)


_NUMBERS: Final = {
    "add": _op("a + b", 2, "sum", "和"),
    "subtract": _op("a - b", 2, "difference", "差"),
    "multiply": _op("a * b", 2, "product", "积"),
    "divide": _op("a / b", 2, "quotient; null if b = 0", "商；b = 0 时为空"),
    "mod": _op(
        "a % b, MOD(a, b)", 2, "remainder, with the sign of a; null if b = 0", "余数，符号随 a；b = 0 时为空"
    ),
    "negate": _op("-a", 1, "negative", "相反数"),
    "abs": _op("ABS(a)", 1, "absolute value", "绝对值"),
    "sign": _op("SIGN(a)", 1, "-1, 0 or 1", "符号：-1、0 或 1"),
    "floor": _op("FLOOR(a)", 1, "largest integer not above a", "不大于 a 的最大整数"),
    "ceil": _op("CEIL(a)", 1, "smallest integer not below a", "不小于 a 的最小整数"),
    "trunc": _op("TRUNC(a)", 1, "a without its fraction", "去掉小数部分"),
    "round": _op("ROUND(a), ROUND(a, n)", 1, "rounded half away from zero", "四舍五入（远离零）"),
    "sqrt": _op("SQRT(a)", 1, "square root; null if a < 0", "平方根；a < 0 时为空"),
    "exp": _op("EXP(a)", 1, "e to the power of a", "e 的 a 次方"),
    "ln": _op("LN(a)", 1, "natural logarithm; null if a <= 0", "自然对数；a <= 0 时为空"),
    "log2": _op(
        "LOG2(a), LOG(2, a)", 1, "logarithm to base 2; null if a <= 0", "以 2 为底的对数；a <= 0 时为空"
    ),
    "log10": _op(
        "LOG10(a), LOG(a)", 1, "logarithm to base 10; null if a <= 0", "以 10 为底的对数；a <= 0 时为空"
    ),
    "power": _op("POWER(a, b)", 2, "a to the power of b; null if not finite", "a 的 b 次方；非有限值为空"),
    "sin": _op("SIN(a)", 1, "sine of radians", "正弦（弧度）"),
    "cos": _op("COS(a)", 1, "cosine of radians", "余弦（弧度）"),
    "tan": _op("TAN(a)", 1, "tangent of radians", "正切（弧度）"),
    "atan": _op("ATAN(a)", 1, "angle of a tangent, in radians", "反正切（弧度）"),
    "atan2": _op("ATAN2(a, b)", 2, "angle of the point (b, a), in radians", "点 (b, a) 的方位角（弧度）"),
    "radians": _op("RADIANS(a)", 1, "degrees to radians", "角度转弧度"),
    "degrees": _op("DEGREES(a)", 1, "radians to degrees", "弧度转角度"),
    "width_bucket": _op(
        "WIDTH_BUCKET(a, n, n, n)",
        4,
        "number of the bucket of (a, low, high, count): 0 below low, count + 1 from high on",
        "等宽分桶 (a, 下限, 上限, 桶数)：低于下限为 0，达到上限为桶数 + 1",
    ),
}

_LOGIC: Final = {
    "equal": _op("a = b", 2, "equal", "等于"),
    "not_equal": _op("a <> b", 2, "not equal", "不等于"),
    "less": _op("a < b", 2, "less", "小于"),
    "less_equal": _op("a <= b", 2, "less or equal", "小于等于"),
    "greater": _op("a > b", 2, "greater", "大于"),
    "greater_equal": _op("a >= b", 2, "greater or equal", "大于等于"),
    "and": _op("a AND b", (1, MANY), "three-valued and", "三值逻辑与"),
    "or": _op("a OR b", (1, MANY), "three-valued or", "三值逻辑或"),
    "not": _op("NOT a", 1, "three-valued not", "三值逻辑非"),
    "is_null": _op("a IS NULL", 1, "whether a is null; never null", "是否为空；结果不为空"),
    "in": _op("a IN (n, …)", (2, MANY), "whether a is one of the literals", "是否属于所列常量"),
    "coalesce": _op("COALESCE(a, …)", (1, MANY), "first argument that is not null", "第一个非空参数"),
    "greatest": _op("GREATEST(a, …)", (1, MANY), "largest; nulls are left out", "最大者；忽略空值"),
    "least": _op("LEAST(a, …)", (1, MANY), "smallest; nulls are left out", "最小者；忽略空值"),
    "case": _op(
        "CASE WHEN a THEN b … ELSE c END",
        (1, MANY),
        "value of the first condition that is true, else c (null if there is no ELSE)",
        "第一个成立条件的值，否则为 c（无 ELSE 则为空）",
    ),
}

_TEXT: Final = {
    "lower": _op("LOWER(a)", 1, "lower case, character by character", "逐字符转小写"),
    "upper": _op("UPPER(a)", 1, "upper case, character by character", "逐字符转大写"),
    "length": _op("LENGTH(a)", 1, "number of characters (code points)", "字符数（码点数）"),
    "substring": _op(
        "SUBSTRING(a, n, n), LEFT(a, n)", 3, "characters from n on, so many", "自第 n 个字符起的若干字符"
    ),
    "right": _op("RIGHT(a, n)", 2, "last n characters", "最后 n 个字符"),
    "trim": _op(
        "TRIM(a), TRIM(a, 'text')",
        (1, 2),
        "without spaces (or these characters) at both ends",
        "去掉两端空格（或所列字符）",
    ),
    "ltrim": _op(
        "LTRIM(a), LTRIM(a, 'text')", (1, 2), "the same at the start", "去掉开头的空格（或所列字符）"
    ),
    "rtrim": _op("RTRIM(a), RTRIM(a, 'text')", (1, 2), "the same at the end", "去掉结尾的空格（或所列字符）"),
    "replace": _op(
        "REPLACE(a, 'text', 'text')",
        3,
        f"each occurrence replaced; null over {MOST_BYTES} bytes",
        f"替换所有出现处；超过 {MOST_BYTES} 字节为空",
    ),
    "concat": _op(
        "a || b, CONCAT(a, …)",
        (1, MANY),
        f"joined; null over {MOST_BYTES} bytes; CONCAT leaves nulls out",
        f"拼接；超过 {MOST_BYTES} 字节为空；CONCAT 忽略空值",
    ),
    "starts_with": _op("STARTS_WITH(a, 'text')", 2, "whether a starts with the text", "是否以该文本开头"),
    "ends_with": _op(
        "ENDS_WITH(a, 'text'), SUFFIX(a, 'text')", 2, "whether a ends with the text", "是否以该文本结尾"
    ),
    "contains": _op("CONTAINS(a, 'text')", 2, "whether the text occurs in a", "是否包含该文本"),
    "position": _op(
        "STRPOS(a, 'text'), POSITION('text' IN a)",
        2,
        "place of the first occurrence from 1; 0 if none",
        "首次出现的位置（从 1 起）；没有则为 0",
    ),
    "like": _op(
        "a LIKE 'text'", 2, "pattern with % and _, no escape character", "含 % 与 _ 的模式，无转义符"
    ),
    "split_part": _op(
        "SPLIT_PART(a, 'text', n)",
        3,
        "part number n between separators; empty if there is none",
        "按分隔符切分的第 n 段；没有则为空串",
    ),
    "lpad": _op(
        "LPAD(a, n, 'text')",
        3,
        f"filled up in front, or cut, to n characters; null over {MOST_BYTES} bytes",
        f"左侧补足（或截断）到 n 个字符；超过 {MOST_BYTES} 字节为空",
    ),
    "rpad": _op(
        "RPAD(a, n, 'text')",
        3,
        f"filled up behind, or cut, to n characters; null over {MOST_BYTES} bytes",
        f"右侧补足（或截断）到 n 个字符；超过 {MOST_BYTES} 字节为空",
    ),
    "reverse": _op("REVERSE(a)", 1, "characters (code points) in reverse order", "按字符（码点）倒序"),
}

_DATES: Final = {
    "year": _op("YEAR(a)", 1, "year", "年"),
    "quarter": _op("QUARTER(a)", 1, "quarter, 1-4", "季度，1-4"),
    "month": _op("MONTH(a)", 1, "month, 1-12", "月，1-12"),
    "week": _op("WEEK(a)", 1, "ISO week, 1-53", "ISO 周，1-53"),
    "day": _op("DAY(a)", 1, "day of the month, 1-31", "日，1-31"),
    "dayofweek": _op(
        "DAYOFWEEK(a)", 1, "day of the week, 0 Sunday to 6 Saturday", "星期，0 为星期日，6 为星期六"
    ),
    "isodow": _op("ISODOW(a)", 1, "day of the week, 1 Monday to 7 Sunday", "星期，1 为星期一，7 为星期日"),
    "dayofyear": _op("DAYOFYEAR(a)", 1, "day of the year, 1-366", "年内第几天，1-366"),
    "hour": _op("HOUR(a)", 1, "hour, 0-23", "时，0-23"),
    "minute": _op("MINUTE(a)", 1, "minute, 0-59", "分，0-59"),
    "second": _op("SECOND(a)", 1, "whole second, 0-59", "秒（取整），0-59"),
    "date_trunc": _op(
        "DATE_TRUNC('unit', a)",
        2,
        "first day of the year, quarter, month, week or day",
        "所在年、季、月、周或日的第一天",
    ),
    "date_diff": _op(
        "DATE_DIFF('unit', a, b)",
        3,
        "days, months, quarters or years begun between a and b, or whole weeks",
        "从 a 到 b 跨过的日、月、季、年数，或整周数",
    ),
    "date_add": _op(
        "a + INTERVAL n unit, a - INTERVAL n unit",
        3,
        "that much later or earlier, at most the month's last day; null outside the years 1-9999",
        "推后或提前；不超过当月最后一天；超出 1-9999 年为空",
    ),
    "last_day": _op("LAST_DAY(a)", 1, "last day of the month", "当月最后一天"),
    "make_date": _op(
        "MAKE_DATE(a, b, c)",
        3,
        "date of a year, month and day; null if there is none in 1-9999",
        "由年、月、日得到日期；不存在或超出 1-9999 年为空",
    ),
}

_CASTS: Final = {
    "to_integer": _op(
        "TRY_CAST(a AS BIGINT)",
        1,
        "rounded half to even; null if impossible",
        "转整数，四舍六入五成双；不能转则为空",
    ),
    "to_float": _op("TRY_CAST(a AS DOUBLE)", 1, "number; null if impossible", "转数值；不能转则为空"),
    "to_string": _op("TRY_CAST(a AS VARCHAR)", 1, "text", "转文本"),
    "to_date": _op("TRY_CAST(a AS DATE)", 1, "date; null if impossible", "转日期；不能转则为空"),
    "to_boolean": _op(
        "TRY_CAST(a AS BOOLEAN)", 1, "truth value; null if impossible", "转布尔值；不能转则为空"
    ),
}

SECTIONS: Final[dict[str, dict[str, Operation]]] = {
    "Numbers": _NUMBERS,
    "Conditions": _LOGIC,
    "Text": _TEXT,
    "Dates and times": _DATES,
    "Casts": _CASTS,
}
