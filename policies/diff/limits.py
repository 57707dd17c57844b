"""What changes beside columns and grants: the unit, the budget, joins, what is withheld and kept, names.

Each leaf of the canonical form has a rule here; one that has none is told as it is written, and counts as a
loosening, since nobody has said that it is not.
"""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction

from policies import pace
from policies.diff.change import Change, loosening, neutral, tightening, written
from policies.model import AccessPolicy, BudgetRule, UnitRule, WindowRule


def names(old: AccessPolicy, new: AccessPolicy) -> Iterator[Change]:
    """Yield changes of what a policy only restates, and of its place in the dataset's history."""
    restated: tuple[tuple[str, object, object], ...] = (
        ("metadata.dataset", old.dataset, new.dataset),
        ("metadata.owner", old.owner, new.owner),
        ("unit.key", old.unit.key, new.unit.key),
        ("unit.namespace", old.unit.namespace, new.unit.namespace),
        ("budget.filter", old.budget.filter.value, new.budget.filter.value),
        ("budget.delta", old.budget.delta, new.budget.delta),
    )
    for path, was, now in restated:
        if was != now:
            yield loosening("diff.restated", [path], path=path, old=written(was), new=written(now))
    if old.version != new.version:
        yield neutral("diff.version", ["metadata.version"], old=old.version, new=new.version)
    if old.supersedes != new.supersedes:
        yield neutral(
            "diff.supersedes",
            ["metadata.supersedes"],
            old=written(old.supersedes),
            new=written(new.supersedes),
        )


def unit(old: AccessPolicy, new: AccessPolicy) -> Iterator[Change]:
    """Yield changes of how much of one unit is seen."""
    before, after = old.unit, new.unit
    if after.max_rows > before.max_rows:
        yield loosening("diff.more-rows", ["unit.max_rows"], old=before.max_rows, new=after.max_rows)
    if after.max_rows < before.max_rows:
        yield tightening("diff.fewer-rows", ["unit.max_rows"], old=before.max_rows, new=after.max_rows)
    told = {"old": before.counted_rows, "new": after.counted_rows}
    if before.most_rows is None and after.most_rows is None:
        pass  # it follows from max_rows, and that is told
    elif after.counted_rows > before.counted_rows:
        yield loosening("diff.more-counted", ["unit.most_rows"], **told)
    elif after.counted_rows < before.counted_rows:
        yield tightening("diff.fewer-counted", ["unit.most_rows"], **told)
    elif before.most_rows != after.most_rows:
        yield neutral("diff.same-counted", ["unit.most_rows"], new=after.counted_rows)
    yield from _groups(before, after)
    if before.expected_units != after.expected_units:
        old_units, new_units = written(before.expected_units), written(after.expected_units)
        yield neutral("diff.expected-units", ["unit.expected_units"], old=old_units, new=new_units)


def _groups(before: UnitRule, after: UnitRule) -> Iterator[Change]:
    """No bound is the largest, even where R is no larger: what is joined may have more rows."""
    if (old := before.max_groups) != (new := after.max_groups):
        rule = ["unit.max_groups"]
        if new is None:
            yield loosening("diff.groups-unbounded", rule, old=written(old))
        elif old is None:
            yield tightening("diff.groups-bounded", rule, new=new)
        elif new > old:
            yield loosening("diff.more-groups", rule, old=old, new=new)
        else:
            yield tightening("diff.fewer-groups", rule, old=old, new=new)
    if (old := before.max_group_rows) != (new := after.max_group_rows):
        rule = ["unit.max_group_rows"]
        if new is None:
            yield loosening("diff.group-rows-unbounded", rule, old=written(old))
        elif old is None:
            yield tightening("diff.group-rows-bounded", rule, new=new)
        elif new > old:
            yield loosening("diff.more-group-rows", rule, old=old, new=new)
        else:
            yield tightening("diff.fewer-group-rows", rule, old=old, new=new)


def budget(old: AccessPolicy, new: AccessPolicy) -> Iterator[Change]:
    """Yield changes of limits, with what they pay for."""
    before, after = old.budget, new.budget
    if after.epsilon != before.epsilon:
        told = _amounts(before.epsilon, after.epsilon, after)
        if after.epsilon > before.epsilon:
            yield loosening("diff.lifetime-more", ["budget.epsilon"], **told)
        else:
            yield tightening("diff.lifetime-less", ["budget.epsilon"], **told)
    yield from _per_job(before.per_job, after.per_job)
    yield from _per_analyst(before.per_analyst, after.per_analyst)
    yield from _window(before.window, after.window, after)
    yield from _selection(before, after)


def _amounts(old: Fraction, new: Fraction, rule: BudgetRule) -> dict[str, str | int]:
    """Two limits, and how many usual questions lie between them."""
    loss = pace.usual_loss(rule)
    queries = abs(pace.queries(rule, new, loss) - pace.queries(rule, old, loss))
    return {"old": written(old), "new": written(new), "queries": queries, "loss": written(loss)}


def _larger(old: Fraction | None, new: Fraction | None) -> bool:
    """Whether a limit rose or fell away; None is no limit."""
    return new is None or (old is not None and new > old)


def _per_job(old: Fraction | None, new: Fraction | None) -> Iterator[Change]:
    if old != new:
        change = loosening if _larger(old, new) else tightening
        yield change("diff.per-job", ["budget.per_job"], old=written(old), new=written(new))


def _per_analyst(old: Fraction | None, new: Fraction | None) -> Iterator[Change]:
    if old != new:
        change = loosening if _larger(old, new) else tightening
        yield change("diff.per-analyst", ["budget.per_analyst"], old=written(old), new=written(new))


def _window(old: WindowRule | None, new: WindowRule | None, rule: BudgetRule) -> Iterator[Change]:
    if old == new:
        return
    if new is None or old is None:
        if new is None and old is not None:
            yield loosening("diff.window-gone", ["budget.window"], every=old.every, old=written(old.epsilon))
        if new is not None:
            queries = pace.queries(rule, new.epsilon, loss := pace.usual_loss(rule))
            told: dict[str, str | int] = {"queries": queries, "loss": written(loss)}
            yield tightening(
                "diff.window-new", ["budget.window"], every=new.every, new=written(new.epsilon), **told
            )
    elif old.every == new.every:
        told = _amounts(old.epsilon, new.epsilon, rule)
        if new.epsilon > old.epsilon:
            yield loosening("diff.window-more", ["budget.window"], every=new.every, **told)
        else:
            yield tightening("diff.window-less", ["budget.window"], every=new.every, **told)
    else:
        longer = pace.WINDOWS_A_MONTH[new.every] < pace.WINDOWS_A_MONTH[old.every]
        change = tightening if longer and new.epsilon <= old.epsilon else loosening
        shown = {"old": written(old.epsilon), "new": written(new.epsilon)}
        yield change("diff.window-other", ["budget.window"], every=new.every, every_before=old.every, **shown)


def _selection(old: BudgetRule, new: BudgetRule) -> Iterator[Change]:
    before, after = old.selection, new.selection
    if before is None and after is not None:
        told = {"per_job": written(after.per_job), "lifetime": written(after.lifetime)}
        yield loosening("diff.selection-new", ["budget.selection"], **told)
    elif after is None and before is not None:
        yield tightening("diff.selection-gone", ["budget.selection"])
    elif before is not None and after is not None and before != after:
        change = (
            tightening if after.per_job <= before.per_job and after.lifetime <= before.lifetime else loosening
        )
        yield change(
            "diff.selection",
            ["budget.selection"],
            old=f"{written(before.per_job)} / {written(before.lifetime)}",
            new=f"{written(after.per_job)} / {written(after.lifetime)}",
        )


def others(old: AccessPolicy, new: AccessPolicy) -> Iterator[Change]:
    """Yield changes of joins, of defaults, and of what is withheld and for how long results are kept."""
    if gained := sorted(new.joins - old.joins):
        yield loosening("diff.may-join-with", (f"joins.{name}" for name in gained), datasets=[*gained])
    if lost := sorted(old.joins - new.joins):
        yield tightening("diff.may-not-join-with", ["joins"], datasets=[*lost])
    if named := sorted({*new.denied} - {*old.denied}):
        yield neutral("diff.default-named", ["defaults"], patterns=named)
    if unnamed := sorted({*old.denied} - {*new.denied}):
        yield neutral("diff.default-not-named", ["defaults"], patterns=unnamed)
    if old.minimum_count != new.minimum_count:
        change = loosening if new.minimum_count < old.minimum_count else tightening
        yield change(
            "diff.minimum-count", ["release.minimum_count"], old=old.minimum_count, new=new.minimum_count
        )
    if old.keep != new.keep:
        days = [None if it is None else it.days for it in (old.keep, new.keep)]
        longer = new.keep is None or (old.keep is not None and new.keep > old.keep)
        change = loosening if longer else tightening
        yield change("diff.keep", ["results.keep"], old=written(days[0]), new=written(days[1]))
