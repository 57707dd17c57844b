"""Combining: probabilities in any order; agreement helps, rivals hurt; of equals the stricter tag."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from classifiers.combine import GENERAL, UNSEEN, features, fitted, judge
from classifiers.evidence.evidence import Evidence
from classifiers.evidence.neighbours import ALONE, Surroundings, surroundings
from classifiers.taxonomy import core

HINTS = st.lists(
    st.builds(
        Evidence,
        st.sampled_from(sorted(core().tags)),
        st.sampled_from(["name", "values", "statistics", "dictionary"]),
        st.just("rule"),
        st.sampled_from([0.35, 0.6, 0.85, 0.97, 1.0]),
    ),
    max_size=8,
)
PLACES = st.builds(Surroundings, st.just(True), *[st.floats(0, 1)] * 3) | st.just(ALONE)


def hint(tag: str, source: str, weight: float = 0.85) -> Evidence:
    return Evidence(tag, source, "r", weight)


@given(HINTS, PLACES, st.randoms())
def test_probabilities_whatever_the_order(hints, place, chance) -> None:
    shuffled = list(hints)
    chance.shuffle(shuffled)
    found = judge(hints, place)
    assert found == judge(shuffled, place)
    assert {it.tag for it in found} == {GENERAL, *(it.tag for it in hints)}
    assert 0 < sum(it.confidence for it in found) < 1  # the rest is for what nothing speaks for
    assert list(found) == sorted(found, key=lambda it: -it.confidence)


def test_agreement_helps_and_a_rival_hurts() -> None:
    by_name, by_values = hint("pi.name", "name"), hint("pi.name", "values")
    alone = judge([by_name])[0]
    both = judge([by_name, by_values])[0]
    torn = judge([by_name, hint("pi.address", "values")])
    assert alone.tag == both.tag == "pi.name"
    assert both.confidence > alone.confidence
    assert next(it for it in torn if it.tag == "pi.name").confidence < alone.confidence


def test_of_one_source_only_the_strongest_counts() -> None:
    weak, strong = hint("pi.name", "name", 0.5), hint("pi.name", "name", 0.9)
    assert judge([weak, strong]) == judge([strong])


def test_the_stricter_of_equals() -> None:
    assert (
        judge([hint("pi.age", "name"), hint("pi.gender", "name")])[0].confidence
        == judge([hint("pi.age", "name"), hint("pi.gender", "name")])[1].confidence
    )
    same = {"name": 1.0}
    assert judge([hint("pi.age", "name"), hint("pi.religion", "name")], ALONE, same)[0].tag == "pi.religion"
    assert judge([hint("pi.religion", "name"), hint("pi.age", "name")], ALONE, same)[0].tag == "pi.religion"


def test_nothing_found_is_general_and_unsure() -> None:
    best, *others = judge([])
    assert (best.tag, others) == (GENERAL, [])
    assert best.confidence < 0.9


def test_the_same_date_is_somebodys_where_the_table_is_about_persons() -> None:
    date = {"pi.event-date": 0.5, GENERAL: 0.4}
    person = {"pi.id.resident": 0.99}
    firm = {"org.id": 0.99}
    [beside_person, _], [beside_firm, _] = surroundings([date, person]), surroundings([date, firm])
    assert (beside_person.person, beside_firm.organisation) == (0.99, 0.99)
    hints = [hint("pi.event-date", "name", 0.7)]
    assert judge(hints, beside_person)[0].tag == "pi.event-date"
    assert judge(hints, beside_firm)[0].tag == GENERAL


def test_a_column_is_not_its_own_neighbour() -> None:
    [only] = surroundings([{"pi.name": 0.9}])
    assert only.named == 0
    first, second = surroundings([{"pi.name": 0.9}, {"pi.name": 0.9}])
    assert first.named == second.named == 0.9


def test_every_coefficient_is_of_a_feature() -> None:
    every = [hint(tag, source) for tag in core().tags for source in ("name", "values")]
    found = [*features(every).values(), *features(every, Surroundings(known=True)).values()]
    names = {name for of_tag in found for name in of_tag}
    lone = features([hint("pi.name", "name")])
    plain = ("dictionary", "statistics")
    names |= {
        "general beside its like",
        *plain,
        *(f"against a name: {name}" for name in plain),
        *lone["pi.name"],
        *lone[UNSEEN],
    }
    for weights in fitted().values():
        assert weights.keys() <= names
