"""No by default: every missing thing denies, naming its rule; grants only add, removals only take away."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import replace
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from policies.approvals import Approval
from policies.build import parse
from policies.decide import Allowed, Denied, allowed_or_raise, decide
from policies.model import (
    OPERATIONS,
    AccessPolicy,
    BudgetRule,
    ColumnRule,
    Grant,
    SelectionRule,
    UnitRule,
)
from policies.request import Request
from sandbox.errors import DeniedError
from sandbox.privacy.loss import Filter, Loss
from sandbox.schema import CategoricalDomain, DatasetName, NumericDomain, Principal, Role, Tag, Use

NAME = DatasetName("health.diabetes")
TAGS = {name: Tag("pi.health", True) for name in ("age", "A1Cresult", "time_in_hospital", "race")}
LOSS = Loss(epsilon_pico=0, rho_pico=1, delta_atto=0)


def request(**changes: object) -> Request:
    asked = Request(
        NAME,
        Principal("li", frozenset({Role.ANALYST}), frozenset({"researchers"})),
        "readmission-statistics",
        frozenset({("age", Use.GROUP), ("time_in_hospital", Use.MEASURE)}),
        frozenset({"avg"}),
        LOSS,
        None,
        dt.date(2027, 12, 31),
    )
    return replace(asked, **changes)  # type: ignore[arg-type]


def test_allowed(text: str) -> None:
    policy = parse(text, "p.yaml")
    decision = decide(policy, TAGS, request())
    assert decision == Allowed(
        0,
        Approval.AUTO,
        4,
        {"age": policy.columns[0].domain, "time_in_hospital": policy.columns[2].domain},  # type: ignore[dict-item]
        ("columns.age.use", "columns.time_in_hospital.use", "unit.max_rows", "grants[0]"),
        most_rows=4,
    )
    assert allowed_or_raise(decision) is decision
    assert isinstance(decide(policy, TAGS, request(uses=frozenset(), max_rows=2)), Allowed)


@pytest.mark.parametrize(
    ("changes", "code", "rule", "line"),
    [
        ({"dataset": DatasetName("a.b")}, "denied.no-policy", "policy", None),
        ({"uses": frozenset({("race", Use.GROUP)})}, "denied.column-not-listed", 'defaults["pi.*"]', 6),
        ({"uses": frozenset({("__unit", Use.GROUP)})}, "denied.tag-not-confirmed", "defaults.untagged", 6),
        ({"uses": frozenset({("admitted", Use.GROUP)})}, "denied.tag-not-confirmed", "defaults.untagged", 6),
        ({"uses": frozenset({("age", Use.MEASURE)})}, "denied.use-not-listed", "columns.age.use", 8),
        ({"uses": frozenset({("age", Use.JOIN)})}, "denied.use-not-listed", "columns.age.use", 8),
        ({"max_rows": 5}, "denied.max-rows", "unit.max_rows", 4),
        ({"max_rows": 0}, "denied.max-rows", "unit.max_rows", 4),
        ({"purpose": "marketing"}, "denied.purpose", "grants[0].purposes", 14),
        ({"operations": frozenset({"avg", "fit"})}, "denied.operation", "grants[0].operations", 15),
        ({"operations": frozenset()}, "denied.operation", "grants[0].operations", 15),
        ({"today": dt.date(2028, 1, 1)}, "denied.expired", "grants[0].until", 16),
        ({"principal": Principal("li", frozenset())}, "denied.not-granted-to", "grants[0].to", 13),
        ({"principal": Principal("researchers", frozenset())}, "denied.not-granted-to", "grants[0].to", 13),
        (
            {"principal": Principal("group:researchers", frozenset())},
            "denied.not-granted-to",
            "grants[0].to",
            13,
        ),
    ],
)
def test_denied_names_the_rule(
    text: str, changes: Mapping[str, object], code: str, rule: str, line: int | None
) -> None:
    decision = decide(parse(text, "p.yaml"), TAGS, request(**changes))
    assert isinstance(decision, Denied)
    assert (decision.code, decision.rule) == (code, rule)
    assert decision.facts.get("where") == (f"p.yaml:{line}" if line else None)
    with pytest.raises(DeniedError) as caught:
        allowed_or_raise(decision)
    assert caught.value.exit_code == 4


@pytest.mark.parametrize(
    ("old", "new", "rule"),
    [
        ("to: [group:researchers]", "to: []", "grants[0].to"),
        ("purposes: [readmission-statistics]", "purposes: []", "grants[0].purposes"),
        ("operations: [count, sum, avg, quantile]", "operations: []", "grants[0].operations"),
        ('use: [group, filter], categories: ["', 'use: [], categories: ["', "columns.age.use"),
    ],
)
def test_empty_lists_grant_nothing(text: str, old: str, new: str, rule: str) -> None:
    decision = decide(parse(text.replace(old, new), "p.yaml"), TAGS, request())
    assert isinstance(decision, Denied)
    assert decision.rule == rule


def test_nothing_means_no(text: str) -> None:
    policy = parse(text, "p.yaml")
    cases = {
        "policy": decide(None, TAGS, request()),
        "grants": decide(replace(policy, grants=()), TAGS, request()),
        "columns": decide(replace(policy, columns=(), denied=()), TAGS, request()),
        "tags.age": decide(replace(policy, denied=()), {}, request()),
        "columns.time_in_hospital.bounds": decide(
            without_domains(policy), TAGS, request(uses=frozenset({("time_in_hospital", Use.MEASURE)}))
        ),
        "columns.age.domain": decide(without_domains(policy), TAGS, request()),
    }
    for rule, decision in cases.items():
        assert isinstance(decision, Denied)
        assert decision.rule == rule


def test_a_feature_needs_a_domain(text: str) -> None:
    policy = parse(text, "p.yaml")
    rule = ColumnRule("age", frozenset({Use.FEATURE}))
    decision = decide(replace(policy, columns=(rule,)), TAGS, request(uses=frozenset({("age", Use.FEATURE)})))
    assert isinstance(decision, Denied)
    assert (decision.code, decision.rule) == ("denied.no-domain", "columns.age.domain")


OTHER, THIRD = DatasetName("bank.loans"), DatasetName("tax.returns")


def test_joins_are_listed_one_by_one(text: str) -> None:
    policy = parse(text + f"joins: [{OTHER}]\n", "p.yaml")
    alone = decide(policy, TAGS, request(joined=frozenset({NAME})))
    assert isinstance(alone, Allowed)  # with itself
    allowed = decide(policy, TAGS, request(joined=frozenset({OTHER, NAME})))
    assert isinstance(allowed, Allowed)
    assert f"joins.{OTHER}" in allowed.rules
    denied = decide(policy, TAGS, request(joined=frozenset({OTHER, THIRD})))
    assert isinstance(denied, Denied)
    assert (denied.code, denied.rule, denied.facts["other"]) == ("denied.join", "joins", THIRD)
    assert denied.facts["where"] == "p.yaml:18"
    silent = decide(parse(text, "p.yaml"), TAGS, request(joined=frozenset({OTHER})))
    assert isinstance(silent, Denied)
    assert silent.rule == "joins"


def selecting(text: str, column: str = "{use: [group], keys: selected}") -> AccessPolicy:
    budget = text.replace("per_job: 1,", "per_job: 1, selection: {per_job: 1e-9, lifetime: 1e-7},")
    return parse(budget.replace("grants:", f"  race: {column}\ngrants:"), "p.yaml")


def test_keys_are_selected_only_where_the_policy_says_so(text: str) -> None:
    policy = selecting(text)
    asked = request(uses=frozenset({("race", Use.GROUP)}), selects=frozenset({"race"}))
    for either in (asked, replace(asked, selects=frozenset())):
        allowed = decide(policy, TAGS, either)
        assert isinstance(allowed, Allowed)
        assert (allowed.select, allowed.selection_delta) == ({"race"}, Fraction(1, 10**9))
    unpaid = replace(policy, budget=replace(policy.budget, selection=None))
    declared = selecting(text, "{use: [group], dates: [2020-01-01, 2020-12-31]}")
    for odd, code, rule in (
        (unpaid, "denied.keys-not-selected", "columns.race.keys"),
        (declared, "denied.keys-not-selected", "columns.race.keys"),
    ):
        denied = decide(odd, TAGS, asked)
        assert isinstance(denied, Denied)
        assert (denied.code, denied.rule) == (code, rule)
    without = decide(unpaid, TAGS, replace(asked, selects=frozenset()))
    assert isinstance(without, Denied)
    assert without.rule == "columns.race.domain"


def test_a_selected_column_is_no_feature(text: str) -> None:
    rule = ColumnRule("race", frozenset({Use.FEATURE, Use.GROUP}), selected=True)
    policy = replace(selecting(text), columns=(rule,))
    decision = decide(policy, TAGS, request(uses=frozenset({("race", Use.FEATURE)})))
    assert isinstance(decision, Denied)
    assert decision.rule == "columns.race.domain"


def test_the_largest_count_per_unit(text: str) -> None:
    policy = parse(text.replace("max_rows: 4", "max_rows: 4, most_rows: 60"), "p.yaml")
    for asked in (None, 2):
        allowed = decide(policy, TAGS, request(max_rows=asked))
        assert isinstance(allowed, Allowed)
        assert (allowed.max_rows, allowed.most_rows) == (asked or 4, 60)


def test_bounds_of_groups_are_handed_on(text: str) -> None:
    for written, bounds in (("", (None, None)), (", max_groups: 3, max_group_rows: 2", (3, 2))):
        policy = parse(text.replace("max_rows: 4", f"max_rows: 4{written}"), "p.yaml")
        allowed = decide(policy, TAGS, request())
        assert isinstance(allowed, Allowed)
        assert (allowed.max_groups, allowed.max_group_rows) == bounds


def without_domains(policy: AccessPolicy) -> AccessPolicy:
    return replace(policy, columns=tuple(replace(rule, domain=None) for rule in policy.columns))


def test_unconfirmed_is_untagged(text: str) -> None:
    tags = {**TAGS, "age": Tag("pi.age", False)}
    decision = decide(parse(text, "p.yaml"), tags, request())
    assert isinstance(decision, Denied)
    assert decision.code == "denied.tag-not-confirmed"


def test_the_most_specific_default_is_named(text: str) -> None:
    bent = text.replace('"pi.*": deny', '"pi.*": deny, "pi.id.*": deny, pi.id: deny, "pi.i": deny')
    for tag, pattern in [("pi.id.resident", "pi.id.*"), ("pi.name", "pi.*"), ("pi.idle", "pi.*")]:
        decision = decide(
            parse(bent, "p.yaml"), {"x": Tag(tag, True)}, request(uses=frozenset({("x", Use.FILTER)}))
        )
        assert isinstance(decision, Denied)
        assert decision.rule == f'defaults["{pattern}"]'


def test_all_reasons_in_a_fixed_order(text: str) -> None:
    uses = frozenset({("race", Use.GROUP), ("age", Use.MEASURE), ("nowhere", Use.FILTER)})
    decision = decide(parse(text, "p.yaml"), TAGS, request(uses=uses, max_rows=9, purpose="x"))
    assert isinstance(decision, Denied)
    assert [reason.rule for reason in decision.reasons] == [
        "columns.age.use",
        "defaults.untagged",
        "columns",
        'defaults["pi.*"]',
        "unit.max_rows",
        "grants[0].purposes",
    ]
    assert decision.ask == "health-bureau"


def test_one_grant_must_fit_whole(text: str) -> None:
    policy = parse(text, "p.yaml")
    half, other = (
        replace(policy.grants[0], operations=frozenset({"count"})),
        replace(policy.grants[0], purposes=frozenset({"x"})),
    )
    decision = decide(replace(policy, grants=(half, other)), TAGS, request())
    assert isinstance(decision, Denied)
    assert decision.rule == "grants[0].operations"
    twice = decide(replace(policy, grants=(half, half)), TAGS, request())
    assert isinstance(twice, Denied)
    assert twice.rule == "grants[0].operations"
    first = decide(replace(policy, grants=(half, policy.grants[0])), TAGS, request())
    assert isinstance(first, Allowed)
    assert first.grant == 1


# --- properties over small random policies and requests ------------------------------------------------

COLUMNS, PEOPLE, PURPOSES = ("a", "b", "c"), ("li", "wu", "group:g", "group:h"), ("p", "q")
DOMAINS = st.sampled_from([None, NumericDomain(*map(Fraction, (0, 9, 1))), CategoricalDomain((None, "x"))])
DAYS = st.sampled_from([dt.date(2026, 1, 1), dt.date(2026, 1, 2), dt.date(2026, 1, 3)])


def subsets(values: tuple[str, ...]) -> st.SearchStrategy[frozenset[str]]:
    return st.frozensets(st.sampled_from(values))


RULES = st.tuples(
    *(
        st.none()
        | st.builds(
            ColumnRule,
            st.just(name),
            st.frozensets(st.sampled_from(Use)),
            DOMAINS,
            st.just(""),
            st.booleans(),
        )
        for name in COLUMNS
    )
).map(lambda rules: tuple(filter(None, rules)))
GRANTS = st.builds(
    Grant, subsets(PEOPLE), subsets(PURPOSES), subsets(OPERATIONS), DAYS, st.sampled_from(Approval)
)
POLICIES = st.builds(
    AccessPolicy,
    st.just(NAME),
    st.just(1),
    st.just("owner"),
    st.builds(UnitRule, st.just("k"), st.just("n"), st.integers(1, 3)),
    st.builds(
        BudgetRule,
        st.just(Filter.ZCDP),
        st.just(Fraction(1)),
        st.just(Fraction(1, 10**6)),
        selection=st.none() | st.just(SelectionRule(Fraction(1, 10**9), Fraction(1, 10**8))),
    ),
    RULES,
    st.lists(GRANTS, max_size=3).map(tuple),
    subsets(("pi.*", "pi.x", "untagged")).map(tuple),
    subsets((OTHER, THIRD)),
)
ALL_TAGS = st.dictionaries(
    st.sampled_from(COLUMNS), st.builds(Tag, st.sampled_from(("pi.x", "general")), st.booleans())
)
REQUESTS = st.builds(
    Request,
    st.just(NAME),
    st.builds(Principal, st.sampled_from(("li", "wu", "xu")), st.just(frozenset()), subsets(("g", "h"))),
    st.sampled_from(PURPOSES),
    st.frozensets(st.tuples(st.sampled_from(COLUMNS), st.sampled_from(Use)), max_size=3),
    subsets(OPERATIONS),
    st.just(LOSS),
    st.none() | st.integers(0, 4),
    DAYS,
    subsets((NAME, OTHER, THIRD)),
    subsets((OTHER,)),
    subsets(COLUMNS),
)


def oracle(policy: AccessPolicy, tags: Mapping[str, Tag], asked: Request) -> bool:
    """The sentence of DESIGN, written another way: one big conjunction."""
    rules = {rule.name: rule for rule in policy.columns}
    names = {asked.principal.name} | {f"group:{group}" for group in asked.principal.groups}
    columns = all(
        tags.get(column) == Tag(tags[column].name, True)
        and column in rules
        and use in rules[column].uses
        and (use != Use.MEASURE or type(rules[column].domain) is NumericDomain)
        and (use != Use.FEATURE or rules[column].domain is not None)
        and (use != Use.GROUP or rules[column].domain is not None or selectable(policy, column))
        and (use != Use.GROUP or column not in asked.selects or selectable(policy, column))
        if column in tags
        else False
        for column, use in asked.uses
    )
    rows = asked.max_rows is None or asked.max_rows in range(1, policy.unit.max_rows + 1)
    grant = any(
        names & grant.to
        and asked.purpose in grant.purposes
        and asked.operations <= grant.operations
        and asked.today <= grant.until
        for grant in policy.grants
    )
    joins = asked.joined <= policy.joins | {policy.dataset}
    return columns and joins and rows and grant and bool(asked.operations)


def selectable(policy: AccessPolicy, column: str) -> bool:
    """Whether the owner lets the column's keys be selected, and pays for it."""
    return policy.budget.selection is not None and column in {r.name for r in policy.columns if r.selected}


@given(POLICIES, ALL_TAGS, REQUESTS)
def test_agrees_with_the_sentence(policy: AccessPolicy, tags: dict[str, Tag], asked: Request) -> None:
    for either in (policy, generous(policy, asked)):
        assert isinstance(decide(either, tags, asked), Allowed) == oracle(either, tags, asked)


def generous(policy: AccessPolicy, asked: Request) -> AccessPolicy:
    """Half of the random policies would deny for the grant alone; give them one that fits."""
    fits = Grant(
        frozenset({asked.principal.name}),
        frozenset({asked.purpose}),
        frozenset(OPERATIONS),
        dt.date.max,
        Approval.OWNER,
    )
    return replace(policy, grants=(*policy.grants, fits))


@given(POLICIES, ALL_TAGS, REQUESTS, GRANTS, st.integers(0, 3))
def test_adding_a_grant_never_denies(
    policy: AccessPolicy, tags: dict[str, Tag], asked: Request, grant: Grant, place: int
) -> None:
    policy = generous(policy, asked)
    more = replace(policy, grants=(*policy.grants[:place], grant, *policy.grants[place:]))
    if isinstance(decide(policy, tags, asked), Allowed):
        assert isinstance(decide(more, tags, asked), Allowed)


@given(POLICIES, ALL_TAGS, REQUESTS, st.data())
def test_removing_never_allows(
    policy: AccessPolicy, tags: dict[str, Tag], asked: Request, data: st.DataObject
) -> None:
    policy = generous(policy, asked)
    less = replace(
        policy,
        columns=tuple(
            replace(rule, uses=rule.uses - data.draw(st.frozensets(st.sampled_from(Use))))
            for rule in policy.columns
        ),
    )
    kept = {name: tag for name, tag in tags.items() if data.draw(st.booleans())}
    if isinstance(decide(policy, tags, asked), Denied):
        assert isinstance(decide(less, tags, asked), Denied)
        assert isinstance(decide(policy, kept, asked), Denied)


@given(POLICIES, ALL_TAGS, REQUESTS)
def test_depends_on_nothing_but_its_arguments(
    policy: AccessPolicy, tags: dict[str, Tag], asked: Request
) -> None:
    """Same inputs, same answer and same words; the loss and where the policy was read do not matter."""
    first = decide(policy, tags, asked)
    second = decide(
        replace(policy, denied=tuple(reversed(policy.denied))),
        dict(reversed(tags.items())),
        replace(asked, loss=replace(asked.loss, rho_pico=99)),
    )
    assert shown(first) == shown(second)


def shown(decision: Allowed | Denied) -> object:
    if isinstance(decision, Allowed):
        return decision
    return [(reason.rule, str(reason.error)) for reason in decision.reasons]
