"""Interval arithmetic: whatever values lie in the inputs' intervals, the result lies in the output's."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jobs.evaluate import evaluate_scalar
from jobs.expressions import Call, Column, Expression, Literal
from jobs.propagate import propagate

A, B = Column("a"), Column("b")
ONE = (
    "negate", "abs", "sign", "floor", "ceil", "round", "trunc", "to_float", "to_integer", "sqrt", "exp", "ln",
    "log10", "log2", "sin", "cos", "tan", "atan", "radians", "degrees",
)  # fmt: skip
TWO = ("add", "subtract", "multiply", "divide", "mod", "power", "least", "greatest", "atan2")
EXPRESSIONS: tuple[Expression, ...] = (
    *(Call(name, (A,)) for name in ONE),
    *(Call(name, (A, B)) for name in TWO),
    *(Call("power", (A, Literal(exponent))) for exponent in (0, 1, 2, 3, -2, 0.5)),
    Call("mod", (A, Literal(7))),
    Call("case", (Call("less", (A, B)), A, Literal(3))),
    Call("case", (Call("less", (A, B)), A, Literal(None))),
    Call("coalesce", (A, B)),
    Call("divide", (Call("add", (A, Literal(1))), Call("exp", (B,)))),
)
ENDS = st.one_of(st.integers(-20, 20).map(float), st.floats(-1e3, 1e3), st.sampled_from([0.0, 1e300, -1e300]))
WIDTHS = st.one_of(st.just(0.0), st.floats(0, 10), st.floats(0, 1e6))


@pytest.mark.parametrize("expression", EXPRESSIONS, ids=str)
@given(
    low=st.tuples(ENDS, ENDS), width=st.tuples(WIDTHS, WIDTHS), at=st.tuples(st.floats(0, 1), st.floats(0, 1))
)
def test_the_interval_holds_every_value(
    expression: Expression, low: tuple[float, float], width: tuple[float, float], at: tuple[float, float]
) -> None:
    known = {name: (low[n], low[n] + width[n]) for n, name in enumerate("ab")}
    inside = {name: min(low[n] + at[n] * width[n], known[name][1]) for n, name in enumerate("ab")}
    found, value = propagate(expression, known), evaluate_scalar(expression, inside)
    if found is not None and value is not None:
        slack = 1e-9 * max(abs(found[0]), abs(found[1]), 1e-300)
        assert found[0] - slack <= value <= found[1] + slack
        assert all(map(math.isfinite, found))


def test_what_has_no_bound_has_no_interval() -> None:
    wide = {"a": (-1.0, 1.0), "b": (-1.0, 1.0)}
    for name in ("ln", "log2", "log10"):
        assert propagate(Call(name, (A,)), wide) is None
    for name in ("divide", "power", "equal", "concat"):
        assert propagate(Call(name, (A, B)), wide) is None
    assert propagate(Call("tan", (A,)), {"a": (1.0, 2.0)}) is None
    assert propagate(Call("exp", (A,)), {"a": (0.0, 1e4)}) is None
    assert propagate(Call("sqrt", (A,)), {"a": (-2.0, -1.0)}) is None
    assert propagate(Literal("text"), {}) is None
    assert propagate(Literal(10**400), {}) is None
    assert propagate(Call("add", (A, Column("key"))), wide) is None
