"""Makers of the third hand: what counters, call centres and old exports make of names, dates and places."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Sequence
from random import Random

from benchmarks.classification.generators import makers, numbers, people
from benchmarks.classification.generators.makers import Kind, Row

_EXCEL = dt.date(1899, 12, 30)


def _person(value: Callable[[people.Person], str]) -> makers.Make:
    return lambda row, _chance, _args: value(row.person)


def _spoken(found: dt.date, style: str) -> str:
    """A day without leading zeros, or with a clock that says nothing."""
    styles = {
        "slash": f"{found.year}/{found.month}/{found.day}",
        "dot": f"{found.year}.{found.month}.{found.day}",
        "zh": f"{found.year}年{found.month}月{found.day}日",
        "midnight": f"{found:%Y-%m-%d} 00:00:00",
        "float": f"{found:%Y-%m-%d} 00:00:00.0",
        "short": f"{found:%y-%m-%d}",
        "english": f"{found:%d-%b-%y}".upper(),
        "excel": str((found - _EXCEL).days),
    }
    return styles[style]


def day(_row: Row, chance: Random, args: Sequence[str]) -> str:
    """``day FIRST LAST STYLE``: a day as spreadsheets and exports write it."""
    return _spoken(people.day(chance, int(args[0]), int(args[1])), args[2])


def born(row: Row, _chance: Random, args: Sequence[str]) -> str:
    """``born STYLE``: the birth date as spreadsheets and exports write it."""
    return _spoken(row.person.born, args[0])


def epoch(_row: Row, chance: Random, args: Sequence[str]) -> str:
    """``epoch FIRST LAST [ms]``: a moment as seconds or milliseconds since 1970."""
    days = (people.day(chance, int(args[0]), int(args[1])) - dt.date(1970, 1, 1)).days
    seconds = str(days * 86_400 + chance.randrange(86_400))
    return seconds + numbers.digits(chance, 3) if len(args) > 2 else seconds


def clock(_row: Row, chance: Random, args: Sequence[str]) -> str:
    """``clock [seconds]``: a time of day."""
    found = f"{chance.randrange(24):02d}:{chance.randrange(60):02d}"
    return f"{found}:{chance.randrange(60):02d}" if args else found


def numbered_name(row: Row, chance: Random, args: Sequence[str]) -> str:
    """``numbered-name [dash]``: a member of the staff with the number of the badge."""
    name, number = makers.staff(row, chance, ()), numbers.digits(chance, 5)
    return f"{number}-{name}" if args else f"{name}({number})"


def foreign(row: Row, _chance: Random, args: Sequence[str]) -> str:
    """``foreign [latin]``: a name from abroad or of a minority, the same for the same person."""
    listed = people.words("foreign_latin" if args else "foreign_name")
    return Random(row.person.number).choice(listed)


def titled(row: Row, chance: Random, args: Sequence[str]) -> str:
    """``titled TITLE…``: a surname with what somebody is called."""
    name = row.other.name
    start = name[:2] if name[:2] in people.words("surnames") else name[0]
    return start + chance.choice(args)


def dialled(row: Row, _chance: Random, args: Sequence[str]) -> str:
    """``dialled 0`` or ``86``, ``0086-``: a mobile number behind what was dialled before it."""
    return args[0] + row.person.phone


def lane(row: Row, chance: Random, _args: Sequence[str]) -> str:
    """An address as neighbours give it: no province, no city."""
    if chance.random() < 0.3:
        group = f"{chance.choice(people.words('village'))}{chance.randrange(1, 16)}组"
        return f"{group}{chance.randrange(1, 90)}号"
    start = f"{chance.choice(people.words('road'))}{chance.randrange(1, 400)}号"
    return start + chance.choice(("", f"{chance.randrange(1, 30)}幢{chance.randrange(101, 1800)}室"))


def degrees(row: Row, chance: Random, args: Sequence[str]) -> str:
    """``degrees longitude``: a coordinate in degrees, minutes and seconds."""
    value = float(makers.near(args[0])(row, chance, ()))
    minutes = value % 1 * 60
    return f"{int(value)}°{int(minutes)}′{minutes % 1 * 60:.1f}″"


def grid(row: Row, chance: Random, args: Sequence[str]) -> str:
    """``grid x`` or ``grid y``: metres of a surveyor's map (CGCS2000, zones of three degrees), roughly."""
    longitude, latitude = (float(makers.near(at)(row, chance, ())) for at in ("longitude", "latitude"))
    zone = round(longitude / 3)
    east = zone * 1_000_000 + 500_000 + (longitude - zone * 3) * 96_000
    return f"{east if args[0] == 'y' else latitude * 110_900:.3f}"


def record(row: Row, _chance: Random, _args: Sequence[str]) -> str:
    """A person as a message between systems has it."""
    return f'{{"xm":"{row.person.name}","sfzh":"{row.person.number}","sjh":"{row.person.phone}"}}'


def pressure(_row: Row, chance: Random, _args: Sequence[str]) -> str:
    """A blood pressure."""
    low = chance.randrange(58, 100)
    return f"{low + chance.randrange(30, 65)}/{low}"


def brief(row: Row, _chance: Random, _args: Sequence[str]) -> str:
    """The short name of a company: what stands between the city and the form; a shop's whole name."""
    whole = row.organisation.name.removeprefix(row.organisation.place.city.removesuffix("市"))
    return next((whole.removesuffix(it) for it in people.words("form") if whole.endswith(it)), whole)


def account(row: Row, _chance: Random, _args: Sequence[str]) -> str:
    """A user name made of the letters of a name and a year."""
    who = Random(row.person.name)
    letters = "".join(who.choice(people.words(f"pinyin_{part}")) for part in ("surname", "given"))
    return f"{letters}{row.person.born:%y}"


THIRD: dict[str, Kind] = {
    "numbered-name": Kind("pi.name", True, numbered_name),
    "foreign": Kind("pi.name", True, foreign),
    "titled": Kind("pi.name", True, titled),
    "id-tail": Kind("pi.id.resident", False, _person(lambda who: who.number[-6:])),
    "id-lower": Kind("pi.id.resident", True, _person(lambda who: who.number.lower())),
    "dialled": Kind("pi.contact.mobile", True, dialled),
    "phone-tail": Kind("pi.contact.mobile", False, _person(lambda who: who.phone[-4:])),
    "account": Kind("pi.contact.online", False, account),
    "born": Kind("pi.birth-date", True, born),
    "lane": Kind("pi.address", True, lane),
    "degrees": Kind("pi.location", True, degrees),
    "grid": Kind("pi.location", False, grid),
    "record": Kind("pi.text", True, record),
    "pressure": Kind("pi.health", True, pressure),
    "brief": Kind("org.name", False, brief),
    "day": Kind("general", False, day),
    "epoch": Kind("general", False, epoch),
    "clock": Kind("general", False, clock),
}
