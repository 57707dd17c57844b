"""What columns seem to be on a screen of 80 cells: whole words, and only what matters, in both languages."""

from __future__ import annotations

import io
import re

import pytest
from rich.cells import cell_len
from tagged import ANSWER

from classifiers.combinations import UNDER_14
from classifiers.evidence import dictionaries, freetext, inside, national, patterns, statistics, telling
from cli import classified, column, inspect
from sandbox.errors import UsageError
from service.messages import catalogue


class _Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def shown(monkeypatch, language, print_it, width=80) -> list[str]:
    screen = _Terminal()
    monkeypatch.setattr("sys.stdout", screen)
    monkeypatch.setenv("COLUMNS", str(width))
    monkeypatch.setenv("KEYONG_LANG", language)
    print_it()
    lines = re.sub("\x1b\\[[0-9;]*m", "", screen.getvalue()).splitlines()
    assert all(cell_len(line) <= width for line in lines)
    return [line.rstrip() for line in lines]


def test_proposals_in_80_cells(monkeypatch):
    assert shown(monkeypatch, "en", lambda: classified.show_proposals(ANSWER, "a.csv", "law")) == [
        "column               what it is, and why                level       confidence",
        "─" * 78,
        "emergency_contact    Personal name                      personal          0.97",
        "                     pi.name (proposed)",
        "                     name beside others: home_address",
        "                     dictionary: marital status",
        "婚姻状况（含再婚）   Marital status or household role   personal          0.97",
        "                     pi.marital (proposed)              sensitive",
        "                     name beside others: home_address   elsewhere",
        "                     dictionary: marital status",
        "dept                 Health: diagnoses, treatment,      sensitive            –",
        "                     tests, stays                       personal",
        "                     pi.health (by dpo, instead of",
        "                     pi.work)",
        "                     reason: it names the ward",
        "",
        "Type, uses, treatment and all of the evidence of a column: --explain COL.",
        "",
        "a.csv as a whole: sensitive personal under The Law.",
        "Because of: dept",
    ]


def test_proposals_in_chinese_in_80_cells(monkeypatch):
    assert shown(monkeypatch, "zh", lambda: classified.show_proposals(ANSWER, "a.csv", "law")) == [
        "列                   含义与依据                         级别           置信度",
        "─" * 77,
        "emergency_contact    姓名                               一般个人信息     0.97",
        "                     pi.name（建议）",
        "                     列名结合他列：home_address",
        "                     词典：婚姻状况",
        "婚姻状况（含再婚）   婚姻、家庭关系                     一般个人信息     0.97",
        "                     pi.marital（建议）                 其他标准敏感",
        "                     列名结合他列：home_address",
        "                     词典：婚姻状况",
        "dept                 健康与诊疗信息（含基因、性取向）   敏感个人信息        –",
        "                     pi.health（dpo 确认，建议为",
        "                     pi.work）",
        "                     理由：it names the ward",
        "",
        "各列的类型、用法、处理建议和全部依据，请用 --explain 列名 查看。",
        "",
        "a.csv 整体：敏感个人信息（依据 本法）。",
        "原因：dept",
    ]


def test_a_wide_terminal_shows_everything_side_by_side(monkeypatch):
    lines = shown(monkeypatch, "en", lambda: classified.show_proposals(ANSWER, "a.csv", "law"), width=200)
    assert lines[0].split("  ")[-1].strip() == "evidence"
    assert not [line for line in lines if "--explain" in line]


@pytest.mark.parametrize(
    ("language", "otherwise", "level"),
    [
        ("en", "otherwise   pi.work: Occupation (0.05)", "level       personal (The Law: article 4)"),
        ("zh", "其他可能  pi.work：职业 (0.05)", "级别      一般个人信息（本法：第四条）"),
    ],
)
def test_only_what_else_a_column_may_well_be_is_told(monkeypatch, language, otherwise, level):
    column = ANSWER["columns"][0]
    lines = shown(monkeypatch, language, lambda: classified.show_explained(ANSWER, column))
    assert {otherwise, level} <= set(lines)
    assert not [line for line in lines if "0.04" in line]
    sure = column | {"runners_up": column["runners_up"][1:]}
    told = (
        "nothing with a confidence of 0.05 or more" if language == "en" else "没有置信度达到 0.05 的其他可能"
    )
    assert told in "".join(shown(monkeypatch, language, lambda: classified.show_explained(ANSWER, sure)))


@pytest.mark.parametrize(
    ("said", "found"),
    [(" 姓\u3000名 ", "姓 名"), ("a b", "a b"), ("a  b", "a  b"), (" a\u3000b", None), ("nobody", None)],
)
def test_a_column_to_explain_may_be_written_as_the_file_does(said, found) -> None:
    names = ("姓 名", "a b", "a  b")
    answer = {"columns": [{"name": name} for name in names], "levels": {"law": "personal"}}
    if found is None:  # none, or either of two
        with pytest.raises(UsageError):
            classified.column_of(answer, said, "law")
    else:
        assert classified.column_of(answer, said, "law") == {"name": found}


def test_a_preview_wider_than_the_terminal_has_a_line_for_each_column(monkeypatch):
    names = [f"列{n}" for n in range(5)]
    rows = [["*" * 12] * 5, ["*" * 12] * 5]
    for width, first in ((80, ["列0", "列1", "列2"]), (60, ["column", "1", "2"]), (30, ["列0"])):
        lines = shown(monkeypatch, "en", lambda: inspect._preview(names, rows), width)
        assert lines[0].split()[:3] == first


@pytest.mark.parametrize("language", ["en", "zh"])
def test_every_rule_that_reads_values_has_a_title(monkeypatch, language):
    rules = {"values": {it.rule for it in patterns.PATTERNS} | {UNDER_14, "text", "text-about-people"}}
    rules["values"] |= {f"text-with-{kind}" for kind, _ in freetext.EMBEDDED}
    rules["statistics"] = {it.rule for it in statistics.RULES}
    rules["dictionary"] = set(dictionaries._lists())
    rules["inside"] = {it.name for it in inside.KINDS}
    rules["telling"] = set(telling.RULES)
    rules["unit"] = {"declared"}
    known_alone = {it.rule for it in national.NATIONAL}
    monkeypatch.setenv("KEYONG_LANG", language)
    titled = {
        (source, rule): column.rule({"source": source, "rule": rule})
        for source, names in rules.items()
        for rule in names - known_alone
    }
    keys = {f"rule.{rule}" for _, rule in titled}
    assert keys == set(catalogue.messages(language, "rule"))
    assert not [text for text in titled.values() if text.startswith("rule.")]
    if language == "zh":
        plain = {"icd-10", "icd-9", "ipv4", "ipv6", "mac", "uuid"}
        assert all(
            re.search(r"[\u4e00-\u9fff]", text) for (_, rule), text in titled.items() if rule not in plain
        )


def test_rules_of_an_owner_and_of_names_stand_as_they_are():
    for source, rule in (
        ("name", "phone"),
        ("name", "comment"),
        ("name", "own"),
        ("headers", "age, sex"),
        ("values", "dni-es"),
    ):
        assert column.rule({"source": source, "rule": rule}) == rule
    for rule, shown in (
        ("own:ages", "ages, of your own"),
        ("own:email", "email, of your own"),
        ("meaning:宗教信仰", "meaning: 宗教信仰"),
        ("comment:a: b", "meaning: a: b"),
        ("brackets:sex", "in brackets: sex"),
    ):
        assert column.rule({"source": "values", "rule": rule}) == shown
