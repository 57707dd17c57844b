"""How alike two questions are: the shape of each number asked for, and the conditions that fill it.

Two questions that differ in one condition or one constant can be subtracted from each other: their difference
is about the few persons whom that condition tells apart.  A *shape* is what remains of a measurement when its
noise, its row bounds, its conditions and its constants are taken out; what was taken out is kept beside it as
digests, which tell whether two are equal and nothing else.

A condition is one wherever it stands: ``COUNT(*) … WHERE c``, ``COUNT(*) FILTER (WHERE c)`` and ``SUM(CASE
WHEN c THEN 1 ELSE 0 END)`` are one shape under one condition.  Conditions on the same columns count as one:
a range that is moved at both ends, or a list with one category more, is another condition and not two.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from sandbox import canonical

Json = Any

_NARROW: Final = frozenset({"equal", "in"})
_ANY: Final = ["literal"]
_NOTHING: Final = (["literal", "null"], ["literal", "integer", "0"])
"""What a row adds where a condition does not hold."""


@dataclass(frozen=True, slots=True)
class Likeness:
    """What a measurement is like.

    *shape*: the digest of what it measures, by which keys, of which datasets.  *conditions*: digests of its
    conditions and constants, those on the same columns together, with these.  *templates*: digests of the
    same without constants.  *picks*: digests of the constants that a column is compared with for equality:
    which group is looked at; *columns*: those columns.
    """

    shape: str
    conditions: frozenset[str]
    templates: frozenset[str]
    picks: frozenset[str]
    columns: frozenset[str]


def likeness(plan: Mapping[str, Json]) -> tuple[Likeness, ...]:
    """Return what each measurement of a plan as `jobs.codec.plan_to_json` wrote it is like, equal ones once.

    Other shapes are a `ValueError`.
    """
    try:
        about = [[name for name, _ in plan["sources"]], plan["tables"]]
        return tuple(dict.fromkeys(one for part in plan["parts"] for one in _part(part, about)))
    except (KeyError, IndexError, TypeError, AttributeError) as error:
        raise ValueError("not a plan") from error


@dataclass(frozen=True, slots=True)
class _Condition:
    """A condition on *columns*: its digest, that of its template, and the constants that it picks."""

    columns: tuple[str, ...]
    digest: str
    template: str
    picks: tuple[tuple[str, str], ...]


def _part(part: Mapping[str, Json], about: Json) -> Iterator[Likeness]:
    where: list[Json] = []
    frame = _frame(part["frame"], where)
    keys = sorted(_digest(_open(key[0], where)) for key in part["keys"])
    base, known = _digest([*about, frame, keys]), list(map(_condition, where))
    for item in part["measurements"]:
        found: list[Json] = []
        shape = _digest([base, _measurement(item, found)])
        yield _like(shape, [*known, *map(_condition, found)])


def _like(shape: str, found: list[_Condition]) -> Likeness:
    together: dict[tuple[str, ...], set[str]] = {}
    for condition in found:
        together.setdefault(condition.columns, set()).add(condition.digest)
    picks = [pick for condition in found for pick in condition.picks]
    return Likeness(
        shape,
        frozenset(f"{columns}: {sorted(said)}" for columns, said in together.items()),
        frozenset(condition.template for condition in found),
        frozenset(digest for _, digest in picks),
        frozenset(column for column, _ in picks),
    )


def _condition(said: Json) -> _Condition:
    picks = tuple((item[0], _digest(item)) for item in _picks(said))
    return _Condition(tuple(sorted(set(_columns(said)))), _digest(said), _digest(_blank(said)), picks)


def _columns(item: Json) -> Iterator[str]:
    if isinstance(item, list):
        if item[:1] == ["column"]:
            yield item[1]
        for part in item:
            yield from _columns(part)


def _frame(frame: Json, found: list[Json]) -> Json:
    (kind, *held), where = frame
    found.extend(_conjuncts(where))
    inner = [_frame(item, found) if _is_frame(item) else _open(item, found) for item in held[:-1]]
    return [kind, *inner]  # without its bound on rows


def _is_frame(item: Json) -> bool:
    return (
        isinstance(item, list)
        and len(item) == 2
        and isinstance(item[0], list)
        and bool(item[0])
        and item[0][0] in ("scan", "per-unit", "join", "lookup")
    )


def _measurement(item: Json, found: list[Json]) -> Json:
    """A measurement without noise and bounds: its kind and the expressions in it."""
    kind, *held = item
    if kind == "quantile":
        binning, draws = held
        return [kind, _bare(binning[0], found), sorted({draw[0] for draw in draws})]
    if kind == "distinct":
        return [kind, _bare(held[0][0], found)]
    if kind == "units":
        return [kind]
    read = [[_bare(it, found) for it in part] for part in (held[0], [factor[0] for factor in held[1]])]
    return [kind, *([one for one in part if one != _ANY] for part in read)]


def _bare(item: Json, found: list[Json]) -> Json:
    """Return what is measured where a condition holds, and note the condition: of ``CASE`` and ``FILTER``."""
    if isinstance(item, list) and item[:2] == ["call", "case"] and len(item) == 5 and item[4] in _NOTHING:
        found.extend(_conjuncts(item[2]))
        return _bare(item[3], found)
    return _open(item, found)


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
    if item[:1] == ["literal"]:
        return _ANY
    constants = [part for part in item if isinstance(part, list) and part[:1] == ["literal"]]
    if item[:1] == ["call"] and constants:
        found.append(["constants", _blank(item), constants])
    return _once([_open(part, found) for part in item])


def _blank(item: Json) -> Json:
    if not isinstance(item, list):
        return item
    return _ANY if item[:1] == ["literal"] else _once([_blank(part) for part in item])


def _once(call: list[Json]) -> list[Json]:
    """Return *call* with a list of constants, however many they are, as one."""
    if call[:2] != ["call", "in"]:
        return call
    return [part for place, part in enumerate(call) if part != _ANY or part not in call[:place]]


def _picks(condition: Json) -> Iterator[tuple[str, Json]]:
    if condition[:1] == ["call"] and condition[1] in _NARROW:
        columns = [item[1] for item in condition[2:] if item[0] == "column"]
        constants = [item for item in condition[2:] if item[0] == "literal"]
        if len(columns) == 1 and constants:
            yield columns[0], constants


def _digest(item: Json) -> str:
    return hashlib.sha256(canonical.write(item)).hexdigest()
