"""What a column can hold: kind → the tag it has, whether values alone show it, and its maker.

A specification names a kind with arguments (``date 2019 2024 us``).  The tag of an ambiguous kind (a number,
a date, a choice) is said by the table.
"""

from __future__ import annotations

from collections.abc import Sequence
from random import Random

from benchmarks.classification.generators import numbers as formats
from benchmarks.classification.generators_intl import damage, makers, numbers
from benchmarks.classification.generators_intl.kinds_more import MORE
from benchmarks.classification.generators_intl.kinds_third import THIRD
from benchmarks.classification.generators_intl.makers import Kind, Row

WRAPPERS = frozenset({"masked", "mixed", "sparse", "quoted"})
"""Kinds that change what the kind after them makes."""


def _masked(row: Row, chance: Random, args: Sequence[str]) -> str:
    return damage.masked(make(row, chance, args), chance)


def _mixed(row: Row, chance: Random, args: Sequence[str]) -> str:
    """``mixed KIND KIND …``: whatever people typed into one field."""
    return make(row, chance, (chance.choice(args),))


def _sparse(row: Row, chance: Random, args: Sequence[str]) -> str:
    """``sparse KIND``: filled in one row of five."""
    found = make(row, chance, args)
    return found if chance.random() < 0.2 else ""


KINDS: dict[str, Kind] = {
    "name": Kind("pi.name", True, makers.named("person")),
    "other": Kind("pi.name", True, makers.named("other")),
    "ssn": Kind("pi.id.foreign", True, makers.ssn),
    "nino": Kind("pi.id.foreign", True, makers.number(numbers.nino)),
    "dni": Kind("pi.id.foreign", True, makers.number(numbers.dni)),
    "cpf": Kind("pi.id.foreign", True, makers.number(numbers.cpf)),
    "tax-id": Kind("pi.id.foreign", True, makers.number(numbers.tax_id)),
    "nir": Kind("pi.id.foreign", True, lambda row, c, _a: numbers.nir(c, row.person.born, row.person.woman)),
    "aadhaar": Kind("pi.id.foreign", True, makers.number(numbers.aadhaar)),
    "pan": Kind("pi.id.foreign", True, makers.pattern("@@@P@$$$$@")),
    "nhs": Kind("pi.id.foreign", True, makers.number(numbers.nhs)),
    "my-number": Kind("pi.id.foreign", True, makers.number(numbers.my_number)),
    "pesel": Kind("pi.id.foreign", True, lambda row, c, _a: numbers.pesel(c, row.person.born)),
    "sin": Kind("pi.id.foreign", True, makers.number(numbers.sin)),
    "passport": Kind(
        "pi.id.document", False, makers.pattern("$$$$$$$$$", "C$$@@$@$$", "$$@@$$$$$", "@@$$$$$$$")
    ),
    "licence": Kind("pi.id.document", False, makers.pattern("@$$$$$$$", "$$$$$$$$", "@@@@@$$$$$$@@$@@")),
    "member": Kind("pi.id.social", False, makers.pattern("@@@$$$$$$$$$", "W$$$$$$$$$")),
    "mbi": Kind("pi.id.social", False, makers.pattern("$@@$-@@$-@@$$", "$@$$-@@$-@@$$")),
    "phone": Kind("pi.contact.mobile", True, makers.phone),
    "email": Kind("pi.contact.email", True, makers.of("email")),
    "handle": Kind("pi.contact.online", True, makers.handle),
    "hash": Kind("pi.credential", True, makers.bcrypt),
    "imei": Kind("pi.device", True, makers.imei),
    "mac": Kind("pi.device", True, makers.pattern("^^:^^:^^:^^:^^:^^")),
    "uuid": Kind("general", False, makers.uuid),
    "plate": Kind("pi.vehicle", True, makers.plate),
    "vin": Kind("pi.vehicle", True, makers.number(numbers.vin)),
    "template": Kind("pi.biometric", False, makers.pattern("^" * 64)),
    "card": Kind("finance.account", True, makers.card),
    "iban": Kind("finance.account", True, makers.iban),
    "ip": Kind("pi.network", True, makers.ip),
    "latitude": Kind("pi.location", True, makers.of("latitude", True)),
    "longitude": Kind("pi.location", True, makers.of("longitude", True)),
    "coordinates": Kind(
        "pi.location", True, lambda row, _c, _a: f"{row.person.latitude:.5f}, {row.person.longitude:.5f}"
    ),
    "address": Kind("pi.address", True, makers.of("address")),
    "street": Kind("pi.address", True, makers.of("street")),
    "post": Kind("pi.postcode", False, makers.of("post")),
    "birth": Kind("pi.birth-date", True, makers.birth),
    "age": Kind("pi.age", False, makers.age),
    "gender": Kind("pi.gender", True, makers.gender),
    "ethnicity": Kind("pi.ethnicity", True, makers.listed("ethnicity")),
    "nationality": Kind("pi.origin", True, makers.listed("nationality")),
    "marital": Kind("pi.marital", True, makers.listed("marital")),
    "education": Kind("pi.education", True, makers.listed("education")),
    "occupation": Kind("pi.work", True, makers.listed("occupation")),
    "employer": Kind("pi.work", False, makers.listed("employer")),
    "religion": Kind("pi.religion", True, makers.listed("religion")),
    "party": Kind("pi.political", True, makers.listed("party")),
    "disease": Kind("pi.health", True, makers.listed("disease")),
    "icd": Kind("pi.health", True, makers.coded),
    "offence": Kind("pi.criminal", True, makers.listed("offence")),
    "text": Kind("pi.text", True, makers.text),
    "company": Kind("org.name", True, makers.listed("company")),
    "hospital": Kind("org.name", True, makers.listed("hospital")),
    "school": Kind("org.name", True, makers.listed("school")),
    "ein": Kind("org.id", False, makers.pattern("$$-$$$$$$$")),
    "vat": Kind("org.id", True, makers.number(numbers.german_vat)),
    "cnpj": Kind("org.id", True, makers.number(numbers.cnpj)),
    "lei": Kind("org.id", True, makers.number(numbers.lei)),
    "city": Kind("geo.region", True, makers.of("city")),
    "region": Kind("geo.region", True, makers.of("region")),
    "country": Kind("geo.region", True, makers.of("country")),
    "date": Kind("general", False, makers.date),
    "int": Kind("general", False, makers.integer),
    "amount": Kind("general", False, makers.amount),
    "measure": Kind("general", False, lambda _r, c, a: formats.measured(c, a)),
    "seq": Kind("general", False, lambda row, _c, a: str(int(a[0] if a else 1) + row.index)),
    "code": Kind("general", False, lambda _r, c, a: formats.filled(c, a[0])),
    "choice": Kind("general", False, makers.choice),
    "word": Kind("general", False, makers.word),
    "not-luhn": Kind("general", False, lambda _r, c, a: formats.not_luhn(c, int(a[0]))),
    "ean": Kind("general", False, lambda _r, c, a: numbers.ean13(c, a[0] if a else "400")),
    "version": Kind("general", False, makers.version),
    "nothing": Kind("general", False, lambda _r, _c, _a: ""),
    "masked": Kind("general", False, _masked),
    "mixed": Kind("general", False, _mixed),
    "sparse": Kind("general", False, _sparse),
    "quoted": Kind("general", False, lambda row, c, a: "'" + make(row, c, a)),
    **MORE,
    **THIRD,
}  # fmt: skip


def make(row: Row, chance: Random, words: Sequence[str]) -> str:
    """Return one value of the kind ``words[0]`` with the other words as arguments."""
    return KINDS[words[0]].make(row, chance, words[1:])
