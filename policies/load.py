"""Strict YAML: text in, plain data with positions out.

The law: scalars mean what the YAML 1.2 core schema (yaml.org/spec/1.2.2, §10.3.2) says, so ``NO``, ``on`` and
``12:30`` are text and ``010`` is ten; numbers stay exact (`int` or `fractions.Fraction`, never a float); and
everything that could make a file mean something else than it shows is refused with its line: duplicate keys,
anchors and aliases, tags, directives, merge keys, infinities, NaN, blanks of a draft, several documents,
invisible characters, files over 1 MB, nesting over 32, more than 20,000 nodes.

libyaml's events are read one by one, without recursion into the library, and nothing is built before it has
passed: a hostile file costs no more than its size.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import yaml

from sandbox.errors import InvalidInputError
from sandbox.schema import exact

MAX_BYTES = 1_000_000
MAX_DEPTH = 32
MAX_NODES = 20_000
BLANK = "FILL"
"""What a draft says where its owner has to say something; in quotes it is text like any other."""
MAX_PREFIXED = 400
"""Longest number written with 0o or 0x, in characters."""

Path = tuple[str | int, ...]
"""Where a node stands: keys and list positions from the top."""

_INTEGER = re.compile(r"[-+]?[0-9]+")
_OCTAL_HEX = re.compile(r"0o[0-7]+|0x[0-9a-fA-F]+")
_FLOAT = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?")
_NOT_FINITE = re.compile(r"[-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN)")
_WORDS: Mapping[str, bool | None] = {
    **dict.fromkeys(("", "~", "null", "Null", "NULL")),
    **dict.fromkeys(("true", "True", "TRUE"), True),
    **dict.fromkeys(("false", "False", "FALSE"), False),
}
# Control characters, line breaks that only YAML 1.1 knows, zero-width, filling and bidirectional marks and
# tags (text that does not read as it is written: CVE-2021-42574), and code points that are no characters.
_INVISIBLE = re.compile(
    "[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\xad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180e\u200b-\u200f\u2028-\u202e"
    "\u2060-\u206f\u3164\ufeff\uffa0\ufff0-\ufffb\ufffe\uffff\U000e0000-\U000e0fff]"
)


@dataclass(frozen=True, slots=True)
class Document:
    """What a file says: *data* of dict, list, str, int, Fraction, bool and None; *lines* by path, from 1."""

    file: str
    data: Any
    lines: Mapping[Path, int]

    def line(self, path: Path) -> int:
        """Return the line of *path*, or of the nearest node above it that exists."""
        while path and path not in self.lines:
            path = path[:-1]
        return self.lines.get(path, 1)


def show_path(path: Path) -> str:
    """Return *path* as people write it: ``columns.age.categories[2]``; ``$`` is the whole file."""
    text = "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in path)
    return text.removeprefix(".") or "$"


def load(source: bytes | str, file: str) -> Document:
    """Return the one document in *source*; *file* names it in errors.

    Raises `InvalidInputError` ``policy.…`` with file, line and path for everything the module refuses.
    """
    text = _decode(source, file)
    try:
        return _Reader(file, yaml.parse(text, Loader=yaml.CSafeLoader)).document()
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        line = mark.line + 1 if mark else 1
        problem = getattr(error, "problem", None) or "not YAML"
        raise InvalidInputError("policy.not-yaml", file=file, line=line, problem=problem) from None


def _decode(source: bytes | str, file: str) -> str:
    size = len(source)
    if size > MAX_BYTES:
        raise InvalidInputError("policy.too-long", file=file, limit=MAX_BYTES)
    try:
        # Windows editors put a byte order mark in front; it says nothing and is not part of the text.
        text = (source.decode() if isinstance(source, bytes) else source).removeprefix("\ufeff")
        text.encode()
    except UnicodeError:
        raise InvalidInputError("policy.not-utf-8", file=file) from None
    _refuse_invisible(text, file, 1)
    return text


def _refuse_invisible(text: str, file: str, first_line: int) -> None:
    hidden = _INVISIBLE.search(text)
    if hidden:
        line = first_line + text.count("\n", 0, hidden.start())
        character = f"U+{ord(hidden.group()):04X}"
        raise InvalidInputError("policy.invisible-character", file=file, line=line, character=character)


class _Reader:
    """Builds one document from parser events; every refusal of the grammar stands here."""

    def __init__(self, file: str, events: Iterator[yaml.Event]) -> None:
        self._file = file
        self._events = events
        self._lines: dict[Path, int] = {}

    def document(self) -> Document:
        next(self._events)  # stream start
        start = next(self._events)
        if not isinstance(start, yaml.DocumentStartEvent):
            raise InvalidInputError("policy.empty", file=self._file)
        if start.version or start.tags:
            raise InvalidInputError("policy.directive", file=self._file, line=_line(start))
        data = self._node(next(self._events), ())
        next(self._events)  # document end
        after = next(self._events)
        if not isinstance(after, yaml.StreamEndEvent):
            raise InvalidInputError("policy.more-documents", file=self._file, line=_line(after))
        return Document(self._file, data, self._lines)

    def _node(self, event: yaml.Event, path: Path) -> Any:
        line = _line(event)
        self._lines.setdefault(path, line)
        if isinstance(event, yaml.AliasEvent) or getattr(event, "anchor", None):
            raise InvalidInputError("policy.alias", file=self._file, line=line, path=show_path(path))
        if getattr(event, "tag", None):
            raise InvalidInputError("policy.tag", file=self._file, line=line, path=show_path(path))
        if len(path) >= MAX_DEPTH and not isinstance(event, yaml.ScalarEvent):
            raise InvalidInputError("policy.too-deep", file=self._file, line=line, limit=MAX_DEPTH)
        if len(self._lines) > MAX_NODES:
            raise InvalidInputError("policy.too-many-values", file=self._file, line=line, limit=MAX_NODES)
        if isinstance(event, yaml.ScalarEvent):
            return self._scalar(event, path)
        return self._mapping(path) if isinstance(event, yaml.MappingStartEvent) else self._list(path)

    def _list(self, path: Path) -> list[Any]:
        items: list[Any] = []
        while not isinstance(event := next(self._events), yaml.SequenceEndEvent):
            items.append(self._node(event, (*path, len(items))))
        return items

    def _mapping(self, path: Path) -> dict[str, Any]:
        result: dict[str, Any] = {}
        while not isinstance(event := next(self._events), yaml.MappingEndEvent):
            key = self._key(event, path)
            here = (*path, key)
            if key in result:
                raise InvalidInputError(
                    "policy.duplicate-key",
                    file=self._file,
                    line=_line(event),
                    path=show_path(here),
                    first=self._lines[here],
                )
            result[key] = self._node(next(self._events), here)
        return result

    def _key(self, event: yaml.Event, path: Path) -> str:
        line, shown = _line(event), show_path(path)
        if not isinstance(event, yaml.ScalarEvent):
            raise InvalidInputError("policy.key-not-text", file=self._file, line=line, path=shown)
        key = self._node(event, (*path, event.value))
        if key == "<<" and event.implicit[0]:
            raise InvalidInputError("policy.merge-key", file=self._file, line=line, path=shown)
        if not isinstance(key, str):
            raise InvalidInputError("policy.key-not-text", file=self._file, line=line, path=shown)
        return key

    def _scalar(self, event: yaml.ScalarEvent, path: Path) -> str | int | Fraction | bool | None:
        text = str(event.value)
        if not event.implicit[
            0
        ]:  # quoted or block: always text, and an escape can hide what the file may not
            _refuse_invisible(text, self._file, _line(event))
            return text
        if text == BLANK:
            raise InvalidInputError(
                "policy.blank", file=self._file, line=_line(event), path=show_path(path), blank=BLANK
            )
        if _NOT_FINITE.fullmatch(text):
            where = show_path(path)
            raise InvalidInputError("policy.not-finite", file=self._file, line=_line(event), path=where)
        try:
            return _plain(text)
        except (ValueError, InvalidInputError):
            where = show_path(path)
            raise InvalidInputError(
                "policy.number-too-long", file=self._file, line=_line(event), path=where
            ) from None


def _plain(text: str) -> str | int | Fraction | bool | None:
    """Return what a plain scalar means in the core schema; raises if a number is absurdly long."""
    if text in _WORDS:
        return _WORDS[text]
    if _INTEGER.fullmatch(text):
        return int(exact(text))
    if _FLOAT.fullmatch(text):
        return exact(text)
    if _OCTAL_HEX.fullmatch(text):
        if len(text) > MAX_PREFIXED:
            raise ValueError(len(text))
        return int(text[2:], 8 if text[1] == "o" else 16)
    return text


def _line(event: yaml.Event) -> int:
    mark = event.start_mark
    assert mark is not None  # every parser event has one
    return int(mark.line) + 1
