"""What a column can hold: kind → the tag it has, whether values alone show it, and how one value is made.

A specification names a kind with arguments (``date 2019 2024 slash``).  The tag of an ambiguous kind (a
number, a date, a choice) is said by the table.
"""

from __future__ import annotations

from collections.abc import Sequence
from random import Random

from benchmarks.classification.generators import damage, makers, numbers, people
from benchmarks.classification.generators.makers import DATES, Kind, Row
from benchmarks.classification.generators.makers_more import MORE
from benchmarks.classification.generators.makers_third import THIRD

WRAPPERS = frozenset({"masked", "mixed", "sparse", "quoted", "tabbed", "joined"})
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
    "name": Kind("pi.name", True, lambda row, _c, _a: row.person.name),
    "other": Kind("pi.name", True, lambda row, _c, _a: row.other.name),
    "staff": Kind("pi.name", True, makers.staff),
    "resident": Kind("pi.id.resident", True, lambda row, _c, _a: row.person.number),
    "other-resident": Kind("pi.id.resident", True, lambda row, _c, _a: row.other.number),
    "school-roll": Kind("pi.id.resident", True, lambda row, _c, _a: f"G{row.person.number}"),
    "disability-card": Kind(
        "pi.id.resident",
        True,
        lambda row, c, _a: f"{row.person.number}{c.choice('123467')}{c.choice('1234')}",
    ),
    "passport": Kind(
        "pi.id.document",
        True,
        lambda _r, c, _a: numbers.filled(c, c.choice(("E$$$$$$$$", "EA$$$$$$$", "G$$$$$$$$"))),
    ),
    "hk-permit": Kind(
        "pi.id.document",
        True,
        lambda _r, c, _a: numbers.filled(c, c.choice(("H$$$$$$$$", "C$$$$$$$$", "M$$$$$$$$"))),
    ),
    "officer": Kind("pi.id.document", True, lambda _r, c, _a: numbers.filled(c, "军字第$$$$$$$号")),
    "social": Kind("pi.id.social", False, lambda _r, c, _a: numbers.filled(c, "@$$$$$$$$")),
    "phone": Kind("pi.contact.mobile", True, makers.phone),
    "other-phone": Kind("pi.contact.mobile", True, lambda row, _c, _a: row.other.phone),
    "landline": Kind("pi.contact.mobile", True, lambda row, c, _a: people.landline(c, row.person.place)),
    "contact": Kind("pi.contact.mobile", True, makers.contact),
    "email": Kind("pi.contact.email", True, makers.email),
    "wechat": Kind("pi.contact.online", True, makers.wechat),
    "qq": Kind(
        "pi.contact.online",
        False,
        lambda _r, c, _a: c.choice("123456789") + numbers.digits(c, c.randrange(7, 10)),
    ),
    "hash": Kind("pi.credential", False, lambda _r, c, _a: numbers.filled(c, "^" * 32)),
    "imei": Kind("pi.device", True, lambda _r, c, _a: numbers.imei(c)),
    "mac": Kind("pi.device", True, lambda _r, c, _a: numbers.filled(c, "^^:^^:^^:^^:^^:^^").upper()),
    "plate": Kind("pi.vehicle", True, lambda row, c, _a: numbers.plate(c, row.person.place.plate)),
    "vin": Kind("pi.vehicle", True, lambda _r, c, _a: numbers.vin(c)),
    "template": Kind("pi.biometric", False, lambda _r, c, _a: "FP" + numbers.filled(c, "^" * 40)),
    "card": Kind("finance.account", True, lambda _r, c, _a: numbers.card(c)),
    "ip": Kind("pi.network", True, makers.ip),
    "longitude": Kind("pi.location", True, makers.near("longitude")),
    "latitude": Kind("pi.location", True, makers.near("latitude")),
    "address": Kind("pi.address", True, lambda row, _c, _a: row.person.address),
    "org-address": Kind("pi.address", True, lambda row, _c, _a: row.organisation.address),
    "postcode": Kind("pi.postcode", False, lambda row, c, _a: row.person.place.post + numbers.digits(c, 2)),
    "birth": Kind("pi.birth-date", True, makers.birth),
    "age": Kind("pi.age", False, makers.age),
    "gender": Kind("pi.gender", True, makers.gender),
    "residence": Kind("pi.origin", False, makers.residence),
    "icd": Kind("pi.health", True, makers.part(0)),
    "disease": Kind("pi.health", True, makers.part(1)),
    "org": Kind("org.name", True, lambda row, _c, _a: row.organisation.name),
    "uscc": Kind("org.id", True, lambda row, _c, _a: row.organisation.code),
    "org-code": Kind(
        "org.id", False, lambda _r, c, _a: f"{(found := numbers.organisation_code(c))[:8]}-{found[8]}"
    ),
    "institution": Kind("org.name", True, makers.institution),
    "branch": Kind("org.name", True, makers.branch),
    "province": Kind("geo.region", True, lambda row, _c, _a: row.person.place.province),
    "city": Kind("geo.region", True, lambda row, _c, _a: row.person.place.city),
    "district": Kind("geo.region", True, lambda row, _c, _a: row.person.place.district),
    "division": Kind("geo.region", False, lambda row, _c, _a: row.person.place.code),
    "founded": Kind(
        "general", False, lambda row, _c, a: row.organisation.founded.strftime(DATES[a[0] if a else "iso"])
    ),
    "date": Kind("general", False, makers.date),
    "int": Kind("general", False, makers.integer),
    "amount": Kind("general", False, makers.amount),
    "measure": Kind("general", False, lambda _r, c, a: numbers.measured(c, a)),
    "seq": Kind("general", False, lambda row, _c, a: str(int(a[0] if a else 1) + row.index)),
    "code": Kind("general", False, lambda _r, c, a: numbers.filled(c, a[0])),
    "choice": Kind("general", False, lambda _r, c, a: people.common(c, a)),
    "word": Kind("general", False, makers.word),
    "text": Kind("general", False, makers.text),
    "not-luhn": Kind("general", False, lambda _r, c, a: numbers.not_luhn(c, int(a[0]))),
    "not-resident": Kind("general", False, lambda _r, c, _a: numbers.wrong_resident(c)),
    "nothing": Kind("general", False, lambda _r, _c, _a: ""),
    "masked": Kind("general", True, _masked),
    "mixed": Kind("general", True, _mixed),
    "sparse": Kind("general", True, _sparse),
    "quoted": Kind("general", True, lambda row, c, a: "'" + make(row, c, a)),
    "tabbed": Kind("general", True, lambda row, c, a: make(row, c, a) + "\t"),
    "joined": Kind("general", True, lambda row, c, a: " ".join(make(row, c, (it,)) for it in a)),
    **MORE,
    **THIRD,
}


def make(row: Row, chance: Random, words: Sequence[str]) -> str:
    """Return one value of the kind ``words[0]`` with the other words as arguments."""
    return KINDS[words[0]].make(row, chance, words[1:])
