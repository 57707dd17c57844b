"""Value patterns: check digits against an independent oracle, ratios instead of single hits."""

from __future__ import annotations

import datetime as dt
import random
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st
from stdnum.gb import nhs

from classifiers.evidence import measures
from classifiers.evidence.checks import resident_ids
from classifiers.evidence.patterns import value_evidence
from classifiers.evidence.sample import draw
from sandbox.schema import Field, Kind


def congruent(text: str) -> bool:
    """ISO 7064 MOD 11-2 as the standard states it: the weighted sum with the check digit is 1 modulo 11."""
    digits = [10 if character in "Xx" else int(character) for character in text]
    return sum(digit * 2 ** (17 - place) for place, digit in enumerate(digits)) % 11 == 1


@given(st.dates(dt.date(1900, 1, 1), dt.date(2099, 12, 31)), st.integers(100000, 999999), st.integers(0, 999))
def test_exactly_one_check_character_is_right(born: dt.date, region: int, order: int) -> None:
    texts = [f"{region}{born:%Y%m%d}{order:03d}{check}" for check in "0123456789X"]
    assert resident_ids(pa.array(texts)).tolist() == [congruent(text) for text in texts]
    assert resident_ids(pa.array(texts)).sum() == 1


def test_known_resident_ids() -> None:
    # The first is the example of GB 11643-1999; the others break its date, its check, its length, its digits.
    texts = [
        "11010519491231002X",
        "11010519491331002X",
        "110105194912310021",
        "1101051949123100",
        "11010519491231002x",
        "１1010519491231002X",
    ]
    assert resident_ids(pa.array(texts)).tolist() == [True, False, False, False, True, False]


def leap(text: str) -> str:
    return next(text + check for check in "0123456789X" if congruent(text + check))


def test_impossible_birth_dates_are_no_resident_ids() -> None:
    texts = [
        leap("330113" + day + "123")
        for day in ("20000229", "19000229", "20010229", "20010431", "20010010", "20010100")
    ]
    assert resident_ids(pa.array(texts)).tolist() == [True, False, False, False, False, False]


def rules(values: list[object], kind: Kind = Kind.STRING) -> dict[str, float | None]:
    sample = draw([Field("c", kind)], pa.table({"c": values}))["c"]
    return {hint.rule: hint.share for hint in value_evidence([sample])[0]}


@pytest.mark.parametrize("period", [*range(3, 13), 15, 16, 20, 24, 28, 30, 40])
def test_a_period_in_the_rows_hides_no_number(period: int) -> None:
    chance = random.Random(period)
    numbers: list[object] = []
    while len(numbers) < 9_000:
        text = str(chance.randrange(4 * 10**9, 8 * 10**9))
        wrong = len(numbers) % period == 0
        if nhs.is_valid(text) != wrong:
            numbers.append(text)
    assert rules(numbers)["nhs-gb"] == pytest.approx(1 - 1 / period, abs=0.15)


def test_text_about_people_is_found_behind_short_cells() -> None:
    short = [f"ok {place}" for place in range(450)]
    long = [f"patient {place} was seen by the doctor and felt better after some days" for place in range(550)]
    assert {"text", "text-about-people"} <= rules([*short, *long]).keys()


def test_single_hits_are_no_evidence() -> None:
    mobiles = [f"138{number:08d}" for number in range(20)]
    assert "mobile-cn" in rules(mobiles)
    assert "mobile-cn" not in rules([*mobiles, *(f"x{number}" for number in range(20))])


def test_numbers_may_be_stored_as_integers() -> None:
    assert "mobile-cn" in rules([13800000000 + number for number in range(20)], Kind.INTEGER)


def test_random_numbers_are_no_resident_ids() -> None:
    chance = random.Random(2)
    assert "resident-id" not in rules([str(chance.randrange(10**17, 10**18)) for _ in range(2000)])


@pytest.mark.parametrize(
    ("values", "rule"),
    [
        ([f"{number}.{number % 10}" for number in range(1, 400)], "icd-9"),
        ([f"W{number:02d}" for number in range(5)], "icd-10"),
        (["a", "b"], "gender-words"),
        (["M", "S"], "gender-letters"),
        ([f"备注文字{number}" for number in range(123_456, 123_486)], "officer-cn"),
        (["Husband", "Wife"], "gender-words"),
        (
            [f"2020-{month:02d}-{day:02d}" for month in range(1, 13) for day in range(1, 28)],
            "dates-over-a-lifetime",
        ),
        (
            [
                "高血压病",
                "白内障手术",
                "糖尿病",
                "冠心病",
                "肺炎",
                "胃炎",
                "肝硬化",
                "脑梗死",
                "心衰",
                "哮喘",
                "贫血",
            ],
            "surname-zh",
        ),
    ],
)
def test_near_misses(values: list[object], rule: str) -> None:
    assert rule not in rules(values)


@pytest.mark.parametrize(
    ("values", "rule"),
    [
        (["M", "F", "M"], "gender-letters"),
        ([f"文字第{number:08d}号" for number in range(30)], "officer-cn"),
        ([f"军字{number:07d}" for number in range(30)], "officer-cn"),
        (["Male", "Female", "Unknown"], "gender-words"),
        ([f"{number} Old Oak Street" for number in range(1, 30)], "address-en"),
        (
            [f"V{number:02d}" for number in range(10, 40)] + [f"{number}.1" for number in range(100, 200)],
            "icd-9",
        ),
        ([f"{year}年3月{day}日" for year in range(1940, 2000) for day in (1, 2)], "dates-over-a-lifetime"),
        ([f"{year}0312" for year in range(1940, 2000)], "dates-over-a-lifetime"),
    ],
)
def test_fits(values: list[object], rule: str) -> None:
    assert rule in rules(values)


@given(st.lists(st.text(max_size=30) | st.none(), max_size=40))
def test_any_text_is_classified_without_error(values: list[str | None]) -> None:
    column = pa.array([value and value.encode("utf-8", "ignore").decode() for value in values], pa.string())
    sample = draw([Field("c", Kind.STRING)], pa.table({"c": column}))["c"]
    assert all(0 < hint.weight < 1 for hint in value_evidence([sample])[0])


@pytest.mark.parametrize(
    "numbers",
    [
        ["665 47 95 24", "605 61 19 22", "699726027", "+34 619 879 021", "91 984 23 08"] * 8,
        ["07700 900310", "+44 7700 900307", "020 7946 0551", "07700900477"] * 8,
        ["(41) 3025-3341", "+55 21 94038-8700", "(11) 96596-9354"] * 8,
        ["0639980498", "0199002068", "+33 6 39 98 04 98"] * 8,
    ],
)
def test_phones_written_in_several_ways(numbers: list[str]) -> None:
    assert phones_among(numbers).mean() == 1


@pytest.mark.parametrize(
    "numbers",
    [
        ["2024-01-02", "2023-12-31", "1999-10-10"] * 8,
        ["123-45-6789", "987-65-4321", "555-12-3456"] * 8,
        ["1234567", "2345678", "9876543210"] * 8,
        ["12345.67", "1234567.89"] * 8,
        ["4539 1488 0343 6467", "6011 0009 9013 9424"] * 8,
    ],
)
def test_other_numbers_are_no_phones(numbers: list[str]) -> None:
    assert not phones_among(numbers).any()


def phones_among(numbers: list[str]) -> Any:
    return measures.mixed_phones(pa.array(numbers))


@pytest.mark.parametrize("amount", ["$14,240.49", "42,96 €", "1.234,50 EUR", "R$ 1.200,00", "¥1,234.00"])
def test_amounts_with_a_currency(amount: str) -> None:
    plain = pa.array([amount, amount.replace("4", "7"), "0.99 €", "19,999.00 $"])
    assert measures.priced(plain).all()
