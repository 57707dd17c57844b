"""The operations of row expressions on Arrow values; `REGISTRY` is the whole language.

Every function is total (see `jobs.expressions`): whatever the cells, it returns a value or null and never
raises.  An argument is an array or, for a constant, a scalar; at least one argument of a call is an array.
Values have one representation per kind: int64, float64 (always finite, never minus zero), string, bool,
date32, timestamp[us].  A row's value depends on that row alone, to the last bit: transcendental functions
go value by value through Arrow to the C library, never through numpy's vector kernels, whose last bit may
depend on where in an array a value stands.

Where SQL engines differ, the law here is: division by zero and overflow are null; `to_integer` rounds a
float half to even and decimal text half away from zero; text is read as a number, a date or a boolean only
in plain ASCII notation (no ``inf``, ``0x1F``, ``1_000``, ``epoch``); a character is a code point; `upper`
and `lower` map character by character; `like` has no escape character.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from jobs.operations import casts, dates, logic, numbers, text
from jobs.operations.values import Datum

REGISTRY: Final[dict[str, Callable[..., Datum]]] = {
    **numbers.FUNCTIONS,
    **logic.FUNCTIONS,
    **text.FUNCTIONS,
    **dates.FUNCTIONS,
    **casts.FUNCTIONS,
}
