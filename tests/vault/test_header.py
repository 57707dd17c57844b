"""Names of columns: nobody's number among them, whatever the file."""

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from sandbox.errors import InvalidInputError
from sandbox.vault.header import names_somebody
from sandbox.vault.source import open_source

IDENTIFIERS = [
    "440305195010318665",
    "11010519491231002x",
    "17630476268",
    "+86 176-3047-6268",
    "１７６３０４７６２６８",
    "电话17630476268",
    "zhao.jn@example.com",
    "赵娜静 <zhao@mail.example.cn>",
    "4111 1111 1111 1111",
    "6222020000000000000",
    "DE89370400440532013000",
    "GB82 WEST 1234 5698 7654 32",
]
NAMES = [
    "2019",
    "2020",
    "1",
    "2",
    "3",
    "手机号1",
    "id_2",
    "ICD-10",
    "GB11643-1999",
    "rs13912345678",
    "20240131",
    "1700000000000",
    "a@b",
    "p@10",
    "440305195010318666",
    "440305195013318665",
    "4111111111111112",
    "DE88370400440532013000",
    "sha1-17630476268a",
    "x" * 900,
]


@pytest.mark.parametrize("name", IDENTIFIERS)
def test_identifiers(name: str) -> None:
    assert names_somebody(name)


@pytest.mark.parametrize("name", NAMES)
def test_names(name: str) -> None:
    assert not names_somebody(name)


@pytest.mark.parametrize("name", IDENTIFIERS)
@pytest.mark.parametrize("doubled", [False, True])
def test_a_file_without_a_header_is_refused_without_its_cells(
    tmp_path: Path, name: str, doubled: bool
) -> None:
    columns = ["1000", "赵娜静", name, *[name] * doubled]
    (tmp_path / "people.csv").write_text(",".join(columns) + "\n" + ",".join("x" for _ in columns) + "\n")
    batch = [pa.array([["x"]])] * len(columns)  # of a type that is refused with the name
    pq.write_table(pa.Table.from_arrays(batch, columns), tmp_path / "people.parquet")
    for path in tmp_path.iterdir():
        with pytest.raises(InvalidInputError) as refused:
            open_source(path)
        assert refused.value.code == "vault.cell-as-name"
        assert refused.value.facts == {"file": str(path), "position": 3}
