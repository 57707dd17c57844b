"""Plates of vehicles outside China, of several countries mixed in one column.

Some shapes are hardly anything else (``AB-123-CD``, ``1234 BCD``, ``ABC1D23``).  Others are as well codes of
articles and orders (``ABC-1234``, ``ABC 123``): they count only beside the former.  The shapes are those of
the countries' registration rules, from memory; vowels and look-alikes are left out where the rules do.
"""

from __future__ import annotations

from typing import Any

from classifiers.evidence.checks import matches

BESIDE = 0.1
"""The share of plates that are nothing else from which on shapes that may be codes count too."""

_ES = "[BCDFGHJKLMNPRSTVWXYZ]"
_SIV = "[A-HJ-NP-TV-Z]"
_CANTON = "AG|AI|AR|BE|BL|BS|FR|GE|GL|GR|JU|LU|NE|NW|OW|SG|SH|SO|SZ|TG|TI|UR|VD|VS|ZG|ZH"
_SURE = (
    rf"\d{{4}}[ -]?{_ES}{{3}}",  # Spain
    rf"{_SIV}{{2}}([ -]?)\d{{3}}[ -]?{_SIV}{{2}}",  # France, Italy, Slovakia
    r"[A-Z]{2}-\d\d-\d\d|\d\d-\d\d-[A-Z]{2}|\d\d-[A-Z]{2}-\d\d",  # the Netherlands, Portugal
    r"[A-Z]{2}-\d\d-[A-Z]{2}|[A-Z]{2}-[A-Z]{2}-\d\d|\d\d-[A-Z]{2}-[A-Z]{2}",
    r"\d\d-[A-Z]{3}-\d|\d-[A-Z]{3}-\d\d|[A-Z]{2}-\d{3}-[A-Z]|[A-Z]-\d{3}-[A-Z]{2}",
    r"[A-Z]{3}-\d\d-[A-Z]|[A-Z]-\d\d-[A-Z]{3}|\d-[A-Z]{2}-\d{3}|\d{3}-[A-Z]{2}-\d",
    r"[A-ZÄÖÜ]{1,3}[ -][A-Z]{1,2} \d{1,4}[EH]?",  # Germany
    r"[A-Z]{3} ?\d[A-J]\d\d",  # Brazil (Mercosur)
    r"[A-Z]{2} ?\d{3} ?[A-Z]{2}",  # Argentina
    r"[A-Z]{3} ?\d\d[A-Z]",  # Sweden
    r"[12]-?[A-Z]{3}-?\d{3}",  # Belgium
    rf"({_CANTON})[ ·-]\d{{1,3}}[ '’]?\d{{3}}",  # Switzerland
    r"[A-Z]{3}-\d{2,3}-[A-Z]|[A-Z]{3}-\d\d-\d\d",  # Mexico
    r"(0[1-9]|[1-7]\d|8[01]) [A-Z]{1,3} \d{2,4}",  # Turkey
    r"\d[A-Z]\d \d{4}",  # Czechia
    r"(1[0-4]|2[0-4]|\d{2}[12]|\d\d)-[A-Z]{1,2}-\d{1,6}",  # Ireland
    r"(B[ -]\d{2,3}|[A-Z]{2}[ -]\d\d)[ -][A-Z]{3}",  # Romania
    r"[A-Z]{2}[ -]?\d{1,2}[ -]?[A-Z]{1,3}[ -]?\d{4}",  # India
    r"[АВЕКМНОРСТУХABEKMHOPCTYX] ?\d{3} ?[АВЕКМНОРСТУХABEKMHOPCTYX]{2} ?\d{2,3}",  # Russia
    r"\d{2,3}[가-힣] ?\d{4}",  # Korea
    r"[一-鿿ぁ-ん]{1,4} ?\d{2,3} ?[ぁ-ん] ?[\d・.]{1,2}-?[\d・.]{2}",  # Japan
)
_PERHAPS = (
    r"[A-Z]{3}[ -]?\d{3,4}",  # Sweden, Finland, Hungary, Lithuania, Brazil, the USA
    r"[A-Z]{2,3} [A-Z0-9]{4,5}",  # Poland
    r"[A-Z]{2} ?\d{2} ?\d{3}",  # Denmark, Norway
    r"[A-ZÄÖÜ]{1,3}[ -][A-Z]{1,2}-?\d{1,4}[EH]?",  # Germany
    r"[A-Z]{2}\d{2} ?[A-Z]{3}",  # United Kingdom
    r"\d{3,4}[ -][A-Z]{2,3}|\d[A-Z]{3}\d{3}",  # Luxembourg, Estonia, the USA
)


def plates(texts: Any) -> Any:
    """Return a numpy mask of the normalised *texts* that are plates of vehicles."""
    sure = matches(texts, f"^({'|'.join(_SURE)})$")
    return sure if not len(sure) or sure.mean() < BESIDE else plate_shapes(texts)


def plate_shapes(texts: Any) -> Any:
    """Return a numpy mask of the normalised *texts* that are plates, or codes that look like some."""
    return matches(texts, f"^({'|'.join((*_SURE, *_PERHAPS))})$")
