"""A policy's text against what it must mean: each broken rule is refused at its own line."""

from __future__ import annotations

import datetime as dt
from fractions import Fraction

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from policies.approvals import Approval, Quorum
from policies.build import parse
from policies.model import canonical, policy_digest
from sandbox.errors import InvalidInputError
from sandbox.schema import CategoricalDomain, DateDomain, NumericDomain, Use


def test_reads_as_written(text: str) -> None:
    policy = parse(text, "p.yaml")
    assert (policy.dataset, policy.version, policy.owner) == ("health.diabetes", 1, "health-bureau")
    assert (policy.unit.max_rows, policy.unit.expected_units) == (4, 70000)
    assert policy.budget.delta == Fraction(1, 10**6)
    assert policy.budget.window is not None
    assert (policy.budget.window.every, policy.budget.window.epsilon) == ("week", 2)
    assert policy.denied == ("pi.*", "untagged")
    domains = {rule.name: rule.domain for rule in policy.columns}
    assert domains["A1Cresult"] == CategoricalDomain((None, "Norm", ">7", ">8"))
    assert domains["time_in_hospital"] == NumericDomain(Fraction(1), Fraction(14), Fraction(1))
    assert domains["admitted"] == DateDomain(dt.date(2020, 1, 1), dt.date(2024, 12, 31))
    assert policy.columns[0].uses == {Use.GROUP, Use.FILTER}
    grant = policy.grants[0]
    assert (grant.until, grant.approval) == (dt.date(2027, 12, 31), Approval.AUTO)
    assert policy.where(("columns", "age", "use")) == "p.yaml:8"


def test_reads_the_rules_that_came_later(text: str) -> None:
    newer = (
        text.replace("max_rows: 4", "max_rows: 4, most_rows: 60")
        .replace("per_job: 1,", "per_job: 1, selection: {per_job: 1e-9, lifetime: 1e-7},")
        .replace("use: [group], dates", "use: [group], keys: selected, dates")
        .replace("columns:", "joins: [bank.loans, health.labs]\ncolumns:")
        .replace("grants:", "  town: {use: [group], keys: selected}\ngrants:")
    )
    policy = parse(newer, "p.yaml")
    assert policy.unit.counted_rows == 60
    assert policy.joins == {"bank.loans", "health.labs"}
    assert policy.budget.selection is not None
    assert policy.budget.selection.per_job == Fraction(1, 10**9)
    assert policy.budget.selection.lifetime == Fraction(1, 10**7)
    assert {rule.name for rule in policy.columns if rule.selected} == {"admitted", "town"}
    assert parse(text, "p.yaml").unit.counted_rows == 4
    # Each of them is content: leaving one out is another policy.
    digests = {policy_digest(policy), policy_digest(parse(text, "p.yaml"))}
    for cut in (", most_rows: 60", "joins: [bank.loans, health.labs]\n", ", health.labs", ", keys: selected"):
        digests.add(policy_digest(parse(newer.replace(cut, "", 1), "p.yaml")))
    digests.add(policy_digest(parse(newer.replace("1e-9", "2e-9"), "p.yaml")))
    digests.add(policy_digest(parse(newer.replace("1e-7", "2e-7"), "p.yaml")))
    assert len(digests) == 8


def test_the_digest_of_an_older_policy_stays(text: str) -> None:
    """Books and log hold it: a rule that came later must not change what was said before."""
    assert policy_digest(parse(text, "p.yaml")) == (
        "3aadaa0f7eb35cb7d7d3346bef8e7fde3e11100d86cc4ac86d559499922c3ae9"
    )


@pytest.mark.parametrize(
    ("old", "new", "code", "line"),
    [
        ("keyong/v1", "keyong/v2", "policy.not-one-of", 1),
        ("AccessPolicy", "Policy", "policy.not-one-of", 2),
        ("health.diabetes", "Health/x", "policy.bad-name", 3),
        ("version: 1", "version: 0", "policy.not-a-whole-number", 3),
        ("version: 1", "version: 1.0", "policy.not-a-whole-number", 3),
        (", owner: health-bureau", "", "policy.missing-key", 3),
        ("max_rows: 4", "max_rows: true", "policy.not-a-whole-number", 4),
        ("max_rows: 4", "max_row: 4", "policy.unknown-key", 4),
        ("epsilon: 8", "epsilon: true", "policy.not-a-number", 5),
        ("epsilon: 8", 'epsilon: "1e3"', "policy.not-a-number", 5),
        ("epsilon: 8", "epsilon: 0", "policy.bad-epsilon", 5),
        ("epsilon: 8", "epsilon: -1", "policy.bad-epsilon", 5),
        ("epsilon: 8", "epsilon: .inf", "policy.not-finite", 5),
        ("epsilon: 8", "epsilon: .nan", "policy.not-finite", 5),
        ("epsilon: 8", "epsilon: nan", "policy.not-a-number", 5),
        ("epsilon: 8", "epsilon: 1000001", "policy.bad-epsilon", 5),
        ("epsilon: 8", "epsilon: ", "policy.empty-value", 5),
        ("per_job: 1", "per_job: 8.0000001", "policy.bad-epsilon", 5),
        ("per_job: 1", "per_job: 0", "policy.bad-epsilon", 5),
        ("per_job: 1", "per_analyst: 9", "policy.bad-epsilon", 5),
        ("per_job: 1", "per_job: null", "policy.empty-value", 5),
        ("epsilon: 2", "epsilon: 9", "policy.bad-epsilon", 5),
        ("every: week", "every: fortnight", "policy.not-one-of", 5),
        ("window: {every: week, epsilon: 2}", "window: ", "policy.empty-value", 5),
        ("delta: 1e-6", "delta: 0", "policy.bad-delta", 5),
        ("delta: 1e-6", "delta: 1", "policy.bad-delta", 5),
        ("delta: 1e-6", "delta: 1e-19", "policy.bad-delta", 5),
        ("delta: 1e-6, ", "", "policy.bad-delta", 5),
        ("filter: zcdp", "filter: pure", "policy.bad-delta", 5),
        ("filter: zcdp", "filter: [zcdp]", "policy.not-one-of", 5),
        ("untagged: deny", "untagged: allow", "policy.not-one-of", 6),
        ('"pi.*"', '"*"', "policy.bad-pattern", 6),
        ("columns:", "colums:", "policy.unknown-key", 7),
        ("use: [group, filter], cat", "use: [group, group], cat", "policy.written-twice", 8),
        ("use: [group, filter], cat", "use: [grope], cat", "policy.not-one-of", 8),
        ("use: [group, filter], cat", "use: group, cat", "policy.not-a-list", 8),
        ('categories: ["[0-10)", "[10-20)"]', "categories: []", "policy.no-categories", 8),
        ('categories: ["[0-10)", "[10-20)"]', "categories: [1, 1]", "policy.written-twice", 8),
        (', categories: ["[0-10)", "[10-20)"]', "", "policy.use-needs-domain", 8),
        ("[null, Norm", "[[1], Norm", "policy.not-a-single-value", 9),
        ("[null, Norm", "[~, null", "policy.written-twice", 9),
        ("bounds: [1, 14], grid: 1", "description: days", "policy.measure-needs-bounds", 10),
        ("max_rows: 4", "max_rows: 4, most_rows: 3", "policy.most-rows-too-small", 4),
        ("max_rows: 4", "max_rows: 4, most_rows: 0", "policy.not-a-whole-number", 4),
        ("max_rows: 4", "max_rows: 4, most_rows: 1000001", "policy.not-a-whole-number", 4),
        ("max_rows: 4", "max_rows: 4, max_groups: 0", "policy.not-a-whole-number", 4),
        ("max_rows: 4", "max_rows: 4, max_group_rows: 1.5", "policy.not-a-whole-number", 4),
        ("max_rows: 4", "max_rows: 4, max_group_rows: '3'", "policy.not-a-whole-number", 4),
        ("max_rows: 4", "max_rows: 4, max_groups: 1000001", "policy.not-a-whole-number", 4),
        ("max_rows: 4", "max_rows: 4, max_groups: null", "policy.empty-value", 4),
        ("max_rows: 4", "max_rows: 4, max_group: 1", "policy.unknown-key", 4),
        ("per_job: 1", "selection: {per_job: 1e-9}", "policy.missing-key", 5),
        ("per_job: 1", "selection: {per_job: 1e-9, lifetime: 1e-10}", "policy.bad-selection", 5),
        ("per_job: 1", "selection: {per_job: 1e-9, lifetime: 0.0011}", "policy.bad-selection", 5),
        ("per_job: 1", "selection: {per_job: 0, lifetime: 1e-9}", "policy.bad-selection", 5),
        ("per_job: 1", "selection: {per_job: 1e-19, lifetime: 1e-9}", "policy.bad-selection", 5),
        ("per_job: 1", "selection: {per_job: -1e-9, lifetime: 1e-9}", "policy.bad-selection", 5),
        (
            "filter: zcdp, epsilon: 8, delta: 1e-6, per_job: 1",
            "filter: pure, epsilon: 8, selection: {per_job: 1e-9, lifetime: 1e-9}",
            "policy.selection-under-pure",
            5,
        ),
        ("columns:", "joins: [health.x, health.x]\ncolumns:", "policy.written-twice", 7),
        ("columns:", "joins: health.x\ncolumns:", "policy.not-a-list", 7),
        ("columns:", "joins: [Health]\ncolumns:", "policy.bad-name", 7),
        ("columns:", "joins:\ncolumns:", "policy.empty-value", 7),
        ("use: [group], dates", "use: [group], keys: all, dates", "policy.not-one-of", 11),
        ("use: [group], dates", "use: [group], keys: selected, dates", "policy.keys-need-selection", 11),
        ("use: [group], dates", "use: [filter], keys: selected, dates", "policy.keys-without-group", 11),
        (
            'categories: ["[0-10)", "[10-20)"]',
            "keys: selected, categories: [x]",
            "policy.keys-beside-categories",
            8,
        ),
        ("bounds: [1, 14], grid: 1", "categories: [1, 2]", "policy.measure-needs-bounds", 10),
        ("bounds: [1, 14], grid: 1", "grid: 1", "policy.grid-without-bounds", 10),
        ("grid: 1", "grid: 3", "policy.bad-bounds", 10),
        ("grid: 1", "grid: 0", "policy.bad-bounds", 10),
        ("grid: 1", "grid: 1e-300", "policy.bad-bounds", 10),
        ("grid: 1", "dates: [2020-01-01, 2020-01-02]", "policy.two-domains", 10),
        ("[1, 14], grid: 1", "[1.5, 14]", "policy.needs-grid", 10),
        ("[1, 14]", "[14, 1]", "policy.bad-bounds", 10),
        ("[1, 14]", "[1]", "policy.not-two-values", 10),
        ("[1, 14]", '["1", 14]', "policy.not-a-number", 10),
        ("2020-01-01", "2020-02-30", "policy.not-a-day", 11),
        ("2020-01-01", "2025-01-01", "policy.bad-dates", 11),
        ("group:researchers", "group researchers", "policy.bad-name", 13),
        ("[count, sum", "[cuont, sum", "policy.not-one-of", 15),
        ("until: 2027-12-31", "until: tomorrow", "policy.not-a-day", 16),
        ("    until: 2027-12-31\n", "", "policy.missing-key", 13),
        ("approval: auto", "approval: none", "policy.not-one-of", 17),
        ("approval: auto", "approval: [owner]", "policy.not-one-of", 17),
        ("approval: auto", "approval: {of: [zhao]}", "policy.missing-key", 17),
        ("approval: auto", "approval: {need: 1, of: []}", "policy.too-few-to-approve", 17),
        ("approval: auto", "approval: {need: 0, of: [zhao]}", "policy.not-a-whole-number", 17),
        ("approval: auto", "approval: {need: true, of: [zhao]}", "policy.not-a-whole-number", 17),
        ("approval: auto", "approval: {need: 3, of: [zhao, qian]}", "policy.too-few-to-approve", 17),
        ("approval: auto", "approval: {need: 2, of: [zhao, zhao]}", "policy.written-twice", 17),
        ("approval: auto", "approval: {need: 1, of: [zhao, 'a b']}", "policy.bad-name", 17),
        ("approval: auto", "approval: {need: 1, of: zhao}", "policy.not-a-list", 17),
        ("approval: auto", "approval: {need: 1, of: [zhao], or: 1}", "policy.unknown-key", 17),
        ("approval: auto", "approval: auto\n    approval_expires: 7d", "policy.nothing-expires", 18),
        ("approval: auto", "approval: owner\n    approval_expires: 0d", "policy.not-a-duration", 18),
        ("approval: auto", "approval: owner\n    approval_expires: 7", "policy.not-a-duration", 18),
        ("approval: auto", "approval: owner\n    approval_expires: 367d", "policy.not-a-duration", 18),
        ("approval: auto", "approval: owner\n    approval_expires: ٧d", "policy.not-a-duration", 18),
    ],
)
def test_refused(text: str, old: str, new: str, code: str, line: int) -> None:
    assert text.count(old) >= 1
    with pytest.raises(InvalidInputError) as caught:
        parse(text.replace(old, new, 1) if old != "epsilon: 2" else text.replace(old, new), "p.yaml")
    assert (caught.value.code, caught.value.facts["line"]) == (code, line)
    assert caught.value.facts["file"] == "p.yaml"


@pytest.mark.parametrize("text_of", ["null", "[]", "1", "a: 1"])
def test_other_documents_are_refused(text_of: str) -> None:
    with pytest.raises(InvalidInputError):
        parse(text_of, "p.yaml")


def test_categories_keep_their_types(text: str) -> None:
    bent = text.replace('["[0-10)", "[10-20)"]', "[1, true, 1.0, '1', NO, No, 010]")
    domain = parse(bent, "p.yaml").columns[0].domain
    assert isinstance(domain, CategoricalDomain)
    assert [(type(v), v) for v in domain.values] == [
        (int, 1),
        (bool, True),
        (float, 1.0),
        (str, "1"),
        (str, "NO"),
        (str, "No"),
        (int, 10),
    ]


def test_grid_defaults_to_one_for_whole_bounds(text: str) -> None:
    assert parse(text.replace(", grid: 1", ""), "p.yaml").columns[2] == parse(text, "p.yaml").columns[2]


def test_digest_is_of_what_is_said(text: str) -> None:
    said = policy_digest(parse(text, "p.yaml"))
    same = [
        text.replace("approval: auto", "approval: auto  # yes"),
        text.replace("[count, sum, avg, quantile]", "[quantile, avg, sum, count]"),
        text.replace("epsilon: 8", "epsilon: 8.0"),
        text.replace("1e-6", "0.000001"),
        text.replace(", grid: 1", ""),
        text.replace("auto", "'auto'"),
    ]
    assert {policy_digest(parse(other, "other.yaml")) for other in same} == {said}
    changed = [
        text.replace("epsilon: 8", "epsilon: 7"),
        text.replace("max_rows: 4", "max_rows: 5"),
        text.replace("[null, Norm", "[Norm, null"),
        text.replace("[null, Norm", "['null', Norm"),
        text.replace("per_job: 1, ", ""),
        text.replace("untagged: deny", ""),
        text.replace("2027", "2028"),
        text.replace("approval: auto", "approval: owner"),
        text.replace("approval: auto", "approval: owner\n    approval_expires: 14d"),
        text.replace("approval: auto", "approval: {need: 1, of: [zhao, qian]}"),
        text.replace("approval: auto", "approval: {need: 2, of: [zhao, qian]}"),
        text.replace("approval: auto", "approval: {need: 1, of: [zhao]}"),
        text.replace("2024-12-31", "2024-12-30"),
        text.replace("grid: 1}", "grid: 1, description: days}"),
    ]
    digests = {policy_digest(parse(other, "p.yaml")) for other in changed}
    assert len(digests) == len(changed)
    assert said not in digests


def test_a_quorum_is_its_number_and_its_names(text: str) -> None:
    def grant(approval: str):
        return parse(text.replace("approval: auto", f"approval: {approval}"), "p.yaml").grants[0]

    written = grant("{need: 2, of: [zhao, qian, group:ethics]}\n    approval_expires: 7d")
    assert written.approval == Quorum(2, frozenset({"zhao", "qian", "group:ethics"}))
    assert written.approval_expires == dt.timedelta(days=7)
    assert grant("{of: [group:ethics], need: 9}").approval == Quorum(9, frozenset({"group:ethics"}))
    assert written == grant("{of: [group:ethics, qian, zhao], need: 2}\n    approval_expires: 168h")


def test_digests_of_earlier_policies_have_not_changed(text: str) -> None:
    """Whatever is approved, charged and found again is known by these."""
    said = {rule: policy_digest(parse(text.replace("auto", rule), "p.yaml")) for rule in Approval}
    assert said == {
        "auto": "3aadaa0f7eb35cb7d7d3346bef8e7fde3e11100d86cc4ac86d559499922c3ae9",
        "owner": "db37eb1fd638ca8ee72edc5522478448b0dc2eb74f49bb20d6d6dee4d439618b",
        "owner+reviewer": "efa2ff8a097be66159d530767ab994e116008d76ff4b28ef5254a71d0e440e60",
    }


def test_limits_are_exact(text: str) -> None:
    policy = parse(text.replace("epsilon: 8", "epsilon: 123456.7890123456789"), "p.yaml")
    assert policy.budget.epsilon == Fraction("123456.7890123456789")
    assert canonical(policy)["budget"]["epsilon"] == "1234567890123456789/10000000000000"


@settings(max_examples=200, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(data=st.data())
def test_a_damaged_policy_is_read_or_refused(text: str, data: st.DataObject) -> None:
    """Cut, double or swap any piece of a real policy: a clear refusal or a policy, never another error."""
    start = data.draw(st.integers(0, len(text)))
    stop = data.draw(st.integers(start, min(len(text), start + 40)))
    piece = data.draw(
        st.sampled_from(["", "null", "[]", "{}", "true", "-1", ".5", "\n", ": ", "é", text[start:stop] * 2])
    )
    try:
        parse(text[:start] + piece + text[stop:], "p.yaml")
    except InvalidInputError as error:
        refusal = str(error)
    else:
        return
    assert refusal.startswith("policy.")
    assert "p.yaml" in refusal
