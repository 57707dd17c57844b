"""Bounds of groups: what they are worth, by trying everything, and which rows the engine leaves."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from fractions import Fraction
from itertools import product

import pytest
from awkward import plan_of
from hypothesis import given, settings
from hypothesis import strategies as st
from reaching import filled
from relational import Row, World
from taken_away import integers, passes

from jobs.expressions import Column
from jobs.kernels import measure
from jobs.partials import merge
from jobs.plan import Distinct, GroupBound, Key, Part, Selection, Total
from jobs.relations import Frame, Scan
from jobs.sensitivity import Reach, moved, reach
from sandbox.privacy.exponential import rate_of

COUNT = Total(scale=Fraction(1))
FORTY = Frame(Scan(0, 0, 40))

# --- the arithmetic -------------------------------------------------------------------------------------


def part(rows: int, bound: tuple[int, int] | None, cells: int, behind: int = 1) -> Part:
    """Return a part of *cells* cells, each of which is *behind* groups."""
    keys = (Key(Column("group"), tuple(range(cells))),)
    within = (Key(Column("whole"), tuple(range(behind))),) if behind > 1 else ()
    return Part(
        Frame(Scan(0, 0, rows)), rows, keys, (), within=within, bound=GroupBound(*bound) if bound else None
    )


def fillings(of: Part) -> Iterator[list[int]]:
    """Yield every way in which the rows of a unit can lie: how many in each group, cell by cell."""
    groups, each = (of.bound.groups, of.bound.rows) if of.bound else (of.rows, of.rows)
    behind = len(of.within[0].categories or ()) if of.within else 1
    for found in product(range(min(each, of.rows) + 1), repeat=of.cells * behind):
        if sum(found) <= of.rows and sum(map(bool, found)) <= groups:
            yield [sum(found[cell * behind : (cell + 1) * behind]) for cell in range(of.cells)]


SMALL = [
    (rows, bound, cells, behind)
    for cells, behind in ((1, 1), (2, 1), (4, 1), (1, 3), (2, 2))
    for rows in range(1, 6)
    for bound in (None, *product(range(1, 5), range(1, 4)))
]


def test_bounds_are_the_largest_that_any_filling_reaches() -> None:
    """Exactly the largest for totals, units and the L1 of distinct values; none is passed anywhere."""
    for rows, bound, cells, behind in SMALL:
        of = part(rows, bound, cells, behind)
        found = list(fillings(of))
        squares = max(sum(m * m for m in filling) for filling in found)
        at = reach(of)
        assert (at.rows, at.squares) == (max(map(sum, found)), squares) == filled(of), of
        assert at.cells == max(sum(map(bool, filling)) for filling in found), of
        for values in (1, 2, 3):
            one, two = moved(of, Distinct(Key(Column("whole"), tuple(range(values)))))
            bits = [[min(m, values) for m in filling] for filling in found]
            assert one >= max(map(sum, bits)), of
            assert two >= max(sum(b * b for b in filling) for filling in bits), of


def test_one_formula_is_both_that_the_design_names() -> None:
    assert moved(part(7, None, 9), COUNT) == (7, 49)
    assert moved(part(40, (8, 5), 100), COUNT) == (40, 8 * 25)
    assert moved(part(100, (8, 5), 100), COUNT) == (40, 8 * 25)
    # Ten rows in groups of four: 4, 4 and 2.
    assert moved(part(10, (8, 4), 100), COUNT) == (10, 16 + 16 + 4)
    # There are fewer groups than a person may have, and a total is over some of them.
    assert reach(part(40, (8, 5), 2)) == Reach(rows=10, groups=2, each=5, cells=2)
    assert reach(part(40, (8, 5), 2, 3)) == Reach(rows=30, groups=6, each=15, cells=2)


def test_a_bound_that_lets_no_row_through_is_refused() -> None:
    for bound in ((0, 5), (5, 0), (-1, 5)):
        with pytest.raises(ValueError, match="lets no row through"):
            reach(part(4, bound, 3))


@given(st.fractions(Fraction(1, 10**6), 10), st.integers(1, 50), st.integers(1, 50))
def test_a_rate_over_several_cells_costs_no_more_than_its_share(
    share: Fraction, rows: int, squares: int
) -> None:
    rate = rate_of(share, "discrete-gaussian", rows, squares)
    rho = (2 * rate) ** 2 * squares / 8
    assert share * Fraction(999_999, 1_000_000) < rho <= share


# --- what the engine leaves -----------------------------------------------------------------------------

SOME = ("a", "b", "c", "b", "a", "b", "b", None)
LETTERS = (Key(Column("group"), ("a", "b", "c")),)


def row(group: str | None) -> Row:
    return {"group": group, "whole": 7, "amount": 1.0}


CROWD = World([{1: [row(group) for group in SOME] * 5, 2: [row("b")]}, {}], [])


def counted(
    bound: GroupBound | None, keys: tuple[Key, ...] = LETTERS, within: tuple[Key, ...] = ()
) -> list[int]:
    of = Part(FORTY, 40, keys, (COUNT,), within=within, bound=bound)
    return integers(of, CROWD).vectors[0].tolist()


def test_the_first_groups_and_their_first_rows_count() -> None:
    """A row of no category (the eighth) takes no place among either."""
    assert counted(None) == [10, 21, 5]
    assert counted(GroupBound(2, 40)) == [10, 21, 0]
    assert counted(GroupBound(40, 3)) == [3, 4, 3]
    assert counted(GroupBound(1, 2)) == [2, 1, 0]
    none_first = (Key(Column("group"), ("b", "c")),)
    assert counted(GroupBound(1, 40), none_first) == [21, 0]


def test_a_total_is_over_the_rows_of_its_groups() -> None:
    """Groups are those of all keys of the statement: the whole has three of them, four rows in each."""
    assert counted(GroupBound(40, 4), (), LETTERS) == [4 + 4 + 4 + 1]
    assert counted(GroupBound(2, 4), (), LETTERS) == [4 + 4 + 1]
    assert sum(counted(GroupBound(2, 4))) == 9


def test_a_group_is_what_has_the_same_values_of_all_keys() -> None:
    """Letters and numbers: a1 a2 a1 b1 a2 b2, the keys in either order, or one of them in a total."""
    pairs = [("a", 1), ("a", 2), ("a", 1), ("b", 1), ("a", 2), ("b", 2)]
    world = World([{1: [row(letter) | {"whole": whole} for letter, whole in pairs]}, {}], [])
    letters, wholes = Key(Column("group"), ("a", "b")), Key(Column("whole"), (1, 2))
    bound = GroupBound(3, 1)
    for keys, within, wanted in (
        ((letters, wholes), (), [1, 1, 1, 0]),
        ((wholes, letters), (), [1, 1, 1, 0]),
        ((letters,), (wholes,), [2, 1]),
        ((wholes,), (letters,), [2, 1]),
        ((), (wholes, letters), [3]),
    ):
        of = Part(FORTY, 40, keys, (COUNT,), within=within, bound=bound)
        assert integers(of, world).vectors[0].tolist() == wanted
    chosen = Selection(Fraction(1), 1, Fraction(1, 9))
    selected = Part(FORTY, 40, (Key(Column("group"), None), wholes), (COUNT,), chosen, bound=bound)
    found = integers(selected, world)
    assert found.groups == [("a", 1), ("a", 2), ("b", 1)]
    assert found.vectors[0].tolist() == [1, 1, 1]


def test_parts_of_one_pass_have_bounds_of_their_own() -> None:
    bounds = [None, GroupBound(2, 40), GroupBound(40, 3), GroupBound(1, 2)]
    plan = plan_of(*(Part(FORTY, 40, LETTERS, (COUNT,), bound=bound) for bound in bounds))
    found = merge(plan, [measure(plan, CROWD.inputs())])
    assert [part.vectors[0].tolist() for part in found] == [counted(bound) for bound in bounds]


def test_what_only_rows_beyond_the_bound_have_is_no_candidate() -> None:
    chosen = Selection(Fraction(1), 1, Fraction(1, 9))
    of = Part(FORTY, 40, (Key(Column("group"), None),), (), chosen, bound=GroupBound(2, 1))
    found = integers(of, CROWD)
    assert found.groups is not None
    assert sorted(found.groups) == [("a",), ("b",)]
    assert reach(of).cells == 2


@pytest.mark.parametrize("bound", [GroupBound(2, 3), GroupBound(3, 2), GroupBound(1, 1)])
def test_a_claim_of_less_than_is_counted_is_caught(bound: GroupBound) -> None:
    """The part is measured with its bound, and told to claim one group or one row less, or a fifth of R."""
    of = Part(FORTY, 40, LETTERS, (COUNT,), bound=bound)
    assert passes(of, CROWD)
    fewer = [GroupBound(bound.groups - 1, bound.rows), GroupBound(bound.groups, bound.rows - 1)]
    for claimed in fewer:
        assert not passes(of, CROWD, replace(of, bound=claimed))
    unbounded = replace(of, bound=None)
    assert not passes(unbounded, CROWD, of)


@settings(max_examples=40)
@given(
    st.lists(st.sampled_from("abcd"), max_size=12), st.integers(1, 4), st.integers(1, 4), st.integers(1, 5)
)
def test_rows_beyond_do_not_move_those_within(letters: list[str], groups: int, each: int, size: int) -> None:
    """Whatever else a unit has later, and wherever batches end, what counted before still does."""
    keys = (Key(Column("group"), tuple("abcd")),)
    of = Part(FORTY, 40, keys, (COUNT,), bound=GroupBound(groups, each))
    before: list[int] = [0] * 4
    for end in range(len(letters) + 1):
        rows: list[Row] = [row(letter) for letter in letters[:end]]
        found = integers(of, World([{1: rows} if rows else {}, {}], [])).vectors[0].tolist()
        assert all(now >= then for now, then in zip(found, before, strict=True))
        assert max(found) <= each
        assert sum(map(bool, found)) <= groups
        before = found
