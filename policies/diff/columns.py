"""What may be done with columns under one policy and not under another, whatever their tags are.

The uses of a column may depend on its tag (`policies.tags`), of which a policy knows nothing.  Tags that
the patterns of both policies treat alike are represented by one: the base of each pattern, something below
it, and something that no pattern names.  (What lies strictly below several bases is treated like what lies
directly below the longest of them.)

The way from the old rules to the new ones is gone in two steps: first the patterns change, then the rules of
columns.  A request that only the new policy allows is new in one of the steps, and told there.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Final

from policies.conform import decimal
from policies.diff.change import Change, loosening, neutral, tightening
from policies.model import AccessPolicy, ColumnRule
from policies.tags import denying, effective
from sandbox.schema import CategoricalDomain, DateDomain, Domain, NumericDomain, Scalar, Use

_Way = tuple[bool, frozenset[Use]]
"""How a tag is treated: whether it is closed, and the uses that it opens."""
_NOBODY: Final = "~"
"""A step of a tag that no pattern can name."""
_MOST_SHOWN: Final = 12


def compare(old: AccessPolicy, new: AccessPolicy) -> Iterator[Change]:
    """Yield what changes for columns, by their rules and by their tags."""
    yield from _patterns(old, new)
    yield from _uses(old, new)
    before, after, ways = _by_rule(old), _by_rule(new), _ways(old, new)
    for name in {**after, **before}:
        usable = any(_under(way, after.get(name)) for way in ways)
        yield from _column(name, before.get(name), after.get(name), usable=usable)


# --- by tag ---------------------------------------------------------------------------------------------


def _patterns(old: AccessPolicy, new: AccessPolicy) -> Iterator[Change]:
    if old.tags == new.tags:
        return
    found = [*_closed(old, new), *_opened(old, new)]
    yield from found or [neutral("diff.same-tags", ["tags"])]


def _tags(*policies: AccessPolicy) -> list[str]:
    """Return a tag for each way that the patterns of *policies* treat tags."""
    bases = {rule.pattern.removesuffix(".*") for policy in policies for rule in policy.tags}
    return [*sorted({tag for base in bases for tag in (base, f"{base}.{_NOBODY}")}), _NOBODY]


def _closed(old: AccessPolicy, new: AccessPolicy) -> Iterator[Change]:
    tags = _tags(old, new)
    shut = [tag for tag in tags if denying(new, tag) and not denying(old, tag)]
    freed = [tag for tag in tags if denying(old, tag) and not denying(new, tag)]
    if shut:
        rules = _rules(denying(new, tag) for tag in shut)
        yield tightening("diff.tags-closed", rules, tags=_named(shut))
    if freed:
        yield loosening(
            "diff.tags-no-longer-closed", _rules(denying(old, tag) for tag in freed), tags=_named(freed)
        )


def _opened(old: AccessPolicy, new: AccessPolicy) -> Iterator[Change]:
    gained: dict[tuple[Use, ...], list[str]] = defaultdict(list)
    lost: dict[tuple[Use, ...], list[str]] = defaultdict(list)
    for tag in _tags(old, new):
        before, after = _by_tag(old, tag), _by_tag(new, tag)
        gained[tuple(sorted(after - before))].append(tag)
        lost[tuple(sorted(before - after))].append(tag)
    for uses, tags in gained.items():
        if uses:
            yield loosening(
                "diff.tags-open", _opening(new, tags), uses=[*uses], tags=_named(tags), who=_who(new)
            )
    for uses, tags in lost.items():
        if uses:
            yield tightening(
                "diff.tags-shut", _opening(old, tags), uses=[*uses], tags=_named(tags), who=_who(old)
            )


def _by_tag(policy: AccessPolicy, tag: str) -> frozenset[Use]:
    """Return the uses of a column of *tag* that no rule names."""
    found = effective(replace(policy, columns=()), "", tag)
    return frozenset() if found is None else found.rule.uses


def _opening(policy: AccessPolicy, tags: Iterable[str]) -> tuple[str, ...]:
    """Return the rules of *policy* that give columns of *tags* their uses."""
    bare = replace(policy, columns=())
    return _rules(str(found.path[1]) for tag in tags if (found := effective(bare, "", tag)))


def _rules(patterns: Iterable[str | None]) -> tuple[str, ...]:
    return tuple(f'tags["{pattern}"]' for pattern in dict.fromkeys(patterns) if pattern)


def _named(tags: Iterable[str]) -> list[str]:
    """Return tags as patterns: whatever lies below a tag is ``TAG.*``."""
    return [tag.replace(_NOBODY, "*") for tag in tags]


# --- by column ------------------------------------------------------------------------------------------


def _uses(old: AccessPolicy, new: AccessPolicy) -> Iterator[Change]:
    """Compare the uses of named columns, both sides under the new patterns."""
    ways, before, after = _ways(old, new), _by_rule(old), _by_rule(new)
    gained: dict[Use, list[str]] = defaultdict(list)
    lost: dict[Use, list[str]] = defaultdict(list)
    for name in {**after, **before}:
        pairs = [(_under(way, before.get(name)), _under(way, after.get(name))) for way in ways]
        for use in Use:
            if any(use in now and use not in was for was, now in pairs):
                gained[use].append(name)
            if any(use in was and use not in now for was, now in pairs):
                lost[use].append(name)
    for use, columns in sorted(gained.items()):
        yield loosening(f"diff.may-{use.value}", map(_use, columns), who=_who(new), columns=columns)
    for use, columns in sorted(lost.items()):
        yield tightening(f"diff.may-not-{use.value}", map(_use, columns), who=_who(old), columns=columns)


def _use(column: str) -> str:
    return f"columns.{column}.use"


def _by_rule(policy: AccessPolicy) -> dict[str, ColumnRule]:
    return {rule.name: rule for rule in policy.columns}


def _ways(old: AccessPolicy, new: AccessPolicy) -> set[_Way]:
    """Return how columns can be treated under *new* for their tags; patterns may be many, ways are few."""
    return {(denying(new, tag) is not None, _by_tag(new, tag)) for tag in _tags(old, new)}


def _under(way: _Way, rule: ColumnRule | None) -> frozenset[Use]:
    """Return the uses of a column whose tag is treated so and that has this *rule* (`policies.tags`)."""
    closed, opened = way
    if closed:
        return frozenset()
    return opened if rule is None or rule.by_tag else rule.uses


def _who(policy: AccessPolicy) -> list[str]:
    """Return everybody whom some grant names."""
    return sorted({name for grant in policy.grants for name in grant.to})


def _column(name: str, old: ColumnRule | None, new: ColumnRule | None, *, usable: bool) -> Iterator[Change]:
    """Tell of one column what its uses do not tell; *usable*: it still has some, whatever its tag."""
    blank = ColumnRule(name, frozenset())
    before, after, at = old or blank, new or blank, f"columns.{name}"
    if _typed(before.domain) != _typed(after.domain):
        yield from _domain(name, before.domain, after.domain, usable=usable)
    if before.selected != after.selected:
        change, code = (
            (loosening, "diff.keys-selected") if after.selected else (tightening, "diff.keys-not-selected")
        )
        yield change(code, [f"{at}.keys"], column=name)
    if before.description != after.description:
        yield neutral("diff.description", [f"{at}.description"], column=name, new=after.description or "–")
    if (old is None) != (new is None) and not before.uses | after.uses:
        yield neutral("diff.listed" if old is None else "diff.not-listed", [at], column=name)
    elif before.by_tag != after.by_tag:
        yield neutral("diff.by-tag" if after.by_tag else "diff.by-rule", [_use(name)], column=name)


# --- domains --------------------------------------------------------------------------------------------


def _domain(name: str, old: Domain | None, new: Domain | None, *, usable: bool) -> Iterator[Change]:
    at = [f"columns.{name}.domain"]
    told = {"column": name, "old": shown(old), "new": shown(new)}
    match old, new:
        case CategoricalDomain(before), CategoricalDomain(after):
            yield from _categories(name, before, after)
        case None, _:
            yield loosening("diff.domain-new", at, **told)
        case _, None:
            # Without a domain values are met as they are: whoever may still use the column may see more.
            change = loosening if usable else tightening
            yield change("diff.domain-gone", at, **told)
        case _ if _within(new, old):
            yield tightening("diff.domain-narrower", at, **told)
        case _ if _within(old, new):
            yield loosening("diff.domain-wider", at, **told)
        case _:
            yield loosening("diff.domain-other", at, **told)


def _typed(domain: Domain | None) -> tuple[object, list[type]]:
    # True == 1 in Python, so the type is part of what makes two categories equal.
    return domain, [type(value) for value in domain.values] if isinstance(domain, CategoricalDomain) else []


def _within(inner: Domain | None, outer: Domain | None) -> bool:
    """Whether *outer* shows at least as much as *inner*: no bound is closer, no step is coarser."""
    match inner, outer:
        case NumericDomain(low, high, grid), NumericDomain(least, most, step):
            return least <= low and high <= most and grid % step == 0
        case DateDomain(first, last), DateDomain(earliest, latest):
            return earliest <= first and last <= latest
    return False


def _categories(name: str, old: Sequence[Scalar], new: Sequence[Scalar]) -> Iterator[Change]:
    at = [f"columns.{name}.domain"]
    before, after = ({(type(value), value) for value in side} for side in (old, new))
    gained = [value for value in new if (type(value), value) not in before]
    lost = [value for value in old if (type(value), value) not in after]
    if gained:
        yield loosening("diff.categories-more", at, column=name, values=_values(gained))
    if lost:
        yield tightening("diff.categories-fewer", at, column=name, values=_values(lost))
    if not gained and not lost:
        yield neutral("diff.categories-order", at, column=name)


def _values(values: Sequence[Scalar]) -> list[str]:
    told = [_literal(value) for value in values[:_MOST_SHOWN]]
    return told if len(values) <= _MOST_SHOWN else [*told, f"… ({len(values)})"]


def _literal(value: Scalar) -> str:
    """Return a category so that null and the text ``null`` differ."""
    words: Mapping[object, str] = {None: "null", True: "true", False: "false"}
    if value is None or isinstance(value, bool):
        return words[value]
    return f'"{value}"' if isinstance(value, str) else str(value)


def shown(domain: Domain | None) -> str:
    """Return a domain in one line: ``[1, 14] / 1``, ``["a", "b"]``, ``2020-01-01 … 2020-12-31``."""
    match domain:
        case NumericDomain(low, high, grid):
            return f"[{decimal(low)}, {decimal(high)}] / {decimal(grid)}"
        case CategoricalDomain(values):
            return f"[{', '.join(_values(values))}]"
        case DateDomain(first, last):
            return f"{first} … {last}"
        case None:
            return "–"
