"""More makers, for the domains that the second hand wrote: how exports and spreadsheets write things."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from random import Random

from benchmarks.classification.generators import makers, numbers, people
from benchmarks.classification.generators.makers import Kind, Row

_CAPITALS = "零壹贰叁肆伍陆柒捌玖"
_AGES = ((18, "17岁以下"), (31, "18-30岁"), (46, "31-45岁"), (61, "46-60岁"), (200, "61岁以上"))


def _simple(value: Callable[[Row], str]) -> makers.Make:
    return lambda row, _chance, _args: value(row)


def _pattern(*patterns: str) -> makers.Make:
    return lambda _row, chance, _args: numbers.filled(chance, chance.choice(patterns))


def _surname(name: str) -> str:
    return name[:2] if name[:2] in people.words("surnames") else name[0]


def mister(row: Row, _chance: Random, _args: Sequence[str]) -> str:
    """``王先生``, as couriers and shops write people."""
    return _surname(row.person.name) + ("女士" if row.person.woman else "先生")


def given(row: Row, _chance: Random, _args: Sequence[str]) -> str:
    """The name without the surname."""
    return row.person.name[len(_surname(row.person.name)) :]


def pinyin(row: Row, _chance: Random, args: Sequence[str]) -> str:
    """``pinyin [title|joined]``: a name in Latin letters, the same one for the same person."""
    who = Random(row.person.name)
    first, last = (who.choice(people.words(f"pinyin_{part}")) for part in ("given", "surname"))
    style = args[0] if args else "upper"
    if style == "joined":
        return f"{last}{first}"
    whole = f"{last} {first}"
    return whole.title() if style == "title" else whole.upper()


def names(row: Row, chance: Random, _args: Sequence[str]) -> str:
    """One to three people in one cell."""
    more = [people.full_name(chance, chance.random() < 0.5) for _ in range(chance.randrange(2))]
    return "、".join((row.person.name, row.other.name, *more)[: chance.randrange(1, 4)])


def phones(row: Row, chance: Random, _args: Sequence[str]) -> str:
    """Two numbers in one cell, now and then."""
    second = people.landline(chance, row.person.place) if chance.random() < 0.5 else row.other.phone
    return row.person.phone + chance.choice(("", f"/{second}", f"、{second}", f" {second}"))


def extension(row: Row, chance: Random, _args: Sequence[str]) -> str:
    """An office's number with an extension."""
    number = people.landline(chance, row.organisation.place)
    return number + chance.choice(("", f"转{numbers.digits(chance, 3)}", f"-{numbers.digits(chance, 4)}"))


def local_phone(row: Row, chance: Random, _args: Sequence[str]) -> str:
    """A landline without its area code."""
    return people.landline(chance, row.person.place).split("-")[1]


def room(_row: Row, chance: Random, _args: Sequence[str]) -> str:
    """``3-2-501``: building, staircase, flat."""
    stairs = f"{chance.randrange(1, 40)}-{chance.randrange(1, 4)}"
    return f"{stairs}-{chance.randrange(1, 25)}0{chance.randrange(1, 5)}"


def flat(_row: Row, chance: Random, _args: Sequence[str]) -> str:
    """An address below the street: estate, building, flat."""
    house = f"{chance.randrange(1, 40)}{chance.choice(('栋', '号楼', '幢'))}"
    number = f"{chance.randrange(101, 2500)}{chance.choice(('', '室'))}"
    return chance.choice(people.words("estate")) + house + number


def point(row: Row, chance: Random, args: Sequence[str]) -> str:
    """``point [wkt]``: longitude and latitude in one cell."""
    both = [makers.near(at)(row, chance, ()) for at in ("longitude", "latitude")]
    return f"POINT({both[0]} {both[1]})" if args else ",".join(both)


def whole_region(row: Row, _chance: Random, args: Sequence[str]) -> str:
    """``whole-region [SEPARATOR]``: province, city, district in one cell."""
    place = row.person.place
    return (args[0] if args else "").join(dict.fromkeys((place.province, place.city, place.district)))


def case(row: Row, chance: Random, args: Sequence[str]) -> str:
    """``case KIND…``: a court's case number, ``（2023）浙0106民初1234号``."""
    place, year = row.person.place, chance.randrange(2018, 2025)
    return f"（{year}）{place.plate[0]}{place.code[2:]}{chance.choice(args)}{chance.randrange(1, 9_000)}号"


def realty(row: Row, chance: Random, _args: Sequence[str]) -> str:
    """The number of a certificate of real estate."""
    place, year = row.person.place, chance.randrange(2016, 2025)
    return f"{place.plate[0]}({year}){place.city}不动产权第{numbers.digits(chance, 7)}号"


def capital(value: int) -> str:
    """Return *value* (below 10 000 0000) in the characters of cheques and contracts."""
    written, zero = "", False
    for place in range(7, -1, -1):
        digit = value // 10**place % 10
        if digit:
            written += (
                ("零" if zero and written else "") + _CAPITALS[digit] + ("", "拾", "佰", "仟")[place % 4]
            )
        zero = not digit
        if place == 4 and written:
            written += "万"
    return f"{written or _CAPITALS[0]}元整"


def capital_amount(_row: Row, chance: Random, args: Sequence[str]) -> str:
    """``capital LOW HIGH``: a sum in words."""
    return capital(chance.randrange(int(args[0]), int(args[1])))


def money(_row: Row, chance: Random, args: Sequence[str]) -> str:
    """``money LOW HIGH [¥|元]``: a sum with separators and a sign."""
    low, high = float(args[0]), float(args[1])
    value = f"{low + (high - low) * chance.random() * chance.random():,.2f}"
    return {"¥": f"¥{value}", "元": f"{value}元"}.get(args[2] if len(args) > 2 else "", value)


def percent(_row: Row, chance: Random, args: Sequence[str]) -> str:
    """``percent LOW HIGH``."""
    low, high = float(args[0]), float(args[1])
    return f"{low + (high - low) * chance.random():.1f}%"


def age_band(row: Row, _chance: Random, _args: Sequence[str]) -> str:
    """An age group in words."""
    return next(band for below, band in _AGES if 2024 - row.person.born.year < below)


def shop(row: Row, chance: Random, _args: Sequence[str]) -> str:
    """A shop on a market place."""
    stem = row.organisation.name.removeprefix(row.organisation.place.city.removesuffix("市"))[:2]
    return stem + chance.choice(people.words("shop_kind"))


def dotted_plate(row: Row, chance: Random, _args: Sequence[str]) -> str:
    """A plate as it is painted, with a dot."""
    found = numbers.plate(chance, row.person.place.plate)
    return f"{found[:2]}·{found[2:]}"


def iccid(_row: Row, chance: Random, _args: Sequence[str]) -> str:
    """The number of a SIM card: 8986, operator, Luhn."""
    body = f"8986{chance.choice(('00', '01', '03'))}" + numbers.digits(chance, 13)
    return body + numbers.luhn_check(body)


MORE: dict[str, Kind] = {
    "mister": Kind("pi.name", True, mister),
    "surname": Kind("pi.name", False, _simple(lambda row: _surname(row.person.name))),
    "given": Kind("pi.name", False, given),
    "pinyin": Kind("pi.name", True, pinyin),
    "names": Kind("pi.name", True, names),
    "old-resident": Kind(
        "pi.id.resident", False, _simple(lambda row: row.person.number[:6] + row.person.number[8:17])
    ),
    "taiwan-permit": Kind("pi.id.document", False, _pattern("$$$$$$$$", "$$$$$$$$$$")),
    "visa": Kind("pi.id.document", False, _pattern("@$$$$$$$", "$$$$$$$$")),
    "phones": Kind("pi.contact.mobile", True, phones),
    "extension": Kind("pi.contact.mobile", True, extension),
    "local-phone": Kind("pi.contact.mobile", False, local_phone),
    "nick": Kind("pi.contact.online", False, lambda row, c, _a: makers.word(row, c, ("nick",))),
    "openid": Kind(
        "pi.contact.online", False, lambda _r, c, _a: "o" + "".join(c.choice(_OPEN) for _ in range(27))
    ),
    "imsi": Kind("pi.device", False, _pattern("46000$$$$$$$$$$", "46001$$$$$$$$$$", "46011$$$$$$$$$$")),
    "iccid": Kind("pi.device", True, iccid),
    "idfa": Kind(
        "pi.device",
        False,
        lambda _r, c, _a: numbers.filled(c, "^^^^^^^^-^^^^-4^^^-a^^^-^^^^^^^^^^^^").upper(),
    ),
    "mac-dash": Kind("pi.device", True, lambda _r, c, _a: numbers.filled(c, "^^-^^-^^-^^-^^-^^").upper()),
    "plate-dot": Kind("pi.vehicle", True, dotted_plate),
    "ip-port": Kind(
        "pi.network", True, lambda row, c, a: f"{makers.ip(row, c, a)}:{c.randrange(1024, 65_000)}"
    ),
    "point": Kind("pi.location", True, point),
    "room": Kind("pi.address", False, room),
    "flat": Kind("pi.address", True, flat),
    "age-band": Kind("pi.age", True, age_band),
    "whole-region": Kind("geo.region", True, whole_region),
    "shop": Kind("org.name", True, shop),
    "case": Kind("general", False, case),
    "realty": Kind("general", False, realty),
    "capital": Kind("general", False, capital_amount),
    "money": Kind("general", False, money),
    "percent": Kind("general", False, percent),
}
_OPEN = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-"
