"""Evidence from column names and their owner's comments: Chinese, pinyin, English, some other languages.

The head of a name, its last known word, says what a column holds; the nearest word before it that matters
says of what (患者姓名 is a person's name, 企业名称 a company's, 证件类型 no number).  Words, roles and
what they make together are data (``taxonomies/names.yaml``), this module reads them:

1. what a program named (``column_7``) means nothing; brackets and the owner's comment speak more quietly;
2. ``date of birth`` is read as ``birth date``; ``is``, ``has``, 是否 count as heads although they come first;
3. the head with the nearest word that has an entry under ``compose``; else its own tags; else ``alone``.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache
from itertools import filterfalse

from classifiers.evidence.evidence import Evidence
from classifiers.evidence.lexicon import STRENGTHS, Word, names, role_of
from classifiers.evidence.spelling import roles_of_parts, words_of
from classifiers.evidence.style import Style, made_up

WEIGHTS: Mapping[str, float] = {"strong": 0.9, "fair": 0.7, "weak": 0.5}
"""How often a name alone is right: 0.91, 0.72, 0.60 of 275, 110, 89 hints in the Chinese development set."""
ASIDE = 0.8
"""What a hint in brackets or in a comment weighs, as a share of one in the name."""
MEANING = "meaning:"
"""What begins the rules of a comment that is all there is: the name says nothing, or this or that."""
_SHORT = re.compile(r"[A-Za-z]{1,4}\d{0,2}")
LONGEST_COMMENT = 400

_BRACKETS = re.compile(r"[(\[{<（【〔《]([^)\]}>）】〕》]*)[)\]}>）】〕》]?")
_UNIT = re.compile(
    r"[A-Za-z]{1,2}|[元天岁时分秒月年日亩吨台个支米]|[百千万亿]?元|万|.*[/%°²³μ].*"
    r"|(?i:kwh|ntu|cfu|mmhg|mmol|min|sec|usd|eur|gbp)"
)
"""What stands in brackets as the unit of a measure, which is no word."""
_CLAUSE_ENDS = re.compile(r"[，。；、：,;:.\n(（\[【]|--| - ")

_PREFIX = re.compile("[a-z]{1,2}")
"""An unknown word that may be the prefix of a table (``s_manager``), and says nothing."""
_BODY = "org"
"""The role of heads that mean something whatever stands before them (查获单位), and more after some words."""
_BODIES = frozenset({"person", "representative", "org"})
"""The roles of words that before an unknown word say whose it is (``insured_hobbies``)."""
_KEPT: Mapping[str, int] = {"same": 0, "keep": 1}
"""What stands for the tags of the word before a head, and by how many steps they are weaker then."""

Hint = tuple[str, int, str]
"""A tag, the step of its strength (0 is strongest), and the words that say so."""


def name_evidence(name: str, description: str = "", style: Style | None = None) -> tuple[Evidence, ...]:
    """Return what a column's *name* and its owner's *description* hint at, the strongest hint per tag.

    *style*: how the names of its table are written (`style_of`).
    """
    known = style or Style()
    best: dict[str, Evidence] = {}
    for found in _hints(known.without_letter(name), description, known.initials):
        if found.tag not in best or best[found.tag].weight < found.weight:
            best[found.tag] = found
    return tuple(best.values())


def _hints(name: str, description: str, initials: bool) -> Iterator[Evidence]:
    plain = _BRACKETS.sub(" ", name)
    said = said_of_itself(description)
    # A few letters stand for many things, which a comment that says something tells apart.
    short = bool(_SHORT.fullmatch(plain.strip())) and any(_evidence(said, "", 1.0))
    own = tuple(_evidence(plain, "", ASIDE if short else 1.0, initials))
    yield from own
    for inside in filterfalse(_UNIT.fullmatch, _BRACKETS.findall(name)):
        yield from _evidence(inside, "brackets:", ASIDE if plain.strip() else 1.0)
    yield from _evidence(said, *((MEANING, 1.0) if short or not own else ("comment:", ASIDE)))


def _evidence(text: str, kind: str, share: float, initials: bool = True) -> Iterator[Evidence]:
    for tag, step, rule in () if made_up(text) else read(words_of(text, initials)):
        yield Evidence(tag, "name", kind + rule, round(WEIGHTS[STRENGTHS[step]] * share, 2))


def said_of_itself(description: str) -> str:
    """Return the first clause of a comment, up to what limits it (``in``, ``where``)."""
    clauses = [part.strip() for part in _CLAUSE_ENDS.split(description[:LONGEST_COMMENT])]
    words = next((part for part in clauses if part), "").split()
    ends = [index for index, word in enumerate(words) if index and word.lower() in names()["clause"]]
    return " ".join(words[: ends[0]] if ends else words)


def read(words: Sequence[Word]) -> tuple[Hint, ...]:
    """Return what *words* mean together."""
    ordered, cut = _head_last(words)
    if not ordered:
        return ()
    *before, head = ordered
    if _BODIES.intersection(head.roles) and len(words) > 1 and _tail_unknown(words):
        sure = tuple((tag, step) for tag, step in head.tags if step < len(STRENGTHS) - 1)
        head = Word(head.text, sure, head.roles if sure else ()).weaker()
    found = _composed(head, before) or _own(head, bool(before) or cut) or _rule("alone", head, head.text)
    return tuple(found)


def _tail_unknown(words: Sequence[Word]) -> bool:
    return not (words[-1].known or _PREFIX.fullmatch(words[-1].text) or words[0].text in names()["leading"])


def _head_last(words: Sequence[Word]) -> tuple[list[Word], bool]:
    """Return the words up to the head, and whether an unknown word stood beside it."""
    ordered = list(words)
    joints = [index for index, word in enumerate(ordered[:-1]) if word.text in names()["of"] and index > 0]
    if joints:
        ordered = ordered[joints[0] + 1 :] + ordered[: joints[0]]
    known = [word for word in ordered if word.known]
    cut = any(not (word.known or _PREFIX.fullmatch(word.text)) for word in ordered)
    if len(known) > 1 and known[0].text in names()["leading"] and not _is_head(known[-1]):
        return known[::-1], cut
    if len(known) > 1 and (
        known[0].text in names()["first"] or (_is_head(known[0]) and not _speaks(known[-1]))
    ):
        known = [*known[1:], known[0]]
    return known, cut


def _is_head(word: Word) -> bool:
    return any(role in names()["compose"] for role in word.roles)


def _speaks(word: Word) -> bool:
    return bool(word.tags) or _is_head(word)


def _composed(head: Word, before: Sequence[Word]) -> list[Hint]:
    for word in reversed(before):
        for role in head.roles:
            entries = names()["compose"].get(role, {})
            for key in _keys(word):
                if key in entries:
                    return _meant(entries[key], word, f"{word.text}+{head.text}")
    return _of_anything(head, before)


def _of_anything(head: Word, before: Sequence[Word]) -> list[Hint]:
    """Return what *head* makes of any word before it: a statistic of whatever it is about."""
    for role in head.roles if before else ():
        if "*" in names()["compose"].get(role, {}):
            return _meant(names()["compose"][role]["*"], head, f"{before[-1].text}+{head.text}")
    return []


def _keys(word: Word) -> Iterator[str]:
    surest = [tag for tag, _ in sorted(word.tags, key=lambda hint: hint[1])[:1]]
    yield from surest
    yield from word.roles
    yield from map(role_of, surest)


def _meant(entry: str, word: Word, rule: str) -> list[Hint]:
    if entry in _KEPT:
        return [(tag, min(step + _KEPT[entry], 2), rule) for tag, step in word.tags]
    meanings = (meaning.split() for meaning in entry.split("/"))
    return [(tag, STRENGTHS.index(strength), rule) for tag, strength in meanings]


def _own(head: Word, beside: bool) -> list[Hint]:
    """Return the head's own tags; a head that waits for a word and has another one beside it is less sure."""
    down = int(beside and _is_head(head) and _BODY not in head.roles)
    return [(tag, min(step + down, 2), head.text) for tag, step in head.tags]


def _rule(table: str, head: Word, rule: str) -> list[Hint]:
    for role in head.roles:
        if role in names()[table]:
            return _meant(names()[table][role], head, rule)
    return []


def roles_of(name: str) -> frozenset[str]:
    """Return the roles of the words in *name*: of whom or of what it speaks."""
    return frozenset() if made_up(name) else frozenset(role for word in words_of(name) for role in word.roles)


@lru_cache(maxsize=4096)
def numbers_persons(name: str) -> bool:
    """Return whether *name* is one of persons' numbers: ``patient_id``, 客户号."""
    if made_up(name):
        return False
    roles = {role for word in words_of(name) for role in word.roles or roles_of_parts(word.text)}
    return roles >= {"person", "number"} and "representative" not in roles
