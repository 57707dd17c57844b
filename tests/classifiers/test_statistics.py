"""Statistics of a column: rules that speak, near misses that do not, and columns with dirty values."""

from __future__ import annotations

import datetime as dt
import random
import string

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from classifiers.evidence.evidence import Evidence
from classifiers.evidence.sample import draw
from classifiers.evidence.statistics import RULES, statistic_evidence
from classifiers.taxonomy import core
from sandbox.schema import Field, Kind

CHANCE = random.Random(3)
LATER = dt.date.today().year + 2


def hints(values: list[object], kind: Kind = Kind.STRING) -> tuple[Evidence, ...]:
    return statistic_evidence(draw([Field("c", kind)], pa.table({"c": values}))["c"])


def rules(values: list[object], kind: Kind = Kind.STRING) -> set[str]:
    return {hint.rule for hint in hints(values, kind)}


def token() -> str:
    return "aB3" + "".join(CHANCE.choices(string.ascii_letters + string.digits, k=9))


FITTING: dict[str, list[object]] = {
    "constant": ["x"] * 20,
    "few-words": ["open", "closed", "pending"] * 20,
    "some-words": [f"kind {letter}" for letter in "abcdefgh"] * 20,
    "abbreviations": ["EUR", "USD", "CNY"] * 20,
    "grades": ["A1", "B2", "C3"] * 20,
    "yes-no": ["Y", "N"] * 20,
    "few-small-numbers": ["1", "2", "3"] * 20,
    "running-numbers": [str(number) for number in range(1, 90)],
    "counts": [str(CHANCE.randrange(1, 900)) for _ in range(90)],
    "decimals": [f"{CHANCE.uniform(0, 50):.2f}" for _ in range(90)],
    "percentages": [f"{number}.5%" for number in range(50)],
    "measures": [f"{number} kg" for number in range(50)],
    "years": ["2019", "2020", "2021年度"] * 20,
    "periods": ["2023-01", "2023-02", "2023Q4"] * 20,
    "later-dates": [f"{LATER - number % 3}-05-0{number % 9 + 1}" for number in range(60)],
    "clock": [f"{number % 24}:0{number % 10}" for number in range(60)],
    "time-stamps": [str(1_700_000_000 + number * 12_345) for number in range(60)],
    "versions": [f"2.{number}.{number % 7}" for number in range(60)],
    "paths": [f"/place/{number}" for number in range(60)],
    "letters-and-digits": [f"K{number:06d}" for number in range(60)],
    "mixed-case-codes": [token() for _ in range(60)],
    "digits-of-one-length": [str(CHANCE.randrange(10**7, 10**8)) for _ in range(60)],
    "all-different": [f"K{number}" for number in range(100)],
}


def test_every_rule_is_tried() -> None:
    assert set(FITTING) == {it.rule for it in RULES}
    assert {it.tag for it in RULES} <= core().tags.keys()


@pytest.mark.parametrize("rule", FITTING)
def test_fits(rule: str) -> None:
    found = {hint.rule: hint for hint in hints(FITTING[rule])}
    assert found[rule].source == "statistics"
    assert found[rule].share == 1.0


@pytest.mark.parametrize("rule", sorted(FITTING.keys() - {"constant"}))
def test_one_in_ten_may_be_dirty(rule: str) -> None:
    values = FITTING[rule] * (1 if len(FITTING[rule]) >= 60 else 2)
    dirty = [None if number % 20 == 0 else it for number, it in enumerate(values)]
    assert rule in rules([*dirty, *(["N/A", "-"] if len(set(values)) > 20 else [])])


@pytest.mark.parametrize(
    ("values", "rule"),
    [
        (["x"] * 1000, "all-different"),
        (["x"] * 5, "constant"),
        ([str(number) for number in range(90, 1, -1)], "running-numbers"),
        ([f"192.168.{number}.7" for number in range(60)], "versions"),
        ([f"2001-05-0{number % 9 + 1}" for number in range(60)], "later-dates"),
        ([str(CHANCE.randrange(10**9)) for _ in range(90)], "counts"),
        ([str(CHANCE.randrange(100)) for _ in range(90)], "counts"),
        ([f"{CHANCE.uniform(0, 50):.6f}" for _ in range(90)], "decimals"),
        ([f"a long text of many words that is not a code {number}" for number in range(60)], "all-different"),
    ],
)
def test_near_misses(values: list[object], rule: str) -> None:
    assert rule not in rules(values)


@pytest.mark.parametrize("kind", list(Kind))
def test_nothing_is_said_of_nothing(kind: Kind) -> None:
    assert hints([], kind) == ()
    assert hints([None] * 50, kind) == ()
    assert hints(["-", "N/A"] * 50, kind) == ()


def test_odd_numbers_are_no_error() -> None:
    values = [float("nan"), float("inf"), -float("inf"), 1e300, 5e-324, 0.0, -0.0, None] * 4
    assert rules(values, Kind.FLOAT) <= {it.rule for it in RULES}


@given(st.lists(st.text(max_size=20) | st.sampled_from(["²", "1.²", "٣.٣.٣", "1", "2.5"]), max_size=40))
def test_any_text_is_measured_without_error(values: list[str]) -> None:
    column = [value.encode("utf-8", "ignore").decode() for value in values]
    for hint in hints(list(column)):
        assert 0 < hint.weight < 1
        assert hint.share is not None
        assert 0.7 <= hint.share <= 1
