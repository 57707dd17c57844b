"""A policy to begin with: what is known is written, what only an owner knows is a marked blank.

What is known is what registration fixed, the confirmed tags with the uses that such columns usually have, and
the policy in force, if there is one.  A domain is never suggested: values that were looked up in the data are
no public knowledge.  While a blank is left the draft is refused (`policies.load`).
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from policies.approvals import Approval, Consent, Quorum
from policies.conform import DatasetFacts, decimal
from policies.load import BLANK
from policies.model import API_VERSION, AccessPolicy, BudgetRule, ColumnRule, Grant, UnitRule
from sandbox.schema import CategoricalDomain, DateDomain, Domain, Kind, NumericDomain, Scalar, Use

_PLAIN: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_.+-]*")
_WORDS: Final = {"null", "true", "false", "yes", "no", "on", "off", "y", "n", BLANK.lower()}
"""Words that some reader takes for something else; they are quoted."""
_SUGGESTED: Final = ("count", "sum", "avg")

Say = Callable[[str], str]
"""Words for a comment, by message key."""


@dataclass(frozen=True, slots=True)
class Suggestion:
    """What a column may become: its *kind*, its *meaning* in words, and the *uses* such columns usually have.

    *withheld*: such columns are usually not used at all.  *listed*: it is better declared by a list of values
    than by bounds.  *confirmed*: its owner has said what it is.
    """

    name: str
    kind: Kind
    meaning: str
    uses: frozenset[Use]
    withheld: bool
    listed: bool
    confirmed: bool


def draft(
    facts: DatasetFacts,
    owner: str,
    columns: Sequence[Suggestion],
    *,
    before: tuple[AccessPolicy, str] | None,
    say: Say,
    schema: str,
) -> str:
    """Return the YAML text.

    *before* is the policy in force with its digest, *schema* is where editors find the language's schema.
    """
    policy = before[0] if before else None
    blocks: list[Iterator[str]] = [
        _head(facts, owner, before, say, schema),
        _unit(facts, policy.unit if policy else None, say),
        _budget(facts, policy.budget if policy else None, say),
        _rest(policy, say),
        _columns(columns, policy, say),
        _grants(policy.grants if policy else (), say),
    ]
    return "".join(f"{line}\n" for block in blocks for line in block)


def _head(
    facts: DatasetFacts, owner: str, before: tuple[AccessPolicy, str] | None, say: Say, schema: str
) -> Iterator[str]:
    yield f"# yaml-language-server: $schema={schema}"
    yield f"# {say('draft.head')}"
    yield f"# {say('draft.blanks')}"
    yield f"# {say('draft.next')}"
    yield f"apiVersion: {API_VERSION}"
    yield "kind: AccessPolicy"
    yield "metadata:"
    yield f"  dataset: {text(facts.name)}"
    yield f"  version: {before[0].version + 1 if before else 1}"
    yield f"  owner: {text(owner)}"
    if before:
        yield f"  supersedes: {before[1]}  # {say('draft.supersedes')}"


def _unit(facts: DatasetFacts, unit: UnitRule | None, say: Say) -> Iterator[str]:
    yield f"# {say('draft.unit')}"
    yield "unit:"
    yield f"  key: {text(facts.unit)}"
    yield f"  namespace: {text(facts.namespace)}"
    yield f"  max_rows: {unit.max_rows if unit else BLANK}  # {say('draft.max-rows')}"
    if unit and unit.most_rows is not None:
        yield f"  most_rows: {unit.most_rows}"
    yield from _groups(unit, say)
    expected = unit.expected_units if unit else BLANK
    if expected is not None:
        yield f"  expected_units: {expected}  # {say('draft.expected-units')}"


def _groups(unit: UnitRule | None, say: Say) -> Iterator[str]:
    """What is in force; in a first policy how it would be written, since it is needed by few."""
    if unit is None:
        yield f"  # {say('draft.group-bounds')}"
        return
    for key, bound in (("max_groups", unit.max_groups), ("max_group_rows", unit.max_group_rows)):
        if bound is not None:
            yield f"  {key}: {bound}"


def _budget(facts: DatasetFacts, budget: BudgetRule | None, say: Say) -> Iterator[str]:
    yield f"# {say('draft.budget')}"
    yield "budget:"
    yield f"  filter: {facts.filter}"
    if facts.delta:
        yield f"  delta: {decimal(facts.delta)}"
    if budget is None:
        yield f"  epsilon: {BLANK}  # {say('draft.epsilon')}"
        yield f"  per_job: {BLANK}  # {say('draft.per-job')}"
        yield f"  window: {{every: week, epsilon: {BLANK}}}  # {say('draft.window')}"
        return
    yield f"  epsilon: {decimal(budget.epsilon)}  # {say('draft.epsilon')}"
    for key, share in (("per_job", budget.per_job), ("per_analyst", budget.per_analyst)):
        if share is not None:
            yield f"  {key}: {decimal(share)}"
    if budget.window:
        yield f"  window: {{every: {budget.window.every}, epsilon: {decimal(budget.window.epsilon)}}}"
    if budget.selection:
        chosen = budget.selection
        yield f"  selection: {{per_job: {decimal(chosen.per_job)}, lifetime: {decimal(chosen.lifetime)}}}"


def _rest(policy: AccessPolicy | None, say: Say) -> Iterator[str]:
    yield f"# {say('draft.defaults')}"
    denied = policy.denied if policy else ("pi.*", "untagged")
    yield f"defaults: {{{', '.join(f'{text(pattern)}: deny' for pattern in denied)}}}"
    if policy is None:
        return
    if policy.tags:
        yield "tags:"
        for rule in policy.tags:
            said = "deny" if rule.uses is None else f"{{use: {_uses(rule.uses)}}}"
            yield f"  {text(rule.pattern)}: {said}"
    if policy.joins:
        yield f"joins: {_list(sorted(policy.joins))}"
    if policy.minimum_count:
        yield f"release: {{minimum_count: {policy.minimum_count}}}"
    if policy.keep is not None:
        yield f"results: {{keep: {policy.keep.days}d}}"


# --- columns --------------------------------------------------------------------------------------------


def _columns(columns: Sequence[Suggestion], policy: AccessPolicy | None, say: Say) -> Iterator[str]:
    yield f"# {say('draft.columns')}"
    yield f"# {say('draft.public')}"
    written = [line for column in columns for line in _column(column, policy, say)]
    yield "columns:" if any(not line.lstrip().startswith("#") for line in written) else "columns: {}"
    yield from written


def _column(column: Suggestion, policy: AccessPolicy | None, say: Say) -> Iterator[str]:
    rule = policy.column(column.name) if policy else None
    if rule is not None:
        yield f"  # {comment(column.meaning)}"
        yield f"  {text(column.name)}: {_ruled(rule)}"
    elif not column.confirmed:
        yield f"  # {text(column.name)}: {say('draft.unconfirmed')}"
    elif column.withheld or policy is not None:
        why = say("draft.withheld") if column.withheld else say("draft.not-in-force")
        yield f"  # {text(column.name)}: {comment(column.meaning)}; {why}"
    else:
        yield f"  # {comment(column.meaning)}"
        yield f"  {text(column.name)}: {_suggested(column)}"


def _suggested(column: Suggestion) -> str:
    """Return uses that fit the kind, and blanks for the domain that they need."""
    uses, blank = column.uses, f"categories: [{BLANK}]"
    if column.kind is Kind.BOOLEAN:
        blank = "categories: [true, false]"
    elif column.kind in (Kind.DATE, Kind.TIMESTAMP):
        blank = f"dates: [{BLANK}, {BLANK}]"
    elif column.kind.numeric and not column.listed:
        # Each step of the grid would be a group of its own: whoever wants that can add it.
        grid = "1" if column.kind is Kind.INTEGER else BLANK
        return f"{{use: {_uses(uses - {Use.GROUP})}, bounds: [{BLANK}, {BLANK}], grid: {grid}}}"
    return f"{{use: {_uses(uses - {Use.MEASURE})}, {blank}}}"


def _ruled(rule: ColumnRule) -> str:
    parts = [] if rule.by_tag else [f"use: {_uses(rule.uses)}"]
    if rule.domain is not None:
        parts.append(_domain(rule.domain))
    if rule.selected:
        parts.append("keys: selected")
    if rule.description:
        parts.append(f"description: {text(rule.description)}")
    return f"{{{', '.join(parts)}}}"


def _domain(domain: Domain) -> str:
    match domain:
        case CategoricalDomain(values):
            return f"categories: [{', '.join(map(_scalar, values))}]"
        case DateDomain(first, last):
            return f"dates: [{first}, {last}]"
        case NumericDomain(low, high, grid):
            return f"bounds: [{decimal(low)}, {decimal(high)}], grid: {decimal(grid)}"


# --- grants and scalars ---------------------------------------------------------------------------------


def _grants(grants: Sequence[Grant], say: Say) -> Iterator[str]:
    yield f"# {say('draft.grants')}"
    if not grants:
        yield "grants:"
        yield f"  - to: [{BLANK}]  # {say('draft.to')}"
        yield f"    purposes: [{BLANK}]  # {say('draft.purposes')}"
        yield f"    operations: {_list(_SUGGESTED)}  # {say('draft.operations')}"
        yield f"    until: {BLANK}  # {say('draft.until')}"
        yield f"    approval: {Approval.OWNER.value}  # {say('draft.approval')}"
        return
    yield "grants:"
    for grant in grants:
        yield f"  - to: {_list(sorted(grant.to))}"
        yield f"    purposes: {_list(sorted(grant.purposes))}"
        yield f"    operations: {_list(sorted(grant.operations))}"
        yield f"    until: {grant.until}"
        yield f"    approval: {_approval(grant.approval)}"
        if grant.approval_expires is not None:
            hours = int(grant.approval_expires.total_seconds()) // 3600
            yield f"    approval_expires: {hours}h" if hours % 24 else f"    approval_expires: {hours // 24}d"
        if grant.kinds != {"sql"}:
            yield f"    kinds: {_list(sorted(grant.kinds))}"


def _approval(consent: Consent) -> str:
    if isinstance(consent, Quorum):
        return f"{{need: {consent.need}, of: {_list(sorted(consent.of))}}}"
    return consent.value


def _uses(uses: frozenset[Use]) -> str:
    return _list([use.value for use in Use if use in uses])


def _list(values: Sequence[str]) -> str:
    return f"[{', '.join(map(text, values))}]"


def _scalar(value: Scalar) -> str:
    match value:
        case None:
            return "null"
        case bool():
            return "true" if value else "false"
        case float():
            return repr(value)
        case str():
            return text(value)
    return str(value)


def comment(words: str) -> str:
    """Return *words* as one line that can neither end the comment nor hide in it."""
    return " ".join("".join(c if c.isprintable() else " " for c in words).split())


def text(value: str) -> str:
    """Return *value* as YAML writes it: in quotes unless it is a plain word that means nothing else."""
    if _PLAIN.fullmatch(value) and value.lower() not in _WORDS:
        return value
    return json.dumps(value, ensure_ascii=False)
