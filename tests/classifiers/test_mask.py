"""No cell is shown as it stands, and the usual formats look as people expect them."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from classifiers.classify import Proposal
from classifiers.mask import RULES, masked, starred
from classifiers.taxonomy import core
from sandbox.schema import Field, Kind
from sandbox.vault.source import open_source
from service.datasets.inspection import _preview

SHOWN = [
    ("pi.name", "张三", "张*"),
    ("pi.name", "欧阳娜娜", "欧阳**"),
    ("pi.name", "John Smith", "J*** S****"),
    ("pi.id.resident", "11010519491231002X", "110***********002X"),
    ("pi.contact.mobile", "13812345678", "138****5678"),
    ("pi.contact.mobile", "１３８１２３４５６７８", "138****5678"),
    ("pi.contact.mobile", "+49 (0)30 1234567", "+49 ***** ***4567"),
    ("pi.contact.mobile", "010-12345678转801", "010-********转801"),
    ("pi.contact.email", "zhangsan@zhangsan.com", "z***@***.com"),
    ("pi.contact.email", "a@b.com.cn", "***@***.cn"),
    ("pi.vehicle", "京A12345", "京A****5"),
    ("pi.vehicle", "B-AB 1234", "B-** ***4"),
    ("pi.device", "00:1A:2B:3C:4D:5E", "00:************5E"),
    ("finance.account", "DE89 3704 0044 0532 0130 00", "**** **** **** **** ***0 00"),
    ("finance.account", "6222021234567890123", "***************0123"),
    ("pi.address", "浙江省杭州市西湖区文三路1号", "浙江省杭州市西湖区****"),
    ("pi.address", "北京朝阳区建国路1号", "北京朝阳区****"),
    ("pi.address", "浙江省 杭州市 西湖区文三路1号", "浙江省 杭州市 西湖区****"),
    ("pi.address", "浙江省杭州市", "浙江省****"),
    ("pi.address", "浙江省", "***"),
    ("pi.birth-date", "1985-03-12", "1985-**-**"),
    ("pi.birth-date", "1985年3月12日", "1985年*月**日"),
    ("pi.birth-date", "19850312", "1985****"),
    ("pi.birth-date", "1985", "198*"),
    ("pi.birth-date", "31.01.1974", "**.**.1974"),
    ("pi.birth-date", "1/31/1974", "*/**/1974"),
    ("pi.birth-date", "31-JAN-1974", "**-***-1974"),
    ("pi.birth-date", "31JAN1974:10:30:00", "*****1974:**:**:**"),
    ("pi.birth-date", "January 31, 1974", "******* *** 1974"),
    ("pi.event-date", "1/31/1974 10:20 PM", "*/**/1974 **:** **"),
    ("pi.event-date", "1700000000", "**********"),
    ("pi.age", "37", "30-39"),
    ("finance.personal", "12345.6", "[10000, 20000)"),
    ("finance.personal", "1,234,567.89", "[1000000, 2000000)"),
    ("finance.personal", "-250000000", "[-300000000, -200000000)"),
    ("finance.personal", "1e300", "[1e+300, 2e+300)"),
    ("finance.personal", "nan", "***"),
    ("finance.personal", "inf", "***"),
    ("pi.text", "whatever", "[…]"),
    ("org.name", "杭州某某科技有限公司", "***有限公司"),
    ("org.name", "张伟水果店", "***店"),
    ("org.name", "Zhang San Foods Co., Ltd.", "*** Ltd"),
    ("no.such.tag", "2020-01-01", "****-**-**"),
    (None, "O-", "***"),
    (None, "*", "***"),
]


@pytest.mark.parametrize(("tag", "text", "shown"), SHOWN)
def test_formats(tag: str | None, text: str, shown: str) -> None:
    assert masked(text, tag) == shown


UNFIT = [
    ("pi.contact.mobile", "13981161302(王勇杰)"),
    ("pi.id.resident", "张三丰110101199003071234"),
    ("pi.id.document", "E12345678王勇杰"),
    ("pi.id.generic", "王勇杰-000123"),
    ("pi.id.foreign", "123-45-6789 Li"),
    ("pi.device", "王勇杰的手机12345678"),
    ("finance.account", "6222021234567890123王勇杰"),
    ("finance.account", "6222021234567890123 Wang"),
    ("pi.contact.email", "王勇杰@example.com"),
    ("pi.contact.email", "a1@example.zhangsan"),
    ("org.name", "王小学"),
    ("org.name", "张伟水果"),
    ("pi.address", "阳光小区3号"),
    ("pi.address", "张三住朝阳区建国路1号"),
    ("pi.address", "张三家后面的县医院"),
    ("pi.address", "阳光花园东区5栋"),
    ("finance.personal", "4.532,17"),
    ("finance.personal", "12,34"),
    ("finance.personal", "1,234.5.6"),
    ("finance.personal", "1_000"),
    ("finance.personal", "9" * 300),
    ("pi.birth-date", "1985王年月"),
    ("pi.birth-date", "31.01-1974"),
    ("pi.birth-date", "31-JAN-1974 王"),
]


@pytest.mark.parametrize(("tag", "text"), UNFIT)
def test_a_cell_that_is_not_what_the_rule_is_for_is_starred(tag: str, text: str) -> None:
    assert masked(text, tag) == starred(text)


FITTING = {
    "pi.id.resident": ["11010519491231002X", "110105 19491231 0021"],
    "pi.id.document": ["E12345678", "HRB 12345"],
    "pi.id.social": ["110105194912310021", "12 345678 A 901"],
    "pi.id.foreign": ["123-45-6789", "12.345.678/9012-34", "12345678Z"],
    "pi.id.generic": ["2020/000123", "8f14e45f-ceea-467f-a8d1-1b2c3d4e5f60"],
    "pi.contact.mobile": ["13812345678", "+86 13812345678", "010-12345678转801", "(212) 555-1234 ext. 56"],
    "pi.contact.email": ["zhangsan@example.com"],
    "pi.contact.online": ["@zhangsan", "wxid_ab12cd34"],
    "pi.device": ["00:1A:2B:3C:4D:5E", "356938035643809"],
    "pi.vehicle": ["京A12345", "粤Z1234港", "B-AB 1234", "LSVAU2180N2123456"],
    "finance.account": ["6222021234567890123", "DE89 3704 0044 0532 0130 00"],
    "pi.network": ["192.168.10.20"],
    "pi.location": ["39.9042,116.4074"],
    "pi.address": ["浙江省杭州市西湖区文三路1号", "文三路1号"],
    "pi.postcode": ["100010", "SW1A 1AA"],
    "pi.birth-date": ["1985-03-12", "1985年3月12日", "1985年3月12日10时20分", "31.01.1974", "19850312"],
    "pi.event-date": ["2020-01-01T10:20:30+08:00", "1/31/2020 10:20 PM"],
    "pi.age": ["37", "37岁"],
    "finance.personal": ["1,234,567.89", "-4532.17"],
    "org.name": ["杭州某某科技有限公司", "第一人民医院", "Foods Co., Ltd."],
    "org.id": ["91330100MA2ABC2E1X", "HRB 12345"],
}
NAMES = st.sampled_from(
    ["张三", "王勇杰", "欧阳娜娜", "李日月", "年月", "王年月日", "云学", "京港", "转分机"]
)
DRAWN = st.text("王李张赵日月年时分秒岁学警领使京云豫转号勇", min_size=2, max_size=4)


@given(st.sampled_from(sorted(set(core().tags) - {"pi.name"})), NAMES | DRAWN, st.data())
def test_a_name_beside_or_inside_an_identifier_is_not_shown(tag: str, name: str, data: st.DataObject) -> None:
    every = sorted({text for texts in FITTING.values() for text in texts})
    text = data.draw(st.sampled_from(FITTING.get(tag, every)) | st.sampled_from(every))
    place = data.draw(st.sampled_from([0, len(text)]) | st.integers(0, len(text)))
    before, behind = data.draw(st.sampled_from([("", ""), (" ", ""), ("", " "), ("(", ")")]))
    shown = masked(text[:place] + before + name + behind + text[place:], tag) or ""
    assert not [pair for pair in map("".join, pairwise(name)) if pair in shown]


@pytest.mark.parametrize(
    "pair", [("yes", "no"), ("true", "false"), ("9", "10"), ("阳性", "弱阳性"), ("Male", "Female")]
)
def test_short_cells_are_not_told_apart_by_their_length(pair: tuple[str, str]) -> None:
    assert {masked(text, None) for text in pair} == {masked("ab/cd-12", None)} == {"***"}


def test_a_preview_reads_cells_as_they_are_declared_to_be_written(tmp_path: Path) -> None:
    file = tmp_path / "pay.csv"
    file.write_text("pay;born\n4.532,17;3.1.1974\n 12,5;1/2/1975\nnone of it;1976-01-02\n;\n")
    fields = [Field("pay", Kind.FLOAT, written="comma"), Field("born", Kind.DATE, written="dmy")]
    tags = zip(("finance.personal", "pi.birth-date"), fields, strict=True)
    proposals = [Proposal(field.name, tag, 1.0, (), tag) for tag, field in tags]
    assert _preview(open_source(file, ";"), fields, proposals, 10) == [
        ["[4000, 5000)", "1974-**-**"],
        ["[10, 20)", "1975-**-**"],
        ["**** ** **", "1976-**-**"],
        ["", ""],
    ]
    plain = [Field("pay", Kind.STRING), Field("born", Kind.STRING)]
    assert _preview(open_source(file, ";"), plain, proposals, 1) == [["***", "*.*.1974"]]


def test_a_number_that_a_file_holds_as_one_is_not_read_again(tmp_path: Path) -> None:
    file = tmp_path / "pay.parquet"
    pq.write_table(pa.table({"pay": [4532.17]}), file)
    fields = [Field("pay", Kind.FLOAT, written="comma")]
    proposals = [Proposal("pay", "finance.personal", 1.0, (), "finance.personal")]
    assert _preview(open_source(file), fields, proposals, 1) == [["[4000, 5000)"]]


def test_null_and_empty_stay() -> None:
    assert (masked(None, "pi.name"), masked("", "pi.name"), masked("  ", "pi.name")) == (None, "", "")


def test_every_rule_is_for_a_tag_there_is() -> None:
    assert set(RULES) <= set(core().tags)


@given(st.sampled_from(sorted(core().tags)), st.text(max_size=300))
def test_no_cell_as_it_stands(tag: str, text: str) -> None:
    shown = masked(text, tag)
    assert shown == "" if not text.strip() else shown not in (None, "", text, text.strip())


@given(st.text(min_size=1, max_size=300))
def test_starred_shows_no_letter_and_no_digit(text: str) -> None:
    assert not any(letter.isalnum() for letter in starred(text))


@pytest.mark.parametrize(
    ("tag", "text"),
    [
        ("pi.id.document", "Wu 12345678"),
        ("pi.id.social", "Wei 12345678"),
        ("pi.id.generic", "Wu/2024/0012"),
        ("pi.id.generic", "Li-000123456"),
        ("pi.device", "Li-iPhone12345"),
        ("pi.device", "Ann:MacBook-01"),
        ("pi.vehicle", "Wu-AB 12345"),
        ("pi.device", "LI-0001234567"),
    ],
)
def test_a_latin_name_is_no_beginning_of_a_number(tag: str, text: str) -> None:
    shown = masked(text, tag) or ""
    assert not any(letter.isalpha() for letter in shown)
