"""What a glance at some values rules out: most patterns need digits or characters that a column lacks.

A pattern is tried only on columns of which enough values hold what every value that fits would hold.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

import numpy as np

HELD: Final = 0.05
"""The share of values that must hold a character that a pattern needs; every pattern wants a greater one."""

_HAN, _LATIN, _LETTER = "一-鿿", "A-Za-z", "A-Za-z\u00aa-\U0010ffff"
_CURRENCY = "A-Za-z¥$€£元₹₽₩円"
_PLACES = f".,{_CURRENCY}"

_NEEDS: Final = {
    "@": "email handle",
    ":": "ipv6",
    ".": "ipv4 latitude longitude coordinates profile-url",
    "*": "resident-id-masked",
    "(": "wkt",
    "-": "ein-us postcode-jp zip-4 plate-fr uuid",
    "- ": "ssn-us plate-de",
    "-:.": "mac",
    "-. (": "phone-nanp",
    "-./ ": "phone-grouped",
    "+0": "phone-e164",
    "{$:_": "password-hash",
    "°º度经": "degrees-minutes",
    "*某X": "name-masked",
    _HAN: "name-dotted plate-cn officer-cn address-zh address-jp surname-zh",
    _LATIN: """
        iban hkid id-tw vin wechat-id nino-gb plate-gb permit-cn passport-cn documents token postcode-gb
        postcode-ca postcode-nl vin-shape user-name base-64 address-en address-eu icd-10 icd-10-undotted icd-9
        dni-es nie-es pan-in codice-it hetu-fi pps-ie cc-pt curp-mx cif-es gstin-in vat-eu credit-code
        rfc-mx rfc-company-mx uid-ch register-de
    """,
    _LETTER: "age-words gender-words gender-letters plates",
    _CURRENCY: "priced",
    _PLACES: "amount",
}
_DIGITS: Final = {
    1: "register-de priced age-words address-en address-eu address-jp icd-9 ages amount",
    2: "plates ipv4 icd-10 icd-10-undotted degrees-minutes age-bands plate-gb postcode-gb postcode-ca",
    4: "ssn-us postcode-nl vin-shape passport-cn",
    5: "dates dates-over-a-lifetime latitude longitude zip-5 officer-cn",
    6: "phone-e164 nino-gb postcode-cn hkid permit-cn",
    7: "postcode-jp phone-mixed",
    8: "coordinates hex-hash lei credit-code",
    9: "ein-us zip-4 phone-grouped id-tw",
    10: "phone-nanp",
    15: "resident-id",
}
_LENGTHS: Final = {
    (4, 12): "plates",
    (8, 8): "y-tunnus-fi",
    (8, 9): "pps-ie",
    (8, 10): "cvr-dk",
    (9, 14): "orgnr-no",
    (8, 11): "hkid",
    (8, 18): "documents",
    (9, 9): "dni-es nie-es bsn-nl nif-pt sin-ca tfn-au siren-fr cif-es regon-pl",
    (9, 21): "mobile-cn",
    (10, 10): "nhs-gb pan-in cpr-dk nip-pl id-tw orgnr-se",
    (10, 11): "rodne-cislo-cz hetu-fi utr-gb",
    (10, 13): "personnummer-se",
    (10, 18): "vat-eu",
    (10, 34): "iban",
    (11, 11): """
        steuer-id-de pesel-pl fodselsnummer-no tc-kimlik-tr partita-iva-it abn-au oib-hr asmens-kodas-lt
        cuit-person-ar cuit-company-ar
    """,
    (10, 14): "bce-be",
    (11, 13): "cpf-br",
    (11, 15): "nn-be",
    (12, 18): "uid-ch",
    (12, 12): "rfc-company-mx aadhaar-in my-number-jp nric-my cc-pt",
    (12, 23): "card",
    (13, 13): "rfc-mx cnp-ro rrn-kr pin-th id-za corporate-number-jp",
    (13, 16): "ahv-ch",
    (14, 14): "siret-fr",
    (14, 17): "cnpj-br",
    (15, 15): "nir-fr gstin-in resident-id-15 imei",
    (15, 18): "resident-id-masked",
    (16, 16): "codice-it",
    (17, 17): "vin",
    (18, 18): "curp-mx credit-code resident-id",
    (20, 22): "resident-id-longer",
}
HOLDS: Final = {rule: held for held, rules in _NEEDS.items() for rule in rules.split()}
"""By rule: one of these characters is in every value that fits."""
DIGITS: Final = {rule: digits for digits, rules in _DIGITS.items() for rule in rules.split()}
"""By rule: so many digits are in every value that fits."""
LENGTHS: Final = {rule: lengths for lengths, rules in _LENGTHS.items() for rule in rules.split()}
"""By rule: how long values that fit are, without blanks and dashes."""

_CLASSES: Final = {
    held: re.compile(f"[{held if held in (_HAN, _LATIN, _LETTER, _CURRENCY, _PLACES) else re.escape(held)}]")
    for held in _NEEDS
}


class Glance:
    """What *plain* and *compact* texts of a column hold."""

    def __init__(self, plain: Sequence[str], compact: Sequence[str]) -> None:
        self._texts = plain
        counts = [sum(map(text.count, "0123456789")) for text in compact]
        # The number of digits that 3 in 10 values have at least.
        self._digits = float(np.quantile(counts, 0.7)) if counts else 0.0
        self._lengths = np.array([len(text) for text in compact])
        self._held = {held: self._holds(characters) for held, characters in _CLASSES.items()}

    def _holds(self, characters: re.Pattern[str]) -> bool:
        return self._enough(sum(map(bool, map(characters.search, self._texts))))

    def _enough(self, found: int) -> bool:
        return found > 0 and found >= HELD * len(self._texts)

    def _long(self, least: int, most: int) -> bool:
        return self._enough(int(((least <= self._lengths) & (self._lengths <= most)).sum()))

    def allows(self, rule: str, digits: int = 0) -> bool:
        """Return whether enough values may fit *rule*, which needs *digits* digits at the least."""
        needed = max(digits, DIGITS.get(rule, 0))
        held = rule not in HOLDS or self._held[HOLDS[rule]]
        return needed <= self._digits and held and (rule not in LENGTHS or self._long(*LENGTHS[rule]))
