"""Rules by tag, kinds of job, minimum count and retention: what they say, and what a tag's no is worth."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from policies.build import parse
from policies.conform import DatasetFacts, problems
from policies.decide import Allowed, Denied, decide
from policies.model import AccessPolicy, ColumnRule, TagRule, policy_digest
from policies.request import Request
from policies.tags import denying, effective, fits
from sandbox.errors import InvalidInputError
from sandbox.privacy.loss import ZERO
from sandbox.schema import DatasetName, Field, Kind, NumericDomain, Principal, Role, Tag, Use

GROUP, FILTER, MEASURE, JOIN = Use.GROUP, Use.FILTER, Use.MEASURE, Use.JOIN
LI = Principal("li", frozenset({Role.ANALYST}), frozenset({"researchers"}))


def written(text: str, **more: str) -> str:
    """The policy with sections put before ``columns``, ``extra`` columns and a grant's ``kinds``."""
    text = text.replace("columns:\n", f"{more.get('sections', '')}columns:\n{more.get('columns', '')}")
    return text.replace("    approval: auto", f"    approval: auto\n{more.get('grant', '')}")


def ask(
    policy: AccessPolicy, tags: dict[str, str], *uses: tuple[str, Use], **more: object
) -> Allowed | Denied:
    confirmed = {column: Tag(tag, True) for column, tag in tags.items()}
    request = Request(
        DatasetName("health.diabetes"), LI, "readmission-statistics", frozenset(uses),
        frozenset({"count"}), ZERO, None, dt.date(2027, 1, 1),
    )  # fmt: skip
    return decide(policy, confirmed, replace(request, **more))  # type: ignore[arg-type]


def test_a_tag_opens_columns_that_nothing_else_speaks_of(text: str) -> None:
    policy = parse(written(text, sections="tags: {pi.health: {use: [filter, group]}}\n"), "p.yaml")
    yes = ask(policy, {"insulin": "pi.health"}, ("insulin", FILTER))
    assert isinstance(yes, Allowed)
    assert yes.rules[0] == 'tags["pi.health"].use'
    no = ask(policy, {"insulin": "pi.name"}, ("insulin", FILTER))
    assert isinstance(no, Denied)
    assert no.rule == 'defaults["pi.*"]'


@pytest.mark.parametrize(
    ("use", "code", "rule"),
    [
        (GROUP, "denied.no-domain", "columns.insulin.domain"),
        (MEASURE, "denied.no-bounds", "columns.insulin.bounds"),
        (JOIN, "denied.use-not-listed", 'tags["pi.health"].use'),
    ],
)
def test_a_use_that_needs_a_domain_still_needs_one(text: str, use: Use, code: str, rule: str) -> None:
    policy = parse(written(text, sections="tags: {pi.health: {use: [group, measure]}}\n"), "p.yaml")
    decision = ask(policy, {"insulin": "pi.health"}, ("insulin", use))
    assert isinstance(decision, Denied)
    assert (decision.code, decision.rule) == (code, rule)


def test_a_column_may_give_its_domain_and_leave_its_uses_to_the_tag(text: str) -> None:
    policy = parse(
        written(
            text,
            sections="tags: {pi.health: {use: [group, measure]}}\n",
            columns="  insulin: {categories: [No, Up]}\n  dose: {bounds: [0, 9], grid: 1}\n",
        ),
        "p.yaml",
    )
    tags = {"insulin": "pi.health", "dose": "pi.health"}
    yes = ask(policy, tags, ("insulin", GROUP), ("dose", MEASURE))
    assert isinstance(yes, Allowed)
    assert set(yes.domains) == {"insulin", "dose"}
    # Without a tag that opens it, the domain alone opens nothing.
    no = ask(policy, tags | {"insulin": "general"}, ("insulin", GROUP))
    assert isinstance(no, Denied)
    assert (no.code, no.rule) == ("denied.use-not-listed", "columns.insulin.use")
    # A list of uses of its own, however short, is not widened by the tag.
    own = parse(written(text, sections="tags: {pi.health: {use: [measure, filter]}}\n"), "p.yaml")
    assert isinstance(ask(own, {"admitted": "pi.health"}, ("admitted", FILTER)), Denied)


def test_a_tags_no_beats_every_column_rule(text: str) -> None:
    policy = parse(
        written(text, sections='tags: {"pi.health.*": deny, pi.health.lab: {use: [group]}}\n'), "p.yaml"
    )
    for tag in ("pi.health", "pi.health.lab", "pi.health.lab.blood"):
        no = ask(policy, {"age": tag}, ("age", GROUP))
        assert isinstance(no, Denied)
        assert (no.code, no.rule, no.facts["where"]) == (
            "denied.tag-closed",
            'tags["pi.health.*"]',
            "p.yaml:7",
        )
    assert isinstance(ask(policy, {"age": "pi.healthy"}, ("age", GROUP)), Allowed)


def test_the_longest_pattern_that_opens_speaks(text: str) -> None:
    sections = 'tags: {"pi.*": {use: [filter]}, "pi.health.*": {use: [join]}, pi.health.lab: {use: []}}\n'
    policy = parse(written(text, sections=sections), "p.yaml")
    found = {
        tag: effective(policy, "insulin", tag) for tag in ("pi.name", "pi.health", "pi.health.lab", "general")
    }
    assert {tag: it and it.rule.uses for tag, it in found.items()} == {
        "pi.name": {FILTER},
        "pi.health": {JOIN},
        "pi.health.lab": set(),
        "general": None,
    }


def test_an_unconfirmed_tag_opens_nothing(text: str) -> None:
    policy = parse(written(text, sections="tags: {pi.health: {use: [filter]}}\n"), "p.yaml")
    request = Request(
        DatasetName("health.diabetes"), LI, "readmission-statistics", frozenset({("insulin", FILTER)}),
        frozenset({"count"}), ZERO, None, dt.date(2027, 1, 1),
    )  # fmt: skip
    for tags in ({}, {"insulin": Tag("pi.health", False)}):
        decision = decide(policy, tags, request)
        assert isinstance(decision, Denied)
        assert decision.code == "denied.tag-not-confirmed"


WORDS = st.sampled_from(["pi", "pi.id", "pi.id.resident", "pi.health", "pi.health.lab", "general", "geo"])
PATTERNS = st.tuples(WORDS, st.booleans()).map(lambda it: f"{it[0]}.*" if it[1] else it[0])
RULES = st.dictionaries(PATTERNS, st.none() | st.frozensets(st.sampled_from([GROUP, FILTER, MEASURE]))).map(
    lambda found: tuple(TagRule(pattern, uses) for pattern, uses in found.items())
)
OWN = st.none() | st.builds(
    lambda uses, by_tag: ColumnRule("c", frozenset() if by_tag else uses, by_tag=by_tag),
    st.frozensets(st.sampled_from([GROUP, FILTER])),
    st.booleans(),
)


@given(RULES, OWN, WORDS, st.randoms())
def test_no_order_and_no_exactness_lifts_a_tags_no(text: str, rules, own, tag: str, rng) -> None:
    base = parse(text, "p.yaml")
    policy = replace(base, tags=rules, columns=(own,) if own else ())
    shuffled = replace(policy, tags=tuple(rng.sample(rules, len(rules))))
    assert effective(policy, "c", tag) == effective(shuffled, "c", tag)
    assert policy_digest(policy) == policy_digest(shuffled)
    closed = any(rule.uses is None and fits(rule.pattern, tag) for rule in rules)
    assert closed == (denying(policy, tag) is not None)
    found = effective(policy, "c", tag)
    if closed:
        assert found is None
    elif own is not None and not own.by_tag:
        assert found is not None
        assert found.rule == own


@pytest.mark.parametrize(
    ("sections", "code", "line"),
    [
        ("tags: {pi.health: allow}\n", "policy.not-one-of", 7),
        ("tags: {pi.health: [group]}\n", "policy.not-one-of", 7),
        ("tags:\n  pi.health: {use: [look]}\n", "policy.not-one-of", 8),
        ("tags:\n  pi.health: {use: [group, group]}\n", "policy.written-twice", 8),
        ("tags:\n  pi.health: {uses: [group]}\n", "policy.unknown-key", 8),
        ("tags:\n  pi.health:\n", "policy.not-one-of", 8),
        ("tags: {untagged: deny}\n", "policy.bad-tag-pattern", 7),
        ("tags: {'*': deny}\n", "policy.bad-tag-pattern", 7),
        ("tags: {'pi.*.x': deny}\n", "policy.bad-tag-pattern", 7),
        ("tags: {PI.health: deny}\n", "policy.bad-tag-pattern", 7),
        ("release: {}\n", "policy.missing-key", 7),
        ("release:\n", "policy.empty-value", 7),
        ("release: {minimum_count: 0}\n", "policy.not-a-whole-number", 7),
        ("release: {minimum_count: 2.5}\n", "policy.not-a-whole-number", 7),
        ("release: {minimum_count: true}\n", "policy.not-a-whole-number", 7),
        ("release: {minimum_count: 10, maximum: 3}\n", "policy.unknown-key", 7),
        ("results: {keep: 90}\n", "policy.not-days", 7),
        ("results: {keep: 0d}\n", "policy.not-days", 7),
        ("results: {keep: 12h}\n", "policy.not-days", 7),
        ("results: {keep: 3661d}\n", "policy.not-days", 7),
        ("results: {keep: ٩d}\n", "policy.not-days", 7),
    ],
)
def test_refused_with_line(text: str, sections: str, code: str, line: int) -> None:
    with pytest.raises(InvalidInputError) as caught:
        parse(written(text, sections=sections), "p.yaml")
    assert (caught.value.code, caught.value.facts["line"]) == (code, line), caught.value.facts


def test_minimum_count_and_retention(text: str) -> None:
    policy = parse(written(text, sections="release: {minimum_count: 10}\nresults: {keep: 90d}\n"), "p.yaml")
    assert (policy.minimum_count, policy.keep) == (10, dt.timedelta(days=90))
    yes = ask(policy, {"age": "pi.age"}, ("age", GROUP))
    assert isinstance(yes, Allowed)
    assert yes.minimum_count == 10
    plain = parse(text, "p.yaml")
    assert (plain.minimum_count, plain.keep) == (0, None)
    digests = {
        policy_digest(parse(written(text, sections=sections), "p.yaml"))
        for sections in (
            "", "release: {minimum_count: 10}\n", "release: {minimum_count: 11}\n", "results: {keep: 90d}\n",
            "results: {keep: 91d}\n", "tags: {pi.name: deny}\n", "tags: {pi.name: {use: []}}\n",
            "tags: {pi.name: {use: [group]}}\n", 'tags: {"pi.name.*": deny}\n',
        )
    }  # fmt: skip
    assert len(digests) == 9


def test_kinds_of_job(text: str) -> None:
    plain = parse(text, "p.yaml")
    assert isinstance(ask(plain, {"age": "x"}, ("age", GROUP)), Allowed)
    no = ask(plain, {"age": "x"}, ("age", GROUP), kind="python")
    assert isinstance(no, Denied)
    assert (no.code, no.rule, no.facts["kind"]) == ("denied.kind", "grants[0].kinds", "python")
    python = parse(written(text, grant="    kinds: [python, model]"), "p.yaml")
    assert isinstance(ask(python, {"age": "x"}, ("age", GROUP), kind="python"), Allowed)
    assert isinstance(ask(python, {"age": "x"}, ("age", GROUP)), Denied)
    assert policy_digest(python) != policy_digest(plain)
    assert policy_digest(parse(written(text, grant="    kinds: [sql]"), "p.yaml")) == policy_digest(plain)
    with pytest.raises(InvalidInputError) as caught:
        parse(written(text, grant="    kinds: [shell]"), "p.yaml")
    assert (caught.value.code, caught.value.facts["line"]) == ("policy.not-one-of", 18)
    nothing = parse(written(text, grant="    kinds: []"), "p.yaml")
    assert isinstance(ask(nothing, {"age": "x"}, ("age", GROUP)), Denied)


def test_a_domain_without_uses_needs_a_confirmed_tag(text: str) -> None:
    policy = parse(written(text, columns="  dose: {bounds: [0, 9], grid: 1}\n"), "p.yaml")
    fields = [Field("dose", Kind.INTEGER)]
    facts = DatasetFacts(policy.dataset, policy.unit.key, policy.unit.namespace, "zcdp", policy.budget.delta)
    told = {it.facts.get("column"): it.code for it in problems(policy, fields, {}, facts)}
    assert told["dose"] == "policy.column-not-confirmed"
    tags = {"dose": Tag("pi.health", True)}
    assert "dose" not in {it.facts.get("column") for it in problems(policy, fields, tags, facts)}
    assert isinstance(policy.column("dose").domain, NumericDomain)  # type: ignore[union-attr]


# --- names that read like others ---------------------------------------------------------------------


@pytest.mark.parametrize(
    ("old", "new", "line"),
    [
        ("group:researchers", "group:rеsearchers", 13),  # Cyrillic е
        ("group:researchers", "wаng", 13),
        ("readmission-statistics", "readmission-stаtistics", 14),
        ("  age:", "  аge:", 8),
        ("owner: health-bureau", "owner: heаlth-bureau", 3),
        ("key: patient_nbr", "key: patient_nbг", 4),
        ("  age:", "  agｅ:", 8),  # full width
        ("  age:", "  ageΑ:", 8),  # Greek capital alpha
        ("  age:", "  ag𝐞:", 8),  # mathematical bold
    ],
)
def test_letters_that_pass_for_latin_ones(text: str, old: str, new: str, line: int) -> None:
    with pytest.raises(InvalidInputError) as caught:
        parse(text.replace(old, new, 1), "p.yaml")
    assert (caught.value.code, caught.value.facts["line"]) == ("policy.lookalike", line)


@pytest.mark.parametrize(
    "name",
    ["年龄", "A1C结果", "β2微球蛋白", "γGT", "αFP", "возраст", "ΑΒΓ", "Größe", "naïve", "血压（mmHg）"],
)
def test_names_that_people_write(text: str, name: str) -> None:
    policy = parse(text.replace("  age:", f"  {name}:"), "p.yaml")
    assert policy.column(name) is not None


@pytest.mark.parametrize(
    "hidden", ["\xad", "\u034f", "\u3164", "\u115f", "\uffa0", "\U000e0061", "\u2066", "\u206a"]
)
def test_what_cannot_be_seen_is_refused(text: str, hidden: str) -> None:
    for old in ("age", "researchers", "readmission-statistics"):
        with pytest.raises(InvalidInputError) as caught:
            parse(text.replace(old, f"{old}{hidden}", 1), "p.yaml")
        assert caught.value.code == "policy.invisible-character"
