"""The same rows, stored or asked for in another way, are the same integers before noise.

Layouts: order of the source file, number of shards, files per work item, batch size, workers that are lost.
Rewrites: statements that mean the same by the rules of SQL.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from itertools import combinations, pairwise
from typing import Any

import numpy as np
import pytest
from layouts import Layouts, by_call, counted, counted_at_once, merged, written
from surface import build
from surface_shapes import SHAPES, TOTALS, Rows, every_call, grouped

from jobs import kernels
from jobs.codec import plan_to_json
from jobs.plan import GroupBound, Plan
from jobs.rounds import work_items
from sandbox import canonical
from sandbox.schema import JobId
from sandbox.workers.entries import Entries
from sandbox.workers.executor import Round
from sandbox.workers.serial import SerialExecutor, _Outcome

IDS = [f"{number} {rows.ours[:40]}" for number, rows in enumerate(SHAPES)]
PEOPLE_TOTALS = "(SELECT id, COUNT(*) AS c FROM people.registry GROUP BY id) AS r"
PER_PERSON = f"({TOTALS.format(source='health.stays', where='', having='')}) AS p"
ENTRIES = Entries(frozenset({"jobs.kernels:count_shard"}), frozenset({f"layouts:{merged.__name__}"}))


@pytest.fixture(scope="module")
def stored(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Layouts]:
    place = tmp_path_factory.mktemp("surface")
    lab = build(place)
    yield Layouts(lab, place)
    lab.keeper.close()


# --- layouts ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("rows", SHAPES, ids=IDS)
def test_the_layout_changes_no_integer(stored: Layouts, rows: Rows, monkeypatch: Any) -> None:
    plan, files = stored.plan(grouped(rows, rows.conditions[0]))
    whole = counted(plan, stored.inputs(plan, files, (1, 1)))
    assert any(np.any(vector) for part in whole for vector in part.vectors)
    finer = stored.inputs(plan, files, (4, 16))
    assert written(counted(plan, finer)) == written(whole)
    assert written(counted_at_once(plan, finer)) == written(whole)
    shuffled = stored.inputs(plan, files, (16, 1), shuffled=True)
    assert written(counted(plan, shuffled)) == written(whole)
    monkeypatch.setattr(kernels, "BATCH_ROWS", 3)
    assert written(counted(plan, stored.inputs(plan, files, (1, 1)))) == written(whole)


@pytest.mark.parametrize("rows", SHAPES[::4], ids=IDS[::4])
def test_the_layout_changes_no_integer_of_bounded_groups(
    stored: Layouts, rows: Rows, monkeypatch: Any
) -> None:
    plan, files = stored.plan(grouped(rows, rows.conditions[0]))
    bound = GroupBound(2, 1)
    plan = replace(plan, parts=tuple(replace(part, bound=bound) for part in plan.parts))
    whole = counted(plan, stored.inputs(plan, files, (1, 1)))
    assert any(np.any(vector) for part in whole for vector in part.vectors)
    assert written(counted(plan, stored.inputs(plan, files, (16, 4)))) == written(whole)
    monkeypatch.setattr(kernels, "BATCH_ROWS", 2)
    assert written(counted(plan, stored.inputs(plan, files, (1, 1), shuffled=True))) == written(whole)


class _Lossy(SerialExecutor):
    """Every fifth call ends its worker."""

    calls = 0

    def _call(self, handle: Any, method: str, *arguments: bytes) -> Any:
        self.calls += 1
        if self.calls % 5 == 3:
            super()._call(handle, method, *arguments)
            return _Outcome(None)
        return super()._call(handle, method, *arguments)


@pytest.mark.parametrize("rows", [SHAPES[0], SHAPES[6], SHAPES[-1]], ids=["scan", "join", "totals"])
def test_neither_workers_nor_their_loss_change_an_integer(stored: Layouts, rows: Rows, tmp_path: Any) -> None:
    plan, files = stored.plan(grouped(rows))
    whole = written(counted(plan, stored.inputs(plan, files, (1, 1))))
    inputs = stored.inputs(plan, files, (16, 16))
    entry, public = f"layouts:{merged.__name__}", canonical.encode({"plan": plan_to_json(plan)})
    work = Round(JobId("job-1"), "jobs.kernels:count_shard", work_items(plan, inputs), entry, public)
    lossy = _Lossy(tmp_path, workers=3, entries=ENTRIES)
    few = (SerialExecutor(tmp_path, workers=n, entries=ENTRIES) for n in (1, 4))
    for executor in (*few, lossy):
        assert executor.run(work) == repr(whole).encode()
    assert lossy.calls > 16


# --- rewrites ---------------------------------------------------------------------------------------------


def numbers(stored: Layouts, sql: str) -> tuple[Plan, Any]:
    """Return the plan of *sql*, and the integers of each of its calls."""
    plan, files = stored.plan(sql)
    return plan, by_call(plan, counted(plan, stored.inputs(plan, files, (1, 1))))


def same(stored: Layouts, *texts: str, empty: bool = False) -> None:
    """Compare the integers of *texts*; unless *empty*, some are not 0."""
    first, *others = [numbers(stored, sql)[1] for sql in texts]
    assert empty or any(np.any(np.array(vector)) for call in first for sets in call for vector in sets)
    for sql, found in zip(texts[1:], others, strict=True):
        assert found == first, (texts[0], sql)


def check_rewrites(
    stored: Layouts, rows: Rows, key: str, x: str, y: str, conditions: list[str], **more: bool
) -> None:
    for p in conditions:
        group = f"GROUP BY {key}"
        same(
            stored,
            f"SELECT {every_call(rows)} FROM {rows.ours} WHERE {p} {group}",
            f"SELECT {every_call(rows, p)} FROM {rows.ours} {group}",
            **more,
        )
        case = "CASE WHEN {} THEN {} END"
        one, two, three = (case.format(p, item) for item in ("1", x, y))
        same(
            stored,
            f"SELECT COUNT(*), SUM({x}), AVG({y}), MEDIAN({x}) FROM {rows.ours} WHERE {p} {group}",
            f"SELECT COUNT({one}), SUM({two}), AVG({three}), MEDIAN({two}) FROM {rows.ours} {group}",
            **more,
        )


@pytest.mark.parametrize("rows", SHAPES, ids=IDS)
def test_where_filter_and_case_measure_the_same(stored: Layouts, rows: Rows) -> None:
    x, y = rows.numbers[0].ours, rows.numbers[1].ours
    check_rewrites(stored, rows, next(iter(rows.keys)), x, y, rows.conditions[:2])


@pytest.mark.soak
@pytest.mark.parametrize("rows", SHAPES, ids=IDS)
def test_where_filter_and_case_measure_the_same_long(stored: Layouts, rows: Rows) -> None:
    for key in rows.keys:
        for x, y in pairwise([number.ours for number in rows.numbers]):
            check_rewrites(stored, rows, key, x, y, rows.conditions, empty=True)


def equal_plans(stored: Layouts, *texts: str) -> None:
    plans = [stored.plan(sql)[0] for sql in texts]
    assert all(plan == plans[0] for plan in plans), texts


@pytest.mark.parametrize("rows", SHAPES, ids=IDS)
def test_a_cte_a_subquery_and_neither_are_one_plan(stored: Layouts, rows: Rows) -> None:
    calls, p = every_call(rows), rows.conditions[0]
    inner = f"SELECT * FROM {rows.ours} WHERE {p}"
    equal_plans(
        stored,
        f"SELECT {calls} FROM {rows.ours} WHERE {p}",
        f"SELECT {calls} FROM ({inner}) AS w",
        f"WITH w AS ({inner}) SELECT {calls} FROM w",
        f"WITH v AS ({inner}), w AS (SELECT * FROM v) SELECT {calls} FROM w",
    )


@pytest.mark.parametrize("rows", SHAPES, ids=IDS)
def test_grouping_sets_spelled_out_are_one_plan_and_add_up(stored: Layouts, rows: Rows) -> None:
    keys = [f"({key})" for key in list(rows.keys)[:2]]
    listed, calls = ", ".join(keys), f"COUNT(*), SUM({rows.numbers[0].ours}), COUNT(DISTINCT {rows.unit})"
    select = f"SELECT {calls} FROM {rows.ours} GROUP BY"
    prefixes = ", ".join(f"({', '.join(keys[:n])})" for n in range(len(keys), -1, -1))
    subsets = ", ".join(f"({', '.join(c)})" for n in range(len(keys), -1, -1) for c in combinations(keys, n))
    equal_plans(stored, f"{select} ROLLUP ({listed})", f"{select} GROUPING SETS ({prefixes})")
    cube = f"{select} CUBE ({listed})"
    equal_plans(stored, cube, f"{select} GROUPING SETS ({subsets})")
    plan, (count, total, _) = numbers(stored, cube)
    sizes = [len(key.categories or ()) for key in plan.answers[0].keys]
    for call in (count, total):
        found = {frozenset(kept): vectors[0] for (_, kept), vectors in zip(plan.answers[0].sets, call, strict=True)}  # fmt: skip # noqa: E501
        whole = np.array(found[frozenset(range(len(sizes)))], dtype=object).reshape(sizes)
        for kept, vector in found.items():
            away = tuple(axis for axis in range(len(sizes)) if axis not in kept)
            assert np.asarray(whole.sum(axis=away)).ravel().tolist() == vector


N = "SELECT COUNT(*), SUM(n)"
WARDS = "health.stays AS s JOIN ref.wards AS w ON s.ward = w.ward"
REWRITES: dict[str, tuple[str, ...]] = {
    "order of a join with one row a person": (
        f"SELECT COUNT(*), SUM(n), AVG(age) FROM {PER_PERSON} JOIN people.registry AS r ON p.person = r.id",
        f"SELECT COUNT(*), SUM(n), AVG(age) FROM people.registry AS r JOIN {PER_PERSON} ON r.id = p.person",
    ),
    "order of a join with a public table": (
        f"SELECT COUNT(*), SUM(days) FROM {WARDS} GROUP BY region",
        "SELECT COUNT(*), SUM(days) FROM ref.wards AS w JOIN health.stays AS s ON s.ward = w.ward "
        "GROUP BY region",
    ),
    "semi join": (
        "SELECT COUNT(*), SUM(days) FROM health.stays AS s SEMI JOIN people.registry AS r ON s.person = r.id",
        f"SELECT COUNT(*), SUM(days) FROM health.stays AS s JOIN {PEOPLE_TOTALS} ON s.person = r.id",
    ),
    "anti join": (
        "SELECT COUNT(*), SUM(days) FROM health.stays AS s ANTI JOIN people.registry AS r ON s.person = r.id",
        f"SELECT COUNT(*), SUM(days) FROM health.stays AS s LEFT JOIN {PEOPLE_TOTALS} ON s.person = r.id "
        "WHERE c IS NULL",
    ),
    "condition of an inner join": (
        f"{N} FROM {PER_PERSON} JOIN {PEOPLE_TOTALS} ON p.person = r.id AND n > c",
        f"{N} FROM {PER_PERSON} JOIN {PEOPLE_TOTALS} ON p.person = r.id WHERE n > c",
    ),
    "condition before or after a join": (
        f"SELECT COUNT(*), SUM(n) FROM {PER_PERSON} JOIN {PEOPLE_TOTALS} ON p.person = r.id WHERE n > 1",
        f"SELECT COUNT(*), SUM(n) FROM (SELECT * FROM {PER_PERSON} WHERE n > 1) AS p JOIN {PEOPLE_TOTALS} "
        "ON p.person = r.id",
    ),
    "having": (
        f"SELECT COUNT(*), SUM(n) FROM {PER_PERSON} WHERE n > 1",
        f"{N} FROM ({TOTALS.format(source='health.stays', where='', having='HAVING COUNT(*) > 1')}) AS p",
    ),
    "filter of a person's sum": (
        "SELECT SUM(d) FROM (SELECT person, SUM(days) FILTER (WHERE urgent) AS d FROM health.stays "
        "GROUP BY person) p",
        "SELECT SUM(d) FROM (SELECT person, SUM(CASE WHEN urgent THEN days END) AS d FROM health.stays "
        "GROUP BY person) p",
    ),
    "persons": (
        "SELECT COUNT(DISTINCT person) FROM health.stays",
        "SELECT COUNT(*) FROM (SELECT person FROM health.stays GROUP BY person) p",
    ),
    "using": (
        "SELECT COUNT(*) FROM health.stays AS s JOIN ref.wards AS w ON s.ward = w.ward",
        "SELECT COUNT(*) FROM health.stays AS s JOIN ref.wards AS w USING (ward)",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", REWRITES)
def test_statements_that_mean_the_same_measure_the_same(stored: Layouts, name: str) -> None:
    same(stored, *REWRITES[name])
