"""Kinds of values of the third hand: how reservation systems, games, registers and spreadsheets write."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Callable, Sequence
from random import Random

from benchmarks.classification.generators_intl import makers, numbers_third, people
from benchmarks.classification.generators_intl.makers import Kind, Row

_EXCEL = dt.date(1899, 12, 30)


def _spoken(found: dt.date, style: str) -> str:
    styles = {
        "air": f"{found:%d%b%y}".upper(),
        "us": f"{found.month}/{found.day}/{found.year}",
        "de": f"{found.day}.{found.month}.{found.year}",
        "midnight": f"{found:%Y-%m-%d} 00:00:00",
        "zulu": f"{found:%Y-%m-%d}T00:00:00.000Z",
        "words": f"{found:%B} {found.day}, {found.year}",
        "excel": str((found - _EXCEL).days),
    }
    return styles[style]


def day(_row: Row, chance: Random, args: Sequence[str]) -> str:
    """``day FIRST LAST STYLE``: a day as spreadsheets and old systems write it."""
    return _spoken(people.day(chance, int(args[0]), int(args[1])), args[2])


def born(row: Row, _chance: Random, args: Sequence[str]) -> str:
    """``born STYLE``: the birth date in the same styles."""
    return _spoken(row.person.born, args[0])


def millis(_row: Row, chance: Random, args: Sequence[str]) -> str:
    """``millis FIRST LAST``: a moment as milliseconds since 1970."""
    days = (people.day(chance, int(args[0]), int(args[1])) - dt.date(1970, 1, 1)).days
    return str((days * 86_400 + chance.randrange(86_400)) * 1000 + chance.randrange(1000))


def clock(_row: Row, chance: Random, _args: Sequence[str]) -> str:
    """A time of day."""
    return dt.time(chance.randrange(24), chance.randrange(60)).strftime("%H:%M")


def air_name(row: Row, _chance: Random, _args: Sequence[str]) -> str:
    """``SMITH/JOHN MR``, as reservation systems have it."""
    person = row.person
    return f"{person.last}/{person.first} {'MRS' if person.woman else 'MR'}".upper()


def middle(row: Row, chance: Random, _args: Sequence[str]) -> str:
    """A name with a middle initial."""
    return f"{row.person.first} {chance.choice('ABCDEJKLMRST')}. {row.person.last}"


def couple(row: Row, _chance: Random, _args: Sequence[str]) -> str:
    """Two people who share a surname."""
    return f"{row.person.first} & {row.other.first} {row.person.last}"


def extended(row: Row, chance: Random, _args: Sequence[str]) -> str:
    """A phone number, some with an extension."""
    return row.person.phone + chance.choice(("", "", f" x{chance.randrange(100, 999)}", " ext. 4"))


def profile(row: Row, _chance: Random, _args: Sequence[str]) -> str:
    """A person as one system sends it to another."""
    person = row.person
    found = {"firstName": person.first, "lastName": person.last, "email": person.email}
    return json.dumps(found, ensure_ascii=False)


def forwarded(row: Row, chance: Random, _args: Sequence[str]) -> str:
    """The addresses that a proxy passes on."""
    return f"{makers.ip(row, chance, ())}, {makers.ip(row, chance, ())}"


def feet(_row: Row, chance: Random, _args: Sequence[str]) -> str:
    """A height in feet and inches."""
    return f"{chance.choice((4, 5, 5, 5, 6))}'{chance.randrange(12)}\""


def pressure(_row: Row, chance: Random, _args: Sequence[str]) -> str:
    """A blood pressure."""
    low = chance.randrange(58, 100)
    return f"{low + chance.randrange(30, 65)}/{low}"


def degrees(row: Row, _chance: Random, args: Sequence[str]) -> str:
    """``degrees latitude``: degrees, minutes and seconds with the hemisphere."""
    value = getattr(row.person, args[0])
    side = ("NS" if args[0] == "latitude" else "EW")[value < 0]
    minutes = abs(value) % 1 * 60
    return f"{int(abs(value))}°{int(minutes):02d}'{minutes % 1 * 60:04.1f}\"{side}"


def _dated(maker: Callable[[Random, dt.date, bool], str]) -> makers.Make:
    return lambda row, chance, _args: maker(chance, row.person.born, row.person.woman)


THIRD: dict[str, Kind] = {
    "air-name": Kind("pi.name", True, air_name),
    "middle": Kind("pi.name", True, middle),
    "couple": Kind("pi.name", True, couple),
    "personnummer": Kind("pi.id.foreign", True, _dated(numbers_third.personnummer)),
    "hetu": Kind("pi.id.foreign", True, _dated(numbers_third.hetu)),
    "curp": Kind("pi.id.foreign", True, _dated(numbers_third.curp)),
    "pps": Kind("pi.id.foreign", True, makers.number(numbers_third.pps)),
    "orgnr": Kind("org.id", True, makers.number(numbers_third.swedish_organisation)),
    "ext-phone": Kind("pi.contact.mobile", True, extended),
    "gamer": Kind("pi.contact.online", False, makers.listed("gamer")),
    "profile": Kind("pi.text", True, profile),
    "forwarded": Kind("pi.network", True, forwarded),
    "feet": Kind("pi.health", False, feet),
    "pressure": Kind("pi.health", True, pressure),
    "degrees": Kind("pi.location", True, degrees),
    "born": Kind("pi.birth-date", True, born),
    "day": Kind("general", False, day),
    "millis": Kind("general", False, millis),
    "clock": Kind("general", False, clock),
}
