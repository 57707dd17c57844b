"""One Latin word may be words run together, pinyin or initials; what it cannot be is left unknown."""

from __future__ import annotations

import pytest

from classifiers.classify import classify
from classifiers.evidence.lexicon import lexicon, names
from classifiers.evidence.names import name_evidence
from classifiers.evidence.spelling import words_of
from classifiers.evidence.style import style_of
from sandbox.schema import Field, Kind


def read(name: str, initials: bool = True) -> list[str]:
    return [word.text for word in words_of(name, initials) if word.known]


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("zhufang_gongjijin", ["住房公积金"]),  # over separators
        ("zhufanggongjijin", ["住房公积金"]),
        ("hospitalname", ["hospital name"]),
        ("zzfjjrxm", ["住址", "罚金", "军人姓名"]),  # no longer word with a letter left over
        ("kundenr", ["kundenr"]),
    ],
)
def test_cuts_come_out_even(name: str, words: list[str]) -> None:
    assert read(name)[-len(words) :] == words


def test_every_head_that_names_end_in_is_a_known_word() -> None:
    known = lexicon().words
    assert all(known[head].known for head in names()["ends"].values())
    assert all(known[head].known for head in (*names()["tails"], *names()["short"]))


def test_unknown_initials_are_read_up_to_their_head() -> None:
    assert {found.tag for found in name_evidence("wwwwrq")} == {"general", "pi.event-date"}
    assert max(found.weight for found in name_evidence("wwwwrq")) <= 0.5  # the head alone says little
    assert read("customer_wwwwrq") == ["customer"]  # beside a word of another language it is no pinyin
    assert not read("wwwwrq", initials=False)
    assert not read("uvwrq")  # no syllable begins with u or v


def test_unknown_compounds_are_read_up_to_their_head() -> None:
    assert read("zzyxbetrag") == ["betrag"]
    assert max(found.weight for found in name_evidence("zzyxbetrag")) <= 0.5
    assert not read("xnummer")


@pytest.mark.parametrize(
    ("name", "tag"), [("Straße", "pi.address"), ("Größe", None), ("Fødselsdato", "pi.birth-date")]
)
def test_letters_that_unicode_does_not_take_apart(name: str, tag: str | None) -> None:
    found = name_evidence(name)
    assert found
    assert tag is None or max(found, key=lambda hint: hint.weight).tag == tag


def test_initials_are_read_where_names_are_no_words() -> None:
    assert style_of(["khxm", "zjhm", "CUST_NO", "备注"]).initials
    assert not style_of(["CUST_NO", "PE_CLS", "ACCT_STS", "OPEN_DT"]).initials
    assert style_of(["客户", "column_1"]).initials
    assert style_of([]).initials


@pytest.mark.parametrize(
    ("given", "letter"),
    [
        (["Yid", "Yname", "Yage", "Ytel"], "Y"),
        (["SNO", "SNAME", "SSEX", "SAGE", "SDEPT"], "S"),
        (["Yid", "Yname", "Yage", "department"], ""),  # three of four are too few
        (["mobile", "money", "mother", "mail"], ""),
        (["c_name", "c_tel", "c_email", "c_age"], ""),
        (["cName", "cTel", "cEmail", "cAge"], ""),
        (["sjh", "sfzh", "sjdh", "sr"], ""),
        ([], ""),
    ],
)
def test_a_letter_that_stands_before_all_names_says_nothing(given: list[str], letter: str) -> None:
    assert style_of(given).letter == letter


def test_what_is_a_word_with_its_first_letter_keeps_it() -> None:
    given = ["tname", "tel", "tage", "tsex", "taddress", "tcity"]
    assert list(map(style_of(given).without_letter, given)) == [
        "name",
        "tel",
        "tage",
        "sex",
        "address",
        "city",
    ]


def test_names_are_read_behind_the_letter_of_their_table() -> None:
    def proposed(*names: str) -> list[str]:
        return [it.tag for it in classify([Field(name, Kind.STRING) for name in names], [])]

    assert proposed("Yid", "Yname", "Yage", "Ytel") == proposed("id", "name", "age", "tel")
    said = ["pi.id.generic", "pi.age", "pi.contact.mobile", "pi.gender"]
    assert proposed("Yid", "Yage", "Ytel", "Ysex") == said


def test_the_table_decides_whether_letters_are_initials() -> None:
    """``sfz`` is 身份证 among initials, and nothing among words."""

    def proposed(*others: str) -> str:
        fields = [Field(name, Kind.STRING) for name in ("sfz", *others)]
        found = classify(fields, [])
        return next(iter(hint.rule for hint in found[0].evidence if hint.source == "name"), "")

    assert "身份证" in proposed("khxm", "lxdh")
    assert "身份证" not in proposed("customer_name", "open_date", "branch_code")
