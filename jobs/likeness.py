"""How alike two questions are: the shape of a plan, and the conditions and constants that fill it.

Two questions that differ in one condition or one constant can be subtracted from each other: their difference
is about the few persons whom that condition tells apart.  A *shape* is what remains of a plan when its noise,
its conditions and its constants are taken out; what was taken out is kept beside it as digests, which tell
whether two are equal and nothing else.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from sandbox import canonical

Json = Any

_NARROW: Final = frozenset({"equal", "in"})


@dataclass(frozen=True, slots=True)
class Likeness:
    """What a question is like.

    *shape*: the digest of the plan without noise, conditions and constants.  *conditions*: digests of its
    conditions and constants.  *templates*: the same without constants.  *picks*: digests of the constants
    that a column is compared with for equality: which group is looked at; *columns*: those columns.
    """

    shape: str
    conditions: frozenset[str]
    templates: frozenset[str]
    picks: frozenset[str]
    columns: frozenset[str]


def likeness(plan: Mapping[str, Json]) -> Likeness:
    """Return what a plan as `jobs.codec.plan_to_json` wrote it is like; other shapes are a `ValueError`."""
    found: list[Json] = []
    try:
        parts = sorted(_digest(_part(part, found)) for part in plan["parts"])
    except (KeyError, IndexError, TypeError, AttributeError) as error:
        raise ValueError("not a plan") from error
    sources = [name for name, _ in plan["sources"]]
    picks = [item for condition in found for item in _picks(condition)]
    return Likeness(
        _digest([sources, plan["tables"], parts]),
        frozenset(map(_digest, found)),
        frozenset(_digest(_blank(item)) for item in found),
        frozenset(map(_digest, picks)),
        frozenset(item[0] for item in picks),
    )


def _part(part: Mapping[str, Json], found: list[Json]) -> Json:
    frame = _frame(part["frame"], found)
    keys = sorted(_digest(_open(key[0], found)) for key in part["keys"])
    measured = sorted({_digest(_measurement(item, found)) for item in part["measurements"]})
    return [frame, part["rows"], keys, measured]


def _frame(frame: Json, found: list[Json]) -> Json:
    (kind, *held), where = frame
    found.extend(_conjuncts(where))
    inner = [_frame(item, found) if _is_frame(item) else _open(item, found) for item in held]
    return [kind, *inner]


def _is_frame(item: Json) -> bool:
    return (
        isinstance(item, list)
        and len(item) == 2
        and isinstance(item[0], list)
        and bool(item[0])
        and item[0][0] in ("scan", "per-unit", "join", "lookup")
    )


def _measurement(item: Json, found: list[Json]) -> Json:
    """A measurement without noise: its kind and the expressions in it."""
    kind, *held = item
    if kind == "quantile":
        binning, draws = held
        return [kind, _open(binning[0], found), sorted({draw[0] for draw in draws})]
    return [kind, [_open(part, found) for part in held[:-1]]]


def _conjuncts(where: Json) -> Iterator[Json]:
    if where is None:
        return
    if where[0] == "call" and where[1] == "and":
        for item in where[2:]:
            yield from _conjuncts(item)
    else:
        yield where


def _open(item: Json, found: list[Json]) -> Json:
    """Return *item* with its constants taken out, and note each of them with what it stood in."""
    if not isinstance(item, list):
        return item
    if item[:1] == ["call"]:
        constants = [part for part in item[2:] if isinstance(part, list) and part[:1] == ["literal"]]
        found.extend([["call", item[1], *map(_blank, item[2:])], constant] for constant in constants)
    return ["literal"] if item[:1] == ["literal"] else [_open(part, found) for part in item]


def _blank(item: Json) -> Json:
    if not isinstance(item, list):
        return item
    return ["literal"] if item[:1] == ["literal"] else [_blank(part) for part in item]


def _picks(condition: Json) -> Iterator[tuple[str, Json]]:
    if condition[:1] == ["call"] and condition[1] in _NARROW:
        columns = [item[1] for item in condition[2:] if item[0] == "column"]
        constants = [item for item in condition[2:] if item[0] == "literal"]
        if len(columns) == 1 and constants:
            yield columns[0], constants


def _digest(item: Json) -> str:
    return hashlib.sha256(canonical.write(item)).hexdigest()
