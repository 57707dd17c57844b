"""Names read together: unknown words, what stands beside them, who is said to matter, and how it is kept."""

from __future__ import annotations

import re
from collections import Counter, defaultdict

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from benchmarks.classification import labelled
from benchmarks.classification.fit import hand_of
from benchmarks.classification.fit_networks import FOLDERS, read
from benchmarks.classification.published import published
from classifiers.evidence.headers import ALONE, BESIDE, header_evidence
from classifiers.evidence.network import from_arrays, network, to_arrays
from classifiers.evidence.reading import LEAST, OWN
from classifiers.taxonomy import GENERAL, core

NAMES = st.lists(
    st.text(max_size=30) | st.sampled_from(["姓名", "DOB", "amt", "column_3"]), min_size=1, max_size=9
)


def read_all(pattern: str) -> list:
    return [table for file in sorted(labelled.HERE.glob(pattern)) for table in read(file)]


def likeliest(names: list[str], column: str, source: str = BESIDE) -> str:
    found = [it for it in header_evidence(names)[names.index(column)] if it.source == source]
    return max(found, key=lambda it: it.weight).tag


@given(NAMES)
@settings(deadline=None)
def test_chances_of_known_tags_whatever_the_names(names) -> None:
    found = header_evidence(names)
    assert len(found) == len(names)
    for hints in found:
        for source in (ALONE, BESIDE):
            of_source = [it for it in hints if it.source == source]
            assert len({it.tag for it in of_source}) == len(of_source)
            assert all(LEAST < it.weight < 1 and it.tag in core().tags for it in of_source)
            assert sum(it.weight for it in of_source) < 1.001


@given(NAMES, NAMES)
@settings(deadline=None)
def test_a_name_alone_is_read_the_same_in_any_table_of_its_script(names, others) -> None:
    def alone(of: list[str]) -> dict[str, float]:
        return {it.tag: it.weight for it in header_evidence(of)[0] if it.source == ALONE and it.weight > 0.02}

    # Whether letters may be Chinese initials is a matter of all names, so the first is one without any.
    assert alone(["出生年月", *names]) == pytest.approx(alone(["出生年月", *others]), rel=1e-4)


def test_words_that_no_list_holds() -> None:
    for name, tag in {
        "zwqchtwart_vorname": "pi.name",
        "zwq_gebdatum": "pi.birth-date",
        "爨坝村号牌": "pi.vehicle",
    }.items():
        assert likeliest([name, "status"], name) == tag


def test_the_same_name_is_read_by_what_stands_beside_it() -> None:
    person = ["patient_no", "surname", "date_of_birth", "amount", "paid_on"]
    thing = ["sku", "warehouse", "pallet_count", "amount", "supplier_lot"]
    assert likeliest(person, "amount") == "finance.personal"
    assert likeliest(thing, "amount") == GENERAL


def test_who_matters_is_another_column_of_the_table() -> None:
    names = ["patient_no", "surname", "date_of_birth", "amount", "paid_on"]
    for place, hints in enumerate(header_evidence(names)):
        for rule in {it.rule for it in hints if it.source == BESIDE}:
            others = {*names} - {names[place]}
            assert rule == OWN or set(rule.split(", ")) <= others
        assert {it.rule for it in hints if it.source == ALONE} == {OWN}
    assert any(it.rule != OWN for it in header_evidence(names)[3])


def test_long_names_beside_a_column_are_cut() -> None:
    found = header_evidence(["surname", "amount paid" + "x" * 900, "paid_on"])
    assert max(len(it.rule) for hints in found for it in hints) < 100


def test_a_column_without_a_name_has_what_the_others_say() -> None:
    assert header_evidence(["column_1", "column_2"]) == ((), ())
    _, nameless = header_evidence(["surname", "column_2"])
    assert {it.source for it in nameless} == {BESIDE}


def test_a_comment_is_read_as_well() -> None:
    _, told = header_evidence(["surname", "column_2"], ["", "date of birth"])
    assert max(told, key=lambda it: it.weight).tag == "pi.birth-date"


def test_ten_thousand_names() -> None:
    found = header_evidence(
        [f"{word}_{place}" for place in range(2500) for word in ("name", "qty", "姓名", "dob")]
    )
    assert len(found) == 10_000
    assert all(found)


@pytest.mark.parametrize("name", ["headers", "cells"])
def test_kept_in_bytes_and_read_back(name) -> None:
    known = network(name)
    again = from_arrays(to_arrays(known))
    assert (again.tags, again.bags) == (known.tags, known.bags)
    assert again.vocabularies == known.vocabularies
    for one, other in zip(known.vectors, again.vectors, strict=True):
        assert np.allclose(one, other, atol=1e-6)
    assert set(known.tags) <= core().tags.keys()


def test_what_is_only_measured_is_not_among_what_it_learned_from() -> None:
    def plain(names) -> frozenset[str]:
        return frozenset(re.sub(r"[\W_]+", "", name.casefold()) for name in names)

    apart = [plain(it.name for it in table) for table in read_all("kept_apart/*.txt")]
    apart += [plain(columns) for _, columns in published()]
    learned = [
        plain(it.name for it in table)
        for pattern in ("headers/repositories/*.txt", "cells/published/*.txt")
        for table in read_all(pattern)
    ]
    learned += [
        plain(it.column for it in table.labels)
        for table in labelled.tables("intl", "development")
        if hand_of(table.name) == "eighth"
    ]
    assert len(apart) > 350
    assert len(learned) > 3500
    where = defaultdict(list)
    for place, names in enumerate(learned):
        for name in names:
            where[name].append(place)
    for names in apart:
        for place, shared in Counter(it for name in names for it in where.get(name, ())).items():
            assert shared < 4 or 2 * shared < len(names | learned[place]), (names, learned[place])


def test_no_labelled_table_is_among_what_it_learned_from() -> None:
    def plain(name: str) -> str:
        return re.sub(r"[\W_]+", "", name.casefold())

    labels = [
        {plain(it.column) for it in table.labels if not re.fullmatch(r"column_\d+", it.column)}
        for chosen in labelled.SETS
        for part in labelled.PARTS
        for table in labelled.tables(chosen, part)
    ]
    where = defaultdict(list)
    for place, names in enumerate(labels):
        for name in names:
            if not re.fullmatch(
                r"[a-z]{1,2}\d+", name
            ):  # x3 and q12 say nothing, and everybody's first is x1
                where[name].append(place)
    for file in [it for folder in FOLDERS["headers"] for it in (labelled.HERE / folder).glob("*/*.txt")]:
        for table in read(file):
            learned = {plain(it.name) for it in table}
            for place, shared in Counter(it for name in learned for it in where.get(name, ())).items():
                few = shared < 5 or 2 * shared < min(len(learned), len(labels[place]))
                assert few, (file, table[0].name)
