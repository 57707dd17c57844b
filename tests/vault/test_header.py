"""Names of columns: nobody's number among them, whatever the file."""

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from sandbox.errors import InvalidInputError
from sandbox.vault.header import mentions_somebody, names_somebody
from sandbox.vault.source import open_source

SURE = [
    "440305195010318665",
    "17630476268",
    "+86 176-3047-6268",
    "+491714314216",
    "+49 (0)30 123-4567",
    "(415) 555-1419",
    "06 12 34 78 85",
    "zhao.jn@example.com",
    "4111 1111 1111 1111",
    "DE89370400440532013000",
    "1 84 12 76 451 089 46",
]
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
    "+49 171 1234567",
    "+49 (0)30 123-4567",
    "+49 30/1234567",
    "+33 6 12 34 56 78",
    "+33.6.12.34.56.78",
    "+1 (415) 555-2671",
    "+1-415-555-2671 x12",
    "+44 7911 123456",
    "+447911123456",
    "+49–171–1234567",
    "+81 90-1234-5678",
    "+６１ 412 345 678",
    "+86 10 6234 5678",
    "0049 171 1234567",
    "0033 6 12 34 56 78",
    "06 12 34 56 78",
    "06.12.34.56.78",
    "06-12-34-56-78",
    "(06) 12 34 56 78",
    "0171 1234567",
    "0171/1234567",
    "0171 / 123 45 67",
    "0171-1234567",
    "0171.123.4567",
    "07911 123456",
    "020 7946 0958",
    "030 12345678",
    "(030) 123-4567",
    "(030)1234567",
    "(01234) 56789",
    "0412 345 678",
    "03-1234-5678",
    "010-62345678",
    "Müller 0171 1234567 at ten",
    "(415) 555-2671",
    "(415)555-2671",
    "415-555-2671",
    "415.555.2671",
    "1-415-555-2671",
    "tel 01711234567",
    "Phone: 4155552671",
    "电话：01062345678",
    "传真 62345678",
    "123-45-6789",
    "SSN 078-05-1120",
    "185057800608491",
    "1 85 05 78 006 084 91",
    "255081416802538",
    "110105491231002",
    "护照E12345678",
    "护照号码：EA1234567",
    "passport no. 123456789",
    "Reisepass C01X00T47",
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
    "2020-01-01",
    "01.02.2024",
    "01/02/2024",
    "01 02 2024",
    "01/02/2024 10:30",
    "01.02.2024 10",
    "2024-05-03 10:11:12",
    "2024-05-03T10:11:12+08:00",
    "2024 05 03 10 11 12",
    "1,000-2,000",
    "0 123 456",
    "0.123 456 789",
    "Q1 2024",
    "H01-2024-000123",
    "01-2024-000123",
    "05/2024-06/2024",
    "01 2019-2020",
    "10.0.0.1",
    "192.168.100.200",
    "ISO 8601-1:2019",
    "GB/T 35273-2020",
    "0-14",
    "15-64",
    "0x1F600",
    "00012345",
    "0123456789",
    "000001.SZ",
    "01067-01326",
    "08001-10999",
    "0800-1700",
    "08:00-09:00",
    "09:30:00.123",
    "01 02 03 04 05 06 07",
    "01.02.03",
    "01.23456789",
    "+5%",
    "+1000000",
    "UTC+08:00",
    "C++ 11",
    "A+10000000",
    "ISBN 0-306-40615-2",
    "ISSN 0317-8471",
    "7732-18-5",
    "0000-0002-1825-0097",
    "000-45-6789",
    "666-45-6789",
    "900-45-6789",
    "123-45-67890",
    "100-200-3000",
    "(100) 200-3000",
    "2012-2013-2014",
    "185057800608492",
    "185137800608425",
    "110105491331002",
    "900105491231002",
    "hotel 1234567",
    "phone 1",
    "phone_2024",
    "tel 20240131",
    "手机号 20240131",
    "passport 20240131",
    "passport",
    "护照号",
    "passport expiry",
    "E12345678",
    "550e8400-e29b-41d4-a716-446655440000",
    "00:1A:2B:3C:4D:5E",
    "48.8577, 2.295",
    "0800 - 1200",
    "1.000.000",
    "10 000 000",
    "90210-1234",
    "2024-000123",
    "J45.901",
    "01-31",
]


@pytest.mark.parametrize("name", IDENTIFIERS)
def test_identifiers(name: str) -> None:
    assert mentions_somebody(name)


@pytest.mark.parametrize("name", NAMES)
def test_names(name: str) -> None:
    assert not mentions_somebody(name)
    assert not names_somebody(name)


@pytest.mark.parametrize("name", SURE)
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


@pytest.mark.parametrize("name", SURE)
def test_what_is_somebodys_beyond_doubt_is_no_name_of_a_column(name: str) -> None:
    assert names_somebody(name)
    assert mentions_somebody(name)


@pytest.mark.parametrize(
    "name",
    [
        "001 15-64", "002 65-74", "001 2020/2021", "003 2023-12", "01-4000-100", "0100-2345-01",
        "0402.10.5000", "02138-1234", "01 1000-1999", "(01) 50000-99999", "06-09-12-15-18", "300-500-2023",
        "250-500-1000", "200-800-1500", "300.600.1200", "001-03-2024", "101-12-2023", "护照202401",
        "签发护照202312", "passport 202401", "手机 2024010112", "fax 2023010", "收入 +10000000", "2024-01-01",
        "05 10 15 20 25", "0123 456 789", "0171 1234567", "123-45-6789",
    ],
)  # fmt: skip
def test_codes_bands_and_periods_are_names_of_columns(name: str) -> None:
    assert not names_somebody(name)


@pytest.mark.parametrize(
    "text",
    [
        "001 15-64", "002 65-74", "001 2020/2021", "003 2023-12", "per decision 114-10-2026", "300-500-2023",
        "护照202401", "签发护照202312", "passport 202401", "手机 2024010112", "收入 +10000000", "001-03-2024",
    ],
)  # fmt: skip
def test_reasons_may_speak_of_bands_and_periods(text: str) -> None:
    assert not mentions_somebody(text)


@pytest.mark.parametrize(
    "text",
    [
        "card 4111.1111.1111.1111", "4111_1111_1111_1111", "IBAN DE89.3704.0044.0532.0130.00",
        "138.1234.5678", "SSN 536226789", "SSN 536 22 6789", "SSN: 536.22.6789",
        "anna.k@klinik-süd.de", "用户@例子.公司",
    ],
)  # fmt: skip
def test_identifiers_written_otherwise_stand_in_no_reason(text: str) -> None:
    assert mentions_somebody(text)


@pytest.mark.parametrize(
    "text", ["version 1.5.3_2", "192.168.1.100", "2024.01.31 by GB_T.35273", "file a_b.c_d"]
)
def test_versions_and_files_may_stand_in_reasons(text: str) -> None:
    assert not mentions_somebody(text)
