"""Names of columns: everybody sees them, so none may be a cell.

A CSV without a header line would put the cells of its first row into the catalogue and the log.  A name that
holds a number or an address of a person is therefore refused, by its place only.
"""

from __future__ import annotations

import csv
import datetime as dt
import re
import unicodedata
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from itertools import islice
from pathlib import Path
from typing import TypeVar

from stdnum import iban, luhn
from stdnum.fr import nir
from stdnum.iso7064 import mod_11_2

from sandbox.errors import InvalidInputError
from sandbox.schema import ORDINAL, UNIT_TAG

Said = TypeVar("Said")
LONGEST_NAME = 1000
"""Characters of a column's name."""
_RESERVED = (ORDINAL, UNIT_TAG)
_SPACE = re.compile(r"\s+")
NAMELESS = "column_1"
_DELIMITERS = ",;\t|"
_UNUSUAL = "^，；、｜"
"""Signs that part columns where they stand in the first records as often; the full-width ones cannot."""
_LOOKED_AT = 3


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


def check_lone(name: str, records: Iterator[list[str]], path: Path, delimiter: str) -> None:
    """Refuse the only *name* of a file that, by the *records* below it, seems to be several."""
    cells: list[str] = []
    with suppress(csv.Error):  # of a cell too long more is said when all of the file is read
        cells += (record[0] for record in islice(records, _LOOKED_AT))
    found = next((it for it in _UNUSUAL if it in name), "")
    alike = bool(found and cells) and {cell.count(found) for cell in cells} == {name.count(found)}
    if any(other in name for other in _DELIMITERS) or (alike and found.isascii()):
        raise InvalidInputError("vault.wrong-delimiter", file=str(path), delimiter=delimiter)
    if alike:
        raise InvalidInputError("vault.wide-delimiter", file=str(path), found=found)


def too_long(path: Path) -> InvalidInputError:
    """Return what to raise where a name is longer than `LONGEST_NAME`."""
    return InvalidInputError("vault.long-column-name", file=str(path), most=LONGEST_NAME)


def names_somebody(name: str) -> bool:
    """Return whether the *name* of a column is an identifier of somebody, beyond doubt.

    That is, with its check digits, a number of a resident of China (GB 11643-1999) or France, a payment card
    number (ISO/IEC 7812-1, the schemes' prefixes) or an IBAN (ISO 13616-1); an e-mail address; a mobile
    number of China or France, one with a plus sign, or an American one with brackets.  A file is refused for
    it, so codes, ranges and dates, as names of columns often are, must not be taken for one.
    """
    return _holds(name, _SURE)


def mentions_somebody(text: str) -> bool:
    """Return whether *text* holds what is probably an identifier of somebody.

    What `names_somebody` knows, also where points or underscores part its groups, and an American social
    security number, a resident number of 15 digits (until 1999), a phone number by its layout or behind a
    word for one, or a passport number behind that word.
    """
    parted = re.sub(r"(?<=[0-9A-Za-z])[._](?=[0-9A-Za-z])", " ", text)
    return _holds(text, (*_SURE, *_LIKELY)) or _holds(parted, _SURE)


def _holds(text: str, shapes: Iterable[tuple[re.Pattern[str], Callable[[str], bool]]]) -> bool:
    plain = _DASH.sub("-", unicodedata.normalize("NFKC", text).upper())
    return any(check(found.group()) for shape, check in shapes for found in shape.finditer(plain))


_DASH = re.compile("[‐-―−]")


def _alone(shape: str) -> re.Pattern[str]:
    return re.compile(rf"(?<![0-9A-Z])(?:{shape})(?![0-9A-Z])")


def _grouped(shape: str) -> re.Pattern[str]:
    """Return *shape* where it is no part of a longer number, a date or a time."""
    return re.compile(rf"(?<![0-9A-Z])(?<![0-9][ .,:/-])(?:{shape})(?![.,:/-]?[0-9])")


def _behind(words: str, number: str) -> re.Pattern[str]:
    """Return *number* behind one of *words*, if it does not begin like a day (20240131) or month (202401)."""
    sign = r"(?: ?(?:号码|号|號碼|號|NO|NR|NUMBER|NUMMER))?[ .:：#=]{0,3}"
    day = r"(?:19|20)\d\d(?:0[1-9]|1[0-2])"
    return re.compile(rf"(?<![0-9A-Z])(?:{words}){sign}(?!{day})(?:{number})(?![0-9A-Z])")


def _compact(text: str) -> str:
    return re.sub("[ -]", "", text)


def _resident(written: str) -> bool:
    text = _compact(written)
    return _born(text[6:14]) and mod_11_2.is_valid(text)


def _born(day: str) -> bool:
    try:
        return dt.date.fromisoformat(f"{day[:4]}-{day[4:6]}-{day[6:]}").year >= 1900
    except ValueError:
        return False


_CARD = re.compile(
    r"62\d{14,17}|4\d{15}|5[1-5]\d{14}|2(?:22[1-9]|2[3-9]\d|[3-6]\d\d|7[01]\d|720)\d{12}|3[47]\d{13}"
    r"|3[068]\d{12}|35(?:2[89]|[3-8]\d)\d{12}|6(?:011|5\d\d|4[4-9]\d)\d{12}"
)
"""UnionPay, Visa, Mastercard, American Express, Diners, JCB, Discover."""


def _card(written: str) -> bool:
    text = _compact(written)
    return bool(_CARD.fullmatch(text)) and luhn.is_valid(text)


_DAY_FIRST = re.compile(r"\d\d\D\d\d\D(?:19|20)\d\d(?!\d)")


def _dialled(text: str) -> bool:
    """Return whether groups of digits that begin with 0 are a phone number: no date, range or file number."""
    area, *others = groups = re.findall(r"\d+", text)
    if all(len(group) == 2 for group in groups):  # 06 12 34 56 78
        return len(groups) == 5 and len({it.strip(") ") for it in re.findall(r"\d(\D+)", text)}) == 1
    if not 9 <= sum(map(len, groups)) <= 12 or others[0][0] == "0" or _DAY_FIRST.match(text):
        return False
    if len(area) == 2 and re.fullmatch(r"(?:19|20)\d\d", others[0]):
        return False
    return len(others) > 1 or "(" in text or (len(area) != len(others[0]) and "." not in text)


def _abroad(text: str) -> bool:
    """Return whether digits behind 00 and a country are a phone number, no band such as 001 15-64."""
    return 12 <= sum(map(str.isdigit, text)) <= 17


_PHONE = (
    r"TEL|TÉL|TELEFON|TELEFONO|TELÉFONO|TELEPHONE|TÉLÉPHONE|PHONE|FON|FAX|CALL|CELL|MOBILE?|HANDY|WHATSAPP"
    r"|电话|電話|手机|手機|座机|传真|致电|联系方式"
)
_PASSPORT = "护照|護照|PASSPORT|PASSEPORT|REISEPASS"
_SURE: tuple[tuple[re.Pattern[str], Callable[[str], bool]], ...] = (
    (_alone(r"[1-9](?:[ -]?\d){16}[ -]?[\dX]"), _resident),
    (_alone(r"[12] ?\d\d ?(?:0[1-9]|1[0-2]|[2-9]\d) ?\d[\dAB] ?\d{3} ?\d{3} ?\d\d"), nir.is_valid),
    (_alone(r"(?:\+?86[ -]?)?1[3-9]\d[ -]?\d{4}[ -]?\d{4}"), bool),
    (re.compile(r"(?<![0-9A-Z])\+[1-9](?:[ ./()-]{0,3}\d){9,15}(?!\d)"), bool),
    (_grouped(r"0[67](?: \d\d){4}"), bool),
    (_grouped(r"(?:1[ .-])?\([2-9]\d\d\) ?[2-9]\d\d[ .-]\d{4}"), bool),
    (re.compile(r"[\w.%+-]+@(?:[\w-]+\.)+[^\W\d_]{2,24}(?!\w)"), bool),
    (_alone(r"\d(?:[ -]?\d){13,18}"), _card),
    (_alone(r"[A-Z]{2}\d\d(?: ?[0-9A-Z]){11,30}"), iban.is_valid),
)
_LIKELY: tuple[tuple[re.Pattern[str], Callable[[str], bool]], ...] = (
    (_alone(r"(?:1[1-5]|2[1-3]|3[1-7]|4[1-6]|5[0-4]|6[1-5])\d{13}"), lambda it: _born(f"19{it[6:12]}")),
    (_grouped(r"(?!000|666|9)\d{3}-(?!00)\d\d-(?!0000|19\d\d|20\d\d)\d{4}"), bool),
    (_grouped(r"(?:0[1-9]\d{0,3} ?[ ./-]|\(0[1-9]\d{0,3}\)) ?\d{2,8}(?: ?[ ./-] ?\d{2,8}){0,4}"), _dialled),
    (_grouped(r"00[1-9]\d{0,2} (?:\(0\) ?)?\d{1,4}(?:[ /-]\d{2,8}){1,4}"), _abroad),
    (_grouped(r"(?:1[ .-])?[2-9]\d\d([.-])(?!\d00)[2-9]\d\d\1(?!19\d\d|20\d\d|\d000)\d{4}"), bool),
    (_behind(_PHONE, r"(?!\d0{4,}(?!\d))\d{7,15}"), bool),
    (_behind("SSN|SOCIAL SECURITY", r"\d{3}[ .-]?\d\d[ .-]?\d{4}"), bool),
    (_behind(_PASSPORT, r"[A-Z]{0,2}\d{6,9}|(?=(?:[A-Z]*\d){4})[0-9A-Z]{9}"), bool),
)
