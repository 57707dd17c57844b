"""What a new policy changes, against `decide` and against approval by people, both asked about everything.

The oracle knows nothing of sentences: it asks both policies every question there is over a small alphabet.
"""

from __future__ import annotations

import dataclasses
import datetime as dt
import re
from fractions import Fraction
from itertools import chain, combinations, product
from pathlib import Path
from typing import Any

import pytest
from everything import OTHER, WHOLE
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from policies.approvals import Approval, Quorum, Rule, Yes, satisfied
from policies.build import parse
from policies.decide import Allowed, decide
from policies.diff.change import Direction
from policies.diff.compare import changes, loosened
from policies.model import (
    AccessPolicy,
    BudgetRule,
    ColumnRule,
    Grant,
    SelectionRule,
    TagRule,
    UnitRule,
    WindowRule,
    canonical,
)
from policies.request import Request
from sandbox.errors import InvalidInputError
from sandbox.privacy.loss import ZERO, Filter
from sandbox.schema import CategoricalDomain, DateDomain, NumericDomain, Principal, Role, Tag, Use
from service.messages.catalogue import messages

NAMES = ("wang", "group:r", "group:s")
PURPOSES = ("p", "q")
OPERATIONS = ("count", "sum", "avg")
DAYS = (dt.date(2027, 1, 1), dt.date(2028, 1, 1))
TAGS = ("pi", "pi.health", "pi.health.mind", "pi.name", "geo")


def sets(values, least: int = 0):
    return st.frozensets(st.sampled_from(values), min_size=least)


consents = st.one_of(
    st.sampled_from(Approval),
    st.builds(Quorum, st.integers(1, 2), sets(("zhao", "qian", "sun"), 2)),
)
grants = st.builds(
    Grant,
    sets(NAMES),
    sets(PURPOSES),
    sets(OPERATIONS),
    st.sampled_from(DAYS),
    consents,
    st.sampled_from((None, dt.timedelta(hours=12), dt.timedelta(days=14))),
    st.sampled_from((frozenset({"sql"}), frozenset({"sql", "python"}))),
)
numeric = st.builds(
    lambda low, width, grid: NumericDomain(Fraction(low), Fraction(low + width), Fraction(grid)),
    st.sampled_from((-4, 0)),
    st.sampled_from((4, 8)),
    st.sampled_from((1, 2)),
)
categories = st.lists(
    st.sampled_from(("a", "b", None, True, 1)), min_size=1, unique_by=lambda v: (type(v), v)
)
domains = st.one_of(
    numeric,
    categories.map(lambda values: CategoricalDomain(tuple(values))),
    st.sampled_from((DateDomain(*DAYS), DateDomain(DAYS[0], DAYS[0]))),
)


@st.composite
def columns(draw, name: str) -> ColumnRule:
    domain, by_tag = draw(st.none() | domains), draw(st.booleans())
    uses = frozenset() if by_tag else draw(sets(tuple(Use)))
    if not isinstance(domain, NumericDomain):
        uses -= {Use.MEASURE}
    return ColumnRule(name, uses, domain, draw(st.sampled_from(("", "text"))), draw(st.booleans()), by_tag)


tag_rules = st.dictionaries(
    st.sampled_from(("pi", "pi.*", "pi.health", "pi.health.*", "geo.*")),
    st.none() | sets(tuple(Use)),
    max_size=3,
).map(lambda rules: tuple(TagRule(pattern, uses) for pattern, uses in rules.items()))
numbers = st.sampled_from((Fraction(1, 2), Fraction(1), Fraction(4)))
budgets = st.builds(
    BudgetRule,
    st.just(Filter.ZCDP),
    st.sampled_from((Fraction(4), Fraction(8))),
    st.sampled_from((Fraction(1, 10**6), Fraction(1, 10**7))),
    st.none() | numbers,
    st.none() | numbers,
    st.none() | st.builds(WindowRule, st.sampled_from(("hour", "day", "week", "month")), numbers),
    st.none()
    | st.builds(
        SelectionRule, st.just(Fraction(1, 10**9)), st.sampled_from((Fraction(1, 10**8), Fraction(1, 10**7)))
    ),
)
units = st.builds(
    UnitRule, st.sampled_from(("id", "nr")), st.sampled_from(("n", "m")), st.sampled_from((2, 4)),
    st.sampled_from((None, 10, 20)), st.sampled_from((None, 4, 9)),
)  # fmt: skip


@st.composite
def policies(draw) -> AccessPolicy:
    names = draw(st.sets(st.sampled_from("xyz")))
    return AccessPolicy(
        dataset=draw(st.sampled_from(("d.a", "d.b"))),
        version=draw(st.integers(1, 3)),
        owner=draw(st.sampled_from(("bureau", "office"))),
        unit=draw(units),
        budget=draw(budgets),
        columns=tuple(draw(columns(name)) for name in sorted(names)),
        grants=tuple(draw(st.lists(grants, max_size=3))),
        denied=tuple(draw(sets(("pi.*", "untagged")))),
        joins=draw(sets(("d.c", "d.e"))),
        supersedes=draw(st.sampled_from((None, "ab" * 32))),
        tags=draw(tag_rules),
        minimum_count=draw(st.sampled_from((0, 5, 9))),
        keep=draw(st.sampled_from((None, dt.timedelta(days=9), dt.timedelta(days=30)))),
    )


@st.composite
def successors(draw) -> tuple[AccessPolicy, AccessPolicy]:
    """A policy, and the same with a few parts of another one, or with the order of its grants changed."""
    old, other = draw(policies()), draw(policies())
    parts = draw(
        st.sets(st.sampled_from(("columns", "grants", "tags", "unit", "budget", "joins")), max_size=3)
    )
    new = dataclasses.replace(old, **{part: getattr(other, part) for part in parts})
    if draw(st.booleans()):
        new = dataclasses.replace(new, grants=tuple(draw(st.permutations(new.grants))))
    elif draw(st.booleans()):
        new = dataclasses.replace(new, grants=new.grants[1:])
    return old, new


# --- the oracle -----------------------------------------------------------------------------------------


def subsets(values):
    return chain.from_iterable(combinations(values, size) for size in range(len(values) + 1))


PEOPLE = [
    Principal("zhao", frozenset({Role.REVIEWER})),
    Principal("qian", frozenset({Role.ANALYST})),
    Principal("sun", frozenset({Role.ANALYST})),
    Principal("bureau", frozenset({Role.OWNER})),
]
NOW = dt.datetime(2026, 12, 1, tzinfo=dt.UTC)


def enough(grant: Grant, owner: str, hours: int) -> set[tuple[str, ...]]:
    """Every set of people whose yes of so many hours ago is enough."""
    expires = {} if grant.approval_expires is None else {"expires": grant.approval_expires}
    rule = Rule("d.a", owner, grant.approval, "asker", **expires)
    found = set()
    for chosen in subsets(PEOPLE):
        said = [Yes(person, NOW - dt.timedelta(hours=hours)) for person in chosen]
        if satisfied([rule], said, NOW):
            found.add(tuple(person.name for person in chosen))
    return found


def questions():
    """Every way to ask by everybody, on each day; the uses are asked about apart."""
    for called in subsets(NAMES):
        groups = frozenset(name.removeprefix("group:") for name in called if ":" in name)
        person = Principal("wang" if "wang" in called else "nobody", frozenset({Role.ANALYST}), groups)
        for purpose, operations, day, kind in product(PURPOSES, subsets(OPERATIONS), DAYS, ("sql", "python")):
            yield Request(
                "d.a", person, purpose, frozenset(), frozenset(operations), ZERO, None, day, kind=kind
            )


def usages():
    for column, use in product("xyz?", Use):
        yield {"uses": frozenset({(column, use)})}
        if use is Use.GROUP:
            yield {"uses": frozenset({(column, use)}), "selects": frozenset({column})}
    yield {"max_rows": 3}
    for other in ("d.c", "d.e"):
        yield {"joined": frozenset({other})}


def allowed(policy: AccessPolicy, request: Request, tag: str = "geo") -> Allowed | None:
    tags = {column: Tag(tag, True) for column in "xyz?"}
    found = decide(policy, tags, request)
    return found if isinstance(found, Allowed) else None


def permitting(policy: AccessPolicy) -> AccessPolicy:
    """The same policy with one grant, so that only columns, unit and joins decide."""
    everything = Grant(frozenset(NAMES), frozenset(PURPOSES), frozenset(OPERATIONS), DAYS[1], Approval.AUTO)
    return dataclasses.replace(policy, grants=(everything,))


def newly_allowed(old: AccessPolicy, new: AccessPolicy) -> str | None:
    """Something that the new policy allows and the old one does not, or only after another yes."""
    for request in questions():
        after = allowed(new, request)
        if after is None:
            continue
        before = allowed(old, request)
        if before is None:
            return f"asked: {request}"
        for hours in (1, 24, 24 * 13):
            was, now = (
                enough(side.grants[it.grant], "bureau", hours) for side, it in ((old, before), (new, after))
            )
            if not now <= was:
                return f"approved: {request}"
    ask = Request(
        "d.a", Principal("wang", frozenset()), "p", frozenset(), frozenset({"count"}), ZERO, None, DAYS[0]
    )
    ask = dataclasses.replace(ask, dataset=new.dataset)
    for tag, how in product(TAGS, usages()):
        request = dataclasses.replace(ask, **how)
        if allowed(permitting(new), request, tag) and not allowed(permitting(old), request, tag):
            return f"used: {tag} {how}"
    return None


relaxed = settings(
    max_examples=25,
    deadline=None,
    phases=[Phase.explicit, Phase.reuse, Phase.generate],  # to shrink a policy takes minutes
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)


@relaxed
@given(successors())
def test_what_does_not_loosen_allows_nothing_new(pair: tuple[AccessPolicy, AccessPolicy]) -> None:
    old, new = pair
    if not loosened(old, new):
        assert newly_allowed(old, new) is None
    if not loosened(new, old):
        assert newly_allowed(new, old) is None


@relaxed
@given(successors())
def test_one_way_it_tightens_the_other_way_it_loosens(pair: tuple[AccessPolicy, AccessPolicy]) -> None:
    old, new = pair
    forth, back = ({change.direction for change in changes(*each)} for each in ((old, new), (new, old)))
    assert Direction.TIGHTENS not in forth or Direction.LOOSENS in back


def grafts(old: Any, other: Any):
    """*old* with one leaf of *other*, for every leaf of either."""
    if isinstance(old, tuple) and isinstance(other, tuple):
        yield old[:-1]
        yield (*old, *other[len(old) :])
        for index, (mine, theirs) in enumerate(zip(old, other, strict=False)):
            for graft in grafts(mine, theirs):
                yield (*old[:index], graft, *old[index + 1 :])
    elif dataclasses.is_dataclass(old) and type(old) is type(other):
        for field in dataclasses.fields(old):
            if field.compare:
                for graft in grafts(getattr(old, field.name), getattr(other, field.name)):
                    try:
                        yield dataclasses.replace(old, **{field.name: graft})
                    except InvalidInputError:
                        continue
    else:
        yield other


def possible(policy: AccessPolicy) -> bool:
    """Whether a file can say it: no name twice, no uses beside those of a tag."""
    names = [rule.name for rule in policy.columns]
    patterns = [rule.pattern for rule in policy.tags]
    alone = all(not (rule.by_tag and rule.uses) for rule in policy.columns)
    alone &= len(set(policy.denied)) == len(policy.denied)
    return alone and len(set(names)) == len(names) and len(set(patterns)) == len(patterns)


def leaves(value: Any, path: str = "") -> set[str]:
    if isinstance(value, dict):
        return set(chain.from_iterable(leaves(one, f"{path}.{key}") for key, one in value.items()))
    if isinstance(value, list) and value and isinstance(value[0], dict):
        return set(chain.from_iterable(leaves(one, f"{path}[]") for one in value))
    return {re.sub(r"^\.(columns|tags)\.[^.]+", r".\1.*", path)}


def told_leaf_by_leaf(old: AccessPolicy, other: AccessPolicy) -> set[str]:
    """Every single difference is told; returns the leaves that were looked at."""
    seen: set[str] = set()
    for new in filter(possible, grafts(old, other)):
        before, after = canonical(old), canonical(new)
        if before == after:
            assert changes(old, new) == ()
        else:
            assert changes(old, new), (before, after)
            seen |= leaves(before) | leaves(after)
    return seen


@settings(relaxed, max_examples=10)
@given(policies(), policies())
def test_every_difference_of_the_canonical_form_is_told(old: AccessPolicy, other: AccessPolicy) -> None:
    told_leaf_by_leaf(old, other)


def test_each_leaf_of_a_policy_that_says_everything_is_told() -> None:
    old, other = parse(WHOLE, "old"), parse(OTHER, "other")
    seen = told_leaf_by_leaf(old, other) | told_leaf_by_leaf(other, old)
    text = Path(__file__).parents[2].joinpath("policies/model.py").read_text(encoding="utf-8")
    language = set(re.findall(r'^        "(\w+)":', text[text.index("def canonical") :], re.MULTILINE))
    assert language - set(re.findall(r"\w+", " ".join(seen))) == set(), (
        "a part of the language that stands not above"
    )


# --- words ----------------------------------------------------------------------------------------------


@relaxed
@given(policies(), policies())
def test_every_change_has_words_for_its_facts(old: AccessPolicy, new: AccessPolicy) -> None:
    for change in changes(old, new):
        for language in ("en", "zh"):
            assert messages(language, "diff")[change.code].format_map(change.facts)


def said(old: str, new: str) -> dict[str, str]:
    found = changes(parse(old, "old"), parse(new, "new"))
    return {change.code: change.direction.value for change in found}


@pytest.mark.parametrize(
    ("before", "after", "code", "direction"),
    [
        ("[group, filter], categories: [n", "[filter], categories: [n", "diff.may-not-group", "tightens"),
        ("epsilon: 2}", "epsilon: 3}", "diff.window-more", "loosens"),
        ("every: week", "every: day", "diff.window-other", "loosens"),
        ("every: week", "every: month", "diff.window-other", "tightens"),
        (", window: {every: week, epsilon: 2}", "", "diff.window-gone", "loosens"),
        ("per_job: 1", "per_job: 0.5", "diff.per-job", "tightens"),
        (", per_job: 1", "", "diff.per-job", "loosens"),
        ("bounds: [1, 14]", "bounds: [1, 20]", "diff.domain-wider", "loosens"),
        ("bounds: [1, 14]", "bounds: [2, 14]", "diff.domain-narrower", "tightens"),
        ("bounds: [1, 14]", "bounds: [2, 20]", "diff.domain-other", "loosens"),
        ('"[10-20)"]', '"[20-30)"]', "diff.categories-more", "loosens"),
        ('"[0-10)", "[10-20)"', '"[10-20)", "[0-10)"', "diff.categories-order", "neutral"),
        ("approval: auto", "approval: owner", "diff.approval", "tightens"),
        ("approval: auto", "approval: {need: 2, of: [a, b]}", "diff.approval", "tightens"),
        ("until: 2027", "until: 2029", "diff.longer", "loosens"),
        ("[count, sum, avg, quantile]", "[count]", "diff.may-not-ask", "tightens"),
        ("max_rows: 4", "max_rows: 5", "diff.more-rows", "loosens"),
        ("rows: 4", "rows: 4, max_groups: 9", "diff.groups-bounded", "tightens"),
        ("rows: 4", "rows: 4, max_group_rows: 2", "diff.group-rows-bounded", "tightens"),
        ("expected_units: 70000", "expected_units: 60000", "diff.expected-units", "neutral"),
        ('"pi.*": deny, ', "", "diff.default-not-named", "neutral"),
        ("delta: 1e-6", "delta: 1e-7", "diff.restated", "loosens"),
    ],
)  # fmt: skip
def test_one_edit_one_sentence(text: str, before: str, after: str, code: str, direction: str) -> None:
    assert before in text
    found = said(text, text.replace(before, after, 1))
    assert found[code] == direction


def test_a_bound_of_groups_loosens_as_it_rises_and_most_where_it_goes(text: str) -> None:
    """Also where R leaves no room for it: joined with another dataset it would have had an effect."""
    written = [text.replace("rows: 4", f"rows: 4, {each}") for each in ("max_groups: 2", "max_groups: 5")]
    assert said(*written) == {"diff.more-groups": "loosens"}
    assert said(written[1], text) == {"diff.groups-unbounded": "loosens"}
    assert said(written[1], written[0]) == {"diff.fewer-groups": "tightens"}
    rows = [each.replace("max_groups", "max_group_rows") for each in written]
    assert said(*rows) == {"diff.more-group-rows": "loosens"}
    assert said(rows[1], text) == {"diff.group-rows-unbounded": "loosens"}
    assert said(rows[1], rows[0]) == {"diff.fewer-group-rows": "tightens"}


def test_a_grant_split_in_two_is_neutral_and_a_second_half_is_not(text: str) -> None:
    whole = "operations: [count, sum, avg, quantile]\n    until: 2027-12-31\n    approval: auto\n"
    grant = text[text.index("  - to:") :]
    halves = grant.replace(whole, whole.replace("avg, quantile", "avg")) + grant
    assert said(text, text.replace(grant, halves)) == {"diff.same-grants": "neutral"}
    apart = grant.replace("count, sum, avg, quantile", "count, sum") + grant.replace("count, sum, avg", "avg")
    assert said(text, text.replace(grant, apart)) == {"diff.apart": "tightens"}
    assert said(text.replace(grant, apart), text) == {"diff.together": "loosens"}


def test_a_week_with_more_epsilon_says_how_many_more_queries(text: str) -> None:
    found = changes(parse(text, "old"), parse(text.replace("epsilon: 2}", "epsilon: 3}"), "new"))
    (change,) = found
    # ρ of ε 0.5, 2 and 3 at δ 1e-6: 0.00444, 0.0676 and 0.1473.
    assert change.facts == {"every": "week", "old": "2", "new": "3", "queries": 33 - 15, "loss": "0.5"}


def test_removing_a_stricter_first_grant_loosens(text: str) -> None:
    grant = text[text.index("  - to:") :]
    strict = grant.replace("approval: auto", "approval: owner") + grant
    found = said(text.replace(grant, strict), text)
    assert found == {"diff.approval": "loosens"}


def test_a_change_as_json(text: str) -> None:
    (change,) = changes(parse(text, "old"), parse(text.replace("max_rows: 4", "max_rows: 5"), "new"))
    told = {"code": "diff.more-rows", "rules": ["unit.max_rows"], "facts": {"old": 4, "new": 5}}
    assert change.to_json() == {"direction": "loosens"} | told
