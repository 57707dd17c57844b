"""Words for codes: the one place where a code and its facts become a sentence.

A code ``area.what-is-wrong`` stands in ``en/<area>.yaml`` and ``zh/<area>.yaml``, flat mappings of code to
one line with ``{placeholders}``.  Finding words never fails: a message missing in a language is looked for
in English, and after that the code and its facts are shown as they are, since an error that cannot be
printed would hide the first one.  A fact is written so that it cannot move the cursor, start a line or
colour the terminal: names in it may come from a stranger's file.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import Final

import yaml

from sandbox.errors import Fact, KeyongError

LANGUAGES: Final = ("en", "zh")
"""The languages we speak; the first is what we fall back to."""

_FOLDER = Path(__file__).parent
_IN_FORCE: Final = re.compile(r"policy version (\d+):(\d+)")
_SEPARATORS = {"en": ", ", "zh": "、"}


def language(environment: Mapping[str, str] = os.environ) -> str:
    """Return our language; the first of KEYONG_LANG, LC_ALL, LC_MESSAGES, LANG that is set decides."""
    for name in ("KEYONG_LANG", "LC_ALL", "LC_MESSAGES", "LANG"):
        if wanted := environment.get(name):
            return "zh" if wanted.lower().startswith("zh") else "en"
    return "en"


def text(error: KeyongError, language: str) -> str:
    """Return the one-line message of *error* in *language* (``en`` or ``zh``)."""
    return say(error.code, language, **error.facts)


def say(key: str, language: str, /, **facts: Fact) -> str:
    """Return the sentence that *key* names filled in with *facts*, or bare key and facts if there is none."""
    shown = {name: _show(value, language) for name, value in facts.items()}
    if "where" in facts:
        shown["where"] = _place(str(shown["where"]), language)
    for candidate in (language, LANGUAGES[0]):
        # A fact may be missing or of another type than the sentence expects: then the bare facts are better.
        with suppress(KeyError, ValueError):
            return messages(candidate, key.partition(".")[0])[key].format_map(shown)
    return _bare(key, shown)


@cache
def messages(language: str, area: str) -> Mapping[str, str]:
    """Return the messages of one *area*, empty if there are none."""
    path = _FOLDER / language / f"{area}.yaml"
    # An area is a part of a code, never a path: codes are literals, but this function is public.
    if not area.replace("-", "").isalnum() or language not in LANGUAGES or not path.is_file():
        return {}
    loaded: dict[str, str] = yaml.load(path.read_bytes(), yaml.CSafeLoader)
    return loaded


def _place(where: str, language: str) -> str:
    """Return ``policy version 2:26``, which no file is, in words."""
    found = _IN_FORCE.fullmatch(where)
    return say("policy.place", language, version=found[1], line=found[2]) if found else where


def _show(value: Fact, language: str) -> str | int | float:
    if isinstance(value, int | float) and not isinstance(value, bool):
        return value
    if isinstance(value, list):
        value = _SEPARATORS.get(language, ", ").join(value) or "–"
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in str(value))


def _bare(key: str, shown: Mapping[str, str | int | float]) -> str:
    listed = ", ".join(f"{name}: {value}" for name, value in shown.items())
    return f"{key} ({listed})" if listed else key
