"""What a few words among a column's values say of persons, and only where the table is about persons."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence

import pyarrow as pa
import pytest

from classifiers.classify import classify
from classifiers.evidence.sample import draw
from classifiers.evidence.telling import FEW, telling_evidence
from classifiers.taxonomy import core
from sandbox.schema import Field, Kind

ROWS = 200
NAMES = [f"{'王李张刘陈'[n % 5]}{'明华强芳丽军'[n % 6]}{'文国志秀'[n % 4]}" for n in range(ROWS)]
PERSONS = {"身份证号": [f"33010619{n % 90 + 10}0101{n:04}" for n in range(ROWS)], "姓名": NAMES}
PEOPLE = {
    "patient_id": [str(10_000 + n) for n in range(ROWS)],
    "first_name": ["Anna", "Peter", "Maria", "Jonas"] * 50,
}


def told(*values: str) -> dict[str, str]:
    sample = draw([Field("c", Kind.STRING)], pa.table({"c": list(values) * 20}))["c"]
    return {hint.rule: hint.tag for hint in telling_evidence("c", sample)}


def proposed(columns: Mapping[str, Sequence[str]]) -> dict[str, str]:
    table = pa.table({name: list(values) for name, values in columns.items()})
    return {it.column: it.tag for it in classify([Field(it, Kind.STRING) for it in columns], table)}


@pytest.mark.parametrize(
    ("name", "values", "tag"),
    [
        ("人员类别", ["刑满释放人员", "社区矫正人员", "普通居民"], "pi.criminal"),
        ("人员类别", ["吸毒人员", "戒毒人员", "涉毒"], "pi.criminal"),
        ("人员类型", ["精神障碍患者", "残疾人", "普通居民"], "pi.health"),
        ("人员类型", ["肢体残疾", "精神残疾", "智力残疾"], "pi.health"),
        ("身份类别", ["精神障碍患者", "艾滋病感染者", "残疾人"], "pi.health"),
        ("卡种", ["普通卡", "老年卡", "残疾人卡", "学生卡"], "pi.health"),
        ("卡类型", ["普通卡", "爱心卡(残疾人)"], "pi.health"),
        ("票种", ["全价票", "军人票", "残疾人票"], "pi.health"),
        ("优待类型", ["残疾军人", "烈属", "复员军人"], "pi.health"),
        ("票种", ["全价票", "残疾人优惠票"], "pi.health"),
        ("票种", ["全价票", "残障人士票"], "pi.health"),
        ("人员类别", ["普通人员", "社区服刑人员"], "pi.criminal"),
        # Kinds of persons of whom community workers keep lists, by the notices about them.
        ("重点人群", ["刑释解教人员", "吸毒人员", "严重精神障碍患者", "信访人员"], "pi.health"),
    ],
)
def test_kinds_of_persons_cards_and_tickets(name: str, values: list[str], tag: str) -> None:
    column = [values[n % len(values)] for n in range(ROWS)]
    assert proposed({**PERSONS, name: column})[name] == tag


@pytest.mark.parametrize(
    ("values", "tag"),
    [
        (["standard", "senior", "disabled passenger"], "pi.health"),
        (["Adult", "Child", "Persons with disabilities"], "pi.health"),
        (["employee", "ex-offender", "trainee"], "pi.criminal"),
        (["keine", "schwerbehindert"], "pi.health"),
        (["straight", "gay", "bisexual"], "pi.health"),
        (["hétérosexuelle", "homosexuel"], "pi.health"),
    ],
)
def test_in_other_languages(values: list[str], tag: str) -> None:
    assert set(told(*values).values()) == {tag}


@pytest.mark.parametrize(
    "values",
    [
        ["enabled", "disabled"],
        ["active", "disabled", "locked"],
        ["海口市残疾人康复中心", "残疾人联合会"],
        ["残疾人帮扶", "助学"],
        ["盲人按摩", "餐饮"],
        ["经济犯罪侦查支队", "刑侦大队"],
        ["single blind", "double blind"],
        ["CA", "CT", "GA"],
        ["CA", "CT", "GA", "GG"],
        ["CC", "CA"],
        ["AA", "CA", "AT"],
        ["AA"],
        ["TT"],
        ["1/1", "1/2", "2/2"],
        ["0/1", "1/1"],
        ["A", "C", "G"],
    ],
)
def test_what_says_nothing_of_persons(values: list[str]) -> None:
    assert told(*values) == {}


@pytest.mark.parametrize(
    "value",
    [
        "重性精神病患者",
        "残疾人士",
        "强制隔离戒毒人员",
        "HIV阳性",
        "残疾人(一级)",
        "一级残疾",
        "残疾人士卡",
        "ex offender",
    ],
)
def test_terms_of_offices(value: str) -> None:
    assert told(value, "其他") != {}


def test_of_many_values_a_few_words_say_nothing() -> None:
    assert told("残疾人", *(f"项目{n}" for n in range(FEW - 1))) != {}
    assert told("残疾人", *(f"项目{n}" for n in range(FEW))) == {}


def test_a_table_of_organisations_stays_one() -> None:
    homes = {
        "机构名称": [f"{city}市第{n}养老院" for city in ("杭州", "宁波", "温州") for n in range(40)],
        "机构类型": ["公办", "民办", "公建民营"] * 40,
        "收住对象": ["自理", "失能", "失智", "残疾人"] * 30,
        "床位数": [str(20 + n) for n in range(120)],
    }
    assert proposed(homes)["收住对象"] == "general"


def test_bases_and_genotypes_are_somebodys() -> None:
    chance = random.Random(5)
    bases = ["".join(chance.choices("ACGT", k=120)) for _ in range(ROWS)]
    found = proposed({**PEOPLE, "sequence": bases, "rs1801133": ["CC", "CT", "TT", "CT"] * 50})
    assert (found["sequence"], found["rs1801133"]) == ("pi.biometric", "pi.biometric")
    assert told("0/0", "0/1", "1/1") == told("A/A", "A/G", "G/G", "--") == {"genotypes": "pi.biometric"}
    assert set(told(*bases[:30])) == {"bases"}


def test_markers_and_genotypes_are_somebodys_whatever_the_table_is_about() -> None:
    variants = {
        "rsid": [f"rs{n}" for n in range(ROWS)],
        "chromosome": [str(n % 22 + 1) for n in range(ROWS)],
        "position": [str(10_000 + 37 * n) for n in range(ROWS)],
        "genotype": ["AA", "AG", "GG", "CT"] * 50,
    }
    assert proposed(variants)["genotype"] == "pi.biometric"
    names = ("rs429358", "rs9939609_A", "cg00000029", "D3S1358", "APOE", "HLA-DRB1", "hla_b")
    markers = {name: [str((n + i) % 3) for n in range(ROWS)] for i, name in enumerate(names)}
    for beside in ({"sample": [f"S{n:04}" for n in range(ROWS)]}, PEOPLE, {}):
        found = proposed({**beside, **markers})
        assert {found[name] for name in names} <= {"pi.biometric", "pi.health"}
    plain = {"rs": ["1.5", "2.5"] * 100, "rs232": ["on", "off"] * 100, "cg1": ["x", "y"] * 100}
    assert proposed(plain)["cg1"] != "pi.biometric"


def test_what_is_stricter_or_sensitive_already_stays() -> None:
    diagnosis = ["抑郁症", "高血压", "糖尿病"] * 66 + ["冠心病"] * 2
    found = proposed({**PERSONS, "诊断": diagnosis, "罪名": ["盗窃罪", "诈骗罪"] * 100})
    assert (found["诊断"], found["罪名"]) == ("pi.health", "pi.criminal")
    assert found["身份证号"] == "pi.id.resident"
    assert core().tags["pi.health"].sensitive
