"""Names in two languages and every spelling habit; near misses stay near misses."""

from __future__ import annotations

import pytest

from classifiers.evidence.lexicon import fields
from classifiers.evidence.names import name_evidence
from classifiers.evidence.spelling import words_of
from classifiers.taxonomy import core, entries, read_data


@pytest.mark.parametrize(
    ("name", "tag"),
    [
        ("PatientName", "pi.name"),
        ("patient_name", "pi.name"),
        ("患者姓名", "pi.name"),
        ("MobilePhone", "pi.contact.mobile"),
        ("LXDH", "pi.contact.mobile"),
        ("E-Mail", "pi.contact.email"),
        ("dateOfBirth", "pi.birth-date"),
        ("DOB", "pi.birth-date"),
        ("IDCardNo", "pi.id.resident"),
        ("user_id", "pi.id.generic"),
        ("ZIP Code", "pi.postcode"),
        ("khxm", "pi.name"),
        ("企业名称", "org.name"),
        ("證件類型", "general"),
        ("email_verified", "general"),
        ("收入(元)", "finance.personal"),
        ("addr_2", "pi.address"),
        ("hba1c", "pi.health"),
        ("atorvastatin", "pi.health"),
        ("icd10_code", "pi.health"),
        ("月收入", "finance.personal"),
        ("AAC003", "pi.name"),
        ("AKC194(出院日期)", "pi.event-date"),
        ("psn_cert_type", "general"),
        ("fixmedins_name", "org.name"),
        ("UNISCID", "org.id"),
        ("gender_concept_id", "pi.gender"),
        ("avg_salary", "general"),
        ("人均支出额", "general"),
        ("imię", "pi.name"),
        ("kod pocztowy", "pi.postcode"),
        ("WJFL", "finance.personal"),
        ("POSFZH", "pi.id.resident"),
        ("待遇开始年月", "pi.event-date"),
        ("血红蛋白", "pi.health"),
        ("资助类别", "general"),
        ("Y", "pi.location"),
        ("age_from", "general"),
        ("salary to", "general"),
        ("hire date to", "pi.event-date"),
        ("Ship To", "pi.name"),
        ("Bonus %", "general"),
        ("Account #", "finance.account"),
        ("phq9_total", "pi.health"),
        ("XingMing", "pi.name"),
        ("zhi_ye", "pi.work"),
        ("YouXiang", "pi.contact.email"),
        ("收款人账号", "finance.account"),
        ("个人账户", "finance.account"),
        ("调查人", "pi.name"),
        ("审批员", "pi.name"),
        ("发送标识", "general"),
        ("用户标识", "pi.id.generic"),
        ("转入科室名称", "pi.health"),
        ("输血总量", "pi.health"),
        ("答辩日期", "pi.event-date"),
        ("开户支行", "finance.account"),
        ("id_cliente", "pi.id.generic"),
        ("NM_CANDIDATO", "pi.name"),
        ("email_de_contacto", "pi.contact.email"),
        ("cod_distrito", "geo.region"),
        ("nombre_responsable_pago", "pi.name"),
        ("do_not_email", "general"),
        ("borrower_state", "geo.region"),
        ("task_state", "general"),
        ("depth_mm", "general"),
        ("weather_condition", "general"),
        ("hadm_id", "pi.id.generic"),
        ("codePostalEtablissement", "pi.postcode"),
        ("得意先コード", "org.id"),
        ("Förnamn", "pi.name"),
        ("medborgarskap", "pi.origin"),
        ("körkortsnummer", "pi.id.document"),
        ("potilasnumero", "pi.id.generic"),
        ("inköpspris", "general"),
        ("bedrijfsnaam", "org.name"),
    ],
)
def test_recognised(name: str, tag: str) -> None:
    assert tag in {hint.tag for hint in name_evidence(name)}


@pytest.mark.parametrize(
    "name", ["page", "usage", "stage", "sextant", "xml", "trace", "nation_idx", "phonetic"]
)
def test_a_word_inside_a_word_is_no_hint(name: str) -> None:
    assert {hint.tag for hint in name_evidence(name)} <= {"general"}


@pytest.mark.parametrize("name", ["column_7", "f3", "Unnamed: 2", "", "()", "\0", "x" * 100_000])
def test_nothing_is_said_of_nothing(name: str) -> None:
    assert name_evidence(name) == ()


def test_unknown_readings_spell_nothing() -> None:
    """A Chinese word with characters of no known reading is not what is left of its pinyin."""
    assert name_evidence("misura_di_zqwv") == ()


def test_people_in_the_plural_are_less_a_name() -> None:
    one, many = (name_evidence(name)[0] for name in ("passenger", "passengers"))
    assert (one.tag, one.weight) > (many.tag, many.weight) or many.tag != "pi.name"


def test_whose_an_unknown_thing_is_says_little() -> None:
    assert name_evidence("owner_zqwv") == ()
    assert name_evidence("agency_zqwv")[0].weight < name_evidence("agency")[0].weight


def test_the_prefix_of_a_table_takes_nothing_away() -> None:
    assert name_evidence("s_state")[0].weight == name_evidence("state")[0].weight


def test_a_head_may_mean_one_or_the_other() -> None:
    """Whether a moment of the system is somebody's is for the table to say, not for the name."""
    hints = {it.tag: it.weight for it in name_evidence("订单更新时间")}
    assert hints == {"general": 0.7, "pi.event-date": 0.7}


def test_one_word_of_many_meanings_says_less_than_two() -> None:
    for one, two in (("condition", "medical condition"), ("union", "political party"), ("plate", "plate no")):
        [vague, *_], [sure, *_] = name_evidence(one), name_evidence(two)
        assert vague.tag == sure.tag
        assert vague.weight < sure.weight


def test_every_field_of_a_standard_is_read_as_something() -> None:
    for name, meaning in fields().items():
        assert name == name.lower(), name
        assert name.isalnum(), name
        assert words_of(name) == words_of(meaning), name
        assert name_evidence(name) or not any(word.known for word in words_of(meaning)), (name, meaning)


def test_a_unit_in_brackets_is_no_word() -> None:
    assert name_evidence("口径(mm)") == name_evidence("口径")


def test_a_comment_speaks_more_quietly() -> None:
    comment = "Date of birth of the patient, as told"
    (hint,) = name_evidence("column_7", comment)
    assert (hint.tag, hint.weight) == ("pi.birth-date", 0.9)  # all there is
    hints = {it.tag: it.weight for it in name_evidence("gender", comment)}
    assert hints == {"pi.gender": 0.9, "pi.birth-date": 0.72}


def test_a_comment_tells_what_a_few_letters_stand_for() -> None:
    assert [(it.tag, it.weight) for it in name_evidence("HB")] == [("pi.health", 0.9)]
    hints = {it.tag: (it.rule, it.weight) for it in name_evidence("HB", "宗教信仰")}
    assert hints == {"pi.health": ("hb", 0.72), "pi.religion": ("meaning:宗教信仰", 0.9)}
    assert {it.tag: it.weight for it in name_evidence("HB", "qwerty")} == {"pi.health": 0.9}


def test_every_rule_speaks_for_a_known_tag() -> None:
    data = read_data("names.yaml")
    assert set(data["tags"]) <= set(core().tags)
    assert all(set(strengths) <= {"strong", "fair", "weak"} for strengths in data["tags"].values())
    lists = [found for strengths in data["tags"].values() for found in strengths.values()]
    assert all(list(entries(found)) for found in (*lists, *data["roles"].values()))
    for meant in (*data["compose"].values(), data["alone"]):
        meanings = (meaning for entry in meant.values() for meaning in entry.split("/"))
        assert {meaning.split()[0] for meaning in meanings} <= {"keep", "same", *core().tags}
