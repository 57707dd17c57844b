"""Names in two languages and every spelling habit; near misses stay near misses."""

from __future__ import annotations

import pytest

from classifiers.evidence.names import name_evidence
from classifiers.taxonomy import core, read_data


@pytest.mark.parametrize(
    ("name", "tag"),
    [
        ("PatientName", "pi.name"),
        ("patient_name", "pi.name"),
        ("患者姓名", "pi.name"),
        ("MobilePhone", "pi.contact.mobile"),
        ("LXDH", "pi.contact.mobile"),
        ("E-Mail", "pi.contact.email"),
        ("dateOfBirth", "pi.birth-date"),
        ("DOB", "pi.birth-date"),
        ("IDCardNo", "pi.id.resident"),
        ("user_id", "pi.id.generic"),
        ("ZIP Code", "pi.address"),
        ("hba1c", "pi.health"),
        ("atorvastatin", "pi.health"),
        ("icd10_code", "pi.health"),
        ("月收入", "finance.personal"),
    ],
)
def test_recognised(name: str, tag: str) -> None:
    assert tag in {hint.tag for hint in name_evidence(name)}


@pytest.mark.parametrize(
    "name", ["page", "usage", "message", "stage", "sextant", "xml", "trace", "nation_idx", "phonetic"]
)
def test_a_word_inside_a_word_is_no_hint(name: str) -> None:
    assert name_evidence(name) == ()


def test_every_rule_speaks_for_a_known_tag() -> None:
    data = read_data("names.yaml")["tags"]
    assert set(data) <= set(core().tags)
    for strengths in data.values():
        assert set(strengths) <= {"strong", "fair", "weak"}
        for kinds in strengths.values():
            assert set(kinds) <= {"words", "whole", "chinese", "suffix", "prefix"}
            assert all(
                isinstance(hint, str) and hint == hint.lower() for hints in kinds.values() for hint in hints
            )
