"""Check digits against python-stdnum and worked examples; random digits never speak for a column."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
import stdnum.iban
import stdnum.imei
import stdnum.luhn
from hypothesis import given
from hypothesis import strategies as st
from stdnum.cn import uscc

from classifiers.evidence import checks, measures
from classifiers.evidence.checks import compact, meant, normalise
from classifiers.evidence.national import NATIONAL, confirmed
from classifiers.evidence.patterns import LOOKED_AT, PATTERNS, value_evidence
from classifiers.evidence.sample import ColumnSample
from sandbox.schema import Kind

DIGITS = st.text("0123456789", min_size=2, max_size=19)
USCC = st.text("0123456789ABCDEFGHJKLMNPQRTUWXY", min_size=17, max_size=17)


def texts(*values: str | None) -> Any:
    return pa.array(values, pa.string())


def evidence(values: list[str], kind: Kind = Kind.STRING) -> dict[str, tuple[str, float]]:
    column = pa.array(list(dict.fromkeys(values)), pa.string())
    sample = ColumnSample(kind, column, len(column), len(values))
    return {hint.rule: (hint.tag, hint.weight) for hint in value_evidence([sample])[0]}


@given(st.lists(DIGITS, max_size=20))
def test_luhn_says_what_stdnum_says(numbers: list[str]) -> None:
    assert checks.luhn(texts(*numbers)).tolist() == [stdnum.luhn.is_valid(it) for it in numbers]


@given(USCC)
def test_credit_codes_say_what_stdnum_says(body: str) -> None:
    codes = [body + check for check in "0123456789ABCDEFGHJKLMNPQRTUWXY"]
    # stdnum's arithmetic, not its shape: it knows no letters of GB 32100-2015 among the first two
    right = uscc.calc_check_digit(body + "0")
    shaped = body[0] in "123456789ANY" and body[2:8].isdigit()
    expected = [shaped and code[-1] == right for code in codes]
    assert checks.credit_codes(texts(*codes)).tolist() == expected


@given(
    st.sampled_from(["DE", "FR", "GB", "NL", "NO", "SA", "MT"]), st.integers(0, 10**18), st.integers(0, 99)
)
def test_ibans_are_what_stdnum_calls_valid(country: str, account: int, wrong: int) -> None:
    length = {"DE": 18, "FR": 23, "GB": 18, "NL": 14, "NO": 11, "SA": 20, "MT": 27}[country]
    body = f"{account:0{length}d}"[-length:]
    right = stdnum.iban.calc_check_digits(f"{country}00{body}")
    codes = [f"{country}{right}{body}", f"{country}{wrong:02d}{body}", f"{country}{right}{body}0"]
    assert checks.ibans(texts(*codes)).tolist() == [True, f"{wrong:02d}" == right, False]


@given(st.integers(0, 10**13 - 1))
def test_imeis_are_what_stdnum_calls_valid(number: int) -> None:
    codes = [f"35{number:013d}"[:14] + str(check) for check in range(10)]
    assert checks.imeis(texts(*codes)).tolist() == [stdnum.imei.is_valid(it) for it in codes]


@pytest.mark.parametrize(
    ("check", "right", "wrong"),
    [
        (checks.vins, "1M8GDM9AXKP042788", "1M8GDM9A1KP042788"),  # the worked example of 49 CFR 565.15
        (checks.vins, "LSVAA49J132047371", "LSVAA49J232047371"),
        (checks.ibans, "GB82WEST12345698765432", "GB82WEST12345698765423"),  # ECBS, IBAN standard
        (checks.hong_kong_ids, "G123456(A)", "G123456(3)"),  # the specimen of the Immigration Department
        (checks.hong_kong_ids, "AB9876543", "AB9876544"),
        (checks.taiwan_ids, "A123456789", "A123456780"),
        (checks.bank_cards, "4111111111111111", "4111111111111112"),
        (checks.bank_cards, "378282246310005", "1234567812345670"),  # the second: Luhn without an issuer
        (checks.old_resident_ids, "110105491231002", "110105491331002"),
        (measures.longer_resident_ids, "11010519491231002X43", "11010519491231002143"),
        (measures.masked_resident_ids, "330113********123X", "138****1234"),
        (measures.masked_resident_ids, "3301**********1234", "******************"),
    ],
)
def test_worked_examples(check: Callable[[Any], Any], right: str, wrong: str) -> None:
    assert check(texts(right, wrong, "", "\0", "９" * 18)).tolist() == [True, False, False, False, False]


@pytest.mark.parametrize("check", [checks.resident_ids, checks.ibans, checks.vins, checks.credit_codes])
def test_nothing_in_nothing_out(check: Callable[[Any], Any]) -> None:
    assert check(texts()).tolist() == []


def test_normalised_texts() -> None:
    assert normalise(texts("　６２２２　", "无", "NULL", "n/a", "--", "'a", "")).to_pylist() == ["6222", "a"]
    assert meant(texts("无", "ｘ", None)).to_pylist() == [None, "x", None]
    assert compact(texts("6222 0212-3456", "京A·12345")).to_pylist() == ["622202123456", "京A12345"]


def luhn_card(chance: random.Random, prefix: str, length: int) -> str:
    body = prefix + "".join(chance.choices("0123456789", k=length - len(prefix) - 1))
    return body + stdnum.luhn.calc_check_digit(body)


def test_a_third_of_dirty_values_does_not_hide_cards() -> None:
    chance = random.Random(3)
    cards = [luhn_card(chance, "622202", 19) for _ in range(70)]
    wrong = [card[:-1] + str((int(card[-1]) + 1) % 10) for card in cards[:30]]
    assert evidence([*cards, *wrong])["card"][0] == "finance.account"
    assert "card" not in evidence([*cards[:30], *wrong, *(f"62220{n:014d}" for n in range(40))])


def test_weight_grows_with_the_share() -> None:
    chance = random.Random(4)
    cards = [luhn_card(chance, "622202", 16) for _ in range(100)]
    assert evidence(cards)["card"][1] > evidence([*cards, *(f"x{n}" for n in range(40))])["card"][1]


@pytest.mark.parametrize("width", range(6, 20))
def test_random_digits_speak_for_no_identifier(width: int) -> None:
    chance = random.Random(width)
    numbers = ["".join(chance.choices("0123456789", k=width)) for _ in range(2000)]
    strong = {rule for rule, (_, weight) in evidence(numbers).items() if weight >= 0.5}
    assert strong <= ({"dates"} if width == 8 else set())


@pytest.mark.parametrize("size", [1, 2, 3, 5, 8])
def test_a_few_random_digits_do_not_either(size: int) -> None:
    chance = random.Random(size)
    spoken = [
        rule
        for _ in range(100)
        for rule in evidence([str(chance.randrange(10**15, 10**16)) for _ in range(size)])
    ]
    assert spoken.count("card") == 0


def test_no_pattern_speaks_for_nothing() -> None:
    for kind in Kind:
        assert evidence([], kind) == {}
        assert evidence(["无", "-"], kind) == {}


@pytest.mark.parametrize(
    "odd", ["nan", "inf", "1e300", "-0.0", "\0", "a" * 200, "*" * 18, "𠮷" * 50, "(", "\\"]
)
def test_odd_values(odd: str) -> None:
    for kind in Kind:
        assert all(0 < weight < 1 for _, weight in evidence([odd], kind).values())


def test_rules_are_named_once() -> None:
    rules = [pattern.rule for pattern in PATTERNS]
    assert len(rules) == len(set(rules))


def test_mobiles_may_be_masked() -> None:
    values = compact(texts("13800001234", "139 0000 1234", "x", "138****1234"))
    assert measures.mobiles(values).tolist() == [True, True, False, True]


def test_a_sampled_check_stands_for_the_rest() -> None:
    cpf = next(it for it in NATIONAL if it.rule == "cpf-br")
    chance = random.Random(5)
    numbers = texts(*(str(chance.randrange(10**10, 10**11)) for _ in range(LOOKED_AT)))
    assert confirmed(cpf, numbers).mean() < 0.05
    assert confirmed(cpf, texts("11144477735", "111.444.777-35", "x")).tolist() == [True, False, False]
    assert isinstance(confirmed(cpf, texts()), np.ndarray)


@pytest.mark.parametrize(
    ("values", "rule", "tag"),
    [
        ([f"浙A·{n:05d}" for n in range(10, 30)], "plate-cn", "pi.vehicle"),
        ([f"粤BD{n:05d}" for n in range(10, 30)], "plate-cn", "pi.vehicle"),
        ([f"WJ浙{n:05d}" for n in range(10, 30)], "plate-cn", "pi.vehicle"),
        ([f"2240{n}使" for n in range(10, 30)], "plate-cn", "pi.vehicle"),
        ([f"沪A00{n}领" for n in range(10, 30)], "plate-cn", "pi.vehicle"),
        ([f"苏A·X{n}应急" for n in range(10, 30)], "plate-cn", "pi.vehicle"),
        ([f"(+86)1395444{n:04d}" for n in range(10, 30)], "mobile-cn", "pi.contact.mobile"),
        ([f"01395444{n:04d}" for n in range(10, 30)], "mobile-cn", "pi.contact.mobile"),
        ([f"139.5444.{n:04d}" for n in range(10, 30)], "mobile-cn", "pi.contact.mobile"),
        ([f"1395444{n:04d}(家)" for n in range(10, 30)], "mobile-cn", "pi.contact.mobile"),
        ([f"东经116.{n:02d}北纬39.{n:02d}" for n in range(10, 30)], "degrees-minutes", "pi.location"),
        ([f"192.168.{n}.7" for n in range(20)], "ipv4", "pi.network"),
        ([f"2001:db8::{n:x}" for n in range(20)], "ipv6", "pi.network"),
        ([f"00:1a:2b:3c:4d:{n:02x}" for n in range(20)], "mac", "pi.device"),
        ([f"({n}) 555-01{n % 90 + 10}" for n in range(200, 260)], "phone-nanp", "pi.contact.mobile"),
        ([f"+44 20 7946 {n:04d}" for n in range(30)], "phone-e164", "pi.contact.mobile"),
        ([f"0571-8765{n:04d}" for n in range(30)], "phone-cn", "pi.contact.mobile"),
        ([f"138****{n:04d}" for n in range(30)], "mobile-cn", "pi.contact.mobile"),
        ([f"330113********{n:03d}X" for n in range(30)], "resident-id-masked", "pi.id.resident"),
        ([f"30.{n:05d}, 120.{n:05d}" for n in range(30)], "coordinates", "pi.location"),
        ([f"POINT (120.{n} 30.1)" for n in range(30)], "wkt", "pi.location"),
        ([f"$P$B{n:02d}{'aZ./09' * 5}" for n in range(30)], "password-hash", "pi.credential"),
        ([f"Wed Oct {n:2d} 20:19:24 +0800 2018" for n in range(1, 31)], "dates", "pi.event-date"),
        ([f"{n:03d}-45-6789" for n in range(100, 130)], "ssn-us", "pi.id.foreign"),
        ([f"SW1A {n}AA" for n in range(1, 9)], "postcode-gb", "pi.postcode"),
        (["张*", "李**", "王*明", "赵*"], "name-masked", "pi.name"),
        ([f"{n}岁" for n in range(20, 60)], "age-words", "pi.age"),
        (
            [f"{n} Hauptstraße" for n in range(5)] + [f"Gartenweg {n}" for n in range(30)],
            "address-eu",
            "pi.address",
        ),
    ],
)
def test_shapes(values: list[str], rule: str, tag: str) -> None:
    assert evidence(values)[rule][0] == tag


@pytest.mark.parametrize(
    ("values", "rule"),
    [
        ([f"1202401{n:04d}" for n in range(100)], "mobile-cn"),
        ([f"{n % 24}:{n % 60:02d}:30" for n in range(100)], "ipv6"),
        ([f"2.{n}.1.0" for n in range(100)], "ipv4"),
        ([f"K{n:06d}" for n in range(100)], "icd-10"),
        ([f"2024{n % 12 + 1:02d}" for n in range(100)] + ["202313"], "postcode-cn"),
        ([f"{n}.99" for n in range(100)], "latitude"),
        ([f"9{n:02d}9-01-01" for n in range(100)], "dates"),
        ([f"20{n}-01-01" for n in range(40, 99)], "dates-over-a-lifetime"),
    ],
)
def test_near_misses(values: list[str], rule: str) -> None:
    assert rule not in evidence(values)


def test_free_text_is_searched_for_identifiers() -> None:
    notes = [f"患者张伟于{n}日来电,称联系电话13800{n:06d},要求退费。" for n in range(100)]
    found = evidence(notes)
    assert {"text", "text-about-people", "text-with-phone", "text-with-name"} <= set(found)
    assert {tag for tag, _ in found.values()} - {"pi.id.generic"} == {"pi.text"}


def test_english_text_with_an_address_inside() -> None:
    notes = [f"the patient was seen again and wrote from u{n}@example.com later" for n in range(100)]
    assert {"text", "text-about-people", "text-with-email"} <= set(evidence(notes))


def test_addresses_and_companies_are_no_free_text() -> None:
    places = [f"浙江省杭州市西湖区文三路{n}号金色家园{n}幢2单元301室" for n in range(50)]
    firms = [f"杭州星辰第{n}信息技术有限责任公司西湖分公司" for n in range(50)]
    assert not {"text", "text-about-people"} & {*evidence(places), *evidence(firms)}


@pytest.mark.parametrize("mark", ["-", "+", "A"])
def test_finnish_numbers_of_every_century(mark: str) -> None:
    """By the rule of the population register: the remainder of the nine digits by 31."""
    letters = "0123456789ABCDEFHJKLMNPRSTUVWXY"
    numbers = [(f"{day:02d}0352", f"{100 + day}") for day in range(1, 28)]
    values = [f"{born}{mark}{own}{letters[int(born + own) % 31]}" for born, own in numbers]
    if mark == "A":
        values = [it.replace("52A", "02A") for it in values]
        values = [it[:10] + letters[int(it[:6] + it[7:10]) % 31] for it in values]
    assert "hetu-fi" in evidence(values)
    assert "hetu-fi" not in evidence([it[:10] + letters[letters.index(it[10]) - 1] for it in values])


@pytest.mark.parametrize("right", range(0, 80, 7))
def test_of_few_numbers_all_are_confirmed(right: int) -> None:
    number = next(it for it in NATIONAL if it.rule == "siren-fr")
    valid = [f"{n}{stdnum.luhn.calc_check_digit(str(n))}" for n in range(10_000_000, 10_000_079)]
    numbers = [it if n >= 79 - right else f"{it[:-1]}{(int(it[-1]) + 1) % 10}" for n, it in enumerate(valid)]
    assert confirmed(number, texts(*numbers)).sum() == right
