"""Noisy-or over sources; of equals the stricter tag; order never decides."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from classifiers.combine import combine
from classifiers.evidence.evidence import Evidence
from classifiers.taxonomy import core

HINTS = st.lists(
    st.builds(
        Evidence,
        st.sampled_from(sorted(core().tags)),
        st.sampled_from(["name", "values"]),
        st.just("rule"),
        st.sampled_from([0.35, 0.6, 0.85, 0.97]),
    ),
    max_size=8,
)


def test_sources_add_up_and_one_source_does_not() -> None:
    name, values = Evidence("pi.name", "name", "r", 0.6), Evidence("pi.name", "values", "r", 0.7)
    assert combine([name, values], core()) == ("pi.name", 0.88)
    assert combine([name, name], core()) == ("pi.name", 0.6)


def test_the_stricter_of_equals() -> None:
    health, age = Evidence("pi.health", "name", "r", 0.85), Evidence("pi.age", "name", "r", 0.85)
    assert combine([age, health], core())[0] == "pi.health"
    assert (
        combine([Evidence("general", "name", "r", 0.6), Evidence("pi.address", "name", "r", 0.6)], core())[0]
        == "pi.address"
    )


@given(HINTS, st.randoms())
def test_order_does_not_matter(hints: list[Evidence], chance: object) -> None:
    shuffled = list(hints)
    chance.shuffle(shuffled)  # type: ignore[attr-defined]
    assert combine(hints, core()) == combine(shuffled, core())


@given(HINTS, HINTS)
def test_more_hints_never_lower_confidence(hints: list[Evidence], more: list[Evidence]) -> None:
    if hints:
        assert combine(hints, core())[1] <= combine([*hints, *more], core())[1]
