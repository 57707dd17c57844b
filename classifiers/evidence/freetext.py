"""Free text: columns of sentences, about people or not, and what of people stands in them.

Identifiers in values of any kind are found by `classifiers.evidence.inside`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pyarrow.compute as pc

from classifiers.evidence.checks import matches, together
from classifiers.evidence.evidence import Evidence, tenths
from classifiers.evidence.sample import some

MEDIAN_LENGTH = 15
"""Characters beyond which half of a column's texts make it a candidate for free text."""

LOOKED_AT = 400
"""Texts that are searched."""

PROSE, ABOUT, HELD = 0.4, 0.2, 0.02
"""The shares of texts from which on they are sentences, are about people, hold identifiers."""

_SENTENCE_ZH = r"[\x{4e00}-\x{9fff}]{4}.*[,;:。!?、].*[\x{4e00}-\x{9fff}]{2}|[\x{4e00}-\x{9fff}]{6}.*。"
_SENTENCE = r"(\b[\p{Ll}]{2,}['’]?[\p{Ll}]*[,;:]?\s+){3,}[\p{Ll}]{2,}"
_ABOUT_ZH = (
    r"患者|病人|本人|当事人|申请人|投诉人|反映|客户|用户|学生|该生|老人"
    r"|家属|家长|住院|主诉|被告|原告|乘客|参保人|联系"
)
_ABOUT = (
    r"(?i)\b(he|she|his|her|him|patient|customer|client|employee|student|caller|applicant|claimant|guest|mr|mrs|ms"
    r"|patientin|kund(e|in)|cliente|paciente|client(e)?)\b"
)
_DIGIT, _NO_DIGIT = r"(^|[^\d.])", r"([^\d.]|$)"
EMBEDDED: tuple[tuple[str, str], ...] = (
    (
        "resident-id",
        rf"{_DIGIT}[1-9]\d{{5}}(19|20)\d\d(0[1-9]|1[0-2])([0-2]\d|3[01])\d{{3}}[\dXx]([^\d]|$)",
    ),
    (
        "phone",
        rf"{_DIGIT}1[3-9]\d(\d{{8}}|[- ]\d{{4}}[- ]\d{{4}}|\*{{4}}\d{{4}}){_NO_DIGIT}"
        r"|\b0\d{2,3}-[2-9]\d{6,7}\b|\+\d{1,3}[ (-]?\d[\d ()-]{7,14}\d"
        r"|\(?[2-9]\d\d\)?[-. ][2-9]\d\d[-. ]\d{4}\b",
    ),
    ("email", r"[\w.+-]+@[\w-]+\.\w"),
    (
        "name",
        r"(患者|病人|姓名|联系人|家属|申请人|投诉人|当事人|来电人|户主|老人|学生|乘客|参保人)[::\s]{0,2}"
        r"[王李张刘陈杨黄赵吴周徐孙马朱胡郭何林罗高郑梁谢宋唐许韩邓冯曹彭曾"
        r"肖田董潘袁蔡蒋余于杜叶程魏苏吕丁任卢姚沈钟姜崔谭陆范汪廖]"
        r"|\b(Mr|Mrs|Ms|Dr|Herr|Frau|Mme|Sr|Sra)\.? \p{Lu}\p{Ll}+",
    ),
)
"""Kind and pattern of what is looked for within sentences; names only behind a word that announces one."""


def text_evidence(columns: Sequence[Any]) -> list[list[Evidence]]:
    """Return of each of *columns*, normalised texts: is it free text, about people, and what stands in it."""
    looked_at = [some(texts, LOOKED_AT) for texts in columns]
    long = {place: texts for place, texts in enumerate(looked_at) if _is_long(texts)}
    prose = _shares(long, _SENTENCE_ZH, _SENTENCE)
    texts = {place: looked_at[place] for place, share in prose.items() if share >= PROSE}
    about = _shares(texts, _ABOUT_ZH, _ABOUT)
    longer = {place: pc.if_else(_longer(it), it, "") for place, it in texts.items()}
    inside = {kind: _shares(longer, regex) for kind, regex in EMBEDDED}
    found: list[list[Evidence]] = [[] for _ in columns]
    for place in texts:
        shares = {kind: share[place] for kind, share in inside.items() if share[place] >= HELD}
        found[place] += (_hint(f"text-with-{kind}", 0.9, share) for kind, share in shares.items())
        found[place] += [_hint("text-about-people", 0.8, about[place])] if about[place] >= ABOUT else []
        found[place].append(_hint("text", 0.5, prose[place]))
    return found


def _longer(texts: Any) -> Any:
    return pc.greater(pc.utf8_length(texts), MEDIAN_LENGTH)


def _is_long(texts: Any) -> bool:
    return len(texts) > 0 and float(np.median(pc.utf8_length(texts).to_numpy())) > MEDIAN_LENGTH


def _shares(columns: Mapping[int, Any], *patterns: str) -> dict[int, float]:
    """Return by place what share of the texts of each of *columns* one of *patterns* matches."""
    fits = together(
        list(columns.values()), lambda texts: np.any([matches(texts, it) for it in patterns], axis=0)
    )
    return {place: float(of_one.mean()) for place, of_one in zip(columns, fits, strict=True)}


def _hint(rule: str, weight: float, share: float) -> Evidence:
    return Evidence("pi.text", "values", rule, weight, tenths(share))
