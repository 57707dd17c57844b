"""What a reader of a result must know: message keys with public facts, read off plan and released numbers.

The rules by which rows or groups are left out are the same for every dataset and stand with every result.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from jobs.derivations import binding
from jobs.expressions import columns
from jobs.plan import Answer, Binning, Measurement, Part, Plan, Quantile, Total
from jobs.relations import Core, Join, Lookup, PerUnit, Scan, cores, shown
from jobs.values import number


@dataclass(frozen=True, slots=True)
class Note:
    """A sentence of the message catalogue and the facts to fill it with."""

    key: str
    facts: dict[str, str | int] = field(default_factory=dict)


def notes(plan: Plan, answer: Answer, withheld: int = 0) -> tuple[Note, ...]:
    """Return what applies to *answer*, most general first; *withheld*: rows of a count below its minimum."""
    parts = [plan.parts[part] for part, _ in answer.sets]
    inside = [core for part in parts for core in cores(part.frame)]
    found = [
        *_frames(inside),
        *_bounds(parts),
        *_groups(parts),
        *_measurements(answer, list(_used(answer, parts))),
    ]
    if len(parts) > 1:
        found.append(Note("result.consistent"))
    if answer.minimum:
        found.append(Note("result.minimum-count", {"minimum": answer.minimum, "withheld": withheld}))
    return (*found, Note("result.suppression"))


def _frames(inside: list[Core]) -> Iterator[Note]:
    bounds = [core.rows for core in inside if isinstance(core, Scan) and core.rows is not None]
    if bounds:
        yield Note("result.bounded", {"rows": max(bounds)})
    if any(isinstance(core, PerUnit) for core in inside):
        yield Note("result.per-unit")
    again = [core.rows for core in inside if isinstance(core, Join | Lookup) and core.rows is not None]
    if any(isinstance(core, Join | Lookup) for core in inside):
        yield Note("result.joined", {"rows": max(again, default=1)})


def _bounds(parts: list[Part]) -> Iterator[Note]:
    for groups, rows in dict.fromkeys(map(binding, parts)):
        if groups is not None and rows is not None:
            yield Note("result.group-bound", {"groups": groups, "rows": rows})
        elif groups is not None:
            yield Note("result.group-bound-groups", {"groups": groups})
        elif rows is not None:
            yield Note("result.group-bound-rows", {"rows": rows})


def _groups(parts: list[Part]) -> Iterator[Note]:
    rules = [part.selection for part in parts if part.selection is not None]
    if rules:
        yield Note(
            "result.selected", {"threshold": rules[0].threshold, "delta": f"{float(rules[0].delta):.3g}"}
        )
    elif any(part.keys for part in parts):
        yield Note("result.declared-groups")


def _measurements(answer: Answer, used: list[Measurement]) -> Iterator[Note]:
    if any(
        isinstance(item, Quantile) or (isinstance(item, Total) and (item.factors or item.axis))
        for item in used
    ):
        yield Note("result.clamped")
    axes = [item.axis for item in used if isinstance(item, Total) and item.axis]
    for axis in dict.fromkeys(axes):
        named = ", ".join(sorted({shown(name) for name in columns(axis.argument)}))
        yield Note("result.bars", {"column": named, "bars": _bars(axis)})
    if any(recipe.extreme for recipe in answer.recipes):
        yield Note("result.min-max")
    coarse = [item.binning.bins for item in used if isinstance(item, Quantile) and _coarse(item.binning)]
    if coarse:
        yield Note("result.quantile-bins", {"bins": min(coarse)})


def _bars(axis: Binning) -> str:
    ends = [(number(axis.first(bar)), number(axis.last(bar))) for bar in range(axis.bins)]
    return " | ".join(f"{low} … {high}" for low, high in ends)


def _coarse(binning: Binning) -> bool:
    return binning.bins <= (binning.high - binning.low) / binning.grid


def _used(answer: Answer, parts: list[Part]) -> Iterator[Measurement]:
    for recipe in answer.recipes:
        for part, places in zip(parts, recipe.places, strict=True):
            yield from (part.measurements[place] for place in places)
