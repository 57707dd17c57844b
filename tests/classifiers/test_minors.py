"""Ages and births of children under 14 are found; those of everybody are not taken for them."""

from __future__ import annotations

import pyarrow as pa
import pytest

from classifiers.classify import classify
from classifiers.evidence.sample import ColumnSample
from classifiers.minors import minors_evidence
from sandbox.schema import Field, Kind

AGES = ("pi.age", 2026)
BIRTHS = ("pi.birth-date", 2026)
RESIDENTS = ("pi.id.resident", 2026)


def share(tag: str, year: int, *texts: str) -> float | None:
    found = minors_evidence(tag, ColumnSample(Kind.STRING, pa.array(texts, pa.string()), 1, 1), year)
    return found[0].share if found else None


@pytest.mark.parametrize(
    ("asked", "texts", "expected"),
    [
        (AGES, ("3", "7岁", "13.5", "[0-10)"), 1.0),
        (AGES, ("13", "14"), 0.5),
        (AGES, ("13", "14", "15"), None),
        (AGES, ("0", "30", "99", "x"), None),
        (AGES, ("", "不详", "x", "1e9", "99999999999999999999"), None),
        (AGES, (), None),
        (BIRTHS, ("2013-01-02", "2020/3/4", "20250101"), 1.0),
        (BIRTHS, ("2012-12-31", "1980-01-01", "2013-01-01"), None),
        (BIRTHS, ("never", ""), None),
        (("general", 2026), ("3", "4"), None),
        (AGES, ("24个月", "26 months", "四岁", "十三岁半"), 1.0),
        (AGES, ("十四岁", "二十三岁", "30 years", "3 years 2 months"), None),
        (BIRTHS, ("08/07/23", "1.2.19", "3-4-13"), 1.0),
        (BIRTHS, ("08/07/65", "1.2.12", "3-4-13"), None),
        (RESIDENTS, ("11010120150307457X", "110101199003074578", "440305201812122216"), 0.6),
        (RESIDENTS, ("110101201503074570", "11010119900307457x", "110101900307457"), None),
    ],
)
def test_children(asked: tuple[str, int], texts: tuple[str, ...], expected: float | None) -> None:
    assert share(*asked, *texts) == expected


def test_the_order_of_the_births_does_not_matter() -> None:
    days = [
        f"{year}-{month:02}-{day:02}"
        for year in range(2004, 2026)
        for month in range(1, 13)
        for day in range(1, 29)
    ]
    for births in (days, days[::-1]):
        assert share("pi.birth-date", 2026, *births) == 0.5  # 13 of 22 years


def test_the_hint_stands_beside_the_others_and_changes_no_confidence() -> None:
    numbers = pa.array(range(90))
    young = pa.table({"nr": numbers, "age": pa.array([3 + n % 9 for n in range(90)])})
    grown = pa.table({"nr": numbers, "age": pa.array([18 + n % 60 for n in range(90)])})
    fields = [Field("nr", Kind.INTEGER), Field("age", Kind.INTEGER)]
    (_, of_young), (_, of_grown) = classify(fields, young, unit="nr"), classify(fields, grown, unit="nr")
    assert (of_young.tag, of_grown.tag) == ("pi.age", "pi.age")
    assert [hint.rule for hint in of_young.evidence if hint.rule == "under-14"] == ["under-14"]
    assert not [hint for hint in of_grown.evidence if hint.rule == "under-14"]
