"""Does a policy fit its dataset: every misfit is found, with its line."""

from __future__ import annotations

from fractions import Fraction

import pytest

from policies.build import parse
from policies.conform import DatasetFacts, problems
from sandbox.schema import DatasetName, Field, Kind, Tag

FACTS = DatasetFacts(
    DatasetName("health.diabetes"), "patient_nbr", "health.patient", "zcdp", Fraction(1, 10**6)
)
FIELDS = (
    Field("patient_nbr", Kind.INTEGER),
    Field("age", Kind.STRING),
    Field("A1Cresult", Kind.STRING),
    Field("time_in_hospital", Kind.INTEGER),
    Field("admitted", Kind.DATE),
)
TAGS = {field.name: Tag("pi.health", True) for field in FIELDS}


def test_fits(text: str) -> None:
    assert problems(parse(text, "p.yaml"), FIELDS, TAGS, FACTS) == ()


@pytest.mark.parametrize(
    ("old", "new", "code", "line"),
    [
        ("dataset: health.diabetes", "dataset: health.other", "policy.not-as-registered", 3),
        ("patient_nbr", "row", "policy.not-as-registered", 4),
        ("health.patient", "cn.resident_id", "policy.not-as-registered", 4),
        ("filter: zcdp", "filter: pure", "policy.not-as-registered", 5),
        ("1e-6", "1e-7", "policy.not-as-registered", 5),
        ("  age:  ", "  agee:  ", "policy.unknown-column", 8),
        ('["[0-10)", "[10-20)"]', "[1, 2]", "policy.domain-misfit", 8),
        ('["[0-10)", "[10-20)"]', "[No, true]", "policy.domain-misfit", 8),
        (
            "use: [measure, filter], bounds: [1, 14], grid: 1",
            "use: [group], categories: ['1']",
            "policy.domain-misfit",
            10,
        ),
        (
            "use: [measure, filter], bounds: [1, 14], grid: 1",
            "use: [group], categories: [true]",
            "policy.domain-misfit",
            10,
        ),
        ("dates: [2020-01-01, 2024-12-31]", "bounds: [1, 2]", "policy.domain-misfit", 11),
        ("dates: [2020-01-01, 2024-12-31]", "categories: [2020-01-01]", "policy.domain-misfit", 11),
    ],
)
def test_misfits(text: str, old: str, new: str, code: str, line: int) -> None:
    assert old in text
    bent = text.replace(old, new, 1)
    if "pure" in new:
        bent = bent.replace("delta: 1e-6, ", "")
    found = problems(parse(bent, "p.yaml"), FIELDS, TAGS, FACTS)
    assert (found[0].code, found[0].facts["where"]) == (code, f"p.yaml:{line}")


def test_unconfirmed_columns(text: str) -> None:
    found = problems(parse(text, "p.yaml"), FIELDS, {**TAGS, "age": Tag("pi.age", False)}, FACTS)
    assert [(problem.code, problem.facts["column"]) for problem in found] == [
        ("policy.column-not-confirmed", "age")
    ]


def test_a_column_that_opens_nothing_needs_no_tag(text: str) -> None:
    closed = text.replace("use: [group], dates", "use: [], dates")
    tags = {name: tag for name, tag in TAGS.items() if name != "admitted"}
    assert problems(parse(closed, "p.yaml"), FIELDS, tags, FACTS) == ()


def test_every_problem_is_listed(text: str) -> None:
    found = problems(parse(text, "p.yaml"), (), {}, FACTS)
    assert [problem.facts["column"] for problem in found] == [
        "age",
        "A1Cresult",
        "time_in_hospital",
        "admitted",
    ]


@pytest.mark.parametrize(("number", "shown"), [("1e-7", "0.0000001"), ("0.25", "0.25")])
def test_numbers_are_shown_as_written(text: str, number: str, shown: str) -> None:
    (problem,) = problems(parse(text.replace("1e-6", number), "p.yaml"), FIELDS, TAGS, FACTS)
    assert problem.facts["written"] == shown
    assert problem.facts["registered"] == "0.000001"
