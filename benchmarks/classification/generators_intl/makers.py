"""How one value of a column is made: a maker gets the row, the column's own random numbers and arguments."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from random import Random

from benchmarks.classification.generators import numbers as formats
from benchmarks.classification.generators_intl import numbers, numbers_more, people
from benchmarks.classification.generators_intl.people import Person


@dataclass(frozen=True, slots=True)
class Row:
    """What columns of a row share: a *person*, an *other* who goes with them, *index*, the set's *part*."""

    person: Person
    other: Person
    index: int
    part: str


Make = Callable[[Row, Random, Sequence[str]], str]


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind's usual *tag*, whether its *values* alone show it, and its maker."""

    tag: str
    values: bool
    make: Make


DATES = {
    "iso": "%Y-%m-%d",
    "us": "%m/%d/%Y",
    "uk": "%d/%m/%Y",
    "de": "%d.%m.%Y",
    "compact": "%Y%m%d",
    "long": "%d %b %Y",
    "month": "%Y-%m",
    "year": "%Y",
    "jp": "%Y年%m月%d日",
    "slash": "%Y/%m/%d",
    "short": "%m/%d/%y",
    "month-name": "%b %Y",
    "month-us": "%m/%Y",
}
MOMENTS = {
    "utc": "%Y-%m-%dT%H:%M:%SZ",
    "us-time": "%m/%d/%Y %I:%M %p",
    "uk-time": "%d/%m/%Y %H:%M",
    "de-time": "%d.%m.%Y %H:%M",
}


def named(who: str) -> Make:
    """``name [STYLE]``: full, lastfirst, upper, first, last, initial."""

    def make(row: Row, _chance: Random, args: Sequence[str]) -> str:
        person: Person = getattr(row, who)
        styles = {
            "full": person.name,
            "lastfirst": f"{person.last}, {person.first}",
            "upper": person.name.upper(),
            "first": person.first,
            "last": person.last,
            "initial": f"{person.first[0]}. {person.last}",
            "capital-last": f"{person.last.upper()} {person.first}",
            "titled": f"{'Ms' if person.woman else 'Mr'} {person.name}",
        }
        return styles[args[0] if args else "full"]

    return make


def date(_row: Row, chance: Random, args: Sequence[str]) -> str:
    """``date FIRST LAST [FORMAT]``; ``time`` and ``epoch`` are moments."""
    found = people.day(chance, int(args[0]), int(args[1]))
    style = args[2] if len(args) > 2 else "iso"
    moment = dt.datetime.combine(found, dt.time()) + dt.timedelta(seconds=chance.randrange(86_400))
    if style == "time":
        return moment.isoformat(sep=chance.choice(" T"))
    if style == "epoch":
        return str(int(moment.replace(tzinfo=dt.UTC).timestamp()))
    if style in MOMENTS:
        return moment.strftime(MOMENTS[style])
    return found.strftime(DATES[style])


def birth(row: Row, _chance: Random, args: Sequence[str]) -> str:
    """``birth [FORMAT]``: the person's birth date."""
    return row.person.born.strftime(DATES[args[0] if args else "iso"])


def gender(row: Row, _chance: Random, args: Sequence[str]) -> str:
    """``gender [PAIR]``: the word for a man and for a woman."""
    return (args or ("Male", "Female"))[row.person.woman]


def age(row: Row, _chance: Random, args: Sequence[str]) -> str:
    """``age [BAND]``: years, or a band of ten."""
    years = 2024 - row.person.born.year
    if args:
        return f"{years // 10 * 10}-{years // 10 * 10 + 9}"
    return str(years)


def phone(row: Row, _chance: Random, args: Sequence[str]) -> str:
    """``phone [plain]``: as its country writes it, or digits alone."""
    if args:
        return "".join(sign for sign in row.person.phone if sign.isdigit())
    return row.person.phone


def ssn(_row: Row, chance: Random, args: Sequence[str]) -> str:
    """``ssn [plain]``: with dashes or without."""
    found = numbers.ssn(chance)
    return found.replace("-", "") if args else found


def card(_row: Row, chance: Random, args: Sequence[str]) -> str:
    """``card [spaced]``: a credit card number."""
    found = numbers.card(chance)
    return " ".join(found[at : at + 4] for at in range(0, len(found), 4)) if args else found


def iban(_row: Row, chance: Random, args: Sequence[str]) -> str:
    """``iban COUNTRY…``: some are written in fours."""
    found = numbers_more.iban(chance, chance.choice(args))
    if chance.random() < 0.3:
        return " ".join(found[at : at + 4] for at in range(0, len(found), 4))
    return found


def handle(row: Row, chance: Random, args: Sequence[str]) -> str:
    """``handle [url]``: an account or a profile's address."""
    plain = row.person.email.split("@")[0]
    if args:
        return f"https://social.example.com/in/{plain.replace('.', '-')}"
    return f"@{plain.replace('.', '_')}{chance.randrange(100)}"


def ip(_row: Row, chance: Random, args: Sequence[str]) -> str:
    """``ip [6]``: an IP address kept for documentation."""
    if args:
        return formats.filled(chance, "2001:db8:^^^^:^^^^::^^^^")
    start = chance.choice(("203.0.113", "198.51.100", "192.0.2", "10.0.4", "192.168.1"))
    return f"{start}.{chance.randrange(1, 255)}"


def uuid(_row: Row, chance: Random, _args: Sequence[str]) -> str:
    """A random identifier."""
    return formats.filled(chance, "^^^^^^^^-^^^^-4^^^-a^^^-^^^^^^^^^^^^")


def plate(row: Row, chance: Random, _args: Sequence[str]) -> str:
    """A plate as the person's country has them."""
    patterns = {
        "United Kingdom": "@@$$ @@@",
        "Germany": "@ @@ $$$",
        "France": "@@-$$$-@@",
        "Spain": "$$$$ @@@",
        "Italia": "@@ $$$ @@",
        "Polska": "@@ $$$$$",
        "Nederland": "@@-$$$-@",
    }
    return formats.filled(chance, patterns.get(row.person.country, "@@@-$$$$"))


def choice(_row: Row, chance: Random, args: Sequence[str]) -> str:
    """``choice A B C``: earlier ones more often; an underscore is a space."""
    return args[int(len(args) * chance.random() * chance.random())].replace("_", " ")


def word(row: Row, chance: Random, args: Sequence[str]) -> str:
    """``word LIST``: earlier ones more often."""
    listed = people.choices(args[0], row.part)
    return listed[int(len(listed) * chance.random() ** 1.3)]


def coded(row: Row, chance: Random, args: Sequence[str]) -> str:
    """``icd``: an ICD-10 code; ``icd 9``."""
    return chance.choice(people.choices("icd9" if args else "icd", row.part))


def integer(_row: Row, chance: Random, args: Sequence[str]) -> str:
    """``int LOW HIGH``."""
    return str(chance.randrange(int(args[0]), int(args[1]) + 1))


def _swapped(value: float) -> str:
    return f"{value:,.2f}".translate(str.maketrans(",.", ".,"))


_SIGNS: dict[str, Callable[[float], str]] = {
    "€": lambda value: f"{_swapped(value)} €",
    "£": lambda value: f"£{value:,.2f}",
    "zł": lambda value: f"{value:.2f} zł".replace(".", ","),
    "R$": lambda value: f"R$ {_swapped(value)}",
    "円": lambda value: f"{value:,.0f}円",
}


def amount(_row: Row, chance: Random, args: Sequence[str]) -> str:
    """``amount LOW HIGH [STYLE]``: small ones more often; styles dollar, euro (comma), 0, 3, a sign."""
    low, high = float(args[0]), float(args[1])
    value, style = low + (high - low) * chance.random() * chance.random(), args[2] if len(args) > 2 else "2"
    if style == "dollar":
        return f"${value:,.2f}"
    if style in _SIGNS:
        return _SIGNS[style](value)
    if style == "euro":
        return f"{value:.2f}".replace(".", ",")
    return f"{value:.{style}f}"


def text(row: Row, chance: Random, args: Sequence[str]) -> str:
    """``text [LIST]``: a sentence, some with facts about the person."""
    person = row.person
    facts = {
        "name": person.name,
        "other": row.other.name,
        "phone": person.phone,
        "email": person.email,
        "street": person.street,
        "date": people.day(chance, 2022, 2024).strftime("%d %B %Y"),
    }
    return chance.choice(people.choices(args[0] if args else "text", row.part)).format(**facts)


def listed(name: str) -> Make:
    """Return a maker from the list *name*; an argument names another country's."""
    return lambda row, chance, args: word(row, chance, (f"{name}_{args[0]}" if args else name,))


def of(attribute: str, decimals: bool = False) -> Make:
    """Return a maker of the person's *attribute*, a number with the decimals that the argument says."""

    def make(row: Row, _chance: Random, args: Sequence[str]) -> str:
        value = getattr(row.person, attribute)
        return f"{value:.{args[0] if args else 6}f}" if decimals else str(value)

    return make


def pattern(*patterns: str) -> Make:
    """Return a maker of any of *patterns*."""
    return lambda _row, chance, _args: formats.filled(chance, chance.choice(patterns))


def number(maker: Callable[[Random], str]) -> Make:
    """Return *maker* as one that needs no row."""
    return lambda _row, chance, _args: maker(chance)


def imei(_row: Row, chance: Random, _args: Sequence[str]) -> str:
    """A device number with its Luhn digit."""
    body = "35" + formats.digits(chance, 12)
    return body + formats.luhn_check(body)


def version(_row: Row, chance: Random, _args: Sequence[str]) -> str:
    """A version of four numbers, which could be an address."""
    return ".".join(str(chance.randrange(most)) for most in (9, 20, 9, 400))


def bcrypt(_row: Row, chance: Random, _args: Sequence[str]) -> str:
    """A stored password."""
    return "$2b$12$" + formats.filled(chance, "^" * 53)
