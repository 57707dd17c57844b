"""Whole tables: every column gets a sensible proposal, and no evidence holds a value."""

from __future__ import annotations

import gzip
from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
import pyarrow.csv
import pytest

from classifiers.classify import Proposal, classify
from classifiers.taxonomy import core
from sandbox.schema import Field, Kind

DATA = Path(__file__).parents[2] / "examples" / "data" / "diabetes130.csv.gz"
CHINESE = {
    "身份证号": "pi.id.resident",
    "姓名": "pi.name",
    "手机号": "pi.contact.mobile",
    "电子邮箱": "pi.contact.email",
    "家庭住址": "pi.address",
    "出生日期": "pi.birth-date",
    "性别": "pi.gender",
    "诊断编码": "pi.health",
    "住院天数": "pi.health",
}
ABBREVIATIONS = ["sfzh", "xm", "sjh", "dzyx", "jtzz", "csrq", "xb", "zdbm", "hospital_days"]


def fields_of(table: pa.Table) -> list[Field]:
    return [
        Field(column.name, Kind.INTEGER if pa.types.is_integer(column.type) else Kind.STRING, missing=("?",))
        for column in table.schema
    ]


def tags_of(proposals: tuple[Proposal, ...]) -> dict[str, str]:
    return {proposal.column: proposal.tag for proposal in proposals}


def test_chinese_table(people: pa.Table) -> None:
    proposals = classify(fields_of(people), people)
    assert tags_of(proposals) == CHINESE
    assert all(proposal.confidence >= 0.85 for proposal in proposals)


def test_pinyin_abbreviations_without_any_value(people: pa.Table) -> None:
    fields = [Field(name, Kind.STRING) for name in ABBREVIATIONS]
    assert list(tags_of(classify(fields, [])).values()) == list(CHINESE.values())


def test_values_alone(people: pa.Table) -> None:
    table = people.rename_columns([f"c{index}" for index in range(people.num_columns)])
    *tags, days = tags_of(classify(fields_of(table), table)).values()
    assert tags == list(CHINESE.values())[:-1]
    assert days in ("pi.health", "general")  # small numbers without a name


def test_nothing_recognised_is_said_with_little_confidence() -> None:
    (proposal,) = classify([Field("frob", Kind.STRING)], pa.table({"frob": pa.nulls(9, pa.string())}))
    assert proposal.tag == "general"
    assert {hint.source for hint in proposal.evidence} <= {"header"}
    assert proposal.confidence < 0.9


def test_what_is_nearly_as_likely_alone(people: pa.Table) -> None:
    for found in classify(fields_of(people), people):
        assert found.alone not in found.likely
    doubtful = pa.table({"ref": ["a-1", "b-2", "c-3"] * 30, "status": ["x", "y", "z"] * 30})
    assert all(set(it.likely) <= core().tags.keys() for it in classify(fields_of(doubtful), doubtful))


def test_a_table_with_a_declared_unit_is_about_persons() -> None:
    table = pa.table(
        {"nr": range(90), "kind": [3 + n % 9 for n in range(90)], "amount": [1.5 * n for n in range(90)]}
    )
    fields = [Field("nr", Kind.INTEGER), Field("kind", Kind.INTEGER), Field("amount", Kind.FLOAT)]
    assert list(tags_of(classify(fields, table)).values())[1:] == ["general", "general"]
    of_unit = ["pi.id.generic", "general", "finance.personal"]
    assert list(tags_of(classify(fields, table, unit="nr")).values()) == of_unit


def test_persons_are_seen_without_a_unit_or_an_identity() -> None:
    rows = range(90)
    table = pa.table({"age": [18 + n * 7 % 60 for n in rows], "female": [n % 2 for n in rows],
                      "hhsize": [1 + n % 6 for n in rows], "lwage": [1.5 + n * 37 % 90 / 40 for n in rows],
                      "treat": [n // 3 % 2 for n in rows]})  # fmt: skip
    kinds = [Kind.INTEGER, Kind.INTEGER, Kind.INTEGER, Kind.FLOAT, Kind.INTEGER]
    fields = [Field(name, kind) for name, kind in zip(table.column_names, kinds, strict=True)]
    tags = list(tags_of(classify(fields, table)).values())
    assert tags[:4] == ["pi.age", "pi.gender", "pi.marital", "finance.personal"]


def test_the_declared_unit_is_no_trait_that_it_hardly_seems() -> None:
    rows = range(900)
    table = pa.table({"frob": [str(n % 7) for n in rows], "gender": ["MF"[n % 2] for n in rows]})
    fields = [Field("frob", Kind.INTEGER), Field("gender", Kind.STRING)]
    assert classify(fields, table, unit="frob")[0].tag == "pi.id.generic"


def test_the_declared_unit_is_an_identifier_whatever_it_looks_like(people: pa.Table) -> None:
    table = pa.table(
        {"status": [str(n // 2) for n in range(900)], "gender": ["MF"[n % 2] for n in range(900)]}
    )
    fields = [Field("status", Kind.INTEGER), Field("gender", Kind.STRING)]
    (plain, _), (unit, beside) = classify(fields, table), classify(fields, table, unit="status")
    assert (plain.tag, unit.tag, beside.tag) == ("general", "pi.id.generic", "pi.gender")
    assert unit.evidence[0].source == "unit"
    assert unit.others[0].tag == "general"
    assert unit.alone == plain.alone  # no drift between versions
    assert tags_of(classify(fields_of(people), people, unit="身份证号")) == CHINESE


@pytest.mark.parametrize(
    ("name", "shape", "tag"),
    [
        ("医保卡号", "A{:08d}", "pi.id.social"),
        ("社保卡号", "B{:08d}", "pi.id.social"),
        ("港澳通行证号", "H{:08d}", "pi.id.document"),
        ("passport_no", "E{:08d}", "pi.id.document"),
        ("病历号", "{:08d}", "pi.id.generic"),
    ],
)
def test_a_unit_that_may_be_a_stricter_number_is_proposed_as_one(name: str, shape: str, tag: str) -> None:
    table = pa.table(
        {
            name: [shape.format(7919 * n % 10**8) for n in range(300)],
            "性别": ["男女"[n % 2] for n in range(300)],
            "金额": [f"{n * 1.37:.2f}" for n in range(300)],
        }
    )
    fields = [Field(name, Kind.STRING), Field("性别", Kind.STRING), Field("金额", Kind.DECIMAL)]
    assert classify(fields, table, unit=name)[0].tag == tag


def test_where_each_row_is_a_person_the_table_is_about_persons() -> None:
    table = pa.table({"product": ["pen", "ink", "pad"] * 30, "amount": [1.5 * n for n in range(90)]})
    fields = [Field("product", Kind.STRING), Field("amount", Kind.FLOAT)]
    (_, plain), (_, of_persons) = classify(fields, table), classify(fields, table, unit="row")
    assert share_of(of_persons, "finance.personal") > share_of(plain, "finance.personal")


def share_of(proposal: Proposal, tag: str) -> float:
    return {proposal.tag: proposal.confidence, **{it.tag: it.confidence for it in proposal.others}}[tag]


def test_a_comment_says_as_much_as_a_name() -> None:
    table = pa.table({"ID": range(90), "F006": ["YN"[n % 2] for n in range(90)]})
    for said in ("是否患有精神疾病", "history of mental illness"):
        described = [Field("ID", Kind.INTEGER), Field("F006", Kind.STRING, description=said)]
        named = [Field("ID", Kind.INTEGER), Field(said, Kind.STRING)]
        (_, by_comment) = classify(described, table)
        (_, by_name) = classify(named, table.rename_columns(["ID", said]))
        assert by_comment.tag == by_name.tag == "pi.health"


def test_a_meaning_counts_where_a_few_letters_seem_something_else() -> None:
    rows = range(120)
    table = pa.table(
        {
            "BH": [f"{n:06}" for n in rows],
            "JB": ["I10", "E11.9", "J45"] * 40,
            "ZT": [str(n % 3) for n in rows],
            "HB": [str(n % 5) for n in rows],
            "XM": [f"{'王李张刘'[n % 4]}{'明华强芳丽'[n % 5]}" for n in rows],
        }
    )
    meanings = {"ZT": "刑满释放状态", "HB": "宗教信仰", "XM": "机构名称"}
    fields = [Field(it, Kind.STRING, description=meanings.get(it, "")) for it in table.column_names]
    found = {it.column: it.tag for it in classify(fields, table)}
    assert (found["ZT"], found["HB"]) == ("pi.criminal", "pi.religion")
    assert found["XM"] == "pi.name"  # what is said makes nothing less strict that seems something likely


def test_a_meaning_talks_nothing_out_of_what_stands_in_the_values() -> None:
    rows = range(150)
    table = pa.table(
        {
            "身份证号": [f"33010619{n % 90 + 10}0101{n:04}" for n in rows],
            "姓名": [f"{'王李张刘'[n % 4]}{'明华强芳丽'[n % 5]}" for n in rows],
            "F006": [("普通卡", "残疾人卡", "学生卡")[n % 3] for n in rows],
            "F007": [f"user tel 138{n:08} called" if n % 3 == 0 else f"state {n % 7}" for n in rows],
        }
    )
    for said in (("卡类型", "产品状态"), ("商品名称", "产品编号"), ("状态", "状态"), ("", "")):
        meanings = dict(zip(("F006", "F007"), said, strict=True))
        fields = [Field(it, Kind.STRING, description=meanings.get(it, "")) for it in table.column_names]
        found = {it.column: it.tag for it in classify(fields, table)}
        assert found["F006"] == "pi.health", said
        assert found["F007"] in ("pi.contact.mobile", "pi.text"), said


def test_evidence_never_holds_a_value(people: pa.Table) -> None:
    proposals = repr([proposal.evidence for proposal in classify(fields_of(people), people)])
    for name in people.column_names[:6]:
        assert not [value for value in people[name].to_pylist() if value in proposals]


def test_batches_read_once_say_the_same_as_a_table(people: pa.Table) -> None:
    once: Iterator[pa.RecordBatch] = iter(people.to_batches(max_chunksize=50))
    assert tags_of(classify(fields_of(people), once)) == CHINESE


def test_memory_does_not_grow_with_rows() -> None:
    fields = [Field("a", Kind.STRING), Field("b", Kind.INTEGER)]

    def batches(count: int) -> Iterator[pa.RecordBatch]:
        for index in range(count):
            numbers = pa.array(range(index * 5000, index * 5000 + 5000))
            yield pa.RecordBatch.from_arrays([numbers.cast(pa.string()), numbers], ["a", "b"])

    before = pa.default_memory_pool().max_memory()
    classify(fields, batches(100))  # more than is held
    few = pa.default_memory_pool().max_memory()
    classify(fields, batches(500))
    assert pa.default_memory_pool().max_memory() <= max(before, few) + 2**20


@pytest.mark.skipif(not DATA.exists(), reason="demo data not here")
def test_diabetes() -> None:
    table = pa.csv.read_csv(pa.py_buffer(gzip.decompress(DATA.read_bytes())))
    proposals = classify(fields_of(table), table)
    expected = {
        "encounter_id": "pi.id.generic",
        "patient_nbr": "pi.id.generic",
        "race": "pi.ethnicity",
        "gender": "pi.gender",
        "age": "pi.age",
    }
    right = {name: expected.get(name, "pi.health") for name in table.column_names}
    wrong = {it.column: it.confidence for it in proposals if it.tag != right[it.column]}
    # Ambiguous words over yes and no: nobody confirms them in bulk.
    assert wrong.keys() <= {"weight", "change", "diabetesMed", "examide", "citoglipton", "insulin"}
    assert all(confidence < 0.9 for confidence in wrong.values())
    assert len(right) == 50


def test_taxonomy_is_whole() -> None:
    taxonomy = core()
    for info in taxonomy.tags.values():
        assert set(info.levels) == set(taxonomy.sources)
        assert set(info.titles) == {"en", "zh"}
