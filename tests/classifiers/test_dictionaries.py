"""Word lists: what they recognise in dirty columns, and where they keep silent."""

from __future__ import annotations

import random
import time
from collections.abc import Iterable

import pyarrow as pa
import pytest

from classifiers.evidence import dictionaries
from classifiers.evidence.dictionaries import dictionary_evidence, fold, key_of
from classifiers.evidence.evidence import Evidence
from classifiers.evidence.sample import ColumnSample
from classifiers.taxonomy import core, read_data
from sandbox.schema import Kind


def _evidence(values: Iterable[str], kind: Kind = Kind.STRING) -> tuple[Evidence, ...]:
    distinct = list(dict.fromkeys(values))
    return dictionary_evidence(
        ColumnSample(kind, pa.array(distinct, pa.string()), len(distinct), len(distinct))
    )


def _best(values: Iterable[str], kind: Kind = Kind.STRING) -> str:
    hints = _evidence(values, kind)
    return max(hints, key=lambda hint: hint.weight).tag if hints else ""


@pytest.mark.parametrize(
    ("values", "tag"),
    [
        ("汉族,壮族,回族,苗族", "pi.ethnicity"),
        ("White,Black or African American,Asian,Two or More Races,Other", "pi.ethnicity"),
        ("高中,本科,大专,硕士研究生", "pi.education"),
        ("Bachelor's degree,High school,PhD,Some college", "pi.education"),
        ("Abitur,Realschulabschluss,Hauptschulabschluss", "pi.education"),
        ("未婚,已婚,丧偶,离婚", "pi.marital"),
        ("Célibataire,Marié(e),Divorcé(e),Veuf/Veuve", "pi.marital"),
        ("soltero,casada,viudo,DIVORCIADO", "pi.marital"),
        ("father,mother,spouse,son,guardian", "pi.marital"),
        ("Herr,Frau,Divers", "pi.gender"),
        ("Sig.,Sig.ra,Dott.", "pi.gender"),
        ("gift,ogift,sambo,skild", "pi.marital"),
        ("havo,vwo,vmbo,mbo", "pi.education"),
        ("Grundschule,Hauptschule,Gymnasium,Hochschule", "pi.education"),
        ("Impiegato,Operaia,Insegnante,Casalinga", "pi.work"),
        ("misshandel,stöld,rattfylleri,bedrägeri", "pi.criminal"),
        ("要介護1,要介護2,要支援1", "pi.health"),
        ("Bäckerei Huber,Gasthof zur Linde,Autohaus Schmidt,Solel ek. för.", "org.name"),
        ("EHPAD Les Tilleuls,Résidence Bellevue,SCI Les Lilas,Mutuelle du Sud", "org.name"),
        ("さくら訪問看護ステーション,やすらぎホーム,長寿の里,中央クリニック", "org.name"),
        ("Lincoln HS,Riverside K-8,Oak Manor,Blue Sky Holidays", "org.name"),
        ("群众,中共党员,共青团员,民盟盟员", "pi.political"),
        ("römisch-katholisch,evangelisch,konfessionslos,muslimisch", "pi.religion"),
        ("佛教,道教,伊斯兰教,无宗教信仰", "pi.religion"),
        ("农民,教师,公务员,个体工商户", "pi.work"),
        ("Senior Software Engineer,HR Manager,Nurse,Data Analyst II", "pi.work"),
        ("2型糖尿病,慢性胃炎,肺恶性肿瘤,原发性高血压", "pi.health"),
        ("Acute bronchitis,Type 2 diabetes mellitus,Essential hypertension,Migraine", "pi.health"),
        ("A型,B型,O型,AB型", "pi.health"),
        ("A+,O-,AB+,B-", "pi.health"),
        ("腹腔镜胆囊切除术,白内障超声乳化术,剖宫产术", "pi.health"),
        ("盗窃,诈骗,故意伤害,危险驾驶", "pi.criminal"),
        ("British,French,Nigerian,Polish", "pi.origin"),
        ("浙江省,江苏省,上海市,广西壮族自治区", "geo.region"),
        ("西湖区,鼓楼区,余杭区,天河区", "geo.region"),
        ("München,Paris,Chicago,Mumbai,Sevilla", "geo.region"),
        ("TX,CA,NY,IL,WA,FL", "geo.region"),
        ("France,Spain,United Kingdom,Germany", "geo.region"),
        ("杭州蓝天科技有限公司,宁波市第一医院,北京市海淀区教育局,城南小学", "org.name"),
        ("Acme Corp.,Müller GmbH,Soleil Énergie SA,Initech LLC", "org.name"),
        ("Smith, John|O'Connor, Mary|Müller, Jürgen|Garcia, Maria", "pi.name"),
        ("JOHN SMITH,MARIA GARCIA,Jean Dupont,Lakshmi Reddy", "pi.name"),
        ("K. Taylor,J. O'Connor,M. Schmidt,R. Brown", "pi.name"),
        ("Zhang Wei,Li Xiaoming,Ouyang Feng,Wang Xiuying", "pi.name"),
        ("Emma,Lukas,Pierre,Olivia,James,Sofia,Giulia", "pi.name"),
        ("Hauptstraße 5,Bahnhofstr. 12a,Gartenweg 3,Schlossallee 44", "pi.address"),
        ("EUR,USD,CNY,GBP", "general"),
        ("Montag,Dienstag,Mittwoch", "general"),
        ("有效,作废,注销", "general"),
        ("active,inactive,pending", "general"),
        ("red,blue,green,black,white", "general"),
        ("微信,支付宝,现金,银行卡", "general"),
    ],
)
def test_columns_of_known_words(values: str, tag: str) -> None:
    assert _best(values.split("|" if "|" in values else ",")) == tag


def test_dirt_is_stood() -> None:
    assert (
        _best(["未 婚", "已婚\u3000", "ＮＵＬＬ", "丧偶", "离*", "无", "-", "离婚", "见附件"]) == "pi.marital"
    )
    typos = ["evangelisch", "evangelsich", "muslimisch", "mulsimisch", "jüdisch", "JÜDISCH ", "k. A. 7"]
    assert _best(typos) == "pi.religion"


@pytest.mark.parametrize("kind", list(Kind))
@pytest.mark.parametrize(
    "values", [[], [""], ["-", "N/A", "无", "null"], ["*"], ["\u0301"], ["\0"], ["nan", "inf"]]
)
def test_nothing_to_look_at(values: list[str], kind: Kind) -> None:
    assert _evidence(values, kind) == ()


def test_other_kinds_and_odd_values_are_silent() -> None:
    assert _evidence(["1.5", "1e300", "2.25"], Kind.FLOAT) == ()
    assert _evidence(["true", "false"], Kind.BOOLEAN) == ()
    assert _evidence(["1e300", "-1e300", "Infinity", "0x1F", "\U0010ffff" * 50, "a" * 10_000]) == ()


def test_random_codes_are_silent() -> None:
    chance = random.Random(7)
    codes = {"".join(chance.choices("ABCDEFGHIJKLMNOPQRSTUVWXYZ", k=5)) for _ in range(300)}
    assert _evidence(codes) == ()
    assert _evidence(["".join(chance.choices("0123456789", k=6)) for _ in range(300)]) == ()
    assert _evidence(["LH3444", "BA5261", "AA1023", "SA2210"]) == ()


def test_division_codes_are_not_any_digits_in_another_order() -> None:
    assert _best(["330106", "110101", "440605", "310115"], Kind.INTEGER) == "geo.region"
    assert _evidence(["601033", "101110", "506044", "511031"], Kind.INTEGER) == ()


def test_letters_a_b_c_are_no_blood_groups() -> None:
    assert "blood-group" not in {hint.rule for hint in _evidence(["A", "B", "C"])}


def test_places_and_companies_named_after_people_are_not_people() -> None:
    assert _best(["San Jose", "Santa Ana", "St. Louis", "Kansas City", "Los Angeles"]) == "geo.region"
    assert _best(["Johnson & Johnson Inc", "Morgan Stanley LLC", "Charles Schwab Corp."]) == "org.name"


@pytest.mark.parametrize(
    "values",
    [
        "Anna Becker,Thomas Müller,Julia Wirth,Jonas Bauer,Lena Schulze",
        "Carlos Casas,María Villa,José Iglesias,Ana Castillo",
        "Organic Milk,Chicken Soup,Green Tea,Office Chair",
        "Akkuschrauber,Gartenbank,Powerbank,Werkzeugkasten",
        "Website Relaunch,CRM Migration,Cloud Rollout",
        "Expressversand,Abholung,Behandlung,Verhandlung",
        "Casa adosada,Local comercial,Oficina,Trastero",
        "Main Street,Church Lane,Manor Road,Station Road",
    ],
)
def test_people_goods_projects_and_streets_are_no_organisations(values: str) -> None:
    assert _best(values.split(",")) != "org.name"


def test_words_in_paths_and_links_are_chance() -> None:
    assert not _evidence(["fotos/lehrer/1.jpg", "fotos/koch/2.jpg", "fotos/arzt/3.png"])
    assert not _evidence(["https://example.com/teacher", "ftp://example.com/cook", "www.example.com/doctor"])


def test_kinds_of_organisations_are_no_names_of_them() -> None:
    assert _best(["有限责任公司(自然人独资)", "股份有限公司", "个体工商户", "合伙企业"]) == "general"
    assert _best(["小学", "初级中学", "完全中学", "幼儿园"]) == "general"


def test_languages_are_no_nationalities_and_the_other_way_round() -> None:
    assert _best(["English", "Spanish", "Mandarin", "Hindi", "Arabic"]) == "general"
    assert _best(["English", "Spanish", "American", "Nigerian", "German"]) == "pi.origin"


def test_lists_say_what_else_a_column_may_be() -> None:
    hints = {hint.tag: hint.weight for hint in _evidence(["France", "Spain", "Italy"])}
    assert hints == {"geo.region": 0.4, "pi.origin": 0.35}


def test_evidence_carries_no_value_and_lowers_its_weight_with_the_share() -> None:
    pure, mixed = _evidence(["已婚", "未婚"]), _evidence(["已婚", "未婚", "foo", "丧偶", "bar"])
    assert [hint.rule for hint in pure] == [hint.rule for hint in mixed] == ["marital-status"]
    assert pure[0].weight > mixed[0].weight
    assert (pure[0].source, pure[0].share, mixed[0].share) == ("dictionary", 1.0, 0.6)


def test_keys() -> None:
    assert fold("  Célibataire  Straße ") == "celibataire strasse"
    assert key_of("married") == key_of("marreid") != key_of("carried")
    assert key_of("a-") != key_of("a+")


def test_every_list_has_a_known_tag_a_source_and_a_sound_weight() -> None:
    tags = core().tags
    for words in dictionaries._lists().values():
        assert words.tag in tags
        assert 0 < words.weight < 1
        assert 0.5 <= words.share <= 1
        assert words.least >= 1
    for file in dictionaries._files():
        assert len(read_data(f"dictionaries/{file}")["source"]) > 20


def test_ten_thousand_distinct_texts_take_milliseconds() -> None:
    sample = ColumnSample(
        Kind.STRING,
        pa.array([f"浙江省杭州市西湖区文三路{n}号金色家园" for n in range(10_000)]),
        10_000,
        10_000,
    )
    dictionary_evidence(sample)
    seconds = []
    for _ in range(5):
        start = time.perf_counter()
        dictionary_evidence(sample)
        seconds.append(time.perf_counter() - start)
    assert min(seconds) < 0.03  # 3 ms on a quiet machine
