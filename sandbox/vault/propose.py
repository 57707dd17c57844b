"""Fields proposed from a sample, for the owner to confirm on the owner's own screen.

A proposal is never used unconfirmed: what a column means is the owner's declaration.  When in doubt the
proposal is a string: codes keep their leading zeros, and numbers of more than 15 digits are names of
something, as are decimals of more digits than a decimal can have.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Final

import pyarrow as pa
import pyarrow.compute as pc

from sandbox.errors import InvalidInputError
from sandbox.schema import Field, Kind
from sandbox.vault.conform import FLOAT, MAX_PRECISION, conform_column
from sandbox.vault.dates import DATE, NAMED, TIMESTAMP
from sandbox.vault.source import ParquetSource, Source
from sandbox.vault.written import COMMA, DAY_FIRST, MONTH_FIRST, POINT, number_pattern

_SAMPLE_DISTINCT = 20_000
_DATED = (Kind.DATE, Kind.TIMESTAMP)
_ISO = r"^\d{4}[-/]\d{2}[-/]\d{2}"
_DOTTED = r"^\d{4}\."
_FIRST = 100
"""Values that rule most kinds out already."""
_PLAIN_INTEGER = r"^[+-]?(0|[1-9]\d{0,14})(\.0*)?$"
_LEADING_ZERO = r"^[+-]?0\d"
_LONG_NUMBER = r"^[+-]?\d{16,}$"
_FEWEST_TYPED = 5
_MOSTLY = 0.95
_YEAR_LAST = r"^(?P<first>\d{1,2})(?P<sign>[-/.])(?P<second>\d{1,2})[-/.]\d{4}(?:\D|$)"
_CODED = r"\d[eE][+]?\d|^[+-]?0\d"
"""What long numbers become in a spreadsheet, which leaves the first digits only, and codes."""
_TELLING = r"\d{2}[.,'’]\d|[.,]\d{2}"
_SIGNED = r"\d[.,'’]\d"
_TRUTH = r"^(?i:true|false)$"
MARKS: Final = (
    "null", "(null)", "[null]", "<null>", "\\n", "n/a", "na", "#n/a", "n.a.", "nan", "none", "nil",
    "n/d", "nd", "s/d", "k.a.", "-", "--", "---", "–", "—", "——", ".", "?", "??", "unknown", "missing",
    "/", "//", "\\", "#null!", "#value!", "0000-00-00", "0000/00/00", "0000-00-00 00:00:00",
    "unbekannt", "keine angabe", "ohne angabe", "inconnu", "non renseigné", "desconocido", "sconosciuto",
    "onbekend", "not known", "not available", "not applicable",
    "无", "無", "不详", "不詳", "未知", "不明", "暂无", "未填", "未填写", "缺失", "未登记", "なし",
    "空", "未查", "未检", "未测", "未检查", "未检测", "未测量",
)  # fmt: skip
"""What is written for nothing, in lower case, and can hardly mean anything else."""


def propose_fields(
    source: Source,
    missing: Callable[[str], tuple[str, ...]] = lambda _: (),
    drawn: Iterable[pa.RecordBatch] = (),
) -> tuple[Field, ...]:
    """Return a field for each column: from a Parquet file's own types, else from cells of *source*.

    These are all of its first rows, and those of rows *drawn* from all of it, whose cells may be trimmed.
    *missing* says which marks mean null in a column: they say nothing of its type.  Raises
    `InvalidInputError` if there are no rows.
    """
    if isinstance(source, ParquetSource) and source.rows:
        return tuple(_by_type(field) for field in source.schema)
    first = next((batch for batch in source.batches() if batch.num_rows), None)
    if first is None:
        raise InvalidInputError("vault.only-header", file=str(source.path))
    further = list(drawn)
    return tuple(
        Field(name, _kind_of(_sampled(name, first, further, missing(name)))) for name in source.columns
    )


def seem_missing(
    source: Source,
    columns: Sequence[str],
    missing: Callable[[str], tuple[str, ...]] = lambda _: (),
    drawn: Iterable[pa.RecordBatch] = (),
    unit: str | None = None,
) -> Iterator[tuple[str, tuple[str, ...], Kind]]:
    """Yield which text *columns* of a CSV would be of another kind if some `MARKS` in them meant null.

    Of each its name, the marks as they are written, and that kind, by the cells that `propose_fields` goes
    by.  Also the *unit* where it stays text: all rows with a mark would be one person's.  Marks with blanks
    around them would have to be declared with these: nothing is said of them.
    """
    first = next((batch for batch in source.batches() if batch.num_rows), None)
    further = list(drawn)
    if first is None:
        return
    for name in columns:
        values = _sampled(name, first, further, missing(name), whole=True)
        marked = pc.is_in(pc.utf8_lower(values), pa.array(MARKS))
        marks = values.filter(marked).unique()
        kind = _kind_of(values.filter(pc.invert(marked))) if len(marks) else Kind.STRING
        of_note = kind is not Kind.STRING or (name == unit and len(marks))
        if of_note and not _padded(first.column(name), marks):
            yield name, tuple(sorted(marks.to_pylist())), kind


def seem_typed(
    source: Source,
    columns: Sequence[str],
    missing: Callable[[str], tuple[str, ...]] = lambda _: (),
    drawn: Iterable[pa.RecordBatch] = (),
) -> Iterator[Field]:
    """Yield fields for those *columns* of a CSV, texts or integers, that seem to hold dates or numbers.

    By the cells that `propose_fields` goes by: nearly all of them can be read so, marks for nothing left
    aside, and dates are of years that people live in.  Numbers may look like dates by chance, how cells are
    written must be known, and of the other cells that they may become null: it is for the owner to declare.
    """
    first = next((batch for batch in source.batches() if batch.num_rows), None)
    further = list(drawn)
    for name in columns if first is not None else ():
        values = _sampled(name, first, further, missing(name), whole=True)
        values = values.filter(pc.invert(pc.is_in(pc.utf8_lower(values), pa.array(MARKS))))
        found = _seeming(name, values)
        if found is not None:
            yield found


def _seeming(name: str, values: pa.Array) -> Field | None:
    enough = max(_FEWEST_TYPED, _MOSTLY * len(values))
    if len(values) < enough:
        return None
    dates = (Field(name, kind, written=form) for form in ("", *_form_of_dates(values)) for kind in _DATED)
    for field in dates:
        if _in_our_time(values, field) >= enough:
            return field
    form = _form_of_numbers(values, enough)
    if form is None:
        return None
    whole = conform_column(values, Field(name, Kind.INTEGER, written=form)).null_count == 0
    if whole and len(pc.unique(pc.utf8_length(values))) == 1:
        return None  # nor are codes in groups
    return Field(name, Kind.INTEGER if whole else Kind.FLOAT, written=form)


def _form_of_dates(values: pa.Array) -> tuple[str, ...]:
    """Return which of day and month is first in dates with the year last: where they tell, or with points."""
    parts = pc.extract_regex(values, _YEAR_LAST).drop_null()
    first, second = (pc.struct_field(parts, it).cast(pa.int32()) for it in ("first", "second"))
    dotted = pc.all(pc.equal(pc.struct_field(parts, "sign"), ".")).as_py() or False
    days = [bool(pc.any(pc.greater(it, 12)).as_py()) for it in (first, second)]
    if not any(days):  # with points the day comes first wherever they are in use
        return (DAY_FIRST,) if dotted else ()
    return () if all(days) else (DAY_FIRST if days[0] else MONTH_FIRST,)


def _form_of_numbers(values: pa.Array, enough: float) -> str | None:
    """Return how numbers are written that are no plain ones, if one way fits more of them than the other."""
    if not _any(values, _SIGNED) or _any(values, _CODED) or _count(values, FLOAT) >= enough:
        return None
    if not _any(values, _TELLING):  # choices (1,3) are no numbers
        return None
    comma, point = (_count(values, number_pattern(it)) for it in (COMMA, POINT))
    return None if comma == point or max(comma, point) < enough else COMMA if comma > point else POINT


def _padded(cells: pa.Array, marks: pa.Array) -> bool:
    """Whether some of *cells* are one of *marks* with blanks around it."""
    written = pc.unique(cells).drop_null()
    found = written.filter(pc.is_in(pc.utf8_trim_whitespace(written), marks))
    return not pc.all(pc.is_in(found, marks)).as_py()


def _sampled(
    name: str,
    first: pa.RecordBatch,
    further: Sequence[pa.RecordBatch],
    marks: tuple[str, ...],
    whole: bool = False,
) -> pa.Array:
    """Return values of a column, no marks among them, of *first*; of *further* ones if need be or *whole*."""
    values = _values(first.column(name), marks)[:_SAMPLE_DISTINCT]
    if not whole and len(values) and _kind_of(values[:_FIRST]) is Kind.STRING:
        return values
    trimmed = tuple(mark.strip() for mark in marks)
    found = pa.concat_arrays([values, *(_values(it.column(name), trimmed) for it in further)])
    return found if whole else found.unique()


def _by_type(field: pa.Field) -> Field:
    kind = field.type
    if pa.types.is_decimal(kind) and kind.precision <= MAX_PRECISION:
        return Field(field.name, Kind.DECIMAL, precision=kind.precision, scale=kind.scale)
    tests = (
        (Kind.INTEGER, pa.types.is_integer),
        (Kind.FLOAT, pa.types.is_floating),
        (Kind.BOOLEAN, pa.types.is_boolean),
        (Kind.DATE, pa.types.is_date),
        (Kind.TIMESTAMP, pa.types.is_timestamp),
    )
    # A Parquet string is one because somebody meant it to be.
    return Field(field.name, next((found for found, test in tests if test(kind)), Kind.STRING))


def _values(cells: pa.Array, missing: tuple[str, ...]) -> pa.Array:
    distinct = pc.unique(cells).drop_null()
    known = distinct.filter(pc.invert(pc.is_in(distinct, pa.array(missing, pa.string()))))
    values = pc.utf8_trim_whitespace(known)
    return values.filter(pc.not_equal(values, ""))


def _kind_of(values: pa.Array) -> Kind:
    """Return the kind of *values*; of more values beside them it is the same if it is a string."""
    for kind, pattern in (
        (Kind.BOOLEAN, _TRUTH),
        (Kind.INTEGER, _PLAIN_INTEGER),
        (Kind.FLOAT, FLOAT),
        (Kind.DATE, DATE),
        (Kind.TIMESTAMP, TIMESTAMP),
    ):
        if _all(values[:_FIRST], pattern) and _all(values, pattern) and _conforms(values, kind):
            return kind if _surely(values, kind) else Kind.STRING
    return Kind.STRING


def _surely(values: pa.Array, kind: Kind) -> bool:
    """Whether *values* that can be read as of *kind* are no codes; of no values nothing is sure."""
    named = kind in _DATED and _all(values, NAMED)
    if not len(values) or _any(values, _LONG_NUMBER) or (_any(values, _LEADING_ZERO) and not named):
        return False
    return kind not in _DATED or _surely_dates(values, kind)


def _surely_dates(values: pa.Array, kind: Kind) -> bool:
    """Whether *values* that can be read as dates are no versions, house numbers or the like."""
    if _all(values, _ISO):
        return True
    return not _any(values, _DOTTED) and _in_our_time(values, Field("sample", kind)) == len(values)


def _in_our_time(values: pa.Array, field: Field) -> int:
    """Return how many of *values* are dates, by *field*, of years that people live in."""
    years = pc.year(conform_column(values, field))
    return int(pc.sum(pc.and_(pc.greater_equal(years, 1900), pc.less_equal(years, 2100))).as_py() or 0)


def _all(values: pa.Array, pattern: str) -> bool:
    return bool(pc.all(pc.match_substring_regex(values, pattern)).as_py())


def _count(values: pa.Array, pattern: str) -> int:
    return int(pc.sum(pc.match_substring_regex(values, pattern)).as_py() or 0)


def _any(values: pa.Array, pattern: str) -> bool:
    return bool(pc.any(pc.match_substring_regex(values, pattern)).as_py())


def _conforms(values: pa.Array, kind: Kind) -> bool:
    return bool(conform_column(values, Field("sample", kind)).null_count == 0)
