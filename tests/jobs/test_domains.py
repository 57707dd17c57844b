"""Derived domains hold for every row within the declared ones: range, lattice and categories."""

from __future__ import annotations

import datetime as dt
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jobs.categories import categories
from jobs.domains import Range, clamp_domain, value_range
from jobs.evaluate import evaluate_scalar
from jobs.expressions import Call, Column, Expression, Literal
from sandbox.errors import InvalidInputError
from sandbox.schema import CategoricalDomain, DateDomain, Domain, NumericDomain, Scalar

DOMAINS: dict[str, Domain] = {
    "i": NumericDomain(Fraction(-3), Fraction(9), Fraction(1)),
    "j": NumericDomain(Fraction(2), Fraction(50), Fraction(1)),
    "f": NumericDomain(Fraction(-1, 2), Fraction(4), Fraction(1, 4)),
    "c": CategoricalDomain(("x", "y", None)),
    "n": CategoricalDomain((10, 20, 35)),
    "d": DateDomain(dt.date(2019, 11, 5), dt.date(2021, 2, 27)),
}
CELLS = {
    "i": st.none() | st.integers(-3, 9),
    "j": st.none() | st.integers(2, 50),
    "f": st.none() | st.integers(-2, 16).map(lambda k: k / 4),
    "c": st.sampled_from(["x", "y", None]),
    "n": st.sampled_from([10, 20, 35]),
    "d": st.none() | st.dates(dt.date(2019, 11, 5), dt.date(2021, 2, 27)),
}
ROWS = st.fixed_dictionaries(CELLS)
IS_NULL = Call("is_null", (Column("c"),))
CONDITION = Call("equal", (Column("c"), Literal("x")))


def calls(children: st.SearchStrategy[Expression]) -> st.SearchStrategy[Expression]:
    one = st.sampled_from(["negate", "abs", "floor", "ceil", "round", "to_integer", "to_float"])
    two = st.sampled_from(["add", "subtract", "multiply", "divide"])
    return st.one_of(
        st.builds(lambda o, a: Call(o, (a,)), one, children),
        st.builds(lambda o, a, b: Call(o, (a, b)), two, children, children),
        st.builds(lambda a, b: Call("case", (CONDITION, a, b)), children, children),
        st.builds(lambda a, b: Call("coalesce", (a, b)), children, children),
    )


LEAVES = st.one_of(
    st.sampled_from([Column("i"), Column("j"), Column("f"), Column("n")]),
    st.sampled_from([Literal(value) for value in (0, 1, -2, 7, 0.25, 2.5)]),
    st.sampled_from([Call(part, (Column("d"),)) for part in ("year", "month", "day")]),
    st.just(Call("width_bucket", (Column("f"), Literal(0), Literal(4), Literal(4)))),
)
NUMERIC = st.recursive(LEAVES, calls, max_leaves=5)


@given(NUMERIC, ROWS)
def test_no_value_leaves_its_range(expression: Expression, row: dict[str, Scalar]) -> None:
    found = value_range(expression, DOMAINS)
    value = evaluate_scalar(expression, row)
    if found is None or value is None:
        return
    assert isinstance(value, int | float)
    slack = Fraction(1, 10**9) * (1 + abs(Fraction(value)))
    assert found.low - slack <= Fraction(value) <= found.high + slack
    if found.lattice:
        steps = Fraction(value) / found.grid
        assert abs(steps - round(steps)) < Fraction(1, 10**6)


KEYS = [
    Column("c"),
    Column("n"),
    Column("i"),
    CONDITION,
    Call(
        "case", (CONDITION, Literal("one"), Call("is_null", (Column("c"),)), Literal("none"), Literal(None))
    ),
    Call("coalesce", (Column("c"), Literal("z"))),
    Call("upper", (Column("c"),)),
    Call("multiply", (Call("floor", (Call("divide", (Column("j"), Literal(10))),)), Literal(10))),
    Call("floor", (Call("divide", (Column("f"), Literal(2))),)),
    Call("year", (Column("d"),)),
    Call("width_bucket", (Column("f"), Literal(0), Literal(4), Literal(4))),
    *(Call("date_trunc", (Literal(u), Column("d"))) for u in ("year", "quarter", "month", "week", "day")),
]


@given(st.sampled_from(KEYS), ROWS)
def test_every_value_of_a_key_is_listed_once(key: Expression, row: dict[str, Scalar]) -> None:
    listed = categories(key, DOMAINS, nullable=True)
    assert listed is not None
    assert len({(type(v).__name__, v) for v in listed}) == len(listed)
    assert evaluate_scalar(key, row) in listed


def test_open_keys_have_no_categories() -> None:
    open_keys = [Column("free"), Column("f"), Call("divide", (Column("i"), Literal(3)))]
    assert [categories(key, DOMAINS, nullable=False) for key in open_keys] == [None, None, None]


def test_too_many_categories_are_refused() -> None:
    wide = {"w": NumericDomain(Fraction(0), Fraction(10**6), Fraction(1))}
    with pytest.raises(InvalidInputError, match="too-many-categories"):
        categories(Column("w"), wide, nullable=False)


@given(
    st.fractions(-(10**12), 10**12),
    st.fractions(0, 10**12),
    st.fractions(Fraction(1, 10**9), 1000, max_denominator=10**9),
)
def test_a_clamp_covers_its_range_on_a_grid_that_float64_tells_apart(
    low: Fraction, width: Fraction, grid: Fraction
) -> None:
    domain = clamp_domain(Range(low, low + width, grid, lattice=False))
    assert domain.low <= low
    assert low + width <= domain.high
    assert max(abs(domain.low), abs(domain.high)) / domain.grid <= 2**53
