"""Check digits and check characters over whole columns: RE2 finds the shape, numpy computes the digit.

Every check takes a `pyarrow.StringArray` without nulls, as `compact` returns it, and gives a numpy mask.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import accumulate
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

_NO_VALUE = r"(?i)^(|无|不详|未知|空|暂无|待补|null|nil|none|nan|na|n/a|n\.a\.|unknown|-+|/+|\\n|\?+|#n/a)$"


def normalise(values: Any) -> Any:
    """Return the texts in NFKC (full-width forms become half-width), trimmed, without marks for "nothing"."""
    return meant(values).drop_null()


def meant(values: Any) -> Any:
    """Return what `normalise` does in step with *values*: null where they say nothing."""
    texts = pc.utf8_trim(pc.utf8_normalize(values, form="NFKC"), characters=" \t\r\n\0\"'`\ufeff")
    return pc.if_else(pa.array(matches(texts, _NO_VALUE)), None, texts)


def compact(texts: Any) -> Any:
    """Return normalised *texts* in upper case without the blanks, dashes and middle dots put into numbers."""
    return pc.utf8_upper(pc.replace_substring_regex(texts, r"[\s\-‐‑‒–—―−·•・]+", ""))


def matches(texts: Any, regex: str) -> Any:
    """Return a numpy mask of the *texts* that *regex* (RE2) matches."""
    fits = pc.match_substring_regex(texts, regex)
    return np.asarray(fits.fill_null(False) if fits.null_count else fits, dtype=bool)


def together(columns: Sequence[Any], work: Callable[[Any], Any]) -> list[Any]:
    """Return what *work* makes of each of *columns*, text by text, done for all of them at once.

    RE2 compiles a pattern anew at every use, which takes as long as to look at a thousand texts.
    """
    return apart(work(pa.concat_arrays([pa.array([], pa.string()), *columns])), columns)


def apart(found: Any, columns: Sequence[Any]) -> list[Any]:
    """Return of what was *found* for the texts of *columns*, one behind the other, each column's own."""
    ends = accumulate(map(len, columns))
    return [found[end - len(column) : end] for column, end in zip(columns, ends, strict=True)]


def _codes(texts: Any, regex: str, width: int) -> tuple[Any, Any]:
    """Return the mask of the texts of that shape, and their bytes as a matrix, zeros before short ones."""
    mask = matches(texts, regex)
    return mask, _matrix(texts.filter(pa.array(mask)), width)


def _matrix(texts: Any, width: int) -> Any:
    padded = pc.utf8_lpad(texts, width, "0").to_pylist()
    return np.array(padded, dtype=f"S{width}").view(np.uint8).reshape(-1, width)


def _within(mask: Any, verdict: Any) -> Any:
    mask[mask] = verdict
    return mask


def _table(alphabet: str) -> Any:
    values = np.zeros(256, np.int64)
    values[np.frombuffer(alphabet.encode(), np.uint8)] = np.arange(len(alphabet))
    return values


_DECIMAL = _table("0123456789")
_BASE_36 = _table("0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ")


def resident_ids(values: Any) -> Any:
    """Return a numpy mask of the texts that are resident identity numbers (GB 11643-1999).

    17 digits with a real birth date from 1900 on, then the ISO 7064 MOD 11-2 check character.  The region
    code is not looked up: districts come and go, and old numbers keep theirs.
    """
    mask, codes = _codes(pc.utf8_upper(values), r"^[1-9]\d{5}(19|20)\d{9}[\dX]$", 18)
    digits = _DECIMAL[codes[:, :17]]
    weights = np.array([pow(2, 17 - position, 11) for position in range(17)])
    expected = np.frombuffer(b"10X98765432", np.uint8)[digits @ weights % 11]
    return _within(mask, _real_dates(digits[:, 6:14]) & (expected == codes[:, 17]))


def old_resident_ids(values: Any) -> Any:
    """Return a numpy mask of the texts like the 15-digit numbers until 1999: province, date, no check."""
    mask, codes = _codes(values, r"^(1[1-5]|2[1-3]|3[1-7]|4[1-6]|5[0-4]|6[1-5])\d{13}$", 15)
    digits = _DECIMAL[codes]
    century = np.tile([1, 9], (len(digits), 1))
    return _within(mask, _real_dates(np.hstack([century, digits[:, 6:12]])))


def _real_dates(digits: Any) -> Any:
    year = digits[:, :4] @ [1000, 100, 10, 1]
    month, day = digits[:, 4:6] @ [10, 1], digits[:, 6:8] @ [10, 1]
    start = ((year - 1970) * 12 + np.clip(month, 1, 12) - 1).astype("datetime64[M]")
    length = ((start + 1).astype("datetime64[D]") - start.astype("datetime64[D]")).astype(np.int64)
    return (month >= 1) & (month <= 12) & (day >= 1) & (day <= length)


_USCC = "0123456789ABCDEFGHJKLMNPQRTUWXY"


def credit_codes(values: Any) -> Any:
    """Return a numpy mask of the texts that are unified social credit codes (GB 32100-2015, MOD 31-3)."""
    mask, codes = _codes(values, rf"^[1-9ANY][{_USCC}]\d{{6}}[{_USCC}]{{10}}$", 18)
    numbers = _table(_USCC)[codes]
    weights = np.array([pow(3, position, 31) for position in range(17)])
    return _within(mask, (numbers[:, :17] @ weights + numbers[:, 17]) % 31 == 0)


def luhn(values: Any, shape: str = r"^\d{2,19}$") -> Any:
    """Return a numpy mask of the texts of *shape* (digits, 19 at most) with a Luhn digit (ISO/IEC 7812-1)."""
    mask, codes = _codes(values, shape, 20)
    digits = _DECIMAL[codes]
    doubled = digits[:, ::2] * 2
    return _within(mask, (digits[:, 1::2].sum(1) + (doubled - 9 * (doubled > 9)).sum(1)) % 10 == 0)


CARD_SHAPE = (
    r"^(62\d{14,17}|4\d{15}|5[1-5]\d{14}|2(22[1-9]|2[3-9]\d|[3-6]\d\d|7[01]\d|720)\d{12}|3[47]\d{13}"
    r"|3[068]\d{12}|35(2[89]|[3-8]\d)\d{12}|6(011|5\d\d|4[4-9]\d)\d{12}|(60|81|9[458])\d{14,17})$"
)
"""Issuer prefixes and lengths of UnionPay, Visa, Mastercard, American Express, Diners, JCB, Discover."""


def bank_cards(values: Any) -> Any:
    """Return a numpy mask of the texts that are payment card numbers: issuer prefix, length, Luhn digit."""
    return luhn(values, CARD_SHAPE)


def imeis(values: Any) -> Any:
    """Return a numpy mask of the texts that are IMEI: reporting body of the GSMA, 15 digits, Luhn."""
    return luhn(values, r"^(01|35|8[4-9]|9[0189]|4[459]|5[0-4])\d{13}$")


_VIN = _table("0123456789")
for _letters, _first in (("ABCDEFGH", 1), ("JKLMN", 1), ("P", 7), ("R", 9), ("STUVWXYZ", 2)):
    for _index, _letter in enumerate(_letters):
        _VIN[ord(_letter)] = _first + _index


def vins(values: Any) -> Any:
    """Return a numpy mask of the texts that are vehicle numbers with a check digit (GB 16735-2019)."""
    mask, codes = _codes(values, r"^[A-HJ-NPR-Z0-9]{8}[\dX][A-HJ-NPR-Z0-9]{8}$", 17)
    remainder = _VIN[codes] @ [8, 7, 6, 5, 4, 3, 2, 10, 0, 9, 8, 7, 6, 5, 4, 3, 2] % 11
    lettered = (codes > ord("9")).any(1)
    return _within(mask, lettered & (np.frombuffer(b"0123456789X", np.uint8)[remainder] == codes[:, 8]))


_IBAN_LENGTHS = (
    "AD24 AE23 AL28 AT20 AZ28 BA20 BE16 BG22 BH22 BI27 BR29 BY28 CH21 CR22 CY28 CZ24 DE22 DJ27 DK18 DO28 "
    "EE20 EG29 ES24 FI18 FK18 FO18 FR27 GB22 GE22 GI23 GL18 GR27 GT28 HN28 HR21 HU28 IE22 IL23 IQ23 IS26 "
    "IT27 JO30 KW30 KZ20 LB28 LC32 LI21 LT20 LU20 LV21 LY25 MC27 MD24 ME22 MK19 MN20 MR27 MT31 MU30 NI28 "
    "NL18 NO15 OM23 PK24 PL28 PS29 PT25 QA29 RO24 RS22 RU33 SA24 SC31 SD18 SE24 SI19 SK24 SM27 SO23 ST25 "
    "SV28 TL23 TN24 TR26 UA29 VA22 VG24 XK20 YE30"
)
"""Country and length: SWIFT, IBAN Registry."""

_IBAN = (
    "^(" + "|".join(rf"{it[:2]}\d{{2}}[0-9A-Z]{{{int(it[2:]) - 4}}}" for it in _IBAN_LENGTHS.split()) + ")$"
)


def ibans(values: Any) -> Any:
    """Return a numpy mask of the texts that are IBAN (ISO 13616-1): length of the country, MOD 97-10."""
    mask = matches(values, r"^[A-Z]{2}(0[2-9]|[1-8]\d|9[0-8])[0-9A-Z]{11,30}$")
    mask = _within(mask, matches(values.filter(pa.array(mask)), _IBAN))
    texts = values.filter(pa.array(mask))
    account, head = pc.utf8_slice_codeunits(texts, 4), pc.utf8_slice_codeunits(texts, 0, 4)
    codes = _matrix(pc.binary_join_element_wise(account, head, ""), 34)
    remainder = np.zeros(len(codes), np.int64)
    for column in _BASE_36[codes].T:
        remainder = (remainder * np.where(column > 9, 100, 10) + column) % 97
    return _within(mask, remainder == 1)


def hong_kong_ids(values: Any) -> Any:
    """Return a numpy mask of the texts that are Hong Kong identity card numbers, brackets or not."""
    plain = pc.replace_substring_regex(values, r"[()]", "")
    mask, codes = _codes(plain, r"^[A-Z]{1,2}\d{6}[\dA]$", 9)
    numbers = _BASE_36[codes]
    numbers[:, 0] = np.where(codes[:, 0] == ord("0"), 36, numbers[:, 0])  # a missing first letter counts 36
    return _within(mask, numbers @ [9, 8, 7, 6, 5, 4, 3, 2, 1] % 11 == 0)


def taiwan_ids(values: Any) -> Any:
    """Return a numpy mask of the texts that are identity numbers of Taiwan, of citizens or residents."""
    mask, codes = _codes(values, r"^[A-Z][1289]\d{8}$", 10)
    letters = _table("ABCDEFGHJKLMNPQRSTUVXYWZIO")[codes[:, 0]] + 10
    digits = _DECIMAL[codes[:, 1:]]
    total = letters // 10 + letters % 10 * 9 + digits @ [8, 7, 6, 5, 4, 3, 2, 1, 1]
    return _within(mask, total % 10 == 0)
