"""Masking for people (脱敏): what a cell looks like on its owner's own screen.

The law: no cell is shown as it stands.  A tag has a rule that keeps what people need to recognise a format
(a surname, the last four digits of a card) and stars the rest; where there is no rule, where the rule does
not fit the cell, or where too little would stay hidden, the whole cell is starred.  Masked data is still
personal data: this is for the owner's eyes and protects against a glance, not against an analyst.
"""

from __future__ import annotations

import math
import re
import unicodedata
from collections.abc import Callable, Mapping
from functools import cache, partial

from classifiers.evidence.dictionaries import divisions
from classifiers.evidence.shapes import PLATE_PREFIXES
from classifiers.taxonomy import entries, read_data
from sandbox.vault.dates import NAMED

STAR = "*"
LONGEST = 200
"""Characters of a cell that are looked at."""
_SHOWN = 24
_SHORT = 8
"""Characters up to which a starred cell does not show its length: it would tell yes from no."""
_ASTRONOMIC = 1e15
_HIDDEN = 4
"""Characters that a rule keeping both ends must hide at least."""

Rule = Callable[[str], str | None]
"""Returns the masked text, or None if the text is not of the form the rule is for."""

# A separator between two characters shows a format; at an end it may be the value itself (a sign, a result).
_STARRED = re.compile(r"(?<=\w)[-/.:@ ](?=\w)|(.)", re.DOTALL)
_TWO_SYLLABLES = re.compile(
    "欧阳|太史|端木|上官|司马|东方|独孤|南宫|万俟|闻人|夏侯|诸葛|尉迟|公羊|赫连|澹台|皇甫|"
    "宗政|濮阳|公冶|太叔|申屠|公孙|慕容|仲孙|钟离|长孙|宇文|司徒|鲜于|司空|令狐|轩辕|呼延|拓跋"
)
_HAN = re.compile(r"[\u3400-\u9fff·]+")
_EMAIL = re.compile(r"([\w.%+'-]+)@(?:[A-Za-z0-9-]+\.)+([A-Za-z]{2,4})", re.ASCII)
_NAMELIKE = re.compile(r"^\D*[a-z]\D*$|^[A-Z]{2,}\W$", re.ASCII)
_MOBILE = re.compile(r"(?:\+?86[- ]?)?(1\d{10})", re.ASCII)
_NUMBER = re.compile(r"[-+]?(?:(?:\d+|\d{1,3}(?:,\d{3})+)\.?\d*|\.\d+)(?:[eE][-+]?\d{1,40})?", re.ASCII)
_COORDINATES = re.compile(r"[-+]?\d{1,3}\.\d+(?:[ ,;/]+[-+]?\d{1,3}\.\d+)?", re.ASCII)

# What the identifiers are written with whose ends are kept: with a digit at least, or a word would do.
_RESIDENT = re.compile(r"(?=.*\d)[\dXx* -]+", re.ASCII)
_PHONE = re.compile(r"[\d+()/. -]+(?:(?:x|ext\.?|#|转) ?\d{1,6})?", re.ASCII)
_ACCOUNT = re.compile(r"[A-Za-z\d -]+[\d -]{4}", re.ASCII)
_DOCUMENT = re.compile(r"(?=.*\d)[A-Za-z\d -]+", re.ASCII)
_FOREIGN = re.compile(r"[A-Za-z\d ./-]*\d[A-Za-z\d]?", re.ASCII)
_CODE = re.compile(r"(?=.*\d)[A-Za-z\d_:./-]+", re.ASCII)
_ONLINE = re.compile(r"[\w.:/@?&=%#+-]+", re.ASCII)
_PLATE = re.compile(rf"(?=.*\d)[{PLATE_PREFIXES}使领]?[A-ZÄÖÜa-z\d *·.-]+[挂学警港澳使领急]?", re.ASCII)
_REGISTERED = re.compile(r"(?=.*\d)[A-Za-z\d ./-]+", re.ASCII)

_YEAR = r"((?:1[5-9]|2\d)\d\d)"
_BEHIND = r"(?:[-/.:TZ+ ]{0,2}\d[年月日时分秒]?)*(?: ?(?:[AaPp]\.?[Mm]\.?|Z|UTC))?"
_TOGETHER = r"(?=(?:0\d|1[0-2])[0-3]\d(?:\d{4}|\d{6})?(?!\d))"
_YEAR_FIRST = re.compile(rf"{_YEAR}(年?|(?:年|[-/. ]|{_TOGETHER}){_BEHIND})", re.ASCII)
_YEAR_LAST = re.compile(rf"(\d{{1,2}}([-/.]) ?\d{{1,2}}\2 ?){_YEAR}((?:[T ]{_BEHIND})?)", re.ASCII)
_MONTH_NAMED = re.compile(rf"({NAMED})((?:[T: ] ?{_BEHIND})?)", re.ASCII)

_ENDING = re.compile(
    r".{2,}?(有限责任公司|股份有限公司|有限公司|分公司|公司|集团|合作社|医院|卫生院|学校|大学|学院|小学|中学|幼儿园|银行|支行|分行|"
    r"委员会|居委会|村委会|中心|协会|法院|事务所|研究所|研究院|局|店|所|厂|"
    r"[ ,](?:(?i:ltd|limited|inc|corp|llc|llp|plc|gmbh|mbh|sarl)|AG|KG|SA|SE|SAS|NV|BV|AB|AS|Oy|OY))\.?"
)
_KINDS_OF_DIVISION = ("省", "市", "区", "县", "旗", "盟", "自治州", "地区")


def masked(text: str | None, tag: str | None) -> str | None:
    """Return *text* masked as is usual for *tag*; None or an unknown tag stars the whole cell.

    Null stays null and an empty cell empty.  Full-width and combining characters are normalised (NFKC) first.
    """
    if text is None or not text.strip():
        return None if text is None else ""
    plain = _plain(text)
    shown = RULES.get(tag or "", starred)(plain) or starred(plain)
    return STAR * 4 if shown in (plain, text.strip()) else shown


def starred(text: str) -> str:
    """Return the shape of *text*: every character a star but for separators inside, cut at 24 characters.

    Short texts all look the same.
    """
    if len(text) <= _SHORT:
        return STAR * 3
    shape = _STARRED.sub(lambda found: STAR if found[1] else found[0], text)
    return shape if len(shape) <= _SHOWN else STAR * _SHOWN + "…"


def _plain(text: str) -> str:
    letters = unicodedata.normalize("NFKC", text.strip()[:LONGEST])
    return "".join(c for c in letters if unicodedata.category(c)[0] not in "MC").strip()[:LONGEST] or STAR


def _ends(text: str, form: re.Pattern[str], front: int, back: int, hidden: int = _HIDDEN) -> str | None:
    """Keep *front* and *back* characters of a text of *form*.

    At least *hidden* letters and digits must be starred between them.
    """
    middle = text[front : len(text) - back]
    enough = len(text) >= front + back + hidden and sum(map(str.isalnum, middle)) >= hidden
    kept = text[:front] if front > 1 else ""  # a name in Latin letters is no beginning of a number
    if not enough or not form.fullmatch(text) or _NAMELIKE.search(kept):
        return None
    return text[:front] + re.sub(r"[^- ]", STAR, middle) + text[len(text) - back :]


def _name(text: str) -> str | None:
    if not _HAN.fullmatch(text):
        words = [word for word in text.split() if word]
        return " ".join(word[0] + STAR * min(len(word) - 1, 8) if len(word) > 1 else STAR for word in words)
    kept = 2 if _TWO_SYLLABLES.match(text) and len(text) > 2 else 1
    return text[:kept] + STAR * min(len(text) - kept, 8) if len(text) > kept else None


def _email(text: str) -> str | None:
    found = _EMAIL.fullmatch(text)
    return found and f"{found[1][0] if len(found[1]) > 1 else ''}{STAR * 3}@{STAR * 3}.{found[2]}"


def _phone(text: str) -> str | None:
    found = _MOBILE.fullmatch(text)
    number = found[1] if found else text
    return _ends(number, _PHONE, 3, 4) or _ends(number, _PHONE, 0, 2)


def _date(text: str) -> str | None:
    first, last = _YEAR_FIRST.fullmatch(text), _YEAR_LAST.fullmatch(text)
    named = _MONTH_NAMED.fullmatch(text)
    if named:
        return _unwritten(named[1][:-4]) + named[1][-4:] + _unwritten(named[2])
    if last:
        return _unwritten(last[1]) + last[3] + _unwritten(last[4])
    if not first:
        return None
    return first[1] + _unwritten(first[2]) if len(first[2]) > 1 else first[1][:3] + STAR


def _unwritten(part: str) -> str:
    return re.sub(r"[^-/.:年月日时分秒 ]", STAR, part)


def _number(text: str) -> str | None:
    """Return the range a number lies in: one significant digit, and never narrower than ten."""
    if not _NUMBER.fullmatch(text) or len(text) >= LONGEST:
        return None
    number = float(text.replace(",", ""))
    if not math.isfinite(number):
        return None
    width = max(10.0, 10.0 ** math.floor(math.log10(abs(number)))) if number else 10.0
    low = math.floor(number / width) * width
    shown = "g" if abs(number) >= _ASTRONOMIC else ".0f"
    return f"[{low:{shown}}, {low + width:{shown}})"


def _age(text: str) -> str | None:
    found = re.fullmatch(r"(\d{1,3})(?:\.\d+)?\s*(岁|years?|y)?", text)
    if not found:
        return None
    decade = int(found[1]) // 10 * 10
    return "90+" if decade >= 90 else f"{decade}-{decade + 9}"


def _address(text: str) -> str | None:
    found = _known_divisions().match(text)
    return found and found[0] + STAR * 4


@cache
def _known_divisions() -> re.Pattern[str]:
    """Return the pattern of a province, city and district at the beginning of an address that goes on."""
    names, _ = divisions()
    known = {name for name in names if name.endswith(_KINDS_OF_DIVISION)}
    known |= {name.removesuffix("省") for name in known}
    words = read_data("dictionaries/divisions_zh.yaml")["lists"]["division-name"]["words"]
    known |= set(entries(words))
    return re.compile(rf"(?:(?>{'|'.join(sorted(known, key=len, reverse=True))}) ?){{1,4}}(?=[^ ])")


def _organisation(text: str) -> str | None:
    found = _ENDING.fullmatch(text)
    return found and STAR * 3 + found[1]


def _network(text: str) -> str | None:
    found = re.fullmatch(r"(\d{1,3}\.\d{1,3})\.\d{1,3}\.\d{1,3}", text)
    return found and f"{found[1]}.{STAR}.{STAR}"


def _location(text: str) -> str | None:
    return re.sub(r"\.\d+", ".**", text) if _COORDINATES.fullmatch(text) else None


def _constant(_: str) -> str:
    return STAR * 6


def _replaced(_: str) -> str:
    return "[…]"


RULES: Mapping[str, Rule] = {
    "pi.name": _name,
    "pi.id.resident": partial(_ends, form=_RESIDENT, front=3, back=4),
    "pi.id.document": partial(_ends, form=_DOCUMENT, front=2, back=2),
    "pi.id.social": partial(_ends, form=_DOCUMENT, front=3, back=2),
    "pi.id.foreign": partial(_ends, form=_FOREIGN, front=0, back=2),
    "pi.id.generic": partial(_ends, form=_CODE, front=2, back=2),
    "pi.contact.mobile": _phone,
    "pi.contact.email": _email,
    "pi.contact.online": partial(_ends, form=_ONLINE, front=1, back=0, hidden=3),
    "pi.credential": _constant,
    "pi.biometric": _constant,
    "pi.device": partial(_ends, form=_CODE, front=3, back=2),
    "pi.vehicle": partial(_ends, form=_PLATE, front=2, back=1),
    "finance.account": partial(_ends, form=_ACCOUNT, front=0, back=4, hidden=8),
    "pi.network": _network,
    "pi.location": _location,
    "pi.address": _address,
    "pi.postcode": partial(_ends, form=_DOCUMENT, front=2, back=0, hidden=3),
    "pi.birth-date": _date,
    "pi.event-date": _date,
    "pi.age": _age,
    "pi.text": _replaced,
    "finance.personal": _number,
    "org.name": _organisation,
    "org.id": partial(_ends, form=_REGISTERED, front=2, back=4),
}
"""Tag → what is kept of a cell; tags that are not here are starred throughout."""
