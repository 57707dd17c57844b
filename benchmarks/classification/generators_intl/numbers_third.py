"""Check digits of the countries that the third hand brought; none from a library."""

from __future__ import annotations

import datetime as dt
from random import Random

from benchmarks.classification.generators.numbers import digits, luhn_check

_HETU = "0123456789ABCDEFHJKLMNPRSTUVWXY"
_PPS = "WABCDEFGHIJKLMNOPQRSTUV"
_CURP = "0123456789ABCDEFGHIJKLMNÑOPQRSTUVWXYZ"


def personnummer(chance: Random, born: dt.date, woman: bool) -> str:
    """Return a Swedish personnummer: birth, three digits whose last one is even for women, Luhn."""
    body = f"{born:%y%m%d}{chance.randrange(100):02d}{chance.choice('02468' if woman else '13579')}"
    return f"{body[:6]}-{body[6:]}{luhn_check(body)}"


def hetu(chance: Random, born: dt.date, woman: bool) -> str:
    """Return a Finnish henkilötunnus: birth, sign of the century, order, remainder of 31."""
    order = chance.randrange(2, 449) * 2 + (not woman)
    day = f"{born:%d%m%y}"
    return f"{day}{'-' if born.year < 2000 else 'A'}{order:03d}{_HETU[int(f'{day}{order:03d}') % 31]}"


def pps(chance: Random) -> str:
    """Return an Irish PPS number of seven digits and a letter."""
    body = digits(chance, 7)
    total = sum(int(digit) * weight for digit, weight in zip(body, range(8, 1, -1), strict=True))
    return body + _PPS[total % 23]


def curp(chance: Random, born: dt.date, woman: bool) -> str:
    """Return a Mexican CURP: letters of the names are drawn, birth and sex agree."""
    names = chance.choice(("GARL", "HEGM", "LOPJ", "MASR", "PEVA", "RIDC", "SUTF"))
    state, inner = chance.choice(("DF", "JC", "NL", "PL", "MC")), chance.choice(("RPN", "LZR", "NDS", "GTM"))
    body = f"{names}{born:%y%m%d}{'M' if woman else 'H'}{state}{inner}{'0' if born.year < 2000 else 'A'}"
    total = sum(_CURP.index(sign) * (18 - place) for place, sign in enumerate(body))
    return body + str(-total % 10)


def swedish_organisation(chance: Random) -> str:
    """Return the number of a Swedish company."""
    body = "556" + digits(chance, 6)
    return f"{body[:6]}-{body[6:]}{luhn_check(body)}"
