"""Tables that nobody wishes for: very wide, nearly empty, of one row, with cells of megabytes."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest

from classifiers.classify import Proposal, classify
from sandbox.schema import Field, Kind


def proposed(table: pa.Table, kind: Kind = Kind.STRING) -> tuple[Proposal, ...]:
    return classify([Field(name, kind) for name in table.column_names], table)


def test_ten_thousand_columns() -> None:
    words = pa.array(["open", "closed", None])
    table = pa.table(
        {f"c{place}": words if place % 2 else pa.nulls(3, pa.string()) for place in range(10_000)}
    )
    found = proposed(table)
    assert [it.column for it in found] == table.column_names
    assert all(0 <= it.confidence <= 1 for it in found)


def test_a_table_of_one_row() -> None:
    table = pa.table(
        {"a": ["11010519491231002X"], "b": [1.5], "c": [None], "d": ["张三"], "e": ["x" * 10_000]}
    )
    assert len(proposed(table)) == 5


@pytest.mark.parametrize("kind", list(Kind))
@pytest.mark.parametrize("type_", [pa.null(), pa.string(), pa.int64(), pa.float64(), pa.date32(), pa.bool_()])
def test_columns_without_values(kind: Kind, type_: pa.DataType) -> None:
    found = proposed(pa.table({"zqv": pa.nulls(1_000, type_)}), kind)
    assert found[0].tag == "general"
    assert found[0].confidence < 0.9


def test_no_rows_and_no_columns() -> None:
    assert len(proposed(pa.table({"a": pa.array([], pa.string())}))) == 1
    assert proposed(pa.table({})) == ()


def test_cells_of_ten_megabytes() -> None:
    cells = [f"{number} " + letter * 10_000_000 for number, letter in enumerate("ab长")]
    assert len(proposed(pa.table({"text": cells, "large": pa.array(cells, pa.large_string())}))) == 2


def test_rare_values_of_a_long_column_are_found() -> None:
    addresses = [f"u{number}@example.com" if number % 200 == 0 else None for number in range(300_000)]
    (found,) = proposed(pa.table({"xq": addresses}))
    assert found.tag == "pi.contact.email"


@pytest.mark.parametrize("kind", list(Kind))
def test_values_of_another_type_than_said(kind: Kind) -> None:
    odd = pa.array([float("nan"), float("inf"), -float("inf"), 1e300, 5e-324, -0.0, None] * 20)
    texts = pa.array(["\x00", "\u202e", "\U0010ffff", "é" * 300, "🙂", "１２", "-0"] * 20)
    assert len(proposed(pa.table({"odd": odd, "texts": texts}), kind)) == 2


def test_patterns_do_not_run_away() -> None:
    # Long runs that many patterns almost fit, the worst case of matchers that go back.
    runs = ["1" * 200, "a1" * 100, "a.b-" * 50, "1-" * 100, "(((((" * 40, "a " * 100 + "!", "路" * 200]
    rows = [run[: 200 - number % 9] for number, run in enumerate(runs * 300)]
    assert len(proposed(pa.table({"run": rows}))) == 1


def test_many_small_batches() -> None:
    whole = pa.table({"n": np.arange(3_000)})
    batches = whole.to_batches(max_chunksize=1)
    assert len(classify([Field("n", Kind.INTEGER)], iter(batches))) == 1
