"""Invented people and organisations: birth date, gender and division agree with the number."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from random import Random
from typing import Any

import yaml

from benchmarks.classification.generators import numbers

PREFIXES = (
    *range(130, 140), 145, 147, 149, *range(150, 154), *range(155, 160), 162, 165, 166, 167,
    *range(170, 174), *range(175, 179), *range(180, 192), 193, *range(195, 200),
)  # fmt: skip
"""First three digits of Chinese mobile numbers in use."""
EPOCH = dt.date(1900, 1, 1)


@cache
def data(name: str) -> Any:
    """Return a data file beside this module; every scalar is a string."""
    text = (Path(__file__).parent / f"{name}.yaml").read_text(encoding="utf-8")
    return yaml.load(text, Loader=yaml.BaseLoader)


def words(name: str) -> list[str]:
    """Return the word list of that name."""
    found: list[str] = {**data("words_development"), **data("words")}[name]
    return found


def common(chance: Random, options: Sequence[str]) -> str:
    """Return one of *options*, the first ones more often than the last ones."""
    return options[min(chance.randrange(len(options)), chance.randrange(len(options)))]


@dataclass(frozen=True, slots=True)
class Place:
    """A district with what depends on its city."""

    code: str
    province: str
    city: str
    district: str
    longitude: float
    latitude: float
    area: str
    post: str
    plate: str


@cache
def places() -> tuple[Place, ...]:
    """Return every district."""
    return tuple(
        Place(code, row[0], city, district, float(row[1]), float(row[2]), row[3], row[4], row[5])
        for city, row in data("places").items()
        for code, district in row[6].items()
    )


@dataclass(frozen=True, slots=True)
class Person:
    """A person: everything that other columns must agree with."""

    name: str
    woman: bool
    born: dt.date
    number: str
    phone: str
    place: Place
    address: str


@dataclass(frozen=True, slots=True)
class Organisation:
    """A company or shop."""

    name: str
    code: str
    place: Place
    address: str
    founded: dt.date


def day(chance: Random, first: int, last: int) -> dt.date:
    """Return a day of the years *first* to *last*."""
    start, end = dt.date(first, 1, 1), dt.date(last, 12, 31)
    return start + dt.timedelta(days=chance.randrange((end - start).days + 1))


def mobile(chance: Random) -> str:
    """Return a mobile number."""
    return f"{chance.choice(PREFIXES)}{numbers.digits(chance, 8)}"


def landline(chance: Random, place: Place) -> str:
    """Return a landline number with its area code."""
    count = 8 if len(place.area) == 3 or place.area in {"0571", "0755", "0512", "0574", "0532"} else 7
    return f"{place.area}-{chance.choice('2345678')}{numbers.digits(chance, count - 1)}"


def address(chance: Random, place: Place) -> str:
    """Return a street or village address."""
    town = place.province if place.province == place.city else place.province + place.city
    if chance.random() < 0.2:
        village = chance.choice(words("town")) + chance.choice(words("village"))
        return f"{town}{place.district}{village}{chance.randrange(1, 300)}号"
    road = f"{chance.choice(words('road'))}{chance.randrange(1, 999)}号"
    house = f"{chance.choice(words('estate'))}{chance.randrange(1, 40)}幢"
    flat = f"{house}{chance.randrange(1, 4)}单元{chance.randrange(101, 2500)}室"
    return town + place.district + road + (flat if chance.random() < 0.6 else "")


def full_name(chance: Random, woman: bool) -> str:
    """Return a name with a surname as frequent as in life, more or less."""
    given = words("given_women" if woman else "given_men")
    chosen = chance.choice(given)
    if len(chosen) == 1 and chance.random() < 0.5:
        chosen += chance.choice([other for other in given if len(other) == 1])
    return common(chance, words("surnames")[: 40 if chance.random() < 0.7 else None]) + chosen


def near(chance: Random, home: Place, share: float) -> Place:
    """Return a district of *home*'s city with the chance *share*, otherwise any."""
    same = [place for place in places() if place.city == home.city]
    return chance.choice(same if chance.random() < share else places())


def person(chance: Random, place: Place, woman: bool, years: tuple[int, int] = (1938, 2006)) -> Person:
    """Return somebody who was born in those *years* and lives at *place*."""
    born = day(chance, *years)
    order = chance.randrange(500) * 2 + (0 if woman else 1)
    body = f"{place.code}{born:%Y%m%d}{order:03d}"
    number = body + numbers.resident_check(body)
    home = address(chance, place)
    return Person(full_name(chance, woman), woman, born, number, mobile(chance), place, home)


def organisation(chance: Random, place: Place) -> Organisation:
    """Return a company at *place*."""
    city = place.city.removesuffix("市")
    name = city + chance.choice(words("stem")) + chance.choice(words("trade")) + chance.choice(words("form"))
    if chance.random() < 0.15:
        shop = chance.choice(("便利店", "小吃店", "服装店", "五金店", "药店"))
        name = place.district + chance.choice(words("stem")) + shop
    code = numbers.uscc(chance, place.code)
    street = f"{place.city}{place.district}{chance.choice(words('road'))}{chance.randrange(1, 999)}号"
    return Organisation(name, code, place, street, day(chance, 1992, 2023))
