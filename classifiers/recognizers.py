"""Recognisers of an owner's own: words of names, a pattern of values, a check digit, and the tag meant.

They come from a YAML file that its owner wrote; what is not understood is refused with its place, never
skipped.  Patterns are RE2, which runs in time linear in the text (Cox 2010), but also in the pattern with its
repetitions written out.  So both are bounded, and none can run away.  A recogniser gives hints like any
other: the combiner decides.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from classifiers.evidence import checks
from classifiers.evidence.evidence import Evidence, tenths
from classifiers.evidence.sample import ColumnSample
from classifiers.taxonomy import core
from sandbox.errors import InvalidInputError
from sandbox.vault.spread import evenly

MOST = 100
"""Recognisers in a file."""
LONGEST_PATTERN = 500
LONGEST_WORD = 60
MOST_WORDS = 100
MOST_PARTS = 1_000
"""Parts of a pattern with its repetitions written out; see `_parts`."""
MOST_VALUES, MOST_CHARACTERS = 2_000, 50_000
"""Distinct values of a column that a pattern is held against; of long ones fewer."""
_NAME: Final = re.compile(r"[a-z0-9][a-z0-9-]{0,39}")
_FIELDS: Final = ("name", "tag", "words", "pattern", "check", "share", "weight")

_UNICODE, _WIDE = 24, 4
"""Parts that a class of Unicode such as \\pL counts for, which is hundreds of ranges of bytes; and any
character, all but some, or one beyond ASCII."""
_TOKEN: Final = re.compile(
    r"(?P<nothing>\(\?[a-zA-Z-]+\)|\\Q\\E)"
    r"|(?P<quoted>\\Q.*?(?:\\E|\Z))"
    r"|(?P<unicode>\\[pP])(?:\{[^}]*\}|.)"
    r"|(?P<wide>\\[DSWC]|\.|[^\x00-\x7f]|\\x\{[^}]*\})"
    r"|(?P<escaped>\\.)"
    r"|(?P<class>\[\^?\]?(?:\[:\^?\w+:\]|\\.|[^\]\\])*\])"
    r"|(?P<open>\()(?:\?(?:P?<\w+>|[a-zA-Z-]*:))?"
    r"|(?P<close>\))"
    r"|(?P<count>\{\d*(?:,\d*)?\})"
    r"|(?P<again>[*+?])"
    r"|(?P<other>.)",
    re.DOTALL,
)
_RANGE: Final = re.compile(
    r"(?P<unicode>\\[pP])|(?P<wide>\A\^|\\[DSW]|(?:.-)?[^\x00-\x7f]|\\x\{)|(?:\\.|[^\\])(?:-[^\]])?",
    re.DOTALL,
)
_WEIGHTS: Final = {"unicode": _UNICODE, "wide": _WIDE}
_PROBES: Final = pa.array(["", "0", "a", "一", "a b", "?", "é1-"])

Path = tuple[str | int, ...]


@dataclass(frozen=True, slots=True)
class Recognizer:
    """Speaks for *tag* if a column's name holds one of *words*, or *share* of its values fit *pattern*.

    *weight* says how often the recogniser alone is right; *check* is ``luhn``, ``mod11`` or ``none``.
    """

    name: str
    tag: str
    words: tuple[str, ...] = ()
    pattern: str | None = None
    check: str = "none"
    share: float = 0.8
    weight: float = 0.8


def read_recognizers(data: Any, file: str, line: Callable[[Path], int]) -> tuple[Recognizer, ...]:
    """Return the recognisers of a file read strictly: ``{recognizers: [{name, tag, …}]}``.

    *line* finds the line of a path.  Raises `InvalidInputError` with the line and the field that is wrong.
    """
    entries = data.get("recognizers") if isinstance(data, dict) and len(data) == 1 else None
    if not isinstance(entries, list) or not 0 < len(entries) <= MOST:
        raise InvalidInputError("recognizer.not-a-list", file=file, line=1, most=MOST)
    found: dict[str, Recognizer] = {}
    for index, entry in enumerate(entries):
        place = _Place(file, line, ("recognizers", index))
        one = _recognizer(entry, place)
        if one.name in found:
            raise InvalidInputError("recognizer.name-twice", **place.facts("name"))
        found[one.name] = one
    return tuple(found.values())


OWNER: Final = "owner"
"""The source of what an owner's words say of a name."""
OWN: Final = "own:"
"""What the rules of an owner's recognisers begin with."""


def is_own(hint: Evidence) -> bool:
    """Return whether *hint* is an owner's; the rules of networks are names of columns, which may be any."""
    return hint.source in (OWNER, "values") and hint.rule.startswith(OWN)


def without_own(hints: Sequence[Evidence]) -> list[Evidence]:
    """Return *hints* without an owner's."""
    return [hint for hint in hints if not is_own(hint)]


def recognizer_evidence(
    recognizers: Sequence[Recognizer], name: str, sample: ColumnSample
) -> tuple[Evidence, ...]:
    """Return what *recognizers* say of the column *name* with the values of *sample*."""
    lower, found = name.lower(), []
    texts = _some(sample.plain.drop_null()) if recognizers else sample.values
    for it in recognizers:
        if any(word in lower for word in it.words):
            found.append(Evidence(it.tag, OWNER, f"{OWN}{it.name}", it.weight))
        if it.pattern is not None and len(texts):
            share = float(_hits(it, texts).mean())
            if share >= it.share:
                found.append(Evidence(it.tag, "values", f"{OWN}{it.name}", it.weight, tenths(share)))
    return tuple(found)


def _some(texts: Any) -> Any:
    """Return *texts*, evenly as many of them as a pattern is held against."""
    mean = max(1.0, pc.mean(pc.utf8_length(texts)).as_py() or 0)
    return texts.take(pa.array(evenly(len(texts), min(MOST_VALUES, int(MOST_CHARACTERS / mean)))))


def _hits(it: Recognizer, texts: Any) -> Any:
    assert it.pattern is not None
    mask = checks.matches(texts, _whole(it.pattern))
    chosen = checks.compact(texts.filter(pa.array(mask)))
    if it.check == "luhn":
        mask[mask] = checks.luhn(chosen)
    elif it.check == "mod11":
        mask[mask] = _mod_11(chosen)
    return mask


def _mod_11(texts: Any) -> Any:
    """Return which *texts* of digits, X as the last allowed, have an ISO 7064 MOD 11-2 check character."""
    shaped = checks.matches(texts, r"^\d{1,39}[\dX]$")
    digits = [
        [10 if c == "X" else int(c) for c in text] for text in texts.filter(pa.array(shaped)).to_pylist()
    ]
    shaped[shaped] = [sum(d * pow(2, i, 11) for i, d in enumerate(reversed(it))) % 11 == 1 for it in digits]
    return np.asarray(shaped, bool)


@dataclass(frozen=True, slots=True)
class _Place:
    """Where an entry stands, for what is said of it."""

    file: str
    line: Callable[[Path], int]
    path: Path

    def facts(self, key: str) -> dict[str, str | int]:
        """Return file, line and name of the field *key*."""
        return {"file": self.file, "line": self.line((*self.path, key)), "field": key[:40]}


def _recognizer(entry: Any, place: _Place) -> Recognizer:
    if not isinstance(entry, dict):
        raise InvalidInputError("recognizer.not-a-mapping", **place.facts(""))
    for key in entry:
        if key not in _FIELDS:
            raise InvalidInputError("recognizer.unknown-field", **place.facts(str(key)), known=list(_FIELDS))
    for key in ("name", "tag"):
        if key not in entry:
            raise InvalidInputError("recognizer.no-field", **place.facts(key))
    one = Recognizer(
        name=_fitting(entry, place, _NAME),
        tag=_one_of(entry, place, "tag", tuple(core().tags)),
        words=_words(entry, place),
        pattern=_pattern(entry, place),
        check=_one_of({"check": "none"} | entry, place, "check", ("none", "luhn", "mod11")),
        share=_part({"share": 0.8} | entry, place, "share"),
        weight=_part({"weight": 0.8} | entry, place, "weight"),
    )
    if one.pattern is None and (not one.words or one.check != "none"):
        raise InvalidInputError("recognizer.nothing-to-look-for", **place.facts("pattern"))
    return one


def _fitting(entry: Mapping[str, Any], place: _Place, shape: re.Pattern[str]) -> str:
    value = entry.get("name")
    if not isinstance(value, str) or not shape.fullmatch(value):
        raise InvalidInputError("recognizer.bad-name", **place.facts("name"))
    return value


def _one_of(entry: Mapping[str, Any], place: _Place, key: str, known: Sequence[str]) -> str:
    value = entry.get(key)
    if not isinstance(value, str) or value not in known:
        raise InvalidInputError("recognizer.not-one-of", **place.facts(key), known=list(known))
    return value


def _words(entry: Mapping[str, Any], place: _Place) -> tuple[str, ...]:
    words = entry.get("words", [])
    fine = isinstance(words, list) and len(words) <= MOST_WORDS
    if not fine or not all(isinstance(it, str) and 0 < len(it.strip()) <= LONGEST_WORD for it in words):
        raise InvalidInputError(
            "recognizer.bad-words", **place.facts("words"), most=MOST_WORDS, longest=LONGEST_WORD
        )
    return tuple(word.strip().lower() for word in words)


def _pattern(entry: Mapping[str, Any], place: _Place) -> str | None:
    pattern = entry.get("pattern")
    if pattern is None:
        return None
    if not isinstance(pattern, str) or not 0 < len(pattern) <= LONGEST_PATTERN:
        raise InvalidInputError("recognizer.bad-pattern", **place.facts("pattern"), longest=LONGEST_PATTERN)
    try:
        # Alone as well: a quote left open would swallow what is put around it.
        pc.match_substring_regex(_PROBES, pattern)
        fitting = checks.matches(_PROBES, _whole(pattern))
    except pa.ArrowInvalid:
        raise InvalidInputError(
            "recognizer.bad-pattern", **place.facts("pattern"), longest=LONGEST_PATTERN
        ) from None
    if _parts(pattern) > MOST_PARTS:
        raise InvalidInputError("recognizer.too-many-parts", **place.facts("pattern"), most=MOST_PARTS)
    if fitting[1:].all():
        raise InvalidInputError("recognizer.fits-everything", **place.facts("pattern"))
    return pattern


def _parts(pattern: str) -> int:
    """Return how many parts the valid *pattern* has, counted ones as often as they may come.

    A part is a character, a range of a class, a sign or a group; some are several, see `_UNICODE`.
    """
    sums, last = [0], 0
    for token in _TOKEN.finditer(pattern):
        kind, text = token.lastgroup, token.group()
        if kind in ("nothing", "again"):  # a count behind it is of what stands before it
            continue
        if kind == "open":
            sums.append(1)
            continue
        if kind == "count":
            times = max([1, *map(int, re.findall(r"\d+", text))])
            sums[-1] += last * (times - 1)
            last *= times
            continue
        if kind == "close" and len(sums) > 1:
            last = sums.pop()
        elif kind == "class":
            last = sum(_WEIGHTS.get(it.lastgroup or "", 1) for it in _RANGE.finditer(text[1:-1]))
        elif kind == "quoted":
            last = len(text.encode())
        else:
            last = _WEIGHTS.get(kind or "", 1)
        sums[-1] += last
    return sum(sums)


def _whole(pattern: str) -> str:
    """RE2 matches anywhere: a value fits only from end to end."""
    return rf"^(?:{pattern})$"


def _part(entry: Mapping[str, Any], place: _Place, key: str) -> float:
    value = entry[key]
    fine = not isinstance(value, bool | str | list | dict | None) and 0 < value <= 1
    number = float(value) if fine else 0.0
    if number == 0 or (key == "weight" and number == 1):
        raise InvalidInputError("recognizer.bad-part", **place.facts(key))
    return number
