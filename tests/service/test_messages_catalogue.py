"""Finding words for a code never fails and never lets a fact move the terminal."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sandbox.errors import InvalidInputError
from service.messages import catalogue

facts = st.one_of(st.text(), st.integers(), st.floats(), st.booleans(), st.none(), st.lists(st.text()))


@pytest.mark.parametrize(
    ("environment", "expected"),
    [
        ({}, "en"),
        ({"LANG": "zh_CN.UTF-8"}, "zh"),
        ({"LANG": "zh_CN.UTF-8", "LC_ALL": "C.UTF-8"}, "en"),
        ({"LANG": "zh_CN.UTF-8", "LC_MESSAGES": "de_DE"}, "en"),
        ({"LC_ALL": "", "LANG": "zh_TW"}, "zh"),
        ({"KEYONG_LANG": "zh", "LC_ALL": "en_US.UTF-8"}, "zh"),
        ({"KEYONG_LANG": "en", "LANG": "zh_CN.UTF-8"}, "en"),
    ],
)
def test_language_is_what_the_first_set_variable_says(environment, expected):
    assert catalogue.language(environment) == expected


def test_text_fills_in_the_facts():
    error = InvalidInputError("domain.bad-dates", low="2020-01-02", high="2020-01-01")
    assert catalogue.text(error, "en").startswith("Dates from 2020-01-02 to 2020-01-01 run backwards")
    assert "2020-01-02" in catalogue.text(error, "zh")
    assert catalogue.text(error, "zh") != catalogue.text(error, "en")


def test_an_unknown_language_is_english():
    assert catalogue.say("domain.bad-categories", "xx", count=2) == catalogue.say(
        "domain.bad-categories", "en", count=2
    )


def test_an_unknown_code_shows_itself_and_its_facts():
    assert catalogue.say("nowhere.at-all", "zh", n=3, who=["a", "b"]) == "nowhere.at-all (n: 3, who: a、b)"
    assert catalogue.say("nowhere.at-all", "en") == "nowhere.at-all"


def test_facts_may_be_called_like_the_parameters():
    assert (
        catalogue.say("nowhere.at-all", "en", key="k", language="l") == "nowhere.at-all (key: k, language: l)"
    )


@pytest.mark.parametrize("key", ["../en/domain.bad-dates", "/etc/passwd.x", "..", "", ".", "en/x.y"])
def test_a_code_is_never_a_path(key):
    assert catalogue.say(key, "en") == key


@given(
    key=st.sampled_from(["domain.bad-dates", "number.not-a-number", "no.where"]),
    language=st.sampled_from(["en", "zh", "xx"]),
    given_facts=st.dictionaries(st.sampled_from(["low", "high", "value", "n"]), facts),
)
def test_whatever_the_facts_one_printable_line_comes_out(key, language, given_facts):
    line = catalogue.say(key, language, **given_facts)
    assert line
    assert line.isprintable()
