"""Merge and noise: each number once, scores by their definition, selection by its threshold."""

from __future__ import annotations

import json
import math
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from awkward import plan_of
from hypothesis import given
from hypothesis import strategies as st
from relational import World

from jobs import measure as measuring
from jobs.codec import plan_to_json, released_to_json
from jobs.engine.tables import read_table
from jobs.expressions import Column
from jobs.kernels import measure
from jobs.measure import noisy, release, scores
from jobs.partials import Exact, merge, pack
from jobs.plan import (
    Binning,
    Distinct,
    Draw,
    Key,
    Part,
    Plan,
    PublicTable,
    Quantile,
    Released,
    Selection,
    Source,
    Total,
    Units,
)
from jobs.relations import Frame, Scan
from jobs.releases import decode_release
from sandbox.errors import TamperingError
from sandbox.schema import DatasetName, Digest
from sandbox.vault.shard import sha256

QUIET = Fraction(1, 1000)
"""The scale of noise that is 0 but with probability e^-1000."""
GROUPS = Key(Column("group"), ("a", "b"))
BINNING = Binning(Column("whole"), Fraction(0), Fraction(9), Fraction(1), 10)


def world(groups: list[str | None], whole: int = 7) -> World:
    """One unit for each of *groups*."""
    row = {"whole": whole, "amount": 0.5}
    return World([{n: [{"group": group, **row}] for n, group in enumerate(groups)}, {}], [])


def encode_release(parts: list[Released]) -> bytes:
    return json.dumps(released_to_json(tuple(parts))).encode()


def part(*items: Any, key: Key = GROUPS, selection: Selection | None = None) -> Part:
    return Part(Frame(Scan(0, 0, 1)), 1, (key,), items, selection)


def released(plan: Plan, *worlds: World) -> tuple[Released, ...]:
    public = json.dumps({"plan": plan_to_json(plan)}).encode()
    return decode_release(release(public, tuple(measure(plan, it.inputs()) for it in worlds)), plan)


def test_every_kind_of_measurement_is_released() -> None:
    quantile = Quantile(BINNING, (Draw(Fraction(1, 2), Fraction(1000)),) * 2)
    items = (
        Total(scale=QUIET),
        Total(axis=BINNING, scale=QUIET),
        Units(scale=QUIET),
        Distinct(Key(Column("whole"), (6, 7)), QUIET),
        quantile,
    )
    (found,) = released(plan_of(part(*items)), world(["a", "a", None]), world(["b", "a"]))
    assert found.keys is None
    bars = [[n * (place == 7) for place in range(10)] for n in (3, 1)]
    assert found.vectors == ((3, 1), (*bars[0], *bars[1]), (3, 1), (1, 1), (7, 0, 9) * 4)


def test_selected_groups_are_above_the_threshold_and_in_order() -> None:
    selection = Selection(QUIET, 2, Fraction(1, 100))
    plan = plan_of(part(Total(scale=QUIET), key=Key(Column("group"), None), selection=selection))
    first = world(["c", "b", "b", "b", "few", None, None])
    second = World([{n + 50: rows for n, rows in world(["c", "c", None, "few"]).sources[0].items()}, {}], [])
    (found,) = released(plan, first, second)
    assert found == Released(((None,), ("b",), ("c",)), ((3, 3, 3),))
    assert released(plan, second, first) == (found,)
    assert released(plan, world([])) == (Released((), ((),)),)


def test_a_selected_partial_shows_its_size_class_only() -> None:
    plan = plan_of(
        part(
            Total(scale=QUIET),
            key=Key(Column("group"), None),
            selection=Selection(QUIET, 2, Fraction(1, 100)),
        )
    )
    sizes = [
        len(measure(plan, world(names).inputs(10**5)))
        for names in ([], ["a"], [str(n) * 9 for n in range(3000)])
    ]
    assert sizes == [2**16, 2**16, 2**18]


@given(
    st.lists(st.integers(0, 9), min_size=1, max_size=8),
    st.sampled_from([Fraction(0), Fraction(1), Fraction(1, 2), Fraction(1, 3), Fraction(199, 200)]),
    st.sampled_from([1, 2**58]),
)
def test_scores_are_those_of_the_definition(bins: list[int], quantile: Fraction, times: int) -> None:
    bins = [number * times for number in bins]
    counts = np.array([bins], dtype=object if times > 1 else None)
    (found,) = scores(Draw(quantile, Fraction(3)), counts)
    a, b = quantile.as_integer_ratio()
    wanted = a * sum(bins)
    assert found.tolist() == [
        max(0, b * sum(bins[:j]) - wanted, wanted - b * sum(bins[: j + 1])) for j in range(len(bins))
    ]


SURE = Draw(Fraction(1, 2), Fraction(1000))


@pytest.mark.parametrize(
    ("sides", "ends"),
    [((), (0, 9)), (("around",), (5, 9)), (("low",), (5, 9)), (("high",), (0, 9)), (("low", "high"), (5, 9))],
)
def test_ends_lie_around_the_point(sides: tuple[Any, ...], ends: tuple[int, int]) -> None:
    """Seven rows at 5, seven at 7, and eight at 9; the slack is eight rows either side of the median, 7."""
    draws = (SURE, *(replace(SURE, side=side, slack=14) for side in sides))
    rows = [world(["a"] * count, place) for count, place in ((7, 5), (7, 7), (8, 9))]
    (found,) = released(plan_of(part(Quantile(BINNING, draws))), *rows)
    assert found.vectors[0][:3] == (7, *ends)


@pytest.mark.parametrize("rate", [Fraction(1, 10**30), Fraction(10**30)])
def test_slack_and_counts_of_any_size_are_drawn_from(rate: Fraction) -> None:
    draws = (replace(SURE, rate=rate), replace(SURE, rate=rate, side="around", slack=math.ceil(5 / rate)))
    plan = plan_of(replace(part(Quantile(BINNING, draws)), keys=()))
    for count in (0, 1, 2**62):
        exact = Exact([np.array([0, 0, count, *[0] * 7])])
        ((point, low, high),) = noisy(plan, [exact])[0].vectors
        assert 0 <= low <= point <= high <= 9


def test_each_number_gets_its_own_noise_once(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[tuple[list[int], str, Fraction]] = []

    def counting(values: list[int], mechanism: str, scale: Fraction) -> list[int]:
        asked.append((values, mechanism, scale))
        return [value + 1 for value in values]

    monkeypatch.setattr(measuring, "add_noise", counting)
    plan = plan_of(part(Total(scale=Fraction(3)), Units(scale=Fraction(5))))
    (found,) = noisy(plan, merge(plan, [measure(plan, world(["a"]).inputs())]))
    assert asked == [([1, 0], "discrete-laplace", 3), ([1, 0], "discrete-laplace", 5)]
    assert found.vectors == ((2, 1), (2, 1))


def test_an_answer_of_another_shape_is_refused() -> None:
    plan = plan_of(part(Total(scale=QUIET)))
    right = Released(None, ((1, 2),))
    assert decode_release(encode_release([right]), plan) == (right,)
    wrong = [
        encode_release([]),
        encode_release([Released(None, ((1,),))]),
        encode_release([Released(None, ((1, 2), (3, 4)))]),
        encode_release([Released((("a",), ("b",)), ((1, 2),))]),
        b"[1]",
        b"{}",
        b"null",
        b'[{"keys": null, "vectors": [["x", "y"]]}]',
        b"\xff",
    ]
    for data in wrong:
        with pytest.raises(ValueError):
            decode_release(data, plan)


def test_a_changed_public_table_is_found(tmp_path: Path) -> None:
    path = tmp_path / "t.parquet"
    pq.write_table(pa.table({"x": [1, 2]}), path)
    table = PublicTable(DatasetName("a.b"), Digest(sha256(path)))
    assert read_table(path, table).to_pydict() == {"x": [1, 2]}
    pq.write_table(pa.table({"x": [1, 3]}), path)
    with pytest.raises(TamperingError, match=r"vault\.changed-table"):
        read_table(path, table)
    path.unlink()
    with pytest.raises(TamperingError, match=r"vault\.missing-table"):
        read_table(path, table)


def test_numbers_that_do_not_fit_are_cut_at_a_constant() -> None:
    binning = Binning(Column("x"), Fraction(0), Fraction(1), Fraction(1), 2)
    draw = Draw(Fraction(1, 2), Fraction(1))
    key = Key(Column("x"), ("a", "b"))
    for item, most in ((Quantile(binning, (draw,)), 2**32 - 1), (Distinct(key, Fraction(1)), 255)):
        part = Part(Frame(Scan(0, 0, 1)), 1, (), (item,))
        plan = Plan((Source(DatasetName("t.t"), 1),), (), (part,), (), "discrete-laplace")
        for counts in ([0, most], [most, most + 1], [2**62, 7]):
            packed = pack(item, [np.array(counts, dtype=np.int64)])
            (exact,) = merge(plan, [packed])
            assert exact.vectors[0].tolist() == [min(count, most) for count in counts]
