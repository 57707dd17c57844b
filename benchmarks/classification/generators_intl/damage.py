"""Dirt of real files: each column has its own share of damaged cells, mark for nothing and habits."""

from __future__ import annotations

from collections.abc import Callable
from random import Random

SHARES = (0.0, 0.0, 0.0, 0.02, 0.05, 0.1, 0.15, 0.2, 0.3)
NOTHING = ("", "", "", "N/A", "NULL", "-", "unknown", "n/a", "?", "none", "#N/A", "NaN")


def _spaced(value: str, chance: Random) -> str:
    at = chance.randrange(len(value) + 1)
    return chance.choice((f" {value}", f"{value}  ", f"{value}\u00a0", f"{value[:at]} {value[at:]}"))


def _bare(value: str, _chance: Random) -> str:
    """Separators are lost."""
    kept = "".join(sign for sign in value if sign.isalnum())
    return kept or value


def _case(value: str, _chance: Random) -> str:
    return value.lower() if value != value.lower() else value.upper()


def _wrong(value: str, chance: Random) -> str:
    """One digit is another one; a text without digits has two letters in the wrong order."""
    at = [place for place, sign in enumerate(value) if sign.isascii() and sign.isdigit()]
    if at:
        place = chance.choice(at)
        return value[:place] + str((int(value[place]) + chance.randrange(1, 10)) % 10) + value[place + 1 :]
    place = chance.randrange(max(1, len(value) - 1))
    return value[:place] + value[place : place + 2][::-1] + value[place + 2 :]


def masked(value: str, _chance: Random) -> str:
    """Return *value* with all but its last four signs crossed out."""
    return "X" * max(0, len(value) - 4) + value[-4:]


_HABITS: tuple[Callable[[str, Random], str], ...] = (_spaced, _bare, _case, _wrong)


def damaged(values: list[str], chance: Random) -> list[str]:
    """Return *values* with a share of them damaged."""
    share, nothing, habits = chance.choice(SHARES), chance.choice(NOTHING), chance.sample(_HABITS, 2)
    result = []
    for value in values:
        hit = value and chance.random() < share
        habit = chance.choice((None, *habits))
        result.append((habit(value, chance) if habit else nothing) if hit else value)
    return result
