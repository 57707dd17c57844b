"""What parts of a plan would cost alone: a statement, a measurement.  Pure; nothing here admits a job.

A part of a plan is a plan: its loss is recomputed by the function that checks jobs (`plan_losses`).  Each
figure is rounded up by itself, so a sum of figures may pass the loss of the whole in the last digit.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import chain

from jobs.plan import PER_QUANTILE, Answer, Measurement, Part, Plan, Quantile
from jobs.planning import plan_losses
from sandbox.privacy.loss import Filter, Loss


@dataclass(frozen=True, slots=True)
class Item:
    """One measurement of a part (or its key selection, *number* None) and the statements that need it."""

    part: int
    number: int | None
    statements: tuple[int, ...]


def items(plan: Plan) -> Iterator[Item]:
    """Yield what is measured, in the plan's order; a part's selection before its measurements."""
    needs = [_needed(answer) for answer in plan.answers]
    for number, part in enumerate(plan.parts):
        users = [
            [i for i, need in enumerate(needs) if (number, m) in need] for m in range(len(part.measurements))
        ]
        if part.selection is not None:
            yield Item(number, None, tuple(sorted({i for listed in users for i in listed})))
        yield from (Item(number, m, tuple(listed)) for m, listed in enumerate(users))


def item_losses(plan: Plan, item: Item, filters: Sequence[Filter]) -> tuple[Loss, ...]:
    """Return what one item costs each source of *plan*."""
    part = plan.parts[item.part]
    if item.number is None:
        alone = replace(part, measurements=())
    else:
        alone = replace(part, measurements=(part.measurements[item.number],), selection=None)
    return plan_losses(replace(plan, parts=(alone,), answers=()), filters)


def statement_losses(plan: Plan, number: int, filters: Sequence[Filter]) -> tuple[Loss, ...]:
    """Return what statement *number* alone would cost each source, at the error it has in *plan*."""
    need = _needed(plan.answers[number])
    parts = tuple(_restricted(part, place, need) for place, part in enumerate(plan.parts))
    used = {part for part, _ in need}
    kept = tuple(part for place, part in enumerate(parts) if place in used)
    return plan_losses(replace(plan, parts=kept, answers=()), filters)


def _restricted(part: Part, place: int, need: Mapping[tuple[int, int], set[int]]) -> Part:
    measured = [
        _with_draws(item, need[place, number])
        for number, item in enumerate(part.measurements)
        if (place, number) in need
    ]
    return replace(part, measurements=tuple(measured))


def _with_draws(item: Measurement, asked: set[int]) -> Measurement:
    if not isinstance(item, Quantile):
        return item
    kept = (draws for number, draws in enumerate(item.asked) if number in asked)
    return replace(item, draws=tuple(chain.from_iterable(kept)))


def _needed(answer: Answer) -> dict[tuple[int, int], set[int]]:
    """Return the measurements that an answer is made of, as (part, number); of a quantile, which of them."""
    found: dict[tuple[int, int], set[int]] = {}
    for recipe in answer.recipes:
        for (part, _), places in zip(answer.sets, recipe.places, strict=True):
            for number in places:
                found.setdefault((part, number), set()).add(recipe.offset // PER_QUANTILE)
    return found
