"""Findings about grants: those that nobody can ever use, those that come too late, and their approvals."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from policies.approvals import Rule, written
from policies.lint.finding import Finding, Surroundings, error, note, warning
from policies.model import AccessPolicy, Grant
from sandbox.errors import Fact
from sandbox.schema import Principal, Role


def never(policy: AccessPolicy, around: Surroundings) -> Iterator[Finding]:
    """Yield grants that can never apply, and names that call nobody."""
    if not policy.grants:
        yield warning("lint.no-grants", ("grants",))
    for index, grant in enumerate(policy.grants):
        yield from _empty(index, grant)
        if grant.until < around.today:
            until = grant.until.isoformat()
            yield warning("lint.grant-past", ("grants", index, "until"), number=index, until=until)
        if strangers := [name for name in sorted(grant.to) if around.called(name) == frozenset()]:
            yield warning("lint.calls-nobody", ("grants", index, "to"), who=strangers)
        earlier = (before for before in range(index) if _holds(policy.grants[before], grant))
        if (before := next(earlier, None)) is not None:
            told: dict[str, Fact] = {
                "number": index,
                "before": before,
                "line": policy.where(("grants", before)),
            }
            yield warning("lint.grant-shadowed", ("grants", index), **told)
        if unrun := sorted(grant.kinds - {"sql"}):
            yield note("lint.kind-not-run", ("grants", index, "kinds"), kinds=unrun)


def _empty(index: int, grant: Grant) -> Iterator[Finding]:
    for key in ("to", "purposes", "operations", "kinds"):
        if not getattr(grant, key):
            path = f"grants[{index}].{key}"
            yield error("lint.grant-empty", ("grants", index, key), number=index, place=path)


def _holds(one: Grant, other: Grant) -> bool:
    """Whether whatever fits the grant *other* fits *one*."""
    return (
        other.to <= one.to
        and other.purposes <= one.purposes
        and other.operations <= one.operations
        and other.kinds <= one.kinds
        and other.until <= one.until
    )


# --- whose yes ------------------------------------------------------------------------------------------


def approvals(policy: AccessPolicy, around: Surroundings) -> Iterator[Finding]:
    """Yield approvals that nobody can give, or not to everybody who may ask."""
    if around.people is None:
        return
    for index, grant in enumerate(policy.grants):
        at = ("grants", index, "approval")
        askers = sorted(person.name for person in around.people if person.called & grant.to)
        rule = written(grant.approval)
        stuck = [asker for asker in askers if not _can(policy, grant, asker, around.people)]
        if not _can(policy, grant, "", around.people) or (askers and stuck == askers):
            yield error("lint.nobody-can-approve", at, number=index, approval=rule)
        elif stuck:
            yield warning("lint.nobody-else-can-approve", at, who=stuck, approval=rule)


def _can(policy: AccessPolicy, grant: Grant, asker: str, people: Sequence[Principal]) -> bool:
    """Whether enough people could say yes to a job of *asker*."""
    rule = Rule(policy.dataset, policy.owner, grant.approval, asker)
    able = people
    if not any(person.name == policy.owner for person in people):
        # Whoever is to own the dataset is not made yet: what a policy says of its owner is taken as said.
        able = [*people, Principal(policy.owner, frozenset({Role.OWNER}))]
    return all(sum(rule.fits(party, person) for person in able) >= party.need for party in rule.parties)
