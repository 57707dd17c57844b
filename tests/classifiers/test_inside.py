"""Identifiers inside values are found, whatever else stands there and however few hold one; chance is not."""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Sequence
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st
from stdnum import iban, luhn
from stdnum.cn import ric

from classifiers.classify import classify
from classifiers.combine import judge
from classifiers.evidence.evidence import Evidence
from classifiers.evidence.inside import _ANY, _FIRST, KINDS, inside_evidence
from classifiers.evidence.sample import draw
from classifiers.taxonomy import GENERAL, core
from sandbox.schema import Field, Kind
from tests.support.effort import at_most

RNG = random.Random(20261129)
ROWS = 300
SENTENCE = "群众反映小区绿化带垃圾无人清理,请有关部门尽快处理并答复。"


def resident() -> str:
    born = f"{RNG.randint(1940, 2012)}{RNG.randint(1, 12):02d}{RNG.randint(1, 28):02d}"
    body = f"{RNG.choice(('110105', '330106', '440305'))}{born}{RNG.randrange(1000):03d}"
    return body + ric.calc_check_digit(f"{body}0")


def mobile() -> str:
    """One that does not end in four zeros, as no mobile number that is found does."""
    return f"1{RNG.choice(('38', '59', '77', '86'))}{RNG.randrange(10**4):04d}{RNG.randrange(1, 10**4):04d}"


def card() -> str:
    body = f"62{RNG.randrange(10**13):013d}"
    return body + luhn.calc_check_digit(body)


def account() -> str:
    rest = f"{RNG.randrange(10**18):018d}"
    return f"DE{iban.calc_check_digits(f'DE00{rest}')}{rest}"


def hints(texts: Sequence[str | None], kind: Kind = Kind.STRING) -> dict[str, Evidence]:
    sample = draw([Field("c", kind)], pa.table({"c": pa.array(texts, pa.string())}))["c"]
    return {it.rule: it for it in inside_evidence(sample)}


def tag_of(texts: Sequence[str], name: str) -> str:
    table = pa.table({"id": pa.array(range(len(texts))), name: texts, "qty": pa.array([3] * len(texts))})
    fields = [Field("id", Kind.INTEGER), Field(name, Kind.STRING), Field("qty", Kind.INTEGER)]
    return classify(fields, table)[1].tag


CASES: tuple[tuple[str, Callable[[], str], str, str], ...] = (
    ("a word before it", lambda: f"tel:{mobile()}", "phone", "pi.contact.mobile"),
    ("Chinese before it", lambda: f"电联{mobile()}", "phone", "pi.contact.mobile"),
    ("a log", lambda: f"2024-05-03 10:11 INFO login user={mobile()} ok", "phone", "pi.text"),
    ("JSON", lambda: json.dumps({"idCard": resident(), "status": 1}), "resident-id", "pi.id.resident"),
    (
        "more JSON",
        lambda: json.dumps(
            {"姓名": "某", "备用字段": "0" * 9, "状态说明": "无", "手机号": mobile(), "zt": 1}
        ),
        "phone",
        "pi.text",
    ),
    ("a path", lambda: f"/scan/2024/{resident()}_1.pdf", "resident-id", "pi.id.resident"),
    ("a query", lambda: f"/api/v1/list?page=3&size=20&sort=asc&u={mobile()}&t=web", "phone", "pi.text"),
    (
        "mail",
        lambda: f"GET /a/b/c?lang=en&sort=asc&from=u{RNG.randrange(10**6)}@example.com&page=1&size=20",
        "email",
        "pi.text",
    ),
    ("a card in a sentence", lambda: f"{SENTENCE}卡号{card()}", "card", "pi.text"),
    (
        "an IBAN in a sentence",
        lambda: f"please pay what is left of the bill to {account()} as agreed last week",
        "iban",
        "pi.text",
    ),
    (
        "an American number",
        lambda: f"caller gave {RNG.randint(100, 665)}-45-{RNG.randint(1000, 9999)} as id",
        "ssn-us",
        "pi.text",
    ),
    (
        "a passport",
        lambda: f"旅客出示护照E{RNG.randrange(10**8):08d},行李已登记",
        "document",
        "pi.id.document",
    ),
    ("a plate", lambda: f"车牌京A{RNG.randrange(10**5):05d}占用消防通道多日无人处理", "plate-cn", "pi.text"),
    (
        "abroad",
        lambda: f"call me back at +49 30 {RNG.randrange(10**7):07d} after six please",
        "phone-written-so",
        "pi.text",
    ),
)


@pytest.mark.parametrize("name", ["备注", "payload", "code", "url", "c1"])
@pytest.mark.parametrize(
    ("made", "rule", "tag"), [case[1:] for case in CASES], ids=[case[0] for case in CASES]
)
def test_found_whatever_the_column_is_called(made: Callable[[], str], rule: str, tag: str, name: str) -> None:
    texts = [made() for _ in range(ROWS)]
    assert hints(texts)[rule].tag == tag
    assert tag_of(texts, name) != GENERAL
    assert tag_of(texts, name).startswith(("pi.", "finance."))


@pytest.mark.parametrize("share", [0.05, 0.1, 0.4])
def test_numbers_with_a_check_digit_speak_where_few_are_such(share: float) -> None:
    texts = [resident() if n < share * ROWS else f"A{RNG.randrange(10**9):09d}" for n in range(ROWS)]
    RNG.shuffle(texts)
    assert tag_of(texts, "代码") == "pi.id.resident"
    assert hints(texts)["resident-id"].weight < hints([resident() for _ in range(ROWS)])["resident-id"].weight


@pytest.mark.parametrize("share", [0.04, 0.06, 0.09, 0.2])
def test_a_column_that_comes_to_hold_some_is_no_longer_what_it_was(share: float) -> None:
    """`tagging.changed` spares what a column may be at least half as probably as what it seems."""
    codes = [resident() if n < share * ROWS else f"K{n % 9}-{n % 7}" for n in range(ROWS)]
    table = pa.table({"code": codes, "qty": pa.array([3] * ROWS)})
    found = classify([Field("code", Kind.STRING), Field("qty", Kind.INTEGER)], table)[0]
    assert (found.alone, GENERAL in found.likely) == ("pi.id.resident", False)


@pytest.mark.parametrize("rows", [3, 12, 30])
@pytest.mark.parametrize(
    ("made", "rule"),
    [
        (lambda: f"家属张某电话{mobile()},已告知", "phone-announced"),
        (lambda: f"please call {mobile()} before noon", "phone-announced"),
        (lambda: f"补录证件{resident()}", "resident-id"),
        (lambda: f"Rückruf erbeten 0171/{RNG.randrange(10**6, 10**7)}", "phone-announced"),
        (lambda: f"rappeler au 06 {RNG.randrange(10, 99)} 34 56 78 svp", "phone-announced"),
        (lambda: f"please ring 07911 {RNG.randrange(10**5, 10**6)} after six", "phone-announced"),
        (lambda: f"Tel. (030) 123-{RNG.randrange(10**3, 10**4)}", "phone-announced"),
    ],
    ids=["phone", "call", "resident", "de", "fr", "uk", "it"],
)
def test_one_of_few_remarks_is_enough(made: Callable[[], str], rule: str, rows: int) -> None:
    texts = [f"第{n}件已归档" for n in range(1, rows)] + [made()]
    assert list(hints(texts)) == [rule]
    assert tag_of(texts, "备注") != GENERAL


def test_chance_hardly_finds_a_resident_among_few_other_numbers() -> None:
    """One in 15,000 numbers of 18 digits passes; in one in 770 sets of twenty there is one."""
    sets = ([f"{RNG.randrange(10**17, 10**18)}" for _ in range(20)] for _ in range(200))
    assert sum(bool(hints(texts)) for texts in sets) <= 3


def test_whole_numbers_count_too() -> None:
    texts = [it for it in (resident() for _ in range(ROWS)) if it.isdigit()]
    assert "resident-id" in hints(texts, Kind.INTEGER)


def test_the_end_of_a_long_text_is_searched() -> None:
    texts = [SENTENCE * 20 + f"身份证{resident()},电话{mobile()}" for _ in range(ROWS)]
    found = hints(texts)
    assert (found["resident-id"].share, found["phone"].share) == (1.0, 1.0)
    assert tag_of(texts, "说明") == "pi.text"


@pytest.mark.parametrize("length", [199, 200, 201, 3_000])
@pytest.mark.parametrize("columns", [1, 500, 2_500])
def test_cells_of_any_length_are_searched(length: int, columns: int) -> None:
    texts = [f"{mobile()} {SENTENCE * 200}"[:length] for _ in range(40)]
    table = pa.table({"c": texts, **{f"n{n}": [1] * 40 for n in range(columns - 1)}})
    sample = draw([Field(name, Kind.STRING) for name in table.column_names], table)["c"]
    assert [it.rule for it in inside_evidence(sample)] == ["phone"]


@pytest.mark.parametrize("kind", KINDS, ids=[it.name for it in KINDS])
@given(data=st.data())
def test_whatever_a_kind_finds_is_looked_at(kind: Any, data: st.DataObject) -> None:
    text = data.draw(st.from_regex(kind.regex))
    assert _ANY.search(text)
    assert _FIRST.search(text)
    assert not kind.words or any(word in text.lower() for word in kind.words)


def test_several_identifiers_do_not_share_their_weight() -> None:
    made = [resident, mobile, account, lambda: f"u{RNG.randrange(10**6)}@example.com"]
    texts = [made[n % 4]() if n < 80 else f"91{RNG.randrange(10**16):016d}" for n in range(ROWS)]
    assert tag_of(texts, "统一社会信用代码").startswith(("pi.", "finance."))


def test_long_and_short_texts_count_by_their_number() -> None:
    long = [SENTENCE * 20 + mobile() for _ in range(ROWS)]
    assert hints(long + [f"无{n}" for n in range(ROWS)])["phone"].share == 0.5


@pytest.mark.parametrize(
    "texts",
    [
        [f"1{n:010d}" for n in range(10**9, 10**9 + ROWS)],  # numbers of orders that begin with 1
        [f"Sun Apr 27 13:{n % 60:02d}:49 +0800 {n}" for n in range(1900, 1900 + ROWS)],  # zones of moments
        [f"1{RNG.randrange(10**6):06d}0000" for _ in range(ROWS)],  # offices of the tax authority
        [f"{RNG.randrange(10**18):018d}" for _ in range(ROWS)],
        [f"{RNG.randrange(10**16):016d}" for _ in range(ROWS)],
        [f"SN{RNG.randrange(10**11):011d}X" for _ in range(ROWS)],
        [f"0.{RNG.randrange(10**15):015d}" for _ in range(ROWS)],
        [f"{RNG.randrange(10**4)}-{RNG.randrange(10**4)}-{RNG.randrange(10**4)}" for _ in range(ROWS)],
        [f"2024-05-03 10:11:12.{RNG.randrange(10**6):06d}" for _ in range(ROWS)],
        [f"v1.{n}.0 @ build{n}" for n in range(ROWS)],
        [f"10.0.{n % 256}.{n // 2}" for n in range(ROWS)],
        [f"please call on 0{n % 9 + 1}/02/2024" for n in range(ROWS)],
        [f"please call on 0{n % 9 + 1} 02 2024" for n in range(ROWS)],
        [f"call {n:08d} closed" for n in range(ROWS)],
        [f"call 0{n % 9}00-1700 only" for n in range(ROWS)],
        [f"微信支付单号0{RNG.randrange(10**11):011d}" for _ in range(ROWS)],
        [f"订单号码{RNG.randrange(10**11):011d}已发货" for _ in range(ROWS)],
        [f"病人编号{RNG.randrange(10**11):011d}" for _ in range(ROWS)],
        [f"tel. gesprochen am 0{n % 9 + 1}.12.2023" for n in range(ROWS)],
        [f"GB{RNG.randrange(10**18):018d}" for _ in range(ROWS)],
        [SENTENCE] * ROWS,
        [],
    ],
)
def test_what_only_looks_so_is_not_found(texts: list[str]) -> None:
    assert hints(texts) == {}


@pytest.mark.parametrize("piece", ["9", "a", "a@", "a.", "12-", "+1 ", "1380013", "AA00", "(2", "京A", "*"])
def test_texts_made_to_be_slow_are_not(piece: str) -> None:
    """Each pattern looks at a character a bounded number of times."""
    texts = [(piece * 4000)[:4000] for _ in range(100)]
    with at_most(100):
        hints([f"{n} {text}" for n, text in enumerate(texts)])


def test_the_weight_of_columns_that_are_sensitive_is_left_alone() -> None:
    sure = Evidence("pi.health", "header", "-", 0.95)
    held = Evidence("pi.id.resident", "inside", "resident-id", 0.95, 0.5)
    assert judge([sure, held])[0] == judge([sure])[0]


@given(
    st.lists(
        st.builds(
            Evidence,
            st.sampled_from(sorted(core().tags)),
            st.sampled_from(["values", "dictionary", "statistics", "cell", "header"]),
            st.just("x"),
            st.floats(0.02, 0.99),
        ),
        max_size=8,
    ),
    st.sampled_from(["pi.id.resident", "pi.contact.mobile", "pi.text", "finance.account", "pi.vehicle"]),
    st.floats(0.6, 0.95),
)
def test_what_is_inside_never_makes_a_column_less_strict(
    others: list[Evidence], tag: str, weight: float
) -> None:
    known = core().tags
    before = judge(others)[0].tag
    after = judge([*others, Evidence(tag, "inside", "x", weight, 0.5)])[0].tag
    assert known[after].strictness >= known[before].strictness
    assert after != GENERAL
