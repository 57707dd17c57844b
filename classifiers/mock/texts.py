"""Texts of fixed formats, made of numbers: whole columns at a time.

A maker takes numbers below its capacity and gives different texts for different ones, so that units have
names of their own.  Check digits are right; what could belong to a person is taken from ranges that are given
to nobody where there is such a range (province codes without a district, example.com, private networks).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from classifiers.mock.draws import Numbers

Digits = NDArray[np.int64]
Maker = Callable[[Numbers], Any]
"""Numbers to a `pyarrow.StringArray`."""

_PROVINCES: Final = (
    *(11, 12, 13, 14, 15, 21, 22, 23, 31, 32, 33, 34, 35, 36, 37, 41, 42, 43),
    *(44, 45, 46, 50, 51, 52, 53, 54, 61, 62, 63, 64, 65),
)
FIRST_BIRTH: Final = np.datetime64("1940-01-01", "D")
BIRTHS: Final = 25568
"""Days of birth: 1940 to 2009."""
_SEQUENCES: Final = 999
RESIDENTS: Final = len(_PROVINCES) * BIRTHS * _SEQUENCES
_WEIGHTS: Final = np.array([pow(2, 17 - position, 11) for position in range(17)])
_CREDIT: Final = "0123456789ABCDEFGHJKLMNPQRTUWXY"
_DNI: Final = "TRWAGMYFPDXBNJZSQVHLCKE"
_ICD_LETTERS: Final = "ABCDEFGHIJKLMNOPQRST"
ICD_CODES: Final = len(_ICD_LETTERS) * 1000
_MOBILE: Final = ("133", "136", "138", "139", "150", "158", "186", "189")
MOBILES: Final = len(_MOBILE) * 10**8


def digits(numbers: Numbers, width: int) -> Digits:
    """Return the last *width* decimal digits of each number, a column each."""
    powers = np.array([10 ** (width - 1 - place) for place in range(width)], dtype=np.uint64)
    found: Digits = (numbers[:, None] // powers % np.uint64(10)).astype(np.int64)
    return found


def text_of(values: Digits) -> Any:
    """Return rows of decimal digits as text."""
    return fixed(values + ord("0"))


def fixed(codes: Digits) -> Any:
    """Return rows of ASCII codes as texts, all of the same length."""
    rows, width = codes.shape
    data = pa.py_buffer(np.ascontiguousarray(codes.astype(np.uint8)))
    offsets = pa.py_buffer((np.arange(rows + 1) * width).astype(np.int32))
    return pa.StringArray.from_buffers(rows, offsets, data)


def picked(words: Sequence[str], numbers: Numbers) -> Any:
    """Return the word of each number, over and over again."""
    return pa.array(words).take(pa.array(numbers % np.uint64(len(words))))


def joined(*pieces: Any) -> Any:
    """Return texts put together; a `str` stands in every row."""
    return pc.binary_join_element_wise(*pieces, "")


def number_text(numbers: Numbers) -> Any:
    """Return numbers as decimal text."""
    return pa.array(numbers).cast(pa.string())


def resident_ids(numbers: Numbers) -> Any:
    """Return resident identity numbers (GB 11643-1999) of provinces' own codes, which no person has."""
    sequence, rest = numbers % np.uint64(_SEQUENCES) + np.uint64(1), numbers // np.uint64(_SEQUENCES)
    day, province = rest % np.uint64(BIRTHS), rest // np.uint64(BIRTHS)
    codes = np.array(_PROVINCES, dtype=np.uint64)[province.astype(np.int64) % len(_PROVINCES)]
    whole = codes * np.uint64(10000)
    body = np.hstack([digits(whole, 6), digits(calendar(day), 8), digits(sequence, 3)])
    check = np.frombuffer(b"10X98765432", np.uint8)[body @ _WEIGHTS % 11].astype(np.int64)
    return fixed(np.hstack([body + ord("0"), check[:, None]]))


def calendar(days: Numbers) -> Numbers:
    """Return each day after 1 January 1940 as the number yyyymmdd."""
    dates = FIRST_BIRTH + days.astype(np.int64)
    months = dates.astype("datetime64[M]")
    number = months.astype(np.int64) + 1970 * 12
    day = (dates - months.astype("datetime64[D]")).astype(np.int64) + 1
    found: Numbers = ((number // 12) * 10000 + (number % 12 + 1) * 100 + day).astype(np.uint64)
    return found


def mobiles(numbers: Numbers) -> Any:
    """Return eleven-digit mobile numbers."""
    return joined(
        picked(_MOBILE, numbers // np.uint64(10**8)), text_of(digits(numbers % np.uint64(10**8), 8))
    )


def luhn(prefix: str, width: int) -> Maker:
    """Return the maker of numbers with a Luhn digit (ISO/IEC 7812-1): *prefix*, *width* digits, check."""
    begin = np.array([int(letter) for letter in prefix])

    def make(numbers: Numbers) -> Any:
        body = np.hstack([np.tile(begin, (len(numbers), 1)), digits(numbers, width)])
        doubled = body[:, ::-1][:, ::2] * 2
        total = (doubled - 9 * (doubled > 9)).sum(1) + body[:, ::-1][:, 1::2].sum(1)
        return text_of(np.hstack([body, (-total % 10)[:, None]]))

    return make


def credit_codes(numbers: Numbers) -> Any:
    """Return unified social credit codes (GB 32100-2015)."""
    begin = np.tile([9, 1, 1, 1, 0, 0, 0, 0], (len(numbers), 1))
    body = np.hstack([begin, digits(numbers, 9)])
    weights = np.array([pow(3, position, 31) for position in range(17)])
    check = np.frombuffer(_CREDIT.encode(), np.uint8)[-(body @ weights) % 31].astype(np.int64)
    return fixed(np.hstack([body + ord("0"), check[:, None]]))


def foreign_ids(numbers: Numbers) -> Any:
    """Return eight digits and the check letter of a Spanish DNI."""
    return joined(text_of(digits(numbers, 8)), picked(_DNI, numbers % np.uint64(10**8)))


def icd_codes(numbers: Numbers) -> Any:
    """Return codes of the shape of ICD-10: ``E11.9``."""
    letter = picked(_ICD_LETTERS, numbers // np.uint64(1000))
    return joined(letter, text_of(digits(numbers // np.uint64(10), 2)), ".", text_of(digits(numbers, 1)))


def hexadecimal(numbers: Numbers) -> Any:
    """Return eight hexadecimal digits."""
    places = np.arange(28, -1, -4, dtype=np.uint64)
    nibbles = (numbers[:, None] >> places & np.uint64(15)).astype(np.int64)
    return fixed(np.frombuffer(b"0123456789abcdef", np.uint8)[nibbles].astype(np.int64))


def numbered(before: str, after: str = "", width: int = 0) -> Maker:
    """Return the maker of a number between two texts, with zeros in front up to *width*."""
    return lambda numbers: joined(before, pc.utf8_lpad(number_text(numbers), width, "0"), after)
