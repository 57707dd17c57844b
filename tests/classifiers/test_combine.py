"""Combining: probabilities in any order; agreement helps, rivals hurt; of equals the stricter tag."""

from __future__ import annotations

from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

import classifiers
from classifiers.combine import GENERAL, features, fitted, judge, judge_table
from classifiers.evidence import cells, subject
from classifiers.evidence.evidence import Evidence
from classifiers.evidence.headers import ALONE as ALONE_SOURCE
from classifiers.evidence.headers import BESIDE as BESIDE_SOURCE
from classifiers.evidence.neighbours import ALONE, Surroundings, paired, surroundings
from classifiers.taxonomy import core

HINTS = st.lists(
    st.builds(
        Evidence,
        st.sampled_from(sorted(core().tags)),
        st.sampled_from(["name", ALONE_SOURCE, BESIDE_SOURCE, "values", "statistics", "dictionary"]),
        st.just("rule"),
        st.sampled_from([0.35, 0.6, 0.85, 0.97, 1.0]),
    ),
    max_size=8,
)
ABOUT = st.builds(lambda share: {"person": share, "organisation": (1 - share) / 2}, st.floats(0, 1))
PLACES = st.builds(Surroundings, st.just(True), st.booleans(), ABOUT) | st.just(ALONE)


def hint(tag: str, source: str = ALONE_SOURCE, weight: float = 0.85) -> Evidence:
    return Evidence(tag, source, "r", weight)


def read(tag: str, weight: float) -> tuple[Evidence, Evidence]:
    """What a name is read as, alone and beside others."""
    return hint(tag, ALONE_SOURCE, weight), hint(tag, BESIDE_SOURCE, weight)


@given(HINTS, PLACES, st.randoms())
def test_probabilities_whatever_the_order(hints, place, chance) -> None:
    shuffled = list(hints)
    chance.shuffle(shuffled)
    found = judge(hints, place)
    assert found == judge(shuffled, place)
    other = {"name", ALONE_SOURCE if place.known else BESIDE_SOURCE}
    assert {it.tag for it in found} == {GENERAL, *(it.tag for it in hints if it.source not in other)}
    assert 0 < sum(it.confidence for it in found) < 1  # the rest is for what nothing speaks for
    after = found[1:] if found[0].tag != GENERAL else found  # one of several ways to be personal may lead
    assert list(after) == sorted(after, key=lambda it: -it.confidence)


OWN = st.lists(
    st.builds(
        Evidence,
        st.sampled_from(sorted(core().tags)),
        st.sampled_from(["owner", "values"]),
        st.sampled_from(["own:a", "own:b"]),
        st.floats(0.01, 0.999),
    ),
    min_size=1,
    max_size=6,
)


@given(HINTS, OWN, PLACES)
def test_an_owners_recognisers_never_make_what_is_likely_less_strict(hints, own, place) -> None:
    """However many they are, and however sure."""
    known = core().tags
    before, after = judge(hints, place)[0], judge([*hints, *own], place)[0]
    bar = known[after.tag].strictness
    stricter = sum(it.confidence for it in judge(hints, place) if known[it.tag].strictness > bar)
    assert known[after.tag].strictness >= known[before.tag].strictness or stricter < 0.5
    assert after.tag in {before.tag, *(it.tag for it in own)}


def test_of_tags_nearly_as_likely_the_strictest_is_proposed() -> None:
    weights = {"values": 1.0}
    nearly = [hint("pi.id.generic", "values", 0.7), hint("pi.id.document", "values", 0.69)]
    found = judge(nearly, ALONE, weights)
    assert found[0].tag == "pi.id.document"
    assert found[0].confidence < found[1].confidence
    apart = [hint("pi.id.generic", "values", 0.7), hint("pi.id.document", "values", 0.5)]
    assert judge(apart, ALONE, weights)[0].tag == "pi.id.generic"


def test_a_second_rule_that_fits_never_counts_against_its_tag() -> None:
    first = Evidence("pi.contact.mobile", "values", "phone-e164", 0.93)
    second = Evidence("pi.contact.mobile", "values", "phone-mixed", 0.85)
    assert features([first, second]) == features([first])


def test_agreement_helps_and_a_rival_hurts() -> None:
    by_name, by_values = hint("pi.name"), hint("pi.name", "values")
    alone = judge([by_name])[0]
    both = judge([by_name, by_values])[0]
    torn = judge([by_name, hint("pi.address", "values")])
    assert alone.tag == both.tag == "pi.name"
    assert both.confidence > alone.confidence
    assert next(it for it in torn if it.tag == "pi.name").confidence < alone.confidence


def test_of_one_source_only_the_strongest_counts() -> None:
    weak, strong = hint("pi.name", "values", 0.5), hint("pi.name", "values", 0.9)
    assert judge([weak, strong]) == judge([strong])


def test_the_stricter_of_equals() -> None:
    same = {"name": 1.0}
    assert judge([hint("pi.age"), hint("pi.religion")], ALONE, same)[0].tag == "pi.religion"
    assert judge([hint("pi.religion"), hint("pi.age")], ALONE, same)[0].tag == "pi.religion"


def test_several_ways_to_be_personal_do_not_each_lose_to_none() -> None:
    same = {"name": 1.0, "against a name: statistics": 1.0, "statistics": 1.0, "unseen": -9.0}
    plain, age, work = (
        hint(GENERAL, "statistics", 0.89),
        hint("pi.age", weight=0.5),
        hint("pi.work", weight=0.5),
    )
    found = judge([plain, age, work], ALONE, same)
    assert [it.tag for it in found].index(GENERAL) == 1
    assert found[0].confidence < found[1].confidence < found[0].confidence * 2
    assert judge([plain, age], ALONE, same)[0].tag == GENERAL


def test_nothing_found_is_general_and_unsure() -> None:
    best, *others = judge([])
    assert (best.tag, others) == (GENERAL, [])
    assert best.confidence < 0.9


def test_the_same_date_is_somebodys_where_the_table_is_about_persons() -> None:
    date = (
        *read("pi.event-date", 0.5),
        *read(GENERAL, 0.45),
        hint("pi.event-date", "values", 0.5),
    )
    person = [
        ("NAME", read("pi.name", 0.9)),
        ("ID_CARD", (hint("pi.id.resident", "values", 0.98),)),
    ]
    firm = [("USCC", (hint("org.id", "values", 0.97),)), ("COMPANY", read("org.name", 0.9))]
    found = {}
    for who, others in (("person", person), ("organisation", firm)):
        names, hints = zip(*others, ("FOUNDED", date), strict=True)
        judged = judge_table(names, hints)
        assert max(judged[0].about, key=judged[0].about.__getitem__) == who
        found[who] = judged[-1].beside[0].tag
    assert found == {"person": "pi.event-date", "organisation": GENERAL}


def test_a_weak_name_says_less_where_no_value_has_the_shape() -> None:
    def chance(*hints: Evidence) -> float:
        return next(it.confidence for it in judge(hints) if it.tag == "pi.event-date")

    def missing(weight: float) -> float:
        name = hint("pi.event-date", weight=weight)
        dates = hint("pi.event-date", "values", 0.5)
        return chance(name) / chance(name, dates)

    assert missing(0.4) < missing(0.9)


def test_a_gender_is_nobodys_in_a_table_about_organisations() -> None:
    gender = read("pi.gender", 0.7)
    chances = [
        next(it.confidence for it in judge(gender, Surroundings(True, about=about)) if it.tag == "pi.gender")
        for about in ({"organisation": 1.0}, {"person": 1.0})
    ]
    assert chances[0] < chances[1] / 2


def test_who_acts_for_an_organisation_makes_no_table_of_persons() -> None:
    firm = [("USCC", (hint("org.id", "values", 0.97),)), ("企业名称", read("org.name", 0.9))]
    number = (hint("pi.id.resident", "values", 0.98),)
    chances = [
        judge_table(*zip(*firm, (name, number), strict=True))[0].about["person"]
        for name in ("法定代表人证件号码", "职工证件号码")
    ]
    assert chances[0] < 0.5 < chances[1] or chances[0] < chances[1] / 2


def test_a_column_is_not_its_own_neighbour() -> None:
    [only] = surroundings([{"pi.name": 0.9}], {})
    assert only.shares["pi.name"] == 0
    first, second = surroundings([{"pi.name": 0.9}, {"pi.name": 0.9}], {})
    assert first.shares["pi.name"] == second.shares["pi.name"] == 0.9
    assert (first.first, second.first) == (True, False)


def test_every_coefficient_is_of_a_feature() -> None:
    every = [
        hint(tag, source)
        for tag in core().tags
        for source in (
            ALONE_SOURCE,
            BESIDE_SOURCE,
            cells.ALONE,
            cells.BESIDE,
            "values",
            "dictionary",
            "statistics",
        )
    ]
    some = [it for tag in core().tags for it in read(tag, 0.85)]
    weak = [it for tag in core().tags for it in read(tag, 0.4)]
    around = (ALONE, Surroundings(True, True, {"person": 0.5}))
    found = [features(hints, place) for hints in (every, some, weak, some[:2], []) for place in around]
    names = {name for columns in found for of_tag in columns.values() for name in of_tag}
    names |= {"against a name: dictionary", "against a name: name", "against a name: statistics"}
    others = (fitted()["alone"].keys() | fitted()["beside"].keys()) - names
    rules = {name.removeprefix("against a name: ").rpartition(": ")[::2] for name in others}
    assert {tag for _, tag in rules} <= core().tags.keys()
    places = ("evidence/*.py", "taxonomies/dictionaries/*", "taxonomies/values.yaml")
    home = Path(classifiers.__file__).parent
    source = "".join(path.read_text(encoding="utf-8") for place in places for path in home.glob(place))
    found_in_text = {rule.removesuffix("-inside").removeprefix("text-with-") for rule, _ in rules}
    assert not [rule for rule in found_in_text if rule not in source]
    signs = subject.features(subject.signs(["a"], [{}], [[]]))
    assert fitted()["subject"].keys() == {name for of_subject in signs.values() for name in of_subject}


def test_degrees_say_little_alone_and_much_in_pairs() -> None:
    half = (hint("pi.name"), Evidence("pi.location", "values", "latitude", 0.6, 1.0))
    other = (Evidence("pi.location", "values", "longitude", 0.75, 1.0),)
    assert paired([half, other, ()]) == [half, other, ()]
    [(name, lone), *_] = paired([half, (), other])
    assert (name, lone.tag, lone.weight < 0.2) == (half[0], "pi.location", True)
    assert paired([]) == []


def test_small_numbers_hide_whose_number_it_is_only_where_the_name_says_so() -> None:
    small = hint("general", cells.BESIDE, 0.9)
    around = Surroundings(True, about={"person": 0.5})
    found = features((*read("pi.id.generic", 0.8), small), around)["general"]
    assert 0 < found["cells against a number of persons"] == found["cells against a number"] / 2
    assert "cells against a number" not in features((*read("pi.age", 0.8), small), around)["general"]
