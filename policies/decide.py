"""The decision: a pure function of policy, confirmed tags and request, and no by default.

A request is allowed only if all of this holds; each line is a *rule* that a refusal can name:

* ``policy``: the dataset has a policy, and it is this dataset's;
* ``tags.COLUMN``: every column asked for has a tag that its owner has confirmed;
* ``tags["pi.id.*"]``: no pattern of ``tags`` that says deny fits the tag; no column rule lifts it;
* ``defaults["pi.*"]`` or ``columns``: every column has a rule: its own, which beats a default of its tag, or
  for want of one the uses that ``tags`` gives its tag (`policies.tags`);
* ``columns.COLUMN.use``, ``tags["pi.health"].use``: the rule lists the use;
* ``columns.COLUMN.bounds``, ``.domain``: a measured column has bounds, a grouped or feature column a domain;
* ``columns.COLUMN.keys``: a grouped column without a domain, and any whose keys the job selects, says
  ``keys: selected``, and ``budget.selection`` pays for it;
* ``joins``: the policy lists every private dataset whose units the job joins with this one's (that dataset's
  own policy must list this one: it decides for itself);
* ``unit.max_rows``: the job asks for no more rows of a unit than the policy gives;
* ``grants[i].to``, ``.purposes``, ``.kinds``, ``.operations``, ``.until``: *one* grant names the caller (its
  identity or ``group:NAME``), the purpose, the kind of job, every operation, and has not passed (its last day
  still counts).

The first grant that fits is used.  A refusal carries every reason in a fixed order and names the first.
Limits are no matter of this module: the ledger refuses what they do not cover.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from fractions import Fraction

from policies.approvals import Consent
from policies.load import Path
from policies.model import UNTAGGED, AccessPolicy, Grant
from policies.request import Request
from policies.tags import Effective, denying, effective, fits
from sandbox.errors import DeniedError, Fact
from sandbox.schema import Domain, NumericDomain, Tag, Use


@dataclass(frozen=True, slots=True)
class Reason:
    """One rule that says no; *error* is ready to be raised and holds public facts only."""

    rule: str
    error: DeniedError


@dataclass(frozen=True, slots=True)
class Allowed:
    """Yes: by grant number *grant*, after *approval*, with R = *max_rows*.

    *domains* are those of the columns asked for, as far as they have one.  *rules* names what spoke for it.
    *most_rows* is the largest count per unit; *max_groups* and *max_group_rows* bound the groups of one, if
    anything does.  The keys of the columns *select* may be selected, for at most
    *selection_delta* in all.  Rows of a noisy count below *minimum_count* are withheld.
    """

    grant: int
    approval: Consent
    max_rows: int
    domains: Mapping[str, Domain]
    rules: tuple[str, ...]
    most_rows: int
    selection_delta: Fraction = Fraction(0)
    select: frozenset[str] = frozenset()
    minimum_count: int = 0
    max_groups: int | None = None
    max_group_rows: int | None = None


@dataclass(frozen=True, slots=True)
class Denied:
    """No: *reasons* holds all of them (at least one), *ask* is the owner, None if there is no policy."""

    reasons: tuple[Reason, ...]
    ask: str | None

    @property
    def rule(self) -> str:
        """The rule that a refusal names."""
        return self.reasons[0].rule

    @property
    def code(self) -> str:
        """The message of the named rule."""
        return self.reasons[0].error.code

    @property
    def facts(self) -> dict[str, Fact]:
        """The facts of that message."""
        return self.reasons[0].error.facts


Decision = Allowed | Denied
_GRANT = ("to", "purposes", "kinds", "operations", "until")


def decide(policy: AccessPolicy | None, tags: Mapping[str, Tag], request: Request) -> Decision:
    """Return whether *request* is allowed; *tags* by column name.  Never raises, reads nothing else."""
    if policy is None or policy.dataset != request.dataset:
        error = DeniedError("denied.no-policy", rule="policy", dataset=request.dataset)
        return Denied((Reason("policy", error),), None)
    reasons = [*_columns(policy, tags, request), *_joins(policy, request), *_rows(policy, request)]
    grant = _grant(policy, request)
    if not isinstance(grant, int):
        reasons += grant
    if reasons or not isinstance(grant, int):
        return Denied(tuple(reasons), policy.owner)
    return _allowed(policy, tags, request, grant)


def allowed_or_raise(decision: Decision) -> Allowed:
    """Return *decision* if it is a yes, raise its `DeniedError` if it is a no."""
    if isinstance(decision, Denied):
        raise decision.reasons[0].error
    return decision


def _allowed(policy: AccessPolicy, tags: Mapping[str, Tag], request: Request, grant: int) -> Allowed:
    names = sorted({column for column, _ in request.uses})
    found = {name: it for name in names if (it := effective(policy, name, tags[name].name))}
    rules = {name: it.rule for name, it in found.items()}
    spoke = [it.name for it in found.values()]
    joins = [f"joins.{name}" for name in sorted(request.joined - {request.dataset})]
    rows = policy.unit.max_rows if request.max_rows is None else request.max_rows
    selection = policy.budget.selection
    return Allowed(
        grant,
        policy.grants[grant].approval,
        rows,
        {name: rule.domain for name, rule in rules.items() if rule.domain is not None},
        (*dict.fromkeys(spoke), *joins, "unit.max_rows", f"grants[{grant}]"),
        policy.unit.counted_rows,
        selection.per_job if selection else Fraction(0),
        frozenset(name for name, rule in rules.items() if rule.selected and selection),
        policy.minimum_count,
        policy.unit.max_groups,
        policy.unit.max_group_rows,
    )


def _columns(policy: AccessPolicy, tags: Mapping[str, Tag], request: Request) -> Iterator[Reason]:
    for column, use in sorted(request.uses):
        tag = tags.get(column)
        if tag is None or not tag.confirmed:
            yield _unconfirmed(policy, column)
        elif (pattern := denying(policy, tag.name)) is not None:
            yield _closed(policy, column, tag.name, pattern)
            continue
        found = effective(policy, column, tag.name if tag and tag.confirmed else None)
        if found is None:
            yield _unlisted(policy, column, tag)
        else:
            yield from _use(policy, found, use, selects=column in request.selects)


def _unconfirmed(policy: AccessPolicy, column: str) -> Reason:
    listed = UNTAGGED in policy.denied
    rule = f"defaults.{UNTAGGED}" if listed else f"tags.{column}"
    where = policy.where(("defaults", UNTAGGED) if listed else ())
    error = DeniedError("denied.tag-not-confirmed", rule=rule, where=where, column=column, ask=policy.owner)
    return Reason(rule, error)


def _closed(policy: AccessPolicy, column: str, tag: str, pattern: str) -> Reason:
    rule = f'tags["{pattern}"]'
    where = policy.where(("tags", pattern))
    error = DeniedError("denied.tag-closed", rule=rule, where=where, column=column, tag=tag, ask=policy.owner)
    return Reason(rule, error)


def _unlisted(policy: AccessPolicy, column: str, tag: Tag | None) -> Reason:
    pattern = _default(policy, tag.name) if tag and tag.confirmed else None
    rule = f'defaults["{pattern}"]' if pattern else "columns"
    where = policy.where(("defaults", pattern) if pattern else ("columns",))
    error = DeniedError("denied.column-not-listed", rule=rule, where=where, column=column, ask=policy.owner)
    return Reason(rule, error)


def _default(policy: AccessPolicy, tag: str) -> str | None:
    """Return the most specific default that covers *tag*."""
    fitting = [pattern for pattern in policy.denied if fits(pattern, tag)]
    return max(fitting, key=lambda pattern: (len(pattern), pattern), default=None)


def _use(policy: AccessPolicy, found: Effective, use: Use, *, selects: bool) -> Iterator[Reason]:
    rule = found.rule
    path: Path = ("columns", rule.name)
    selected = rule.selected and policy.budget.selection is not None
    if use not in rule.uses:
        name = found.name
        where = policy.where(found.path)
        error = DeniedError(
            "denied.use-not-listed", rule=name, where=where, column=rule.name, use=use.value, ask=policy.owner
        )
        yield Reason(name, error)
    elif use is Use.MEASURE and not isinstance(rule.domain, NumericDomain):
        name = f"columns.{rule.name}.bounds"
        error = DeniedError(
            "denied.no-bounds", rule=name, where=policy.where(path), column=rule.name, ask=policy.owner
        )
        yield Reason(name, error)
    elif use is Use.GROUP and selects and not selected:
        name = f"columns.{rule.name}.keys"
        error = DeniedError(
            "denied.keys-not-selected",
            rule=name,
            where=policy.where(path),
            column=rule.name,
            ask=policy.owner,
        )
        yield Reason(name, error)
    elif use in (Use.GROUP, Use.FEATURE) and rule.domain is None and not (selected and use is Use.GROUP):
        name = f"columns.{rule.name}.domain"
        error = DeniedError(
            "denied.no-domain", rule=name, where=policy.where(path), column=rule.name, ask=policy.owner
        )
        yield Reason(name, error)


def _joins(policy: AccessPolicy, request: Request) -> Iterator[Reason]:
    for other in sorted(request.joined - policy.joins - {request.dataset}):
        error = DeniedError(
            "denied.join", rule="joins", where=policy.where(("joins",)), other=other, ask=policy.owner
        )
        yield Reason("joins", error)


def _rows(policy: AccessPolicy, request: Request) -> Iterator[Reason]:
    asked, limit = request.max_rows, policy.unit.max_rows
    if asked is not None and not 1 <= asked <= limit:
        where = policy.where(("unit", "max_rows"))
        error = DeniedError("denied.max-rows", rule="unit.max_rows", where=where, asked=asked, limit=limit)
        yield Reason("unit.max_rows", error)


def _grant(policy: AccessPolicy, request: Request) -> int | tuple[Reason, ...]:
    """Return the first grant that fits, or all that the one that came nearest lacks."""
    nearest: tuple[Reason, ...] = ()
    depth = -1
    for index, grant in enumerate(policy.grants):
        missing = list(_missing(policy, index, grant, request))
        if not missing:
            return index
        if missing[0][0] > depth:
            nearest, depth = tuple(reason for _, reason in missing), missing[0][0]
    return nearest or (_no_grants(policy),)


def _no_grants(policy: AccessPolicy) -> Reason:
    where = policy.where(("grants",))
    error = DeniedError("denied.no-grants", rule="grants", where=where, ask=policy.owner)
    return Reason("grants", error)


def _missing(
    policy: AccessPolicy, index: int, grant: Grant, request: Request
) -> Iterator[tuple[int, Reason]]:
    """Yield the parts of a grant that do not fit, with their places in the order of checking."""
    ask, at = policy.owner, f"grants[{index}]"
    where = {key: policy.where(("grants", index, key)) for key in _GRANT}
    if not grant.to & request.principal.called:
        rule, who = f"{at}.to", request.principal.name
        error = DeniedError("denied.not-granted-to", rule=rule, where=where["to"], principal=who, ask=ask)
        yield 0, Reason(rule, error)
    if request.purpose not in grant.purposes:
        rule, asked = f"{at}.purposes", request.purpose
        error = DeniedError("denied.purpose", rule=rule, where=where["purposes"], purpose=asked, ask=ask)
        yield 1, Reason(rule, error)
    if request.kind not in grant.kinds:
        rule, kind = f"{at}.kinds", request.kind
        yield 2, Reason(rule, DeniedError("denied.kind", rule=rule, where=where["kinds"], kind=kind, ask=ask))
    lacking = sorted(request.operations - grant.operations)
    if lacking or not request.operations:
        rule, said = f"{at}.operations", ", ".join(lacking) or "none"
        error = DeniedError("denied.operation", rule=rule, where=where["operations"], operation=said, ask=ask)
        yield 3, Reason(rule, error)
    if request.today > grant.until:
        rule, last = f"{at}.until", grant.until.isoformat()
        error = DeniedError("denied.expired", rule=rule, where=where["until"], until=last, ask=ask)
        yield 4, Reason(rule, error)
