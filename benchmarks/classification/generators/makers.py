"""How one value of a column is made, from the row, the column's own random numbers and arguments."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from random import Random

from benchmarks.classification.generators import numbers, people


@dataclass(frozen=True, slots=True)
class Row:
    """What the columns of a row share: a person, somebody who goes with them, an organisation, its number.

    *heldout*: a table of that part, which has words that the development part never shows.
    """

    person: people.Person
    other: people.Person
    organisation: people.Organisation
    index: int
    heldout: bool


Make = Callable[[Row, Random, Sequence[str]], str]
"""The row, the column's random numbers, the arguments → a value."""


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind's usual *tag*, whether its *values* alone show it, and its maker."""

    tag: str
    values: bool
    make: Make


DATES = {
    "iso": "%Y-%m-%d",
    "compact": "%Y%m%d",
    "slash": "%Y/%m/%d",
    "dot": "%Y.%m.%d",
    "zh": "%Y年%m月%d日",
    "month": "%Y-%m",
    "year": "%Y",
    "zh-month": "%Y年%m月",
    "dot-month": "%Y.%m",
    "compact-month": "%Y%m",
}
"""Names of date formats."""
MOMENTS = {"minute": "%Y-%m-%d %H:%M", "slash-time": "%Y/%m/%d %H:%M:%S", "stamp": "%Y%m%d%H%M%S"}
"""Names of formats of moments, beside ``time``."""


def date(row: Row, chance: Random, args: Sequence[str]) -> str:
    """``date FIRST LAST [FORMAT]``: a day, or with ``time`` a moment."""
    found = people.day(chance, int(args[0]), int(args[1]))
    name = args[2] if len(args) > 2 else "iso"
    if name == "time" or name in MOMENTS:
        clock = dt.timedelta(seconds=chance.randrange(86_400))
        moment = dt.datetime.combine(found, dt.time()) + clock
        return moment.strftime(MOMENTS.get(name, "%Y-%m-%d %H:%M:%S"))
    return found.strftime(DATES[name])


def birth(row: Row, _chance: Random, args: Sequence[str]) -> str:
    """``birth [FORMAT]``: the person's birth date."""
    return row.person.born.strftime(DATES[args[0] if args else "iso"])


def gender(row: Row, _chance: Random, args: Sequence[str]) -> str:
    """``gender [STYLE]``: the person's, in words, letters or codes."""
    pairs: dict[str, Sequence[str]] = {
        "": "男女", "code": "12", "letter": "MF", "bit": "10", "long": ("男性", "女性"),
        "title": ("先生", "女士"), "dictionary": ("1-男", "2-女"), "english": ("male", "female"),
    }  # fmt: skip
    return pairs[args[0] if args else ""][row.person.woman]


def phone(row: Row, chance: Random, args: Sequence[str]) -> str:
    """``phone [STYLE]``: spaced, dashed, with the country's code, or as it is."""
    number = row.person.phone
    styles = {
        "spaced": f"{number[:3]} {number[3:7]} {number[7:]}",
        "dashed": f"{number[:3]}-{number[3:7]}-{number[7:]}",
        "code": f"+86{number}",
        "float": f"{number}.0",
    }
    return styles[args[0]] if args else number


def contact(row: Row, chance: Random, _args: Sequence[str]) -> str:
    """An organisation's phone: landlines, some mobiles, some hotlines."""
    dice = chance.random()
    if dice < 0.05:
        return f"400{numbers.digits(chance, 7)}"
    return people.mobile(chance) if dice < 0.3 else people.landline(chance, row.organisation.place)


def email(row: Row, chance: Random, _args: Sequence[str]) -> str:
    """An address in a domain that nobody can have."""
    user = chance.choice(
        (numbers.filled(chance, "$$$$$$$$$"), numbers.filled(chance, "@@@$$").lower(), row.person.phone)
    )
    return f"{user}@{chance.choice(('mail.example.com', 'example.cn', 'qq.example.com', 'corp.example.cn'))}"


def wechat(_row: Row, chance: Random, _args: Sequence[str]) -> str:
    """A WeChat name."""
    return chance.choice(
        (numbers.filled(chance, "wxid_^^^^^$$^^^^^$$"), numbers.filled(chance, "@@@@_$$$$").lower())
    )


def near(at: str) -> Make:
    """``longitude [DECIMALS]`` and its like: a point around the person's city."""

    def make(row: Row, chance: Random, args: Sequence[str]) -> str:
        value = getattr(row.person.place, at) + (chance.random() - 0.5) / 4
        return f"{value:.{args[0] if args else 6}f}"

    return make


def ip(_row: Row, chance: Random, _args: Sequence[str]) -> str:
    """An IPv4 address of a private network or of one kept for documentation (RFC 5737)."""
    nets = (f"10.12.{chance.randrange(256)}", f"192.168.{chance.randrange(256)}", "203.0.113", "198.51.100")
    return f"{chance.choice(nets)}.{chance.randrange(1, 255)}"


def integer(_row: Row, chance: Random, args: Sequence[str]) -> str:
    """``int LOW HIGH``."""
    return str(chance.randrange(int(args[0]), int(args[1]) + 1))


def amount(_row: Row, chance: Random, args: Sequence[str]) -> str:
    """``amount LOW HIGH [DECIMALS]``: small ones more often than large ones."""
    low, high = float(args[0]), float(args[1])
    value = low + (high - low) * chance.random() * chance.random()
    return f"{value:.{args[2] if len(args) > 2 else 2}f}"


def _listed(row: Row, name: str) -> list[str]:
    """The word list; of a long one every third word is kept from the development part.

    The lists of ``words_development.yaml`` are only used there, and whole.
    """
    found = people.words(name)
    if name in people.data("words_development"):
        return found
    return [word for place, word in enumerate(found) if row.heldout or len(found) < 12 or place % 3 != 2]


def word(row: Row, chance: Random, args: Sequence[str]) -> str:
    """``word LIST``."""
    return people.common(chance, _listed(row, args[0]))


def staff(row: Row, chance: Random, _args: Sequence[str]) -> str:
    """One of the dozen people who work there, wherever that is."""
    who = Random(f"{row.organisation.place.city} {chance.randrange(12)}")
    return people.full_name(who, who.random() < 0.5)


def text(row: Row, chance: Random, args: Sequence[str]) -> str:
    """``text LIST``: a sentence of the list with the row's facts in it."""
    facts = {
        "name": row.person.name,
        "phone": row.person.phone,
        "id": row.person.number,
        "address": row.person.address,
        "other": row.other.name,
        "date": f"{people.day(chance, 2022, 2024):%Y年%m月%d日}",
        "email": email(row, chance, ()),
    }
    return chance.choice(_listed(row, args[0])).format(**facts)


def _place_of(name: str) -> str:
    return name.removesuffix("市")


def institution(row: Row, chance: Random, args: Sequence[str]) -> str:
    """``institution LIST``: a city and a word of the list (schools, hospitals, bureaus)."""
    place = row.organisation.place
    start = place.city if chance.random() < 0.6 else place.city + place.district
    return start + chance.choice(_listed(row, args[0]))


def branch(row: Row, chance: Random, _args: Sequence[str]) -> str:
    """A bank's branch."""
    place = row.organisation.place
    return (
        f"{chance.choice(people.words('bank'))}{_place_of(place.city)}{place.district.removesuffix('区')}支行"
    )


def part(place: int) -> Make:
    """One half of ``I10.x00 原发性高血压``: code and name in one row are of the same disease."""

    def make(row: Row, _chance: Random, _args: Sequence[str]) -> str:
        diseases = _listed(row, "disease")
        return diseases[(int(row.person.phone[-4:]) + row.index) % len(diseases)].split(" ", 1)[place]

    return make


def age(row: Row, _chance: Random, args: Sequence[str]) -> str:
    """``age [SUFFIX]``: of 2024."""
    return f"{2024 - row.person.born.year}{args[0] if args else ''}"


def residence(row: Row, chance: Random, _args: Sequence[str]) -> str:
    """The household's division, as a place of origin is written."""
    return row.person.place.province + _short_city(row.person.place)


def _short_city(place: people.Place) -> str:
    return "" if place.province == place.city else place.city
