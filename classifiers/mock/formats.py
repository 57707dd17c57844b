"""What a column of text holds, by its confirmed tag: formats, names, words, in Chinese or in English."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import pyarrow as pa

from classifiers.mock import texts
from classifiers.mock.draws import MOST, Numbers
from classifiers.mock.texts import Maker, digits, joined, number_text, numbered, picked, text_of


@dataclass(frozen=True, slots=True)
class Format:
    """*make* takes numbers below *capacity*; *distinct*: different numbers give different texts."""

    make: Maker
    capacity: int = MOST
    distinct: bool = True


_SURNAMES_ZH: Final = "王李张刘陈杨黄赵吴周徐孙马朱胡郭何林高罗"
_GIVEN_ZH: Final = "伟芳娜敏静丽强磊军洋勇艳杰娟涛明超霞平刚桂英华玉兰建国文辉志新红梅海燕春生晓"
_SURNAMES: Final = ("Archer", "Baker", "Carter", "Fisher", "Hunter", "Mason", "Miller", "Potter", "Weaver")
_GIVEN: Final = ("Ada", "Ben", "Clara", "Dan", "Ella", "Finn", "Grace", "Hugo", "Iris", "Kate", "Leo", "Mia")


def _chinese_names(numbers: Numbers) -> Any:
    surname, rest = picked(_SURNAMES_ZH, numbers), numbers // np.uint64(len(_SURNAMES_ZH))
    second = picked([*_GIVEN_ZH, *[""] * (len(_GIVEN_ZH) // 2)], rest // np.uint64(len(_GIVEN_ZH)))
    return joined(surname, picked(_GIVEN_ZH, rest), second)


def _english_names(numbers: Numbers) -> Any:
    return joined(picked(_GIVEN, numbers), " ", picked(_SURNAMES, numbers // np.uint64(len(_GIVEN))))


def _emails(numbers: Numbers) -> Any:
    name = picked([name.lower() for name in _SURNAMES], numbers)
    return joined(name, number_text(numbers), "@example.com")


def _networks(numbers: Numbers) -> Any:
    parts = [number_text(numbers >> np.uint64(shift) & np.uint64(255)) for shift in (16, 8, 0)]
    return joined("10.", parts[0], ".", parts[1], ".", parts[2])


def _plates_zh(numbers: Numbers) -> Any:
    letter, province = (
        picked("ABCDEFGHJKLMNPQRSTUVWXYZ", numbers // np.uint64(10**5)),
        numbers // np.uint64(24 * 10**5),
    )
    return joined(
        picked("京津沪渝冀豫云辽黑湘皖鲁新苏浙赣鄂桂甘晋蒙陕吉闽贵粤青藏川宁琼", province),
        letter,
        text_of(digits(numbers, 5)),
    )


def _plates(numbers: Numbers) -> Any:
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
    letters = [picked(alphabet, numbers // np.uint64(10**4 * 26**place)) for place in (2, 1, 0)]
    return joined(*letters, "-", text_of(digits(numbers, 4)))


def _locations(numbers: Numbers) -> Any:
    east, north = numbers % np.uint64(6000), numbers // np.uint64(6000) % np.uint64(3000)
    return joined(_hundredths(north + np.uint64(2000)), ",", _hundredths(east + np.uint64(7500)))


def _hundredths(numbers: Numbers) -> Any:
    return joined(number_text(numbers // np.uint64(100)), ".", text_of(digits(numbers, 2)))


def _dates(first: str, days: int) -> Format:
    def make(numbers: Numbers) -> Any:
        return pa.array(np.datetime64(first, "D") + numbers.astype(np.int64)).cast(pa.string())

    return Format(make, days)


def _words(*words: str) -> Format:
    return Format(lambda numbers: picked(words, numbers), len(words), distinct=False)


def _named(maker: Maker, *, capacity: int = MOST) -> Format:
    return Format(maker, capacity, distinct=False)


NUMBERED: Final = Format(number_text)
"""A number as text: what a unit is called whose tag says no more."""

_COMMON: Final[Mapping[str, Format]] = {
    "pi.id.resident": Format(texts.resident_ids, texts.RESIDENTS),
    "pi.id.document": Format(numbered("E", width=8), 10**8),
    "pi.id.social": Format(numbered("S", width=10)),
    "pi.id.foreign": Format(texts.foreign_ids, 10**8),
    "pi.id.generic": NUMBERED,
    "pi.contact.mobile": Format(texts.mobiles, texts.MOBILES),
    "pi.contact.email": Format(_emails),
    "pi.contact.online": Format(numbered("user_", width=6)),
    "pi.credential": _words("********"),
    "pi.device": Format(texts.luhn("35000", 9), 10**9),
    "pi.biometric": Format(texts.hexadecimal),
    "finance.account": Format(texts.luhn("6299999", 11)),
    "pi.network": Format(_networks, 2**24),
    "pi.location": _named(_locations, capacity=18_000_000),
    "pi.birth-date": _dates("1940-01-01", texts.BIRTHS),
    "pi.event-date": _dates("2020-01-01", 1827),
    "pi.age": _named(number_text, capacity=100),
    "pi.health": _named(texts.icd_codes, capacity=texts.ICD_CODES),
    "finance.personal": _named(_hundredths, capacity=2_000_000),
    "org.id": Format(texts.credit_codes, 10**9),
}
_ENGLISH: Final[Mapping[str, Format]] = {
    **_COMMON,
    "pi.name": _named(_english_names),
    "pi.vehicle": Format(_plates, 26**3 * 10**4),
    "pi.address": _named(numbered("", " Example Street"), capacity=10_000),
    "pi.postcode": _named(numbered("", width=5), capacity=10**5),
    "pi.gender": _words("Female", "Male"),
    "pi.ethnicity": _words(*(f"group {letter}" for letter in "ABCDE")),
    "pi.origin": _words(*(f"region {number}" for number in range(1, 21))),
    "pi.marital": _words("married", "single", "divorced", "widowed"),
    "pi.education": _words("secondary", "primary", "tertiary", "none"),
    "pi.work": _words("clerk", "teacher", "driver", "nurse", "engineer", "retired"),
    "pi.religion": _words("none", "religion A", "religion B"),
    "pi.political": _words("none", "party A", "party B"),
    "pi.criminal": _words("none", "offence A", "offence B"),
    "pi.activity": _words("page A", "page B", "search A", "app A", "call"),
    "pi.text": _named(numbered("an example of free text, number "), capacity=1000),
    "org.name": _named(numbered("Example ", " Ltd"), capacity=1000),
    "geo.region": _words(*(f"region {number}" for number in range(1, 21))),
}
_CHINESE: Final[Mapping[str, Format]] = {
    **_COMMON,
    "pi.name": _named(_chinese_names),
    "pi.vehicle": Format(_plates_zh, 31 * 24 * 10**5),
    "pi.address": _named(numbered("示例省样例市模拟路", "号"), capacity=10_000),
    "pi.postcode": _named(numbered("1", width=5), capacity=10**5),
    "pi.gender": _words("女", "男"),
    "pi.ethnicity": _words("汉族", "满族", "回族", "壮族", "苗族"),
    "pi.origin": _words("北京", "上海", "浙江", "四川", "广东"),
    "pi.marital": _words("已婚", "未婚", "离婚", "丧偶"),
    "pi.education": _words("高中", "初中", "本科", "小学", "研究生"),
    "pi.work": _words("职员", "教师", "司机", "护士", "工程师", "退休"),
    "pi.religion": _words("无", "甲教", "乙教"),
    "pi.political": _words("群众", "团员", "党员"),
    "pi.criminal": _words("无", "甲类", "乙类"),
    "pi.activity": _words("甲页面", "乙页面", "甲搜索", "甲应用", "通话"),
    "pi.text": _named(numbered("示例文本，编号 "), capacity=1000),
    "org.name": _named(numbered("示例第", "有限公司"), capacity=1000),
    "geo.region": _words("浙江省", "北京市", "上海市", "四川省", "广东省"),
}
_OTHERS: Final = Format(numbered("value "), 50)


def format_of(tag: str | None, *, chinese: bool) -> Format:
    """Return what a text column of *tag* holds; a column of no or another tag holds ``value 1`` and so on."""
    known = _CHINESE if chinese else _ENGLISH
    return known.get(tag or "", _OTHERS)


def speaks_chinese(words: Sequence[str]) -> bool:
    """Whether a Chinese character stands in *words*: in names and meanings of columns."""
    return any("\u3400" <= letter <= "\u9fff" for word in words for letter in word)
