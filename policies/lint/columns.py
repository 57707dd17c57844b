"""Findings about columns: rules that cannot apply, uses that nobody can make, groups that are too fine."""

from __future__ import annotations

from collections.abc import Iterator
from math import prod
from typing import Final

from policies.lint.finding import Finding, Surroundings, error, note, warning
from policies.model import AccessPolicy, ColumnRule
from policies.tags import denying, effective, fits
from sandbox.errors import Fact
from sandbox.schema import CategoricalDomain, DateDomain, Domain, NumericDomain, Use

MEASURING: Final = frozenset({"sum", "avg", "variance", "quantile", "correlation"})
"""Operations that compute with the values of a column."""
_LEARNING: Final = frozenset({"python", "model"})
_FEW: Final = 10
"""Fewer people than this in a group are lost in its noise."""


def rules(policy: AccessPolicy, around: Surroundings) -> Iterator[Finding]:
    """Yield rules of columns and tags that contradict each other."""
    for rule in policy.columns:
        yield from _rule(policy, around, rule)
    for opened in policy.tags:
        tags = [around.tag(name) for name in around.fields or ()]
        if around.fields is not None and not any(tag and fits(opened.pattern, tag) for tag in tags):
            yield note("lint.pattern-fits-nothing", ("tags", opened.pattern), pattern=opened.pattern)


def _rule(policy: AccessPolicy, around: Surroundings, rule: ColumnRule) -> Iterator[Finding]:
    at, tag = ("columns", rule.name), around.tag(rule.name)
    closed = denying(policy, tag) if tag else None
    if closed is not None:
        told = {"column": rule.name, "tag": str(tag), "pattern": closed}
        yield error("lint.tag-closes-column", at, **told)
        return
    found = effective(policy, rule.name, tag)
    uses = found.rule.uses if found else frozenset()
    if rule.by_tag and tag and not uses:
        yield error("lint.tag-opens-nothing", at, column=rule.name, tag=tag)
    elif not rule.by_tag and not uses:
        yield note("lint.no-use", at, column=rule.name)
    if rule.by_tag and uses & {Use.GROUP, Use.FEATURE} and rule.domain is None and not rule.selected:
        yield warning("lint.tag-use-without-domain", at, column=rule.name, uses=["group", "feature"])
    if rule.by_tag and Use.MEASURE in uses and not isinstance(rule.domain, NumericDomain):
        yield warning("lint.tag-use-without-bounds", at, column=rule.name)


def usable(policy: AccessPolicy, around: Surroundings, use: Use) -> list[ColumnRule]:
    """Return the columns that *use* holds for, by their own rule or by their tag."""
    names = dict.fromkeys([*(rule.name for rule in policy.columns), *(around.fields or ())])
    found = (effective(policy, name, around.tag(name)) for name in names)
    return [it.rule for it in found if it and use in it.rule.uses]


def operations(policy: AccessPolicy, around: Surroundings) -> Iterator[Finding]:
    """Yield uses that no grant can make, and operations that no column can serve."""
    measured = usable(policy, around, Use.MEASURE)
    if measured and policy.grants and not any(grant.operations & MEASURING for grant in policy.grants):
        names = [rule.name for rule in measured]
        yield warning("lint.measure-not-granted", ("columns", names[0], "use"), columns=names)
    for index, grant in enumerate(policy.grants):
        useless = sorted(grant.operations & MEASURING)
        if useless and not measured and (around.fields is not None or not policy.tags):
            yield warning("lint.nothing-to-measure", ("grants", index, "operations"), operations=useless)
    learned = [rule.name for rule in usable(policy, around, Use.FEATURE)]
    if learned and not any(grant.kinds & _LEARNING for grant in policy.grants):
        yield warning("lint.feature-not-granted", ("columns", learned[0], "use"), columns=learned)
    if policy.budget.selection and not any(rule.selected for rule in policy.columns):
        yield note("lint.selection-unused", ("budget", "selection"))


def cells(domain: Domain | None) -> int | None:
    """Return how many groups a domain makes, None if nobody declared them."""
    match domain:
        case CategoricalDomain(values):
            return len(values)
        case NumericDomain(low, high, grid):
            return int((high - low) / grid) + 1
        case DateDomain(first, last):
            return (last - first).days + 1
        case None:
            return None


def groups(policy: AccessPolicy, around: Surroundings) -> Iterator[Finding]:
    """Yield groups that hold fewer people than noise hides, and those that point at people."""
    units = policy.unit.expected_units
    sizes = {rule.name: cells(rule.domain) for rule in usable(policy, around, Use.GROUP)}
    known = {name: size for name, size in sizes.items() if size}
    if units is not None:
        for name, size in known.items():
            if size * _FEW > units:
                told: dict[str, Fact] = {"column": name, "cells": size, "units": units}
                yield warning("lint.column-too-fine", ("columns", name), **told)
        yield from _together(known, units)
    for combination in around.combinations:
        size = prod(known.get(name, 1) for name in combination.columns)
        yield warning(
            "lint.points-at-people",
            ("columns", combination.columns[0]),
            title=combination.title,
            title_zh=combination.title_zh,
            columns=list(combination.columns),
            cells=size,
            units="?" if units is None else f"{units:,}",
        )


def _together(sizes: dict[str, int], units: int) -> Iterator[Finding]:
    """Tell how few columns already make groups of less than one person, the finest first."""
    chosen: list[str] = []
    for name in sorted(sizes, key=lambda name: -sizes[name]):
        chosen.append(name)
        size = prod(sizes[one] for one in chosen)
        if size > units and len(chosen) > 1:
            yield note("lint.small-cells", ("columns", chosen[0]), columns=chosen, cells=size, units=units)
            return
