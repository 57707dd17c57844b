"""What a cell means, against Python's own numbers and dates."""

import datetime as dt
import math
from collections.abc import Callable
from decimal import Decimal, InvalidOperation

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sandbox.errors import InvalidInputError
from sandbox.schema import Field, Kind
from sandbox.vault.conform import FALSE, TRUE, Conforming, arrow_type, check_fields, conform, conform_column

F = Field("x", Kind.STRING)


def means(kind: Kind, *texts: str | None, missing: tuple[str, ...] = (), **size: int) -> list[object]:
    field = Field("x", kind, missing=missing, **size)
    column = conform_column(pa.array(texts, pa.string()), field)
    assert column.type == arrow_type(field)
    return column.to_pylist()


def test_integers() -> None:
    good = {"7": 7, "-7": -7, "+7": 7, "007": 7, "7.0": 7, "7.": 7, " 7 ": 7, "-0": 0, "0" * 40 + "1": 1}
    good |= {"9223372036854775807": 2**63 - 1, "-9223372036854775807": 1 - 2**63}
    assert means(Kind.INTEGER, *good) == list(good.values())
    bad = [
        "",
        None,
        "7.5",
        "1e3",
        "0x7",
        "seven",
        "--7",
        "9223372036854775808",
        "1" * 60,
        "1²",
        "①",
        "٣",
        "NaN",
        "+",
    ]
    assert means(Kind.INTEGER, *bad) == [None] * len(bad)


def test_floats() -> None:
    good = {"1.5": 1.5, "-.5": -0.5, "5.": 5.0, "1e3": 1000.0, "+2E-2": 0.02, "1e-999": 0.0}
    assert means(Kind.FLOAT, *good) == list(good.values())
    bad = ["nan", "NaN", "inf", "-Infinity", "1e999", "-1e400", "1_0", "1,5", ".", "e5", "0x1p3", "1e999999"]
    assert means(Kind.FLOAT, *bad) == [None] * len(bad)
    assert math.copysign(1, means(Kind.FLOAT, "-0.0")[0]) == 1


def test_booleans() -> None:
    assert means(Kind.BOOLEAN, "true", "NO", "Y", "0", "是", "Nein", "SÍ") == [True, False] * 2 + [
        True,
        False,
        True,
    ]
    assert means(Kind.BOOLEAN, "2", "x", "有", "") == [None] * 4
    assert not set(TRUE) & set(FALSE)


WRITTEN = [
    "{0:04}-{1:02}-{2:02}",
    "{0:04}/{1:02}/{2:02}",
    "{0:04}/{1}/{2}",
    "{0:04}.{1}.{2}",
    "{0:04}年{1}月{2}日",
]


@given(
    st.dates(), st.sampled_from([*WRITTEN, "{0:04}{1:02}{2:02}", "{0:04}年{1:02}月{2:02}", "{0:04}-{1}-{2}"])
)
def test_a_date_with_the_year_first_is_read_however_it_is_written(day: dt.date, layout: str) -> None:
    text = layout.format(day.year, day.month, day.day)
    wide = text.translate({ord(sign): ord(sign) + 0xFEE0 for sign in "0123456789-/."})
    assert means(Kind.DATE, text, f" {wide}\u3000") == [day, day]
    if not text.isdigit():
        assert means(Kind.DATE, f"{text} 00:00:00", f"{text}T0:00") == [day, day]
        assert means(Kind.DATE, f"{text} 00:01", f"{text} ") == [None, day]


@given(
    st.datetimes(timezones=st.sampled_from([None, dt.UTC, dt.timezone(dt.timedelta(hours=8))])),
    st.sampled_from(WRITTEN),
)
def test_a_timestamp_is_such_a_date_and_a_time(at: dt.datetime, layout: str) -> None:
    day = layout.format(at.year, at.month, at.day)
    zone = at.isoformat()[len(at.replace(tzinfo=None).isoformat()) :]
    expected: dt.datetime | None = at.replace(tzinfo=None)
    if at.tzinfo is not None:
        try:
            expected = at.astimezone(dt.UTC).replace(tzinfo=None)
        except OverflowError:
            expected = None
    texts = [f"{day} {at:%H:%M:%S.%f}{zone}", f"{day}T{at.hour}:{at:%M:%S.%f}{zone}"]
    assert means(Kind.TIMESTAMP, *texts) == [expected] * 2
    if at.tzinfo is None:
        said = f"{at.year:04}年{at.month}月{at.day}日{at.hour}时{at.minute}分"
        whole = at.replace(second=0, microsecond=0)
        texts = [said, f"{said[: said.index('日') + 1]} {at:%H时%M分}", f"{said}{at.second}秒"]
        assert means(Kind.TIMESTAMP, *texts) == [whole, whole, at.replace(microsecond=0)]
    basic = f"{at.year:04}{at:%m%d%H%M%S}"
    assert means(Kind.TIMESTAMP, basic, day) == [at.replace(tzinfo=None, microsecond=0), None]


NAMED = ["{0}-{1}-{2}", "{0:02}-{1}-{2}", "{0}{1}{2}", "{0:02} {1} {2}", "{0}. {1} {2}", "{0}/{1}/{2}"]
NAMED += ["{1} {0}, {2}", "{1} {0} {2}", "{0} {1}. {2}", "{1}. {0} {2}"]


@given(
    st.datetimes(min_value=dt.datetime(1000, 1, 1)),
    st.sampled_from(NAMED),
    st.sampled_from(["%b", "%B"]),
    st.sampled_from([str, str.upper, str.lower]),
)
def test_a_month_by_its_name_is_read(
    at: dt.datetime, layout: str, name: str, case: Callable[[str], str]
) -> None:
    day = case(layout.format(at.day, at.strftime(name), at.year))
    assert means(Kind.DATE, day, f" {day} ", f"{day} 00:00:00", f"{day} 0:01") == [*[at.date()] * 3, None]
    moments = [f"{day} {at:%H:%M:%S.%f}", f"{day}:{at:%H:%M:%S.%f}", f"{day} {at:%I:%M:%S.%f %p}"]
    assert means(Kind.TIMESTAMP, *moments, f"{day}  {at:%I:%M%p}", day) == [
        *[at] * 3,
        at.replace(second=0, microsecond=0),
        None,
    ]


def test_a_month_by_its_name_that_is_no_date() -> None:
    none = ["31-FEB-2024", "31-JAN-24", "JAN-2024", "January 2024", "31-JAN 2024", "31 Janvier 2024"]
    none += ["32 Jan 2024", "1-\u017fep-2024", "1 mayor 2024", "1-JAN-2024x", "Jan 1, 2", "1 Jan 2024 10:00"]
    assert means(Kind.DATE, *none) == [None] * len(none)
    none = ["1 Jan 2024 13:00 PM", "1 Jan 2024 0:30 AM", "1 Jan 2024 24:00", "1-\u017fep-2024 10:00"]
    assert means(Kind.TIMESTAMP, *none) == [None] * len(none)


def test_what_is_no_date_or_may_be_another() -> None:
    none = [
        *("2023-02-29", "20230229", "2024-13-01", "2024/0/1", "0000-01-01", "2024-02-29 10:00", "29.2.2024"),
        *(
            "2/29/2024",
            "240229",
            "2024229",
            "2024-02",
            "2024.2-29",
            "2024年2月",
            "20240229 00:00",
            "202402290",
        ),
    ]
    assert means(Kind.DATE, *none) == [None] * len(none)
    none = [
        "2024-02-29",
        "2024-02-30 12:00",
        "0001-01-01 00:00+14:00",
        "2024/2/29 25:00",
        "2024-02-29 24:00",
        "20240229240000",
        "20240229120",
        "20240230120000",
    ]
    assert means(Kind.TIMESTAMP, *none) == [None] * len(none)


def test_missing_marks_are_exactly_those_declared() -> None:
    assert means(Kind.STRING, "?", " ?", "", "NA", missing=("?",)) == [None, " ?", None, "NA"]
    assert means(Kind.INTEGER, "-1", "1", "－1", "－１", "１", missing=("-1",)) == [None, 1, None, None, 1]
    assert means(Kind.STRING, "-1", "－1", missing=("-1",)) == [None, "－1"]
    field = Field("x", Kind.INTEGER, missing=("-1",))
    assert conform_column(pa.array([-1, 1, None]), field).to_pylist() == [None, 1, None]


@given(st.decimals(allow_nan=False, allow_infinity=False, places=4, max_value=10**9, min_value=-(10**9)))
def test_decimals_are_exact_or_null(value: Decimal) -> None:
    text = format(value, "f")
    expected: Decimal | None = value.quantize(Decimal("0.01"))
    if expected != value or len(expected.as_tuple().digits) > 8:
        expected = None
    assert means(Kind.DECIMAL, text, precision=8, scale=2) == [expected]
    native = conform_column(
        pa.array([value], pa.decimal128(38, 10)), Field("x", Kind.DECIMAL, precision=8, scale=2)
    )
    assert native.to_pylist() == [expected]


@given(st.text(alphabet="0123456789.+-eE nf", max_size=8))
def test_number_texts_agree_with_python(text: str) -> None:
    def ask(kind: type) -> float | Decimal | None:
        try:
            value = kind(text.strip(" "))
        except (ValueError, InvalidOperation):
            return None
        return value if math.isfinite(value) else None

    assert means(Kind.FLOAT, text) == [ask(float)]
    decimal = ask(Decimal)
    if decimal is not None and "e" not in text.lower():
        assert means(Kind.DECIMAL, text, precision=38, scale=10) == [decimal]
    whole = decimal is not None and "e" not in text.lower() and "." not in text
    assert not whole or means(Kind.INTEGER, text) == [int(decimal or 0)]


def test_arrow_types_mean_the_same_as_text() -> None:
    def native(values: list[object], kind: pa.DataType, wanted: Kind) -> list[object]:
        return conform_column(pa.array(values, kind), Field("x", wanted)).to_pylist()

    assert native([1, None, 2**64 - 1], pa.uint64(), Kind.INTEGER) == [1, None, None]
    assert native([1.5, math.nan, math.inf, -math.inf], pa.float32(), Kind.FLOAT) == [1.5, None, None, None]
    assert native([7.0, 7.5], pa.float64(), Kind.INTEGER) == [7, None]
    assert native([7, 8], pa.int8(), Kind.STRING) == ["7", "8"]
    assert native([7, 2], pa.int8(), Kind.FLOAT) == [7.0, 2.0]
    at = dt.datetime(2024, 2, 29, 12, 0, 1, tzinfo=dt.UTC)
    assert native([at], pa.timestamp("ns", "Asia/Shanghai"), Kind.TIMESTAMP) == [at.replace(tzinfo=None)]
    assert native([at.date()], pa.date64(), Kind.DATE) == [at.date()]
    assert native([at.replace(hour=0, second=0)], pa.timestamp("s"), Kind.DATE) == [at.date()]
    assert native(["a", ""], pa.dictionary(pa.int8(), pa.string()), Kind.STRING) == ["a", None]
    assert native([None], pa.null(), Kind.INTEGER) == [None]


@pytest.mark.parametrize("unit", ["s", "ms", "us", "ns"])
def test_native_times_that_no_text_could_say_do_not_conform(unit: str) -> None:
    second = {"s": 1, "ms": 10**3, "us": 10**6, "ns": 10**9}[unit]
    given = [0, second, 2**62, -(2**62), 2**63 - 1, -(2**63), None]
    found = conform_column(pa.array(given, pa.timestamp(unit)), Field("t", Kind.TIMESTAMP))
    times = found.cast(pa.int64()).to_pylist()
    assert times[:2] == [0, 10**6]
    kept = [(-1) ** (it < 0) * (abs(it) // 1000) for it in given[2:6]] if unit == "ns" else [None] * 4
    assert times[2:] == [*kept, None]


@pytest.mark.parametrize("kind", [pa.date32(), pa.date64()])
def test_native_dates_that_no_text_could_say_do_not_conform(kind: pa.DataType) -> None:
    ticks, width = (1, pa.int32()) if kind == pa.date32() else (86_400_000, pa.int64())
    first, last = (dt.date.min - dt.date(1970, 1, 1)).days, (dt.date.max - dt.date(1970, 1, 1)).days
    far = [first - 1, last + 1, 2**31 - 1, -(2**31)]
    given = pa.array([day * ticks for day in (0, first, last, *far)], width).view(kind)
    found = conform_column(given, Field("d", Kind.DATE)).to_pylist()
    assert found == [dt.date(1970, 1, 1), dt.date.min, dt.date.max, None, None, None, None]


def test_marks_for_missing_leave_native_times_of_other_zones_what_they_are() -> None:
    at = dt.datetime(2024, 2, 29, 12, 0, 1)
    column = pa.array([at, None], pa.timestamp("us", "Asia/Shanghai"))
    assert conform_column(column, Field("x", Kind.TIMESTAMP, missing=("NA",))).to_pylist() == [at, None]


def test_nonconforming_cells_are_counted_and_missing_ones_are_not() -> None:
    fields = (Field("a", Kind.INTEGER, missing=("?",)), Field("b", Kind.FLOAT), Field("c", Kind.STRING))
    batch = pa.RecordBatch.from_pydict(
        {"c": ["x", "", None, "?"], "b": [math.nan, 1.0, None, 2.0], "a": ["?", "1", "one", ""]}
    )
    seen = Conforming()
    out = conform(batch, fields, seen)
    assert out.schema.names == ["a", "b", "c"]
    assert dict(+seen.nonconforming) == {"a": 1, "b": 1}


def test_fields_must_be_the_columns() -> None:
    with pytest.raises(InvalidInputError) as caught:
        check_fields((F,), ("y",))
    assert caught.value.facts == {"missing": ["x"], "extra": ["y"]}
    for size in (
        {},
        {"precision": 39, "scale": 2},
        {"precision": 4, "scale": 5},
        {"precision": 0, "scale": 0},
    ):
        with pytest.raises(InvalidInputError, match=r"vault\.bad-decimal"):
            check_fields((Field("x", Kind.DECIMAL, **size),), ("x",))
