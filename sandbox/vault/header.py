"""Names of columns: everybody sees them, so none may be a cell.

A CSV without a header line would put the cells of its first row into the catalogue and the log.  A name that
holds a number or an address of a person is therefore refused, by its place only.
"""

from __future__ import annotations

import datetime as dt
import re
import unicodedata
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TypeVar

from stdnum import iban, luhn
from stdnum.iso7064 import mod_11_2

from sandbox.errors import InvalidInputError
from sandbox.schema import ORDINAL, UNIT_TAG

Said = TypeVar("Said")
LONGEST_NAME = 1000
"""Characters of a column's name."""
_RESERVED = (ORDINAL, UNIT_TAG)
_SPACE = re.compile(r"\s+")
NAMELESS = "column_1"


def named(written: Sequence[str]) -> tuple[str, ...]:
    """Return the names in the first record of a CSV, as its columns are called.

    A first column without a name beside others with one is `NAMELESS`: pandas writes its index so.  Any
    other cell without text stays, for `check_header` to refuse: it may be a row, or the title of a worksheet.
    """
    names = [plain(name) for name in written]
    if names and not names[0] and any(names):
        names[0] = NAMELESS
    return tuple(names)


def plain(name: str) -> str:
    """Return *name* without white space around it, and with one blank for a line break and its like."""
    return _SPACE.sub(lambda run: " " if run[0].strip(" ") else run[0], name).strip()


def by_column(said: Mapping[str, Said]) -> dict[str, Said]:
    """Return what is *said* of columns by `plain` names; raises `InvalidInputError` for one said twice."""
    found: dict[str, Said] = {}
    for name, it in said.items():
        column = plain(name)
        if column in found:
            raise InvalidInputError("vault.column-twice", column=column[:LONGEST_NAME])
        found[column] = it
    return found


def check_header(columns: tuple[str, ...], path: Path) -> None:
    """Refuse names that are missing, doubled, unprintable, reserved or an identifier: `InvalidInputError`."""
    if not columns:
        raise InvalidInputError("vault.empty-file", file=str(path))
    for position, name in enumerate(columns, start=1):
        if len(name) > LONGEST_NAME:
            raise too_long(path)
        if not name.strip() or name != name.strip() or not name.isprintable():
            raise InvalidInputError("vault.bad-column-name", file=str(path), position=position)
        if names_somebody(name):
            raise InvalidInputError("vault.cell-as-name", file=str(path), position=position)
        if name in _RESERVED:
            raise InvalidInputError("vault.reserved-column", column=name)
    times = Counter(unicodedata.normalize("NFC", name) for name in columns)  # é may be one character or two
    doubled = sorted(name for name in times if times[name] > 1)
    if doubled:
        raise InvalidInputError("vault.duplicate-column", file=str(path), columns=doubled)


def too_long(path: Path) -> InvalidInputError:
    """Return what to raise where a name is longer than `LONGEST_NAME`."""
    return InvalidInputError("vault.long-column-name", file=str(path), most=LONGEST_NAME)


def names_somebody(name: str) -> bool:
    """Return whether *name* holds an identifier of somebody.

    That is a resident number (GB 11643-1999), a Chinese mobile number, an e-mail address, a payment card
    number (ISO/IEC 7812-1, the schemes' prefixes) or an IBAN (ISO 13616-1), each with its check digits.
    """
    text = unicodedata.normalize("NFKC", name).upper()
    return any(
        check(re.sub("[ -]", "", found.group())) for shape, check in _SHAPES for found in shape.finditer(text)
    )


def _alone(shape: str) -> re.Pattern[str]:
    return re.compile(rf"(?<![0-9A-Z])(?:{shape})(?![0-9A-Z])")


def _resident(text: str) -> bool:
    try:
        born = dt.date.fromisoformat(f"{text[6:10]}-{text[10:12]}-{text[12:14]}")
    except ValueError:
        return False
    return born.year >= 1900 and mod_11_2.is_valid(text)


_CARD = re.compile(
    r"62\d{14,17}|4\d{15}|5[1-5]\d{14}|2(?:22[1-9]|2[3-9]\d|[3-6]\d\d|7[01]\d|720)\d{12}|3[47]\d{13}"
    r"|3[068]\d{12}|35(?:2[89]|[3-8]\d)\d{12}|6(?:011|5\d\d|4[4-9]\d)\d{12}"
)
"""UnionPay, Visa, Mastercard, American Express, Diners, JCB, Discover."""


def _card(text: str) -> bool:
    return bool(_CARD.fullmatch(text)) and luhn.is_valid(text)


_SHAPES: tuple[tuple[re.Pattern[str], Callable[[str], bool]], ...] = (
    (_alone(r"[1-9](?:[ -]?\d){16}[ -]?[\dX]"), _resident),
    (_alone(r"(?:\+?86[ -]?)?1[3-9]\d[ -]?\d{4}[ -]?\d{4}"), bool),
    (_alone(r"[0-9A-Z._%+-]+@(?:[0-9A-Z-]+\.)+[A-Z]{2,24}"), bool),
    (_alone(r"\d(?:[ -]?\d){13,18}"), _card),
    (_alone(r"[A-Z]{2}\d\d(?: ?[0-9A-Z]){11,30}"), iban.is_valid),
)
