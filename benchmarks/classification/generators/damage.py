"""Dirt: what makes a column of a real system hard to read.  Each column has its own share and habits."""

from __future__ import annotations

from collections.abc import Callable
from random import Random

SHARES = (0.0, 0.0, 0.0, 0.02, 0.05, 0.1, 0.15, 0.2, 0.3)
NOTHING = ("", "", "", "无", "不详", "NULL", "-", "/", "未知", "N/A", "空")
_WIDE = str.maketrans({code: code + 0xFEE0 for code in range(0x21, 0x7F)})


def _wide(value: str, _chance: Random) -> str:
    return value.translate(_WIDE)


def _spaced(value: str, chance: Random) -> str:
    at = chance.randrange(len(value) + 1)
    return chance.choice((f" {value}", f"{value} ", f"{value}\u3000", f"{value[:at]} {value[at:]}"))


def _dashed(value: str, _chance: Random) -> str:
    return f"{value[:3]}-{value[3:7]}-{value[7:]}" if value.isdigit() and len(value) > 7 else value


def _wrong(value: str, chance: Random) -> str:
    """One digit is another one; a text without digits loses its last sign."""
    at = [place for place, sign in enumerate(value) if sign.isascii() and sign.isdigit()]
    if not at:
        return value[:-1]
    place = chance.choice(at)
    return value[:place] + str((int(value[place]) + chance.randrange(1, 10)) % 10) + value[place + 1 :]


def masked(value: str, _chance: Random) -> str:
    """Return *value* with its middle starred, as portals publish it."""
    keep = 1 if len(value) < 5 else len(value) // 3
    return (
        value[:keep]
        + "*" * max(1, len(value) - 2 * keep)
        + value[len(value) - (keep if len(value) > 2 else 0) :]
    )


_HABITS: tuple[Callable[[str, Random], str], ...] = (_wide, _spaced, _dashed, _wrong)


def damaged(values: list[str], chance: Random, personal: bool) -> list[str]:
    """Return *values* with a share of them damaged; only what is *personal* is ever starred."""
    share = chance.choice(SHARES)
    nothing = chance.choice(NOTHING)
    habits = chance.sample((*_HABITS, masked) if personal else _HABITS, 2)
    result = []
    for value in values:
        hit = value and chance.random() < share
        habit = chance.choice((None, *habits))
        result.append((habit(value, chance) if habit else nothing) if hit else value)
    return result
