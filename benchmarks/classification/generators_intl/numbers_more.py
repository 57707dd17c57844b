"""Check digits of more countries, for the domains that the second hand wrote; none from a library."""

from __future__ import annotations

import datetime as dt
from random import Random

from benchmarks.classification.generators.numbers import digits, filled, luhn_check
from benchmarks.classification.generators_intl import numbers
from benchmarks.classification.generators_intl.numbers import weighted

_ODD = dict(
    zip(
        "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ",
        (
            *(1, 0, 5, 7, 9, 13, 15, 17, 19, 21, 1, 0, 5, 7, 9, 13, 15, 17, 19, 21),
            *(2, 4, 18, 20, 11, 3, 6, 8, 12, 14, 16, 10, 22, 25, 24, 23),
        ),
        strict=True,
    )
)
"""Values of the odd places in Italian codes (decree of 23 December 1976); even places count 0 to 25."""
_MONTHS = "ABCDEHLMPRST"


def _italian(body: str) -> str:
    even = sum(int(sign) if sign.isdigit() else ord(sign) - ord("A") for sign in body[1::2])
    return chr(ord("A") + (sum(_ODD[sign] for sign in body[::2]) + even) % 26)


def fiscal_code(chance: Random, born: dt.date, woman: bool) -> str:
    """Return an Italian codice fiscale: letters of the names are drawn, birth and sex agree."""
    letters = "".join(chance.choice("BCDFGLMNPRSTVZ") for _ in range(6))
    place = chance.choice(("H501", "F205", "L219", "D612", "A944", "F839"))
    body = f"{letters}{born:%y}{_MONTHS[born.month - 1]}{born.day + 40 * woman:02d}{place}"
    return body + _italian(body)


def italian_vat(chance: Random) -> str:
    """Return a partita IVA: seven digits, the province's office, Luhn."""
    body = (
        chance.choice("0123")
        + digits(chance, 5)
        + chance.choice("123456789")
        + f"{chance.choice((1, 15, 58, 63)):03d}"
    )
    return body + luhn_check(body)


def bsn(chance: Random) -> str:
    """Return a Dutch burgerservicenummer (the eleven test)."""
    while True:
        body = chance.choice("123456789") + digits(chance, 7)
        check = weighted(body, range(9, 1, -1)) % 11
        if check < 10:
            return body + str(check)


def nip(chance: Random) -> str:
    """Return a Polish tax number."""
    while True:
        body = chance.choice("156789") + digits(chance, 8)
        check = weighted(body, (6, 5, 7, 2, 3, 4, 5, 6, 7)) % 11
        if check < 10:
            return body + str(check)


def regon(chance: Random) -> str:
    """Return a Polish register number of nine digits."""
    body = f"{chance.choice((1, 14, 36, 38)):02d}" + digits(chance, 6)
    return body + str(weighted(body, (8, 9, 2, 3, 4, 5, 6, 7)) % 11 % 10)


def siret(chance: Random) -> str:
    """Return the number of a French establishment: SIREN and SIRET both pass Luhn."""
    siren = chance.choice("3458") + digits(chance, 7)
    siren += luhn_check(siren)
    body = siren + f"{chance.randrange(1, 90):04d}"
    return body + luhn_check(body)


def portuguese_nif(chance: Random) -> str:
    """Return the tax number of a person in Portugal."""
    body = chance.choice("12") + digits(chance, 7)
    rest = weighted(body, range(9, 1, -1)) % 11
    return body + str(0 if rest < 2 else 11 - rest)


def ahv(chance: Random) -> str:
    """Return a Swiss AHV number as 756.DDDD.DDDD.DC."""
    body = numbers.ean13(chance, "756")
    return f"{body[:3]}.{body[3:7]}.{body[7:11]}.{body[11:]}"


def abn(chance: Random) -> str:
    """Return an Australian business number."""
    body = digits(chance, 9)
    rest = 89 - weighted(body, range(3, 21, 2)) % 89
    first = str(rest + 10)
    return f"{first} {body[:3]} {body[3:6]} {body[6:]}"


def iban(chance: Random, country: str) -> str:
    """Return an IBAN of any country that the generators know."""
    if country not in _BBANS:
        return numbers.iban(chance, country)
    bban = _BBANS[country](chance)
    return f"{country}{numbers.mod97(bban + country)}{bban}"


def _bban_it(chance: Random) -> str:
    body = chance.choice(("03069", "02008", "05034")) + digits(chance, 5) + filled(chance, "00$$$$$$$$$$")
    return _italian(body) + body


def _bban_pl(chance: Random) -> str:
    body = chance.choice(("102", "114", "124")) + digits(chance, 4)
    check = -weighted(body, (3, 9, 7, 1, 3, 9, 7)) % 10
    return f"{body}{check}{digits(chance, 16)}"


def _bban_pt(chance: Random) -> str:
    body = chance.choice(("0035", "0033", "0018")) + digits(chance, 15)
    return f"{body}{98 - int(body) * 100 % 97:02d}"


def _bban_be(chance: Random) -> str:
    body = chance.choice(("001", "363", "734")) + digits(chance, 7)
    return f"{body}{int(body) % 97 or 97:02d}"


_BBANS = {"IT": _bban_it, "PL": _bban_pl, "PT": _bban_pt, "BE": _bban_be}
