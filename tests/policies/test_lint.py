"""Findings: each mistake is found where it stands, a good policy has none, and every one has words."""

from __future__ import annotations

import ast
import datetime as dt
from collections.abc import Iterator
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import pytest
from everything import OTHER, WHOLE

from policies.build import parse
from policies.conform import DatasetFacts
from policies.lint.examine import examine
from policies.lint.finding import Combination, Finding, Partner, Severity, Surroundings
from sandbox.schema import DatasetName, Field, Kind, Principal, Role, Tag
from service.messages.catalogue import messages
from service.policies.words import sentence

TODAY = dt.date(2026, 12, 1)
PEOPLE = [
    Principal("health-bureau", frozenset({Role.OWNER})),
    Principal("wang", frozenset({Role.ANALYST}), frozenset({"researchers"})),
    Principal("zhao", frozenset({Role.ANALYST}), frozenset({"ethics"})),
]
KINDS = {
    "age": Kind.STRING, "A1Cresult": Kind.STRING, "time_in_hospital": Kind.INTEGER, "admitted": Kind.DATE,
}  # fmt: skip
AROUND = Surroundings(
    today=TODAY,
    fields={name: Field(name, kind) for name, kind in KINDS.items()},
    tags={name: Tag("pi.age" if name == "age" else "pi.health", True) for name in KINDS},
    people=PEOPLE,
    partners={DatasetName("health.labs"): Partner("health.patient", frozenset())},
)
FACTS = DatasetFacts(
    DatasetName("health.diabetes"), "patient_nbr", "health.patient", "zcdp", Fraction(1, 10**6)
)


def found(text: str, around: Surroundings = AROUND) -> dict[str, tuple[str, str]]:
    policy = parse(text, "policy.yaml")
    told = (finding.to_json(policy) for finding in examine(policy, around, FACTS))
    first: dict[str, tuple[str, str]] = {}
    for one in told:
        first.setdefault(one["code"], (one["severity"], one["where"].rpartition(":")[2]))
    return first


def test_a_good_policy_has_nothing_to_say_about(text: str) -> None:
    assert found(text) == {}


QUORUM = "approval: {need: 2, of: [wang, zhao]}"
MISTAKES = [
    ("rows: 4", "rows: 4, max_groups: 4", "lint.groups-no-effect", "note", "4"),
    ("rows: 4", "rows: 4, max_group_rows: 5", "lint.group-rows-no-effect", "note", "4"),
    ("rows: 4", "rows: 4, max_groups: 3, max_group_rows: 1", "lint.rows-beyond-groups", "note", "4"),
    ("columns:", 'tags: {"pi.*": deny}\ncolumns:', "lint.tag-closes-column", "error", "9"),
    ("use: [group], dates", "dates", "lint.tag-opens-nothing", "error", "11"),
    ("use: [group, filter], cat", "use: [], cat", "lint.no-use", "note", "8"),
    ("columns:", "tags: {geo.region: deny}\ncolumns:", "lint.pattern-fits-nothing", "note", "7"),
    ("[count, sum, avg, quantile]", "[count]", "lint.measure-not-granted", "warning", "10"),
    ("[measure, filter], b", "[filter], b", "lint.nothing-to-measure", "warning", "15"),
    ("[measure, filter]", "[measure, feature]", "lint.feature-not-granted", "warning", "10"),
    ("per_job: 1,", "per_job: 1, selection: {per_job: 1e-9, lifetime: 1e-8},",
     "lint.selection-unused", "note", "5"),
    ("[measure, filter], bounds: [1, 14]", "[measure, group], bounds: [1, 70000]",
     "lint.column-too-fine", "warning", "10"),
    ("[1, 14], grid: 1}", "[1, 14], grid: 1}\n  x: {use: [group], categories: [a]}",
     "policy.unknown-column", "error", "11"),
    ("until: 2027-12-31", "until: 2026-11-30", "lint.grant-past", "warning", "16"),
    ("[group:researchers]", "[group:researchers, li]", "lint.calls-nobody", "warning", "13"),
    ("purposes: [readmission-statistics]", "purposes: []", "lint.grant-empty", "error", "14"),
    ("approval: auto", "approval: auto\n    kinds: [sql, model]", "lint.kind-not-run", "note", "18"),
    ("approval: auto", "approval: owner+reviewer", "lint.nobody-can-approve", "error", "17"),
    ("approval: auto", "approval: {need: 1, of: [wang]}", "lint.nobody-can-approve", "error", "17"),
    ("approval: auto", "approval: {need: 2, of: [group:ethics]}", "lint.nobody-can-approve", "error", "17"),
    ("epsilon: 8", "epsilon: 11", "lint.high-epsilon", "warning", "5"),
    (", expected_units: 70000", "", "lint.no-expected-units", "note", "4"),
    ("expected_units: 70000", "expected_units: 1000000", "lint.high-delta", "warning", "5"),
    (", per_job: 1", "", "lint.no-per-job", "warning", "5"),
    (", window: {every: week, epsilon: 2}", "", "lint.no-window", "note", "5"),
    ("per_job: 1", "per_job: 3", "lint.job-above-window", "warning", "5"),
    ("per_job: 1", "per_job: 1, per_analyst: 0.5", "lint.job-above-analyst", "warning", "5"),
    ("per_job: 1", "per_job: 6", "lint.few-jobs", "warning", "5"),
    ("per_job: 1", "per_job: 0.1", "lint.many-jobs", "note", "5"),
    ("columns:", "joins: [health.diabetes]\ncolumns:", "lint.join-self", "note", "7"),
    ("columns:", "joins: [health.xray]\ncolumns:", "lint.join-unknown", "warning", "7"),
    ("columns:", "joins: [health.labs]\ncolumns:", "lint.join-not-mutual", "warning", "7"),
    ("key: patient_nbr", "key: encounter", "policy.not-as-registered", "error", "4"),
]  # fmt: skip


@pytest.mark.parametrize(("good", "bad", "code", "severity", "line"), MISTAKES)
def test_each_mistake_is_found_where_it_stands(
    text: str, good: str, bad: str, code: str, severity: str, line: str
) -> None:
    wrong = text.replace(good, bad, 1)
    assert wrong != text
    assert found(wrong)[code] == (severity, line)


def test_a_grant_behind_one_that_allows_all_of_it(text: str) -> None:
    grant = text[text.index("  - to:") :]
    stricter = grant.replace("[count, sum, avg, quantile]", "[count]").replace("auto", "owner")
    assert found(text + stricter)["lint.grant-shadowed"] == ("warning", "18")
    assert "lint.grant-shadowed" not in found(text.replace(grant, stricter + grant))


def test_whose_yes_is_nobodys_is_told_by_name(text: str) -> None:
    policy = parse(text.replace("[group:researchers]", "[wang, zhao]").replace("approval: auto", QUORUM), "p")
    (one,) = examine(policy, AROUND, FACTS)
    assert (one.code, one.severity) == ("lint.nobody-can-approve", Severity.ERROR)
    more = replace(
        AROUND, people=[*PEOPLE, Principal("sun", frozenset({Role.ANALYST}), frozenset({"researchers"}))]
    )
    asked = text.replace("[group:researchers]", "[wang, sun]").replace("approval: auto", QUORUM)
    (one,) = examine(parse(asked, "p"), more, FACTS)
    assert (one.code, one.facts["who"]) == ("lint.nobody-else-can-approve", ["wang"])


def test_a_join_of_other_units(text: str) -> None:
    other = {DatasetName("a.b"): Partner("car", frozenset({DatasetName("health.diabetes")}))}
    joined = text.replace("columns:", "joins: [a.b]\ncolumns:")
    assert "lint.join-of-others" in found(joined, replace(AROUND, partners=other))
    same = {DatasetName("a.b"): Partner("health.patient", frozenset({DatasetName("health.diabetes")}))}
    assert found(joined, replace(AROUND, partners=same)) == {}


def test_columns_that_point_at_people_say_how_finely(text: str) -> None:
    together = Combination("Age and day", "年龄与日期", ("age", "admitted"))
    (one,) = examine(parse(text, "p"), replace(AROUND, combinations=[together]), FACTS)
    assert one.facts["cells"] == 2 * 1827  # days of five years
    assert sentence({"code": one.code, "facts": one.facts}, "zh").startswith("年龄与日期：age、admitted")


def test_without_a_dataset_only_the_text_is_judged(text: str) -> None:
    policy = parse(text.replace("columns:", "joins: [x.y]\ntags: {geo.a: deny}\ncolumns:"), "p")
    assert examine(policy, Surroundings(TODAY)) == ()


def codes() -> Iterator[str]:
    folder = Path(__file__).parents[2] / "policies/lint"
    for path in folder.glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Constant) and str(node.value).startswith("lint."):
                yield str(node.value)


def test_every_finding_is_tested_and_has_words_for_its_facts(text: str) -> None:
    tested = {code for _, _, code, _, _ in MISTAKES} | {
        "lint.grant-shadowed", "lint.nobody-else-can-approve", "lint.join-of-others", "lint.points-at-people",
        "lint.small-cells", "lint.no-grants", "lint.tag-use-without-domain", "lint.tag-use-without-bounds",
    }  # fmt: skip
    assert set(codes()) <= tested
    opened = "tags: {pi.health: {use: [group, measure]}}\ncolumns:\n  admitted: {}\n"
    alone = text[: text.index("columns:")] + opened + "grants: []\n"
    fine = text.replace("[measure, filter], bounds: [1, 14]", "[measure, group], bounds: [1, 100]")
    texts = [text.replace(good, bad, 1) for good, bad, *_ in MISTAKES]
    seen: set[str] = set()
    for each in (*texts, alone, fine, WHOLE, OTHER):
        for one in told(each):
            seen.add(one.code)
            for language in ("en", "zh"):
                area = messages(language, one.code.partition(".")[0])
                assert area[one.code].format_map(dict(one.facts)), one
    assert {
        "lint.small-cells",
        "lint.no-grants",
        "lint.tag-use-without-domain",
        "lint.tag-use-without-bounds",
    } <= seen


def told(text: str) -> tuple[Finding, ...]:
    return examine(parse(text, "p"), AROUND, FACTS)
