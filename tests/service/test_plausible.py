"""A first line that is a row, and a type that no cell has, are refused before anything is read or stored."""

from __future__ import annotations

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from sandbox.errors import InvalidInputError
from sandbox.vault.source import open_source
from service.asked import NewTable
from service.datasets.declared import SampledRows, declared_fields

ROWS = [("李华", "女", "31"), ("赵强", "男", "20"), ("孙丽", "女", "44")]


def declared(path, **said):
    source = open_source(path)
    return declared_fields(source, NewTable(path, path.name, **said), SampledRows(source))


def written(folder, names, rows=ROWS):
    path = folder / "a.csv"
    path.write_text("\n".join(",".join(row) for row in [names, *rows]) + "\n", encoding="utf-8")
    return path


def test_a_first_line_that_is_a_row_is_refused_by_places_alone(tmp_path):
    with pytest.raises(InvalidInputError) as refused:
        declared(written(tmp_path, ("王小明", "男", "20")))
    assert refused.value.code == "vault.row-as-names"
    assert refused.value.facts["positions"] == ["2", "3"]
    assert not {"王小明", "男"} & set(str(refused.value))
    for cell in ("王小明", "男", "20"):
        assert cell not in str(refused.value).replace(str(tmp_path), "")


@pytest.mark.parametrize(
    ("names", "rows"),
    [
        (("name", "男", "age"), ROWS),  # one may be chance
        (("2019", "2020", "2021"), [("2019", "3", "2021"), ("7", "2020", "5")]),  # numbers may be years
        (("Red", "Blue", "none"), [("Red", "", "none"), ("", "Blue", "")]),  # choices, each in its own column
        (("a", "b", "c"), [("", "", "")]),
    ],
)
def test_names_that_stand_in_their_columns_for_a_reason_are_taken(tmp_path, names, rows):
    assert [it.name for it in declared(written(tmp_path, names, rows))] == list(names)


def test_a_parquet_file_has_names_of_its_own(tmp_path):
    path = tmp_path / "a.parquet"
    pq.write_table(pa.table({"男": ["男", "女"], "是": ["是", "否"]}), path)
    assert [it.name for it in declared(path)] == ["男", "是"]


DAYS = [("1", "31.01.2024", "-"), ("2", "01.02.2024", ""), ("3", "03.03.2024", "-")]


@pytest.mark.parametrize(("column", "kind"), [("day", "float"), ("nr", "timestamp"), ("none", "integer")])
def test_a_type_that_no_cell_has_is_refused(tmp_path, column, kind):
    path = written(tmp_path, ("nr", "day", "none"), DAYS)
    with pytest.raises(InvalidInputError) as refused:
        declared(path, types={column: kind})
    assert refused.value.code == "dataset.type-fits-nothing"
    assert "31.01.2024" not in str(refused.value)


@pytest.mark.parametrize(
    ("cells", "said", "better"),
    [
        (["12/31/2023", "01/02/2024"], "date(dmy)", "date(mdy)"),
        (["31.12.2023", "01.02.2024"], "date(mdy)", "date(dmy)"),
        (["31.12.2023", "01.02.2024"], "date", "date(dmy)"),
        (["2023-12-31", "2024-02-01"], "date(mdy)", None),  # says itself which is which
        (["01/02/2024", "03/04/2024"], "date(dmy)", None),
        (["1.234,5", "1.234"], "float", "float(comma)"),
        (["1,234", "0.5"], "float(comma)", "float(point)"),
        (["1,234", "2,345"], "decimal(9,3,comma)", None),
        (["7", "x"], "integer(point)", None),
        (["12.345", "71"], "integer", None),  # measured, no thousands
        (["12.345", "71.2"], "decimal(9,2)", None),
        (["950.00"] * 9 + ["1,234.50"], "float(comma)", "float(point)"),
    ],
)
def test_another_way_to_write_cells_that_fits_more_of_them_is_named(tmp_path, cells, said, better):
    path = tmp_path / "a.csv"
    path.write_text("nr;c\n" + "".join(f"{n};{cell}\n" for n, cell in enumerate(cells * 5)))
    table = NewTable(path, path.name, delimiter=";", types={"c": said})
    source = open_source(path, ";")
    if better is None:
        declared_fields(source, table, SampledRows(source))
        return
    with pytest.raises(InvalidInputError) as refused:
        declared_fields(source, table, SampledRows(source))
    facts = refused.value.facts
    assert (refused.value.code, facts["type"], facts["better"]) == ("dataset.written-otherwise", said, better)


def test_a_type_is_taken_where_a_cell_has_it_or_there_is_none(tmp_path):
    days = [("1", "soon", "-"), ("2", "later", "-"), ("4", "2024-01-31", "")]
    path = written(tmp_path, ("nr", "day", "none"), days)
    kinds = {it.name: it.kind for it in declared(path, types={"day": "date"})}
    assert kinds["day"] == "date"
    declared(path, types={"none": "integer"}, missing={"none": ("-",)})
    as_parquet = tmp_path / "a.parquet"
    pq.write_table(pa.table({"day": ["x", "y"]}), as_parquet)
    with pytest.raises(InvalidInputError, match=r"dataset\.type-fits-nothing"):
        declared(as_parquet, types={"day": "date"})


@pytest.mark.parametrize(
    ("cells", "said"),
    [
        (["950.00"] * 9 + ["1,234.50"], "float"),
        (["2024-01-31"] * 9 + ["31.01.2024"], "date"),
        (["1.2.2024"] * 9 + ["1/31/2024"], "date(dmy)"),
    ],
)
def test_a_slip_refuses_no_file(tmp_path, cells, said):
    rows = [(str(n), cell) for n, cell in enumerate(cells)]
    path = tmp_path / "a.csv"
    path.write_text("nr;c\n" + "".join(f"{n};{cell}\n" for n, cell in rows))
    table = NewTable(path, path.name, delimiter=";", types={"c": said})
    source = open_source(path, ";")
    assert declared_fields(source, table, SampledRows(source))[1].kind == said.partition("(")[0]
