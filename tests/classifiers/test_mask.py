"""No cell is shown as it stands, and the usual formats look as people expect them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from classifiers.mask import RULES, masked, starred
from classifiers.taxonomy import core

SHOWN = [
    ("pi.name", "张三", "张*"),
    ("pi.name", "欧阳娜娜", "欧阳**"),
    ("pi.name", "John Smith", "J*** S****"),
    ("pi.id.resident", "11010519491231002X", "110***********002X"),
    ("pi.contact.mobile", "13812345678", "138****5678"),
    ("pi.contact.mobile", "１３８１２３４５６７８", "138****5678"),
    ("pi.contact.email", "ab@b.com", "a***@b.com"),
    ("finance.account", "6222021234567890123", "***************0123"),
    ("pi.address", "浙江省杭州市西湖区文三路1号", "浙江省杭州市西湖区****"),
    ("pi.address", "阳光小区3号", "******"),
    ("pi.birth-date", "1985-03-12", "1985-**-**"),
    ("pi.age", "37", "30-39"),
    ("finance.personal", "12345.6", "[10000, 20000)"),
    ("finance.personal", "1,234,567.89", "[1000000, 2000000)"),
    ("finance.personal", "-250000000", "[-300000000, -200000000)"),
    ("finance.personal", "1e300", "[1e+300, 2e+300)"),
    ("finance.personal", "nan", "***"),
    ("finance.personal", "inf", "***"),
    ("pi.text", "whatever", "[…]"),
    ("no.such.tag", "2020-01-01", "****-**-**"),
    (None, "O-", "**"),
    (None, "*", "***"),
]


@pytest.mark.parametrize(("tag", "text", "shown"), SHOWN)
def test_formats(tag: str | None, text: str, shown: str) -> None:
    assert masked(text, tag) == shown


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
