"""Kernels: the integers that the definitions give, exact at every size, whatever the layout of work."""

from __future__ import annotations

import json
import random
from dataclasses import asdict, replace
from fractions import Fraction
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from awkward import FACTORS, dense, expected, parts, plan_of
from hypothesis import given, settings
from hypothesis import strategies as st
from registered import KEYS
from relational import World, reader, tag, worlds

from jobs.codec import plan_to_json
from jobs.engine import bins, codes, counters
from jobs.engine.bins import Bins, key_codes
from jobs.engine.steps import bin_codes, check_total, contributions
from jobs.expressions import Column
from jobs.frames import Inputs
from jobs.kernels import count_shard, measure
from jobs.partials import Exact, merge, numbers_per_cell
from jobs.plan import Binning, Factor, Key, Part, Plan, Total, Units
from jobs.relations import Frame, Join, PerUnit, Scan, UnitValue, slot
from sandbox.schema import DatasetName, Field, Kind, LineageId
from sandbox.vault.register import Declaration, prepare
from sandbox.vault.shard import WrittenShard
from sandbox.vault.source import open_source
from sandbox.vault.store import DirectoryStore


def exact(plan: Plan, world: World, size: int = 3, files: int = 1) -> list[Exact]:
    return merge(plan, [measure(plan, world.inputs(size, files))])


def checked(part: Part, found: Exact, world: World) -> None:
    """Compare one part's integers with the oracle's."""
    wanted = expected(part, world)
    if part.selection is None:
        for item, vector, numbers in zip(part.measurements, found.vectors, wanted, strict=True):
            assert vector.tolist() == dense(part, numbers, numbers_per_cell(item))
        return
    assert found.groups is not None
    assert found.units is not None
    assert all(found.units)  # what only rows beyond the bound have is not even a candidate
    for vector, numbers in zip([found.units, *found.vectors], wanted, strict=True):
        groups = [tuple((type(value).__name__, value) for value in group) for group in found.groups]
        by_group = {(*group, 0): int(number) for group, number in zip(groups, vector, strict=True)}
        assert {group: number for group, number in by_group.items() if number} == numbers


@settings(max_examples=300)
@given(parts(), worlds(), st.integers(1, 7), st.sampled_from([1, 4]))
def test_the_integers_are_those_of_the_definitions(
    of: tuple[Part, ...], world: World, size: int, files: int
) -> None:
    for part, found in zip(of, exact(plan_of(*of), world, size, files), strict=True):
        checked(part, found, world)


@settings(max_examples=60)
@given(parts(), worlds(), st.randoms(use_true_random=False))
def test_the_same_integers_whatever_the_layout(
    of: tuple[Part, ...], world: World, rng: random.Random
) -> None:
    plan = plan_of(*of)
    whole = exact(plan, world, size=10**6)
    halves = [
        World(
            [{u: r for u, r in it.items() if (tag(u)[0] < 128) == low} for it in world.sources], world.tables
        )
        for low in (True, False)
    ]
    partials = [measure(plan, half.inputs(size=rng.randint(1, 9), files=2)) for half in halves]
    rng.shuffle(partials)
    same(whole, merge(plan, partials))
    same(whole, exact(plan, world, size=1))


def same(one: list[Exact], other: list[Exact]) -> None:
    for a, b in zip(one, other, strict=True):
        assert sorted(by_group(a)) == sorted(by_group(b))


def by_group(found: Exact) -> list[str]:
    if found.groups is None or found.units is None:
        return [str(vector.tolist()) for vector in found.vectors]
    return [
        repr(line) for line in zip(found.groups, found.units.tolist(), *map(list, found.vectors), strict=True)
    ]


@settings(max_examples=60)
@given(parts(), worlds(), st.sampled_from([0, 8]))
def test_bins_and_translated_rows_count_alike(of: tuple[Part, ...], world: World, most: int) -> None:
    plan = plan_of(*of)
    whole = exact(plan, world)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("jobs.engine.rows.MOST_BINS", most)
        same(whole, exact(plan, world))


@given(
    st.lists(st.none() | st.integers(-(2**52), 2**52), max_size=200),
    st.sampled_from([10, 2**31, 2**32 - 1, 2**32, 2**33 + 1, 2**52 - 1]),
    st.integers(-5, 5),
)
def test_sums_are_exact_at_every_size(values: list[int | None], bound: int, origin: int) -> None:
    units = {n: [{"group": None, "whole": value, "amount": None}] for n, value in enumerate(values)}
    wanted = sum(min(max(v, -bound), bound) - origin for v in values if v is not None)
    found = exact(plan_of(part_of(summing(bound, origin))), World([units, {}], []), size=100)
    assert found[0].vectors[0].tolist() == [wanted]


def part_of(*items: Total | Units, keys: tuple[Key, ...] = ()) -> Part:
    return Part(Frame(Scan(0, 0, 3)), 3, keys, items)


def summing(bound: int, origin: int = 0) -> Total:
    ends = (Fraction(-bound), Fraction(bound), Fraction(origin), Fraction(1))
    return Total((), (Factor(Column("whole"), *ends),), 0, None, Fraction(1))


def test_more_rows_than_float64_adds_exactly_at_once() -> None:
    """Four rows at a time here; every contribution is as large as one limb may be."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(bins, "EXACT_ROWS", 4)
        found = Bins(np.zeros(11, dtype=np.int64), np.array([1, 0])).sums(np.full(11, 2.0**32 - 1))
    assert found.tolist() == [11 * (2**32 - 1), 0]


@given(
    st.lists(st.none() | st.floats(allow_nan=False, allow_infinity=False), max_size=50),
    st.sampled_from([Fraction(1, 100), Fraction(1, 3), Fraction(3, 7), Fraction(25), Fraction(1, 2**20)]),
    st.integers(-40, 40),
    st.sampled_from(["one", "square", "product"]),
    st.integers(0, 10**6),
)
def test_no_row_contributes_more_than_its_step(
    values: list[float | None], grid: Fraction, shift: int, shape: str, less: int
) -> None:
    one = Factor(Column("x"), -17 * grid, 1000 * grid, shift * grid, grid)
    two = Factor(Column("x"), -40 * grid, 30 * grid, Fraction(0), grid)
    factors = {"one": (one,), "square": (one, one), "product": (one, two)}[shape]
    item = Total((), factors, less if len(factors) == 2 else 0, None, Fraction(1))
    check_total(item)
    found, valid = contributions(item, [pa.array(values, pa.float64())] * len(factors))
    assert all(value == int(value) and abs(value) <= item.step for value in found)
    assert [value is not None for value in values] == (
        [True] * len(values) if valid is None else valid.tolist()
    )
    assert all(found[i] == 0 for i, value in enumerate(values) if value is None)


def test_a_product_that_float64_cannot_hold_is_refused_by_the_plan() -> None:
    wide = Factor(Column("x"), Fraction(0), Fraction(2**27), Fraction(0), Fraction(1))
    check_total(Total((), (wide,), 0, None, Fraction(1)))
    with pytest.raises(ValueError, match=r"2\*\*53"):
        check_total(Total((), (wide, wide), 2**53, None, Fraction(1)))


@pytest.mark.parametrize("bins_", [1, 7, 4096])
@pytest.mark.parametrize("steps_", [4096, 2**51, 2**52])
def test_bins_are_those_of_exact_division(bins_: int, steps_: int) -> None:
    item = Binning(Column("x"), Fraction(-3), Fraction(steps_ - 3), Fraction(1), bins_)
    whole = [q for b in range(0, bins_, 97) for q in (int(item.first(b)) + 3, int(item.last(b)) + 3)]
    exactly = [q for q in whole if (q - 3) <= 2**52]
    found, _ = bin_codes(pa.array([float(q - 3) for q in exactly]), item)
    assert found.tolist() == [q * bins_ // (steps_ + 1) for q in exactly]


def test_categories_match_values_of_their_own_type_only() -> None:
    values = pa.array([1, 2, None], pa.int64())
    assert key_codes(values, (1, 1.5, "1", True, None)).codes.tolist() == [0, 5, 4]
    assert key_codes(pa.array([True, False]), (1, 0)).codes.tolist() == [2, 2]
    text = pa.array(["1", None, "x"]).dictionary_encode()
    assert codes.category_positions(text, (1, "1", None)).tolist() == [1, 2, -1]


@given(st.lists(st.tuples(st.integers(0, 4), st.integers(0, 3)), max_size=60), st.integers(1, 20))
def test_pairs_of_unit_and_cell_are_counted_once(rows: list[tuple[int, int]], most: int) -> None:
    rows = [row for unit in range(5) for row in [r for r in rows if r[0] == unit][:most]]
    units, cells = (np.array([row[i] for row in rows], dtype=np.int64) for i in (0, 1))
    wanted = [row not in rows[:place] for place, row in enumerate(rows)]
    assert codes.distinct_pairs(units, cells, most).tolist() == wanted
    assert codes.distinct_pairs(units, cells, None).tolist() == wanted


def test_a_partial_of_another_size_is_refused() -> None:
    plan = plan_of(part_of(summing(2**40)), part_of(Units((), Fraction(1))))
    partial = measure(plan, World([{}, {}], []).inputs())
    assert len(partial) == 16 + 8
    for wrong in (partial[:-1], partial + b"\0", b""):
        with pytest.raises(ValueError, match="another size"):
            merge(plan, [wrong])


def test_a_partial_is_as_long_as_the_plan_says() -> None:
    plan = plan_of(
        part_of(summing(9), summing(2**40), keys=(Key(Column("group"), ("a", "b")),)),
        part_of(Units((), Fraction(1))),
    )
    one = {"group": "a", "whole": 1, "amount": 0.5}
    sizes = {
        len(measure(plan, World([units, {}], []).inputs())) for units in ({}, {1: [one] * 5}, {2: [one]})
    }
    assert sizes == {8 * 2 + 16 * 2 + 8}
    assert counters.limb_count(summing(2**40)) == 2


def test_rows_beyond_the_bound_count_nowhere() -> None:
    units = {1: [{"group": "a", "whole": 5, "amount": 0.5}] * 6}
    inputs = Inputs([reader(units, 2), reader({})])
    assert (
        merge(plan_of(part_of(summing(10))), [measure(plan_of(part_of(summing(10))), inputs)])[0].vectors[0]
        == 15
    )
    one = replace(part_of(summing(10)), frame=Frame(Scan(0, 0, 1)))
    assert merge(plan_of(one), [measure(plan_of(one), inputs)])[0].vectors[0] == 5


def test_factors_of_this_file_are_on_their_grids() -> None:
    assert not any(end % grid for low, high, origin, grid in FACTORS for end in (low, high, origin))


def test_encrypted_files_of_finer_shards_are_one_work_item(tmp_path: Path) -> None:
    """The worker entry, on files as registration writes them, two of one source beside one of another."""
    fields = tuple(Field(name, kind) for name, kind in (("person", Kind.INTEGER), ("whole", Kind.INTEGER)))
    sources: list[list[tuple[Path, WrittenShard]]] = []
    for shards in (2, 1):
        place = tmp_path / str(shards)
        place.mkdir()
        source = place / "source.parquet"
        people = list(range(40 // shards))
        pq.write_table(pa.table({"person": people * 3, "whole": [1] * 3 * len(people)}), source)
        declared = Declaration(
            DatasetName("test.t"), LineageId("line"), 1, "person", "test", "zcdp", fields, shards
        )
        prepared = prepare(open_source(source), declared, KEYS, DirectoryStore(place / "store"))
        sources.append([(prepared.staging.path / shard.file.name, shard) for shard in prepared.shards])
    joined = Join(
        "left",
        Frame(Scan(0, 0, 2)),
        Frame(PerUnit(Frame(Scan(1, 1)), (), (UnitValue(slot(2, "n"), "sum", Column(slot(1, "whole"))),))),
        None,
        2,
    )
    stays = Factor(Column(slot(2, "n")), Fraction(0), Fraction(9), Fraction(0), Fraction(1))
    plan = plan_of(
        Part(
            Frame(joined),
            2,
            (),
            (Total((), (), 0, None, Fraction(1)), Total((), (stays,), 0, None, Fraction(1))),
        )
    )
    public = {
        "plan": plan_to_json(plan),
        "sources": [
            [{"path": str(path), "file": asdict(shard.file)} for path, shard in files] for files in sources
        ],
        "tables": [],
    }
    secret = {
        "sources": [
            [
                {"keys": {name: key.hex() for name, key in shard.keys.items()}, "withdrawn": []}
                for _, shard in files
            ]
            for files in sources
        ]
    }
    partial = count_shard(json.dumps(public).encode(), json.dumps(secret).encode())
    (found,) = merge(plan, [partial])
    # 20 persons with two rows kept of three; all 40 of the other dataset have three.
    assert [vector.tolist() for vector in found.vectors] == [[40], [120]]
