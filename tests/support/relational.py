"""Small relations of units: stored as a worker reads them, and what frames mean, row by row in plain Python.

The oracle shares nothing with the engine but the meaning of a single expression (which has its own tests).
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any

import pyarrow as pa
from hypothesis import strategies as st

from jobs.evaluate import evaluate_columns
from jobs.expressions import Call, Column, Expression, Literal
from jobs.frames import Inputs, Read
from jobs.relations import Core, Frame, Join, Lookup, PerUnit, Scan, UnitValue, slot
from sandbox.schema import ORDINAL, UNIT_TAG

Row = dict[str, Any]
Units = dict[int, list[Row]]
"""The rows of each unit, in their stored order."""

TYPES = {"group": pa.string(), "whole": pa.int64(), "amount": pa.float64()}
AMOUNTS = st.one_of(
    st.none(),
    st.floats(-20, 20),
    st.sampled_from([1e300, -1e300, 5e-324, 10.0, -2.5, 9.995, -0.0, 3.0, float("nan"), float("inf")]),
)
ROW = st.fixed_dictionaries(
    {
        "group": st.sampled_from(["a", "b", "c", "", None]),
        "whole": st.one_of(st.none(), st.integers(-9, 9), st.sampled_from([2**62, -(2**62)])),
        "amount": AMOUNTS,
    }
)
UNITS = st.dictionaries(st.integers(1, 6), st.lists(ROW, min_size=1, max_size=5), max_size=5)


def tag(unit: int) -> bytes:
    """Return a tag; some end in zero bytes."""
    found = hashlib.sha256(str(unit).encode()).digest()[:16]
    return found[:15] + b"\0" if unit % 2 else found


def reader(units: Units, size: int = 3, files: int = 1) -> Read:
    """Return *units* as the rows of *files* shards in batches of *size*, text coded batch by batch."""

    def read(stored: Sequence[str]) -> Iterator[pa.RecordBatch]:
        for number in range(files):
            table = _stored({unit: units[unit] for unit in units if tag(unit)[0] * files // 256 == number})
            for start in range(0, table.num_rows, size):
                batch = table.slice(start, size).combine_chunks().to_batches()[0]
                coded = batch.column("group").dictionary_encode()
                batch = batch.set_column(batch.schema.get_field_index("group"), "group", coded)
                yield batch.select(list(stored))

    return read


def _stored(units: Units) -> pa.Table:
    rows = [(unit, *item) for unit in sorted(units, key=tag) for item in enumerate(units[unit])]
    columns = {name: pa.array([row[name] for _, _, row in rows], kind) for name, kind in TYPES.items()}
    columns[ORDINAL] = pa.array([ordinal for _, ordinal, _ in rows], pa.int32())
    columns[UNIT_TAG] = pa.array([tag(unit) for unit, _, _ in rows], pa.binary(16))
    return pa.table(columns)


def table_batch(rows: list[Row]) -> pa.RecordBatch:
    """Return a public table's rows."""
    return pa.RecordBatch.from_pylist(rows, pa.schema(list(TYPES.items())))


@dataclass(frozen=True)
class World:
    """Private sources and public tables."""

    sources: list[Units]
    tables: list[list[Row]]

    def inputs(self, size: int = 3, files: int = 1) -> Inputs:
        """Return what the engine reads."""
        return Inputs(
            [reader(it, size, files) for it in self.sources], [table_batch(it) for it in self.tables]
        )

    def without(self, unit: int) -> World:
        """Return the world that *unit* is not in."""
        return World([{u: r for u, r in it.items() if u != unit} for it in self.sources], self.tables)

    def rows(self, frame: Frame) -> Units:
        """Return the rows of *frame* by the definitions of `jobs.relations`."""
        found = self._core(frame.core)
        if frame.where is None:
            return found
        return {unit: [r for r, v in zip(rows, values(frame.where, rows), strict=True) if v is True]
                for unit, rows in found.items()}  # fmt: skip

    def _core(self, core: Core) -> Units:
        match core:
            case Scan():
                return {unit: [_placed(row, core.place) for row in rows[: core.rows]]
                        for unit, rows in self.sources[core.source].items()}  # fmt: skip
            case PerUnit():
                return {unit: _groups(core, rows) for unit, rows in self.rows(core.of).items()}
            case Join():
                right = self.rows(core.right)
                names = columns_of(core.right)
                return {unit: _pairs(core, rows, [right.get(unit, [])] * len(rows), names)
                        for unit, rows in self.rows(core.left).items()}  # fmt: skip
            case Lookup():
                table = [_placed(row, core.place) for row in self.tables[core.table]]
                names = [slot(core.place, name) for name in TYPES]
                return {unit: _pairs(core, rows, _partners(core, rows, table), names)
                        for unit, rows in self.rows(core.left).items()}  # fmt: skip


def values(expression: Expression, rows: list[Row]) -> list[Any]:
    """Return *expression* for each row."""
    names = rows[0] if rows else {}
    columns = {name: [row[name] for row in rows] for name in names}
    return evaluate_columns(expression, {"": [None] * len(rows), **columns}) if rows else []


def _placed(row: Row, place: int) -> Row:
    return {slot(place, name): _number(value) for name, value in row.items()}


def _number(value: Any) -> Any:
    return None if isinstance(value, float) and not math.isfinite(value) else value


def _groups(core: PerUnit, rows: list[Row]) -> list[Row]:
    keys = [values(key, rows) for _, key in core.keys]
    groups: dict[tuple[Any, ...], list[Row]] = {}
    for row, *key in zip(rows, *keys, strict=True):
        groups.setdefault(tuple(key), []).append(row)
    return [
        {name: value for (name, _), value in zip(core.keys, key, strict=True)}
        | {value.slot: _aggregate(value, members) for value in core.values}
        for key, members in list(groups.items())[: core.rows]
    ]


def _aggregate(value: UnitValue, rows: list[Row]) -> Any:
    found = _plain(value, rows)
    if found is None or value.low is None or value.high is None:
        return found
    clamped = min(max(found, value.low), value.high)
    whole = isinstance(found, int) and value.low.denominator == value.high.denominator == 1
    return int(clamped) if whole else float(clamped)


def _plain(value: UnitValue, rows: list[Row]) -> Any:
    if value.argument is None:
        return len(rows)
    known = [item for item in values(value.argument, rows) if item is not None]
    if value.kind in ("count", "distinct"):
        return len(known) if value.kind == "count" else len(set(known))
    if not known:
        return None
    if value.kind in ("min", "max"):
        return min(known) if value.kind == "min" else max(known)
    total = 0.0
    for item in known:
        total += float(item)
    return _number(total / len(known) if value.kind == "avg" else total)


def _partners(core: Lookup, rows: list[Row], table: list[Row]) -> list[list[Row]]:
    wanted = list(zip(*(values(expression, rows) for expression, _ in core.on), strict=True))
    names = [slot(core.place, name) for _, name in core.on]
    return [
        [
            other
            for other in table
            if all(v is not None and v == other[n] for v, n in zip(key, names, strict=True))
        ]
        for key in wanted
    ]


def _pairs(core: Join | Lookup, rows: list[Row], partners: list[list[Row]], names: list[str]) -> list[Row]:
    found: list[Row] = []
    for row, others in zip(rows, partners, strict=True):
        pairs = [{**row, **other} for other in others]
        if core.condition is not None:
            pairs = [p for p, v in zip(pairs, values(core.condition, pairs), strict=True) if v is True]
        if core.kind in ("semi", "anti"):
            pairs = [row] if bool(pairs) == (core.kind == "semi") else []
        elif core.kind == "left" and not pairs:
            pairs = [{**row, **dict.fromkeys(names)}]
        found += pairs
    return found[: core.rows]


def columns_of(frame: Frame) -> list[str]:
    """Return the slots of a frame of these tables."""
    match frame.core:
        case Scan(place=place):
            return [slot(place, name) for name in TYPES]
        case PerUnit(keys=keys, values=found):
            return [*(name for name, _ in keys), *(value.slot for value in found)]
        case Join(kind=kind, left=left, right=right):
            return columns_of(left) + (columns_of(right) if kind in ("inner", "left") else [])
        case Lookup(kind=kind, left=left, place=place):
            more = [slot(place, name) for name in TYPES] if kind in ("inner", "left") else []
            return columns_of(left) + more
    raise AssertionError


@dataclass
class Shape:
    """A frame in the making: its columns by kind (text or number)."""

    frame: Frame
    texts: list[str] = field(default_factory=list)
    numbers: list[str] = field(default_factory=list)


@dataclass
class Frames:
    """Draws frames; every place gets a number of its own."""

    draw: Callable[[Any], Any]
    place: int = 0

    def frame(self, depth: int, *, every: bool = False) -> Shape:
        """Return a frame of at most *depth* operators over each other."""
        kinds = ["scan"] if not depth else ["scan", "unit", "unit", "groups", "join", "join", "lookup"]
        kind = self.draw(st.sampled_from(kinds))
        found: Shape = getattr(self, f"_{kind}")(depth - 1, every)
        if self.draw(st.integers(0, 2)) == 0:
            found.frame = Frame(found.frame.core, self.condition(found))
        return found

    def condition(self, over: Shape) -> Expression:
        """Return a condition over the columns of *over*."""
        found: list[Expression] = [Literal(True)]
        for name in over.numbers:
            found += [Call("greater", (Column(name), Literal(0))), Call("is_null", (Column(name),))]
        for name in over.texts:
            found += [
                Call("equal", (Column(name), Literal("a"))),
                Call("in", (Column(name), Literal("b"), Literal("c"))),
            ]
        for one, other in zip(over.numbers, over.numbers[1:], strict=False):
            found.append(Call("less", (Column(one), Column(other))))
        return self.draw(st.sampled_from(found))

    def number(self, over: Shape) -> Expression:
        """Return a number over the columns of *over*."""
        if not over.numbers:
            return Literal(1)
        name = self.draw(st.sampled_from(over.numbers))
        cases = (Call("greater", (Column(name), Literal(0))), Column(name), Literal(0))
        choices = [
            Column(name),
            Column(name),
            Call("multiply", (Column(name), Literal(3))),
            Call("case", cases),
        ]
        return self.draw(st.sampled_from(choices))

    def _rows(self, every: bool) -> int | None:
        return None if every else self.draw(st.integers(1, 4))

    def _next(self) -> int:
        self.place += 1
        return self.place - 1

    def _scan(self, _depth: int, every: bool) -> Shape:
        place = self._next()
        core = Scan(self.draw(st.integers(0, 2)), place, self._rows(every))
        return Shape(Frame(core), [slot(place, "group")], [slot(place, "whole"), slot(place, "amount")])

    def _unit(self, depth: int, every: bool) -> Shape:
        return self._per_unit(depth, every, grouped=False)

    def _groups(self, depth: int, every: bool) -> Shape:
        return self._per_unit(depth, every, grouped=True)

    def _per_unit(self, depth: int, every: bool, *, grouped: bool) -> Shape:
        inner, place = self.frame(depth, every=True), self._next()
        keys = [Column(name) for name in (*inner.texts, *inner.numbers)] if grouped else []
        chosen = (
            self.draw(st.lists(st.sampled_from(keys), min_size=1, max_size=2, unique=True)) if keys else []
        )
        texts, numbers, found = [], [], []
        for i, kind in enumerate(
            self.draw(
                st.lists(
                    st.sampled_from(["rows", "count", "sum", "avg", "min", "max", "distinct"]), max_size=3
                )
            )
        ):
            name = slot(place, f"v{i}")
            pool: list[Expression] = [Column(item) for item in inner.texts] + [self.number(inner)]
            argument = self.draw(
                st.sampled_from(pool if kind in ("count", "min", "max", "distinct") else [self.number(inner)])
            )
            text = kind in ("min", "max") and isinstance(argument, Column) and argument.name in inner.texts
            low, high = self.draw(
                st.sampled_from(
                    [(None, None), (Fraction(-2), Fraction(5)), (Fraction(-1, 2), Fraction(7, 4))]
                )
            )
            (texts if text else numbers).append(name)
            plain = "count" if kind == "rows" else kind
            found.append(
                UnitValue(
                    name,
                    plain,
                    None if kind == "rows" else argument,
                    *((None, None) if text else (low, high)),
                )
            )
        named = [(slot(place, f"k{i}"), key) for i, key in enumerate(chosen)]
        for name, key in named:
            (texts if key.name in inner.texts else numbers).append(name)
        core = PerUnit(inner.frame, tuple(named), tuple(found), self._rows(every) if named else None)
        return Shape(Frame(core), texts, numbers)

    def _join(self, depth: int, every: bool) -> Shape:
        left, right = self.frame(depth, every=every), self.frame(depth, every=every)
        return self._paired(
            left, right, lambda kind, on: Join(kind, left.frame, right.frame, on, self._rows(every))
        )

    def _lookup(self, depth: int, every: bool) -> Shape:
        left, place = self.frame(depth, every=every), self._next()
        number = self.number(left)
        on = [(number, self.draw(st.sampled_from(["whole", "amount"])))]
        if left.texts:
            text = (Column(self.draw(st.sampled_from(left.texts))), "group")
            on = self.draw(st.sampled_from([on, [text], [text, *on]]))
        right = Shape(left.frame, [slot(place, "group")], [slot(place, "whole"), slot(place, "amount")])
        return self._paired(
            left, right, lambda kind, so: Lookup(kind, left.frame, 0, place, tuple(on), so, self._rows(every))
        )

    def _paired(self, left: Shape, right: Shape, made: Callable[..., Core]) -> Shape:
        kind = self.draw(st.sampled_from(["inner", "left", "semi", "anti"]))
        both = Shape(left.frame, left.texts + right.texts, left.numbers + right.numbers)
        on = self.condition(both) if self.draw(st.booleans()) else None
        seen = both if kind in ("inner", "left") else left
        return Shape(Frame(made(kind, on)), list(seen.texts), list(seen.numbers))


@st.composite
def shapes(draw: Any, depth: int = 3) -> Shape:
    """Draw a bounded frame."""
    return Frames(draw).frame(depth)


@st.composite
def worlds(draw: Any) -> World:
    """Draw three sources and a table."""
    return World([draw(UNITS) for _ in range(3)], [draw(st.lists(ROW, max_size=5))])
