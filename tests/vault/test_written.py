"""How cells are written, as owners declare it: against dates and numbers that others wrote so."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sandbox.schema import Field, Kind
from sandbox.vault.conform import conform_column
from sandbox.vault.written import FORMS, as_read

DAYS = st.dates(dt.date(1, 1, 1), dt.date(9999, 12, 31))
MOMENTS = st.datetimes(dt.datetime(1, 1, 2), dt.datetime(9999, 12, 30))
SIGNS = {"comma": (".", " ", "\u00a0", "\u202f", "'", "’"), "point": (",", " ", "\u00a0", "'")}


def read(texts: list[str | None], kind: Kind, form: str, **more: Any) -> list[object]:
    declared = Field("c", kind, written=form, **more)
    return list(conform_column(pa.array(texts, pa.string()), declared).to_pylist())


def ordered(day: dt.date, form: str, sign: str, wide: bool) -> str:
    parts = (day.day, day.month) if form == "dmy" else (day.month, day.day)
    first, second = (f"{it:02}" if wide else str(it) for it in parts)
    return f"{first}{sign}{second}{sign}{day.year:04}"


@given(DAYS, st.sampled_from(["dmy", "mdy"]), st.sampled_from("./-"), st.booleans())
def test_days_with_the_year_last(day: dt.date, form: str, sign: str, wide: bool) -> None:
    text = ordered(day, form, sign, wide)
    assert read([text, f" {text} ", f"{text} 00:00:00"], Kind.DATE, form) == [day] * 3


@given(MOMENTS, st.sampled_from(["dmy", "mdy"]), st.sampled_from(["AM/PM", "am/pm", "a.m./p.m.", ""]))
def test_moments_with_the_year_last(moment: dt.datetime, form: str, halves: str) -> None:
    day = ordered(moment.date(), form, "/", True)
    if halves:
        half = halves.split("/")[moment.hour >= 12]
        clock = f"{(moment.hour + 11) % 12 + 1}:{moment:%M:%S.%f} {half}"
    else:
        clock = f"{moment:%H:%M:%S.%f}"
    assert read([f"{day} {clock}"], Kind.TIMESTAMP, form) == [moment]


@given(DAYS, st.sampled_from(["dmy", "mdy"]))
def test_a_date_with_the_year_first_is_what_it_says(day: dt.date, form: str) -> None:
    assert read([day.isoformat()], Kind.DATE, form) == read([day.isoformat()], Kind.DATE, "") == [day]


@pytest.mark.parametrize("form", ["dmy", "mdy"])
@pytest.mark.parametrize(
    "text",
    [
        "31.01.24", "31.01/2024", "31.1.", "00.01.2024", "31.31.2024", "30.02.2023", "1.1.10000",
        "31 01 2024",
        "٣١.٠١.٢٠٢٤", "31.01.2024 01:00", "", "x", "1/2/3/2024", "31.01.0000",
    ],
)  # fmt: skip
def test_what_is_no_day_is_null(form: str, text: str) -> None:
    assert read([text], Kind.DATE, form) == [None]


@pytest.mark.parametrize("clock", ["13:00 PM", "0:30 AM", "24:00", "12:60", "12", "12:30 XM", "12:3"])
def test_what_is_no_moment_is_null(clock: str) -> None:
    assert read([f"01/02/2024 {clock}"], Kind.TIMESTAMP, "mdy") == [None]


def test_day_and_month_are_told_apart_by_what_is_declared_alone() -> None:
    cells: list[str | None] = ["01.02.2024", "13.02.2024", "02/13/2024"]
    february, thirteenth = dt.date(2024, 2, 1), dt.date(2024, 2, 13)
    assert read(cells, Kind.DATE, "dmy") == [february, thirteenth, None]
    assert read(cells, Kind.DATE, "mdy") == [dt.date(2024, 1, 2), None, thirteenth]
    assert read(cells, Kind.DATE, "") == [None] * 3


def written(number: Decimal, form: str, sign: str, behind: bool) -> str:
    """As `str.format` groups it, with other signs."""
    text = f"{abs(number):,f}".replace(",", "\0")
    text = text.replace(".", "," if form == "comma" else ".").replace("\0", sign)
    minus = "-" if number < 0 else ""
    return f"{text}{minus}" if behind else f"{minus}{text}"


@given(
    st.decimals(-(10**12), 10**12, places=2),
    st.sampled_from([(form, sign) for form, signs in SIGNS.items() for sign in ("", *signs)]),
    st.booleans(),
)
def test_numbers(number: Decimal, how: tuple[str, str], behind: bool) -> None:
    form, sign = how
    text = written(number, form, sign, behind)
    assert read([text], Kind.DECIMAL, form, precision=38, scale=2) == [number]
    assert read([text], Kind.FLOAT, form) == [float(number)]
    whole = written(number.to_integral_value(), form, sign, behind)
    assert read([whole], Kind.INTEGER, form) == [int(number.to_integral_value())]


@pytest.mark.parametrize(
    ("form", "text"),
    [
        ("comma", "0.512"), ("point", "0,123"), ("point", "00,123"),
        ("comma", "1.5"), ("comma", "1.23,4"), ("comma", "1,234,567"), ("comma", "1.234 567"),
        ("comma", ",,5"),
        ("point", "1,5"), ("point", "12,34.5"), ("point", "1.234.567"), ("point", "1,2345"),
        ("point", ",234"),
        ("point", "-5-"), ("point", "+5-"), ("comma", "."), ("comma", ""), ("point", "--5"),
        ("point", "1e5-x"),
        ("point", "1,234 567"), ("comma", "NaN"), ("point", "inf"), ("point", "0x1"), ("point", "1 23"),
    ],
)  # fmt: skip
def test_what_is_no_number_is_null(form: str, text: str) -> None:
    assert read([text], Kind.FLOAT, form) == [None]


def test_a_point_or_a_comma_means_what_is_declared() -> None:
    assert read(["1.234", "1,234"], Kind.FLOAT, "comma") == [1234.0, 1.234]
    assert read(["1.234", "1,234"], Kind.FLOAT, "point") == [1.234, 1234.0]
    assert read(["1,5e3", "１，５"], Kind.FLOAT, "comma") == [1500.0, 1.5]


SIGNED = st.text("0123456789.,-/ :aAPpM+e'年", max_size=24)


@given(st.lists(st.none() | SIGNED), st.sampled_from(Kind), st.data())
def test_any_text_is_read_or_null(texts: list[str | None], kind: Kind, data: st.DataObject) -> None:
    """And each by itself: what stands beside it changes nothing."""
    form = data.draw(st.sampled_from(["", *FORMS.get(kind, ())]))
    more = {"precision": 12, "scale": 3} if kind is Kind.DECIMAL else {}
    assert read(texts, kind, form, **more) == [read([text], kind, form, **more)[0] for text in texts]


@pytest.mark.parametrize("kind", [Kind.FLOAT, Kind.INTEGER])
def test_numbers_that_a_file_holds_as_such_are_not_read_as_texts(kind: Kind) -> None:
    declared = Field("c", kind, missing=("9",), written="comma")
    numbers = pa.array([1000, 9, None], pa.int64() if kind is Kind.INTEGER else pa.float64())
    assert conform_column(numbers, declared).to_pylist() == [1000, None, None]
    shared = numbers.dictionary_encode()
    assert conform_column(shared, declared).to_pylist() == [1000, None, None]


def test_nulls_stay_null() -> None:
    for kind, forms in FORMS.items():
        for form in forms:
            assert as_read(pa.array([None], pa.string()), kind, form).to_pylist() == [None]
