"""Check digits of national and international numbers, each after its own rule, none from a library."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from random import Random

from benchmarks.classification.generators.numbers import digits, filled, luhn_check

_DNI = "TRWAGMYFPDXBNJZSQVHLCKE"
_VERHOEFF = (
    "0123456789", "1234067895", "2340178956", "3401289567", "4012395678",
    "5987604321", "6598710432", "7659821043", "8765932104", "9876543210",
)  # fmt: skip
_TURN = "1576283094"
_VIN = "0123456789ABCDEFGHJKLMNPRSTUVWXYZ"
_VIN_VALUES = dict(zip(_VIN, "012345678912345678123457923456789", strict=True))
_VIN_WEIGHTS = (8, 7, 6, 5, 4, 3, 2, 10, 0, 9, 8, 7, 6, 5, 4, 3, 2)


def weighted(body: str, weights: Sequence[int]) -> int:
    """Return the sum of the digits of *body* times *weights*."""
    return sum(int(digit) * weight for digit, weight in zip(body, weights, strict=True))


def ssn(chance: Random) -> str:
    """Return a US social security number as AAA-GG-SSSS (no area 000, 666, 9xx)."""
    area = chance.choice([it for it in range(1, 900) if it != 666])
    return f"{area:03d}-{chance.randrange(1, 100):02d}-{chance.randrange(1, 10_000):04d}"


def nino(chance: Random) -> str:
    """Return a UK national insurance number."""
    first, second = chance.choice("ABCEGHJKLMPRSTWXYZ"), chance.choice("ABCEGHJKLMPRSTWXZ")
    if first + second in {"GB", "TN", "ZZ"}:
        first = "A"
    return f"{first}{second}{digits(chance, 6)}{chance.choice('ABCD')}"


def dni(chance: Random) -> str:
    """Return a Spanish DNI, one in ten a foreigner's NIE."""
    number = chance.randrange(10_000_000, 100_000_000)
    if chance.random() < 0.1:
        place, rest = chance.randrange(3), number % 10_000_000
        return f"{'XYZ'[place]}{rest:07d}{_DNI[(place * 10_000_000 + rest) % 23]}"
    return f"{number}{_DNI[number % 23]}"


def cpf(chance: Random) -> str:
    """Return a Brazilian CPF as DDD.DDD.DDD-CC."""
    body = digits(chance, 9)
    for _ in range(2):
        body += str(weighted(body, range(len(body) + 1, 1, -1)) * 10 % 11 % 10)
    return f"{body[:3]}.{body[3:6]}.{body[6:9]}-{body[9:]}"


def cnpj(chance: Random) -> str:
    """Return a Brazilian company number."""
    body = digits(chance, 8) + "0001"
    for weights in ((5, 4, 3, 2, 9, 8, 7, 6, 5, 4, 3, 2), (6, 5, 4, 3, 2, 9, 8, 7, 6, 5, 4, 3, 2)):
        rest = weighted(body, weights) % 11
        body += str(0 if rest < 2 else 11 - rest)
    return f"{body[:2]}.{body[2:5]}.{body[5:8]}/{body[8:12]}-{body[12:]}"


def mod11_10(body: str) -> str:
    """Return the check digit of ISO 7064 MOD 11,10."""
    product = 10
    for digit in body:
        product = ((int(digit) + product) % 10 or 10) * 2 % 11
    return str((11 - product) % 10)


def tax_id(chance: Random) -> str:
    """Return a German Steuer-ID: of its first ten digits one is there twice, one is missing."""
    order = chance.sample("0123456789", 10)
    order[9] = order[chance.randrange(0, 8)]
    body = "".join(chance.sample(order, 10))
    while body[0] == "0":
        body = "".join(chance.sample(order, 10))
    return body + mod11_10(body)


def german_vat(chance: Random) -> str:
    """Return a German VAT number."""
    body = chance.choice("123456789") + digits(chance, 7)
    return f"DE{body}{mod11_10(body)}"


def nir(chance: Random, born: dt.date, woman: bool) -> str:
    """Return a French social security number (NIR)."""
    department = f"{chance.choice([it for it in range(1, 95) if it != 20]):02d}"
    body = f"{1 + woman}{born:%y%m}{department}{chance.randrange(1, 990):03d}{chance.randrange(1, 1000):03d}"
    return f"{body}{97 - int(body) % 97:02d}"


def aadhaar(chance: Random) -> str:
    """Return an Indian Aadhaar number (Verhoeff)."""
    body = chance.choice("23456789") + digits(chance, 10)
    # A palindrome is no Aadhaar number; twelve random digits are one with a chance of 1e-6.
    state = 0
    for place, digit in enumerate(reversed(body), 1):
        turned = int(digit)
        for _ in range(place % 8):
            turned = int(_TURN[turned])
        state = int(_VERHOEFF[state][turned])
    return body + str(_VERHOEFF[state].index("0"))


def nhs(chance: Random) -> str:
    """Return an NHS number of England as DDD DDD DDDC."""
    while True:
        body = chance.choice("4679") + digits(chance, 8)
        check = 11 - weighted(body, range(10, 1, -1)) % 11
        if check != 10:
            return f"{body[:3]} {body[3:6]} {body[6:]}{check % 11}"


def my_number(chance: Random) -> str:
    """Return a Japanese individual number."""
    body = digits(chance, 11)
    rest = weighted(body, (6, 5, 4, 3, 2, 7, 6, 5, 4, 3, 2)) % 11
    return body + str(0 if rest <= 1 else 11 - rest)


def pesel(chance: Random, born: dt.date) -> str:
    """Return a Polish PESEL."""
    body = f"{born:%y}{born.month + (20 if born.year >= 2000 else 0):02d}{born:%d}{digits(chance, 4)}"
    return body + str(-weighted(body, (1, 3, 7, 9, 1, 3, 7, 9, 1, 3)) % 10)


def sin(chance: Random) -> str:
    """Return a Canadian social insurance number (Luhn)."""
    body = chance.choice("123456") + digits(chance, 7)
    number = body + luhn_check(body)
    return f"{number[:3]}-{number[3:6]}-{number[6:]}"


def iban(chance: Random, country: str) -> str:
    """Return an IBAN of DE, GB, NL, FR or ES, with the checks inside the national part."""
    makers = {"DE": _bban_digits, "GB": _bban_gb, "NL": _bban_nl, "FR": _bban_fr, "ES": _bban_es}
    bban = makers[country](chance)
    return f"{country}{mod97(bban + country)}{bban}"


def lei(chance: Random) -> str:
    """Return a legal entity identifier (ISO 17442)."""
    body = filled(chance, "$$$$00@$@@$$@$@$@$")
    return body + mod97(body)


def mod97(body: str) -> str:
    """Return the two check digits of ISO 7064 MOD 97-10."""
    number = int("".join(str(int(sign, 36)) for sign in body) + "00")
    return f"{98 - number % 97:02d}"


def _bban_digits(chance: Random) -> str:
    return chance.choice(("37040044", "10010010", "50010517", "76050101")) + digits(chance, 10)


def _bban_gb(chance: Random) -> str:
    return chance.choice(("NWBK", "BARC", "LOYD", "MIDL")) + digits(chance, 14)


def _bban_nl(chance: Random) -> str:
    while True:
        body = digits(chance, 9)
        check = -weighted(body, range(10, 1, -1)) % 11
        if check < 10:
            return chance.choice(("ABNA", "INGB", "RABO")) + body + str(check)


def _bban_fr(chance: Random) -> str:
    bank, branch, account = chance.choice(("30006", "20041", "10278")), digits(chance, 5), digits(chance, 11)
    key = 97 - (89 * int(bank) + 15 * int(branch) + 3 * int(account)) % 97
    return f"{bank}{branch}{account}{key:02d}"


def _bban_es(chance: Random) -> str:
    bank, account = chance.choice(("2100", "0049", "0182")) + digits(chance, 4), digits(chance, 10)
    weights = (1, 2, 4, 8, 5, 10, 9, 7, 3, 6)
    checks = [11 - weighted(part, weights) % 11 for part in (f"00{bank}", account)]
    return bank + "".join({10: "1", 11: "0"}.get(check, str(check)) for check in checks) + account


def card(chance: Random) -> str:
    """Return a credit card number: Visa, Mastercard, American Express."""
    prefix, length = chance.choice((("4", 16), ("4", 16), ("5" + chance.choice("12345"), 16), ("37", 15)))
    body = prefix + digits(chance, length - len(prefix) - 1)
    return body + luhn_check(body)


def vin(chance: Random) -> str:
    """Return a vehicle number with its check digit in place nine, by makers of four countries."""
    body = chance.choice(("1HG", "WVW", "JTD", "VF1")) + filled(chance, "@@$$@$$@$@@").replace("Q", "X")
    body = body[:11] + digits(chance, 6)
    check = "0123456789X"[weighted("".join(_VIN_VALUES[it] for it in body), _VIN_WEIGHTS) % 11]
    return body[:8] + check + body[9:]


def ean13(chance: Random, prefix: str) -> str:
    """Return an article number; with the prefix 978 an ISBN."""
    body = prefix + digits(chance, 12 - len(prefix))
    return body + str(-weighted(body, (1, 3) * 6) % 10)
