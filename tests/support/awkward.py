"""Small tables with awkward cells, and plans over them, for tests of kernels and of sensitivity."""

from __future__ import annotations

from fractions import Fraction

import pyarrow as pa
from hypothesis import strategies as st

from jobs.expressions import Call, Column, Expression, Literal
from jobs.planning import Setting, build
from jobs.spec import Aggregate, Measure, Output, Plan, Query
from sandbox.privacy.loss import Filter, Loss
from sandbox.schema import CategoricalDomain, DatasetName, Field, Kind, NumericDomain

FIELDS = (
    Field("person", Kind.INTEGER),
    Field("group", Kind.STRING),
    Field("whole", Kind.INTEGER),
    Field("amount", Kind.FLOAT),
)
DOMAINS = {
    "group": CategoricalDomain(("a", "b", None)),
    "whole": NumericDomain(Fraction(-3), Fraction(7), Fraction(1)),
    "amount": NumericDomain(Fraction(-5, 2), Fraction(10), Fraction(1, 100)),
}
AMOUNTS = st.one_of(
    st.none(),
    st.floats(-20, 20),
    st.sampled_from([1e300, -1e300, 5e-324, 10.0, -2.5, 9.995, float("nan"), float("inf")]),
)
ROWS = st.lists(
    st.tuples(
        st.integers(1, 4),
        st.sampled_from(["a", "b", "c", None]),
        st.one_of(st.none(), st.integers(-9, 9), st.sampled_from([2**62, -(2**62)])),
        AMOUNTS,
    ),
    min_size=1,
    max_size=24,
)
CONDITIONS: list[Expression | None] = [
    None,
    Call("greater", (Column("whole"), Literal(0))),
    Call("is_null", (Column("amount"),)),
    Call(
        "or", (Call("equal", (Column("group"), Literal("a"))), Call("less", (Column("amount"), Literal(1.5))))
    ),
]
ARGUMENTS: list[Expression] = [
    Column("whole"),
    Column("amount"),
    Call("multiply", (Column("amount"), Literal(3))),
    Call("subtract", (Column("whole"), Column("amount"))),
    Call("case", (Call("equal", (Column("group"), Literal("a"))), Column("amount"), Literal(0))),
    Call("abs", (Column("whole"),)),
]


@st.composite
def plans(draw: st.DrawFn) -> Plan:
    argument = draw(st.sampled_from(ARGUMENTS))
    measures = draw(
        st.lists(
            st.sampled_from(
                [
                    Measure(Aggregate.COUNT),
                    Measure(Aggregate.COUNT, argument),
                    Measure(Aggregate.SUM, argument),
                    Measure(Aggregate.AVG, argument),
                ]
            ),
            min_size=1,
            max_size=4,
            unique=True,
        )
    )
    query = Query(
        DatasetName("test.table"),
        where=draw(st.sampled_from(CONDITIONS)),
        keys=draw(st.sampled_from([(), (Column("group"),), (Column("group"), Column("whole"))])),
        measures=tuple(measures),
        outputs=(Output("x", Column("measure:0")),),
    )
    setting = Setting(
        version=1,
        fields={field.name: field for field in FIELDS},
        domains=DOMAINS,
        max_rows=draw(st.integers(1, 5)),
        filter=Filter.ZCDP,
    )
    return build(query, setting, Loss(rho_pico=10**12))


def table_of(rows: list[tuple[object, ...]]) -> pa.Table:
    types = [pa.int64(), pa.string(), pa.int64(), pa.float64()]
    arrays = [pa.array(column, kind) for column, kind in zip(zip(*rows, strict=True), types, strict=True)]
    return pa.table(arrays, [field.name for field in FIELDS])
