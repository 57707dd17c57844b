"""Loosening: nothing that a later policy newly allows goes unnamed, whatever the tags and whoever asks."""

from __future__ import annotations

import datetime as dt
import random
from collections.abc import Iterator, Sequence
from dataclasses import replace
from fractions import Fraction
from itertools import product
from typing import Any

import pytest

from policies.approvals import Approval, Quorum
from policies.build import parse
from policies.decide import Allowed, decide
from policies.diff.compare import loosened
from policies.model import AccessPolicy, BudgetRule, ColumnRule, Grant, SelectionRule, TagRule, UnitRule
from policies.request import Request
from sandbox.privacy.loss import ZERO, Filter
from sandbox.schema import CategoricalDomain, DatasetName, Domain, NumericDomain, Principal, Role, Tag, Use

NAME = DatasetName("a.b")


def numbers(low: int, high: int, grid: str = "1") -> NumericDomain:
    return NumericDomain(Fraction(low), Fraction(high), Fraction(grid))


DOMAINS: list[Domain | None] = [
    None, numbers(0, 4), numbers(0, 9), CategoricalDomain(("x",)), CategoricalDomain(("x", "y")),
]  # fmt: skip
BOUNDS = [None, None, None, 1, 2]
USES = [Use.GROUP, Use.FILTER, Use.MEASURE]
WORDS = ["pi", "pi.x", "pi.x.y", "z"]
PATTERNS = ["pi", "pi.*", "pi.x", "pi.x.*", "pi.x.y", "z"]
PARTS = ["unit", "budget", "columns", "grants", "joins", "tags", "minimum_count", "keep"]


def some(rng: random.Random, words: Sequence[Any], often: float = 0.7) -> frozenset[Any]:
    return frozenset(word for word in words if rng.random() < often)


def column(rng: random.Random, name: str) -> ColumnRule:
    by_tag = rng.random() < 0.4
    uses = frozenset() if by_tag else some(rng, USES, 0.5)
    return ColumnRule(name, uses, rng.choice(DOMAINS), "", rng.random() < 0.3, by_tag)


def grant(rng: random.Random) -> Grant:
    return Grant(
        some(rng, ["li", "group:g"]), some(rng, ["p", "q"]), some(rng, ["count", "sum"]),
        dt.date(2030 + rng.randint(0, 1), 1, 1),
        rng.choice([Approval.AUTO, Approval.AUTO, Approval.OWNER, Quorum(1, frozenset({"wu"}))]),
        rng.choice([None, dt.timedelta(days=1)]), some(rng, ["sql", "python"]),
    )  # fmt: skip


def random_policy(rng: random.Random) -> AccessPolicy:
    selection = SelectionRule(Fraction(1, 10**9), Fraction(1, 10**6))
    patterns = rng.sample(PATTERNS, rng.randint(0, 3))
    return AccessPolicy(
        NAME, 1, "owner",
        UnitRule("k", "n", rng.randint(1, 3), None, None, rng.choice(BOUNDS), rng.choice(BOUNDS)),
        BudgetRule(
            Filter.ZCDP, Fraction(rng.randint(1, 2)), Fraction(1, 10**6),
            selection=rng.choice([None, selection]),
        ),
        tuple(column(rng, name) for name in sorted(some(rng, "cd"))),
        tuple(grant(rng) for _ in range(rng.randint(1, 3))),
        joins=some(rng, [DatasetName("c.d")]),
        tags=tuple(TagRule(it, None if rng.random() < 0.3 else some(rng, USES)) for it in patterns),
        minimum_count=rng.choice([0, 0, 5]),
        keep=rng.choice([None, dt.timedelta(days=9)]),
    )  # fmt: skip


def nudged(policy: AccessPolicy, rng: random.Random) -> tuple[list[str], AccessPolicy]:
    """*policy* with one column's uses changed and nothing else, or with one tag rule less."""
    if policy.columns and rng.random() < 0.5:
        old, *rest = rng.sample(policy.columns, len(policy.columns))
        new = replace(column(rng, old.name), domain=old.domain, selected=old.selected)
        return ["columns"], replace(policy, columns=(new, *rest))
    kept = rng.sample(policy.tags, max(len(policy.tags) - 1, 0))
    return ["tags"], replace(policy, tags=tuple(kept))


def requests(rng: random.Random) -> Iterator[tuple[Request, dict[str, Tag]]]:
    for name, use in product("cd", USES):
        yield (
            Request(
                NAME, Principal("li", frozenset({Role.ANALYST}), some(rng, "g")), rng.choice("pq"),
                frozenset({(name, use)}), frozenset({rng.choice(["count", "sum"])}), ZERO,
                rng.choice([None, None, 1, 2, 3]), dt.date(2030 + rng.randint(0, 1), 1, 1),
                some(rng, [DatasetName("c.d")], 0.3), selects=frozenset(name if rng.random() < 0.2 else ""),
                kind=rng.choice(["sql", "python"]),
            ),
            {each: Tag(rng.choice(WORDS), True) for each in "cd"},
        )  # fmt: skip


def allows_more(before: AccessPolicy, after: AccessPolicy, tags: dict[str, Tag], asked: Request) -> bool:
    new = decide(after, tags, asked)
    if not isinstance(new, Allowed):
        return False
    old = decide(before, tags, asked)
    if not isinstance(old, Allowed):
        return True
    return (
        old.approval not in (Approval.AUTO, new.approval)
        or new.max_rows > old.max_rows
        or (new.max_groups or 9) > (old.max_groups or 9)
        or (new.max_group_rows or 9) > (old.max_group_rows or 9)
        or new.select - old.select != frozenset()
        or new.minimum_count < old.minimum_count
        or any(not _narrower(old.domains.get(name), domain) for name, domain in new.domains.items())
        or old.domains.keys() - new.domains.keys() != set()
    )


def test_what_is_newly_allowed_is_named() -> None:
    """Pairs that differ in a part or two, where mistakes hide; enough of them allow something new."""
    rng = random.Random(20261128)
    found = dict.fromkeys(PARTS, 0)
    for _ in range(6000):
        before, other = random_policy(rng), random_policy(rng)
        parts = rng.sample(PARTS, rng.choice([1, 1, 2]))
        after = replace(before, **{name: getattr(other, name) for name in parts})
        if rng.random() < 0.5:
            parts, after = nudged(before, rng)
        if any(allows_more(before, after, tags, asked) for asked, tags in requests(rng)):
            assert loosened(before, after) != (), (before, after)
            found.update({name: found[name] + 1 for name in parts if len(parts) == 1})
    assert all(found[name] for name in PARTS if name != "keep"), found


def _narrower(old: Domain | None, new: Domain | None) -> bool:
    if isinstance(old, CategoricalDomain) and isinstance(new, CategoricalDomain):
        return set(new.values) <= set(old.values)
    return isinstance(old, NumericDomain) and isinstance(new, NumericDomain) and new.high <= old.high


def test_nothing_changed_is_nothing_loosened() -> None:
    rng = random.Random(1128)
    for _ in range(300):
        policy = random_policy(rng)
        plain = replace(policy, grants=tuple(it for it in policy.grants if it.approval is Approval.AUTO))
        assert loosened(plain, plain) == ()
        assert loosened(plain, replace(plain, version=2, supersedes="ab" * 32)) == ()
        assert loosened(None, plain) == ("$",)


SMALL = [
    ("max_rows: 4", "max_rows: 5", "unit.max_rows"),
    ("epsilon: 8", "epsilon: 9", "budget.epsilon"),
    ("per_job: 1", "per_job: 2", "budget.per_job"),
    (", per_job: 1", "", "budget.per_job"),
    ("every: week", "every: day", "budget.window"),
    ("epsilon: 2}", "epsilon: 3}", "budget.window"),
    ("per_job: 1,", "per_job: 1, selection: {per_job: 1e-9, lifetime: 1e-8},", "budget.selection"),
    ("columns:", "joins: [a.b]\ncolumns:", "joins.a.b"),
    ("columns:", "tags: {pi.age: {use: [filter]}}\ncolumns:", 'tags["pi.age"]'),
    ("use: [group], dates", "use: [group, filter], dates", "columns.admitted.use"),
    ("bounds: [1, 14]", "bounds: [0, 14]", "columns.time_in_hospital.domain"),
    ("grid: 1", "grid: 0.5", "columns.time_in_hospital.domain"),
    ('">7"', '">6"', "columns.A1Cresult.domain"),
    ("2024-12-31", "2025-12-31", "columns.admitted.domain"),
    ("to: [group:researchers]", "to: [group:researchers, zhao]", "grants[0]"),
    ("count, sum", "count, distinct, sum", "grants[0]"),
    ("until: 2027", "until: 2028", "grants[0]"),
    ("approval: auto", "approval: auto\n    kinds: [sql, python]", "grants[0]"),
]


@pytest.mark.parametrize(("old", "new", "rule"), SMALL)
def test_each_wider_rule_is_named_and_the_way_back_is_not(text: str, old: str, new: str, rule: str) -> None:
    before, after = parse(text, "p"), parse(text.replace(old, new, 1), "p")
    assert loosened(before, after) == (rule,)
    if "every" not in old and "6" not in new:  # another window, or another value, is another way round too
        assert loosened(after, before) == ()


def test_grants_that_change_places(text: str) -> None:
    grants = "grants:\n" + "".join(
        f"  - {{to: [li], purposes: [p], operations: [count], until: 2030-01-01, approval: {approval}}}\n"
        for approval in ("owner", "auto")
    )
    before = parse(text[: text.index("grants:")] + grants, "p")
    assert loosened(before, replace(before, grants=before.grants[::-1])) == ("grants[0]",)
    assert loosened(before, replace(before, grants=before.grants[1:])) == ("grants[0]",)
    assert (
        loosened(replace(before, grants=before.grants[1:]), replace(before, grants=before.grants[:1])) == ()
    )


def test_a_closed_tag_that_is_opened(text: str) -> None:
    def written(tags: str) -> AccessPolicy:
        return parse(text.replace("columns:", f"tags: {tags}\ncolumns:"), "p")

    closed = written('{"pi.id.*": deny}')
    assert loosened(closed, parse(text, "p")) == ('tags["pi.id.*"]',)
    assert loosened(closed, written("{pi.id: deny}")) == ('tags["pi.id.*"]',)
    assert loosened(closed, written('{"pi.*": deny}')) == ()
    assert loosened(parse(text, "p"), closed) == ()
