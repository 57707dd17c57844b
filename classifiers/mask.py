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
from functools import partial

STAR = "*"
LONGEST = 200
"""Characters of a cell that are looked at."""
_SHOWN = 24
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
_EMAIL = re.compile(r"([^@\s]+)@([A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)+)")
_MOBILE = re.compile(r"(?:\+?86[- ]?)?(1\d{10})")
_YEAR = re.compile(r"((?:1[5-9]|2\d)\d\d)(\D.*|\d{4}.*|)", re.DOTALL)
_COORDINATES = re.compile(r"[-+]?\d{1,3}\.\d+(?:[ ,;/]+[-+]?\d{1,3}\.\d+)?")
_PART = r"[^\W\da-zA-Z路街巷弄号栋室]"
_DISTRICT = re.compile(
    rf"((?:{_PART}{{2,8}}?(?:省|自治区))?(?:{_PART}{{2,8}}?(?:(?<![超城夜集门])市|自治州|地区|盟))?"
    rf"(?:{_PART}{{1,8}}?(?:(?<![小社园校])区|县|旗|(?<![超城夜集门])市))?).+"
)


def masked(text: str | None, tag: str | None) -> str | None:
    """Return *text* masked as is usual for *tag*; None or an unknown tag stars every character.

    Null stays null and an empty cell empty.  Full-width and combining characters are normalised (NFKC) first.
    """
    if text is None or not text.strip():
        return None if text is None else ""
    plain = _plain(text)
    shown = RULES.get(tag or "", starred)(plain) or starred(plain)
    return STAR * 3 if shown in (plain, text.strip()) else shown


def starred(text: str) -> str:
    """Return the shape of *text*: every character a star but for separators inside, cut at 24 characters."""
    shape = _STARRED.sub(lambda found: STAR if found[1] else found[0], text)
    return shape if len(shape) <= _SHOWN else STAR * _SHOWN + "…"


def _plain(text: str) -> str:
    letters = unicodedata.normalize("NFKC", text.strip()[:LONGEST])
    return "".join(c for c in letters if unicodedata.category(c)[0] not in "MC").strip()[:LONGEST] or STAR


def _ends(text: str, front: int, back: int, hidden: int = _HIDDEN) -> str | None:
    """Keep *front* and *back* characters if at least *hidden* letters and digits are starred between them."""
    middle = text[front : len(text) - back]
    if len(text) < front + back + hidden or sum(map(str.isalnum, middle)) < hidden:
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
    return found and f"{found[1][0] if len(found[1]) > 1 else ''}{STAR * 3}@{found[2]}"


def _phone(text: str) -> str | None:
    found = _MOBILE.fullmatch(text)
    number = found[1] if found else text
    return _ends(number, 3, 4) or _ends(number, 0, 2)


def _date(text: str) -> str | None:
    found = _YEAR.fullmatch(text)
    if not found:
        return None
    return found[1] + re.sub(r"[^-/.:年月日时分秒 ]", STAR, found[2]) if found[2] else found[1][:3] + STAR


def _number(text: str) -> str | None:
    """Return the range a number lies in: one significant digit, and never narrower than ten."""
    try:
        number = float(text.replace(",", ""))
    except ValueError:
        return None
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
    found = _DISTRICT.fullmatch(text)
    return found[1] + STAR * 4 if found and found[1] else None


def _network(text: str) -> str | None:
    found = re.fullmatch(r"(\d{1,3}\.\d{1,3})\.\d{1,3}\.\d{1,3}", text)
    return found and f"{found[1]}.{STAR}.{STAR}"


def _location(text: str) -> str | None:
    return re.sub(r"\.\d+", ".**", text) if _COORDINATES.fullmatch(text) else None


def _constant(_: str) -> str:
    return STAR * 6


def _replaced(_: str) -> str:
    return "[…]"


_ID = partial(_ends, front=3, back=2)
RULES: Mapping[str, Rule] = {
    "pi.name": _name,
    "pi.id.resident": partial(_ends, front=3, back=4),
    "pi.id.document": partial(_ends, front=2, back=2),
    "pi.id.social": _ID,
    "pi.id.foreign": partial(_ends, front=0, back=2),
    "pi.id.generic": partial(_ends, front=2, back=2),
    "pi.contact.mobile": _phone,
    "pi.contact.email": _email,
    "pi.contact.online": partial(_ends, front=1, back=0, hidden=3),
    "pi.credential": _constant,
    "pi.biometric": _constant,
    "pi.device": _ID,
    "pi.vehicle": partial(_ends, front=2, back=1),
    "finance.account": partial(_ends, front=0, back=4, hidden=8),
    "pi.network": _network,
    "pi.location": _location,
    "pi.address": _address,
    "pi.postcode": partial(_ends, front=2, back=0, hidden=3),
    "pi.birth-date": _date,
    "pi.event-date": _date,
    "pi.age": _age,
    "pi.text": _replaced,
    "finance.personal": _number,
    "org.name": partial(_ends, front=2, back=0, hidden=2),
    "org.id": partial(_ends, front=2, back=4),
}
"""Tag → what is kept of a cell; tags that are not here are starred throughout."""
