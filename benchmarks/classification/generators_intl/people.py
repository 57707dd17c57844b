"""Invented people of eight countries, each in agreement with itself: name, sex, birth, place, phone."""

from __future__ import annotations

import datetime as dt
import unicodedata
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from random import Random
from typing import Any

import yaml

from benchmarks.classification.generators.numbers import filled

_HERE = Path(__file__).parent


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody who does not exist; *post* is the postcode, *region* a state or county."""

    first: str
    last: str
    woman: bool
    born: dt.date
    street: str
    city: str
    region: str
    post: str
    country: str
    address: str
    latitude: float
    longitude: float
    phone: str
    email: str

    @property
    def name(self) -> str:
        """Return the name as its country writes it."""
        return f"{self.last} {self.first}" if self.country == "Japan" else f"{self.first} {self.last}"


@cache
def words() -> dict[str, Any]:
    """Return words.yaml and, beside it, what the development part alone uses."""
    found, more = (
        yaml.safe_load((_HERE / f"{name}.yaml").read_text(encoding="utf-8"))
        for name in ("words", "words_development")
    )
    return {**more, **found, "locales": {**more["locales"], **found["locales"]}}


@cache
def choices(name: str, part: str) -> tuple[str, ...]:
    """Return the list *name* as the *part* (development or heldout) may see it."""
    listed = words()[name]
    if name in words()["split"] and part == "development":
        listed = [word for place, word in enumerate(listed) if place % 3 != 2]
    return tuple(str(word) for word in listed)


def day(chance: Random, first: int, last: int) -> dt.date:
    """Return a day of the years *first* to *last*."""
    start = dt.date(first, 1, 1)
    return start + dt.timedelta(chance.randrange((dt.date(last, 12, 31) - start).days + 1))


def person(chance: Random, locale: str, years: tuple[int, int]) -> Person:
    """Return somebody of *locale* born in *years*."""
    known = words()["locales"][locale]
    woman = chance.random() < 0.5
    first, last = chance.choice(known["women" if woman else "men"]), chance.choice(known["surnames"])
    city, region, post, latitude, longitude = chance.choice(known["places"])
    facts = {
        "number": str(chance.randrange(1, 250)),
        "street": chance.choice(known["streets"]),
        "small": str(chance.randrange(1, 20)),
        "city": city,
        "region": region,
        "post": filled(chance, post),
    }
    return Person(
        first=first,
        last=last,
        woman=woman,
        born=day(chance, *years),
        street=known["street_line"].format(**facts),
        city=city,
        region=region,
        post=facts["post"],
        country=known["country"],
        address=known["address"].format(**facts),
        latitude=latitude + (chance.random() - 0.5) / 4,
        longitude=longitude + (chance.random() - 0.5) / 4,
        phone=filled(chance, chance.choice(known["phones"]).replace("($$$)", "(4$$)")),
        email=_email(chance, first, last),
    )


def _email(chance: Random, first: str, last: str) -> str:
    plain = unicodedata.normalize("NFKD", f"{first}.{last}").encode("ascii", "ignore").decode().lower()
    user = plain.replace(" ", "").replace("'", "").strip(".") or filled(chance, "@@@@$$").lower()
    host = chance.choice(("example.com", "mail.example.org", "example.net", "post.example.com"))
    return f"{user}{chance.randrange(100)}@{host}"
