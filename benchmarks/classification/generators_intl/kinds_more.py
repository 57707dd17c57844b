"""More kinds of values, for the domains that the second hand wrote."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from random import Random

from benchmarks.classification.generators import numbers as formats
from benchmarks.classification.generators_intl import makers, numbers_more, people
from benchmarks.classification.generators_intl.makers import Kind, Row


def _kana(row: Row, _chance: Random, _args: Sequence[str]) -> str:
    """A name in katakana, the same one for the same person."""
    who, lists = Random(row.person.name), people.words()
    return f"{who.choice(lists['kana_last'])} {who.choice(lists['kana_first'])}"


def _login(row: Row, _chance: Random, _args: Sequence[str]) -> str:
    """A user name made of the mail address."""
    return row.person.email.split("@")[0].replace(".", "")


def _second_line(_row: Row, chance: Random, _args: Sequence[str]) -> str:
    """The second line of an address; most have none."""
    return formats.filled(chance, chance.choice(("", "", "Apt $$", "Unit $@", "Suite $00", "Floor $")))


def _point(row: Row, _chance: Random, _args: Sequence[str]) -> str:
    return f"POINT ({row.person.longitude:.6f} {row.person.latitude:.6f})"


def _of(value: Callable[[Row], str]) -> makers.Make:
    return lambda row, _chance, _args: value(row)


MORE: dict[str, Kind] = {
    "fiscal-code": Kind(
        "pi.id.foreign",
        True,
        lambda row, c, _a: numbers_more.fiscal_code(c, row.person.born, row.person.woman),
    ),
    "bsn": Kind("pi.id.foreign", True, makers.number(numbers_more.bsn)),
    "nif-pt": Kind("pi.id.foreign", True, makers.number(numbers_more.portuguese_nif)),
    "ahv": Kind("pi.id.foreign", True, makers.number(numbers_more.ahv)),
    "vat-it": Kind("org.id", True, makers.number(numbers_more.italian_vat)),
    "nip": Kind("org.id", True, makers.number(numbers_more.nip)),
    "regon": Kind("org.id", False, makers.number(numbers_more.regon)),
    "siret": Kind("org.id", True, makers.number(numbers_more.siret)),
    "abn": Kind("org.id", True, makers.number(numbers_more.abn)),
    "kana": Kind("pi.name", True, _kana),
    "login": Kind("pi.contact.online", False, _login),
    "line2": Kind("pi.address", False, _second_line),
    "point": Kind("pi.location", True, _point),
    "prefixed-phone": Kind("pi.contact.mobile", True, _of(lambda row: f"tel:{row.person.phone}")),
    "mailbox": Kind("pi.contact.email", True, _of(lambda row: f"{row.person.name} <{row.person.email}>")),
    "advertiser": Kind("pi.device", False, makers.uuid),
    "push-token": Kind(
        "pi.device", False, lambda _r, c, _a: "".join(c.choice(_TOKEN) for _ in range(22)) + ":APA91b"
    ),
    "api-key": Kind(
        "pi.credential", True, lambda _r, c, _a: "sk_test_" + "".join(c.choice(_TOKEN) for _ in range(24))
    ),
}
_TOKEN = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
