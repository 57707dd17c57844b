"""Files that owners have, whole and broken."""

import csv
import gzip
import io
from decimal import Decimal
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sandbox.errors import InvalidInputError
from sandbox.schema import Field, Kind
from sandbox.vault import source as source_module
from sandbox.vault.conform import Conforming, conform, conform_column
from sandbox.vault.encoding import RECORD_BYTES, undecodable
from sandbox.vault.propose import _kind_of, propose_fields, seem_missing, seem_typed
from sandbox.vault.source import CsvSource, ParquetSource, open_source

SECRET = "canary-7f3a"


def write(path: Path, data: bytes | str) -> Path:
    path.write_bytes(data.encode() if isinstance(data, str) else data)
    return path


def rows(path: Path, **options: str) -> list[dict[str, object]]:
    return [row for batch in open_source(path, **options).batches() for row in batch.to_pylist()]


def test_csv_cells_are_text_as_they_stand(tmp_path: Path) -> None:
    path = write(tmp_path / "a.csv", 'id,note\n007,"a,\nb"\n\n 8,NA\n9,""\n')
    assert rows(path) == [
        {"id": "007", "note": "a,\nb"},
        {"id": " 8", "note": "NA"},
        {"id": "9", "note": ""},
    ]


def test_byte_order_mark_delimiter_and_gzip(tmp_path: Path) -> None:
    data = "\ufeff姓名;年龄\n张三;7\n".encode()
    expected = [{"姓名": "张三", "年龄": "7"}]
    assert rows(write(tmp_path / "a.csv", data), delimiter=";") == expected
    assert rows(write(tmp_path / "a.csv.gz", gzip.compress(data)), delimiter=";") == expected
    assert rows(write(tmp_path / "A.CSV.GZ", gzip.compress(data)), delimiter=";") == expected


@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_names_as_people_write_them(tmp_path: Path, end: str) -> None:
    # The index of pandas, blanks that align characters, line breaks of a worksheet; blanks within stay.
    names = ["", " Name ", "姓\u3000 名", f'"Date of {end}birth\t(\xa0UTC)"', "a  b"]
    path = write(tmp_path / "a.csv", f"{','.join(names)}{end}{','.join('01234')}{end}")
    source = open_source(path)
    assert source.columns == ("column_1", "Name", "姓 名", "Date of birth ( UTC)", "a  b")
    assert rows(path) == [dict(zip(source.columns, "01234", strict=True))]


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (b"", "vault.empty-file"),
        (b"\n\n", "vault.empty-file"),
        (b"a,a\n1,2\n", "vault.duplicate-column"),
        ("\u00e9,e\u0301\n1,2\n".encode(), "vault.duplicate-column"),
        (b"a,b\x07\n1,2\n", "vault.bad-column-name"),
        (b"a,\n1,2\n", "vault.bad-column-name"),
        (b",,\na,b,c\n1,2,3\n", "vault.bad-column-name"),
        ("一览表,,\na,b,c\n1,2,3\n".encode(), "vault.bad-column-name"),
        (b'"   "\nage\n30\n', "vault.bad-column-name"),
        (b'a,"110105\t19491231\n002X"\n1,2\n', "vault.cell-as-name"),
        ("a,b\u200b\n1,2\n".encode(), "vault.bad-column-name"),
        (b"a, a\n1,2\n", "vault.duplicate-column"),
        (b",column_1\n1,2\n", "vault.duplicate-column"),
        (b"a,__unit\n1,2\n", "vault.reserved-column"),
        (b"a;b\n1;2\n", "vault.wrong-delimiter"),
        (b"a^b\n1^2\n", "vault.wrong-delimiter"),
        ("姓名，电话\n甲，1\n".encode(), "vault.wide-delimiter"),
        ("姓名、电话\n甲、1\n".encode(), "vault.wide-delimiter"),
        ("a,b\n1,2\n".encode("utf-16"), "vault.seems-utf-16"),
        ("a,b\n1,2\n".encode("utf-16-le"), "vault.nul-character"),
        (b"PAR1,b\n1,\xff", "vault.not-utf8"),
        (f"a,b\n{SECRET},\x00\n".encode(), "vault.nul-character"),
        (b"a,b\n" + b"1,2\n" * 600_000 + f"{SECRET},x\x00y\n".encode(), "vault.nul-character"),
        (b"h" * 1001 + b",b\n1,2\n", "vault.long-column-name"),
        (b"a" + b" " * 100_000 + b"b,c\n1,2\n", "vault.long-column-name"),
        (b"h" * 2_000_000 + b",b\n1,2\n", "vault.long-column-name"),
        (b"a,b", "vault.only-header"),
        (b"PK\x03\x04" + b"\x00" * 60, "vault.seems-workbook"),
        (b"PAR1\x15" + b"\x00" * 60, "vault.seems-parquet"),
        (gzip.compress(b"a,b\n1,2\n", mtime=0), "vault.seems-gzip"),
        ("姓名,b\n1,2\n".encode("gb18030"), "vault.not-utf8"),
        (f"a,b\n{SECRET},姓名\n".encode("gb18030"), "vault.not-utf8"),
        (f"a,b\n1,2\n{SECRET},4,5\n".encode(), "vault.ragged-record"),
        (f"a,b\n1,2\n{SECRET}\n".encode(), "vault.ragged-record"),
    ],
)
def test_broken_csv_is_refused_without_its_cells(tmp_path: Path, data: bytes, code: str) -> None:
    path = write(tmp_path / "a.csv", data)
    with pytest.raises(InvalidInputError) as caught:
        rows(path)
    assert caught.value.code == code
    assert SECRET not in str(caught.value)


@pytest.mark.parametrize("name", ["WBC (10^9/L)", "地址（省、市）", "a，b"])
def test_a_single_column_may_be_called_with_a_sign_that_parts_no_cells(tmp_path: Path, name: str) -> None:
    assert rows(write(tmp_path / "a.csv", f"{name}\n5.1\n6.2\n")) == [{name: "5.1"}, {name: "6.2"}]


def test_a_ragged_record_is_named(tmp_path: Path) -> None:
    path = write(tmp_path / "a.csv", "a,b\n" + "1,2\n" * 3000 + "1,2,3\n")
    with pytest.raises(InvalidInputError) as caught:
        rows(path)
    assert caught.value.facts["record"] == 3002
    assert (caught.value.facts["expected"], caught.value.facts["found"]) == (2, 3)


@pytest.mark.parametrize(("said", "other"), [("utf-8", "gb18030"), ("gb18030", "utf-8"), ("big5", "utf-8")])
@pytest.mark.parametrize("before", [1, 30_000])
@pytest.mark.parametrize("zipped", [False, True])
def test_the_first_record_that_does_not_decode_is_named(
    tmp_path: Path, said: str, other: str, before: int, zipped: bool
) -> None:
    good = "甲,b\n\n" + '"乙,\n乙",2\n' * before
    data = good.encode(said) + f"{SECRET},\u4e2d\u570b\u9999\n".encode(other)
    path = write(tmp_path / ("a.csv.gz" if zipped else "a.csv"), gzip.compress(data) if zipped else data)
    with pytest.raises(InvalidInputError) as refused:
        rows(path, encoding=said)
    assert refused.value.code == ("vault.not-utf8" if said == "utf-8" else "vault.not-encoded")
    assert refused.value.facts["record"] == before + 2
    assert said not in refused.value.facts.get("known", [])
    assert SECRET not in str(refused.value)


@pytest.mark.parametrize("length", [131_073, 3_000_000])
@pytest.mark.parametrize(("said", "other"), [("utf-8", "gb18030"), ("gb18030", "utf-8"), ("utf-16", "")])
def test_records_are_counted_past_long_cells(tmp_path: Path, said: str, other: str, length: int) -> None:
    """Python's own reader of CSV stops at cells of 128 KB."""
    limit = csv.field_size_limit()
    good = f"a,b\n1,2\n3,{SECRET * (length // len(SECRET) + 1)}\n4,5\n".encode(said)
    bad = f"{SECRET},\u4e2d\u570b\u9999\n".encode(other) if other else b"\x00\xd8,\x00"
    with pytest.raises(InvalidInputError) as refused:
        rows(write(tmp_path / "a.csv", good + bad), encoding=said)
    assert refused.value.facts["record"] == 5
    assert SECRET not in str(refused.value)
    assert csv.field_size_limit() == limit


@pytest.mark.parametrize("line", ["7", "7\n", "7,"])
def test_a_record_too_long_to_be_read_is_named_before_bytes_behind_it(tmp_path: Path, line: str) -> None:
    file = io.BytesIO(f'a,b\n1,"{line * (17 << 20)}'.encode() + b"\xff")
    refused = undecodable(file, tmp_path, "utf-8")
    assert (refused.code, refused.facts["most"]) == ("vault.record-too-long", RECORD_BYTES)


def test_other_broken_files(tmp_path: Path) -> None:
    whole = gzip.compress(("a,b\n" + f"1,{SECRET}\n" * 50_000).encode())
    damaged = {
        "cut.csv.gz": (whole[: len(whole) // 2], "vault.bad-gzip"),
        "damaged.csv.gz": (whole[:10] + b"\xff" * 100, "vault.bad-gzip"),
        "not.csv.gz": (b"a,b\n1,2\n", "vault.bad-gzip"),
        "not.parquet": (b"a,b\n1,2\n", "vault.bad-parquet"),
        "open.csv": (b'a,b\n"1,2\n' + b"x" * (20 << 20), "vault.record-too-long"),
    }
    for name, (data, code) in damaged.items():
        with pytest.raises(InvalidInputError) as caught:
            rows(write(tmp_path / name, data))
        assert caught.value.code == code
    with pytest.raises(InvalidInputError, match=r"vault\.no-such-file"):
        open_source(tmp_path / "nowhere.csv")
    for path in (tmp_path, Path("/dev/stdin")):
        with pytest.raises(InvalidInputError, match=r"vault\.(not-a-file|empty-file)"):
            open_source(path)
    with pytest.raises(InvalidInputError, match=r"vault\.bad-delimiter"):
        CsvSource(tmp_path / "open.csv", "::")
    # The keys of dictionaries become names of a type.
    pq.write_table(pa.table({"a": [{SECRET: 1}, {"x": 2}]}), tmp_path / "nested.parquet")
    with pytest.raises(InvalidInputError) as caught:
        open_source(tmp_path / "nested.parquet")
    assert caught.value.code == "vault.bad-column-type"
    assert caught.value.facts == {"column": "a", "type": "struct"}


def test_batches_are_bounded_and_progress_ends_at_the_size(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(source_module, "BATCH_BYTES", 4096)
    pq.write_table(pa.table({"a": range(10_000)}), tmp_path / "a.parquet")
    write(tmp_path / "a.csv", "a,b\n" + "1,2\n" * 10_000)
    for name in ("a.parquet", "a.csv"):
        seen: list[tuple[int, int]] = []
        source = open_source(tmp_path / name)
        batches = list(source.batches(lambda done, total, seen=seen: seen.append((done, total))))
        assert sum(batch.num_rows for batch in batches) == 10_000
        assert max(batch.nbytes for batch in batches) < 6000
        assert seen[-1] == (source.size, source.size)
        assert seen == sorted(seen)


@pytest.mark.parametrize("coded", [False, True])
def test_batches_of_parquet_are_bounded_by_the_bytes_of_their_rows(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, coded: bool
) -> None:
    """400 rows of 200 KB: one text that all share, or one each."""
    monkeypatch.setattr(source_module, "BATCH_BYTES", 2_000_000)
    cell = "x" * 200_000
    shared = pa.DictionaryArray.from_arrays(pa.array([0] * 400, pa.int32()), [cell])
    texts = shared if coded else pa.array([f"{row}{cell}" for row in range(400)])
    small_pages = {"write_batch_size": 5, "data_page_size": 1_000_000, "store_schema": False}
    pq.write_table(pa.table({"t": texts}), tmp_path / "a.parquet", use_dictionary=coded, **small_pages)
    del texts
    before, found = pa.total_allocated_bytes(), 0
    for batch in open_source(tmp_path / "a.parquet").batches():
        assert batch.num_rows <= 12
        assert pa.total_allocated_bytes() - before < 12_000_000
        found += batch.num_rows
    assert found == 400


def test_proposed_fields(tmp_path: Path) -> None:
    path = write(
        tmp_path / "a.csv",
        "int,code,long,float,flag,day,at,word,empty\n"
        "7,007,1234567890123456,1.5,true,2024-02-29,2024-02-29 12:00:01,x,\n"
        "-3,100,1234567890123457,2,FALSE,2024/03/01,2024-02-29T12:00,2,\n"
        ",,,,,,,,\n",
    )
    kinds = [field.kind.value for field in propose_fields(open_source(path))]
    assert kinds == [
        "integer",
        "string",
        "string",
        "float",
        "boolean",
        "date",
        "timestamp",
        "string",
        "string",
    ]


def test_proposed_fields_of_parquet(tmp_path: Path) -> None:
    table = pa.table(
        {"d": pa.array([None, None], pa.decimal128(9, 2)), "s": ["1", "2"], "n": [1, 2], "z": [None, None]}
    )
    pq.write_table(table, tmp_path / "a.parquet")
    source = open_source(tmp_path / "a.parquet")
    assert isinstance(source, ParquetSource)
    assert propose_fields(source) == (
        Field("d", Kind.DECIMAL, precision=9, scale=2),
        Field("s", Kind.STRING),
        Field("n", Kind.INTEGER),
        Field("z", Kind.STRING),
    )


@pytest.mark.parametrize("encoding", ["utf-8", "gb18030", "utf-16"])
@pytest.mark.parametrize(
    ("above", "lines"),
    [
        ("2026年人口表\n", 1),
        ("表,,,\r\n单位：元\r\n", 2),
        ("\n标题\n\n", 3),  # blank lines count
        ('"a title\nof two lines"\n', 2),
        ('an "open quote\n', 1),
        ("标题\n\n", 1),  # blank ones above the names need not be counted
        ("", 0),
    ],
)
def test_lines_above_the_names_are_skipped(tmp_path, encoding, above, lines) -> None:
    path = tmp_path / "t.csv"
    path.write_bytes(f"{above}姓名,b\n张三,1\n李四,2\n".encode(encoding))
    source = open_source(path, ",", encoding, lines)
    assert source.columns == ("姓名", "b")
    assert [row for batch in source.batches() for row in batch.to_pylist()] == [
        {"姓名": "张三", "b": "1"},
        {"姓名": "李四", "b": "2"},
    ]


@pytest.mark.parametrize(
    ("content", "lines", "code", "record"),
    [
        (b"t\na,b\n1,2\n3\n", 1, "vault.ragged-record", 3),
        (b"t\na,b\n1,2\n", 0, "vault.ragged-record", 2),
        (b"t\na,b\n1,2\n\xff,2\n", 1, "vault.not-utf8", 3),
        (b"\xff\na,b\n1,2\n", 1, "vault.not-utf8", 1),
        (b"t\na,b\n1,2\n", 3, "vault.skips-all", None),
        (b"t\n\n\na,b\n1,2\n3\n", 1, "vault.ragged-record", 3),
        (b"t\n\n\na,b\n1,2\n3\n", 3, "vault.ragged-record", 3),
        (b"t\na,b\n1,2\n", 9, "vault.skips-all", None),
    ],
)
def test_records_are_counted_behind_the_lines_skipped(tmp_path, content, lines, code, record) -> None:
    path = tmp_path / "t.csv"
    path.write_bytes(content)
    with pytest.raises(InvalidInputError) as caught:
        list(open_source(path, skip_lines=lines).batches())
    assert (caught.value.code, caught.value.facts.get("record")) == (code, record)


@pytest.mark.parametrize(
    ("cells", "found"),
    [
        (["7", "NULL", " 12 ", r"\N"], [("c", ("NULL", r"\N"), Kind.INTEGER)]),
        (["2.5", "-", "-1", "null"], [("c", ("-", "null"), Kind.FLOAT)]),
        (["2024-02-29", "不详"], [("c", ("不详",), Kind.DATE)]),
        (["true", "N/A"], [("c", ("N/A",), Kind.BOOLEAN)]),
        (["7", "NULL", "seven"], []),  # not of one kind without the mark either
        (["7", " NULL"], []),  # to be declared with its blank
        (["007", "NULL"], []),
        (["NULL", "NULL"], []),
        (["7", "12"], []),
        (["7", "null and void"], []),
        (["7", "x"], []),  # a cross may be a value
    ],
)
def test_marks_that_keep_a_column_from_being_numbers(tmp_path, cells, found) -> None:
    source = open_source(write(tmp_path / "a.csv", "\n".join(["c,d", *(f"{it},1" for it in cells)])))
    assert list(seem_missing(source, ["c"])) == found
    if found:  # what is told is so, and is told once
        marks = {"c": found[0][1], "d": ()}
        assert propose_fields(source, marks.__getitem__)[0].kind is found[0][2]
        assert not list(seem_missing(source, ["c"], marks.__getitem__))


def test_marks_are_judged_by_the_cells_that_types_go_by(tmp_path) -> None:
    """A cell far down that is no number is seen by neither or by both."""
    source = open_source(write(tmp_path / "a.csv", "\n".join(["c", "7", "NULL"])))
    further = [pa.record_batch({"c": ["8", "abc"]})]
    assert not list(seem_missing(source, ["c"], drawn=further))
    assert list(seem_missing(source, ["c"], drawn=[pa.record_batch({"c": ["8", "-"]})])) == [
        ("c", ("-", "NULL"), Kind.INTEGER)
    ]
    assert not list(seem_missing(open_source(write(tmp_path / "b.csv", "c\n")), ["c"]))


@pytest.mark.parametrize(
    ("cells", "found"),
    [
        (["20240131", "19991201", "20240229", "19560517", "20000101"], Kind.DATE),
        (["20240131", "19991201", "20240229", "19560517", "20001301"], None),  # one of five is none
        (["20240131"] * 20 + ["19991201", "20240229", "19560517"], None),  # four different ones may be chance
        ([f"202401{n:02}" for n in range(1, 31)] + ["soon"], Kind.DATE),
        ([f"202401{n:02}" for n in range(1, 31)] + ["无", "-", ""], Kind.DATE),
        ([f"1{n:07}" for n in range(101, 131)], None),  # days of the year 1000
        ([f"202401{n:02}083000" for n in range(1, 31)], Kind.TIMESTAMP),
        ([f"2024年1月{n}日" for n in range(1, 31)] + ["soon"], Kind.DATE),
        ([str(n) for n in range(30)], None),
        ([f"2026-01-{n:02} 00:00:00" for n in range(1, 29)] + ["oops"], Kind.DATE),  # one kind, not both
        ([f"2024.1.{n}" for n in range(1, 29)], Kind.DATE),
        ([f"{n:02}.01.2024" for n in range(1, 29)], (Kind.DATE, "dmy")),
        ([f"{n}.1.2024" for n in range(1, 9)], (Kind.DATE, "dmy")),  # with points the day is first
        ([f"{n}/1/2024" for n in range(1, 9)], None),  # either may be
        ([f"{n}/1/2024" for n in range(1, 29)], (Kind.DATE, "dmy")),
        ([f"1/{n}/2024" for n in range(1, 29)] + ["-"], (Kind.DATE, "mdy")),
        ([f"1/{n}/2024" for n in range(1, 29)] + ["28/1/2024"], None),  # both are first
        ([f"1/{n}/2024 2:{n + 10}:00 PM" for n in range(1, 29)], (Kind.TIMESTAMP, "mdy")),
        ([f"{n}-12-1899" for n in range(1, 29)], None),
        ([f"{n:02}-JAN-2024" for n in range(1, 29)] + ["soon"], Kind.DATE),
        ([f"{n:02}JAN2024:10:30:00" for n in range(1, 29)] + ["."], Kind.TIMESTAMP),
        ([f"1.{n:03},50" for n in range(1, 29)] + ["7", "12,5-"], (Kind.FLOAT, "comma")),
        ([f"1,{n:03}.50" for n in range(1, 29)], (Kind.FLOAT, "point")),
        ([f"1,{n:03}" for n in range(1, 29)] + ["12,000,000", "n/a"], (Kind.INTEGER, "point")),
        ([f"1,{n:03}" for n in range(1, 29)], None),  # a thousand or one and a bit
        ([f"{n}'000.5" for n in range(1, 29)], (Kind.FLOAT, "point")),
        ([f"1 {n:03}" for n in range(1, 29)], None),  # blanks group telephone numbers, too
        ([f"{n},{n + 1},{n + 2}" for n in range(1, 29)], None),
        ([f"{n % 3 + 1},{n % 4 + 1}" for n in range(29)], None),  # choices
        ([f"104.{n:03}.890" for n in range(100, 129)], None),  # numbers of articles
        ([f"012.{n:03}.678" for n in range(100, 129)], None),
        ([f"1,38E+{n:02}" for n in range(1, 29)], None),
        ([f"{n}.5" for n in range(1, 29)] + ["1,5"], None),  # nearly all are plain
    ],
)
def test_texts_and_integers_that_seem_to_be_dates_or_numbers_are_named(tmp_path, cells, found) -> None:
    lines = ["c;d", *(f"{it};x" for it in cells)]
    source = open_source(write(tmp_path / "a.csv", "\n".join(lines) + "\n"), ";")
    kind, form = found if isinstance(found, tuple) else (found, "")
    told = [(it.name, it.kind, it.written) for it in seem_typed(source, ["c", "d"])]
    assert told == ([("c", kind, form)] if found else [])


def test_dates_whose_month_is_named_are_proposed_as_dates(tmp_path) -> None:
    text = "a;b;c\n05-JAN-2024;Jan 5, 2024;05JAN2024:10:30:00\n31-DEC-1999;December 31, 1999;31DEC1999:8:00\n"
    kinds = [field.kind for field in propose_fields(open_source(write(tmp_path / "a.csv", text), ";"))]
    assert kinds == [Kind.DATE, Kind.DATE, Kind.TIMESTAMP]


def test_dates_written_with_the_year_first_are_proposed_as_dates(tmp_path) -> None:
    text = "a,b,c\n2024/1/5,2024年1月5日,20240105\n1999/12/31,1999年12月31日,19991231\n"
    kinds = [field.kind for field in propose_fields(open_source(write(tmp_path / "a.csv", text)))]
    assert kinds == [Kind.DATE, Kind.DATE, Kind.INTEGER]  # a number may be one by chance


@pytest.mark.parametrize(
    "cells",
    [
        ["1100-1-1", "1101-2-2", "1203-3-1"],  # houses
        ["2024.1.3", "2024.2.0", "2024.2.1"],  # versions
        ["2024.1.3", "2024.2.1"],
        ["0026年1月5日"],
        ["1800-1-1 8:00", "1801-1-1 8:00"],
    ],
)
def test_what_may_be_no_dates_is_text_until_its_owner_says(tmp_path, cells) -> None:
    text = "a\n" + "\n".join(cells) + "\n"
    assert propose_fields(open_source(write(tmp_path / "a.csv", text)))[0].kind is Kind.STRING


def test_dates_of_any_year_are_proposed_where_they_are_written_as_iso_does(tmp_path) -> None:
    text = "a,b\n1066-10-14,1066/10/14\n9999-12-31,1067/01/01\n"
    kinds = [field.kind for field in propose_fields(open_source(write(tmp_path / "a.csv", text)))]
    assert kinds == [Kind.DATE, Kind.DATE]


@pytest.mark.parametrize("kind", [pa.string(), pa.large_string()])
@pytest.mark.parametrize("coded", [False, True])
def test_bytes_in_parquet_that_are_no_text_are_refused(
    tmp_path: Path, kind: pa.DataType, coded: bool
) -> None:
    cells = pa.array([SECRET.encode(), b"\xff\xfe"], pa.large_binary() if kind == pa.large_string() else None)
    texts = cells.view(kind)
    pq.write_table(pa.table({"n": [1, 2], "t": texts}), tmp_path / "a.parquet", use_dictionary=coded)
    with pytest.raises(InvalidInputError) as refused:
        rows(tmp_path / "a.parquet")
    assert refused.value.code == "vault.not-text"
    assert refused.value.facts == {"file": str(tmp_path / "a.parquet"), "column": "t"}


def test_time_zones_of_parquet(tmp_path: Path) -> None:
    for zone in ("Asia/Shanghai", "+08:00", "UTC", None):
        pq.write_table(pa.table({"at": pa.array([0], pa.timestamp("us", zone))}), tmp_path / "a.parquet")
        open_source(tmp_path / "a.parquet")
    pq.write_table(pa.table({"at": pa.array([0], pa.timestamp("us", "Foo/Bar"))}), tmp_path / "a.parquet")
    with pytest.raises(InvalidInputError, match=r"vault\.unknown-zone.*Foo/Bar"):
        open_source(tmp_path / "a.parquet")


CELLS = [
    "1",
    "0",
    "-7",
    "007",
    "1.5",
    "1e3",
    "1" * 16,
    "true",
    "FALSE",
    "2024-02-30",
    "2024-02-03",
    "2024.1.2",
]
CELLS += ["20240203", "1850-01-01", "2024-02-03 10:00", "10:00", "a", "1.", "2024年1月2日"]


@given(st.lists(st.sampled_from(CELLS), min_size=1), st.lists(st.sampled_from(CELLS)))
def test_what_some_values_show_to_be_text_is_text(some: list[str], more: list[str]) -> None:
    if _kind_of(pa.array(some)) is Kind.STRING:
        assert _kind_of(pa.array([*more, *some])) is Kind.STRING


def test_decimals_too_long_for_a_decimal_are_text(tmp_path: Path) -> None:
    long = {"whole": pa.decimal256(50, 0), "part": pa.decimal256(76, 50), "fits": pa.decimal256(38, 2)}
    cells = {name: pa.array([7], kind) for name, kind in long.items()}
    pq.write_table(pa.table(cells), tmp_path / "a.parquet")
    source = open_source(tmp_path / "a.parquet")
    fields = propose_fields(source)
    assert fields == (
        Field("whole", Kind.STRING),
        Field("part", Kind.STRING),
        Field("fits", Kind.DECIMAL, precision=38, scale=2),
    )
    (batch,) = source.batches()
    found = conform(batch, fields, Conforming()).to_pylist()
    assert found == [{"whole": "7", "part": "7." + "0" * 50, "fits": Decimal(7)}]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16", "gb18030"])
@pytest.mark.parametrize("zipped", [False, True])
def test_a_quote_left_open_does_not_swallow_the_rest(tmp_path: Path, encoding: str, zipped: bool) -> None:
    pack = gzip.compress if zipped else bytes
    name = "a.csv.gz" if zipped else "a.csv"
    broken = 'id,note\n1,ok\n2,"left open\n3,x\n4,y\n'
    for text in (broken, broken.replace("\n", "\r"), broken.replace("\n", "\r\n")):
        with pytest.raises(InvalidInputError) as refused:
            rows(write(tmp_path / name, pack(text.encode(encoding))), encoding=encoding)
        assert refused.value.code == "vault.open-quote"
    for end in ('"', '"\n', '"\r\n\n', '\n"\n'):
        whole = f'id,note\n1,5" pipe\n2,"two\nlines{end}'
        found = rows(write(tmp_path / name, pack(whole.encode(encoding))), encoding=encoding)
        assert [row["id"] for row in found] == ["1", "2"]


def test_views_of_texts_are_read_as_texts(tmp_path) -> None:
    texts = ["a", None, "", "甲" * 40, "a", SECRET]
    for kind in (pa.string(), pa.string_view()):
        pq.write_table(pa.table({"t": pa.array(texts).cast(kind), "n": range(6)}), tmp_path / "v.parquet")
        source = open_source(tmp_path / "v.parquet")
        assert [row["t"] for batch in source.batches() for row in batch.to_pylist()] == texts
        fields = propose_fields(source)
        assert [field.kind for field in fields] == [Kind.STRING, Kind.INTEGER]
        (batch,) = source.batches()
        assert conform_column(batch.column("t"), fields[0]).to_pylist() == [text or None for text in texts]
