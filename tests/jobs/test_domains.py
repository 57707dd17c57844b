"""Derived domains hold for every row within the declared ones: range, lattice and categories."""

from __future__ import annotations

import datetime as dt
from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jobs.categories import categories
from jobs.domains import DEFAULT_STEPS, Range, clamp_domain, number_span, value_range
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
    "m": CategoricalDomain(("10-19", "20-29", "old")),
}
UNITS = ("day", "week", "month", "quarter", "year")
CELLS = {
    "i": st.none() | st.integers(-3, 9),
    "j": st.none() | st.integers(2, 50),
    "f": st.none() | st.integers(-2, 16).map(lambda k: k / 4),
    "c": st.sampled_from(["x", "y", None]),
    "n": st.sampled_from([10, 20, 35]),
    "d": st.none() | st.dates(dt.date(2019, 11, 5), dt.date(2021, 2, 27)),
    "m": st.sampled_from(["10-19", "20-29", "old"]),
    "free": st.none() | st.floats(-1e6, 1e6),
    "t": st.none() | st.text(max_size=6),
}
ROWS = st.fixed_dictionaries(CELLS)
IS_NULL = Call("is_null", (Column("c"),))
CONDITION = Call("equal", (Column("c"), Literal("x")))


ONE = (
    *("negate", "abs", "floor", "ceil", "round", "trunc", "sign", "to_integer", "to_float", "sqrt", "exp"),
    *("ln", "log2", "log10", "sin", "cos", "tan", "atan", "radians", "degrees"),
)
TWO = ("add", "subtract", "multiply", "divide", "mod", "power", "atan2", "greatest", "least", "coalesce")
PARTS = (
    *("year", "quarter", "month", "week", "day", "dayofweek", "isodow", "dayofyear", "hour", "minute"),
    "second",
)


def calls(children: st.SearchStrategy[Expression]) -> st.SearchStrategy[Expression]:
    return st.one_of(
        st.builds(lambda o, a: Call(o, (a,)), st.sampled_from(ONE), children),
        st.builds(lambda o, a, b: Call(o, (a, b)), st.sampled_from(TWO), children, children),
        st.builds(lambda a, b: Call("case", (CONDITION, a, b)), children, children),
        st.builds(
            lambda a, n: Call("power", (a, Literal(n))), children, st.sampled_from([0, 1, 2, 3, 0.5, -1])
        ),
    )


DAYS = st.recursive(
    st.sampled_from([Column("d"), Literal(dt.date(2020, 2, 29)), Literal(dt.date(1, 1, 1))]),
    lambda days: st.one_of(
        st.builds(lambda u, a: Call("date_trunc", (Literal(u), a)), st.sampled_from(UNITS), days),
        st.builds(
            lambda a, n, u: Call("date_add", (a, Literal(n), Literal(u))),
            days,
            st.sampled_from([1, -1, 14, -50_000]),
            st.sampled_from(UNITS),
        ),
        st.builds(lambda a: Call("last_day", (a,)), days),
        st.builds(
            lambda o, a, b: Call(o, (a, b)), st.sampled_from(["greatest", "least", "coalesce"]), days, days
        ),
    ),
    max_leaves=3,
)
TEXTS = st.sampled_from(
    [
        Column("c"),
        Column("t"),
        Call("substring", (Column("t"), Literal(2), Literal(3))),
        Call("lpad", (Column("c"), Literal(4), Literal("0"))),
        Call("upper", (Call("coalesce", (Column("c"), Literal("none"))),)),
    ]
)
LEAVES = st.one_of(
    st.sampled_from([Column("i"), Column("j"), Column("f"), Column("n"), Column("free")]),
    st.sampled_from([Literal(value) for value in (0, 1, -2, 7, 0.25, 2.5, 0.1)]),
    st.builds(lambda part, day: Call(part, (day,)), st.sampled_from(PARTS), DAYS),
    st.builds(lambda u, a, b: Call("date_diff", (Literal(u), a, b)), st.sampled_from(UNITS), DAYS, DAYS),
    st.just(Call("width_bucket", (Column("f"), Literal(0), Literal(4), Literal(4)))),
    st.builds(lambda a: Call("length", (a,)), TEXTS),
    st.builds(lambda a: Call("position", (a, Literal("y"))), TEXTS),
    st.just(Call("to_integer", (Call("substring", (Column("m"), Literal(1), Literal(2))),))),
)
NUMERIC = st.recursive(LEAVES, calls, max_leaves=5)


@settings(max_examples=1_000, deadline=None)
@given(NUMERIC, ROWS)
def test_no_value_leaves_its_range(expression: Expression, row: dict[str, Scalar]) -> None:
    try:
        found = number_span(expression, DOMAINS)
    except InvalidInputError:
        return  # beyond numbers
    value = evaluate_scalar(expression, row)
    if value is None:
        return
    assert isinstance(value, int | float)
    assert found is not None
    slack = Fraction(1, 10**9) * (1 + abs(Fraction(value)))
    assert found.low is None or found.low - slack <= Fraction(value)
    assert found.high is None or Fraction(value) <= found.high + slack
    if found.lattice:
        assert found.grid is not None
        assert value == float(round(Fraction(value) / found.grid) * found.grid)


def bounds(expression: Expression) -> tuple[float, float] | None:
    found = value_range(expression, DOMAINS)
    return (float(found.low), float(found.high)) if found else None


FREE, TEXT, DAY = Column("free"), Column("t"), Column("day")


def call(name: str, *arguments: Expression | Scalar) -> Call:
    return Call(name, tuple(a if isinstance(a, Column | Call | Literal) else Literal(a) for a in arguments))


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        (FREE, None),
        (call("least", FREE, 20), None),
        (call("least", call("abs", FREE), 20), (0, 20)),
        (call("greatest", call("least", FREE, 20), -5), (-5, 20)),
        (call("least", call("greatest", FREE, -5), 20), (-5, 20)),
        # GREATEST leaves nulls out, so i bounds the result from below only where it is there.
        (call("least", call("greatest", FREE, Column("i")), 20), None),
        (call("least", call("greatest", FREE, call("coalesce", Column("i"), 0)), 20), (-3, 20)),
        (call("least", call("divide", Column("j"), FREE), 1), None),
        (call("least", call("sqrt", FREE), 3), (0, 3)),
        (call("greatest", call("exp", call("least", FREE, 0)), 0.5), (0.5, 1)),
        (call("ln", Column("i")), (0, 2.1972245773362196)),
        (call("log10", call("multiply", Column("j"), 20)), None),
        (call("sqrt", Column("i")), (0, 3)),
        (call("power", Column("i"), 2), (0, 81)),
        (call("power", Column("i"), 3), (-27, 729)),
        (call("power", 2, Column("i")), (0.125, 512)),
        (call("mod", FREE, 10), (-10, 10)),
        (call("mod", Column("i"), 5), (-3, 4)),
        (call("mod", Column("j"), 5), (0, 4)),
        (call("divide", Column("j"), call("least", call("greatest", FREE, 1), 2)), (1, 50)),
        (call("month", DAY), (1, 12)),
        (call("dayofyear", DAY), (1, 366)),
        (call("year", DAY), None),
        (call("year", call("date_add", Column("d"), -1, "month")), (2019, 2021)),
        (
            call("quarter", call("least", call("greatest", DAY, dt.date(2020, 2, 1)), dt.date(2020, 5, 1))),
            (1, 2),
        ),
        (call("date_diff", "year", Column("d"), dt.date(2022, 1, 1)), (1, 3)),
        (call("date_diff", "day", dt.date(2019, 11, 1), Column("d")), (4, 484)),
        (call("date_diff", "day", DAY, Column("d")), None),
        (call("length", TEXT), None),
        (call("least", call("length", TEXT), 30), (0, 30)),
        (call("length", call("right", TEXT, 3)), (0, 3)),
        (call("length", Column("m")), (3, 5)),
        (call("to_integer", call("substring", Column("m"), 1, 2)), (10, 20)),
        (call("to_integer", TEXT), None),
        (call("sin", FREE), (-1, 1)),
        (call("sign", Column("j")), (1, 1)),
        (call("tan", FREE), None),
    ],
    ids=str,
)
def test_bounds_that_follow(expression: Expression, expected: tuple[float, float] | None) -> None:
    found = bounds(expression)
    if expected is None and "log10" in str(expression):
        assert found == pytest.approx((1.6020599913279623, 3.0))
        return
    assert found == (None if expected is None else pytest.approx(expected, abs=1e-12))


def test_a_value_without_a_grid_gets_a_fine_decimal_one() -> None:
    found = value_range(call("sqrt", Column("i")), DOMAINS)
    assert found is not None
    assert found.grid == Fraction(1, 10**6 // 10)
    assert DEFAULT_STEPS / 10 <= (found.high - found.low) / found.grid <= DEFAULT_STEPS


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
    *(Call("date_trunc", (Literal(u), Column("d"))) for u in UNITS),
    *(call("date_add", call("date_trunc", "month", Column("d")), 1, u) for u in UNITS),
    *(call(part, Column("d")) for part in PARTS),
    *(call("date_diff", u, dt.date(2020, 1, 31), Column("d")) for u in UNITS),
    call("last_day", Column("d")),
    call("last_day", call("date_trunc", "quarter", Column("d"))),
    call("coalesce", call("date_trunc", "month", Column("d")), dt.date(1900, 1, 1)),
    call("mod", Column("j"), 10),
    call("mod", Column("i"), Column("n")),
    call("sign", Column("free")),
    call("least", call("length", Column("t")), 3),
    call("greatest", Column("i"), 0),
    call("concat", Column("c"), "/", Column("m")),
    call("concat", call("coalesce", Column("c"), ""), call("substring", Column("m"), 1, 1)),
    call("starts_with", Column("m"), "1"),
    call("to_integer", call("substring", Column("m"), 1, 2)),
    call("multiply", Column("n"), 2),
    call("sqrt", Column("i")),
    call("power", Column("i"), 2),
    call("divide", call("round", call("multiply", Column("f"), 10)), 10),
    call("divide", call("floor", call("multiply", Column("free"), 0)), 3),
    call("multiply", call("floor", call("divide", Column("f"), 0.5)), 0.5),
    call("case", CONDITION, 0.0, call("greater", Column("i"), 3), 1, call("mod", Column("j"), 4)),
]


@settings(max_examples=600, deadline=None)
@given(st.sampled_from(KEYS), ROWS)
def test_every_value_of_a_key_is_listed_once(key: Expression, row: dict[str, Scalar]) -> None:
    listed = categories(key, DOMAINS, nullable=True)
    assert listed is not None
    assert len(set(listed)) == len(listed)
    assert evaluate_scalar(key, row) in listed


def test_a_product_that_floats_cannot_hold_is_no_lattice() -> None:
    """3 * 0.1 is not the float64 nearest to 0.3: a category 0.3 would never be met."""
    key = call("multiply", Column("i"), 0.1)
    found = number_span(key, DOMAINS)
    assert found is not None
    assert not found.lattice
    assert 3 * 0.1 in (categories(key, DOMAINS, nullable=False) or ())


def test_null_is_listed_where_it_can_be() -> None:
    assert None in (categories(call("mod", Column("i"), 3), DOMAINS, nullable=True) or ())
    assert None not in (categories(call("least", call("length", TEXT), 3), DOMAINS, nullable=True) or ())
    assert None not in (
        categories(
            call("coalesce", call("date_trunc", "year", Column("d")), dt.date(1900, 1, 1)),
            DOMAINS,
            nullable=True,
        )
        or ()
    )


def test_open_keys_have_no_categories() -> None:
    open_keys = [Column("free"), Column("f"), Call("sqrt", (Column("f"),))]
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
