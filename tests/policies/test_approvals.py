"""Whose yes is enough: held against a search over all subsets of persons, and the words of the rule."""

from __future__ import annotations

import datetime as dt
from itertools import combinations, pairwise

import pytest
from hypothesis import given as examples
from hypothesis import strategies as st

from policies.approvals import EXPIRES, Approval, Consent, Quorum, Rule, Yes, given, satisfied, written
from sandbox.schema import DatasetName, Principal, Role

NAME = DatasetName("health.diabetes")
NOW = dt.datetime(2026, 11, 23, 12, tzinfo=dt.UTC)
PEOPLE = ("bureau", "wang", "zhao", "qian", "li")
WORDS = (*PEOPLE, "group:ethics", "group:board")


def person(name: str, *roles: Role, groups: tuple[str, ...] = ()) -> Principal:
    return Principal(name, frozenset(roles), frozenset(groups))


BUREAU, LI = person("bureau", Role.OWNER), person("li", Role.REVIEWER)
ZHAO, QIAN = person("zhao", Role.ANALYST, groups=("ethics",)), person("qian", Role.ANALYST)


def rule(consent: Consent, **more: object) -> Rule:
    return Rule(NAME, "bureau", consent, "wang", **more)


def yes(*people: Principal, ago: dt.timedelta = dt.timedelta(0)) -> list[Yes]:
    return [Yes(by, NOW - ago) for by in people]


TWO = Quorum(2, frozenset({"zhao", "qian", "group:ethics"}))


@pytest.mark.parametrize(
    ("consent", "people", "enough"),
    [
        (Approval.AUTO, [], True),
        (Approval.OWNER, [], False),
        (Approval.OWNER, [BUREAU], True),
        (Approval.OWNER, [LI, ZHAO], False),
        (Approval.OWNER, [person("bureau", Role.ANALYST)], False),  # an owner no more
        (Approval.OWNER, [person("other", Role.OWNER)], False),
        (Approval.OWNER_AND_REVIEWER, [BUREAU], False),
        (Approval.OWNER_AND_REVIEWER, [BUREAU, LI], True),
        (Approval.OWNER_AND_REVIEWER, [LI], False),
        (Approval.OWNER_AND_REVIEWER, [person("bureau", Role.OWNER, Role.REVIEWER)], False),
        (Approval.OWNER_AND_REVIEWER, [BUREAU, BUREAU], False),
        (TWO, [ZHAO], False),  # called by name and through a group: one person
        (TWO, [ZHAO, ZHAO], False),
        (TWO, [ZHAO, QIAN], True),
        (TWO, [ZHAO, BUREAU], False),
        (TWO, [ZHAO, person("sun", Role.REVIEWER, groups=("ethics",))], True),
        (TWO, [QIAN, person("sun", Role.REVIEWER)], False),  # a member no more
        (TWO, [QIAN, person("group:ethics", Role.REVIEWER)], False),
    ],
)
def test_who_is_enough(consent: Consent, people: list[Principal], enough: bool) -> None:
    assert satisfied([rule(consent)], yes(*people), NOW) is enough


def test_who_asked_has_no_say_whatever_they_are() -> None:
    everything = person("wang", *Role, groups=("ethics",))
    assert not satisfied([Rule(NAME, "wang", Approval.OWNER, "wang")], yes(everything), NOW)
    assert not satisfied([rule(Quorum(1, frozenset({"wang", "group:ethics"})))], yes(everything), NOW)
    assert not satisfied([rule(Approval.OWNER_AND_REVIEWER)], yes(BUREAU, everything), NOW)
    for consent in (*Approval, TWO):
        assert not rule(consent).asks(everything)


def test_a_yes_counts_until_it_expires() -> None:
    tick = dt.timedelta(microseconds=1)
    for consent, expires in ((rule(Approval.OWNER), EXPIRES), (rule(Approval.OWNER, expires=tick), tick)):
        assert satisfied([consent], yes(BUREAU, ago=expires - tick), NOW)
        assert not satisfied([consent], yes(BUREAU, ago=expires), NOW)
        assert satisfied([consent], [*yes(BUREAU, ago=expires), *yes(BUREAU)], NOW)


def test_every_dataset_has_its_own_say() -> None:
    other = Rule(DatasetName("health.labs"), "laboratory", Approval.OWNER, "wang")
    rules = [rule(Approval.OWNER), other]
    assert not satisfied(rules, yes(BUREAU), NOW)
    assert satisfied(rules, yes(BUREAU, person("laboratory", Role.OWNER)), NOW)
    assert satisfied([rule(Approval.AUTO), rule(Approval.OWNER)], yes(BUREAU), NOW)


def test_hopeless_is_what_only_the_asker_could_give() -> None:
    own = Rule(NAME, "wang", Approval.OWNER, "wang")
    assert own.hopeless()
    assert Rule(NAME, "wang", Approval.OWNER_AND_REVIEWER, "wang").hopeless()
    assert rule(Quorum(2, frozenset({"wang", "zhao"}))).hopeless()
    assert not rule(Quorum(1, frozenset({"wang", "zhao"}))).hopeless()
    assert not rule(Quorum(2, frozenset({"wang", "group:ethics"}))).hopeless()
    assert not any(rule(consent).hopeless() for consent in (*Approval, TWO))


def test_rules_are_written_as_they_are_said() -> None:
    assert [written(consent) for consent in (*Approval, TWO)] == [
        "auto",
        "owner",
        "owner+reviewer",
        "2 of group:ethics, qian, zhao",
    ]


PERSONS = st.builds(
    Principal,
    st.sampled_from(PEOPLE),
    st.frozensets(st.sampled_from(Role)),
    st.frozensets(st.sampled_from(("ethics", "board"))),
)
CONSENTS = st.sampled_from(Approval) | st.builds(
    Quorum, st.integers(1, 4), st.frozensets(st.sampled_from(WORDS))
)
AGES = st.sampled_from([dt.timedelta(0), dt.timedelta(days=13), EXPIRES, dt.timedelta(days=30)])


def enough_by_search(consent: Consent, said: list[Yes]) -> bool:
    """The words of the rule, tried on every choice of different persons."""
    valid = {y.by.name: y.by for y in said if (NOW - y.at) < dt.timedelta(days=14) and y.by.name != "wang"}
    if consent is Approval.AUTO:
        return True
    if isinstance(consent, Quorum):
        return any(
            all(p.name in consent.of or any(f"group:{g}" in consent.of for g in p.groups) for p in chosen)
            for chosen in combinations(valid.values(), consent.need)
        )
    owner = "bureau" in valid and Role.OWNER in valid["bureau"].roles
    others = [p for p in valid.values() if p.name != "bureau" and Role.REVIEWER in p.roles]
    return owner and (consent is Approval.OWNER or bool(others))


@examples(CONSENTS, st.lists(st.tuples(PERSONS, AGES), max_size=6, unique_by=lambda it: it[0].name))
def test_equals_a_search_over_persons(consent: Consent, people: list[tuple[Principal, dt.timedelta]]) -> None:
    said = [Yes(by, NOW - age) for by, age in people]
    assert satisfied([rule(consent)], said, NOW) is enough_by_search(consent, said)


@examples(CONSENTS, st.lists(PERSONS, max_size=6))
def test_one_more_yes_never_takes_one_away(consent: Consent, people: list[Principal]) -> None:
    known = {by.name: by for by in people}
    said = yes(*known.values())
    for party in rule(consent).parties:
        counted = [given(rule(consent), party, said[:n], NOW) for n in range(len(said) + 1)]
        assert all(fewer <= more for fewer, more in pairwise(counted))
