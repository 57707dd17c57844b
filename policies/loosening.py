"""Does a policy allow anything that the one before did not?  Pure, and in doubt yes.

`loosened` compares rule by rule and names each that became wider, or changed so that it cannot be compared.
Law: whatever a later policy allows and an earlier one does not, under whatever tags, is named.  (The converse
is not promised: two rules that together say the same as before may be named too.)  What was spent is in the
ledger and stays spent whatever a policy says.

A grant is covered by one of before that names at least as much, lasts as long and asks for the same yes,
unless another one of before stood in front of it, for a purpose and a kind of job of both, and asked for
another yes: the first that fits is used.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from fractions import Fraction

from policies.approvals import EXPIRES, Approval
from policies.model import AccessPolicy, BudgetRule, ColumnRule, Grant
from policies.tags import fits
from sandbox.schema import CategoricalDomain, DateDomain, Domain, NumericDomain


def loosened(before: AccessPolicy | None, after: AccessPolicy) -> tuple[str, ...]:
    """Return the rules of *after* that allow what *before* did not, as paths; all of it after no policy."""
    if before is None:
        return ("$",)
    found = (
        *_unit(before, after),
        *_budget(before.budget, after.budget),
        *(f"joins.{name}" for name in sorted(after.joins - before.joins)),
        *_tags(before, after),
        *_columns(before, after),
        *_results(before, after),
        *(
            f"grants[{place}]"
            for place, grant in enumerate(after.grants)
            if not any(_covers(before, number, grant) for number in range(len(before.grants)))
        ),
    )
    return tuple(dict.fromkeys(found))


def _unit(before: AccessPolicy, after: AccessPolicy) -> Iterator[str]:
    if after.unit.max_rows > before.unit.max_rows:
        yield "unit.max_rows"
    if after.unit.most_rows is not None and after.unit.counted_rows > before.unit.counted_rows:
        yield "unit.most_rows"


def _budget(before: BudgetRule, after: BudgetRule) -> Iterator[str]:
    if after.epsilon > before.epsilon:
        yield "budget.epsilon"
    if (after.filter, after.delta) != (before.filter, before.delta):
        yield "budget.filter"
    for name, old, new in (
        ("per_job", before.per_job, after.per_job),
        ("per_analyst", before.per_analyst, after.per_analyst),
    ):
        if _wider(old, new):
            yield f"budget.{name}"
    paced, paces = before.window, after.window
    if paced and (paces is None or paces.every != paced.every or paces.epsilon > paced.epsilon):
        yield "budget.window"
    paid, pays = before.selection, after.selection
    if pays and (paid is None or pays.per_job > paid.per_job or pays.lifetime > paid.lifetime):
        yield "budget.selection"


def _wider(old: Fraction | None, new: Fraction | None) -> bool:
    """Whether a limit went up, or away."""
    return old is not None and (new is None or new > old)


def _tags(before: AccessPolicy, after: AccessPolicy) -> Iterator[str]:
    """A closed tag that is closed no more, or tags that open more; how patterns overlap is not worked out."""
    closed = [rule.pattern for rule in after.tags if rule.uses is None]
    for rule in before.tags:
        if rule.uses is None and not any(_within(rule.pattern, other) for other in closed):
            yield f'tags["{rule.pattern}"]'
    # Of several patterns that open the longest speaks, so one that went may have held another back.
    old = {rule.pattern: rule.uses for rule in before.tags if rule.uses is not None}
    new = {rule.pattern: rule.uses for rule in after.tags if rule.uses is not None}
    if new:
        yield from (f'tags["{gone}"]' for gone in old.keys() - new.keys())
        for pattern, uses in new.items():
            if not uses <= old.get(pattern, frozenset()):
                yield f'tags["{pattern}"]'


def _within(pattern: str, other: str) -> bool:
    """Whether every tag that fits *pattern* fits *other*."""
    return pattern == other or (other.endswith(".*") and fits(other, pattern.removesuffix(".*")))


def _columns(before: AccessPolicy, after: AccessPolicy) -> Iterator[str]:
    for rule in after.columns:
        old = before.column(rule.name) or ColumnRule(rule.name, frozenset())
        at = f"columns.{rule.name}"
        if rule.by_tag and not old.by_tag and any(it.uses for it in after.tags):
            yield f"{at}.use"
        if not rule.uses <= old.uses:
            yield f"{at}.use"
        if rule.selected and not old.selected:
            yield f"{at}.keys"
        if (rule.uses or rule.by_tag) and not _inside(rule.domain, old.domain):
            yield f"{at}.domain"
    # A rule of its own kept the tag's uses away from a column, or to a domain.
    gone = (old for old in before.columns if after.column(old.name) is None)
    if any(rule.uses for rule in after.tags):
        yield from (f"columns.{old.name}" for old in gone if old.domain is not None or not old.by_tag)


def _inside(new: Domain | None, old: Domain | None) -> bool:
    """Whether nothing can be told apart by *new* that could not be by *old*."""
    match new, old:
        case NumericDomain(), NumericDomain():
            coarser = (new.grid / old.grid).denominator == 1
            return coarser and old.low <= new.low and new.high <= old.high
        case DateDomain(), DateDomain():
            return old.low <= new.low and new.high <= old.high
        case CategoricalDomain(), CategoricalDomain():
            known = {(type(value), value) for value in old.values}
            return all((type(value), value) in known for value in new.values)
        case _:
            return new is None and old is None


def _results(before: AccessPolicy, after: AccessPolicy) -> Iterator[str]:
    if after.minimum_count < before.minimum_count:
        yield "release.minimum_count"
    if before.keep is not None and (after.keep is None or after.keep > before.keep):
        yield "results.keep"


def _covers(before: AccessPolicy, number: int, grant: Grant) -> bool:
    old = before.grants[number]
    named = (
        grant.to <= old.to
        and grant.purposes <= old.purposes
        and grant.operations <= old.operations
        and grant.kinds <= old.kinds
        and grant.until <= old.until
    )
    in_front = (
        it for it in before.grants[:number] if it.purposes & grant.purposes and it.kinds & grant.kinds
    )
    return named and _as_strict(grant, old) and all(_as_strict(grant, it) for it in in_front)


def _as_strict(new: Grant, old: Grant) -> bool:
    """Whether a job under *new* needs every yes that it needed under *old*."""
    if old.approval is Approval.AUTO:
        return True
    return new.approval == old.approval and _expiry(new) <= _expiry(old)


def _expiry(grant: Grant) -> dt.timedelta:
    return EXPIRES if grant.approval_expires is None else grant.approval_expires
