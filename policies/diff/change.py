"""A difference between two policies: which way it goes, and a message key with facts.

The direction is about what can be learned, never about noise: *loosens* if somebody can learn anything that
nobody could before, *tightens* if only less can be learned than before, *neutral* if neither.  Where it
cannot be told, it loosens: whoever is warned for nothing looks once too often.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from fractions import Fraction
from typing import Any

from policies.conform import decimal
from sandbox.errors import Fact


class Direction(StrEnum):
    """Which way a change goes."""

    LOOSENS = "loosens"
    TIGHTENS = "tightens"
    NEUTRAL = "neutral"


@dataclass(frozen=True, slots=True)
class Change:
    """One sentence: *code* is its message, *facts* fill it in.

    *rules* are the places that it comes from, as paths: of the new policy where that has them.
    """

    direction: Direction
    code: str
    rules: tuple[str, ...]
    facts: Mapping[str, Fact]

    def to_json(self) -> dict[str, Any]:
        """Return ``{"direction", "code", "rules", "facts"}``."""
        return {
            "direction": self.direction.value,
            "code": self.code,
            "rules": list(self.rules),
            "facts": dict(self.facts),
        }


def loosening(code: str, rules: Iterable[str], **facts: Fact) -> Change:
    """Return a change that lets somebody learn more."""
    return Change(Direction.LOOSENS, code, tuple(rules), facts)


def tightening(code: str, rules: Iterable[str], **facts: Fact) -> Change:
    """Return a change that lets people learn less."""
    return Change(Direction.TIGHTENS, code, tuple(rules), facts)


def neutral(code: str, rules: Iterable[str], **facts: Fact) -> Change:
    """Return a change that lets nobody learn more or less."""
    return Change(Direction.NEUTRAL, code, tuple(rules), facts)


def written(value: object) -> str:
    """Return a value of a policy as people write it; nothing is a dash."""
    if value is None:
        return "–"
    if isinstance(value, Fraction):
        return decimal(value)
    if isinstance(value, list | tuple | set | frozenset):
        return f"[{', '.join(map(written, value))}]"
    if isinstance(value, dict):
        return ", ".join(f"{key}: {written(one)}" for key, one in value.items()) or "–"
    return str(value)
