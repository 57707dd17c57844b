"""Frames: every operator means what its definition says, wherever batches and files end."""

from __future__ import annotations

from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from relational import Row, Shape, Units, World, columns_of, shapes, tag, worlds

from jobs.engine import pairs
from jobs.expressions import Call, Column, Literal, columns
from jobs.frames import Frames, Inputs
from jobs.relations import Frame, Join, Lookup, PerUnit, Scan, UnitValue, expressions, slot


def engine_rows(frame: Frame, inputs: Inputs) -> list[tuple[Any, ...]]:
    """Return the rows of *frame* in order, unit after unit."""
    names = columns_of(frame)
    found: list[tuple[Any, ...]] = []
    for chunk in Frames(inputs, frozenset(names) | wanted(frame)).rows(frame):
        columns = [plain(chunk.batch.column(name)) for name in names]
        found += list(zip(*columns, strict=True)) if columns else [()] * chunk.batch.num_rows
    return found


def wanted(frame: Frame) -> frozenset[str]:
    slots = {name for expression in expressions(frame) for name in columns(expression)}
    return frozenset(slots)


def plain(column: pa.Array) -> list[Any]:
    return [None if isinstance(it, float) and it * 0 != 0 else it for it in column.to_pylist()]


def oracle_rows(frame: Frame, world: World) -> list[tuple[Any, ...]]:
    found = world.rows(frame)
    return [
        tuple(row[name] for name in columns_of(frame))
        for unit in sorted(found, key=tag)
        for row in found[unit]
    ]


@settings(max_examples=400)
@given(shapes(), worlds(), st.integers(1, 7), st.sampled_from([1, 4]), st.sampled_from([1, 5, 2**18]))
def test_frames_mean_what_they_say(shape: Shape, world: World, size: int, files: int, slice_: int) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(pairs, "SLICE", slice_)
        patch.setattr(pairs, "PORTION", slice_)
        found = engine_rows(shape.frame, world.inputs(size, files))
    assert found == oracle_rows(shape.frame, world)


def rows_of(frame: Frame, *sources: Units, tables: tuple[list[Row], ...] = ()) -> list[tuple[Any, ...]]:
    return engine_rows(frame, World([*sources, {}], list(tables)).inputs(size=10**6))


def row(whole: int, group: str = "a") -> Row:
    return {"group": group, "whole": whole, "amount": 0.5}


def test_a_unit_over_many_batches_is_one_unit() -> None:
    units = {1: [row(n) for n in range(500)], 2: [row(7)]}
    total = UnitValue(slot(1, "s"), "sum", Column("whole"))
    frame = Frame(PerUnit(Frame(Scan(0, 0)), (), (total,)))
    assert sorted(engine_rows(frame, World([units, {}], []).inputs(size=3))) == [(7.0,), (124750.0,)]


def test_pairs_below_a_per_unit_have_an_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pairs, "MOST_PAIRS", 10)
    both = Frame(Join("inner", Frame(Scan(0, 0)), Frame(Scan(0, 1))))
    frame = Frame(PerUnit(both, (), (UnitValue(slot(2, "n"), "count"),)))
    assert sorted(rows_of(frame, {1: [row(1)] * 40, 2: [row(1)] * 3})) == [(9,), (10,)]


def test_a_million_pairs_of_one_unit_are_judged_in_slices() -> None:
    """1,000 rows beside 1,000; only the very last pair meets the condition."""
    units = {1: [row(n) for n in range(1000)]}
    last = Call(
        "and", tuple(Call("greater", (Column(name), Literal(998))) for name in ("whole", slot(1, "whole")))
    )
    frame = Frame(Join("inner", Frame(Scan(0, 0, 1000)), Frame(Scan(0, 1, 1000)), last, 1000))
    assert len(rows_of(frame, units)) == 1


def test_a_float_sum_takes_no_notice_of_nulls_or_of_other_units() -> None:
    """WHERE and FILTER (WHERE) agree to the last bit: pairwise summation would not."""
    amounts = [0.1 * n for n in range(300)]
    units = {1: [{"group": "a", "whole": n % 3, "amount": x} for n, x in enumerate(amounts)], 2: [row(0)] * 9}
    third = Call("equal", (Column("whole"), Literal(0)))
    case = Call("case", (third, Column("amount"), Literal(None)))
    where = Frame(PerUnit(Frame(Scan(0, 0), third), (), (UnitValue(slot(1, "s"), "sum", Column("amount")),)))
    filtered = Frame(PerUnit(Frame(Scan(0, 0)), (), (UnitValue(slot(1, "s"), "sum", case),)))
    assert rows_of(where, units) == rows_of(filtered, units)
    assert rows_of(where, {1: units[1]}) == [line for line in rows_of(where, units) if line != (4.5,)]


def test_text_is_matched_as_text_and_numbers_across_kinds() -> None:
    table = [{"group": "1", "whole": 1, "amount": 1.0}, {"group": None, "whole": None, "amount": 2.0}]
    for key, column, found in (
        (Column("whole"), "amount", 1),
        (Column("amount"), "whole", 0),
        (Column("group"), "group", 1),
    ):
        frame = Frame(Lookup("semi", Frame(Scan(0, 0, 3)), 0, 1, ((key, column),)))
        assert len(rows_of(frame, {1: [row(1, "1"), row(3, "x")]}, tables=(table,))) == found
