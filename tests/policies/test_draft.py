"""Drafts: blanks where an owner must speak, and a policy in force comes back as it is."""

from __future__ import annotations

import unicodedata
from fractions import Fraction

import pytest
from everything import OTHER, WHOLE
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from policies.build import parse
from policies.conform import DatasetFacts
from policies.draft import Suggestion, comment, draft, text
from policies.load import load
from policies.model import AccessPolicy, canonical, policy_digest
from sandbox.errors import InvalidInputError
from sandbox.schema import DatasetName, Kind, Use

FACTS = DatasetFacts(
    DatasetName("health.diabetes"), "patient_nbr", "health.patient", "zcdp", Fraction(1, 10**6)
)


def suggestion(
    name: str, kind: Kind = Kind.STRING, *, withheld: bool = False, confirmed: bool = True
) -> Suggestion:
    return Suggestion(name, kind, "meaning", frozenset(Use), withheld, kind is Kind.STRING, confirmed)


def drafted(*columns: Suggestion, before: AccessPolicy | None = None) -> str:
    known = (before, policy_digest(before)) if before else None
    return draft(FACTS, "bureau", columns, before=known, say=str, schema="s.json")


def test_the_first_blank_is_refused_with_its_line() -> None:
    written = drafted(suggestion("a"))
    with pytest.raises(InvalidInputError) as refused:
        parse(written, "draft.yaml")
    line = next(number for number, line in enumerate(written.splitlines(), 1) if "FILL" in line)
    assert (refused.value.code, refused.value.facts["line"]) == ("policy.blank", line)
    assert refused.value.facts["path"] == "unit.max_rows"


def test_a_blank_in_quotes_is_a_word(text: str) -> None:
    assert parse(text.replace("Norm", '"FILL"'), "p").column("A1Cresult")
    with pytest.raises(InvalidInputError, match=r"policy\.blank"):
        parse(text.replace("Norm", "FILL"), "p")


@pytest.mark.parametrize(
    ("kind", "wanted"),
    [
        (Kind.STRING, "{use: [group, filter, join, feature], categories: [FILL]}"),
        (Kind.BOOLEAN, "{use: [group, filter, join, feature], categories: [true, false]}"),
        (Kind.INTEGER, "{use: [filter, measure, join, feature], bounds: [FILL, FILL], grid: 1}"),
        (Kind.DECIMAL, "{use: [filter, measure, join, feature], bounds: [FILL, FILL], grid: FILL}"),
        (Kind.DATE, "{use: [group, filter, join, feature], dates: [FILL, FILL]}"),
    ],
)  # fmt: skip
def test_a_blank_is_of_the_kind_that_fits(kind: Kind, wanted: str) -> None:
    assert f"  a: {wanted}\n" in drafted(suggestion("a", kind))


def test_what_is_withheld_or_unconfirmed_is_a_comment() -> None:
    written = drafted(suggestion("a", withheld=True), suggestion("b", confirmed=False))
    assert "columns: {}\n" in written
    assert "  # a: meaning; draft.withheld\n  # b: draft.unconfirmed\n" in written


def test_a_policy_in_force_comes_back_with_the_next_version() -> None:
    for source in (WHOLE, OTHER):
        before = parse(source, "before")
        facts = DatasetFacts(
            before.dataset, before.unit.key, before.unit.namespace, before.budget.filter, before.budget.delta
        )
        columns = [suggestion(rule.name) for rule in before.columns]
        known = (before, policy_digest(before))
        written = draft(facts, before.owner, columns, before=known, say=str, schema="s.json")
        said = canonical(parse(written, "draft"))
        assert said == canonical(before) | {
            "version": before.version + 1,
            "supersedes": policy_digest(before),
        }


@settings(max_examples=200, deadline=None, phases=[Phase.generate], suppress_health_check=list(HealthCheck))
@given(
    st.text(
        st.characters(exclude_categories=["Cs", "Cc", "Cf", "Co", "Cn", "Zl", "Zp"]), min_size=1, max_size=9
    )
)
def test_words_are_read_as_they_were_written(word: str) -> None:
    try:
        read = load(f"a: [{text(word)}, {{{text(word)}: 1}}]", "p").data
    except InvalidInputError:  # an invisible character, which no policy can say
        assert any(
            not character.isprintable() or unicodedata.category(character)[0] in "MLZ" for character in word
        )
    else:
        assert read == {"a": [word, {word: 1}]}


def test_a_comment_stays_one_line() -> None:
    assert comment("a\nb: {c}\r\u2028d") == "a b: {c} d"
