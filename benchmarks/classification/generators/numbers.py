"""Check digits and number formats, each after its standard, none from a library the classifier uses."""

from __future__ import annotations

from collections.abc import Sequence
from random import Random

USCC = "0123456789ABCDEFGHJKLMNPQRTUWXY"
"""The alphabet of GB 32100-2015: no I, O, S, V, Z."""
PLATE = "ABCDEFGHJKLMNPQRSTUVWXYZ0123456789"
VIN = "0123456789ABCDEFGHJKLMNPRSTUVWXYZ"
_VIN_VALUES = dict(
    zip(VIN, (*range(10), 1, 2, 3, 4, 5, 6, 7, 8, 1, 2, 3, 4, 5, 7, 9, *range(2, 10)), strict=True)
)
_VIN_WEIGHTS = (8, 7, 6, 5, 4, 3, 2, 10, 0, 9, 8, 7, 6, 5, 4, 3, 2)
_RESIDENT_WEIGHTS = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
_ORGANISATION_WEIGHTS = (3, 7, 9, 10, 5, 8, 4, 2)
CARDS = (
    ("622202", 19), ("621226", 19), ("622848", 19), ("621700", 19), ("621661", 19),
    ("621799", 19), ("622588", 16), ("621483", 16), ("622622", 16), ("622908", 18),
)  # fmt: skip
"""Issuer prefixes of Chinese debit cards with the length of the card number."""


def digits(chance: Random, count: int) -> str:
    """Return *count* random digits."""
    return "".join(chance.choice("0123456789") for _ in range(count))


def filled(chance: Random, pattern: str) -> str:
    """Return *pattern* with ``$`` a digit, ``@`` a capital letter and ``^`` a hexadecimal digit."""
    alphabets = {"$": "0123456789", "@": "ABCDEFGHJKLMNPQRSTUVWXYZ", "^": "0123456789abcdef"}
    return "".join(chance.choice(alphabets[sign]) if sign in alphabets else sign for sign in pattern)


def resident_check(body: str) -> str:
    """Return the check character of 17 digits (GB 11643-1999, ISO 7064 MOD 11-2)."""
    total = sum(int(digit) * weight for digit, weight in zip(body, _RESIDENT_WEIGHTS, strict=True))
    return "10X98765432"[total % 11]


def luhn_check(body: str) -> str:
    """Return the Luhn check digit (ISO/IEC 7812-1)."""
    total = 0
    for place, digit in enumerate(reversed(body)):
        doubled = int(digit) * (2 if place % 2 == 0 else 1)
        total += doubled - 9 if doubled > 9 else doubled
    return str(-total % 10)


def card(chance: Random) -> str:
    """Return a bank card number."""
    prefix, length = chance.choice(CARDS)
    body = prefix + digits(chance, length - len(prefix) - 1)
    return body + luhn_check(body)


def not_luhn(chance: Random, length: int) -> str:
    """Return a number that looks like a card and fails Luhn."""
    body = chance.choice("3456789") + digits(chance, length - 2)
    return body + str((int(luhn_check(body)) + chance.randrange(1, 10)) % 10)


def imei(chance: Random) -> str:
    """Return a device number: a type code that exists as a format (86…), serial, Luhn."""
    body = "86" + digits(chance, 12)
    return body + luhn_check(body)


def organisation_code(chance: Random) -> str:
    """Return nine characters after GB 11714-1997."""
    body = chance.choice(("MA", "35", "77", "56")) + filled(chance, "$$$$$$")
    total = sum(int(sign, 36) * weight for sign, weight in zip(body, _ORGANISATION_WEIGHTS, strict=True))
    return body + "0123456789X0"[(11 - total % 11) % 11]


def uscc(chance: Random, division: str) -> str:
    """Return a unified social credit code (GB 32100-2015)."""
    body = chance.choice(("91", "91", "91", "92", "12", "51", "93")) + division + organisation_code(chance)
    total = sum(USCC.index(sign) * pow(3, place, 31) for place, sign in enumerate(body))
    return body + USCC[-total % 31]


def plate(chance: Random, start: str) -> str:
    """Return a plate: a blue one of 7 signs, one in five a new-energy one of 8."""
    if chance.random() < 0.2:
        return start + chance.choice("DF") + chance.choice(PLATE[:24] + "012345") + digits(chance, 4)
    return start + "".join(chance.choice(PLATE if place < 2 else "0123456789") for place in range(5))


def vin_check(number: str) -> str:
    """Return the sign that belongs in place nine of a vehicle identification number (GB 16735-2019)."""
    total = sum(_VIN_VALUES[sign] * weight for sign, weight in zip(number, _VIN_WEIGHTS, strict=True))
    return "0123456789X"[total % 11]


def vin(chance: Random) -> str:
    """Return a vehicle identification number with its check digit."""
    body = "L" + "".join(chance.choice(VIN) for _ in range(10)) + digits(chance, 6)
    return body[:8] + vin_check(body) + body[9:]


def wrong_resident(chance: Random) -> str:
    """Return 18 digits that are no resident number: division, date and check are impossible."""
    body = chance.choice(("20", "80", "90")) + digits(chance, 15)
    return body + str((int(resident_check(body).replace("X", "0")) + chance.randrange(1, 10)) % 10)


def measured(chance: Random, args: Sequence[str]) -> str:
    """``measure MEAN SPREAD DECIMALS [LOW]``: a measured number, normal around the mean, not below *LOW*."""
    value = chance.gauss(float(args[0]), float(args[1]))
    return f"{max(value, float(args[3])) if len(args) > 3 else value:.{args[2]}f}"
